/* Sends to a System V queue, whose receiver has ended, until it is full. */
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(int q)
{
	static struct { long type; char text[4000]; } m = { 1, "" };

	msgsnd(q, &m, sizeof(m.text), 0);
}

int main(void)
{
	int q = msgget(IPC_PRIVATE, 0600);

	if (!fork())
		_exit(0);
	wait(0);
	for (int i = 0; i < 100; i++)
		report(q);
	return 0;
}
