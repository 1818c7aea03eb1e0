/* Two locks with priority inheritance, taken in two orders. */
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t bus, log_;

static void *driver(void *unused)
{
	pthread_mutex_lock(&bus);
	usleep(200000);
	pthread_mutex_lock(&log_);
	return unused;
}

static void flush_log(void)
{
	pthread_mutex_lock(&log_);
	usleep(200000);
	pthread_mutex_lock(&bus);
}

int main(void)
{
	pthread_mutexattr_t pi;
	pthread_t t;

	pthread_mutexattr_init(&pi);
	pthread_mutexattr_setprotocol(&pi, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&bus, &pi);
	pthread_mutex_init(&log_, &pi);
	pthread_create(&t, 0, driver, 0);
	flush_log();
	return pthread_join(t, 0);
}
