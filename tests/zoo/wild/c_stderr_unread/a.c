/* Reads the child's output to its end first; the child is still at its errors. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static long slurp(int fd)
{
	char b[4096];
	long n, all = 0;

	while ((n = read(fd, b, sizeof(b))) > 0)
		all += n;
	return all;
}

static void child(void)
{
	char line[80];

	memset(line, 'w', sizeof(line));
	for (int i = 0; i < 4000; i++)
		write(2, line, sizeof(line));
	_exit(0);
}

int main(void)
{
	int out[2], err[2];

	pipe(out);
	pipe(err);
	if (!fork()) {
		dup2(out[1], 1);
		dup2(err[1], 2);
		close(out[1]);
		close(out[0]);
		close(err[0]);
		close(err[1]);
		child();
	}
	close(out[1]);
	close(err[1]);
	slurp(out[0]);
	slurp(err[0]);
	wait(NULL);
}
