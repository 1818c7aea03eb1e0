/* Cancels a thread that never comes to a cancellation point. */
#include <pthread.h>
#include <unistd.h>

static volatile unsigned long n;

static void *count(void *unused)
{
	for (;;)
		n++;
	return unused;
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, 0, count, 0);
	usleep(200000);
	pthread_cancel(t);
	return pthread_join(t, 0);
}
