/* The child's signal came before the parent began to wait for it. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void note(int s) { (void)s; }

int main(void)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGUSR1, note);
	if (!fork()) {
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	wait(0);
	/*
	 * too late
	 */
	/* */
	sigsuspend(&none);
	return 0;
}
