/* SPDX-License-Identifier: Apache-2.0 */
/* solved.h - what the machine found for the same sources before: what differs between them is only what it does not read,
 * comments and white space. Kept in one file of the cache, by a hash of all sources' meanings; a file that is damaged, or
 * of another build, is as if there were none. */
#ifndef AUDIT_PYTHON_SOLVED_H
#define AUDIT_PYTHON_SOLVED_H

#include "audit/python/machine.h"

#define SOLVED_KEY 16 /* bytes */

/* What the machine reads of all sources, and all else that its results hang on. Sources' meanings must be known. */
void solved_key(const struct machine *m, unsigned char out[SOLVED_KEY]);

/* Fills in the call sites, and the names and is_dead of the definitions, as machine_execute() and machine_settle_names()
 * would. False: not known; nothing is changed. m is as after machine_prepare(); wanted: the sources that are asked for,
 * which alone need their definitions, NULL: all. */
bool solved_load(struct machine *m, const bool *wanted);
/* Would solved_load() find it, for `definitions` of all sources? */
bool solved_is_there(const struct machine *m, uint32_t definitions);
/* Sites must be in the order of sources. */
void solved_save(struct machine *m);

/* The name of a call's target, as the graph has it. */
const char *solved_target(const struct machine *m, uint32_t text);

#endif
