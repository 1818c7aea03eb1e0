/* zombies [COUNT] [exit] - COUNT children exit and are never reaped; then it hangs, or exits. */
#include "tests/zoo/zoo.h"

int main(int argc, char **argv)
{
	long count = zoo_arg(argc, argv, 1, 20);

	zoo_live();
	for (long i = 0; i < count; i++)
		if (zoo_fork() == 0)
			_exit(0);
	if (zoo_flag(argc, argv, "exit"))
		return 0;
	zoo_hang();
}
