/* SPDX-License-Identifier: Apache-2.0 */
/* JSON read piece by piece, the schema's words, and schemas/run_trace_v1.yaml in step with the
 * words of trace/contract.def. */
#include "base/schema.h"

#include "base/embed.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/tap.h"
#include "trace/contract.h"
#include "trace/verify.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static struct err e;

/* ---- reading ------------------------------------------------------------------------------- */

static const char *read_text(const char *text, const struct json_value **v, struct json_reader **r)
{
	json_reader_free(*r);
	*r = json_reader_text(text, strlen(text), "t");
	if (json_take(*r, v, &e) < 0 || json_end(*r, &e) < 0)
		return e.msg;
	return "";
}

static void test_values(void)
{
	struct json_reader *r = NULL;
	const struct json_value *v;

	is_str(
	    read_text(" {\"a\" : [1, -2.5e1, \"x\\u00e4\\ud83d\\ude00\\n\", true,false , null], \"b\":{}} ",
		      &v, &r),
	    "", "a value");
	is_int(v->count, 2, "members");
	v = json_get(v, "a");
	is_int(v->count, 6, "items");
	is_int(v->first->integer, 1, "an integer");
	ok(v->first->next->number == -25.0 && !v->first->next->is_integer, "a number");
	is_str(v->first->next->next->text, "x\xc3\xa4\xf0\x9f\x98\x80\n", "escapes");
	is_str(read_text("9223372036854775807", &v, &r), "", "the largest integer");
	ok(v->is_integer && v->integer == INT64_MAX, "is whole");
	is_str(read_text("-9223372036854775808", &v, &r), "", "the smallest");
	ok(v->is_integer && v->integer == INT64_MIN, "is whole");
	is_str(read_text("9223372036854775808", &v, &r), "", "one more");
	ok(!v->is_integer && v->number == 9223372036854775808.0, "is a number only");
	is_str(read_text("0.1", &v, &r), "", "a fraction");
	ok(v->number == 0.1, "is read exactly");
	is_str(read_text("\"a\\u0000b\"", &v, &r), "", "a NUL");
	is_int(v->len, 3, "is in the text");
	json_reader_free(r);
}

static void test_bad_values(void)
{
	static const struct { const char *text, *want; } bad[] = {
		{ "", "t: byte 0: the text ends where a value must stand" },
		{ "{", "t: byte 1: the text ends here, within a value" },
		{ "[1,]", "t: byte 3: no JSON value" },
		{ "[1 2]", "t: byte 3: ',' or ']' is missing" },
		{ "{\"a\" 1}", "t: byte 5: a ':' is missing after a member's name" },
		{ "{a:1}", "t: byte 1: a member's name must be a string" },
		{ "{\"a\":1,\"a\":2}", "t: byte 7: the same member twice in one object" },
		{ "\"\\x41\"", "t: byte 1: no such escape in a string" },
		{ "\"\\u12g4\"", "t: byte 1: no such escape in a string" },
		{ "\"\xc3(\"", "t: byte 1: a string that is not valid UTF-8" },
		{ "01", "t: byte 0: a number that begins with 0" },
		{ "-", "t: byte 1: the text ends here, within a value" },
		{ "1.", "t: byte 2: the text ends here, within a value" },
		{ "1e+", "t: byte 3: the text ends here, within a value" },
		{ "1e999", "t: byte 5: the text ends here, within a value" },
		{ "tru", "t: byte 3: the text ends here, within a value" },
		{ "trux", "t: byte 3: no JSON value" },
		{ "1 2", "t: byte 2: text after the end of the value" },
		{ "'a'", "t: byte 0: no JSON value" },
	};
	struct json_reader *r = NULL;
	const struct json_value *v;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		is_str(read_text(bad[i].text, &v, &r), bad[i].want, "refused: %s", bad[i].text);
	json_reader_free(r);
}

/* A document through a pipe in pieces of every size: the same as in one. */
static void test_pieces(void)
{
	auto_str doc = STR_INIT;
	int sum = 0, items = 0, rc;
	const struct json_value *v;
	struct json_reader *r;
	const char *key;
	size_t len;
	int p[2];
	pid_t pid;

	str_add(&doc, " { \"big\" : \"");
	for (int i = 0; i < 600000; i++)
		str_addc(&doc, (char)('a' + i % 26));
	str_add(&doc, "\", \"list\" : [ ");
	for (int i = 0; i < 2000; i++)
		str_addf(&doc, "%s{\"n\": %d, \"t\": \"\\u00e4\\n\"}", i ? " , " : "", i);
	str_add(&doc, "]}\n");
	if (pipe(p) < 0 || (pid = fork()) < 0)
		return (void)ok(false, "a pipe");
	if (pid == 0) {
		for (size_t at = 0, n = 1; at < doc.len; at += n, n = n % 4099 + 1)
			if (write(p[1], doc.data + at, at + n > doc.len ? doc.len - at : n) < 0)
				_exit(1);
		_exit(0);
	}
	close(p[1]);
	r = json_reader_new(p[0], "pipe");
	rc = json_enter(r, JSON_OBJECT, &e);
	rc = rc == 0 && json_next_key(r, &key, &len, &e) == 1 && strcmp(key, "big") == 0
		 ? json_take(r, &v, &e)
		 : -1;
	ok(rc == 0 && v->len == 600000, "a value larger than the window");
	rc = json_next_key(r, &key, &len, &e) == 1 && strcmp(key, "list") == 0 ? json_enter(r, JSON_ARRAY, &e)
									       : -1;
	while (rc == 0 && json_next_item(r, &e) == 1 && (rc = json_take(r, &v, &e)) == 0) {
		sum += (int)json_get(v, "n")->integer;
		items++;
	}
	is_int(items, 2000, "items");
	is_int(sum, 1999000, "none lost, none twice");
	is_int(json_next_key(r, &key, &len, &e), 0, "the end of the object");
	is_int(json_end(r, &e), 0, "and of the text");
	json_reader_free(r);
	close(p[0]);
}

/* ---- schema -------------------------------------------------------------------------------- */

static bool keep_first(void *arg, const struct schema_place *at, const char *what)
{
	struct str *out = arg;

	schema_place_write(at, out);
	str_addf(out, ": %s", what);
	return false;
}

static const char *check(const char *schema, const char *json)
{
	static struct str out;
	auto_schema *s = NULL;
	struct json_reader *r = NULL;
	const struct json_value *v;
	struct schema_place root = { 0 };

	str_reset(&out);
	if (schema_parse(&s, "s", schema, strlen(schema), &e) < 0)
		return e.msg;
	if (*read_text(json, &v, &r)) {
		json_reader_free(r);
		return e.msg;
	}
	schema_check(s, v, &root, keep_first, &out);
	json_reader_free(r);
	return str_cstr(&out);
}

static const struct { const char *schema, *json, *want;
} checks[] = {
	{ "{type: string}", "\"a\"", "" },
	{ "{type: string}", "1", ": must be a string, not this number" },
	{ "{type: [integer, 'null']}", "null", "" },
	{ "{type: integer}", "1.0", "" },
	{ "{type: integer}", "1.5", ": must be an integer, not this number" },
	{ "{type: boolean}", "false", "" },
	{ "{enum: [a, 1, true, null]}", "true", "" },
	{ "{enum: [a, 1, true, null]}", "1.0", "" },
	{ "{enum: [a, '1']}", "1", ": must be one of a, 1" },
	{ "{const: x}", "\"y\"", ": must be x" },
	{ "{minimum: 2, maximum: 3}", "1.9", ": must be at least 2" },
	{ "{minimum: 2, maximum: 3}", "4", ": must be at most 3" },
	{ "{minLength: 2}", "\"\xc3\xa4\"", ": must have at least 2 characters" },
	{ "{maxLength: 2}", "\"\xc3\xa4\xc3\xa4\"", "" },
	{ "{pattern: '^a+$'}", "\"aab\"", ": must match ^a+$" },
	{ "{pattern: '^a+$'}", "\"a\\n\"", ": must match ^a+$" },
	{ "{required: [a]}", "{}", ": 'a' is missing" },
	{ "{properties: {a: {type: string}}}", "{\"a\":1}", "/a: must be a string, not this number" },
	{ "{properties: {a: {}}, additionalProperties: false}", "{\"a\":1,\"b/c~\":2}",
	  "/b~1c~0: unknown member" },
	{ "{additionalProperties: {type: string}}", "{\"b\":1}", "/b: must be a string, not this number" },
	{ "{patternProperties: {'^x-': {type: string}}, additionalProperties: false}", "{\"x-a\":\"1\"}",
	  "" },
	{ "{patternProperties: {'^x-': {type: string}}}", "{\"x-a\":1}",
	  "/x-a: must be a string, not this number" },
	{ "{minProperties: 1}", "{}", ": must have at least 1 members" },
	{ "{maxProperties: 0}", "{\"a\":1}", ": must have at most 0 members" },
	{ "{items: {type: string}}", "[\"a\",2]", "/1: must be a string, not this number" },
	{ "{minItems: 1}", "[]", ": must have at least 1 items" },
	{ "{maxItems: 1}", "[1,2]", ": must have at most 1 items" },
	{ "{uniqueItems: true}", "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]", "/1: is here twice" },
	{ "{anyOf: [{type: string}, {type: integer}]}", "1", "" },
	{ "{anyOf: [{type: string}, {type: 'null'}]}", "1",
	  ": matches none of the 2 forms allowed here" },
	{ "{oneOf: [{minimum: 1}, {maximum: 5}]}", "3", ": is 2 of the forms of which it may be only one" },
	{ "{anyOf: [{properties: {k: {const: a}, v: {type: string}}}, {properties: {k: {const: b}}}]}",
	  "{\"v\":1,\"k\":\"a\"}", "/v: must be a string, not this number" },
	{ "{$ref: '#/definitions/d', definitions: {d: {type: string}}}", "\"a\"",
	  "s:1:40: 'definitions' has no effect beside '$ref'" },
	{ "{definitions: {d: {items: {$ref: '#/definitions/d'}, type: array}}, properties: {a: {$ref: "
	  "'#/definitions/d'}}}",
	  "{\"a\":[[],[1]]}", "/a/1/0: must be an array, not this number" },
	/* what is no schema */
	{ "{typ: string}", "1", "s:1:2: unknown key 'typ' (did you mean 'type'?)" },
	{ "{properties: {a: {$ref: '#/definitions/x'}}}", "1", "s:1:25: no definition 'x'" },
	{ "{definitions: {a: {$ref: '#/definitions/b'}, b: {$ref: '#/definitions/a'}}}", "1", "s:1:" },
	{ "{pattern: 'a('}", "1", "s:1:11: pattern 'a(' at offset 2: " },
	{ "{minimum: many}", "1", "s:1:11: must be a number" },
	{ "{enum: []}", "1", "s:1:8: an 'enum' without values allows nothing" },
};

static void test_schema(void)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		const char *got = check(checks[i].schema, checks[i].json), *want = checks[i].want;

		if (strncmp(want, "s:", 2) == 0)
			ok(str_starts(got, want), "schema %zu: %s (%s)", i, want, got);
		else
			is_str(got, want, "schema %zu: %s", i, checks[i].json);
	}
}

/* ---- the public format and the contract's words -------------------------------------------- */

static const struct schema *member(const struct schema *s, const char *key)
{
	bool allowed;
	const struct schema *m = s ? schema_member(s, key, strlen(key), &allowed) : NULL;

	if (!m)
		printf("# no member %s\n", key);
	return m;
}

/* The schema's enum is the table, word for word in its order. */
static void in_step(const struct schema *s, const char *const *table, int first, int count, const char *what)
{
	bool same = s != NULL;

	for (int i = first; same && i < count; i++) {
		const char *text = schema_enum_text(s, (size_t)(i - first));

		same = text && strcmp(text, table[i]) == 0;
		if (!same)
			printf("# %s: got '%s', want '%s'\n", what, text ? text : "(end)", table[i]);
	}
	ok(same && !schema_enum_text(s, (size_t)(count - first)), "%s as in trace/contract.def", what);
}

static void described(const struct schema *s, const char *where, int *missing)
{
	const char *name;
	const struct schema *p;

	for (size_t i = 0; (p = schema_property_at(s, i, &name)); i++)
		if (!schema_description(p)) {
			printf("# %s%s has no description\n", where, name);
			++*missing;
		}
}

static void test_in_step(void)
{
	auto_schema *root = NULL;
	const struct schema *span, *event, *summary, *tokens;
	const char *kinds[SPAN_COUNT];
	size_t kind_count = 0, known = 0;
	const char *name;
	int missing = 0;

	is_int(schema_parse(&root, "run_trace_v1", run_trace_schema,
			    EMBED_SIZE(run_trace_schema), &e),
	       0, "the embedded schema (%s)", e.msg);
	span = schema_items(member(root, "spans"));
	event = schema_items(member(root, "events"));
	summary = member(root, "summary");
	in_step(member(span, "name"), span_name_text, 0, SPAN_COUNT, "span names");
	in_step(member(span, "status"), status_text, 0, STATUS_COUNT, "span statuses");
	in_step(member(event, "kind"), event_kind_text, 0, EVENT_COUNT, "event kinds");
	for (int i = 0; i < SPAN_COUNT; i++) {
		bool seen = false;

		for (size_t k = 0; k < kind_count; k++)
			seen |= strcmp(kinds[k], span_kind_text[i]) == 0;
		if (!seen)
			kinds[kind_count++] = span_kind_text[i];
	}
	in_step(member(span, "kind"), kinds, 0, (int)kind_count, "span kinds");
	tokens = member(summary, "reason_tokens");
	for (size_t i = 0; schema_property_at(tokens, i, &name); i++, known++)
		if (i + 1 >= TOKEN_COUNT || strcmp(name, token_text[i + 1]) != 0)
			ok(false, "summary.reason_tokens.%s is no token", name);
	is_int(known, TOKEN_COUNT - 1, "summary.reason_tokens has all tokens");
	described(root, "", &missing);
	described(span, "span.", &missing);
	is_int(missing, 0, "every field of the top and of spans is described");
}

/* The lists that stand in definitions only: through values that must pass and others that
 * must not. */
static void test_words_pass(void)
{
	auto_schema *root = NULL;
	const struct schema *event, *span;
	struct schema_place place = { 0 };
	int wrong = 0;

	if (schema_parse(&root, "run_trace_v1", run_trace_schema,
			 EMBED_SIZE(run_trace_schema), &e) < 0)
		return (void)ok(false, "%s", e.msg);
	event = schema_items(member(root, "events"));
	span = schema_items(member(root, "spans"));
	for (int i = 0; i <= TOKEN_COUNT + PROC_COUNT + CATEGORY_COUNT; i++) {
		auto_str text = STR_INIT;
		struct json_reader *r = NULL;
		const struct json_value *v;
		const char *word = "no.such-word";
		bool want = true, got;
		int k = i;

		if (k < TOKEN_COUNT) {
			want = k > 0;
			str_addf(&text,
				 "{\"ts_ns\":1,\"kind\":\"watchdog\",\"span_id\":\"0123456789abcdef\","
				 "\"attrs\":{\"reason_token\":\"%s\"}}",
				 want ? token_text[k] : word);
		} else if ((k -= TOKEN_COUNT) <= PROC_COUNT) {
			want = k < PROC_COUNT;
			str_addf(&text,
				 "{\"ts_ns\":1,\"kind\":\"subprocess_state\",\"span_id\":"
				 "\"0123456789abcdef\",\"attrs\":"
				 "{\"state\":\"%s\",\"pid\":1,\"returncode\":0,\"signal\":1}}",
				 want ? proc_state_text[k] : word);
		} else {
			k -= PROC_COUNT;
			want = k < CATEGORY_COUNT;
			str_addf(&text,
				 "{\"span_id\":\"0123456789abcdef\",\"parent_span_id\":null,\"kind\":\"run\","
				 "\"name\":\"run.total\","
				 "\"phase\":\"\",\"start_ns\":0,\"end_ns\":1,\"duration_ms\":0,\"status\":"
				 "\"error\",\"attrs\":{},"
				 "\"error\":{\"category\":\"%s\",\"message\":\"\"}}",
				 want ? category_text[k] : word);
		}
		if (*read_text(text.data, &v, &r)) {
			wrong++;
		} else {
			got = schema_check(text.data[2] == 's' ? span : event, v, &place, NULL, NULL);
			if (got != want) {
				printf("# %s: %s\n", got ? "passes" : "does not pass", text.data);
				wrong++;
			}
		}
		json_reader_free(r);
	}
	is_int(wrong, 0, "tokens, process states and categories as in trace/contract.def");
}

int main(void)
{
	test_values();
	test_bad_values();
	test_pieces();
	test_schema();
	test_in_step();
	test_words_pass();
	return tap_done();
}
