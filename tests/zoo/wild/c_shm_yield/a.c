/* A flag in shared memory that the dead peer would have set; the loop yields. */
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

static void wait_flag(volatile int *f)
{
	while (!*f)
		sched_yield();
}

int main(void)
{
	volatile int *f = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (!fork())
		_exit(1);
	wait_flag(f);
}
