/* A scanner asks to be asked before files of a folder are opened, and opens one of them itself. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/fanotify.h>
#include <unistd.h>

static int look(const char *path)
{
	return open(path, O_RDONLY);
}

int main(void)
{
	int fan = fanotify_init(FAN_CLASS_CONTENT, O_RDONLY), f = open("notes", O_CREAT | O_WRONLY, 0600);

	close(f);
	if (fan < 0 || fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_PERM | FAN_EVENT_ON_CHILD, AT_FDCWD, "."))
		return 2;
	printf("%d\n", look("notes"));
	return 0;
}
