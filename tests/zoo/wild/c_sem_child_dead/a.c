/* The child that should post dies first. */
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void wait_for_child(sem_t *s)
{
	sem_wait(s);
}

int main(void)
{
	sem_t *s = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	sem_init(s, 1, 0);
	if (!fork())
		abort();
	wait_for_child(s);
}
