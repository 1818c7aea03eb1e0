/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/config/resolved.h"

#include "base/json_write.h"

#include <string.h>

/* Of a field with rows for several names the first one speaks. */
static void put_value(struct json *j, const struct options *o, const struct option_row *row, const char *name)
{
	const void *field = (const char *)o + row->offset;
	const struct strv *list = field;

	switch (row->type) {
	case OPTION_BOOL:
	case OPTION_NOT: json_bool(j, name, *(const bool *)field); break;
	case OPTION_INT:
	case OPTION_MS: json_int(j, name, *(const int64_t *)field); break;
	case OPTION_WORD: json_str(j, name, row->words[*(const int *)field]); break;
	case OPTION_STRING:
	case OPTION_PATH: json_str(j, name, *(char *const *)field); break;
	case OPTION_LIST:
		json_array(j, name);
		for (size_t i = 0; i < list->n; i++)
			json_str(j, NULL, list->v[i]);
		json_array_end(j);
		break;
	case OPTION_SIGNAL: json_int(j, name, *(const int *)field); break;
	case OPTION_SECONDS: break; /* the same field, by its name in milliseconds */
	case OPTION_TIME: break; /* a moment of that run */
	}
}

static void put_section(struct json *j, const struct options *o, const char *section)
{
	size_t n = strlen(section);

	json_object(j, section);
	for (size_t i = 0; i < option_row_count; i++) {
		const char *key = option_rows[i].key;

		if (key && strncmp(key, section, n) == 0 && key[n] == '.')
			put_value(j, o, &option_rows[i], key + n + 1);
	}
	json_object_end(j);
}

void options_resolved_json(const struct options *o, const char *file, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "file", file);
	put_section(&j, o, "liveness");
	put_section(&j, o, "run");
	json_object_end(&j);
	json_finish(&j);
}
