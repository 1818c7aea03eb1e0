/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/artifact.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

static const char *const artifact_status_text[] = { "ok", "partial", "denied", "timed_out", "unavailable", "failed" };

static int64_t number_in(const char *path, int64_t otherwise)
{
	char text[32];

	return fd_read_file(AT_FDCWD, path, text, sizeof(text)) > 0 ? strtoll(text, NULL, 10) : otherwise;
}

static void write_environment(struct json *j, const struct artifact *a)
{
	struct utsname u;
	int64_t n;

	json_object(j, "environment");
	uname(&u);
	json_str(j, "kernel", u.release);
	json_str(j, "arch", u.machine);
	json_int(j, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	n = number_in("/proc/sys/kernel/perf_event_paranoid", INT64_MIN);
	if (n == INT64_MIN)
		json_null(j, "perf_event_paranoid");
	else
		json_int(j, "perf_event_paranoid", n);
	n = number_in("/proc/sys/kernel/yama/ptrace_scope", INT64_MIN);
	if (n == INT64_MIN)
		json_null(j, "ptrace_scope");
	else
		json_int(j, "ptrace_scope", n);
	json_str(j, "spec_runner", SPEC_RUNNER_VERSION);
	json_array(j, "interpreters");
	for (size_t i = 0; i + 1 < a->interpreters.n; i += 2) {
		json_object(j, NULL);
		json_str(j, "path", a->interpreters.v[i]);
		json_str(j, "version", a->interpreters.v[i + 1]);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void artifact_write(struct artifact *a, struct str *out)
{
	char when[CLOCK_RFC3339_SIZE];
	struct json j;

	clock_rfc3339(when, a->started_real_ns);
	if (a->raw_files.n)
		qsort(a->raw_files.v, a->raw_files.n, sizeof(*a->raw_files.v), by_text);
	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", a->run_id);
	json_str(&j, "collector", a->row->shown);
	json_str(&j, "category", a->row->category);
	json_str(&j, "timestamp", when);
	json_str(&j, "status", artifact_status_text[a->status]);
	json_str(&j, "reason", a->status == ARTIFACT_OK ? NULL : a->reason ? a->reason : "no reason is known");
	json_int(&j, "intrusion", a->intrusion);
	write_environment(&j, a);
	json_raw(&j, "target", a->target_json, strlen(a->target_json));
	json_object(&j, "metrics");
	json_members(&j, a->metrics ? a->metrics : "", a->metrics ? strlen(a->metrics) : 0);
	json_object_end(&j);
	json_array(&j, "raw_files");
	for (size_t i = 0; i < a->raw_files.n; i++)
		json_str(&j, NULL, a->raw_files.v[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}
