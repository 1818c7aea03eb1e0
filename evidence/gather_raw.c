/* SPDX-License-Identifier: Apache-2.0 */
/* gather_raw.c - facts of the raw files of a run: snapshots in the shape of `inspect --json`
 * (contract 11), and rows of any kind that a collector left (facts-NAME.json). */
#include "evidence/gather.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "evidence/gather_json.h"
#include "evidence/gather_place.h"
#include "evidence/signature.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define RAW_FILE_BYTES ((size_t)64 << 20)
#define STACK_FUNCTIONS 12
#define SNAPSHOTS_MAX 32
#define FRAMES_KEPT 256 /* of one thread, the innermost */
#define TASKS_KEPT 300  /* of one process: those that wait for something, the roots among them */

struct snapshot_reader {
	struct facts *f;
	const char *file;
	const struct json_value *roots;
};

static void put_line(struct fact_row *r, enum fact_col c, const struct json_value *o, const char *key)
{
	const struct json_value *v = json_get(o, key);

	if (is_integer(v) && v->integer > 0)
		fact_set_int(r, c, v->integer);
}

/* ---- frames ---- */

static bool function_is_exit(const char *function, const char *file)
{
	static const char *const native[] = { "Py_FinalizeEx", "wait_for_thread_shutdown", "__run_exit_handlers",
					      "exit", "__libc_exit", "_dl_fini" };

	for (size_t i = 0; i < sizeof(native) / sizeof(native[0]); i++)
		if (strcmp(function, native[i]) == 0)
			return true;
	/* threading._shutdown and atexit callbacks of the standard library */
	return strcmp(function, "_shutdown") == 0 || strcmp(function, "_python_exit") == 0 ||
	       (strcmp(function, "_exit_function") == 0 && file && strstr(file, "multiprocessing"));
}

/* A shell's loops are among its frames, with their text. */
static bool frame_is_loop(const struct json_value *frame, const char *function)
{
	static const char *const heads[] = { "until ", "while ", "for ", "while(", "until(" };
	const char *language = json_get_text(frame, "language");

	for (size_t i = 0; language && strcmp(language, "shell") == 0 && i < sizeof(heads) / sizeof(heads[0]); i++)
		if (strncmp(function, heads[i], strlen(heads[i])) == 0)
			return true;
	return false;
}

static void put_stack(struct snapshot_reader *s, struct fact_row *r, const struct json_value *frames)
{
	auto_str shown = STR_INIT, same = STR_INIT, last = STR_INIT, name = STR_INIT;
	const struct json_value *frame;
	char signature[SIGNATURE_SIZE];
	unsigned n = 0, unnamed = 0;
	size_t i;

	json_items(frames, i, frame) {
		const char *function = json_get_text(frame, "function"), *module = json_get_text(frame, "module");
		const struct json_value *offset = json_get(frame, "offset");

		/* Without a name, the place in the file is the same in every run of the same binary. */
		if (!function && module && is_integer(offset) && !frame_module_is_runtime(module)) {
			signature_add_file(&same, module);
			str_addf(&same, "+%llx\n", (unsigned long long)offset->integer);
			unnamed++;
		}
		if (!function)
			continue;
		if (function_is_exit(function, json_get_text(frame, "file")))
			fact_set_bool(r, FC_THREAD_at_exit, true);
		if (frame_is_below(frame))
			continue;
		if (frame_is_loop(frame, function)) {
			fact_set_text(s->f, r, FC_THREAD_loop, function);
			continue;
		}
		str_reset(&name);
		signature_add_function(&name, function);
		/* Recursion deeper or shallower is the same place. */
		if (last.len && strcmp(str_cstr(&last), str_cstr(&name)) == 0)
			continue;
		str_reset(&last);
		str_add(&last, str_cstr(&name));
		str_addf(&same, "%s|", str_cstr(&name));
		if (module)
			signature_add_file(&same, module);
		str_addc(&same, '\n');
		if (n++ < STACK_FUNCTIONS)
			str_addf(&shown, "%s%s", shown.len ? " < " : "", str_cstr(&name));
	}
	if (!n && !unnamed)
		return;
	if (n)
		fact_set_text(s->f, r, FC_THREAD_stack, str_cstr(&shown));
	signature_make(signature, "s-", str_cstr(&same), same.len);
	fact_set_text(s->f, r, FC_THREAD_stack_signature, signature);
}

static void read_frames(struct snapshot_reader *s, const struct fact_row *t, const struct json_value *frames,
			const char *at)
{
	const struct json_value *frame;
	size_t i;

	json_items(frames, i, frame) {
		auto_free char *frame_at = xasprintf("%s/frames/%zu", at, i);
		struct fact_row *r = i < FRAMES_KEPT ? fact_add(s->f, FACT_FRAME, s->file, frame_at) : NULL;

		if (!r)
			return;
		fact_set_int(r, FC_FRAME_pid, fact_int(t, FC_THREAD_pid, 0));
		fact_set_int(r, FC_FRAME_tid, fact_int(t, FC_THREAD_tid, 0));
		fact_set_int(r, FC_FRAME_depth, (int64_t)i);
		put_text(s->f, r, FC_FRAME_language, frame, "language");
		put_text(s->f, r, FC_FRAME_function, frame, "function");
		put_text(s->f, r, FC_FRAME_file, frame, "file");
		put_line(r, FC_FRAME_line, frame, "line");
		put_text(s->f, r, FC_FRAME_module, frame, "module");
		fact_set_bool(r, FC_FRAME_program, !frame_is_below(frame) &&
						   (json_get_text(frame, "function") || json_get_text(frame, "module")));
	}
}

/* ---- threads ---- */

static void put_place(struct snapshot_reader *s, struct fact_row *r, const struct json_value *frame)
{
	const char *module = json_get_text(frame, "module"), *slash = module ? strrchr(module, '/') : NULL;

	struct frame_words words;

	if (!frame)
		return;
	words = frame_words_of(frame);
	fact_set_bool(r, FC_THREAD_own_line, frame_place(&words, false) == PLACE_OWN_LINE);
	fact_set_text(s->f, r, FC_THREAD_module, slash ? slash + 1 : module);
	put_text(s->f, r, FC_THREAD_language, frame, "language");
	put_text(s->f, r, FC_THREAD_function, frame, "function");
	put_text(s->f, r, FC_THREAD_file, frame, "file");
	put_line(r, FC_THREAD_line, frame, "line");
}

static void read_edge(struct snapshot_reader *s, const struct fact_row *t, const struct json_value *wait,
		      const struct json_value *h,
		      const char *at)
{
	struct fact_row *r = fact_add(s->f, FACT_EDGE, s->file, at);

	if (!r)
		return;
	fact_set_int(r, FC_EDGE_pid, fact_int(t, FC_THREAD_pid, 0));
	fact_set_int(r, FC_EDGE_tid, fact_int(t, FC_THREAD_tid, 0));
	if (fact_get(t, FC_THREAD_comm)->known)
		fact_set_text(s->f, r, FC_EDGE_comm, fact_text(t, FC_THREAD_comm));
	if (fact_get(t, FC_THREAD_function)->known)
		fact_set_text(s->f, r, FC_EDGE_function, fact_text(t, FC_THREAD_function));
	if (fact_get(t, FC_THREAD_file)->known)
		fact_set_text(s->f, r, FC_EDGE_file, fact_text(t, FC_THREAD_file));
	if (fact_get(t, FC_THREAD_line)->known)
		fact_set_int(r, FC_EDGE_line, fact_int(t, FC_THREAD_line, 0));
	put_text(s->f, r, FC_EDGE_kind, wait, "kind");
	put_text(s->f, r, FC_EDGE_resource, wait, "resource");
	put_bool(r, FC_EDGE_proved, wait, "proved");
	put_int(r, FC_EDGE_holder_pid, h, "pid");
	if (json_get_int(h, "tid", 0) > 0)
		put_int(r, FC_EDGE_holder_tid, h, "tid");
	else if (json_get_int(h, "task", 0) > 0)
		fact_set_int(r, FC_EDGE_holder_tid, GATHER_TASK_TID + json_get_int(h, "task", 0));
	put_text(s->f, r, FC_EDGE_holder_comm, h, "comm");
	put_text(s->f, r, FC_EDGE_holder_function, h, "function");
	put_text(s->f, r, FC_EDGE_holder_file, h, "file");
	put_line(r, FC_EDGE_holder_line, h, "line");
	fact_set_bool(r, FC_EDGE_same_process,
		      fact_int(r, FC_EDGE_holder_pid, -1) == fact_int(r, FC_EDGE_pid, -2));
}

static void read_wait(struct snapshot_reader *s, struct fact_row *r, const struct json_value *wait, const char *at)
{
	const struct json_value *holders = json_get(wait, "holders"), *h;
	size_t i;

	if (!is_kind(wait, JSON_OBJECT))
		return;
	put_text(s->f, r, FC_THREAD_waits_kind, wait, "kind");
	put_text(s->f, r, FC_THREAD_waits_resource, wait, "resource");
	put_bool(r, FC_THREAD_waits_proved, wait, "proved");
	put_num(r, FC_THREAD_waits_since_ms, wait, "since_ms");
	fact_set_int(r, FC_THREAD_holders, (int64_t)json_count(holders));
	json_items(holders, i, h) {
		auto_free char *edge_at = xasprintf("%s/waits_on/holders/%zu", at, i);

		read_edge(s, r, wait, h, edge_at);
	}
}

static void read_thread(struct snapshot_reader *s, const struct fact_row *p, const struct json_value *tasks,
			const struct json_value *o, const char *at)
{
	const struct json_value *task;

	struct fact_row *r = fact_add(s->f, FACT_THREAD, s->file, at);
	const struct json_value *frames = json_get(o, "frames");
	const char *status = json_get_text(o, "status");

	if (!r)
		return;
	fact_set_int(r, FC_THREAD_pid, fact_int(p, FC_PROCESS_pid, 0));
	put_int(r, FC_THREAD_tid, o, "tid");
	if (fact_get(p, FC_PROCESS_ppid)->known)
		fact_set_int(r, FC_THREAD_ppid, fact_int(p, FC_PROCESS_ppid, 0));
	fact_set_bool(r, FC_THREAD_main, fact_int(r, FC_THREAD_tid, -1) == fact_int(r, FC_THREAD_pid, -2));
	if (fact_get(p, FC_PROCESS_comm)->known)
		fact_set_text(s->f, r, FC_THREAD_comm, fact_text(p, FC_PROCESS_comm));
	if (fact_get(p, FC_PROCESS_argv)->known)
		fact_set_text(s->f, r, FC_THREAD_argv, fact_text(p, FC_PROCESS_argv));
	put_text(s->f, r, FC_THREAD_name, o, json_get_text(o, "label") ? "label" : "name");
	put_text(s->f, r, FC_THREAD_state, o, "state");
	put_text(s->f, r, FC_THREAD_wchan, o, "wchan");
	put_text(s->f, r, FC_THREAD_syscall, o, "syscall");
	put_num(r, FC_THREAD_cpu_ms, o, "cpu_ms");
	put_num(r, FC_THREAD_cpu_delta_ms, o, "cpu_delta_ms");
	put_bool(r, FC_THREAD_same_stack, o, "same_stack");
	put_int(r, FC_THREAD_switches_delta, o, "switches_delta");
	put_text(s->f, r, FC_THREAD_verdict, o, "verdict");
	put_text(s->f, r, FC_THREAD_status, o, "status");
	fact_set_int(r, FC_THREAD_frames, (int64_t)json_count(frames));
	put_place(s, r, frame_to_show(frames, tasks, fact_int(r, FC_THREAD_tid, 0), &task));
	put_text(s->f, r, FC_THREAD_test, task && json_get_text(task, "test") ? task : o, "test");
	if (task)
		put_text(s->f, r, FC_THREAD_awaits, task, "name");
	put_text(s->f, r, FC_THREAD_loop, task ? task : o, "loop");
	put_stack(s, r, frames);
	read_frames(s, r, frames, at);
	read_wait(s, r, json_get(o, "waits_on"), at);
	if (status && (strcmp(status, "denied") == 0)) {
		struct fact_row *d = fact_add(s->f, FACT_DENIAL, s->file, at);

		if (!d)
			return;
		fact_set_text(s->f, d, FC_DENIAL_collector, "stacks");
		fact_set_text(s->f, d, FC_DENIAL_status, status);
		put_text(s->f, d, FC_DENIAL_reason, o, "reason");
		fact_set_int(d, FC_DENIAL_pid, fact_int(p, FC_PROCESS_pid, 0));
		if (fact_get(p, FC_PROCESS_comm)->known)
			fact_set_text(s->f, d, FC_DENIAL_comm, fact_text(p, FC_PROCESS_comm));
	}
}

/* Of a goroutine or the like: a thread of the program's own. */
static void read_task(struct snapshot_reader *s, const struct fact_row *p, const struct json_value *o, const char *at)
{
	const struct json_value *frames = json_get(o, "frames"), *none;
	struct fact_row *r = fact_add(s->f, FACT_THREAD, s->file, at);

	if (!r)
		return;
	fact_set_int(r, FC_THREAD_pid, fact_int(p, FC_PROCESS_pid, 0));
	fact_set_int(r, FC_THREAD_tid, GATHER_TASK_TID + json_get_int(o, "id", 0));
	if (fact_get(p, FC_PROCESS_ppid)->known)
		fact_set_int(r, FC_THREAD_ppid, fact_int(p, FC_PROCESS_ppid, 0));
	if (fact_get(p, FC_PROCESS_comm)->known)
		fact_set_text(s->f, r, FC_THREAD_comm, fact_text(p, FC_PROCESS_comm));
	if (fact_get(p, FC_PROCESS_argv)->known)
		fact_set_text(s->f, r, FC_THREAD_argv, fact_text(p, FC_PROCESS_argv));
	put_text(s->f, r, FC_THREAD_name, o, "name");
	put_text(s->f, r, FC_THREAD_task, o, "name");
	fact_set_text(s->f, r, FC_THREAD_state, "S");
	fact_set_text(s->f, r, FC_THREAD_status, "ok");
	fact_set_int(r, FC_THREAD_frames, (int64_t)json_count(frames));
	put_place(s, r, frame_to_show(frames, NULL, 0, &none));
	put_text(s->f, r, FC_THREAD_test, o, "test");
	put_text(s->f, r, FC_THREAD_loop, o, "loop");
	put_stack(s, r, frames);
	read_frames(s, r, frames, at);
	read_wait(s, r, json_get(o, "waits_on"), at);
}

static bool is_root_task(const struct json_value *roots, int64_t pid, int64_t id)
{
	const struct json_value *o;
	size_t i;

	json_items(roots, i, o)
		if (json_get_int(o, "pid", 0) == pid && json_get_int(o, "task", 0) == id)
			return true;
	return false;
}

static void read_tasks(struct snapshot_reader *s, const struct fact_row *p, const struct json_value *tasks, const char *at)
{
	const struct json_value *o;
	size_t i, kept = 0;

	json_items(tasks, i, o) {
		auto_free char *task_at = xasprintf("%s/tasks/%zu", at, i);
		int64_t id = json_get_int(o, "id", 0);
		bool root = is_root_task(s->roots, fact_int(p, FC_PROCESS_pid, 0), id);

		if (id <= 0 || id >= GATHER_TASK_TID || !is_kind(json_get(o, "waits_on"), JSON_OBJECT) ||
		    (kept >= TASKS_KEPT && !root))
			continue;
		read_task(s, p, o, task_at);
		kept++;
	}
}

static void read_process(struct snapshot_reader *s, const struct json_value *o, size_t index)
{
	const struct json_value *threads = json_get(o, "threads"), *t, *pid = json_get(o, "pid");
	auto_free char *at = xasprintf("/processes/%zu", index);
	struct fact_row *r;
	double before;
	size_t i;

	if (!is_integer(pid))
		return;
	r = gather_find(s->f, FC_PROCESS_pid, pid->integer);
	if (!r && !(r = fact_add(s->f, FACT_PROCESS, s->file, at)))
		return;
	r->file = s->file;
	r->at = facts_strn(s->f, at, strlen(at));
	before = fact_num(r, FC_PROCESS_cpu_ms, -1);
	put_int(r, FC_PROCESS_pid, o, "pid");
	put_int(r, FC_PROCESS_ppid, o, "ppid");
	put_text(s->f, r, FC_PROCESS_comm, o, "comm");
	put_argv(s->f, r, FC_PROCESS_argv, json_get(o, "argv"));
	put_text(s->f, r, FC_PROCESS_state, o, "state");
	put_int(r, FC_PROCESS_zombie_signal, o, "exit_signal");
	put_int(r, FC_PROCESS_zombie_code, o, "exit_code");
	put_text(s->f, r, FC_PROCESS_verdict, o, "verdict");
	put_num(r, FC_PROCESS_cpu_ms, o, "cpu_ms");
	if (before >= 0 && fact_num(r, FC_PROCESS_cpu_ms, -1) >= before)
		fact_set_num(r, FC_PROCESS_cpu_delta_ms, fact_num(r, FC_PROCESS_cpu_ms, 0) - before);
	put_int(r, FC_PROCESS_rss_bytes, o, "rss_bytes");
	if (json_count(threads))
		fact_set_int(r, FC_PROCESS_threads, (int64_t)json_count(threads));
	json_items(threads, i, t) {
		auto_free char *thread_at = xasprintf("%s/threads/%zu", at, i);

		read_thread(s, r, json_get(o, "tasks"), t, thread_at);
	}
	read_tasks(s, r, json_get(o, "tasks"), at);
}

/* ---- what the snapshot says of the whole ---- */

static struct fact_row *thread_find(const struct facts *f, int64_t pid, int64_t tid)
{
	const struct fact_table *t = &f->table[FACT_THREAD];

	for (size_t i = 0; i < t->n; i++)
		if (fact_int(t->rows[i], FC_THREAD_pid, -1) == pid &&
		    fact_int(t->rows[i], FC_THREAD_tid, -1) == (tid > 0 ? tid : pid))
			return t->rows[i];
	return NULL;
}

static void read_roots(struct snapshot_reader *s, const struct json_value *roots)
{
	const struct json_value *o;
	size_t i;

	json_items(roots, i, o) {
		int64_t task = json_get_int(o, "task", 0);
		struct fact_row *r = thread_find(s->f, json_get_int(o, "pid", 0),
						 task > 0 ? GATHER_TASK_TID + task : json_get_int(o, "tid", 0));

		if (!r)
			continue;
		/* Of a thread that is a root in two ways the first one counts. */
		if (fact_bool(r, FC_THREAD_root))
			continue;
		fact_set_bool(r, FC_THREAD_root, true);
		fact_set_int(r, FC_THREAD_rank, (int64_t)i);
		put_text(s->f, r, FC_THREAD_root_pattern, o, "pattern_id");
	}
}

static bool is_member(const struct json_value *m, const struct fact_row *edge, enum fact_col pid_col, enum fact_col tid_col)
{
	int64_t pid = json_get_int(m, "pid", 0);
	int64_t tid = json_get_int(m, "tid", 0);
	int64_t have = fact_int(edge, tid_col, 0);

	/* A holder without a thread is its process, whatever thread of it waits. */
	return fact_int(edge, pid_col, -1) == pid && (have == 0 || have == (tid > 0 ? tid : pid));
}

static bool among_members(const struct json_value *members, const struct fact_row *edge)
{
	const struct json_value *m;
	size_t i;

	json_items(members, i, m)
		if (is_member(m, edge, FC_EDGE_holder_pid, FC_EDGE_holder_tid))
			return true;
	return false;
}

static void read_cycles(struct snapshot_reader *s, const struct json_value *cycles)
{
	const struct json_value *o, *m;
	size_t i, k;

	json_items(cycles, i, o) {
		const struct json_value *members = json_get(o, "members");
		auto_free char *at = xasprintf("/cycles/%zu", i);
		struct fact_row *r = fact_add(s->f, FACT_CYCLE, s->file, at);

		if (!r)
			return;
		fact_set_int(r, FC_CYCLE_cycle, (int64_t)i + 1);
		put_bool(r, FC_CYCLE_proved, o, "proved");
		fact_set_int(r, FC_CYCLE_members, (int64_t)json_count(members));
		/* Each edge between two members belongs to it: gather_derive.c tells the rest from them. */
		json_items(members, k, m) {
			const struct fact_table *t = &s->f->table[FACT_EDGE];

			for (size_t n = 0; n < t->n; n++)
				if (is_member(m, t->rows[n], FC_EDGE_pid, FC_EDGE_tid) &&
				    among_members(members, t->rows[n]))
					fact_set_int(t->rows[n], FC_EDGE_cycle, (int64_t)i + 1);
		}
	}
}

static void read_collectors(struct snapshot_reader *s, const struct json_value *collectors)
{
	const struct json_value *o;
	size_t i;

	json_items(collectors, i, o) {
		const char *status = json_get_text(o, "status");
		auto_free char *at = xasprintf("/collectors/%zu", i);
		struct fact_row *r;

		if (!status || strcmp(status, "ok") == 0 || strcmp(status, "gone") == 0)
			continue;
		r = fact_add(s->f, FACT_DENIAL, s->file, at);
		if (!r)
			return;
		put_text(s->f, r, FC_DENIAL_collector, o, "name");
		fact_set_text(s->f, r, FC_DENIAL_status, status);
		put_text(s->f, r, FC_DENIAL_reason, o, "reason");
	}
}

static void read_snapshot(struct facts *f, const char *file, const struct json_value *root)
{
	struct snapshot_reader s = { .f = f, .file = file, .roots = json_get(root, "roots") };
	const struct json_value *processes = json_get(root, "processes"), *o;
	size_t i;

	json_items(processes, i, o)
		read_process(&s, o, i);
	read_cycles(&s, json_get(root, "cycles"));
	read_roots(&s, json_get(root, "roots"));
	read_collectors(&s, json_get(root, "collectors"));
}

/* ---- the folder ---- */

static bool snapshot_number(const char *name, int64_t *n)
{
	auto_free char *digits = NULL;

	if (!str_starts(name, "snapshot-") || !str_ends(name, ".json"))
		return false;
	digits = xstrndup(name + 9, strlen(name) - 9 - 5);
	return value_int(digits, n) && *n >= 0;
}

/* A snapshot tells something unless a later one saw the same tree, or its command went on and
 * ended by itself. */
static bool snapshot_counts(const struct facts *f, const struct json_value *root)
{
	const struct json_value *processes = json_get(root, "processes"), *o;
	const struct fact_row *run = f->table[FACT_RUN].rows[0], *command;
	size_t i;

	/* of several commands, where one hangs: not of those that went on */
	command = gather_find(f, FC_PROCESS_pid, json_get_int(root, "pid", 0));
	if (command && fact_bool(run, FC_RUN_stuck) && strcmp(fact_text(run, FC_RUN_command), "ci-gate-summary") == 0 &&
	    fact_num(command, FC_PROCESS_command_idle_ms, GATHER_SILENT_MS) < GATHER_SILENT_MS)
		return false;
	json_items(processes, i, o) {
		const struct fact_row *p;

		p = gather_find(f, FC_PROCESS_pid, json_get_int(o, "pid", 0));
		if (!p)
			continue;
		if (str_starts(p->file, "raw/"))
			return false;
		if (strcmp(fact_text(p, FC_PROCESS_command_status), "ok") == 0 ||
		    strcmp(fact_text(p, FC_PROCESS_command_status), "error") == 0)
			return false;
	}
	return true;
}

static int raw_file(struct facts *f, const char *dir, const char *run_id, const char *name, struct err *e)
{
	auto_free char *path = path_join(dir, name);
	auto_free char *shown = xasprintf("raw/%s/%s", run_id, name);
	const char *file = facts_strn(f, shown, strlen(shown));
	auto_free char *text = NULL;
	struct json_reader *reader;
	const struct json_value *root;
	size_t n;
	int rc;

	if (file_read(path, RAW_FILE_BYTES, &text, &n, e) < 0)
		return -1;
	reader = json_reader_text(text, n, path);
	rc = json_take(reader, &root, e);
	if (rc == 0)
		rc = json_end(reader, e);
	if (rc == 0 && str_starts(name, "snapshot-")) {
		if (snapshot_counts(f, root))
			read_snapshot(f, file, root);
	} else if (rc == 0) {
		rc = gather_rows(f, file, path, root, e);
	}
	json_reader_free(reader);
	return rc;
}

static int is_facts_file(const struct dirent *d)
{
	return str_starts(d->d_name, "facts-") && str_ends(d->d_name, ".json");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* A damaged raw file is one fact less, not the end of the report. */
static void damaged_file(struct facts *f, const struct err *why)
{
	struct fact_row *r = fact_add(f, FACT_DENIAL, "raw", "");
	const char *name = strrchr(why->msg, '/');

	if (!r)
		return;
	fact_set_text(f, r, FC_DENIAL_collector, "raw file");
	fact_set_text(f, r, FC_DENIAL_status, "unavailable");
	fact_set_text(f, r, FC_DENIAL_reason, name ? name + 1 : why->msg);
}

struct numbered {
	int64_t n;
	char *name;
};

static int last_first(const void *pa, const void *pb)
{
	const struct numbered *a = pa, *b = pb;

	return (a->n < b->n) - (a->n > b->n);
}

static int read_snapshots(struct facts *f, const char *dir, const char *run_id, struct err *e)
{
	struct numbered *v = NULL;
	size_t count = 0, read = 0;
	struct dirent *d;
	int64_t n;
	DIR *h = opendir(dir);

	if (!h)
		return err_sys(e, "reading '%s'", dir);
	while ((d = readdir(h)))
		if (snapshot_number(d->d_name, &n)) {
			v = xreallocarray(v, count + 1, sizeof(*v));
			v[count++] = (struct numbered){ n, xstrdup(d->d_name) };
		}
	closedir(h);
	if (count)
		qsort(v, count, sizeof(*v), last_first);
	for (size_t i = 0; i < count; i++) {
		struct err why;

		if (read++ < SNAPSHOTS_MAX && raw_file(f, dir, run_id, v[i].name, &why) < 0)
			damaged_file(f, &why);
		free(v[i].name);
	}
	free(v);
	return 0;
}

int gather_raw(struct facts *f, const char *dir, const char *run_id, struct err *e)
{
	struct dirent **list;
	struct err why;
	int n;

	if (read_snapshots(f, dir, run_id, e) < 0)
		return -1;
	n = scandir(dir, &list, is_facts_file, by_name);
	if (n < 0)
		return err_sys(e, "reading '%s'", dir);
	for (int i = 0; i < n; i++) {
		if (raw_file(f, dir, run_id, list[i]->d_name, &why) < 0)
			damaged_file(f, &why);
		free(list[i]);
	}
	free(list);
	gather_tails(f, dir, run_id);
	return 0;
}
