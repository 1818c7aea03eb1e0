/* SPDX-License-Identifier: Apache-2.0 */
/* journal_fault.h - somebody else may cut the journal's file short (truncate -s 0 .artifacts/...): the next store into its
 * mapping would be a SIGBUS, and the end of the process that watches the run. Here the pages that are gone are replaced
 * by memory: what is recorded from then on is lost, the run goes on, and its trace is made from what is left. */
#ifndef TRACE_JOURNAL_FAULT_H
#define TRACE_JOURNAL_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* Once a process, before the first journal. Other SIGBUSes keep their default. */
void journal_fault_install(void);

/* [at, at + bytes) is a mapping of the journal that is written now, in place of an earlier one of that slot. */
enum journal_fault_slot { FAULT_HEADER, FAULT_WINDOW, FAULT_SLOTS };
void journal_fault_watch(enum journal_fault_slot slot, void *at, size_t bytes);

/* The mapping at that address goes. */
void journal_fault_forget(const void *at);

/* Has it happened in this process? */
bool journal_faulted(void);

#endif
