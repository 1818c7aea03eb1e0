/* SPDX-License-Identifier: Apache-2.0 */
/* waits.h - from a blocked thread to what it waits for, who holds that, and where it all begins. */
#ifndef PROFILE_WAITS_WAITS_H
#define PROFILE_WAITS_WAITS_H

#include "profile/snapshot/snapshot.h"

/* Fills thread.wait of every thread. Frames, where resolved already, tell a mutex from a condition
 * variable; without them memory alone has to. Adds the collector "waits". */
void waits_resolve(struct snapshot *s);

/* Fills cycles and roots from the waits. Adds the collector "graph". Pure: reads no process. */
void graph_resolve(struct snapshot *s);

void wait_set(struct snap_thread *t, enum wait_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
struct snap_holder *wait_holder_add(struct snap_thread *t, const struct snapshot *s, pid_t pid, pid_t tid, int fd);
/* A goroutine or the like of the same process, by its number. */
void wait_task_holder_add(struct snap_thread *t, const struct snap_process *p, uint64_t id);

/* Who has one of SQLite's locks on file ino, by the text of /proc/locks; other_than: not this process, 0 anybody. Of
 * several the writer. */
struct sqlite_lock {
	pid_t holder;
	bool writes;
};
bool sqlite_lock_parse(const char *text, size_t n, uint64_t ino, pid_t other_than, struct sqlite_lock *l);
bool thread_has_function(const struct snap_thread *t, const char *const names[], size_t depth);

#endif
