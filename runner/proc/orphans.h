/* SPDX-License-Identifier: Apache-2.0 */
/* orphans.h - ends what is left of a run none of whose own processes is left: in the guard at once, in `recover` and
 * in the next run later.
 *
 * Nobody is the tree's subreaper any more, so members are known by what they carry: the run's cgroup, the session or
 * group that its command leads, SPEC_RUNNER_RUN_ID in the environment, and being a child of such a process. Internal
 * to runner/proc. */
#ifndef RUNNER_PROC_ORPHANS_H
#define RUNNER_PROC_ORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct orphans {
	const char *run_id;
	const char *cgroup_dir;    /* of the run, or NULL or "" */
	pid_t command_pid;         /* leads a group and mostly a session; 0: not known */
	int64_t command_boot_ns;   /* CLOCK_BOOTTIME when it had just been started; a later leader is another one's */
	bool group_only;           /* --contain group: nobody but the command's group is ended */
	int proc_fd;               /* /proc, opened in good time, or -1: by group and pid only */
};

/* Sends KILL until five looks in a row find nobody, at most until until_ns (monotonic). Allocates nothing that
 * lasts. Returns the number of processes ended. A process that carries this run's id itself (our own caller was
 * started by that run) is never the one to end it: 0. */
size_t orphans_end(const struct orphans *o, int64_t until_ns);

/* Of the run of a journal that nobody holds any more; run_id from its name (`<dir>/<run_id>.journal`). */
size_t orphans_end_of_journal(const char *journal);

#endif
