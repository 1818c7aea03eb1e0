/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/kernel.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PIPE_WANTED_BYTES = 256 * 1024 };

int kernel_kill(pid_t pid, int sig)
{
	return kill(pid, sig);
}

int kernel_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

int kernel_pidfd_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

int kernel_pidfd_status(int pidfd)
{
	/* struct pidfd_info of linux/pidfd.h, which is younger than most systems' headers */
	struct {
		uint64_t mask, cgroup;
		uint32_t ids[11];
		int32_t exit_code;
	} info = { .mask = 1 << 3 /* PIDFD_INFO_EXIT */ };

	if (pidfd < 0 || ioctl(pidfd, _IOWR(0xff, 11, info), &info) < 0 || !(info.mask & 1 << 3))
		return -1;
	return info.exit_code;
}

int kernel_wait(idtype_t type, id_t id, siginfo_t *si, int options)
{
	return waitid(type, id, si, options);
}

ssize_t kernel_read(int fd, void *buf, size_t n)
{
	return read(fd, buf, n);
}

int kernel_pipe(int ends[2], bool wide)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	if (wide)
		fcntl(ends[0], F_SETPIPE_SZ, PIPE_WANTED_BYTES); /* less will do */
	return 0;
}

int kernel_bytes_waiting(int fd, int *bytes)
{
	return ioctl(fd, FIONREAD, bytes);
}

int kernel_processors(void)
{
	static int n;

	if (!n)
		n = (int)sysconf(_SC_NPROCESSORS_ONLN);
	return n;
}
