/* subreaper [exit] - its middle child is a subreaper of its own, with orphans that ignore TERM
 * below it; the command hangs, or exits with 0 at once. */
#include "tests/zoo/zoo.h"

#include <sys/prctl.h>

int main(int argc, char **argv)
{
	zoo_live();
	if (zoo_fork() == 0) {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		signal(SIGTERM, SIG_IGN);
		for (int i = 0; i < 5; i++)
			if (zoo_fork() == 0) {
				setsid();
				if (zoo_fork() == 0)
					zoo_hang();
				_exit(0);
			}
		zoo_hang();
	}
	if (zoo_flag(argc, argv, "exit")) {
		zoo_sleep_ms(50);
		return 0;
	}
	zoo_hang();
}
