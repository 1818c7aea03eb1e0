/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/config/options.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/signal_name.h"
#include "base/value.h"
#include "runner/config/deadline_auto.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words_auto[] = { "auto", NULL };
static const char *const words_level[] = { "off", "basic", "detailed", "debug", NULL };
static const char *const words_on_fail[] = { "off", "basic", "detailed", NULL };
static const char *const words_liveness[] = { "off", "basic", "strict", NULL };
static const char *const words_contain[] = { "auto", "group", "subreaper", "cgroup", "pidns", NULL };
static const char *const words_test_timeout[] = { "run", "test", NULL };
static const char *const words_when[] = { "auto", "always", "never", NULL };
static const char *const words_until[] = { "match", "any", "end", NULL };
static const char *const words_sample_with[] = { "auto", "perf", "stop", "read", NULL };
static const char *const words_goal[] = { "speed", "hang", NULL };
static const char *const words_weight[] = { "cpu", "wall", "wait", "samples", NULL };
static const char *const words_audit_format[] = { "call-graph", "json", "markdown", "mermaid", "summary", "candidates",
						  "drift", "where", "sarif", "model", "limits", "places", NULL };
static const char *const words_test_format[] = { "tap", "tap14", "human", "junit", NULL };

const char *const option_group_text[] = {
	[GROUP_RUN] = "Running",
	[GROUP_LIVENESS] = "Liveness",
	[GROUP_RECORD] = "Recording",
	[GROUP_TESTS] = "Tests and reports",
	[GROUP_GATE] = "Gate",
	[GROUP_REPRO] = "Reproducing",
	[GROUP_FILES] = "Files and secrets",
	[GROUP_HISTORY] = "History",
	[GROUP_OPTIMIZE] = "Optimising",
	[GROUP_GENERAL] = "General",
};

const struct option_row option_rows[] = {
#define OPT(field, type_, flag_, env_, key_, metavar_, fallback_, min_, max_, words_, verbs_, group_, help_)   \
	{ .offset = offsetof(struct options, field), .type = OPTION_##type_, .group = GROUP_##group_,          \
	  .flag = flag_, .env = env_, .key = key_, .metavar = metavar_, .fallback = fallback_, .min = min_,    \
	  .max = max_, .words = words_, .verbs = verbs_, .help = help_ },
#include "runner/config/options.def"
#undef OPT
};
const size_t option_row_count = sizeof(option_rows) / sizeof(*option_rows);
_Static_assert(sizeof(option_rows) / sizeof(*option_rows) <= OPTION_ROWS_MAX, "OPTION_ROWS_MAX is too small");

static void *field_of(struct options *o, const struct option_row *row)
{
	return (char *)o + row->offset;
}

static bool is_owned_string(const struct option_row *row)
{
	return row->type == OPTION_STRING || row->type == OPTION_PATH;
}

/* Rows that share a field share the source of the first of them. */
static size_t source_index(const struct option_row *row)
{
	size_t i = 0;

	while (option_rows[i].offset != row->offset)
		i++;
	return i;
}

enum option_source option_source(const struct options *o, const struct option_row *row)
{
	return o->source[source_index(row)];
}

static bool name_is(const char *name, const char *word, size_t len)
{
	return name && strncmp(name, word, len) == 0 && !name[len];
}

const struct option_row *option_by_flag(const char *flag, size_t len, uint32_t verb)
{
	const struct option_row *found = NULL;

	for (size_t i = 0; i < option_row_count; i++) {
		if (!name_is(option_rows[i].flag, flag, len))
			continue;
		if (!verb || (option_rows[i].verbs & verb))
			return &option_rows[i];
		found = found ? found : &option_rows[i];
	}
	return found;
}

const struct option_row *option_by_env(const char *name, size_t len)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (name_is(option_rows[i].env, name, len))
			return &option_rows[i];
	return NULL;
}

const struct option_row *option_by_key(const char *key)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].key && strcmp(option_rows[i].key, key) == 0)
			return &option_rows[i];
	return NULL;
}

/* "NAME must be WHAT, not 'TEXT'HINT". */
static int value_error(struct err *e, const char *name, const char *what, const char *text, const char *hint)
{
	char quoted[VALUE_QUOTE_SIZE];

	return err_set(e, ERR_USAGE, "%s must be %s, not %s%s", name, what, value_quote(text, quoted), hint);
}

static int set_int(int64_t *field, const struct option_row *row, const char *name, const char *text, struct err *e)
{
	auto_str what = STR_INIT;
	int64_t v;

	if (value_int(text, &v) && v >= row->min && v <= row->max) {
		*field = v;
		return 0;
	}
	str_addf(&what, "a whole number from %lld to %lld", (long long)row->min, (long long)row->max);
	return value_error(e, name, str_cstr(&what), text, "");
}

static int set_ms(int64_t *field, const struct option_row *row, const char *name, const char *text, struct err *e)
{
	int64_t unit = row->type == OPTION_SECONDS ? 1000 : 1, v;
	auto_str what = STR_INIT;

	if (row->words && value_word(text, row->words) == 0) {
		*field = OPTION_AUTO_MS;
		return 0;
	}
	if (value_duration(text, unit, &v) && v >= row->min && v <= row->max) {
		*field = v;
		return 0;
	}
	str_addf(&what, "a %s from %lld to %lld%s or a time such as 500ms, 90s, 10m or 1h30m",
		 unit > 1 ? "number" : "whole number", (long long)(row->min + unit - 1) / unit, (long long)row->max / unit,
		 unit > 1 ? " (seconds)" : "");
	return value_error(e, name, str_cstr(&what), text, row->words ? " (or auto)" : "");
}

static int word_index(const struct option_row *row, const char *name, const char *text, struct err *e)
{
	int at = value_word(text, row->words);
	char hint[NEAREST_HINT_SIZE];
	auto_str what = STR_INIT;

	if (at >= 0)
		return at;
	value_words(&what, row->words);
	return value_error(e, name, str_cstr(&what), text, nearest_hint(nearest_word(text, row->words), hint));
}

static int set_bool(bool *field, bool invert, const char *name, const char *text, struct err *e)
{
	bool v;

	if (!value_bool(text, &v))
		return value_error(e, name, "true or false (1, 0, yes, no, on, off)", text, "");
	*field = v != invert;
	return 0;
}

static int set_string(char **field, const struct option_row *row, const char *name, const char *text,
		      struct err *e)
{
	if (!*text)
		return err_set(e, ERR_USAGE, "%s must be a %s, not ''", name,
			       row->type == OPTION_PATH ? "path" : "name");
	if (row->words && word_index(row, name, text, e) < 0)
		return -1;
	free(*field);
	*field = xstrdup(text);
	return 0;
}

static bool adds_up(const struct option_row *row)
{
	return row->offset == offsetof(struct options, redact_env) ||
	       row->offset == offsetof(struct options, redact_patterns);
}

/* The environment's list: a value a line, or separated by commas where it is one line and no
 * pattern (a comma has a meaning in `a{1,3}`). Blanks around a value do not belong to it. */
static void add_split(struct strv *list, const struct option_row *row, const char *text)
{
	const char *separators =
		strchr(text, '\n') || row->offset == offsetof(struct options, redact_patterns) ? "\n" : ",";

	while (*text) {
		size_t n = strcspn(text, separators), from = strspn(text, " \t\r"), to = n;

		while (to > from && strchr(" \t\r", text[to - 1]))
			to--;
		if (to > from)
			strv_take(list, xstrndup(text + from, to - from));
		text += n + (text[n] != '\0');
	}
}

static int set_list(struct options *o, const struct option_row *row, const char *name, const char *text,
		    enum option_source source, struct err *e)
{
	struct strv *list = field_of(o, row);

	if (!*text)
		return err_set(e, ERR_USAGE, "%s must be a %s, not ''", name, row->metavar);
	if (source > o->source[source_index(row)] && !adds_up(row))
		strv_release(list);
	if (source == SOURCE_ENV)
		add_split(list, row, text);
	else
		strv_add(list, text);
	return 0;
}

static int set_time(int64_t *field, const char *name, const char *text, struct err *e)
{
	int64_t v;

	if (strcmp(text, "auto") == 0) {
		*field = deadline_auto(clock_real_ns());
		return 0;
	}
	if (!value_time(text, &v) || v == 0)
		return value_error(e, name, "auto, seconds since 1970 or a time such as 2026-11-21T01:30:00Z", text, "");
	*field = v;
	return 0;
}

/* Those that stop a process or let it go on end nothing. */
static bool signal_ends(int sig)
{
	static const int others[] = { SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (sig == others[i])
			return false;
	return sig > 0 && signal_abbrev(sig);
}

static int set_signal(int *field, const char *name, const char *text, struct err *e)
{
	const char *bare = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	char number[12];

	for (int sig = 1; sig < NSIG; sig++) {
		snprintf(number, sizeof(number), "%d", sig);
		if (!signal_ends(sig) || (strcasecmp(bare, signal_abbrev(sig)) != 0 && strcmp(text, number) != 0))
			continue;
		*field = sig;
		return 0;
	}
	return value_error(e, name, "a signal that can end a process, such as TERM, SIGINT or 2", text, "");
}

static int set_value(struct options *o, const struct option_row *row, const char *name, const char *text,
		     enum option_source source, struct err *e)
{
	void *field = field_of(o, row);
	int at;

	switch (row->type) {
	case OPTION_BOOL:
	case OPTION_NOT:
		return set_bool(field, row->type == OPTION_NOT, name, text, e);
	case OPTION_INT:
		return set_int(field, row, name, text, e);
	case OPTION_MS:
	case OPTION_SECONDS:
		return set_ms(field, row, name, text, e);
	case OPTION_WORD:
		at = word_index(row, name, text, e);
		if (at < 0)
			return -1;
		*(int *)field = at;
		return 0;
	case OPTION_STRING:
	case OPTION_PATH:
		return set_string(field, row, name, text, e);
	case OPTION_LIST:
		return set_list(o, row, name, text, source, e);
	case OPTION_TIME:
		return set_time(field, name, text, e);
	case OPTION_SIGNAL:
		return set_signal(field, name, text, e);
	}
	BUG_ON(true);
}

int option_set(struct options *o, const struct option_row *row, const char *name, const char *text,
	       enum option_source source, struct err *e)
{
	if (set_value(o, row, name, text, source, e) < 0)
		return -1;
	o->source[source_index(row)] = (uint8_t)source;
	return 0;
}

void options_init(struct options *o)
{
	struct err e;

	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		/* Strings of the table are copied like any other: whoever replaces one frees it. */
		if (row->fallback && option_set(o, row, row->flag, row->fallback, SOURCE_DEFAULT, &e) < 0)
			bug_at(__FILE__, __LINE__, e.msg);
	}
}

void options_release(struct options *o)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (is_owned_string(row))
			mem_free_ptr(field_of(o, row));
		else if (row->type == OPTION_LIST)
			strv_release(field_of(o, row));
	}
	memset(o, 0, sizeof(*o));
}

static bool is_given(const struct options *o, size_t offset)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].offset == offset)
			return o->source[i] != SOURCE_DEFAULT;
	return false;
}

/* A file for the Molt profile asks for its collector. */
static void collect_mpa(struct options *o)
{
	char *list = o->profiling.collect;

	if (!o->profiling.mpa)
		return;
	o->profiling.collect = !list || !*list || strcmp(list, "none") == 0 ? xstrdup("mpa") : xasprintf("%s,mpa", list);
	free(list);
}

void options_finish(struct options *o)
{
	bool collects;

	collect_mpa(o);
	collects = o->profiling.collect && *o->profiling.collect && strcmp(o->profiling.collect, "none") != 0;

	/* What is collected has its place in a trace. That `off` was written down beside it is for the runner to refuse. */
	if (collects && o->profile_level < 2 &&
	    (o->profile_level || !is_given(o, offsetof(struct options, profile_level))))
		o->profile_level = 2;
	o->profile_out_given = is_given(o, offsetof(struct options, profile_out));
	o->profile_summary_out_given = is_given(o, offsetof(struct options, profile_summary_out));
	o->artifacts_dir_given = is_given(o, offsetof(struct options, artifacts_dir));
}
