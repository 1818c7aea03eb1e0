/* A barrier for one thread more than there are. */
#include <pthread.h>

static pthread_barrier_t all;

static void *part(void *n)
{
	/* each does its part, then waits for the others */
	pthread_barrier_wait(&all);
	return n;
}

int main(void)
{
	pthread_t t[3];

	pthread_barrier_init(&all, 0, 4);
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], 0, part, 0);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
	return 0;
}
