/* notifies EVERY_MS COUNT [TEXT] - says nothing on its output but sends TEXT (WATCHDOG=1) to
 * $NOTIFY_SOCKET, COUNT times; then exits with 0. */
#include "tests/zoo/zoo.h"

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	const char *path = getenv("NOTIFY_SOCKET"), *text = argc > 3 ? argv[3] : "WATCHDOG=1";
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	socklen_t len;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	zoo_live();
	if (!path || strlen(path) >= sizeof(to.sun_path) || fd < 0)
		return 3;
	strcpy(to.sun_path, path);
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	for (long i = 0; i < zoo_arg(argc, argv, 2, 10); i++) {
		if (sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, len) < 0)
			return 4;
		zoo_sleep_ms(zoo_arg(argc, argv, 1, 100));
	}
	return 0;
}
