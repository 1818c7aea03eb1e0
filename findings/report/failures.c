/* SPDX-License-Identifier: Apache-2.0 */
/* failures.c - the tests that failed, and the words that all formats say of them. */
#include "findings/report.h"

#include "base/mem.h"
#include "evidence/test_names.h"

#include <stdlib.h>
#include <string.h>

static bool failed(const struct fact_row *r)
{
	const char *result = fact_text(r, FC_CASE_result);

	return fact_bool(r, FC_CASE_counted) && !fact_bool(r, FC_CASE_running) &&
	       strcmp(fact_text(r, FC_CASE_status), "ok") != 0 &&
	       (strcmp(result, "fail") == 0 || strcmp(result, "error") == 0 || !*result);
}

/* In the order in which they ran; then as the facts are ordered. */
static int by_start(const void *pa, const void *pb)
{
	const struct fact_row *a = *(const struct fact_row *const *)pa, *b = *(const struct fact_row *const *)pb;
	double x = fact_num(a, FC_CASE_started_ms, 0), y = fact_num(b, FC_CASE_started_ms, 0);

	if (x != y)
		return x < y ? -1 : 1;
	return strcmp(a->at, b->at);
}

void report_failures_get(struct report_failures *l, const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_CASE], *runs = &f->table[FACT_RUN];

	*l = (struct report_failures){ .rows = xcalloc(t->n + 1, sizeof(*l->rows)) };
	for (size_t i = 0; i < t->n; i++)
		if (failed(t->rows[i]))
			l->rows[l->n++] = t->rows[i];
	qsort(l->rows, l->n, sizeof(*l->rows), by_start);
	l->total = l->n;
	if (runs->n && fact_int(runs->rows[0], FC_RUN_tests_failed, 0) > (int64_t)l->n)
		l->total = (size_t)fact_int(runs->rows[0], FC_RUN_tests_failed, 0);
	l->tests = runs->n ? fact_int(runs->rows[0], FC_RUN_tests, 0) : 0;
	if (l->tests < (int64_t)l->total)
		l->tests = (int64_t)l->total;
}

void report_failures_release(struct report_failures *l)
{
	free(l->rows);
	l->rows = NULL;
	l->n = 0;
}

void report_add_failed(struct str *out, const struct report_failures *l)
{
	str_addf(out, "%zu of %lld test%s failed", l->total, (long long)l->tests, l->tests == 1 ? "" : "s");
}

void report_add_test(struct str *out, const struct fact_row *r)
{
	const char *suite = fact_text(r, FC_CASE_suite), *test = fact_text(r, FC_CASE_case_id);

	if (*suite && *test)
		str_addf(out, "%s%s%s", suite, strchr(suite, ' ') ? " > " : "::", test);
	else
		str_add(out, *test ? test : *suite ? suite : "(unnamed)");
}

void report_add_test_place(struct str *out, const struct fact_row *r)
{
	str_add(out, fact_text(r, FC_CASE_file));
	if (fact_int(r, FC_CASE_line, 0) > 0)
		str_addf(out, ":%lld", (long long)fact_int(r, FC_CASE_line, 0));
}

/* Its last stall was that of a tree that computed, or waited for a processor: such a run did not hang. */
static bool was_busy(const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_TIMEOUT];
	const struct fact_row *last = NULL;

	for (size_t i = 0; i < t->n; i++)
		if (strcmp(fact_text(t->rows[i], FC_TIMEOUT_token), "stall.subprocess.no_output_no_event") == 0)
			last = t->rows[i];
	return last && (fact_bool(last, FC_TIMEOUT_busy) || strcmp(fact_text(last, FC_TIMEOUT_verdict), "busy") == 0);
}

/* One word: what happened, then what it happened to. */
bool report_add_headline(struct str *out, const struct report *r)
{
	const struct fact_table *runs = &r->facts->table[FACT_RUN];
	const struct fact_row *run = runs->n ? runs->rows[0] : NULL;
	const char *by = run ? fact_text(run, FC_RUN_ended_by) : "";
	struct report_failures l;
	bool outside = strcmp(by, "watchdog") == 0 || strcmp(by, "cancel") == 0;

	if (run && fact_bool(run, FC_RUN_ended_early)) {
		str_add(out, "ENDED EARLY: ");
		if (fact_get(run, FC_RUN_tests_planned)->known)
			str_addf(out, "%lld of %lld tests had ended", (long long)fact_int(run, FC_RUN_early_done, 0),
				 (long long)fact_int(run, FC_RUN_tests_planned, 0));
		else
			str_add(out, "the test runner printed no closing line");
		if (*fact_text(run, FC_RUN_early_test))
			str_addf(out, "; %s was running", fact_text(run, FC_RUN_early_test));
		else if (*fact_text(run, FC_RUN_early_after))
			str_addf(out, "; the last test named was %s", fact_text(run, FC_RUN_early_after));
		return true;
	}
	if (!run || strcmp(fact_text(run, FC_RUN_status), "fail") != 0)
		return false;
	report_failures_get(&l, r->facts);
	if (strcmp(by, "watchdog") == 0)
		str_add(out, was_busy(r->facts) ? "BUSY: " : fact_bool(run, FC_RUN_stuck) ? "HUNG: " : "TIMEOUT: ");
	else if (strcmp(by, "cancel") == 0)
		str_add(out, "CANCELLED: ");
	else if (strcmp(by, "lost") == 0)
		str_add(out, "LOST: ");
	else
		str_add(out, "FAILED: ");
	if (outside)
		report_add_running(out, r);
	else if (l.total)
		report_add_failed(out, &l);
	else if (r->head.has_exit_code) {
		str_addf(out, "exit code %lld", (long long)r->head.exit_code);
		if (*fact_text(run, FC_RUN_last_test))
			str_addf(out, "; the last test named was %s", fact_text(run, FC_RUN_last_test));
	}
	if (outside && l.total) {
		str_add(out, "; ");
		report_add_failed(out, &l);
	}
	report_failures_release(&l);
	return true;
}

const char *report_test_by_stack(const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_THREAD];
	const char *only = NULL;
	bool others = false;

	for (size_t i = 0; i < t->n; i++) {
		const char *test = fact_text(t->rows[i], FC_THREAD_test);

		if (!*test)
			continue;
		if (fact_bool(t->rows[i], FC_THREAD_root) && fact_int(t->rows[i], FC_THREAD_rank, 0) == 0)
			return test;
		others |= only && strcmp(only, test) != 0;
		only = test;
	}
	return others ? NULL : only;
}

static bool is_test(const struct fact_row *r, const char *name)
{
	const char *suite = fact_text(r, FC_CASE_suite), *id = fact_text(r, FC_CASE_case_id);
	size_t n = strlen(suite);

	return strcmp(id, name) == 0 || test_names(name, "", id, "") || test_names(id, "", name, "") ||
	       (n && strncmp(name, suite, n) == 0 && strncmp(name + n, "::", 2) == 0 && strcmp(name + n + 2, id) == 0);
}

/* The only one of those that ran which the stack is in; NULL. */
static const struct fact_row *running_by_stack(const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_CASE];
	const char *name = report_test_by_stack(f);
	const struct fact_row *found = NULL;

	for (size_t i = 0; name && i < t->n; i++)
		if (fact_bool(t->rows[i], FC_CASE_running) && *fact_text(t->rows[i], FC_CASE_case_id) &&
		    is_test(t->rows[i], name)) {
			if (found)
				return NULL;
			found = t->rows[i];
		}
	return found;
}

size_t report_running_tests(const struct facts *f, const struct fact_row **v, size_t max)
{
	const struct fact_table *t = &f->table[FACT_CASE];
	const struct fact_row *first = running_by_stack(f);
	size_t n = 0, total = first ? 1 : 0;

	if (first && max)
		v[n++] = first;
	for (size_t i = 0; i < t->n; i++) {
		if (!fact_bool(t->rows[i], FC_CASE_running) || t->rows[i] == first)
			continue;
		total++;
		if (n < max)
			v[n++] = t->rows[i];
	}
	return total;
}

void report_add_running(struct str *out, const struct report *r)
{
	const struct facts *f = r->facts;
	const char *by = report_test_by_stack(f);
	const struct fact_table *t = &f->table[FACT_CASE], *runs = &f->table[FACT_RUN];
	const struct fact_row *run = runs->n ? runs->rows[0] : NULL, *first = NULL;
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		if (fact_bool(t->rows[i], FC_CASE_running) && !fact_bool(t->rows[i], FC_CASE_container)) {
			n++;
			if (!first || fact_num(t->rows[i], FC_CASE_duration_ms, 0) > fact_num(first, FC_CASE_duration_ms, 0))
				first = t->rows[i];
		}
	if (first && running_by_stack(f) && !fact_bool(running_by_stack(f), FC_CASE_container))
		first = running_by_stack(f);
	if (first) {
		report_add_test(out, first);
		str_addf(out, " for %.1f s", fact_num(first, FC_CASE_duration_ms, 0) / 1000);
		if (n > 1)
			str_addf(out, ", and %zu more tests", n - 1);
		return;
	}
	if (!by && r->findings && r->findings->n && r->findings->v[0]->location)
		by = report_test_by_source(f, r->findings->v[0]->location);
	if (by)
		str_addf(out, "%s; ", by);
	if (run && fact_get(run, FC_RUN_idle_ms)->known && !fact_bool(run, FC_RUN_stuck) && !was_busy(f)) {
		str_addf(out, "it was still making progress, the last %.1f s before",
			 fact_num(run, FC_RUN_idle_ms, 0) / 1000);
	} else if (run && fact_get(run, FC_RUN_idle_ms)->known) {
		str_addf(out, "no progress for %.1f s", fact_num(run, FC_RUN_idle_ms, 0) / 1000);
	} else {
		str_add(out, "the command was still running");
	}
}
