/* Tries again and again to connect to a server that was not started. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int dial(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	strcpy(at.sun_path, path);
	for (;;) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);

		if (connect(fd, (void *)&at, sizeof(at)) == 0)
			return fd;
		close(fd);
		usleep(50000);
	}
}

int main(void)
{
	return dial("./control.sock") < 0;
}
