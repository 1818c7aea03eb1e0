/* Half of the answer fits into the socket; nobody asks epoll when the other half does. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE (4 << 20)

static void client(int fd)
{
	char *buf = malloc(SIZE);
	long sum = 0, n;

	sleep(1);
	if (write(fd, "get\n", 4) != 4)
		_exit(1);
	while (sum < SIZE && (n = read(fd, buf, SIZE)) > 0)
		sum += n;
	_exit(0);
}

static void answer(int fd)
{
	char *big = calloc(1, SIZE), line[16];

	if (read(fd, line, sizeof(line)) > 0 && write(fd, big, SIZE) < SIZE)
		fputs("the rest comes later\n", stderr);
	free(big);
}

static void serve(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
	while (epoll_wait(ep, &ev, 1, -1) > 0)
		answer(fd);
}

int main(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		return 2;
	if (!fork()) {
		close(fd[0]);
		client(fd[1]);
	}
	close(fd[1]);
	fcntl(fd[0], F_SETFL, O_NONBLOCK);
	serve(fd[0]);
	return 0;
}
