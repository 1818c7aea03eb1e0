/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/sampled/plugins.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/json_read.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/utf8.h"
#include "runner/config/libexec.h"
#include "trace/redact.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define END_NS (5 * NS_PER_S)
#define ARTIFACT_BYTES_MAX ((size_t)16 << 20)
#define RAW_BYTES_MAX ((size_t)256 << 20)

char *collector_program(const char *name)
{
	auto_free char *whole = xasprintf("collector-%s", name);

	return libexec_find(whole);
}

void plugins_find(struct plugins *p, const struct sample_session *x)
{
	auto_free char *copy = xstrdup(x->collect);
	char *save = NULL;

	*p = (struct plugins){ .n = 0 };
	for (char *name = strtok_r(copy, ",", &save); name && p->n < PLUGINS_MAX; name = strtok_r(NULL, ",", &save))
		if (!collector_row_find(name))
			p->v[p->n++] = (struct plugin){ .name = xstrdup(name), .program = collector_program(name),
							.input = -1 };
}

/* In the child: it hears of nothing but its input, and dies with us. */
static void plugin_exec(const struct plugin *p, pid_t pid, int input)
{
	char number[16], *const argv[] = { p->program, "--pid", number, "--out", p->dir, "--until-eof", NULL };
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
	struct sigaction usual = { .sa_handler = SIG_DFL };
	int null = open("/dev/null", O_WRONLY);

	snprintf(number, sizeof(number), "%d", (int)pid);
	setpgid(0, 0);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &usual, NULL);
	if (dup2(input, 0) < 0 || null < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		_exit(126);
	execv(p->program, argv);
	_exit(127);
}

static void plugin_start(struct plugin *p, const struct sample_session *x, pid_t pid)
{
	auto_free char *dir = xasprintf("%s/collector-%s", x->raw, p->name);
	struct err e = { 0 };
	int ends[2];

	p->started = true;
	if (!p->program) {
		snprintf(p->failed, sizeof(p->failed), "spec-runner-collector-%s is not there any more", p->name);
		return;
	}
	if (path_mkdirs(dir, &e) < 0 || !(p->dir = realpath(dir, NULL)) || pipe2(ends, O_CLOEXEC) < 0) {
		snprintf(p->failed, sizeof(p->failed), "its folder or its input cannot be made: %.100s",
			 e.msg[0] ? e.msg : strerror(errno));
		return;
	}
	p->pid = fork();
	if (p->pid == 0)
		plugin_exec(p, pid, ends[0]);
	close(ends[0]);
	p->input = ends[1];
	if (p->pid < 0) {
		snprintf(p->failed, sizeof(p->failed), "it cannot be started: %s", strerror(errno));
		p->pid = 0;
	}
}

void plugins_start(struct plugins *p, const struct sample_session *x, pid_t pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (!p->v[i].started)
			plugin_start(&p->v[i], x, pid);
}

void plugins_child(struct plugins *p, pid_t pid, int status)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].pid == pid && pid > 0) {
			p->v[i].ended = true;
			p->v[i].status = status;
			p->v[i].pid = 0;
		}
}

static bool plugin_over(struct plugins *p, struct plugin *one)
{
	int status;

	if (one->pid > 0 && waitpid(one->pid, &status, WNOHANG) == one->pid)
		plugins_child(p, one->pid, status);
	return one->pid <= 0;
}

void plugins_end(struct plugins *p)
{
	int64_t until = clock_mono_ns() + END_NS;
	bool over = false;

	for (size_t i = 0; i < p->n; i++)
		fd_close(&p->v[i].input);
	while (!over) {
		over = true;
		for (size_t i = 0; i < p->n; i++)
			over &= plugin_over(p, &p->v[i]);
		if (over || clock_mono_ns() >= until)
			break;
		poll(NULL, 0, 5);
	}
	for (size_t i = 0; i < p->n; i++) {
		int status;

		if (p->v[i].pid <= 0)
			continue;
		p->v[i].timed_out = true;
		kill(-p->v[i].pid, SIGKILL);
		kill(p->v[i].pid, SIGKILL);
		if (waitpid(p->v[i].pid, &status, 0) == p->v[i].pid)
			plugins_child(p, p->v[i].pid, status);
	}
}

/* ---- what they leave ---- */

/* Text is redacted; other bytes stay as they are. */
static int raw_move(const char *from, const char *to, struct redactor *r, struct err *e)
{
	auto_free char *bytes = NULL;
	auto_str out = STR_INIT;
	size_t n = 0;

	if (file_read(from, RAW_BYTES_MAX, &bytes, &n, e) < 0)
		return -1;
	if (memchr(bytes, 0, n) || !utf8_valid(bytes, n))
		return file_write(to, bytes, n, e);
	redact_text(r, bytes, n, &out);
	return file_write(to, str_cstr(&out), out.len, e);
}

static bool is_plain_name(const char *name)
{
	return *name && *name != '.' && !strchr(name, '/') && strlen(name) < 200;
}

/* A name that nothing of ours in that folder has. Caller frees. */
static char *free_name(const struct sample_session *x, const struct plugin *p, const char *name)
{
	auto_free char *path = path_join(x->raw, name);

	return access(path, F_OK) < 0 && strncmp(name, "artifact-", 9) != 0 ? xstrdup(name) :
			xasprintf("%s-%s", p->name, name);
}

static int files_take(const struct plugin *p, const struct sample_session *x, const struct json_value *list,
		      struct redactor *r, struct strv *out, char why[200])
{
	size_t i = 0;

	json_each(one, list) {
		auto_free char *from = NULL, *to = NULL, *name = NULL;
		struct err e = { 0 };
		struct stat st;

		if (one->kind != JSON_STRING || !is_plain_name(one->text)) {
			snprintf(why, 200, "raw_files[%zu] of its artifact.json does not name a file in its folder", i);
			return -1;
		}
		from = path_join(p->dir, one->text);
		if (lstat(from, &st) < 0 || !S_ISREG(st.st_mode)) {
			snprintf(why, 200, "its raw file %.100s is not there", one->text);
			return -1;
		}
		name = free_name(x, p, one->text);
		to = path_join(x->raw, name);
		if (raw_move(from, to, r, &e) < 0) {
			snprintf(why, 200, "its raw file %.60s: %.100s", one->text, e.msg);
			return -1;
		}
		strv_take(out, xasprintf("raw/%s/%s", x->run_id, name));
		i++;
	}
	return 0;
}

static const char *category_of(const char *s)
{
	static const char *const names[] = { "cpu", "memory", "io", "system" };

	for (size_t i = 0; s && i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(names[i], s) == 0)
			return names[i];
	return NULL;
}

/* Its artifact, and whether that is one. */
static int left_check(const struct json_value *v, char why[200])
{
	static const struct {
		const char *key;
		enum json_kind kind;
	} want[] = { { "collector", JSON_STRING }, { "category", JSON_STRING }, { "timestamp", JSON_STRING },
		     { "metrics", JSON_OBJECT }, { "raw_files", JSON_ARRAY } };

	if (v->kind != JSON_OBJECT) {
		snprintf(why, 200, "its artifact.json is no object");
		return -1;
	}
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct json_value *m = json_get(v, want[i].key);

		if (!m || m->kind != want[i].kind) {
			snprintf(why, 200, "its artifact.json has no %s (needed: collector, category, timestamp, metrics, "
				 "raw_files)", want[i].key);
			return -1;
		}
	}
	if (!category_of(json_get_text(v, "category"))) {
		snprintf(why, 200, "its category is none of cpu, memory, io, system");
		return -1;
	}
	return 0;
}

/* The members of metrics, redacted. */
static void metrics_take(const char *text, size_t n, struct redactor *r, struct str *out)
{
	struct json_member m;
	auto_str clean = STR_INIT;

	if (!json_find_member(text, n, "metrics", &m) || m.value_n < 2)
		return;
	redact_text(r, m.value + 1, m.value_n - 2, &clean);
	if (json_scan_members(str_cstr(&clean), clean.len))
		str_addn(out, str_cstr(&clean), clean.len);
}

static int left_take(const struct plugin *p, const struct sample_session *x, struct redactor *r, struct artifact *art,
		     struct collector_row *row, struct str *kept, char why[200])
{
	auto_free char *path = path_join(p->dir, "artifact.json"), *bytes = NULL;
	struct json_reader *reader;
	const struct json_value *v = NULL;
	struct err e = { 0 };
	size_t n = 0, from, to;
	int rc = -1;

	if (file_read(path, ARTIFACT_BYTES_MAX, &bytes, &n, &e) < 0) {
		snprintf(why, 200, "it left no artifact.json");
		return -1;
	}
	for (from = 0; from < n && strchr(" \t\r\n", bytes[from]);)
		from++;
	for (to = n; to > from && strchr(" \t\r\n", bytes[to - 1]);)
		to--;
	reader = json_reader_text(bytes, n, "artifact.json");
	if (json_take(reader, &v, &e) < 0)
		snprintf(why, 200, "its artifact.json is no JSON: %.120s", e.msg);
	else if (left_check(v, why) == 0) {
		rc = files_take(p, x, json_get(v, "raw_files"), r, &art->raw_files, why);
		row->category = category_of(json_get_text(v, "category"));
		redact_text(r, json_get_text(v, "collector"), strlen(json_get_text(v, "collector")), kept);
		row->shown = str_cstr(kept);
	}
	json_reader_free(reader);
	if (rc == 0 && to - from > 2) {
		auto_str metrics = STR_INIT;

		metrics_take(bytes + from + 1, to - from - 2, r, &metrics);
		art->metrics = xstrndup(str_cstr(&metrics), metrics.len);
	}
	return rc;
}

static int plugin_take(struct plugin *p, const struct sample_session *x, struct redactor *r, struct err *e)
{
	struct collector_row row = { p->name, p->name, "system", "", "", 0 };
	struct artifact art = { .row = &row, .run_id = x->run_id, .started_real_ns = x->start_real_ns,
				.target_json = x->target_json, .status = ARTIFACT_OK };
	auto_free char *file = xasprintf("artifact-%s.json", p->name), *path = path_join(x->raw, file);
	auto_str out = STR_INIT, kept = STR_INIT;
	char why[200] = "";
	struct err gone;
	int rc;

	if (p->failed[0])
		snprintf(why, sizeof(why), "%s", p->failed);
	else if (!p->started)
		snprintf(why, sizeof(why), "no command was started");
	else if (p->timed_out)
		snprintf(why, sizeof(why), "it did not end within 5 s after the command");
	else if (WIFSIGNALED(p->status))
		snprintf(why, sizeof(why), "it was ended by signal %d", WTERMSIG(p->status));
	else if (WEXITSTATUS(p->status))
		snprintf(why, sizeof(why), "it ended with exit code %d", WEXITSTATUS(p->status));
	if (!why[0])
		left_take(p, x, r, &art, &row, &kept, why);
	art.reason = why;
	if (why[0])
		art.status = p->timed_out ? ARTIFACT_TIMED_OUT : ARTIFACT_FAILED;
	artifact_write(&art, &out);
	rc = file_write(path, str_cstr(&out), out.len, e);
	strv_release(&art.raw_files);
	free((char *)art.metrics);
	if (p->dir)
		path_remove_tree(p->dir, &gone);
	return rc;
}

int plugins_take(struct plugins *p, const struct sample_session *x, struct redactor *r, struct err *e)
{
	for (size_t i = 0; i < p->n; i++)
		if (plugin_take(&p->v[i], x, r, e) < 0)
			return -1;
	return 0;
}

void plugins_release(struct plugins *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].name);
		free(p->v[i].program);
		free(p->v[i].dir);
		fd_close(&p->v[i].input);
	}
	p->n = 0;
}
