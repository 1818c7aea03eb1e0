/* group - moves into a process group of its own, its child into another session; both hang. */
#include "tests/zoo/zoo.h"

int main(void)
{
	zoo_live();
	setpgid(0, 0);
	if (zoo_fork() == 0) {
		setsid();
		zoo_hang();
	}
	zoo_hang();
}
