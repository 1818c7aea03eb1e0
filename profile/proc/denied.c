/* SPDX-License-Identifier: Apache-2.0 */
/* denied.c - the kernel's rules in its own order (ptrace(2), "Ptrace access mode checking"): the same user, a process
 * that allows dumps, no more capabilities than ours, then the security modules, Yama among them. The kernel gives
 * one errno for all of them; each rule's own inputs are in /proc for everybody. */
#include "profile/proc/denied.h"

#include "base/fd.h"
#include "profile/proc/process.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CAP_SYS_PTRACE_BIT 19
#define ALLOW_PTRACE "allow CAP_SYS_PTRACE (docker run --cap-add SYS_PTRACE)"

static uint64_t hex_field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoull(at + strlen(name), NULL, 16) : 0;
}

static int status_text(const char *who, char *out, size_t size)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%s/status", who);
	return fd_read_file(AT_FDCWD, path, out, size) > 0 ? 0 : -1;
}

static int yama_scope(void)
{
	char scope[8];

	return fd_read_file(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope)) > 0 ?
		       (int)strtol(scope, NULL, 10) : 0;
}

void denied_reason(pid_t pid, char *out, size_t size)
{
	char ours[8192], theirs[8192], name[24], path[48];
	struct proc_status me, they;
	struct stat st;
	uint64_t caps, their_caps;

	snprintf(out, size, "the kernel does not let us look: run as the same user, or " ALLOW_PTRACE);
	snprintf(name, sizeof(name), "%d", (int)pid);
	if (status_text("thread-self", ours, sizeof(ours)) < 0 || status_text(name, theirs, sizeof(theirs)) < 0 ||
	    proc_status_parse(ours, strlen(ours), &me) < 0 || proc_status_parse(theirs, strlen(theirs), &they) < 0)
		return;
	caps = hex_field(ours, "\nCapEff:");
	their_caps = hex_field(theirs, "\nCapPrm:");
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid); /* the folder keeps its user, files in it do not */
	if (caps >> CAP_SYS_PTRACE_BIT & 1)
		snprintf(out, size, "refused in spite of CAP_SYS_PTRACE: %s", yama_scope() == 3 ?
			 "kernel.yama.ptrace_scope is 3, which forbids it to everybody until the next boot" :
			 "a process of another user namespace, or our own seccomp or security profile forbids it");
	else if (they.uid != me.euid || they.euid != me.euid)
		snprintf(out, size, "it belongs to user %u, we are user %u: run as that user, or " ALLOW_PTRACE,
			 (unsigned)they.uid, (unsigned)me.euid);
	else if (their_caps & ~hex_field(ours, "\nCapPrm:"))
		snprintf(out, size, "it has capabilities that we lack: " ALLOW_PTRACE);
	else if (stat(path, &st) == 0 && st.st_uid != they.euid)
		snprintf(out, size, "it made itself undumpable, as programs with secrets do: " ALLOW_PTRACE);
	else if (yama_scope() == 1)
		snprintf(out, size, "kernel.yama.ptrace_scope is 1, which lets only ancestors look: start the command under "
			 "spec-runner, set it to 0 (sysctl kernel.yama.ptrace_scope=0), or " ALLOW_PTRACE);
	else if (yama_scope() > 1)
		snprintf(out, size, "kernel.yama.ptrace_scope is %d: %s", yama_scope(), yama_scope() == 2 ?
			 "only with CAP_SYS_PTRACE" : "forbidden to everybody until the next boot");
	else if (me.seccomp == 2)
		snprintf(out, size, "a seccomp profile, as a container's is, forbids it: " ALLOW_PTRACE
			 ", or --security-opt seccomp=unconfined");
}
