/* The signal comes between the question and pause(). */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t ready;

static void on_usr1(int sig)
{
	ready = sig;
}

static void wait_ready(void)
{
	while (!ready) {
		usleep(1);
		raise(SIGUSR1);
		pause();
	}
}

int main(void)
{
	signal(SIGUSR1, on_usr1);
	wait_ready();
}
