/* SPDX-License-Identifier: Apache-2.0 */
/* solved.h - what the machine found for the same sources before: what differs between them is only what it does not read,
 * comments and white space. Kept in one file of the cache, by a hash of all sources' meanings; a file that is damaged, or
 * of another build, is as if there were none. */
#ifndef AUDIT_PYTHON_SOLVED_H
#define AUDIT_PYTHON_SOLVED_H

#include "audit/python/machine.h"

/* Fills in the call sites, and the names and is_dead of the definitions, as machine_execute() and machine_settle_names()
 * would. False: not known; nothing is changed. m is as after machine_prepare(). */
bool solved_load(struct machine *m);
void solved_save(struct machine *m);

#endif
