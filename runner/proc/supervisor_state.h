/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_state.h - the fields of the supervisor, for the files it is made of: supervisor.c (gathers), command.c (one
 * command), act.c (acts), tick.c (looks at the tree now and then), show.c (tells people). */
#ifndef RUNNER_PROC_SUPERVISOR_STATE_H
#define RUNNER_PROC_SUPERVISOR_STATE_H

#include "liveness/watchdog.h"
#include "runner/proc/context.h"
#include "runner/proc/loop.h"
#include "runner/proc/show_state.h"
#include "runner/proc/tick_state.h"
#include "runner/proc/tree.h"

/* A run only goes forward through these. */
enum run_phase {
	RUN_WORKING,  /* work is asked for wherever a slot is free */
	RUN_WAITING,  /* there is no more work: what runs may end */
	RUN_ENDING,   /* cancel, deadline, loss: what runs is being ended */
	RUN_SWEEPING, /* no command is left; what none of them answers for is killed */
	RUN_OVER,
};

/* What people asked for (SIGUSR1, Ctrl-T), to be answered by the next settle. */
enum asked { ASKED_NOTHING, ASKED_TELL, ASKED_LOOK };

struct supervisor {
	struct context *run;
	struct loop loop;
	struct tree tree;
	struct tree_hooks hooks;
	struct command *command[PROC_JOBS_MAX]; /* by slot; NULL: free */
	char *spare_tmpdir[PROC_JOBS_MAX];      /* empty, for the slot's next command */
	int slots;                              /* how many of them may be used */
	int active;
	uint32_t last_serial;
	enum run_phase phase;
	bool interrupted;           /* it has been in RUN_ENDING */
	bool front_lost;
	bool takeover;              /* we are the front, going on after the supervisor died */
	bool unlisted_said;         /* that the tree cannot be listed */
	int taken_code;             /* the exit code then */
	bool reap_again;            /* a round of reaping was cut short */
	bool outlet_armed[STREAM_COUNT], outlet_told[STREAM_COUNT];
	int print_armed; /* our fd that is watched for what print.h has queued, plus 1; 0 none */
	enum asked asked;
	int cancel_signal;          /* the first, 0 none */
	unsigned cancels;           /* signals from outside so far */
	int diagnose_last;          /* id of the last look asked for */
	unsigned looks_open;        /* looks asked for of which the front has not said how they went */
	int64_t publish_due_ns, watch_due_ns;
	int64_t sweep_until_ns, sweep_due_ns;   /* of RUN_SWEEPING */
	struct runner_watch watch;
	struct ticks ticks;
	struct show show;
};

/* for (struct command *c = NULL; (c = supervisor_next(s, c));) */
struct command *supervisor_next(const struct supervisor *s, const struct command *after);
#define each_command(s, c) for (struct command *c = NULL; ((c) = supervisor_next((s), (c)));)

struct command *supervisor_command_of(const struct supervisor *s, uint32_t serial);
/* From here on nothing new is started, and the run's end says that it was interrupted. */
void supervisor_interrupt(struct supervisor *s);
/* Something moved. c NULL: the run as a whole; what: one of our words, for the trace. */
void supervisor_progress(struct supervisor *s, struct command *c, const char *what, int64_t now_ns);
/* Collects dead children for a bounded time; sets reap_again where some are left. */
void supervisor_reap(struct supervisor *s, int64_t now_ns);
/* A command's result is known: tells the work, and frees its slot. Only from supervisor_settle. */
void supervisor_command_done(struct supervisor *s, struct command *c, const struct command_result *r, int64_t now_ns);

#endif
