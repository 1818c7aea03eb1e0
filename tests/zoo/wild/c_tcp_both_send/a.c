/* Two peers send all that they have before they read. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 16 << 20 };

static void exchange(int fd)
{
	char *data = calloc(1, SIZE);

	for (size_t n = 0; n < SIZE;)
		n += (size_t)write(fd, data + n, SIZE - n);
	for (size_t n = 0; n < SIZE;)
		n += (size_t)read(fd, data, SIZE - n);
}

int main(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int s = socket(AF_INET, SOCK_STREAM, 0), c;

	bind(s, (void *)&at, sizeof(at));
	listen(s, 1);
	getsockname(s, (void *)&at, &len);
	if (!fork()) {
		close(s);
		c = socket(AF_INET, SOCK_STREAM, 0);
		connect(c, (void *)&at, sizeof(at));
		exchange(c);
		return 0;
	}
	c = accept(s, 0, 0);
	close(s);
	exchange(c);
	return 0;
}
