/* One thread of the team waits for a semaphore, the others at the end of the region for it. */
#include <omp.h>
#include <semaphore.h>

static sem_t go;

static void part(int n)
{
	if (n == 1)
		sem_wait(&go);
}

int main(void)
{
	sem_init(&go, 0, 0);
#pragma omp parallel num_threads(3)
	part(omp_get_thread_num());
	return 0;
}
