/* A read lock inside of a read lock, with a writer that came between them. */
#define _GNU_SOURCE
#include <pthread.h>
#include <unistd.h>

static pthread_rwlock_t table = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;
static int n;

static int lookup(void)
{
	/* the writer waits already */
	pthread_rwlock_rdlock(&table);
	n++;
	pthread_rwlock_unlock(&table);
	return n;
}

static void *write_it(void *arg)
{
	pthread_rwlock_wrlock(&table);
	return arg;
}

int main(void)
{
	pthread_t t;

	pthread_rwlock_rdlock(&table);
	pthread_create(&t, 0, write_it, 0);
	usleep(300000);
	return lookup();
}
