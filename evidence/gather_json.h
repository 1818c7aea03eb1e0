/* SPDX-License-Identifier: Apache-2.0 */
/* gather_json.h - values of JSON as values of rows: taken where their type fits, else left unknown. */
#ifndef EVIDENCE_GATHER_JSON_H
#define EVIDENCE_GATHER_JSON_H

#include "base/json_read.h"
#include "evidence/fact.h"

#define json_items(list, i, item) \
	for (i = 0, item = (list) ? (list)->first : NULL; item; i++, item = item->next)

static inline bool is_kind(const struct json_value *v, enum json_kind kind)
{
	return v && v->kind == kind;
}

static inline bool is_integer(const struct json_value *v)
{
	return is_kind(v, JSON_NUMBER) && v->is_integer;
}

static inline size_t json_count(const struct json_value *v)
{
	return is_kind(v, JSON_ARRAY) ? v->count : 0;
}

static inline const char *json_text(const struct json_value *v)
{
	return is_kind(v, JSON_STRING) ? v->text : NULL;
}

/* The member under key where it is an integer. */
bool jint(const struct json_value *o, const char *key, int64_t *out);

void put_int(struct fact_row *r, enum fact_col c, const struct json_value *o, const char *key);
void put_num(struct fact_row *r, enum fact_col c, const struct json_value *o, const char *key);
void put_bool(struct fact_row *r, enum fact_col c, const struct json_value *o, const char *key);
/* A text, or an integer as text. */
void put_text(struct facts *f, struct fact_row *r, enum fact_col c, const struct json_value *o, const char *key);
/* A list of words as one line (words.h), or a text; an empty list is nothing. */
void put_argv(struct facts *f, struct fact_row *r, enum fact_col c, const struct json_value *v);

#endif
