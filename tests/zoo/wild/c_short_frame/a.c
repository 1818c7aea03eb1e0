/* A client announces more bytes than it sends, and waits for the answer; the server waits for the rest. */
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static void read_all(int fd, void *buf, size_t n)
{
	for (char *at = buf; n;) {
		ssize_t got = read(fd, at, n);

		if (got <= 0)
			_exit(1);
		at += got;
		n -= (size_t)got;
	}
}

static int ask(int fd, const char *text, uint32_t n)
{
	char answer;

	write(fd, &n, sizeof(n));
	write(fd, text, n - 1);
	read_all(fd, &answer, 1);
	return answer;
}

static void serve(int fd)
{
	char text[64];
	uint32_t n;

	read_all(fd, &n, sizeof(n));
	read_all(fd, text, n);
	write(fd, text, 1);
}

int main(void)
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
		return 2;
	if (!fork()) {
		close(fd[0]);
		serve(fd[1]);
		_exit(0);
	}
	close(fd[1]);
	return ask(fd[0], "hello", 6) != 'h';
}
