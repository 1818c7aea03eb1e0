/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor.h - the dull one: one loop that feeds watchdogs and carries out what they say.
 * Internal to runner/proc. */
#ifndef RUNNER_PROC_SUPERVISOR_H
#define RUNNER_PROC_SUPERVISOR_H

#include "liveness/watchdog.h"
#include "runner/proc/context.h"
#include "runner/proc/show.h"
#include "runner/proc/stream.h"
#include "runner/proc/tests.h"
#include "runner/proc/tree.h"

#include <sys/types.h>

/* What the tree had used at some moment: differences make the facts of a window. */
struct tick_sample {
	int64_t at_ns, cpu_ns, delay_ns, pressure_ns;
};
#define TICK_SAMPLES 64

struct command {
	bool used;
	int slot;
	uint32_t serial;            /* owner in the tree; 1, 2, … over the run */
	struct command_spec spec;
	pid_t pid;
	bool running;               /* not yet reaped */
	bool exited;
	int wait_status;
	int spawn_errno;
	int64_t start_ns;
	struct stream stream[STREAM_COUNT];
	bool streams_done, empty_told, only_stayers;
	int notify_fd;
	int ns_fd;                  /* --contain pidns: at its end when the command has exited */
	char notify_name[64];       /* "@spec-runner-…" */
	struct watchdog wd;
	int64_t *wd_ring;
	int64_t wd_due_ns;
	span_id exec_span, wait_span;
	uint32_t tokens;
	unsigned leaked, survivors;
	char *tmpdir;
	struct progress_seen seen;
	struct tests tests;
	bool process_progress;      /* a new command line in this sampling tick */
	bool suspended;
	int diagnose_id;            /* of the look under way, 0 none */
	uint64_t io_reported[STREAM_COUNT];
	struct strv envp;
};

struct supervisor {
	struct context *c;
	int epoll_fd, signal_fd, timer_fd;
	struct tree tree;
	struct tree_hooks hooks;
	struct command command[PROC_JOBS_MAX];
	char *spare_tmpdir[PROC_JOBS_MAX]; /* empty, for the slot's next command */
	int slots;                  /* how many of them may be used: the rest is never touched */
	int active;
	uint32_t last_serial;
	struct runner_watch watch;
	int64_t publish_due_ns, watch_due_ns, tick_due_ns, tick_every_ns, beat_due_ns;
	struct tick_sample sample[TICK_SAMPLES];
	unsigned sample_count;
	int cancel_signal;          /* the first, 0 none */
	bool ending;                /* no new commands: cancel, deadline, loss, or WORK_END */
	bool interrupted, front_lost, work_ended;
	bool takeover;              /* we are the front, going on after the supervisor died */
	int exit_code;
	int64_t armed_ns;           /* what the timer is set to */
	bool outlet_armed[STREAM_COUNT], outlet_told[STREAM_COUNT];
	int diagnose_last;
	int64_t oom_kills;          /* of the machine at the first tick; -1 not known */
	bool finished, reap_again;
	struct show show;
};

/* Event sources, packed into epoll's u64 as kind << 32 | slot << 8 | which. */
enum source { SRC_SIGNAL = 1, SRC_TIMER, SRC_LINK, SRC_STREAM, SRC_OUTLET, SRC_NOTIFY, SRC_NAMESPACE };
int supervisor_watch_fd(struct supervisor *s, int fd, uint32_t events, enum source src, int slot, int which);

/* command.c */
int command_start(struct supervisor *s, struct command *c, const struct command_spec *spec, int64_t now);
void command_read(struct supervisor *s, struct command *c, int which, int64_t now);
void command_flush(struct supervisor *s, struct command *c, int which, int64_t now);
void command_notified(struct supervisor *s, struct command *c, int64_t now);
void command_reaped(struct supervisor *s, struct command *c, int wait_status, int64_t now);
/* In the front, after the supervisor died: the command that was running, to be ended. */
void command_adopt(struct supervisor *s, struct command *c, int stream_fd[STREAM_COUNT], int64_t now);
/* The init of its PID namespace says that the command has exited. */
void command_namespace(struct supervisor *s, struct command *c, int64_t now);
void command_release(struct supervisor *s, struct command *c);
/* Feeds the watchdog and carries out what it says. */
void command_event(struct supervisor *s, struct command *c, enum wd_event ev, int arg, int64_t now);
/* Reads its output for tests where that is due; a test that outlived its limit ends it. */
void command_tests(struct supervisor *s, struct command *c, bool over, int64_t now);
/* Looks whether the tree is empty or the streams are at their end, and tells the watchdog. */
void command_check(struct supervisor *s, struct command *c, int64_t now);
bool command_ending(const struct command *c);

/* act.c */
void act_carry_out(struct supervisor *s, struct command *c, const struct wd_out *out, int64_t now);
/* Asked for from outside: the tree is looked at, which is recorded, and goes on. */
void act_look(struct supervisor *s, struct command *c, int64_t now);
void act_warn_runner(struct supervisor *s, int64_t now);

/* supervisor.c */
int supervisor_init(struct supervisor *s, struct context *c, struct err *e);
void supervisor_release(struct supervisor *s);
int supervisor_loop(struct supervisor *s); /* until nothing is left; returns the exit code */
void supervisor_progress(struct supervisor *s, struct command *c, const char *what, int64_t now);
void supervisor_reap(struct supervisor *s, int64_t now); /* our dead children, for a bounded time */
struct command *supervisor_command_of(struct supervisor *s, uint32_t serial);
void supervisor_command_done(struct supervisor *s, struct command *c, const struct command_result *r,
			     int64_t now);

/* explain.c: findings.json and report.md beside the trace. 0 or -1 (they could not be written). */
int finish_explain(struct context *c, int exit_code, struct err *e);

/* finish.c: totals, seal, findings, retention. Returns the exit code of the process. */
int finish_run(struct context *c, int exit_code, bool lost, int64_t now);

#endif
