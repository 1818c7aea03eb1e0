/* posix_spawn opens a FIFO for its child before it calls exec; nobody opens the other end. */
#include <fcntl.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

extern char **environ;

static pid_t start(char *const argv[])
{
	posix_spawn_file_actions_t fa;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addopen(&fa, 0, "queue", O_RDONLY, 0);
	posix_spawnp(&pid, argv[0], &fa, 0, argv, environ);
	return pid;
}

int main(void)
{
	char *argv[] = { "cat", 0 };

	mkfifo("queue", 0600);
	waitpid(start(argv), 0, 0);
	return 0;
}
