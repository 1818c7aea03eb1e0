/* A POSIX message queue that nobody sends to. */
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <unistd.h>

static long take(mqd_t q)
{
	char b[64];

	return mq_receive(q, b, sizeof(b), NULL);
}

int main(void)
{
	struct mq_attr a = { .mq_maxmsg = 4, .mq_msgsize = 64 };
	char name[40];
	mqd_t q;

	snprintf(name, sizeof(name), "/wild-%d", getpid());
	q = mq_open(name, O_RDWR | O_CREAT, 0600, &a);
	mq_unlink(name);
	return take(q) < 0;
}
