/* Three readers keep a lock while they wait for a request each; a writer waits for all of them. */
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static pthread_rwlock_t config = PTHREAD_RWLOCK_INITIALIZER;
static int pair[2];

static void *session(void *unused)
{
	char c;

	pthread_rwlock_rdlock(&config);
	read(pair[0], &c, 1);
	pthread_rwlock_unlock(&config);
	return unused;
}

static void reload(void)
{
	pthread_rwlock_wrlock(&config);
	pthread_rwlock_unlock(&config);
}

int main(void)
{
	pthread_t t[3];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return 2;
	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], 0, session, 0);
	usleep(200000);
	reload();
	return 0;
}
