/* handles SIGNAL CODE - prints a summary when SIGNAL comes, as a test runner does, and exits. */
#include "tests/zoo/zoo.h"

int main(int argc, char **argv)
{
	int sig = (int)zoo_arg(argc, argv, 1, SIGINT), got = 0;
	sigset_t set;

	zoo_live();
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, NULL);
	puts("ready");
	fflush(stdout);
	sigwait(&set, &got);
	printf("summary after signal %d\n", got);
	return (int)zoo_arg(argc, argv, 2, 0);
}
