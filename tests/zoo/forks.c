/* forks [WIDTH [TOTAL]] - forks on and on: WIDTH branches, each of which forks a
 * successor every millisecond and dies only by KILL. TOTAL bounds the forks of all of
 * them together, so that a machine survives the test of a broken supervisor. */
#include "tests/zoo/zoo.h"

#include <sys/mman.h>

int main(int argc, char **argv)
{
	long width = zoo_arg(argc, argv, 1, 4), total = zoo_arg(argc, argv, 2, 5000);
	int *forked = mmap(NULL, sizeof(*forked), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	zoo_live();
	if (forked == MAP_FAILED)
		return 99;
	signal(SIGTERM, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	for (long i = 0; i < width; i++)
		if (zoo_fork() == 0)
			for (;;) {
				if (__atomic_add_fetch(forked, 1, __ATOMIC_RELAXED) > total)
					zoo_hang();
				if (zoo_fork() > 0)
					_exit(0);
				zoo_sleep_ms(1);
			}
	zoo_hang();
}
