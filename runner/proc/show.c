/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/show.h"

#include "base/clock.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "profile/proc/slow_read.h"
#include "runner/proc/command_state.h"
#include "runner/proc/learned.h"
#include "runner/proc/supervisor_state.h"
#include "runner/ui/ci_groups.h"
#include "runner/ui/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define LEAF_TEXT 160
/* Of the output, for its last line: what stands before is context for redacting. */
#define LAST_LINE_BYTES 600

/* --- the terminal --- */

static ssize_t show_write(void *ctx, const char *p, size_t n)
{
	struct supervisor *s = ctx;

	return outlet_write_past(&s->run->outlet[STREAM_ERR], p, n);
}

static void show_publish(struct supervisor *s)
{
	atomic_store(&s->run->shared->status_shown, s->show.console.shown);
}

static bool show_is_ours(const struct supervisor *s, int std_fd)
{
	return std_fd == 2 || s->show.out_too;
}

static bool show_before(void *ctx, int std_fd)
{
	struct supervisor *s = ctx;
	bool gone = !show_is_ours(s, std_fd) || console_before(&s->show.console);

	show_publish(s);
	return gone;
}

static void show_after(void *ctx, int std_fd, const char *p, size_t n)
{
	struct supervisor *s = ctx;

	if (show_is_ours(s, std_fd))
		console_wrote(&s->show.console, p, n, clock_mono_ns());
}

static bool env_is_set(const struct context *c, const char *assignment)
{
	size_t n = strlen(assignment);

	for (char *const *e = c->setup->envp; e && *e; e++)
		if (strncmp(*e, assignment, n) == 0 && (assignment[n - 1] != '=' || (*e)[n]))
			return true;
	return false;
}

/* What stdout leads to might write on the terminal past us (`| tee log`): then nothing is drawn, unless asked for. */
static bool show_out_is_known(struct supervisor *s)
{
	struct stat out, err;

	if (fstat(1, &out) < 0 || fstat(2, &err) < 0)
		return true;
	s->show.out_too = s->run->terminal.is_tty[1] && out.st_rdev == err.st_rdev;
	return s->run->terminal.is_tty[1] || S_ISREG(out.st_mode) || S_ISCHR(out.st_mode);
}

/* Below another spec-runner it is that one's to show: our lines would be output, and so progress, to it. */
static bool show_wanted(struct supervisor *s)
{
	const struct context *c = s->run;
	bool known = show_out_is_known(s);

	if (!c->terminal.is_tty[2] || c->terminal.tty_fd < 0 || c->o->quiet || c->o->status == TRI_NEVER ||
	    env_is_set(c, "SPEC_RUNNER_RUN_ID="))
		return false;
	if (c->o->status == TRI_ALWAYS)
		return true;
	return known && env_is_set(c, "TERM=") && !env_is_set(c, "TERM=dumb") && !env_is_set(c, "CI=true") &&
	       !env_is_set(c, "CI=1");
}

static void show_open_console(struct supervisor *s, int64_t now_ns)
{
	static struct outlet_watcher watcher = { .before = show_before, .after = show_after };
	struct context *c = s->run;
	struct show *w = &s->show;
	struct winsize ws = { 0 };
	struct termios t;

	ioctl(c->outlet[STREAM_ERR].fd, TIOCGWINSZ, &ws);
	console_init(&w->console, show_write, s, c->start_mono_ns, ws.ws_row, ws.ws_col, !c->terminal.raw);
	w->console.wrote_ns = now_ns;
	w->console.paused = !c->terminal.foreground;
	w->mode_fd = c->terminal.mode == TERMINAL_PTY ? c->terminal.master : c->terminal.tty_fd;
	w->check_modes = !c->terminal.keys && tcgetattr(w->mode_fd, &t) == 0;
	w->modes = w->check_modes ? t.c_lflag & (ICANON | ECHO) : 0;
	watcher.ctx = s;
	outlet_watch(&watcher);
}

void show_init(struct supervisor *s, int64_t now_ns)
{
	const struct options *o = s->run->o;

	memset(&s->show, 0, sizeof(s->show));
	s->show.last_output_ns = TIME_NEVER;
	s->show.unicode = status_is_unicode(s->run->setup->envp);
	silence_init(&s->show.silence, false, now_ns);
	if (s->run->is_front)
		return;
	if (show_wanted(s))
		show_open_console(s, now_ns);
	else
		silence_init(&s->show.silence, !o->quiet && o->status != TRI_NEVER, now_ns);
}

void show_close(struct supervisor *s)
{
	if (s->show.console.on)
		console_pause(&s->show.console);
	outlet_watch(NULL);
	show_publish(s);
	console_release(&s->show.console);
	s->show.silence.due_ns = TIME_NEVER;
}

void show_pause(struct supervisor *s)
{
	if (s->show.console.on)
		console_pause(&s->show.console);
	show_publish(s);
}

void show_window(struct supervisor *s, bool in_front, int64_t now_ns)
{
	if (!s->show.console.on)
		return;
	if (!in_front)
		console_pause(&s->show.console);
	else if (s->show.console.paused)
		console_resume(&s->show.console, now_ns);
	show_publish(s);
}

/* --- what is known --- */

/* The command whose output passes through, or the only one. */
static struct command *show_command(struct supervisor *s)
{
	struct command *found = NULL;

	each_command(s, c)
		if (!found || !c->spec.capture)
			found = c;
	return found;
}

struct names {
	struct str name[STATUS_TESTS_MAX], after, step;
};

static void names_release(struct names *n)
{
	for (size_t i = 0; i < STATUS_TESTS_MAX; i++)
		str_release(&n->name[i]);
	str_release(&n->after);
	str_release(&n->step);
}

static const char *show_redacted(struct supervisor *s, const char *text, struct str *keep)
{
	str_reset(keep);
	redact_text(s->run->redactor, text, strlen(text), keep);
	return str_cstr(keep);
}

/* Cases run at once, each in a command of its own: the oldest first. */
static void show_cases(struct supervisor *s, struct status_view *v)
{
	v->running = (uint64_t)s->active;
	each_command(s, c) {
		size_t at = v->n_tests;

		if (!c->spec.capture)
			continue;
		while (at && v->test[at - 1].start_ns > c->start_ns)
			at--;
		if (at == STATUS_TESTS_MAX)
			continue;
		v->n_tests += v->n_tests < STATUS_TESTS_MAX;
		memmove(&v->test[at + 1], &v->test[at], (v->n_tests - at - 1) * sizeof(*v->test));
		v->test[at] = (struct status_test){ c->spec.name ? c->spec.name : c->spec.argv[0], c->start_ns };
	}
}

static void show_view(struct supervisor *s, struct status_view *v, struct names *n, int64_t now_ns)
{
	const struct proc_setup *p = s->run->setup;
	struct command *c = show_command(s);

	*v = (struct status_view){ .now_ns = now_ns, .start_ns = s->run->start_mono_ns, .total = -1,
				   .last_output_ns = s->show.last_output_ns, .processes = s->tree.alive,
				   .usual_ns = p->learned ? p->learned->usual_ns : 0 };
	if (c && !c->spec.capture) {
		v->step = c->spec.name;
		tests_view(&c->tests, v, &n->after);
	} else {
		show_cases(s, v);
		if (p->ops->progress)
			p->ops->progress(p->ctx, v);
	}
	for (size_t i = 0; i < v->n_tests; i++)
		v->test[i].name = show_redacted(s, v->test[i].name, &n->name[i]);
	if (v->step)
		v->step = show_redacted(s, v->step, &n->step);
}

/* --- when --- */

void show_output(struct supervisor *s, int which, int64_t now_ns)
{
	s->show.last_output_ns = now_ns;
	s->show.last_stream = which;
	silence_output(&s->show.silence, now_ns);
}

void show_progress(struct supervisor *s, int64_t now_ns)
{
	s->show.last_output_ns = now_ns;
	silence_output(&s->show.silence, now_ns);
}

int64_t show_due(struct supervisor *s)
{
	struct command *c;

	if (!s->show.console.on)
		return s->active ? s->show.silence.due_ns : TIME_NEVER;
	c = show_command(s);
	if (!c && !s->show.console.shown)
		return TIME_NEVER;
	s->show.console.name_is_open = c && c->tests.name_is_open;
	return console_due(&s->show.console);
}

/* A program that reads keys, or asks for a password, has the terminal in another mode. */
static bool show_may_draw(const struct supervisor *s)
{
	struct termios t;

	if (!s->show.check_modes || tcgetattr(s->show.mode_fd, &t) < 0)
		return true;
	return (t.c_lflag & (ICANON | ECHO)) == s->show.modes;
}

static void show_draw(struct supervisor *s, int64_t now_ns)
{
	struct console *k = &s->show.console;
	struct status_style style = { .unicode = s->show.unicode, .color = s->run->color };
	struct strv lines = STRV_INIT;
	struct status_view v;
	struct names n = { 0 };
	struct winsize ws;

	if (ioctl(s->run->outlet[STREAM_ERR].fd, TIOCGWINSZ, &ws) == 0)
		console_resize(k, ws.ws_row, ws.ws_col);
	style.rows = k->caret.rows;
	style.cols = k->caret.cols;
	if (!show_may_draw(s)) {
		console_refuse(k, now_ns);
	} else {
		if (s->active)
			show_view(s, &v, &n, now_ns);
		if (s->active)
			status_lines(&v, &style, &lines);
		console_draw(k, lines.v, lines.n, now_ns);
	}
	names_release(&n);
	strv_release(&lines);
	show_publish(s);
}

static void show_break_silence(struct supervisor *s, int64_t now_ns)
{
	auto_str text = STR_INIT, age = STR_INIT;
	struct status_view v;
	struct names n = { 0 };

	show_view(s, &v, &n, now_ns);
	status_age(&age, now_ns - s->show.silence.last_ns);
	status_sentence(&v, &text);
	if (!text.len)
		str_addf(&text, "%zu process%s", v.processes, v.processes == 1 ? "" : "es");
	say(s->run, "%s without output; %s", str_cstr(&age), str_cstr(&text));
	names_release(&n);
}

void show_time(struct supervisor *s, int64_t now_ns)
{
	if (now_ns < show_due(s))
		return;
	if (s->show.console.on)
		show_draw(s, now_ns);
	else if (silence_step(&s->show.silence, now_ns))
		show_break_silence(s, now_ns);
}

/* --- what are you doing? --- */

/* The process furthest down the tree; of several the youngest: what everything above waits for. */
static const struct member *show_leaf(struct supervisor *s, const struct command *c)
{
	const struct member *leaf = NULL;
	unsigned deepest = 0;

	for (size_t i = 0; i < s->tree.n; i++) {
		const struct member *m = &s->tree.m[i], *up = m;
		unsigned depth = 0;

		if (m->st.state == 'Z' || m->foreign || (s->active > 1 && m->owner != c->serial))
			continue;
		while (depth < 1000 && up->st.ppid != s->tree.root && (up = tree_find(&s->tree, up->st.ppid)))
			depth++;
		if (!leaf || depth > deepest || (depth == deepest && m->st.start_ns > leaf->st.start_ns)) {
			leaf = m;
			deepest = depth;
		}
	}
	return leaf;
}

static void show_tell_leaf(struct supervisor *s, const struct command *c)
{
	const struct member *m = show_leaf(s, c);
	struct strv argv = STRV_INIT, shown = STRV_INIT;
	auto_str text = STR_INIT;

	if (!m)
		return;
	if (proc_argv_read(m->pid, &argv) == 0 && argv.n)
		redact_argv(s->run->redactor, argv.v, &shown);
	for (size_t i = 0; i < shown.n && text.len < LEAF_TEXT; i++)
		str_addf(&text, "%s%s", i ? " " : "", shown.v[i]);
	say_always(s->run, "  leaf: %s (pid %d, state %c)%s%.*s", m->st.comm, (int)m->pid, m->st.state, text.len ? ": " : "",
		   LEAF_TEXT, str_cstr(&text));
	strv_release(&argv);
	strv_release(&shown);
}

static void show_tell_output(struct supervisor *s, const struct command *c, int64_t now_ns)
{
	struct shared_ring *ring = &s->run->shared->ring[s->show.last_stream];
	auto_str window = STR_INIT, tail = STR_INIT, line = STR_INIT, age = STR_INIT;

	if (c->spec.capture)
		return;
	if (s->show.last_output_ns == TIME_NEVER) {
		say_always(s->run, "  no output yet");
		return;
	}
	stream_tail(ring, s->run->shared->ring_data[s->show.last_stream], s->run->shared->ring_bytes,
		    LAST_LINE_BYTES + SHARED_CONTEXT_BYTES, &window);
	redact_tail(s->run->redactor, str_cstr(&window), window.len, LAST_LINE_BYTES, &tail);
	ci_tail_lines(&line, str_cstr(&tail), tail.len, 1);
	while (line.len && line.data[line.len - 1] == '\n')
		line.data[--line.len] = '\0';
	status_age(&age, now_ns - s->show.last_output_ns);
	say_always(s->run, "  last output %s ago: %s", str_cstr(&age),
		   str_starts(str_cstr(&line), CI_TAIL_PREFIX) ? line.data + sizeof(CI_TAIL_PREFIX) - 1 : "");
}

void show_tell(struct supervisor *s, int64_t now_ns)
{
	const char *last = trace_totals(s->run->trace)->last_progress;
	struct status_view v;
	struct names n = { 0 };
	auto_str text = STR_INIT;

	tree_scan(&s->tree, true, &s->hooks);
	say_always(s->run, "running for %.1f s, %zu processes, last progress: %s",
		   (double)(now_ns - s->run->start_mono_ns) / 1e9, s->tree.alive, last[0] ? last : "none");
	show_view(s, &v, &n, now_ns);
	if (s->run->setup->ops->progress && v.noun) {
		status_sentence(&v, &text);
		say_always(s->run, "%s", str_cstr(&text));
	}
	names_release(&n);
	each_command(s, c) {
		say_always(s->run, "  '%s' (pid %d) for %.1f s, idle for %.1f s",
			   c->spec.name ? c->spec.name : c->spec.argv[0], (int)c->pid,
			   (double)watchdog_elapsed(&c->wd, now_ns) / 1e9, (double)watchdog_idle(&c->wd, now_ns) / 1e9);
		tests_say(&c->tests, now_ns);
		show_tell_leaf(s, c);
		show_tell_output(s, c, now_ns);
	}
}

/* --- where does it stand? --- */

static bool show_goes_on(struct supervisor *s)
{
	each_command(s, c)
		if (c->phase != COMMAND_FAILED && c->wd.phase == WD_RUNNING && c->wd.cause == WD_CAUSE_NONE)
			return true;
	return false;
}

static void show_place_words(const struct json_value *v, struct str *out)
{
	const char *test = json_get_text(v, "test"), *file = json_get_text(v, "file");
	const char *function = json_get_text(v, "function"), *comm = json_get_text(v, "comm");
	const char *why = json_get_text(v, "pattern_id");

	if (test)
		str_addf(out, "%s, ", test);
	if (file)
		str_addf(out, "at %s:%d", file, (int)json_get_int(v, "line", 0));
	if (file && function && function[0] != '(')
		str_addf(out, " (%s)", function);
	str_addf(out, "%s%s (pid %d)%s%s", file ? ", " : "in ", comm ? comm : "a process", (int)json_get_int(v, "pid", 0),
		 why ? ": " : "", why ? why : "");
}

void show_place(struct supervisor *s, const char *members)
{
	auto_free char *object = xasprintf("{%s}", members);
	struct json_reader *r = json_reader_text(object, strlen(object), "place");
	const struct json_value *v;
	auto_str text = STR_INIT;
	struct err e;

	if (show_goes_on(s) && json_take(r, &v, &e) == 0) {
		show_place_words(v, &text);
		say(s->run, "  where: %s", str_cstr(&text));
	}
	json_reader_free(r);
}
