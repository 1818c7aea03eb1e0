/* A signalfd for SIGCHLD, but the signal is not blocked: it is discarded, and the descriptor never becomes readable. */
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static int wait_exit(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == sizeof(info) ? (int)info.ssi_status : -1;
}

int main(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	fd = signalfd(-1, &set, 0);
	if (!fork()) {
		usleep(200000);
		_exit(3);
	}
	return wait_exit(fd);
}
