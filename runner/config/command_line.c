/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/config/command_line.h"

#include "base/env.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/path.h"
#include "base/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENV_PREFIX "SPEC_RUNNER_"
#define ENV_NAME_BYTES 128

/* Our environment names that are not options, and so not mistyped ones. */
static const char *const env_not_options[] = { "SPEC_RUNNER_RUN_ID",           "SPEC_RUNNER_HISTORY_DSN",
					       "SPEC_RUNNER_HISTORY_READ_DSN", "SPEC_RUNNER_API_TOKEN",
					       "SPEC_RUNNER_REDACTION_KEY",    "SPEC_RUNNER_GATES",
					       "SPEC_RUNNER_JOB_TIMEOUT",      NULL };

static int unknown_option(const char *word, size_t len, uint32_t verb, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE], hint[NEAREST_HINT_SIZE], flag[64];
	struct nearest n;

	if (word[1] != '-' || len <= 2)
		return err_set(e, ERR_USAGE, "unknown option %s", value_quoten(word, len, quoted));
	snprintf(flag, sizeof(flag), "%.*s", (int)(len - 2 < 60 ? len - 2 : 60), word + 2);
	nearest_init(&n, flag);
	for (size_t i = 0; i < option_row_count; i++)
		if (!verb || (option_rows[i].verbs & verb))
			nearest_offer(&n, option_rows[i].flag);
	nearest_offer(&n, "help");
	nearest_offer(&n, "version");
	if (n.best) {
		snprintf(flag, sizeof(flag), "--%s", n.best);
		n.best = flag;
	}
	return err_set(e, ERR_USAGE, "unknown option %s%s", value_quoten(word, len, quoted),
		       nearest_hint(n.best, hint));
}

/* A value that is plainly another option, or the end of them: the value was forgotten. */
static bool is_option(const char *word, uint32_t verb)
{
	const struct option_row *row;
	size_t n = strcspn(word, "=");

	if (strncmp(word, "--", 2) != 0)
		return false;
	row = word[2] ? option_by_flag(word + 2, n - 2, verb) : NULL;
	return !word[2] || (row && (!verb || (row->verbs & verb)));
}

/* One option at argv[i]; returns how many words it takes, or -1. */
static int option_take(struct command_line *cl, int argc, char **argv, int i, struct err *e)
{
	const char *word = argv[i];
	size_t len = strcspn(word, "=");
	uint32_t verb = cl->syntax ? cl->syntax->bit : 0;
	struct given *g = &cl->given[cl->given_count];

	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		cl->help = true;
		return 1;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		cl->version = true;
		return 1;
	}
	if (strcmp(word, "-o") == 0 && (g->row = option_by_flag("output", 6, verb)) && (g->row->verbs & verb)) {
		word = "--output";
		len = strlen(word);
	}
	g->row = word[1] == '-' ? option_by_flag(word + 2, len - 2, verb) : NULL;
	if (!g->row)
		return unknown_option(word, len, verb, e);
	g->flag = word;
	g->flag_len = len;
	g->value = word[len] ? word + len + 1 : NULL;
	cl->given_count++;
	if (g->value || !g->row->metavar)
		return 1;
	if (i + 1 >= argc)
		return err_set(e, ERR_USAGE, "%s needs a value: %s %s", word, word, g->row->metavar);
	g->value = argv[i + 1];
	if (is_option(g->value, verb))
		return err_set(e, ERR_USAGE, "%s needs a value: %s %s; '%s' is not one", word, word, g->row->metavar,
			       g->value);
	return 2;
}

/* Before the verb was known an option was looked up for any of them. */
static int given_check(struct command_line *cl, struct err *e)
{
	for (int i = 0; i < cl->given_count; i++) {
		struct given *g = &cl->given[i];

		g->row = option_by_flag(g->flag + 2, g->flag_len - 2, cl->syntax->bit);
		if (!(g->row->verbs & cl->syntax->bit))
			return err_set(e, ERR_USAGE, "'%s' does not take the option %.*s", cl->syntax->name,
				       (int)g->flag_len, g->flag);
	}
	return 0;
}

static void rest_is_operands(struct command_line *cl, int argc, char **argv, int from)
{
	for (int i = from; i < argc; i++)
		cl->operands[cl->operand_count++] = argv[i];
}

static int words_take(struct command_line *cl, int argc, char **argv,
		      const struct verb_syntax *(*find)(const char *), struct err *e)
{
	int step;

	for (int i = 1; i < argc; i += step) {
		const char *word = argv[i];

		step = 1;
		if (strcmp(word, "--") == 0) {
			if (!cl->verb)
				return err_set(e, ERR_USAGE, "a verb must stand before '--'");
			rest_is_operands(cl, argc, argv, i + 1);
			break;
		}
		if (word[0] == '-' && word[1]) {
			step = option_take(cl, argc, argv, i, e);
			if (step < 0)
				return -1;
			continue;
		}
		if (cl->verb && cl->syntax->takes_command) {
			rest_is_operands(cl, argc, argv, i);
			break;
		}
		if (cl->verb) {
			cl->operands[cl->operand_count++] = argv[i];
			continue;
		}
		cl->verb = word;
		cl->syntax = find(word);
		for (int j = 1; j < argc; j++)
			if (j != i)
				cl->all_args[cl->all_argc++] = argv[j];
		if (!cl->syntax)
			break;
	}
	return 0;
}

static void command_line_init(struct command_line *cl, int argc)
{
	size_t words = (size_t)argc + 1;
	char **both = xcalloc(2 * words, sizeof(*both));

	memset(cl, 0, sizeof(*cl));
	cl->operands = both;
	cl->all_args = both + words;
	cl->given = xreallocarray(NULL, words, sizeof(*cl->given));
}

int command_line_split(struct command_line *cl, int argc, char **argv,
		       const struct verb_syntax *(*find)(const char *verb), struct err *e)
{
	command_line_init(cl, argc);
	if (words_take(cl, argc, argv, find, e) < 0)
		return -1;
	return cl->syntax ? given_check(cl, e) : 0;
}

int command_line_split_behind(struct command_line *cl, const struct verb_syntax *syntax, int argc, char **argv,
			      struct err *e)
{
	command_line_init(cl, argc);
	cl->verb = syntax->name;
	cl->syntax = syntax;
	for (int i = 1; i < argc; i++)
		cl->all_args[cl->all_argc++] = argv[i];
	return words_take(cl, argc, argv, NULL, e) < 0 || given_check(cl, e) < 0 ? -1 : 0;
}

void command_line_release(struct command_line *cl)
{
	free(cl->operands);
	free(cl->given);
	strv_release(&cl->notes);
	memset(cl, 0, sizeof(*cl));
}

static int flags_apply(struct options *o, const struct command_line *cl, struct err *e)
{
	for (int i = 0; i < cl->given_count; i++) {
		const struct given *g = &cl->given[i];
		char name[ENV_NAME_BYTES];

		snprintf(name, sizeof(name), "%.*s", (int)g->flag_len, g->flag);
		if (option_set(o, g->row, name, g->value ? g->value : "true", SOURCE_FLAG, e) < 0)
			return -1;
	}
	return 0;
}

/* An unknown variable may belong to anybody, but one that is nearly an option's is worth a word. */
static void env_note(struct command_line *cl, const char *name)
{
	struct nearest n;
	const size_t prefix = sizeof(ENV_PREFIX) - 1;

	for (size_t i = 0; env_not_options[i]; i++)
		if (strcmp(name, env_not_options[i]) == 0)
			return;
	nearest_init(&n, name + prefix);
	n.limit = n.limit > 2 ? 2 : n.limit;
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].env)
			nearest_offer(&n, option_rows[i].env + prefix);
	if (n.best)
		strv_take(&cl->notes, xasprintf("%s is not an option and is ignored (did you mean '%s%s'?)", name,
						ENV_PREFIX, n.best));
}

/* An empty variable is one that is not set where any text would do; where a number, a word
 * or a truth is wanted it is wrong like any other text. */
static bool env_counts(const struct option_row *row, const char *value)
{
	return *value || (row->type != OPTION_STRING && row->type != OPTION_PATH && row->type != OPTION_LIST);
}

static int env_apply(struct options *o, struct command_line *cl, char *const envp[], struct err *e)
{
	for (; *envp; envp++) {
		const struct option_row *row;
		char name[ENV_NAME_BYTES];
		const char *eq;
		size_t len;

		if ((*envp)[0] != 'S' || !str_starts(*envp, ENV_PREFIX) || !(eq = strchr(*envp, '=')))
			continue;
		len = (size_t)(eq - *envp);
		if (len >= sizeof(name))
			continue;
		memcpy(name, *envp, len);
		name[len] = '\0';
		row = option_by_env(name, len);
		if (!row)
			env_note(cl, name);
		else if (env_counts(row, eq + 1) && option_set(o, row, name, eq + 1, SOURCE_ENV, e) < 0)
			return -1;
	}
	return 0;
}

/* The file comes below environment and flags, which may name it. */
static int file_apply(struct options *o, struct config *c, const struct command_line *cl, char *const envp[],
		      const char *root, struct err *e)
{
	const char *named = NULL;
	auto_free char *path = NULL;
	bool by_flag = false;

	for (int i = 0; i < cl->given_count; i++)
		if (strcmp(cl->given[i].row->flag, "config") == 0)
			named = cl->given[i].value;
	by_flag = named != NULL;
	if (!named) {
		named = env_get(envp, "SPEC_RUNNER_CONFIG");
		named = named && *named ? named : NULL;
	}
	c->takes_server = cl->syntax && (cl->syntax->bit & (VERB_OPTIMIZE | VERB_GATEWAY | VERB_EXPLAIN));
	if (named && !*named)
		return err_set(e, ERR_USAGE, "--config must be a path, not ''");
	path = named ? path_resolve(root, named) : path_join(root, CONFIG_FILE_NAME);
	if (named && access(path, R_OK) < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES))
		return err_set(e, ERR_USAGE, "%s: reading '%s': %s", by_flag ? "--config" : "SPEC_RUNNER_CONFIG", named,
			       strerror(errno));
	if (!named && access(path, F_OK) < 0) { /* the other usual ending */
		auto_free char *other = path_join(root, CONFIG_FILE_NAME_OTHER);

		if (access(other, F_OK) == 0)
			return config_read(c, o, other, true, e);
	}
	return config_read(c, o, path, named != NULL, e);
}

int options_read(struct options *o, struct config *c, struct command_line *cl, char *const envp[],
		 const char *root, struct err *e)
{
	options_init(o);
	config_init(c);
	if (cl->syntax && cl->syntax->reads_values &&
	    (file_apply(o, c, cl, envp, root, e) < 0 || env_apply(o, cl, envp, e) < 0))
		return -1;
	if (flags_apply(o, cl, e) < 0)
		return -1;
	options_finish(o);
	for (size_t i = 0; i < option_row_count; i++)
		if (option_rows[i].type == OPTION_TIME && option_source(o, &option_rows[i]) != SOURCE_DEFAULT &&
		    !o->deadline_real_ns && option_rows[i].offset == offsetof(struct options, deadline_real_ns))
			strv_add(&cl->notes, "--deadline auto: no variable of the CI system says when this job ends, so "
					     "there is no deadline (SPEC_RUNNER_JOB_TIMEOUT=90m would say it)");
	return 0;
}
