/* SPDX-License-Identifier: Apache-2.0 */
/* slow_read.c - see slow_read.h. One thread reads; where it hangs it is left behind and another takes its place. */
#include "profile/proc/slow_read.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

enum { READER_STACK_BYTES = 128 << 10, HOLDERS_TOLD = 4, HOLDER_THREADS_MAX = 512 };
/* At most, where the thread waits for a processor instead of a lock. */
#define STARVED_PATIENCE_NS (2000 * NS_PER_MS)

/* A thread and the read that it does. Whoever leaves last frees it. */
struct reader {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pid_t tid, pid;
	char file[16];
	size_t max;
	char *buf;
	ssize_t n;
	int error;
	bool asked, answered, left; /* left: nobody waits for it any more */
};

static struct {
	pthread_mutex_t turn;       /* one caller at a time */
	pid_t owner;                /* a fork has none of its parent's threads */
	bool forbidden;
	struct reader *reader;      /* NULL: none yet, or the last one hangs */
	struct proc_stuck stuck[PROC_STUCK_MAX];
	struct reader *hangs[PROC_STUCK_MAX]; /* NULL: of a parent of ours */
	size_t n_stuck, n_told;
} pool = { .turn = PTHREAD_MUTEX_INITIALIZER };

static void reader_free(struct reader *r)
{
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->changed);
	free(r->buf);
	free(r);
}

/* Whole, in a buffer that grows: neither the size nor the end of such a file is known before. */
static void reader_read(struct reader *r)
{
	size_t cap = 0;
	char path[64];
	auto_close int fd = -1;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)r->pid, r->file);
	r->n = 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	do {
		if ((size_t)r->n + 1 >= cap) {
			cap = cap ? cap * 2 : 4096;
			cap = cap < r->max + 1 ? cap : r->max + 1;
			r->buf = xrealloc(r->buf, cap);
		}
		got = fd < 0 ? -1 : read(fd, r->buf + r->n, cap - 1 - (size_t)r->n);
		r->n += got > 0 ? got : 0;
	} while ((got > 0 && (size_t)r->n < r->max) || (got < 0 && errno == EINTR));
	r->error = errno;
	r->buf[r->n] = '\0';
	if (got < 0)
		r->n = -1;
}

static void *reader_thread(void *arg)
{
	struct reader *r = arg;
	bool left;

	pthread_mutex_lock(&r->lock);
	r->tid = (pid_t)syscall(SYS_gettid);
	do {
		while (!r->asked)
			pthread_cond_wait(&r->changed, &r->lock);
		pthread_mutex_unlock(&r->lock);
		reader_read(r);
		pthread_mutex_lock(&r->lock);
		r->asked = false;
		r->answered = true;
		pthread_cond_signal(&r->changed);
		left = r->left;
	} while (!left);
	pthread_mutex_unlock(&r->lock);
	return NULL; /* freed by the next call that finds it answered (pool_forget_answered) */
}

static struct reader *reader_new(void)
{
	struct reader *r = xcalloc(1, sizeof(*r));
	pthread_condattr_t mono;
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, was;
	int failed;

	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &mono);
	pthread_condattr_destroy(&mono);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, READER_STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was); /* no signal of ours may be taken by it */
	failed = pthread_create(&thread, &attr, reader_thread, r);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	pthread_attr_destroy(&attr);
	if (!failed)
		return r;
	reader_free(r);
	return NULL;
}

static bool wait_answer(struct reader *r, int64_t until_ns)
{
	struct timespec ts = { until_ns / NS_PER_S, until_ns % NS_PER_S };

	while (!r->answered)
		if (pthread_cond_timedwait(&r->changed, &r->lock, &ts) == ETIMEDOUT)
			break;
	return r->answered;
}

/* Does it wait for a processor, or was it never given one? Then it is no fault of the process that it reads. */
static bool reader_is_starved(const struct reader *r)
{
	struct proc_stat st;

	return !r->tid || proc_thread_stat_read(getpid(), r->tid, &st) < 0 || st.state == 'R';
}

static bool reader_ask(struct reader *r, pid_t pid, const char *file, size_t max, int64_t now_ns)
{
	/* with each that hangs less: all of them together must not hold up whoever asks */
	int64_t patience = PROC_SLOW_PATIENCE_NS >> pool.n_stuck, until = now_ns + patience;
	bool answered;

	pthread_mutex_lock(&r->lock);
	r->pid = pid;
	snprintf(r->file, sizeof(r->file), "%s", file);
	r->max = max;
	r->asked = true;
	r->answered = false;
	pthread_cond_signal(&r->changed);
	while (!(answered = wait_answer(r, until)) && until - now_ns < STARVED_PATIENCE_NS && reader_is_starved(r))
		until += patience;
	r->left = !answered;
	pthread_mutex_unlock(&r->lock);
	return answered;
}

/* Those of its threads that wait in the kernel for something else than its memory's lock: one of them holds it. */
static void holder_text(pid_t pid, char *out, size_t size)
{
	auto_pid_list tids = PID_LIST_INIT;
	size_t n = 0;
	int told = 0;

	out[0] = '\0';
	proc_threads(pid, &tids);
	for (size_t i = 0; i < tids.n && i < HOLDER_THREADS_MAX && told < HOLDERS_TOLD; i++) {
		char wchan[64];

		proc_wchan_read(pid, tids.v[i], wchan, sizeof(wchan));
		if (!wchan[0] || strstr(wchan, "rwsem") || strstr(wchan, "mmap_lock") || strstr(wchan, "futex"))
			continue;
		n += (size_t)snprintf(out + n, size - n, "%s%d in %s", told++ ? ", " : "", (int)tids.v[i], wchan);
		if (n >= size)
			return;
	}
}

static void pool_remember(pid_t pid, const char *file, int64_t since_ns)
{
	struct proc_stuck *s = &pool.stuck[pool.n_stuck];
	struct proc_stat st;

	*s = (struct proc_stuck){ .pid = pid, .since_ns = since_ns };
	if (proc_stat_read(pid, &st) == 0) {
		s->start_ticks = st.start_ticks;
		memcpy(s->comm, st.comm, sizeof(s->comm));
	}
	snprintf(s->file, sizeof(s->file), "%s", file);
	holder_text(pid, s->holder, sizeof(s->holder));
	pool.hangs[pool.n_stuck++] = pool.reader;
	pool.reader = NULL;
}

static bool reader_is_done(struct reader *r)
{
	bool done;

	pthread_mutex_lock(&r->lock);
	done = r->answered;
	pthread_mutex_unlock(&r->lock);
	return done;
}

/* Frees the readers that came back after all: their processes are asked again. */
static void pool_forget_answered(void)
{
	size_t kept = 0, told = pool.n_told;

	for (size_t i = 0; i < pool.n_stuck; i++) {
		struct proc_stat st;
		bool gone = pool.hangs[i] ? reader_is_done(pool.hangs[i]) :
			proc_stat_read(pool.stuck[i].pid, &st) < 0 || st.start_ticks != pool.stuck[i].start_ticks;

		if (gone && i < told) {
			if (pool.hangs[i])
				reader_free(pool.hangs[i]);
			pool.n_told--;
			continue;
		}
		pool.stuck[kept] = pool.stuck[i];
		pool.hangs[kept++] = pool.hangs[i];
	}
	pool.n_stuck = kept;
}

/* After a fork none of the threads is there; what they found out is. */
static void pool_enter(void)
{
	pid_t self = getpid();

	if (pool.owner != self) {
		pool.owner = self;
		pthread_mutex_init(&pool.turn, NULL);
		pool.reader = NULL;
		memset(pool.hangs, 0, sizeof(pool.hangs));
	}
	pthread_mutex_lock(&pool.turn);
	if (pool.n_stuck)
		pool_forget_answered();
}

static bool pool_is_stuck(pid_t pid)
{
	struct proc_stat st;

	for (size_t i = 0; i < pool.n_stuck; i++)
		if (pool.stuck[i].pid == pid)
			return proc_stat_read(pid, &st) == 0 && st.start_ticks == pool.stuck[i].start_ticks;
	return false;
}

static ssize_t pool_read(pid_t pid, const char *name, size_t max, char **out)
{
	int64_t now = clock_mono_ns();

	if (pool_is_stuck(pid)) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (!pool.reader && !pool.forbidden && pool.n_stuck < PROC_STUCK_MAX)
		pool.reader = reader_new();
	if (!pool.reader || pool.forbidden) {
		errno = EAGAIN;
		return -1;
	}
	if (!reader_ask(pool.reader, pid, name, max, now)) {
		pool_remember(pid, name, now);
		errno = ETIMEDOUT;
		return -1;
	}
	if (pool.reader->n < 0) {
		errno = pool.reader->error;
		return -1;
	}
	*out = ptr_steal(&pool.reader->buf);
	return pool.reader->n;
}

ssize_t proc_slow_read(pid_t pid, const char *name, size_t max, char **out)
{
	ssize_t n;
	int error;

	*out = NULL;
	pool_enter();
	n = pool_read(pid, name, max, out);
	error = errno;
	pthread_mutex_unlock(&pool.turn);
	errno = error;
	return n;
}

int proc_argv_read(pid_t pid, struct strv *out)
{
	auto_free char *buf = NULL;
	ssize_t n = proc_slow_read(pid, "cmdline", PROC_ARGV_MAX, &buf);

	if (n < 0)
		return errno == ETIMEDOUT || errno == EAGAIN ? -1 : proc_gone(pid);
	proc_argv_split(buf, (size_t)n, out);
	return 0;
}

void proc_slow_forbid(void)
{
	pool.forbidden = true;
}

size_t proc_stuck_new(struct proc_stuck *out, size_t max)
{
	size_t n = 0;

	if (!pool.n_stuck)
		return 0;
	pool_enter();
	while (pool.n_told < pool.n_stuck && n < max)
		out[n++] = pool.stuck[pool.n_told++];
	pthread_mutex_unlock(&pool.turn);
	return n;
}

bool proc_is_stuck(pid_t pid)
{
	bool is;

	if (!pool.n_stuck)
		return false;
	pool_enter();
	is = pool_is_stuck(pid);
	pthread_mutex_unlock(&pool.turn);
	return is;
}
