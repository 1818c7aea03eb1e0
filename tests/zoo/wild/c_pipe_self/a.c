/* Reads to the end of a pipe whose writing end it has itself. */
#include <unistd.h>

int main(void)
{
	char b[16];
	int p[2];

	if (pipe(p) < 0 || write(p[1], "x", 1) != 1)
		return 1;
	/* the end never comes */
	while (read(p[0], b, sizeof(b)) > 0)
		;
	return 0;
}
