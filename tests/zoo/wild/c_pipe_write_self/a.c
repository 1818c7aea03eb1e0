/* Fills a pipe of its own before it reads from it. */
#include <stdlib.h>
#include <unistd.h>

static void put(int fd, size_t n)
{
	char *data = calloc(1, n);

	write(fd, data, n);
	free(data);
}

int main(void)
{
	int fd[2];

	if (pipe(fd))
		return 2;
	put(fd[1], 1 << 20);
	return 0;
}
