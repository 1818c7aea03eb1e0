/* SPDX-License-Identifier: Apache-2.0 */
/* work.h - what a verb gives the supervisor to run, and what it hears back.
 *
 * The supervisor asks for work whenever a slot is free; it never blocks in a callback,
 * and a callback never blocks. `run` is one command; a gate is a sequence; cases are a
 * graph. All of it lives in one process and one trace. */
#ifndef RUNNER_PROC_WORK_H
#define RUNNER_PROC_WORK_H

#include "base/str.h"
#include "runner/ui/status.h"
#include "trace/emit.h"

#include <stdbool.h>
#include <stdint.h>

enum work_next {
	WORK_START, /* *spec is filled: start it, ask again */
	WORK_WAIT,  /* nothing now; ask again when a command has ended */
	WORK_END,   /* nothing more, ever */
};

struct command_spec {
	char *const *argv;
	const char *cwd;           /* NULL: ours */
	char *const *env_add;      /* "NAME=value" strings set for the child, or NULL */
	bool env_clean;            /* start from an empty environment and env_add */
	const char *stdin_text;    /* NULL: inherit ours; "" or text: a pipe or memfd that holds it */
	size_t stdin_bytes;
	bool capture;              /* keep the output for the caller; else pass it through */
	size_t capture_max_bytes;  /* per stream; what lies beyond is counted, not kept */
	bool held;                 /* with capture: its output goes to held_fd, and its tests are recognised */
	int held_fd[2];            /* stdout, stderr; open until done() */
	bool own_tmpdir;           /* make TMPDIR for it, remove it afterwards */
	int64_t limit_ns;          /* 0 none */
	enum token limit_token;
	span_id parent;            /* span below which subprocess.exec goes */
	const char *name;          /* for messages: a step's or case's name; NULL for `run` */
	void *user;                /* handed back in done() */
	bool stall_free;           /* no stall limit of its own (e.g. the whole is watched elsewhere) */
};

struct command_result {
	int exit_code;             /* by contract 3: own code, 128+N, 124, 125, 126, 127 */
	int signal;                /* that killed it, or 0 */
	bool ended_by_watchdog;    /* exit_code is 124 */
	bool cancelled, lost;
	enum span_status status;
	enum err_category category; /* why status is not ok, as in the spans of the command … */
	const char *message;        /* … valid during done(); NULL where there is nothing to say */
	enum token token;
	uint32_t tokens;           /* 1 << enum token for each that was recorded */
	int64_t duration_ns;
	int64_t tests, tests_failed; /* that a dialect recognised */
	const char *out, *err;     /* captured bytes, valid during done(); not redacted */
	size_t out_bytes, err_bytes;          /* kept */
	uint64_t out_total, err_total;        /* read */
	unsigned leaked;           /* processes that outlived it */
	int spawn_errno;           /* 0, or why it could not be executed (126/127/125) */
};

struct work_ops {
	/* Fill *spec (pointers stay valid until done() of it). */
	enum work_next (*next)(void *ctx, struct command_spec *spec, int64_t now_ns);
	void (*done)(void *ctx, void *user, const struct command_result *r, int64_t now_ns);
	/* Called once when nothing runs any more: close spans, say the run's exit code. Also after a
	 * cancel or a deadline (interrupted: why nothing more was asked for). */
	int (*end)(void *ctx, bool interrupted, int64_t now_ns);
	/* Absolute time at which `next` (or `tick`) wants to be called although nothing ended. */
	int64_t (*due)(void *ctx);
	void (*tick)(void *ctx, int64_t now_ns); /* chain limits and the like; may be NULL */
	/* Which running commands must be ended now (chain limit)? Called after tick; returns the user
	 * pointer of one, with the token, or NULL. May be NULL. */
	void *(*end_early)(void *ctx, enum token *token);
	/* For people: how many of what are done (noun, done, failed, skipped, total). May be NULL. */
	void (*progress)(void *ctx, struct status_view *v);
};

#endif
