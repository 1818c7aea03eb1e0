/* SPDX-License-Identifier: Apache-2.0 */
/* no_children PROGRAM [ARGS] - runs a program as on a kernel without CONFIG_PROC_CHILDREN: opening or asking for a
 * file named "children" fails with ENOENT, for it and for all that it starts. A seccomp filter hands these calls to a
 * process outside of the tree. Exit 77: this kernel has no such filters. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&h);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(int));
	return sendmsg(sock, &h, 0) == 1 ? 0 : -1;
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int fd = -1;

	if (recvmsg(sock, &h, 0) == 1 && (c = CMSG_FIRSTHDR(&h)))
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

static int filter(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_faccessat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
#ifdef SYS_access
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_access, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
#endif
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog p = { sizeof(code) / sizeof(*code), code };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &p);
}

static bool asks_for_children(const struct seccomp_notif *q)
{
	char path[256] = "";
	bool direct = false;
	struct iovec here = { path, sizeof(path) - 1 }, there;
	size_t n;

#ifdef SYS_access
	direct = q->data.nr == SYS_access;
#endif
	there = (struct iovec){ (void *)(uintptr_t)q->data.args[direct ? 0 : 1], sizeof(path) - 1 };
	/* the text may lie at the end of a page, and so may its end */
	if (process_vm_readv((pid_t)q->pid, &here, 1, &there, 1, 0) < 0) {
		size_t page = 4096 - ((uintptr_t)there.iov_base & 4095);

		there.iov_len = here.iov_len = page < sizeof(path) - 1 ? page : sizeof(path) - 1;
		if (process_vm_readv((pid_t)q->pid, &here, 1, &there, 1, 0) < 0)
			return false;
	}
	n = strlen(path);
	return n >= 8 && strcmp(path + n - 8, "children") == 0;
}

static void answer(int listener)
{
	struct seccomp_notif q;

	for (;;) {
		struct seccomp_notif_resp r;

		memset(&q, 0, sizeof(q));
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &q) < 0) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			return;
		}
		memset(&r, 0, sizeof(r));
		r.id = q.id;
		if (asks_for_children(&q))
			r.error = -ENOENT;
		else
			r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
	}
}

int main(int argc, char **argv)
{
	int pair[2], listener, status = 0;
	pid_t program, helper;

	if (argc < 2 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return 2;
	program = fork();
	if (program == 0) {
		int fd = filter();

		if (fd < 0)
			_exit(77);
		if (send_fd(pair[1], fd) < 0)
			_exit(77);
		close(fd);
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	close(pair[1]);
	listener = receive_fd(pair[0]);
	helper = fork();
	if (helper == 0) {
		setsid();
		answer(listener);
		_exit(0);
	}
	close(listener);
	while (waitpid(program, &status, 0) < 0 && errno == EINTR)
		;
	kill(helper, SIGKILL);
	waitpid(helper, NULL, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
