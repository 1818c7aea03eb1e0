/* SPDX-License-Identifier: Apache-2.0 */
#include "optimize/path_rule.h"

#include "base/utf8.h"

#include <string.h>
#include <strings.h>

/* One table: what stands here is denied whatever `paths` says. */
static const char *const denied[] = {
	/* tests */
	"**/tests/**", "**/test/**", "**/specs/**", "**/*.spec.*",
	/* CI */
	"**/.github/**", "**/.gitlab*", "**/.gitlab*/**", "**/.circleci/**", ".travis.yml", "Jenkinsfile*",
	"azure-pipelines*", "bitbucket-pipelines.yml", ".drone.yml", "appveyor.yml", ".woodpecker*", ".woodpecker/**",
	".buildkite/**",
	/* lock files */
	"**/*.lock", "**/*.lockb", "**/package-lock.json", "**/npm-shrinkwrap.json", "**/pnpm-lock.yaml", "**/go.sum",
	"**/packages.lock.json", "**/Package.resolved", "**/gradle.lockfile",
	/* ours, and what git itself reads */
	"**/spec-runner.yaml", "**/spec-runner.yml", "**/.gitmodules", "**/.gitattributes", "**/.gitignore", ".artifacts/**",
	NULL,
};
#define DENIED_TESTS 4

/* A character class at p (behind '['): does c match? *end: behind its ']'; false where it has none. */
static bool class_match(const char *p, char c, bool *hit, const char **end)
{
	bool negated = *p == '!' || *p == '^', found = false;
	const char *from;

	p += negated;
	from = p;
	while (*p && (*p != ']' || p == from)) {
		if (p[1] == '-' && p[2] && p[2] != ']') {
			found |= (unsigned char)c >= (unsigned char)p[0] && (unsigned char)c <= (unsigned char)p[2];
			p += 3;
		} else {
			found |= *p++ == c;
		}
	}
	*hit = found != negated;
	*end = p + 1;
	return *p == ']';
}

/* One element that is not '*' against one character. *next: behind the element. */
static bool one_match(const char *p, char c, const char **next)
{
	bool hit;

	*next = p + 1;
	if (*p == '?')
		return c != '/';
	if (*p == '[' && class_match(p + 1, c, &hit, next))
		return hit && c != '/';
	if (*p == '\\' && p[1]) {
		*next = p + 2;
		return p[1] == c;
	}
	return *p == c;
}

/* Two marks to go back to, one for each kind of star: linear in the pattern for every start, and never exponential. */
bool path_glob(const char *pattern, const char *path)
{
	const char *p = pattern, *s = path, *star = NULL, *star_s = NULL, *deep = NULL, *deep_s = NULL, *next;

	while (*s || *p) {
		if (p[0] == '*' && p[1] == '*') {
			while (*p == '*')
				p++;
			p += *p == '/'; /* "**" and a slash: none or more whole parts */
			deep = p;
			deep_s = s;
			star = NULL;
			if (!*p)
				return true;
			continue;
		}
		if (*p == '*') {
			star = ++p;
			star_s = s;
			continue;
		}
		if (*s && *p && one_match(p, *s, &next)) {
			p = next;
			s++;
			continue;
		}
		if (star && *star_s && *star_s != '/') {
			p = star;
			s = ++star_s;
			continue;
		}
		if (!deep || !(deep_s = strchr(deep_s, '/')))
			return false;
		star = NULL;
		p = deep;
		s = ++deep_s;
	}
	return true;
}

bool path_glob_any(const struct strv *patterns, const char *path)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (path_glob(patterns->v[i], path))
			return true;
	return false;
}

/* ".git", and what other file systems take for it. */
static bool is_git(const char *part, size_t n)
{
	while (n && (part[n - 1] == '.' || part[n - 1] == ' '))
		n--;
	return (n == 4 && strncasecmp(part, ".git", 4) == 0) || (n == 5 && strncasecmp(part, "git~1", 5) == 0) ||
	       (n > 4 && strncasecmp(part, ".git", 4) == 0 && part[4] == ':');
}

bool path_is_plain(const char *path, size_t n)
{
	size_t at = 0;

	if (!n || path[0] == '/' || path[n - 1] == '/' || n > 4000 || memchr(path, '\\', n))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)path[i] < 0x20 || path[i] == 0x7f)
			return false;
	if (!utf8_valid(path, n))
		return false;
	while (at < n) {
		const char *slash = memchr(path + at, '/', n - at);
		size_t len = slash ? (size_t)(slash - path) - at : n - at;

		if (!len || (len == 1 && path[at] == '.') || (len == 2 && path[at] == '.' && path[at + 1] == '.') ||
		    is_git(path + at, len))
			return false;
		at += len + 1;
	}
	return true;
}

const char *path_denied_always(const char *path)
{
	for (size_t i = 0; denied[i]; i++)
		if (path_glob(denied[i], path))
			return denied[i];
	return NULL;
}

bool path_is_test(const char *path)
{
	for (size_t i = 0; i < DENIED_TESTS; i++)
		if (path_glob(denied[i], path))
			return true;
	return false;
}
