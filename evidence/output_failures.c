/* SPDX-License-Identifier: Apache-2.0 */
/* output_failures.c - what the end of the output says about a failure: stack traces, reports of sanitizers, errors of
 * compilers become rows. Nothing is judged here: a row says that these lines stand there, and how near the end. */
#include "base/frame_home.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/value.h"
#include "evidence/gather.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_LIMIT 20000
#define ROWS_MAX 200
#define HEAD_LINES 6 /* between the first line and the first frame */

enum inner { FIRST, LAST };

struct form {
	const char *kind, *language;
	enum inner inner;
	int frames, gap;
	const char *begin, *frame, *message;
};
static const struct form forms[] = {
#define FORM(kind, language, inner, frames, gap, begin, frame, message) \
	{ kind, language, inner, frames, gap, begin, frame, message },
#include "evidence/output_forms.def"
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

struct compiled {
	pcre2_code *begin[FORMS], *frame[FORMS], *message[FORMS];
	pcre2_match_data *md;
	pcre2_match_context *mc;
};

/* A failure while its lines are read. */
struct open_row {
	int form;                  /* -1: none */
	char *type, *message, *function, *file, *pending; /* pending: a function whose file is on the next line */
	char *test;
	int64_t line, number, end; /* end: its last line */
	int frames, others;
	bool other; /* the stack of another thread is read */
	bool said;  /* its message was read */
	bool root;  /* that of the cause is: its own line goes first */
	bool made;  /* the code that ran was made from the source by a tool: its lines are not those of the file */
	enum frame_place place;
	const struct fact_row *from;
};

struct output_reader {
	struct facts *f;
	struct compiled c;
	struct open_row row;
	const char *stream;
	size_t made;
	bool grouped; /* Python's exceptions stand in groups */
};

static pcre2_code *compile(const char *pattern)
{
	PCRE2_SIZE at;
	int error;
	pcre2_code *code;

	if (!*pattern)
		return NULL;
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_ANCHORED | PCRE2_DOLLAR_ENDONLY, &error, &at,
			     NULL);
	BUG_ON(!code); /* of our own table */
	return code;
}

static bool matches(struct output_reader *o, const pcre2_code *code, const char *line)
{
	return code && pcre2_match(code, (PCRE2_SPTR)line, strlen(line), 0, 0, o->c.md, o->c.mc) > 0;
}

/* The group of that name in the last match, or NULL. Caller frees. */
static char *group(struct output_reader *o, const pcre2_code *code, const char *name, const char *line)
{
	int k = pcre2_substring_number_from_name(code, (PCRE2_SPTR)name);
	PCRE2_SIZE *v = pcre2_get_ovector_pointer(o->c.md);

	if (k <= 0 || (uint32_t)k >= pcre2_get_ovector_count(o->c.md) || v[2 * k] == PCRE2_UNSET ||
	    v[2 * k] >= v[2 * k + 1])
		return NULL;
	return xstrndup(line + v[2 * k], v[2 * k + 1] - v[2 * k]);
}

static void take(char **to, char *value)
{
	if (!value)
		return;
	free(*to);
	*to = value;
}

/* The test that a function of the user's is: its name, without what is nested in it. Caller frees; NULL none. */
static char *test_of(const char *language, const char *function, const char *file)
{
	const char *name, *base = strrchr(file, '/'), *end;

	base = base ? base + 1 : file;
	if (strcmp(language, "python") == 0) {
		name = strrchr(function, '.');
		name = name ? name + 1 : function;
		return str_starts(name, "test") && strstr(base, "test") ? xstrdup(name) : NULL;
	}
	if (strcmp(language, "go") != 0 || !str_ends(base, "_test.go") || !(name = strstr(function, ".Test")))
		return NULL;
	end = strchr(++name, '.');
	return xstrndup(name, end ? (size_t)(end - name) : strlen(name));
}

/* The outermost test of the stack: what it calls may be named like one. */
static void test_take(struct output_reader *o, const struct frame_words *w)
{
	char *test = o->row.test && forms[o->row.form].inner == LAST ? NULL :
		     test_of(forms[o->row.form].language, w->function ? w->function : "", w->file);

	take(&o->row.test, test);
}

/* What is said in the middle, where nothing was said before. */
static void words_take(struct output_reader *o, const pcre2_code *code, const char *line)
{
	if (!o->row.type)
		o->row.type = group(o, code, "type", line);
	if (!o->row.message)
		o->row.message = group(o, code, "message", line);
}

static void cause_take(struct output_reader *o, const pcre2_code *code, const char *line)
{
	auto_free char *cause = group(o, code, "cause", line);

	if (!cause && (cause = group(o, code, "root", line)))
		o->row.root = true;
	if (!cause)
		return;
	take(&o->row.message, o->row.message ? xasprintf("%s: %s", o->row.message, cause) : xstrdup(cause));
}

/* Runners that run what they have made of the sources, and sources that nothing runs as they are. V8 prints lines of what
 * was made when it aborts. */
static bool is_maker(const char *file)
{
	static const char *const makers[] = { "/node_modules/jest-",    "/node_modules/@jest/",	 "/node_modules/vite",
					      "/node_modules/@vitest/", "/node_modules/ts-node/", "/node_modules/@babel/" };
	const char *dot = strrchr(file, '.');

	if (dot && (strcmp(dot, ".ts") == 0 || strcmp(dot, ".tsx") == 0 || strcmp(dot, ".jsx") == 0))
		return true;
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++)
		if (strstr(file, makers[i]))
			return true;
	return false;
}

/* Stacks of several threads: only that of the one that failed counts. */
static bool thread_take(struct output_reader *o, const pcre2_code *code, const char *line)
{
	auto_free char *other = group(o, code, "other", line), *current = group(o, code, "current", line);

	if (other)
		o->row.other = true;
	if (current) {
		o->row.other = false;
		mem_free_ptr(&o->row.file);
		mem_free_ptr(&o->row.function);
		mem_free_ptr(&o->row.test);
	}
	return other || current || o->row.other;
}

/* A place: kept where it is nearer to the user's own innermost line than what was there. */
static void place_take(struct output_reader *o, const pcre2_code *code, const char *line)
{
	const struct form *form = &forms[o->row.form];
	auto_free char *file = group(o, code, "file", line), *number = group(o, code, "line", line);
	char *function = group(o, code, "function", line);
	struct frame_words w;
	enum frame_place place;
	int64_t at = 0;

	if (!file) {
		/* of a form without places, or whose file stands at its beginning */
		o->row.frames += pcre2_substring_number_from_name(code, (PCRE2_SPTR)"file") <= 0;
		if (number && o->row.file && !o->row.line && value_int(number, &at))
			o->row.line = at;
		take(&o->row.pending, function);
		return;
	}
	if (!function) {
		function = o->row.pending;
		o->row.pending = NULL;
	}
	if (number && !value_int(number, &at))
		at = 0;
	o->row.made |= strcmp(form->kind, "crash") == 0 && is_maker(file);
	w = (struct frame_words){ .language = form->language, .function = function, .file = file, .line = (long)at };
	if (!function && *form->frame) /* a frame of a function that has no name */
		w.function = "(anonymous)";
	place = frame_place(&w, false);
	if (place == PLACE_OWN_LINE)
		test_take(o, &w);
	if (place == PLACE_UNPLACED) { /* no file that anybody could open */
		free(function);
		o->row.frames++;
		return;
	}
	if (!o->row.file || place < o->row.place || (form->inner == LAST && place == o->row.place) ||
	    (o->row.root && place == PLACE_OWN_LINE)) {
		o->row.root = false;
		o->row.place = place;
		free(o->row.function);
		o->row.function = function;
		function = NULL;
		take(&o->row.file, xstrdup(file));
		o->row.line = at;
	}
	o->row.frames++;
	free(function);
}

static void row_reset(struct output_reader *o)
{
	free(o->row.type);
	free(o->row.message);
	free(o->row.function);
	free(o->row.file);
	free(o->row.pending);
	free(o->row.test);
	o->row = (struct open_row){ .form = -1 };
}

static void row_close(struct output_reader *o)
{
	const struct form *form = &forms[o->row.form];
	struct open_row *w = &o->row;
	struct fact_row *r;

	if (w->file && w->place >= PLACE_RUNTIME && *form->frame) { /* nobody's line of the program */
		mem_free_ptr(&w->file);
		w->line = 0;
	}
	if (w->made)
		w->line = 0;
	if (w->frames >= form->frames && (w->type || w->message || w->file) && o->made < ROWS_MAX &&
	    (r = fact_add(o->f, FACT_FAILURE, w->from->file, w->from->at))) {
		o->made++;
		fact_set_text(o->f, r, FC_FAILURE_kind, form->kind);
		fact_set_text(o->f, r, FC_FAILURE_language, *form->language ? form->language : NULL);
		fact_set_text(o->f, r, FC_FAILURE_type, w->type);
		fact_set_text(o->f, r, FC_FAILURE_message, w->message);
		fact_set_text(o->f, r, FC_FAILURE_function, w->function || w->file ? w->function : w->pending);
		fact_set_text(o->f, r, FC_FAILURE_file, w->file);
		if (w->line > 0)
			fact_set_int(r, FC_FAILURE_line, w->line);
		fact_set_text(o->f, r, FC_FAILURE_test, w->test);
		fact_set_text(o->f, r, FC_FAILURE_stream, o->stream);
		fact_set_int(r, FC_FAILURE_number, w->number);
		fact_set_int(r, FC_FAILURE_lines_after, w->end); /* until the lines are counted: where it ends */
	}
	row_reset(o);
}

static bool begins_one(struct output_reader *o, const char *line)
{
	for (size_t k = 0; k < FORMS; k++)
		if (matches(o, o->c.begin[k], line))
			return true;
	return false;
}

/* Does the line belong to what is open? */
static bool row_goes_on(struct output_reader *o, const char *line, int64_t number)
{
	int k = o->row.form;
	bool indented = *line == ' ' || *line == '\t';

	if (matches(o, o->c.frame[k], line)) {
		if (!thread_take(o, o->c.frame[k], line)) {
			words_take(o, o->c.frame[k], line);
			cause_take(o, o->c.frame[k], line);
			place_take(o, o->c.frame[k], line);
		}
		o->row.end = number;
		return true;
	}
	if (!(indented && *forms[k].frame) && !o->row.said && matches(o, o->c.message[k], line)) {
		take(&o->row.type, group(o, o->c.message[k], "type", line));
		take(&o->row.message, group(o, o->c.message[k], "message", line));
		o->row.end = number;
		o->row.said = true;
		if (!*forms[k].frame || forms[k].inner == LAST)
			row_close(o); /* else a stack may follow */
		return true;
	}
	if (o->row.others < forms[k].gap && !begins_one(o, line)) {
		o->row.others++;
		return true;
	}
	if (!*forms[k].frame)
		return false;
	/* what is nothing without a frame, and has none yet, gives way to what is something by itself */
	if (!o->row.frames && forms[k].frames && begins_one(o, line))
		return false;
	/* lines of source, of notes, between the parts */
	if (o->row.frames ? indented : ++o->row.others <= HEAD_LINES && !*forms[k].message) {
		o->row.end = number;
		return true;
	}
	return indented;
}

static void row_open(struct output_reader *o, const struct fact_row *tail, const char *line, int64_t number)
{
	for (size_t k = 0; k < FORMS; k++) {
		if (!matches(o, o->c.begin[k], line))
			continue;
		o->row.form = (int)k;
		o->row.number = o->row.end = number;
		o->row.from = tail;
		o->row.type = group(o, o->c.begin[k], "type", line);
		o->row.message = group(o, o->c.begin[k], "message", line);
		o->row.test = group(o, o->c.begin[k], "test", line);
		if (pcre2_substring_number_from_name(o->c.begin[k], (PCRE2_SPTR)"file") > 0)
			place_take(o, o->c.begin[k], line);
		if (!*forms[k].frame && !*forms[k].message)
			row_close(o);
		return;
	}
}

/* The line without what pytest, npm, or Python in a group of exceptions put before each line of an error. */
static const char *line_of(struct output_reader *o, const struct fact_row *tail)
{
	static const char *const before[] = { "INTERNALERROR>", "npm error", "npm ERR!" };
	const char *line = fact_text(tail, FC_TAIL_text), *bar = line + strspn(line, " ");

	if (str_starts(line, "  + Exception Group Traceback"))
		o->grouped = true;
	if (o->grouped && str_starts(bar, "| "))
		return bar + 2;
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++)
		if (str_starts(line, before[i]))
			return line + strlen(before[i]) + (line[strlen(before[i])] == ' ');
	return line;
}

static void read_line(struct output_reader *o, const struct fact_row *tail)
{
	const char *line = line_of(o, tail);
	int64_t number = fact_int(tail, FC_TAIL_number, 0);

	if (o->row.form >= 0) {
		if (row_goes_on(o, line, number))
			return;
		row_close(o);
	}
	if (*line)
		row_open(o, tail, line, number);
}

/* ---- what stands behind ---- */

static int64_t lines_after(const struct facts *f, const char *stream, int64_t number)
{
	const struct fact_table *t = &f->table[FACT_TAIL];
	int64_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		const char *s = fact_text(t->rows[i], FC_TAIL_text);

		n += strcmp(fact_text(t->rows[i], FC_TAIL_stream), stream) == 0 &&
		     fact_int(t->rows[i], FC_TAIL_number, 0) > number && s[strspn(s, " \t\r")] != '\0';
	}
	return n;
}

#define RERAISED_LINES 6 /* between an exception and the one that it was the cause of */

/* An exception that came from another process and was raised again: its place is where it was raised first. */
static void reraised_rows(struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_FAILURE];

	for (size_t i = 1; i < t->n; i++) {
		const struct fact_row *was = t->rows[i - 1];
		struct fact_row *r = t->rows[i];
		int64_t gap = fact_int(r, FC_FAILURE_number, 0) - fact_int(was, FC_FAILURE_lines_after, 0);

		if (strcmp(fact_text(r, FC_FAILURE_language), "python") != 0 || gap > RERAISED_LINES ||
		    !*fact_text(was, FC_FAILURE_file) ||
		    strcmp(fact_text(r, FC_FAILURE_type), fact_text(was, FC_FAILURE_type)) != 0 ||
		    strcmp(fact_text(r, FC_FAILURE_message), fact_text(was, FC_FAILURE_message)) != 0)
			continue;
		fact_set_text(f, r, FC_FAILURE_file, fact_text(was, FC_FAILURE_file));
		fact_set_text(f, r, FC_FAILURE_function, fact_text(was, FC_FAILURE_function));
		fact_set_int(r, FC_FAILURE_line, fact_int(was, FC_FAILURE_line, 0));
	}
}

static void order_rows(struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_FAILURE];

	for (size_t i = 0; i < t->n; i++) {
		struct fact_row *r = t->rows[i];
		bool first = true, last = true;

		for (size_t k = 0; k < t->n; k++) {
			if (k == i || strcmp(fact_text(t->rows[k], FC_FAILURE_kind), fact_text(r, FC_FAILURE_kind)) != 0 ||
			    strcmp(fact_text(t->rows[k], FC_FAILURE_stream), fact_text(r, FC_FAILURE_stream)) != 0)
				continue;
			first &= k > i;
			last &= k < i;
		}
		fact_set_bool(r, FC_FAILURE_first, first);
		fact_set_bool(r, FC_FAILURE_last, last);
		fact_set_int(r, FC_FAILURE_lines_after,
			     lines_after(f, fact_text(r, FC_FAILURE_stream), fact_int(r, FC_FAILURE_lines_after, 0)));
	}
}

static void last_line(struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_TAIL];
	const struct fact_row *last = NULL;

	for (size_t i = 0; i < t->n; i++)
		if (fact_int(t->rows[i], FC_TAIL_lines_after, -1) == 0 &&
		    fact_text(t->rows[i], FC_TAIL_text)[strspn(fact_text(t->rows[i], FC_TAIL_text), " \t\r")] != '\0')
			last = t->rows[i]; /* standard error's lines stand behind */
	if (last)
		fact_set_text(f, gather_single(f, FACT_OUTPUT), FC_OUTPUT_last_line, fact_text(last, FC_TAIL_text));
}

static void open_all(struct compiled *c)
{
	for (size_t k = 0; k < FORMS; k++) {
		c->begin[k] = compile(forms[k].begin);
		c->frame[k] = compile(forms[k].frame);
		c->message[k] = compile(forms[k].message);
	}
	c->md = pcre2_match_data_create(32, NULL);
	c->mc = pcre2_match_context_create(NULL);
	BUG_ON(!c->md || !c->mc);
	pcre2_set_match_limit(c->mc, MATCH_LIMIT);
}

static void close_all(struct compiled *c)
{
	for (size_t k = 0; k < FORMS; k++) {
		pcre2_code_free(c->begin[k]);
		pcre2_code_free(c->frame[k]);
		pcre2_code_free(c->message[k]);
	}
	pcre2_match_data_free(c->md);
	pcre2_match_context_free(c->mc);
}

void gather_output(struct facts *f)
{
	const struct fact_table *t = &f->table[FACT_TAIL];
	struct output_reader o = { .f = f, .row = { .form = -1 }, .stream = "" };

	if (!t->n)
		return;
	open_all(&o.c);
	for (size_t i = 0; i < t->n; i++) {
		const char *stream = fact_text(t->rows[i], FC_TAIL_stream);

		if (strcmp(stream, o.stream) != 0) {
			if (o.row.form >= 0)
				row_close(&o);
			o.stream = stream;
		}
		read_line(&o, t->rows[i]);
		fact_set_int(t->rows[i], FC_TAIL_lines_after,
			     lines_after(f, stream, fact_int(t->rows[i], FC_TAIL_number, 0)));
	}
	if (o.row.form >= 0)
		row_close(&o);
	row_reset(&o);
	close_all(&o.c);
	reraised_rows(f);
	order_rows(f);
	last_line(f);
}
