/* Waits for a child that somebody has stopped. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	pid_t p = fork();

	if (p == 0) {
		execlp("sleep", "sleep", "300", (char *)0);
		_exit(1);
	}
	usleep(200000);
	kill(p, SIGSTOP);
	waitpid(p, 0, 0);
	return 0;
}
