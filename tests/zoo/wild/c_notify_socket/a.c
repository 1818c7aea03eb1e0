/* A manager waits until its service says that it is ready, and the service does not know how. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int wait_ready(int fd)
{
	char buf[64];
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf) - 1, 0)) > 0)
		if (strncmp(buf, "READY=1", 7) == 0)
			return 0;
	return 1;
}

int main(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "notify" };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	if (bind(fd, (void *)&at, sizeof(at)))
		return 2;
	setenv("NOTIFY_SOCKET", "notify", 1);
	if (!fork()) {
		execlp("sleep", "sleep", "500", (char *)0);
		_exit(127);
	}
	return wait_ready(fd);
}
