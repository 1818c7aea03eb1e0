/* A thread is cancelled within the mutex; nobody can unlock it any more. */
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void *worker(void *arg)
{
	pthread_mutex_lock(&m);
	sleep(1000);
	pthread_mutex_unlock(&m);
	return arg;
}

static void finish(void)
{
	pthread_mutex_lock(&m);
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, NULL, worker, NULL);
	usleep(200000);
	pthread_cancel(t);
	pthread_join(t, NULL);
	finish();
}
