#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

static pthread_t worker;
static volatile int stop;

static void *work(void *arg)
{
	while (!stop)
		usleep(1000);
	dlopen("libm.so.6", RTLD_NOW);
	return arg;
}

__attribute__((constructor)) static void begin(void)
{
	pthread_create(&worker, 0, work, 0);
}

__attribute__((destructor)) static void end(void)
{
	stop = 1;
	pthread_join(worker, 0);
}
