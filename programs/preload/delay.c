/* SPDX-License-Identifier: Apache-2.0 */
/* delay.c - preloaded into the programs that `repro` runs: delays calls at which an order is decided, so that
 * narrow windows become wide. No result, errno or output changes; a delay is a sleep before the
 * call (after an unlock: behind it), by a raw system call: async-signal-safe and no cancellation point.
 *
 * SR_DELAY="seed=HEX,us=N,ppm=N,victims=N,thread=N,early=N,groups=HEX,state=PATH" in the environment arms it:
 *   us       the longest delay; one of a quarter to the whole of it
 *   ppm      calls of a million that are delayed
 *   victims  percentage of threads that are delayed at all
 *   thread   only the one that was the Nth of the tree to make any call of these; 0: victims says
 *   from     a thread's first calls, so many, are not delayed
 *   early    1: the probability falls with the calls that the thread has made (DELAY_EARLY)
 *   groups   bits of enum delay_group: the kinds of calls that are delayed
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
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define FAST_TLS __attribute__((tls_model("initial-exec")))

static bool armed;
static uint64_t seed;
static int64_t longest_us;
static uint32_t ppm, victims_percent, only_thread, from_call, groups;
static bool early;
static struct delay_state *state;
static __thread uint64_t generator FAST_TLS;
static __thread bool known FAST_TLS, victim FAST_TLS;
static __thread uint32_t seen[DELAY_GROUP_COUNT] FAST_TLS; /* calls of this thread */
static __thread uint32_t my_number FAST_TLS, made FAST_TLS;   /* which of the tree it is, from 1; its calls */

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
	my_number = __atomic_add_fetch(&state->threads, 1, __ATOMIC_RELAXED);
	/* the same thread of the tree, as far as their order repeats */
	generator = seed ^ ((uint64_t)my_number << 32);
	known = true;
	made = 0;
	victim = next(&generator) % 100 < victims_percent;
	if (only_thread)
		victim = my_number == only_thread;
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

static int64_t now_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t); /* no system call: the vDSO */
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The sum of all delays stays within the budget, whoever asks at once. */
static bool spend(int64_t us)
{
	if (__atomic_add_fetch(&state->added_us, us, __ATOMIC_RELAXED) <= state->budget_us)
		return true;
	__atomic_sub_fetch(&state->added_us, us, __ATOMIC_RELAXED);
	return false;
}

/* A sleep of a microsecond takes some fifty more, and on a busy machine milliseconds: those count too. */
static void sleep_and_count(int64_t us, int64_t begin_ns)
{
	int64_t took_us;

	sleep_us(us);
	took_us = (now_ns() - begin_ns) / 1000;
	__atomic_add_fetch(&state->delays, 1, __ATOMIC_RELAXED);
	if (took_us > us)
		__atomic_add_fetch(&state->added_us, took_us - us, __ATOMIC_RELAXED);
}

static void delay(enum delay_group group)
{
	int64_t us, begin_ns;
	uint64_t weight;

	if (!armed)
		return;
	if (!known)
		meet_thread();
	weight = DELAY_EARLY(seen[group]++);
	__atomic_add_fetch(&state->calls[group], 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&state->early[group], weight, __ATOMIC_RELAXED);
	made++;
	if (my_number <= DELAY_THREADS_MAX)
		__atomic_store_n(&state->made[my_number - 1], made, __ATOMIC_RELAXED);
	if (!(groups & 1u << group) || !victim || made <= from_call)
		return;
	if (next(&generator) % 1000000 >= (early ? ppm * weight / 1000 : ppm))
		return;
	us = longest_us / 4 + (int64_t)(next(&generator) % (uint64_t)(longest_us - longest_us / 4 + 1));
	begin_ns = now_ns();
	if (us > 0 && begin_ns < state->quiet_from_ns && spend(us))
		sleep_and_count(us, begin_ns);
}

/* ---- the calls that are wrapped ---- */

struct lookup {
	void **real;
	const char *name;
};
extern const struct lookup __start_delay_calls[], __stop_delay_calls[];

/* The conditions of today, not those of 1999, whichever of the two dlsym finds; musl has neither versions nor dlvsym. */
static void look_up(const struct lookup *l)
{
	void *found = NULL;

#if defined(__GLIBC__)
	if (strncmp(l->name, "pthread_cond_", strlen("pthread_cond_")) == 0)
#if defined(__x86_64__)
		found = dlvsym(RTLD_NEXT, l->name, "GLIBC_2.3.2");
#else
		found = dlvsym(RTLD_NEXT, l->name, "GLIBC_2.17");
#endif
#endif
	if (!found)
		found = dlsym(RTLD_NEXT, l->name);
	__atomic_store_n(l->real, found, __ATOMIC_RELAXED);
}

/* ---- arming ---- */

static struct delay_process *process_of(int32_t pid)
{
	uint32_t n = __atomic_load_n(&state->processes, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < n && i < DELAY_PROCESSES_MAX; i++)
		if (__atomic_load_n(&state->process[i].pid, __ATOMIC_RELAXED) == pid)
			return &state->process[i];
	n = __atomic_fetch_add(&state->processes, 1, __ATOMIC_RELAXED);
	if (n >= DELAY_PROCESSES_MAX)
		return NULL;
	__atomic_store_n(&state->process[n].pid, pid, __ATOMIC_RELAXED);
	return &state->process[n];
}

static void mark_process(int32_t loaded)
{
	struct delay_process *p = process_of((int32_t)getpid());

	if (p)
		__atomic_store_n(&p->loaded, loaded, __ATOMIC_RELAXED);
}

/* It becomes another program, which says so itself where it loads the library, too. */
static void leave_process(const char *path)
{
	uint32_t n;

	if (!armed)
		return;
	mark_process(0);
	n = __atomic_fetch_add(&state->execs, 1, __ATOMIC_RELAXED);
	if (n >= DELAY_EXECS_MAX)
		return;
	state->exec[n].pid = (int32_t)getpid();
	for (size_t i = 0; path[i] && i + 1 < DELAY_PATH_SIZE; i++)
		state->exec[n].path[i] = path[i];
}

/* The other program could not be run. */
static void stay(void)
{
	int before_errno = errno;

	if (armed)
		mark_process(1);
	errno = before_errno;
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

	for (const struct lookup *l = __start_delay_calls; l != __stop_delay_calls; l++)
		look_up(l);
	if (!text || is_ours())
		return;
	seed = strtoull(value_of(text, "seed"), NULL, 16);
	longest_us = strtoll(value_of(text, "us"), NULL, 10);
	ppm = (uint32_t)strtoul(value_of(text, "ppm"), NULL, 10);
	victims_percent = (uint32_t)strtoul(value_of(text, "victims"), NULL, 10);
	only_thread = (uint32_t)strtoul(value_of(text, "thread"), NULL, 10);
	from_call = (uint32_t)strtoul(value_of(text, "from"), NULL, 10);
	early = *value_of(text, "early") == '1';
	groups = (uint32_t)strtoul(value_of(text, "groups"), NULL, 16);
	fd = open(value_of(text, "state"), O_RDWR | O_CLOEXEC | O_NOFOLLOW); /* the path is last */
	if (fd < 0)
		return;
	state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (state == MAP_FAILED || state->magic != DELAY_MAGIC)
		return;
	mark_process(1);
	armed = longest_us > 0;
}

/* ---- the calls ---- */

/* The constructor finds them all, since dlsym is not async-signal-safe; calls may come before it, from another
 * library's constructor, and find theirs then. */
#define REAL(name)                                                                                             \
	static __typeof__(name) *real_##name;                                                                  \
	static const struct lookup lookup_##name __attribute__((used, section("delay_calls"))) = {             \
		(void **)&real_##name, #name                                                                   \
	};                                                                                                     \
	static inline __typeof__(name) *find_##name(void)                                                      \
	{                                                                                                      \
		int before = errno;                                                                            \
                                                                                                               \
		if (!real_##name)                                                                              \
			look_up(&lookup_##name);                                                               \
		errno = before;                                                                                \
		return real_##name;                                                                            \
	}

#define WRAP(group, type, name, params, args)                                                                         \
	REAL(name)                                                                                             \
	EXPORT type name params                                                                                \
	{                                                                                                      \
		__typeof__(name) *real = find_##name();                                                        \
                                                                                                               \
		delay(DELAY_##group);                                                                                       \
		return real args;                                                                              \
	}

/* After the call: the window is between giving something away and what comes next. */
#define WRAP_AFTER(group, type, name, params, args)                                                                   \
	REAL(name)                                                                                             \
	EXPORT type name params                                                                                \
	{                                                                                                      \
		__typeof__(name) *real = find_##name();                                                        \
		type result = real args;                                                                       \
		int before_errno = errno;                                                                      \
                                                                                                               \
		delay(DELAY_##group);                                                                                       \
		errno = before_errno;                                                                          \
		return result;                                                                                 \
	}

WRAP(MUTEX, int, pthread_mutex_lock, (pthread_mutex_t *m), (m))
WRAP(MUTEX, int, pthread_mutex_timedlock, (pthread_mutex_t *m, const struct timespec *t), (m, t))
WRAP_AFTER(MUTEX, int, pthread_mutex_unlock, (pthread_mutex_t *m), (m))
WRAP(MUTEX, int, pthread_rwlock_rdlock, (pthread_rwlock_t *l), (l))
WRAP(MUTEX, int, pthread_rwlock_wrlock, (pthread_rwlock_t *l), (l))
WRAP_AFTER(MUTEX, int, pthread_rwlock_unlock, (pthread_rwlock_t *l), (l))
WRAP(MUTEX, int, pthread_mutex_trylock, (pthread_mutex_t *m), (m))
WRAP(MUTEX, int, pthread_rwlock_tryrdlock, (pthread_rwlock_t *l), (l))
WRAP(MUTEX, int, pthread_rwlock_trywrlock, (pthread_rwlock_t *l), (l))
WRAP(SEM, int, sem_wait, (sem_t *s), (s))
WRAP(SEM, int, sem_trywait, (sem_t *s), (s))
WRAP(SEM, int, sem_timedwait, (sem_t *s, const struct timespec *t), (s, t))
WRAP(SEM, int, sem_post, (sem_t *s), (s))
WRAP(THREAD, int, pthread_join, (pthread_t t, void **result), (t, result))
WRAP(MUTEX, int, pthread_barrier_wait, (pthread_barrier_t *b), (b))

WRAP(COND, int, pthread_cond_wait, (pthread_cond_t *c, pthread_mutex_t *m), (c, m))
WRAP(COND, int, pthread_cond_timedwait, (pthread_cond_t *c, pthread_mutex_t *m, const struct timespec *t), (c, m, t))
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 30)
WRAP(MUTEX, int, pthread_mutex_clocklock, (pthread_mutex_t *m, clockid_t c, const struct timespec *t), (m, c, t))
WRAP(SEM, int, sem_clockwait, (sem_t *s, clockid_t c, const struct timespec *t), (s, c, t))
WRAP(COND, int, pthread_cond_clockwait, (pthread_cond_t *c, pthread_mutex_t *m, clockid_t k, const struct timespec *t),
     (c, m, k, t))
#endif
WRAP(COND, int, pthread_cond_signal, (pthread_cond_t *c), (c))
WRAP(COND, int, pthread_cond_broadcast, (pthread_cond_t *c), (c))

struct start {
	void *(*run)(void *);
	void *arg;
};

static void *thread_begins(void *p)
{
	struct start s = *(struct start *)p;

	free(p);
	delay(DELAY_THREAD);
	return s.run(s.arg);
}

REAL(pthread_create)
EXPORT int pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	__typeof__(pthread_create) *real = find_pthread_create();
	struct start *s = armed ? malloc(sizeof(*s)) : NULL;
	int rc;

	if (!s)
		return real(t, attr, run, arg);
	*s = (struct start){ run, arg };
	rc = real(t, attr, thread_begins, s);
	if (rc != 0)
		free(s);
	delay(DELAY_THREAD);
	return rc;
}

REAL(pthread_exit)
EXPORT __attribute__((noreturn)) void pthread_exit(void *result)
{
	__typeof__(pthread_exit) *real = find_pthread_exit();

	delay(DELAY_THREAD);
	real(result);
	__builtin_unreachable();
}

REAL(fork)
EXPORT pid_t fork(void)
{
	__typeof__(fork) *real = find_fork();
	int before_errno;
	pid_t pid;

	delay(DELAY_PROCESS);
	pid = real();
	if (pid == 0 && state && state != MAP_FAILED && armed) {
		mark_process(1);
		known = false;
	}
	before_errno = errno;
	delay(DELAY_PROCESS);
	errno = before_errno;
	return pid;
}

#define WRAP_EXEC(name, params, args)                                                                          \
	REAL(name)                                                                                             \
	EXPORT int name params                                                                                 \
	{                                                                                                      \
		__typeof__(name) *real = find_##name();                                                        \
		int result;                                                                                    \
                                                                                                               \
		leave_process(path);                                                                           \
		delay(DELAY_PROCESS);                                                                          \
		result = real args;                                                                            \
		stay();                                                                                        \
		return result;                                                                                 \
	}

WRAP_EXEC(execv, (const char *path, char *const argv[]), (path, argv))
WRAP_EXEC(execvp, (const char *path, char *const argv[]), (path, argv))
WRAP_EXEC(execvpe, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp))
WRAP_EXEC(execve, (const char *path, char *const argv[], char *const envp[]), (path, argv, envp))
WRAP(PROCESS, pid_t, wait, (int *status), (status))
WRAP(PROCESS, pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
WRAP(PROCESS, pid_t, wait4, (pid_t pid, int *status, int options, struct rusage *usage), (pid, status, options, usage))
WRAP(PROCESS, int, waitid, (idtype_t type, id_t id, siginfo_t *info, int options), (type, id, info, options))
WRAP(IO, ssize_t, read, (int fd, void *p, size_t n), (fd, p, n))
WRAP(IO, ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n))
WRAP(IO, ssize_t, recv, (int fd, void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(IO, ssize_t, send, (int fd, const void *p, size_t n, int flags), (fd, p, n, flags))
WRAP(IO, ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags))
WRAP(IO, ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags))
WRAP(IO, int, connect, (int fd, const struct sockaddr *a, socklen_t n), (fd, a, n))
WRAP(IO, int, accept, (int fd, struct sockaddr *restrict a, socklen_t *restrict n), (fd, a, n))
WRAP(IO, int, accept4, (int fd, struct sockaddr *restrict a, socklen_t *restrict n, int flags), (fd, a, n, flags))
WRAP(POLL, int, poll, (struct pollfd *fds, nfds_t n, int timeout), (fds, n, timeout))
WRAP(POLL, int, ppoll, (struct pollfd *fds, nfds_t n, const struct timespec *t, const sigset_t *mask), (fds, n, t, mask))
WRAP(POLL, int, select, (int n, fd_set *restrict r, fd_set *restrict w, fd_set *restrict x, struct timeval *restrict t),
     (n, r, w, x, t))
WRAP(POLL, int, pselect,
     (int n, fd_set *restrict r, fd_set *restrict w, fd_set *restrict x, const struct timespec *restrict t,
      const sigset_t *restrict mask),
     (n, r, w, x, t, mask))
WRAP(POLL, int, epoll_wait, (int fd, struct epoll_event *events, int n, int timeout), (fd, events, n, timeout))
WRAP(POLL, int, epoll_pwait, (int fd, struct epoll_event *events, int n, int timeout, const sigset_t *mask),
     (fd, events, n, timeout, mask))
WRAP(IO, ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(IO, ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n))
WRAP(IO, ssize_t, recvfrom,
     (int fd, void *restrict p, size_t n, int flags, struct sockaddr *restrict a, socklen_t *restrict l),
     (fd, p, n, flags, a, l))
WRAP(IO, ssize_t, sendto, (int fd, const void *p, size_t n, int flags, const struct sockaddr *a, socklen_t l),
     (fd, p, n, flags, a, l))
/* A signal that comes between the look at a flag and the wait for it. */
WRAP(SIGNAL, int, kill, (pid_t pid, int number), (pid, number))
WRAP(SIGNAL, int, pause, (void), ())
WRAP(SIGNAL, int, sigsuspend, (const sigset_t *mask), (mask))
WRAP(SIGNAL, int, sigwait, (const sigset_t *restrict set, int *restrict number), (set, number))
WRAP(SIGNAL, int, sigwaitinfo, (const sigset_t *restrict set, siginfo_t *restrict info), (set, info))
WRAP(SIGNAL, int, sigtimedwait, (const sigset_t *restrict set, siginfo_t *restrict info, const struct timespec *restrict t),
     (set, info, t))
/* Names in a folder serve as locks and marks. */
WRAP(FILE, int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(FILE, int, rmdir, (const char *path), (path))
WRAP(FILE, int, rename, (const char *from, const char *to), (from, to))
WRAP(FILE, int, link, (const char *from, const char *to), (from, to))
WRAP(FILE, int, symlink, (const char *to, const char *path), (to, path))
WRAP(FILE, int, unlink, (const char *path), (path))
WRAP(FILE, int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))

/* Files that are made: locks and marks again. */
#define WRAP_OPEN(name, first, args)                                                                           \
	REAL(name)                                                                                             \
	EXPORT int name(first const char *path, int flags, ...)                                                \
	{                                                                                                      \
		__typeof__(name) *real = find_##name();                                                        \
		bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;                            \
		mode_t mode = 0;                                                                               \
		va_list ap;                                                                                    \
                                                                                                               \
		va_start(ap, flags);                                                                           \
		if (makes)                                                                                     \
			mode = va_arg(ap, mode_t);                                                             \
		va_end(ap);                                                                                    \
		if (makes)                                                                                     \
			delay(DELAY_FILE);                                                                     \
		return real args;                                                                              \
	}
#define NOTHING
#define FOLDER int folder,

WRAP_OPEN(open, NOTHING, (path, flags, mode))
WRAP_OPEN(openat, FOLDER, (folder, path, flags, mode))

/* Of its arguments, an int or a pointer, either fits in a long on every machine that we build for. */
#define WRAP_FCNTL(name)                                                                                       \
	REAL(name)                                                                                             \
	EXPORT int name(int fd, int command, ...)                                                              \
	{                                                                                                      \
		__typeof__(name) *real = find_##name();                                                        \
		va_list ap;                                                                                    \
		long arg;                                                                                      \
                                                                                                               \
		va_start(ap, command);                                                                         \
		arg = va_arg(ap, long);                                                                        \
		va_end(ap);                                                                                    \
		if (command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK || command == F_OFD_SETLKW) \
			delay(DELAY_FILE);                                                                     \
		return real(fd, command, arg);                                                                 \
	}

WRAP_FCNTL(fcntl)
/* The names for large files; musl has no others. */
#if defined(__GLIBC__)
WRAP_OPEN(open64, NOTHING, (path, flags, mode))
WRAP_OPEN(openat64, FOLDER, (folder, path, flags, mode))
#if __GLIBC_PREREQ(2, 28)
WRAP_FCNTL(fcntl64)
#endif
WRAP(FILE, int, lockf64, (int fd, int command, off64_t length), (fd, command, length))
#endif

WRAP(FILE, int, flock, (int fd, int operation), (fd, operation))
WRAP(FILE, int, lockf, (int fd, int command, off_t length), (fd, command, length))
WRAP(IO, int, close, (int fd), (fd))

/* Rust's standard library and others make their own futex calls through syscall(2). */
REAL(syscall)
EXPORT long syscall(long number, ...)
{
	__typeof__(syscall) *real = find_syscall();
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (number == SYS_futex)
		delay(DELAY_FUTEX);
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
