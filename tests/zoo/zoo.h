/* zoo.h - small programs that misbehave. None outlives ZOO_LIFETIME_S, whatever the
 * supervisor under test does wrong: each process of an animal calls zoo_live() first,
 * after a fork again (alarms are not inherited). A stopped one is ended by the test. */
#ifndef TESTS_ZOO_H
#define TESTS_ZOO_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ZOO_LIFETIME_S 55

static inline void zoo_live(void)
{
	signal(SIGALRM, SIG_DFL);
	alarm(ZOO_LIFETIME_S);
}

/* Forks; the child lives its own limited life. Ends the program where it cannot. */
static inline pid_t zoo_fork(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		_exit(99);
	}
	if (pid == 0)
		zoo_live();
	return pid;
}

static inline void zoo_sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static inline void zoo_hang(void) __attribute__((noreturn));
static inline void zoo_hang(void)
{
	for (;;)
		pause();
}

/* The number in argv[at], or fallback. */
static inline long zoo_arg(int argc, char **argv, int at, long fallback)
{
	return argc > at ? strtol(argv[at], NULL, 10) : fallback;
}

static inline bool zoo_flag(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], word) == 0)
			return true;
	return false;
}

#endif
