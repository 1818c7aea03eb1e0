/* Locks of lockf are not inherited: the child waits for its parent, which waits for the child. */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static void append(int fd)
{
	lockf(fd, F_LOCK, 0);
	write(fd, "x", 1);
	lockf(fd, F_ULOCK, 0);
}

int main(void)
{
	int fd = open("journal", O_RDWR | O_CREAT, 0600);

	lockf(fd, F_LOCK, 0);
	if (!fork()) {
		append(fd);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
