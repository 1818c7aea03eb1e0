/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/tree.h"
#include "runner/proc/kernel.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "profile/proc/slow_read.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Descriptors are kept for so many members (six each), where our limit allows; the rest is opened
 * and closed each time. */
#define TREE_WATCHED_MAX 2048
#define TREE_FDS_SPARE 512
/* A child is seen between fork and exec: its command line is read again on so many scans. */
#define TREE_FRESH_SCANS 2
#define TREE_CMDLINE_BYTES 4096
/* Passes of one tree_kill: each costs one walk, and the loop comes back with the next sweep. */
#define TREE_KILL_PASSES 32
/* Walks of one tree_signal until somebody is met. */
#define TREE_SIGNAL_PASSES 4

void tree_init(struct tree *t, pid_t root, const struct strv *leave_running)
{
	struct rlimit r;

	memset(t, 0, sizeof(*t));
	t->root = root;
	if (leave_running)
		strv_copy(&t->leave_running, leave_running);
	t->watched_max = getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur > 2 * TREE_FDS_SPARE ?
				 (size_t)(r.rlim_cur - TREE_FDS_SPARE) / 6 : 64;
	if (t->watched_max > TREE_WATCHED_MAX)
		t->watched_max = TREE_WATCHED_MAX;
}

static void member_release(struct member *m)
{
	if (m->watched) {
		proc_watch_close(&m->watch);
		fd_close(&m->pidfd);
	}
	m->watched = false;
}

void tree_release(struct tree *t)
{
	for (size_t i = 0; i < t->n; i++)
		member_release(&t->m[i]);
	free(t->m);
	free(t->index);
	strv_release(&t->leave_running);
	kin_release(&t->kin);
	if (t->self.pid)
		proc_watch_close(&t->self);
	memset(t, 0, sizeof(*t));
}

static uint32_t tree_slot(const struct tree *t, pid_t pid)
{
	return ((uint32_t)pid * 2654435761u) & (t->index_size - 1);
}

static void tree_index_put(struct tree *t, size_t at)
{
	uint32_t i = tree_slot(t, t->m[at].pid);

	while (t->index[i])
		i = (i + 1) & (t->index_size - 1);
	t->index[i] = (uint32_t)at + 1;
}

static void tree_reindex(struct tree *t)
{
	while (t->index_size < (t->n + 1) * 2)
		t->index_size = t->index_size ? t->index_size * 2 : 64;
	free(t->index);
	t->index = xcalloc(t->index_size, sizeof(*t->index));
	for (size_t i = 0; i < t->n; i++)
		tree_index_put(t, i);
}

struct member *tree_find(struct tree *t, pid_t pid)
{
	if (!t->index_size)
		return NULL;
	for (uint32_t i = tree_slot(t, pid); t->index[i]; i = (i + 1) & (t->index_size - 1))
		if (t->m[t->index[i] - 1].pid == pid)
			return &t->m[t->index[i] - 1];
	return NULL;
}

static struct member *tree_add(struct tree *t, pid_t pid)
{
	struct member *m;

	if (t->n == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 16;
		t->m = xreallocarray(t->m, t->cap, sizeof(*t->m));
	}
	m = &t->m[t->n++];
	memset(m, 0, sizeof(*m));
	m->pid = pid;
	m->pidfd = -1;
	m->fresh = TREE_FRESH_SCANS;
	if ((t->n + 1) * 2 > t->index_size)
		tree_reindex(t);
	else
		tree_index_put(t, t->n - 1);
	return m;
}

void tree_gone(struct tree *t, pid_t pid)
{
	struct member *m = tree_find(t, pid);

	if (m)
		m->reaped = true; /* swept by the next scan, unless that finds its number again */
}

/* It is gone, or a zombie: by a signal? */
static void member_ended(struct member *m, int status, const struct tree_hooks *h)
{
	if (m->told || status < 0 || !h || !h->killed)
		return;
	m->told = true;
	if (WIFSIGNALED(status))
		h->killed(h->ctx, m, WTERMSIG(status));
}

/* Drops all that the walk did not meet. */
static void tree_sweep(struct tree *t, const struct tree_hooks *h)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->n; i++) {
		if (t->m[i].seen != t->generation) {
			if (t->m[i].watched && !t->m[i].told)
				member_ended(&t->m[i], kernel_pidfd_status(t->m[i].pidfd), h);
			member_release(&t->m[i]);
			continue;
		}
		if (kept != i)
			t->m[kept] = t->m[i];
		kept++;
	}
	if (kept != t->n) {
		t->n = kept;
		tree_reindex(t);
	}
}

static bool tree_is_allowed(const struct tree *t, const struct member *m, const char *cmdline, size_t n)
{
	char line[TREE_CMDLINE_BYTES];

	for (size_t i = 0; i < n; i++)
		line[i] = cmdline[i] ? cmdline[i] : ' ';
	while (n && line[n - 1] == ' ')
		n--;
	line[n] = '\0';
	for (size_t i = 0; i < t->leave_running.n; i++)
		if (fnmatch(t->leave_running.v[i], m->st.comm, 0) == 0 ||
		    fnmatch(t->leave_running.v[i], line, 0) == 0)
			return true;
	return false;
}

/* Where its reader hangs it stays without a command line. */
static void member_read_command_line(struct tree *t, struct member *m, const struct tree_hooks *h)
{
	auto_free char *line = NULL;
	ssize_t n = proc_slow_read(m->pid, "cmdline", TREE_CMDLINE_BYTES - 1, &line);

	if (n <= 0)
		return;
	m->allowed = tree_is_allowed(t, m, line, (size_t)n);
	if (h && h->command_line)
		h->command_line(h->ctx, m, line, (size_t)n);
}

/* Reads stat (and run delay) of one member; adds what is new to the totals. */
static bool member_sample(struct tree *t, struct member *m, const struct tree_hooks *h)
{
	struct proc_stat st;
	struct proc_sched sc;
	int64_t cpu, delay = 0;

	if ((m->watched ? proc_watch_stat(&m->watch, &st) : proc_stat_read(m->pid, &st)) < 0)
		return false;
	if (m->st.start_ticks && m->st.start_ticks != st.start_ticks)
		return false; /* the pid was reused: the walk meets the new one next time */
	cpu = proc_stat_cpu_ns(&st) - proc_stat_cpu_ns(&m->st);
	if (m->watched && proc_watch_sched(&m->watch, &sc) == 0) {
		delay = sc.delay_ns - m->delay_ns;
		m->delay_ns = sc.delay_ns;
	}
	t->totals.cpu_ns += cpu;
	t->totals.delay_ns += delay;
	if (h && h->used && cpu + delay > 0)
		h->used(h->ctx, m, cpu, delay);
	if (m->st.comm[0] && strcmp(m->st.comm, st.comm) != 0 && m->fresh == 0)
		m->fresh = 1;
	m->st = st;
	if (t->foreign_before_ns && st.ppid == t->root && st.start_ns < t->foreign_before_ns)
		m->foreign = true;
	if (st.state == 'Z' && st.exit_status)
		member_ended(m, st.exit_status, h);
	if (m->fresh && st.state != 'Z' && !t->nameless) {
		m->fresh--;
		member_read_command_line(t, m, h);
	}
	return true;
}

static uint32_t tree_owner(struct tree *t, struct member *m, const struct member *parent,
			   const struct tree_hooks *h)
{
	uint32_t owner = h && h->leader ? h->leader(h->ctx, m->pid) : OWNER_UNKNOWN;

	if (owner || m->owner)
		return owner ? owner : m->owner;
	if (parent)
		return parent->owner;
	(void)t;
	return h && h->orphan ? h->orphan(h->ctx, m->pid) : OWNER_UNKNOWN;
}

static void member_reset(struct member *m)
{
	struct member anew = { .pid = m->pid, .pidfd = -1, .seen = m->seen, .fresh = TREE_FRESH_SCANS };

	member_release(m);
	*m = anew;
}

/* One member met by the walk below `parent` (SIZE_MAX: below ourselves). Returns its position, or
 * SIZE_MAX for one that is dead. */
static size_t tree_meet(struct tree *t, pid_t pid, size_t parent, bool with_stat, const struct tree_hooks *h)
{
	struct member *m = tree_find(t, pid);
	bool is_new = !m;

	if (is_new) {
		struct proc_stat st;

		/* what is dead already is not worth a place: a chain of forks leaves thousands */
		if (proc_stat_read(pid, &st) < 0 || st.state == 'Z')
			return SIZE_MAX;
		m = tree_add(t, pid);
		m->watched = t->n <= t->watched_max && proc_watch_open(&m->watch, pid) == 0;
		if (m->watched)
			m->pidfd = kernel_pidfd_open(pid);
	}
	if (m->reaped)
		member_reset(m); /* its number was given to another */
	m->owner = tree_owner(t, m, parent == SIZE_MAX ? NULL : &t->m[parent], h);
	m->seen = t->generation;
	if ((is_new || with_stat || m->fresh) && !member_sample(t, m, h)) {
		/* gone, or its pid was given to another process: begin anew with that one */
		member_reset(m);
		m->owner = tree_owner(t, m, parent == SIZE_MAX ? NULL : &t->m[parent], h);
		if (!member_sample(t, m, h))
			m->st.state = 'Z';
	}
	if (parent == SIZE_MAX && !m->adopted && (!h || !h->leader || !h->leader(h->ctx, pid)))
		m->adopted = true;
	if (m->adopted && !m->announced && m->st.state != 'Z' && h && h->adopted) {
		m->announced = true;
		h->adopted(h->ctx, m);
	}
	return (size_t)(m - t->m);
}

static void member_children(const struct tree *t, struct member *m, struct pid_list *out)
{
	char path[64], buf[16384];
	ssize_t n;

	if (t->kin.how != KIN_FILES) {
		kin_children(&t->kin, m->pid, out);
		return;
	}
	if (m->watched) {
		proc_watch_children(&m->watch, m->st.num_threads, out);
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)m->pid, (int)m->pid);
	n = m->st.num_threads == 1 ? fd_read_file(AT_FDCWD, path, buf, sizeof(buf)) : -1;
	if (n >= 0 && n < (ssize_t)sizeof(buf) - 1)
		proc_children_parse(buf, (size_t)n, out);
	else
		proc_children(m->pid, out);
}

static void tree_tally(struct tree *t)
{
	t->rss_bytes = 0;
	t->alive = t->running = 0;
	for (size_t i = 0; i < t->n; i++) {
		if (t->m[i].st.state == 'Z')
			continue;
		t->alive++;
		t->running += t->m[i].st.state == 'R';
		t->rss_bytes += t->m[i].st.rss_bytes;
	}
}

bool tree_can_list(struct tree *t)
{
	if (t->kin.how == KIN_UNKNOWN)
		t->kin.how = kin_probe();
	return t->kin.how != KIN_NONE;
}

/* The first walk opens our own entry: a command that ends at once costs no walk. */
static void tree_own_children(struct tree *t, struct pid_list *out)
{
	if (tree_can_list(t) && t->kin.how == KIN_FILES && !t->self.pid && proc_watch_open(&t->self, t->root) < 0)
		t->self.pid = 0;
	if (t->kin.how == KIN_NONE)
		return;
	if (t->kin.how == KIN_SCAN) {
		kin_refresh(&t->kin);
		kin_children(&t->kin, t->root, out);
	} else if (t->self.pid)
		proc_watch_children(&t->self, 1, out);
	else
		proc_children(t->root, out);
	for (size_t i = 0; t->aside > 0 && i < out->n; i++)
		if (out->v[i] == t->aside)
			out->v[i--] = out->v[--out->n];
}

void tree_scan(struct tree *t, bool with_stat, const struct tree_hooks *h)
{
	auto_pid_list kids = PID_LIST_INIT;
	size_t *queue = NULL, head = 0, tail = 0, cap = 0;
	size_t parent = SIZE_MAX;

	t->generation++;
	tree_own_children(t, &kids);
	for (;;) {
		if (tail + kids.n > cap) {
			cap = (tail + kids.n) * 2;
			queue = xreallocarray(queue, cap, sizeof(*queue));
		}
		for (size_t i = 0; i < kids.n; i++) {
			size_t at = tree_meet(t, kids.v[i], parent, with_stat, h);

			if (at != SIZE_MAX)
				queue[tail++] = at;
		}
		if (head == tail)
			break;
		parent = queue[head++];
		kids.n = 0;
		if (t->m[parent].st.state != 'Z')
			member_children(t, &t->m[parent], &kids);
	}
	free(queue);
	tree_sweep(t, h);
	tree_tally(t);
}

bool tree_only_leaders(struct tree *t, const struct tree_hooks *h)
{
	auto_pid_list kids = PID_LIST_INIT;

	tree_own_children(t, &kids);
	for (size_t i = 0; i < kids.n; i++)
		if (!h->leader(h->ctx, kids.v[i]))
			return false;
	return true;
}

bool tree_spares(const struct tree *t, const struct member *m)
{
	return m->foreign || (m->allowed && !t->spare_none);
}

static bool member_wanted(const struct tree *t, const struct member *m, uint32_t owner)
{
	return m->st.state != 'Z' && !tree_spares(t, m) && (!owner || m->owner == owner);
}

size_t tree_count(const struct tree *t, uint32_t owner)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += member_wanted(t, &t->m[i], owner);
	return n;
}

size_t tree_count_hoped(const struct tree *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += member_wanted(t, &t->m[i], 0) && !t->m[i].given_up && !t->m[i].not_permitted;
	return n;
}

void tree_pids(const struct tree *t, uint32_t owner, struct pid_list *out)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->m[i].st.state != 'Z' && (!owner || t->m[i].owner == owner))
			pid_list_add(out, t->m[i].pid);
}

/* Our own children cannot be reused before we reap them; of others only a pidfd is sure, taken
 * first and then held against the start time that we know. */
int tree_signal_one(struct tree *t, const struct member *m, int sig)
{
	struct proc_stat st;
	int fd, rc;

	if (m->st.ppid == t->root)
		return kernel_kill(m->pid, sig);
	fd = kernel_pidfd_open(m->pid);
	if (fd < 0 && errno == ESRCH)
		return -1;
	/* without pidfds (before 5.3, or refused by a filter) the start time alone must do */
	if (proc_stat_read(m->pid, &st) < 0 || st.start_ticks != m->st.start_ticks) {
		fd_close(&fd);
		errno = ESRCH;
		return -1;
	}
	rc = fd < 0 ? -1 : kernel_pidfd_signal(fd, sig);
	if (fd < 0 || (rc < 0 && errno == ENOSYS))
		rc = kernel_kill(m->pid, sig);
	fd_close(&fd);
	return rc;
}

/* To end processes their command lines are needed only where some of them may stay by these: kill first, name later. */
static void tree_scan_to_end(struct tree *t, bool with_stat, const struct tree_hooks *h)
{
	t->nameless = !t->leave_running.n || t->spare_none;
	tree_scan(t, with_stat, h);
	t->nameless = false;
}

size_t tree_signal(struct tree *t, uint32_t owner, int sig, const struct tree_hooks *h)
{
	size_t sent = 0, met = 0;

	/* a walk misses one that forks and exits meanwhile: then nobody is met, and its child is ours next time */
	for (int pass = 0; !met && pass < TREE_SIGNAL_PASSES; pass++) {
		tree_scan_to_end(t, true, h);
		for (size_t i = 0; i < t->n; i++) {
			struct member *m = &t->m[i];

			if (!member_wanted(t, m, owner))
				continue;
			met++;
			if (tree_signal_one(t, m, sig) == 0)
				sent++;
			else if (errno == EPERM)
				m->not_permitted = true;
			if (sig == SIGTERM)
				tree_signal_one(t, m, SIGCONT);
		}
	}
	return sent;
}

size_t tree_kill(struct tree *t, uint32_t owner, const struct tree_hooks *h)
{
	size_t sent = 0;

	for (int pass = 0; pass < TREE_KILL_PASSES; pass++) {
		size_t fresh = 0;

		tree_scan_to_end(t, false, h);
		for (size_t i = 0; i < t->n; i++) {
			struct member *m = &t->m[i];

			if (m->signalled || !member_wanted(t, m, owner))
				continue;
			if (tree_signal_one(t, m, SIGKILL) == 0) {
				m->signalled = true;
				fresh++;
			} else if (errno == EPERM) {
				m->not_permitted = m->signalled = true;
			}
		}
		sent += fresh;
		if (!fresh)
			break;
	}
	return sent;
}

/* It lives, or a KILL was faster than this question: one write to the cgroup's file, say. */
static bool child_meets_kill(pid_t pid)
{
	siginfo_t si = { 0 };

	return kernel_wait(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       (!si.si_pid || (si.si_code == CLD_KILLED && si.si_status == SIGKILL));
}

/* Killing our own children is enough: what they leave behind becomes our child in its turn. No walk,
 * no stat, no reused PID (nobody but us reaps them): a pass over two thousand takes a millisecond, a
 * pass over a few some microseconds, less than a process needs to fork once more. */
bool tree_kill_children(struct tree *t, int64_t until_ns, void (*reap)(void *ctx), void *ctx, size_t *sent)
{
	auto_pid_list kids = PID_LIST_INIT;
	bool permitted = true;

	*sent = 0;
	do {
		size_t met = 0;

		kids.n = 0;
		tree_own_children(t, &kids);
		for (size_t i = 0; i < kids.n; i++) {
			met += !*sent && child_meets_kill(kids.v[i]);
			if (kernel_kill(kids.v[i], SIGKILL) < 0 && errno == EPERM)
				permitted = false;
		}
		*sent += met;
		reap(ctx);
	} while (kids.n && permitted && clock_mono_ns() < until_ns);
	return permitted;
}
