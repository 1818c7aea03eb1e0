/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c - preloaded into spec-runner: makes the FAULT_NTH call of the function FAULT_CALL fail
 * with FAULT_ERRNO, once (FAULT_ALL set: that one and all that follow). The count is
 * shared by the processes that spec-runner forks; what they execute otherwise is left
 * alone. The file FAULT_HIT is made when the fault has struck. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t count, size_t n);
extern void *__libc_realloc(void *p, size_t n);

static const char *fault_call, *fault_hit;
static long fault_nth;
static int fault_errno, fault_all;
static long *fault_count; /* NULL: not armed */

static long raw(long nr, long a, long b, long c, long d, long e, long f)
{
	static long (*real)(long, ...);

	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	return real(nr, a, b, c, d, e, f);
}

__attribute__((constructor)) static void fault_arm(void)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	const char *base;

	if (n <= 0 || !getenv("FAULT_CALL") || !getenv("FAULT_NTH"))
		return;
	exe[n] = '\0';
	base = strrchr(exe, '/');
	if (!base || strncmp(base + 1, "spec-runner", 11) != 0)
		return;
	fault_call = getenv("FAULT_CALL");
	fault_hit = getenv("FAULT_HIT");
	fault_nth = strtol(getenv("FAULT_NTH"), NULL, 10);
	fault_errno = getenv("FAULT_ERRNO") ? (int)strtol(getenv("FAULT_ERRNO"), NULL, 10) : EIO;
	fault_all = getenv("FAULT_ALL") != NULL;
	fault_count = (long *)raw(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fault_count == MAP_FAILED)
		fault_count = NULL;
}

static int strikes(const char *call)
{
	long n;

	if (!fault_count || strcmp(call, fault_call) != 0)
		return 0;
	n = __atomic_add_fetch(fault_count, 1, __ATOMIC_SEQ_CST);
	if (n < fault_nth || (n > fault_nth && !fault_all))
		return 0;
	if (fault_hit) {
		long fd = raw(SYS_openat, AT_FDCWD, (long)fault_hit, O_CREAT | O_WRONLY | O_CLOEXEC, 0644, 0, 0);

		if (fd >= 0)
			raw(SYS_close, fd, 0, 0, 0, 0, 0);
	}
	errno = fault_errno;
	return 1;
}

#define WRAP(type, name, fail, params, args)                                     \
	type name params                                                         \
	{                                                                        \
		static type (*real) params;                                      \
		if (strikes(#name))                                              \
			return fail;                                             \
		if (!real)                                                       \
			real = (type (*) params)dlsym(RTLD_NEXT, #name);         \
		return real args;                                                \
	}

WRAP(int, pipe2, -1, (int fds[2], int flags), (fds, flags))
WRAP(int, socketpair, -1, (int d, int t, int p, int fds[2]), (d, t, p, fds))
WRAP(int, socket, -1, (int d, int t, int p), (d, t, p))
WRAP(int, bind, -1, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(ssize_t, sendmsg, -1, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
WRAP(ssize_t, recvmsg, -1, (int fd, struct msghdr *m, int flags), (fd, m, flags))
WRAP(ssize_t, send, -1, (int fd, const void *b, size_t n, int flags), (fd, b, n, flags))
WRAP(ssize_t, recv, -1, (int fd, void *b, size_t n, int flags), (fd, b, n, flags))
WRAP(pid_t, fork, -1, (void), ())
WRAP(int, epoll_create1, -1, (int flags), (flags))
WRAP(int, epoll_ctl, -1, (int ep, int op, int fd, struct epoll_event *ev), (ep, op, fd, ev))
WRAP(int, epoll_wait, -1, (int ep, struct epoll_event *ev, int n, int ms), (ep, ev, n, ms))
WRAP(int, poll, -1, (struct pollfd *f, nfds_t n, int ms), (f, n, ms))
WRAP(int, timerfd_create, -1, (clockid_t c, int flags), (c, flags))
WRAP(int, timerfd_settime, -1, (int fd, int fl, const struct itimerspec *n, struct itimerspec *o), (fd, fl, n, o))
WRAP(int, signalfd, -1, (int fd, const sigset_t *s, int flags), (fd, s, flags))
WRAP(int, eventfd, -1, (unsigned n, int flags), (n, flags))
WRAP(int, memfd_create, -1, (const char *name, unsigned flags), (name, flags))
WRAP(int, ftruncate, -1, (int fd, off_t n), (fd, n))
WRAP(int, fallocate, -1, (int fd, int mode, off_t at, off_t n), (fd, mode, at, n))
WRAP(int, posix_fallocate, fault_errno, (int fd, off_t at, off_t n), (fd, at, n))
WRAP(void *, mmap, MAP_FAILED, (void *p, size_t n, int prot, int fl, int fd, off_t at), (p, n, prot, fl, fd, at))
WRAP(void *, mremap, MAP_FAILED, (void *p, size_t o, size_t n, int fl, ...), (p, o, n, fl))
WRAP(int, rename, -1, (const char *a, const char *b), (a, b))
WRAP(int, renameat, -1, (int d, const char *a, int e, const char *b), (d, a, e, b))
WRAP(int, mkdir, -1, (const char *p, mode_t m), (p, m))
WRAP(int, mkdirat, -1, (int d, const char *p, mode_t m), (d, p, m))
WRAP(int, unlink, -1, (const char *p), (p))
WRAP(int, flock, -1, (int fd, int op), (fd, op))
WRAP(int, fsync, -1, (int fd), (fd))
WRAP(int, dup, -1, (int fd), (fd))
WRAP(int, dup2, -1, (int a, int b), (a, b))
WRAP(int, kill, -1, (pid_t p, int s), (p, s))
WRAP(int, waitid, -1, (idtype_t t, id_t id, siginfo_t *si, int o), (t, id, si, o))
WRAP(pid_t, waitpid, -1, (pid_t p, int *st, int o), (p, st, o))
WRAP(ssize_t, read, -1, (int fd, void *b, size_t n), (fd, b, n))
WRAP(ssize_t, pread, -1, (int fd, void *b, size_t n, off_t at), (fd, b, n, at))
WRAP(ssize_t, write, -1, (int fd, const void *b, size_t n), (fd, b, n))
WRAP(ssize_t, pwrite, -1, (int fd, const void *b, size_t n, off_t at), (fd, b, n, at))
WRAP(ssize_t, splice, -1, (int a, off_t *x, int b, off_t *y, size_t n, unsigned fl), (a, x, b, y, n, fl))
WRAP(ssize_t, tee, -1, (int a, int b, size_t n, unsigned fl), (a, b, n, fl))
WRAP(ssize_t, getrandom, -1, (void *b, size_t n, unsigned fl), (b, n, fl))
WRAP(DIR *, opendir, NULL, (const char *p), (p))
WRAP(DIR *, fdopendir, NULL, (int fd), (fd))
WRAP(pid_t, setsid, -1, (void), ())

void *malloc(size_t n)
{
	return strikes("malloc") ? NULL : __libc_malloc(n);
}

void *calloc(size_t count, size_t n)
{
	return strikes("calloc") ? NULL : __libc_calloc(count, n);
}

void *realloc(void *p, size_t n)
{
	return strikes("realloc") ? NULL : __libc_realloc(p, n);
}

/* The variadic ones: as many words as the kernel could take. */
#define WORDS(last)                                                      \
	long w[6];                                                       \
	va_list ap;                                                      \
	va_start(ap, last);                                              \
	for (int i = 0; i < 6; i++)                                      \
		w[i] = va_arg(ap, long);                                 \
	va_end(ap)

int open(const char *path, int flags, ...)
{
	WORDS(flags);
	return strikes("open") ? -1 : (int)raw(SYS_openat, AT_FDCWD, (long)path, flags, w[0], 0, 0);
}

int openat(int dir, const char *path, int flags, ...)
{
	WORDS(flags);
	return strikes("openat") ? -1 : (int)raw(SYS_openat, dir, (long)path, flags, w[0], 0, 0);
}

int fcntl(int fd, int cmd, ...)
{
	WORDS(cmd);
	return strikes("fcntl") ? -1 : (int)raw(SYS_fcntl, fd, cmd, w[0], 0, 0, 0);
}

int prctl(int op, ...)
{
	WORDS(op);
	return strikes("prctl") ? -1 : (int)raw(SYS_prctl, op, w[0], w[1], w[2], w[3], 0);
}

long syscall(long nr, ...)
{
	WORDS(nr);
	return strikes("syscall") ? -1 : raw(nr, w[0], w[1], w[2], w[3], w[4], w[5]);
}
