/* Messages to a collector that has stopped to read. */
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(int fd)
{
	char m[200];

	memset(m, 'x', sizeof(m));
	send(fd, m, sizeof(m), 0);
}

int main(void)
{
	int s[2];

	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	if (!fork()) {
		close(s[0]);
		sleep(600);
		_exit(0);
	}
	close(s[1]);
	for (int i = 0; i < 100000; i++)
		report(s[0]);
}
