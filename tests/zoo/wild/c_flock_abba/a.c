/* Two jobs take the locks of two files in opposite order. */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static void take(const char *first, const char *second)
{
	flock(open(first, O_RDWR | O_CREAT | O_CLOEXEC, 0600), LOCK_EX);
	usleep(300000);
	flock(open(second, O_RDWR | O_CREAT | O_CLOEXEC, 0600), LOCK_EX);
}

int main(void)
{
	if (!fork()) {
		take("registry.lock", "checkout.lock");
		_exit(0);
	}
	take("checkout.lock", "registry.lock");
	wait(0);
	return 0;
}
