/* A worker lets SIGTERM wait until its piece of work is done. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, 0);
	pid = fork();
	if (!pid) {
		sleep(3);
		sigprocmask(SIG_UNBLOCK, &set, 0);
		_exit(0);
	}
	usleep(100000);
	kill(pid, SIGTERM);
	return waitpid(pid, 0, 0) != pid;
}
