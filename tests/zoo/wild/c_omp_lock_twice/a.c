/* A lock of OpenMP is simple: who sets it twice waits for itself. */
#include <omp.h>

static omp_lock_t cache;

static int lookup(int deep)
{
	int n;

	omp_set_lock(&cache);
	n = deep ? lookup(deep - 1) : 1;
	omp_unset_lock(&cache);
	return n;
}

int main(void)
{
	omp_init_lock(&cache);
	return lookup(1);
}
