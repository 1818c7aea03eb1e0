/* SPDX-License-Identifier: Apache-2.0 */
/* status [PID] - asks a running spec-runner what it is doing (contract 1). It reads the journal and
 * nothing else, so it answers although the supervisor is stopped or stuck. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/json_write.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "trace/cursor.h"
#include "trace/facts.h"
#include "trace/spans.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define LAST_EVENTS 10
#define PIDS_MAX 8

/* A journal that somebody holds. */
struct held {
	int fd;
	dev_t dev;
	ino_t ino;
	int pids[PIDS_MAX];
	int pid_count;
};

struct held_list {
	struct held *v;
	size_t n;
	bool closed; /* no journal comes in any more, only who else holds those that are here */
};

struct kept_event {
	struct journal_rec head;
	struct str attrs;
};

struct view {
	const struct held *held;
	struct journal_header head;
	struct spans spans;
	struct cursor cursor;
	struct str command_line, heartbeat;
	int64_t heartbeat_ns, now_ns; /* since the run began */
	struct kept_event last[LAST_EVENTS];
	uint64_t events;
};

/* Adds the journal behind fd, which is taken over, once. */
static void held_add(struct held_list *l, int fd, int pid)
{
	auto_close int own = fd;
	struct journal_header h;
	struct err e = { .kind = ERR_NONE };
	struct held *f = NULL;
	struct stat st;

	if (fstat(own, &st) < 0 || !S_ISREG(st.st_mode) || journal_read_header(own, &h, &e) < 0)
		return;
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].dev == st.st_dev && l->v[i].ino == st.st_ino)
			f = &l->v[i];
	if (!f && l->closed)
		return;
	if (!f) {
		l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
		f = &l->v[l->n++];
		*f = (struct held){ .fd = fd_steal(&own), .dev = st.st_dev, .ino = st.st_ino };
	}
	for (int i = 0; i < f->pid_count; i++)
		if (f->pids[i] == pid)
			return;
	if (pid > 0 && f->pid_count < PIDS_MAX)
		f->pids[f->pid_count++] = pid;
}

static bool names_journal(const char *target)
{
	return str_starts(target, "/memfd:" JOURNAL_MEMFD_NAME) ||
	       (target[0] == '/' && str_ends(target, JOURNAL_SUFFIX));
}

/* Opens a journal that pid holds; one that went on in a file is followed there. */
static void look_at_fd(struct held_list *l, int pid, const char *fd_path)
{
	struct stat st;
	int fd, file;

	/* known before it is opened: a device of that name may do something */
	if (stat(fd_path, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	fd = open(fd_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return;
	file = journal_follow(fd, O_RDONLY);
	if (file >= 0) {
		close(fd);
		fd = file;
	}
	held_add(l, fd, pid);
}

static void look_at_pid(struct held_list *l, int pid)
{
	char dir[64], path[PATH_MAX], target[PATH_MAX];
	DIR *d;

	snprintf(dir, sizeof(dir), "/proc/%d/fd", pid);
	d = opendir(dir);
	if (!d)
		return;
	for (struct dirent *ent; (ent = readdir(d));) {
		ssize_t n;

		snprintf(path, sizeof(path), "%s/%s", dir, ent->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (names_journal(target))
			look_at_fd(l, pid, path);
	}
	closedir(d);
}

/* Other users' processes show no descriptors; ours do. */
static void look_at_processes(struct held_list *l)
{
	DIR *d = opendir("/proc");

	if (!d)
		return;
	for (struct dirent *ent; (ent = readdir(d));) {
		char *end;
		long pid = strtol(ent->d_name, &end, 10);

		if (!*end && pid > 0 && pid != getpid())
			look_at_pid(l, (int)pid);
	}
	closedir(d);
}

/* Journals of this root whose holder we may not look into: the lock tells. */
static void look_at_folder(struct held_list *l, const char *artifacts)
{
	DIR *d = opendir(artifacts);

	if (!d)
		return;
	for (struct dirent *ent; (ent = readdir(d));) {
		auto_free char *path = path_join(artifacts, ent->d_name);
		int fd;

		if (ent->d_name[0] == '.' || !str_ends(ent->d_name, JOURNAL_SUFFIX))
			continue;
		fd = guard_open_regular(path, O_RDONLY);
		if (fd < 0)
			continue;
		if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK)
			held_add(l, fd, 0);
		else
			close(fd);
	}
	closedir(d);
}

static void view_event(struct view *v, const struct record *r)
{
	struct kept_event *k = &v->last[v->events++ % LAST_EVENTS];

	k->head = r->head;
	str_reset(&k->attrs);
	str_addn(&k->attrs, r->attrs, r->attrs_n);
	if (r->head.kind != EVENT_HEARTBEAT)
		return;
	str_reset(&v->heartbeat);
	str_addn(&v->heartbeat, r->attrs, r->attrs_n);
	v->heartbeat_ns = r->head.ts_ns;
}

static int view_init(struct view *v, const struct held *held, struct err *e)
{
	struct record r;

	memset(v, 0, sizeof(*v));
	v->held = held;
	spans_init(&v->spans);
	cursor_init(&v->cursor, held->fd);
	if (journal_read_header(held->fd, &v->head, e) < 0)
		return -1;
	while (cursor_next(&v->cursor, &r) == 1 && spans_replay(&v->spans, &r.head, r.off) == 0) {
		if (journal_rec_type(r.head.word) == REC_META)
			str_addn(&v->command_line, r.text, r.text_n);
		else if (journal_rec_type(r.head.word) == REC_EVENT)
			view_event(v, &r);
	}
	v->now_ns = clock_mono_ns() - v->head.start_mono_ns;
	return 0;
}

static void view_release(struct view *v)
{
	spans_release(&v->spans);
	cursor_release(&v->cursor);
	str_release(&v->command_line);
	str_release(&v->heartbeat);
	for (int i = 0; i < LAST_EVENTS; i++)
		str_release(&v->last[i].attrs);
}

static bool view_span(struct view *v, size_t i, struct record *r)
{
	v->cursor.pos = v->spans.v[i].begin_off;
	return cursor_next(&v->cursor, r) == 1;
}

static uint64_t first_event(const struct view *v)
{
	return v->events > LAST_EVENTS ? v->events - LAST_EVENTS : 0;
}

static void json_attrs(struct json *j, const char *attrs, size_t n)
{
	json_object(j, "attrs");
	json_members(j, attrs, n);
	json_object_end(j);
}

static void json_span_id(struct json *j, const char *key, const struct view *v, span_id id)
{
	char text[20];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)(v->head.span_base + id));
	json_str(j, key, id ? text : NULL);
}

static void json_spans(struct json *j, struct view *v)
{
	struct record r;

	json_array(j, "open_spans");
	for (size_t i = 0; i < v->spans.n; i++) {
		if (!view_span(v, i, &r))
			continue;
		json_object(j, NULL);
		json_span_id(j, "span_id", v, r.head.span);
		json_span_id(j, "parent_span_id", v, r.head.parent);
		json_str(j, "name", span_name_text[r.head.kind]);
		json_strn(j, "phase", r.text, r.text_n);
		json_ms(j, "age_ms", v->now_ns - r.head.ts_ns);
		json_attrs(j, r.attrs, r.attrs_n);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_events(struct json *j, const struct view *v)
{
	json_array(j, "events");
	for (uint64_t i = first_event(v); i < v->events; i++) {
		const struct kept_event *k = &v->last[i % LAST_EVENTS];

		json_object(j, NULL);
		json_int(j, "ts_ns", k->head.ts_ns);
		json_str(j, "kind", event_kind_text[k->head.kind]);
		json_span_id(j, "span_id", v, k->head.span);
		json_attrs(j, str_cstr(&k->attrs), k->attrs.len);
		json_object_end(j);
	}
	json_array_end(j);
}

static void json_progress(struct json *j, const struct view *v)
{
	const struct trace_totals *t = &v->head.totals;

	if (t->last_progress[0]) {
		json_object(j, "last_progress");
		json_str(j, "kind", t->last_progress);
		json_ms(j, "age_ms", v->now_ns - t->last_progress_ns);
		json_object_end(j);
	} else {
		json_null(j, "last_progress");
	}
	json_object(j, "output");
	json_uint(j, "stdout_bytes", t->stdout_bytes);
	json_uint(j, "stderr_bytes", t->stderr_bytes);
	json_bool(j, "truncated", t->truncated != 0);
	json_object_end(j);
	if (v->heartbeat_ns) {
		json_object(j, "heartbeat");
		json_ms(j, "age_ms", v->now_ns - v->heartbeat_ns);
		json_attrs(j, str_cstr(&v->heartbeat), v->heartbeat.len);
		json_object_end(j);
	} else {
		json_null(j, "heartbeat");
	}
}

static void view_json(struct json *j, struct view *v)
{
	char started[CLOCK_RFC3339_SIZE];

	clock_rfc3339(started, v->head.start_real_ns);
	json_object(j, NULL);
	json_str(j, "run_id", v->head.run_id);
	json_int(j, "pid", v->head.owner_pid);
	json_array(j, "pids");
	for (int i = 0; i < v->held->pid_count; i++)
		json_int(j, NULL, v->held->pids[i]);
	json_array_end(j);
	json_strn(j, "command_line", str_cstr(&v->command_line), v->command_line.len);
	json_str(j, "level", level_text[v->head.level]);
	json_str(j, "started_at", started);
	json_ms(j, "elapsed_ms", v->now_ns);
	json_bool(j, "finished", v->head.finished != 0);
	json_spans(j, v);
	json_progress(j, v);
	json_events(j, v);
	json_object_end(j);
}

/* Foreign bytes on a terminal: a journal's JSON escapes controls, the command line does not. */
static void print_plain(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		putchar((unsigned char)s[i] < 0x20 || s[i] == 0x7f ? ' ' : s[i]);
}

static double seconds(int64_t ns) { return (double)ns / (double)NS_PER_S; }

static int span_depth(struct spans *s, span_id parent)
{
	int depth = 0;

	for (struct open_span *o; parent && (o = spans_find(s, parent)); parent = o->parent)
		depth++;
	return depth;
}

static void view_text(struct view *v)
{
	const struct trace_totals *t = &v->head.totals;
	char text[FACTS_TEXT_BYTES];
	struct record r;

	printf("%s  pid %d  %.1f s  level %s%s\n  ", v->head.run_id, v->head.owner_pid, seconds(v->now_ns),
	       level_text[v->head.level], v->head.finished ? "  (finished, sealing)" : "");
	print_plain(str_cstr(&v->command_line), v->command_line.len);
	puts("\n  doing:");
	for (size_t i = 0; i < v->spans.n; i++) {
		if (!view_span(v, i, &r))
			continue;
		facts_attrs_text(text, sizeof(text), r.attrs, r.attrs_n, NULL);
		printf("    %*s%s  %.1f s%s%s\n", 2 * span_depth(&v->spans, r.head.parent), "",
		       span_name_text[r.head.kind], seconds(v->now_ns - r.head.ts_ns), text[0] ? "  " : "", text);
	}
	if (t->last_progress[0])
		printf("  last progress: %s, %.1f s ago\n", t->last_progress,
		       seconds(v->now_ns - t->last_progress_ns));
	else
		puts("  last progress: none yet");
	printf("  output: %llu bytes on stdout, %llu on stderr\n", (unsigned long long)t->stdout_bytes,
	       (unsigned long long)t->stderr_bytes);
	if (v->heartbeat_ns) {
		facts_attrs_text(text, sizeof(text), str_cstr(&v->heartbeat), v->heartbeat.len, NULL);
		printf("  heartbeat %.1f s ago: %s\n", seconds(v->now_ns - v->heartbeat_ns), text);
	}
	if (v->events)
		puts("  last events:");
	for (uint64_t i = first_event(v); i < v->events; i++) {
		const struct kept_event *k = &v->last[i % LAST_EVENTS];

		facts_attrs_text(text, sizeof(text), str_cstr(&k->attrs), k->attrs.len, NULL);
		printf("    %.3f s  %s  %s\n", seconds(k->head.ts_ns), event_kind_text[k->head.kind], text);
	}
}

static int find_runs(struct cli *cli, struct held_list *l, struct err *e)
{
	auto_free char *artifacts = cli->o.artifacts_dir_given ?
					    path_resolve(cli->root, cli->o.artifacts_dir) :
					    path_join(cli->root, ".artifacts");
	char *end;
	long pid;

	if (cli->operand_count > 1)
		return err_set(e, ERR_USAGE, "'status' takes one process id, or none for all");
	if (cli->operand_count == 0) {
		look_at_processes(l);
		look_at_folder(l, artifacts);
		return l->n ? 0 : err_set(e, ERR_FAILURE, "no spec-runner runs here");
	}
	errno = 0;
	pid = strtol(cli->operands[0], &end, 10);
	if (errno || *end || end == cli->operands[0] || pid <= 0 || pid > INT_MAX)
		return err_set(e, ERR_USAGE, "'%s' is not a process id", cli->operands[0]);
	look_at_pid(l, (int)pid);
	l->closed = true;
	if (l->n)
		look_at_processes(l);
	return l->n ? 0 : err_set(e, ERR_FAILURE, "process %ld is not a running spec-runner of yours", pid);
}

static void show_runs(struct cli *cli, const struct held_list *l)
{
	struct err e = { .kind = ERR_NONE };
	auto_str out = STR_INIT;
	struct json j;

	json_init(&j, &out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_array(&j, "runs");
	for (size_t i = 0; i < l->n; i++) {
		struct view v;

		if (view_init(&v, &l->v[i], &e) == 0) {
			if (cli->o.json)
				view_json(&j, &v);
			else
				view_text(&v);
		}
		view_release(&v);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	if (cli->o.json)
		puts(out.data);
}

static int status_body(struct cli *cli)
{
	struct held_list l = { NULL, 0, false };
	struct err e = { .kind = ERR_NONE };
	int rc = find_runs(cli, &l, &e);

	if (rc < 0 && e.kind == ERR_USAGE)
		return cli_fail(&e);
	if (rc < 0 && !cli->o.json)
		cli_fail(&e);
	else
		show_runs(cli, &l);
	for (size_t i = 0; i < l.n; i++)
		close(l.v[i].fd);
	free(l.v);
	if (cli_flush())
		return 125;
	return rc < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	return program_main("status", argc, argv, status_body);
}
