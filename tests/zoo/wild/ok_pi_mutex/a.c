/* A lock with priority inheritance is held for a while; the waiter gets it. */
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t m;

static void *holder(void *unused)
{
	pthread_mutex_lock(&m);
	sleep(3);
	pthread_mutex_unlock(&m);
	return unused;
}

int main(void)
{
	pthread_mutexattr_t a;
	pthread_t t;

	pthread_mutexattr_init(&a);
	pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&m, &a);
	pthread_create(&t, 0, holder, 0);
	usleep(100000);
	pthread_mutex_lock(&m);
	pthread_mutex_unlock(&m);
	return pthread_join(t, 0);
}
