/* A file goes to the client by sendfile; the client waits for a header that it is never sent. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void serve(int to, int file)
{
	off_t at = 0;

	while (sendfile(to, file, &at, 1 << 24) > 0)
		;
}

static void client(int header)
{
	char c;

	if (read(header, &c, 1) != 1)
		_exit(1);
}

int main(void)
{
	int data[2], header[2], file = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (ftruncate(file, 1 << 25) || socketpair(AF_UNIX, SOCK_STREAM, 0, data) || socketpair(AF_UNIX, SOCK_STREAM, 0, header))
		return 2;
	if (!fork()) {
		close(data[0]);
		close(header[0]);
		client(header[1]);
		_exit(0);
	}
	close(data[1]);
	close(header[1]);
	serve(data[0], file);
	wait(0);
	return 0;
}
