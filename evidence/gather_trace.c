/* SPDX-License-Identifier: Apache-2.0 */
/* gather_trace.c - facts of run-trace.json. Memory grows with spans (16 bytes each) and with what
 * is worth a row, not with events: heartbeats and reads are passed over. */
#include "evidence/gather.h"

#include "base/mem.h"
#include "base/signal_name.h"
#include "evidence/gather_json.h"
#include "trace/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_KEPT 256
#define GOOD_SPANS_KEPT (FACT_SPANS_MAX - 1000)

struct span_name_of {
	uint64_t id;
	enum span_name name;
};

/* A row whose span must still be named: spans may stand behind events. */
struct span_wanted {
	struct fact_row *row;
	enum fact_col col;
	uint64_t id;
};

struct trace_gatherer {
	struct facts *f;
	struct span_name_of *spans;
	size_t n_spans, cap_spans;
	struct span_wanted *wanted;
	size_t n_wanted;
	bool lost, watchdog, cancelled;
	int64_t end_ns, progress_ns, ended_ns, stall_ns; /* -1 unknown */
	struct test_counts {
		int64_t tests, passed, failed, running;
	} named, files; /* tests; files and classes of tests, which count where no test has a name */
};

/* ---- spans ---- */

static void want_span(struct trace_gatherer *t, struct fact_row *row, enum fact_col col, uint64_t id)
{
	t->wanted = xreallocarray(t->wanted, t->n_wanted + 1, sizeof(*t->wanted));
	t->wanted[t->n_wanted++] = (struct span_wanted){ row, col, id };
}

static bool ended_from_outside(int status)
{
	return status == STATUS_STALLED || status == STATUS_TIMEOUT || status == STATUS_CANCELLED;
}

static void count_test(struct test_counts *n, int status)
{
	n->tests++;
	if (ended_from_outside(status))
		n->running++;
	else if (status != STATUS_OK)
		n->failed++;
	else
		n->passed++;
}

/* What the samplers found of a test. */
static void case_sampled(struct facts *f, struct fact_row *r, const struct json_value *attrs)
{
	const struct json_value *top = json_get(attrs, "top"), *waits = json_get(attrs, "waits"), *one;
	double cpu = json_get_number(attrs, "cpu_ms", -1), sleep = 0;

	if (cpu < 0)
		return;
	fact_set_num(r, FC_CASE_cpu_ms, cpu);
	fact_set_num(r, FC_CASE_wait_ms, json_get_number(attrs, "wait_ms", 0));
	fact_set_num(r, FC_CASE_run_delay_ms, json_get_number(attrs, "run_delay_ms", 0));
	for (one = waits && waits->kind == JSON_ARRAY ? waits->first : NULL; one; one = one->next)
		if (strcmp(attr_text(one, "kind"), "sleep") == 0)
			sleep += json_get_number(one, "ms", 0);
	fact_set_num(r, FC_CASE_sleep_ms, sleep);
	one = json_get(attrs, "sleep_at");
	if (one && one->kind == JSON_OBJECT) {
		fact_set_text(f, r, FC_CASE_sleep_function, json_get_text(one, "function"));
		fact_set_text(f, r, FC_CASE_sleep_file, json_get_text(one, "file"));
		if (json_get_int(one, "line", 0) > 0)
			fact_set_int(r, FC_CASE_sleep_line, json_get_int(one, "line", 0));
	}
	if (json_get_number(attrs, "setup_share", -1) >= 0) {
		fact_set_num(r, FC_CASE_setup_share, json_get_number(attrs, "setup_share", 0));
		fact_set_num(r, FC_CASE_teardown_share, json_get_number(attrs, "teardown_share", 0));
	}
	one = top && top->kind == JSON_ARRAY ? top->first : NULL;
	if (!one)
		return;
	fact_set_text(f, r, FC_CASE_top_function, json_get_text(one, "function"));
	fact_set_text(f, r, FC_CASE_top_file, json_get_text(one, "file"));
	if (json_get_int(one, "line", 0) > 0)
		fact_set_int(r, FC_CASE_top_line, json_get_int(one, "line", 0));
}

static void read_case(struct trace_gatherer *t, const struct trace_read_span *s, const char *at)
{
	const struct json_value *attrs = s->attrs;
	bool running = ended_from_outside(s->status);
	struct fact_row *r;

	if (s->status < 0 || attr_true(attrs, "withdrawn"))
		return;
	if (!attr_true(attrs, "nested") || attr_true(attrs, "container"))
		count_test(attr_true(attrs, "container") ? &t->files : &t->named, s->status);
	/* Rows are for what went wrong; the thousands that passed are counts. */
	if (s->status == STATUS_OK && t->f->table[FACT_CASE].n > 1000)
		return;
	r = fact_add(t->f, FACT_CASE, GATHER_TRACE_NAME, at);
	if (!r)
		return;
	fact_set_text(t->f, r, FC_CASE_status, status_text[s->status]);
	put_text(t->f, r, FC_CASE_result, attrs, "result");
	fact_set_bool(r, FC_CASE_running, running);
	put_text(t->f, r, FC_CASE_suite, attrs, "suite");
	put_text(t->f, r, FC_CASE_case_id, attrs, "case_id");
	case_sampled(t->f, r, attrs);
	put_text(t->f, r, FC_CASE_file, attrs, "file");
	put_int(r, FC_CASE_line, attrs, "line");
	put_text(t->f, r, FC_CASE_dialect, attrs, "dialect");
	fact_set_bool(r, FC_CASE_nested, attr_true(attrs, "nested"));
	fact_set_bool(r, FC_CASE_container, attr_true(attrs, "container"));
	if (s->message && strcmp(s->message, "the test failed") != 0)
		fact_set_text(t->f, r, FC_CASE_message, s->message);
	if (*attr_text(attrs, "output"))
		put_text(t->f, r, FC_CASE_output, attrs, "output"); /* of a spec case */
	put_num(r, FC_CASE_duration_ms, s->whole, "duration_ms");
	if (s->start_ns >= 0)
		fact_set_num(r, FC_CASE_started_ms, (double)s->start_ns / 1e6);
}

static void read_wait(struct trace_gatherer *t, const struct trace_read_span *s)
{
	struct fact_row *p;
	int64_t pid;

	/* Of a run of thousands of commands only those that did not end well are kept. */
	if (jint(s->attrs, "pid", &pid) && (s->status > STATUS_OK || t->f->table[FACT_PROCESS].n < COMMANDS_KEPT)) {
		p = gather_find(t->f, FC_PROCESS_pid, pid);
		if (!p && (p = fact_add(t->f, FACT_PROCESS, GATHER_TRACE_NAME, "")))
			fact_set_int(p, FC_PROCESS_pid, pid);
		if (p) {
			fact_set_bool(p, FC_PROCESS_is_command, true);
			put_text(t->f, p, FC_PROCESS_command_status, s->whole, "status");
		}
	}
	t->lost |= s->status >= 0 && s->category == CATEGORY_SUPERVISOR_LOST;
	if (!ended_from_outside(s->status))
		return;
	if (s->status == STATUS_CANCELLED)
		t->cancelled = true;
	else
		t->watchdog = true;
	if (s->end_ns > t->ended_ns)
		t->ended_ns = s->end_ns;
}

static void read_exec(struct trace_gatherer *t, const struct trace_read_span *s)
{
	const struct json_value *argv = json_get(s->attrs, "argv");
	auto_str text = STR_INIT;

	if (s->category != CATEGORY_NOT_FOUND && s->category != CATEGORY_NOT_EXECUTABLE && s->category != CATEGORY_SPAWN)
		return;
	if (is_kind(argv, JSON_ARRAY) && argv->first && json_text(argv->first))
		str_addf(&text, "'%s' ", json_text(argv->first));
	str_add(&text, s->message ? s->message : "cannot be started");
	fact_set_text(t->f, gather_single(t->f, FACT_RUN), FC_RUN_start_error, str_cstr(&text));
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
static void read_timeline(struct trace_gatherer *t, const struct trace_read_span *s, const char *at)
{
	struct fact_table *spans = &t->f->table[FACT_SPAN];
	struct fact_row *r;

	if (spans->n >= GOOD_SPANS_KEPT && s->status == STATUS_OK) {
		spans->dropped++;
		return;
	}
	if (s->start_ns < 0 || s->end_ns < 0 || !(r = fact_add(t->f, FACT_SPAN, GATHER_TRACE_NAME, at)))
		return;
	fact_set_num(r, FC_SPAN_start_ms, (double)s->start_ns / 1e6);
	fact_set_num(r, FC_SPAN_duration_ms, (double)(s->end_ns - s->start_ns) / 1e6);
	put_text(t->f, r, FC_SPAN_id, s->whole, "span_id");
	put_text(t->f, r, FC_SPAN_parent, s->whole, "parent_span_id");
	put_text(t->f, r, FC_SPAN_name, s->whole, "name");
	put_text(t->f, r, FC_SPAN_status, s->whole, "status");
	put_label(t->f, r, s->attrs);
}

static void read_total(struct trace_gatherer *t, const struct trace_read_span *s)
{
	if (s->start_ns < 0 || s->end_ns < 0)
		return;
	t->end_ns = s->end_ns;
	fact_set_num(gather_single(t->f, FACT_RUN), FC_RUN_duration_ms, (double)(s->end_ns - s->start_ns) / 1e6);
	t->lost |= s->category == CATEGORY_SUPERVISOR_LOST;
}

static int read_span(void *arg, const struct trace_read_span *s, struct err *e)
{
	struct trace_gatherer *t = arg;
	struct span_name_of *named;
	char at[40];

	(void)e;
	if (s->name < 0)
		return 0;
	if (t->n_spans == t->cap_spans) {
		t->cap_spans = t->cap_spans ? t->cap_spans * 2 : 64;
		t->spans = xreallocarray(t->spans, t->cap_spans, sizeof(*t->spans));
	}
	named = &t->spans[t->n_spans++];
	*named = (struct span_name_of){ s->id, (enum span_name)s->name };
	snprintf(at, sizeof(at), "/spans/%llu", (unsigned long long)s->index);
	read_timeline(t, s, at);
	switch (s->name) {
	case SPAN_CASE_RUN: read_case(t, s, at); break;
	case SPAN_SUBPROCESS_WAIT: read_wait(t, s); break;
	case SPAN_SUBPROCESS_EXEC: read_exec(t, s); break;
	case SPAN_RUN_TOTAL: read_total(t, s); break;
	}
	return 0;
}

/* ---- events ---- */

static void read_holders(struct trace_gatherer *t, const struct json_value *holders, const char *at)
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

static void read_watchdog(struct trace_gatherer *t, const struct trace_read_event *ev, const char *at)
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
	const struct json_value *a = ev->attrs;

	if (ev->token == TOKEN_STALL_SUBPROCESS && ev->ts_ns > t->stall_ns)
		t->stall_ns = ev->ts_ns;
	if (ev->token == TOKEN_KILL_TERM && strcmp(fact_text(gather_single(t->f, FACT_RUN), FC_RUN_command), "run") == 0) {
		put_int(gather_single(t->f, FACT_OUTPUT), FC_OUTPUT_stdout_at_signal, a, "stdout_bytes");
		put_int(gather_single(t->f, FACT_OUTPUT), FC_OUTPUT_stderr_at_signal, a, "stderr_bytes");
	}
	if (!r)
		return;
	put_text(t->f, r, FC_TIMEOUT_token, a, "reason_token");
	fact_set_num(r, FC_TIMEOUT_at_ms, (double)ev->ts_ns / 1e6);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		put_num(r, numbers[i].col, a, numbers[i].key);
	put_int(r, FC_TIMEOUT_cpus, a, "cpus");
	put_int(r, FC_TIMEOUT_members, a, "members");
	put_text(t->f, r, FC_TIMEOUT_verdict, a, json_get_text(a, "busy") ? "busy" : "verdict");
	fact_set_bool(r, FC_TIMEOUT_busy, json_get_text(a, "busy") != NULL);
	put_bool(r, FC_TIMEOUT_output_blocked, a, "output_blocked");
	put_share(r, FC_TIMEOUT_cpu_share, FC_TIMEOUT_window_cpu_ms, FC_TIMEOUT_window_ms);
	put_share(r, FC_TIMEOUT_run_delay_share, FC_TIMEOUT_window_run_delay_ms, FC_TIMEOUT_window_ms);
	want_span(t, r, FC_TIMEOUT_span, ev->span);
	read_holders(t, json_get(a, "holders"), at);
}

/* A live process as a diagnosis found it. A later look at the same pid tells what moved. */
static void read_diagnosed(struct trace_gatherer *t, const struct json_value *a, const char *at)
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
	put_num(r, FC_PROCESS_command_idle_ms, a, "command_idle_ms");
	put_int(r, FC_PROCESS_rss_bytes, a, "rss_bytes");
}

static void read_unreadable(struct trace_gatherer *t, const struct json_value *a, const char *at)
{
	struct fact_row *r;
	int64_t pid;

	if (!jint(a, "pid", &pid))
		return;
	r = gather_find(t->f, FC_PROCESS_pid, pid);
	if (!r && !(r = fact_add(t->f, FACT_PROCESS, GATHER_TRACE_NAME, at)))
		return;
	fact_set_int(r, FC_PROCESS_pid, pid);
	put_text(t->f, r, FC_PROCESS_comm, a, "comm");
	put_text(t->f, r, FC_PROCESS_unreadable, a, "file");
	put_text(t->f, r, FC_PROCESS_lock_holder, a, "holder");
}

static void read_survivor(struct trace_gatherer *t, const struct json_value *a, const char *reason, const char *at)
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
	if (json_get_text(a, "frozen_by"))
		put_text(t->f, r, FC_LEAK_frozen_by, a, "frozen_by");
}

static void read_state(struct trace_gatherer *t, const struct trace_read_event *ev, const char *at)
{
	const struct json_value *a = ev->attrs;
	struct fact_row *p;
	int64_t pid, number;
	char name[16];

	if (!jint(a, "pid", &pid))
		return;
	if (ev->state == PROC_SURVIVOR) {
		read_survivor(t, a, json_get_text(a, "reason"), at);
		return;
	}
	if (ev->state != PROC_EXIT && ev->state != PROC_SIGNALED)
		return;
	p = gather_find(t->f, FC_PROCESS_pid, pid);
	if (!p)
		return;
	fact_set_text(t->f, p, FC_PROCESS_end, proc_state_text[ev->state]);
	put_int(p, FC_PROCESS_returncode, a, "returncode");
	put_int(p, FC_PROCESS_signal, a, "signal");
	put_bool(p, FC_PROCESS_core_dumped, a, "core_dumped");
	if (jint(a, "signal", &number) && number > 0 && number < 65 && signal_abbrev((int)number)) {
		snprintf(name, sizeof(name), "SIG%s", signal_abbrev((int)number));
		fact_set_text(t->f, p, FC_PROCESS_signal_name, name);
	}
}

static void read_machine(struct trace_gatherer *t, const struct json_value *a)
{
	struct fact_row *r = gather_single(t->f, FACT_MACHINE);

	put_int(r, FC_MACHINE_oom_kills, a, "oom_kills");
	put_text(t->f, r, FC_MACHINE_oom_victim, a, "comm");
	put_int(r, FC_MACHINE_memory_available_bytes, a, "memory_available_bytes");
	put_int(r, FC_MACHINE_disk_free_bytes, a, "disk_free_bytes");
	put_text(t->f, r, FC_MACHINE_disk_path, a, "path");
}

static void read_step(struct trace_gatherer *t, const char *status, const struct json_value *a, const char *at)
{
	struct fact_row *r = fact_add(t->f, FACT_STEP, GATHER_TRACE_NAME, at);

	if (!r)
		return;
	put_text(t->f, r, FC_STEP_name, a, "step");
	put_text(t->f, r, FC_STEP_kind, a, "kind");
	fact_set_text(t->f, r, FC_STEP_status, status);
	put_int(r, FC_STEP_exit_code, a, "exit_code");
	put_num(r, FC_STEP_duration_ms, a, "duration_ms");
}

static void read_tests_end(struct trace_gatherer *t, const struct json_value *a)
{
	struct fact_row *r = gather_single(t->f, FACT_RUN);

	put_text(t->f, r, FC_RUN_names_tests, a, "names");
	put_bool(r, FC_RUN_tests_complete, a, "complete");
	put_bool(r, FC_RUN_tests_closed, a, "closed");
	put_text(t->f, r, FC_RUN_last_test, a, "after");
	put_int(r, FC_RUN_tests_planned, a, "plan");
}

static void read_early(struct trace_gatherer *t, const struct json_value *a)
{
	struct fact_row *r = gather_single(t->f, FACT_RUN);

	fact_set_bool(r, FC_RUN_ended_early, true);
	put_int(r, FC_RUN_early_done, a, "done");
	put_text(t->f, r, FC_RUN_early_test, a, "test");
	put_text(t->f, r, FC_RUN_early_after, a, "after");
	if (!fact_get(r, FC_RUN_dialect)->known)
		put_text(t->f, r, FC_RUN_dialect, a, "dialect");
}

/* Checkpoints that are facts of other kinds too. */
static void read_known_checkpoint(struct trace_gatherer *t, const struct trace_read_event *ev, const char *at)
{
	const struct json_value *a = ev->attrs;

	switch (ev->checkpoint) {
	case CP_PROCESS_LEAKED: read_survivor(t, a, "leaked", at); break;
	case CP_PROCESS_UNKILLABLE: read_survivor(t, a, "unkillable", at); break;
	case CP_PROCESS_UNREADABLE: read_unreadable(t, a, at); break;
	case CP_RUN_SUPERVISOR_LOST: t->lost = true; break;
	case CP_RUN_CANCELLED: put_text(t->f, gather_single(t->f, FACT_RUN), FC_RUN_signal, a, "signal"); break;
	case CP_OUTPUT_CLOSED: fact_set_bool(gather_single(t->f, FACT_OUTPUT), FC_OUTPUT_closed, true); break;
	case CP_OUTPUT_WRITE_ERROR:
		put_text(t->f, gather_single(t->f, FACT_OUTPUT), FC_OUTPUT_write_error, a, "error");
		break;
	case CP_MACHINE_DISK_FULL:
	case CP_MACHINE_OOM: read_machine(t, a); break;
	case CP_TEST_DIALECT: put_text(t->f, gather_single(t->f, FACT_RUN), FC_RUN_dialect, a, "dialect"); break;
	case CP_RUN_ENDED_EARLY: read_early(t, a); break;
	case CP_TEST_OUTPUT: gather_failure(t->f, a); break;
	case CP_TEST_SUMMARY: read_tests_end(t, a); break;
	case CP_GATE_STEP_PASS: read_step(t, "pass", a, at); break;
	case CP_GATE_STEP_FAIL: read_step(t, "fail", a, at); break;
	case CP_GATE_STEP_SKIPPED: read_step(t, "skipped", a, at); break;
	}
}

static void read_checkpoint(struct trace_gatherer *t, const struct trace_read_event *ev, const char *at)
{
	const struct json_value *a = ev->attrs;
	struct fact_row *r;

	if (!ev->checkpoint_name)
		return;
	if (ev->checkpoint == CP_DIAGNOSE_PROCESS) {
		read_diagnosed(t, a, at);
		return; /* it is a process; as a checkpoint it would only be the same again */
	}
	read_known_checkpoint(t, ev, at);
	r = fact_add(t->f, FACT_CHECKPOINT, GATHER_TRACE_NAME, at);
	if (!r)
		return;
	fact_set_text(t->f, r, FC_CHECKPOINT_event, ev->checkpoint_name);
	fact_set_num(r, FC_CHECKPOINT_at_ms, (double)(ev->ts_ns < 0 ? 0 : ev->ts_ns) / 1e6);
	put_int(r, FC_CHECKPOINT_pid, a, "pid");
	put_int(r, FC_CHECKPOINT_ppid, a, "ppid");
	put_text(t->f, r, FC_CHECKPOINT_comm, a, "comm");
	put_argv(t->f, r, FC_CHECKPOINT_argv, json_get(a, "argv"));
	put_text(t->f, r, FC_CHECKPOINT_reason, a, "reason");
	put_text(t->f, r, FC_CHECKPOINT_signal, a, "signal");
	put_int(r, FC_CHECKPOINT_signal_number, a, "signal");
	put_text(t->f, r, FC_CHECKPOINT_which, a, "which");
	put_text(t->f, r, FC_CHECKPOINT_errno, a, "error");
	put_text(t->f, r, FC_CHECKPOINT_path, a, "path");
	want_span(t, r, FC_CHECKPOINT_span, ev->span);
}

static int read_event(void *arg, const struct trace_read_event *ev, struct err *e)
{
	struct trace_gatherer *t = arg;
	char at[40];

	(void)e;
	snprintf(at, sizeof(at), "/events/%llu", (unsigned long long)ev->index);
	switch (ev->kind) {
	case EVENT_WATCHDOG: read_watchdog(t, ev, at); break;
	case EVENT_SUBPROCESS_STATE: read_state(t, ev, at); break;
	case EVENT_CHECKPOINT: read_checkpoint(t, ev, at); break;
	}
	return 0;
}

/* ---- the whole ---- */

static void read_summary(struct trace_gatherer *t, const struct json_value *o)
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

static void read_environment(struct trace_gatherer *t, const struct json_value *o)
{
	struct fact_row *r = gather_single(t->f, FACT_MACHINE);

	put_int(r, FC_MACHINE_cpus, o, "cpus");
	put_int(r, FC_MACHINE_memory_bytes, o, "memory_bytes");
	put_text(t->f, r, FC_MACHINE_kernel, o, "kernel");
	put_text(t->f, r, FC_MACHINE_arch, o, "arch");
	put_text(t->f, r, FC_MACHINE_ci_provider, o, "ci_provider");
}

static int read_head(void *arg, const char *key, const struct json_value *v, struct err *e)
{
	struct trace_gatherer *t = arg;
	struct fact_row *run = gather_single(t->f, FACT_RUN);

	(void)e;
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

static void name_spans(struct trace_gatherer *t)
{
	if (t->n_spans)
		qsort(t->spans, t->n_spans, sizeof(*t->spans), by_id);
	for (size_t i = 0; i < t->n_wanted; i++) {
		struct span_name_of want = { .id = t->wanted[i].id }, *s;

		s = t->n_spans ? bsearch(&want, t->spans, t->n_spans, sizeof(want), by_id) : NULL;
		if (s)
			fact_set_text(t->f, t->wanted[i].row, t->wanted[i].col, span_name_text[s->name]);
	}
}

/* Of several commands one may hang while another goes on: how long the one that was ended had been silent, or -1. */
static double stuck_command_ms(const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_PROCESS];
	double most = -1;

	if (strcmp(fact_text(f->table[FACT_RUN].rows[0], FC_RUN_command), "ci-gate-summary") != 0)
		return -1;
	for (size_t i = 0; i < t->n; i++) {
		const char *status = fact_text(t->rows[i], FC_PROCESS_command_status);
		double idle = fact_num(t->rows[i], FC_PROCESS_command_idle_ms, -1);

		if (!*status || strcmp(status, "ok") == 0 || strcmp(status, "error") == 0)
			continue; /* it ended by itself */
		if (idle > most && idle >= GATHER_SILENT_MS)
			most = idle;
	}
	return most;
}

/* Ended from outside, and was it then moving? A run that went on until its limit was slow; one
 * that had been silent for a good part of it was stuck. */
static void judge_end(struct trace_gatherer *t)
{
	struct fact_row *run = gather_single(t->f, FACT_RUN);
	const char *by = t->lost ? "lost" : t->watchdog ? "watchdog" : t->cancelled ? "cancel" : "itself";
	bool outside = strcmp(by, "itself") != 0, stuck = false;
	const struct test_counts *n = t->named.tests ? &t->named : &t->files;
	int64_t end = t->ended_ns >= 0 ? t->ended_ns : t->end_ns, idle = -1;

	fact_set_text(t->f, run, FC_RUN_ended_by, by);
	if (outside && t->progress_ns >= 0 && end >= t->progress_ns) {
		/* until the first signal, ours or from outside: how the tree then died is not its silence */
		for (size_t i = 0; t->cancelled && i < t->f->table[FACT_CHECKPOINT].n; i++) {
			const struct fact_row *r = t->f->table[FACT_CHECKPOINT].rows[i];
			int64_t at = (int64_t)(fact_num(r, FC_CHECKPOINT_at_ms, 0) * 1e6);

			if (strcmp(fact_text(r, FC_CHECKPOINT_event), "run.cancelled") == 0 && at < end)
				end = at;
		}
		for (size_t i = 0; i < t->f->table[FACT_TIMEOUT].n; i++) {
			const struct fact_row *r = t->f->table[FACT_TIMEOUT].rows[i];
			int64_t at = (int64_t)(fact_num(r, FC_TIMEOUT_at_ms, 0) * 1e6);

			if (strcmp(fact_text(r, FC_TIMEOUT_token), "watchdog.kill.term") == 0 && at < end)
				end = at;
		}
		idle = end > t->progress_ns ? end - t->progress_ns : 0;
		fact_set_num(run, FC_RUN_idle_ms, (double)idle / 1e6);
	}
	/* Most people cancel what has taken too long: a cancel is judged like a limit, unless it comes at once. */
	if (t->watchdog || t->cancelled)
		stuck = idle < 0 || idle >= (int64_t)(GATHER_SILENT_MS * 1e6) ||
			(idle * 4 >= end && idle >= (int64_t)(GATHER_MOMENT_MS * 1e6));
	else if (outside)
		stuck = (t->stall_ns >= 0 && t->stall_ns >= t->progress_ns) ||
			idle >= 10000 * INT64_C(1000000);
	if (!stuck && outside && stuck_command_ms(t->f) >= 0) {
		stuck = true;
		fact_set_num(run, FC_RUN_idle_ms, stuck_command_ms(t->f));
	}
	fact_set_bool(run, FC_RUN_stuck, stuck);
	if (n->tests) {
		fact_set_int(run, FC_RUN_tests, n->tests);
		fact_set_int(run, FC_RUN_tests_passed, n->passed);
		fact_set_int(run, FC_RUN_tests_failed, n->failed);
		fact_set_int(run, FC_RUN_tests_running, n->running);
	} else if (fact_get(run, FC_RUN_dialect)->known) {
		fact_set_int(run, FC_RUN_tests, 0);
	}
}

int gather_trace(struct facts *f, const char *path, struct err *e)
{
	static const struct trace_read_ops ops = { .span = read_span, .event = read_event, .head = read_head };
	struct trace_gatherer t = { .f = f, .end_ns = -1, .progress_ns = -1, .ended_ns = -1, .stall_ns = -1 };
	struct fact_row *run = gather_single(f, FACT_RUN);
	int rc = trace_read(path, &ops, &t, e);

	if (rc < 0)
		err_add(e, "not a sealed trace");
	if (rc == 0 && (!fact_get(run, FC_RUN_run_id)->known || !fact_get(run, FC_RUN_status)->known))
		rc = err_set(e, ERR_FAILURE, "'%s' is not a sealed trace: run_id or status is missing", path);
	if (rc == 0) {
		name_spans(&t);
		judge_end(&t);
		gather_failures_end(f, t.named.tests > 0);
	}
	free(t.spans);
	free(t.wanted);
	return rc;
}
