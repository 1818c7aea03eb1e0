/* SPDX-License-Identifier: Apache-2.0 */
/* help.h - what the tables of verbs and options say, as text for people and as a man page. */
#ifndef RUNNER_CLI_HELP_H
#define RUNNER_CLI_HELP_H

#include "base/str.h"
#include "runner/cli/verbs.h"

/* Print on stdout; return the exit code. */
int help_all(void);
int help_verb(const struct verb *v);
int help_man(void);

/* The page as troff source (man macros). */
void man_page(struct str *out);

/* Adds text in lines of at most 80 columns that begin with `indent` blanks; ends the last one. */
void help_wrap(struct str *out, unsigned indent, const char *text);

/* What there is to know of a row behind its help: "one of off, basic; default basic; …". */
void help_facts(struct str *out, const struct option_row *row);

/* Verbs that can run here and take the row, as "run, test". */
void help_takers(struct str *out, const struct option_row *row);

#endif
