/* SPDX-License-Identifier: Apache-2.0 */
/* stop_commands.h - GitHub takes lines of a job's log that begin with `::` (or hold `##[`) for workflow commands,
 * also such as a test prints. Between `::stop-commands::TOKEN` and `::TOKEN::` it takes none, whoever
 * writes them: the command's own `::add-mask::` has no effect then, either. Where the user asks for it
 * (--stop-commands, and GITHUB_ACTIONS=true), what commands print stands between such a pair, each with a
 * token of its own that cannot be guessed. */
#ifndef RUNNER_PROC_STOP_COMMANDS_H
#define RUNNER_PROC_STOP_COMMANDS_H

#include "runner/config/options.h"
#include "base/str.h"

#include <stdbool.h>

#define STOP_TOKEN_SIZE 33 /* 128 bits in hexadecimal, and the end */
#define STOP_LINES_MAX 256

bool stop_commands_wanted(const struct options *o, char *const envp[]);

/* Appends text between a pair. Begins at a line's beginning and ends so. */
void stop_commands_wrap(struct str *out, const char *text, size_t n);

/* Around the output of a command that is passed through. Lies in the memory that our two processes share, so that
 * the one that is left can close the pair. */
struct stop_commands {
	char token[STOP_TOKEN_SIZE]; /* of the open pair, "" none */
	char lines[STOP_LINES_MAX];  /* to be written before anything else is */
	unsigned at, len;            /* written, in all */
	unsigned opens_at;           /* where the line that opens the pair begins, while it is not written */
};
struct outlet;

/* Queues the line that opens (closes) a pair; mid_line: what is queued must begin a line of its own. No pair is open:
 * nothing is closed. */
void stop_commands_begin(struct stop_commands *s, bool mid_line);
void stop_commands_end(struct stop_commands *s, bool mid_line);
/* Writes what is queued to our stdout. False: its reader is slow, some is left. */
bool stop_commands_flush(struct stop_commands *s, struct outlet *out);
/* The same, and waits for a slow reader until then (absolute, monotonic). */
void stop_commands_finish(struct stop_commands *s, struct outlet *out, int64_t until_ns);

#endif
