/* SPDX-License-Identifier: Apache-2.0 */
/* bench_start.c - what supervising costs a command that does nothing: `run -- true` against
 * `timeout 60 true`, alternating, so that both see the same machine. Medians; artifacts on tmpfs
 * where there is one. Prints rows of the benchmark table; exit 1 beyond a bound. The ratio of CPU times is printed as well: on
 * a machine with other work to do it is the steadier of the two.
 * BENCH_START_RUNS: how many of each (200). */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int64_t ns_of(struct timeval t)
{
	return t.tv_sec * INT64_C(1000000000) + t.tv_usec * INT64_C(1000);
}

/* The time from its start to its end. *cpu_ns: what it and its children computed. */
static int64_t spawn_and_wait(const char *const argv[], int64_t *cpu_ns)
{
	posix_spawn_file_actions_t fa;
	int64_t start = now_ns();
	struct rusage used = { 0 };
	int status = 0;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	for (int fd = 0; fd <= 2; fd++)
		posix_spawn_file_actions_addopen(&fa, fd, "/dev/null", O_RDWR, 0);
	errno = posix_spawnp(&pid, argv[0], &fa, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (errno) {
		perror(argv[0]);
		exit(2);
	}
	while (wait4(pid, &status, 0, &used) < 0 && errno == EINTR)
		;
	*cpu_ns = ns_of(used.ru_utime) + ns_of(used.ru_stime);
	if (status != 0) {
		fprintf(stderr, "%s: status %d\n", argv[0], status);
		exit(2);
	}
	return now_ns() - start;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int64_t *times(int n)
{
	int64_t *t = calloc((size_t)n, sizeof(*t));

	if (!t)
		exit(2);
	return t;
}

static int64_t median(int64_t *t, int n)
{
	qsort(t, (size_t)n, sizeof(*t), compare);
	return t[n / 2];
}

/* One row; true if the ratio of the medians is within the bound. */
static int measure(const char *name, const char *const argv[], int runs, double bound)
{
	const char *const other[] = { "timeout", "60", "true", NULL };
	int64_t *ours = times(runs), *theirs = times(runs), *our_cpu = times(runs), *their_cpu = times(runs);
	double ratio, cpu_ratio;

	for (int i = 0; i < 5; i++) {
		spawn_and_wait(argv, our_cpu);
		spawn_and_wait(other, their_cpu);
	}
	for (int i = 0; i < runs; i++) {
		ours[i] = spawn_and_wait(argv, &our_cpu[i]);
		theirs[i] = spawn_and_wait(other, &their_cpu[i]);
	}
	ratio = (double)median(ours, runs) / (double)median(theirs, runs);
	cpu_ratio = (double)median(our_cpu, runs) / (double)median(their_cpu, runs);
	printf("| %s, median of %d | %.2f ms | `timeout 60 true`: %.2f ms | %.2f × (CPU time %.2f ×) | ≤ %.2f × | %s |\n", name,
	       runs, (double)ours[runs / 2] / 1e6, (double)theirs[runs / 2] / 1e6, ratio, cpu_ratio, bound,
	       ratio <= bound ? "ok" : "**beyond**");
	free(ours);
	free(theirs);
	free(our_cpu);
	free(their_cpu);
	return ratio <= bound;
}

int main(void)
{
	const char *spec = getenv("SPEC_RUNNER"), *runs_text = getenv("BENCH_START_RUNS");
	int runs = runs_text ? (int)strtol(runs_text, NULL, 10) : 200, good;
	char dir[] = "/dev/shm/spec-runner-bench.XXXXXX", tidy[64];

	if (!spec || runs < 1 || !mkdtemp(dir) || chdir(dir) < 0 || mkdir(".git", 0755) < 0) {
		fprintf(stderr, "SPEC_RUNNER is not set, or no folder can be made in /dev/shm\n");
		return 2;
	}
	good = measure("`run -- true`, level off", (const char *const[]){ spec, "run", "--", "true", NULL }, runs, 1.45);
	good &= measure("`run -- true`, level detailed, tmpfs",
			(const char *const[]){ spec, "run", "--profile-level", "detailed", "--", "true", NULL }, runs, 2.2);
	snprintf(tidy, sizeof(tidy), "rm -rf %s", dir);
	return system(tidy) != 0 || !good;
}
