/* exit in a thread runs the handlers, and a handler joins that thread. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_t worker;
static int stop;

static void *work(void *p)
{
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		pause();
	return p;
}
static void at_end(void) { pthread_join(worker, 0); }

int main(void)
{
	atexit(at_end);
	pthread_create(&worker, 0, work, 0);
	usleep(100000);
	exit(0);
}
