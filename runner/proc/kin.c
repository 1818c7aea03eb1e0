/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/kin.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel's PID_MAX_LIMIT. */
#define PID_LAST 4194304
#define ASK_BETWEEN_CLOCKS 1024

enum kin_how kin_probe(void)
{
	char self[16], path[64];
	ssize_t n = readlink("/proc/self", self, sizeof(self) - 1);

	if (n <= 0)
		return KIN_NONE;
	self[n] = '\0';
	/* in another PID namespace's /proc our numbers are somebody else's */
	if (strtol(self, NULL, 10) != getpid())
		return KIN_NONE;
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	if (access(path, R_OK) == 0)
		return KIN_FILES;
	return access("/proc/self/stat", R_OK) == 0 ? KIN_SCAN : KIN_NONE;
}

void kin_refresh(struct kin *k)
{
	auto_pid_list all = PID_LIST_INIT;

	k->n = 0;
	if (proc_all(&all) < 0)
		return;
	if (all.n > k->cap) {
		k->cap = all.n * 2;
		k->pid = xreallocarray(k->pid, k->cap, sizeof(*k->pid));
		k->parent = xreallocarray(k->parent, k->cap, sizeof(*k->parent));
	}
	for (size_t i = 0; i < all.n; i++) {
		struct proc_stat st;

		if (proc_stat_read(all.v[i], &st) < 0)
			continue;
		k->pid[k->n] = st.pid;
		k->parent[k->n++] = st.ppid;
	}
}

void kin_children(const struct kin *k, pid_t pid, struct pid_list *out)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->parent[i] == pid)
			pid_list_add(out, k->pid[i]);
}

/* Alive and a child of ours: a zombie of ours is told by its si_pid, another one's process by ECHILD. */
static bool is_own_child(pid_t pid)
{
	siginfo_t si = { 0 };

	return waitid(P_PID, (id_t)pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && !si.si_pid;
}

size_t kin_kill_unseen(struct kin *k, pid_t near, bool spare_session, int64_t until_ns)
{
	pid_t own = getsid(0);
	size_t sent = 0;

	if (k->next <= 1)
		k->next = near > 1 ? near : 2;
	for (long asked = 0; asked < PID_LAST; asked++) {
		pid_t pid = k->next;

		k->next = pid >= PID_LAST ? 2 : pid + 1;
		if (is_own_child(pid) && !(spare_session && getsid(pid) == own))
			sent += kill(pid, SIGKILL) == 0;
		if (asked % ASK_BETWEEN_CLOCKS == 0 && clock_mono_ns() >= until_ns)
			return sent;
	}
	return sent;
}

void kin_release(struct kin *k)
{
	free(k->pid);
	free(k->parent);
	memset(k, 0, sizeof(*k));
}
