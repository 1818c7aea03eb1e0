/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - gives the saved inputs of a fuzz target to it, without the fuzzer: the
 * inputs that once mattered stay tests under any compiler. The target's name is
 * that of the program (replay_NAME -> tests/fuzz/corpus/NAME). Memory that somebody
 * else has made, with rings and huge lengths in it, may not hold up a look. */
#include "tests/tap.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LOOK_MS_MAX = 50 };

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Readers of another program's memory. */
static bool reads_memory(const char *name)
{
	static const char *const names[] = { "gomem", "java", "pymem", "scriptmem" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t n;

	if (!f || fstat(fileno(f), &st) < 0) {
		printf("# %s: %s\n", path, strerror(errno));
		if (f)
			fclose(f);
		return false;
	}
	/* Exactly as large as the input, so that a sanitizer sees the byte behind it. */
	data = malloc(st.st_size ? (size_t)st.st_size : 1);
	n = data ? fread(data, 1, (size_t)st.st_size, f) : 0;
	fclose(f);
	if (!data || n != (size_t)st.st_size) {
		free(data);
		return false;
	}
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return true;
}

int main(int argc, char **argv)
{
	const char *name = strstr(argv[0], "replay_");
	char dir[256], path[600];
	struct dirent **entries;
	int n, replayed = 0;
	double slowest = 0;

	(void)argc;
	if (!name)
		return 2;
	snprintf(dir, sizeof(dir), "tests/fuzz/corpus/%s", name + strlen("replay_"));
	n = scandir(dir, &entries, NULL, alphasort);
	ok(n >= 0, "%s is there", dir);
	for (int i = 0; i < n; i++) {
		if (entries[i]->d_name[0] != '.') {
			snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
			/* Named first: a crash shows which one it was. */
			printf("# %s\n", path);
			fflush(stdout);
			double began = cpu_ms();

			ok(replay_file(path), "%s", entries[i]->d_name);
			if (cpu_ms() - began > slowest)
				slowest = cpu_ms() - began;
			replayed++;
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	ok(replayed > 0, "%d inputs replayed", replayed);
	printf("# the slowest took %.2f ms of CPU time\n", slowest);
#if !defined(__SANITIZE_ADDRESS__)
	if (reads_memory(name + strlen("replay_")))
		ok(slowest <= LOOK_MS_MAX, "none takes more than %d ms of CPU time", LOOK_MS_MAX);
#else
	(void)reads_memory;
#endif
	return tap_done();
}
