/* SPDX-License-Identifier: Apache-2.0 */
/* markdown.c - report.md: what was observed stands apart from what it means; each observation has
 * its source, each conclusion how sure it is and how to check it. */
#include "findings/report.h"

#include "base/mem.h"
#include "base/path.h"

#include <string.h>

static void head_write(const struct report *r, struct str *out)
{
	str_add(out, "# What spec-runner found\n\n");
	str_add(out, "Run ");
	report_add_code(out, r->head.run_id);
	str_add(out, ", ");
	if (*r->head.args) {
		size_t from = out->len;

		str_addf(out, "%s %s", r->head.command, r->head.args);
		auto_str line = STR_INIT;
		str_add(&line, out->data + from);
		out->len = from;
		report_add_code(out, str_cstr(&line));
	} else {
		report_add_code(out, r->head.command);
	}
	str_addf(out, ": **%s**", r->head.status);
	if (r->head.has_exit_code)
		str_addf(out, ", exit code %lld", (long long)r->head.exit_code);
	str_add(out, ".\n\n");
}

static void source_write(const struct fact_row *r, struct str *out)
{
	auto_str text = STR_INIT;

	str_addf(&text, "%s%s%s", r->file, *r->at ? "#" : "", r->at);
	str_add(out, " (from ");
	report_add_code(out, str_cstr(&text));
	str_add(out, ")\n");
}

#define NUMBERS_BYTES ((size_t)256 << 10)
#define TOKENS_SHOWN 6
#define TESTS_SHOWN 10

/* How it came to its end: what the watchdogs recorded, and which tests were at it then. */
static void end_write(const struct facts *f, struct str *out)
{
	const struct fact_table *tokens = &f->table[FACT_TIMEOUT];
	const struct fact_row *v[TESTS_SHOWN];
	size_t running = report_running_tests(f, v, TESTS_SHOWN), from = out->len;
	auto_str text = STR_INIT;

	for (size_t i = 0; i < tokens->n && i < TOKENS_SHOWN; i++) {
		str_add(out, "- ");
		report_add_code(out, fact_text(tokens->rows[i], FC_TIMEOUT_token));
		str_addf(out, " at %.1f ms", fact_num(tokens->rows[i], FC_TIMEOUT_at_ms, 0));
		source_write(tokens->rows[i], out);
	}
	if (tokens->n > TOKENS_SHOWN)
		str_addf(out, "- and %zu more records of watchdogs\n", tokens->n - TOKENS_SHOWN);
	for (size_t i = 0; i < running && i < TESTS_SHOWN; i++) {
		const struct fact_row *r = v[i];

		str_reset(&text);
		str_addf(&text, "%s%s%s", fact_text(r, FC_CASE_suite), *fact_text(r, FC_CASE_suite) ? " " : "",
			 fact_text(r, FC_CASE_case_id));
		str_add(out, "- still running: ");
		report_add_code(out, str_cstr(&text));
		str_addf(out, ", for %.1f ms", fact_num(r, FC_CASE_duration_ms, 0));
		source_write(r, out);
	}
	if (running > TESTS_SHOWN)
		str_addf(out, "- and %zu more tests\n", running - TESTS_SHOWN);
	str_add(out, out->len > from ? "\n" : "");
}

static void list_write(struct str *out, const char *title, const struct strv *l)
{
	if (!l->n)
		return;
	str_addf(out, "### %s\n\n", title);
	for (size_t i = 0; i < l->n; i++) {
		str_add(out, "- ");
		report_add_text(out, l->v[i]);
		str_add(out, "\n");
	}
	str_add(out, "\n");
}

/* One line a row: what was read in one place stands together, with that place. */
static void group_write(const struct finding *x, size_t first, struct str *out)
{
	const struct evidence *head = &x->evidence[first];
	size_t len = report_group_len(head->name);
	auto_str text = STR_INIT;

	str_addf(out, "- **%.*s**", (int)len, head->name);
	for (size_t i = first; i < x->n_evidence; i++) {
		const struct evidence *ev = &x->evidence[i];

		if (!report_group_same(head, ev))
			continue;
		str_addf(out, "%s%s ", i == first ? ": " : ", ", ev->name + len + (len ? 1 : 0));
		str_reset(&text);
		report_add_value(&text, ev);
		report_add_code(out, str_cstr(&text));
	}
	str_reset(&text);
	report_add_source(&text, head);
	str_add(out, " (from ");
	report_add_code(out, str_cstr(&text));
	str_add(out, ")\n");
}

static void observed_write(const struct finding *x, struct str *out)
{
	str_add(out, "### Observed\n\n");
	for (size_t i = 0; i < x->n_evidence; i++)
		if (report_group_begins(x, i))
			group_write(x, i, out);
	if (x->occurrences > 1)
		str_addf(out, "- The same %llu times; one of them is shown.\n", (unsigned long long)x->occurrences);
	str_add(out, "\n");
}

static void sure_write(const struct finding *x, struct str *out)
{
	str_addf(out, "### How sure\n\nConfidence %.2f, the sum of:\n\n", x->confidence);
	for (size_t i = 0; i < x->basis.n; i++) {
		str_add(out, "- ");
		report_add_text(out, x->basis.v[i]);
		str_add(out, "\n");
	}
	if (x->proved)
		str_add(out, "\nThe facts above prove it.\n\n");
	else
		str_add(out, "\nThe facts above make it possible; they do not prove it. Another cause may show the "
			     "same facts.\n\n");
}

static void verify_write(const struct finding *x, struct str *out)
{
	str_add(out, "### How to verify\n\n");
	for (size_t i = 0; i < x->verify.n; i++) {
		str_add(out, "- ");
		report_add_text(out, x->verify.v[i]);
		str_add(out, "\n");
	}
	str_addf(out, "- After a change, run the same command again: while `%s` comes back in `findings.json`, "
		      "the cause is still there.\n\n", x->id);
}

static void finding_write(const struct finding *x, size_t number, struct str *out)
{
	str_addf(out, "## %zu. ", number);
	report_add_text(out, x->pattern->title);
	str_add(out, "\n\n");
	str_addf(out, "`%s`, ", x->pattern->id);
	if (x->location) {
		str_add(out, "at ");
		report_add_code(out, x->location);
		str_add(out, ", ");
	}
	str_addf(out, "confidence ");
	report_add_confidence(out, x);
	str_addf(out, ", id `%s`\n\n", x->id);
	observed_write(x, out);
	str_add(out, "### What it means\n\n");
	report_add_text(out, x->summary);
	str_add(out, "\n\n");
	if (strcmp(x->summary, x->pattern->meaning) != 0) {
		report_add_text(out, x->pattern->meaning);
		str_add(out, "\n\n");
	}
	sure_write(x, out);
	list_write(out, "What to try", &x->suggestions);
	verify_write(x, out);
}

/* What could not be seen belongs to the truth of what was seen. */
static void unseen_write(const struct facts *f, struct str *out)
{
	const struct fact_table *t = &f->table[FACT_DENIAL];
	size_t shown = t->n < 20 ? t->n : 20;

	if (!t->n)
		return;
	str_add(out, "## What could not be seen\n\n");
	for (size_t i = 0; i < shown; i++) {
		const struct fact_row *r = t->rows[i];

		str_add(out, "- ");
		report_add_text(out, fact_text(r, FC_DENIAL_collector));
		str_add(out, ": ");
		report_add_text(out, fact_text(r, FC_DENIAL_status));
		if (fact_get(r, FC_DENIAL_pid)->known) {
			str_add(out, ", ");
			report_add_text(out, fact_text(r, FC_DENIAL_comm));
			str_addf(out, " (pid %lld)", (long long)fact_int(r, FC_DENIAL_pid, 0));
		}
		if (*fact_text(r, FC_DENIAL_reason)) {
			str_add(out, ": ");
			report_add_text(out, fact_text(r, FC_DENIAL_reason));
		}
		str_add(out, "\n");
	}
	if (t->n > shown)
		str_addf(out, "- and %zu more\n", t->n - shown);
	str_add(out, "\n");
}

#define FAILURES_SHOWN 100
#define OUTPUTS_SHOWN 20

static void failure_output_write(const struct fact_row *r, struct str *out)
{
	const char *output = fact_text(r, FC_CASE_output);

	size_t fence = 3, run = 0;

	if (!*output)
		return;
	for (const char *p = output; *p; p++) {
		run = *p == '`' ? run + 1 : 0;
		fence = run >= fence ? run + 1 : fence;
	}
	str_add(out, "<details><summary>output</summary>\n\n");
	for (size_t i = 0; i < fence; i++)
		str_addc(out, '`');
	str_add(out, "text\n");
	for (const char *p = output, *end; *p; p = end) {
		end = strchr(p, '\n');
		end = end ? end + 1 : p + strlen(p);
		auto_str line = STR_INIT;

		str_addn(&line, p, (size_t)(end - p) - (end[-1] == '\n'));
		report_add_line(out, str_cstr(&line), 1000);
		str_addc(out, '\n');
	}
	for (size_t i = 0; i < fence; i++)
		str_addc(out, '`');
	str_add(out, "\n\n</details>\n\n");
}

static void failures_write(const struct report *r, struct str *out)
{
	struct report_failures l;
	auto_str text = STR_INIT;

	report_failures_get(&l, r->facts);
	if (l.total) {
		str_add(out, "## ");
		report_add_failed(out, &l);
		str_add(out, "\n\n");
	}
	for (size_t i = 0; i < l.n && i < FAILURES_SHOWN; i++) {
		str_reset(&text);
		report_add_test(&text, l.rows[i]);
		str_add(out, "- ");
		report_add_code(out, str_cstr(&text));
		str_reset(&text);
		report_add_test_place(&text, l.rows[i]);
		if (text.len) {
			str_add(out, " at ");
			report_add_code(out, str_cstr(&text));
		}
		if (*fact_text(l.rows[i], FC_CASE_message)) {
			str_add(out, ": ");
			report_add_text(out, fact_text(l.rows[i], FC_CASE_message));
		}
		str_add(out, "\n");
		if (i < OUTPUTS_SHOWN && *fact_text(l.rows[i], FC_CASE_output)) {
			str_add(out, "\n");
			failure_output_write(l.rows[i], out);
		}
	}
	if (l.n > FAILURES_SHOWN)
		str_addf(out, "- and %zu more\n", l.total - FAILURES_SHOWN);
	str_add(out, l.total ? "\n" : "");
	report_failures_release(&l);
}

static bool ended_from_outside(const struct facts *f)
{
	const struct fact_table *runs = &f->table[FACT_RUN];
	const char *by = runs->n ? fact_text(runs->rows[0], FC_RUN_ended_by) : "";

	return strcmp(by, "watchdog") == 0 || strcmp(by, "cancel") == 0;
}

/* Findings that the list of failed tests does not say already. Returns how many. */
static size_t findings_write(const struct report *r, struct str *out)
{
	const struct findings *fs = r->findings;
	size_t n = 0, number = 0;

	for (size_t i = 0; i < fs->n; i++)
		n += !report_is_brief(r, fs->v[i]);
	if (n > 1)
		str_addf(out, "%zu findings, the most specific proved one first.\n\n", n);
	for (size_t i = 0; i < fs->n; i++)
		if (!report_is_brief(r, fs->v[i]))
			finding_write(fs->v[i], ++number, out);
	if (fs->dropped)
		str_addf(out, "%llu more findings are not shown.\n\n", (unsigned long long)fs->dropped);
	return n;
}

char *report_numbers_read(const char *dir)
{
	auto_free char *path = path_join(dir, "run-trace-summary.md");
	char *text = NULL;
	size_t n;
	struct err none;

	if (file_read(path, NUMBERS_BYTES, &text, &n, &none) < 0)
		return NULL;
	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	return text;
}

void report_markdown(const struct report *r, struct str *out)
{
	const struct findings *fs = r->findings;
	bool outside = r->facts && ended_from_outside(r->facts);

	head_write(r, out);
	if (fs->n && r->facts)
		end_write(r->facts, out);
	if (r->facts && !outside)
		failures_write(r, out);
	if (!fs->n)
		str_add(out, "Nothing was found: no pattern matches the facts of this run.\n\n");
	else
		findings_write(r, out);
	if (r->facts && outside)
		failures_write(r, out);
	if (fs->cut)
		str_addf(out, "%u matches of regular expressions were cut off by their limits and count as no match.\n\n",
			 fs->cut);
	if (r->facts)
		unseen_write(r->facts, out);
	str_add(out, "## Where this comes from\n\n"
		     "- `run-trace.json` beside this file: what was recorded, event by event\n");
	str_add(out, "- ");
	auto_str raw = STR_INIT;
	str_addf(&raw, "raw/%s/", r->head.run_id);
	report_add_code(out, str_cstr(&raw));
	str_add(out, " below the artifacts folder, where it exists: snapshots and tails\n"
		     "- `spec-runner report --format facts` prints every fact; `spec-runner report` makes this file "
		     "again, byte for byte\n");
	if (r->history && r->history->n)
		str_add(out, "\n## History\n\n");
	for (size_t i = 0; r->history && i < r->history->n; i++)
		str_addf(out, "- %s\n", r->history->v[i]);
	if (r->numbers && *r->numbers)
		str_addf(out,
			 "\n<details>\n<summary>The record in numbers (run-trace-summary.md)</summary>\n\n%s\n</details>\n",
			 r->numbers);
}
