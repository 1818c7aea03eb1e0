/* SPDX-License-Identifier: Apache-2.0 */
/* Any file given to `verify`: an error or findings, never a crash, and no more memory than the
 * file has bytes, many times over. A first byte of 0xff: a trace is made of the rest. */
#include "base/err.h"
#include "base/mem.h"
#include "tests/fuzz/trace_maker.h"
#include "trace/verify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static bool take_report(void *arg, const char *pointer, const char *what)
{
	/* one line each, whatever the file holds */
	if (strpbrk(pointer, "\n\r") || strpbrk(what, "\n\r"))
		abort();
	return ++*(unsigned *)arg < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *const envp[] = { "API_TOKEN=hunter2/secret+value", NULL };
	static struct redactor *r;
	struct verify_result result;
	unsigned findings = 0;
	struct err e;
	int fd = memfd_create("trace", MFD_CLOEXEC);
	auto_str made = STR_INIT;

	if (size && data[0] == 0xff) {
		make_trace(data + 1, size - 1, &made);
		data = (const uint8_t *)str_cstr(&made);
		size = made.len;
	}
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET) != 0)
		abort();
	if (!r && redactor_new(&r, envp, NULL, NULL, &e) < 0)
		abort();
	if (verify_run(fd, "trace", r, take_report, &findings, &result, &e) == 0 && !result.findings &&
	    memmem(data, size, "hunter2/secret+value", 20))
		abort();
	close(fd);
	return 0;
}
