/* herd COUNT - a tree of COUNT processes that ignore TERM: half of them double-forked into
 * sessions of their own, every tenth stopped, every hundredth forking on. Prints "ready"
 * when all are there. */
#include "tests/zoo/zoo.h"

#include <sys/mman.h>

static int *there;

static void member(long i)
{
	__atomic_add_fetch(there, 1, __ATOMIC_RELAXED);
	if (i % 10 == 3)
		raise(SIGSTOP);
	/* One successor every 20 ms, ten seconds long at most. */
	for (int n = 0; i % 100 == 7 && n < 500; n++) {
		zoo_sleep_ms(20);
		if (zoo_fork() > 0)
			_exit(0);
	}
	zoo_hang();
}

int main(int argc, char **argv)
{
	long count = zoo_arg(argc, argv, 1, 2000);

	zoo_live();
	signal(SIGTERM, SIG_IGN);
	there = mmap(NULL, sizeof(*there), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (there == MAP_FAILED)
		return 99;
	for (long i = 0; i < count; i++) {
		pid_t pid = zoo_fork();

		if (pid == 0 && i % 2 == 0)
			member(i);
		if (pid == 0) {
			setsid();
			if (zoo_fork() == 0)
				member(i);
			_exit(0);
		}
		if (i % 2)
			waitpid(pid, NULL, 0);
	}
	while (__atomic_load_n(there, __ATOMIC_RELAXED) < count)
		zoo_sleep_ms(1);
	puts("ready");
	fflush(stdout);
	zoo_hang();
}
