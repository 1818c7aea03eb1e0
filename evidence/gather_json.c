/* SPDX-License-Identifier: Apache-2.0 */
/* gather_json.c - see gather_json.h. */
#include "evidence/gather_json.h"

#include "evidence/words.h"

#include <stdio.h>

bool jint(const struct json_value *o, const char *key, int64_t *out)
{
	const struct json_value *v = json_get(o, key);

	if (!is_integer(v))
		return false;
	*out = v->integer;
	return true;
}

void put_int(struct fact_row *r, enum fact_col c, const struct json_value *o, const char *key)
{
	int64_t v;

	if (jint(o, key, &v))
		fact_set_int(r, c, v);
}

void put_num(struct fact_row *r, enum fact_col c, const struct json_value *o, const char *key)
{
	const struct json_value *v = json_get(o, key);

	if (is_kind(v, JSON_NUMBER))
		fact_set_num(r, c, v->is_integer ? (double)v->integer : v->number);
}

void put_bool(struct fact_row *r, enum fact_col c, const struct json_value *o, const char *key)
{
	const struct json_value *v = json_get(o, key);

	if (is_kind(v, JSON_TRUE) || is_kind(v, JSON_FALSE))
		fact_set_bool(r, c, v->kind == JSON_TRUE);
}

void put_text(struct facts *f, struct fact_row *r, enum fact_col c, const struct json_value *o, const char *key)
{
	const struct json_value *v = json_get(o, key);
	char number[32];

	if (is_integer(v)) {
		snprintf(number, sizeof(number), "%lld", (long long)v->integer);
		fact_set_text(f, r, c, number);
	} else {
		fact_set_text(f, r, c, json_text(v));
	}
}

void put_argv(struct facts *f, struct fact_row *r, enum fact_col c, const struct json_value *v)
{
	auto_str line = STR_INIT;

	if (is_kind(v, JSON_STRING))
		fact_set_text(f, r, c, v->text);
	if (!json_count(v))
		return;
	json_each(word, v)
		if (word->kind == JSON_STRING)
			words_add(&line, word->text);
	fact_set_text(f, r, c, str_cstr(&line));
}
