/* The file was there before the watch was set. */
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

static void wait_created(const char *dir)
{
	char b[4096];
	int fd = inotify_init();

	inotify_add_watch(fd, dir, IN_CREATE);
	read(fd, b, sizeof(b));
}

int main(void)
{
	mkdir("box", 0700);
	close(creat("box/ready", 0600));
	wait_created("box");
}
