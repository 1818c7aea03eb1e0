/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_repro.c - repro.json and traces come from CI: any bytes may be in them. */
#include "runner/repro/again.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct session session;

static void read_earlier(const char *path)
{
	struct session *s = &session;
	struct err e = { 0 };
	double low = 0;

	memset(s, 0, sizeof(*s));
	if (again_read(s, path, &low, &e) < 0)
		BUG_ON(e.kind != ERR_USAGE || !*e.msg);
	else
		BUG_ON(!s->selection.argv.n || !s->target.argv.n || s->plan.family[0].origin.delay_us < 0);
	selection_release(&s->selection);
	target_release(&s->target);
}

static void read_trace(const char *path)
{
	struct err e = { 0 };
	struct target t;
	struct found f;

	if (target_read(&t, path, &e) < 0)
		BUG_ON(e.kind != ERR_USAGE || !*e.msg);
	else
		BUG_ON(!t.argv.n || !t.cwd);
	target_release(&t);
	if (found_read(&f, path, NULL, &e) == 1)
		found_release(&f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("repro", MFD_CLOEXEC);
	auto_free char *path = xasprintf("/proc/self/fd/%d", fd);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	read_earlier(path);
	read_trace(path);
	close(fd);
	return 0;
}
