/* hang_c.c - hangs in C, one a name. "AT name" marks the line that waits, "HELD name" the line of who could end it,
 * "LEAF name" another end of the chain.
 * Every process ends by itself after ALIVE_S, so that a test that dies leaves nothing behind. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ALIVE_S = 60 };

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t rw = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t both, barrier;
static sem_t sem;
static int ends[2], back[2];
static char byte;

static pid_t child_start(void)
{
	pid_t pid = fork();

	if (pid == 0)
		alarm(ALIVE_S);
	return pid;
}

static void thread_start(pthread_t *t, void *(*f)(void *))
{
	pthread_create(t, NULL, f, NULL);
}

static void take(pthread_mutex_t *m)
{
	pthread_mutex_lock(m); /* AT mutex_abba HELD mutex_abba AT mutex_self */
}

static void *abba_other(void *arg)
{
	take(&b);
	pthread_barrier_wait(&both);
	take(&a);
	return arg;
}

static void mutex_abba(void)
{
	pthread_t t;

	take(&a);
	thread_start(&t, abba_other);
	pthread_barrier_wait(&both);
	take(&b);
}

static void mutex_self(void)
{
	take(&a);
	take(&a);
}

static void *holder_sleeps(void *arg)
{
	pthread_mutex_lock(&a);
	pthread_rwlock_wrlock(&rw);
	pthread_barrier_wait(&both);
	sleep(ALIVE_S); /* HELD mutex_held HELD rwlock_writer HELD join */
	return arg;
}

static void mutex_held(void)
{
	pthread_t t;

	thread_start(&t, holder_sleeps);
	pthread_barrier_wait(&both);
	pthread_mutex_lock(&a); /* AT mutex_held */
}

static void rwlock_writer(void)
{
	pthread_t t;

	thread_start(&t, holder_sleeps);
	pthread_barrier_wait(&both);
	pthread_rwlock_rdlock(&rw); /* AT rwlock_writer */
}

static void rwlock_readers(void)
{
	pthread_rwlock_rdlock(&rw);
	pthread_rwlock_wrlock(&rw); /* not found by glibc: a reader that wants to write */
	pthread_rwlock_rdlock(&rw);
}

static void *reader_sleeps(void *arg)
{
	pthread_rwlock_rdlock(&rw);
	pthread_barrier_wait(&both);
	sleep(ALIVE_S);
	return arg;
}

static void rwlock_reader(void)
{
	pthread_t t;

	thread_start(&t, reader_sleeps);
	pthread_barrier_wait(&both);
	pthread_rwlock_wrlock(&rw); /* AT rwlock_reader */
	rwlock_readers();
}

static void cond_wait(void)
{
	pthread_mutex_lock(&a);
	for (;;)
		pthread_cond_wait(&cond, &a); /* AT cond_wait */
}

static void sem_never(void)
{
	sem_wait(&sem); /* AT sem_never */
}

static void join(void)
{
	pthread_t t;

	thread_start(&t, holder_sleeps);
	pthread_barrier_wait(&both);
	pthread_join(t, NULL); /* AT join */
}

static void barrier_alone(void)
{
	pthread_barrier_wait(&barrier); /* AT barrier_alone */
}

static void futex_raw(void)
{
	static int word;

	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0); /* AT futex_raw */
}

static void mutex_shared(void)
{
	pthread_mutex_t *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(m, &attr);
	if (pipe(ends))
		_exit(1);
	if (child_start() == 0) {
		pthread_mutex_lock(m);
		if (write(ends[1], "x", 1) != 1)
			_exit(1);
		sleep(ALIVE_S); /* HELD mutex_shared */
		_exit(0);
	}
	if (read(ends[0], &byte, 1) == 1)
		pthread_mutex_lock(m); /* AT mutex_shared */
}

static void pipe_child(void)
{
	if (pipe(ends))
		_exit(1);
	if (child_start() == 0) {
		close(ends[0]);
		sleep(ALIVE_S); /* HELD pipe_child */
		_exit(0);
	}
	close(ends[1]);
	while (read(ends[0], &byte, 1) > 0) /* AT pipe_child */
		;
}

static void pipe_full(void)
{
	static char block[4096];

	if (pipe(ends))
		_exit(1);
	if (child_start() == 0) {
		close(ends[1]);
		sleep(ALIVE_S); /* HELD pipe_full */
		_exit(0);
	}
	close(ends[0]);
	while (write(ends[1], block, sizeof(block)) > 0) /* AT pipe_full */
		;
}

static void pipe_abba(void)
{
	if (pipe(ends) || pipe(back))
		_exit(1);
	if (child_start() == 0) {
		close(ends[1]);
		close(back[0]);
		if (read(ends[0], &byte, 1) >= 0) /* HELD pipe_abba */
			_exit(0);
	}
	close(ends[0]);
	close(back[1]);
	if (read(back[0], &byte, 1) >= 0) /* AT pipe_abba */
		_exit(0);
}

static void pipe_self(void)
{
	if (pipe(ends) == 0 && read(ends[0], &byte, 1) >= 0) /* AT pipe_self */
		_exit(0);
}

static void fifo(void)
{
	char path[] = "/tmp/spec-runner-zoo-fifo-XXXXXX";
	int fd;

	if (!mkdtemp(path) || rmdir(path) || mkfifo(path, 0600))
		_exit(1);
	fd = open(path, O_RDWR);
	unlink(path);
	if (child_start() == 0) {
		sleep(ALIVE_S); /* HELD fifo */
		_exit(0);
	}
	if (read(fd, &byte, 1) >= 0) /* AT fifo */
		_exit(0);
}

static void unix_recv(void)
{
	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	if (child_start() == 0) {
		close(ends[0]);
		sleep(ALIVE_S); /* HELD unix_recv */
		_exit(0);
	}
	close(ends[1]);
	recv(ends[0], &byte, 1, 0); /* AT unix_recv */
}

static int listener(struct sockaddr_in *in, int backlog)
{
	socklen_t n = sizeof(*in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	bind(fd, (struct sockaddr *)in, sizeof(*in));
	listen(fd, backlog);
	getsockname(fd, (struct sockaddr *)in, &n);
	return fd;
}

static void tcp_recv(void)
{
	struct sockaddr_in in;
	int l = listener(&in, 5), fd;

	if (child_start() == 0) {
		fd = accept(l, NULL, NULL);
		sleep(ALIVE_S); /* HELD tcp_recv */
		_exit(fd);
	}
	fd = socket(AF_INET, SOCK_STREAM, 0);
	connect(fd, (struct sockaddr *)&in, sizeof(in));
	close(l);
	recv(fd, &byte, 1, 0); /* AT tcp_recv */
}

static void tcp_accept(void)
{
	struct sockaddr_in in;

	accept(listener(&in, 5), NULL, NULL); /* AT tcp_accept */
}

static void tcp_connect(void)
{
	struct sockaddr_in in;

	listener(&in, 0);
	for (int i = 0; i < 8; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		connect(fd, (struct sockaddr *)&in, sizeof(in)); /* AT tcp_connect */
	}
}

static void unix_accept(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	bind(fd, (struct sockaddr *)&un, sizeof(sa_family_t));
	listen(fd, 1);
	accept(fd, NULL, NULL); /* AT unix_accept */
}

static void wait_child(void)
{
	pid_t pid = child_start();

	if (pid == 0) {
		sleep(ALIVE_S); /* HELD wait_child LEAF chain */
		_exit(0);
	}
	waitpid(pid, NULL, 0); /* AT wait_child HELD chain */
}

static void wait_any(void)
{
	siginfo_t si;

	if (child_start() == 0) {
		sleep(ALIVE_S); /* HELD wait_any */
		_exit(0);
	}
	waitid(P_ALL, 0, &si, WEXITED); /* AT wait_any */
}

static int lock_file(void)
{
	char path[] = "/tmp/spec-runner-zoo-lock-XXXXXX";
	int fd = mkstemp(path);

	if (fd < 0)
		_exit(1);
	ends[0] = open(path, O_RDWR); /* another open file: a lock of the same one would not conflict */
	unlink(path);
	return fd;
}

static void locked_by_child(void (*lock)(int fd))
{
	int fd = lock_file(), ready[2];

	if (pipe(ready))
		_exit(1);
	if (child_start() == 0) {
		lock(ends[0]);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		sleep(ALIVE_S); /* HELD file_flock HELD file_fcntl HELD file_ofd */
		_exit(0);
	}
	if (read(ready[0], &byte, 1) != 1)
		_exit(1);
	close(ends[0]);
	lock(fd);
}

static void do_flock(int fd)
{
	flock(fd, LOCK_EX); /* AT file_flock */
}

static void do_fcntl(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	fcntl(fd, F_SETLKW, &l); /* AT file_fcntl */
}

static void do_ofd(int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	fcntl(fd, F_OFD_SETLKW, &l); /* AT file_ofd */
}

static void file_flock(void) { locked_by_child(do_flock); }
static void file_fcntl(void) { locked_by_child(do_fcntl); }
static void file_ofd(void) { locked_by_child(do_ofd); }

static void pipe_to_child(void)
{
	if (pipe(ends))
		_exit(1);
	if (child_start() == 0) {
		close(ends[0]);
		sleep(ALIVE_S); /* HELD poll_pipe HELD select_pipe HELD epoll_pipe */
		_exit(0);
	}
	close(ends[1]);
}

static void poll_pipe(void)
{
	struct pollfd p = { .events = POLLIN };

	pipe_to_child();
	p.fd = ends[0];
	poll(&p, 1, -1); /* AT poll_pipe */
}

static void select_pipe(void)
{
	fd_set set;

	pipe_to_child();
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	select(ends[0] + 1, &set, NULL, NULL, NULL); /* AT select_pipe */
}

static void epoll_pipe(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int ep = epoll_create1(0);

	pipe_to_child();
	epoll_ctl(ep, EPOLL_CTL_ADD, ends[0], &ev);
	epoll_wait(ep, &ev, 1, -1); /* AT epoll_pipe */
}

static void long_sleep(void)
{
	sleep(ALIVE_S); /* AT long_sleep */
}

static void sig_pause(void)
{
	pause(); /* AT sig_pause */
}

static void sig_wait(void)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigwait(&set, &sig); /* AT sig_wait */
}

static void sig_fd(void)
{
	struct signalfd_siginfo si;
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	if (read(fd, &si, sizeof(si)) > 0) /* AT sig_fd */
		_exit(0);
}

static void event_fd(void)
{
	uint64_t v;

	if (read(eventfd(0, 0), &v, sizeof(v)) > 0) /* AT event_fd */
		_exit(0);
}

static void timer_fd(void)
{
	struct itimerspec its = { .it_value = { .tv_sec = ALIVE_S } };
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	uint64_t v;

	timerfd_settime(fd, 0, &its, NULL);
	if (read(fd, &v, sizeof(v)) > 0) /* AT timer_fd */
		_exit(0);
}

static void notify_fd(void)
{
	char buf[1024];
	int fd = inotify_init();

	inotify_add_watch(fd, "/proc/self", IN_DELETE_SELF);
	if (read(fd, buf, sizeof(buf)) > 0) /* AT notify_fd */
		_exit(0);
}

static int sysv_key; /* the set outlives its processes: the test gives the key and removes it */

static void sysv_sem(void)
{
	int id = semget(sysv_key, 1, 0600 | IPC_CREAT);
	struct sembuf op = { 0, -1, 0 };

	semop(id, &op, 1); /* AT sysv_sem */
}

static void spin(void)
{
	static volatile unsigned long n;

	for (;;) /* AT spin */
		n = n + 1; /* AT spin */
}

static void stopped(void)
{
	raise(SIGSTOP); /* AT stopped */
}

static void zombie(void)
{
	if (fork() == 0)
		_exit(0);
	sleep(ALIVE_S); /* AT zombie */
}

static void *outlives(void *arg)
{
	sleep(ALIVE_S); /* AT main_gone */
	return arg;
}

static void main_gone(void)
{
	pthread_t t;

	thread_start(&t, outlives);
	pthread_exit(NULL);
}

static void tty(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	if (grantpt(master) || unlockpt(master))
		_exit(1);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	if (read(slave, &byte, 1) >= 0) /* AT tty */
		_exit(0);
}

static void from_stdin(void)
{
	if (read(0, &byte, 1) >= 0) /* AT from_stdin */
		_exit(0);
}

static void chain(void)
{
	pid_t pid = child_start();

	if (pid == 0) {
		wait_child();
		_exit(0);
	}
	waitpid(pid, NULL, 0); /* AT chain */
}

static void in_handler_now(int sig)
{
	(void)sig;
	sleep(ALIVE_S); /* AT in_handler */
}

static void in_handler(void)
{
	signal(SIGUSR1, in_handler_now);
	raise(SIGUSR1);
}

static const struct { const char *name; void (*run)(void); } animals[] = {
#define ANIMAL(name) { #name, name },
	ANIMAL(mutex_abba) ANIMAL(mutex_self) ANIMAL(mutex_held) ANIMAL(mutex_shared) ANIMAL(rwlock_writer)
	ANIMAL(rwlock_reader) ANIMAL(cond_wait) ANIMAL(sem_never) ANIMAL(join) ANIMAL(barrier_alone) ANIMAL(futex_raw)
	ANIMAL(pipe_child) ANIMAL(pipe_full) ANIMAL(pipe_abba) ANIMAL(pipe_self) ANIMAL(fifo) ANIMAL(unix_recv)
	ANIMAL(tcp_recv) ANIMAL(tcp_accept) ANIMAL(tcp_connect) ANIMAL(unix_accept) ANIMAL(wait_child) ANIMAL(wait_any)
	ANIMAL(file_flock) ANIMAL(file_fcntl) ANIMAL(file_ofd) ANIMAL(poll_pipe) ANIMAL(select_pipe) ANIMAL(epoll_pipe)
	ANIMAL(long_sleep) ANIMAL(sig_pause) ANIMAL(sig_wait) ANIMAL(sig_fd) ANIMAL(event_fd) ANIMAL(timer_fd)
	ANIMAL(notify_fd) ANIMAL(sysv_sem) ANIMAL(spin) ANIMAL(stopped) ANIMAL(zombie) ANIMAL(main_gone) ANIMAL(tty)
	ANIMAL(from_stdin) ANIMAL(chain) ANIMAL(in_handler)
};

int main(int argc, char **argv)
{
	pthread_barrier_init(&both, NULL, 2);
	pthread_barrier_init(&barrier, NULL, 2);
	sem_init(&sem, 0, 0);
	alarm(ALIVE_S);
	sysv_key = argc > 2 ? atoi(argv[2]) : 0;
	for (size_t i = 0; argc > 1 && i < sizeof(animals) / sizeof(*animals); i++)
		if (strcmp(argv[1], animals[i].name) == 0)
			animals[i].run();
	return 0;
}
