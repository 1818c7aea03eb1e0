/* The answer has another type than the one that is waited for. */
#include <sys/ipc.h>
#include <sys/msg.h>

struct note { long type; char text[8]; };

int main(void)
{
	int q = msgget(IPC_PRIVATE, 0600);
	struct note n = { 1, "pong" };

	msgsnd(q, &n, sizeof(n.text), 0);
	/* type 2 never comes */
	msgrcv(q, &n, sizeof(n.text), 2, 0);
	return msgctl(q, IPC_RMID, 0);
}
