/* SPDX-License-Identifier: Apache-2.0 */
/* console.c - the block that a person reads first: a dozen lines, each begins "spec-runner: ". */
#include "findings/report.h"

#include <string.h>

#define LINE_BYTES 400
#define TESTS_SHOWN 3
#define RING_SHOWN 4

static void line_add(struct str *out, const char *label, const char *text)
{
	str_addf(out, "spec-runner:   %-11s", label);
	report_add_line(out, text, LINE_BYTES);
	str_addc(out, '\n');
}

/* Is it one of the tests that failed, by its name or as a part of one? */
static bool is_told(const struct facts *f, const char *test)
{
	const struct fact_table *t = &f->table[FACT_CASE];

	for (size_t i = 0; i < t->n; i++) {
		const char *id = fact_text(t->rows[i], FC_CASE_case_id);

		if (*id && (strstr(test, id) || strstr(id, test)))
			return true;
	}
	return false;
}

/* The test that a crash names itself, in its stack or by its thread. */
static const char *evidence_test(const struct finding *x)
{
	const struct evidence *e = report_evidence(x, "test");

	if (!e)
		e = report_evidence(x, "crash.test");
	return e && *e->value.s ? e->value.s : NULL;
}

static void tests_write(const struct facts *f, const struct finding *x, bool failures, struct str *out)
{
	const struct fact_row *v[TESTS_SHOWN];
	size_t running = report_running_tests(f, v, TESTS_SHOWN), shown = 0;
	auto_str text = STR_INIT;
	const char *by = failures ? NULL : evidence_test(x);

	/* a file is running: the test in it that its stack names says more */
	if (by && running == 1 && fact_bool(v[0], FC_CASE_container))
		running = 0;
	for (; shown < running && shown < TESTS_SHOWN;) {
		const struct fact_row *r = v[shown];

		str_reset(&text);
		if (*fact_text(r, FC_CASE_suite))
			str_addf(&text, "%s ", fact_text(r, FC_CASE_suite));
		str_addf(&text, "%s, running for %.1f s", fact_text(r, FC_CASE_case_id),
			 fact_num(r, FC_CASE_duration_ms, 0) / 1000.0);
		line_add(out, shown++ ? "" : "test:", str_cstr(&text));
	}
	by = running ? NULL : by;
	if (!by && !running && !failures)
		by = report_test_by_stack(f);
	if (!running && !by && x->location)
		by = report_test_by_source(f, x->location);
	if (by && !(failures && is_told(f, by)))
		line_add(out, "test:", by);
	if (running > shown) {
		str_reset(&text);
		str_addf(&text, "and %zu more", running - shown);
		line_add(out, "", str_cstr(&text));
	}
}

/* What hangs, in one line; of a ring each wait on a line of its own, for a dozen words of each are read
 * where four hundred bytes in one line are not. */
static void summary_write(const struct finding *x, struct str *out)
{
	size_t before = 0;
	const char *s = report_ring(x, &before), *next;
	auto_str text = STR_INIT;
	unsigned shown = 0, more = 0;

	str_addf(&text, "%s: %s", x->pattern->id, x->summary);
	if (s)
		text.len -= strlen(x->summary) - before;
	while (s && text.len && strchr(" :", text.data[text.len - 1]))
		text.len--;
	text.data[text.len] = '\0';
	str_add(out, "spec-runner: ");
	report_add_line(out, str_cstr(&text), LINE_BYTES);
	str_addc(out, '\n');
	for (; s && *s; s = next) {
		next = strstr(s, "; ");
		str_reset(&text);
		str_addn(&text, s, next ? (size_t)(next - s) : strlen(s));
		if (shown < RING_SHOWN)
			line_add(out, shown++ ? "" : "ring:", str_cstr(&text));
		else
			more++;
		next = next ? next + 2 : s + strlen(s);
	}
	if (!more)
		return;
	str_reset(&text);
	str_addf(&text, "and %u more", more);
	line_add(out, "", str_cstr(&text));
}

/* Of several commands that were ended, nobody knows whose line came last. */
static bool several_ended(const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_PROCESS];
	unsigned n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const char *status = fact_text(t->rows[i], FC_PROCESS_command_status);

		n += fact_bool(t->rows[i], FC_PROCESS_is_command) && *status && strcmp(status, "ok") != 0 &&
		     strcmp(status, "error") != 0;
	}
	return n > 1;
}

/* What the command printed last: the question that nobody answered, or how far it had come. */
static void printed_write(const struct facts *f, struct str *out)
{
	const struct fact_table *t = &f->table[FACT_TAIL];

	if (!f->table[FACT_RUN].n || !fact_bool(f->table[FACT_RUN].rows[0], FC_RUN_stuck) || several_ended(f))
		return;
	for (size_t i = t->n; i-- > 0;)
		if (fact_bool(t->rows[i], FC_TAIL_last)) {
			line_add(out, "printed:", fact_text(t->rows[i], FC_TAIL_text));
			return;
		}
}

static void first_write(const struct report *r, const struct finding *x, bool failures, struct str *out)
{
	const struct evidence *argv = report_evidence(x, "argv"), *chain = report_evidence(x, "chain");
	auto_str text = STR_INIT;

	summary_write(x, out);
	if (r->facts)
		tests_write(r->facts, x, failures, out);
	if (x->location)
		line_add(out, "place:", x->location);
	if (argv)
		line_add(out, "command:", argv->value.s);
	if (r->facts)
		printed_write(r->facts, out);
	if (chain && strstr(chain->value.s, "->"))
		line_add(out, "chain:", chain->value.s);
	report_add_confidence(&text, x);
	for (size_t i = 0; i < x->basis.n && i < 2; i++) {
		const char *colon = strstr(x->basis.v[i], ": ");

		str_addf(&text, "; %s", colon ? colon + 2 : x->basis.v[i]);
	}
	line_add(out, "sure:", str_cstr(&text));
	for (size_t i = 0; i < x->suggestions.n && i < 2; i++)
		line_add(out, i ? "" : "try:", x->suggestions.v[i]);
}

#define FAILURES_SHOWN 5

/* Each with its place and its reason, which is what a person wants to know first. */
static void failures_write(const struct report *r, const struct report_failures *l, bool head, struct str *out)
{
	auto_str text = STR_INIT;

	if (!l->total)
		return;
	if (head) {
		report_add_failed(&text, l);
		str_addf(out, "spec-runner: %s\n", str_cstr(&text));
	}
	for (size_t i = 0; i < l->n && i < FAILURES_SHOWN; i++) {
		const char *message = fact_text(l->rows[i], FC_CASE_message);

		str_reset(&text);
		report_add_test(&text, l->rows[i]);
		line_add(out, i ? "" : "failed:", str_cstr(&text));
		str_reset(&text);
		report_add_test_place(&text, l->rows[i]);
		if (text.len && *message)
			str_add(&text, ": ");
		str_add(&text, message);
		if (!text.len)
			continue;
		str_add(out, "spec-runner:                ");
		report_add_line(out, str_cstr(&text), LINE_BYTES);
		str_addc(out, '\n');
	}
	(void)r;
	if (l->total <= FAILURES_SHOWN)
		return;
	str_reset(&text);
	str_addf(&text, "and %zu more", l->total - FAILURES_SHOWN);
	line_add(out, "", str_cstr(&text));
}

/* The other findings by their names; the second with its place. */
static void also_write(const struct report *r, size_t first, struct str *out)
{
	const struct findings *fs = r->findings;
	auto_str also = STR_INIT;
	unsigned shown = 0;

	for (size_t i = first; i < fs->n && shown < 5; i++) {
		if (report_is_brief(r, fs->v[i]) || strstr(str_cstr(&also), fs->v[i]->pattern->id))
			continue;
		str_addf(&also, "%s%s", also.len ? ", " : "", fs->v[i]->pattern->id);
		if (shown++ == 0 && fs->v[i]->location)
			str_addf(&also, " at %s", fs->v[i]->location);
	}
	if (also.len)
		line_add(out, "also:", str_cstr(&also));
}

/* A test that ran when its command ended with 0: the first line has it. What failed before that has not been said. */
static void drop_early(const struct report *r, struct report_failures *l)
{
	const char *early = fact_text(r->facts->table[FACT_RUN].rows[0], FC_RUN_early_test);
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++) {
		auto_str name = STR_INIT;

		report_add_test(&name, l->rows[i]);
		if (*early && strcmp(str_cstr(&name), early) == 0)
			l->total--;
		else
			l->rows[n++] = l->rows[i];
	}
	l->n = n;
}

void report_console(const struct report *r, struct str *out)
{
	const struct findings *fs = r->findings;
	struct report_failures l = { 0 };
	auto_str head = STR_INIT;
	bool outside, told;

	if (!fs->n) {
		str_addf(out, "spec-runner: no finding in %s (%s)\n", r->head.run_id, r->head.status);
		return;
	}
	if (r->facts)
		report_failures_get(&l, r->facts);
	told = r->facts && report_add_headline(&head, r);
	if (told) {
		str_add(out, "spec-runner: ");
		report_add_line(out, str_cstr(&head), LINE_BYTES);
		str_addc(out, '\n');
	}
	outside = told && !str_starts(str_cstr(&head), "FAILED");
	if (strcmp(r->head.status, "pass") == 0)
		drop_early(r, &l);
	if (!outside)
		failures_write(r, &l, !told, out);
	if (!report_is_brief(r, fs->v[0]))
		first_write(r, fs->v[0], l.total && !outside, out);
	if (outside)
		failures_write(r, &l, false, out);
	also_write(r, 1, out);
	if (r->report_path)
		line_add(out, "report:", r->report_path);
	report_failures_release(&l);
}
