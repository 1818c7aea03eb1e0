/* SPDX-License-Identifier: Apache-2.0 */
/* frame_home.c - the rows of frame_home.def, and the order of places (frame_home.h). */
#include "base/frame_home.h"

#include "base/err.h"
#include "base/str.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

enum field { FIELD_FILE, FIELD_MODULE, FIELD_FUNCTION };
enum how { HOW_BEGINS, HOW_HAS, HOW_BASE };

static const struct row {
	const char *language, *text;
	uint8_t text_len, field, how, home;
} rows[] = {
#define HOME(language, field, how, text, home) \
	{ language, text, sizeof(text) - 1, FIELD_##field, HOW_##how, FRAME_##home },
#include "base/frame_home.def"
};

/* A text of a frame; at NULL: unknown. */
struct value {
	const char *at, *base; /* base: its last component */
	size_t n;
};

static struct value value_of(const char *s)
{
	const char *slash;

	if (!s || !*s)
		return (struct value){ 0 };
	slash = strrchr(s, '/');
	return (struct value){ .at = s, .base = slash ? slash + 1 : s, .n = strlen(s) };
}

static bool row_fits(const struct row *r, const struct value *v)
{
	switch ((enum how)r->how) {
	case HOW_BEGINS:
		return *v->at == *r->text && strncmp(v->at, r->text, r->text_len) == 0;
	case HOW_HAS:
		return r->text_len <= v->n && strstr(v->at, r->text) != NULL;
	case HOW_BASE:
		return *v->base == *r->text && strncmp(v->base, r->text, r->text_len) == 0;
	}
	return false;
}

/* The rows for frames of one language, in their order. */
enum { ROWS = sizeof(rows) / sizeof(*rows), LANGUAGES_MAX = 24 };
static struct rows_of {
	const char *language;
	uint16_t n, row[ROWS];
} tables[LANGUAGES_MAX];
static size_t table_count;
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static bool row_is_for(const struct row *r, const char *language)
{
	return !*r->language || strcmp(r->language, language) == 0;
}

/* The first is that of languages without rows of their own. */
static void tables_make(void)
{
	tables[table_count++].language = "";
	for (size_t i = 0; i < ROWS; i++) {
		size_t k = 0;

		while (k < table_count && strcmp(tables[k].language, rows[i].language) != 0)
			k++;
		BUG_ON(k == LANGUAGES_MAX);
		if (k == table_count)
			tables[table_count++].language = rows[i].language;
	}
	for (size_t k = 0; k < table_count; k++)
		for (size_t i = 0; i < ROWS; i++)
			if (row_is_for(&rows[i], tables[k].language))
				tables[k].row[tables[k].n++] = (uint16_t)i;
}

static const struct rows_of *table_for(const char *language)
{
	pthread_once(&tables_made, tables_make);
	for (size_t k = 1; k < table_count; k++)
		if (strcmp(tables[k].language, language) == 0)
			return &tables[k];
	return &tables[0];
}

static enum frame_home home_by_rows(const struct frame_words *f)
{
	const char *language = f->language && *f->language ? f->language : "native";
	const struct value v[] = { [FIELD_FILE] = value_of(f->file), [FIELD_MODULE] = value_of(f->module),
				   [FIELD_FUNCTION] = value_of(f->function) };
	bool native = strcmp(language, "native") == 0, has_file = v[FIELD_FILE].at;
	const struct rows_of *t = table_for(language);

	for (size_t i = 0; i < t->n; i++) {
		const struct row *r = &rows[t->row[i]];

		if (!v[r->field].at || (native && has_file && r->field == FIELD_FUNCTION))
			continue;
		if (r->field == FIELD_MODULE && r->home == FRAME_LIBRARY &&
		    (has_file || str_starts(v[r->field].at, "/usr/local/")))
			continue;
		if (row_fits(r, &v[r->field]))
			return (enum frame_home)r->home;
	}
	return FRAME_PROGRAM;
}

enum frame_home frame_home(const struct frame_words *f)
{
	return f->runtime ? FRAME_RUNTIME : home_by_rows(f);
}

enum frame_place frame_place(const struct frame_words *f, bool interpreted)
{
	bool native = !f->language || !*f->language || strcmp(f->language, "native") == 0;
	bool line = f->file && *f->file && f->line > 0;

	if (!f->function || !*f->function || (interpreted && native))
		return PLACE_NONE;
	switch (frame_home(f)) {
	case FRAME_PROGRAM:
		return line ? PLACE_OWN_LINE : PLACE_OWN_NAME;
	case FRAME_LIBRARY:
		return line ? PLACE_PACKAGE_LINE : PLACE_PACKAGE_NAME;
	case FRAME_UNPLACED:
		return PLACE_UNPLACED;
	case FRAME_INTERPRETER:
		return PLACE_RUNTIME;
	case FRAME_RUNNER:
	case FRAME_RUNTIME:
		return native ? PLACE_NONE : PLACE_RUNTIME;
	}
	return PLACE_NONE;
}

bool frame_module_is_runtime(const char *path)
{
	struct frame_words f = { .language = "native", .module = path };
	enum frame_home home = frame_home(&f);

	return home == FRAME_RUNTIME || home == FRAME_INTERPRETER;
}
