/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_rules.c - what a rule that has matched says about tests. See dialect_int.h. */
#include "liveness/dialect_int.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMELESS_MAX 1000000 /* tests that one line tells of by their number */

/* --- captures --- */

bool capture(const struct dialect_reader *r, const struct rule *u, enum group g, const char **p, size_t *n)
{
	unsigned k = u->group[g];

	if (k == 0 || r->ovector[2 * k] == PCRE2_UNSET || r->ovector[2 * k] >= r->ovector[2 * k + 1])
		return false;
	*p = r->text + r->ovector[2 * k];
	*n = r->ovector[2 * k + 1] - r->ovector[2 * k];
	return true;
}

/* JSON escapes of a name (go test -json): enough for what encoders write in names. */
static size_t json_plain(const char *p, size_t n, char *out, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at + 3 < size; i++) {
		char hex[5] = { 0 };
		unsigned long c;

		if (p[i] != '\\' || i + 1 == n) {
			out[at++] = p[i];
			continue;
		}
		i++;
		if (p[i] != 'u' || n - i < 5) {
			out[at++] = p[i] == 'n' || p[i] == 't' || p[i] == 'r' ? ' ' : p[i];
			continue;
		}
		memcpy(hex, p + i + 1, 4);
		c = strtoul(hex, NULL, 16);
		i += 4;
		if (c < 0x80) {
			out[at++] = (char)(c < 0x20 ? ' ' : c);
		} else if (c < 0x800) {
			out[at++] = (char)(0xc0 | c >> 6);
			out[at++] = (char)(0x80 | (c & 0x3f));
		} else {
			out[at++] = (char)(0xe0 | c >> 12);
			out[at++] = (char)(0x80 | (c >> 6 & 0x3f));
			out[at++] = (char)(0x80 | (c & 0x3f));
		}
	}
	return at;
}

static void name_add(char out[NAME_SIZE], const char *p, size_t n)
{
	size_t at = strlen(out);
	auto_str clean = STR_INIT;
	size_t cut, plain = 0;

	while (plain < n && (signed char)p[plain] >= 0x20)
		plain++;
	if (plain == n && n <= DIALECT_NAME_MAX - at) {
		memcpy(out + at, p, n);
		out[at + n] = '\0';
		return;
	}
	utf8_add_clean(&clean, p, n);
	cut = utf8_cut(str_cstr(&clean), clean.len, DIALECT_NAME_MAX - at);
	memcpy(out + at, str_cstr(&clean), cut);
	out[at + cut] = '\0';
}

/* Without JSON's escapes (then it lies in plain) and blanks at its end. */
static bool capture_plain(const struct dialect_reader *r, const struct rule *u, enum group g, char plain[DIALECT_LINE_MAX],
			  const char **p, size_t *n)
{
	if (!capture(r, u, g, p, n))
		return false;
	if (u->json) {
		*n = json_plain(*p, *n, plain, DIALECT_LINE_MAX);
		*p = plain;
	}
	while (*n > 0 && ((*p)[*n - 1] == ' ' || (*p)[*n - 1] == '\t'))
		(*n)--;
	return true;
}

bool capture_name(const struct dialect_reader *r, const struct rule *u, enum group g, char out[NAME_SIZE])
{
	char plain[DIALECT_LINE_MAX];
	const char *p;
	size_t n;

	out[0] = '\0';
	if (!capture_plain(r, u, g, plain, &p, &n))
		return false;
	name_add(out, p, n);
	return out[0] != '\0';
}

bool capture_message(const struct dialect_reader *r, const struct rule *u, char out[MESSAGE_SIZE])
{
	auto_str clean = STR_INIT;
	char plain[DIALECT_LINE_MAX];
	const char *p;
	size_t n;

	out[0] = '\0';
	if (!capture_plain(r, u, G_MESSAGE, plain, &p, &n))
		return false;
	utf8_add_clean(&clean, p, n);
	n = utf8_cut(str_cstr(&clean), clean.len, DIALECT_MESSAGE_MAX);
	memcpy(out, str_cstr(&clean), n);
	out[n] = '\0';
	return n > 0;
}

int64_t capture_int(const struct dialect_reader *r, const struct rule *u, enum group g)
{
	const char *p;
	size_t n;
	int64_t v = 0;

	if (!capture(r, u, g, &p, &n) || n > 15)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -1;
		v = v * 10 + (p[i] - '0');
	}
	return v;
}

static int64_t unit_of(const char *p, size_t n, int64_t otherwise)
{
	static const struct {
		const char *text;
		int64_t ns;
	} units[] = { { "s", 1000000000 }, { "sec", 1000000000 }, { "secs", 1000000000 }, { "seconds", 1000000000 },
		      { "ms", 1000000 }, { "us", 1000 }, { "\302\265s", 1000 }, { "ns", 1 },
		      { "m", 60000000000 }, { "min", 60000000000 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strlen(units[i].text) == n && memcmp(units[i].text, p, n) == 0)
			return units[i].ns;
	return otherwise;
}

static int64_t capture_duration(const struct dialect_reader *r, const struct rule *u)
{
	int64_t unit = u->unit_ns, whole = 0, scale = 1, fraction = 0;
	const char *p, *q;
	size_t n, k;
	bool point = false;

	if (!capture(r, u, G_DURATION, &p, &n))
		return -1;
	if (capture(r, u, G_UNIT, &q, &k))
		unit = unit_of(q, k, unit);
	for (size_t i = 0; i < n; i++) {
		if ((p[i] == '.' || p[i] == ',') && !point) {
			point = true;
		} else if (p[i] >= '0' && p[i] <= '9') {
			if (!point && whole < 100000000)
				whole = whole * 10 + (p[i] - '0');
			else if (point && scale < 1000000000) {
				fraction = fraction * 10 + (p[i] - '0');
				scale *= 10;
			}
		}
	}
	if (whole > INT64_MAX / 2 / unit)
		return -1;
	return whole * unit + fraction * (unit / (scale < unit ? scale : unit));
}

static enum dialect_result word_result(const struct dialect *d, const char *p, size_t n)
{
	for (unsigned i = 0; i < d->word_n; i++)
		if (d->word[i].len == n && memcmp(d->word[i].text, p, n) == 0)
			return d->word[i].result;
	return DIALECT_RESULTS;
}

enum dialect_result capture_result(const struct dialect_reader *r, const struct rule *u,
					  const struct dialect *d)
{
	enum dialect_result found = DIALECT_RESULTS;
	const char *p;
	size_t n;

	if (u->fixed)
		return u->result;
	if (capture(r, u, G_RESULT, &p, &n))
		found = word_result(d, p, n);
	return found < DIALECT_RESULTS ? found : DIALECT_UNKNOWN;
}

/* --- events --- */

struct dialect_event event_of(const struct dialect_reader *r, const struct spoken *sp,
			      enum dialect_event_kind kind)
{
	return (struct dialect_event){ .kind = kind, .dialect = sp->d->name, .suite = "", .test = "", .file = "",
				       .message = "",
				       .start_ns = -1, .duration_ns = -1, .now_ns = r->now, .plan = -1, .total = -1,
				       .totals = { -1, -1, -1, -1, -1, -1 }, .result = DIALECT_UNKNOWN };
}

void reader_emit(const struct dialect_reader *r, const struct dialect_event *ev)
{
	if (r->fn)
		r->fn(r->ctx, ev);
}

void test_free(struct test *t)
{
	free(t->suite);
	free(t->name);
	free(t->file);
	free(t);
}

static void held_release(struct held *h)
{
	free(h->suite);
	free(h->name);
	free(h->file);
	memset(h, 0, sizeof(*h));
}

void spoken_reset(struct spoken *sp)
{
	for (unsigned i = 0; i < DEPTH_MAX; i++)
		mem_free_ptr(&sp->suite[i]);
	mem_free_ptr(&sp->file);
	held_release(&sp->held);
	sp->depth = 0;
	memset(sp->child, 0, sizeof(sp->child));
}

void last_set(struct dialect_reader *r, const char *suite, const char *name, enum dialect_result result)
{
	memmove(r->last_suite, suite, strlen(suite) + 1);
	memmove(r->last_test, name, strlen(name) + 1);
	r->last_result = result;
}

/* Unlinks a running test and reports how it ended. */
void test_end(struct dialect_reader *r, struct test *t, enum dialect_event_kind kind,
	      enum dialect_result result, int64_t duration, bool nested)
{
	struct spoken *sp = &r->spoken[t->spoken];
	struct dialect_event ev = event_of(r, sp, kind);

	for (struct test **pp = &r->running; *pp; pp = &(*pp)->next) {
		if (*pp == t) {
			*pp = t->next;
			break;
		}
	}
	r->running_n--;
	ev.suite = t->suite;
	ev.test = t->name;
	ev.file = t->file;
	ev.line = t->line;
	ev.id = t->id;
	ev.start_ns = t->start_ns;
	ev.duration_ns = duration >= 0 ? duration : r->now - t->start_ns;
	ev.result = result;
	ev.nested = nested || t->container;
	ev.container = t->container || sp->d->files;
	ev.outer = sp->d->files;
	if (kind == DIALECT_TEST_END) {
		if (!ev.nested)
			sp->done[result]++;
		if (is_failure(result) && !t->container) {
			failed_add(sp, "", t->name);
			failed_add(sp, t->suite, t->name);
		}
		last_set(r, t->suite, t->name, result);
	}
	reader_emit(r, &ev);
	for (int s = 0; s < 2; s++)
		if (r->partial_id[s] == t->id)
			r->partial_id[s] = 0;
	test_free(t);
}

static struct test *test_find(struct dialect_reader *r, unsigned spoken, const char *suite, const char *name)
{
	for (struct test *t = r->running; t; t = t->next)
		if (t->spoken == spoken && strcmp(t->name, name) == 0 &&
		    (!suite[0] || !t->suite[0] || strcmp(t->suite, suite) == 0))
			return t;
	return NULL;
}

struct test *test_latest(struct dialect_reader *r, unsigned spoken)
{
	for (struct test *t = r->running; t; t = t->next)
		if (t->spoken == spoken && !t->container)
			return t;
	return NULL;
}

/* The tool went on without a word about the test that ran: what is known of it then? */
void test_end_silent(struct dialect_reader *r, struct test *t)
{
	struct spoken *sp = &r->spoken[t->spoken];
	enum dialect_result result = sp->part_failed ? sp->part : sp->d->silent;

	sp->part_failed = false;
	if (!r->in_partial && t->id == r->partial_id[r->stream])
		test_end(r, t, DIALECT_WITHDRAWN, DIALECT_UNKNOWN, -1, true);
	else
		test_end(r, t, DIALECT_TEST_END, result, -1, false);
}

/* --- what a rule does --- */

static unsigned depth_of(const struct dialect_reader *r, const struct rule *u, const struct dialect *d)
{
	unsigned depth;
	const char *p;
	size_t n;

	if (d->nest == 0 || !capture(r, u, G_INDENT, &p, &n))
		return 0;
	depth = (unsigned)(n / d->nest);
	return depth < DEPTH_MAX - 1 ? depth : DEPTH_MAX - 1;
}

/* The suite of a point at this depth: what the line says, else the open suites above it, else the file. */
static void suite_of(const struct dialect_reader *r, const struct rule *u, const struct spoken *sp, unsigned depth,
		     char out[NAME_SIZE])
{
	if (capture_name(r, u, G_SUITE, out))
		return;
	for (unsigned i = 0; i < sp->depth && (sp->d->nest == 0 || i < depth); i++) {
		if (!sp->suite[i])
			continue;
		if (out[0])
			name_add(out, " > ", 3);
		name_add(out, sp->suite[i], strlen(sp->suite[i]));
	}
	if (!out[0] && sp->file)
		name_add(out, sp->file, strlen(sp->file));
}

static void suite_push(struct dialect_reader *r, struct spoken *sp, unsigned depth, const char *suite)
{
	struct dialect_event ev = event_of(r, sp, DIALECT_SUITE);

	for (unsigned i = depth; i < DEPTH_MAX; i++)
		mem_free_ptr(&sp->suite[i]);
	sp->suite[depth] = xstrdup(suite);
	sp->depth = depth + 1;
	sp->child[depth + 1] = false;
	ev.suite = suite;
	ev.file = sp->file ? sp->file : "";
	reader_emit(r, &ev);
}

static void on_suite(struct dialect_reader *r, struct spoken *sp, const struct rule *u)
{
	struct dialect_event ev = event_of(r, sp, DIALECT_SUITE);
	char suite[NAME_SIZE], file[NAME_SIZE];
	unsigned depth = sp->d->stacked ? sp->depth : depth_of(r, u, sp->d);

	if (depth > DEPTH_MAX - 1)
		depth = DEPTH_MAX - 1;
	if (capture_name(r, u, G_FILE, file)) {
		spoken_reset(sp);
		sp->file = xstrdup(file);
	}
	if (capture_name(r, u, G_SUITE, suite)) {
		suite_push(r, sp, depth, suite);
		return;
	}
	ev.suite = file;
	ev.file = sp->file ? sp->file : "";
	reader_emit(r, &ev);
}

static void on_suite_end(struct spoken *sp)
{
	if (sp->depth > 0)
		mem_free_ptr(&sp->suite[--sp->depth]);
}

static void on_start(struct dialect_reader *r, unsigned spoken, const struct rule *u)
{
	struct spoken *sp = &r->spoken[spoken];
	struct dialect_event ev = event_of(r, sp, DIALECT_TEST_START);
	char suite[NAME_SIZE], name[NAME_SIZE], file[NAME_SIZE];
	struct test *t;

	if (!capture_name(r, u, G_TEST, name))
		return;
	suite_of(r, u, sp, depth_of(r, u, sp->d), suite);
	if (u->container && !u->group[G_SUITE])
		suite[0] = '\0';
	capture_name(r, u, G_FILE, file);
	t = test_find(r, spoken, suite, name);
	if (t) {
		r->touched = t->id;
		t->paused = false;
		return;
	}
	if (sp->d->one_at_a_time && (t = test_latest(r, spoken)))
		test_end_silent(r, t);
	sp->part_failed = false;
	if (r->running_n == DIALECT_RUNNING_MAX)
		return;
	if (u->partial && sp->d->start_if_n)
		sp->names_at_end = false; /* seen: this mode names a test when it begins */
	t = xcalloc(1, sizeof(*t));
	t->id = ++r->last_id;
	t->spoken = spoken;
	t->suite = xstrdup(suite);
	t->name = xstrdup(name);
	t->file = xstrdup(file[0] || !sp->file ? file : sp->file);
	t->container = u->container;
	t->start_ns = r->now;
	t->line = capture_int(r, u, G_LINE) > 0 ? capture_int(r, u, G_LINE) : 0;
	t->next = r->running;
	r->running = t;
	r->running_n++;
	r->touched = t->id;
	if (r->in_partial)
		r->partial_id[r->stream] = t->id;
	ev.suite = t->suite;
	ev.test = t->name;
	ev.file = t->file;
	ev.line = t->line;
	ev.id = t->id;
	ev.start_ns = r->now;
	ev.container = t->container || sp->d->files;
	ev.outer = sp->d->files;
	reader_emit(r, &ev);
}

static void on_pause(struct dialect_reader *r, unsigned spoken, const struct rule *u)
{
	char suite[NAME_SIZE], name[NAME_SIZE];
	struct test *t;

	suite_of(r, u, &r->spoken[spoken], 0, suite);
	if (capture_name(r, u, G_TEST, name) && (t = test_find(r, spoken, suite, name)))
		t->paused = true;
}

void tests_nameless(struct dialect_reader *r, struct spoken *sp, enum dialect_result result, int64_t n,
		    const char *suite, const char *file)
{
	struct dialect_event ev = event_of(r, sp, DIALECT_TEST_END);

	ev.suite = suite;
	ev.file = file;
	ev.result = result;
	for (; n > 0; n--) {
		sp->done[result]++;
		reader_emit(r, &ev);
	}
	if (suite[0])
		last_set(r, suite, "", result);
}

/* A run of characters, each the result of a test without a name. */
static void on_dots(struct dialect_reader *r, struct spoken *sp, const struct rule *u)
{
	unsigned *seen = &sp->dots[r->stream];
	char suite[NAME_SIZE], file[NAME_SIZE];
	const char *p;
	size_t n;

	if (!capture(r, u, G_DOTS, &p, &n))
		return;
	suite_of(r, u, sp, 0, suite);
	capture_name(r, u, G_FILE, file);
	for (; *seen < n; ++*seen) {
		enum dialect_result result = word_result(sp->d, p + *seen, 1);

		if (result == DIALECT_RESULTS)
			break;
		if (is_failure(result))
			nameless_hold(r, (unsigned)(sp - r->spoken), result, suite[0] ? suite : file, file);
		else
			tests_nameless(r, sp, result, 1, suite[0] ? suite : file, file);
	}
}

/* Marks that a point ended at this depth. Is it the closing line of points below it? */
static bool closes_children(struct spoken *sp, unsigned depth)
{
	bool parent = sp->child[depth + 1];

	for (unsigned i = depth + 1; i <= DEPTH_MAX; i++)
		sp->child[i] = false;
	sp->child[depth] = true;
	/* The suites at and below this depth are closed with it. */
	if (sp->d->nest) {
		for (unsigned i = depth; i < DEPTH_MAX; i++)
			mem_free_ptr(&sp->suite[i]);
		sp->depth = sp->depth < depth ? sp->depth : depth;
	}
	return parent;
}

void test_told(struct dialect_reader *r, struct spoken *sp, struct dialect_event *ev)
{
	if (!ev->nested)
		sp->done[ev->result]++;
	last_set(r, ev->suite, ev->test, ev->result);
	reader_emit(r, ev);
}

static void held_set(struct spoken *sp, const struct dialect_event *ev, unsigned depth)
{
	sp->held = (struct held){ xstrdup(ev->suite), xstrdup(ev->test), xstrdup(ev->file), depth, ev->result,
				  ev->duration_ns };
}

void held_settle(struct dialect_reader *r, unsigned spoken, unsigned depth)
{
	struct spoken *sp = &r->spoken[spoken];
	struct held h = sp->held;
	struct dialect_event ev = event_of(r, sp, DIALECT_TEST_END);

	if (!h.name)
		return;
	memset(&sp->held, 0, sizeof(sp->held));
	ev.suite = h.suite;
	ev.test = h.name;
	ev.file = h.file;
	ev.result = h.result;
	ev.duration_ns = h.duration_ns;
	if (depth > h.depth)
		suite_push(r, sp, h.depth, h.name);
	else
		test_told(r, sp, &ev);
	held_release(&h);
}

static void on_end(struct dialect_reader *r, unsigned spoken, const struct rule *u)
{
	struct spoken *sp = &r->spoken[spoken];
	struct dialect_event ev = event_of(r, sp, DIALECT_TEST_END);
	char suite[NAME_SIZE], name[NAME_SIZE], file[NAME_SIZE], message[MESSAGE_SIZE];
	enum dialect_result result = capture_result(r, u, sp->d);
	unsigned depth = depth_of(r, u, sp->d);
	int64_t duration = capture_duration(r, u);
	bool nested, parent;
	struct test *t;

	if (u->group[G_DOTS]) {
		on_dots(r, sp, u);
		return;
	}
	suite_of(r, u, sp, depth, suite);
	if (u->container && !u->group[G_SUITE])
		suite[0] = '\0';
	capture_name(r, u, G_FILE, file);
	if (!capture_name(r, u, G_TEST, name)) {
		t = u->group[G_TEST] ? NULL : test_latest(r, spoken);
		if (!t)
			return;
	} else {
		t = test_find(r, spoken, suite, name);
	}
	/* Indents are levels of points only where the file says what counts. */
	parent = sp->d->nest && closes_children(sp, depth);
	nested = sp->d->count == COUNT_LEAVES ? parent : sp->d->count == COUNT_TOP && depth > 0;
	if (t) {
		r->touched = t->id;
		if (sp->part_failed && result == DIALECT_PASS)
			result = sp->part;
		sp->part_failed = false;
		ev.suite = suite;
		snprintf(name, sizeof(name), "%s", t->name);
		snprintf(suite, sizeof(suite), "%s", t->suite);
		test_end(r, t, DIALECT_TEST_END, result, duration, nested);
		if (is_failure(result) && capture_message(r, u, message)) {
			ev.kind = DIALECT_FAILURE;
			ev.test = name;
			ev.message = message;
			reader_emit(r, &ev);
		}
		return;
	}
	ev.suite = suite;
	ev.test = name;
	ev.file = file[0] || !sp->file ? file : sp->file;
	ev.line = capture_int(r, u, G_LINE) > 0 ? capture_int(r, u, G_LINE) : 0;
	ev.result = result;
	ev.duration_ns = duration;
	ev.nested = nested || u->container;
	ev.container = u->container || sp->d->files;
	ev.outer = sp->d->files;
	capture_message(r, u, message);
	ev.message = message;
	if (is_failure(result) && !u->container) {
		failed_add(sp, "", name);
		failed_add(sp, suite, name);
	}
	if (u->unless_deeper)
		held_set(sp, &ev, depth);
	else
		test_told(r, sp, &ev);
	if (u->unless_deeper) /* it was the last line, whatever it is */
		last_set(r, suite, name, result);
}

static void on_plan(struct dialect_reader *r, struct spoken *sp, const struct rule *u)
{
	struct dialect_event ev = event_of(r, sp, DIALECT_PLAN);
	int64_t plan = capture_int(r, u, G_PLAN);

	if (plan < 0 || depth_of(r, u, sp->d) > 0)
		return;
	sp->torn |= sp->open && plan >= 0;
	sp->open = sp->d->sections;
	if (u->kind == RULE_PLAN) /* one more file or program: its tests come on top */
		sp->plan = (sp->plan < 0 ? 0 : sp->plan) + plan;
	else if (plan > sp->plan)
		sp->plan = plan;
	else
		return;
	ev.plan = sp->plan;
	reader_emit(r, &ev);
}

/* Tests of which the tool tells only the number, in its closing line. */
static void totals_fill(struct dialect_reader *r, struct spoken *sp, struct dialect_event *ev)
{
	int64_t told = 0, rest;

	for (int k = 0; k < DIALECT_RESULTS; k++) {
		int64_t done = (int64_t)(sp->done[k] - sp->done_before[k]);

		told += done;
		if (k != DIALECT_PASS && ev->totals[k] > done && ev->totals[k] - done <= NAMELESS_MAX) {
			for (int64_t i = done; i < ev->totals[k] && is_failure((enum dialect_result)k); i++)
				nameless_hold(r, (unsigned)(sp - r->spoken), (enum dialect_result)k, "", "");
			if (!is_failure((enum dialect_result)k))
				tests_nameless(r, sp, (enum dialect_result)k, ev->totals[k] - done, "", "");
			told += ev->totals[k] - done;
		}
	}
	rest = ev->total >= 0 ? ev->total - told :
	       ev->totals[DIALECT_PASS] - (int64_t)(sp->done[DIALECT_PASS] - sp->done_before[DIALECT_PASS]);
	if (rest > 0 && rest <= NAMELESS_MAX)
		tests_nameless(r, sp, DIALECT_PASS, rest, "", "");
	memcpy(sp->done_before, sp->done, sizeof(sp->done));
}

static void on_totals(struct dialect_reader *r, struct spoken *sp, const struct rule *u)
{
	static const struct {
		enum group group;
		enum dialect_result result;
	} of[] = { { G_PASSED, DIALECT_PASS }, { G_FAILED, DIALECT_FAIL }, { G_ERRORS, DIALECT_ERROR },
		   { G_SKIPPED, DIALECT_SKIP }, { G_XFAILED, DIALECT_XFAIL } };
	struct dialect_event ev = event_of(r, sp, DIALECT_TOTALS);
	int64_t todo;

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++)
		ev.totals[of[i].result] = capture_int(r, u, of[i].group);
	ev.total = capture_int(r, u, G_TOTAL);
	todo = capture_int(r, u, G_TODO);
	if (todo > 0)
		ev.totals[DIALECT_SKIP] = todo + (ev.totals[DIALECT_SKIP] > 0 ? ev.totals[DIALECT_SKIP] : 0);
	if (u->fill)
		totals_fill(r, sp, &ev);
	sp->totalled = true;
	sp->open = false;
	reader_emit(r, &ev);
}

/* So many tests of a suite have ended. Those that failed are named by lines of their own. */
static void on_sums(struct dialect_reader *r, struct spoken *sp, const struct rule *u)
{
	int64_t total = capture_int(r, u, G_TOTAL), passed = capture_int(r, u, G_PASSED);
	int64_t failed = capture_int(r, u, G_FAILED), errors = capture_int(r, u, G_ERRORS);
	int64_t skipped = capture_int(r, u, G_SKIPPED);
	char suite[NAME_SIZE], file[NAME_SIZE];

	if (!capture_name(r, u, G_FILE, file))
		suite_of(r, u, sp, 0, suite);
	else
		snprintf(suite, NAME_SIZE, "%s", file);
	if (passed < 0 && total >= 0)
		passed = total - (failed > 0 ? failed : 0) - (errors > 0 ? errors : 0) - (skipped > 0 ? skipped : 0);
	if (passed > NAMELESS_MAX || skipped > NAMELESS_MAX)
		return;
	tests_nameless(r, sp, DIALECT_PASS, passed, suite, file);
	tests_nameless(r, sp, DIALECT_SKIP, skipped, suite, file);
}

static void on_body(struct dialect_reader *r, unsigned spoken, const struct rule *u)
{
	struct spoken *sp = &r->spoken[spoken];
	struct dialect_event ev = event_of(r, sp, DIALECT_TEST_END);
	char suite[NAME_SIZE], test[NAME_SIZE];
	const struct test *t = test_latest(r, spoken);

	capture_name(r, u, G_SUITE, suite);
	if (u->next) {
		body_open(r, spoken, u, "", "");
	} else if (capture_name(r, u, G_TEST, test)) {
		ev.file = sp->file ? sp->file : "";
		ev.suite = suite[0] ? suite : ev.file;
		ev.test = test;
		ev.result = u->fixed ? u->result : sp->section;
		if ((u->fixed || (u->naming && (ev.result == DIALECT_RESULTS || is_failure(ev.result)))) &&
		    failed_add(sp, "", test) && !nameless_name(r, spoken, &ev) && u->fixed)
			test_told(r, sp, &ev);
		body_open(r, spoken, u, suite, test);
	}
	else if (t)
		body_open(r, spoken, u, t->suite, t->name);
	else if (is_failure(r->last_result))
		body_open(r, spoken, u, r->last_suite, r->last_test);
	on_detail(r, spoken, u);
	if (!u->group[G_TEST])
		body_line(r, r->text, r->text_n);
}

void rule_apply(struct dialect_reader *r, unsigned spoken, const struct rule *u)
{
	struct spoken *sp = &r->spoken[spoken];

	if (sp->held.name && !u->share)
		held_settle(r, spoken, u->group[G_INDENT] ? depth_of(r, u, sp->d) : 0);
	if (u->group[G_PLAN])
		on_plan(r, sp, u);
	switch (u->kind) {
	case RULE_START:
		on_start(r, spoken, u);
		break;
	case RULE_END:
		on_end(r, spoken, u);
		break;
	case RULE_SUITE:
		on_suite(r, sp, u);
		break;
	case RULE_SUITE_END:
		on_suite_end(sp);
		break;
	case RULE_TOTALS:
		on_totals(r, sp, u);
		break;
	case RULE_PAUSE:
		on_pause(r, spoken, u);
		break;
	case RULE_PART:
		sp->part_failed = true;
		sp->part = capture_result(r, u, sp->d);
		break;
	case RULE_SUMS:
		on_sums(r, sp, u);
		break;
	case RULE_BODY:
		on_body(r, spoken, u);
		break;
	case RULE_FAILURE:
		on_failure(r, spoken, u);
		break;
	case RULE_LEAVE:
		if (u->closes) {
			struct dialect_event ev = event_of(r, sp, DIALECT_TOTALS);

			reader_emit(r, &ev);
		}
		break;
	case RULE_BODY_END:
		sp->section = u->fixed ? u->result : DIALECT_RESULTS;
		break;
	case RULE_CHOOSE:
	case RULE_PLAN:
	case RULE_IGNORE:
	case RULE_DETAIL:
		break;
	}
	if (u->kind == RULE_END && u->body && is_failure(r->last_result)) {
		body_open(r, spoken, u, r->last_suite, r->last_test);
		on_detail(r, spoken, u);
	}
}
