/* Two filters; the second inherits the writing end of the first one's pipe. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t filter(int *to)
{
	int fd[2];
	pid_t pid;

	if (pipe(fd))
		_exit(2);
	pid = fork();
	if (!pid) {
		dup2(fd[0], 0);
		close(fd[0]);
		close(fd[1]);
		execlp("sort", "sort", (char *)0);
		_exit(127);
	}
	close(fd[0]);
	*to = fd[1];
	return pid;
}

static void finish(pid_t pid, int to)
{
	close(to);
	waitpid(pid, 0, 0);
}

int main(void)
{
	int a, b;
	pid_t first = filter(&a), second = filter(&b);

	dprintf(a, "b\na\n");
	dprintf(b, "d\nc\n");
	finish(first, a);
	finish(second, b);
	return 0;
}
