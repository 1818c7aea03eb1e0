/* hop [exit] - a chain that flees: each link forks, moves into a session of its own and
 * exits, so that no parent, group or session leads to the living one. With "exit" the
 * command itself exits at once with 0, else it waits for ever. */
#include "tests/zoo/zoo.h"

static void flee(void)
{
	struct timespec end, now;

	signal(SIGTERM, SIG_IGN);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 30;
	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec)
			_exit(0);
		if (zoo_fork() > 0)
			_exit(0);
		setsid();
		zoo_sleep_ms(1);
	}
}

int main(int argc, char **argv)
{
	zoo_live();
	if (zoo_fork() == 0)
		flee();
	if (zoo_flag(argc, argv, "exit"))
		return 0;
	zoo_hang();
}
