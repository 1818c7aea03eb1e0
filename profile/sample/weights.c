/* SPDX-License-Identifier: Apache-2.0 */
/* weights.c - what samples weigh. A sample of the CPU clock stands for one period, a stop for what its thread ran since the
 * last; the kernel's count of a thread is the truth, and its samples are brought to it. What ran without a sample is one of
 * its own, without a stack. */
#include "profile/sample/finish.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct sums {
	bool lent;               /* its clock's samples have the stacks of its stops */
	int64_t perf_ns, stop_ns, wait_ns;
	size_t perf, stop, waits;
	int64_t last_ns;
};

static void sums_take(const struct raw *r, struct sums *v)
{
	for (size_t i = 0; i < r->sample_count; i++) {
		const struct book_sample *x = &r->samples[i];
		struct sums *t = &v[x->thread];

		if (x->wait >= 0) {
			t->wait_ns += x->wall_ns;
			t->waits++;
		} else if (x->source == FROM_STOP) {
			t->stop_ns += x->cpu_ns;
			t->stop++;
		} else {
			t->perf_ns += x->cpu_ns;
			t->perf++;
		}
		if (x->ts_ns > t->last_ns)
			t->last_ns = x->ts_ns;
	}
}

/* a * to / from without overflow. */
static int64_t scaled(int64_t a, int64_t to, int64_t from)
{
	return from > 0 ? (int64_t)((__int128)a * to / from) : a;
}

static struct book_sample *sample_add(struct raw *r)
{
	if (!(r->sample_count & (r->sample_count - 1)))
		r->samples = xreallocarray(r->samples, r->sample_count ? r->sample_count * 2 : 1, sizeof(*r->samples));
	r->samples[r->sample_count] = (struct book_sample){ .wait = -1, .source = FROM_REST };
	return &r->samples[r->sample_count++];
}

static void rest_add(struct raw *r, size_t thread, uint32_t stack, int32_t wait, int64_t ts, int64_t cpu, int64_t wall)
{
	struct book_sample *x;

	if (cpu <= 0 && wall <= 0)
		return;
	x = sample_add(r);
	x->ts_ns = ts;
	x->thread = (uint32_t)thread;
	x->stack = stack;
	x->wait = wait;
	x->cpu_ns = cpu;
	x->wall_ns = wall;
}

/* ---- stacks of stops for samples of the clock ---- */

/* Of an interpreter the clock knows when it ran, evenly and to the millisecond, and stops know where. So each sample of the
 * clock takes the stack of the stop that is nearest in time. */
struct stop_ref {
	uint32_t thread, stack;
	int64_t ts_ns;
};

static int by_thread_and_time(const void *a, const void *b)
{
	const struct stop_ref *x = a, *y = b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return x->ts_ns < y->ts_ns ? -1 : x->ts_ns > y->ts_ns;
}

/* The first that is not before the key. */
static size_t stop_lower(const struct stop_ref *v, size_t n, const struct stop_ref *key)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (by_thread_and_time(&v[mid], key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct stop_ref *stop_nearest(const struct stop_ref *v, size_t n, const struct book_sample *x)
{
	struct stop_ref key = { x->thread, 0, x->ts_ns };
	size_t lo = stop_lower(v, n, &key);
	const struct stop_ref *before, *after;

	after = lo < n && v[lo].thread == x->thread ? &v[lo] : NULL;
	before = lo && v[lo - 1].thread == x->thread ? &v[lo - 1] : NULL;
	if (!after || !before)
		return after ? after : before;
	return x->ts_ns - before->ts_ns < after->ts_ns - x->ts_ns ? before : after;
}

static void stacks_lend(struct raw *r, struct sums *s)
{
	struct stop_ref *v = xcalloc(r->sample_count + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < r->sample_count; i++)
		if (r->samples[i].source == FROM_STOP && r->samples[i].wait < 0)
			v[n++] = (struct stop_ref){ r->samples[i].thread, r->samples[i].stack, r->samples[i].ts_ns };
	if (n)
		qsort(v, n, sizeof(*v), by_thread_and_time);
	for (size_t i = 0; n && i < r->sample_count; i++) {
		struct book_sample *x = &r->samples[i];
		const struct stop_ref *stop;

		if (x->source != FROM_PERF || x->wait >= 0 || !s[x->thread].stop)
			continue;
		stop = stop_nearest(v, n, x);
		if (stop) {
			x->stack = stop->stack;
			s[x->thread].lent = true;
		}
	}
	free(v);
}

/* A stop weighs what its thread ran since it was last seen: after a long sleep, or where stops are dear, that is more than
 * a moment, and a test may have ended in it. */
static void stops_begin(struct raw *r)
{
	struct stop_ref *v = xcalloc(r->sample_count + 1, sizeof(*v));
	size_t n = 0;

	for (size_t i = 0; i < r->sample_count; i++) {
		const struct book_sample *x = &r->samples[i];

		if (x->source == FROM_STOP || x->wait >= 0)
			v[n++] = (struct stop_ref){ x->thread, 0, x->wait >= 0 ? x->ts_ns + x->wall_ns : x->ts_ns };
	}
	if (n)
		qsort(v, n, sizeof(*v), by_thread_and_time);
	for (size_t i = 0; i < r->sample_count; i++) {
		struct book_sample *x = &r->samples[i];
		struct stop_ref key = { x->thread, 0, x->ts_ns };
		size_t at;

		if (x->source != FROM_STOP || x->wait >= 0)
			continue;
		at = stop_lower(v, n, &key);
		x->from_ns = at && v[at - 1].thread == x->thread ? v[at - 1].ts_ns : r->threads[x->thread].start_ns;
		if (x->from_ns > x->ts_ns - x->cpu_ns)
			x->from_ns = x->ts_ns - x->cpu_ns;
	}
	free(v);
}

/* What a thread's samples of CPU time must add up to, and what stands for the rest. */
struct plan {
	bool use_stop;           /* else those of perf */
	int64_t have, want, rest; /* want: of the samples; rest: without one */
	bool rest_in_kernel;
	int64_t walls_have, walls_want;
	int64_t cpu_ns, delay_ns;
};

static struct plan plan_of(const struct raw_thread *t, const struct sums *s, const struct finish_options *o)
{
	bool stops = s->stop > 0 && !s->lent;
	struct plan p = { .use_stop = stops, .have = stops ? s->stop_ns : s->perf_ns };
	int64_t cpu = t->cpu_ns, period = 1000000000 / (o->rate_hz > 0 ? o->rate_hz : 1);
	size_t count = p.use_stop ? s->stop : s->perf;

	if (cpu < 0)
		cpu = s->stop_ns > s->perf_ns ? s->stop_ns : s->perf_ns;
	p.want = cpu;
	if (!count) {
		p.want = 0;
		p.rest = cpu;
	} else if (!p.use_stop && !s->lent && !o->kernel_seen && cpu - p.have > period) {
		/* The clock ticks in the kernel, too, where a plain user's samples may not look. */
		p.want = p.have;
		p.rest = cpu - p.have;
		p.rest_in_kernel = true;
	}
	/* Runnable, but without a CPU: that lengthens what it did, and is no wait of its own. */
	p.cpu_ns = cpu;
	p.walls_have = s->wait_ns;
	p.walls_want = (t->end_ns - t->start_ns) - cpu;
	p.delay_ns = o->wall && t->delay_ns > 0 && cpu > 0 ? t->delay_ns : 0;
	if (p.delay_ns > p.walls_want)
		p.delay_ns = p.walls_want > 0 ? p.walls_want : 0;
	p.walls_want -= p.delay_ns;
	if (p.walls_want < 0)
		p.walls_want = 0;
	return p;
}

static int64_t wall_of(const struct plan *p, int64_t cpu_ns)
{
	return cpu_ns + (p->cpu_ns > 0 ? scaled(p->delay_ns, cpu_ns, p->cpu_ns) : 0);
}

static void sample_settle(struct book_sample *x, const struct plan *p)
{
	if (x->wait >= 0) {
		if (p->walls_have > p->walls_want)
			x->wall_ns = scaled(x->wall_ns, p->walls_want, p->walls_have);
		return;
	}
	if (x->source == FROM_REST)
		return;
	if (p->use_stop != (x->source == FROM_STOP)) {
		x->cpu_ns = x->wall_ns = 0; /* the other way has seen it better */
		return;
	}
	x->cpu_ns = scaled(x->cpu_ns, p->want, p->have);
	x->wall_ns = wall_of(p, x->cpu_ns);
}

static void drop_empty(struct raw *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->sample_count; i++)
		if (r->samples[i].cpu_ns || r->samples[i].wall_ns)
			r->samples[n++] = r->samples[i];
	r->sample_count = n;
}

/* Rounding loses a nanosecond a sample: it goes to the thread's last one. */
static void round_settle(struct raw *r, const struct plan *plans)
{
	auto_free int64_t *sum = xcalloc(r->thread_count + 1, sizeof(*sum));
	auto_free struct book_sample **last = xcalloc(r->thread_count + 1, sizeof(*last));

	for (size_t i = 0; i < r->sample_count; i++) {
		struct book_sample *x = &r->samples[i];

		if (x->wait >= 0 || x->source == FROM_REST || !x->cpu_ns)
			continue;
		sum[x->thread] += x->cpu_ns;
		last[x->thread] = x;
	}
	for (size_t i = 0; i < r->thread_count; i++)
		if (last[i]) {
			last[i]->cpu_ns += plans[i].want - sum[i];
			last[i]->wall_ns = wall_of(&plans[i], last[i]->cpu_ns);
		}
}

/* Where the kernel's sum over all is known and greater: a little of it is what ran after the last look, and belongs to
 * those that were seen; more was never seen at all. */
static void total_settle(struct raw *r, const struct sums *s, uint32_t unknown_stack)
{
	int64_t total = -1, sum = 0, rest;

	for (size_t i = 0; i < r->note_count; i++)
		if (strcmp(r->notes[i].kind, "total") == 0) {
			auto_free char *text = xstrndup(r->notes[i].text, r->notes[i].n);

			total = strtoll(text, NULL, 10);
		}
	for (size_t i = 0; i < r->thread_count; i++) {
		if (r->threads[i].cpu_ns < 0)
			r->threads[i].cpu_ns = s[i].stop_ns > s[i].perf_ns ? s[i].stop_ns : s[i].perf_ns;
		sum += r->threads[i].cpu_ns;
	}
	rest = total - sum;
	if (total <= 0 || rest <= 0 || total > INT64_MAX / 8)
		return;
	if (rest <= sum / 8) {
		for (size_t i = 0; i < r->thread_count; i++)
			r->threads[i].cpu_ns = scaled(r->threads[i].cpu_ns, total, sum);
		return;
	}
	r->threads = xreallocarray(r->threads, r->thread_count + 1, sizeof(*r->threads));
	r->threads[r->thread_count] = (struct raw_thread){ .comm = "[unseen]", .delay_ns = -1 };
	rest_add(r, r->thread_count++, unknown_stack, -1, 0, rest, rest);
}

void weights_settle(struct raw *r, const struct finish_options *o, uint32_t kernel_stack, uint32_t unknown_stack,
		    int32_t unknown_wait)
{
	auto_free struct sums *s = xcalloc(r->thread_count + 2, sizeof(*s));
	auto_free struct plan *plans = xcalloc(r->thread_count + 2, sizeof(*plans));
	size_t count;

	sums_take(r, s);
	stacks_lend(r, s);
	stops_begin(r);
	total_settle(r, s, unknown_stack);
	count = r->sample_count;
	for (size_t i = 0; i < r->thread_count; i++) {
		struct raw_thread *t = &r->threads[i];

		if (t->end_ns < 0)
			t->end_ns = o->end_ns >= t->start_ns ? o->end_ns : s[i].last_ns > t->start_ns ? s[i].last_ns :
					t->start_ns;
		plans[i] = plan_of(t, &s[i], o);
	}
	for (size_t i = 0; i < count; i++)
		sample_settle(&r->samples[i], &plans[r->samples[i].thread]);
	round_settle(r, plans);
	for (size_t i = 0; i < r->thread_count; i++) {
		const struct plan *p = &plans[i];
		int64_t at = r->threads[i].end_ns;

		if (!r->threads[i].tid)
			continue; /* of all that was never seen: it has no life of its own */
		rest_add(r, i, p->rest_in_kernel ? kernel_stack : unknown_stack, -1, at, p->rest, wall_of(p, p->rest));
		/* Lived, but neither ran nor was seen to wait: between two looks, or for want of a CPU. */
		if (o->wall && p->walls_want > p->walls_have)
			rest_add(r, i, unknown_stack, unknown_wait, r->threads[i].start_ns, 0,
				 p->walls_want - p->walls_have);
	}
	drop_empty(r);
}
