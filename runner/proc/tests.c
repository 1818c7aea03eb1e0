/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/tests.h"

#include "base/clock.h"
#include "base/mem.h"
#include "runner/proc/learned.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* From the first output until it is read: most commands that print a line are over by then. */
#define TESTS_DELAY_NS (15 * NS_PER_MS)
#define TESTS_NAMED_MAX 8
#define AS_LATE_NS (200 * NS_PER_MS)
#define TESTS_BODY_BYTES ((size_t)256 << 10) /* of the output of failing tests, in the trace of a run */

int tests_check_dialect(const char *name, const char *choice, struct err *e)
{
	struct dialect_set *set;
	struct strv names = STRV_INIT;
	auto_str list = STR_INIT;
	struct err why = { 0 };
	int rc = 0;

	if (strcmp(choice, "auto") == 0 || strcmp(choice, "none") == 0)
		return 0;
	if (dialect_set_new(&set, e) < 0)
		return -1;
	if (!dialect_set_has(set, choice) && dialect_set_add_file(set, choice, &why) < 0) {
		dialect_set_names(set, &names);
		for (size_t i = 0; i < names.n; i++)
			str_addf(&list, " %s", names.v[i]);
		strv_release(&names);
		rc = strchr(choice, '/') || strchr(choice, '.') ?
			     err_set(e, ERR_USAGE, "%s: %s", name, why.msg) :
			     err_set(e, ERR_USAGE, "%s '%s' is not known; accepted: auto, none, a file, or one of%s", name,
				     choice, str_cstr(&list));
	}
	dialect_set_free(set);
	return rc;
}

void tests_init(struct tests *t, struct context *c, char *const argv[], bool captured)
{
	memset(t, 0, sizeof(*t));
	t->c = c;
	t->argv = argv;
	t->off = captured || strcmp(c->o->dialect, "none") == 0;
	t->begin_ns = t->settle_ns = TIME_NEVER;
	t->limit_ns = c->o->test_timeout_ms ? clock_ms_to_ns(c->o->test_timeout_ms) : TIME_NEVER;
	t->limits = t->limit_ns != TIME_NEVER || (c->setup->learned && c->setup->learned->n_tests);
	for (int i = 0; i < STREAM_COUNT && !captured; i++)
		t->fed[i] = atomic_load(&c->shared->ring[i].read_total);
}

static void tests_close(struct tests *t)
{
	if (t->reader)
		dialect_reader_free(t->reader);
	if (t->set)
		dialect_set_free(t->set);
	t->reader = NULL;
	t->set = NULL;
	t->off = true;
	t->begin_ns = t->settle_ns = TIME_NEVER;
}

void tests_release(struct tests *t)
{
	tests_close(t);
	for (size_t i = 0; i < t->n_running; i++)
		free(t->running[i].name);
	free(t->running);
	t->running = NULL;
	t->n_running = t->cap_running = 0;
}

static char *tests_name(const struct dialect_event *ev)
{
	return *ev->suite ? xasprintf("%s::%s", ev->suite, ev->test) : xstrdup(ev->test);
}

static void tests_place(struct attrs *a, const struct dialect_event *ev)
{
	if (*ev->file)
		attrs_str(a, "file", ev->file);
	if (ev->line > 0)
		attrs_int(a, "line", ev->line);
}

static void tests_case_attrs(struct attrs *a, const struct dialect_event *ev)
{
	attrs_word(a, "dialect", ev->dialect);
	attrs_str(a, "suite", ev->suite);
	attrs_str(a, "case_id", ev->test);
	tests_place(a, ev);
	if (ev->nested)
		attrs_bool(a, "nested", true);
	if (ev->container)
		attrs_bool(a, "container", true);
}

static span_id tests_begin_span(struct tests *t, const struct dialect_event *ev, int64_t now_ns)
{
	struct attrs a = { 0 };
	span_id span;

	attrs_init(&a, t->c->trace);
	tests_case_attrs(&a, ev);
	span = trace_span_begin(t->c->trace, t->parent, SPAN_CASE_RUN, "test", now_ns, &a);
	attrs_release(&a);
	return span;
}

/* A loop that prints test lines without end would fill the disk: beyond this much of the trace those that pass
 * are counted and no more, and beyond four times as much those that fail as well. */
#define TESTS_TRACE_BYTES ((uint64_t)64 << 20)

static bool tests_fold(const struct tests *t, bool failed)
{
	return trace_bytes(t->c->trace) > (failed ? 4 : 1) * TESTS_TRACE_BYTES;
}

static void tests_started(struct tests *t, const struct dialect_event *ev)
{
	struct running_test *r;

	if (t->n_running == t->cap_running) {
		t->cap_running = t->cap_running ? t->cap_running * 2 : 16;
		t->running = xreallocarray(t->running, t->cap_running, sizeof(*t->running));
	}
	t->name_is_open = t->settling;
	r = &t->running[t->n_running++];
	*r = (struct running_test){ 0 };
	r->id = ev->id;
	r->start_ns = ev->start_ns >= 0 ? ev->start_ns : ev->now_ns;
	r->name = tests_name(ev);
	r->limit_ns = learned_limit(t->c->setup->learned, ev->suite, ev->test);
	if (t->limit_ns < r->limit_ns)
		r->limit_ns = t->limit_ns;
	r->container = ev->container;
	r->outer = ev->outer;
	/* 0: its end makes one, should it fail */
	r->span = tests_fold(t, false) ? 0 : tests_begin_span(t, ev, ev->now_ns);
}

static void tests_forget(struct tests *t, size_t i)
{
	free(t->running[i].name);
	memmove(&t->running[i], &t->running[i + 1], (t->n_running - i - 1) * sizeof(*t->running));
	t->n_running--;
}

/* Ended by us: whatever its runner makes of that. */
static void tests_end_timed_out(struct tests *t, const struct running_test *r, int64_t now_ns)
{
	struct attrs a = { 0 };

	if (!r->span)
		return; /* folded: see tests_fold */
	attrs_init(&a, t->c->trace);
	attrs_word(&a, "result", "timeout");
	trace_span_end(t->c->trace, r->span, STATUS_TIMEOUT, CATEGORY_WATCHDOG, "it outlived its limit and was ended alone",
		       TOKEN_CASE_HARNESS, now_ns, &a);
	attrs_release(&a);
}

static void tests_end_span(struct tests *t, span_id span, const struct dialect_event *ev)
{
	bool failed = ev->result == DIALECT_FAIL || ev->result == DIALECT_ERROR;
	struct attrs a = { 0 };

	attrs_init(&a, t->c->trace);
	if (ev->kind == DIALECT_WITHDRAWN)
		attrs_bool(&a, "withdrawn", true);
	else
		attrs_word(&a, "result", dialect_result_text[ev->result]);
	if (ev->duration_ns >= 0)
		attrs_ms(&a, "test_duration_ms", ev->duration_ns);
	trace_span_end(t->c->trace, span, failed ? STATUS_ERROR : STATUS_OK,
		       failed ? CATEGORY_EXPECTATION : CATEGORY_NONE,
		       failed ? *ev->message ? ev->message : "the test failed" : NULL,
		       TOKEN_NONE, ev->now_ns, &a);
	attrs_release(&a);
}

/* A test of which only the end is known. */
static void tests_alone(struct tests *t, const struct dialect_event *ev)
{
	if (tests_fold(t, ev->result == DIALECT_FAIL || ev->result == DIALECT_ERROR))
		t->folded++;
	else
		tests_end_span(t, tests_begin_span(t, ev, ev->now_ns), ev);
}

static void tests_ended(struct tests *t, const struct dialect_event *ev)
{
	t->last_unknown = ev->result == DIALECT_UNKNOWN;
	for (size_t i = 0; ev->id && i < t->n_running; i++) {
		span_id span = t->running[i].span;

		if (t->running[i].id != ev->id)
			continue;
		if (t->running[i].kill_stage) {
			tests_end_timed_out(t, &t->running[i], ev->now_ns);
			tests_forget(t, i);
			return;
		}
		tests_forget(t, i);
		if (span)
			tests_end_span(t, span, ev);
		else
			tests_alone(t, ev);
		return;
	}
	tests_alone(t, ev);
}

/* A start that was none: its span says so, and reports pass it over. */
static void tests_withdrawn(struct tests *t, const struct dialect_event *ev)
{
	struct dialect_event none = *ev;

	none.result = DIALECT_UNKNOWN;
	none.duration_ns = -1;
	for (size_t i = 0; i < t->n_running; i++) {
		if (t->running[i].id != ev->id)
			continue;
		tests_end_span(t, t->running[i].span, &none);
		tests_forget(t, i);
		return;
	}
}

/* What a failing test printed, for reports: a bounded amount a run, the first ones. */
static void tests_body(struct tests *t, const struct dialect_event *ev)
{
	struct attrs a = { 0 };
	const char *text = ev->text ? ev->text : "";
	size_t n = strlen(text) + strlen(ev->message);

	if (t->body_bytes + n > (*text ? TESTS_BODY_BYTES : 2 * TESTS_BODY_BYTES))
		return;
	t->body_bytes += n;
	attrs_init(&a, t->c->trace);
	attrs_word(&a, "dialect", ev->dialect);
	attrs_str(&a, "suite", ev->suite);
	attrs_str(&a, "case_id", ev->test);
	if (*text)
		attrs_str(&a, "output", text);
	tests_place(&a, ev);
	if (*ev->message)
		attrs_str(&a, "message", ev->message);
	if (ev->last)
		attrs_bool(&a, "last", true);
	trace_checkpoint(t->c->trace, t->parent, CP_TEST_OUTPUT, ev->now_ns, &a);
	attrs_release(&a);
}

static void tests_checkpoint(struct tests *t, enum checkpoint name, const struct dialect_event *ev)
{
	struct attrs a = { 0 };

	attrs_init(&a, t->c->trace);
	attrs_word(&a, "dialect", ev->dialect);
	if (ev->kind == DIALECT_PLAN)
		attrs_int(&a, "plan", ev->plan);
	if (ev->kind == DIALECT_RULE_CUT)
		attrs_str(&a, "rule", ev->test);
	if (ev->kind == DIALECT_TOTALS) {
		t->finished = true;
		if (ev->total >= 0)
			attrs_int(&a, "total", ev->total);
		for (int i = 0; i < DIALECT_RESULTS; i++)
			if (ev->totals[i] >= 0)
				attrs_int(&a, dialect_result_text[i], ev->totals[i]);
	}
	trace_checkpoint(t->c->trace, t->parent, name, ev->now_ns, &a);
	attrs_release(&a);
}

static void tests_event(void *ctx, const struct dialect_event *ev)
{
	struct tests *t = ctx;

	switch (ev->kind) {
	case DIALECT_ENTER: tests_checkpoint(t, CP_TEST_DIALECT, ev); break;
	case DIALECT_TEST_START:
		t->progressed = true;
		t->finished = false; /* another tool, after the first one's closing line */
		t->told_ns = ev->container ? t->told_ns : ev->now_ns;
		tests_started(t, ev);
		break;
	case DIALECT_TEST_END:
		t->progressed = true;
		if (ev->outer) /* prove's line for a file: the plan was that file's, and the next file has one of its own */
			t->planned = false;
		t->told_ns = ev->container ? t->told_ns : ev->now_ns;
		tests_ended(t, ev);
		break;
	case DIALECT_WITHDRAWN: tests_withdrawn(t, ev); break;
	case DIALECT_SUITE: /* one more file or program: the plans of those to come are not known */
		t->finished = t->planned = false;
		break;
	case DIALECT_PLAN:
		t->finished = false;
		t->planned = true;
		tests_checkpoint(t, CP_TEST_PLAN, ev);
		break;
	case DIALECT_TOTALS: tests_checkpoint(t, CP_TEST_TOTALS, ev); break;
	case DIALECT_BODY: tests_body(t, ev); break;
	case DIALECT_FAILURE: tests_body(t, ev); break;
	case DIALECT_HELD:
		t->progressed = true;
		t->told_ns = ev->now_ns;
		break;
	case DIALECT_RULE_CUT: tests_checkpoint(t, CP_DIALECT_RULE_CUT, ev); break;
	}
}

/* --dialect: a name, or the path of a file that defines one (it is spoken from the start). */
static int tests_open(struct tests *t, struct err *e)
{
	const char *choice = t->c->o->dialect;
	auto_free char *name = NULL;

	if (dialect_set_new(&t->set, e) < 0)
		return -1;
	if (strcmp(choice, "auto") != 0 && !dialect_set_has(t->set, choice)) {
		struct strv names = STRV_INIT, after = STRV_INIT;
		int rc;

		dialect_set_names(t->set, &names);
		rc = dialect_set_add_file(t->set, choice, e);
		if (rc == 0)
			dialect_set_names(t->set, &after);
		for (size_t i = 0; i < after.n && !name; i++)
			if (!strv_has(&names, after.v[i]))
				name = xstrdup(after.v[i]);
		strv_release(&names);
		strv_release(&after);
		if (rc < 0)
			return -1;
		if (name)
			choice = name;
	}
	return dialect_reader_new(&t->reader, t->set, choice, t->argv, tests_event, t, e);
}

void tests_output(struct tests *t, struct stream *st, int64_t now_ns)
{
	uint64_t have;

	t->name_is_open = false;
	if (t->off || !st->ring)
		return;
	if (t->begin_ns == TIME_NEVER && !t->reader)
		t->begin_ns = now_ns + TESTS_DELAY_NS;
	/* what is not yet read must not be overwritten by the next read into the ring */
	have = atomic_load(&st->ring->read_total) - t->fed[st->which];
	if (have > st->ring_bytes - 2 * SHARED_READ_BYTES)
		t->begin_ns = now_ns;
}

static void tests_feed(struct tests *t, struct stream *st, int64_t now_ns)
{
	uint64_t end = atomic_load(&st->ring->read_total);

	t->printed |= t->fed[st->which] < end;
	while (t->fed[st->which] < end && t->reader) {
		size_t pos = (size_t)(t->fed[st->which] % st->ring_bytes);
		size_t part = st->ring_bytes - pos;

		if (part > end - t->fed[st->which])
			part = (size_t)(end - t->fed[st->which]);
		dialect_feed(t->reader, st->which + 1, (const char *)st->data + pos, part, now_ns);
		t->fed[st->which] += part;
	}
}

/* Nothing is left to run: the closing line has come, or the plan is fulfilled. */
static bool tests_all_over(const struct tests *t, uint64_t done, const struct dialect_counts *n)
{
	return !t->n_running && (t->finished || (t->planned && n->plan >= 0 && done && done >= (uint64_t)n->plan));
}

static bool tests_filtered(const struct tests *t)
{
	for (size_t i = 0; t->argv[i]; i++)
		if (strchr(t->argv[i], '|'))
			return true;
	return false;
}

/* What is known when its command ends: whether every test had ended, and whether one that runs would have been named. */
static void tests_sum(struct tests *t, int64_t now_ns)
{
	const char *suite, *last;
	struct dialect_counts n;
	struct attrs a = { 0 };
	uint64_t done = 0;

	if (t->summed || !t->reader)
		return;
	if (!t->printed)
		t->early = dialect_never_silent(t->reader) && !tests_filtered(t);
	if (!t->printed || !dialect_current(t->reader))
		return;
	t->summed = true;
	dialect_counts(t->reader, NULL, &n);
	for (int i = 0; i < DIALECT_RESULTS; i++)
		done += n.done[i];
	attrs_init(&a, t->c->trace);
	attrs_word(&a, "dialect", dialect_current(t->reader));
	attrs_word(&a, "names", dialect_names_at_start(t->reader) ? "start" : "end");
	attrs_bool(&a, "closed", t->finished);
	attrs_bool(&a, "complete", tests_all_over(t, done, &n));
	attrs_int(&a, "done", (int64_t)done);
	if (n.plan >= 0)
		attrs_int(&a, "plan", n.plan);
	dialect_last(t->reader, &suite, &last);
	if (!t->finished && *last) {
		auto_free char *name = xasprintf("%s%s%s", suite, *suite ? "::" : "", last);

		attrs_str(&a, "after", name);
	}
	if (t->folded)
		attrs_int(&a, "folded", (int64_t)t->folded);
	trace_checkpoint(t->c->trace, t->parent, CP_TEST_SUMMARY, now_ns, &a);
	attrs_release(&a);
	/* a filter (`pytest | grep`) may have removed the line */
	if (!tests_filtered(t))
		t->early = dialect_torn(t->reader) ||
			   (!t->finished && (n.plan > 0 ? t->planned && done < (uint64_t)n.plan :
				     (done || t->n_running || dialect_holds(t->reader)) && dialect_closes(t->reader)));
}

void tests_totals(const struct tests *t, int64_t *done, int64_t *failed)
{
	struct dialect_counts n;

	*done = *failed = 0;
	if (!t->reader)
		return;
	dialect_counts(t->reader, NULL, &n);
	for (int i = 0; i < DIALECT_RESULTS; i++)
		*done += (int64_t)n.done[i];
	*failed = (int64_t)(n.done[DIALECT_FAIL] + n.done[DIALECT_ERROR]);
}

bool tests_ended_early(const struct tests *t)
{
	return t->early;
}

void tests_tell_early(struct tests *t, bool required, int64_t now_ns)
{
	const char *dialect = dialect_current(t->reader), *suite, *last;
	struct dialect_counts n;
	auto_str text = STR_INIT;
	struct attrs a = { 0 };
	uint64_t done = 0;
	bool torn;

	dialect_counts(t->reader, NULL, &n);
	dialect_last(t->reader, &suite, &last);
	for (int i = 0; i < DIALECT_RESULTS; i++)
		done += n.done[i];
	torn = dialect_torn(t->reader) && t->last_unknown && *last;
	done -= torn;
	attrs_init(&a, t->c->trace);
	attrs_word(&a, "dialect", dialect ? dialect : dialect_never_silent(t->reader));
	attrs_int(&a, "done", (int64_t)done);
	str_addf(&text, "%" PRIu64, done);
	if (n.plan >= 0) {
		attrs_int(&a, "plan", n.plan);
		str_addf(&text, " of %" PRId64, n.plan);
	}
	str_addf(&text, " test%s had ended", done == 1 && n.plan < 0 ? "" : "s");
	if (t->n_running) {
		attrs_str(&a, "test", t->running[0].name);
		str_addf(&text, "; %s was running", t->running[0].name);
	} else if (*last) {
		auto_free char *name = xasprintf("%s%s%s", suite, *suite ? "::" : "", last);

		/* of one that had begun, and whose section was torn off, no result came */
		attrs_str(&a, torn ? "test" : "after", name);
		if (dialect_holds(t->reader))
			str_reset(&text); /* perhaps a group: it does not count */
		str_addf(&text, torn ? "%s%s was running" : "%sthe last test named was %s", text.len ? "; " : "", name);
	} else if (!t->printed) {
		str_reset(&text);
		str_add(&text, "nothing was printed");
	}
	trace_checkpoint(t->c->trace, t->parent, CP_RUN_ENDED_EARLY, now_ns, &a);
	attrs_release(&a);
	say_always(t->c, "ended early: exit code 0 before the end of the tests (%s): %s%s",
		   dialect ? dialect : dialect_never_silent(t->reader), str_cstr(&text),
		   required ? "; --require-complete makes it 1" : "");
}

void tests_abandon(struct tests *t, const char *why, enum err_category category, int64_t now_ns)
{
	struct attrs a = { 0 };

	if (t->finished || t->off)
		return;
	attrs_init(&a, t->c->trace);
	attrs_word(&a, "result", dialect_result_text[DIALECT_ERROR]);
	for (size_t i = 0; i < t->n_running; i++)
		trace_span_end(t->c->trace, t->running[i].span, STATUS_ERROR, category, why, TOKEN_NONE, now_ns, &a);
	attrs_release(&a);
}

/* Is it time to read? A command that has printed nothing is read only if that itself may say something. */
static bool tests_to_read(const struct tests *t, bool over, int64_t now_ns)
{
	if (t->reader)
		return true;
	return t->begin_ns == TIME_NEVER ? over && !t->printed && dialect_among(t->argv) : over || now_ns >= t->begin_ns;
}

bool tests_read(struct tests *t, struct stream st[STREAM_COUNT], bool over, int64_t now_ns)
{
	struct err e = { 0 };
	bool progressed;

	if (t->off || !tests_to_read(t, over, now_ns))
		return false;
	if (!t->reader && tests_open(t, &e) < 0) {
		say_always(t->c, "%s", e.msg);
		tests_close(t);
		return false;
	}
	t->begin_ns = TIME_NEVER;
	for (int i = 0; i < STREAM_COUNT; i++) {
		if (!st[i].ring)
			continue;
		tests_feed(t, &st[i], now_ns);
		if ((over || st[i].ended) && !t->fed_end[i]) {
			t->fed_end[i] = true;
			dialect_feed_end(t->reader, i + 1, now_ns);
		}
	}
	t->settling = true;
	t->settle_ns = dialect_settle(t->reader, now_ns);
	t->settling = false;
	if (over) {
		dialect_flush(t->reader, now_ns);
		tests_sum(t, now_ns);
	}
	progressed = t->progressed;
	t->progressed = false;
	return progressed;
}

static int64_t tests_case_due(const struct tests *t, const struct running_test *r)
{
	int64_t since = r->outer && t->told_ns > r->start_ns ? t->told_ns : r->start_ns;

	return r->kill_stage ? r->next_ns : r->limit_ns == TIME_NEVER ? TIME_NEVER : clock_add(since, r->limit_ns);
}

/* The one whose limit comes first; a test before the file that it is part of. */
static const struct running_test *tests_first_due(const struct tests *t)
{
	const struct running_test *first = NULL;

	if (!t->limits || t->limit_told)
		return NULL;
	for (size_t i = 0; i < t->n_running; i++) {
		const struct running_test *r = &t->running[i];
		int64_t gain = first ? tests_case_due(t, first) - tests_case_due(t, r) : 1;

		if (gain > 0 || (gain == 0 && first->container && !r->container))
			first = r;
	}
	return first;
}

static int64_t tests_limit_due(const struct tests *t)
{
	const struct running_test *first = tests_first_due(t);

	return first ? tests_case_due(t, first) : TIME_NEVER;
}

int64_t tests_due(const struct tests *t)
{
	int64_t due = tests_limit_due(t);

	if (t->begin_ns < due)
		due = t->begin_ns;
	return t->settle_ns < due ? t->settle_ns : due;
}

struct running_test *tests_over_limit(struct tests *t, int64_t now_ns)
{
	const struct running_test *first = tests_first_due(t);

	if (!first || now_ns < tests_case_due(t, first))
		return NULL;
	return &t->running[first - t->running];
}

bool test_is_as_late(const struct running_test *late, const struct running_test *r)
{
	return !r->kill_stage && r->start_ns <= late->start_ns + AS_LATE_NS && r->limit_ns <= late->limit_ns;
}

void tests_limit_done(struct tests *t)
{
	t->limit_told = true;
}

void tests_freeze(struct tests *t, enum span_status status, enum token token, int64_t now_ns)
{
	struct attrs a = { 0 };

	if (t->off && !t->reader)
		return;
	if (t->reader)
		dialect_flush(t->reader, now_ns);
	tests_sum(t, now_ns);
	t->off = true;
	t->begin_ns = t->settle_ns = TIME_NEVER;
	t->limit_told = true;
	for (size_t i = t->n_running; i-- > 0;)
		if (t->running[i].kill_stage) {
			tests_end_timed_out(t, &t->running[i], now_ns);
			tests_forget(t, i);
		}
	attrs_init(&a, t->c->trace);
	attrs_word(&a, "result", "unfinished");
	for (size_t i = 0; i < t->n_running; i++)
		trace_span_end(t->c->trace, t->running[i].span, status,
			       status == STATUS_CANCELLED ? CATEGORY_CANCELLED : CATEGORY_WATCHDOG,
			       "it was running when its command was ended", token, now_ns, &a);
	attrs_release(&a);
}

/* What the result begins with: the running tests, or where between tests it stands. */
static void tests_say_where(struct tests *t, uint64_t done, const struct dialect_counts *n, int64_t now_ns)
{
	const char *suite, *test, *current = dialect_current(t->reader);

	for (size_t i = 0; i < t->n_running && i < TESTS_NAMED_MAX; i++)
		say_always(t->c, "running: %s for %.1f s", t->running[i].name,
			   (double)(now_ns - t->running[i].start_ns) / 1e9);
	if (t->n_running > TESTS_NAMED_MAX)
		say_always(t->c, "running: and %zu more", t->n_running - TESTS_NAMED_MAX);
	if (t->n_running)
		return;
	dialect_last(t->reader, &suite, &test);
	if (tests_all_over(t, done, n))
		say_always(t->c, "%s, then it did not exit (%s)",
			   n->done[DIALECT_FAIL] + n->done[DIALECT_ERROR] ? "every test had ended" : "every test had passed",
			   current);
	else if (*test)
		say_always(t->c, "running after %s%s%s", suite, *suite ? "::" : "", test);
	else if (!done)
		say_always(t->c, "no test has %s yet (%s)",
			   dialect_names_at_start(t->reader) ? "started" : "been named", current);
}

void tests_say(struct tests *t, int64_t now_ns)
{
	struct dialect_counts n;
	struct err e = { 0 };
	uint64_t done = 0;
	const char *hint;

	/* nothing was printed: the command line may tell what it is */
	if (!t->reader && !t->off && tests_open(t, &e) < 0)
		tests_close(t);
	if (!t->reader || !dialect_current(t->reader))
		return;
	dialect_counts(t->reader, NULL, &n);
	for (int i = 0; i < DIALECT_RESULTS; i++)
		done += n.done[i];
	tests_say_where(t, done, &n, now_ns);
	say_always(t->c, "tests: %" PRIu64 " done (%" PRIu64 " failed, %" PRIu64 " skipped), %zu running", done,
		   n.done[DIALECT_FAIL] + n.done[DIALECT_ERROR], n.done[DIALECT_SKIP], t->n_running);
	if (n.plan >= 0 && (uint64_t)n.plan > done + t->n_running)
		say_always(t->c, "never started: %" PRIu64 " of %" PRId64,
			   (uint64_t)n.plan - done - t->n_running, n.plan);
	hint = dialect_hint(t->reader);
	if (hint && !t->n_running && !tests_all_over(t, done, &n))
		say(t->c, "%s", hint);
}
