/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_gomem.c - a table of functions and the memory of a Go program that is none: any word may stand anywhere. The bytes are
 * the table, and from the second page on the target's memory as well, read through a descriptor. */
#include "profile/lang/go.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct go *go, const uint8_t *data, size_t size)
{
	struct go_frame frames[GO_FRAMES_MAX];
	struct goroutine g = { .g = LANG_PAGE, .status = GO_WAITING, .hi = LANG_PAGE + size, .sp = LANG_PAGE };
	bool whole;
	size_t n;

	g.stack = (struct go_stack){ LANG_PAGE, (unsigned char *)(uintptr_t)data, size };
	g.waiting = LANG_PAGE + (data[size - 1] & ~7u);
	for (uint64_t pc = go->t.text; pc < go->t.etext && pc < go->t.text + 64; pc += 7) {
		n = go_walk(go, &g.stack, pc, LANG_PAGE + (pc & 0x78), pc & 1, frames, &whole);
		BUG_ON(n > GO_FRAMES_MAX);
		go_wait_of(go, &g, frames, n);
		for (size_t i = 0; i < n; i++) {
			BUG_ON(!frames[i].site->count || !frames[i].site->calls[0].function);
			go_open_locks(go, frames[i].site);
		}
		go_closes_channel(go, pc);
	}
	free(g.hint.resource);
	free(g.hint.tasks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct snap_process process;
	struct native native = { .p = &process };
	struct go go = { .n = &native };
	static int fd = -1;

	if (size < 80 || size > 1 << 16)
		return 0;
	if (fd < 0)
		fd = memfd_create("memory", MFD_CLOEXEC);
	if (ftruncate(fd, 0) || pwrite(fd, data, size, LANG_PAGE) != (ssize_t)size ||
	    ftruncate(fd, (off_t)((size + 2 * LANG_PAGE - 1) / LANG_PAGE * LANG_PAGE)))
		return 0;
	process.peek = (struct peek){ .pid = getpid(), .mem_fd = fd };
	lang_mem_init(&go.m, &process.peek);
	go.l = (struct go_layout){ 18, 104, 112, 144, 360, 72, 192, 52, 64, 80 };
	if (go_table_open(&go.t, data, size) && go_table_place(&go.t, 0x400000)) {
		go.t.gofunc = LANG_PAGE;
		walk(&go, data, size);
	}
	go_release(&go);
	return 0;
}
