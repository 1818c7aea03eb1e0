/* SPDX-License-Identifier: Apache-2.0 */
/* Argument vectors: a value may stand in the argument after its name. */
#include "trace/redact_internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* The name at the start of an argument ("--token", "TOKEN", "Authorization"): its length. */
static size_t argument_name(const char *arg)
{
	size_t n = 0;

	while ((arg[n] >= 'a' && arg[n] <= 'z') || (arg[n] >= 'A' && arg[n] <= 'Z') ||
	       (arg[n] >= '0' && arg[n] <= '9') || arg[n] == '_' || arg[n] == '-' || arg[n] == '.')
		n++;
	return n;
}

void redactor_learn_argv(struct redactor *r, char *const argv[])
{
	size_t before = r->value_count;

	for (size_t i = 0; argv && argv[i]; i++) {
		size_t name = argument_name(argv[i]);

		if (!name)
			continue;
		if (argv[i][name] == '=')
			redact_learn(r, argv[i], name, argv[i] + name + 1, strlen(argv[i] + name + 1));
		else if (argv[i][name] == '\0' && argv[i][0] == '-' && argv[i + 1] && argv[i + 1][0] != '-')
			redact_learn(r, argv[i], name, argv[i + 1], strlen(argv[i + 1]));
	}
	if (r->value_count > before)
		redact_needles_forget(r);
}

/* What comes before an argument, and says what it is. */
struct announced {
	struct secret_kind kind;  /* of the value that it announces */
	bool user;                /* "-u": a name and a password */
};

/* curl -u NAME:PASSWORD: true where it was one. */
static bool redact_user(struct redactor *r, const char *arg, struct str *out)
{
	const char *colon = strchr(arg, ':');

	if (!colon || strchr(arg, '/') || !redact_looks_secret(colon + 1, strlen(colon + 1)))
		return false;
	redact_text(r, arg, (size_t)(colon + 1 - arg), out);
	redact_whole(r, "userinfo", colon + 1, strlen(colon + 1), out);
	return true;
}

/* One argument. code: it is a program text, not one name and its value. */
static void redact_argument(struct redactor *r, const char *arg, struct announced *said, bool code, struct str *out)
{
	struct announced before = *said;
	size_t name = argument_name(arg), len = strlen(arg), at;
	struct secret_kind own = redact_name_kind(r, arg, name);

	*said = (struct announced){ .user = strcmp(arg, "-u") == 0 || strcmp(arg, "--user") == 0 };
	if (before.kind.strength != NAME_PLAIN && !(arg[0] == '-' && arg[1] == '-' && arg[2]) &&
	    !redact_is_open(r, &before.kind, arg, len)) {
		redact_whole(r, before.kind.label, arg, len, out);
		return;
	}
	if (before.user && redact_user(r, arg, out))
		return;
	if (!name || own.strength == NAME_PLAIN || code || !(arg[name] && strchr("=:", arg[name]))) {
		redact_text(r, arg, len, out);
		if (arg[name] == '\0' && arg[0] == '-')
			said->kind = own;
		return;
	}
	if (arg[name] == ':' && (arg[name + 1] == ':' || (arg[name + 1] && arg[name + 1] != ' '))) {
		redact_text(r, arg, len, out);
		return;
	}
	for (at = name + 1; arg[at] == ' ';)
		at++;
	if (arg[at] == '\0' && arg[name] == ':')
		said->kind = own;
	if (redact_is_open(r, &own, arg + at, len - at)) {
		redact_text(r, arg, len, out);
		return;
	}
	redact_text(r, arg, at, out);
	redact_whole(r, own.label, arg + at, len - at, out);
}

void redact_argv(struct redactor *r, char *const argv[], struct strv *out)
{
	struct announced said = { .user = false };

	for (size_t i = 0; argv && argv[i]; i++) {
		auto_str one = STR_INIT;
		bool code = i > 0 && (strcmp(argv[i - 1], "-c") == 0 || strcmp(argv[i - 1], "-lc") == 0 ||
				      strcmp(argv[i - 1], "-ec") == 0 || strcmp(argv[i - 1], "-e") == 0);

		redact_argument(r, argv[i], &said, code, &one);
		strv_take(out, str_steal(&one));
	}
}
