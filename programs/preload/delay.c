/* SPDX-License-Identifier: Apache-2.0 */
/* delay.c - preloaded into the programs that `repro` runs: delays calls at which an order is decided, so that
 * narrow windows become wide. No result, errno or output changes; a delay is a sleep before the
 * call (after an unlock: behind it), by a raw system call: async-signal-safe and no cancellation point.
 *
 * SR_DELAY="seed=HEX,us=N,ppm=N,victims=N,state=PATH" in the environment arms it:
 *   us       the longest delay; one of a quarter to the whole of it
 *   ppm      calls of a million that are delayed
 *   victims  percentage of threads that are delayed at all
 *   state    a file of struct delay_state, shared by the whole tree: the budget of all delays together, and
 *            who was reached
 * spec-runner's own programs are left alone. Programs that are static or setuid never load it. */
#include "runner/repro/delay_state.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define FAST_TLS __attribute__((tls_model("initial-exec")))

static bool armed;
static uint64_t seed;
static int64_t longest_us;
static uint32_t ppm, victims_percent;
static struct delay_state *state;
static uint32_t threads; /* of this process, in the order in which they were first seen */
static __thread uint64_t generator FAST_TLS;
static __thread bool known FAST_TLS, victim FAST_TLS;

/* ---- the delay ---- */

static uint64_t next(uint64_t *g)
{
	uint64_t z = (*g += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void meet_thread(void)
{
	uint32_t n = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);

	/* the same thread of the same process of the tree, as far as these orders repeat */
	generator = seed ^ ((uint64_t)n << 32) ^ ((uint64_t)__atomic_load_n(&state->processes, __ATOMIC_RELAXED) << 48);
	known = true;
	victim = next(&generator) % 100 < victims_percent;
}

static void sleep_us(int64_t us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };
	long rc;

	/* not clock_nanosleep(3): it is a cancellation point */
#if defined(__x86_64__)
	__asm__ volatile("syscall" : "=a"(rc) : "0"((long)SYS_nanosleep), "D"(&t), "S"(0L) : "rcx", "r11", "memory");
#elif defined(__aarch64__)
	register long x8 __asm__("x8") = SYS_nanosleep;
	register long x0 __asm__("x0") = (long)&t;
	register long x1 __asm__("x1") = 0;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1) : "memory");
	rc = x0;
#endif
	(void)rc;
}

/* The sum of all delays stays within the budget, whoever asks at once. */
static bool spend(int64_t us)
{
	if (__atomic_add_fetch(&state->added_us, us, __ATOMIC_RELAXED) <= state->budget_us)
		return true;
	__atomic_sub_fetch(&state->added_us, us, __ATOMIC_RELAXED);
	return false;
}

static void delay(void)
{
	int64_t us;

	if (!armed)
		return;
	__atomic_add_fetch(&state->calls, 1, __ATOMIC_RELAXED);
	if (!known)
		meet_thread();
	if (!victim || next(&generator) % 1000000 >= ppm)
		return;
	us = longest_us / 4 + (int64_t)(next(&generator) % (uint64_t)(longest_us - longest_us / 4 + 1));
	if (us > 0 && spend(us)) {
		__atomic_add_fetch(&state->delays, 1, __ATOMIC_RELAXED);
		sleep_us(us);
	}
}

/* ---- arming ---- */

static void enter_process(void)
{
	uint32_t n = __atomic_fetch_add(&state->processes, 1, __ATOMIC_RELAXED);

	if (n < DELAY_PIDS_MAX)
		__atomic_store_n(&state->pid[n], (int32_t)getpid(), __ATOMIC_RELAXED);
}

static const char *value_of(const char *text, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = text; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (strncmp(p, name, n) == 0 && p[n] == '=')
			return p + n + 1;
	return "";
}

static bool is_ours(void)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	const char *base;

	if (n <= 0)
		return false;
	exe[n] = '\0';
	base = strrchr(exe, '/');
	return base && strncmp(base + 1, "spec-runner", 11) == 0;
}

__attribute__((constructor)) static void arm(void)
{
	const char *text = getenv("SR_DELAY");
	int fd;

	if (!text || is_ours())
		return;
	seed = strtoull(value_of(text, "seed"), NULL, 16);
	longest_us = strtoll(value_of(text, "us"), NULL, 10);
	ppm = (uint32_t)strtoul(value_of(text, "ppm"), NULL, 10);
	victims_percent = (uint32_t)strtoul(value_of(text, "victims"), NULL, 10);
	fd = open(value_of(text, "state"), O_RDWR | O_CLOEXEC | O_NOFOLLOW); /* the path is last */
	if (fd < 0)
		return;
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (state == MAP_FAILED || state->magic != DELAY_MAGIC)
		return;
	enter_process();
	armed = longest_us > 0;
}

/* ---- the calls ---- */

/* Calls may come before our constructor: found when first needed. */
#define FIND(name)                                                                                             \
	static __typeof__(name) *real;                                                                         \
	int before_errno = errno;                                                                              \
	if (!real)                                                                                             \
		*(void **)&real = dlsym(RTLD_NEXT, #name);                                                     \
	errno = before_errno

#define WRAP(type, name, params, args)                                                                         \
	EXPORT type name params                                                                                \
	{                                                                                                      \
		FIND(name);                                                                                    \
		delay();                                                                                       \
		return real args;                                                                              \
	}

/* After the call: the window is between giving something away and what comes next. */
#define WRAP_AFTER(type, name, params, args)                                                                   \
	EXPORT type name params                                                                                \
	{                                                                                                      \
		FIND(name);                                                                                    \
		type result = real args;                                                                       \
		before_errno = errno;                                                                          \
		delay();                                                                                       \
		errno = before_errno;                                                                          \
		return result;                                                                                 \
	}

WRAP(int, pthread_mutex_lock, (pthread_mutex_t *m), (m))
WRAP(int, pthread_mutex_timedlock, (pthread_mutex_t *m, const struct timespec *t), (m, t))
WRAP_AFTER(int, pthread_mutex_unlock, (pthread_mutex_t *m), (m))
WRAP(int, pthread_rwlock_rdlock, (pthread_rwlock_t *l), (l))
WRAP(int, pthread_rwlock_wrlock, (pthread_rwlock_t *l), (l))
WRAP_AFTER(int, pthread_rwlock_unlock, (pthread_rwlock_t *l), (l))
WRAP(int, sem_wait, (sem_t *s), (s))
WRAP(int, sem_post, (sem_t *s), (s))
WRAP(int, pthread_join, (pthread_t t, void **result), (t, result))
WRAP(int, pthread_barrier_wait, (pthread_barrier_t *b), (b))

/* dlsym finds the oldest of two versions; the conditions of today are not those of 1999. */
#if defined(__x86_64__)
#define COND_VERSION "GLIBC_2.3.2"
#else
#define COND_VERSION "GLIBC_2.17"
#endif
/* musl has neither versions nor dlvsym. */
#if defined(__GLIBC__)
#define COND_SYMBOL(name) dlvsym(RTLD_NEXT, name, COND_VERSION)
#else
#define COND_SYMBOL(name) NULL
#endif
#define WRAP_COND(name, params, args)                                                                          \
	EXPORT int name params                                                                                 \
	{                                                                                                      \
		static __typeof__(name) *real;                                                                 \
                                                                                                               \
		if (!real)                                                                                     \
			*(void **)&real = COND_SYMBOL(#name);                                                  \
		if (!real)                                                                                     \
			*(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
		delay();                                                                                       \
		return real args;                                                                              \
	}

WRAP_COND(pthread_cond_wait, (pthread_cond_t *c, pthread_mutex_t *m), (c, m))
WRAP_COND(pthread_cond_timedwait, (pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t), (c, m, t))
WRAP_COND(pthread_cond_signal, (pthread_cond_t *c), (c))
WRAP_COND(pthread_cond_broadcast, (pthread_cond_t *c), (c))

struct start {
	void *(*run)(void *);
	void *arg;
};

static void *thread_begins(void *p)
{
	struct start s = *(struct start *)p;

	free(p);
	delay();
	return s.run(s.arg);
}

EXPORT int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	FIND(pthread_create);
	struct start *s = armed ? malloc(sizeof(*s)) : NULL;
	int rc;

	if (!s)
		return real(t, attr, run, arg);
	*s = (struct start){ run, arg };
	rc = real(t, attr, thread_begins, s);
	if (rc != 0)
		free(s);
	delay();
	return rc;
}

EXPORT __attribute__((noreturn)) void pthread_exit(void *result)
{
	static void (*real)(void *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_exit");
	delay();
	real(result);
	__builtin_unreachable();
}

EXPORT pid_t fork(void)
{
	FIND(fork);
	pid_t pid;

	delay();
	pid = real();
	if (pid == 0 && state && state != MAP_FAILED && armed) {
		enter_process();
		known = false;
	}
	before_errno = errno;
	delay();
	errno = before_errno;
	return pid;
}

WRAP(int, execve, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp))
WRAP(pid_t, wait, (int *status), (status))
WRAP(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
WRAP(pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage), (pid, status, options, usage))
WRAP(int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options), (type, id, info, options))
WRAP(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
WRAP(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
WRAP(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
WRAP(int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(int, accept, (int fd, struct sockaddr *restrict a, socklen_t *restrict n), (fd, a, n))
WRAP(int, accept4, (int fd, struct sockaddr *restrict a, socklen_t *restrict n, int flags), (fd, a, n, flags))
WRAP(int, poll, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout))
WRAP(int, flock, (int fd, int operation), (fd, operation))
WRAP(int, lockf, (int fd, int command, off_t length), (fd, command, length))
WRAP(int, close, (int fd), (fd))

/* Rust's standard library and others make their own futex calls through syscall(2). */
EXPORT long syscall(long number, ...)
{
	static long (*real)(long, ...);
	long a[6];
	va_list ap;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_futex)
		delay();
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
