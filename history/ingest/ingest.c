/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ingest/ingest.h"

#include "base/fd.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/ci.h"
#include "history/ingest/fold.h"
#include "history/ingest/hiperf.h"
#include "history/ingest/hitrace.h"
#include "history/ingest/junit.h"
#include "history/run_writer.h"
#include "history/trace_head.h"
#include "history/view.h"
#include "trace/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES ((size_t)1 << 20)

void ingest_result_release(struct ingest_result *r)
{
	for (size_t i = 0; i < r->n_metrics; i++)
		free(r->metrics[i].symbol);
	free(r->metrics);
	free(r->artifacts);
	free(r->windows);
	strv_release(&r->warnings);
	memset(r, 0, sizeof(*r));
}

static void add_metric(struct ingest_result *r, const char *scope, const char *name, double value, const char *unit)
{
	if (isnan(value))
		return; /* no data: absent, never 0 */
	r->metrics = xreallocarray(r->metrics, r->n_metrics + 1, sizeof(*r->metrics));
	r->metrics[r->n_metrics++] = (struct ingest_metric){ .scope = scope, .name = name, .unit = unit, .value = value };
}

/* ---- a file, mapped; text is redacted into a file of the store's folder first ---- */

struct input {
	const char *text;
	size_t n;
	char *path;        /* what is mapped */
	bool temporary;
};

static void input_release(struct input *in)
{
	if (in->n)
		munmap((void *)in->text, in->n + 1);
	if (in->temporary && in->path)
		unlink(in->path);
	free(in->path);
	memset(in, 0, sizeof(*in));
}

/* A zero byte behind the text: a page more where the file fills its last one. */
static int map_file(struct input *in, const char *path, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *p;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(e, ERR_USAGE, "--path: '%s': %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || !st.st_size)
		return err_set(e, ERR_USAGE, "--path: '%s' is %s", path,
			       S_ISREG(st.st_mode) ? "empty"
						   : "not a"
						     " regular file");
	in->n = (size_t)st.st_size;
	p = mmap(NULL, in->n + 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED)
		p = mmap(p, in->n, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0);
	if (p == MAP_FAILED) {
		in->n = 0;
		return err_sys(e, "reading '%s'", path);
	}
	in->text = p;
	in->path = xstrdup(path);
	madvise(p, in->n, MADV_SEQUENTIAL);
	return 0;
}

/* In blocks that end at lines. What was read is given back to the kernel: a trace may be larger than memory. */
static int redact_file(const struct ingest_request *q, struct input *in, struct err *e)
{
	char id[ARTIFACT_ID_SIZE];
	auto_free char *path = NULL;
	struct input clean = { .temporary = true };
	struct file_out f;

	uuid_make(id);
	path = xasprintf("%s/spool/.ingest-%s", store_dir(q->s), id);
	if (file_out_open(&f, path, e) < 0)
		return -1;
	for (size_t at = 0; at < in->n;) {
		size_t n = in->n - at < BLOCK_BYTES ? in->n - at : BLOCK_BYTES;
		const char *end = at + n < in->n ? memrchr(in->text + at, '\n', n) : NULL;
		auto_str out = STR_INIT;

		n = end ? (size_t)(end - in->text) + 1 - at : n;
		redact_text(q->redactor, in->text + at, n, &out);
		file_out_write(&f, str_cstr(&out), out.len);
		at += n;
		madvise((void *)in->text, at & ~(size_t)4095, MADV_DONTNEED);
	}
	if (file_out_commit(&f, e) < 0 || map_file(&clean, path, e) < 0) {
		unlink(path);
		return -1;
	}
	input_release(in);
	*in = clean;
	return 0;
}

/* ---- kinds ---- */

typedef bool line_reader(void *arg, const char *line, size_t n);

/* Tells each line; counts those that nobody can read. */
static void each_line(const char *text, size_t n, line_reader *read, void *arg, uint64_t *lines, uint64_t *unreadable)
{
	size_t freed = 0;

	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end ? (size_t)(end - text) - at : n - at;

		(*lines)++;
		*unreadable += !read(arg, text + at, len);
		at += len + 1;
		if (at - freed > (8u << 20)) {
			freed = at & ~(size_t)4095;
			madvise((void *)((uintptr_t)text & ~(uintptr_t)4095), freed, MADV_DONTNEED);
		}
	}
}

static bool hitrace_one(void *arg, const char *line, size_t n)
{
	return hitrace_line(arg, line, n);
}

static void read_hitrace(const struct input *in, struct ingest_result *r, uint64_t *lines)
{
	static const char *const wakeup[] = { "sched_latency_p50", "sched_latency_p95", "sched_latency_p99" };
	static const char *const preempt[] = { "preempt_latency_p50", "preempt_latency_p95", "preempt_latency_p99" };
	struct hitrace *h = hitrace_new();
	struct hitrace_result got;

	each_line(in->text, in->n, hitrace_one, h, lines, &r->unreadable_lines);
	hitrace_result(h, &got);
	for (int i = 0; i < 3; i++)
		add_metric(r, "thread", wakeup[i], got.wakeup_us[i], "us");
	for (int i = 0; i < 3; i++)
		add_metric(r, "thread", preempt[i], got.preempt_us[i], "us");
	add_metric(r, "system", "cpu_idle_ratio", got.idle_ratio, "ratio");
	add_metric(r, "system", "cpu_util_avg", 1 - got.idle_ratio, "ratio");
	hitrace_free(h);
}

static int read_frames(const struct ingest_request *q, const struct input *in, struct ingest_result *r, uint64_t *lines,
		       struct err *e)
{
	struct frames_result got;
	struct frames f;
	int rc = frames_read(&f, in->text, in->n, q->settings->columns, q->settings->unit, e);

	if (rc == 0) {
		frames_result(&f, q->refresh_hz, (size_t)q->settings->top, &got);
		*lines = f.n + f.unreadable;
		r->unreadable_lines += f.unreadable;
		add_metric(r, "frame", "fps_avg", got.fps_avg, "fps");
		add_metric(r, "frame", "frame_drop_rate", got.drop_rate, "ratio");
		add_metric(r, "frame", "jank_p95_ms", got.jank_p95_ms, "ms");
		free(r->windows);
		r->windows = got.windows;
		r->n_windows = got.n_windows;
	}
	frames_release(&f);
	return rc;
}

static void take_stack(void *arg, const char *stack, size_t n, double weight)
{
	samples_add(arg, stack, n, weight);
}

static bool fold_one(void *arg, const char *line, size_t n)
{
	return fold_line(arg, line, n);
}

static bool folded_one(void *arg, const char *line, size_t n)
{
	double weight;
	size_t stack;

	if (n && line[n - 1] == '\r')
		n--;
	if (!n || line[0] == '#')
		return true;
	if (!folded_line(line, n, &stack, &weight))
		return false;
	samples_add(arg, line, stack, weight);
	return true;
}

int ingest_samples(const char *kind, const char *text, size_t n, struct samples *s, uint64_t *unreadable, uint64_t *lines,
		   struct err *e)
{
	static const struct fold_options plain;

	if (strcmp(kind, "perf-script") == 0) {
		struct fold *f = fold_new(&plain, take_stack, s);

		each_line(text, n, fold_one, f, lines, unreadable);
		fold_free(f);
		return 0;
	}
	if (strcmp(kind, "folded") == 0) {
		each_line(text, n, folded_one, s, lines, unreadable);
		return 0;
	}
	if (strcmp(kind, "hiperf") == 0) {
		uint64_t bad = 0;
		int rc = hiperf_read(s, text, n, &bad, e);

		*unreadable += bad;
		*lines += bad + s->n_nodes;
		return rc;
	}
	return 1;
}

static void add_hotspots(struct ingest_result *r, const struct samples *s, size_t top)
{
	auto_free uint32_t *order = samples_top(s, SAMPLES_SELF);

	for (size_t i = 0; i < s->n_nodes && i < top && s->weight_total > 0; i++) {
		const struct sample_node *n = &s->nodes[order[i]];

		if (n->self <= 0)
			break;
		add_metric(r, "process", "top_hotspots", n->self / s->weight_total, "ratio");
		r->metrics[r->n_metrics - 1].symbol = xstrdup(n->symbol);
		r->metrics[r->n_metrics - 1].rank = (int64_t)i + 1;
	}
}

static int read_stacks(const struct ingest_request *q, const char *kind, const struct input *in, struct ingest_result *r,
		       uint64_t *lines, struct err *e)
{
	struct samples s;
	int rc;

	samples_init(&s);
	rc = ingest_samples(kind, in->text, in->n, &s, &r->unreadable_lines, lines, e);
	if (rc == 0) {
		add_metric(r, "process", "samples_total", (double)s.samples_total, "count");
		add_metric(r, "process", "weight_total", s.weight_total, "count");
		add_hotspots(r, &s, (size_t)q->settings->top);
	}
	samples_release(&s);
	return rc;
}

/* ---- the run ---- */

int ingest_run(const struct ingest_request *q, char run_id[64], struct err *e)
{
	static struct ci ci;
	auto_str ci_json = STR_INIT;
	char at[STORE_TIME_SIZE], id[RUN_ID_SIZE];
	struct run_row row;
	struct run_writer *w;
	int rc;

	if (q->settings->run_id)
		return view_find_run(q->s, q->settings->run_id, run_id, e);
	run_id_make(id, q->now_real_ns);
	snprintf(run_id, 64, "%s", id);
	store_time(at, q->now_real_ns);
	ci_read(&ci, q->envp);
	ci_write(&ci, &ci_json);
	row = (struct run_row){
		.run_id = run_id,
		.repo_uri = ci.uri[0] ? ci.uri : NULL,
		.repo_rev = ci.rev[0] ? ci.rev : NULL,
		.repo_dirty = -1,
		.branch = ci.branch[0] ? ci.branch : NULL,
		.workload_id = q->settings->workload ? q->settings->workload : "ingest",
		.device_id = q->settings->device,
		.toolchain_id = q->settings->toolchain,
		.status = "succeeded",
		.created_at = at,
		.finished_at = at,
		.kind = "ingest",
		.command = "ingest",
		.exit_code = RUN_NO_EXIT_CODE,
		.duration_ms = RUN_NO_DURATION,
		.ci_json = ci.provider ? str_cstr(&ci_json) : NULL,
	};
	w = run_writer_new(q->s, &row);
	rc = run_writer_commit(w, e);
	run_writer_free(w);
	return rc;
}

static int write_metrics(const struct ingest_request *q, const struct ingest_result *r, size_t from, struct err *e)
{
	for (size_t i = from; i < r->n_metrics; i++) {
		const struct ingest_metric *m = &r->metrics[i];
		auto_str tags = STR_INIT;
		struct json j;

		json_init(&j, &tags);
		json_object(&j, NULL);
		if (m->symbol) {
			json_str(&j, "symbol", m->symbol);
			json_int(&j, "rank", m->rank);
		}
		json_object_end(&j);
		json_finish(&j);
		if (store_run(q->s, e,
			      "INSERT INTO metrics (run_id, scope, metric_name, value, unit, tags_json) VALUES (?,"
			      " ?, ?, ?, ?, ?)",
			      "tttrtt", r->run_id, m->scope, m->name, m->value, m->unit, str_cstr(&tags)) < 0)
			return -1;
	}
	return 0;
}

static void write_windows(struct json *j, const struct frame_window *w, size_t n)
{
	json_array(j, "windows");
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		view_real(j, "start_ms", w[i].start_ms);
		view_real(j, "end_ms", w[i].end_ms);
		view_real(j, "late_ms", w[i].late_ms);
		json_uint(j, "frames", w[i].frames);
		json_object_end(j);
	}
	json_array_end(j);
}

static int store_artifact(const struct ingest_request *q, const char *kind, const struct input *in, const char *name,
			  struct ingest_result *r, size_t metrics_from, struct err *e)
{
	const char *slash = strrchr(name, '/');
	struct artifact a;
	auto_str meta = STR_INIT;
	struct json j;

	json_init(&j, &meta);
	json_object(&j, NULL);
	json_str(&j, "name", slash ? slash + 1 : name);
	if (r->n_windows)
		write_windows(&j, r->windows, r->n_windows);
	json_object_end(&j);
	json_finish(&j);
	if (store_begin(q->s, e) < 0)
		return -1;
	if (artifact_put_file(store_dir(q->s), kind, in->path, &a, e) < 0 ||
	    artifact_row(q->s, r->run_id, &a, str_cstr(&meta), e) < 0 || write_metrics(q, r, metrics_from, e) < 0) {
		store_rollback(q->s);
		return -1;
	}
	if (store_commit(q->s, e) < 0)
		return -1;
	r->artifacts = xreallocarray(r->artifacts, r->n_artifacts + 1, sizeof(*r->artifacts));
	r->artifacts[r->n_artifacts++] = a;
	return 0;
}

/* ---- junit: its results belong to the run, so they go in with it ---- */

struct junit_into {
	struct run_writer *w;
	uint64_t n;
};

static int junit_one(void *arg, const struct junit_case *c, struct err *e)
{
	struct junit_into *j = arg;
	int rc = run_writer_test(j->w, c->suite, c->name, 0, c->result, c->duration_us, c->file, c->line, e);

	j->n++;
	return rc < 0 ? -1 : 0;
}

static int read_junit(const struct ingest_request *q, const struct input *in, struct ingest_result *r, struct err *e)
{
	struct junit_into j = { .w = run_writer_append(q->s, r->run_id) };
	int rc = junit_read(in->text, in->n, junit_one, &j, e);

	if (rc == 0)
		rc = run_writer_commit(j.w, e);
	if (rc == 0) {
		add_metric(r, "process", "tests_total", (double)run_writer_tests(j.w), "count");
		add_metric(r, "process", "tests_failed", (double)run_writer_failed(j.w), "count");
	}
	run_writer_free(j.w);
	return rc;
}

/* 1: the file is not what its kind says. */
static int read_kind(const struct ingest_request *q, const char *kind, const struct input *in, struct ingest_result *r,
		     uint64_t *lines, struct err *e)
{
	if (strcmp(kind, "hitrace") == 0) {
		read_hitrace(in, r, lines);
		return 0;
	}
	if (strcmp(kind, "flamegraph") == 0)
		return read_frames(q, in, r, lines, e);
	if (strcmp(kind, "perf-script") == 0 || strcmp(kind, "folded") == 0 || strcmp(kind, "hiperf") == 0)
		return read_stacks(q, kind, in, r, lines, e);
	return 0;
}

/* A file called flamegraph that holds stacks is folded. */
static const char *settle_kind(const struct ingest_request *q, const char *kind, const struct input *in)
{
	struct err ignored = { 0 };
	const char *found;

	if (strcmp(kind, "flamegraph") != 0 || q->settings->columns)
		return kind;
	found = ingest_kind_of(in->text, in->n, "", &ignored);
	return found && strcmp(found, "folded") == 0 ? found : kind;
}

static int too_bad(const char *name, uint64_t unreadable, uint64_t lines, struct err *e)
{
	err_set(e, ERR_FAILURE, "%s: %llu of %llu lines cannot be read: nothing was stored", name,
		(unsigned long long)unreadable, (unsigned long long)lines);
	return 1;
}

static int take_one(const struct ingest_request *q, const char *name, struct ingest_result *r, struct err *e)
{
	size_t metrics_from = r->n_metrics;
	uint64_t lines = 0, before = r->unreadable_lines;
	struct input in = { 0 };
	const char *kind = q->settings->kind;
	int rc = map_file(&in, name, e);

	if (rc == 0 && (!kind || strcmp(kind, "auto") == 0))
		kind = ingest_kind_of(in.text, in.n, name, e);
	if (rc < 0 || !kind) {
		input_release(&in);
		return -1;
	}
	if (strcmp(kind, "trace") == 0 && !q->settings->run_id) {
		input_release(&in);
		return ingest_trace(q, name, r, e);
	}
	kind = settle_kind(q, kind, &in);
	if (artifact_kind_find(kind)->text && !(in.n > 10 && memcmp(in.text, "HIPERF_PB_", 10) == 0))
		rc = redact_file(q, &in, e);
	if (rc == 0)
		rc = read_kind(q, kind, &in, r, &lines, e);
	if (rc == 0 && (r->unreadable_lines - before) * 2 > lines)
		rc = too_bad(name, r->unreadable_lines - before, lines, e);
	if (rc == 0 && !r->run_id[0])
		rc = ingest_run(q, r->run_id, e);
	if (rc == 0 && strcmp(kind, "junit") == 0)
		rc = read_junit(q, &in, r, e);
	if (rc == 0)
		rc = store_artifact(q, kind, &in, name, r, metrics_from, e);
	input_release(&in);
	return rc;
}

int ingest_artifacts(const struct ingest_request *q, struct ingest_result *r, struct err *e)
{
	int rc = 0;

	memset(r, 0, sizeof(*r));
	if (q->settings->kind && strcmp(q->settings->kind, "auto") != 0 && !ingest_kind_known(q->settings->kind))
		return err_set(e, ERR_USAGE,
			       "--kind: '%s' is not a kind of artifact; accepted: auto, trace, junit, hitrace,"
			       " hiperf, flamegraph, perf-script, folded, build_log, test_log, report, patch_diff,"
			       " binary, and so on",
			       q->settings->kind);
	if (q->settings->run_id && (rc = ingest_run(q, r->run_id, e)) != 0)
		return rc;
	for (size_t i = 0; i < q->settings->paths.n && rc == 0; i++)
		rc = take_one(q, q->settings->paths.v[i], r, e);
	return rc;
}

/* ---- how it is told ---- */

static void metric_json(struct json *j, const struct ingest_metric *m)
{
	json_object(j, NULL);
	json_str(j, "scope", m->scope);
	json_str(j, "metric_name", m->name);
	view_real(j, "value", m->value);
	json_str(j, "unit", m->unit);
	json_object(j, "tags");
	if (m->symbol) {
		json_str(j, "symbol", m->symbol);
		json_int(j, "rank", m->rank);
	}
	json_object_end(j);
	json_object_end(j);
}

void ingest_json(const struct ingest_result *r, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", r->run_id);
	json_array(&j, "artifacts");
	for (size_t i = 0; i < r->n_artifacts; i++) {
		json_object(&j, NULL);
		json_str(&j, "artifact_id", r->artifacts[i].id);
		json_str(&j, "sha256", r->artifacts[i].sha256);
		json_str(&j, "kind", r->artifacts[i].kind);
		json_int(&j, "bytes", r->artifacts[i].bytes);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_array(&j, "metrics");
	for (size_t i = 0; i < r->n_metrics; i++)
		metric_json(&j, &r->metrics[i]);
	json_array_end(&j);
	write_windows(&j, r->windows, r->n_windows);
	json_uint(&j, "unreadable_lines", r->unreadable_lines);
	json_array(&j, "warnings");
	for (size_t i = 0; i < r->warnings.n; i++)
		json_str(&j, NULL, r->warnings.v[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

void ingest_lines(const struct ingest_result *r, struct str *out)
{
	for (size_t i = 0; i < r->n_artifacts; i++)
		str_addf(out, "%s %s %s %zu\n", r->run_id, r->artifacts[i].id, r->artifacts[i].kind, r->n_metrics);
}
