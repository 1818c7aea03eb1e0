/* A build inside of a build: the inner one wants the lock of the outer one, which waits for it. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static void build(int depth)
{
	int fd = open("build.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	flock(fd, LOCK_EX);
	if (depth && !fork()) {
		close(fd);
		build(depth - 1);
		_exit(0);
	}
	wait(0);
}

int main(void)
{
	build(1);
	return 0;
}
