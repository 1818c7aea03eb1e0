/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/ui/ci_groups.h"

#include "base/clock.h"
#include "base/utf8.h"
#include "base/width.h"

#include <inttypes.h>
#include <string.h>

#define TAIL_LINE_BYTES 400

static const char *value_of(char *const envp[], const char *name)
{
	size_t n = strlen(name);

	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return *envp + n + 1;
	return "";
}

enum ci_provider ci_provider_of(char *const envp[])
{
	if (*value_of(envp, "SPEC_RUNNER_RUN_ID"))
		return CI_NONE;
	if (strcmp(value_of(envp, "GITHUB_ACTIONS"), "true") == 0)
		return CI_GITHUB;
	if (strcmp(value_of(envp, "GITLAB_CI"), "true") == 0)
		return CI_GITLAB;
	if (strcmp(value_of(envp, "BUILDKITE"), "true") == 0)
		return CI_BUILDKITE;
	if (*value_of(envp, "TEAMCITY_VERSION"))
		return CI_TEAMCITY;
	if (strcmp(value_of(envp, "TF_BUILD"), "True") == 0)
		return CI_AZURE;
	return CI_NONE;
}

/* A name on one line; it never begins a line, where `::` and `##[` would be commands. TeamCity's
 * service messages escape with `|`. */
static void add_title(struct str *out, enum ci_provider p, const char *name)
{
	auto_str clean = STR_INIT, safe = STR_INIT;

	width_add_safe(&clean, name, strlen(name), true);
	utf8_add_plain(&safe, str_cstr(&clean), clean.len);
	for (const char *s = str_cstr(&safe); *s; s++) {
		if (p == CI_TEAMCITY && strchr("|'[]", *s))
			str_addc(out, '|');
		str_addc(out, *s);
	}
}

/* [A-Za-z0-9_.-] only. */
static void add_section(struct str *out, const char *name, unsigned id)
{
	str_addf(out, "spec_runner_%u_", id);
	for (; *name; name++)
		str_addc(out, (*name >= 'a' && *name <= 'z') || (*name >= 'A' && *name <= 'Z') ||
				      (*name >= '0' && *name <= '9') ? *name : '_');
}

void ci_group_begin(struct str *out, enum ci_provider p, const char *name, unsigned id, int64_t real_ns)
{
	switch (p) {
	case CI_NONE: return;
	case CI_GITHUB: str_add(out, "::group::"); break;
	case CI_AZURE: str_add(out, "##[group]"); break;
	case CI_BUILDKITE: str_add(out, "--- "); break;
	case CI_TEAMCITY: /* no flowId: the lines of a step have none either, and belong to the block */
		str_add(out, "##teamcity[blockOpened name='");
		add_title(out, p, name);
		str_add(out, "']\n");
		return;
	case CI_GITLAB:
		str_addf(out, "section_start:%" PRId64 ":", real_ns / NS_PER_S);
		add_section(out, name, id);
		str_add(out, "\r\033[0K");
		break;
	}
	add_title(out, p, name);
	str_addc(out, '\n');
}

void ci_group_end(struct str *out, enum ci_provider p, const char *name, unsigned id, bool failed, int64_t real_ns)
{
	switch (p) {
	case CI_NONE: break;
	case CI_GITHUB: str_add(out, "::endgroup::\n"); break;
	case CI_AZURE: str_add(out, "##[endgroup]\n"); break;
	case CI_BUILDKITE:
		if (failed)
			str_add(out, "^^^ +++\n");
		break;
	case CI_TEAMCITY:
		str_add(out, "##teamcity[blockClosed name='");
		add_title(out, p, name);
		str_add(out, "']\n");
		break;
	case CI_GITLAB:
		str_addf(out, "section_end:%" PRId64 ":", real_ns / NS_PER_S);
		add_section(out, name, id);
		str_add(out, "\r\033[0K\n");
		break;
	}
}

bool ci_group_hides(enum ci_provider p)
{
	return p == CI_GITHUB || p == CI_TEAMCITY || p == CI_AZURE;
}

/* Colours of a log are for its reader; here they would be noise. */
static size_t skip_escape(const char *s, size_t n)
{
	size_t i = 1;

	if (n < 2 || s[1] != '[')
		return n < 2 ? n : 2;
	for (i = 2; i < n && (s[i] < 0x40 || s[i] > 0x7e);)
		i++;
	return i < n ? i + 1 : n;
}

static void add_tail_line(struct str *out, const char *line, size_t n)
{
	auto_str plain = STR_INIT, safe = STR_INIT;

	if (n && line[n - 1] == '\r')
		n--;
	for (size_t i = 0; i < n && plain.len < TAIL_LINE_BYTES;) {
		if (line[i] == '\033') {
			i += skip_escape(line + i, n - i);
			continue;
		}
		if (line[i] == '\r') /* what a progress bar drew over */
			str_reset(&plain);
		else if (line[i] == '\t')
			str_add(&plain, "    ");
		else
			str_addc(&plain, line[i]);
		i++;
	}
	width_add_safe(&safe, str_cstr(&plain), plain.len, true);
	str_add(out, CI_TAIL_PREFIX);
	utf8_add_plain(out, str_cstr(&safe), safe.len); /* breaks "##[", which an escape may have hidden until now */
	str_addc(out, '\n');
}

void ci_tail_lines(struct str *out, const char *tail, size_t n, unsigned lines)
{
	size_t from;

	while (n && (tail[n - 1] == '\n' || tail[n - 1] == '\r'))
		n--;
	for (from = n; from && lines; from--)
		if (tail[from - 1] == '\n' && !--lines)
			break;
	while (from < n) {
		const char *eol = memchr(tail + from, '\n', n - from);
		size_t len = eol ? (size_t)(eol - tail) - from : n - from;

		add_tail_line(out, tail + from, len);
		from += len + 1;
	}
}
