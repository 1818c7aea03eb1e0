/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/attribute_internal.h"

#include "base/json_scan.h"
#include "base/mem.h"
#include "trace/cursor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A text member of the record, unescaped where it holds no escapes; NULL none. */
static char *member_text(const char *s, size_t n, const char *key)
{
	struct json_member m;

	if (!json_find_member(s, n, key, &m) || m.value_n < 2 || m.value[0] != '"')
		return NULL;
	return xstrndup(m.value + 1, m.value_n - 2);
}

static bool member_ms(const struct record *r, const char *key, int64_t *ns)
{
	struct json_member m;
	char text[32];
	double ms;

	if (!json_find_member(r->attrs, r->attrs_n, key, &m))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)(m.value_n < 30 ? m.value_n : 30), m.value);
	ms = strtod(text, NULL);
	if (!(ms > 0 && ms < 1e9))
		return false;
	*ns = (int64_t)(ms * 1e6);
	return true;
}

/* "tests/test_a.py::TestX::test_y[1-2]" -> "test_y"; "TestZ/sub" -> "TestZ". */
static char *function_of_case(const char *case_id)
{
	const char *from = case_id, *at;
	size_t n;

	while ((at = strstr(from, "::")))
		from = at + 2;
	n = strcspn(from, "[(/ ");
	if (n == strlen(from) && (at = strrchr(from, '.')))
		return xstrdup(at + 1);
	return n ? xstrndup(from, n) : NULL;
}

static void span_add(struct spans_read *s, const struct record *b, const struct record *end, int64_t last_ns,
		     const struct journal_header *h)
{
	auto_free char *case_id = NULL;
	struct span *x;
	struct json_member m;

	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	x = &s->v[s->n++];
	*x = (struct span){ .id = b->head.span, .parent = b->head.parent, .name = b->head.kind, .start_ns = b->head.ts_ns,
			    .end_ns = end ? end->head.ts_ns : last_ns, .command = -1, .owner_case = -1, .profile = -1 };
	snprintf(x->hex, sizeof(x->hex), "%016llx", (unsigned long long)(h->span_base + x->id));
	x->pid = (int32_t)json_member_int(b->attrs, b->attrs_n, "pid", 0);
	x->container = json_find_member(b->attrs, b->attrs_n, "container", &m);
	if (x->name == SPAN_CASE_RUN) {
		case_id = member_text(b->attrs, b->attrs_n, "case_id");
		x->function = case_id ? function_of_case(case_id) : NULL;
		x->file = member_text(b->attrs, b->attrs_n, "file");
		if (!member_ms(b, "test_duration_ms", &x->told_ns) && end)
			member_ms(end, "test_duration_ms", &x->told_ns);
	}
	if (x->id > s->last_id)
		s->last_id = x->id;
}

static void spans_link(struct spans_read *s)
{
	s->by_id = xcalloc((size_t)s->last_id + 1, sizeof(*s->by_id));
	memset(s->by_id, 0xff, ((size_t)s->last_id + 1) * sizeof(*s->by_id));
	for (size_t i = 0; i < s->n; i++)
		s->by_id[s->v[i].id] = (int32_t)i;
	for (size_t i = 0; i < s->n; i++) { /* parents come first */
		struct span *x = &s->v[i];
		int32_t up = x->parent && x->parent <= s->last_id ? s->by_id[x->parent] : -1;

		x->command = x->name == SPAN_SUBPROCESS_WAIT ? (int32_t)i : up >= 0 ? s->v[up].command : -1;
		x->owner_case = x->name == SPAN_CASE_RUN ? (int32_t)i : up >= 0 ? s->v[up].owner_case : -1;
	}
}

/* Runners that tell of a test when it has ended, and how long it took: it ran before. Those of a file come in one breath
 * when the file has ended; they ran one after the other. */
#define ONE_BREATH_NS (2 * 1000 * 1000)

static void spans_date_back(struct spans_read *s)
{
	const struct span *after = NULL;
	int64_t after_said = 0;

	for (size_t i = s->n; i-- > 0;) {
		struct span *x = &s->v[i];
		int64_t said = x->end_ns;

		if (x->name != SPAN_CASE_RUN || x->container || !x->told_ns || x->end_ns - x->start_ns >= x->told_ns / 2)
			continue;
		if (after && after->command == x->command && after_said - said < ONE_BREATH_NS &&
		    after->start_ns < x->end_ns)
			x->end_ns = after->start_ns;
		x->dated = true;
		x->start_ns = x->end_ns - x->told_ns;
		if (x->start_ns < 0)
			x->start_ns = 0;
		after = x;
		after_said = said;
	}
}

static bool spans_take(struct spans_read *s, int fd)
{
	struct journal_header h;
	struct cursor c, ends;
	struct record b, end;
	int64_t last = 0;
	struct err e;

	if (fd < 0 || journal_read_header(fd, &h, &e) < 0)
		return false;
	cursor_init(&c, fd);
	while (cursor_next(&c, &b) == 1)
		last = b.head.ts_ns > last ? b.head.ts_ns : last;
	cursor_release(&c);
	cursor_init(&c, fd);
	cursor_init(&ends, fd);
	while (cursor_next(&c, &b) == 1)
		if (journal_rec_type(b.head.word) == REC_BEGIN)
			span_add(s, &b, cursor_find_end(&ends, &b, &end) ? &end : NULL, last, &h);
	cursor_release(&c);
	cursor_release(&ends);
	spans_link(s);
	spans_date_back(s);
	return s->n > 0;
}

static void spans_free(struct spans_read *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].function);
		free(s->v[i].file);
	}
	free(s->v);
	free(s->by_id);
}

/* ---- threads and their commands ---- */

static int32_t command_of(const struct raw *r, const struct spans_read *s, const struct raw_thread *t)
{
	for (int depth = 0; t && depth < 1000; depth++) {
		for (size_t i = 0; i < s->n; i++)
			if (s->v[i].name == SPAN_SUBPROCESS_WAIT && s->v[i].pid == t->pid &&
			    t->start_ns <= s->v[i].end_ns && t->end_ns + 100000000 >= s->v[i].start_ns)
				return (int32_t)i;
		t = leader_of(r, t->ppid, t->start_ns);
	}
	return -1;
}

static bool is_leaf_case(const struct work *w, const struct span *x)
{
	(void)w;
	return x->name == SPAN_CASE_RUN && !x->container;
}

/* The span of a sample: of the journal's, by index; -1 none. */
static int32_t span_of(const struct work *w, const struct prof_sample *x, int64_t at)
{
	int32_t command = w->command[x->thread], open[OPEN_MAX], best = -1;
	const struct raw_thread *t = &w->r->threads[x->thread];
	size_t n, owners = 0;

	if (command < 0)
		return -1;
	n = cases_open(w, command, at, open, OPEN_MAX);
	if (n == 1)
		return of_another(w, open[0], t) ? command : open[0];
	for (size_t i = 0; i < n; i++)
		if (stack_has_case(w->p, x->stack, &w->s.v[open[i]]))
			return open[i];
	for (size_t i = 0; i < n; i++)
		if (owned_above(w, open[i], t)) {
			best = open[i];
			owners++;
		}
	if (owners == 1)
		return best;
	return command;
}

/* ---- spans of the profile ---- */

static int32_t profile_span_of(struct work *w, int32_t index)
{
	struct span *x;

	if (index < 0)
		return -1;
	x = &w->s.v[index];
	if (x->profile < 0) {
		struct prof_span *out = profile_span(w->p, x->hex);

		out->start_ns = x->start_ns;
		out->end_ns = x->end_ns;
		out->is_case = x->name == SPAN_CASE_RUN;
		x->profile = (int32_t)w->p->span_count - 1;
	}
	return x->profile;
}

/* The next time after `at` at which a test of the command begins or ends; INT64_MAX none. */
static int64_t next_edge(const struct work *w, int32_t command, int64_t at)
{
	int64_t best = INT64_MAX;

	for (size_t i = 0; command >= 0 && i < w->case_count; i++) {
		const struct span *x = &w->s.v[w->cases[i]];

		if (x->command != command)
			continue;
		if (x->start_ns > at && x->start_ns < best)
			best = x->start_ns;
		if (x->end_ns > at && x->end_ns < best)
			best = x->end_ns;
		if (x->start_ns > best)
			break;
	}
	return best;
}

/* A wait that lasts over the end of a test is cut there. */
static void waits_cut(struct work *w)
{
	for (size_t i = 0; i < w->p->sample_count; i++) {
		int64_t from = w->p->samples[i].ts_ns, to = from + w->p->samples[i].wall_ns, edge;
		struct prof_sample *rest;

		if (w->p->samples[i].wait < 0 || w->p->samples[i].cpu_ns)
			continue;
		edge = next_edge(w, w->command[w->p->samples[i].thread], from);
		if (edge >= to)
			continue;
		rest = profile_sample(w->p);
		*rest = w->p->samples[i];
		rest->ts_ns = edge;
		rest->wall_ns = to - edge;
		w->p->samples[i].wall_ns = edge - from;
	}
}

/* A stop that stands for what its thread ran over the end of a test is cut there, in proportion. */
static void stops_cut(struct work *w)
{
	size_t n = w->p->sample_count; /* a rest has been cut already */

	for (size_t i = 0; i < n; i++) {
		struct prof_sample x = w->p->samples[i], *part;
		int64_t from = x.from_ns, whole = x.ts_ns - x.from_ns, cpu = x.cpu_ns, wall = x.wall_ns, edge;

		if (x.wait >= 0 || from <= 0 || whole <= 0)
			continue;
		while ((edge = next_edge(w, w->command[x.thread], from)) < x.ts_ns) {
			part = profile_sample(w->p);
			*part = x;
			part->from_ns = 0;
			part->ts_ns = from + (edge - from) / 2;
			part->cpu_ns = (int64_t)((__int128)cpu * (edge - from) / whole);
			part->wall_ns = (int64_t)((__int128)wall * (edge - from) / whole);
			w->p->samples[i].cpu_ns -= part->cpu_ns;
			w->p->samples[i].wall_ns -= part->wall_ns;
			from = edge;
		}
	}
}

static int by_start(const void *a, const void *b, void *arg)
{
	const struct span *v = arg, *x = &v[*(const uint32_t *)a], *y = &v[*(const uint32_t *)b];

	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

void cases_sort(struct work *w)
{
	if (w->case_count)
		qsort_r(w->cases, w->case_count, sizeof(*w->cases), by_start, w->s.v);
}

static void cases_find(struct work *w)
{
	w->cases = xcalloc(w->s.n + 1, sizeof(*w->cases));
	for (size_t i = 0; i < w->s.n; i++)
		/* A test of our own owns its command's tree, and is found by it. */
		if (is_leaf_case(w, &w->s.v[i]) && w->s.v[i].command >= 0)
			w->cases[w->case_count++] = (uint32_t)i;
	cases_sort(w);
}

/* ---- sums ---- */

static struct case_sums *sums_for(struct attribution *a, struct work *w, int32_t span)
{
	for (size_t i = 0; i < a->case_count; i++)
		if (a->cases[i].journal_span == w->s.v[span].id)
			return &a->cases[i];
	a->cases = xreallocarray(a->cases, a->case_count + 1, sizeof(*a->cases));
	a->cases[a->case_count] = (struct case_sums){ .journal_span = w->s.v[span].id,
						      .span = (uint32_t)profile_span_of(w, span) };
	return &a->cases[a->case_count++];
}

struct weight {
	uint32_t key, other;
	int64_t ns;
};

static int by_weight(const void *a, const void *b)
{
	const struct weight *x = a, *y = b;

	return x->ns != y->ns ? (x->ns > y->ns ? -1 : 1) : x->key < y->key ? -1 : x->key > y->key;
}

static void weight_add(struct weight *v, size_t *n, size_t max, uint32_t key, int64_t ns)
{
	for (size_t i = 0; i < *n; i++)
		if (v[i].key == key) {
			v[i].ns += ns;
			return;
		}
	if (*n < max)
		v[(*n)++] = (struct weight){ key, 0, ns };
}

enum { WEIGHTS_MAX = 4096 };

/* Phases of pytest, the runner whose stacks tell them. */
static void phase_add(const struct profile *p, struct case_sums *c, const struct prof_sample *x)
{
	int64_t ns = x->wait < 0 ? x->cpu_ns : x->wall_ns;

	for (uint32_t i = p->stack_len[x->stack]; i-- > 0;) {
		const char *name = p->frames[p->pool[p->stack_first[x->stack] + i]].function;

		if (!name || strncmp(name, "pytest_runtest_", 15) != 0)
			continue;
		if (strcmp(name + 15, "setup") == 0)
			c->setup_ns += ns;
		else if (strcmp(name + 15, "teardown") == 0)
			c->teardown_ns += ns;
		else if (strcmp(name + 15, "call") != 0)
			continue;
		c->phases = true;
		return;
	}
}

/* How much a sample says that its thread does the test's work: the test's own function on its stack says it best. */
static int64_t worker_weight(const struct profile *p, const struct prof_sample *x, const struct span *test)
{
	int64_t ns = x->wait < 0 ? x->cpu_ns * 20 : x->wall_ns;

	return stack_has_case(p, x->stack, test) ? ns * 1000 : ns;
}

/* One test: its CPU time by place, and the waits of the thread that did its work. */
static void case_sum(struct work *w, struct case_sums *c, const struct span *test, const uint32_t *samples, size_t n)
{
	static struct weight places[WEIGHTS_MAX], waits[WEIGHTS_MAX], threads[WEIGHTS_MAX];
	size_t place_n = 0, wait_n = 0, thread_n = 0;
	const struct profile *p = w->p;
	int64_t delay = 0;

	for (size_t i = 0; i < n; i++) {
		const struct prof_sample *x = &p->samples[samples[i]];
		bool child = x->wait >= 0 && strcmp(p->waits[x->wait].kind, "child") == 0;

		c->samples += x->wait < 0;
		phase_add(p, c, x);
		c->cpu_ns += x->cpu_ns;
		if (x->wait < 0)
			weight_add(places, &place_n, WEIGHTS_MAX, profile_place(p, x->stack), x->cpu_ns);
		if (x->wait < 0 && x->wall_ns > x->cpu_ns)
			delay += x->wall_ns - x->cpu_ns;
		if (!child)
			weight_add(threads, &thread_n, WEIGHTS_MAX, x->thread, worker_weight(p, x, test));
	}
	c->delay_ns = delay;
	if (thread_n)
		qsort(threads, thread_n, sizeof(*threads), by_weight);
	for (size_t i = 0; i < n; i++) {
		const struct prof_sample *x = &p->samples[samples[i]];

		if (x->wait < 0 || !thread_n || x->thread != threads[0].key)
			continue;
		c->wait_ns += x->wall_ns;
		if (strcmp(p->waits[x->wait].kind, "sleep") == 0 && x->wall_ns > c->sleep_ns) {
			c->sleep_ns = x->wall_ns;
			c->sleep_place = profile_place(p, x->stack);
		}
		weight_add(waits, &wait_n, WEIGHTS_MAX, (uint32_t)x->wait, x->wall_ns);
	}
	if (c->wait_ns > test->end_ns - test->start_ns) /* when it went to sleep is known to a look */
		c->wait_ns = test->end_ns - test->start_ns;
	if (place_n)
		qsort(places, place_n, sizeof(*places), by_weight);
	if (wait_n)
		qsort(waits, wait_n, sizeof(*waits), by_weight);
	for (size_t i = 0; i < place_n && c->top_n < 5; i++)
		c->top[c->top_n++] = (struct case_top){ places[i].key, places[i].ns };
	for (size_t i = 0; i < wait_n && c->wait_n < 3; i++)
		c->waits[c->wait_n++] = (struct case_wait){ waits[i].key, waits[i].ns };
}

static void cases_sum(struct work *w, struct attribution *a, const int32_t *owner)
{
	size_t *at = xcalloc(w->s.n + 2, sizeof(*at));
	uint32_t *list = xcalloc(w->p->sample_count + 1, sizeof(*list));

	for (size_t i = 0; i < w->p->sample_count; i++)
		if (owner[i] >= 0)
			at[owner[i] + 1]++;
	for (size_t i = 0; i <= w->s.n; i++)
		at[i + 1] += at[i];
	for (size_t i = 0; i < w->p->sample_count; i++)
		if (owner[i] >= 0)
			list[at[owner[i]]++] = (uint32_t)i;
	for (size_t k = 0; k < w->s.n; k++) {
		size_t from = k ? at[k - 1] : 0;

		if (w->s.v[k].name == SPAN_CASE_RUN)
			case_sum(w, sums_for(a, w, (int32_t)k), &w->s.v[k], list + from, at[k] - from);
	}
	free(at);
	free(list);
}

static void spans_assign(struct work *w, struct attribution *a)
{
	int32_t *owner = xcalloc(w->p->sample_count + 1, sizeof(*owner));

	for (size_t i = 0; i < w->p->sample_count; i++) {
		struct prof_sample *x = &w->p->samples[i];
		int32_t span = span_of(w, x, x->ts_ns), open[2];

		x->span = profile_span_of(w, span);
		owner[i] = span >= 0 ? w->s.v[span].owner_case : -1;
		a->cpu_ns += x->cpu_ns;
		if (owner[i] >= 0)
			a->cpu_in_cases_ns += x->cpu_ns;
		else if (cases_open(w, w->command[x->thread], x->ts_ns, open, 2))
			a->cpu_unattributed_ns += x->cpu_ns;
	}
	a->any_case = false;
	for (size_t i = 0; i < w->s.n; i++)
		a->any_case |= w->s.v[i].name == SPAN_CASE_RUN;
	cases_sum(w, a, owner);
	free(owner);
}

void attribute(struct profile *p, const struct raw *r, int journal, struct attribution *out)
{
	struct work w = { .p = p, .r = r };

	*out = (struct attribution){ 0 };
	w.command = xcalloc(r->thread_count + 1, sizeof(*w.command));
	if (spans_take(&w.s, journal)) {
		for (size_t i = 0; i < r->thread_count; i++)
			w.command[i] = command_of(r, &w.s, &r->threads[i]);
		cases_find(&w);
		waits_cut(&w);
		owners_find(&w);
		if (owners_by_order(&w))
			waits_cut(&w);
		stops_cut(&w);
		owners_find(&w);
		owners_by_life(&w);
		profile_sort(p);
		spans_assign(&w, out);
	} else {
		for (size_t i = 0; i < p->sample_count; i++)
			out->cpu_ns += p->samples[i].cpu_ns;
	}
	spans_free(&w.s);
	free(w.command);
	free(w.owner);
	free(w.cases);
}

void attribution_release(struct attribution *a)
{
	free(a->cases);
	*a = (struct attribution){ 0 };
}
