/* Two processes, a named semaphore: the one that should post was killed. */
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void await_turn(sem_t *s)
{
	sem_wait(s);
}

int main(void)
{
	char name[40];
	sem_t *s;
	pid_t p;

	snprintf(name, sizeof(name), "/wild-sem-%d", getpid());
	s = sem_open(name, O_CREAT, 0600, 0);
	sem_unlink(name);
	p = fork();
	if (!p) {
		sleep(1);
		raise(SIGKILL);
		sem_post(s);
	}
	waitpid(p, NULL, 0);
	await_turn(s);
}
