/* Waits for a timer that was made but not armed. */
#include <stdint.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static void tick(int fd)
{
	uint64_t n;

	read(fd, &n, sizeof(n));
}

int main(void)
{
	tick(timerfd_create(CLOCK_MONOTONIC, 0));
	return 0;
}
