/* Waits by pidfd for a worker, and the worker waits for a line on its own pipe. */
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

static void work(int in)
{
	char c;

	while (read(in, &c, 1) == 1)
		;
}

static void await(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	poll(&p, 1, -1);
}

int main(void)
{
	int fd[2];
	pid_t pid;

	if (pipe(fd))
		return 2;
	pid = fork();
	if (!pid) {
		work(fd[0]);
		_exit(0);
	}
	await((int)syscall(SYS_pidfd_open, pid, 0));
	return 0;
}
