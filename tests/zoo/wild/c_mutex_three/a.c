/* Three threads, three mutexes, each wants its neighbour's. */
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t m[3] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };

static void *take(void *arg)
{
	long i = (long)arg;

	pthread_mutex_lock(&m[i]);
	usleep(200000);
	pthread_mutex_lock(&m[(i + 1) % 3]);
	return 0;
}

int main(void)
{
	pthread_t t[3];

	for (long i = 0; i < 3; i++)
		pthread_create(&t[i], 0, take, (void *)i);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
}
