/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_snapshot.c - a copied snapshot that another process hands over. What is accepted is written and read again the
 * same. */
#include "profile/snapshot/snapshot.h"

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct snapshot *s)
{
	auto_close int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct snapshot second;
	struct err e = { 0 };
	struct stat st;
	void *bytes;

	BUG_ON(snapshot_save(s, fd) < 0 || fstat(fd, &st) < 0);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	BUG_ON(bytes == MAP_FAILED);
	BUG_ON(snapshot_load(&second, bytes, (size_t)st.st_size, &e) < 0);
	BUG_ON(second.process_count != s->process_count || second.collector_count != s->collector_count);
	munmap(bytes, (size_t)st.st_size);
	snapshot_compare(&second, s, 1000);
	snapshot_keep_moved(&second, s);
	snapshot_release(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot s;
	struct err e = { 0 };

	if (snapshot_load(&s, data, size, &e) < 0)
		return 0;
	for (size_t i = 0; i < s.process_count; i++) {
		const struct snap_process *p = &s.processes[i];

		for (size_t k = 0; k < p->maps.n; k++)
			BUG_ON(maps_find(&p->maps, p->maps.v[k].start) != &p->maps.v[k]);
		for (size_t k = 0; k < p->thread_count; k++)
			BUG_ON(strnlen(p->threads[k].name, sizeof(p->threads[k].name)) == sizeof(p->threads[k].name) ||
			       (p->threads[k].stack == NULL) != (p->threads[k].stack_size == 0));
	}
	again(&s);
	snapshot_release(&s);
	return 0;
}
