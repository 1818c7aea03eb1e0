/* stops self|child - stops itself with SIGSTOP, or waits for a child that does. */
#include "tests/zoo/zoo.h"

int main(int argc, char **argv)
{
	zoo_live();
	if (zoo_flag(argc, argv, "child")) {
		pid_t pid = zoo_fork();

		if (pid > 0) {
			waitpid(pid, NULL, 0);
			return 0;
		}
	}
	raise(SIGSTOP);
	zoo_hang();
}
