/* SPDX-License-Identifier: Apache-2.0 */
/* Any text, redacted: no secret value is left, doing it again changes nothing, a tail is no more than
 * its text, and nothing reads beyond the end. */
#include "base/err.h"
#include "base/mem.h"
#include "trace/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *const envp[] = {
	"API_TOKEN=hunter2/secret+value",
	"DB_PASSWORD=p@ss w\"o\\rd&x",
	"HOST_KEY=line one of the key\nline two of the key",
	"X_SECRET=aaaaaaaa",
	"HOME=/root",
	NULL,
};

static void must_not_have(const struct str *out, const char *secret)
{
	if (out->len && memmem(out->data, out->len, secret, strlen(secret))) {
		fprintf(stderr, "left: %s\n", secret);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redactor *r;
	struct str once = STR_INIT, twice = STR_INIT, tail = STR_INIT;
	struct err e;
	char *text;

	if (!r && redactor_new(&r, envp, NULL, NULL, &e) < 0)
		abort();
	text = xmalloc(size ? size : 1);
	memcpy(text, data, size);
	redact_text(r, text, size, &once);
	must_not_have(&once, "hunter2/secret+value");
	must_not_have(&once, "p@ss w\"o\\rd&x");
	must_not_have(&once, "aaaaaaaa");
	must_not_have(&once, "line two of the key");
	redact_text(r, str_cstr(&once), once.len, &twice);
	if (twice.len != once.len || (once.len && memcmp(once.data, twice.data, once.len) != 0)) {
		fprintf(stderr, "once:  %s\ntwice: %s\n", str_cstr(&once), str_cstr(&twice));
		abort();
	}
	redact_tail(r, text, size, size / 2, &tail);
	must_not_have(&tail, "hunter2/secret+value");
	str_reset(&tail);
	if (size > 1)
		redact_value(r, data[0] & 1 ? "comm" : "api_key", text, size, &tail);
	free(text);
	str_release(&once);
	str_release(&twice);
	str_release(&tail);
	return 0;
}
