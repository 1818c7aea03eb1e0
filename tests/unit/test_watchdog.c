/* SPDX-License-Identifier: Apache-2.0 */
/* test_watchdog.c - the rules of contract 6 one by one, in simulated time. Lives in thousands are in
 * tests/sim/sim_watchdog.c; here each rule can be read. */
#include "liveness/watchdog.h"

#include "base/clock.h"
#include "tests/tap.h"

#include <signal.h>

#define MS NS_PER_MS
#define RING 4

static struct watchdog w;
static struct wd_out out;
static int64_t ring[RING];

/* Contract defaults, small numbers: stall 30, cap 1000, grace 50, drain 20, look 30 ms. */
static struct watchdog_config config(enum liveness_level level)
{
	return (struct watchdog_config){
		.level = level, .stall_ns = 30 * MS, .hard_cap_ns = 1000 * MS, .min_events = 1,
		.limit_token = TOKEN_SUBPROCESS_WAIT, .deadline_ns = TIME_NEVER, .kill_grace_ns = 50 * MS,
		.drain_ns = 20 * MS, .diagnose_ns = 30 * MS, .cancel_look_ns = 1000 * MS, .cancel_term_ns = 2500 * MS,
		.cancel_kill_ns = 2000 * MS, .unkillable_ns = 100 * MS, .seal_reserve_ns = 10 * MS,
	};
}

static void begin(struct watchdog_config c) { watchdog_init(&w, &c, ring, 0); }

static uint32_t at(int64_t ms, enum wd_event ev)
{
	out = watchdog_step(&w, ev, SIGINT, ms * MS);
	return out.actions;
}

static uint32_t cancel_at(int64_t ms, int sig)
{
	out = watchdog_step(&w, WD_EV_CANCEL, sig, ms * MS);
	return out.actions;
}

#define acts(got, want, ...) is_int(got, want, __VA_ARGS__)
#define due(ms, ...) is_int(out.next_due_ns, (ms) * MS, __VA_ARGS__)

static void test_word(void)
{
	struct watchdog_config c = config(LIVENESS_BASIC);

	c.stall_ns = TIME_NEVER;
	c.word_ns = 500 * MS;
	begin(c);
	acts(at(0, WD_EV_TIME), 0, "a word about the hard cap: not at the start");
	due(500, "it is due at its time");
	acts(at(499, WD_EV_PROGRESS), 0, "and not before");
	acts(at(500, WD_EV_TIME), WD_WORD, "it is given");
	due(1000, "then the hard cap is due");
	acts(at(700, WD_EV_TIME), 0, "once");
	begin(c);
	at(100, WD_EV_SUSPEND);
	at(300, WD_EV_RESUME);
	due(700, "time stopped by Ctrl-Z does not count");
	c.level = LIVENESS_OFF;
	begin(c);
	acts(at(600, WD_EV_TIME), 0, "off: no cap, no word");
	c.level = LIVENESS_BASIC;
	c.limit_ns = 400 * MS;
	begin(c);
	is_int(at(400, WD_EV_TIME) & WD_WORD, 0, "a limit that comes first ends it without the word");
	is_int(at(600, WD_EV_TIME) & WD_WORD, 0, "also later");
}

static void test_stall(void)
{
	begin(config(LIVENESS_BASIC));
	acts(at(0, WD_EV_TIME), 0, "basic: quiet at the start");
	due(30, "the stall is due after stall_ns");
	acts(at(29, WD_EV_TIME), 0, "not before");
	acts(at(30, WD_EV_TIME), WD_STALL | WD_DIAGNOSE, "basic: a stall is recorded and looked at");
	is_int(out.idle_ns, 30 * MS, "with the time it was idle");
	is_int(w.phase, WD_RUNNING, "and the command goes on");
	acts(at(200, WD_EV_TIME), 0, "once a stall");
	acts(at(201, WD_EV_DIAGNOSED), 0, "looking ends without an effect");
	acts(at(210, WD_EV_PROGRESS), 0, "progress");
	due(240, "re-arms it");
	acts(at(240, WD_EV_TIME), WD_STALL | WD_DIAGNOSE, "and it stalls again");
	due(1000, "time limits go on counting in a stall");
	acts(at(1000, WD_EV_TIME), WD_LIMIT | WD_DIAGNOSE, "the hard cap kills at basic");
	is_int(out.token, TOKEN_HARD_CAP, "with its token");
	is_int(watchdog_status(&w), STATUS_TIMEOUT, "status timeout");

	begin(config(LIVENESS_OFF));
	at(0, WD_EV_TIME);
	is_int(out.next_due_ns, TIME_NEVER, "off: nothing is ever due");
	acts(at(5000, WD_EV_TIME), 0, "off: no stall, no hard cap");

	begin(config(LIVENESS_STRICT));
	acts(at(30, WD_EV_TIME), WD_STALL | WD_DIAGNOSE, "strict: a stall");
	is_int(w.phase, WD_DIAGNOSING, "strict: is looked at first");
	acts(at(35, WD_EV_DIAGNOSED), WD_TERM, "then TERM");
	due(85, "KILL after the grace");
	acts(at(85, WD_EV_TIME), WD_KILL, "KILL");
	is_int(watchdog_status(&w), STATUS_STALLED, "status stalled");
	ok(watchdog_ended_it(&w), "a watchdog ended it");

	begin(config(LIVENESS_STRICT));
	acts(at(100, WD_EV_PROGRESS), 0, "progress that we read late is no stall: we were slow, not the command");
}

static void test_window(void)
{
	struct watchdog_config c = config(LIVENESS_BASIC);

	c.min_events = 3;
	begin(c);
	at(5, WD_EV_PROGRESS);
	at(10, WD_EV_PROGRESS);
	due(30, "two of three events: the start counts");
	at(20, WD_EV_PROGRESS);
	due(35, "three: the third last counts");
	at(25, WD_EV_PROGRESS);
	due(40, "a window that slides");
	acts(at(40, WD_EV_TIME), WD_STALL | WD_DIAGNOSE, "fewer than min_events in the window is a stall");
	is_int(out.idle_ns, 15 * MS, "although the last event is younger");
	acts(at(45, WD_EV_PROGRESS), 0, "one event (20, 25, 45): alive again");
	due(50, "re-armed");
	acts(at(50, WD_EV_TIME), WD_STALL | WD_DIAGNOSE, "stalled again");
	acts(at(80, WD_EV_PROGRESS), 0, "one event");
	at(81, WD_EV_PROGRESS);
	due(1000, "or two do not re-arm it");
	at(82, WD_EV_PROGRESS);
	due(110, "three do");
}

static void test_suspend(void)
{
	struct watchdog_config c = config(LIVENESS_BASIC);

	c.limit_ns = 100 * MS;
	c.deadline_ns = 1000 * MS;
	begin(c);
	at(10, WD_EV_PROGRESS);
	at(20, WD_EV_SUSPEND);
	due(910, "suspended: only the deadline is due");
	acts(at(500, WD_EV_TIME), 0, "no stall, no limit");
	is_int(watchdog_elapsed(&w, 600 * MS), 20 * MS, "elapsed stands still");
	is_int(watchdog_idle(&w, 600 * MS), 10 * MS, "idle stands still");
	at(520, WD_EV_RESUME);
	due(540, "what was left of the window is left");
	acts(at(540, WD_EV_TIME), WD_STALL | WD_DIAGNOSE, "stall after 30 ms of active time");
	due(600, "the limit moved by the suspension too");
	acts(at(600, WD_EV_TIME), WD_LIMIT | WD_DIAGNOSE, "limit after 100 ms of active time");
	is_int(out.token, TOKEN_SUBPROCESS_WAIT, "the limit's token");

	begin(c);
	at(10, WD_EV_SUSPEND);
	acts(at(910, WD_EV_TIME), WD_DIAGNOSE, "the deadline does not wait for a suspended command");
	is_int(out.token, TOKEN_NONE, "the deadline has no token");
	is_int(w.cause, WD_CAUSE_DEADLINE, "cause deadline");
	acts(at(940, WD_EV_TIME), WD_TERM, "TERM");
	acts(at(990, WD_EV_TIME), WD_KILL, "KILL a seal_reserve before the deadline");
}

static void test_deadline(void)
{
	struct watchdog_config c = config(LIVENESS_OFF);

	c.deadline_ns = 80 * MS;
	begin(c);
	at(0, WD_EV_TIME);
	due(40, "a deadline too near for the budgets: half of the time is the command's");
	acts(at(40, WD_EV_TIME), WD_DIAGNOSE, "look");
	due(50, "a quarter of the rest is for looking");
	acts(at(50, WD_EV_TIME), WD_TERM, "TERM");
	due(70, "KILL a seal_reserve before the deadline, grace or not");
	acts(at(70, WD_EV_TIME), WD_KILL, "KILL");
	at(71, WD_EV_TIME);
	acts(at(75, WD_EV_TIME), WD_SURVIVORS | WD_CLOSE_STREAMS | WD_FINISH, "nor is the unkillable awaited");

	c.deadline_ns = -5 * MS;
	begin(c);
	at(0, WD_EV_TIME);
	is_int(w.cause, WD_CAUSE_DEADLINE, "a deadline that has passed strikes at once");
}

static void test_ending(void)
{
	struct watchdog_config c = config(LIVENESS_OFF);

	c.limit_ns = 100 * MS;
	begin(c);
	acts(at(100, WD_EV_TIME), WD_LIMIT | WD_DIAGNOSE, "a limit holds at level off");
	due(130, "looking has a budget");
	acts(at(110, WD_EV_EXIT), 0, "an exit while looking");
	acts(at(130, WD_EV_TIME), WD_TERM, "does not save the rest");
	is_int(watchdog_status(&w), STATUS_TIMEOUT, "nor the result");
	acts(at(140, WD_EV_TREE_EMPTY), 0, "the tree is gone before the grace is over");
	due(340, "the streams get their rest");
	acts(at(141, WD_EV_DIAGNOSED), 0, "a late diagnosis moves nothing");
	due(340, "nothing");
	acts(at(150, WD_EV_STREAMS_END), WD_FINISH, "finished at their end");
	ok(!w.kill_sent && w.term_sent, "KILL was not sent, TERM was");
	acts(at(151, WD_EV_STREAMS_END), 0, "nothing after FINISH");
	is_int(out.next_due_ns, TIME_NEVER, "nothing due after FINISH");

	begin(c);
	at(100, WD_EV_TIME);
	at(130, WD_EV_TIME);
	acts(at(180, WD_EV_TIME), WD_KILL, "KILL after the grace");
	due(181, "sweep soon");
	acts(at(181, WD_EV_TIME), WD_SWEEP, "sweep");
	due(183, "with backoff");
	acts(at(200, WD_EV_STREAMS_END) | at(200, WD_EV_TREE_EMPTY), WD_FINISH | WD_SWEEP, "until all is gone");

	begin(c);
	at(100, WD_EV_TIME);
	at(130, WD_EV_TIME);
	at(180, WD_EV_TIME);
	at(279, WD_EV_TIME);
	acts(at(280, WD_EV_TIME), WD_SURVIVORS | WD_CLOSE_STREAMS | WD_FINISH, "the unkillable is named and left");

	begin(c);
	at(100, WD_EV_TIME);
	at(130, WD_EV_TIME);
	at(140, WD_EV_TREE_EMPTY);
	acts(at(339, WD_EV_TIME), 0, "streams held from outside");
	acts(at(340, WD_EV_TIME), WD_CLOSE_STREAMS | WD_FINISH, "are left after 200 ms");

	begin(c);
	acts(at(100, WD_EV_EXIT), 0, "an exit that arrives with its limit wins");
	acts(at(100, WD_EV_TIME), 0, "no limit strikes an exited command");
	is_int(watchdog_status(&w), STATUS_OK, "it ended by itself");

	begin(c);
	acts(at(40, WD_EV_TEST_LIMIT), WD_LIMIT | WD_DIAGNOSE, "a test outlived its limit");
	is_int(out.token, TOKEN_CASE_HARNESS, "its token");
	acts(at(100, WD_EV_TIME), WD_TERM, "one cause only");
	is_int(w.cause, WD_CAUSE_TEST_LIMIT, "the first");
}

static void test_drain(void)
{
	struct watchdog_config c = config(LIVENESS_STRICT);

	begin(c);
	acts(at(10, WD_EV_EXIT), 0, "exit: the streams are read on");
	acts(at(11, WD_EV_TREE_EMPTY), 0, "tree empty");
	due(30, "until drain_ns");
	acts(at(12, WD_EV_STREAMS_END), WD_FINISH, "finished at their end");
	is_int(watchdog_status(&w), STATUS_OK, "ok");
	ok(!watchdog_ended_it(&w), "no watchdog ended it");

	begin(c);
	at(10, WD_EV_EXIT);
	acts(at(30, WD_EV_TIME), WD_DRAIN_OVER | WD_LEFTOVERS | WD_TERM, "a member holds the pipe: named, ended");
	acts(at(40, WD_EV_TIME), 0, "once, and no stall while draining or after it");
	acts(at(80, WD_EV_TIME), WD_KILL, "KILL");
	is_int(w.cause, WD_CAUSE_NONE, "the code is the command's");

	begin(c);
	at(10, WD_EV_EXIT);
	at(11, WD_EV_STREAMS_END);
	acts(at(30, WD_EV_TIME), WD_LEFTOVERS | WD_TERM, "a leftover without a pipe is no io_drain");

	begin(c);
	at(10, WD_EV_EXIT);
	at(11, WD_EV_TREE_EMPTY);
	acts(at(30, WD_EV_TIME), WD_DRAIN_OVER | WD_CLOSE_STREAMS | WD_FINISH, "an outsider holds the pipe");

	begin(c);
	at(10, WD_EV_EXIT);
	acts(cancel_at(15, SIGINT), WD_LEFTOVERS | WD_TERM, "a cancel hurries the drain");
	is_int(w.cause, WD_CAUSE_NONE, "and changes no result");
	is_int(w.cancel_signal, SIGINT, "but is known");

	c.deadline_ns = 200 * MS; /* begins at 110 */
	c.drain_ns = 1000 * MS;
	begin(c);
	at(20, WD_EV_EXIT);
	due(110, "the deadline hurries the drain");
	acts(at(110, WD_EV_TIME), WD_LEFTOVERS | WD_TERM, "too");
}

static void test_cancel(void)
{
	struct watchdog_config c = config(LIVENESS_STRICT);

	c.kill_grace_ns = c.unkillable_ns = 60000 * MS;
	begin(c);
	acts(cancel_at(10, SIGINT), WD_DIAGNOSE, "a cancel: looking comes first");
	due(40, "within its budget");
	acts(at(20, WD_EV_DIAGNOSED), WD_HAND_OVER, "then SIGINT is handed over");
	is_int(out.signal, SIGINT, "as it came");
	acts(at(30, WD_EV_TIME), 0, "the runner prints its summary");
	acts(at(2510, WD_EV_TIME), WD_TERM, "TERM");
	acts(at(4510, WD_EV_TIME), WD_KILL, "KILL");
	at(5509, WD_EV_TIME);
	acts(at(5510, WD_EV_TIME), WD_SURVIVORS | WD_CLOSE_STREAMS | WD_FINISH, "all within 6 s");
	is_int(watchdog_status(&w), STATUS_CANCELLED, "cancelled");
	ok(!watchdog_ended_it(&w), "not by a watchdog");

	begin(c);
	acts(cancel_at(10, SIGTERM), WD_DIAGNOSE, "SIGTERM: looking comes first");
	acts(at(40, WD_EV_TIME), WD_TERM, "for its budget; SIGTERM handed over is the TERM");
	due(4510, "KILL after both times, counted from the cancel");
	acts(cancel_at(50, SIGTERM), 0, "TERM is not sent twice");
	due(2050, "but hurried");
	acts(cancel_at(60, SIGTERM), WD_KILL, "a third kills");

	c.diagnose_ns = 3000 * MS;
	begin(c);
	cancel_at(10, SIGTERM);
	due(1010, "of a long budget a cancel gets a second");
	begin(c);
	at(10, WD_EV_PARENT);
	due(610, "less where our caller is dead");
	acts(at(610, WD_EV_TIME), WD_TERM, "then TERM");
	acts(at(1510, WD_EV_TIME), WD_KILL, "and KILL before it is our turn");
	is_int(watchdog_status(&w), STATUS_CANCELLED, "it counts as cancelled");

	c.diagnose_ns = 0;
	begin(c);
	acts(cancel_at(10, SIGINT), WD_HAND_OVER, "no budget: no look");
	c.diagnose_ns = 30 * MS;

	begin(c);
	cancel_at(10, SIGINT);
	acts(cancel_at(20, SIGINT), WD_TERM, "a second SIGINT: TERM now, looked or not");
	acts(cancel_at(30, SIGINT), WD_KILL, "a third: KILL now");

	begin(c);
	at(30, WD_EV_TIME);
	acts(cancel_at(31, SIGINT), WD_TERM, "a cancel hurries what ends already");
	due(2031, "and caps the grace");
	is_int(w.cause, WD_CAUSE_STALL, "the cause stays");

	begin(c);
	cancel_at(10, SIGHUP);
	at(20, WD_EV_EXIT);
	at(20, WD_EV_TREE_EMPTY);
	acts(at(20, WD_EV_STREAMS_END), WD_FINISH, "a tree that obeys is waited for no longer");
	ok(!w.term_sent, "and gets no TERM");
}

/* --signal */
static void test_first_signal(void)
{
	struct watchdog_config c = config(LIVENESS_STRICT);

	c.first_signal = SIGINT;
	begin(c);
	acts(at(30, WD_EV_TIME), WD_STALL | WD_DIAGNOSE, "a stall");
	acts(at(40, WD_EV_DIAGNOSED), WD_HAND_OVER, "is ended with the signal that was asked for");
	is_int(out.signal, SIGINT, "SIGINT");
	ok(!w.term_sent, "which is no TERM");
	acts(at(65, WD_EV_TIME), WD_TERM, "TERM at half of the grace");
	acts(at(90, WD_EV_TIME), WD_KILL, "KILL at its end");
	is_int(w.cause, WD_CAUSE_STALL, "the cause stays");

	c.first_signal = SIGKILL;
	begin(c);
	at(30, WD_EV_TIME);
	acts(at(40, WD_EV_DIAGNOSED), WD_KILL, "KILL alone, if that was asked for");

	c.first_signal = SIGINT;
	c.kill_grace_ns = 0;
	begin(c);
	at(30, WD_EV_TIME);
	acts(at(40, WD_EV_DIAGNOSED), WD_HAND_OVER | WD_TERM | WD_KILL, "no grace: all at once, in this order");
}

static void test_lost(void)
{
	struct watchdog_config c = config(LIVENESS_OFF);

	c.kill_grace_ns = 60000 * MS;
	begin(c);
	acts(at(10, WD_EV_LOST), WD_TERM, "our other process died: TERM at once");
	due(1010, "KILL after a second");
	is_int(watchdog_status(&w), STATUS_ERROR, "status error");
	ok(!watchdog_ended_it(&w), "125, not 124");
}

static void test_extremes(void)
{
	struct watchdog_config c = config(LIVENESS_STRICT);

	c.stall_ns = c.hard_cap_ns = c.limit_ns = c.drain_ns = c.diagnose_ns = c.kill_grace_ns = TIME_NEVER;
	c.unkillable_ns = c.cancel_term_ns = c.cancel_kill_ns = c.seal_reserve_ns = TIME_NEVER;
	watchdog_init(&w, &c, ring, TIME_NEVER / 2);
	out = watchdog_step(&w, WD_EV_PROGRESS, 0, TIME_NEVER / 2 + 1);
	is_int(out.next_due_ns, TIME_NEVER, "huge times saturate");
	out = watchdog_step(&w, WD_EV_TIME, 0, 5);
	is_int(w.now_ns, TIME_NEVER / 2 + 1, "time never goes back");

	c = config(LIVENESS_STRICT);
	c.diagnose_ns = c.kill_grace_ns = 0;
	begin(c);
	acts(at(30, WD_EV_TIME), WD_STALL | WD_TERM | WD_KILL, "no budgets: everything at once, and no look");
	c.min_events = 0;
	begin(c);
	acts(at(40, WD_EV_PROGRESS), 0, "min_events 0");
	due(1000, "never stalls");
}

static void test_runner_watch(void)
{
	struct runner_watch r;
	int64_t next;

	runner_watch_init(&r, 100, 0);
	ok(!runner_watch_step(&r, 99, &next), "runner: not before the threshold");
	is_int(next, 100, "due then");
	ok(runner_watch_step(&r, 100, &next), "warned");
	is_int(next, TIME_NEVER, "once");
	ok(!runner_watch_step(&r, 500, &next), "a stall");
	runner_watch_progress(&r, 500);
	ok(!runner_watch_step(&r, 599, &next) && next == 600, "re-armed by progress");
	runner_watch_suspend(&r, 550);
	ok(!runner_watch_step(&r, 5000, &next) && next == TIME_NEVER, "not while suspended");
	runner_watch_suspend(&r, 600);
	runner_watch_resume(&r, 5550);
	ok(!runner_watch_step(&r, 5599, &next) && next == 5600, "the rest is left");
	ok(runner_watch_step(&r, 5600, &next), "and then warned again");
	runner_watch_suspend(&r, 6000);
	runner_watch_progress(&r, 6500);
	runner_watch_resume(&r, 7000);
	ok(!runner_watch_step(&r, 7099, &next) && next == 7100, "progress while suspended counts from the resume");
	runner_watch_init(&r, 0, 0);
	ok(!runner_watch_step(&r, TIME_NEVER - 1, &next) && next == TIME_NEVER, "no threshold, no warning");
}

static void test_verdict(void)
{
	const int64_t s = NS_PER_S;
	struct window_facts none = { .window_ns = 0, .cpus = 2 };
	struct window_facts idle = { .window_ns = 30 * s, .cpu_ns = s / 2, .cpu_pressure_ns = 29 * s, .cpus = 2 };
	struct window_facts spin = { .window_ns = 30 * s, .cpu_ns = 29 * s, .run_delay_ns = s, .cpus = 2 };
	struct window_facts slow = { .window_ns = 30 * s, .cpu_ns = 3 * s, .run_delay_ns = 26 * s, .cpus = 2 };
	struct window_facts many = { .window_ns = 30 * s, .cpu_ns = 58 * s, .run_delay_ns = 180 * s, .cpus = 2 };
	struct window_facts psi = { .window_ns = 30 * s, .cpu_ns = 4 * s, .cpu_pressure_ns = 25 * s, .cpus = 2 };
	struct window_facts start = { .window_ns = 30 * s, .cpu_ns = 3 * s, .run_delay_ns = 4 * s, .cpus = 2 };
	struct window_facts poll = { .window_ns = 30 * s, .cpu_ns = 6 * s, .cpus = 0 };

	is_str(liveness_verdict(&none), "hung", "no window: hung");
	is_str(liveness_verdict(&idle), "hung", "wants no CPU on a busy machine: hung, not starved");
	is_str(liveness_verdict(&spin), "spinning", "a busy loop");
	is_str(liveness_verdict(&slow), "starved", "wanted a CPU and got a tenth");
	is_str(liveness_verdict(&many), "spinning", "eight loops on two CPUs have all that there is");
	is_str(liveness_verdict(&psi), "starved", "without run delay pressure tells");
	is_str(liveness_verdict(&start), "hung", "it slept three quarters of the time: not starved, though it queued as well");
	is_str(liveness_verdict(&poll), "spinning", "a fifth of a CPU, undisturbed");
}

int main(void)
{
	test_word();
	test_stall();
	test_window();
	test_suspend();
	test_deadline();
	test_ending();
	test_drain();
	test_cancel();
	test_first_signal();
	test_lost();
	test_extremes();
	test_runner_watch();
	test_verdict();
	return tap_done();
}
