/* A recursive mutex is locked twice and unlocked once; then its owner waits for a line of work. */
#include <pthread.h>
#include <semaphore.h>
#include <unistd.h>

static pthread_mutex_t m;
static sem_t jobs;

static void update(int deep)
{
	pthread_mutex_lock(&m);
	if (deep) {
		update(deep - 1);
		return;
	}
	pthread_mutex_unlock(&m);
}

static void *worker(void *unused)
{
	update(1);
	sem_wait(&jobs);
	return unused;
}

static void submit(void)
{
	pthread_mutex_lock(&m);
	sem_post(&jobs);
	pthread_mutex_unlock(&m);
}

int main(void)
{
	pthread_mutexattr_t a;
	pthread_t t;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_settype(&a, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&m, &a);
	sem_init(&jobs, 0, 0);
	pthread_create(&t, 0, worker, 0);
	usleep(200000);
	submit();
	return pthread_join(t, 0);
}
