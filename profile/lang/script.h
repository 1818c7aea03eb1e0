/* SPDX-License-Identifier: Apache-2.0 */
/* script.h - the line of a shell script from which the shell started what it waits for. */
#ifndef PROFILE_LANG_SCRIPT_H
#define PROFILE_LANG_SCRIPT_H

#include "profile/snapshot/snapshot.h"

/* Adds frames of the language "shell" to the first thread of each shell that runs a script: the line of its youngest child
 * or of its only read, and the loop around it; and to that of make the recipe's line. After the processes are known; reads
 * the scripts. */
void script_places(struct snapshot *s);

/* A file as one of the processes sees it: a regular one of at most max bytes without NUL; NULL otherwise. Caller frees. */
char *script_text(const struct snap_process *p, const char *name, size_t max);

#endif
