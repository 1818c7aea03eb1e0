/* SPDX-License-Identifier: Apache-2.0 */
#include "history/trace_head.h"

#include "base/fd.h"
#include "base/mem.h"
#include "evidence/words.h"
#include "history/ci.h"
#include "trace/repo.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

void trace_head_init(struct trace_head *h)
{
	*h = (struct trace_head){ .dirty = -1, .duration_ms = -1, .longest_idle_ms = -1, .cpu_ms = -1, .output_bytes = -1,
				  .rss_bytes = -1 };
}

void trace_head_release(struct trace_head *h)
{
	char **const owned[] = { &h->run_id,         &h->parent,        &h->started_at, &h->ended_at, &h->status,
				 &h->verb,           &h->args_line,     &h->shard,      &h->uri,      &h->rev,
				 &h->branch,         &h->arch,          &h->argv_line,  &h->argv0,    &h->total_status,
				 &h->total_category, &h->workload,      &h->device,     &h->command,  &h->workload_said,
				 &h->device_said,    &h->toolchain_said };

	for (size_t i = 0; i < sizeof(owned) / sizeof(owned[0]); i++)
		mem_free_ptr(owned[i]);
	str_release(&h->ci_json);
}

bool trace_head_complete(const struct trace_head *h)
{
	return h->run_id && h->started_at && h->ended_at && h->status && h->verb;
}

static void take(char **out, const char *text)
{
	free(*out);
	*out = text && *text ? xstrdup(text) : NULL;
}

static int64_t get_int(const struct json_value *v, const char *key, int64_t otherwise)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_NUMBER ? m->is_integer ? m->integer : (int64_t)m->number : otherwise;
}

static void read_args(struct trace_head *h, const struct json_value *v)
{
	auto_str line = STR_INIT;
	const char *before = "";

	if (v->kind != JSON_ARRAY)
		return;
	json_each(word, v) {
		if (word->kind != JSON_STRING)
			continue;
		if (strcmp(before, "--shard") == 0 && strcmp(word->text, "auto") != 0)
			take(&h->shard, word->text);
		else if (str_starts(word->text, "--shard="))
			take(&h->shard, word->text + 8);
		before = word->text;
		words_add(&line, word->text);
	}
	take(&h->args_line, str_cstr(&line));
}

static void read_environment(struct trace_head *h, const struct json_value *v)
{
	const struct json_value *repo = json_get(v, "repo"), *dirty = json_get(repo, "dirty");

	take(&h->arch, json_get_text(v, "arch"));
	take(&h->parent, json_get_text(v, "parent_run_id"));
	take(&h->workload_said, json_get_text(v, "workload_id"));
	take(&h->device_said, json_get_text(v, "device_id"));
	take(&h->toolchain_said, json_get_text(v, "toolchain_id"));
	take(&h->uri, json_get_text(repo, "uri"));
	take(&h->rev, json_get_text(repo, "rev"));
	take(&h->branch, json_get_text(repo, "branch"));
	h->dirty = !dirty || dirty->kind == JSON_NULL ? -1 : dirty->kind == JSON_TRUE;
	h->cpus = get_int(v, "cpus", 0);
	h->memory_bytes = get_int(v, "memory_bytes", 0);
}

static void read_summary(struct trace_head *h, const struct json_value *v)
{
	const struct json_value *output = json_get(v, "output"), *idle = json_get(v, "longest_idle_ms");

	if (idle && idle->kind == JSON_NUMBER)
		h->longest_idle_ms = idle->number;
	if (output)
		h->output_bytes = get_int(output, "stdout_bytes", 0) + get_int(output, "stderr_bytes", 0);
}

void trace_head_member(struct trace_head *h, const char *key, const struct json_value *v)
{
	static const struct {
		const char *key;
		size_t offset;
	} texts[] = {
		{ "run_id", offsetof(struct trace_head, run_id) }, { "started_at", offsetof(struct trace_head, started_at) },
		{ "ended_at", offsetof(struct trace_head, ended_at) }, { "status", offsetof(struct trace_head, status) },
		{ "command", offsetof(struct trace_head, verb) },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(key, texts[i].key) == 0 && v->kind == JSON_STRING)
			take((char **)((char *)h + texts[i].offset), v->text);
	if (strcmp(key, "args") == 0)
		read_args(h, v);
	else if (strcmp(key, "environment") == 0)
		read_environment(h, v);
	else if (strcmp(key, "summary") == 0)
		read_summary(h, v);
	else if (strcmp(key, "exit_code") == 0 && v->kind == JSON_NUMBER && v->is_integer) {
		h->exit_code = v->integer;
		h->has_exit_code = true;
	}
}

static void cpu_name(char *out, size_t size)
{
	FILE *in = fopen("/proc/cpuinfo", "re");
	char line[512];

	snprintf(out, size, "unknown");
	while (in && fgets(line, sizeof(line), in)) {
		char *colon = strchr(line, ':');

		line[strcspn(line, "\n")] = '\0';
		if (colon && (str_starts(line, "model name") || str_starts(line, "CPU part") || str_starts(line, "uarch"))) {
			snprintf(out, size, "%s", colon + 1 + strspn(colon + 1, " \t"));
			break;
		}
	}
	if (in)
		fclose(in);
}

char *device_class(const char *arch, int64_t cpus, int64_t memory_bytes)
{
	char name[256], hex[ARTIFACT_SHA256_SIZE];

	cpu_name(name, sizeof(name));
	sha256_hex(name, strlen(name), hex);
	return xasprintf("%s-%lld-%lld-%.8s", arch ? arch : "unknown", (long long)cpus,
			 (long long)((memory_bytes + (INT64_C(1) << 29)) >> 30), hex);
}

/* What is run: the command of `run`, else the verb with its words. */
static char *workload_of(const struct trace_head *h)
{
	bool run = strcmp(h->verb, "run") == 0 && h->argv_line;
	auto_free char *line = run ? xstrdup(h->argv_line) : xasprintf("%s %s", h->verb, h->args_line ? h->args_line : "");
	const char *first = run && h->argv0 ? h->argv0 : h->verb, *slash = strrchr(first, '/');
	char hex[ARTIFACT_SHA256_SIZE];

	sha256_hex(line, strlen(line), hex);
	return xasprintf("%s-%.8s", slash && slash[1] ? slash + 1 : first, hex);
}

char *device_here(const char *said)
{
	struct utsname u = { 0 };
	struct sysinfo si = { 0 };
	cpu_set_t set;
	int cpus = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);

	if (said)
		return xstrdup(said);
	uname(&u);
	sysinfo(&si);
	return device_class(u.machine, cpus, (int64_t)si.totalram * (si.mem_unit ? si.mem_unit : 1));
}

char *workload_to_be(const char *said, char *const envp[], const char *verb, char *const words[], struct redactor *r)
{
	struct strv clean = STRV_INIT;
	struct trace_head h;
	auto_str line = STR_INIT;
	static struct ci ci;
	char *workload;

	ci_read(&ci, envp);
	if (said || ci.job[0])
		return xstrdup(said ? said : ci.job);
	redact_argv(r, words, &clean);
	for (size_t i = 0; i < clean.n; i++)
		words_add(&line, clean.v[i]);
	trace_head_init(&h);
	h.verb = xstrdup(verb);
	if (strcmp(verb, "run") == 0) {
		h.argv_line = xstrdup(str_cstr(&line));
		h.argv0 = clean.n ? xstrdup(clean.v[0]) : NULL;
	} else {
		h.args_line = xstrdup(str_cstr(&line));
	}
	workload = workload_of(&h);
	trace_head_release(&h);
	strv_release(&clean);
	return workload;
}

static const char *kind_of(const char *verb)
{
	static const char *const kinds[][2] = {
		{ "test", "test" }, { "governance", "governance" }, { "ci-gate-summary", "gate" }, { "gate", "gate" },
		{ "optimize", "optimize" }, { "candidate", "candidate" }, { "ingest", "ingest" },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(verb, kinds[i][0]) == 0)
			return kinds[i][1];
	return "run";
}

/* Option, trace, CI system, git: the first that tells. */
static const char *first_of(const char *a, const char *b, const char *c, const char *d)
{
	return a && *a ? a : b && *b ? b : c && *c ? c : d && *d ? d : NULL;
}

void trace_head_row(struct trace_head *h, const struct record_request *q, struct run_row *row)
{
	static struct ci ci;
	static struct repo repo;
	const struct history_settings *o = q->settings;
	bool has_repo = h->uri || h->rev;
	const char *said;

	memset(&ci, 0, sizeof(ci));
	memset(&repo, 0, sizeof(repo));
	repo.dirty = -1;
	if (q->own)
		ci_read(&ci, q->envp);
	if (q->own && !has_repo && !ci.rev[0])
		repo_read(q->root, &repo);
	ci_write(&ci, &h->ci_json);
	said = first_of(o->workload, h->workload_said, ci.job, NULL);
	h->workload = said ? xstrdup(said) : workload_of(h);
	said = first_of(o->device, h->device_said, NULL, NULL);
	h->device = said ? xstrdup(said) : device_class(h->arch, h->cpus, h->memory_bytes);
	h->command = xasprintf("%s%s%s", h->verb, h->args_line ? " " : "", h->args_line ? h->args_line : "");
	*row = (struct run_row){
		.run_id = h->run_id,
		.parent_run_id = h->parent,
		.repo_uri = first_of(o->repo_uri, h->uri, ci.uri, repo.uri),
		.repo_rev = first_of(o->repo_rev, h->rev, ci.rev, repo.rev),
		.branch = first_of(o->branch, h->branch, ci.branch, repo.branch),
		.repo_dirty = o->repo_dirty   ? 1
			      : o->repo_rev   ? 0
			      : h->dirty >= 0 ? h->dirty
			      : ci.rev[0]     ? 0
					      : repo.dirty,
		.workload_id = h->workload,
		.device_id = h->device,
		.toolchain_id = first_of(o->toolchain, h->toolchain_said, NULL, NULL),
		.status = "running",
		.created_at = h->started_at,
		.finished_at = h->ended_at,
		.kind = o->kind ? o->kind : kind_of(h->verb),
		.command = h->command,
		.shard = h->shard,
		.ci_json = ci.provider ? str_cstr(&h->ci_json) : NULL,
		.exit_code = h->has_exit_code ? h->exit_code : RUN_NO_EXIT_CODE,
		.duration_ms = RUN_NO_DURATION,
	};
}

void trace_head_end(const struct trace_head *h, struct run_row *row)
{
	const char *total = h->total_status ? h->total_status : "", *why = h->total_category ? h->total_category : "";

	row->duration_ms = h->duration_ms;
	row->status = strcmp(h->status, "pass") == 0 ? "succeeded" : "failed";
	row->ended_by = NULL;
	if (strcmp(why, "supervisor_lost") == 0) {
		row->ended_by = "supervisor_lost";
	} else if (strcmp(total, "cancelled") == 0 || (h->exit_code > 128 && strcmp(why, "cancelled") == 0)) {
		row->status = "stopped";
		row->ended_by = "signal";
	} else if (strcmp(total, "timeout") == 0 || strcmp(total, "stalled") == 0 || h->exit_code == 124) {
		row->ended_by = "watchdog";
	}
}
