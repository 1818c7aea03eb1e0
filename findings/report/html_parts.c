/* SPDX-License-Identifier: Apache-2.0 */
/* html_parts.c - processes as a tree, stacks, the end of the output, tables of rows. */
#include "findings/report/html.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define ROWS_SHOWN 500
#define PROCESSES_SHOWN 500
#define STACKS_SHOWN 300
#define TREE_DEPTH 40
#define LINES_OPEN 25
#define FRAMES_OPEN 8

/* ---- processes ---- */

static bool has_root(const struct facts *f, int64_t pid)
{
	const struct fact_table *t = &f->table[FACT_THREAD];

	for (size_t i = 0; i < t->n; i++)
		if (fact_bool(t->rows[i], FC_THREAD_root) && fact_int(t->rows[i], FC_THREAD_pid, -1) == pid)
			return true;
	return false;
}

static const char *state_words(char state)
{
	switch (state) {
	case 'R': return "running";
	case 'S': return "sleeping";
	case 'D': return "in the kernel, not to be interrupted";
	case 'T': return "stopped";
	case 't': return "stopped by a tracer";
	case 'Z': return "exited, not reaped";
	default: return "";
	}
}

static void process_line(struct str *out, const struct facts *f, const struct fact_row *p)
{
	const char *state = fact_text(p, FC_PROCESS_state), *words = state_words(*state);

	html_element(out, "strong", fact_text(p, FC_PROCESS_comm));
	str_addf(out, " <span class=\"soft\">%lld</span> <code>", (long long)fact_int(p, FC_PROCESS_pid, 0));
	html_cut(out, fact_text(p, FC_PROCESS_argv), 240);
	str_add(out, "</code> <span class=\"soft\">");
	html_text(out, *words ? words : state);
	if (*fact_text(p, FC_PROCESS_wchan)) {
		str_add(out, " in ");
		html_text(out, fact_text(p, FC_PROCESS_wchan));
	}
	if (fact_get(p, FC_PROCESS_cpu_ms)->known)
		str_addf(out, ", %.0f ms of CPU", fact_num(p, FC_PROCESS_cpu_ms, 0));
	if (fact_int(p, FC_PROCESS_rss_bytes, 0) > 0)
		str_addf(out, ", %.1f MiB", (double)fact_int(p, FC_PROCESS_rss_bytes, 0) / 1048576);
	if (fact_int(p, FC_PROCESS_threads, 1) > 1)
		str_addf(out, ", %lld threads", (long long)fact_int(p, FC_PROCESS_threads, 1));
	str_add(out, "</span>");
	if (fact_bool(p, FC_PROCESS_is_command))
		str_add(out, " <span class=\"pill plain\">the command</span>");
	if (fact_bool(p, FC_PROCESS_leftover))
		str_add(out, " <span class=\"pill possible\">its parent is gone</span>");
	if (has_root(f, fact_int(p, FC_PROCESS_pid, -2)))
		str_add(out, " <span class=\"pill here\">the waiting ends here</span>");
}

static void subtree_add(struct str *out, const struct facts *f, const struct fact_row *p, int depth, size_t *budget)
{
	const struct fact_table *t = &f->table[FACT_PROCESS];
	bool open = false;

	str_add(out, "<li>");
	process_line(out, f, p);
	for (size_t i = 0; i < t->n && depth < TREE_DEPTH && *budget; i++) {
		if (t->rows[i] == p || fact_int(t->rows[i], FC_PROCESS_ppid, -1) != fact_int(p, FC_PROCESS_pid, -2))
			continue;
		if (!open)
			str_add(out, "\n<ul>\n");
		open = true;
		(*budget)--;
		subtree_add(out, f, t->rows[i], depth + 1, budget);
	}
	str_add(out, open ? "</ul>\n</li>\n" : "</li>\n");
}

void html_processes(struct str *out, const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_PROCESS];
	size_t budget = PROCESSES_SHOWN;

	if (!t->n)
		return;
	str_add(out, "<section id=\"processes\" data-filter=\".tree li\">\n<h2>Processes</h2>\n<ul class=\"tree\">\n");
	for (size_t i = 0; i < t->n && budget; i++) {
		/* Of a command that is not looked at any more only its number is known. */
		if (fact_int(t->rows[i], FC_PROCESS_depth, 0) > 0 || !*fact_text(t->rows[i], FC_PROCESS_comm))
			continue;
		budget--;
		subtree_add(out, f, t->rows[i], 0, &budget);
	}
	str_add(out, "</ul>\n");
	if (!budget)
		str_addf(out, "<p class=\"legend\">%d of %zu are shown.</p>\n", PROCESSES_SHOWN, t->n);
	str_add(out, "</section>\n");
}

/* ---- stacks ---- */

static void frame_add(struct str *out, const struct fact_row *r)
{
	const char *module = fact_text(r, FC_FRAME_module), *slash = strrchr(module, '/');

	str_add(out, fact_bool(r, FC_FRAME_program) ? "<li class=\"mine\"><strong>" : "<li>");
	html_text(out, *fact_text(r, FC_FRAME_function) ? fact_text(r, FC_FRAME_function) : "?");
	str_add(out, fact_bool(r, FC_FRAME_program) ? "</strong>" : "");
	if (*fact_text(r, FC_FRAME_file)) {
		str_addc(out, ' ');
		html_text(out, fact_text(r, FC_FRAME_file));
		if (fact_get(r, FC_FRAME_line)->known)
			str_addf(out, ":%lld", (long long)fact_int(r, FC_FRAME_line, 0));
	} else if (*module) {
		str_add(out, " (");
		html_text(out, slash ? slash + 1 : module);
		str_addc(out, ')');
	}
	str_add(out, "</li>\n");
}

static void summary_add(struct str *out, const struct fact_row *t)
{
	const char *resource = fact_text(t, FC_THREAD_waits_resource), *name = fact_text(t, FC_THREAD_name);

	html_element(out, "strong", fact_text(t, FC_THREAD_comm));
	str_addf(out, " <span class=\"soft\">%lld</span>", (long long)fact_int(t, FC_THREAD_pid, 0));
	if (!fact_bool(t, FC_THREAD_main)) {
		str_addf(out, " thread %lld ", (long long)fact_int(t, FC_THREAD_tid, 0));
		html_text(out, name);
	}
	if (*fact_text(t, FC_THREAD_function)) {
		str_add(out, " in <code>");
		html_text(out, fact_text(t, FC_THREAD_function));
		str_add(out, "</code>");
	}
	if (*fact_text(t, FC_THREAD_waits_kind)) {
		str_add(out, " <span class=\"soft\">waits: ");
		html_text(out, fact_text(t, FC_THREAD_waits_kind));
		str_add(out, *resource ? ", " : "");
		html_text(out, resource);
		str_add(out, "</span>");
	} else if (*fact_text(t, FC_THREAD_state) == 'R') {
		str_add(out, " <span class=\"soft\">runs</span>");
	}
	if (strcmp(fact_text(t, FC_THREAD_status), "ok") != 0 && *fact_text(t, FC_THREAD_status)) {
		str_add(out, " <span class=\"pill possible\">");
		html_text(out, fact_text(t, FC_THREAD_status));
		str_add(out, "</span>");
	}
	if (*fact_text(t, FC_THREAD_verdict)) {
		str_add(out, " <span class=\"pill plain\">");
		html_text(out, fact_text(t, FC_THREAD_verdict));
		str_add(out, "</span>");
	}
	if (fact_bool(t, FC_THREAD_root))
		str_add(out, " <span class=\"pill here\">the waiting ends here</span>");
}

static bool frame_is_of(const struct fact_row *r, int64_t pid, int64_t tid)
{
	return fact_int(r, FC_FRAME_pid, -1) == pid && fact_int(r, FC_FRAME_tid, -1) == tid;
}

/* Frames [from, to) of one thread. Below the outermost frame of the program only libraries and the
 * runtime call each other: folded. */
static void frames_add(struct str *out, const struct fact_table *frames, size_t from, size_t to)
{
	size_t fold = from;

	for (size_t i = from; i < to; i++)
		if (fact_bool(frames->rows[i], FC_FRAME_program) && *fact_text(frames->rows[i], FC_FRAME_function))
			fold = i + 2;
	fold = fold < from + FRAMES_OPEN ? from + FRAMES_OPEN : fold;
	fold = to < fold + 4 ? to : fold;
	str_add(out, "<ol start=\"0\">\n");
	for (size_t i = from; i < fold; i++)
		frame_add(out, frames->rows[i]);
	str_add(out, "</ol>\n");
	if (fold == to)
		return;
	str_addf(out, "<details class=\"rest\"><summary>%zu more frames</summary>\n<ol start=\"%zu\">\n", to - fold,
		 fold - from);
	for (size_t i = fold; i < to; i++)
		frame_add(out, frames->rows[i]);
	str_add(out, "</ol>\n</details>\n");
}

/* Both tables are sorted by pid and tid: one walk over the frames finds those of each thread. */
void html_stacks(struct str *out, const struct facts *f)
{
	const struct fact_table *threads = &f->table[FACT_THREAD], *frames = &f->table[FACT_FRAME];
	size_t at = 0, shown = 0;

	if (!threads->n)
		return;
	str_add(out, "<section id=\"stacks\" data-filter=\".stack\">\n<h2>Stacks</h2>\n");
	for (size_t i = 0; i < threads->n && shown < STACKS_SHOWN; i++, shown++) {
		const struct fact_row *t = threads->rows[i];
		int64_t pid = fact_int(t, FC_THREAD_pid, -1), tid = fact_int(t, FC_THREAD_tid, -1);
		bool open = fact_bool(t, FC_THREAD_root) || fact_int(t, FC_THREAD_chain_length, 99) < 4;
		size_t from;

		while (at < frames->n && (fact_int(frames->rows[at], FC_FRAME_pid, -1) < pid ||
					  (fact_int(frames->rows[at], FC_FRAME_pid, -1) == pid &&
					   fact_int(frames->rows[at], FC_FRAME_tid, -1) < tid)))
			at++;
		for (from = at; at < frames->n && frame_is_of(frames->rows[at], pid, tid);)
			at++;
		str_addf(out, "<details class=\"stack\"%s><summary>", open ? " open" : "");
		summary_add(out, t);
		str_add(out, "</summary>\n");
		if (at > from)
			frames_add(out, frames, from, at);
		else
			str_add(out, "<p class=\"soft\">No frames of it are known.</p>\n");
		str_add(out, "</details>\n");
	}
	if (threads->n > shown)
		str_addf(out, "<p class=\"legend\">%zu more threads are in the facts.</p>\n", threads->n - shown);
	str_add(out, "<p class=\"legend\">Innermost first; bold: the program itself.</p>\n</section>\n");
}

/* ---- output ---- */

/* Colours and cursor movements of a terminal say nothing here: ESC [ … letter, ESC ] … BEL. */
static void without_escapes(struct str *out, const char *s)
{
	while (*s) {
		if (*s != '\033') {
			str_addc(out, *s++);
			continue;
		}
		s++;
		if (*s == '[') {
			s += strspn(s + 1, "0123456789;:?<=>! \"#$%&'()*+,-./") + 1;
			s += *s != '\0';
		} else if (*s == ']') {
			s += strcspn(s, "\a");
			s += *s != '\0';
		} else if (*s) {
			s++;
		}
	}
}

/* Rows [from, to) of one stream: the last lines stand open, what came before is folded. */
static void stream_add(struct str *out, const struct fact_table *t, size_t from, size_t to)
{
	size_t last = to - from > LINES_OPEN ? to - LINES_OPEN : from;

	for (size_t i = from; i < to; i++) {
		auto_str line = STR_INIT;

		if (i == from && last > from)
			str_addf(out, "<details><summary>%zu lines before</summary><pre tabindex=\"0\">", last - from);
		if (i == last)
			str_addf(out, "%s<pre tabindex=\"0\">", last > from ? "</pre></details>\n" : "");
		without_escapes(&line, fact_text(t->rows[i], FC_TAIL_text));
		html_text(out, str_cstr(&line));
		str_addc(out, '\n');
	}
	str_add(out, "</pre>\n");
}

void html_output(struct str *out, const struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_TAIL];
	const struct fact_row *o = f->table[FACT_OUTPUT].n ? f->table[FACT_OUTPUT].rows[0] : NULL;

	if (!t->n)
		return;
	str_add(out, "<section id=\"output\">\n<h2>The last of its output</h2>\n");
	for (size_t i = 0, to; i < t->n; i = to) {
		const char *stream = fact_text(t->rows[i], FC_TAIL_stream);
		enum fact_col bytes = strcmp(stream, "stdout") == 0 ? FC_OUTPUT_stdout_bytes : FC_OUTPUT_stderr_bytes;

		for (to = i; to < t->n && strcmp(fact_text(t->rows[to], FC_TAIL_stream), stream) == 0; to++)
			;
		str_add(out, "<h4>");
		html_text(out, stream);
		if (o && fact_get(o, bytes)->known)
			str_addf(out, " <span class=\"soft\">(%lld bytes in all)</span>",
				 (long long)fact_int(o, bytes, 0));
		str_add(out, "</h4>\n");
		stream_add(out, t, i, to);
	}
	str_add(out, "</section>\n");
}

/* ---- tables ---- */

static void rows_add(struct str *out, const struct facts *f, enum fact_kind kind, const char *title,
		     const enum fact_col *cols, size_t n)
{
	const struct fact_table *t = &f->table[kind];
	auto_str text = STR_INIT;

	if (!t->n)
		return;
	str_addf(out,
		 "<details><summary>%s (%zu)</summary>\n<div class=\"wide\"><table border=\"1\" "
		 "cellpadding=\"4\">\n<tr>",
		 title, t->n);
	for (size_t c = 0; c < n; c++)
		html_element(out, "th scope=\"col\"", fact_columns[cols[c]].name);
	str_add(out, "</tr>\n");
	for (size_t i = 0; i < t->n && i < ROWS_SHOWN; i++) {
		str_add(out, "<tr>");
		for (size_t c = 0; c < n; c++) {
			const struct fact_value *v = fact_get(t->rows[i], cols[c]);

			str_reset(&text);
			if (v->known)
				fact_value_add(&text, cols[c], v);
			html_element(out, "td", str_cstr(&text));
		}
		str_add(out, "</tr>\n");
	}
	str_add(out, "</table></div>\n");
	if (t->n > ROWS_SHOWN)
		str_addf(out, "<p class=\"legend\">%zu more rows are in the facts.</p>\n", t->n - ROWS_SHOWN);
	str_add(out, "</details>\n");
}

#define ROWS(kind, title, cols) rows_add(out, f, kind, title, cols, sizeof(cols) / sizeof((cols)[0]))

void html_waits(struct str *out, const struct facts *f)
{
	static const enum fact_col edges[] = { FC_EDGE_comm,
					       FC_EDGE_pid,
					       FC_EDGE_tid,
					       FC_EDGE_function,
					       FC_EDGE_kind,
					       FC_EDGE_resource,
					       FC_EDGE_proved,
					       FC_EDGE_holder_comm,
					       FC_EDGE_holder_pid,
					       FC_EDGE_holder_tid,
					       FC_EDGE_holder_function,
					       FC_EDGE_holder_waits,
					       FC_EDGE_cycle };

	ROWS(FACT_EDGE, "The same as a table", edges);
}

void html_tables(struct str *out, const struct facts *f)
{
	static const enum fact_col timeouts[] = { FC_TIMEOUT_at_ms,        FC_TIMEOUT_token,    FC_TIMEOUT_span,
						  FC_TIMEOUT_elapsed_ms,   FC_TIMEOUT_limit_ms, FC_TIMEOUT_idle_ms,
						  FC_TIMEOUT_threshold_ms, FC_TIMEOUT_verdict };
	static const enum fact_col threads[] = { FC_THREAD_pid,
						 FC_THREAD_tid,
						 FC_THREAD_comm,
						 FC_THREAD_name,
						 FC_THREAD_state,
						 FC_THREAD_waits_kind,
						 FC_THREAD_waits_resource,
						 FC_THREAD_root,
						 FC_THREAD_stack,
						 FC_THREAD_file,
						 FC_THREAD_line };
	static const enum fact_col leaks[] = { FC_LEAK_kind, FC_LEAK_pid,    FC_LEAK_comm,
					       FC_LEAK_argv, FC_LEAK_reason, FC_LEAK_fd };
	static const enum fact_col denials[] = { FC_DENIAL_collector, FC_DENIAL_status, FC_DENIAL_comm, FC_DENIAL_pid,
						 FC_DENIAL_reason };
	static const enum fact_col points[] = { FC_CHECKPOINT_at_ms, FC_CHECKPOINT_event, FC_CHECKPOINT_comm,
						FC_CHECKPOINT_pid, FC_CHECKPOINT_reason };

	str_add(out, "<section id=\"facts\">\n<h2>What else was seen</h2>\n");
	ROWS(FACT_TIMEOUT, "What the watchdogs recorded", timeouts);
	ROWS(FACT_LEAK, "What outlived the command", leaks);
	ROWS(FACT_DENIAL, "What could not be seen", denials);
	ROWS(FACT_THREAD, "Threads and what they wait for", threads);
	ROWS(FACT_CHECKPOINT, "Checkpoints", points);
	str_add(out, "<p class=\"legend\"><code>spec-runner report --format facts</code> prints every fact with its "
		     "source.</p>\n</section>\n");
}
