/* SPDX-License-Identifier: Apache-2.0 */
/* gather_rows.c - reads rows that a collector left (facts-NAME.json, schemas/facts_v1.yaml):
 * {version: 1, facts: [{fact: KIND, from: "FILE#POINTER", columns …}]}. */
#include "evidence/gather.h"

#include "base/err.h"
#include "base/mem.h"
#include "evidence/gather_json.h"

#include <string.h>

/* A row that is wrong is no row. */
static int row_wrong(struct facts *f, int kind, const char *path, const char *at, struct err *e, const char *what,
		     const char *word)
{
	f->table[kind].n--;
	return err_set(e, ERR_FAILURE, "%s%s: '%s' %s", path, at, word, what);
}

static int read_row(struct facts *f, const char *file, const char *path, const struct json_value *o, size_t index,
		    struct err *e)
{
	const char *kind = json_get_text(o, "fact");
	auto_free char *at = xasprintf("/facts/%zu", index);
	struct fact_row *r;
	int k;

	k = kind ? fact_kind_find(kind) : -1;
	if (k < 0)
		return err_set(e, ERR_FAILURE, "%s%s: '%s' is not a kind of facts", path, at, kind ? kind : "");
	r = fact_add(f, (enum fact_kind)k, file, at);
	if (!r)
		return 0;
	json_each(v, o) {
		const char *key = v->key;
		int c = fact_col_find((enum fact_kind)k, key);
		bool fits = true;

		if (strcmp(key, "fact") == 0 || strcmp(key, "from") == 0)
			continue;
		if (c < 0)
			return row_wrong(f, k, path, at, e, "is not a column of its kind", key);
		switch (fact_columns[c].type) {
		case FACT_TEXT:
			fits = is_kind(v, JSON_STRING);
			if (fits)
				fact_set_text(f, r, (enum fact_col)c, json_text(v));
			break;
		case FACT_INT:
			fits = is_integer(v);
			if (fits)
				fact_set_int(r, (enum fact_col)c, v->integer);
			break;
		case FACT_NUM:
			fits = is_kind(v, JSON_NUMBER);
			if (fits)
				fact_set_num(r, (enum fact_col)c, v->number);
			break;
		case FACT_BOOL:
			fits = (is_kind(v, JSON_TRUE) || is_kind(v, JSON_FALSE));
			if (fits)
				fact_set_bool(r, (enum fact_col)c, is_kind(v, JSON_TRUE));
			break;
		}
		if (!fits && !is_kind(v, JSON_NULL))
			return row_wrong(f, k, path, at, e, "has a value of another type", key);
	}
	return 0;
}

int gather_rows(struct facts *f, const char *file, const char *path, const struct json_value *root, struct err *e)
{
	const struct json_value *list = json_get(root, "facts"), *o;
	size_t i;

	if (json_get_int(root, "version", 0) != 1 || !is_kind(list, JSON_ARRAY))
		return err_set(e, ERR_FAILURE, "%s: not {\"version\": 1, \"facts\": [...]}", path);
	json_items(list, i, o)
		if (read_row(f, file, path, o, i, e) < 0)
			return -1;
	return 0;
}
