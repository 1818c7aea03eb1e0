/* threads [COUNT] - that many threads, all waiting for a lock that the first one keeps. */
#include "tests/zoo/zoo.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void *wait_for_lock(void *unused)
{
	pthread_mutex_lock(&lock);
	return unused;
}

int main(int argc, char **argv)
{
	long count = zoo_arg(argc, argv, 1, 200);
	pthread_attr_t attr;
	pthread_t thread;

	zoo_live();
	pthread_mutex_lock(&lock);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	for (long i = 0; i < count; i++)
		if (pthread_create(&thread, &attr, wait_for_lock, NULL) != 0)
			return 99;
	zoo_hang();
}
