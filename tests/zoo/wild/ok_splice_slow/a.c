/* A file goes into a pipe by splice; its reader is slow, but reads. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static void slow_reader(int fd)
{
	static char buf[1 << 18];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		usleep(200000);
	_exit(n < 0);
}

int main(void)
{
	int fd[2], file = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600), status = 1;
	ssize_t n;

	if (pipe(fd) || ftruncate(file, 1 << 20))
		return 2;
	if (!fork()) {
		close(fd[1]);
		slow_reader(fd[0]);
	}
	close(fd[0]);
	while ((n = splice(file, 0, fd[1], 0, 1 << 20, 0)) > 0)
		;
	close(fd[1]);
	wait(&status);
	return status || n < 0;
}
