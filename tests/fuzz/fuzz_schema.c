/* SPDX-License-Identifier: Apache-2.0 */
/* A schema and a document, with a NUL byte between them: neither can hang, crash or leak. */
#include "base/err.h"
#include "base/json_read.h"
#include "base/schema.h"
#include "base/str.h"

#include <string.h>

static bool count_report(void *arg, const struct schema_place *at, const char *what)
{
	auto_str place = STR_INIT;

	schema_place_write(at, &place);
	return ++*(unsigned *)arg < 1000 && *what;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = memchr(data, 0, size);
	size_t schema_len = cut ? (size_t)(cut - data) : size;
	struct schema *s = NULL;
	struct json_reader *r;
	const struct json_value *v;
	struct schema_place root = { 0 };
	struct err e;
	unsigned findings = 0;

	if (schema_parse(&s, "schema", (const char *)data, schema_len, &e) < 0 || !cut) {
		schema_free(s);
		return 0;
	}
	r = json_reader_text((const char *)cut + 1, size - schema_len - 1, "document");
	if (json_take(r, &v, &e) == 0) {
		bool good = schema_check(s, v, &root, count_report, &findings);

		/* what is reported and what is said agree */
		if (good != (findings == 0) || good != schema_check(s, v, &root, NULL, NULL))
			__builtin_trap();
	}
	json_reader_free(r);
	schema_free(s);
	return 0;
}
