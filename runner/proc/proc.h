/* SPDX-License-Identifier: Apache-2.0 */
/* proc.h - the door to this folder: run work under two processes that guard each other.
 *
 *   front       console, signals, terminal, looking; an ancestor of all, waits for nothing but
 *               the supervisor
 *   supervisor  spawns, watches, ends, writes the journal, seals
 *
 * Both are subreapers. Whichever dies, the other ends the tree and seals the trace. */
#ifndef RUNNER_PROC_PROC_H
#define RUNNER_PROC_PROC_H

#include "base/err.h"
#include "runner/config/options.h"
#include "runner/proc/work.h"
#include "trace/redact.h"

#include <stdbool.h>

struct learned;

struct proc_setup {
	const struct options *o;
	const char *root;            /* absolute */
	const char *verb;
	const char *config;          /* spec-runner.yaml as it was read; NULL: none */
	char *const *args;           /* for the trace */
	char *const *envp;
	char *const *command;        /* of `run`: what is run; NULL: the verb has many */
	char *const *learn;          /* NAME=value of the cases: their secrets are hidden too; may be NULL */
	const struct work_ops *ops;  /* called in the supervisor only */
	/* ctx is made before the fork; attach() is called in the supervisor when the trace is there. */
	void *ctx;
	void (*attach)(void *ctx, struct trace *t, span_id dispatch, int64_t now_ns);
	int jobs;                    /* commands at once, 1..PROC_JOBS_MAX */
	bool light;                  /* commands are many and short: no cgroup unless --contain asks for it */
	bool force_trace;            /* keep a trace whatever the level (not used by `run`) */
	/* Called once before sealing, in the sealing process: JSON fields to merge into the trace's
	 * summary, or NULL. May be NULL. */
	const char *(*summary_json)(void *ctx);
	const struct learned *learned; /* limits out of the history, NULL: none */
	const char *junit;           /* JUnit XML of the tests that dialects recognised goes there; NULL: none */
};

#define PROC_JOBS_MAX 64

/* Runs it all. Returns the exit code of the process (contract 3). e: why nothing could be
 * started (the return value is then the code that e's kind asks for). */
int proc_run(const struct proc_setup *p, struct err *e);

/* Writes findings.json and report.md beside a sealed trace (contract 4) and prints what was found,
 * by spec-runner-report, which has until then (absolute). 0 or -1. */
int proc_explain(const char *trace, char *const envp[], const struct options *o, bool quiet, int64_t until_ns,
		 struct err *e);

#endif
