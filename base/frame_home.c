/* SPDX-License-Identifier: Apache-2.0 */
/* frame_home.c - the rows of frame_home.def, and the order of places (frame_home.h). */
#include "base/frame_home.h"

#include "base/str.h"

#include <string.h>

enum field { FIELD_FILE, FIELD_MODULE, FIELD_FUNCTION };
enum how { HOW_BEGINS, HOW_HAS, HOW_BASE };

static const struct row {
	const char *language;
	enum field field;
	enum how how;
	const char *text;
	enum frame_home home;
} rows[] = {
#define HOME(language, field, how, text, home) { language, FIELD_##field, HOW_##how, text, FRAME_##home },
#include "base/frame_home.def"
};

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool row_fits(const struct row *r, const char *value)
{
	switch (r->how) {
	case HOW_BEGINS:
		return str_starts(value, r->text);
	case HOW_HAS:
		return strstr(value, r->text) != NULL;
	case HOW_BASE:
		return str_starts(base_of(value), r->text);
	}
	return false;
}

enum frame_home frame_home(const struct frame_words *f)
{
	const char *language = f->language && *f->language ? f->language : "native";
	bool native = strcmp(language, "native") == 0, has_file = f->file && *f->file;

	if (f->runtime)
		return FRAME_RUNTIME;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct row *r = &rows[i];
		const char *value = r->field == FIELD_FILE ? f->file : r->field == FIELD_MODULE ? f->module : f->function;

		if (!value || !*value || (*r->language && strcmp(r->language, language) != 0))
			continue;
		if (native && has_file && r->field == FIELD_FUNCTION)
			continue;
		if (r->field == FIELD_MODULE && r->home == FRAME_LIBRARY && (has_file || str_starts(value, "/usr/local/")))
			continue;
		if (row_fits(r, value))
			return r->home;
	}
	return FRAME_PROGRAM;
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
