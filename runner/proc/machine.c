/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/machine.h"

#include "base/fd.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* Less than this is "full": a log line may still fit, a build does not. */
#define MACHINE_DISK_FULL_BYTES (64 * 1024)

int64_t machine_oom_kills(void)
{
	char buf[32768], *line;

	if (fd_read_file(AT_FDCWD, "/proc/vmstat", buf, sizeof(buf)) < 0)
		return -1;
	line = strstr(buf, "\noom_kill ");
	return line ? strtoll(line + strlen("\noom_kill "), NULL, 10) : -1;
}

static void machine_record_disk(struct trace *t, span_id span, const char *path, int64_t now_ns)
{
	struct statvfs fs;
	struct attrs a = { 0 };

	if (statvfs(path, &fs) < 0 || fs.f_blocks == 0 ||
	    (uint64_t)fs.f_bavail * fs.f_frsize >= MACHINE_DISK_FULL_BYTES)
		return;
	attrs_init(&a, t);
	attrs_str(&a, "path", path);
	attrs_int(&a, "disk_free_bytes", (int64_t)(fs.f_bavail * fs.f_frsize));
	trace_checkpoint(t, span, CP_MACHINE_DISK_FULL, now_ns, &a);
	attrs_release(&a);
}

void machine_record(struct trace *t, span_id span, int64_t oom_kills_before, const char *comm,
		    const char *artifacts, int64_t now_ns)
{
	int64_t kills = oom_kills_before >= 0 ? machine_oom_kills() : -1;
	const char *tmp = getenv("TMPDIR");
	struct attrs a = { 0 };

	if (kills > oom_kills_before && oom_kills_before >= 0) {
		attrs_init(&a, t);
		attrs_int(&a, "oom_kills", kills - oom_kills_before);
		attrs_str(&a, "comm", comm);
		trace_checkpoint(t, span, CP_MACHINE_OOM, now_ns, &a);
		attrs_release(&a);
	}
	machine_record_disk(t, span, ".", now_ns);
	machine_record_disk(t, span, tmp && *tmp ? tmp : "/tmp", now_ns);
	machine_record_disk(t, span, artifacts, now_ns);
}
