/* SPDX-License-Identifier: Apache-2.0 */
/* then_now.c - in what this place differs from the one of the trace: variables, commit, memory. Values of the environment
 * are in no trace; under one key their hashes can be compared. */
#include "runner/repro/session.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "trace/read.h"
#include "trace/redact.h"
#include "trace/repo.h"

#include <string.h>
#include <unistd.h>

#define KEY_ENV "SPEC_RUNNER_REDACTION_KEY"

static bool is_set(char *const envp[], const char *name)
{
	size_t n = strlen(name);

	for (; *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return true;
	return false;
}

static bool is_of_ci(const char *name)
{
	static const char *const prefixes[] = { "GITHUB_",   "RUNNER_", "ACTIONS_", "GITLAB_", "CI_",
						"BUILDKITE", "JENKINS", "BUILD_",   "AGENT_",  "TF_" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (str_starts(name, prefixes[i]))
			return true;
	return strcmp(name, "CI") == 0;
}

/* What differs in any two shells says nothing. */
static bool is_of_shell(const char *name)
{
	static const char *const names[] = { "_",    "PWD",     "OLDPWD",   "SHLVL", "HOME",
					       "USER", "LOGNAME", "HOSTNAME", "TMPDIR" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return str_starts(name, "SPEC_RUNNER_");
}

/* Names in the order in which they tell most: CI's own last. */
static void say_names(struct session *s, const char *what, bool (*wanted)(void *arg, size_t i), void *arg)
{
	auto_str line = STR_INIT;

	for (int of_ci = 0; of_ci < 2; of_ci++)
		for (size_t i = 0; i < s->target.env_names.n; i++)
			if (is_of_ci(s->target.env_names.v[i]) == of_ci && wanted(arg, i))
				str_addf(&line, "%s%s", line.len ? ", " : "", s->target.env_names.v[i]);
	if (line.len)
		say_line(s, "repro: %s: %s", what, str_cstr(&line));
}

static bool not_set_now(void *arg, size_t i)
{
	const struct session *s = arg;
	const char *name = s->target.env_names.v[i];

	return !is_set(s->launch.envp, name) && !str_starts(name, "SPEC_RUNNER_");
}

struct hashes {
	const struct session *s;
	const struct json_value *now;
};

static const char *hash_now(const struct hashes *h, size_t i)
{
	return attr_text(json_get(h->now, h->s->target.env_names.v[i]), "hash");
}

static bool differs_now(void *arg, size_t i)
{
	const struct hashes *h = arg;
	const char *then = h->s->target.env_hashes.v[i], *now = hash_now(h, i);

	return *then && *now && strcmp(then, now) != 0 && !is_of_shell(h->s->target.env_names.v[i]);
}

/* Where no value at all is the same, the trace was hashed under another key. */
static bool same_key(const struct hashes *h)
{
	for (size_t i = 0; i < h->s->target.env_hashes.n; i++)
		if (*h->s->target.env_hashes.v[i] && strcmp(h->s->target.env_hashes.v[i], hash_now(h, i)) == 0)
			return true;
	return false;
}

static void say_values(struct session *s)
{
	auto_str profile = STR_INIT;
	struct hashes h = { .s = s };
	struct err ignored = { 0 };
	struct json_reader *r;

	if (!is_set(s->launch.envp, KEY_ENV))
		return;
	redact_env_profile(s->redactor, s->launch.envp, &profile);
	r = json_reader_text(profile.data, profile.len, "environment");
	if (json_take(r, &h.now, &ignored) == 0 && same_key(&h))
		say_names(s, "another value then than now", differs_now, &h);
	json_reader_free(r);
}

static void say_commit(struct session *s)
{
	struct repo now;

	if (!s->target.commit || !repo_read(s->root, &now) || !*now.rev || strcmp(now.rev, s->target.commit) == 0)
		return;
	say_line(s, "repro: the run was of commit %.12s, this folder is at %.12s", s->target.commit, now.rev);
}

static void say_memory(struct session *s)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	int64_t now = pages > 0 && size > 0 ? (int64_t)pages * size : 0, then = s->target.memory_bytes;

	if (then > 0 && now > 0 && (then < now / 2 || now < then / 2))
		say_line(s, "repro: the run had %.1f GiB of memory, this machine has %.1f", (double)then / 0x1p30,
			 (double)now / 0x1p30);
}

void say_differences(struct session *s)
{
	if (s->o->quiet)
		return;
	say_commit(s);
	say_memory(s);
	say_names(s, "set then, not now", not_set_now, s);
	say_values(s);
}
