/* Edge-triggered, and only half of what came was read: the rest gives no new edge. */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int loop(int fd)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.fd = fd };
	int ep = epoll_create1(0), got = 0;
	char half[8];

	epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
	while (got < 16) {
		epoll_wait(ep, &e, 1, -1);
		got += (int)read(fd, half, 8);
	}
	return got;
}

int main(void)
{
	int s[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	if (!fork()) {
		write(s[1], "0123456789abcdef", 16);
		pause();
	}
	close(s[1]);
	return loop(s[0]) != 16;
}
