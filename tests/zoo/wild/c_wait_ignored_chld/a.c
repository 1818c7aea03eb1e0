/* SIGCHLD is ignored: waitpid for the child that has ended waits for all the others as well. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void worker(void)
{
	for (;;)
		sleep(100);
}

static void reap(void)
{
	wait(0);
}

int main(void)
{
	signal(SIGCHLD, SIG_IGN);
	if (!fork())
		worker();
	if (!fork())
		_exit(0);
	reap();
	return 0;
}
