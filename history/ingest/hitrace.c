/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ingest/hitrace.h"

#include "base/mem.h"
#include "history/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CPUS_MAX 4096

struct thread {
	int32_t pid;             /* 0: the slot is free; pid 0 never waits */
	int64_t wakeup_ns, waking_ns, preempted_ns; /* -1: not waiting so */
};
struct cpu {
	bool seen;
	int32_t running;
	int64_t since_ns;
	int64_t idle_ns;
	int32_t first_pid;       /* what ran before its first switch */
	int64_t first_ns;
};
struct latencies {
	double *us;
	size_t n;
};
struct hitrace {
	struct thread *threads;
	size_t size, used;
	struct cpu *cpus;
	size_t n_cpus;
	struct latencies wakeup, waking, preempt;
	bool has_wakeup;
	int64_t first_ns, last_ns;
	uint64_t events, switches;
};

struct hitrace *hitrace_new(void)
{
	struct hitrace *h = xcalloc(1, sizeof(*h));

	h->first_ns = h->last_ns = -1;
	return h;
}

void hitrace_free(struct hitrace *h)
{
	if (!h)
		return;
	free(h->threads);
	free(h->cpus);
	free(h->wakeup.us);
	free(h->waking.us);
	free(h->preempt.us);
	free(h);
}

/* ---- the head of a line: … [CPU] FLAGS? SEC.USEC: EVENT: PAYLOAD ---- */

struct event {
	int cpu;
	int64_t ts_ns;
	const char *name, *payload;
	size_t name_n, payload_n;
};

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Seconds with a fraction of up to nine digits, as integers: a double loses microseconds after months. */
static bool read_time(const char **p, const char *end, int64_t *ns)
{
	int64_t sec = 0, frac = 0;
	int digits = 0;
	const char *at = *p;

	while (at < end && is_digit(*at) && sec < INT64_C(1000000000))
		sec = sec * 10 + (*at++ - '0');
	if (at == *p || at == end || *at++ != '.')
		return false;
	while (at < end && is_digit(*at)) {
		if (digits < 9) {
			frac = frac * 10 + (*at - '0');
			digits++;
		}
		at++;
	}
	if (!digits || at == end || *at != ':')
		return false;
	for (; digits < 9; digits++)
		frac *= 10;
	*ns = sec * INT64_C(1000000000) + frac;
	*p = at + 1;
	return true;
}

static const char *skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static bool read_after_cpu(const char *p, const char *end, struct event *e)
{
	const char *word;

	p = skip_blanks(p, end);
	word = p;
	if (!read_time(&p, end, &e->ts_ns)) {
		/* flags of four or five columns */
		while (word < end && *word != ' ' && *word != '\t')
			word++;
		p = skip_blanks(word, end);
		if (!read_time(&p, end, &e->ts_ns))
			return false;
	}
	p = skip_blanks(p, end);
	e->name = p;
	while (p < end && *p != ':' && *p != ' ')
		p++;
	e->name_n = (size_t)(p - e->name);
	if (!e->name_n || p == end || *p != ':')
		return false;
	p = skip_blanks(p + 1, end);
	e->payload = p;
	e->payload_n = (size_t)(end - p);
	return true;
}

/* comm may hold brackets: the first "[digits]" that a time follows is the processor. */
static bool read_event(const char *line, size_t n, struct event *e)
{
	const char *end = line + n;

	for (const char *p = line; (p = memchr(p, '[', (size_t)(end - p))); p++) {
		const char *q = p + 1;
		int cpu = 0;

		while (q < end && is_digit(*q) && q - p < 6)
			cpu = cpu * 10 + (*q++ - '0');
		if (q == p + 1 || q == end || *q != ']' || cpu >= CPUS_MAX)
			continue;
		e->cpu = cpu;
		if (read_after_cpu(q + 1, end, e))
			return true;
	}
	return false;
}

/* ---- payloads ---- */

/* Behind the last `key` in p[0..n); NULL. Keys begin with a blank, comm may hold anything else. */
static const char *find_last(const char *p, size_t n, const char *key)
{
	size_t k = strlen(key);

	for (size_t i = n >= k ? n - k + 1 : 0; i-- > 0;)
		if (p[i] == key[0] && memcmp(p + i, key, k) == 0)
			return p + i + k;
	return NULL;
}

static bool read_pid(const char *p, const char *end, int32_t *pid)
{
	int64_t v = 0;
	const char *at = p;

	while (at && at < end && is_digit(*at) && v < INT32_MAX)
		v = v * 10 + (*at++ - '0');
	if (!at || at == p || v > INT32_MAX)
		return false;
	*pid = (int32_t)v;
	return true;
}

/* trace-cmd of old: "comm:PID [PRIO]…": the pid before the last " [". */
static bool read_old(const char *p, size_t n, int32_t *pid, const char **after)
{
	const char *bracket = find_last(p, n, " [");
	const char *at = bracket ? bracket - 2 : NULL, *close;

	if (!bracket)
		return false;
	while (at > p && is_digit(at[-1]))
		at--;
	if (at == p || at[-1] != ':')
		return false;
	close = memchr(bracket, ']', (size_t)(p + n - bracket));
	*after = close ? close + 1 : p + n;
	return read_pid(at, p + n, pid);
}

struct turn { /* of a sched_switch */
	int32_t prev, next;
	char state;
};

static bool read_switch(const struct event *e, struct turn *t)
{
	const char *end = e->payload + e->payload_n;
	const char *next = find_last(e->payload, e->payload_n, " ==> "), *state, *after;
	size_t prev_n;

	if (!next)
		return false;
	prev_n = (size_t)(next - e->payload) - 5;
	if (read_pid(find_last(e->payload, prev_n, " prev_pid="), end, &t->prev) &&
	    read_pid(find_last(next, (size_t)(end - next), " next_pid="), end, &t->next)) {
		state = find_last(e->payload, prev_n, " prev_state=");
		t->state = state && state < end ? *state : '?';
		return true;
	}
	if (!read_old(e->payload, prev_n, &t->prev, &after))
		return false;
	after = skip_blanks(after, next);
	t->state = *after;
	return read_old(next, (size_t)(end - next), &t->next, &after);
}

static bool read_wakeup(const struct event *e, int32_t *pid)
{
	const char *after;

	return read_pid(find_last(e->payload, e->payload_n, " pid="), e->payload + e->payload_n, pid) ||
	       read_old(e->payload, e->payload_n, pid, &after);
}

/* ---- state ---- */

static struct thread *thread_slot(const struct hitrace *h, int32_t pid)
{
	size_t i = ((uint32_t)pid * UINT32_C(2654435761)) & (h->size - 1);

	while (h->threads[i].pid && h->threads[i].pid != pid)
		i = (i + 1) & (h->size - 1);
	return &h->threads[i];
}

static struct thread *thread_of(struct hitrace *h, int32_t pid)
{
	struct thread *t;

	if (h->used * 2 >= h->size) {
		struct thread *old = h->threads;
		size_t size = h->size;

		h->size = size ? size * 2 : 1024;
		h->threads = xcalloc(h->size, sizeof(*h->threads));
		for (size_t i = 0; i < size; i++)
			if (old[i].pid)
				*thread_slot(h, old[i].pid) = old[i];
		free(old);
	}
	t = thread_slot(h, pid);
	if (!t->pid) {
		*t = (struct thread){ pid, -1, -1, -1 };
		h->used++;
	}
	return t;
}

static struct cpu *cpu_of(struct hitrace *h, int at)
{
	if ((size_t)at >= h->n_cpus) {
		size_t n = (size_t)at + 1;

		h->cpus = xreallocarray(h->cpus, n, sizeof(*h->cpus));
		memset(h->cpus + h->n_cpus, 0, (n - h->n_cpus) * sizeof(*h->cpus));
		h->n_cpus = n;
	}
	return &h->cpus[at];
}

static void note(struct latencies *l, int64_t from_ns, int64_t to_ns)
{
	if (from_ns < 0 || to_ns < from_ns)
		return;
	if ((l->n & (l->n - 1)) == 0)
		l->us = xreallocarray(l->us, l->n ? l->n * 2 : 1, sizeof(*l->us));
	l->us[l->n++] = (double)(to_ns - from_ns) / 1000;
}

static void see_switch(struct hitrace *h, const struct event *e, const struct turn *t)
{
	struct cpu *c = cpu_of(h, e->cpu);

	h->switches++;
	if (!c->seen)
		*c = (struct cpu){ .seen = true, .first_pid = t->prev, .first_ns = e->ts_ns };
	else if (c->running == 0 && e->ts_ns > c->since_ns)
		c->idle_ns += e->ts_ns - c->since_ns;
	c->running = t->next;
	c->since_ns = e->ts_ns;
	if (t->prev) {
		struct thread *p = thread_of(h, t->prev);

		p->wakeup_ns = p->waking_ns = -1;
		p->preempted_ns = t->state == 'R' ? e->ts_ns : -1;
	}
	if (t->next) {
		struct thread *p = thread_of(h, t->next);

		note(&h->wakeup, p->wakeup_ns, e->ts_ns);
		note(&h->waking, p->waking_ns, e->ts_ns);
		note(&h->preempt, p->preempted_ns, e->ts_ns);
		p->wakeup_ns = p->waking_ns = p->preempted_ns = -1;
	}
}

static void see_wakeup(struct hitrace *h, const struct event *e, bool waking)
{
	struct thread *t;
	int32_t pid;

	if (!read_wakeup(e, &pid) || !pid)
		return;
	t = thread_of(h, pid);
	if (waking && t->waking_ns < 0)
		t->waking_ns = e->ts_ns;
	if (!waking && t->wakeup_ns < 0)
		t->wakeup_ns = e->ts_ns;
	h->has_wakeup |= !waking;
}

static bool is(const struct event *e, const char *name)
{
	return e->name_n == strlen(name) && memcmp(e->name, name, e->name_n) == 0;
}

bool hitrace_line(struct hitrace *h, const char *line, size_t n)
{
	struct event e;
	struct turn t;

	while (n && (line[n - 1] == '\r' || line[n - 1] == ' '))
		n--;
	if (!n || line[0] == '#')
		return true;
	if (!read_event(line, n, &e))
		return false;
	h->events++;
	if (h->first_ns < 0 || e.ts_ns < h->first_ns)
		h->first_ns = e.ts_ns;
	if (e.ts_ns > h->last_ns)
		h->last_ns = e.ts_ns;
	if (is(&e, "sched_switch")) {
		if (!read_switch(&e, &t))
			return false;
		see_switch(h, &e, &t);
	} else if (is(&e, "sched_wakeup") || is(&e, "sched_wakeup_new")) {
		see_wakeup(h, &e, false);
	} else if (is(&e, "sched_waking")) {
		see_wakeup(h, &e, true);
	}
	return true;
}

bool hitrace_is_event(const char *line, size_t n)
{
	struct event e;

	return read_event(line, n, &e);
}

static void quantiles(struct latencies *l, double out[3])
{
	static const double at[] = { 0.5, 0.95, 0.99 };

	if (l->n)
		stats_sort(l->us, l->n);
	for (int i = 0; i < 3; i++)
		out[i] = stats_quantile(l->us, l->n, at[i]);
}

static double idle_ratio(const struct hitrace *h)
{
	int64_t idle = 0, all = 0;

	for (size_t i = 0; i < h->n_cpus; i++) {
		const struct cpu *c = &h->cpus[i];

		if (!c->seen)
			continue;
		all += h->last_ns - h->first_ns;
		idle += c->idle_ns;
		if (c->first_pid == 0)
			idle += c->first_ns - h->first_ns;
		if (c->running == 0)
			idle += h->last_ns - c->since_ns;
	}
	return all > 0 ? (double)idle / (double)all : NAN;
}

void hitrace_result(struct hitrace *h, struct hitrace_result *r)
{
	quantiles(h->has_wakeup ? &h->wakeup : &h->waking, r->wakeup_us);
	quantiles(&h->preempt, r->preempt_us);
	r->idle_ratio = idle_ratio(h);
	r->events = h->events;
	r->switches = h->switches;
}
