/* SPDX-License-Identifier: Apache-2.0 */
/* Spends its CPU time in three functions as 70 : 20 : 10. split SECONDS [sleep MILLISECONDS] */
#include <stdlib.h>
#include <string.h>
#include <time.h>

static volatile long sink;

static double used(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static __attribute__((noinline)) void work(int n)
{
	for (int k = 0; k < n; k++)
		for (int i = 0; i < 1000; i++)
			sink += i;
}

__attribute__((noinline)) void split_alpha(void);
__attribute__((noinline)) void split_beta(void);
__attribute__((noinline)) void split_gamma(void);

void split_alpha(void)
{
	work(70);
	__asm__ volatile("");
}

void split_beta(void)
{
	work(20);
	__asm__ volatile("");
}

void split_gamma(void)
{
	work(10);
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	double until = used() + (argc > 1 ? atof(argv[1]) : 1);

	if (argc > 3 && strcmp(argv[2], "sleep") == 0) {
		struct timespec t = { atol(argv[3]) / 1000, atol(argv[3]) % 1000 * 1000000 };

		nanosleep(&t, NULL);
	}
	while (used() < until)
		for (int i = 0; i < 20; i++) {
			split_alpha();
			split_beta();
			split_gamma();
		}
	return 0;
}
