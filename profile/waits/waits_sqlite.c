/* SPDX-License-Identifier: Apache-2.0 */
/* waits_sqlite.c - who waits for a lock of SQLite sleeps: its busy handler tries again every tenth of a second. Its locks
 * are fcntl's, on bytes of the database that are the same in every version (PENDING_BYTE and the 511 behind it; of a
 * write-ahead log on the first bytes of its -shm file), so /proc/locks names their holders. */
#include "profile/waits/waits.h"

#include "base/clock.h"
#include "base/mem.h"
#include "profile/waits/waits_internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_BYTE 0x40000000ULL
#define SHARED_END (PENDING_BYTE + 511)
#define WAL_FIRST 120ULL
#define WAL_LAST 127ULL
/* The busy handler's longest nap is 100 ms; a program's own loop around it may take longer ones. */
#define NAP_MAX_NS (2 * NS_PER_S)

bool sqlite_lock_parse(const char *text, size_t n, uint64_t ino, pid_t other_than, struct sqlite_lock *l)
{
	auto_free char *copy = xstrndup(text, n);
	char *save, *line;
	bool found = false;

	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long long lock_ino, from, to;
		char access[16], end[24];
		int who;

		if (sscanf(line, "%*d: POSIX %*s %15s %d %*x:%*x:%llu %llu %23s", access, &who, &lock_ino, &from, end) != 5)
			continue;
		to = strtoull(end, NULL, 10);
		if (lock_ino != ino || who <= 0 || who == other_than)
			continue;
		if (!(from >= PENDING_BYTE && to <= SHARED_END) && !(from >= WAL_FIRST && to <= WAL_LAST))
			continue;
		/* a writer before the readers that it lets in */
		if (found && l->writes)
			continue;
		*l = (struct sqlite_lock){ .holder = (pid_t)who, .writes = strcmp(access, "WRITE") == 0 };
		found = true;
	}
	return found;
}

static bool in_sqlite(const struct snap_thread *t)
{
	for (size_t i = 0; i < t->frame_count; i++) {
		const struct snap_frame *f = &t->frames[i];

		if ((f->module && strstr(f->module, "sqlite")) || (f->function && strstr(f->function, "sqlite3")))
			return true;
	}
	return false;
}

static bool is_database(const struct fd_entry *e, pid_t pid)
{
	return e->pid == pid && e->kind == FD_FILE && e->ino && e->writes && e->target[0] == '/' &&
	       !strstr(e->target, "-journal") && !strstr(e->target, "-wal");
}

void waits_by_sqlite(struct waits *w, struct snap_process *p, struct snap_thread *t)
{
	auto_free char *text = NULL;
	ssize_t n;

	if (t->wait.kind != WAIT_SLEEP || t->wait.timeout_ns < 0 || t->wait.timeout_ns > NAP_MAX_NS || !in_sqlite(t))
		return;
	text = xmalloc(1 << 20);
	n = fd_read_file(AT_FDCWD, "/proc/locks", text, 1 << 20);
	if (n <= 0)
		return;
	/* A lock that the process has itself, by another connection, is met where nobody else has one. */
	for (int self = 0; self < 2; self++)
		for (size_t i = 0; i < w->fds.n; i++) {
			const struct fd_entry *e = &w->fds.v[i];
			struct sqlite_lock l;

			if (!is_database(e, p->pid) ||
			    !sqlite_lock_parse(text, (size_t)n, e->ino, self ? 0 : p->pid, &l))
				continue;
			wait_set(t, WAIT_FILE_LOCK, "SQLite's lock on %s, in a loop of tries%s", e->target,
				 self ? "; a connection of this process itself has it" : "");
			if (!self)
				wait_holder_add(t, w->s, l.holder, 0, -1);
			t->wait.endless = true;
			t->wait.proved = !self && l.writes;
			return;
		}
}
