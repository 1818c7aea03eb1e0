/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - what a query of a person or an agent may do: one SELECT, so many rows, so long. Pure. */
#ifndef HISTORY_GUARD_H
#define HISTORY_GUARD_H

#include "base/str.h"

#include <stdbool.h>

#define GUARD_SECONDS 10
#define GUARD_ROWS 10000

/* Nothing but white space, comments and semicolons? */
bool guard_is_blank(const char *sql);

/* The words of a statement of PostgreSQL, in lower case, each between single blanks, without comments; a
 * string is ''. Quoted
 * names are words like others. -1 where a quote is not closed, or for names in Unicode escapes. */
int guard_words(const char *sql, struct str *out);

#endif
