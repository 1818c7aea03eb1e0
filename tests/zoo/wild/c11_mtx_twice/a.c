/* A mutex of C11, taken by a function and again by what it calls. */
#include <threads.h>

static mtx_t m;

static void log_line(void)
{
	mtx_lock(&m);
	mtx_unlock(&m);
}

static void rotate(void)
{
	mtx_lock(&m);
	log_line();
	mtx_unlock(&m);
}

int main(void)
{
	mtx_init(&m, mtx_plain);
	rotate();
	return 0;
}
