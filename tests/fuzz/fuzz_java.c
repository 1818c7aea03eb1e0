/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_java.c - what a JVM, or whoever stands in for one, answers: a dump of threads, and a file of counters. */
#include "profile/lang/java.h"

#include "base/err.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct java_dump d;
	struct java_perf perf;

	if (java_dump_parse((const char *)data, size, &d))
		BUG_ON(!d.n);
	for (size_t i = 0; i < d.n; i++)
		for (size_t k = 0; k < d.v[i].frame_count; k++)
			BUG_ON(d.v[i].frames[k].line < 0 || !d.v[i].frames[k].function);
	java_dump_release(&d);
	java_perf_parse(data, size, &perf);
	BUG_ON(strnlen(perf.flags, sizeof(perf.flags)) == sizeof(perf.flags));
	return 0;
}
