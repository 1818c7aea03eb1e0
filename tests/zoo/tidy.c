/* tidy MS CODE [clock] - on TERM it tidies up for MS, says so (with "clock": at which nanosecond of
 * CLOCK_MONOTONIC), and exits with CODE. */
#include "tests/zoo/zoo.h"

static volatile sig_atomic_t asked;

static void on_term(int sig)
{
	(void)sig;
	asked = 1;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_term };
	sigset_t term, old;

	zoo_live();
	sigaction(SIGTERM, &sa, NULL);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &old);
	sigdelset(&old, SIGTERM);
	puts("ready");
	fflush(stdout);
	while (!asked)
		sigsuspend(&old);
	zoo_sleep_ms(zoo_arg(argc, argv, 1, 300));
	if (zoo_flag(argc, argv, "clock")) {
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC, &t);
		printf("%lld\n", t.tv_sec * 1000000000LL + t.tv_nsec);
	} else {
		puts("tidied");
	}
	fflush(stdout);
	return (int)zoo_arg(argc, argv, 2, 0);
}
