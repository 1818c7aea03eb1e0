/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup.c - limits of the cgroup of the first process that was seen, and how long it was throttled since then. */
#include "profile/sample/sampler.h"

#include "base/json_write.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct throttling {
	int64_t periods, throttled, throttled_us;
};
struct sampler_cgroup {
	char unified[512], older[512]; /* folders; "" none. older: of the controller cpu, with a hierarchy of its own */
	struct throttling base;        /* as of the first reading: what was before is not ours */
};

static int64_t number_after(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at ? strtoll(at + strlen(name), NULL, 10) : 0;
}

static ssize_t text_of(const char *dir, const char *name, char *text, size_t size)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	text[0] = '\0';
	return dir[0] ? fd_read_file(AT_FDCWD, path, text, size) : -1;
}

static int64_t number_of(const char *dir, const char *name)
{
	char text[64];

	return text_of(dir, name, text, sizeof(text)) > 0 ? strtoll(text, NULL, 10) : -1;
}

static bool throttling_read(const struct sampler_cgroup *g, struct throttling *t)
{
	char text[1024];

	if (text_of(g->unified, "cpu.stat", text, sizeof(text)) > 0 && strstr(text, "nr_periods "))
		t->throttled_us = number_after(text, "throttled_usec ");
	else if (text_of(g->older, "cpu.stat", text, sizeof(text)) > 0 && strstr(text, "nr_periods "))
		t->throttled_us = number_after(text, "throttled_time ") / 1000;
	else
		return false;
	t->periods = number_after(text, "nr_periods ");
	t->throttled = number_after(text, "nr_throttled ");
	return true;
}

static double quota_read(const struct sampler_cgroup *g)
{
	int64_t quota = number_of(g->older, "cpu.cfs_quota_us"), of = number_of(g->older, "cpu.cfs_period_us");
	char text[64], *period = text;

	if (text_of(g->unified, "cpu.max", text, sizeof(text)) > 0 && strncmp(text, "max", 3) != 0) {
		quota = strtoll(text, &period, 10);
		of = strtoll(period, NULL, 10);
	}
	return quota > 0 && of > 0 ? (double)quota / (double)of : 0;
}

void cgroup_begin(struct sampler *s)
{
	struct sampler_cgroup *g = s->cgroup;
	pid_t pid = s->first ? s->first->pid : 0;

	if (g || !pid)
		return;
	g = s->cgroup = xcalloc(1, sizeof(*g));
	if (proc_cgroup_dir(pid, g->unified, sizeof(g->unified)) < 0)
		g->unified[0] = '\0';
	if (proc_cgroup_dir_v1(pid, "cpu", g->older, sizeof(g->older)) < 0)
		g->older[0] = '\0';
	throttling_read(g, &g->base);
}

void cgroup_note(struct sampler *s)
{
	const struct sampler_cgroup *g = s->cgroup;
	struct throttling t;
	auto_str out = STR_INIT;
	char events[512];
	struct json j;

	if (!g || (!g->unified[0] && !g->older[0]))
		return;
	json_init(&j, &out);
	json_object(&j, NULL);
	if (throttling_read(g, &t)) {
		json_int(&j, "throttled_us", t.throttled_us - g->base.throttled_us);
		json_int(&j, "periods", t.periods - g->base.periods);
		json_int(&j, "throttled_periods", t.throttled - g->base.throttled);
	}
	if (quota_read(g) > 0)
		json_fixed(&j, "quota_cores", quota_read(g), 3);
	if (number_of(g->unified, "memory.max") > 0)
		json_int(&j, "memory_max_bytes", number_of(g->unified, "memory.max"));
	if (text_of(g->unified, "memory.events", events, sizeof(events)) > 0)
		json_int(&j, "oom_kills", number_after(events, "oom_kill "));
	json_object_end(&j);
	json_finish(&j);
	book_note(&s->book, "cgroup", str_cstr(&out), out.len);
}
