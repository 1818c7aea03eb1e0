/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot_write.c - a snapshot as contract 11's JSON and as a table for people. Everything that came from
 * outside passes the redactor here. */
#include "profile/snapshot/snapshot.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "trace/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Threads of a pool and goroutines stand alike: what a text has become under its key, redacted and quoted, is kept for the
 * next of the kind. Not beyond a process, whose arguments may teach the redactor more. */
enum { SAID_ROWS = 512, SAID_BYTES = 240 };
struct said {
	uint64_t hash;
	const char *key; /* a literal */
	char *text;      /* NULL: none */
	struct str out;
};
struct writer {
	struct json json;
	struct redactor *r;
	struct said *said; /* SAID_ROWS of them, by hash */
};

static void said_forget(struct writer *o)
{
	for (size_t i = 0; i < SAID_ROWS; i++) {
		mem_free_ptr(&o->said[i].text);
		str_release(&o->said[i].out);
	}
}

static uint64_t text_hash(const char *s, size_t n, const char *key)
{
	uint64_t h = (uintptr_t)key + n, x;

	for (; n >= 8; s += 8, n -= 8) {
		memcpy(&x, s, 8);
		h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	for (x = 0; n; n--)
		x = x << 8 | (unsigned char)*s++;
	h = (h ^ x) * UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

/* "key":"value", redacted. */
static void add_member(struct redactor *r, const char *key, const char *v, size_t n, struct str *out)
{
	size_t key_len = strlen(key);
	auto_str clean = STR_INIT;

	if (redact_is_place(key, key_len))
		redact_name(r, v, n, &clean);
	else
		redact_text(r, v, n, &clean);
	json_add_string(out, key, key_len);
	str_addc(out, ':');
	json_add_string(out, str_cstr(&clean), clean.len);
}

/* A name or path, redacted; NULL stays null. */
static void put_text(struct writer *o, const char *key, const char *v)
{
	size_t n = v ? strlen(v) : 0;
	auto_str once = STR_INIT;
	struct said *said;
	uint64_t hash;

	if (!v) {
		json_null(&o->json, key);
		return;
	}
	if (n > SAID_BYTES) {
		add_member(o->r, key, v, n, &once);
		json_members(&o->json, once.data, once.len);
		return;
	}
	hash = text_hash(v, n, key);
	said = &o->said[hash % SAID_ROWS];
	if (!said->text || said->hash != hash || said->key != key || strcmp(said->text, v) != 0) {
		free(said->text);
		str_reset(&said->out);
		said->hash = hash;
		said->key = key;
		said->text = xstrndup(v, n);
		add_member(o->r, key, v, n, &said->out);
	}
	json_members(&o->json, said->out.data, said->out.len);
}

static void put_line(struct json *j, const char *key, int line)
{
	if (line > 0)
		json_int(j, key, line);
	else
		json_null(j, key);
}

static void put_frames(struct writer *o, const struct snap_frame *frames, size_t n)
{
	struct json *j = &o->json;

	json_array(j, "frames");
	for (size_t i = 0; i < n; i++) {
		const struct snap_frame *f = &frames[i];

		json_object(j, NULL);
		json_str(j, "language", f->language);
		put_text(o, "function", f->function);
		put_text(o, "file", f->file);
		put_line(j, "line", f->line);
		put_text(o, "module", f->module);
		if (f->runtime)
			json_bool(j, "runtime", true);
		if (f->build_id_len) {
			static const char digits[] = "0123456789abcdef";
			char hex[2 * BUILD_ID_MAX];

			for (int k = 0; k < f->build_id_len; k++) {
				hex[2 * k] = digits[f->build_id[k] >> 4];
				hex[2 * k + 1] = digits[f->build_id[k] & 15];
			}
			json_strn(j, "build_id", hex, 2 * (size_t)f->build_id_len);
			json_uint(j, "offset", f->offset);
		}
		json_object_end(j);
	}
	json_array_end(j);
}

static void put_wait(struct writer *o, const struct snap_wait *w)
{
	struct json *j = &o->json;

	if (w->kind == WAIT_NONE) {
		json_null(j, "waits_on");
		return;
	}
	json_object(j, "waits_on");
	json_str(j, "kind", wait_kind_text[w->kind]);
	put_text(o, "resource", w->resource);
	json_bool(j, "proved", w->proved);
	if (w->since_ns >= 0)
		json_ms(j, "since_ms", w->since_ns);
	else
		json_null(j, "since_ms");
	json_array(j, "holders");
	for (size_t i = 0; i < w->holder_count; i++) {
		const struct snap_holder *h = &w->holders[i];

		json_object(j, NULL);
		json_int(j, "pid", h->pid);
		if (h->tid)
			json_int(j, "tid", h->tid);
		else
			json_null(j, "tid");
		if (h->task)
			json_uint(j, "task", h->task);
		put_text(o, "comm", h->comm);
		put_text(o, "function", h->function);
		put_text(o, "file", h->file);
		put_line(j, "line", h->line);
		if (h->fd >= 0)
			json_int(j, "fd", h->fd);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

/* Of its frames, where a reader has found any; NULL: native alone. */
static const char *thread_language(const struct snap_thread *t)
{
	for (size_t i = 0; i < t->frame_count; i++)
		if (strcmp(t->frames[i].language, "native") != 0)
			return t->frames[i].language;
	return NULL;
}

static void put_thread(struct writer *o, const struct snap_thread *t)
{
	const char *language = thread_language(t);
	struct json *j = &o->json;
	const char state[2] = { t->state ? t->state : '?', '\0' };

	json_object(j, NULL);
	json_int(j, "tid", t->tid);
	put_text(o, "name", t->name);
	if (t->label)
		put_text(o, "label", t->label);
	if (language)
		json_str(j, "language", language);
	if (t->test)
		put_text(o, "test", t->test);
	if (t->loop)
		put_text(o, "loop", t->loop);
	json_str(j, "state", state);
	json_ms(j, "cpu_ms", t->cpu_ns);
	json_int(j, "intrusion", t->intrusion);
	json_str(j, "status", t->status <= COLLECT_GONE ? collect_status_text[t->status] : "partial");
	json_str(j, "reason", t->reason);
	if (t->cpu_delta_ns >= 0) {
		json_ms(j, "cpu_delta_ms", t->cpu_delta_ns);
		json_int(j, "switches_delta", t->switches_delta);
		json_bool(j, "same_stack", t->same_stack);
	}
	if (t->verdict)
		json_str(j, "verdict", verdict_text[t->verdict]);
	if (t->frozen_ns)
		json_ms(j, "frozen_ms", t->frozen_ns);
	put_frames(o, t->frames, t->frame_count);
	put_wait(o, &t->wait);
	json_object_end(j);
}

/* Tasks of event loops. */
static void put_tasks(struct writer *o, const struct snap_process *p)
{
	struct json *j = &o->json;

	json_array(j, "tasks");
	for (size_t i = 0; i < p->task_count; i++) {
		const struct snap_task *task = &p->tasks[i];

		json_line(j);
		json_object(j, NULL);
		put_text(o, "name", task->name);
		if (task->tid)
			json_int(j, "tid", task->tid);
		else
			json_null(j, "tid");
		put_text(o, "awaits", task->awaits);
		json_str(j, "language", task->language);
		if (task->id)
			json_uint(j, "id", task->id);
		if (task->count)
			json_uint(j, "count", task->count);
		if (task->state)
			put_text(o, "state", task->state);
		if (task->created_by)
			put_text(o, "created_by", task->created_by);
		if (task->test)
			put_text(o, "test", task->test);
		if (task->loop)
			put_text(o, "loop", task->loop);
		if (task->partial) {
			json_str(j, "status", "partial");
			json_str(j, "reason", task->partial);
		}
		put_frames(o, task->frames, task->frame_count);
		put_wait(o, &task->wait);
		json_object_end(j);
	}
	json_array_end(j);
}

static void put_limit(struct json *j, const char *key, int64_t v)
{
	if (v >= 0 && v < INT64_MAX)
		json_int(j, key, v);
	else
		json_null(j, key);
}

static void put_facts(struct writer *o, const struct snap_facts *f)
{
	struct json *j = &o->json;

	if (!f->known)
		return;
	if (f->has_io) {
		json_object(j, "io");
		json_int(j, "rchar", f->io.rchar);
		json_int(j, "wchar", f->io.wchar);
		json_int(j, "read_bytes", f->io.read_bytes);
		json_int(j, "write_bytes", f->io.write_bytes);
		json_object_end(j);
	}
	if (f->delay_ns >= 0)
		json_ms(j, "run_delay_ms", f->delay_ns);
	if (f->has_switches) {
		json_object(j, "switches");
		json_int(j, "voluntary", f->voluntary);
		json_int(j, "involuntary", f->involuntary);
		json_object_end(j);
	}
	json_object(j, "limits");
	put_limit(j, "open_files", f->open_files_max);
	put_limit(j, "processes", f->processes_max);
	json_object_end(j);
	put_text(o, "cgroup", f->cgroup);
	put_limit(j, "fd_count", f->fd_count);
	json_array(j, "fds");
	for (size_t i = 0; i < f->fds_listed; i++) {
		const struct snap_fd *fd = &f->fds[i];

		json_object(j, NULL);
		json_int(j, "fd", fd->fd);
		json_str(j, "mode", fd->reads ? (fd->writes ? "rw" : "r") : (fd->writes ? "w" : ""));
		put_text(o, "target", fd->target);
		json_object_end(j);
	}
	json_array_end(j);
}

static void put_process(struct writer *o, const struct snap_process *p)
{
	struct json *j = &o->json;
	const char state[2] = { p->stat.state, '\0' };
	struct strv argv = STRV_INIT;

	if (p->argv.n)
		redact_argv(o->r, p->argv.v, &argv);
	json_line(j);
	json_object(j, NULL);
	json_int(j, "pid", p->pid);
	json_int(j, "ppid", p->stat.ppid);
	put_text(o, "comm", p->stat.comm);
	json_array(j, "argv");
	for (size_t i = 0; i < argv.n; i++)
		json_str(j, NULL, argv.v[i]);
	json_array_end(j);
	put_text(o, "cwd", p->cwd);
	json_str(j, "state", state);
	json_ms(j, "cpu_ms", proc_stat_cpu_ns(&p->stat));
	json_int(j, "rss_bytes", p->stat.rss_bytes);
	if (WIFSIGNALED(p->stat.exit_status))
		json_int(j, "exit_signal", WTERMSIG(p->stat.exit_status));
	else if (WEXITSTATUS(p->stat.exit_status))
		json_int(j, "exit_code", WEXITSTATUS(p->stat.exit_status));
	if (p->verdict)
		json_str(j, "verdict", verdict_text[p->verdict]);
	put_facts(o, &p->facts);
	json_array(j, "threads");
	for (size_t i = 0; i < p->thread_count; i++) {
		json_line(j);
		put_thread(o, &p->threads[i]);
	}
	json_array_end(j);
	if (p->task_count)
		put_tasks(o, p);
	json_object_end(j);
	strv_release(&argv);
	said_forget(o);
}

static void put_graph(struct writer *o, const struct snapshot *s)
{
	struct json *j = &o->json;

	json_array(j, "cycles");
	for (size_t i = 0; i < s->cycle_count; i++) {
		json_object(j, NULL);
		json_bool(j, "proved", s->cycles[i].proved);
		json_array(j, "members");
		for (size_t k = 0; k < s->cycles[i].member_count; k++) {
			json_object(j, NULL);
			json_int(j, "pid", s->cycles[i].members[k].pid);
			json_int(j, "tid", s->cycles[i].members[k].tid);
			json_object_end(j);
		}
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
	json_array(j, "roots");
	for (size_t i = 0; i < s->root_count; i++) {
		json_object(j, NULL);
		json_int(j, "pid", s->roots[i].pid);
		json_int(j, "tid", s->roots[i].tid);
		if (s->roots[i].task)
			json_uint(j, "task", s->roots[i].task);
		json_str(j, "pattern_id", s->roots[i].pattern_id);
		put_text(o, "location", s->roots[i].location);
		json_object_end(j);
	}
	json_array_end(j);
}

void snapshot_json(const struct snapshot *s, struct redactor *r, struct str *out)
{
	char at[CLOCK_RFC3339_SIZE];
	struct writer o = { .r = r, .said = xcalloc(SAID_ROWS, sizeof(*o.said)) };
	struct json *j = &o.json;

	clock_rfc3339(at, s->at_real_ns);
	json_init(j, out);
	json_object(j, NULL);
	json_int(j, "version", 1);
	json_int(j, "pid", s->root);
	json_str(j, "at", at);
	json_ms(j, "duration_ms", s->duration_ns);
	if (s->interval_ns)
		json_ms(j, "interval_ms", s->interval_ns);
	json_array(j, "processes");
	for (size_t i = 0; i < s->process_count; i++)
		put_process(&o, &s->processes[i]);
	json_array_end(j);
	json_line(j);
	put_graph(&o, s);
	json_array(j, "collectors");
	for (size_t i = 0; i < s->collector_count; i++) {
		json_object(j, NULL);
		json_str(j, "name", s->collectors[i].name);
		json_str(j, "status", collect_status_text[s->collectors[i].status]);
		json_ms(j, "duration_ms", s->collectors[i].duration_ns);
		json_str(j, "reason", s->collectors[i].reason);
		json_int(j, "intrusion", s->collectors[i].intrusion);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
	json_finish(j);
	said_forget(&o);
	free(o.said);
	str_addc(out, '\n');
}

/* Text of others on a terminal: redacted, and without control characters, which could move the cursor. */
static void add_text(struct redactor *r, const char *v, struct str *out)
{
	auto_str clean = STR_INIT;

	redact_text(r, v, strlen(v), &clean);
	utf8_add_plain(out, str_cstr(&clean), clean.len);
}

static void add_frames(const struct snap_frame *frames, size_t n, struct redactor *r, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		const struct snap_frame *f = &frames[i];
		const char *slash = f->module ? strrchr(f->module, '/') : NULL;

		str_addf(out, "      #%-2zu ", i);
		if (f->function)
			add_text(r, f->function, out);
		else
			str_addf(out, "0x%llx", (unsigned long long)f->pc);
		if (f->inlined)
			str_add(out, " (inlined)");
		if (f->file) {
			str_add(out, "  ");
			add_text(r, f->file, out);
			str_addf(out, ":%d", f->line);
		} else if (f->module) {
			str_add(out, "  (");
			add_text(r, slash ? slash + 1 : f->module, out);
			str_addc(out, ')');
		}
		str_addc(out, '\n');
	}
}

static void add_wait(const struct snap_wait *w, struct redactor *r, struct str *out)
{
	str_addf(out, "      waits on %s: ", wait_kind_text[w->kind]);
	add_text(r, w->resource ? w->resource : "", out);
	if (w->since_ns >= 0)
		str_addf(out, ", since %.1f s", (double)w->since_ns / 1e9);
	str_addc(out, '\n');
	for (size_t i = 0; i < w->holder_count && i < 8; i++) {
		const struct snap_holder *h = &w->holders[i];

		str_addf(out, "        %s %d", w->proved ? "held by" : "perhaps", (int)h->pid);
		if (h->tid && h->tid != h->pid)
			str_addf(out, " thread %d", (int)h->tid);
		if (h->comm && *h->comm) {
			str_add(out, " (");
			add_text(r, h->comm, out);
			str_addc(out, ')');
		}
		if (h->function) {
			str_add(out, " in ");
			add_text(r, h->function, out);
		}
		if (h->file) {
			str_add(out, " at ");
			add_text(r, h->file, out);
			str_addf(out, ":%d", h->line);
		}
		str_addc(out, '\n');
	}
	if (w->holder_count > 8)
		str_addf(out, "        and %zu more\n", w->holder_count - 8);
}

static void add_tasks(const struct snap_process *p, struct redactor *r, struct str *out)
{
	for (size_t i = 0; i < p->task_count; i++) {
		const struct snap_task *task = &p->tasks[i];

		str_add(out, "    task ");
		add_text(r, task->name ? task->name : "?", out);
		if (task->tid)
			str_addf(out, "  of thread %d", (int)task->tid);
		if (task->state)
			str_addf(out, ", %s", task->state);
		if (task->count)
			str_addf(out, ", and %zu more like it", task->count - 1);
		if (task->partial)
			str_addf(out, "  partial: %s", task->partial);
		if (task->wait.kind == WAIT_NONE && task->awaits) {
			str_add(out, ", awaits ");
			add_text(r, task->awaits, out);
		}
		str_addc(out, '\n');
		if (task->wait.kind != WAIT_NONE)
			add_wait(&task->wait, r, out);
		if (task->created_by) {
			str_add(out, "      created by ");
			add_text(r, task->created_by, out);
			str_addc(out, '\n');
		}
		add_frames(task->frames, task->frame_count, r, out);
	}
}

/* One line of what is known beside the threads. */
static void add_facts(const struct snap_facts *f, struct redactor *r, struct str *out)
{
	if (!f->known)
		return;
	str_add(out, "    ");
	if (f->has_io)
		str_addf(out, "read %lld KiB, wrote %lld KiB, ", (long long)f->io.rchar / 1024,
			 (long long)f->io.wchar / 1024);
	if (f->delay_ns >= 0)
		str_addf(out, "waited %.2f s for a CPU, ", (double)f->delay_ns / 1e9);
	if (f->has_switches)
		str_addf(out, "slept %lld times, preempted %lld, ", (long long)f->voluntary, (long long)f->involuntary);
	if (f->fd_count >= 0)
		str_addf(out, "%lld descriptors", (long long)f->fd_count);
	else
		str_add(out, "descriptors not to be seen");
	if (f->open_files_max >= 0 && f->open_files_max < INT64_MAX)
		str_addf(out, " of %lld", (long long)f->open_files_max);
	if (f->cgroup) {
		str_add(out, ", cgroup ");
		add_text(r, f->cgroup, out);
	}
	str_addc(out, '\n');
}

static void add_process(const struct snap_process *p, struct redactor *r, const char *bold, const char *plain,
			struct str *out)
{
	struct strv argv = STRV_INIT;

	str_addf(out, "%s%d%s ", bold, (int)p->pid, plain);
	add_text(r, p->stat.comm, out);
	str_addf(out, "  state %c, parent %d, cpu %.2f s, %lld KiB, threads %zu\n", p->stat.state, (int)p->stat.ppid,
		 (double)proc_stat_cpu_ns(&p->stat) / 1e9, (long long)p->stat.rss_bytes / 1024, p->thread_count);
	if (p->argv.n) {
		redact_argv(r, p->argv.v, &argv);
		str_add(out, "  ");
		for (size_t i = 0; i < argv.n && i < 40; i++) {
			str_addc(out, ' ');
			add_text(r, argv.v[i], out);
		}
		str_addc(out, '\n');
	}
	add_facts(&p->facts, r, out);
	for (size_t i = 0; i < p->thread_count; i++) {
		const struct snap_thread *t = &p->threads[i];

		str_addf(out, "    thread %d ", (int)t->tid);
		add_text(r, t->name, out);
		if (t->label) {
			str_add(out, " \"");
			add_text(r, t->label, out);
			str_addc(out, '"');
		}
		str_addf(out, "  %c", t->state ? t->state : '?');
		if (t->cpu_delta_ns >= 0)
			str_addf(out, "  cpu +%.0f ms", (double)t->cpu_delta_ns / 1e6);
		if (t->verdict)
			str_addf(out, "  %s", verdict_text[t->verdict]);
		if (t->status != COLLECT_OK)
			str_addf(out, "  [%s: %s]", collect_status_text[t->status], t->reason ? t->reason : "");
		str_addc(out, '\n');
		if (t->wait.kind != WAIT_NONE)
			add_wait(&t->wait, r, out);
		add_frames(t->frames, t->frame_count, r, out);
	}
	add_tasks(p, r, out);
	strv_release(&argv);
}

void snapshot_text(const struct snapshot *s, struct redactor *r, bool colour, struct str *out)
{
	const char *bold = colour ? "\033[1m" : "", *red = colour ? "\033[31;1m" : "", *plain = colour ? "\033[0m" : "";

	for (size_t i = 0; i < s->root_count; i++) {
		str_addf(out, "%s%s%s  %d", red, s->roots[i].pattern_id, plain, (int)s->roots[i].pid);
		if (s->roots[i].tid != s->roots[i].pid)
			str_addf(out, " thread %d", (int)s->roots[i].tid);
		if (s->roots[i].location) {
			str_add(out, "  ");
			add_text(r, s->roots[i].location, out);
		}
		str_addc(out, '\n');
	}
	for (size_t i = 0; i < s->cycle_count; i++) {
		str_addf(out, "%s cycle:", s->cycles[i].proved ? "proved" : "possible");
		for (size_t k = 0; k < s->cycles[i].member_count; k++)
			str_addf(out, " %d/%d", (int)s->cycles[i].members[k].pid, (int)s->cycles[i].members[k].tid);
		str_addc(out, '\n');
	}
	if (s->root_count || s->cycle_count)
		str_addc(out, '\n');
	for (size_t i = 0; i < s->process_count; i++)
		add_process(&s->processes[i], r, bold, plain, out);
	for (size_t i = 0; i < s->collector_count; i++)
		if (s->collectors[i].status != COLLECT_OK)
			str_addf(out, "%s: %s: %s\n", s->collectors[i].name, collect_status_text[s->collectors[i].status],
				 s->collectors[i].reason ? s->collectors[i].reason : "");
}
