/* fuzz_pymem.c - the memory of a Python that is no Python: any word may stand anywhere. The bytes are the target's
 * memory from address 0 on, read through a descriptor as the helper does. */
#include "profile/native/python.h"

#include "base/err.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct peek *p, const struct python_layout *l, uint64_t thread)
{
	struct python_frame frames[32];
	bool torn;
	size_t n = python_walk(p, l, thread, frames, 32, &torn);

	BUG_ON(n > 32);
	for (size_t i = 0; i < n; i++) {
		struct python_place place;

		if (!python_place(p, l, &frames[i], &place))
			continue;
		BUG_ON(place.line < 0);
		free(place.function);
		free(place.file);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct python_layout l;
	struct peek p = { .pid = 0 };

	if (size < 8)
		return 0;
	for (unsigned minor = 8; minor <= 14; minor++)
		python_line(minor, data + 4, size - 4, data[0], (long)data[1] * 2);
	if (fd < 0)
		fd = memfd_create("fuzz", 0);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	p.mem_fd = fd;
	for (unsigned minor = 8; minor <= 13; minor++)
		walk(&p, python_layout_of(minor), 8 * (uint64_t)data[2]);
	if (python_debug_offsets(data, size, &l))
		walk(&p, &l, 8 * (uint64_t)data[16]);
	return 0;
}
