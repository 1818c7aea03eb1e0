/* A mutex in shared memory that is not robust: its owner was killed. */
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	pthread_mutex_t *m = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t shared;
	pid_t child;

	pthread_mutexattr_init(&shared);
	pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(m, &shared);
	child = fork();
	if (!child) {
		pthread_mutex_lock(m);
		for (;;)
			pause();
	}
	usleep(200000);
	kill(child, SIGKILL);
	waitpid(child, 0, 0);
	/*
	 * never comes
	 */
	pthread_mutex_lock(m);
	return 0;
}
