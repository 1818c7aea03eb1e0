/* floods BYTES - that many bytes on each stream, interleaved in pieces of changing length, each
 * byte determined by its place: a lost, doubled or moved one shows. Not all are text, and
 * the last line has no end. */
#include "tests/zoo/zoo.h"

static void put(int fd, unsigned long from, unsigned long n)
{
	static unsigned char buf[8192];
	unsigned long done = 0;

	for (unsigned long i = 0; i < n; i++)
		buf[i] = (unsigned char)((from + i) * 2654435761u >> 13 ^ (unsigned)fd);
	while (done < n) {
		ssize_t w = write(fd, buf + done, n - done);

		if (w < 0 && errno != EINTR)
			_exit(96);
		if (w > 0)
			done += (unsigned long)w;
	}
}

int main(int argc, char **argv)
{
	unsigned long bytes = (unsigned long)zoo_arg(argc, argv, 1, 1000000), at = 0, step = 1;

	zoo_live();
	while (at < bytes) {
		unsigned long n = bytes - at < step ? bytes - at : step;

		put(1, at, n);
		put(2, at, n);
		at += n;
		step = step * 7 % 8191 + 1;
	}
	return 0;
}
