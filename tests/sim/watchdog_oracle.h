/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog_oracle.h - a second reading of the watchdog's rules, for sim_watchdog.c. It knows the
 * whole history of events and asks of each moment what must be true of it; it keeps no ring,
 * no counters of active time, no due times of phases. Slow and plain on purpose. All events lie on
 * whole milliseconds after start.
 *
 * While the command runs, every millisecond is asked "is it alive, is a limit reached?" from the
 * list of events. Once it is being ended, the moment of each signal is the earliest of
 * everything that the rules name for it. */
#ifndef TESTS_SIM_WATCHDOG_ORACLE_H
#define TESTS_SIM_WATCHDOG_ORACLE_H

#include "base/clock.h"
#include "liveness/watchdog.h"

#include <signal.h>

#define SIM_EVENTS 96
#define SIM_ROWS 256

struct sim_event {
	int64_t t;
	enum wd_event ev;
	int arg;
};

struct sim_row {
	int64_t t;
	uint32_t actions;
	enum token token;
	int signal;
	int64_t idle_ns;
};

struct sim_log {
	struct sim_row row[SIM_ROWS];      /* actions, merged by time */
	unsigned n;
	struct sim_event seen[SIM_EVENTS]; /* events as delivered */
	unsigned seen_n;
	int64_t end;
	enum wd_cause cause;
	enum span_status status;
	bool ended_it, kill_sent, term_sent, killed_members;
	const char *why; /* first rule broken, NULL none */
};

#define MS NS_PER_MS

struct oracle {
	struct watchdog_config c;
	int64_t start;
	const struct sim_event *seen; /* all events; only the first `n` have happened */
	unsigned n;
	struct sim_log *out;
	enum { RUN, LOOK, HAND, DRAIN, TERM, KILL, END } at;
	enum wd_cause cause;
	bool stall_known, busy, busy_known;
	int64_t next_signal;          /* LOOK: the first is due; HAND: TERM is due; TERM: KILL is due */
	int64_t hand_kill;            /* HAND: when KILL follows TERM at the latest */
	int64_t sweep, sweep_gap, give_up;
	int64_t empty_since;          /* ending with an empty tree; -1 not */
	int64_t d_begin, d_term, d_kill, d_give_up;
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

static struct sim_row *row_at(struct oracle *o, int64_t t)
{
	struct sim_log *l = o->out;

	if ((l->n == 0 || l->row[l->n - 1].t != t) && l->n < SIM_ROWS)
		l->row[l->n++] = (struct sim_row){ .t = t };
	return &l->row[l->n - 1];
}

static void act(struct oracle *o, int64_t t, uint32_t actions) { row_at(o, t)->actions |= actions; }

/* --- history --- */

static bool happened(const struct oracle *o, enum wd_event ev)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->seen[i].ev == ev)
			return true;
	return false;
}

static unsigned times(const struct oracle *o, enum wd_event ev)
{
	unsigned k = 0;

	for (unsigned i = 0; i < o->n; i++)
		k += o->seen[i].ev == ev;
	return k;
}

/* Active time between `from` and t: the sum of the stretches in which it was not suspended. */
static int64_t active_between(const struct oracle *o, int64_t from, int64_t t)
{
	int64_t sum = 0, since = o->start;
	bool off = false;

	for (unsigned i = 0; i <= o->n; i++) {
		int64_t until = i < o->n ? least(o->seen[i].t, t) : t;

		if (!off && until > most(since, from))
			sum += until - most(since, from);
		since = most(since, until);
		if (i < o->n && o->seen[i].ev == WD_EV_SUSPEND)
			off = true;
		if (i < o->n && o->seen[i].ev == WD_EV_RESUME)
			off = false;
	}
	return sum;
}

static bool suspended(const struct oracle *o)
{
	bool off = false;

	for (unsigned i = 0; i < o->n; i++)
		off = o->seen[i].ev == WD_EV_SUSPEND ? true : o->seen[i].ev == WD_EV_RESUME ? false : off;
	return off;
}

/* Were there enough events within the last `window` of active time? */
static bool alive_within(const struct oracle *o, int64_t t, int64_t window)
{
	unsigned ever = 0, lately = 0;

	if (o->c.level == LIVENESS_OFF || o->c.stall_ns <= 0 || o->c.min_events == 0)
		return true;
	for (unsigned i = o->n; i-- > 0 && lately < o->c.min_events;)
		if (o->seen[i].ev == WD_EV_PROGRESS) {
			ever++;
			lately += active_between(o, o->seen[i].t, t) < window;
		}
	if (ever < o->c.min_events && ever == times(o, WD_EV_PROGRESS))
		return active_between(o, o->start, t) < window;
	return lately >= o->c.min_events;
}

static bool alive(const struct oracle *o, int64_t t) { return alive_within(o, t, o->c.stall_ns); }

static int64_t idle(const struct oracle *o, int64_t t)
{
	for (unsigned i = o->n; i-- > 0;)
		if (o->seen[i].ev == WD_EV_PROGRESS)
			return active_between(o, o->seen[i].t, t);
	return active_between(o, o->start, t);
}

/* --- the end --- */

/* A caller that died counts as a cancel with SIGTERM. */
static unsigned cancels(const struct oracle *o) { return times(o, WD_EV_CANCEL) + times(o, WD_EV_PARENT); }

static const struct sim_event *first_cancel(const struct oracle *o)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->seen[i].ev == WD_EV_CANCEL || o->seen[i].ev == WD_EV_PARENT)
			return &o->seen[i];
	return NULL;
}

static int64_t grace(const struct oracle *o)
{
	return cancels(o) ? least(o->c.kill_grace_ns, o->c.cancel_kill_ns) : o->c.kill_grace_ns;
}

static void end_now(struct oracle *o, int64_t t, uint32_t also)
{
	act(o, t, also | WD_FINISH | (happened(o, WD_EV_STREAMS_END) ? 0 : WD_CLOSE_STREAMS));
	o->at = END;
	o->out->end = t;
}

static void term(struct oracle *o, int64_t t, int64_t wait)
{
	int64_t kill_at = most(t, least(clock_add(t, wait), o->d_kill));

	if (o->empty_since >= 0)
		return;
	o->next_signal = o->at == TERM ? least(o->next_signal, kill_at) : kill_at;
	if (o->at != TERM && !happened(o, WD_EV_TREE_EMPTY))
		act(o, t, WD_TERM);
	o->at = TERM;
}

static void kill_all(struct oracle *o, int64_t t)
{
	int64_t wait = cancels(o) ? least(o->c.unkillable_ns, 1000 * MS) : o->c.unkillable_ns;

	act(o, t, WD_KILL);
	o->at = KILL;
	o->sweep_gap = MS;
	o->sweep = t + MS;
	o->give_up = most(t + MS, least(clock_add(t, wait), o->d_give_up));
}

static void look(struct oracle *o, int64_t t, enum wd_cause cause, enum token token)
{
	o->cause = cause;
	if (token != TOKEN_NONE) {
		row_at(o, t)->token = token;
		act(o, t, WD_LIMIT);
	}
	if (o->c.diagnose_ns > 0)
		act(o, t, WD_DIAGNOSE);
	o->at = LOOK;
	o->next_signal = most(t, least(clock_add(t, o->c.diagnose_ns), o->d_term));
}

/* The look is over: the first signal. */
static void first_signal(struct oracle *o, int64_t t)
{
	const struct sim_event *by = o->cause == WD_CAUSE_CANCEL ? first_cancel(o) : NULL;
	int sig = !by ? o->c.first_signal : by->ev == WD_EV_PARENT ? SIGTERM : by->arg;
	int64_t term_at = by ? by->t + o->c.cancel_term_ns : grace(o) == TIME_NEVER ? TIME_NEVER : t + grace(o) / 2;
	int64_t kill_at = by ? term_at + o->c.cancel_kill_ns : clock_add(t, grace(o));

	if (by && happened(o, WD_EV_PARENT))
		kill_at = by->t + 1500 * MS;
	if (o->empty_since >= 0)
		return;
	if (sig == SIGTERM) {
		term(o, t, kill_at == TIME_NEVER ? TIME_NEVER : most(kill_at - t, 0));
	} else if (sig == SIGKILL) {
		kill_all(o, t);
	} else {
		act(o, t, WD_HAND_OVER);
		row_at(o, t)->signal = sig;
		o->at = HAND;
		o->hand_kill = kill_at;
		o->next_signal = most(t, term_at);
		if (o->d_kill != TIME_NEVER)
			o->next_signal = least(o->next_signal, t + most(o->d_kill - t, 0) / 2);
	}
}

static void leave_drain(struct oracle *o, int64_t t)
{
	if (happened(o, WD_EV_TREE_EMPTY)) {
		end_now(o, t, 0);
		return;
	}
	act(o, t, WD_LEFTOVERS);
	term(o, t, grace(o));
}

/* What must be so at t, given what has happened. */
static void running(struct oracle *o, int64_t t)
{
	int64_t elapsed = active_between(o, o->start, t);
	bool cap = o->c.level != LIVENESS_OFF && o->c.hard_cap_ns > 0 && elapsed >= o->c.hard_cap_ns;
	bool limit = o->c.limit_ns > 0 && elapsed >= o->c.limit_ns;
	bool deadline = t >= o->d_begin, excused;

	/* Limits of active time are not reached while it stands still. */
	if (suspended(o))
		cap = limit = false;
	excused = o->busy && o->c.level == LIVENESS_STRICT && alive_within(o, t, most(o->c.busy_ns, o->c.stall_ns));
	if (!o->stall_known && !o->busy_known && !suspended(o) && !alive(o, t) && excused) {
		o->busy_known = true;
		act(o, t, WD_BUSY);
		row_at(o, t)->idle_ns = idle(o, t);
	}
	if (!o->stall_known && !suspended(o) && !alive(o, t) && !excused) {
		o->stall_known = true;
		act(o, t, WD_STALL);
		row_at(o, t)->idle_ns = idle(o, t);
		if (o->c.level == LIVENESS_STRICT && !limit && !cap && !deadline) {
			look(o, t, WD_CAUSE_STALL, TOKEN_NONE);
			return;
		}
		if (o->c.diagnose_ns > 0)
			act(o, t, WD_DIAGNOSE);
	}
	if (limit)
		look(o, t, WD_CAUSE_LIMIT, o->c.limit_token);
	else if (cap)
		look(o, t, WD_CAUSE_HARD_CAP, TOKEN_HARD_CAP);
	else if (deadline)
		look(o, t, WD_CAUSE_DEADLINE, TOKEN_NONE);
}

static int64_t exit_time(const struct oracle *o)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->seen[i].ev == WD_EV_EXIT)
			return o->seen[i].t;
	return TIME_NEVER;
}

static void draining(struct oracle *o, int64_t t)
{
	if (happened(o, WD_EV_TREE_EMPTY) && happened(o, WD_EV_STREAMS_END)) {
		end_now(o, t, 0);
	} else if (!suspended(o) && active_between(o, exit_time(o), t) >= o->c.drain_ns) {
		if (!happened(o, WD_EV_STREAMS_END))
			act(o, t, WD_DRAIN_OVER);
		leave_drain(o, t);
	} else if (t >= o->d_begin) {
		leave_drain(o, t);
	}
}

static void ending(struct oracle *o, int64_t t)
{
	if (happened(o, WD_EV_TREE_EMPTY)) {
		if (o->empty_since < 0)
			o->empty_since = t;
		if (happened(o, WD_EV_STREAMS_END) || t >= o->empty_since + 200 * MS)
			end_now(o, t, 0);
	} else if (o->at == KILL) {
		if (t >= o->give_up) {
			end_now(o, t, WD_SURVIVORS);
		} else if (t >= o->sweep) {
			act(o, t, WD_SWEEP);
			o->sweep_gap = least(o->sweep_gap * 2, 50 * MS);
			o->sweep = t + o->sweep_gap;
		}
	} else if (t >= o->next_signal) {
		if (o->at == TERM)
			kill_all(o, t);
		else if (o->at == LOOK)
			first_signal(o, t);
		else
			term(o, t, o->hand_kill == TIME_NEVER ? grace(o) : least(grace(o), most(o->hand_kill - t, 0)));
	}
}

static void holds(struct oracle *o, int64_t t)
{
	int was;

	do {
		was = (int)o->at;
		if (o->at == RUN)
			running(o, t);
		else if (o->at == DRAIN)
			draining(o, t);
		else if (o->at != END)
			ending(o, t);
	} while (was != (int)o->at);
}

static void cancelled(struct oracle *o, int64_t t)
{
	if (o->at == RUN) {
		int64_t most_ns = happened(o, WD_EV_PARENT) ? 600 * MS : o->c.cancel_look_ns;
		int64_t usual = o->c.diagnose_ns;

		o->c.diagnose_ns = least(usual, most_ns);
		look(o, t, WD_CAUSE_CANCEL, TOKEN_NONE);
		o->c.diagnose_ns = usual;
	} else if (o->at == DRAIN) {
		leave_drain(o, t);
	} else if (o->at == KILL) {
		o->give_up = least(o->give_up, most(t + MS, least(t + 1000 * MS, o->d_give_up)));
	} else if (o->at != END) {
		term(o, t, cancels(o) >= 3 ? 0 : grace(o));
	}
}

static void event(struct oracle *o, const struct sim_event *e)
{
	if (e->ev == WD_EV_PROGRESS && alive(o, e->t))
		o->stall_known = o->busy_known = false;
	else if (e->ev == WD_EV_BUSY)
		o->busy = e->arg;
	else if (e->ev == WD_EV_EXIT && o->at == RUN)
		o->at = DRAIN;
	else if (e->ev == WD_EV_CANCEL || e->ev == WD_EV_PARENT)
		cancelled(o, e->t);
	else if (e->ev == WD_EV_TEST_LIMIT && o->at == RUN)
		look(o, e->t, WD_CAUSE_TEST_LIMIT, TOKEN_CASE_HARNESS);
	else if (e->ev == WD_EV_LIMIT && o->at == RUN)
		look(o, e->t, WD_CAUSE_LIMIT, (enum token)e->arg);
	else if (e->ev == WD_EV_DIAGNOSED && o->at == LOOK)
		first_signal(o, e->t);
	else if (e->ev == WD_EV_LOST) {
		if (o->at == RUN)
			o->cause = WD_CAUSE_LOST;
		if (o->at == DRAIN)
			leave_drain(o, e->t);
		if (o->at != KILL && o->at != END)
			term(o, e->t, least(grace(o), 1000 * MS));
	}
}

static void deadline_times(struct oracle *o)
{
	int64_t need = clock_add(clock_add(o->c.diagnose_ns, o->c.kill_grace_ns), o->c.seal_reserve_ns);
	int64_t end = most(o->c.deadline_ns, o->start), half = o->start + (end - o->start) / 2;
	int64_t quarter;

	o->d_begin = o->d_term = o->d_kill = o->d_give_up = TIME_NEVER;
	if (o->c.deadline_ns == TIME_NEVER)
		return;
	if (need <= end - half) {
		o->d_begin = end - need;
		o->d_term = o->d_begin + o->c.diagnose_ns;
		o->d_kill = end - o->c.seal_reserve_ns;
		o->d_give_up = end - o->c.seal_reserve_ns / 2;
		return;
	}
	quarter = (end - half) / 4;
	o->d_begin = half;
	o->d_term = half + least(o->c.diagnose_ns, quarter);
	o->d_kill = end - least(o->c.seal_reserve_ns, quarter);
	o->d_give_up = end - least(o->c.seal_reserve_ns, quarter) / 2;
}

/* The next moment at which something may be so that was not so before. */
static int64_t next_look(const struct oracle *o, int64_t t)
{
	if (o->at == RUN || o->at == DRAIN)
		return t + MS;
	if (o->empty_since >= 0)
		return o->empty_since + 200 * MS;
	return o->at == KILL ? least(o->sweep, o->give_up) : o->next_signal;
}

/* What a watchdog so configured must do when these events come. */
static void oracle_run(const struct watchdog_config *cfg, int64_t start, const struct sim_event *events, unsigned n,
		       struct sim_log *out)
{
	struct oracle o = { .c = *cfg, .start = start, .seen = events, .out = out, .at = RUN, .empty_since = -1 };
	int64_t t = start;

	out->n = 0;
	out->why = NULL;
	o.c.kill_grace_ns = most(o.c.kill_grace_ns, 0);
	o.c.drain_ns = most(o.c.drain_ns, 0);
	o.c.diagnose_ns = most(o.c.diagnose_ns, 0);
	o.c.seal_reserve_ns = most(o.c.seal_reserve_ns, 0);
	o.c.unkillable_ns = most(o.c.unkillable_ns, MS);
	o.c.first_signal = o.c.first_signal ? o.c.first_signal : SIGTERM;
	o.c.cancel_look_ns = least(most(o.c.cancel_look_ns, 0), 1000 * MS);
	o.c.cancel_term_ns = least(most(o.c.cancel_term_ns, 0), 2500 * MS);
	o.c.cancel_kill_ns = least(most(o.c.cancel_kill_ns, 0), 2000 * MS);
	deadline_times(&o);
	holds(&o, t);
	while (o.at != END && t < start + 100000 * MS) {
		for (; o.n < n && events[o.n].t <= t && o.at != END;) {
			const struct sim_event *e = &events[o.n];
			bool first = e->ev == WD_EV_PROGRESS || e->ev == WD_EV_BUSY || e->ev == WD_EV_EXIT ||
				e->ev == WD_EV_STREAMS_END || e->ev == WD_EV_TREE_EMPTY;

			if (!first)
				holds(&o, t);
			o.n++;
			if (o.at != END)
				event(&o, e);
			holds(&o, t);
		}
		holds(&o, t);
		if (o.at != END)
			t = least(next_look(&o, t), o.n < n ? events[o.n].t : TIME_NEVER);
	}
	out->cause = o.cause;
}

#endif
