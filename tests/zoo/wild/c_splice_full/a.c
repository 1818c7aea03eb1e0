/* splice from a file into a pipe that the same program reads only afterwards. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static long copy(int from, int to, long want)
{
	long sum = 0, n;

	while (sum < want && (n = splice(from, 0, to, 0, want - sum, 0)) > 0)
		sum += n;
	return sum;
}

int main(void)
{
	int fd[2], file = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (pipe(fd) || ftruncate(file, 1 << 20))
		return 2;
	printf("%ld\n", copy(file, fd[1], 1 << 20));
	return 0;
}
