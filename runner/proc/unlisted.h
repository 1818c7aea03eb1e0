/* SPDX-License-Identifier: Apache-2.0 */
/* unlisted.h - signals for a tree that cannot be listed (kin.h, KIN_NONE): to the groups that commands lead, to the
 * commands, and to whatever wait(2) says is our child. Internal to runner/proc. */
#ifndef RUNNER_PROC_UNLISTED_H
#define RUNNER_PROC_UNLISTED_H

#include <stddef.h>
#include <stdint.h>

struct supervisor;

/* Says once, of a command that is ended, that what has left its process group is not known (--contain group). */
void unlisted_group(struct supervisor *s, int64_t now);

/* To the commands of owner (0: of all) and their groups; TERM is followed by CONT. Returns how many commands got it. Says
 * once that the tree cannot be listed. */
size_t unlisted_signal(struct supervisor *s, uint32_t owner, int sig);

/* KILL to these, and for owner 0 to children of ours that nobody answers for, for a bounded time: call it again. */
void unlisted_kill(struct supervisor *s, uint32_t owner, int64_t until_ns);

#endif
