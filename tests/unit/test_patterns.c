/* SPDX-License-Identifier: Apache-2.0 */
/* Reading patterns: the forms that are accepted, and sixty mistakes of which each is one clear line
 * with its place. */
#include "findings/analyze.h"
#include "tests/tap.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "base/schema.h"
#include "base/value.h"
#include "base/yaml.h"

#include <stdlib.h>
#include <string.h>

/* Seed 000, section 7, to the letter. */
static const char seed_example[] =
	"- id: high_call_count_small_fn\n"
	"  condition:\n"
	"    call_count: \"> 1e6\"\n"
	"    avg_time_us: \"< 2\"\n"
	"  meaning: \"Interpreter dispatch overhead\"\n"
	"  suggestions:\n"
	"    - \"Inline logic\"\n"
	"    - \"Batch operations\"\n";

static void test_seed(void)
{
	struct patterns p;
	struct findings found;
	struct facts f;
	struct fact_row *r;
	struct err e = { 0 };

	patterns_init(&p);
	is_int(patterns_add_text(&p, "seed.yaml", seed_example, strlen(seed_example), &e), 0,
	       "the example of the specification loads: %s", e.msg);
	if (facts_init(&f, &e) < 0)
		abort();
	r = fact_add(&f, FACT_FUNCTION, "raw/r/facts-cprofile.json", "/facts/0");
	fact_set_text(&f, r, FC_FUNCTION_function, "get");
	fact_set_text(&f, r, FC_FUNCTION_file, "app.py");
	fact_set_int(r, FC_FUNCTION_line, 12);
	fact_set_num(r, FC_FUNCTION_call_count, 1000001);
	fact_set_num(r, FC_FUNCTION_avg_time_us, 1.5);
	r = fact_add(&f, FACT_FUNCTION, "raw/r/facts-cprofile.json", "/facts/1");
	fact_set_text(&f, r, FC_FUNCTION_function, "slow");
	fact_set_num(r, FC_FUNCTION_call_count, 1000000);
	fact_set_num(r, FC_FUNCTION_avg_time_us, 1.5);
	facts_sort(&f);
	findings_init(&found);
	analyze(&f, &p, &found);
	is_int(found.n, 1, "it matches a million and one calls, not a million");
	if (found.n) {
		is_str(found.v[0]->location, "app.py:get:12", "its place is file:function:line");
		is_str(found.v[0]->summary, "Interpreter dispatch overhead", "its meaning is its summary");
		is_int(found.v[0]->n_evidence, 2, "its evidence is what its condition looks at");
		is_int(found.v[0]->suggestions.n, 2, "it has its suggestions");
	}
	findings_release(&found);
	facts_release(&f);
	patterns_release(&p);
}

#define P "version: 1\npatterns:\n- id: a.b\n  meaning: m\n"
#define C P "  over: thread\n  condition: {root: true}\n"

/* Text, and what must stand in its message. */
static const struct {
	const char *text, *place, *word;
} damaged[] = {
	{ "", "bad.yaml:1:1", "nothing" },
	{ "\xff\xfe", "bad.yaml:1:", "" },
	{ "[", "bad.yaml:2:1", "expected" },
	{ "{", "bad.yaml:2:1", "expected" },
	{ "- [", "bad.yaml:2:1", "expected" },
	{ "scalar", "bad.yaml:1:1", "list" },
	{ "[]", "bad.yaml:1:1", "no patterns" },
	{ "- x", "bad.yaml:1:3", "map" },
	{ "version: 2\npatterns: []", "bad.yaml:1:10", "version" },
	{ "patterns: []", "bad.yaml:1:1", "version" },
	{ "version: 1", "bad.yaml:1:1", "patterns" },
	{ "version: 1\npatterns: []", "bad.yaml:2:11", "no patterns" },
	{ "version: 1\npatterns: {}", "bad.yaml:2:11", "list" },
	{ "version: 1\npattern: []", "bad.yaml:2:1", "did you mean 'patterns'" },
	{ "- id: a\n  id: b\n", "bad.yaml:2:3", "id" },
	{ "- meaning: m\n  condition: {call_count: 1}\n", "bad.yaml:1:3", "id" },
	{ "- id: ''\n  meaning: m\n", "bad.yaml:1:7", "id" },
	{ "- id: 'a b'\n  meaning: m\n  condition: {call_count: 1}\n", "bad.yaml:1:7", "pattern id" },
	{ "- id: a.\n  meaning: m\n  condition: {call_count: 1}\n", "bad.yaml:1:7", "pattern id" },
	{ "- id: a\n  condition: {call_count: 1}\n", "bad.yaml:1:3", "meaning" },
	{ "- id: a\n  meaning: m\n", "bad.yaml:1:3", "condition" },
	{ "- id: a\n  meaning: m\n  condition: {}\n", "bad.yaml:3:14", "empty condition" },
	{ "- id: a\n  meaning: m\n  condition: []\n", "bad.yaml:3:14", "map" },
	{ "- id: a\n  meaning: m\n  condition: {call_cout: 1}\n", "bad.yaml:3:15", "did you mean 'call_count'" },
	{ "- id: a\n  meaning: m\n  condition: {call_count: many}\n", "bad.yaml:3:27", "not a number" },
	{ "- id: a\n  meaning: m\n  condition: {call_count: '> many'}\n", "bad.yaml:3:27", "not a number" },
	{ "- id: a\n  meaning: m\n  condition: {call_count: '>'}\n", "bad.yaml:3:27", "missing operand after" },
	{ "- id: a\n  meaning: m\n  condition: {call_count: {more: 1}}\n", "bad.yaml:3:", "more" },
	{ "- id: a\n  meaning: m\n  condition: {call_count: {}}\n", "bad.yaml:3:27", "empty map" },
	{ "- id: a\n  meaning: m\n  condition: {call_count: []}\n", "bad.yaml:3:27", "empty list" },
	{ "- id: a\n  meaning: m\n  condition: {call_count: {matches: x}}\n", "bad.yaml:3:", "not a text" },
	{ "- id: a\n  meaning: m\n  condition: {function: {matches: '('}}\n", "bad.yaml:3:", "offset 1" },
	{ "- id: a\n  meaning: m\n  condition: {function: {above: 3}}\n", "bad.yaml:3:", "no order" },
	{ "- id: a\n  meaning: m\n  condition: {function: {known: perhaps}}\n", "bad.yaml:3:", "neither true nor false" },
	{ "- id: a\n  meaning: m\n  condition: {any_of: {}}\n", "bad.yaml:3:23", "list" },
	{ "- id: a\n  meaning: m\n  condition: {any_of: []}\n", "bad.yaml:3:23", "at least one" },
	{ "- id: a\n  meaning: m\n  condition: {run.stuck: true}\n", "bad.yaml:3:15", "joined" },
	{ "- id: a\n  over: tread\n  meaning: m\n  condition: {call_count: 1}\n", "bad.yaml:2:9", "thread" },
	{ "- id: a\n  oved: thread\n  meaning: m\n  condition: {call_count: 1}\n", "bad.yaml:2:3", "did you mean 'over'" },
	{ P "  over: thread\n  condition: {root: perhaps}\n", "bad.yaml:6:", "neither true nor false" },
	{ C "  specificity: 101\n", "bad.yaml:7:", "specificity" },
	{ C "  specificity: high\n", "bad.yaml:7:", "specificity" },
	{ C "  severity: fatal\n", "bad.yaml:7:", "severity" },
	{ C "  proved: perhaps\n", "bad.yaml:7:", "proved" },
	{ C "  confidence: 0.5\n", "bad.yaml:7:", "list" },
	{ C "  confidence: []\n", "bad.yaml:7:", "no evidence" },
	{ C "  confidence: [{because: b}]\n", "bad.yaml:7:", "'add' is missing" },
	{ C "  confidence: [{add: 0.5}]\n", "bad.yaml:7:", "'because' is missing" },
	{ C "  confidence: [{add: 2, because: b}]\n", "bad.yaml:7:", "from -1 to 1" },
	{ C "  confidence: [{add: much, because: b}]\n", "bad.yaml:7:", "from -1 to 1" },
	{ C "  confidence: [{add: 0.5, because: b, wen: {root: true}}]\n", "bad.yaml:7:", "did you mean 'when'" },
	{ C "  confidence: [{add: 0.5, because: b, when: {rot: true}}]\n", "bad.yaml:7:", "did you mean 'root'" },
	{ C "  summary: ''\n", "bad.yaml:7:", "" },
	{ C "  summary: '${com}'\n", "bad.yaml:7:", "did you mean 'comm'" },
	{ C "  summary: '${comm'\n", "bad.yaml:7:", "without its '}'" },
	{ C "  summary: '${run.stuck}'\n", "bad.yaml:7:", "joined" },
	{ C "  suggestions: {a: b}\n", "bad.yaml:7:", "list" },
	{ C "  evidence: comm\n", "bad.yaml:7:", "list" },
	{ C "  evidence: [com]\n", "bad.yaml:7:", "did you mean 'comm'" },
	{ C "  identity: [pidd]\n", "bad.yaml:7:", "did you mean 'pid'" },
	{ C "  joins: {as: x}\n", "bad.yaml:7:", "list" },
	{ C "  joins: [{over: run}]\n", "bad.yaml:7:", "as" },
	{ C "  joins: [{as: run}]\n", "bad.yaml:7:", "over" },
	{ C "  joins: [{as: self, over: run}]\n", "bad.yaml:7:", "taken" },
	{ C "  joins: [{as: a.b, over: run}]\n", "bad.yaml:7:", "not a name" },
	{ C "  joins: [{as: e, over: edge, on: {pid: comm}}]\n", "bad.yaml:7:", "never equal" },
	{ C "  joins: [{as: e, over: edge, on: {pid: pidd}}]\n", "bad.yaml:7:", "did you mean 'pid'" },
	{ C "  absent: [{as: e, over: edge}]\n", "bad.yaml:7:", "as" },
	{ C "- id: a.b\n  meaning: m\n  condition: {call_count: 1}\n", "bad.yaml:7:", "already" },
	{ "- &a {id: a}\n- *a\n", "bad.yaml:", "" },
	{ "- id: !!str a\n", "bad.yaml:1:", "" },
	{ "- id: a\n---\n- id: b\n", "bad.yaml:", "" },
	{ "- [[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]\n", "bad.yaml:1:", "" },
};

static void test_damaged(void)
{
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		struct patterns p;
		struct err e = { 0 };
		int rc;

		patterns_init(&p);
		rc = patterns_add_text(&p, "bad.yaml", damaged[i].text, strlen(damaged[i].text), &e);
		if (!ok(rc < 0 && e.kind == ERR_USAGE && str_starts(e.msg, damaged[i].place) &&
				strstr(e.msg, damaged[i].word) && !strchr(e.msg, '\n'),
			"mistake %zu: %s", i + 1, rc < 0 ? e.msg : "accepted"))
			printf("#   want %s … %s\n", damaged[i].place, damaged[i].word);
		patterns_release(&p);
	}
	ok(sizeof(damaged) / sizeof(damaged[0]) >= 60, "sixty mistakes and more");
}

static int load(struct patterns *p, const char *text)
{
	struct err e = { 0 };
	int rc;

	patterns_init(p);
	rc = patterns_add_text(p, "good.yaml", text, strlen(text), &e);
	if (rc < 0)
		printf("# %s\n", e.msg);
	return rc;
}

static size_t matches(const char *text, const char *function, int64_t line, unsigned *cut)
{
	struct patterns p;
	struct findings found;
	struct facts f;
	struct fact_row *r;
	struct err e;
	size_t n;

	if (load(&p, text) < 0 || facts_init(&f, &e) < 0)
		return 999;
	r = fact_add(&f, FACT_FUNCTION, "x", "");
	if (function)
		fact_set_text(&f, r, FC_FUNCTION_function, function);
	fact_set_int(r, FC_FUNCTION_line, line);
	fact_set_num(r, FC_FUNCTION_share, (double)line / 10);
	findings_init(&found);
	analyze(&f, &p, &found);
	n = found.n;
	if (cut)
		*cut = found.cut;
	findings_release(&found);
	facts_release(&f);
	patterns_release(&p);
	return n;
}

#define ONE(condition) "- {id: a, meaning: m, condition: {" condition "}}\n"

static void test_conditions(void)
{
	unsigned cut = 0;

	is_int(matches(ONE("line: 5"), "f", 5, NULL), 1, "a plain value equals");
	is_int(matches(ONE("line: 5"), "f", 6, NULL), 0, "or does not");
	is_int(matches(ONE("line: '>= 5'"), "f", 5, NULL), 1, ">=");
	is_int(matches(ONE("line: '<= 5'"), "f", 6, NULL), 0, "<=");
	is_int(matches(ONE("line: '!= 5'"), "f", 6, NULL), 1, "!=");
	is_int(matches(ONE("line: '== 5'"), "f", 5, NULL), 1, "==");
	is_int(matches(ONE("line: '> 4.5'"), "f", 5, NULL), 1, "a fraction against an integer column");
	is_int(matches(ONE("line: '> ${share}'"), "f", 5, NULL), 1, "against another column");
	is_int(matches(ONE("line: '< ${share}'"), "f", 5, NULL), 0, "against another column, the other way");
	is_int(matches(ONE("line: [1, 5]"), "f", 5, NULL), 1, "in a list");
	is_int(matches(ONE("line: {not_in: [1, 5]}"), "f", 5, NULL), 0, "not in a list");
	is_int(matches(ONE("line: {above: 1, below: 9}"), "f", 5, NULL), 1, "a range");
	is_int(matches(ONE("function: {matches: '^fo+$'}"), "foo", 5, NULL), 1, "a regular expression");
	is_int(matches(ONE("function: {not_matches: '^fo+$'}"), "foo", 5, NULL), 0, "a regular expression that must not");
	is_int(matches(ONE("function: {known: false}"), NULL, 5, NULL), 1, "an unknown value is unknown");
	is_int(matches(ONE("function: {not_equals: x}"), NULL, 5, NULL), 0, "and satisfies nothing else");
	is_int(matches(ONE("any_of: [{line: 1}, {function: f}]"), "f", 5, NULL), 1, "any of");
	is_int(matches(ONE("any_of: [{line: 1}, {function: g}]"), "f", 5, NULL), 0, "none of");
	is_int(matches(ONE("function: '> f'"), "> f", 5, NULL), 1, "a text may begin with '>'");
	is_int(matches(ONE("function: {matches: '^(a+)+$'}"),
		       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", 5, &cut), 0,
	       "a regular expression that would run for ever is cut off");
	ok(cut > 0, "and counted");
}

static void test_merge(void)
{
	static const char mine[] = "- {id: hang.sleep, meaning: mine, over: thread, condition: {waits_kind: sleep}}\n";
	struct patterns a, b;
	struct err e = { 0 };
	size_t n;

	patterns_init(&a);
	is_int(patterns_add_builtin(&a, NULL, &e), 0, "the built-in patterns load");
	n = a.n;
	is_int(load(&b, mine), 0, "a pattern of one's own loads");
	patterns_merge(&a, &b);
	is_int(a.n, n, "it takes the place of the one with its id");
	for (size_t i = 0; i < a.n; i++) {
		if (strcmp(a.v[i]->id, "hang.sleep") == 0)
			is_str(a.v[i]->meaning, "mine", "and is the one that counts");
		if (i)
			ok(strcmp(a.v[i - 1]->id, a.v[i]->id) < 0, "sorted: %s", a.v[i]->id);
	}
	patterns_release(&b);
	patterns_release(&a);
}

/* Of the built-in ones only those are parsed that have rows to look at; they are the same as ever. */
static void test_only_for_rows(void)
{
	struct patterns all, some;
	struct err e = { 0 };
	struct facts f;
	size_t wanted = 0, same = 0;

	patterns_init(&all);
	patterns_init(&some);
	if (facts_init(&f, &e) < 0 || !fact_add(&f, FACT_USAGE, "raw/x.json", "/1"))
		return (void)ok(false, "facts: %s", e.msg);
	is_int(patterns_add_builtin(&all, NULL, &e), 0, "all");
	is_int(patterns_add_builtin(&some, &f, &e), 0, "those for rows of one kind");
	for (size_t i = 0; i < all.n; i++)
		wanted += all.v[i]->scope.kind[0] == FACT_USAGE;
	for (size_t i = 0; i < some.n; i++)
		for (size_t k = 0; k < all.n; k++)
			same += strcmp(all.v[k]->id, some.v[i]->id) == 0 && all.v[k]->line == some.v[i]->line &&
				strcmp(all.v[k]->file, some.v[i]->file) == 0 && some.v[i]->scope.kind[0] == FACT_USAGE;
	ok(wanted > 3 && wanted < all.n / 2, "%zu of %zu are for that kind", wanted, all.n);
	is_int(some.n, wanted, "each of them is there, and no other");
	is_int(same, wanted, "at the line where it stands in its file");
	facts_release(&f);
	patterns_release(&some);
	patterns_release(&all);
}

/* YAML as the JSON that its schema speaks of: a plain scalar is what it looks like. */
static void json_of(struct json *j, const struct yaml_node *n)
{
	const char *key = n->key ? n->key->text : NULL;
	double number;
	char *end;

	if (n->kind != YAML_SCALAR) {
		if (n->kind == YAML_MAP)
			json_object(j, key);
		else
			json_array(j, key);
		yaml_each(item, n)
			json_of(j, item);
		if (n->kind == YAML_MAP)
			json_object_end(j);
		else
			json_array_end(j);
		return;
	}
	number = strtod(n->text, &end);
	if (!n->quoted && (strcmp(n->text, "true") == 0 || strcmp(n->text, "false") == 0))
		json_bool(j, key, n->text[0] == 't');
	else if (!n->quoted && *n->text && !*end && number == (double)(int64_t)number)
		json_int(j, key, (int64_t)number);
	else if (!n->quoted && *n->text && !*end)
		json_fixed(j, key, number, 3);
	else
		json_strn(j, key, n->text, n->len);
}

static bool complain(void *arg, const struct schema_place *at, const char *what)
{
	auto_str place = STR_INIT;

	schema_place_write(at, &place);
	printf("# %s%s: %s\n", (const char *)arg, str_cstr(&place), what);
	return true;
}

static bool obeys(const struct schema *schema, const char *name, const struct yaml_node *root)
{
	auto_str text = STR_INIT;
	struct json_reader *reader;
	const struct json_value *v;
	struct err e;
	struct json j;
	bool good;

	json_init(&j, &text);
	json_of(&j, root);
	json_finish(&j);
	reader = json_reader_text(str_cstr(&text), text.len, name);
	good = json_take(reader, &v, &e) == 0 && schema_check(schema, v, NULL, complain, (void *)name);
	json_reader_free(reader);
	return good;
}

/* Every pattern file of ours, and the specification's example, obey schemas/pattern_v1.yaml. */
static void test_schema(void)
{
	static const char *const files[] = {
		"findings/patterns/hang-locks.yaml", "findings/patterns/hang-waits.yaml", "findings/patterns/hang-phase.yaml",
		"findings/patterns/hang-runtimes.yaml", "findings/patterns/machine.yaml", "findings/patterns/leak.yaml",
		"findings/patterns/fail.yaml",
		"findings/patterns/run.yaml",
	};
	struct schema *schema = NULL;
	struct yaml_doc *doc;
	struct err e = { 0 };

	if (!ok(schema_read(&schema, "schemas/pattern_v1.yaml", &e) == 0, "the schema is one: %s", e.msg))
		return;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!ok(yaml_read(&doc, files[i], NULL, &e) == 0, "%s is YAML", files[i]))
			continue;
		ok(obeys(schema, files[i], yaml_root(doc)), "%s obeys the schema", files[i]);
		yaml_doc_free(doc);
	}
	if (yaml_parse(&doc, "seed", seed_example, strlen(seed_example), 1, NULL, &e) == 0) {
		ok(obeys(schema, "seed", yaml_root(doc)), "the example of the specification obeys it");
		yaml_doc_free(doc);
	}
	schema_free(schema);
}

int main(void)
{
	test_schema();
	test_seed();
	test_damaged();
	test_conditions();
	test_merge();
	test_only_for_rows();
	return tap_done();
}
