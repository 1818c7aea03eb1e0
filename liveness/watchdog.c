/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog.c - see watchdog.h.
 *
 * Two times: `now` is absolute; active time is now minus all time suspended, and it stands still
 * while suspended. Limits that count active time are kept as points of active time, so that a
 * suspension moves none of them: only the way back to absolute time (absolute_due) looks at it.
 *
 * A step applies its event (before or after what is due, see the header), then runs whatever is
 * due until nothing is, then says when it wants to be called again. */
#include "liveness/watchdog.h"

#include "base/clock.h"

#include <signal.h>

#define CANCEL_LOOK_MAX_NS (1000 * NS_PER_MS)
/* Of a caller that died: GitHub kills 2.5 s after the signal that ended the step's shell. */
#define PARENT_LOOK_MAX_NS (600 * NS_PER_MS)
#define PARENT_KILL_NS (1500 * NS_PER_MS)
#define CANCEL_TERM_MAX_NS (2500 * NS_PER_MS)  /* contract 3: all is sealed within 7 s of a cancel */
#define CANCEL_KILL_MAX_NS (2000 * NS_PER_MS)
#define CANCEL_UNKILLABLE_MAX_NS (1000 * NS_PER_MS)
#define LOST_GRACE_MAX_NS (1000 * NS_PER_MS)
#define UNKILLABLE_MIN_NS NS_PER_MS
#define SWEEP_FIRST_NS NS_PER_MS
#define SWEEP_LAST_NS (50 * NS_PER_MS)

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max64(int64_t a, int64_t b) { return a > b ? a : b; }

static int64_t active_now(const struct watchdog *w, int64_t now)
{
	return (w->suspended_at_ns >= 0 ? w->suspended_at_ns : now) - w->suspended_total_ns;
}

static int64_t absolute_due(const struct watchdog *w, int64_t active)
{
	if (active == TIME_NEVER || w->suspended_at_ns >= 0)
		return TIME_NEVER;
	return clock_add(active, w->suspended_total_ns);
}

/* The outer deadline as four absolute times: begin to end it, last moment for TERM, for KILL, and for
 * waiting on. Where the budgets need more than half of the time that there is, a quarter goes
 * to looking and a quarter to sealing at most, and the grace gets the rest. */
static void deadline_plan(struct watchdog *w, int64_t now)
{
	const struct watchdog_config *c = &w->cfg;
	int64_t need = clock_add(clock_add(c->diagnose_ns, c->kill_grace_ns), c->seal_reserve_ns);
	int64_t end = max64(c->deadline_ns, now), have = end - now;
	int64_t rest, reserve = c->seal_reserve_ns, look = c->diagnose_ns;

	w->deadline_begin_ns = w->deadline_term_ns = TIME_NEVER;
	w->deadline_kill_ns = w->deadline_give_up_ns = TIME_NEVER;
	if (c->deadline_ns == TIME_NEVER)
		return;
	w->deadline_begin_ns = max64(now + have / 2, need > have ? now : end - need);
	rest = end - w->deadline_begin_ns;
	if (need > rest) {
		look = min64(look, rest / 4);
		reserve = min64(reserve, rest / 4);
	}
	w->deadline_term_ns = w->deadline_begin_ns + look;
	w->deadline_kill_ns = end - reserve;
	w->deadline_give_up_ns = end - reserve / 2;
}

void watchdog_init(struct watchdog *w, const struct watchdog_config *cfg, int64_t *ring, int64_t now_ns)
{
	struct watchdog_config *c = &w->cfg;

	*w = (struct watchdog){ .cfg = *cfg, .now_ns = now_ns, .start_ns = now_ns, .suspended_at_ns = -1,
				.last_progress_ns = now_ns, .ring = ring, .phase_due_ns = TIME_NEVER,
				.give_up_ns = TIME_NEVER, .drain_due_ns = TIME_NEVER };
	c->stall_ns = max64(c->stall_ns, 0);
	c->busy_ns = max64(c->busy_ns, c->stall_ns);
	c->hard_cap_ns = max64(c->hard_cap_ns, 0);
	c->limit_ns = max64(c->limit_ns, 0);
	c->kill_grace_ns = max64(c->kill_grace_ns, 0);
	c->drain_ns = max64(c->drain_ns, 0);
	c->diagnose_ns = max64(c->diagnose_ns, 0);
	c->first_signal = c->first_signal > 0 ? c->first_signal : SIGTERM;
	c->cancel_look_ns = min64(max64(c->cancel_look_ns, 0), CANCEL_LOOK_MAX_NS);
	c->cancel_term_ns = min64(max64(c->cancel_term_ns, 0), CANCEL_TERM_MAX_NS);
	c->cancel_kill_ns = min64(max64(c->cancel_kill_ns, 0), CANCEL_KILL_MAX_NS);
	c->unkillable_ns = max64(c->unkillable_ns, UNKILLABLE_MIN_NS);
	c->seal_reserve_ns = max64(c->seal_reserve_ns, 0);
	deadline_plan(w, now_ns);
}

/* --- the window of progress --- */

/* Active time at which the command counts as stalled, if nothing more comes. */
static int64_t stall_due(const struct watchdog *w)
{
	const struct watchdog_config *c = &w->cfg;

	if (c->level == LIVENESS_OFF || c->stall_ns == 0 || c->min_events == 0)
		return TIME_NEVER;
	return clock_add(w->ring_len < c->min_events ? w->start_ns : w->ring[w->ring_at], c->stall_ns);
}

static bool is_excused(const struct watchdog *w)
{
	return w->busy && w->cfg.level == LIVENESS_STRICT;
}

/* The same for what is done about it: later while it is busy, and no sooner than it was heard to have ceased to be. */
static int64_t strike_due(const struct watchdog *w)
{
	int64_t due = stall_due(w);

	if (due == TIME_NEVER)
		return due;
	if (is_excused(w))
		return clock_add(due - w->cfg.stall_ns, w->cfg.busy_ns);
	return max64(due, w->idle_from_ns);
}

/* When to say that it is busy. */
static int64_t busy_due(const struct watchdog *w)
{
	return is_excused(w) && !w->busy_told && !w->stalled ? stall_due(w) : TIME_NEVER;
}

/* When to say that the hard cap is coming. */
static int64_t word_due(const struct watchdog *w)
{
	const struct watchdog_config *c = &w->cfg;
	bool wanted = c->word_ns > 0 && c->hard_cap_ns > 0 && c->level != LIVENESS_OFF && !w->word_given;

	return wanted ? clock_add(w->start_ns, c->word_ns) : TIME_NEVER;
}

static void progress(struct watchdog *w, int64_t now)
{
	uint32_t n = w->cfg.min_events;

	w->last_progress_ns = active_now(w, now);
	if (n == 0)
		return;
	w->ring[w->ring_at] = w->last_progress_ns; /* once full, ring_at is the oldest */
	w->ring_at = w->ring_at + 1 == n ? 0 : w->ring_at + 1;
	if (w->ring_len < n)
		w->ring_len++;
	if (stall_due(w) > w->last_progress_ns)
		w->stalled = w->busy_told = false;
}

/* --- changes of phase --- */

static int64_t grace(const struct watchdog *w)
{
	int64_t g = w->cfg.kill_grace_ns;

	return w->cancel_count > 0 ? min64(g, w->cfg.cancel_kill_ns) : g;
}

/* TERM unless it is sent already; at most wait_ns more until KILL. */
static void terminate(struct watchdog *w, int64_t now, int64_t wait_ns, struct wd_out *out)
{
	int64_t due = min64(clock_add(now, wait_ns), max64(now, w->deadline_kill_ns));

	if (w->emptied)
		return; /* nobody is left to be signalled; phase_due_ns bounds the streams */
	if (w->phase == WD_TERMINATING) {
		w->phase_due_ns = min64(w->phase_due_ns, due);
		return;
	}
	w->phase = WD_TERMINATING;
	w->phase_due_ns = due;
	if (!w->tree_empty) {
		w->term_sent = true;
		out->actions |= WD_TERM;
	}
}

static void give_up_within(struct watchdog *w, int64_t now, int64_t wait_ns)
{
	int64_t due = min64(clock_add(now, wait_ns), w->deadline_give_up_ns);

	/* Even past every deadline what was just killed gets a moment to be reaped. */
	w->give_up_ns = min64(w->give_up_ns, max64(due, now + UNKILLABLE_MIN_NS));
}

static void kill_now(struct watchdog *w, int64_t now, struct wd_out *out)
{
	w->phase = WD_KILLING;
	w->kill_sent = true;
	out->actions |= WD_KILL;
	w->sweep_every_ns = SWEEP_FIRST_NS;
	w->phase_due_ns = clock_add(now, w->sweep_every_ns);
	give_up_within(w, now, w->cancel_count > 0 ? min64(w->cfg.unkillable_ns, CANCEL_UNKILLABLE_MAX_NS)
						   : w->cfg.unkillable_ns);
}

static void finish(struct watchdog *w, struct wd_out *out)
{
	if (!w->streams_ended)
		out->actions |= WD_CLOSE_STREAMS;
	out->actions |= WD_FINISH;
	w->phase = WD_DONE;
}

/* A limit strikes: look first, then end the tree. limit_ns: what was reached, for the record. */
static void strike(struct watchdog *w, enum wd_cause cause, enum token token, int64_t limit_ns, int64_t now,
		   struct wd_out *out)
{
	w->cause = cause;
	w->token = cause == WD_CAUSE_STALL ? TOKEN_STALL_SUBPROCESS : token;
	if (token != TOKEN_NONE) {
		out->token = token;
		out->limit_ns = limit_ns;
		out->actions |= WD_LIMIT;
	}
	if (w->cfg.diagnose_ns > 0)
		out->actions |= WD_DIAGNOSE;
	w->phase = WD_DIAGNOSING;
	w->phase_due_ns = min64(clock_add(now, w->cfg.diagnose_ns), max64(now, w->deadline_term_ns));
}

/* Looking comes first, within the time that whoever cancels leaves us: its signal may be the last thing we hear. */
static void cancel_running(struct watchdog *w, int64_t now, struct wd_out *out)
{
	int64_t look = min64(w->cfg.diagnose_ns, w->parent_lost ? PARENT_LOOK_MAX_NS : w->cfg.cancel_look_ns);

	w->cause = WD_CAUSE_CANCEL;
	if (look > 0)
		out->actions |= WD_DIAGNOSE;
	w->phase = WD_DIAGNOSING;
	w->phase_due_ns = min64(clock_add(now, look), max64(now, w->deadline_term_ns));
}

static int64_t until(int64_t due, int64_t now)
{
	return due == TIME_NEVER ? TIME_NEVER : max64(due - now, 0);
}

/* Looking is over. TERM follows a first signal that is not TERM, and KILL follows TERM. */
static void signal_first(struct watchdog *w, int64_t now, struct wd_out *out)
{
	bool cancelled = w->cause == WD_CAUSE_CANCEL;
	int sig = cancelled ? w->cancel_signal : w->cfg.first_signal;
	int64_t whole = grace(w), half = whole == TIME_NEVER ? TIME_NEVER : whole / 2;
	int64_t term_due = clock_add(now, half), kill_due = clock_add(now, whole);

	if (w->emptied)
		return;
	if (cancelled) { /* counted from the cancel on: looking is part of it */
		term_due = clock_add(w->cancel_ns, w->cfg.cancel_term_ns);
		kill_due = w->parent_lost ? clock_add(w->cancel_ns, PARENT_KILL_NS) :
					    clock_add(term_due, w->cfg.cancel_kill_ns);
	}
	if (sig == SIGTERM) {
		terminate(w, now, until(kill_due, now), out);
	} else if (sig == SIGKILL) {
		kill_now(w, now, out);
	} else {
		out->signal = sig;
		out->actions |= WD_HAND_OVER;
		w->phase = WD_CANCELLING;
		w->kill_due_ns = kill_due;
		w->phase_due_ns = w->deadline_kill_ns == TIME_NEVER ? max64(term_due, now) :
			min64(max64(term_due, now), now + until(w->deadline_kill_ns, now) / 2);
	}
}

/* The command is gone and somebody wants us to be gone too. The drain is cut short, so its token,
 * which says that drain-ms were waited for, is not recorded. */
static void hurry_drain(struct watchdog *w, int64_t now, struct wd_out *out)
{
	if (w->tree_empty) {
		finish(w, out);
		return;
	}
	out->actions |= WD_LEFTOVERS;
	terminate(w, now, grace(w), out);
}

static void cancel(struct watchdog *w, int sig, int64_t now, struct wd_out *out)
{
	if (w->cancel_count++ == 0) {
		w->cancel_signal = sig;
		w->cancel_ns = now;
	}
	if (w->phase == WD_RUNNING)
		cancel_running(w, now, out);
	else if (w->phase == WD_DRAINING)
		hurry_drain(w, now, out);
	else if (w->phase == WD_KILLING)
		give_up_within(w, now, CANCEL_UNKILLABLE_MAX_NS);
	else if (w->phase == WD_DIAGNOSING || w->phase == WD_CANCELLING || w->phase == WD_TERMINATING)
		terminate(w, now, w->cancel_count > 2 ? 0 : grace(w), out);
}

static void lost(struct watchdog *w, int64_t now, struct wd_out *out)
{
	if (w->phase == WD_RUNNING)
		w->cause = WD_CAUSE_LOST;
	if (w->phase == WD_DRAINING)
		hurry_drain(w, now, out);
	if (w->phase != WD_KILLING && w->phase != WD_DONE)
		terminate(w, now, min64(grace(w), LOST_GRACE_MAX_NS), out);
}

static void apply(struct watchdog *w, enum wd_event ev, int arg, int64_t now, struct wd_out *out)
{
	switch (ev) {
	case WD_EV_TIME:
		break;
	case WD_EV_PROGRESS:
		progress(w, now);
		break;
	case WD_EV_EXIT:
		w->exited = true;
		if (w->phase == WD_RUNNING) {
			w->phase = WD_DRAINING;
			w->drain_due_ns = clock_add(active_now(w, now), w->cfg.drain_ns);
		}
		break;
	case WD_EV_STREAMS_END:
		w->streams_ended = true;
		break;
	case WD_EV_TREE_EMPTY:
		w->tree_empty = true;
		break;
	case WD_EV_BUSY:
		if (w->busy && !arg)
			w->idle_from_ns = active_now(w, now);
		w->busy = arg != 0;
		break;
	case WD_EV_SUSPEND:
		if (w->suspended_at_ns < 0)
			w->suspended_at_ns = now;
		break;
	case WD_EV_RESUME:
		if (w->suspended_at_ns >= 0)
			w->suspended_total_ns += now - w->suspended_at_ns;
		w->suspended_at_ns = -1;
		break;
	case WD_EV_CANCEL:
		cancel(w, arg, now, out);
		break;
	case WD_EV_PARENT:
		w->parent_lost = true;
		cancel(w, SIGTERM, now, out);
		break;
	case WD_EV_TEST_LIMIT:
		if (w->phase == WD_RUNNING)
			strike(w, WD_CAUSE_TEST_LIMIT, TOKEN_CASE_HARNESS, 0, now, out);
		break;
	case WD_EV_LIMIT:
		if (w->phase == WD_RUNNING)
			strike(w, WD_CAUSE_LIMIT, (enum token)arg, active_now(w, now) - w->start_ns, now, out);
		break;
	case WD_EV_LOST:
		lost(w, now, out);
		break;
	case WD_EV_DIAGNOSED:
		if (w->phase == WD_DIAGNOSING)
			signal_first(w, now, out);
		break;
	}
}

/* --- what is due --- */

/* The earliest limit of a running command, absolute; of equal ones the first named here. */
static int64_t limit_due(const struct watchdog *w, enum wd_cause *cause)
{
	const struct watchdog_config *c = &w->cfg;
	int64_t due = TIME_NEVER, t;

	*cause = WD_CAUSE_NONE;
	if (c->limit_ns > 0) {
		due = absolute_due(w, clock_add(w->start_ns, c->limit_ns));
		*cause = WD_CAUSE_LIMIT;
	}
	t = c->level == LIVENESS_OFF || c->hard_cap_ns == 0 ? TIME_NEVER :
		absolute_due(w, clock_add(w->start_ns, c->hard_cap_ns));
	if (t < due) {
		due = t;
		*cause = WD_CAUSE_HARD_CAP;
	}
	if (w->deadline_begin_ns < due) {
		due = w->deadline_begin_ns;
		*cause = WD_CAUSE_DEADLINE;
	}
	return due;
}

static void due_running(struct watchdog *w, int64_t now, struct wd_out *out)
{
	enum wd_cause cause;
	int64_t limit = limit_due(w, &cause);
	int64_t stall = w->stalled ? TIME_NEVER : absolute_due(w, strike_due(w));

	if (absolute_due(w, busy_due(w)) <= now && stall > now) {
		w->busy_told = true;
		out->actions |= WD_BUSY;
		out->idle_ns = watchdog_idle(w, now);
	}
	if (absolute_due(w, word_due(w)) <= now && limit > now) {
		w->word_given = true;
		out->actions |= WD_WORD;
	}
	if (stall <= now && stall <= limit) {
		w->stalled = true;
		out->actions |= WD_STALL;
		out->idle_ns = watchdog_idle(w, now);
		if (w->cfg.level == LIVENESS_STRICT && stall < limit) {
			strike(w, WD_CAUSE_STALL, TOKEN_NONE, 0, now, out);
			return;
		}
		if (w->cfg.diagnose_ns > 0)
			out->actions |= WD_DIAGNOSE;
	}
	if (limit <= now && cause == WD_CAUSE_LIMIT)
		strike(w, cause, w->cfg.limit_token, w->cfg.limit_ns, now, out);
	else if (limit <= now)
		strike(w, cause, cause == WD_CAUSE_HARD_CAP ? TOKEN_HARD_CAP : TOKEN_NONE, w->cfg.hard_cap_ns, now, out);
}

static int64_t drain_due(const struct watchdog *w)
{
	return absolute_due(w, w->drain_due_ns);
}

static void due_draining(struct watchdog *w, int64_t now, struct wd_out *out)
{
	if (w->tree_empty && w->streams_ended) {
		finish(w, out);
	} else if (drain_due(w) <= now) {
		if (!w->streams_ended)
			out->actions |= WD_DRAIN_OVER;
		hurry_drain(w, now, out);
	} else if (w->deadline_begin_ns <= now) {
		hurry_drain(w, now, out);
	}
}

void watchdog_hold_drain(struct watchdog *w, int64_t now_ns)
{
	if (w->phase == WD_DRAINING)
		w->drain_due_ns = clock_add(active_now(w, now_ns), w->cfg.drain_ns);
}

static void due_killing(struct watchdog *w, int64_t now, struct wd_out *out)
{
	if (w->give_up_ns <= now) {
		out->actions |= WD_SURVIVORS;
		finish(w, out);
	} else if (w->phase_due_ns <= now) {
		out->actions |= WD_SWEEP;
		w->sweep_every_ns = min64(w->sweep_every_ns * 2, SWEEP_LAST_NS);
		w->phase_due_ns = clock_add(now, w->sweep_every_ns);
	}
}

/* Ending, and no member is left. */
static void due_emptied(struct watchdog *w, int64_t now, struct wd_out *out)
{
	if (!w->emptied) {
		w->emptied = true;
		w->phase_due_ns = clock_add(now, WD_STREAMS_REST_NS);
	}
	if (w->streams_ended || w->phase_due_ns <= now)
		finish(w, out);
}

static void run_due(struct watchdog *w, int64_t now, struct wd_out *out)
{
	enum wd_phase before;

	do {
		before = w->phase;
		if (w->phase == WD_RUNNING)
			due_running(w, now, out);
		else if (w->phase == WD_DRAINING)
			due_draining(w, now, out);
		else if (w->phase == WD_DONE)
			;
		else if (w->tree_empty)
			due_emptied(w, now, out);
		else if (w->phase == WD_KILLING)
			due_killing(w, now, out);
		else if (w->phase_due_ns <= now && w->phase == WD_TERMINATING)
			kill_now(w, now, out);
		else if (w->phase_due_ns <= now && w->phase == WD_DIAGNOSING)
			signal_first(w, now, out);
		else if (w->phase_due_ns <= now)
			terminate(w, now, min64(grace(w), until(w->kill_due_ns, now)), out);
	} while (w->phase != before);
}

static int64_t next_due(const struct watchdog *w)
{
	enum wd_cause cause;

	switch (w->phase) {
	case WD_RUNNING:
		return min64(min64(limit_due(w, &cause), absolute_due(w, word_due(w))), w->stalled ? TIME_NEVER :
			     absolute_due(w, min64(strike_due(w), busy_due(w))));
	case WD_DRAINING:
		return min64(drain_due(w), w->deadline_begin_ns);
	case WD_KILLING:
		return w->emptied ? w->phase_due_ns : min64(w->phase_due_ns, w->give_up_ns);
	case WD_DIAGNOSING:
	case WD_CANCELLING:
	case WD_TERMINATING:
		return w->phase_due_ns;
	case WD_DONE:
		break;
	}
	return TIME_NEVER;
}

struct wd_out watchdog_step(struct watchdog *w, enum wd_event ev, int arg, int64_t now_ns)
{
	struct wd_out out = { .token = TOKEN_NONE, .next_due_ns = TIME_NEVER };

	if (w->phase == WD_DONE)
		return out;
	now_ns = max64(now_ns, w->now_ns);
	w->now_ns = now_ns;
	if (ev != WD_EV_PROGRESS && ev != WD_EV_BUSY && ev != WD_EV_EXIT && ev != WD_EV_STREAMS_END &&
	    ev != WD_EV_TREE_EMPTY)
		run_due(w, now_ns, &out);
	apply(w, ev, arg, now_ns, &out);
	run_due(w, now_ns, &out);
	out.next_due_ns = next_due(w);
	return out;
}

void wd_out_add(struct wd_out *sum, const struct wd_out *out)
{
	if (out->actions & WD_LIMIT) {
		sum->token = out->token;
		sum->limit_ns = out->limit_ns;
	}
	if (out->actions & WD_HAND_OVER)
		sum->signal = out->signal;
	if (out->actions & (WD_STALL | WD_BUSY))
		sum->idle_ns = out->idle_ns;
	sum->actions |= out->actions;
}

int64_t watchdog_elapsed(const struct watchdog *w, int64_t now_ns)
{
	return active_now(w, max64(now_ns, w->now_ns)) - w->start_ns;
}

int64_t watchdog_idle(const struct watchdog *w, int64_t now_ns)
{
	return active_now(w, max64(now_ns, w->now_ns)) - w->last_progress_ns;
}

bool watchdog_ended_it(const struct watchdog *w)
{
	return w->cause >= WD_CAUSE_LIMIT && w->cause <= WD_CAUSE_DEADLINE;
}

enum span_status watchdog_status(const struct watchdog *w)
{
	static const enum span_status status[] = {
		[WD_CAUSE_NONE] = STATUS_OK,           [WD_CAUSE_LIMIT] = STATUS_TIMEOUT,
		[WD_CAUSE_TEST_LIMIT] = STATUS_TIMEOUT, [WD_CAUSE_STALL] = STATUS_STALLED,
		[WD_CAUSE_HARD_CAP] = STATUS_TIMEOUT,  [WD_CAUSE_DEADLINE] = STATUS_TIMEOUT,
		[WD_CAUSE_CANCEL] = STATUS_CANCELLED,  [WD_CAUSE_LOST] = STATUS_ERROR,
	};

	return status[w->cause];
}
