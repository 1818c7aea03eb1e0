/* An event of EPOLLONESHOT is not armed again; what comes later makes none. */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int next(int ep, int fd)
{
	struct epoll_event e;
	char c;

	epoll_wait(ep, &e, 1, -1);
	return read(fd, &c, 1);
}

int main(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLONESHOT };
	int s[2], ep = epoll_create1(0);

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	epoll_ctl(ep, EPOLL_CTL_ADD, s[0], &e);
	write(s[1], "ab", 2);
	next(ep, s[0]);
	next(ep, s[0]);
}
