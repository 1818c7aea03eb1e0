/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a sealed trace; with a 0x01 in front, as a snapshot of one; with a 0x02, as the end of its
 * output. What comes of them goes through every pattern and every format. */
#include "base/path.h"
#include "findings/analyze.h"
#include "evidence/gather.h"
#include "findings/report.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RUN "run-20261121T000000Z-00000001"

static char dir[] = "/tmp/fuzz-gather-XXXXXX", trace[128], raw[128], sealed[128], snapshot[256], tail[256];
static struct patterns patterns;

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
	snprintf(tail, sizeof(tail), "%s/" RUN "/stdout.tail", raw);
	patterns_init(&patterns);
	if (patterns_add_builtin(&patterns, NULL, &e) < 0)
		abort();
	if (path_mkdirs_for(snapshot, &e) < 0 || file_write(sealed, text, sizeof(text) - 1, &e) < 0)
		abort();
}

static void formats_write(struct facts *f)
{
	struct findings found;
	struct report r = { .facts = f, .findings = &found, .report_path = "report.md" };

	findings_init(&found);
	analyze(f, &patterns, &found);
	report_head_read(&r.head, f);
	for (const struct report_ops *format = report_formats; format->name; format++) {
		auto_str out = STR_INIT;

		format->write(&r, &out);
	}
	findings_release(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *const dirs[] = { raw, NULL };
	bool raw_file = size && (data[0] == 1 || data[0] == 2);
	struct err e = { 0 };
	struct facts f;

	if (!trace[0])
		folders_make();
	if (file_write(!raw_file ? trace : data[0] == 1 ? snapshot : tail, data + raw_file, size - raw_file, &e) < 0)
		abort();
	if (facts_init(&f, &e) == 0) {
		gather(&f, raw_file ? sealed : trace, dirs, &e);
		facts_sort(&f);
		formats_write(&f);
	}
	facts_release(&f);
	if (raw_file)
		unlink(data[0] == 1 ? snapshot : tail);
	return 0;
}
