/* execs PROGRAM [ARG...] - becomes another program, from a thread that is not the first. */
#include "tests/zoo/zoo.h"

#include <pthread.h>

static void *become(void *argv)
{
	char **args = argv;

	zoo_sleep_ms(50);
	execvp(args[0], args);
	perror(args[0]);
	_exit(97);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	zoo_live();
	if (argc < 2)
		return 2;
	if (pthread_create(&thread, NULL, become, argv + 1) != 0)
		return 99;
	pthread_join(thread, NULL);
	return 98;
}
