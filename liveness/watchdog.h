/* SPDX-License-Identifier: Apache-2.0 */
/* watchdog.h - is one supervised command alive, and what must be done about it?
 *
 * A pure function: watchdog_step(state, event, now) -> actions. It reads no clock,
 * allocates nothing after init, makes no system call. The loop feeds it and carries its
 * actions out; a test feeds it a million schedules. Contract section 6.
 *
 *   RUNNING    a limit, a stall in strict, the deadline        -> DIAGNOSING
 *              (a stall of one that is busy only after busy_ns)
 *              a signal to us, our caller lost (a cancel)       -> DIAGNOSING
 *              our other process lost                           -> TERMINATING
 *              the command has exited by itself                 -> DRAINING
 *   DIAGNOSING looked, or the time for it over: the first signal is sent. It is SIGTERM -> TERMINATING
 *              another one (of a cancel: the one that came)     -> CANCELLING
 *   CANCELLING half of the grace (a cancel: cancel_term_ns) over, or a second cancel -> TERMINATING
 *   DRAINING   streams at their end and tree empty              -> DONE
 *              drain_ns over and members left                   -> TERMINATING (the code is kept)
 *   TERMINATING  grace over                                     -> KILLING
 *   KILLING    sweeps with backoff; unkillable_ns over          -> DONE
 *   any ending phase, tree empty, streams at their end or WD_STREAMS_REST_NS later -> DONE
 *
 * Limits of the command, stall, hard cap and drain count active time: time stopped by Ctrl-Z does
 * not count. The deadline and everything from the first signal on count real time.
 *
 * What arrives together with a due time: progress, being busy, an exit, an end of stream and an empty tree
 * come first (a loop that was itself starved must not kill a healthy command or take its code
 * away); a cancel, a test limit, a lost process and Ctrl-Z come after what was due before them.
 * Of several due limits the earliest counts; of equal ones the command's own limit, then the
 * hard cap, then the deadline, then the stall (which is still recorded).
 */
#ifndef LIVENESS_WATCHDOG_H
#define LIVENESS_WATCHDOG_H

#include "trace/contract.h"

#include <stdbool.h>
#include <stdint.h>

enum liveness_level { LIVENESS_OFF, LIVENESS_BASIC, LIVENESS_STRICT };

struct watchdog_config {
	enum liveness_level level;
	int64_t stall_ns, hard_cap_ns;   /* 0 none; active time */
	int64_t word_ns;                 /* active time at which to say that hard_cap_ns is coming; 0: not */
	int64_t busy_ns;                 /* strict: instead of stall_ns while it is busy; at least stall_ns */
	uint32_t min_events;             /* alive: at least that many in the last stall_ns; 0: always */
	int64_t limit_ns;                /* the command's own limit, 0 none; holds at every level */
	enum token limit_token;          /* timeout.subprocess.wait | timeout.case.harness | … */
	int64_t deadline_ns;             /* absolute outer deadline, TIME_NEVER none */
	int64_t kill_grace_ns, drain_ns;
	int64_t diagnose_ns;             /* 0: do not look */
	int first_signal;                /* of an ending that is no cancel; 0: SIGTERM */
	int64_t cancel_look_ns;          /* of diagnose_ns, before a cancel's signal is handed on; cut to 1 s */
	int64_t cancel_term_ns;          /* after a cancel until TERM, if another signal came; cut to 2.5 s */
	int64_t cancel_kill_ns;          /* and from then on until KILL; cut to 2 s */
	int64_t unkillable_ns;           /* wait after KILL for what does not die; at least 1 ms */
	int64_t seal_reserve_ns;         /* kept free before deadline for sealing */
};

/* No member is left, so the end of the streams is certain unless somebody outside of the tree holds
 * them: so long, and no longer, they may be read on. */
#define WD_STREAMS_REST_NS (200 * INT64_C(1000000))

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
	WD_EV_BUSY,          /* arg 1: its tree computes, or waits for a processor; 0: neither (liveness_is_busy) */
	WD_EV_SUSPEND,       /* Ctrl-Z: time stops counting */
	WD_EV_RESUME,
	WD_EV_CANCEL,        /* arg: the signal; a second one hurries: TERM, a third: KILL */
	WD_EV_PARENT,        /* who started us has died: a cancel with SIGTERM in a hurry, for whoever ended it comes next */
	WD_EV_TEST_LIMIT,    /* token timeout.case.harness */
	WD_EV_LIMIT,         /* arg: a token. What it is part of (a chain, a gate) has used up its time */
	WD_EV_LOST,          /* our other process died: end the tree soon */
	WD_EV_DIAGNOSED,     /* looking has finished */
};

/* To be carried out in the order of the bits: with a grace of 0 a step may say TERM and KILL. */
enum wd_action {
	WD_STALL = 1 << 0,          /* record stall.subprocess.no_output_no_event */
	WD_LIMIT = 1 << 1,          /* record out.token (a timeout token) */
	WD_DRAIN_OVER = 1 << 2,     /* streams still held: record timeout.subprocess.io_drain, holders */
	WD_LEFTOVERS = 1 << 3,      /* name the members that outlived the command */
	WD_DIAGNOSE = 1 << 4,       /* look, then report WD_EV_DIAGNOSED */
	WD_HAND_OVER = 1 << 5,      /* pass out.signal on to every member */
	WD_TERM = 1 << 6,           /* TERM and CONT to every member; record watchdog.kill.term */
	WD_KILL = 1 << 7,           /* KILL to every member; record watchdog.kill.killed */
	WD_SWEEP = 1 << 8,          /* KILL again whatever is there now; nothing is recorded */
	WD_SURVIVORS = 1 << 9,      /* give up on what does not die: name it */
	WD_CLOSE_STREAMS = 1 << 10, /* stop reading */
	WD_FINISH = 1 << 11,        /* phase is DONE */
	WD_BUSY = 1 << 12,          /* strict: no progress for stall_ns, but it is busy: say how long it still has */
	WD_WORD = 1 << 13,          /* word_ns was reached: say what comes at hard_cap_ns; once */
};

struct wd_out {
	uint32_t actions;
	enum token token;      /* of WD_LIMIT */
	int64_t limit_ns;      /* of WD_LIMIT: what was reached (active time) */
	int signal;            /* of WD_HAND_OVER */
	int64_t idle_ns;       /* of WD_STALL and WD_BUSY: since the last progress (active time) */
	int64_t next_due_ns;   /* absolute; call again then at the latest; TIME_NEVER */
};

/* Read by the loop: phase, cause, token, busy, exited, term_sent, kill_sent, cancel_signal. The rest is ours. */
struct watchdog {
	struct watchdog_config cfg;
	enum wd_phase phase;
	enum wd_cause cause;
	enum token token;              /* of the cause; TOKEN_NONE where it has none */
	int64_t now_ns;                /* of the latest step; time never goes back */
	int64_t start_ns;
	int64_t suspended_at_ns;       /* -1: not suspended */
	int64_t suspended_total_ns;
	int64_t last_progress_ns;      /* active time, as the ring: see watchdog.c */
	int64_t *ring;                 /* times of the last min_events events */
	uint32_t ring_len, ring_at;
	bool stalled;                  /* this stall is recorded; re-armed by progress */
	bool word_given;               /* WD_WORD was asked for */
	bool busy, busy_told;          /* as last heard; WD_BUSY was asked for in this stall */
	int64_t idle_from_ns;          /* active time at which it was last heard not to be busy any more */
	bool exited, streams_ended, tree_empty, term_sent, kill_sent;
	bool emptied;                  /* ending, tree empty: only the rest of the streams is awaited */
	int cancel_signal;             /* of the first cancel; 0 none */
	unsigned cancel_count;
	bool parent_lost;
	int64_t cancel_ns;             /* of the first */
	int64_t kill_due_ns;           /* CANCELLING: when TERM has had its time as well */
	int64_t drain_due_ns;          /* active time */
	int64_t phase_due_ns;          /* when the phase ends, or the next sweep */
	int64_t give_up_ns;            /* KILLING: when what still lives is named and left */
	int64_t sweep_every_ns;
	int64_t deadline_begin_ns, deadline_term_ns, deadline_kill_ns, deadline_give_up_ns;
};

/* ring: config.min_events entries, owned by the caller, at least 1. Negative times count as 0. */
void watchdog_init(struct watchdog *w, const struct watchdog_config *cfg, int64_t *ring,
		   int64_t now_ns);

/* Any event in any phase is defined. Call it with WD_EV_TIME at next_due_ns at the latest; a call
 * without need changes nothing. Before WD_EV_EXIT the loop reads what the streams hold and before it
 * reports nothing more it reports STREAMS_END and TREE_EMPTY, each once it is so. TREE_EMPTY includes
 * the command. WD_DIAGNOSE while a look is under way: that one goes on, its DIAGNOSED serves both. */
struct wd_out watchdog_step(struct watchdog *w, enum wd_event ev, int arg, int64_t now_ns);

/* Joins what two steps want into one, to be carried out once: *sum gains the actions of *out. */
void wd_out_add(struct wd_out *sum, const struct wd_out *out);

/* While what was read of its streams cannot be handed on (our own reader is slow) the drain does not
 * count: from now on it has its whole time again. Nothing happens in another phase. */
void watchdog_hold_drain(struct watchdog *w, int64_t now_ns);

/* Active nanoseconds (suspended time excluded) since the start, at now. */
int64_t watchdog_elapsed(const struct watchdog *w, int64_t now_ns);
/* Active nanoseconds since the last progress event, or since the start. */
int64_t watchdog_idle(const struct watchdog *w, int64_t now_ns);

/* Did a watchdog end it (exit code 124)? Limits, stall, hard cap, deadline. */
bool watchdog_ended_it(const struct watchdog *w);
/* What the wait span's status is: timeout, stalled, cancelled, or ok when NONE. */
enum span_status watchdog_status(const struct watchdog *w);

/* The runner as a whole: stall_warning + stall.runner.no_progress on run.total when nothing
 * at all moved for threshold_ns (0: never); re-armed by progress. Pure as well. Times are absolute;
 * a suspension shifts last_ns by its length. */
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

/* Hung or starved? From facts gathered over a window (nanoseconds, summed over the tree's threads).
 * Recorded, never acted on. */
struct window_facts {
	int64_t window_ns;
	int64_t cpu_ns;          /* CPU time used */
	int64_t run_delay_ns;    /* runnable, but waiting for a CPU (/proc/PID/schedstat) */
	int64_t cpu_pressure_ns; /* PSI cpu "some" in the window; 0 where the kernel has none */
	int cpus;                /* that the tree may use */
};
/* "spinning": it used a good part of a CPU. "starved": it wanted CPU and did not get it. "hung": neither.
 * The thresholds and their reasons stand in verdict.c. */
const char *liveness_verdict(const struct window_facts *f);
/* Does it compute (30 % of one processor or more), or would it if it were given one? Silent work is no hang. */
bool liveness_is_busy(const struct window_facts *f);

#endif
