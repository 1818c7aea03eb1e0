/* SPDX-License-Identifier: Apache-2.0 */
/* act.h - the second phase of a turn: what the watchdogs wanted is recorded, then carried out. The only place that signals
 * and ends commands. Internal to runner/proc. */
#ifndef RUNNER_PROC_ACT_H
#define RUNNER_PROC_ACT_H

#include <stddef.h>
#include <stdint.h>

struct supervisor;
struct command;

/* Carries out whatever is pending, until nothing is. Returns how many commands have ended and were freed. */
int supervisor_settle(struct supervisor *s, int64_t now_ns);

/* Asked for from outside: the tree is looked at, which is recorded, and goes on. */
void act_look(struct supervisor *s, struct command *c, int64_t now_ns);
/* Nothing at all has moved for too long: recorded on run.total. */
void act_warn_runner(struct supervisor *s, int64_t now_ns);
/* KILL to every member of owner (0: of all). Returns how many were there to get it, at least. */
size_t act_kill(struct supervisor *s, uint32_t owner);

/* At the end of the last sweep, as of the last walk: names living processes that no command has named. */
void act_strangers(struct supervisor *s, int64_t now_ns);

#endif
