/* SPDX-License-Identifier: Apache-2.0 */
/* loop_source.c - by indentation: the lines above that stand further left, from the inside out, until one begins a loop or a
 * function. Source that nobody has formatted so gives nothing, or a shorter text. */
#include "profile/lang/loop_source.h"

#include "base/frame_home.h"
#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/script.h"

#include <stdlib.h>
#include <string.h>

enum { SOURCE_BYTES = 1 << 20, LINES_MAX = 20000, BODY_MAX = 3, TEXT_BYTES = 90, FILES_MAX = 24, TAB = 8 };

struct line {
	const char *text; /* after its indentation */
	size_t n;
	int indent;       /* columns; -1: empty, or a comment */
};

static bool begins_any(const struct line *l, const char *const words[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (l->n >= strlen(words[i]) && strncmp(l->text, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

static bool has(const struct line *l, const char *word)
{
	return memmem(l->text, l->n, word, strlen(word)) != NULL;
}

static bool begins_loop(const struct line *l)
{
	static const char *const words[] = { "while ", "while(", "until ", "until(", "for ", "for(", "foreach ", "foreach(",
					     "loop {", "loop do", "do {" };
	static const char *const items[] = { "for await " }; /* it awaits what comes, and tries nothing again */

	return begins_any(l, words, sizeof(words) / sizeof(*words)) && !begins_any(l, items, 1);
}

static bool begins_function(const struct line *l)
{
	static const char *const words[] = { "def ", "async def ", "class ", "func ", "fn ", "pub fn ", "sub ", "function ",
					     "async function ", "export " };

	return begins_any(l, words, sizeof(words) / sizeof(*words)) || has(l, "=> {") || has(l, "-> {") ||
	       has(l, "function (") || has(l, "function(");
}

static struct line line_take(const char *at, size_t n)
{
	static const char *const comments[] = { "#", "//", "/*", "* " };
	struct line l = { 0 };
	size_t i = 0;

	for (; i < n && (at[i] == ' ' || at[i] == '\t'); i++)
		l.indent = at[i] == '\t' ? (l.indent / TAB + 1) * TAB : l.indent + 1;
	while (n > i && (at[n - 1] == ' ' || at[n - 1] == '\t' || at[n - 1] == '\r'))
		n--;
	l.text = at + i;
	l.n = n - i;
	if (!l.n || begins_any(&l, comments, sizeof(comments) / sizeof(*comments)))
		l.indent = -1;
	return l;
}

static void add_line(struct str *out, const struct line *l)
{
	size_t n = l->n < TEXT_BYTES ? l->n : TEXT_BYTES;

	while (n < l->n && n > 0 && ((unsigned char)l->text[n] & 0xc0) == 0x80)
		n--;
	str_addf(out, "%s%.*s%s", out->len ? " " : "", (int)n, l->text, n < l->n ? "…" : "");
}

static bool begins_handler(const struct line *l)
{
	static const char *const words[] = { "except", "rescue", "catch", "} catch" };

	return begins_any(l, words, sizeof(words) / sizeof(*words));
}

/* The loop's first lines, what it catches, and the line meant. */
static char *loop_text(const struct line *v, int head, int at)
{
	auto_str out = STR_INIT;
	int between = 0;
	bool skipped = false;

	add_line(&out, &v[head]);
	for (int i = head + 1; i <= at; i++) {
		if (v[i].indent < 0)
			continue;
		if (i < at && between++ >= BODY_MAX && !begins_handler(&v[i])) {
			skipped = true;
			continue;
		}
		if (skipped)
			str_add(&out, " …");
		skipped = false;
		add_line(&out, &v[i]);
	}
	while (out.len && out.data[out.len - 1] == ';')
		out.data[--out.len] = '\0';
	return str_steal(&out);
}

static int loop_head(const struct line *v, int at)
{
	int indent = v[at].indent;

	if (indent < 0)
		return -1;
	if (begins_loop(&v[at]))
		return at;
	for (int i = at - 1; i >= 0 && indent > 0; i--) {
		if (v[i].indent < 0 || v[i].indent >= indent)
			continue;
		if (begins_function(&v[i]))
			return -1;
		if (begins_loop(&v[i]))
			return i;
		indent = v[i].indent;
	}
	return -1;
}

char *loop_source(const char *text, int line)
{
	auto_free struct line *v = NULL;
	int n = 0, head;

	if (line < 1 || line > LINES_MAX)
		return NULL;
	v = xcalloc((size_t)line, sizeof(*v));
	for (const char *at = text; n < line; n++) {
		size_t length = strcspn(at, "\n");

		v[n] = line_take(at, length);
		if (!at[length] && n + 1 < line)
			return NULL;
		at += length + 1;
	}
	head = loop_head(v, line - 1);
	return head >= 0 ? loop_text(v, head, line - 1) : NULL;
}

static char *loop_at(const struct snap_process *p, const struct snap_frame *frames, size_t n, int *left)
{
	const struct snap_frame *f = frames_place(frames, n);
	struct frame_words w;
	auto_free char *text = NULL;

	if (!f || !f->file || f->line <= 0 || *left <= 0)
		return NULL;
	w = (struct frame_words){ .language = f->language, .function = f->function, .file = f->file, .module = f->module,
				  .line = f->line, .runtime = f->runtime };
	if (frame_home(&w) != FRAME_PROGRAM || strcmp(f->language, "shell") == 0)
		return NULL;
	(*left)--;
	text = script_text(p, f->file, SOURCE_BYTES);
	return text ? loop_source(text, f->line) : NULL;
}

void loops_name(struct snapshot *s)
{
	int left = FILES_MAX;

	for (size_t i = 0; i < s->process_count; i++) {
		struct snap_process *p = &s->processes[i];

		for (size_t k = 0; k < p->thread_count; k++) {
			struct snap_thread *t = &p->threads[k];

			if (!t->loop && (t->wait.kind == WAIT_SLEEP || t->state == 'R'))
				t->loop = loop_at(p, t->frames, t->frame_count, &left);
		}
		for (size_t k = 0; k < p->task_count; k++)
			if (!p->tasks[k].loop)
				p->tasks[k].loop = loop_at(p, p->tasks[k].frames, p->tasks[k].frame_count, &left);
	}
}
