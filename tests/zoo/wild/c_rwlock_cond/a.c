/* A reader keeps the lock while it waits for news; whoever has the news wants to write first. */
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t news = PTHREAD_COND_INITIALIZER;
static bool fresh;

static void *reader(void *unused)
{
	pthread_rwlock_rdlock(&table);
	pthread_mutex_lock(&m);
	while (!fresh)
		pthread_cond_wait(&news, &m);
	pthread_mutex_unlock(&m);
	pthread_rwlock_unlock(&table);
	return unused;
}

static void publish(void)
{
	pthread_rwlock_wrlock(&table);
	fresh = true;
	pthread_cond_signal(&news);
	pthread_rwlock_unlock(&table);
}

int main(void)
{
	pthread_t t;

	pthread_create(&t, 0, reader, 0);
	usleep(200000);
	publish();
	return pthread_join(t, 0);
}
