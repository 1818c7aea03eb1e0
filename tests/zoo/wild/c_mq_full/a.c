/* Sends more messages than the queue holds; the receiver has ended. */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/wait.h>
#include <unistd.h>

static void report(mqd_t q, int i)
{
	mq_send(q, (char *)&i, sizeof(i), 0);
}

int main(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 16 };
	mqd_t q = mq_open("/spec-runner-wild-full", O_CREAT | O_RDWR, 0600, &attr);

	mq_unlink("/spec-runner-wild-full");
	if (!fork())
		_exit(1);
	wait(0);
	for (int i = 0; i < 5; i++)
		report(q, i);
	return 0;
}
