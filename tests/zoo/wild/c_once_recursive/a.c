/* What is done once asks for itself. */
#include <pthread.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void init(void);

static void need(void)
{
	pthread_once(&once, init);
}

static void init(void)
{
	need();
}

int main(void)
{
	need();
	return 0;
}
