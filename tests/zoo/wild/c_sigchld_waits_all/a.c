/* The handler of SIGCHLD waits for any child, without WNOHANG: after the first one it waits for the long one. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int ended;

static void reap(int sig)
{
	(void)sig;
	while (waitpid(-1, 0, 0) > 0)
		ended++;
}

int main(void)
{
	signal(SIGCHLD, reap);
	if (!fork()) {
		execlp("sleep", "sleep", "300", (char *)0);
		_exit(127);
	}
	if (!fork())
		_exit(0);
	while (!ended)
		pause();
	puts("one has ended");
	return 0;
}
