/* SPDX-License-Identifier: Apache-2.0 */
/* context.h - what both of our processes know about this run; made before the fork. */
#ifndef RUNNER_PROC_CONTEXT_H
#define RUNNER_PROC_CONTEXT_H

#include "base/err.h"
#include "runner/config/options.h"
#include "runner/proc/outlet.h"
#include "runner/proc/proc.h"
#include "runner/proc/sampling_state.h"
#include "runner/proc/shared.h"
#include "runner/proc/spawn.h"
#include "runner/proc/terminal.h"
#include "trace/emit.h"
#include "trace/redact.h"

#include <stdbool.h>
#include <stdint.h>

/* Where this run writes (contract 4). All owned. */
struct run_paths {
	char *artifacts;     /* the artifacts folder, absolute or plain */
	char *trace, *summary; /* findings.json and report.md go beside the trace */
	char *journal;
	char *raw;           /* raw/<run_id> */
	char *trace_copy;    /* where the trace is not a regular file (/dev/stdout): a copy to explain, or NULL */
	bool nested;
	bool made_artifacts; /* the folder was not there before: remove it if it stays empty */
};

struct context {
	const struct proc_setup *setup;
	const struct options *o;
	char run_id[RUN_ID_SIZE];
	char *cwd;                   /* where we were started; NULL unknown */
	int64_t start_mono_ns, start_real_ns;
	struct redactor *redactor;
	struct trace *trace;          /* of whichever process writes it now */
	int journal_fd;               /* in the front: what it would go on with */
	struct shared *shared;
	struct terminal terminal;
	struct outlet outlet[STREAM_COUNT];
	struct spawn_signals signals;
	struct run_paths paths;
	enum level keep_level;        /* what the trace keeps: the greater of level and on-fail */
	span_id total_span, dispatch_span;
	int link;                     /* our end of the SEQPACKET pair; -1: the other is gone */
	int cgroup_fd;                /* -1 none */
	int parent_fd;                /* in the front: parent.h; -1 none */
	char parent_name[32];
	struct err parent_why;        /* why not, where it was asked for */
	int guard_fd[2];              /* guard.h: its end and ours */
	enum contain contain;         /* what was achieved */
	bool is_front;
	bool color;                   /* of what we say on stderr */
	bool journal_failed;          /* a trace is wanted, but its file could not be made … */
	struct err journal_why;       /* … because of this */
	enum span_status end_status;  /* of the spans that are open when all is over */
	bool concerns;                /* something happened that findings may be about */
	bool looked;                  /* somebody asked for a look: its trace is kept */
	bool cancelled;
	int64_t cancelled_ns;         /* when the first signal of a cancel was heard; 0 not */
	int late_cancel;              /* a signal that came while the findings were written; 0 none */
	struct sampling sampling;
	bool lost_output;             /* bytes of the command could not be written */
};

/* Did what was written last, by whichever process, perhaps end within a line? */
static inline bool context_mid_line(const struct context *c)
{
	return c->outlet[STREAM_OUT].mid_line || c->outlet[STREAM_ERR].mid_line || c->is_front;
}

/* `spec-runner: ` + text on stderr, redacted, in one write; begins a new line where the
 * command's output left one unfinished; never blocks; not with --quiet. */
/* Ends a line that the command left open on our stderr. */
void say_fresh(struct context *c);
void say(struct context *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* --color, the environment, the terminal: in that order. */
bool say_wants_color(int choice, bool is_tty);
/* A name of somebody else's process, as it may be said: redacted. Valid until the next call. */
const char *say_comm(struct context *c, const char *comm);
/* Like say, in spite of --quiet: our own failures. */
void say_always(struct context *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
