/* SPDX-License-Identifier: Apache-2.0 */
/* yama SCOPE PROGRAM [ARGS] - runs a program, and all that it starts, under Yama's kernel.yama.ptrace_scope 0 or 1, on
 * kernels without Yama too.
 *
 * Yama's rule (security/yama/yama_lsm.c): under scope 1 a process may attach only to its own descendants. It is
 * asked for ptrace(SEIZE, ATTACH), process_vm_readv and writev, and for opening /proc/PID/mem, syscall, stack and
 * personality, which the kernel guards with the same right (PTRACE_MODE_ATTACH). Reading fd, maps, exe … is another
 * right, of which Yama knows nothing. A seccomp filter hands just these calls to a process outside of the tree, which
 * decides by parents as Yama does; /proc/sys/kernel/yama/ptrace_scope reads as SCOPE. Unlike Yama it spares
 * nobody for CAP_SYS_PTRACE: so root can be told what a plain user would be. Exit 77: this kernel has no such filters. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int scope;

static long status_field(long pid, const char *name)
{
	char path[48], line[256];
	long v = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%ld/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			v = strtol(line + strlen(name), NULL, 10);
	if (f)
		fclose(f);
	return v;
}

static bool may_attach(long tracer, long target)
{
	long us = status_field(tracer, "Tgid:"), at = status_field(target, "Tgid:");

	if (scope == 0 || us == at)
		return true;
	for (int i = 0; at > 1 && i < 1000; i++) {
		at = status_field(at, "PPid:");
		if (at == us)
			return true;
	}
	return false;
}

/* A path below a folder that the reader has open, as one from the root. */
static void path_from_root(long reader, int dir_fd, char path[160])
{
	char link[48], whole[160] = "";
	ssize_t n;

	if (path[0] == '/' || dir_fd < 0)
		return;
	snprintf(link, sizeof(link), "/proc/%ld/fd/%d", reader, dir_fd);
	n = readlink(link, whole, 79);
	if (n <= 0)
		return;
	snprintf(whole + n, sizeof(whole) - (size_t)n, "/%.79s", path);
	memcpy(path, whole, sizeof(whole));
}

/* The process whose guarded file is opened, by its path below dir_fd; 0: none. -1: the scope itself. */
static long guarded_path(long reader, int dir_fd, uint64_t address)
{
	static const char *const names[] = { "/mem", "/syscall", "/stack", "/personality" };
	char path[160] = "";
	struct iovec to = { path, 79 }, from = { (void *)(uintptr_t)address, 79 };
	const char *end, *task;

	if (process_vm_readv((pid_t)reader, &to, 1, &from, 1, 0) <= 0) {
		from.iov_len = to.iov_len = 4096 - (address & 4095); /* up to the end of its page */
		if (from.iov_len >= 80 || process_vm_readv((pid_t)reader, &to, 1, &from, 1, 0) <= 0)
			return 0;
	}
	path_from_root(reader, dir_fd, path);
	if (strcmp(path, "/proc/sys/kernel/yama/ptrace_scope") == 0)
		return -1;
	if (strncmp(path, "/proc/", 6) != 0 || path[6] < '1' || path[6] > '9')
		return 0;
	end = path + strlen(path);
	task = strstr(path, "/task/");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if ((size_t)(end - path) > strlen(names[i]) && strcmp(end - strlen(names[i]), names[i]) == 0)
			return strtol(task ? task + 6 : path + 6, NULL, 10);
	return 0;
}

static void answer_scope(int listener, uint64_t id, struct seccomp_notif_resp *resp)
{
	int fd = memfd_create("ptrace_scope", MFD_CLOEXEC), got;
	char text[2] = { (char)('0' + scope), '\n' };
	struct seccomp_notif_addfd add = { .id = id, .srcfd = (uint32_t)fd, .newfd_flags = O_CLOEXEC };

	if (write(fd, text, sizeof(text)) == (ssize_t)sizeof(text))
		lseek(fd, 0, SEEK_SET);
	got = ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	close(fd);
	resp->flags = 0;
	resp->error = got < 0 ? -ENOENT : 0;
	resp->val = got < 0 ? 0 : got;
}

static void decide(int listener)
{
	struct seccomp_notif q = { 0 };
	struct seccomp_notif_resp resp = { 0 };
	long target = 0;

	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &q) < 0)
		return;
	resp.id = q.id;
	resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	switch (q.data.nr) {
	case SYS_ptrace: target = (long)q.data.args[1]; break;
	case SYS_process_vm_readv:
	case SYS_process_vm_writev: target = (long)q.data.args[0]; break;
	case SYS_openat: target = guarded_path((long)q.pid, (int)q.data.args[0], q.data.args[1]); break;
	}
	if (target == -1)
		answer_scope(listener, q.id, &resp);
	else if (target > 0 && !may_attach((long)q.pid, target)) {
		resp.flags = 0;
		resp.error = q.data.nr == SYS_openat ? -EACCES : -EPERM;
	}
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

static int filter_install(void)
{
#define ASK(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF)
	struct sock_filter f[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ASK(SYS_openat),
		ASK(SYS_process_vm_readv),
		ASK(SYS_process_vm_writev),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ptrace, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		ASK(PTRACE_SEIZE),
		ASK(PTRACE_ATTACH),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(f) / sizeof(*f), f };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
}

static int descriptor_pass(int sock, int fd)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} c = { .head = { .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS } };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };

	if (fd >= 0) {
		memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
		return sendmsg(sock, &h, 0) < 0 ? -1 : 0;
	}
	if (recvmsg(sock, &h, MSG_CMSG_CLOEXEC) <= 0 || !CMSG_FIRSTHDR(&h))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof(fd));
	return fd;
}

/* Nobody's child, so that it is in no tree of the program. */
static void judge(int sock)
{
	int listener = descriptor_pass(sock, -1), null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	if (listener < 0 || write(sock, "", 1) != 1)
		_exit(1);
	close(sock);
	for (;;) {
		struct pollfd p = { .fd = listener, .events = POLLIN };

		if (poll(&p, 1, -1) < 0)
			continue;
		if (!(p.revents & POLLIN))
			_exit(0); /* nobody is left */
		decide(listener);
	}
}

int main(int argc, char **argv)
{
	char byte;
	int ends[2], fd;

	if (argc < 3 || (scope = atoi(argv[1])) < 0 || scope > 1)
		return 2;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return 77;
	if (fork() == 0) {
		if (fork() == 0)
			judge(ends[1]);
		_exit(0);
	}
	close(ends[1]);
	while (waitpid(-1, NULL, 0) > 0)
		;
	fd = filter_install();
	if (fd < 0 || descriptor_pass(ends[0], fd) < 0 || read(ends[0], &byte, 1) != 1)
		return 77;
	close(fd);
	close(ends[0]);
	execvp(argv[2], argv + 2);
	return 127;
}
