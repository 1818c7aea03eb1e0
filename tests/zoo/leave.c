/* leave child|daemon pipe|nopipe [MS] - exits with 0 and leaves a process behind for MS (for
 * ever without): a background child or a daemon (double fork, setsid), which holds the
 * output pipes or not. */
#include "tests/zoo/zoo.h"

#include <fcntl.h>

static void leftover(bool pipe_kept, long ms)
{
	if (!pipe_kept) {
		int fd = open("/dev/null", O_RDWR);

		for (int i = 0; i < 3; i++)
			dup2(fd, i);
		close(fd);
	}
	if (ms < 0)
		zoo_hang();
	zoo_sleep_ms(ms);
	if (pipe_kept) {
		puts("late");
		fflush(stdout);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	bool pipe_kept = zoo_flag(argc, argv, "pipe");
	long ms = zoo_arg(argc, argv, 3, -1);

	zoo_live();
	puts("leaving");
	if (zoo_fork() == 0) {
		if (!zoo_flag(argc, argv, "daemon"))
			leftover(pipe_kept, ms);
		setsid();
		if (zoo_fork() == 0)
			leftover(pipe_kept, ms);
		_exit(0);
	}
	if (zoo_flag(argc, argv, "daemon"))
		wait(NULL);
	return 0;
}
