/* watchdog.h - is one supervised command alive, and what must be done about it?
 *
 * A pure function: watchdog_step(state, event, now) -> actions. It reads no clock,
 * allocates nothing after init, makes no system call. The loop feeds it and carries its
 * actions out; a test feeds it a million schedules. Contract section 6.
 *
 *   RUNNING -> (limit | stall in strict | cancel) -> DIAGNOSING -> TERMINATING -> KILLING
 *           -> SWEEPING -> DONE
 *   RUNNING -> (command exited by itself) -> DRAINING -> (streams at end and tree empty) -> DONE
 *                        DRAINING -> (drain-ms over) -> TERMINATING -> … (the code is kept)
 */
#ifndef LIVENESS_WATCHDOG_H
#define LIVENESS_WATCHDOG_H

#include "trace/contract.h"

#include <stdbool.h>
#include <stdint.h>

enum liveness_level { LIVENESS_OFF, LIVENESS_BASIC, LIVENESS_STRICT };

struct watchdog_config {
	enum liveness_level level;
	int64_t stall_ns, hard_cap_ns;   /* counted from start, suspended time excluded */
	uint32_t min_events;             /* alive: at least that many in the last stall_ns */
	int64_t limit_ns;                /* the command's own limit, 0 none; holds at every level */
	enum token limit_token;          /* timeout.subprocess.wait | timeout.case.harness | … */
	int64_t deadline_ns;             /* absolute outer deadline, TIME_NEVER none */
	int64_t kill_grace_ns, drain_ns, diagnose_ns;
	int64_t cancel_term_ns;          /* after a handed-over SIGINT until TERM (<= 2.5 s) */
	int64_t cancel_kill_ns;          /* after TERM of a cancel until KILL (<= 2 s) */
	int64_t unkillable_ns;           /* how long to wait after KILL for what does not die */
	int64_t seal_reserve_ns;         /* kept free before deadline for sealing */
};

enum wd_phase {
	WD_RUNNING, WD_DIAGNOSING, WD_CANCELLING, WD_DRAINING, WD_TERMINATING, WD_KILLING, WD_DONE,
};

/* Why the command was ended, if by us. */
enum wd_cause {
	WD_CAUSE_NONE,       /* it ended by itself */
	WD_CAUSE_LIMIT,      /* config.limit_token */
	WD_CAUSE_TEST_LIMIT, /* a test of a dialect outlived --test-timeout-ms */
	WD_CAUSE_STALL,      /* strict */
	WD_CAUSE_HARD_CAP,
	WD_CAUSE_DEADLINE,
	WD_CAUSE_CANCEL,     /* SIGINT, SIGTERM, SIGHUP, SIGQUIT to us */
	WD_CAUSE_LOST,       /* the other process of ours died */
};

enum wd_event {
	WD_EV_TIME,          /* nothing but time passed */
	WD_EV_PROGRESS,      /* one progress event (contract 6) */
	WD_EV_EXIT,          /* the command itself has exited */
	WD_EV_STREAMS_END,   /* all its streams are at end of file (and flushed) */
	WD_EV_TREE_EMPTY,    /* no member is left but those allowed to stay running */
	WD_EV_SUSPEND,       /* Ctrl-Z: time stops counting */
	WD_EV_RESUME,
	WD_EV_CANCEL,        /* arg: the signal; a second one hurries: TERM, a third: KILL */
	WD_EV_TEST_LIMIT,    /* token timeout.case.harness */
	WD_EV_LOST,          /* our other process died: end the tree soon */
	WD_EV_DIAGNOSED,     /* looking has finished */
};

enum wd_action {
	WD_STALL = 1 << 0,          /* record stall.subprocess.no_output_no_event */
	WD_LIMIT = 1 << 1,          /* record out.token (a timeout token) */
	WD_DIAGNOSE = 1 << 2,       /* look, then report WD_EV_DIAGNOSED */
	WD_HAND_OVER = 1 << 3,      /* pass out.signal on to every member */
	WD_TERM = 1 << 4,           /* TERM and CONT to every member; record watchdog.kill.term */
	WD_KILL = 1 << 5,           /* KILL to every member; record watchdog.kill.killed */
	WD_SWEEP = 1 << 6,          /* KILL again whatever is there now; nothing is recorded */
	WD_DRAIN_OVER = 1 << 7,     /* streams still held: record timeout.subprocess.io_drain, holders */
	WD_LEFTOVERS = 1 << 8,      /* name the members that outlived the command */
	WD_SURVIVORS = 1 << 9,      /* give up on what does not die: name it */
	WD_CLOSE_STREAMS = 1 << 10, /* stop reading */
	WD_FINISH = 1 << 11,        /* phase is DONE */
};

struct wd_out {
	uint32_t actions;
	enum token token;      /* of WD_LIMIT */
	int signal;            /* of WD_HAND_OVER */
	int64_t idle_ns;       /* of WD_STALL: since the last progress (active time) */
	int64_t next_due_ns;   /* absolute; call again then at the latest; TIME_NEVER */
};

struct watchdog {
	struct watchdog_config cfg;
	enum wd_phase phase;
	enum wd_cause cause;
	int64_t start_ns, last_progress_ns;
	int64_t suspended_at_ns;       /* -1: not suspended */
	int64_t suspended_total_ns;
	int64_t *ring;                 /* times of the last min_events events */
	uint32_t ring_len, ring_at;
	bool stalled;                  /* this stall is recorded; re-armed by progress */
	bool exited, streams_ended, tree_empty, diagnosed, term_sent, kill_sent;
	bool drain_reported, leftovers_reported;
	int cancel_signal;
	unsigned cancel_count;
	int64_t phase_since_ns, phase_due_ns, kill_first_ns;
	int64_t sweep_every_ns;
};

/* ring: config.min_events entries, owned by the caller, at least 1. */
void watchdog_init(struct watchdog *w, const struct watchdog_config *cfg, int64_t *ring,
		   int64_t now_ns);
struct wd_out watchdog_step(struct watchdog *w, enum wd_event ev, int arg, int64_t now_ns);

/* Active nanoseconds (suspended time excluded) since the start, at now. */
int64_t watchdog_elapsed(const struct watchdog *w, int64_t now_ns);
int64_t watchdog_idle(const struct watchdog *w, int64_t now_ns);

/* Did a watchdog end it (exit code 124)? Limits, stall, hard cap, deadline. */
bool watchdog_ended_it(const struct watchdog *w);
/* What the wait span's status is: timeout, stalled, cancelled, or ok when NONE. */
enum span_status watchdog_status(const struct watchdog *w);

/* The runner as a whole: stall_warning + stall.runner.no_progress on run.total when nothing
 * at all moved for threshold_ns; re-armed by progress. Pure as well. */
struct runner_watch {
	int64_t threshold_ns, last_ns, suspended_at_ns;
	bool warned;
};
void runner_watch_init(struct runner_watch *r, int64_t threshold_ns, int64_t now_ns);
void runner_watch_progress(struct runner_watch *r, int64_t now_ns);
void runner_watch_suspend(struct runner_watch *r, int64_t now_ns);
void runner_watch_resume(struct runner_watch *r, int64_t now_ns);
/* True once per stall: warn now. *next_due_ns: when to ask again. */
bool runner_watch_step(struct runner_watch *r, int64_t now_ns, int64_t *next_due_ns);

/* Hung or starved? From facts gathered over a window (nanoseconds). Recorded, never acted on. */
struct window_facts {
	int64_t window_ns, cpu_ns, run_delay_ns, cpu_pressure_ns;
	int cpus;
};
/* "hung" (no CPU wanted or got), "spinning" (CPU used), "starved" (wanted, not got). */
const char *liveness_verdict(const struct window_facts *f);

#endif
