/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cases/expect.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "runner/cases/case_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_LOOK_MAX_BYTES (16 * 1024 * 1024)

const char *const expect_target_text[] = { "exit_code", "stdout", "stderr", "text", "json", "duration_ms",
					   "file", NULL };
const char *const expect_op_text[] = { "equals", "not_equals", "contains", "not_contains", "matches",
				       "not_matches", "starts_with", "ends_with", "less_than", "at_most",
				       "more_than", "at_least", "one_of", "exists", "empty", "length", NULL };

static bool op_is_regex(enum expect_op op)
{
	return op == OP_MATCHES || op == OP_NOT_MATCHES;
}

static bool op_is_number(enum expect_op op)
{
	return (op >= OP_LESS_THAN && op <= OP_AT_LEAST) || op == OP_LENGTH;
}

static bool op_fits(enum expect_target target, enum expect_op op)
{
	bool number = target == TARGET_EXIT_CODE || target == TARGET_DURATION_MS;

	switch (op) {
	case OP_EQUALS: case OP_NOT_EQUALS: case OP_ONE_OF:
		return true;
	case OP_LESS_THAN: case OP_AT_MOST: case OP_MORE_THAN: case OP_AT_LEAST:
		return number || target == TARGET_JSON;
	case OP_EXISTS:
		return target == TARGET_JSON || target == TARGET_FILE;
	default:
		return !number;
	}
}

static bool has_ref(const char *text)
{
	struct template_ref r;

	return text && template_next(&text, &r);
}

static int operand_pattern(struct expectation *x, const struct yaml_node *n, struct err *e)
{
	struct err inner = { 0 };

	if (strlen(x->text) != x->text_len)
		return yaml_error(n, e, "a pattern must not hold a NUL");
	if (has_ref(x->text))
		return 0; /* compiled once its values are known */
	if (regex_new(&x->regex, x->text, &inner) < 0)
		return yaml_error(n, e, "%s", inner.msg);
	return 0;
}

static int operand_read(struct expectation *x, const struct yaml_node *n, struct err *e)
{
	if (x->op == OP_EXISTS || x->op == OP_EMPTY)
		return yaml_as_bool(n, &x->flag, e);
	if (x->op == OP_ONE_OF)
		return yaml_as_strings(n, &x->list, e);
	if (op_is_number(x->op) || ((x->target == TARGET_EXIT_CODE || x->target == TARGET_DURATION_MS)))
		return yaml_as_int(n, INT64_MIN, INT64_MAX, &x->number, e);
	if (n->kind != YAML_SCALAR)
		return yaml_error(n, e, "'%s' needs a text or a number", expect_op_text[x->op]);
	x->text = xmalloc(n->len + 1);
	memcpy(x->text, n->text, n->len + 1);
	x->text_len = n->len;
	x->quoted = n->quoted;
	return op_is_regex(x->op) ? operand_pattern(x, n, e) : 0;
}

static int pointer_check(const struct yaml_node *n, const char *p, struct err *e)
{
	if (*p && *p != '/')
		return yaml_error(n, e, "a JSON pointer is empty or begins with '/'");
	for (; *p; p++)
		if (*p == '~' && p[1] != '0' && p[1] != '1')
			return yaml_error(n, e, "a JSON pointer writes '~' as '~0' and '/' as '~1'");
	return 0;
}

static int place_read(struct expectation *x, const struct yaml_node *n, struct err *e)
{
	const struct yaml_node *pointer = yaml_get(n, "pointer"), *path = yaml_get(n, "path");
	const char *text;

	if (pointer && x->target != TARGET_JSON)
		return yaml_error(pointer, e, "'pointer' belongs to the target json");
	if (path && x->target != TARGET_FILE)
		return yaml_error(path, e, "'path' belongs to the target file");
	if (x->target == TARGET_FILE) {
		if (yaml_need_string(n, "path", &text, e) < 0)
			return -1;
		x->path = xstrdup(text);
	}
	if (pointer) {
		if (yaml_as_string(pointer, &text, e) < 0 || pointer_check(pointer, text, e) < 0)
			return -1;
		x->pointer = xstrdup(text);
	}
	return 0;
}

int expectation_read(struct expectation *x, const struct yaml_node *n, bool is_export, struct err *e)
{
	static const char *const known[] = { "target", "pointer", "path", "equals", "not_equals", "contains",
					     "not_contains", "matches", "not_matches", "starts_with", "ends_with",
					     "less_than", "at_most", "more_than", "at_least", "one_of", "exists",
					     "empty", "length", NULL };
	static const char *const known_export[] = { "target", "pointer", "path", "matches", NULL };
	const struct yaml_node *operand = NULL;
	const char *target;
	int index = 0;

	memset(x, 0, sizeof(*x));
	x->op = OP_NONE;
	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, is_export ? known_export : known, e) < 0 ||
	    yaml_need_string(n, "target", &target, e) < 0 ||
	    yaml_get_word(n, "target", expect_target_text, &index, e) < 0)
		return -1;
	x->target = (enum expect_target)index;
	x->line = n->line;
	x->column = n->column;
	yaml_each (item, n) {
		int op = value_word(item->key->text, expect_op_text);

		if (op < 0)
			continue;
		if (operand)
			return yaml_error(item, e, "'%s' and '%s' in one expectation: give each its own",
					  expect_op_text[x->op], expect_op_text[op]);
		x->op = (enum expect_op)op;
		operand = item;
	}
	if (!operand && !is_export)
		return yaml_error(n, e, "an expectation needs one of equals, contains, matches, …");
	if (operand && !op_fits(x->target, x->op))
		return yaml_error(operand, e, "'%s' does not fit the target %s", expect_op_text[x->op], target);
	if (place_read(x, n, e) < 0)
		return -1;
	return operand ? operand_read(x, operand, e) : 0;
}

void expectation_release(struct expectation *x)
{
	mem_free_ptr(&x->pointer);
	mem_free_ptr(&x->path);
	mem_free_ptr(&x->text);
	strv_release(&x->list);
	regex_free(x->regex);
	x->regex = NULL;
}

void expectations_release(struct expectations *l)
{
	for (size_t i = 0; i < l->n; i++)
		expectation_release(&l->v[i]);
	mem_free_ptr(&l->v);
	l->n = 0;
}

void export_release(struct export *x)
{
	mem_free_ptr(&x->name);
	expectation_release(&x->from);
}

static void target_describe(const struct expectation *x, struct str *out)
{
	str_add(out, expect_target_text[x->target]);
	if (x->pointer)
		str_addf(out, " at '%s'", x->pointer);
	if (x->path)
		str_addf(out, " '%s'", x->path);
}

void expectation_describe(const struct expectation *x, struct str *out)
{
	char quoted[VALUE_QUOTE_SIZE];

	target_describe(x, out);
	str_addf(out, " %s ", x->op == OP_NONE ? "" : expect_op_text[x->op]);
	if (x->op == OP_EXISTS || x->op == OP_EMPTY)
		str_add(out, x->flag ? "true" : "false");
	else if (x->text)
		str_add(out, value_quoten(x->text, x->text_len, quoted));
	else if (x->op == OP_ONE_OF)
		for (size_t i = 0; i < x->list.n; i++)
			str_addf(out, "%s%s", i ? ", " : "", value_quote(x->list.v[i], quoted));
	else
		str_addf(out, "%" PRId64, x->number);
}

/* ---- the value that an expectation looks at ---- */

struct seen {
	bool missing;
	bool is_number;
	double number;
	bool is_text;          /* a string of JSON, a stream, a file */
	const char *text;      /* of every scalar */
	size_t len;
	bool has_length;
	int64_t length;        /* items, members, bytes */
	const struct json_value *json;
	char spare[40];
	struct str own;
};

static void seen_release(struct seen *s)
{
	str_release(&s->own);
}
#define auto_seen __attribute__((cleanup(seen_release))) struct seen

static const struct json_value *pointer_step(const struct json_value *v, const char *part, size_t n)
{
	auto_str key = STR_INIT;
	int64_t index;

	for (size_t i = 0; i < n; i++)
		if (part[i] == '~')
			str_addc(&key, part[++i] == '0' ? '~' : '/');
		else
			str_addc(&key, part[i]);
	if (v->kind == JSON_OBJECT)
		return json_get(v, str_cstr(&key));
	if (v->kind != JSON_ARRAY || !value_int(str_cstr(&key), &index) || index < 0 ||
	    (n > 1 && part[0] == '0') || !strchr("0123456789", part[0]))
		return NULL;
	json_each(item, v)
		if (index-- == 0)
			return item;
	return NULL;
}

static const struct json_value *pointer_find(const struct json_value *v, const char *p)
{
	while (v && p && *p == '/') {
		size_t n = strcspn(++p, "/");

		v = pointer_step(v, p, n);
		p += n;
	}
	return v;
}

static void seen_number(struct seen *s, int64_t v)
{
	s->is_number = true;
	s->number = (double)v;
	snprintf(s->spare, sizeof(s->spare), "%" PRId64, v);
	s->text = s->spare;
	s->len = strlen(s->spare);
}

static void seen_text(struct seen *s, const char *p, size_t n)
{
	s->is_text = s->has_length = true;
	s->text = p ? p : "";
	s->len = n;
	s->length = (int64_t)n;
}

static void seen_json(struct seen *s, const struct json_value *v)
{
	s->json = v;
	s->missing = !v;
	if (!v)
		return;
	switch (v->kind) {
	case JSON_STRING:
		seen_text(s, v->text, v->len);
		break;
	case JSON_NUMBER:
		s->is_number = true;
		s->number = v->number;
		if (v->is_integer)
			snprintf(s->spare, sizeof(s->spare), "%" PRId64, v->integer);
		else
			snprintf(s->spare, sizeof(s->spare), "%.17g", v->number);
		s->text = s->spare;
		s->len = strlen(s->spare);
		break;
	case JSON_ARRAY: case JSON_OBJECT:
		s->has_length = true;
		s->length = v->count;
		break;
	default:
		s->text = v->kind == JSON_NULL ? "null" : v->kind == JSON_TRUE ? "true" : "false";
		s->len = strlen(s->text);
	}
}

static int expanded(const struct outcome *o, const char *text, struct str *out, struct err *e)
{
	if (o->expand)
		return o->expand(o->ctx, text, out, e);
	str_add(out, text);
	return 0;
}

static int seen_file(struct seen *s, const struct expectation *x, const struct outcome *o, struct err *e)
{
	auto_str name = STR_INIT;
	auto_free char *path = NULL;
	auto_free char *text = NULL;
	struct stat st;
	size_t n;

	if (expanded(o, x->path, &name, e) < 0)
		return -1;
	path = str_cstr(&name)[0] == '/' || !o->dir ? xstrdup(str_cstr(&name)) : path_join(o->dir, str_cstr(&name));
	if (stat(path, &st) < 0) {
		s->missing = true;
		return 0;
	}
	if (x->op == OP_EXISTS)
		return 0;
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_USAGE, "'%s' is not a regular file", path);
	if (file_read(path, FILE_LOOK_MAX_BYTES, &text, &n, e) < 0)
		return -1;
	str_addn(&s->own, text, n);
	seen_text(s, str_cstr(&s->own), n);
	return 0;
}

/* reader: kept by the caller as long as s->json is looked at. */
static int seen_get(struct seen *s, const struct expectation *x, const struct outcome *o,
		    struct json_reader **reader, struct err *e)
{
	const struct json_value *v;

	switch (x->target) {
	case TARGET_EXIT_CODE:
		seen_number(s, o->exit_code);
		return 0;
	case TARGET_DURATION_MS:
		seen_number(s, o->duration_ns / 1000000);
		return 0;
	case TARGET_STDOUT:
		seen_text(s, o->out, o->out_bytes);
		return 0;
	case TARGET_STDERR:
		seen_text(s, o->err, o->err_bytes);
		return 0;
	case TARGET_TEXT:
		str_addn(&s->own, o->out, o->out_bytes);
		str_addn(&s->own, o->err, o->err_bytes);
		seen_text(s, str_cstr(&s->own), s->own.len);
		return 0;
	case TARGET_FILE:
		return seen_file(s, x, o, e);
	case TARGET_JSON:
		*reader = json_reader_text(o->out ? o->out : "", o->out_bytes, "stdout");
		if (json_take(*reader, &v, e) < 0)
			return -1;
		seen_json(s, pointer_find(v, x->pointer));
		return 0;
	}
	return 0;
}

/* ---- judging ---- */

static bool bytes_equal(const struct seen *s, const char *want, size_t n)
{
	if (s->len == n && memcmp(s->text, want, n) == 0)
		return true;
	/* one final newline is forgiven where none is asked for */
	return s->is_text && !s->json && s->len == n + 1 && s->text[n] == '\n' && memcmp(s->text, want, n) == 0;
}

static bool seen_equals(const struct seen *s, const char *want, size_t n, bool quoted)
{
	char *end;
	double number;

	if (s->missing || !s->text)
		return false;
	if (s->json && quoted && !s->is_text)
		return false; /* the number 3 is not the string "3" */
	if (bytes_equal(s, want, n))
		return true;
	if (!s->is_number || !n)
		return false;
	number = strtod(want, &end);
	return end == want + n && number == s->number;
}

static bool seen_contains(const struct seen *s, const char *want, size_t n, bool quoted)
{
	if (s->json && s->json->kind == JSON_OBJECT)
		return json_get(s->json, want) != NULL;
	if (s->json && s->json->kind == JSON_ARRAY) {
		json_each(item, s->json) {
			struct seen one = { .own = STR_INIT };

			seen_json(&one, item);
			if (seen_equals(&one, want, n, quoted))
				return true;
		}
		return false;
	}
	return s->text && (n == 0 || memmem(s->text, s->len, want, n) != NULL);
}

static int seen_matches(const struct seen *s, const struct expectation *x, const char *pattern,
			struct regex_space *space, struct err *e)
{
	struct regex *own = NULL;
	struct regex_match m;
	int rc;

	if (!s->text)
		return 0;
	if (!x->regex && regex_new(&own, pattern, e) < 0)
		return -1;
	rc = regex_find(x->regex ? x->regex : own, space, s->text, s->len, 0, &m, e);
	regex_free(own);
	return rc;
}

static bool seen_compare(const struct seen *s, enum expect_op op, int64_t want)
{
	double have = s->number, n = (double)want;

	if (!s->is_number)
		return false;
	return op == OP_LESS_THAN ? have < n : op == OP_AT_MOST ? have <= n : op == OP_MORE_THAN ? have > n : have >= n;
}

static bool seen_one_of(const struct seen *s, const struct strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (seen_equals(s, list->v[i], strlen(list->v[i]), false))
			return true;
	return false;
}

static int judge(const struct seen *s, const struct expectation *x, const char *want, size_t n,
		 struct regex_space *space, struct err *e)
{
	char number[32];
	int rc;

	if (!x->text && (x->op == OP_EQUALS || x->op == OP_NOT_EQUALS)) {
		n = (size_t)snprintf(number, sizeof(number), "%" PRId64, x->number);
		want = number;
	}
	switch (x->op) {
	case OP_EQUALS:
		return seen_equals(s, want, n, x->quoted);
	case OP_NOT_EQUALS:
		return !s->missing && !seen_equals(s, want, n, x->quoted);
	case OP_CONTAINS:
		return !s->missing && seen_contains(s, want, n, x->quoted);
	case OP_NOT_CONTAINS:
		return !s->missing && !seen_contains(s, want, n, x->quoted);
	case OP_MATCHES:
		return s->missing ? 0 : seen_matches(s, x, want, space, e);
	case OP_NOT_MATCHES:
		rc = s->missing ? -2 : seen_matches(s, x, want, space, e);
		return rc == -1 ? -1 : rc == 0;
	case OP_STARTS_WITH:
		return s->text && s->len >= n && memcmp(s->text, want, n) == 0;
	case OP_ENDS_WITH:
		return s->text && ((s->len >= n && memcmp(s->text + s->len - n, want, n) == 0) ||
				   (s->is_text && !s->json && s->len > n && s->text[s->len - 1] == '\n' &&
				    memcmp(s->text + s->len - 1 - n, want, n) == 0));
	case OP_ONE_OF:
		return seen_one_of(s, &x->list);
	case OP_EXISTS:
		return s->missing != x->flag;
	case OP_EMPTY:
		return !s->missing && s->has_length && (s->length == 0) == x->flag;
	case OP_LENGTH:
		return !s->missing && s->has_length && s->length == x->number;
	case OP_LESS_THAN: case OP_AT_MOST: case OP_MORE_THAN: case OP_AT_LEAST:
		return seen_compare(s, x->op, x->number);
	case OP_NONE:
		break;
	}
	return 0;
}

static void seen_describe(const struct seen *s, struct str *out)
{
	char quoted[VALUE_QUOTE_SIZE];

	if (s->missing)
		str_add(out, "nothing is there");
	else if (s->text && s->is_number)
		str_addf(out, "it is %s", s->text);
	else if (s->text)
		str_addf(out, "it is %s", value_quoten(s->text, s->len, quoted));
	else if (s->json)
		str_addf(out, "it is an %s of %u", json_kind_text(s->json->kind), s->json->count);
	else
		str_add(out, "it is there");
}

int expectation_holds(const struct expectation *x, const struct outcome *o, struct regex_space *space,
		      struct str *why, struct err *e)
{
	auto_seen s = { .own = STR_INIT };
	__attribute__((cleanup(json_reader_free_ptr))) struct json_reader *reader = NULL;
	auto_str want = STR_INIT;
	int rc;

	if (seen_get(&s, x, o, &reader, e) < 0)
		return -1;
	if (x->text && o->expand && strstr(x->text, "${")) {
		if (o->expand(o->ctx, x->text, &want, e) < 0)
			return -1;
	} else if (x->text) {
		str_addn(&want, x->text, x->text_len);
	}
	rc = judge(&s, x, str_cstr(&want), want.len, space, e);
	if (rc == 0) {
		expectation_describe(x, why);
		str_add(why, ": ");
		seen_describe(&s, why);
		if ((x->target == TARGET_STDOUT || x->target == TARGET_JSON || x->target == TARGET_TEXT) && o->out_cut)
			str_add(why, " (stdout was cut)");
	}
	return rc;
}

int export_take(const struct export *x, const struct outcome *o, struct regex_space *space, struct str *out,
		struct err *e)
{
	auto_seen s = { .own = STR_INIT };
	__attribute__((cleanup(json_reader_free_ptr))) struct json_reader *reader = NULL;
	struct regex_match m;
	size_t n;

	if (seen_get(&s, &x->from, o, &reader, e) < 0)
		return err_add(e, "export '%s'", x->name);
	if (s.missing || !s.text)
		return err_set(e, ERR_USAGE, "export '%s': nothing is there", x->name);
	if (x->from.op == OP_NONE) {
		n = s.len;
		while (s.is_text && n && (s.text[n - 1] == '\n' || s.text[n - 1] == '\r'))
			n--;
		str_addn(out, s.text, n);
		return 0;
	}
	if (!x->from.regex)
		return err_set(e, ERR_USAGE, "export '%s': its pattern must not hold ${…}", x->name);
	switch (regex_find(x->from.regex, space, s.text, s.len, 0, &m, e)) {
	case 0:
		return err_set(e, ERR_USAGE, "export '%s': '%s' matches nothing in %s", x->name, x->from.text,
			       expect_target_text[x->from.target]);
	case 1:
		if (m.has_group)
			str_addn(out, s.text + m.group_start, m.group_end - m.group_start);
		else
			str_addn(out, s.text + m.start, m.end - m.start);
		return 0;
	}
	return err_add(e, "export '%s'", x->name);
}
