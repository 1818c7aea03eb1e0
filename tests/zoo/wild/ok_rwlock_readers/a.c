/* A writer waits for three slow readers. */
#include <pthread.h>
#include <unistd.h>

static pthread_rwlock_t l = PTHREAD_RWLOCK_INITIALIZER;

static void *reader(void *unused)
{
	pthread_rwlock_rdlock(&l);
	sleep(3);
	pthread_rwlock_unlock(&l);
	return unused;
}

int main(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], 0, reader, 0);
	usleep(100000);
	pthread_rwlock_wrlock(&l);
	pthread_rwlock_unlock(&l);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], 0);
	return 0;
}
