/* SPDX-License-Identifier: Apache-2.0 */
/* Case files: what is read, and what is refused, with its place. */
#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/cases/case_file.h"
#include "runner/cases/select.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <unistd.h>

#define HEAD "version: 1\ncases:\n"
#define RUN "harness: {type: cli.run, argv: [x]}"

static const struct bad {
	const char *text, *want;
} bad[] = {
	{ "version: 2\ncases: []\n", "t.spec.yaml:1:10:" },
	{ "cases: []\n", "'version: 1' is missing" },
	{ "version: 1\n", "t.spec.yaml:1:1: a spec needs 'cases'" },
	{ "version: 1\ncasse: []\n", "t.spec.yaml:2:1: unknown key 'casse' (did you mean 'cases'?)" },
	{ HEAD "  - {id: A, tiemout_ms: 3, " RUN "}\n", ":3:13: unknown key 'tiemout_ms'" },
	{ HEAD "  - {id: A, harness: {type: cli.run, argv: [x], tiemout_ms: 3}}\n",
	  "unknown key 'tiemout_ms' (did you mean 'timeout_ms'?)" },
	{ HEAD "  - {title: A, " RUN "}\n", "'id'" },
	{ HEAD "  - {id: 'A B', " RUN "}\n", "letters, digits" },
	{ HEAD "  - {id: A}\n", "a case needs a 'harness' or a 'chain'" },
	{ HEAD "  - {id: A, harness: {type: cli.rum, argv: [x]}}\n", "cli.run" },
	{ HEAD "  - {id: A, harness: {type: cli.run}}\n", "needs 'argv'" },
	{ HEAD "  - {id: A, harness: {type: cli.run, argv: []}}\n", "at least the name of a program" },
	{ HEAD "  - {id: A, harness: {type: cli.run, argv: [x], timeout_ms: -1}}\n", "timeout_ms" },
	{ HEAD "  - {id: A, harness: {type: cli.run, argv: [x], env: {'A=B': c}}}\n", "must not be empty nor hold '='" },
	{ HEAD "  - {id: A, " RUN "}\n  - {id: A, " RUN "}\n", ":4:10: case 'A' is there already: t.spec.yaml:3:10" },
	{ HEAD "  - {id: A, " RUN ", expect: {must: [{target: stdout}]}}\n", "needs one of equals" },
	{ HEAD "  - {id: A, " RUN ", expect: {must: [{target: stdout, equals: a, contains: b}]}}\n", "give each its own" },
	{ HEAD "  - {id: A, " RUN ", expect: {must: [{target: stduot, equals: a}]}}\n", "stdout" },
	{ HEAD "  - {id: A, " RUN ", expect: {must: [{target: stdout, matches: 'a('}]}}\n", "at offset 2" },
	{ HEAD "  - {id: A, " RUN ", expect: {must: [{target: stdout, less_than: 3}]}}\n", "does not fit" },
	{ HEAD "  - {id: A, " RUN ", expect: {must: [{target: exit_code, equals: zero}]}}\n", "zero" },
	{ HEAD "  - {id: A, " RUN ", expect: {must: [{target: json, pointer: a, equals: 1}]}}\n", "begins with '/'" },
	{ HEAD "  - {id: A, " RUN ", expect: {must: [{target: file, exists: true}]}}\n", "'path'" },
	{ HEAD "  - {id: A, " RUN ", expect: {mustnt: []}}\n", "unknown key 'mustnt'" },
	{ HEAD "  - {id: A, harness: {type: file.scan, paths: [a]}}\n", "needs one of 'present'" },
	{ HEAD "  - {id: A, harness: {type: file.scan, present: [a]}}\n", "needs 'paths'" },
	{ HEAD "  - {id: A, harness: {type: file.scan, paths: ['[a'], present: [a]}}\n", "'[' is not closed" },
	{ HEAD "  - {id: A, harness: {type: file.scan, paths: [a], present: [{regex: '['}]}}\n", "at offset" },
	{ HEAD "  - {id: A, harness: {type: file.scan, paths: [a], present: ['']}}\n", "must not be empty" },
	{ HEAD "  - {id: A, harness: {type: file.scan, paths: [a], count: {x: '~ 2'}}}\n", "is not a count" },
	{ HEAD "  - {id: A, harness: {type: data.validate, paths: [a]}}\n", "needs one of 'schema' and 'keys'" },
	{ HEAD "  - {id: A, harness: {type: data.validate, paths: [a], schema: s, keys: [a]}}\n",
	  "needs one of 'schema' and 'keys'" },
	{ HEAD "  - {id: A, chain: {steps: []}}\n", "at least one step" },
	{ HEAD "  - {id: A, chain: {steps: [{id: s, ref: B}]}}\n", "a ref is FILE#CASE-ID" },
	{ HEAD "  - {id: A, chain: {steps: [{id: s, ref: '#A'}]}}\n", "cycle in chain: A -> A" },
	{ HEAD "  - {id: A, chain: {steps: [{id: s, ref: '#B'}]}}\n  - {id: B, chain: {steps: [{id: s, ref: '#A'}]}}\n",
	  "cycle in chain: A -> B -> A" },
	{ HEAD "  - {id: CASE-1, " RUN "}\n  - {id: B, chain: {steps: [{id: s, ref: '#CASE-2'}]}}\n",
	  ":4:42: no case 'CASE-2' in 't.spec.yaml' (did you mean 'CASE-1'?)" },
	{ HEAD "  - {id: A, chain: {steps: [{id: s, ref: 'nowhere.yaml#B'}]}}\n", "t.spec.yaml:3:42: reading 'nowhere.yaml'" },
	{ HEAD "  - {id: A, harness: {type: cli.run, argv: ['${s.v}']}}\n", "no step of that name" },
	{ HEAD "  - {id: A, " RUN "}\n  - {id: B, chain: {steps: [{id: s, ref: '#A'}]}, harness: {type: cli.run, argv: ['${s.v}']}}\n",
	  "exports no such name" },
	/* K runs a, then b, which reads what a exports; but a itself needs b */
	{ HEAD "  - {id: K, chain: {steps: [{id: a, ref: '#A'}, {id: b, ref: '#B'}]}}\n"
	       "  - {id: A, chain: {steps: [{id: x, ref: '#B'}]}, " RUN ", export: {v: {target: stdout}}}\n"
	       "  - {id: B, harness: {type: cli.run, argv: ['${a.v}']}}\n",
	  "not the same step before it" },
	{ HEAD "  - {id: A, " RUN ", export: {v: {target: stdout, contains: x}}}\n", "unknown key 'contains'" },
	{ "a: &a [x]\nb: *a\n", "alias" },
	{ "[", "t.spec.yaml:" },
	{ "", "t.spec.yaml" },
	{ "\xff\xfe\x01", "t.spec.yaml" },
};

static int load(struct case_set *s, const char *name, const char *text, struct err *e)
{
	case_set_init(s);
	return case_set_read_text(s, name, text, strlen(text), e) < 0 || case_set_resolve(s, e) < 0 ? -1 : 0;
}

static void test_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct case_set s;
		struct err e = { 0 };
		int rc = load(&s, "t.spec.yaml", bad[i].text, &e);

		if (!ok(rc < 0 && e.kind == ERR_USAGE && strstr(e.msg, bad[i].want), "refused: %s", bad[i].want))
			printf("#   got %d '%s'\n", rc, e.msg);
		case_set_release(&s);
	}
}

static const char good[] =
	"version: 1\nsuite: cli\ncases:\n"
	"  - id: CLI-001\n    title: prints its version\n    check: runtime.cli_version\n"
	"    chain: {fail_fast: true, timeout_ms: 60000, steps: [{id: built, ref: '#BUILD-001', allow_continue: false}]}\n"
	"    harness: {type: cli.run, argv: [./spec-runner, version, true, 1], env: {A: 1}, cwd: ., stdin: '', timeout_ms: 5000}\n"
	"    expect:\n"
	"      must:     [{target: exit_code, equals: 0}, {target: stdout, matches: '^spec-runner \\d+\\.\\d+'}]\n"
	"      must_not: [{target: stderr, contains: 'error'}]\n"
	"      may:      [{target: stdout, contains: '${built.version}'}]\n"
	"    export: {version: {target: stdout, matches: '(\\d+\\.\\d+)'}}\n"
	"  - id: BUILD-001\n    harness: {type: file.scan, paths: '**', present: a, count: [{regex: 'x+', is: '>= 2'}]}\n"
	"    export: {version: {target: stdout}}\n";

static void test_good(void)
{
	struct case_set s;
	struct err e = { 0 };
	const struct spec_case *c;

	ok(load(&s, "t.spec.yaml", good, &e) == 0, "the example of the contract is read %s", e.msg);
	is_int(s.count, 2, "two cases");
	c = &s.cases[0];
	is_str(c->id, "CLI-001", "id");
	is_str(c->suite, "cli", "suite");
	is_str(c->check, "runtime.cli_version", "check");
	is_int(c->line, 4, "line");
	is_str(c->harness.argv.v[2], "true", "a plain true is a text where a text is wanted");
	is_str(c->harness.argv.v[3], "1", "and so is a number");
	is_str(c->harness.env.v[0], "A=1", "environment");
	ok(c->harness.stdin_text && c->harness.stdin_bytes == 0, "an empty stdin is given");
	is_int(c->chain.steps[0].target, 1, "the ref is resolved");
	is_int(c->use_count, 1, "the export that it reads is resolved");
	is_int(s.cases[1].harness.scan->items[1].op, SCAN_GE, "a comparison");
	case_set_release(&s);
}

static void test_markdown(void)
{
	static const char text[] = "# T\n\n````\n```yaml contract-spec\nbad: yes\n```\n````\n\n"
				   "```yaml contract-spec\nversion: 1\ncases:\n  - {id: M-1, " RUN "}\n```\n"
				   "~~~yaml\nversion: 7\n~~~\n"
				   "  ~~~yaml contract-spec\nversion: 1\ncases:\n  - {id: M-2, harness: {type: cli.run, argv: x}}\n~~~\n";
	struct case_set s;
	struct err e = { 0 };

	case_set_init(&s);
	is_int(case_set_read_text(&s, "t.spec.md", text, strlen(text), &e), -1, "the second fence is wrong");
	ok(strstr(e.msg, "t.spec.md:20:"), "its line is that of the file: %s", e.msg);
	is_int(s.count, 1, "the first fence is read, the quoted one is not");
	is_int(s.cases[0].line, 12, "and its line is right, too");
	case_set_release(&s);
	case_set_init(&s);
	e.kind = ERR_NONE;
	is_int(case_set_read_text(&s, "t.spec.md", "```yaml contract-spec\nversion: 1\n", 33, &e), -1,
	       "a fence that is never closed is refused");
	case_set_release(&s);
}

static void test_large(void)
{
	auto_str deep = STR_INIT;
	auto_str many = STR_INIT;
	struct case_set s;
	struct err e = { 0 };

	for (int i = 0; i < 10000; i++)
		str_add(&deep, "{a: ");
	ok(load(&s, "t.spec.yaml", str_cstr(&deep), &e) < 0 && strlen(e.msg) < 200, "10,000 nested maps: %s", e.msg);
	case_set_release(&s);
	str_add(&many, HEAD);
	for (int i = 0; i < 5000; i++)
		str_addf(&many, "  - {id: C-%d, " RUN "}\n", i);
	e.kind = ERR_NONE;
	is_int(load(&s, "t.spec.yaml", str_cstr(&many), &e), 0, "5,000 cases %s", e.msg);
	is_int(case_set_find(&s, "C-4321"), 4321, "are found by id");
	is_int(case_set_find(&s, "C-5000"), CASE_NONE, "and others are not");
	case_set_release(&s);
}

static uint32_t selected(const struct case_set *set, const struct case_selection *sel)
{
	uint32_t n;

	free(case_select(set, sel, &n));
	return n;
}

static void test_select(void)
{
	struct strv runtime = STRV_INIT;
	struct case_selection sel = { 0 };
	struct case_set s;
	struct err e = { 0 };
	unsigned shard, shards, seen = 0;
	char *none[] = { NULL };

	load(&s, "t.spec.yaml", good, &e);
	is_int(selected(&s, &sel), 0, "what only a ref names is not selected");
	s.cases[0].selected = s.cases[1].selected = true;
	is_int(selected(&s, &sel), 2, "all");
	sel.only_checks = true;
	is_int(selected(&s, &sel), 1, "those with a check id");
	strv_add(&runtime, "runtime.");
	sel.prefixes = &runtime;
	is_int(selected(&s, &sel), 1, "those below a prefix");
	sel.excluded = &runtime;
	is_int(selected(&s, &sel), 0, "less those below another");
	sel = (struct case_selection){ .filter = "BUILD" };
	is_int(selected(&s, &sel), 1, "by a part of the id");
	sel.filter = "CLI-*";
	is_int(selected(&s, &sel), 1, "by a glob");
	for (unsigned i = 1; i <= 3; i++) {
		sel = (struct case_selection){ .shard = i, .shards = 3 };
		seen += selected(&s, &sel);
	}
	is_int(seen, 2, "shards are disjoint and complete");
	ok(shard_parse("2/3", none, &shard, &shards, &e) == 0 && shard == 2 && shards == 3, "2/3");
	ok(shard_parse("auto", none, &shard, &shards, &e) == 0 && shards == 1, "no CI: all of it");
	ok(shard_parse("4/3", none, &shard, &shards, &e) < 0 && shard_parse("x", none, &shard, &shards, &e) < 0 &&
		   shard_parse("0/3", none, &shard, &shards, &e) < 0,
	   "4/3, x and 0/3 are refused");
	strv_release(&runtime);
	case_set_release(&s);
}

/* How CI systems say which part of a whole a job is. */
static void test_shard_environments(void)
{
	static const struct {
		const char *what, *env[4];
		unsigned shard, shards; /* 0: refused */
	} rows[] = {
		{ "GitLab counts from 1", { "CI_NODE_INDEX=2", "CI_NODE_TOTAL=3" }, 2, 3 },
		{ "CircleCI from 0", { "CIRCLE_NODE_INDEX=0", "CIRCLE_NODE_TOTAL=4" }, 1, 4 },
		{ "Buildkite from 0", { "BUILDKITE_PARALLEL_JOB=3", "BUILDKITE_PARALLEL_JOB_COUNT=4" }, 4, 4 },
		{ "Semaphore from 1", { "SEMAPHORE_JOB_INDEX=1", "SEMAPHORE_JOB_COUNT=2" }, 1, 2 },
		{ "Bazel from 0", { "TEST_SHARD_INDEX=1", "TEST_TOTAL_SHARDS=2" }, 2, 2 },
		{ "Slurm from its least", { "SLURM_ARRAY_TASK_ID=7", "SLURM_ARRAY_TASK_COUNT=3", "SLURM_ARRAY_TASK_MIN=5" }, 3, 3 },
		{ "Kubernetes from 0", { "JOB_COMPLETION_INDEX=4", "JOB_COMPLETION_TOTAL=5" }, 5, 5 },
		{ "an index without a total is none", { "CI_NODE_INDEX=2" }, 1, 1 },
		{ "an index beyond the total", { "CI_NODE_INDEX=4", "CI_NODE_TOTAL=3" }, 0, 0 },
		{ "an index below the first", { "SEMAPHORE_JOB_INDEX=0", "SEMAPHORE_JOB_COUNT=3" }, 0, 0 },
		{ "no number", { "CI_NODE_INDEX=two", "CI_NODE_TOTAL=3" }, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned shard = 0, shards = 0;
		struct err e = { 0 };
		int rc = shard_parse("auto", (char *const *)rows[i].env, &shard, &shards, &e);

		if (rows[i].shards)
			ok(rc == 0 && shard == rows[i].shard && shards == rows[i].shards, "%s", rows[i].what);
		else
			ok(rc < 0 && e.kind == ERR_USAGE && strstr(e.msg, strchr(rows[i].env[0], '=') + 1) != NULL, "%s: %s",
			   rows[i].what, e.msg);
	}
}

static void put(const char *dir, const char *name, const char *text)
{
	auto_free char *path = path_join(dir, name);
	struct err e = { 0 };

	BUG_ON(file_write(path, text, strlen(text), &e) < 0);
}

static void test_files(void)
{
	char dir[] = "/tmp/test-case-file-XXXXXX";
	struct case_set s;
	struct err e = { 0 };
	char *paths[1];

	BUG_ON(!mkdtemp(dir));
	put(dir, "a.spec.yaml", HEAD "  - {id: A, chain: {steps: [{id: s, ref: 'sub/b.yaml#B'}]}}\n");
	put(dir, "sub/b.yaml", HEAD "  - {id: B, " RUN "}\n");
	put(dir, ".hidden/c.spec.yaml", "nonsense");
	paths[0] = dir;
	case_set_init(&s);
	ok(case_set_load(&s, paths, 1, &e) == 0, "a folder is read %s", e.msg);
	ok(s.count == 2 && s.cases[0].selected && !s.cases[1].selected, "a file that a ref names is read, not selected");
	case_set_release(&s);
	paths[0] = xasprintf("%s/sub/b.yaml#B", dir);
	case_set_init(&s);
	ok(case_set_load(&s, paths, 1, &e) == 0 && s.cases[0].selected, "FILE#ID names one case");
	case_set_release(&s);
	free(paths[0]);
	paths[0] = xasprintf("%s/none", dir);
	case_set_init(&s);
	ok(case_set_load(&s, paths, 1, &e) < 0 && e.kind == ERR_USAGE, "a path that is not there: %s", e.msg);
	case_set_release(&s);
	free(paths[0]);
	path_remove_tree(dir, &e);
}

int main(void)
{
	test_bad();
	test_good();
	test_markdown();
	test_large();
	test_select();
	test_shard_environments();
	test_files();
	return tap_done();
}
