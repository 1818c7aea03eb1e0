/* An error jumps out of a critical section; the next call waits for the lock of its own thread. */
#include <pthread.h>
#include <setjmp.h>

static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
static jmp_buf out;

static void parse(int bad)
{
	pthread_mutex_lock(&m);
	if (bad)
		longjmp(out, 1);
	pthread_mutex_unlock(&m);
}

int main(void)
{
	if (!setjmp(out))
		parse(1);
	parse(0);
	return 0;
}
