/* Sends more messages than the queue holds; the receiver is slow. */
#include <fcntl.h>
#include <mqueue.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	struct mq_attr attr = { .mq_maxmsg = 1, .mq_msgsize = 16 };
	mqd_t q = mq_open("/spec-runner-wild-ok", O_CREAT | O_RDWR, 0600, &attr);
	char m[16] = "";

	mq_unlink("/spec-runner-wild-ok");
	if (!fork()) {
		for (int i = 0; i < 3; i++) {
			sleep(1);
			mq_receive(q, m, sizeof(m), 0);
		}
		_exit(0);
	}
	for (int i = 0; i < 3; i++)
		mq_send(q, m, sizeof(m), 0);
	return wait(0) < 0;
}
