/* SPDX-License-Identifier: Apache-2.0 */
/* The tests of any trace: read and written in every format, never a crash, and XML and TAP that hold no control
 * characters. An even first byte: the rest is the file itself; an odd one: a trace is made of it. */
#include "base/err.h"
#include "findings/report/results.h"
#include "tests/fuzz/trace_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void must_be_plain(const struct str *text)
{
	for (size_t i = 0; i < text->len; i++)
		if ((unsigned char)text->data[i] < 0x20 && text->data[i] != '\n' && text->data[i] != '\t')
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_str made = STR_INIT;
	struct results t;
	struct err e = { 0 };
	char path[40];
	int fd = memfd_create("trace", MFD_CLOEXEC);

	if (fd < 0 || !size)
		return fd < 0 ? 0 : close(fd), 0;
	if (data[0] & 1)
		make_trace(data + 1, size - 1, &made);
	else
		str_addn(&made, (const char *)data + 1, size - 1);
	if (write(fd, str_cstr(&made), made.len) != (ssize_t)made.len)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	memset(&t, 0, sizeof(t));
	if (results_read(&t, path, NULL, &e) == 0) {
		for (const struct results_format *f = results_formats; f->name; f++) {
			auto_str out = STR_INIT;

			f->write(&t, &out);
			must_be_plain(&out);
		}
	}
	results_release(&t);
	close(fd);
	return 0;
}
