/* SPDX-License-Identifier: Apache-2.0 */
/* sampler.c - the loop of a sampler, and what it may cost. */
#include "profile/sample/sampler.h"

#include "base/mem.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* What we may use: so much at once, and a share of what the tree uses. The rest of the promise (20 ms and 1 %) is for our
 * start and for naming frames at the end. */
#define BUDGET_FREE_NS (4 * NS_PER_MS)
#define BUDGET_PPM 5000
#define HZ_USUAL 99 /* whoever asks for more samples than that pays for them */
#define LOOK_HZ_MAX 49
#define TICK_MAX_NS (2000 * NS_PER_MS)
#define TICK_DEAR_MAX_NS (100 * NS_PER_MS)
#define IDLE_TICK_MAX_NS (40 * NS_PER_MS)
#define LOOK_COST_NS (20 * 1000)
#define LOOK_COST_PARTS 8 /* an eighth of what a look is taken to cost is what the last one cost */
#define THREAD_COST_NS (4 * 1000)
#define SCAN_NS (100 * NS_PER_MS)
#define FLUSH_NS (1000 * NS_PER_MS)
#define RING_NS (80 * NS_PER_MS) /* a ring that is half full, of some 7 samples, wakes us sooner */
#define TOGETHER_NS (25 * NS_PER_MS) /* what is due so soon is done at once: waking costs more than most of it */
#define DEBT_TIMES 50
#define BIRTH_NS (8 * NS_PER_MS)
#define UNNAMED_NS (2 * NS_PER_MS) /* a child found before it runs its own program is asked again so soon */
#define CALM_ROUNDS 6
#define CALM_TIMES 4

int64_t sampler_own_cpu_ns(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0 ? (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec : 0;
}

static bool collects_by_ticks(const struct sampler *s)
{
	return s->wall || s->engine != &sampler_perf;
}

static int64_t tick_least_ns(const struct sampler *s)
{
	bool stops = s->cpu && (s->engine == &sampler_stop || (s->engine == &sampler_perf && s->any_scripted));
	int hz = s->hz;

	if (!stops && hz > LOOK_HZ_MAX)
		hz = LOOK_HZ_MAX;
	return NS_PER_S / (hz > 0 ? hz : 1);
}

int sampler_begin(struct sampler *s, const char *with, struct err *e)
{
	static const struct sampler_ops *const all[] = { &sampler_perf, &sampler_stop, &sampler_read };
	bool any = strcmp(with, "auto") == 0;

	s->period_ns = NS_PER_S / (s->hz > 0 ? s->hz : 1);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (!any && strcmp(with, all[i]->name) != 0)
			continue;
		s->engine = all[i];
		if (s->engine->start(s, e) == 0) {
			s->tick_ns = tick_least_ns(s);
			usage_begin(s);
			if (s->attached || s->engine != &sampler_perf)
				sampler_scan(s, clock_mono_ns());
			return 0;
		}
		if (!any)
			return -1;
	}
	return -1;
}

static int64_t budget_ns(const struct sampler *s, int part)
{
	return (BUDGET_FREE_NS + s->tree_cpu_ns / 1000000 * BUDGET_PPM) / 100 * part / HZ_USUAL *
	       (s->hz > HZ_USUAL ? s->hz : HZ_USUAL);
}

bool sampler_affords(const struct sampler *s, int part)
{
	return s->own_cpu_ns - s->began_cpu_ns < budget_ns(s, part);
}

/* Without the kernel's records the end of each thread is not seen: the sum over all tells what is missing. */
static void note_total(struct sampler *s)
{
	char text[32];

	if (s->engine == &sampler_perf || s->attached || !s->told)
		return;
	snprintf(text, sizeof(text), "%lld", (long long)s->told_ns);
	book_note(&s->book, "total", text, strlen(text));
}

/* A look at threads that have not moved costs a read each: a thousandth of a processor is always there for it, or a test
 * that sleeps would get the next one's waits. Where threads come and go and wake, looks cost many times that, and there
 * are as many fewer, down to a rate at which a wait of half a second still has its own length. */
static int64_t tick_most_ns(const struct sampler *s)
{
	int64_t ns = (LOOK_COST_NS + (int64_t)s->thread_count * THREAD_COST_NS) * 1000, dear = s->look_cost_ns * 1000;

	dear = dear < TICK_DEAR_MAX_NS ? dear : TICK_DEAR_MAX_NS;
	ns = dear > ns ? dear : ns;
	return ns < TICK_MAX_NS ? ns : TICK_MAX_NS;
}

static void look_round(struct sampler *s, int64_t now)
{
	int64_t before = sampler_own_cpu_ns();

	s->own_cpu_ns = before;
	sampler_look(s, now);
	s->own_cpu_ns = sampler_own_cpu_ns();
	s->look_cost_ns += (s->own_cpu_ns - before - s->look_cost_ns) / LOOK_COST_PARTS;
}

/* Slower where we have used more than our share, or nothing moves; faster again where there is room. */
static void tick_adapt(struct sampler *s, int64_t now)
{
	/* What has not moved for long need not be looked at often: an error of a twelfth of it is small. */
	int64_t least = tick_least_ns(s), idle = (now - s->idle_since_ns) / 12;

	/* Without the kernel's clock what runs and ends between two looks is not seen at all. */
	if (s->engine != &sampler_perf && idle > IDLE_TICK_MAX_NS)
		idle = IDLE_TICK_MAX_NS;
	/* Threads that do nothing but compute: their waits, when they come, are not missed for being looked at later. */
	if (s->calm_rounds >= CALM_ROUNDS && s->engine == &sampler_perf && !(s->cpu && s->any_scripted))
		least *= CALM_TIMES;
	least = idle > least ? idle : least;
	/* The greater the debt, the longer the pause at once: a look may have cost as much as a hundred others. */
	if (!sampler_affords(s, 100)) {
		int64_t pause = (s->own_cpu_ns - s->began_cpu_ns - budget_ns(s, 100)) * DEBT_TIMES;

		s->tick_ns = pause > s->tick_ns * 3 / 2 ? pause : s->tick_ns * 3 / 2;
	} else if (s->tick_ns > least)
		s->tick_ns = sampler_affords(s, 75) ? s->tick_ns / 2 : s->tick_ns * 7 / 8;
	if (s->tick_ns < least)
		s->tick_ns = least;
	if (s->tick_ns > tick_most_ns(s) && tick_most_ns(s) > least)
		s->tick_ns = tick_most_ns(s);
}

static void command_begins(struct sampler *s, const struct sampler_control *c, const char *text, size_t n)
{
	book_note(&s->book, "command", text, n);
	if (c->command)
		c->command(s, (pid_t)strtol(text, NULL, 10));
}

/* "PID NS": with its children it has used so much. */
static void command_ends(struct sampler *s, const char *text)
{
	char *end;
	struct sproc *p = sproc_find(s, (pid_t)strtol(text, &end, 10));
	int64_t used = strtoll(end, NULL, 10);

	s->told = true;
	s->told_ns += used;
	if (!p)
		return;
	p->told = true;
	p->told_ns = used;
}

struct loop {
	int64_t scan_due, flush_due, ring_due, birth_due;
	char text[512]; /* from the supervisor: what is not yet a whole line */
	size_t text_n;
};

/* "command PID SPAN": one begins, kept as it is: who belongs to it is worked out at the end. "ended PID NS": it was
 * reaped. */
static void control_line(struct sampler *s, const struct sampler_control *c, const char *line, size_t n)
{
	if (n > 8 && strncmp(line, "command ", 8) == 0)
		command_begins(s, c, line + 8, n - 8);
	else if (n > 6 && strncmp(line, "ended ", 6) == 0)
		command_ends(s, line + 6);
}

static bool control_read(struct sampler *s, const struct sampler_control *c, struct loop *l)
{
	ssize_t n = read(c->fd, l->text + l->text_n, sizeof(l->text) - l->text_n);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	l->text_n += (size_t)n;
	for (char *nl; (nl = memchr(l->text, '\n', l->text_n));) {
		*nl = '\0';
		control_line(s, c, l->text, (size_t)(nl - l->text));
		l->text_n -= (size_t)(nl + 1 - l->text);
		memmove(l->text, nl + 1, l->text_n);
	}
	if (l->text_n == sizeof(l->text))
		l->text_n = 0; /* the supervisor writes no line that long */
	return true;
}

/* Children that come and go, each eight milliseconds while there are any. To know of them is worth more than to look at
 * them: looks are the first to give way. */
static void births_due(struct sampler *s, struct loop *l, int64_t now)
{
	sampler_births(s, now);
	l->birth_due = now + (s->unnamed ? UNNAMED_NS : BIRTH_NS);
	if (!births_expected(s, now) || !sampler_affords(s, 200))
		l->birth_due = INT64_MAX; /* with the next scan */
}

static void loop_due(struct sampler *s, const struct sampler_control *c, struct loop *l, int64_t now)
{
	bool look = now >= s->tick_due_ns, ring = now >= l->ring_due || now >= l->flush_due;

	look |= ring && !s->pending && s->tick_due_ns - now < TOGETHER_NS && s->tick_ns > TOGETHER_NS;
	ring |= look && l->ring_due - now < TOGETHER_NS;
	if (s->engine != &sampler_perf && now >= l->scan_due) {
		sampler_scan(s, now);
		l->scan_due = now + (s->tick_ns > SCAN_NS ? s->tick_ns : SCAN_NS) * (sampler_affords(s, 100) ? 1 : 3);
		births_due(s, l, now);
	} else if (s->engine != &sampler_perf && now >= l->birth_due) {
		births_due(s, l, now);
	}
	if (ring) {
		s->engine->readable(s, now);
		l->ring_due = now + RING_NS;
		if (s->proc)
			usage_young(s, now);
		if (c->turn)
			c->turn(s, now);
	}
	if (look) {
		look_round(s, now);
		tick_adapt(s, now);
		s->tick_due_ns = now + (s->pending ? 2 * NS_PER_MS : s->tick_ns);
	}
	if (now >= l->flush_due) {
		s->own_cpu_ns = sampler_own_cpu_ns();
		if (s->proc)
			usage_tick(s, now);
		book_flush(&s->book, &s->images);
		if (c->progress)
			c->progress(s, c->arg);
		l->flush_due = now + FLUSH_NS;
	}
}

static int64_t loop_next(const struct sampler *s, const struct loop *l, const struct sampler_control *c)
{
	int64_t next = l->flush_due < l->ring_due ? l->flush_due : l->ring_due;

	if ((collects_by_ticks(s) || s->thread_count) && s->tick_due_ns < next)
		next = s->tick_due_ns;
	if (s->engine != &sampler_perf) {
		next = l->scan_due < next ? l->scan_due : next;
		next = l->birth_due < next ? l->birth_due : next;
	}
	return c->until_ns < next ? c->until_ns : next;
}

static bool root_is_gone(const struct sampler *s)
{
	struct proc_stat st;

	return s->attached && (proc_stat_read(s->root, &st) < 0 || st.state == 'Z');
}

/* Where a thread stands in a stop, losing our CPU would keep it standing: while we collect, which is for a hundredth of the
 * time, we go before ordinary threads, if we may; else we ask for the shortest slices, which are handed out first (6.12). */
static void loop_hurry(bool on)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t runtime, deadline, period;
	} attr = { .size = 48, .policy = SCHED_OTHER, .runtime = 100 * 1000 };
	struct sched_param p = { .sched_priority = on ? 1 : 0 };

	if (sched_setscheduler(0, on ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER, &p) == 0 || !on)
		return;
	attr.nice = getpriority(PRIO_PROCESS, 0);
	syscall(SYS_sched_setattr, 0, &attr, 0);
}

void sampler_loop(struct sampler *s, const struct sampler_control *c)
{
	static struct pollfd fds[SAMPLER_FDS_MAX];
	struct loop l = { 0 };
	int64_t now = clock_mono_ns();
	bool going = true;
	int n = 0;

	loop_hurry(true);
	fds[0] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	n = 1 + s->engine->fds(s, fds + 1, SAMPLER_FDS_MAX - 1);
	l.flush_due = now + FLUSH_NS;
	s->began_cpu_ns = s->own_cpu_ns = sampler_own_cpu_ns();
	s->idle_since_ns = now;
	while (going && now < c->until_ns && !(c->signal && *c->signal)) {
		int64_t left = loop_next(s, &l, c) - now;
		struct timespec wait = { left > 0 ? left / NS_PER_S : 0, left > 0 ? left % NS_PER_S : 0 };
		int got = ppoll(fds, (nfds_t)n, &wait, NULL);

		now = clock_mono_ns();
		if (got > 0 && fds[0].revents)
			going = control_read(s, c, &l);
		for (int i = 1; got > 0 && i < n; i++)
			if (fds[i].revents & POLLIN) {
				l.ring_due = now;
				break;
			}
		for (int i = 1; got > 0 && i < n; i++)
			if (fds[i].revents & (POLLERR | POLLNVAL) || (fds[i].revents & POLLHUP &&
					!(fds[i].revents & POLLIN)))
				fds[i].fd = -1; /* all that it sampled is gone: what is left in the ring is read by time */
		loop_due(s, c, &l, now);
		if (now >= l.flush_due - FLUSH_NS / 2 && root_is_gone(s))
			going = false;
	}
	now = clock_mono_ns();
	s->engine->readable(s, now);
	s->engine->readable(s, now);
	if (collects_by_ticks(s))
		sampler_look(s, now);
	for (int i = 0; i < 20 && s->pending; i++)
		sampler_look(s, clock_mono_ns());
	if (s->proc)
		usage_finish(s, now);
	sampler_forget(s, now);
	note_total(s);
	book_flush(&s->book, &s->images);
	loop_hurry(false);
}

void sampler_release(struct sampler *s)
{
	if (s->engine)
		s->engine->stop(s);
	sampler_forget(s, clock_mono_ns());
	births_free(s->root_births);
	free(s->cgroup);
	book_release(&s->book);
	walk_images_release(&s->images);
}
