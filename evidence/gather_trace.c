/* SPDX-License-Identifier: Apache-2.0 */
/* gather_trace.c - facts of run-trace.json. Memory grows with spans (16 bytes each) and with what
 * is worth a row, not with events: heartbeats and reads are passed over. */
#include "evidence/gather.h"

#include "base/fd.h"
#include "base/mem.h"
#include "evidence/gather_json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define COMMANDS_KEPT 256
#define GOOD_SPANS_KEPT (FACT_SPANS_MAX - 1000)

struct span_name_of {
	uint64_t id;
	char name[24];
};

/* A row whose span must still be named: spans may stand behind events. */
struct span_wanted {
	struct fact_row *row;
	enum fact_col col;
	uint64_t id;
};

struct trace_reader {
	struct facts *f;
	struct span_name_of *spans;
	size_t n_spans, cap_spans;
	struct span_wanted *wanted;
	size_t n_wanted;
	bool lost, watchdog, cancelled;
	int64_t end_ns, progress_ns, ended_ns, stall_ns; /* -1 unknown */
	int64_t tests, passed, failed_tests, running;
};

/* ---- spans ---- */

static uint64_t span_id_of(const struct json_value *o, const char *key)
{
	const char *s = json_get_text(o, key);

	return s ? strtoull(s, NULL, 16) : 0;
}

static void want_span(struct trace_reader *t, struct fact_row *row, enum fact_col col, uint64_t id)
{
	t->wanted = xreallocarray(t->wanted, t->n_wanted + 1, sizeof(*t->wanted));
	t->wanted[t->n_wanted++] = (struct span_wanted){ row, col, id };
}

static void read_case(struct trace_reader *t, const struct json_value *o, const char *at)
{
	const struct json_value *attrs = json_get(o, "attrs");
	const char *result = json_get_text(attrs, "result"), *status = json_get_text(o, "status");
	bool running;
	struct fact_row *r;
	int64_t start = 0;

	if (!status)
		return;
	running = strcmp(status, "stalled") == 0 || strcmp(status, "timeout") == 0 ||
		  strcmp(status, "cancelled") == 0;
	t->tests++;
	if (running)
		t->running++;
	else if (strcmp(status, "ok") != 0)
		t->failed_tests++;
	else
		t->passed++;
	/* Rows are for what went wrong; the thousands that passed are counts. */
	if (!running && strcmp(status, "ok") == 0 && t->f->table[FACT_CASE].n > 1000)
		return;
	r = fact_add(t->f, FACT_CASE, GATHER_TRACE_NAME, at);
	if (!r)
		return;
	fact_set_text(t->f, r, FC_CASE_status, status);
	fact_set_text(t->f, r, FC_CASE_result, result);
	fact_set_bool(r, FC_CASE_running, running);
	put_text(t->f, r, FC_CASE_suite, attrs, "suite");
	put_text(t->f, r, FC_CASE_case_id, attrs, "case_id");
	put_text(t->f, r, FC_CASE_file, attrs, "file");
	put_int(r, FC_CASE_line, attrs, "line");
	put_num(r, FC_CASE_duration_ms, o, "duration_ms");
	if (jint(o, "start_ns", &start))
		fact_set_num(r, FC_CASE_started_ms, (double)start / 1e6);
}

static void read_wait(struct trace_reader *t, const struct json_value *o)
{
	const char *status = json_get_text(o, "status");
	const char *category = json_get_text(json_get(o, "error"), "category");
	struct fact_row *p;
	int64_t pid, end;

	/* Of a run of thousands of commands only those that did not end well are looked at. */
	if (jint(json_get(o, "attrs"), "pid", &pid) &&
	    ((status && strcmp(status, "ok") != 0) || t->f->table[FACT_PROCESS].n < COMMANDS_KEPT)) {
		p = gather_find(t->f, FC_PROCESS_pid, pid);
		if (!p && (p = fact_add(t->f, FACT_PROCESS, GATHER_TRACE_NAME, "")))
			fact_set_int(p, FC_PROCESS_pid, pid);
		if (p) {
			fact_set_bool(p, FC_PROCESS_is_command, true);
			fact_set_text(t->f, p, FC_PROCESS_command_status, status);
		}
	}
	if (!status)
		return;
	if (category && strcmp(category, "supervisor_lost") == 0)
		t->lost = true;
	if (strcmp(status, "timeout") == 0 || strcmp(status, "stalled") == 0)
		t->watchdog = true;
	else if (strcmp(status, "cancelled") == 0)
		t->cancelled = true;
	else
		return;
	if (jint(o, "end_ns", &end) && end > t->ended_ns)
		t->ended_ns = end;
}

/* What a span was about: the test, the command line, the process. */
static void put_label(struct facts *f, struct fact_row *r, const struct json_value *attrs)
{
	auto_str label = STR_INIT;
	int64_t pid;

	if (json_get_text(attrs, "case_id")) {
		const char *suite = json_get_text(attrs, "suite");

		str_addf(&label, "%s%s%s", suite ? suite : "", suite && *suite ? " " : "", json_get_text(attrs, "case_id"));
		fact_set_text(f, r, FC_SPAN_label, str_cstr(&label));
	} else if (json_get(attrs, "argv")) {
		put_argv(f, r, FC_SPAN_label, json_get(attrs, "argv"));
	} else if (jint(attrs, "pid", &pid)) {
		str_addf(&label, "pid %lld", (long long)pid);
		fact_set_text(f, r, FC_SPAN_label, str_cstr(&label));
	} else {
		fact_set_text(f, r, FC_SPAN_label, json_get_text(attrs, "verb"));
	}
}

/* A row for the timeline. Room is kept for those that did not end well. */
static void read_timeline(struct trace_reader *t, const struct json_value *o, const char *at)
{
	const char *status = json_get_text(o, "status");
	struct fact_table *spans = &t->f->table[FACT_SPAN];
	int64_t start, end;
	struct fact_row *r;

	if (spans->n >= GOOD_SPANS_KEPT && status && strcmp(status, "ok") == 0) {
		spans->dropped++;
		return;
	}
	if (!jint(o, "start_ns", &start) || !jint(o, "end_ns", &end) ||
	    !(r = fact_add(t->f, FACT_SPAN, GATHER_TRACE_NAME, at)))
		return;
	fact_set_num(r, FC_SPAN_start_ms, (double)start / 1e6);
	fact_set_num(r, FC_SPAN_duration_ms, (double)(end - start) / 1e6);
	put_text(t->f, r, FC_SPAN_id, o, "span_id");
	put_text(t->f, r, FC_SPAN_parent, o, "parent_span_id");
	put_text(t->f, r, FC_SPAN_name, o, "name");
	fact_set_text(t->f, r, FC_SPAN_status, status);
	put_label(t->f, r, json_get(o, "attrs"));
}

static void read_span(struct trace_reader *t, const struct json_value *o, const char *at)
{
	const char *name = json_get_text(o, "name");
	struct span_name_of *s;
	int64_t start, end;

	if (!name)
		return;
	if (t->n_spans == t->cap_spans) {
		t->cap_spans = t->cap_spans ? t->cap_spans * 2 : 64;
		t->spans = xreallocarray(t->spans, t->cap_spans, sizeof(*t->spans));
	}
	s = &t->spans[t->n_spans++];
	s->id = span_id_of(o, "span_id");
	snprintf(s->name, sizeof(s->name), "%s", name);
	read_timeline(t, o, at);
	if (strcmp(name, "case.run") == 0)
		read_case(t, o, at);
	else if (strcmp(name, "subprocess.wait") == 0)
		read_wait(t, o);
	else if (strcmp(name, "run.total") == 0 && jint(o, "start_ns", &start) && jint(o, "end_ns", &end)) {
		const char *category = json_get_text(json_get(o, "error"), "category");

		t->end_ns = end;
		fact_set_num(gather_single(t->f, FACT_RUN), FC_RUN_duration_ms, (double)(end - start) / 1e6);
		if (category && strcmp(category, "supervisor_lost") == 0)
			t->lost = true;
	}
}

/* ---- events ---- */

static void read_holders(struct trace_reader *t, const struct json_value *holders, const char *at)
{
	const struct json_value *h;
	size_t i;

	json_items(holders, i, h) {
		struct fact_row *r = fact_add(t->f, FACT_LEAK, GATHER_TRACE_NAME, at);

		if (!r)
			return;
		fact_set_text(t->f, r, FC_LEAK_kind, "pipe");
		put_int(r, FC_LEAK_pid, h, "pid");
		put_text(t->f, r, FC_LEAK_comm, h, "comm");
		put_argv(t->f, r, FC_LEAK_argv, json_get(h, "argv"));
		put_int(r, FC_LEAK_fd, h, "fd");
	}
}

static void put_share(struct fact_row *r, enum fact_col to, enum fact_col part, enum fact_col whole)
{
	double w = fact_num(r, whole, 0);

	if (w > 0 && fact_get(r, part)->known)
		fact_set_num(r, to, fact_num(r, part, 0) / w);
}

static void read_watchdog(struct trace_reader *t, const struct json_value *a, int64_t ts, uint64_t span, const char *at)
{
	static const struct {
		const char *key;
		enum fact_col col;
	} numbers[] = {
		{ "elapsed_ms", FC_TIMEOUT_elapsed_ms }, { "limit_ms", FC_TIMEOUT_limit_ms },
		{ "idle_ms", FC_TIMEOUT_idle_ms }, { "threshold_ms", FC_TIMEOUT_threshold_ms },
		{ "window_ms", FC_TIMEOUT_window_ms }, { "window_cpu_ms", FC_TIMEOUT_window_cpu_ms },
		{ "window_run_delay_ms", FC_TIMEOUT_window_run_delay_ms },
		{ "window_cpu_pressure_ms", FC_TIMEOUT_window_cpu_pressure_ms },
	};
	struct fact_row *r = fact_add(t->f, FACT_TIMEOUT, GATHER_TRACE_NAME, at);
	const char *token = json_get_text(a, "reason_token");

	if (token && strcmp(token, "stall.subprocess.no_output_no_event") == 0 && ts > t->stall_ns)
		t->stall_ns = ts;
	if (!r)
		return;
	fact_set_text(t->f, r, FC_TIMEOUT_token, token);
	fact_set_num(r, FC_TIMEOUT_at_ms, (double)ts / 1e6);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		put_num(r, numbers[i].col, a, numbers[i].key);
	put_int(r, FC_TIMEOUT_cpus, a, "cpus");
	put_int(r, FC_TIMEOUT_members, a, "members");
	put_text(t->f, r, FC_TIMEOUT_verdict, a, "verdict");
	put_bool(r, FC_TIMEOUT_output_blocked, a, "output_blocked");
	put_share(r, FC_TIMEOUT_cpu_share, FC_TIMEOUT_window_cpu_ms, FC_TIMEOUT_window_ms);
	put_share(r, FC_TIMEOUT_run_delay_share, FC_TIMEOUT_window_run_delay_ms, FC_TIMEOUT_window_ms);
	want_span(t, r, FC_TIMEOUT_span, span);
	read_holders(t, json_get(a, "holders"), at);
}

/* A live process as a diagnosis found it. A later look at the same pid tells what moved. */
static void read_diagnosed(struct trace_reader *t, const struct json_value *a, const char *at)
{
	struct fact_row *r;
	double cpu;
	int64_t pid;

	if (!jint(a, "pid", &pid))
		return;
	r = gather_find(t->f, FC_PROCESS_pid, pid);
	if (!r && !(r = fact_add(t->f, FACT_PROCESS, GATHER_TRACE_NAME, at)))
		return;
	r->at = facts_strn(t->f, at, strlen(at));
	fact_set_int(r, FC_PROCESS_pid, pid);
	put_int(r, FC_PROCESS_ppid, a, "ppid");
	put_text(t->f, r, FC_PROCESS_comm, a, "comm");
	put_argv(t->f, r, FC_PROCESS_argv, json_get(a, "argv"));
	put_text(t->f, r, FC_PROCESS_state, a, "state");
	put_text(t->f, r, FC_PROCESS_wchan, a, "wchan");
	put_text(t->f, r, FC_PROCESS_syscall, a, "syscall");
	cpu = fact_num(r, FC_PROCESS_cpu_ms, -1);
	put_num(r, FC_PROCESS_cpu_ms, a, "cpu_ms");
	if (cpu >= 0 && fact_num(r, FC_PROCESS_cpu_ms, -1) >= cpu)
		fact_set_num(r, FC_PROCESS_cpu_delta_ms, fact_num(r, FC_PROCESS_cpu_ms, 0) - cpu);
	put_int(r, FC_PROCESS_threads, a, "threads");
	put_int(r, FC_PROCESS_rss_bytes, a, "rss_bytes");
}

static void read_survivor(struct trace_reader *t, const struct json_value *a, const char *reason, const char *at)
{
	struct fact_row *r;
	int64_t pid = -1;

	/* A checkpoint and an event speak of the same survivor: one row. */
	jint(a, "pid", &pid);
	r = gather_find(t->f, FC_LEAK_pid, pid);
	if (r && strcmp(fact_text(r, FC_LEAK_kind), "process") != 0)
		r = NULL;
	if (!r && !(r = fact_add(t->f, FACT_LEAK, GATHER_TRACE_NAME, at)))
		return;
	fact_set_text(t->f, r, FC_LEAK_kind, "process");
	put_int(r, FC_LEAK_pid, a, "pid");
	put_text(t->f, r, FC_LEAK_comm, a, "comm");
	put_argv(t->f, r, FC_LEAK_argv, json_get(a, "argv"));
	if (reason)
		fact_set_text(t->f, r, FC_LEAK_reason, reason);
	if (json_get_text(a, "wchan"))
		put_text(t->f, r, FC_LEAK_wchan, a, "wchan");
}

static void read_state(struct trace_reader *t, const struct json_value *a, const char *at)
{
	const char *state = json_get_text(a, "state");
	struct fact_row *p;
	int64_t pid;

	if (!state || !jint(a, "pid", &pid))
		return;
	if (strcmp(state, "survivor") == 0) {
		read_survivor(t, a, json_get_text(a, "reason"), at);
		return;
	}
	if (strcmp(state, "exit") != 0 && strcmp(state, "signaled") != 0)
		return;
	p = gather_find(t->f, FC_PROCESS_pid, pid);
	if (!p)
		return;
	fact_set_text(t->f, p, FC_PROCESS_end, state);
	put_int(p, FC_PROCESS_returncode, a, "returncode");
	put_int(p, FC_PROCESS_signal, a, "signal");
}

/* Checkpoints that are facts of other kinds too. */
static void read_known_checkpoint(struct trace_reader *t, const char *event, const struct json_value *a, const char *at)
{
	struct fact_row *r;

	if (strcmp(event, "process.leaked") == 0) {
		read_survivor(t, a, "leaked", at);
	} else if (strcmp(event, "process.unkillable") == 0) {
		read_survivor(t, a, "unkillable", at);
	} else if (strcmp(event, "process.unsignalable") == 0) {
		read_survivor(t, a, "not_permitted", at);
	} else if (strcmp(event, "run.supervisor_lost") == 0) {
		t->lost = true;
	} else if (strcmp(event, "run.cancelled") == 0) {
		put_text(t->f, gather_single(t->f, FACT_RUN), FC_RUN_signal, a, "signal");
	} else if (strcmp(event, "output.closed") == 0) {
		fact_set_bool(gather_single(t->f, FACT_OUTPUT), FC_OUTPUT_closed, true);
	} else if (strcmp(event, "output.write_error") == 0) {
		r = gather_single(t->f, FACT_OUTPUT);
		put_text(t->f, r, FC_OUTPUT_write_error, a, json_get(a, "errno") ? "errno" : "error");
	} else if (strcmp(event, "journal.full") == 0) {
		fact_set_bool(gather_single(t->f, FACT_MACHINE), FC_MACHINE_journal_full, true);
	} else if (str_starts(event, "machine.")) {
		r = gather_single(t->f, FACT_MACHINE);
		put_int(r, FC_MACHINE_oom_kills, a, "oom_kills");
		put_text(t->f, r, FC_MACHINE_oom_victim, a, "comm");
		put_int(r, FC_MACHINE_memory_available_bytes, a, "memory_available_bytes");
		put_int(r, FC_MACHINE_disk_free_bytes, a, "disk_free_bytes");
		put_text(t->f, r, FC_MACHINE_disk_path, a, "path");
	} else if (strcmp(event, "ptrace.denied") == 0) {
		r = fact_add(t->f, FACT_DENIAL, GATHER_TRACE_NAME, at);
		if (!r)
			return;
		fact_set_text(t->f, r, FC_DENIAL_collector, "ptrace");
		fact_set_text(t->f, r, FC_DENIAL_status, "denied");
		put_text(t->f, r, FC_DENIAL_reason, a, "reason");
		put_int(r, FC_DENIAL_pid, a, "pid");
		put_text(t->f, r, FC_DENIAL_comm, a, "comm");
	} else if (strcmp(event, "test.dialect") == 0) {
		put_text(t->f, gather_single(t->f, FACT_RUN), FC_RUN_dialect, a, "dialect");
	}
}

static void read_step(struct trace_reader *t, const char *event, const struct json_value *a, const char *at)
{
	struct fact_row *r;

	if (strcmp(event, "gate.step.pass") != 0 && strcmp(event, "gate.step.fail") != 0 &&
	    strcmp(event, "gate.step.skipped") != 0)
		return;
	r = fact_add(t->f, FACT_STEP, GATHER_TRACE_NAME, at);
	if (!r)
		return;
	put_text(t->f, r, FC_STEP_name, a, "name");
	put_text(t->f, r, FC_STEP_kind, a, "kind");
	fact_set_text(t->f, r, FC_STEP_status, event + strlen("gate.step."));
	put_int(r, FC_STEP_exit_code, a, "exit_code");
	put_num(r, FC_STEP_duration_ms, a, "duration_ms");
}

static void read_checkpoint(struct trace_reader *t, const struct json_value *a, int64_t ts, uint64_t span, const char *at)
{
	const char *event = json_get_text(a, "event");
	struct fact_row *r;

	if (!event)
		return;
	if (strcmp(event, "diagnose.process") == 0) {
		read_diagnosed(t, a, at);
		return; /* it is a process; as a checkpoint it would only be the same again */
	}
	read_known_checkpoint(t, event, a, at);
	read_step(t, event, a, at);
	r = fact_add(t->f, FACT_CHECKPOINT, GATHER_TRACE_NAME, at);
	if (!r)
		return;
	fact_set_text(t->f, r, FC_CHECKPOINT_event, event);
	fact_set_num(r, FC_CHECKPOINT_at_ms, (double)ts / 1e6);
	put_int(r, FC_CHECKPOINT_pid, a, "pid");
	put_text(t->f, r, FC_CHECKPOINT_comm, a, "comm");
	put_argv(t->f, r, FC_CHECKPOINT_argv, json_get(a, "argv"));
	put_text(t->f, r, FC_CHECKPOINT_reason, a, "reason");
	put_text(t->f, r, FC_CHECKPOINT_signal, a, "signal");
	put_text(t->f, r, FC_CHECKPOINT_which, a, "which");
	put_text(t->f, r, FC_CHECKPOINT_errno, a, json_get(a, "errno") ? "errno" : "error");
	put_text(t->f, r, FC_CHECKPOINT_path, a, "path");
	want_span(t, r, FC_CHECKPOINT_span, span);
}

static void read_event(struct trace_reader *t, const struct json_value *o, const char *at)
{
	const struct json_value *a = json_get(o, "attrs");
	const char *kind = json_get_text(o, "kind");
	uint64_t span = span_id_of(o, "span_id");
	int64_t ts = 0;

	if (!kind)
		return;
	jint(o, "ts_ns", &ts);
	if (strcmp(kind, "watchdog") == 0)
		read_watchdog(t, a, ts, span, at);
	else if (strcmp(kind, "subprocess_state") == 0)
		read_state(t, a, at);
	else if (strcmp(kind, "checkpoint") == 0)
		read_checkpoint(t, a, ts, span, at);
}

/* ---- the whole ---- */

typedef void element_fn(struct trace_reader *t, const struct json_value *o, const char *at);

static int read_elements(struct trace_reader *t, struct json_reader *r, const char *where, element_fn *fn,
			 struct err *e)
{
	const struct json_value *o;
	enum json_kind kind;
	uint64_t i = 0;
	int rc;

	if (json_peek(r, &kind, e) < 0 || json_enter(r, JSON_ARRAY, e) < 0)
		return -1;
	while ((rc = json_next_item(r, e)) > 0) {
		char at[64];

		if (json_take(r, &o, e) < 0)
			return -1;
		snprintf(at, sizeof(at), "/%s/%llu", where, (unsigned long long)i++);
		if (o->kind == JSON_OBJECT)
			fn(t, o, at);
	}
	return rc;
}

static void read_summary(struct trace_reader *t, const struct json_value *o)
{
	const struct json_value *out = json_get(o, "output"), *last = json_get(o, "last_progress_event");
	struct fact_row *r = gather_single(t->f, FACT_OUTPUT), *run = gather_single(t->f, FACT_RUN);

	put_int(r, FC_OUTPUT_stdout_bytes, out, "stdout_bytes");
	put_int(r, FC_OUTPUT_stderr_bytes, out, "stderr_bytes");
	put_bool(r, FC_OUTPUT_truncated, out, "truncated");
	if (is_kind(last, JSON_OBJECT)) {
		if (jint(last, "ts_ns", &t->progress_ns))
			fact_set_num(run, FC_RUN_last_progress_ms, (double)t->progress_ns / 1e6);
		put_text(t->f, run, FC_RUN_last_progress, last, "kind");
	} else {
		t->progress_ns = 0;
	}
}

static void read_environment(struct trace_reader *t, const struct json_value *o)
{
	struct fact_row *r = gather_single(t->f, FACT_MACHINE);

	put_int(r, FC_MACHINE_cpus, o, "cpus");
	put_int(r, FC_MACHINE_memory_bytes, o, "memory_bytes");
	put_text(t->f, r, FC_MACHINE_kernel, o, "kernel");
	put_text(t->f, r, FC_MACHINE_arch, o, "arch");
	put_text(t->f, r, FC_MACHINE_ci_provider, o, "ci_provider");
}

static int read_value(struct trace_reader *t, struct json_reader *r, const char *key, struct err *e)
{
	struct fact_row *run = gather_single(t->f, FACT_RUN);
	const struct json_value *v;

	if (json_take(r, &v, e) < 0)
		return -1;
	if (strcmp(key, "run_id") == 0)
		fact_set_text(t->f, run, FC_RUN_run_id, json_text(v));
	else if (strcmp(key, "command") == 0)
		fact_set_text(t->f, run, FC_RUN_command, json_text(v));
	else if (strcmp(key, "status") == 0)
		fact_set_text(t->f, run, FC_RUN_status, json_text(v));
	else if (strcmp(key, "exit_code") == 0 && is_integer(v))
		fact_set_int(run, FC_RUN_exit_code, v->integer);
	else if (strcmp(key, "args") == 0)
		put_argv(t->f, run, FC_RUN_args, v);
	else if (strcmp(key, "environment") == 0)
		read_environment(t, v);
	else if (strcmp(key, "summary") == 0)
		read_summary(t, v);
	return 0;
}

static int by_id(const void *pa, const void *pb)
{
	const struct span_name_of *a = pa, *b = pb;

	return (a->id > b->id) - (a->id < b->id);
}

static void name_spans(struct trace_reader *t)
{
	if (t->n_spans)
		qsort(t->spans, t->n_spans, sizeof(*t->spans), by_id);
	for (size_t i = 0; i < t->n_wanted; i++) {
		struct span_name_of want = { .id = t->wanted[i].id }, *s;

		s = t->n_spans ? bsearch(&want, t->spans, t->n_spans, sizeof(want), by_id) : NULL;
		if (s)
			fact_set_text(t->f, t->wanted[i].row, t->wanted[i].col, s->name);
	}
}

/* Ended from outside, and was it then moving? A run that went on until its limit was slow; one
 * that had been silent for a good part of it was stuck. */
static void judge_end(struct trace_reader *t)
{
	struct fact_row *run = gather_single(t->f, FACT_RUN);
	const char *by = t->lost ? "lost" : t->watchdog ? "watchdog" : t->cancelled ? "cancel" : "itself";
	bool outside = strcmp(by, "itself") != 0, stuck = false;
	int64_t end = t->ended_ns >= 0 ? t->ended_ns : t->end_ns, idle = -1;

	fact_set_text(t->f, run, FC_RUN_ended_by, by);
	if (outside && t->progress_ns >= 0 && end >= t->progress_ns) {
		/* until the first signal: how the tree then died is not its silence */
		for (size_t i = 0; i < t->f->table[FACT_TIMEOUT].n; i++) {
			const struct fact_row *r = t->f->table[FACT_TIMEOUT].rows[i];
			int64_t at = (int64_t)(fact_num(r, FC_TIMEOUT_at_ms, 0) * 1e6);

			if (strcmp(fact_text(r, FC_TIMEOUT_token), "watchdog.kill.term") == 0 && at < end)
				end = at;
		}
		idle = end > t->progress_ns ? end - t->progress_ns : 0;
		fact_set_num(run, FC_RUN_idle_ms, (double)idle / 1e6);
	}
	if (t->watchdog)
		stuck = idle < 0 || idle >= 1000 * INT64_C(1000000) || idle * 4 >= end;
	else if (outside)
		stuck = (t->stall_ns >= 0 && t->stall_ns >= t->progress_ns) ||
			idle >= 10000 * INT64_C(1000000);
	fact_set_bool(run, FC_RUN_stuck, stuck);
	if (t->tests) {
		fact_set_int(run, FC_RUN_tests, t->tests);
		fact_set_int(run, FC_RUN_tests_passed, t->passed);
		fact_set_int(run, FC_RUN_tests_failed, t->failed_tests);
		fact_set_int(run, FC_RUN_tests_running, t->running);
	} else if (fact_get(run, FC_RUN_dialect)->known) {
		fact_set_int(run, FC_RUN_tests, 0);
	}
}

static int read_all(struct trace_reader *t, struct json_reader *r, struct err *e)
{
	const char *name;
	size_t len;
	int rc;

	if (json_enter(r, JSON_OBJECT, e) < 0)
		return -1;
	while ((rc = json_next_key(r, &name, &len, e)) > 0) {
		auto_free char *key = xstrndup(name, len);

		if (strcmp(key, "spans") == 0)
			rc = read_elements(t, r, "spans", read_span, e);
		else if (strcmp(key, "events") == 0)
			rc = read_elements(t, r, "events", read_event, e);
		else
			rc = read_value(t, r, key, e);
		if (rc < 0)
			return rc;
	}
	return rc < 0 ? rc : json_end(r, e);
}

int gather_trace(struct facts *f, const char *path, struct err *e)
{
	struct trace_reader t = { .f = f, .end_ns = -1, .progress_ns = -1, .ended_ns = -1, .stall_ns = -1 };
	struct fact_row *run = gather_single(f, FACT_RUN);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct json_reader *r;
	int rc;

	if (fd < 0)
		return err_sys(e, "opening '%s'", path);
	r = json_reader_new(fd, path);
	rc = read_all(&t, r, e);
	json_reader_free(r);
	if (rc < 0)
		err_add(e, "no sealed trace");
	if (rc == 0 && (!fact_get(run, FC_RUN_run_id)->known || !fact_get(run, FC_RUN_status)->known))
		rc = err_set(e, ERR_FAILURE, "'%s' is no sealed trace: run_id or status is missing", path);
	if (rc == 0) {
		name_spans(&t);
		judge_end(&t);
	}
	free(t.spans);
	free(t.wanted);
	return rc;
}
