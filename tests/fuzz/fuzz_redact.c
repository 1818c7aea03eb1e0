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
	"DEPLOY_KEY=line one of the key\nline two of the key",
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

/* What secrets stand in and beside: random bytes seldom spell a name. A first byte of 0xff: each byte above
 * 127 stands for one of these. */
static const char *const pieces[] = {
	"token", "password", "key", "API_KEY", "--token", "secret", "Cookie", "auth", "name", "value", "=", ": ", ":", "\"", "'", "\\\"", "&quot;", "%22", "%3A", "%3D", ", ",
	"\n", "\n- ", "\n  ", " is ", "->", "=>", "{", "}", "[", "]", "(", ")", "b\"", "<", ">", "</", "-u ", ":5432:", "://", "@", "?", "&", "-----BEGIN PRIVATE KEY-----", "-----END ",
	"<redacted:", "<redacted:token>", "hunter2/secret+value", "hunter2", "/secret+value", "aHVudGVyMi9zZWNyZXQrdmFsdWU=", "68756e746572322f", "h\033[1mu", "nter2\\/secret",
	"hunter2%2Fsecret%2Bvalue", "NB2W45DFOIZC643FMNZGK5BLOZQWY5LF", "aaaaaaaa", "Zq7kP2vX9w", "must be long", "ghp_abcdefghijklmnopqrst", "eyJabc.def", "machine h login u ",
};
#define PIECES (sizeof(pieces) / sizeof(pieces[0]))

static char *spell(const uint8_t *data, size_t *size)
{
	struct str out = STR_INIT;

	if (!*size || data[0] != 0xff) {
		str_addn(&out, (const char *)data, *size);
	} else {
		for (size_t i = 1; i < *size; i++)
			if (data[i] >= 128)
				str_add(&out, pieces[(data[i] - 128u) % PIECES]);
			else
				str_addc(&out, (char)data[i]);
	}
	*size = out.len;
	return out.data ? out.data : xmalloc(1);
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
	text = spell(data, &size);
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
		redact_value(r, text[0] & 1 ? "comm" : "api_key", text, size, &tail);
	free(text);
	str_release(&once);
	str_release(&twice);
	str_release(&tail);
	return 0;
}
