/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/repo.h"

#include "base/fd.h"
#include "base/json_write.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool read_line(const char *dir, const char *name, char *out, size_t size)
{
	auto_free char *path = xasprintf("%s/%s", dir, name);
	ssize_t n = fd_read_file(AT_FDCWD, path, out, size);

	if (n < 0)
		return false;
	out[strcspn(out, "\r\n")] = '\0';
	return true;
}

/* .git itself, or the folder that a worktree's or submodule's file .git names. */
static bool git_dir(const char *root, char *out, size_t size)
{
	auto_free char *path = xasprintf("%s/.git", root);
	char text[1024];
	struct stat st;
	int n;

	if (stat(path, &st) < 0)
		return false;
	if (S_ISDIR(st.st_mode)) {
		n = snprintf(out, size, "%s", path);
	} else {
		if (!read_line(root, ".git", text, sizeof(text)) || !str_starts(text, "gitdir: "))
			return false;
		n = text[8] == '/' ? snprintf(out, size, "%s", text + 8) : snprintf(out, size, "%s/%s", root, text + 8);
	}
	return n > 0 && (size_t)n < size;
}

/* Where a worktree's branches and configuration are. */
static void common_dir(const char *git, char *out, size_t size)
{
	char text[1024];

	if (!read_line(git, "commondir", text, sizeof(text)))
		snprintf(out, size, "%s", git);
	else if (text[0] == '/')
		snprintf(out, size, "%s", text);
	else
		snprintf(out, size, "%s/%s", git, text);
}

static void copy_text(char *out, size_t size, const char *s)
{
	size_t n = strnlen(s, size - 1);

	memcpy(out, s, n);
	out[n] = '\0';
}

static bool is_rev(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return (n == 40 || n == 64) && !s[n];
}

static void find_packed(const char *common, const char *ref, char *rev, size_t size)
{
	auto_free char *path = xasprintf("%s/packed-refs", common);
	FILE *in = fopen(path, "re");
	char line[1024];

	while (in && fgets(line, sizeof(line), in)) {
		char *space = strchr(line, ' ');

		line[strcspn(line, "\r\n")] = '\0';
		if (!space || strcmp(space + 1, ref) != 0)
			continue;
		*space = '\0';
		if (is_rev(line))
			copy_text(rev, size, line);
		break;
	}
	if (in)
		fclose(in);
}

static void read_head(const char *git, const char *common, struct repo *r)
{
	char head[512], line[128];

	if (!read_line(git, "HEAD", head, sizeof(head)))
		return;
	if (!str_starts(head, "ref: ")) {
		if (is_rev(head))
			copy_text(r->rev, sizeof(r->rev), head);
		return;
	}
	if (str_starts(head + 5, "refs/heads/"))
		copy_text(r->branch, sizeof(r->branch), head + 16);
	if (read_line(common, head + 5, line, sizeof(line)) && is_rev(line))
		copy_text(r->rev, sizeof(r->rev), line);
	else
		find_packed(common, head + 5, r->rev, sizeof(r->rev));
}

void repo_strip_userinfo(const char *uri, char *out, size_t size)
{
	const char *scheme = strstr(uri, "://"), *slash, *at;

	if (scheme) {
		slash = strchr(scheme + 3, '/');
		at = memrchr(scheme + 3, '@', slash ? (size_t)(slash - scheme - 3) : strlen(scheme + 3));
		if (at) {
			snprintf(out, size, "%.*s%s", (int)(scheme + 3 - uri), uri, at + 1);
			return;
		}
	}
	snprintf(out, size, "%s", uri);
}

/* The `url` of [remote "origin"], as git writes it. */
static void read_origin(const char *common, struct repo *r)
{
	auto_free char *path = xasprintf("%s/config", common);
	FILE *in = fopen(path, "re");
	bool origin = false;
	char line[1024];

	while (in && fgets(line, sizeof(line), in)) {
		char *p = line + strspn(line, " \t"), *value;

		p[strcspn(p, "\r\n")] = '\0';
		if (*p == '[')
			origin = str_starts(p, "[remote \"origin\"]");
		else if (origin && str_starts(p, "url") && (value = strchr(p, '='))) {
			value += 1 + strspn(value + 1, " \t");
			repo_strip_userinfo(value, r->uri, sizeof(r->uri));
		}
	}
	if (in)
		fclose(in);
}

bool repo_read(const char *root, struct repo *r)
{
	char git[2048], common[3200];
	const char *slash = strrchr(root, '/');

	*r = (struct repo){ .dirty = -1 };
	if (!git_dir(root, git, sizeof(git)))
		return false;
	common_dir(git, common, sizeof(common));
	read_head(git, common, r);
	read_origin(common, r);
	if (!r->uri[0])
		copy_text(r->uri, sizeof(r->uri), slash && slash[1] ? slash + 1 : root);
	return true;
}

void repo_write(const struct repo *r, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "uri", r->uri[0] ? r->uri : NULL);
	json_str(&j, "rev", r->rev[0] ? r->rev : NULL);
	json_str(&j, "branch", r->branch[0] ? r->branch : NULL);
	if (r->dirty < 0)
		json_null(&j, "dirty");
	else
		json_bool(&j, "dirty", r->dirty);
	json_object_end(&j);
	json_finish(&j);
}
