/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/config/history_place.h"

#include "base/env.h"
#include "base/mem.h"
#include "base/path.h"

#include <string.h>

const char *history_dsn(char *const envp[], bool reading)
{
	const char *read = reading ? env_get_filled(envp, HISTORY_READ_DSN_ENV) : NULL;

	return read ? read : env_get_filled(envp, HISTORY_DSN_ENV);
}

static bool is_word(const char *text, const char *const words[])
{
	for (; *words; words++)
		if (strcasecmp(text, *words) == 0)
			return true;
	return false;
}

static const char *const words_off[] = { "off", "no", "false", "0", "", NULL };
static const char *const words_on[] = { "on", "yes", "true", "1", NULL };

bool history_is_named(const struct options *o, char *const envp[])
{
	if (o->history.where)
		return !is_word(o->history.where, words_off);
	return history_dsn(envp, false) != NULL;
}

/* "postgresql://…", "host=x dbname=y": libpq's two forms. */
static bool is_dsn(const char *where)
{
	return strstr(where, "://") || strstr(where, "dbname=") || strncmp(where, "host=", 5) == 0 ||
	       strncmp(where, "service=", 8) == 0;
}

int history_check(const struct options *o, struct err *e)
{
	if (!o->history.where || !is_dsn(o->history.where))
		return 0;
	return err_set(e, ERR_USAGE, "%s: expected a folder; a database is named by " HISTORY_DSN_ENV " in the environment"
		       " alone",
		       option_source(o, option_by_key("history.dir")) == SOURCE_FILE ? "history.dir" : "--history");
}

char *history_dir(const struct options *o, const char *root)
{
	const char *where = o->history.where;
	bool in_file = option_source(o, option_by_key("history.dir")) == SOURCE_FILE;

	if (!where || is_word(where, words_on) || is_word(where, words_off))
		return path_join(root, ".artifacts/history");
	if (in_file && where[0] != '/')
		return path_join(root, where);
	return path_resolve(root, where);
}
