/* SPDX-License-Identifier: Apache-2.0 */
/* sim_watchdog.c - a million random lives of one command against the watchdog.
 *
 * A life is a configuration, a script of events and a tree that answers signals (dies late, never,
 * leaves members behind, has its pipes held by an outsider). Each life is judged twice:
 *   - invariants on what the watchdog did (judge);
 *   - the oracle (oracle.h): a second reading of the same rules that works from the whole
 *     history instead of from state, and must do the same things at the same times.
 * Some lives are lived three times: stepped only when due, stepped every millisecond, and stepped
 * late. The first two must agree; the third must still hold the invariants.
 *
 * usage: sim_watchdog [LIVES [FIRST_SEED]] */
#include "tests/sim/watchdog_oracle.h"
#include "tests/tap.h"

#include <stdlib.h>

#define DEFAULT_LIVES 1000000
#define RING_MAX 8

static uint64_t rng_state;

static uint64_t rng(void)
{
	uint64_t z = (rng_state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static int64_t below(int64_t n) { return (int64_t)(rng() % (uint64_t)n); }
static bool one_in(int64_t n) { return below(n) == 0; }

/* --- a life --- */

struct world {
	struct watchdog_config cfg;
	int64_t start;
	struct sim_event script[SIM_EVENTS]; /* by time; grows while it is lived */
	unsigned n;
	int64_t diagnose_ms;   /* how long looking takes; -1: never ends */
	int64_t hand_over_ms, term_ms, kill_ms; /* until the tree is empty after it; -1: not at all */
	int64_t rest_ms;       /* until the tree is empty after the command's own exit; -1: stays */
	int64_t streams_ms;    /* from an empty tree to the end of the streams; -1: held from outside */
	bool dying;            /* an end of the tree is already in the script */
};

static void script_add(struct world *o, int64_t t, enum wd_event ev, int arg)
{
	unsigned at = o->n;

	if (o->n == SIM_EVENTS)
		return;
	while (at > 0 && o->script[at - 1].t > t) {
		o->script[at] = o->script[at - 1];
		at--;
	}
	o->script[at] = (struct sim_event){ t, ev, arg };
	o->n++;
}

static int64_t duration(int64_t typical_ms)
{
	if (one_in(24))
		return 0;
	if (one_in(24))
		return TIME_NEVER;
	if (one_in(24))
		return -5 * MS;
	return (1 + below(typical_ms)) * MS;
}

static void config_random(struct world *o)
{
	struct watchdog_config *c = &o->cfg;

	*c = (struct watchdog_config){
		.level = (enum liveness_level)below(3),
		.stall_ns = duration(60),
		.busy_ns = duration(240),
		.hard_cap_ns = duration(200),
		.min_events = (uint32_t)(one_in(24) ? 0 : one_in(2) ? 1 : 1 + below(RING_MAX)),
		.limit_ns = one_in(2) ? 0 : duration(200),
		.limit_token = one_in(2) ? TOKEN_SUBPROCESS_WAIT : TOKEN_CASE_CHAIN,
		.deadline_ns = TIME_NEVER,
		.kill_grace_ns = duration(one_in(8) ? 10000 : 60),
		.drain_ns = duration(60),
		.diagnose_ns = duration(one_in(8) ? 5000 : 40),
		.first_signal = one_in(3) ? SIGINT : one_in(8) ? SIGKILL : one_in(2) ? SIGTERM : 0,
		.cancel_look_ns = duration(one_in(8) ? 3000 : 40),
		.cancel_term_ns = duration(one_in(8) ? 6000 : 40),
		.cancel_kill_ns = duration(one_in(8) ? 6000 : 40),
		.unkillable_ns = duration(one_in(4) ? 3000 : 100),
		.seal_reserve_ns = duration(30),
	};
	if (c->unkillable_ns == TIME_NEVER) /* 180 sweeps are enough */
		c->unkillable_ns = 9000 * MS;
	if (one_in(3))
		c->deadline_ns = o->start + below(150) * 4 * MS;
	if (one_in(40))
		c->deadline_ns = below(1000) * 4 * MS; /* mostly long ago */
}

static void script_random(struct world *o)
{
	int64_t s = o->start;
	unsigned n = (unsigned)below(20);
	int64_t until = 1 + below(300), t = 0;

	for (unsigned i = 0; i < n; i++) {
		t = one_in(3) ? t : below(until);
		script_add(o, s + t * MS, WD_EV_PROGRESS, 0);
	}
	if (one_in(2))
		for (unsigned i = 0; i < 1 + (unsigned)below(6); i++)
			script_add(o, s + (i ? below(until) : 0) * MS, WD_EV_BUSY, (int)below(2));
	if (one_in(3))
		for (unsigned i = 0; i < 1 + (unsigned)below(4); i++)
			script_add(o, s + below(until) * MS, i % 2 ? WD_EV_RESUME : WD_EV_SUSPEND, 0);
	if (one_in(4)) {
		static const int sig[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

		for (unsigned i = 0; i < 1 + (unsigned)below(4); i++)
			script_add(o, s + below(one_in(2) ? until : 5000) * MS, WD_EV_CANCEL, sig[below(4)]);
	}
	if (one_in(12))
		script_add(o, s + below(until) * MS, WD_EV_TEST_LIMIT, 0);
	if (one_in(12))
		script_add(o, s + below(until) * MS, WD_EV_LIMIT, one_in(2) ? TOKEN_CASE_CHAIN : TOKEN_CASE_HARNESS);
	if (one_in(12))
		script_add(o, s + below(until) * MS, WD_EV_LOST, 0);
	if (one_in(12))
		script_add(o, s + below(until) * MS, WD_EV_PARENT, 0);
	if (one_in(8)) /* anything at any time */
		for (unsigned i = 0; i < 1 + (unsigned)below(4); i++)
			script_add(o, s + below(until) * MS, (enum wd_event)below(WD_EV_DIAGNOSED + 1), SIGINT);
	if (one_in(2))
		script_add(o, s + below(until) * MS, WD_EV_EXIT, 0);
	if (one_in(2))
		script_add(o, s + 301 * MS, WD_EV_EXIT, 0);
}

static void world_random(struct world *o, uint64_t seed)
{
	rng_state = seed * 0x2545f4914f6cdd1du + 1;
	o->n = 0;
	o->dying = false;
	o->start = one_in(2) ? 0 : below(INT64_C(1) << 50);
	o->diagnose_ms = one_in(5) ? -1 : 1 + below(60);
	o->hand_over_ms = one_in(2) ? -1 : 1 + below(60);
	o->term_ms = one_in(3) ? -1 : 1 + below(80);
	o->kill_ms = one_in(10) ? -1 : 1 + below(one_in(4) ? 900 : 6);
	o->rest_ms = one_in(3) ? -1 : one_in(2) ? 0 : below(80);
	o->streams_ms = one_in(6) ? -1 : one_in(2) ? 0 : below(300);
	config_random(o);
	script_random(o);
}

static void world_empties(struct world *o, int64_t now, int64_t after_ms)
{
	if (after_ms < 0)
		return;
	script_add(o, now + after_ms * MS, WD_EV_EXIT, 0);
	script_add(o, now + after_ms * MS, WD_EV_TREE_EMPTY, 0);
	if (o->streams_ms >= 0)
		script_add(o, now + (after_ms + o->streams_ms) * MS, WD_EV_STREAMS_END, 0);
}

static void world_answers(struct world *o, enum wd_event ev, uint32_t actions, int64_t now)
{
	if (actions & WD_DIAGNOSE && o->diagnose_ms >= 0)
		script_add(o, now + o->diagnose_ms * MS, WD_EV_DIAGNOSED, 0);
	if (actions & WD_HAND_OVER)
		world_empties(o, now, o->hand_over_ms);
	if (actions & WD_TERM)
		world_empties(o, now, o->term_ms);
	if (actions & WD_KILL)
		world_empties(o, now, o->kill_ms);
	if (ev == WD_EV_EXIT && !o->dying)
		world_empties(o, now, o->rest_ms);
	o->dying |= ev == WD_EV_EXIT;
}

/* --- living it --- */

enum mode { STEP_DUE, STEP_EACH_MS, STEP_LATE };

static bool fail(struct sim_log *l, const char *why)
{
	if (!l->why)
		l->why = why;
	return false;
}

/* A step one nanosecond before the due time must do nothing, and one more at the same time neither. */
static void probe(const struct watchdog *w, int64_t now, int64_t due, struct sim_log *l)
{
	int64_t ring[RING_MAX];
	struct watchdog c = *w;
	struct wd_out out;

	memcpy(ring, w->ring, sizeof(ring));
	c.ring = ring;
	out = watchdog_step(&c, WD_EV_TIME, 0, now);
	if (out.actions || c.phase != w->phase || out.next_due_ns != due)
		fail(l, "a repeated step changed something");
	if (due == TIME_NEVER || due <= now + 1)
		return;
	out = watchdog_step(&c, WD_EV_TIME, 0, due - 1);
	if (out.actions || c.phase != w->phase || out.next_due_ns != due)
		fail(l, "something happened before its due time");
}

static void log_out(struct sim_log *l, const struct watchdog *w, const struct wd_out *out, int64_t now)
{
	struct sim_row *r = l->n ? &l->row[l->n - 1] : NULL;

	if (!out->actions)
		return;
	if (!r || r->t != now) {
		if (l->n == SIM_ROWS) {
			fail(l, "too many actions");
			return;
		}
		r = &l->row[l->n++];
		*r = (struct sim_row){ .t = now };
	}
	if (r->actions & out->actions & ~(uint32_t)WD_DIAGNOSE)
		fail(l, "an action twice at one time");
	r->actions |= out->actions;
	if (out->actions & WD_LIMIT)
		r->token = out->token;
	if (out->actions & WD_HAND_OVER)
		r->signal = out->signal;
	if (out->actions & (WD_STALL | WD_BUSY))
		r->idle_ns = out->idle_ns;
	if (!w->tree_empty && out->actions & WD_KILL)
		l->killed_members = true;
}

static void live_step(struct watchdog *w, struct world *o, struct sim_log *l, enum wd_event ev, int arg,
		      int64_t now, int64_t *due)
{
	enum wd_phase before = w->phase;
	bool due_now = ev == WD_EV_TIME && *due == now;
	struct wd_out out = watchdog_step(w, ev, arg, now);

	if (due_now && !out.actions && w->phase == before)
		fail(l, "nothing happened at the due time");
	if (out.next_due_ns <= now)
		fail(l, "next_due is not in the future");
	*due = out.next_due_ns;
	log_out(l, w, &out, now);
	world_answers(o, ev, out.actions, now);
}

static void live(struct world *o, enum mode mode, bool probing, struct sim_log *l)
{
	int64_t ring[RING_MAX] = { 0 }, now = o->start, due;
	struct watchdog w;

	*l = (struct sim_log){ .n = 0 };
	watchdog_init(&w, &o->cfg, ring, o->start);
	due = -1;
	for (unsigned i = 0, steps = 0; w.phase != WD_DONE; steps++) {
		int64_t event = i < o->n ? o->script[i].t : TIME_NEVER;
		int64_t wake = mode == STEP_EACH_MS && now < o->start + 400 * MS ? now + MS : TIME_NEVER;
		int64_t want = steps == 0 ? now : due; /* the first step is due at once */

		if (mode == STEP_LATE && want < TIME_NEVER - MS && steps && one_in(2))
			want += below(20) * MS / 2;
		wake = wake < want ? wake : want;
		if (event == TIME_NEVER && want == TIME_NEVER) { /* nobody lives for ever */
			event = (now > o->start + 400 * MS ? now : o->start + 400 * MS) + MS;
			for (int k = 0; k < 3; k++)
				script_add(o, event, WD_EV_CANCEL, SIGINT);
		}
		if (steps > 20000) {
			fail(l, "a busy loop");
			break;
		}
		if (steps > 0 && event <= wake) {
			now = event > now ? event : now;
			l->seen[l->seen_n++] = (struct sim_event){ now, o->script[i].ev, o->script[i].arg };
			live_step(&w, o, l, o->script[i].ev, o->script[i].arg, now, &due);
			i++;
		} else {
			now = wake;
			live_step(&w, o, l, WD_EV_TIME, 0, now, &due);
		}
		if (probing && w.phase != WD_DONE)
			probe(&w, now, due, l);
	}
	l->end = now;
	l->cause = w.cause;
	l->status = watchdog_status(&w);
	l->ended_it = watchdog_ended_it(&w);
	l->kill_sent = w.kill_sent;
	l->term_sent = w.term_sent;
	for (int ev = 0; ev <= WD_EV_DIAGNOSED; ev++) {
		struct wd_out out = watchdog_step(&w, (enum wd_event)ev, SIGINT, now + ev);

		if (out.actions || out.next_due_ns != TIME_NEVER || w.phase != WD_DONE || w.cause != l->cause)
			fail(l, "something after FINISH");
	}
}

/* --- invariants --- */

static int64_t pos(int64_t v) { return v < 0 ? 0 : v; }

static int64_t seen_first(const struct sim_log *l, enum wd_event ev)
{
	for (unsigned i = 0; i < l->seen_n; i++)
		if (l->seen[i].ev == ev)
			return l->seen[i].t;
	return TIME_NEVER;
}

static bool judge_cause(const struct sim_log *l, struct sim_log *mut)
{
	static const enum span_status want[] = { STATUS_OK, STATUS_TIMEOUT, STATUS_TIMEOUT, STATUS_STALLED,
						 STATUS_TIMEOUT, STATUS_TIMEOUT, STATUS_CANCELLED, STATUS_ERROR };

	if (l->status != want[l->cause])
		return fail(mut, "the status does not fit the cause");
	if (l->ended_it != (l->cause != WD_CAUSE_NONE && l->cause != WD_CAUSE_CANCEL && l->cause != WD_CAUSE_LOST))
		return fail(mut, "ended_it does not fit the cause");
	if (l->cause == WD_CAUSE_NONE && seen_first(l, WD_EV_EXIT) == TIME_NEVER)
		return fail(mut, "ended without a cause or an exit");
	return true;
}

/* Each action at most once, in their order, and none that has no reason. */
static void judge_actions(const struct world *o, struct sim_log *l)
{
	int64_t first[13], empty = seen_first(l, WD_EV_TREE_EMPTY), cancel = seen_first(l, WD_EV_CANCEL);
	int64_t progress_at = TIME_NEVER, stalled_at = -1;
	unsigned count[13] = { 0 }, k = 0;

	for (unsigned b = 0; b < 13; b++)
		first[b] = TIME_NEVER;
	for (unsigned i = 0; i < l->n; i++) {
		for (unsigned b = 0; b < 13; b++)
			if (l->row[i].actions & (1u << b) && count[b]++ == 0)
				first[b] = l->row[i].t;
		if (!(l->row[i].actions & WD_STALL))
			continue;
		for (; k < l->seen_n && l->seen[k].t <= l->row[i].t; k++)
			if (l->seen[k].ev == WD_EV_PROGRESS)
				progress_at = l->seen[k].t;
		if (progress_at < stalled_at)
			fail(l, "two stalls without progress between");
		stalled_at = l->row[i].t;
	}
	for (unsigned b = 1; b < 13; b++)
		if (count[b] > 1 && b != 4 && b != 8 && b != 12)
			fail(l, "an action twice");
	if (l->n == 0 || !(l->row[l->n - 1].actions & WD_FINISH))
		fail(l, "FINISH is not the last action");
	if (count[7] && first[7] < first[6] && (count[6] || o->cfg.first_signal != SIGKILL))
		fail(l, "KILL before TERM");
	if (first[8] <= first[7] && count[8])
		fail(l, "SWEEP before KILL");
	if (count[7] && (empty < first[7] || !l->killed_members))
		fail(l, "KILL into an empty tree");
	if (count[6] && empty < first[6])
		fail(l, "TERM into an empty tree");
	if (l->kill_sent != (count[7] > 0) || l->term_sent != (count[6] > 0))
		fail(l, "kill_sent or term_sent is wrong");
	if ((count[6] || count[1]) && l->cause == WD_CAUSE_NONE && !count[3])
		fail(l, "TERM without a cause");
	if (o->cfg.level == LIVENESS_OFF && (count[0] || l->cause == WD_CAUSE_HARD_CAP))
		fail(l, "level off watched");
	if (o->cfg.level != LIVENESS_STRICT && (l->cause == WD_CAUSE_STALL || count[12]))
		fail(l, "a stall killed below strict, or was excused there");
	if (cancel != TIME_NEVER && l->end > cancel + 6000 * MS && l->end > seen_first(l, WD_EV_EXIT))
		fail(l, "not done 6 s after a cancel");
	if (first[6] != TIME_NEVER &&
	    clock_add(clock_add(first[6],
				clock_add(pos(o->cfg.kill_grace_ns), clock_add(5000 * MS, pos(o->cfg.unkillable_ns)))),
		      250 * MS) < l->end)
		fail(l, "ending took longer than its budgets");
}

/* --- the run --- */

static void describe(const struct world *o, const struct sim_log *l)
{
	const struct watchdog_config *c = &o->cfg;

	printf("# level %d stall %g cap %g min %u limit %g deadline %g grace %g drain %g diag %g cterm %g ckill %g "
	       "unkill %g reserve %g\n", (int)c->level, (double)c->stall_ns / 1e6, (double)c->hard_cap_ns / 1e6,
	       c->min_events, (double)c->limit_ns / 1e6, (double)(c->deadline_ns - o->start) / 1e6,
	       (double)c->kill_grace_ns / 1e6, (double)c->drain_ns / 1e6, (double)c->diagnose_ns / 1e6,
	       (double)c->cancel_term_ns / 1e6, (double)c->cancel_kill_ns / 1e6, (double)c->unkillable_ns / 1e6,
	       (double)c->seal_reserve_ns / 1e6);
	for (unsigned i = 0; i < l->seen_n; i++)
		printf("#   %10.3f event %d\n", (double)(l->seen[i].t - o->start) / 1e6, (int)l->seen[i].ev);
	for (unsigned i = 0; i < l->n; i++)
		printf("#   %10.3f actions %#x token %d idle %g\n", (double)(l->row[i].t - o->start) / 1e6,
		       l->row[i].actions, (int)l->row[i].token, (double)l->row[i].idle_ns / 1e6);
	printf("#   cause %d\n", (int)l->cause);
}

static bool same(const struct sim_log *a, const struct sim_log *b)
{
	if (a->n != b->n || a->cause != b->cause)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (a->row[i].t != b->row[i].t || a->row[i].actions != b->row[i].actions ||
		    a->row[i].token != b->row[i].token || a->row[i].signal != b->row[i].signal ||
		    a->row[i].idle_ns != b->row[i].idle_ns)
			return false;
	return true;
}

static bool run_one(uint64_t seed, unsigned long causes[8], unsigned long *kills)
{
	static struct world o, again;
	static struct sim_log l, other;
	const char *what = NULL;

	world_random(&o, seed);
	again = o;
	live(&o, STEP_DUE, seed % 4 == 0, &l);
	judge_cause(&l, &l);
	judge_actions(&o, &l);
	causes[l.cause]++;
	*kills += l.kill_sent;
	if (!l.why) {
		oracle_run(&o.cfg, o.start, l.seen, l.seen_n, &other);
		if (!same(&l, &other))
			what = "the oracle disagrees";
	}
	if (!l.why && !what && seed % 16 == 0) {
		struct world o2 = again;

		live(&o2, STEP_EACH_MS, false, &other);
		if (other.why || !same(&l, &other))
			what = other.why ? other.why : "stepped each millisecond it is another life";
	}
	if (!l.why && !what && seed % 4 == 1) {
		struct world o2 = again;

		live(&o2, STEP_LATE, false, &other);
		judge_cause(&other, &other);
		judge_actions(&o2, &other);
		what = other.why;
	}
	if (!l.why && !what)
		return true;
	printf("# seed %llu: %s\n", (unsigned long long)seed, l.why ? l.why : what);
	describe(&o, &l);
	if (!l.why) {
		printf("# the other:\n");
		describe(&again, &other);
	}
	return false;
}

int main(int argc, char **argv)
{
	unsigned long lives = argc > 1 ? strtoul(argv[1], NULL, 10) : DEFAULT_LIVES, done = 0, bad = 0;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	unsigned long causes[8] = { 0 }, kills = 0;
	bool all = true;

	for (; done < lives && bad < 3; done++)
		bad += !run_one(first + done, causes, &kills);
	ok(bad == 0, "%lu lives from seed %llu hold every rule", done, (unsigned long long)first);
	for (int i = 0; i < 8; i++)
		all &= causes[i] > lives / 1000;
	ok(lives < 10000 || all, "every cause was met (%lu %lu %lu %lu %lu %lu %lu %lu)", causes[0], causes[1],
	   causes[2], causes[3], causes[4], causes[5], causes[6], causes[7]);
	ok(lives < 10000 || (kills > lives / 100 && kills < lives), "%lu needed KILL", kills);
	return tap_done();
}
