/* SPDX-License-Identifier: Apache-2.0 */
/* Every built-in pattern with rows that it must match and rows that it must not; ranking, ids,
 * determinism. */
#include "base/mem.h"
#include "base/schema.h"
#include "findings/analyze.h"
#include "findings/report.h"
#include "tests/tap.h"
#include "tests/unit/findings_animals.h"

#include <stdlib.h>
#include <string.h>

static struct patterns patterns;

/* "kind column=value; column=value" a line. */
static void add_rows(struct facts *f, const char *text)
{
	auto_free char *copy = xstrdup(text);
	char *save_line, *save_cell;
	unsigned n = 0;

	for (char *line = strtok_r(copy, "\n", &save_line); line; line = strtok_r(NULL, "\n", &save_line)) {
		char *kind = strtok_r(line, " ", &save_cell), *cell;
		int k = fact_kind_find(kind);
		auto_free char *at = xasprintf("/%u", n++);
		struct fact_row *r;

		if (k < 0) {
			ok(false, "the test names a kind that is there: %s", kind);
			return;
		}
		r = fact_add(f, (enum fact_kind)k, "run-trace.json", at);
		while ((cell = strtok_r(NULL, ";", &save_cell))) {
			char *eq = strchr(cell, '=');
			int c;

			cell += strspn(cell, " ");
			*eq = '\0';
			c = fact_col_find((enum fact_kind)k, cell);
			if (c < 0 || !fact_set_from_text(f, r, (enum fact_col)c, eq + 1))
				ok(false, "the test names a column that is there: %s.%s=%s", kind, cell, eq + 1);
		}
	}
	facts_sort(f);
}

struct result {
	struct facts f;
	struct findings found;
};

static void result_init(struct result *r, const char *rows)
{
	struct err e;

	if (facts_init(&r->f, &e) < 0)
		abort();
	add_rows(&r->f, rows);
	findings_init(&r->found);
	analyze(&r->f, &patterns, &r->found);
}

static void result_release(struct result *r)
{
	findings_release(&r->found);
	facts_release(&r->f);
}

static const struct finding *find(const struct result *r, const char *id)
{
	for (size_t i = 0; i < r->found.n; i++)
		if (strcmp(r->found.v[i]->pattern->id, id) == 0)
			return r->found.v[i];
	return NULL;
}

static const char *first_id(const struct result *r)
{
	return r->found.n ? r->found.v[0]->pattern->id : "(none)";
}


static void test_animals(void)
{
	for (size_t i = 0; i < ANIMALS; i++) {
		struct result yes, no;

		result_init(&yes, animals[i].yes);
		result_init(&no, animals[i].no);
		is_str(first_id(&yes), animals[i].id, "%s comes first where its facts are there", animals[i].id);
		ok(!find(&no, animals[i].id), "%s does not come where they are not", animals[i].id);
		if (yes.found.n)
			ok(yes.found.v[0]->n_evidence && yes.found.v[0]->basis.n && yes.found.v[0]->confidence > 0 &&
				   yes.found.v[0]->suggestions.n && !strstr(yes.found.v[0]->summary, "${"),
			   "%s has evidence, a basis and a suggestion", animals[i].id);
		result_release(&yes);
		result_release(&no);
	}
	for (size_t i = 0; i < patterns.n; i++) {
		bool tested = false;

		for (size_t k = 0; k < ANIMALS; k++)
			tested = tested || strcmp(animals[k].id, patterns.v[i]->id) == 0;
		ok(tested, "%s has its rows in this test", patterns.v[i]->id);
	}
}

/* The words of contract 10 are all there. */
static void test_contract_names(void)
{
	static const char *const names[] = {
		"hang.deadlock.locks", "hang.deadlock.processes", "hang.lock.held", "hang.lock.file", "hang.wait.child",
		"hang.input.terminal", "hang.input.stdin", "hang.pipe.leaked_writer", "hang.net.connect", "hang.net.recv",
		"hang.net.accept", "hang.wait.sync", "hang.wait.event", "hang.sleep", "hang.spin",
		"hang.output.no_progress", "hang.exit.threads", "hang.exit.after_pass", "hang.start.before_first_test",
		"hang.python.gil", "hang.stopped", "hang.unkillable", "hang.zombie", "machine.starved", "machine.oom",
		"machine.disk_full", "leak.process", "leak.pipe", "run.cancelled", "run.supervisor_lost",
		"run.diagnosis_denied",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		bool found = false;

		for (size_t k = 0; k < patterns.n; k++)
			found = found || strcmp(patterns.v[k]->id, names[i]) == 0;
		ok(found, "there is a pattern %s", names[i]);
	}
}

static void test_silence(void)
{
	struct result r;

	result_init(&r, "run ended_by=itself; stuck=false; status=pass; exit_code=0\n"
			"thread pid=1; tid=1; root=true; waits_kind=sleep\n"
			"thread pid=2; tid=2; root=true; state=R; cpu_delta_ms=900\n"
			"edge pid=1; tid=1; kind=mutex; proved=true; on_chain=true; holder_pid=2\n"
			"process pid=1; zombies=2\n");
	is_int(r.found.n, 0, "a run that ended by itself has no hang finding, whatever was seen of it");
	result_release(&r);
	result_init(&r, "run ended_by=watchdog; stuck=true; idle_ms=99; explained_roots=0\n"
			"process pid=4; comm=x; leaf=true; state=S; wchan=some_driver_wait\n");
	is_str(first_id(&r), "hang.unexplained", "an unknown wait is said to be unknown");
	ok(r.found.v[0]->confidence <= 0.3 && !r.found.v[0]->proved, "with low confidence");
	ok(strstr(r.found.v[0]->summary, "some_driver_wait"), "and with what is known");
	result_release(&r);
}

/* The leaf is only possible, the way to it is certain: it is the leaf that tells something. */
static void test_chain_last(void)
{
	struct result r;

	result_init(&r, STUCK "thread pid=12; tid=12; comm=make; waits_kind=child; chain_length=1\n"
			      "thread pid=13; tid=13; comm=prog; root=true; rank=0; chain_length=2; waits_kind=io; state=S; "
			      "chain=make -> prog\n");
	is_str(first_id(&r), "hang.wait.event.io", "what waits at the end of the chain comes before the chain");
	ok(!r.found.v[0]->proved && r.found.v[1]->proved, "though only the chain is proved");
	result_release(&r);
}

/* A line of an interpreter's library is no place to look at. */
static void test_runtime_line(void)
{
	struct result r;

	result_init(&r, STUCK ROOT "waits_kind=sleep; language=perl; function=IO::Select::can_read; "
			      "file=/usr/share/perl/5.36/IO/Select.pm; line=130\n");
	ok(r.found.n && !r.found.v[0]->location, "a line of Perl's own library is no location");
	result_release(&r);
	result_init(&r, STUCK ROOT "waits_kind=sleep; language=perl; function=main::nap; file=/ci/t.pl; line=3; own_line=true\n");
	is_str(r.found.v[0]->location, "/ci/t.pl:main::nap:3", "one of the program is");
	result_release(&r);
}

static void test_ids(void)
{
	struct result a, b, c;

	result_init(&a, STUCK "thread pid=12; tid=12; root=true; comm=prog; waits_kind=sleep; function=nap; "
			      "file=/home/a/x.c; line=7; waits_resource=0x7f00aa11\n");
	result_init(&b, STUCK "thread pid=99; tid=98; root=true; comm=prog; waits_kind=sleep; function=nap; "
			      "file=/srv/b/x.c; line=9; waits_resource=0x5500bb22\n");
	result_init(&c, STUCK "thread pid=12; tid=12; root=true; comm=prog; waits_kind=sleep; function=doze; "
			      "file=/home/a/x.c; line=7\n");
	is_str(a.found.v[0]->id, b.found.v[0]->id, "pids, folders, lines and addresses are no part of the id");
	ok(strcmp(a.found.v[0]->id, c.found.v[0]->id) != 0, "another function is another id");
	is_str(a.found.v[0]->location, "/home/a/x.c:nap:7", "the location is file:function:line");
	result_release(&a);
	result_release(&b);
	result_release(&c);
	result_init(&a, "leak kind=process; pid=8; comm=daemon; reason=leaked\n"
			"leak kind=process; pid=9; comm=daemon; reason=leaked\n"
			"leak kind=process; pid=10; comm=other; reason=leaked\n");
	is_int(a.found.n, 2, "the same twice is one finding");
	is_int(find(&a, "leak.process")->occurrences + a.found.v[1]->occurrences, 3, "that counts its occurrences");
	result_release(&a);
}

/* All rows of all animals at once, lines in another order each time. */
static void test_determinism(void)
{
	char first[SIGNATURE_SIZE] = "", now[SIGNATURE_SIZE];
	const char *lines[512];
	auto_str all = STR_INIT, out = STR_INIT, rows = STR_INIT;
	size_t n = 0;
	bool same = true;

	for (size_t i = 0; i < ANIMALS; i++)
		str_add(&all, animals[i].yes);
	for (char *p = strtok(all.data, "\n"); p && n < 512; p = strtok(NULL, "\n"))
		lines[n++] = p;
	for (unsigned round = 0; round < 100; round++) {
		struct result r;
		struct report report;

		str_reset(&rows);
		for (size_t i = 0; i < n; i++)
			str_addf(&rows, "%s\n", lines[(i * 7919 + round * 31) % n]);
		result_init(&r, str_cstr(&rows));
		report = (struct report){ .facts = &r.f, .findings = &r.found };
		report_head_read(&report.head, &r.f);
		str_reset(&out);
		/* where a row stood is evidence too; only what was found must not depend on it */
		for (size_t i = 0; i < r.found.n; i++)
			str_addf(&out, "%s %s %s %.2f\n", r.found.v[i]->id, r.found.v[i]->summary,
				 r.found.v[i]->location ? r.found.v[i]->location : "", r.found.v[i]->confidence);
		signature_make(now, "", str_cstr(&out), out.len);
		if (!round)
			memcpy(first, now, sizeof(first));
		same = same && strcmp(first, now) == 0;
		result_release(&r);
	}
	ok(same, "100 orders of the rows, one result");
}

static void test_formats(void)
{
	struct result r;
	struct report report;
	auto_str out = STR_INIT;

	result_init(&r, STUCK "thread pid=12; tid=12; root=true; comm=a|b*; waits_kind=sleep; function=f<x>; "
			      "file=a,b:c%d.c; line=7; argv=\033[31mred `x`\n");
	report = (struct report){ .facts = &r.f, .findings = &r.found, .report_path = "report.md" };
	report_head_read(&report.head, &r.f);
	report_console(&report, &out);
	ok(!strchr(str_cstr(&out), '\033'), "no control character reaches the terminal");
	for (const char *p = str_cstr(&out); p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
		if (strncmp(p, "spec-runner: ", 13) != 0)
			ok(false, "each line begins with our name: %.40s", p);
	str_reset(&out);
	report_github(&report, &out);
	ok(str_starts(str_cstr(&out), "::error file=a%2Cb,") || strstr(str_cstr(&out), "a%2Cb"),
	   "GitHub properties are escaped: %.60s", str_cstr(&out));
	str_reset(&out);
	report_markdown(&report, &out);
	ok(strstr(str_cstr(&out), "## 1. It sleeps") && strstr(str_cstr(&out), "### Observed") &&
		   strstr(str_cstr(&out), "### What it means") && strstr(str_cstr(&out), "### How sure") &&
		   strstr(str_cstr(&out), "### How to verify"),
	   "the report keeps observation and interpretation apart");
	ok(strstr(str_cstr(&out), "a\\|b\\*"), "Markdown of others is text");
	result_release(&r);
}

static bool complain(void *arg, const struct schema_place *at, const char *what)
{
	auto_str place = STR_INIT;

	(void)arg;
	schema_place_write(at, &place);
	printf("# %s: %s\n", str_cstr(&place), what);
	return true;
}

/* findings.json of every animal obeys its schema. */
static void test_schema(void)
{
	struct schema *schema = NULL;
	struct err e = { 0 };
	bool good = true;

	if (!ok(schema_read(&schema, "schemas/findings_v1.yaml", &e) == 0, "the schema is one: %s", e.msg))
		return;
	for (size_t i = 0; i < ANIMALS; i++) {
		struct result r;
		struct report report;
		auto_str out = STR_INIT;
		struct json_reader *reader;
		const struct json_value *v;

		result_init(&r, animals[i].yes);
		report = (struct report){ .facts = &r.f, .findings = &r.found };
		report_head_read(&report.head, &r.f);
		report.head.run_id = "run-20261121T000000Z-00000001";
		report_json(&report, &out);
		reader = json_reader_text(str_cstr(&out), out.len, "findings.json");
		good = json_take(reader, &v, &e) == 0 && schema_check(schema, v, NULL, complain, NULL) && good;
		json_reader_free(reader);
		result_release(&r);
	}
	ok(good, "findings.json of each obeys schemas/findings_v1.yaml");
	schema_free(schema);
}

static void test_secrets(void)
{
	static const char secret[] = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
	struct result r;
	struct report report;
	auto_str rows = STR_INIT, out = STR_INIT;

	str_addf(&rows, STUCK "thread pid=12; tid=12; root=true; comm=curl; waits_kind=connect; file=/x/%s/a.c; function=f; "
			      "line=1; waits_resource=%s; argv=curl -H %s\n", secret, secret, secret);
	result_init(&r, str_cstr(&rows));
	report = (struct report){ .facts = &r.f, .findings = &r.found };
	report_head_read(&report.head, &r.f);
	for (const struct report_ops *o = report_formats; o->name; o++) {
		str_reset(&out);
		o->write(&report, &out);
		ok(!strstr(str_cstr(&out), secret), "no secret in the format %s", o->name);
	}
	result_release(&r);
}

int main(void)
{
	struct err e = { 0 };

	patterns_init(&patterns);
	if (!ok(patterns_add_builtin(&patterns, NULL, &e) == 0, "the built-in patterns load: %s", e.msg))
		return tap_done();
	test_contract_names();
	test_animals();
	test_silence();
	test_chain_last();
	test_runtime_line();
	test_ids();
	test_determinism();
	test_formats();
	test_schema();
	test_secrets();
	patterns_release(&patterns);
	return tap_done();
}
