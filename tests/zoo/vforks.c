/* vforks - waits in vfork for a child that hangs before its exec, in its parent's memory. */
#include "tests/zoo/zoo.h"

int main(void)
{
	pid_t pid;

	zoo_live();
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	pid = vfork();
#pragma GCC diagnostic pop
	if (pid == 0)
		for (;;)
			pause();
	return 0;
}
