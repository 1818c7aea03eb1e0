/* An asynchronous read from a pipe whose writing end the program itself keeps. */
#include <aio.h>
#include <stdio.h>
#include <unistd.h>

static char buf[64];

static ssize_t fetch(int fd)
{
	struct aiocb cb = { .aio_fildes = fd, .aio_buf = buf, .aio_nbytes = sizeof(buf) };
	const struct aiocb *list[] = { &cb };

	aio_read(&cb);
	aio_suspend(list, 1, 0);
	return aio_return(&cb);
}

int main(void)
{
	int fd[2];

	if (pipe(fd))
		return 2;
	printf("%zd\n", fetch(fd[0]));
	return 0;
}
