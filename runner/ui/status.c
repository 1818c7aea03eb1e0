/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/ui/status.h"

#include "base/clock.h"
#include "base/width.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define MIN_COLS 24
#define MIN_ROWS 5
#define AGE_COLUMNS 6
/* A test that has run for so long is shown as slow. */
#define SLOW_NS (60 * NS_PER_S)
#define SENTENCE_TESTS 3

void status_age(struct str *out, int64_t ns)
{
	int64_t s = ns < 0 ? 0 : ns / NS_PER_S;

	if (s < 60)
		str_addf(out, "%" PRId64 "s", s);
	else if (s < 3600)
		str_addf(out, "%" PRId64 "m%02" PRId64 "s", s / 60, s % 60);
	else
		str_addf(out, "%" PRId64 "h%02" PRId64 "m", s / 3600, s / 60 % 60);
}

/* One line with colours in it: its columns are counted apart. */
struct line {
	struct str text;
	size_t columns, most;
	bool color, full;
};

/* Adds a piece if it fits whole; after one that did not, nothing more. Colour: SGR parameters or NULL. */
static void line_add(struct line *l, const char *sgr, const char *text)
{
	size_t w = width_text(text, strlen(text));

	l->full |= l->columns + w > l->most;
	if (l->full)
		return;
	l->columns += w;
	if (l->color && sgr)
		str_addf(&l->text, "\033[%sm%s\033[0m", sgr, text);
	else
		str_add(&l->text, text);
}

/* "12/40 tests done", "1 test done" */
static void add_done(const struct status_view *v, struct str *out)
{
	size_t n = strlen(v->noun);

	if (v->total >= 0)
		str_addf(out, "%" PRIu64 "/%" PRId64 " %s done", v->done, v->total, v->noun);
	else
		str_addf(out, "%" PRIu64 " %.*s done", v->done, (int)(v->done == 1 ? n - 1 : n), v->noun);
}

static void head_counts(const struct status_view *v, struct line *l)
{
	auto_str text = STR_INIT;

	if (!v->noun)
		return;
	str_add(&text, ", ");
	add_done(v, &text);
	line_add(l, NULL, str_cstr(&text));
	str_reset(&text);
	str_addf(&text, ", %" PRIu64 " failed", v->failed);
	if (v->failed)
		line_add(l, "31", str_cstr(&text));
	str_reset(&text);
	str_addf(&text, ", %" PRIu64 " running", v->running);
	if (v->running)
		line_add(l, NULL, str_cstr(&text));
}

static void head_line(const struct status_view *v, const struct status_style *style, struct strv *lines)
{
	struct line l = { .text = STR_INIT, .most = style->cols - 1, .color = style->color };
	auto_str text = STR_INIT;
	int64_t left;

	str_add(&text, "spec-runner: ");
	status_age(&text, v->now_ns - v->start_ns);
	line_add(&l, "1", str_cstr(&text));
	str_reset(&text);
	str_add(&text, ", step '");
	if (v->step)
		width_add_safe(&text, v->step, strlen(v->step), style->unicode);
	str_add(&text, "'");
	if (v->step)
		line_add(&l, NULL, str_cstr(&text));
	left = v->usual_ns - (v->now_ns - v->start_ns);
	str_reset(&text);
	str_addf(&text, ", about %02lld:%02lld left", (long long)(left / NS_PER_S / 60), (long long)(left / NS_PER_S % 60));
	if (left > 0)
		line_add(&l, NULL, str_cstr(&text));
	head_counts(v, &l);
	str_reset(&text);
	str_addf(&text, ", %zu process%s", v->processes, v->processes == 1 ? "" : "es");
	if (!v->noun && v->processes)
		line_add(&l, NULL, str_cstr(&text));
	str_reset(&text);
	if (v->last_output_ns == TIME_NEVER) {
		str_add(&text, ", no output yet");
	} else {
		str_add(&text, ", last output ");
		status_age(&text, v->now_ns - v->last_output_ns);
		str_add(&text, " ago");
	}
	line_add(&l, NULL, str_cstr(&text));
	strv_take(lines, str_steal(&l.text));
}

/* The end of a name tells more than its beginning: that is what is kept. */
static void add_name(struct str *out, const char *name, size_t columns, bool unicode)
{
	const char *dots = unicode ? "\xe2\x80\xa6" : "...";
	size_t dots_columns = unicode ? 1 : 3, from;
	auto_str safe = STR_INIT;

	width_add_safe(&safe, name, strlen(name), unicode);
	if (width_text(str_cstr(&safe), safe.len) > columns && columns > dots_columns) {
		from = width_cut_front(str_cstr(&safe), safe.len, columns - dots_columns);
		str_add(out, dots);
		str_add(out, safe.data + from);
	} else {
		str_addn(out, str_cstr(&safe), width_cut(str_cstr(&safe), safe.len, columns));
	}
}

static void test_line(const struct status_view *v, const struct status_test *t, const struct status_style *style,
		      struct strv *lines)
{
	int64_t age = v->now_ns - t->start_ns;
	auto_str text = STR_INIT, name = STR_INIT;
	struct line l = { .text = STR_INIT, .most = style->cols - 1, .color = style->color };

	status_age(&text, age);
	for (size_t i = text.len; i < AGE_COLUMNS; i++)
		line_add(&l, NULL, " ");
	line_add(&l, age >= SLOW_NS ? "33" : NULL, str_cstr(&text));
	line_add(&l, NULL, "  ");
	add_name(&name, t->name, l.most - l.columns, style->unicode);
	line_add(&l, NULL, str_cstr(&name));
	strv_take(lines, str_steal(&l.text));
}

void status_lines(const struct status_view *v, const struct status_style *style, struct strv *lines)
{
	size_t room;

	if (style->cols < MIN_COLS || style->rows < MIN_ROWS)
		return;
	head_line(v, style, lines);
	room = (style->rows - 1) / 3; /* most of the window belongs to the output */
	for (size_t i = 0; i < v->n_tests && i < room; i++)
		test_line(v, &v->test[i], style, lines);
	if (!v->n_tests && v->after && *v->after) {
		struct line l = { .text = STR_INIT, .most = style->cols - 1, .color = style->color };
		auto_str name = STR_INIT;

		line_add(&l, NULL, " after  ");
		add_name(&name, v->after, l.most - l.columns, style->unicode);
		line_add(&l, NULL, str_cstr(&name));
		strv_take(lines, str_steal(&l.text));
	}
}

void status_sentence(const struct status_view *v, struct str *out)
{
	if (v->noun) {
		add_done(v, out);
		if (v->failed)
			str_addf(out, " (%" PRIu64 " failed)", v->failed);
	}
	for (size_t i = 0; i < v->n_tests && i < SENTENCE_TESTS; i++) {
		str_add(out, i ? ", " : out->len ? "; running: " : "running: ");
		width_add_safe(out, v->test[i].name, strlen(v->test[i].name), true);
		str_add(out, " since ");
		status_age(out, v->now_ns - v->test[i].start_ns);
	}
	if (v->n_tests && v->running > SENTENCE_TESTS)
		str_addf(out, " and %" PRIu64 " more", v->running - SENTENCE_TESTS);
	if (!v->n_tests && v->after && *v->after) {
		str_add(out, out->len ? "; running after " : "running after ");
		width_add_safe(out, v->after, strlen(v->after), true);
	}
}

bool status_is_unicode(char *const envp[])
{
	static const char *const names[] = { "LC_ALL=", "LC_CTYPE=", "LANG=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (char *const *e = envp; e && *e; e++) {
			const char *value = *e + strlen(names[i]);

			if (str_starts(*e, names[i]) && *value)
				return strcasestr(value, "UTF-8") || strcasestr(value, "utf8");
		}
	return false;
}
