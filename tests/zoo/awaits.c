/* awaits WHAT [PATH] - waits in one of the rarer ways; a child of it could end most of them. Prints "ready" (and the
 * number of what must be removed) just before. */
#include "tests/zoo/zoo.h"

#include <fcntl.h>
#include <mqueue.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

static void child_pauses(void)
{
	if (zoo_fork() == 0) {
		pause();
		_exit(0);
	}
}

static void say(int number)
{
	printf("ready %d\n", number);
	fflush(stdout);
}

static void queue(void)
{
	struct mq_attr attr = { .mq_maxmsg = 2, .mq_msgsize = 100 };
	char name[40], message[100];
	mqd_t q;

	snprintf(name, sizeof(name), "/spec-runner-zoo-%d", (int)getpid());
	q = mq_open(name, O_CREAT | O_RDWR, 0600, &attr);
	child_pauses();
	mq_unlink(name);
	say(0);
	if (mq_receive(q, message, sizeof(message), NULL) >= 0)
		exit(1);
}

static void semaphore(void)
{
	struct sembuf up = { 1, 1, 0 }, down = { 1, -1, 0 };
	int set = semget(IPC_PRIVATE, 2, 0600);
	pid_t child = zoo_fork();

	if (child == 0) {
		semop(set, &up, 1);
		semop(set, &down, 1); /* the last one to have it */
		say(set);
		pause();
		_exit(0);
	}
	while (semctl(set, 1, GETPID) != child || semctl(set, 1, GETVAL) != 0)
		usleep(1000);
	semop(set, &down, 1);
}

static void events(void)
{
	uint64_t v;
	int fd = eventfd(0, 0);

	child_pauses();
	say(0);
	if (read(fd, &v, sizeof(v)) >= 0)
		exit(1);
}

static void timer(bool set)
{
	struct itimerspec in = { .it_value = { .tv_sec = set ? 100 : 0 } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t v;

	timerfd_settime(fd, 0, &in, NULL);
	say(0);
	if (read(fd, &v, sizeof(v)) >= 0)
		exit(1);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	zoo_live();
	if (strcmp(what, "queue") == 0) {
		queue();
	} else if (strcmp(what, "semaphore") == 0) {
		semaphore();
	} else if (strcmp(what, "eventfd") == 0) {
		events();
	} else if (strcmp(what, "timer") == 0 || strcmp(what, "timer_unset") == 0) {
		timer(strcmp(what, "timer") == 0);
	} else if (strcmp(what, "fifo") == 0 && argc > 2 && mkfifo(argv[2], 0600) == 0) {
		say(0);
		return open(argv[2], O_RDONLY) >= 0;
	}
	return 0;
}
