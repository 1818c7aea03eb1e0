/* SPDX-License-Identifier: Apache-2.0 */
/* verbs.h - the one table of verbs: dispatch, help, man page and completions read it. */
#ifndef RUNNER_CLI_VERBS_H
#define RUNNER_CLI_VERBS_H

#include "runner/config/command_line.h"
#include "runner/cli/cmd.h"

#include <stdbool.h>
#include <stddef.h>

struct verb {
	struct verb_syntax syntax;
	const char *alias;            /* a short name, NULL: none */
	const char *operands;         /* "[--] CMD [ARG...]", "" for none */
	const char *summary;          /* one line */
	const char *details;          /* a paragraph, NULL: none */
	int (*run)(struct cli *);     /* in this program, or */
	const char *program;          /* "verify": a program of its own, spec-runner-verify */
};
extern const struct verb verbs[];
extern const size_t verb_count;

const struct verb *verb_find(const char *name);             /* NULL: not ours */
const struct verb_syntax *verb_syntax_find(const char *name);

/* Can it run here? A program of its own may not be installed. */
bool verb_is_available(const struct verb *v);

/* Does a verb that can run here take this option? */
bool verb_any_takes(const struct option_row *row);

#endif
