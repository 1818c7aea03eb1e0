/* SPDX-License-Identifier: Apache-2.0 */
/* Checks values against a compiled schema; see schema.h. */
#include "base/schema_internal.h"

#include <inttypes.h>
#include <math.h>
#include <pcre2.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Alternatives within alternatives that consume nothing are cut here; depth of data is bounded
 * by its reader. */
#define CHECK_DEPTH 256

struct check {
	schema_report *report; /* NULL: only yes or no is wanted */
	void *arg;
	bool ok, stopped;
	int depth;
};

static void complain(struct check *c, const struct schema_place *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void complain(struct check *c, const struct schema_place *at, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	c->ok = false;
	if (!c->report)
		c->stopped = true;
	if (c->stopped)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (!c->report(c->arg, at, what))
		c->stopped = true;
}

void schema_place_write(const struct schema_place *p, struct str *out)
{
	if (!p || !p->up)
		return;
	schema_place_write(p->up, out);
	str_addc(out, '/');
	if (!p->key) {
		str_add_i64(out, (int64_t)p->index);
		return;
	}
	for (size_t i = 0; i < p->key_len; i++) {
		unsigned char c = (unsigned char)p->key[i];

		if (c == '~')
			str_add(out, "~0");
		else if (c == '/')
			str_add(out, "~1");
		else if (c < 0x20 || c == 0x7f)
			str_addf(out, "%%%02X", c); /* one line stays one line */
		else
			str_addc(out, (char)c);
	}
}

static bool regex_matches(void *regex, const char *s, size_t n)
{
	static pcre2_match_data *data; /* one vector is enough: nobody asks where */

	if (!data)
		data = pcre2_match_data_create(1, NULL);
	return data && pcre2_match(regex, (PCRE2_SPTR)s, n, 0, PCRE2_NO_UTF_CHECK, data, NULL) >= 0;
}

static size_t characters(const struct json_value *v)
{
	size_t n = 0;

	for (size_t i = 0; i < v->len; i++)
		n += ((unsigned char)v->text[i] & 0xc0) != 0x80;
	return n;
}

static bool const_equals(const struct schema_const *c, const struct json_value *v)
{
	if (c->kind != v->kind)
		return false;
	if (v->kind == JSON_STRING)
		return c->len == v->len && memcmp(c->text, v->text, v->len) == 0;
	return v->kind != JSON_NUMBER || c->number == v->number;
}

static bool consts_have(const struct schema *s, const struct json_value *v)
{
	for (size_t i = 0; i < s->const_count; i++)
		if (const_equals(&s->consts[i], v))
			return true;
	return false;
}

static void check_consts(struct check *c, const struct schema *s, const struct json_value *v,
			 const struct schema_place *at)
{
	char list[300];
	size_t used = 0;

	if (consts_have(s, v))
		return;
	list[0] = '\0';
	for (size_t i = 0; c->report && i < s->const_count && used < sizeof(list) - 1; i++) {
		int n = snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", s->consts[i].text);

		used += n > 0 ? (size_t)n : 0;
	}
	complain(c, at, s->const_count == 1 ? "must be %s" : "must be one of %s", list);
}

static bool type_matches(const struct schema *s, const struct json_value *v)
{
	if (s->types & 1u << v->kind)
		return true;
	return (s->types & TYPE_INTEGER) && v->kind == JSON_NUMBER &&
	       (v->is_integer || (fabs(v->number) < 9e15 && v->number == (double)(int64_t)v->number));
}

static void complain_type(struct check *c, const struct schema *s, const struct json_value *v,
			  const struct schema_place *at)
{
	static const struct { unsigned bit; const char *text;
	} texts[] = {
		{ 1u << JSON_NULL, "null" },	    { 1u << JSON_TRUE, "a boolean" },
		{ 1u << JSON_NUMBER, "a number" },  { TYPE_INTEGER, "an integer" },
		{ 1u << JSON_STRING, "a string" },  { 1u << JSON_ARRAY, "an array" },
		{ 1u << JSON_OBJECT, "an object" },
	};
	char list[120] = "";

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (s->types & texts[i].bit) {
			size_t used = strlen(list);

			snprintf(list + used, sizeof(list) - used, "%s%s", used ? " or " : "", texts[i].text);
		}
	complain(c, at, "must be %s, not %s", list,
		 v->kind == JSON_NUMBER ? "this number" : json_kind_text(v->kind));
}

static void check_node(struct check *c, const struct schema *s, const struct json_value *v,
		       const struct schema_place *at);

static const struct json_value *member_named(const struct json_value *v, const char *key, size_t len)
{
	json_each(m, v)
		if (m->key_len == len && memcmp(m->key, key, len) == 0)
			return m;
	return NULL;
}

static void check_member(struct check *c, const struct schema *s, const struct json_value *m,
			 const struct schema_place *at)
{
	struct schema_place here = { at, m->key, m->key_len, 0 };
	bool allowed;
	const struct schema *sub = schema_member(s, m->key, m->key_len, &allowed);

	if (!allowed)
		complain(c, &here, "unknown member");
	else if (sub)
		check_node(c, sub, m, &here);
}

static void check_object(struct check *c, const struct schema *s, const struct json_value *v,
			 const struct schema_place *at)
{
	size_t consts = 0;

	for (; consts < s->property_count && s->properties[consts].schema->has_consts && !c->stopped; consts++) {
		const struct schema_property *p = &s->properties[consts];
		const struct json_value *m = member_named(v, p->key, p->len);
		struct schema_place here = { at, p->key, p->len, 0 };

		if (m)
			check_node(c, p->schema, m, &here);
	}
	for (size_t i = 0; i < s->required.n && !c->stopped; i++)
		if (!member_named(v, s->required.v[i], strlen(s->required.v[i])))
			complain(c, at, "'%s' is missing", s->required.v[i]);
	if (s->min_properties >= 0 && v->count < s->min_properties)
		complain(c, at, "must have at least %" PRId64 " members", s->min_properties);
	if (s->max_properties >= 0 && v->count > s->max_properties)
		complain(c, at, "must have at most %" PRId64 " members", s->max_properties);
	if (!s->property_count && !s->pattern_count && !s->additional && !s->additional_denied)
		return;
	json_each(m, v) {
		bool done = false;

		for (size_t i = 0; i < consts && !done; i++)
			done = s->properties[i].len == m->key_len &&
			       memcmp(s->properties[i].key, m->key, m->key_len) == 0;
		if (!done)
			check_member(c, s, m, at);
		if (c->stopped)
			return;
	}
}

static bool values_equal(const struct json_value *a, const struct json_value *b)
{
	const struct json_value *x, *y;

	if (a->kind != b->kind || a->count != b->count)
		return false;
	switch (a->kind) {
	case JSON_NUMBER:
		return a->is_integer && b->is_integer ? a->integer == b->integer : a->number == b->number;
	case JSON_STRING: return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
	case JSON_ARRAY:
		for (x = a->first, y = b->first; x; x = x->next, y = y->next)
			if (!values_equal(x, y))
				return false;
		return true;
	case JSON_OBJECT:
		json_each(m, a) {
			const struct json_value *other = member_named(b, m->key, m->key_len);

			if (!other || !values_equal(m, other))
				return false;
		}
		return true;
	default: return true;
	}
}

static void check_array(struct check *c, const struct schema *s, const struct json_value *v,
			const struct schema_place *at)
{
	struct schema_place here = { at, NULL, 0, 0 };

	if (s->min_items >= 0 && v->count < s->min_items)
		complain(c, at, "must have at least %" PRId64 " items", s->min_items);
	if (s->max_items >= 0 && v->count > s->max_items)
		complain(c, at, "must have at most %" PRId64 " items", s->max_items);
	json_each(item, v) {
		if (c->stopped)
			return;
		if (s->items)
			check_node(c, s->items, item, &here);
		for (const struct json_value *other = s->unique_items ? v->first : item; other != item;
		     other = other->next)
			if (values_equal(other, item)) {
				complain(c, &here, "is here twice");
				break;
			}
		here.index++;
	}
}

/* The alternative that the constants (const, enum) in v choose: all that it has of them allow it.
 * NULL where none or several do. */
static const struct schema *alternative_chosen(const struct schema *s, const struct json_value *v)
{
	const struct schema *chosen = NULL;

	for (size_t i = 0; i < s->alternative_count; i++) {
		const struct schema *a = schema_real(s->alternatives[i]);
		bool told = false, differs = false;

		if (a->types && !type_matches(a, v))
			continue;
		for (size_t k = 0; v->kind == JSON_OBJECT && k < a->property_count; k++) {
			const struct schema_property *p = &a->properties[k];
			const struct json_value *m;

			if (!p->schema->has_consts)
				break;
			m = member_named(v, p->key, p->len);
			told |= m != NULL;
			differs |= m && !consts_have(p->schema, m);
		}
		if (differs || (!told && v->kind == JSON_OBJECT && a->property_count &&
				a->properties[0].schema->has_consts))
			continue;
		if (chosen)
			return NULL;
		chosen = a;
	}
	return chosen;
}

static void check_alternatives(struct check *c, const struct schema *s, const struct json_value *v,
			       const struct schema_place *at)
{
	const struct schema *chosen = alternative_chosen(s, v);
	size_t fits = 0;

	if (chosen) {
		check_node(c, chosen, v, at);
		return;
	}
	for (size_t i = 0; i < s->alternative_count && (fits == 0 || s->exactly_one); i++) {
		struct check quiet = { .ok = true, .depth = c->depth };

		check_node(&quiet, s->alternatives[i], v, at);
		fits += quiet.ok;
	}
	if (fits == 0)
		complain(c, at, "matches none of the %zu forms allowed here", s->alternative_count);
	else if (fits > 1 && s->exactly_one)
		complain(c, at, "is %zu of the forms of which it may be only one", fits);
}

static void check_string(struct check *c, const struct schema *s, const struct json_value *v,
			 const struct schema_place *at)
{
	if (s->min_length > 0 && characters(v) < (size_t)s->min_length)
		complain(c, at, "must have at least %" PRId64 " characters", s->min_length);
	if (s->max_length >= 0 && v->len > (size_t)s->max_length && characters(v) > (size_t)s->max_length)
		complain(c, at, "must have at most %" PRId64 " characters", s->max_length);
	if (s->regex && !regex_matches(s->regex, v->text, v->len))
		complain(c, at, "must match %s", s->pattern);
}

static void check_node(struct check *c, const struct schema *s, const struct json_value *v,
		       const struct schema_place *at)
{
	s = schema_real(s);
	if (c->stopped)
		return;
	if (++c->depth > CHECK_DEPTH) {
		complain(c, at, "is nested too deep for its schema");
		c->depth--;
		return;
	}
	if (s->types && !type_matches(s, v)) {
		complain_type(c, s, v, at);
		c->depth--;
		return;
	}
	if (s->has_consts)
		check_consts(c, s, v, at);
	if (v->kind == JSON_STRING)
		check_string(c, s, v, at);
	if (v->kind == JSON_NUMBER && s->has_min && v->number < s->min)
		complain(c, at, "must be at least %.15g", s->min);
	if (v->kind == JSON_NUMBER && s->has_max && v->number > s->max)
		complain(c, at, "must be at most %.15g", s->max);
	if (v->kind == JSON_OBJECT)
		check_object(c, s, v, at);
	if (v->kind == JSON_ARRAY)
		check_array(c, s, v, at);
	if (s->alternatives)
		check_alternatives(c, s, v, at);
	c->depth--;
}

bool schema_check(const struct schema *s, const struct json_value *v, const struct schema_place *at,
		  schema_report *report, void *arg)
{
	struct check c = { .report = report, .arg = arg, .ok = true };

	check_node(&c, s, v, at);
	return c.ok;
}

const struct schema *schema_member(const struct schema *s, const char *key, size_t len, bool *allowed)
{
	s = schema_real(s);
	*allowed = true;
	for (size_t i = 0; i < s->property_count; i++)
		if (s->properties[i].len == len && memcmp(s->properties[i].key, key, len) == 0)
			return schema_real(s->properties[i].schema);
	for (size_t i = 0; i < s->pattern_count; i++)
		if (regex_matches(s->patterns[i].regex, key, len))
			return schema_real(s->patterns[i].schema);
	*allowed = !s->additional_denied;
	return schema_real(s->additional);
}

const struct schema *schema_items(const struct schema *s)
{
	return schema_real(schema_real(s)->items);
}

const char *schema_required(const struct schema *s, size_t i)
{
	s = schema_real(s);
	return i < s->required.n ? s->required.v[i] : NULL;
}

const char *schema_enum_text(const struct schema *s, size_t i)
{
	s = schema_real(s);
	return i < s->const_count ? s->consts[i].text : NULL;
}

const char *schema_description(const struct schema *s)
{
	while (!s->description && s->target)
		s = s->target;
	return s->description;
}

const struct schema *schema_property_at(const struct schema *s, size_t i, const char **name)
{
	s = schema_real(s);
	if (i >= s->property_count)
		return NULL;
	*name = s->properties[i].key;
	return s->properties[i].schema;
}
