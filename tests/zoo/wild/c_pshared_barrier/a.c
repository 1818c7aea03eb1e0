/* Parent and worker meet at a barrier in shared memory; the worker fails before. */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

static void meet(pthread_barrier_t *b)
{
	pthread_barrier_wait(b);
}

int main(void)
{
	pthread_barrier_t *b = mmap(0, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_barrierattr_t a;

	pthread_barrierattr_init(&a);
	pthread_barrierattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(b, &a, 2);
	if (!fork())
		_exit(4);
	meet(b);
	return 0;
}
