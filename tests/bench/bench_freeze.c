/* SPDX-License-Identifier: Apache-2.0 */
/* How long does a micro-stop freeze a thread? Seen by the thread itself, which reads the clock in a loop and keeps the
 * largest gap, and by us, from SEIZE to DETACH. The same window without a stop tells what the machine does to it
 * anyway. BENCH_FREEZE: how many stops (1000). For "a core idle" the thread is put before all ordinary ones where that is
 * allowed: on a machine that others use, too, nothing else than the stop takes its core from it then. It computes in
 * short windows, and sleeps between them, so that nobody starves. */
#include "base/clock.h"
#include "profile/snapshot/snapshot.h"

#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WINDOW_US = 2500, BEFORE_US = 500, BETWEEN_US = 3000, BOUND_MEDIAN_US = 100, BOUND_P99_US = 1000 };

struct seen {
	_Atomic int64_t largest_ns; /* gap in this window */
	_Atomic int ready, window;  /* counted up: compute for one more */
};

static __attribute__((noreturn)) void target(struct seen *seen, bool endless)
{
	int done = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	seen->ready = 1;
	for (;;) {
		int64_t last, end, largest = 0;

		while (seen->window == done && !endless)
			usleep(100);
		done = seen->window;
		last = clock_mono_ns();
		end = last + WINDOW_US * 1000;
		while (last < end) {
			int64_t now = clock_mono_ns();

			if (now - last > largest)
				largest = now - last;
			last = now;
		}
		seen->largest_ns = largest;
		seen->ready = done + 1;
	}
}

static pid_t start(struct seen *seen, bool first, bool endless)
{
	struct sched_param before_all = { .sched_priority = 1 };
	pid_t pid = fork();

	if (pid == 0) {
		if (first)
			sched_setscheduler(0, SCHED_FIFO, &before_all);
		target(seen, endless);
	}
	while (pid > 0 && !seen->ready)
		usleep(100);
	return pid;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static void window_begin(struct seen *seen)
{
	usleep(BETWEEN_US);
	seen->window++;
	usleep(BEFORE_US);
}

static int64_t window_end(struct seen *seen)
{
	while (seen->ready <= seen->window)
		usleep(100);
	return seen->largest_ns;
}

struct result {
	int64_t median, p99;
};

static struct result result_of(int64_t *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), by_size);
	return (struct result){ v[n / 2], v[n - 1 - n / 100] };
}

static void stops(const char *how, bool bounded, int runs, int *beyond)
{
	struct seen *seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int64_t *alone = calloc((size_t)runs, sizeof(*alone)), *stopped = calloc((size_t)runs, sizeof(*stopped)),
		*ours = calloc((size_t)runs, sizeof(*ours));
	pid_t pid = start(seen, bounded, false);
	struct snapshot_options o = { .deadline_ns = clock_mono_ns() + NS_PER_S, .intrusion = INTRUSION_MICRO_STOP };
	struct result a, s, u;
	struct snapshot snap;
	int failed = 0;
	bool good;

	snapshot_capture(&snap, &pid, 1, &o);
	for (int i = 0; i < runs; i++) {
		window_begin(seen);
		alone[i] = window_end(seen);
		window_begin(seen);
		if (snap.process_count != 1 || thread_stop_copy(&snap.processes[0], &snap.processes[0].threads[0], 262144, NULL, &ours[i]) < 0)
			failed++;
		stopped[i] = window_end(seen);
	}
	a = result_of(alone, runs);
	s = result_of(stopped, runs);
	u = result_of(ours, runs);
	good = !bounded || (s.median <= BOUND_MEDIAN_US * 1000 && s.p99 <= BOUND_P99_US * 1000);
	printf("| freeze of a busy thread by a micro-stop, %s: as the thread sees it | median %.0f µs, 99 %% %.0f µs | "
	       "not stopped: %.0f, %.0f µs; by our own clock %.0f, %.0f µs | %d stops, %d failed | %s | %s |\n", how,
	       (double)s.median / 1e3, (double)s.p99 / 1e3, (double)a.median / 1e3, (double)a.p99 / 1e3,
	       (double)u.median / 1e3, (double)u.p99 / 1e3, runs, failed,
	       bounded ? "≤ 100 µs, ≤ 1000 µs" : "none", good ? "ok" : "**beyond**");
	fflush(stdout);
	*beyond |= !good;
	snapshot_release(&snap);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	free(alone);
	free(stopped);
	free(ours);
	munmap(seen, sizeof(*seen));
}

int main(void)
{
	const char *want = getenv("BENCH_FREEZE");
	int runs = want ? atoi(want) : 1000, beyond = 0, burners = (int)sysconf(_SC_NPROCESSORS_ONLN);
	struct seen *unused = mmap(NULL, sizeof(*unused), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t burner[64];

	if (runs < 100)
		runs = 100;
	stops("a core idle", true, runs, &beyond);
	for (int i = 0; i < burners && i < 64; i++) {
		unused->ready = 0;
		burner[i] = start(unused, false, true);
	}
	stops("every core busy", false, runs, &beyond);
	for (int i = 0; i < burners && i < 64; i++) {
		kill(burner[i], SIGKILL);
		waitpid(burner[i], NULL, 0);
	}
	return beyond;
}
