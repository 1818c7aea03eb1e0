/* SPDX-License-Identifier: Apache-2.0 */
/* guard.h - what a query of a person or an agent may do: one SELECT, so many rows, so long. Pure. */
#ifndef HISTORY_GUARD_H
#define HISTORY_GUARD_H

#include <stdbool.h>

#define GUARD_SECONDS 10
#define GUARD_ROWS 10000

/* Nothing but white space, comments and semicolons? */
bool guard_is_blank(const char *sql);

#endif
