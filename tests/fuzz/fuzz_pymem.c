/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pymem.c - the memory of a Python that is no Python: any word may stand anywhere. The bytes are the target's
 * memory from the second page on, read through a descriptor as the helper does; several versions read the same. */
#include "profile/lang/python_threads.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct python_mem *m, uint64_t thread)
{
	struct python_frame frames[32];
	bool torn;
	size_t n = python_walk(m, thread, frames, 32, &torn);

	BUG_ON(n > 32);
	for (size_t i = 0; i < n; i++) {
		struct python_place place;
		struct python_live live = python_live(m, &frames[i]);

		BUG_ON(live.end < live.locals);
		if (!python_place(m, &frames[i], &place))
			continue;
		BUG_ON(place.line < 0);
		free(place.function);
		free(place.file);
	}
}

static bool count_one(void *arg, uint64_t key, uint64_t value)
{
	size_t *n = arg;

	(void)key;
	(void)value;
	return ++*n > 5000;
}

static void objects(struct python_mem *m, uint64_t at)
{
	char type[PYTHON_TYPE_MAX];
	uint64_t v;
	size_t n = 0;

	if (python_type(m, at, type))
		BUG_ON(strlen(type) >= sizeof(type));
	free(python_text(m, at));
	free(python_attr_text(m, at, "_name"));
	python_attr(m, at, "data");
	python_number(m, at, &v);
	python_dict_each(m, at, count_one, &n);
	python_set_each(m, at, count_one, &n);
	python_global(m, at, "threading", "_active");
}

/* A process with one Python thread, whose stack is the end of the memory. */
static void process(struct python_mem *m, uint64_t at, const uint8_t *stack, size_t size)
{
	struct snap_thread t = { .tid = 1, .ns_tid = 1, .stack_base = 65536, .stack_size = size, .state = 'S' };
	struct snap_process p = { .pid = 1, .threads = &t, .thread_count = 1 };
	struct native n = { .p = &p };
	struct python_frame frames[32];
	struct python_thread pt = { .t = &t, .states = { at }, .state_count = 1, .interpreter = at, .ident = 1,
				    .object = at, .frames = frames };
	struct python py = { .m = *m, .runtime = at, .interpreters = { at }, .interpreter_count = 1, .v = &pt, .n = 1 };

	t.stack = (unsigned char *)(uintptr_t)stack;
	t.syscall.nr = 202;
	t.syscall.sp = t.stack_base;
	t.syscall.arg[0] = at;
	pt.count = python_walk(&py.m, at, frames, 32, &pt.torn);
	python_waits(&n, &py);
	python_tasks(&n, &py);
	hints_release(&p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static struct python_mem m; /* its pages are large: once */
	static struct peek p;
	uint64_t at;

	if (size < 24 || size > 65536)
		return 0;
	for (unsigned minor = 8; minor <= 14; minor++)
		python_line(minor, data + 4, size - 4, data[0], (long)data[1] * 2);
	python_handler_depth(data + 4, size - 4, data[1]);
	if (fd < 0)
		fd = memfd_create("fuzz", 0);
	/* Whole pages, or the last would not be read. */
	if (ftruncate(fd, 0) || pwrite(fd, data, size, PYTHON_PAGE) != (ssize_t)size ||
	    ftruncate(fd, (off_t)((size + 2 * PYTHON_PAGE - 1) / PYTHON_PAGE * PYTHON_PAGE)))
		return 0;
	p.mem_fd = fd;
	if (!m.mem.pages)
		python_mem_init(&m, &p);
	python_forget(&m);
	at = PYTHON_PAGE + 8 * (uint64_t)data[2];
	for (unsigned k = 0; k < 9; k++) {
		bool free_threaded = k >= 7;

		m.l = *python_layout_of(free_threaded ? k + 6 : k + 8, free_threaded);
		walk(&m, at);
		objects(&m, at);
		if (k == data[3] % 9)
			process(&m, at, data, size);
	}
	if (python_debug_offsets(data, size, &m.l))
		process(&m, at, data, size);
	return 0;
}
