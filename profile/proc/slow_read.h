/* SPDX-License-Identifier: Apache-2.0 */
/* slow_read.h - files of /proc whose read can wait for ever on somebody else.
 *
 * cmdline, environ, maps and the like are read under the memory lock of the process. A thread of it that waits in
 * mmap(2) for a dead NFS or FUSE server holds that lock, and whoever reads then hangs as well, as `ps` does. So they are
 * read by a thread of ours that is given up after a while; the process is remembered, and not asked again while that
 * thread hangs. stat, status, wchan and the text of links need no lock and are read directly (process.h).
 *
 * Files on such a server must never be asked for at all (stat through /proc/PID/fd): a request that a server has
 * taken cannot even be killed. */
#ifndef PROFILE_PROC_SLOW_READ_H
#define PROFILE_PROC_SLOW_READ_H

#include "profile/proc/process.h"

/* How long one read may take. Where the thread that reads has not had a processor it gets more. */
#define PROC_SLOW_PATIENCE_NS (100 * INT64_C(1000000))
/* So many threads may hang at once; after them nothing is read that may block. */
enum { PROC_STUCK_MAX = 8 };

/* Reads /proc/PID/NAME whole, at most max bytes. Returns the bytes, with *out terminated, owned by the caller; or -1 with
 * errno: ETIMEDOUT (its reader hangs, see proc_stuck), EAGAIN (no thread for it), ESRCH, EACCES … Callers take turns. */
ssize_t proc_slow_read(pid_t pid, const char *name, size_t max, char **out);

/* The command line, at most PROC_ARGV_MAX bytes of it. An empty list for kernel threads and zombies. Not redacted.
 * 0, or -1 with errno as above. */
#define PROC_ARGV_MAX 65536
int proc_argv_read(pid_t pid, struct strv *out);

/* Reads nothing from here on: EAGAIN. For whoever must not even start a thread. */
void proc_slow_forbid(void);

/* A process whose reader hangs, or did. */
struct proc_stuck {
	pid_t pid;
	int64_t start_ticks;
	char comm[PROC_COMM_SIZE];
	char file[16];      /* "cmdline" */
	char holder[160];   /* its threads that may hold the lock: "tid in wchan, …"; "" unknown */
	int64_t since_ns;   /* absolute, monotonic: when the read began */
};
/* Those found since the call before: each is told once. */
size_t proc_stuck_new(struct proc_stuck *out, size_t max);
/* Does a reader hang on it now? Then its memory is not to be touched: /proc/PID/mem takes the same lock. */
bool proc_is_stuck(pid_t pid);

#endif
