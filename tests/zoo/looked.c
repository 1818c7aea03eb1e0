/* looked WHAT - a program to be looked at: names and lines that a test can ask for.
 *   blocked  a thread reads a pipe that it holds itself, the first one waits for it
 *   held     a thread waits for a lock that the first one holds, which pauses
 *   secret   as blocked, and undumpable
 *   busy     a thread computes without end, the first one waits for it
 *   exits    threads come and go, children fork, exec and exit, as fast as they can
 *   many N   N threads that read one pipe
 *   tree P N P processes with N threads each
 *   restart  calls that a stop would end early, in turn; prints one line for each that ended before its time */
#include "tests/zoo/zoo.h"

#include <errno.h>
#include <linux/aio_abi.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int ends[2];
static volatile unsigned long turns;

static __attribute__((noinline)) void *blocked_reader(void *arg)
{
	char c;

	(void)arg;
	if (read(ends[0], &c, 1) < 0)
		perror("read");
	return NULL;
}

static __attribute__((noinline)) void *busy_worker(void *arg)
{
	(void)arg;
	for (;;)
		turns++;
	return NULL;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static __attribute__((noinline)) void *lock_waiter(void *arg)
{
	pthread_mutex_lock(&lock);
	return arg;
}

static __attribute__((noinline)) int lock_holder(void)
{
	pthread_t t;

	pthread_mutex_lock(&lock);
	if (pthread_create(&t, NULL, lock_waiter, NULL) == 0)
		pause();
	return 0;
}

static void *nothing(void *arg) { return arg; }

static __attribute__((noreturn)) void come_and_go(void)
{
	for (;;) {
		pthread_t t[4];
		int n = 0;
		pid_t pid;

		for (; n < 4 && pthread_create(&t[n], NULL, nothing, NULL) == 0; n++)
			;
		pid = fork();
		if (pid == 0) {
			execl("/bin/true", "true", (char *)NULL);
			_exit(1);
		}
		while (n)
			pthread_join(t[--n], NULL);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static void many(int n)
{
	pthread_attr_t a;
	pthread_t t;
	int made = 0;

	pthread_attr_init(&a);
	pthread_attr_setstacksize(&a, 32768);
	while (made < n && pthread_create(&t, &a, blocked_reader, NULL) == 0)
		made++;
	printf("%d threads\n", made);
	fflush(stdout);
}

static void tree(int processes, int n)
{
	for (int i = 1; i < processes; i++) {
		pid_t pid = zoo_fork();

		if (pid == 0) {
			many(n - 1);
			pause();
			_exit(0);
		}
	}
	many(n - 1);
}

/* Each waits for 30 ms for what never comes: anything else than its own time is a disturbance. */
enum { CALLS = 5, WAIT_MS = 30 };
static int sockets[2], epoll_fd, semaphores;
static aio_context_t aio;

static long wait_in(int call, int *wanted)
{
	struct timespec ts = { 0, WAIT_MS * 1000000L };
	struct sembuf down = { 0, -1, 0 };
	struct epoll_event ev;
	struct io_event done;
	sigset_t set;
	char c;

	*wanted = EAGAIN;
	switch (call) {
	case 0: *wanted = 0; return epoll_wait(epoll_fd, &ev, 1, WAIT_MS);
	case 1: return semtimedop(semaphores, &down, 1, &ts);
	case 2:
		sigemptyset(&set);
		sigaddset(&set, SIGUSR2);
		return sigtimedwait(&set, NULL, &ts);
	case 3: return recv(sockets[0], &c, 1, 0);
	default: *wanted = 0; return syscall(SYS_io_getevents, aio, 1, 1, &done, &ts);
	}
}

static __attribute__((noreturn)) void restart(void)
{
	struct timeval tv = { 0, WAIT_MS * 1000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	semaphores = semget(IPC_PRIVATE, 1, 0600);
	epoll_fd = epoll_create1(0);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) < 0 || syscall(SYS_io_setup, 1, &aio) < 0)
		exit(1);
	setsockopt(sockets[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	if (semaphores >= 0) /* gone with its last user's exit; usable until then by its number */
		printf("ready %d\n", semaphores);
	fflush(stdout);
	for (long n = 0;; n++) {
		int wanted, call = (int)(n % CALLS);
		long got;

		errno = 0;
		got = wait_in(call, &wanted);
		if (got > 0 || (wanted == 0 && got != 0) || (wanted && errno != wanted)) {
			printf("call %d: %ld %s\n", call, got, strerror(errno));
			fflush(stdout);
		}
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	pthread_t t;

	zoo_live();
	if (pipe(ends) < 0)
		return 1;
	if (strcmp(what, "exits") == 0)
		come_and_go();
	if (strcmp(what, "restart") == 0)
		restart();
	if (strcmp(what, "held") == 0)
		return lock_holder();
	if (strcmp(what, "secret") == 0)
		prctl(PR_SET_DUMPABLE, 0);
	if (strcmp(what, "tree") == 0 && argc > 3) {
		tree(atoi(argv[2]), atoi(argv[3]));
		pause();
		return 0;
	}
	if (strcmp(what, "many") == 0 && argc > 2) {
		many(atoi(argv[2]));
		pause();
		return 0;
	}
	if (pthread_create(&t, NULL, strcmp(what, "busy") == 0 ? busy_worker : blocked_reader, NULL) != 0)
		return 1;
	pthread_join(t, NULL);
	return 0;
}
