/* SPDX-License-Identifier: Apache-2.0 */
/* command_line.h - words of a command line into options and operands (contract 1 and 2).
 *
 * Options stand on either side of the verb, as `--flag value` or `--flag=value`. For a verb that
 * takes a command they end at `--` or at the first word that is none; from there on
 * everything belongs to the command, untouched. For the others options and operands mix until `--`.
 * An option that nobody knows, or that the verb does not take, is ERR_USAGE. */
#ifndef RUNNER_CONFIG_COMMAND_LINE_H
#define RUNNER_CONFIG_COMMAND_LINE_H

#include "runner/config/config.h"
#include "base/err.h"
#include "runner/config/options.h"

#include <stdbool.h>
#include <stdint.h>

/* What the reader must know of a verb. */
struct verb_syntax {
	const char *name;
	uint32_t bit;        /* enum option_verbs */
	bool takes_command;  /* options end at the first word that is not one */
	bool reads_values;   /* the environment and spec-runner.yaml are read and held to the rules */
};

struct given { /* one option as given */
	const struct option_row *row;
	const char *flag;    /* the word, "--jobs" or "--jobs=4" */
	size_t flag_len;     /* of its name with the dashes */
	const char *value;   /* NULL: none */
};

struct command_line {
	const char *verb;    /* as given; NULL: none */
	const struct verb_syntax *syntax; /* NULL if the verb is not ours: nothing after it was read */
	char **operands;     /* borrowed words, NULL-terminated */
	int operand_count;
	char **all_args;     /* everything but the verb, NULL-terminated */
	int all_argc;
	bool help, version;  /* --help (-h), --version were among the options */
	struct given *given;
	int given_count;
	struct strv notes;   /* words to the user that are no errors */
};

/* Splits argv[1..]. find: the verb's syntax, NULL for one that is not ours. On failure cl holds
 * what was read so far and may be released. */
int command_line_split(struct command_line *cl, int argc, char **argv,
		       const struct verb_syntax *(*find)(const char *verb), struct err *e);

/* The same for a program that is a verb by itself: argv[1..] holds everything but the verb. */
int command_line_split_behind(struct command_line *cl, const struct verb_syntax *syntax, int argc, char **argv,
			      struct err *e);
void command_line_release(struct command_line *cl);

/* Default < file < environment < flag into o, which is initialised here; the file's gate
 * into c. root: where spec-runner.yaml is looked for unless --config or
 * SPEC_RUNNER_CONFIG name it (a relative path is taken from the working folder). */
int options_read(struct options *o, struct config *c, struct command_line *cl, char *const envp[],
		 const char *root, struct err *e);

#endif
