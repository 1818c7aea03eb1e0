/* The shell has ended, but what it has left behind keeps the terminal open: the end of the output never comes. */
#define _GNU_SOURCE
#include <pty.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void drain(int master)
{
	char buf[256];
	ssize_t n;

	while ((n = read(master, buf, sizeof(buf))) > 0)
		fwrite(buf, 1, n, stdout);
}

int main(void)
{
	int master;
	pid_t pid = forkpty(&master, 0, 0, 0);

	if (!pid) {
		execl("/bin/sh", "sh", "-c", "trap '' HUP; sleep 300 & echo started", (char *)0);
		_exit(127);
	}
	waitpid(pid, 0, 0);
	drain(master);
	return 0;
}
