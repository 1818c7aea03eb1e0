/* The thread that would set the flag has returned early. */
#include <pthread.h>
#include <stddef.h>

static volatile int ready;

static void *prepare(void *p)
{
	if (!p)
		return NULL;
	ready = 1;
	return p;
}

static void wait_ready(void)
{
	while (!ready)
		;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, prepare, NULL);
	wait_ready();
	return 0;
}
