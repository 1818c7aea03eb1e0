/* No descriptors are left: accept fails at once, the socket stays readable, and the loop turns. */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void serve(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (;;)
		if (poll(&p, 1, -1) > 0)
			accept(fd, 0, 0);
}

int main(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct rlimit few = { 8, 8 };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);

	bind(fd, (void *)&a, n);
	listen(fd, 5);
	getsockname(fd, (void *)&a, &n);
	connect(client, (void *)&a, n);
	setrlimit(RLIMIT_NOFILE, &few);
	while (dup(0) >= 0)
		;
	serve(fd);
}
