/* A worker has SIGTERM blocked since its start; its parent asks it to end, and waits. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void serve(void)
{
	for (;;)
		pause();
}

static void stop(pid_t pid)
{
	kill(pid, SIGTERM);
	waitpid(pid, 0, 0);
}

int main(void)
{
	sigset_t set;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, 0);
	pid = fork();
	if (!pid)
		serve();
	usleep(100000);
	stop(pid);
	return 0;
}
