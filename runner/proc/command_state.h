/* SPDX-License-Identifier: Apache-2.0 */
/* command_state.h - the fields of a command, for command_start.c, command.c, act.c and show.c. */
#ifndef RUNNER_PROC_COMMAND_STATE_H
#define RUNNER_PROC_COMMAND_STATE_H

#include "liveness/progress.h"
#include "liveness/watchdog.h"
#include "runner/proc/notified.h"
#include "runner/proc/stream.h"
#include "runner/proc/tests.h"
#include "runner/proc/use.h"
#include "runner/proc/work.h"

struct supervisor;
struct held;

/* How far it has come. Its watchdog knows the rest. */
enum command_phase {
	COMMAND_FAILED,   /* it could not be started */
	COMMAND_RUNNING,
	COMMAND_EXITED,   /* and was reaped */
	COMMAND_EXITED_NS /* it has exited; the init of its PID namespace lives on with what is left */
};

struct command {
	int slot;
	uint32_t serial;            /* owner in the tree; 1, 2, … over the run */
	enum command_phase phase;
	struct command_spec spec;
	pid_t pid;                  /* -1 none */
	int wait_status;
	int spawn_errno;
	int64_t start_ns;
	struct stream stream[STREAM_COUNT];
	struct held *held;          /* of a held command, or NULL */
	bool streams_done, empty_told, only_stayers; /* what its watchdog has heard */
	int notify_fd;
	struct notified notified;
	int ns_fd;                  /* --contain pidns: at its end when the command has exited */
	char notify_name[64];       /* "@spec-runner-…" */
	struct watchdog wd;
	int64_t *wd_ring;
	int64_t wd_due_ns;
	struct wd_out pending;      /* what the watchdog wants done and settle has not yet done */
	span_id exec_span, wait_span;
	uint32_t tokens;
	unsigned leaked, survivors;
	char *tmpdir;
	struct progress_seen seen;
	struct use use;
	struct tests tests;
	bool process_progress;      /* a new command line in this sampling tick */
	bool suspended;
	int diagnose_id;            /* of the look under way, 0 none */
	uint64_t io_reported[STREAM_COUNT];
	struct strv envp;
};

/* Is its output kept for the caller alone? */
static inline bool command_is_mute(const struct command *c)
{
	return c->spec.capture && !c->spec.held;
}

static inline bool command_has_exited(const struct command *c)
{
	return c->phase == COMMAND_EXITED || c->phase == COMMAND_EXITED_NS;
}

/* Registers in the slot, zeroed but for what means "none". */
struct command *command_new(struct supervisor *s, int slot, int64_t now_ns);
void command_watchdog_init(struct supervisor *s, struct command *c, int64_t now_ns);
void command_arm_streams(struct supervisor *s, struct command *c);

#endif
