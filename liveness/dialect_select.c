/* SPDX-License-Identifier: Apache-2.0 */
#include "liveness/dialect_select.h"

#include "base/mem.h"
#include "base/yaml.h"
#include "liveness/dialect_int.h"

#include <stdlib.h>
#include <string.h>

static int load_text(const struct yaml_node *map, const char *key, char **out, struct err *e)
{
	const char *s = NULL;
	int rc = yaml_get_string(map, key, &s, e);

	if (rc > 0)
		*out = xstrdup(s);
	return rc < 0 ? -1 : 0;
}

static int check_pattern(const struct yaml_node *map, const char *key, const char *pattern, struct err *e)
{
	PCRE2_SIZE at;
	int error;
	pcre2_code *code;

	if (!pattern)
		return 0;
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);
	if (!code)
		return yaml_error(yaml_get(map, key), e, "pattern is wrong at offset %zu", (size_t)at);
	pcre2_code_free(code);
	return 0;
}

int dialect_way_load(struct dialect_way *w, const struct yaml_node *map, struct err *e)
{
	static const char *const keys[] = { "tool",   "test",  "regex", "join", "args",
					    "before", "after", "drop",  "env",  NULL };

	if (!map)
		return 0;
	if (yaml_want_map(map, e) < 0 || yaml_check_keys(map, keys, e) < 0 || load_text(map, "tool", &w->tool, e) < 0 ||
	    load_text(map, "test", &w->test, e) < 0 || yaml_get_bool(map, "regex", &w->regex, e) < 0 ||
	    load_text(map, "join", &w->join, e) < 0 || yaml_get_string_or_list(map, "args", &w->args, e) < 0 ||
	    load_text(map, "before", &w->before, e) < 0 || load_text(map, "after", &w->after, e) < 0 ||
	    load_text(map, "drop", &w->drop, e) < 0 || yaml_get_string_or_list(map, "env", &w->env, e) < 0 ||
	    check_pattern(map, "tool", w->tool, e) < 0 || check_pattern(map, "drop", w->drop, e) < 0)
		return -1;
	if (!w->args.n && !w->env.n)
		return yaml_error(map, e, "needs 'args' or 'env'");
	for (size_t i = 0; i < w->env.n; i++)
		if (!strchr(w->env.v[i], '='))
			return yaml_error(yaml_get(map, "env"), e, "'%s' is not NAME=value", w->env.v[i]);
	w->given = true;
	return 0;
}

void dialect_way_release(struct dialect_way *w)
{
	free(w->tool);
	free(w->test);
	free(w->join);
	free(w->before);
	free(w->after);
	free(w->drop);
	strv_release(&w->args);
	strv_release(&w->env);
	memset(w, 0, sizeof(*w));
}

const struct dialect_way *dialect_set_way(const struct dialect_set *set, const char *dialect,
					  enum dialect_way_kind kind)
{
	for (unsigned i = 0; i < set->n; i++) {
		const struct dialect *d = set->dialect[i];

		const struct dialect_way *way = kind == WAY_SELECT   ? &d->select
						: kind == WAY_EXCEPT ? &d->except
								     : &d->shuffle;

		if (strcmp(d->name, dialect) == 0)
			return way->given ? way : NULL;
	}
	return NULL;
}

/* ---- writing ---- */

static void add_quoted(struct str *out, const char *s, bool regex)
{
	for (; *s; s++) {
		if (regex && strchr("\\^$.|?*+()[]{}/", *s) && *s != '/')
			str_addc(out, '\\');
		str_addc(out, *s);
	}
}

/* text with {name} replaced by the value that `find` gives; an unknown name stays. */
static void expand(struct str *out, const char *text, const char *(*find)(void *arg, const char *name, size_t n),
		   void *arg, bool regex)
{
	while (*text) {
		const char *end = *text == '{' ? strchr(text, '}') : NULL;
		const char *value = end ? find(arg, text + 1, (size_t)(end - text - 1)) : NULL;

		if (value) {
			add_quoted(out, value, regex);
			text = end + 1;
		} else {
			str_addc(out, *text++);
		}
	}
}

static bool is_name(const char *name, size_t n, const char *want)
{
	return strlen(want) == n && memcmp(name, want, n) == 0;
}

static const char *part_of_test(void *arg, const char *name, size_t n)
{
	const struct dialect_pick *p = arg;

	return is_name(name, n, "suite")  ? p->suite
	       : is_name(name, n, "name") ? p->name
	       : is_name(name, n, "file") ? p->file
					  : NULL;
}

struct filling {
	const char *test, *tests, *seed;
};

static const char *part_of_word(void *arg, const char *name, size_t n)
{
	const struct filling *f = arg;

	return is_name(name, n, "test")    ? f->test
	       : is_name(name, n, "tests") ? f->tests
	       : is_name(name, n, "seed")  ? f->seed
					   : NULL;
}

static void write_test(const struct dialect_way *w, const struct dialect_pick *p, struct str *out)
{
	str_reset(out);
	expand(out, w->test ? w->test : "{name}", part_of_test, (void *)p, w->regex);
}

static void join_tests(const struct dialect_way *w, const struct dialect_pick *tests, size_t n, struct str *out)
{
	auto_str one = STR_INIT;

	for (size_t i = 0; i < n; i++) {
		write_test(w, &tests[i], &one);
		if (i)
			str_add(out, w->join ? w->join : " ");
		str_add(out, str_cstr(&one));
	}
}

static void add_word(struct strv *to, const char *word, const struct filling *f)
{
	auto_str text = STR_INIT;

	expand(&text, word, part_of_word, (void *)f, false);
	strv_add(to, str_cstr(&text));
}

static void fill(const struct dialect_way *w, const struct dialect_pick *tests, size_t n, const char *seed,
		 struct strv *args, struct strv *env)
{
	auto_str all = STR_INIT, one = STR_INIT;
	struct filling f = { NULL, NULL, seed };

	join_tests(w, tests, n, &all);
	f.tests = str_cstr(&all);
	for (size_t i = 0; i < w->args.n; i++) {
		if (!strstr(w->args.v[i], "{test}")) {
			add_word(args, w->args.v[i], &f);
			continue;
		}
		for (size_t k = 0; k < n; k++) {
			write_test(w, &tests[k], &one);
			f.test = str_cstr(&one);
			if (!strv_has(args, f.test)) /* of a file two tests are one word */
				add_word(args, w->args.v[i], &f);
		}
	}
	for (size_t i = 0; i < w->env.n; i++)
		add_word(env, w->env.v[i], &f);
}

static bool matches(const char *pattern, const char *text)
{
	pcre2_match_data *m;
	pcre2_code *code;
	PCRE2_SIZE at;
	int error, rc;

	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);
	BUG_ON(!code); /* it was compiled when it was loaded */
	m = pcre2_match_data_create_from_pattern(code, NULL);
	rc = pcre2_match(code, (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, 0, m, NULL);
	pcre2_match_data_free(m);
	pcre2_code_free(code);
	return rc > 0;
}

static bool is_tool(const struct dialect_way *w, char *const command[])
{
	auto_str line = STR_INIT;

	for (; *command; command++) {
		if (line.len)
			str_addc(&line, ' ');
		str_add(&line, *command);
	}
	return matches(w->tool, str_cstr(&line));
}

static void insert(const struct dialect_way *w, char *const command[], const struct strv *args, struct strv *argv)
{
	const char *marker = w->after ? w->after : w->before;
	bool done = false;

	for (size_t i = 0; command[i]; i++) {
		bool here = marker && !done && i > 0 && strcmp(command[i], marker) == 0;

		if (here && w->before)
			for (size_t k = 0; k < args->n; k++)
				strv_add(argv, args->v[k]);
		if (i == 0 || !w->drop || !matches(w->drop, command[i]))
			strv_add(argv, command[i]);
		if (here && w->after)
			for (size_t k = 0; k < args->n; k++)
				strv_add(argv, args->v[k]);
		done |= here;
	}
	if (done)
		return;
	if (w->after)
		strv_add(argv, w->after);
	for (size_t k = 0; k < args->n; k++)
		strv_add(argv, args->v[k]);
}

bool dialect_way_apply(const struct dialect_way *w, char *const command[], const struct dialect_pick *tests, size_t n,
		       uint32_t seed, struct strv *argv, struct strv *env, const char **why)
{
	auto_free char *number = xasprintf("%u", seed);
	struct strv args = STRV_INIT;
	bool direct = !w->tool || is_tool(w, command);

	*why = NULL;
	if (!direct && !w->env.n) {
		*why = "the command only wraps the tool, which reads no variable for it";
		return false;
	}
	fill(w, tests, n, number, &args, env);
	if (!direct)
		strv_release(&args); /* the variable carries it through the wrapper */
	insert(w, command, &args, argv);
	strv_release(&args);
	return true;
}
