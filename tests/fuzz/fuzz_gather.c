/* Any bytes as a sealed trace; with a 0x01 in front, as a snapshot of one. */
#include "base/path.h"
#include "findings/gather.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RUN "run-20261121T000000Z-00000001"

static char dir[] = "/tmp/fuzz-gather-XXXXXX", trace[128], raw[128], sealed[128], snapshot[256];

static void at_exit(void)
{
	struct err e;

	path_remove_tree(dir, &e);
}

static void folders_make(void)
{
	static const char text[] = "{\"run_id\":\"" RUN "\",\"status\":\"fail\",\"command\":\"run\",\"args\":[],"
				   "\"spans\":[],\"events\":[]}";
	struct err e;

	if (!mkdtemp(dir))
		abort();
	atexit(at_exit);
	snprintf(trace, sizeof(trace), "%s/trace.json", dir);
	snprintf(sealed, sizeof(sealed), "%s/run-trace.json", dir);
	snprintf(raw, sizeof(raw), "%s/raw", dir);
	snprintf(snapshot, sizeof(snapshot), "%s/" RUN "/snapshot-1.json", raw);
	if (path_mkdirs_for(snapshot, &e) < 0 || file_write(sealed, text, sizeof(text) - 1, &e) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *const dirs[] = { raw, NULL };
	bool is_snapshot = size && data[0] == 1;
	struct err e = { 0 };
	struct facts f;

	if (!trace[0])
		folders_make();
	if (file_write(is_snapshot ? snapshot : trace, data + is_snapshot, size - is_snapshot, &e) < 0)
		abort();
	if (facts_init(&f, &e) == 0) {
		auto_str out = STR_INIT;

		gather(&f, is_snapshot ? sealed : trace, dirs, &e);
		facts_sort(&f);
		facts_print(&f, &out);
	}
	facts_release(&f);
	return 0;
}
