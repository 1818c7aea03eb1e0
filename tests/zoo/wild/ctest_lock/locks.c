#include <pthread.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

static void store(void)
{
	pthread_mutex_lock(&m);
}

int main(void)
{
	store();
	store();
	return 0;
}
