/* Edge-triggered, and one accept for two clients. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void client(struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char c;

	connect(fd, (struct sockaddr *)to, sizeof(*to));
	read(fd, &c, 1);
	_exit(0);
}

static void serve(int listener, int clients)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(0);

	epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
	while (clients > 0) {
		epoll_wait(ep, &e, 1, -1);
		write(accept(listener, NULL, NULL), "k", 1);
		clients--;
	}
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	bind(fd, (struct sockaddr *)&a, n);
	listen(fd, 8);
	getsockname(fd, (struct sockaddr *)&a, &n);
	for (int i = 0; i < 2; i++)
		if (!fork())
			client(&a);
	usleep(300000);
	serve(fd, 2);
}
