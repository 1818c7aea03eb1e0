/* A System V semaphore whose holder has ended without giving it back. */
#include <sys/ipc.h>
#include <sys/sem.h>
#include <sys/wait.h>
#include <unistd.h>

static void enter(int set)
{
	struct sembuf down = { 0, -1, 0 };
	semop(set, &down, 1);
}

int main(void)
{
	int set = semget(IPC_PRIVATE, 1, 0600);

	semctl(set, 0, SETVAL, 1);
	if (!fork()) {
		enter(set);
		_exit(1);
	}
	wait(0);
	enter(set);
	return semctl(set, 0, IPC_RMID);
}
