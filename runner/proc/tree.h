/* SPDX-License-Identifier: Apache-2.0 */
/* tree.h - every descendant of ours, whose it is, and how to reach all of them.
 *
 * We are a subreaper: a descendant whose parent dies comes to us, so nothing escapes by a double
 * fork or setsid, and "we have no child" means "the tree is empty". Members are found by walking
 * /proc/PID/task/TID/children from ourselves, or by what else there is (kin.h). One scan
 * serves heartbeats, new command lines, ownership and signals. */
#ifndef RUNNER_PROC_TREE_H
#define RUNNER_PROC_TREE_H

#include "base/str.h"
#include "profile/proc/process.h"
#include "runner/proc/kin.h"

#include <stdbool.h>
#include <stdint.h>

#define OWNER_UNKNOWN 0u /* an orphan that none of our commands can be shown to have started */

struct member {
	pid_t pid;
	uint32_t owner;          /* serial of the command it descends from */
	struct proc_watch watch;
	int pidfd;               /* of a watched one, to learn how it ended; -1 none */
	bool watched;            /* descriptors are kept */
	bool told;               /* how it ended was told */
	bool adopted, announced; /* its parent died and it came to us; recorded as such */
	bool allowed;            /* matches --leave-running */
	bool foreign;            /* our child before the run began (`sleep & exec spec-runner`): not ours to end */
	bool signalled;          /* got our KILL */
	bool reaped;             /* by us: a process with this number is another one */
	bool not_permitted;      /* could not be signalled */
	bool frozen;             /* by its cgroup, as was told */
	bool given_up;           /* named as one that does not die: nobody waits for it any more */
	unsigned fresh;          /* scans left in which its command line is read again */
	unsigned seen;           /* generation of the scan that saw it last */
	struct proc_stat st;
	int64_t delay_ns;
	int64_t beat_cpu_ns;     /* at the last heartbeat */
};

struct tree_totals {
	int64_t cpu_ns, delay_ns; /* accumulated over all members that ever lived (as sampled) */
};

struct tree {
	pid_t root;
	struct member *m;        /* in order of discovery: parents before children */
	size_t n, cap;
	uint32_t *index;         /* hash of pid -> position + 1 */
	uint32_t index_size;
	unsigned generation;
	size_t watched_max;
	int64_t foreign_before_ns; /* CLOCK_BOOTTIME; 0: all children are the run's */
	pid_t aside;             /* our child that is not a member, or 0 */
	struct proc_watch self;
	struct kin kin;          /* probed by the first walk */
	struct strv leave_running;
	bool spare_none;         /* a command is being ended: --leave-running is for those that end by themselves */
	bool nameless;           /* no command line is read */
	struct tree_totals totals;
	int64_t rss_bytes;       /* of the last scan */
	size_t alive, running;   /* of the last scan: not zombies; in state R */
};

struct tree_hooks {
	void *ctx;
	/* Which command does this pid lead (serial), or OWNER_UNKNOWN? */
	uint32_t (*leader)(void *ctx, pid_t pid);
	/* An orphan nobody claimed: OWNER_UNKNOWN, or the only command it can be of. */
	uint32_t (*orphan)(void *ctx, pid_t pid);
	/* A member with a command line that may be new (fresh member, or comm changed). */
	void (*command_line)(void *ctx, struct member *m, const char *cmdline, size_t n);
	void (*adopted)(void *ctx, struct member *m);
	/* It was killed by this signal; told once. */
	void (*killed)(void *ctx, const struct member *m, int signal);
	/* It used so much more since the scan before. */
	void (*used)(void *ctx, const struct member *m, int64_t cpu_ns, int64_t delay_ns);
};

void tree_init(struct tree *t, pid_t root, const struct strv *leave_running);
void tree_release(struct tree *t);

/* Walks the tree. with_stat: read stat and schedstat of each member (heartbeats), else topology
 * only (but new members always get theirs). */
void tree_scan(struct tree *t, bool with_stat, const struct tree_hooks *h);

/* Is each child of ours the leader of a command that still runs? Then no orphan is there, and a command
 * that has ended has left nobody: one read, no walk. */
bool tree_only_leaders(struct tree *t, const struct tree_hooks *h);

/* Members of owner (0: of all) that are alive and not allowed to stay; a scan must be fresh. */
size_t tree_count(const struct tree *t, uint32_t owner);

/* The same, but those that were given up. */
size_t tree_count_hoped(const struct tree *t);

/* Sends sig to each member of owner (0: all) that is not `allowed`, each once. Returns how many
 * got it. Safe against reused PIDs. With SIGTERM, SIGCONT follows. */
size_t tree_signal(struct tree *t, uint32_t owner, int sig, const struct tree_hooks *h);

/* To one member. 0, or -1 with errno. Safe against reused PIDs. */
int tree_signal_one(struct tree *t, const struct member *m, int sig);

/* KILLs until a pass finds nobody new: a fork race is won here, or by the next sweep. */
size_t tree_kill(struct tree *t, uint32_t owner, const struct tree_hooks *h);

/* The same for the whole tree where nobody may stay and we are its subreaper: fast enough for chains
 * of processes that fork and exit. Goes on until nobody is left or until the time; reap collects
 * our dead children. False where one could not be signalled: then tree_kill reaches what is below. *sent: how many of them
 * lived when the first of them was met; 0: none did. */
bool tree_kill_children(struct tree *t, int64_t until_ns, void (*reap)(void *ctx), void *ctx, size_t *sent);

/* Can members be listed at all? Where not, a scan finds nobody, and only numbers are left: see kin.h. */
bool tree_can_list(struct tree *t);

struct member *tree_find(struct tree *t, pid_t pid);

/* Is it to be left alone? --leave-running, where the command ended by itself; foreign children always. */
bool tree_spares(const struct tree *t, const struct member *m);

/* Forget one that was reaped. */
void tree_gone(struct tree *t, pid_t pid);

/* The pids of owner's living members (0: all). */
void tree_pids(const struct tree *t, uint32_t owner, struct pid_list *out);

#endif
