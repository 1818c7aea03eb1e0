/* A server waits for its helper before it accepts; the helper connects until the queue is full. */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct sockaddr_un at = { .sun_family = AF_UNIX, .sun_path = "s.sock" };

static void warm_up(void)
{
	for (int i = 0; i < 10; i++)
		connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&at, sizeof(at));
}

int main(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	bind(s, (void *)&at, sizeof(at));
	listen(s, 2);
	pid = fork();
	if (!pid) {
		close(s);
		warm_up();
		_exit(0);
	}
	waitpid(pid, 0, 0);
	return accept(s, 0, 0) < 0;
}
