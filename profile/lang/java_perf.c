/* SPDX-License-Identifier: Apache-2.0 */
/* java_perf.c - the counters that every JVM keeps in a file, unless it was told not to (-XX:-UsePerfData). Reading it asks
 * nothing of the JVM. */
#include "profile/lang/java.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/memory.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20, ENTRIES_MAX = 4096, ENTRY_HEAD = 20 };
static const unsigned char magic[4] = { 0xca, 0xfe, 0xc0, 0xc0 };

/* {u32 length, u32 name offset, u32 vector length, u8 type, u8 flags, u8 unit, u8 variability, u32 data offset} */
struct entry {
	const char *name;
	const unsigned char *data;
	size_t n;
	char type; /* J: a long; B: a text */
};

static bool entry_at(const unsigned char *b, size_t n, uint64_t at, struct entry *e, uint32_t *length)
{
	uint32_t name, data;

	*length = bytes_u32(b, n, at);
	if (*length < ENTRY_HEAD || at > n || *length > n - at)
		return false;
	name = bytes_u32(b, n, at + 4);
	data = bytes_u32(b, n, at + 16);
	if (name >= *length || data > *length || !memchr(b + at + name, '\0', *length - name))
		return false;
	*e = (struct entry){ .name = (const char *)b + at + name, .data = b + at + data, .n = *length - data,
			     .type = (char)b[at + 12] };
	return true;
}

static int64_t entry_number(const struct entry *e)
{
	return e->type == 'J' ? (int64_t)bytes_u64(e->data, e->n, 0) : 0;
}

static void entry_text(const struct entry *e, char *out, size_t size)
{
	size_t have = strlen(out), len = strnlen((const char *)e->data, e->n);

	if (e->type != 'B')
		return;
	if (len > size - have - 2)
		len = size - have - 2;
	memcpy(out + have, e->data, len);
	out[have + len] = ' ';
	out[have + len + 1] = '\0';
}

bool java_perf_parse(const unsigned char *b, size_t n, struct java_perf *out)
{
	uint64_t at = bytes_u32(b, n, 24);
	uint32_t count = bytes_u32(b, n, 28), length;
	int64_t frequency = 0, gc = 0, safepoint = 0, ticks = 0;
	struct entry e;

	*out = (struct java_perf){ .known = false };
	if (n < 32 || memcmp(b, magic, 4) != 0 || b[4] != 1)
		return false;
	for (uint32_t i = 0; i < count && i < ENTRIES_MAX && entry_at(b, n, at, &e, &length); i++, at += length) {
		if (strcmp(e.name, "sun.os.hrt.frequency") == 0)
			frequency = entry_number(&e);
		else if (strcmp(e.name, "java.threads.live") == 0)
			out->threads = entry_number(&e);
		else if (str_starts(e.name, "sun.gc.collector.") && str_ends(e.name, ".invocations"))
			out->gc_count += entry_number(&e);
		else if (str_starts(e.name, "sun.gc.collector.") && str_ends(e.name, ".time"))
			gc += entry_number(&e);
		else if (strcmp(e.name, "sun.rt.safepointTime") == 0)
			safepoint = entry_number(&e);
		else if (strcmp(e.name, "sun.os.hrt.ticks") == 0)
			ticks = entry_number(&e);
		else if (strcmp(e.name, "java.rt.vmFlags") == 0 || strcmp(e.name, "java.rt.vmArgs") == 0)
			entry_text(&e, out->flags, sizeof(out->flags));
		else if (strcmp(e.name, "java.property.java.vm.version") == 0)
			entry_text(&e, out->version, sizeof(out->version));
	}
	out->known = true;
	if (frequency > 0) {
		out->gc_ms = (int64_t)((double)gc * 1000 / (double)frequency);
		out->safepoint_ms = (int64_t)((double)safepoint * 1000 / (double)frequency);
		out->up_ms = (int64_t)((double)ticks * 1000 / (double)frequency);
	}
	return true;
}

/* A JVM maps the file for as long as it lives. Looking for it in /tmp takes milliseconds where that is full of files. */
static bool mapped_find(const struct snap_process *p, char *path, size_t size)
{
	for (size_t i = 0; i < p->maps.n; i++) {
		const char *at = strstr(p->maps.v[i].path, "/hsperfdata_"), *own = at ? strrchr(at, '/') : NULL;

		if (!own || own == at || strtol(own + 1, NULL, 10) != p->ns_pid)
			continue;
		return snprintf(path, size, "/proc/%d/root/tmp%s", (int)p->pid, at) < (int)size;
	}
	return false;
}

bool java_perf_find(const struct snap_process *p, char *path, size_t size)
{
	char pattern[96];
	glob_t g = { 0 };
	bool found;

	if (p->maps.n)
		return mapped_find(p, path, size);
	snprintf(pattern, sizeof(pattern), "/proc/%d/root/tmp/hsperfdata_*/%d", (int)p->pid, (int)p->ns_pid);
	found = glob(pattern, GLOB_NOSORT, NULL, &g) == 0 && g.gl_pathc && strlen(g.gl_pathv[0]) < size;
	if (found)
		memcpy(path, g.gl_pathv[0], strlen(g.gl_pathv[0]) + 1);
	globfree(&g);
	return found;
}

void java_perf_read_file(const char *path, struct java_perf *out)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	auto_free unsigned char *b = xmalloc(FILE_MAX);
	ssize_t n = fd >= 0 ? read(fd, b, FILE_MAX) : -1;

	*out = (struct java_perf){ .known = false };
	if (n > 0)
		java_perf_parse(b, (size_t)n, out);
}

void java_perf_read(const struct snap_process *p, struct java_perf *out)
{
	char path[PATH_MAX];

	*out = (struct java_perf){ .known = false };
	if (java_perf_find(p, path, sizeof(path)))
		java_perf_read_file(path, out);
}
