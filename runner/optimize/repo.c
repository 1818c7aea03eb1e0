/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/optimize/repo.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "runner/optimize/child.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIT_OUT_MAX ((size_t)64 << 20)
#define GIT_WORDS 24
#define GIT_TRIES 3     /* somebody killed it */

/* Settings that no file may change: by git's own variables, so that they hold for every child of git, too. */
static const char *const settings[][2] = {
	{ "core.hooksPath", "/dev/null" }, { "core.fsmonitor", "false" }, { "core.autocrlf", "false" },
	{ "core.attributesFile", "/dev/null" }, { "core.excludesFile", "/dev/null" }, { "safe.directory", "*" },
	{ "gc.auto", "0" }, { "maintenance.auto", "false" }, { "advice.detachedHead", "false" }, { "commit.gpgSign",
	"false" },
	{ "core.quotePath", "true" }, { "core.untrackedCache", "false" }, { "protocol.allow", "never" },
	{ "protocol.file.allow", "always" }, { "submodule.recurse", "false" }, { "diff.external", "" },
	{ "apply.whitespace", "nowarn" }, { "core.commentChar", "#" },
};

void repo_env(struct strv *env, char *const envp[], const char *home)
{
	static const char *const fixed[] = {
		"LC_ALL=C", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_OPTIONAL_LOCKS=0", "GIT_ATTR_NOSYSTEM=1", "GIT_AUTHOR_NAME=spec-runner",
		"GIT_COMMITTER_NAME=spec-runner",
		"GIT_AUTHOR_EMAIL=spec-runner@localhost", "GIT_COMMITTER_EMAIL=spec-runner@localhost",
		"GIT_AUTHOR_DATE=@0 +0000", "GIT_COMMITTER_DATE=@0 +0000", "GIT_PAGER=cat",
	};
	size_t n = sizeof(settings) / sizeof(settings[0]);

	for (char *const *p = envp; *p; p++)
		if (str_starts(*p, "PATH=") || str_starts(*p, "TZ="))
			strv_add(env, *p);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		strv_add(env, fixed[i]);
	strv_take(env, xasprintf("HOME=%s", home));
	strv_take(env, xasprintf("GIT_CONFIG_COUNT=%zu", n));
	for (size_t i = 0; i < n; i++) {
		strv_take(env, xasprintf("GIT_CONFIG_KEY_%zu=%s", i, settings[i][0]));
		strv_take(env, xasprintf("GIT_CONFIG_VALUE_%zu=%s", i, settings[i][1]));
	}
}

/* git -C dir WORDS..., with more variables. Its exit code, or -1. */
static int git_run(const struct repo *r, const char *dir, const char *extra, const void *in, size_t n, struct str *out,
		   struct str *err, const char *const words[], struct err *e)
{
	char *argv[GIT_WORDS + 4] = { "git", "-C", (char *)dir };
	auto_free char *lock = xasprintf("%s.lock", r->index);
	struct strv env = STRV_INIT;
	struct child c = { .argv = argv, .in = in, .in_len = n, .out_max = GIT_OUT_MAX, .until_ns = TIME_NEVER };
	int rc = -1;

	for (size_t i = 0; words[i]; i++) {
		BUG_ON(i >= GIT_WORDS);
		argv[3 + i] = (char *)words[i];
	}
	strv_copy(&env, &r->env);
	if (extra)
		strv_add(&env, extra);
	c.envp = env.v;
	for (int i = 0; i < GIT_TRIES; i++) {
		rc = child_run(&c, e);
		if (rc < 0 || c.signal != SIGKILL || child_interrupted)
			break;
		unlink(lock); /* left by the git that was killed: nobody else uses the index of the loop */
	}
	strv_release(&env);
	if (rc == 0 && out) {
		str_reset(out);
		str_addn(out, str_cstr(&c.out), c.out.len);
	}
	if (rc == 0 && err) {
		str_reset(err);
		str_addn(err, str_cstr(&c.err), c.err.len);
	}
	rc = rc < 0 ? -1 : c.code;
	child_release(&c);
	return rc;
}

#define GIT(r, dir, out, e, ...) git_run(r, dir, NULL, NULL, 0, out, NULL, (const char *const[]){ __VA_ARGS__, NULL }, e)

static void chomp(struct str *s)
{
	while (s->len && s->data[s->len - 1] == '\n')
		s->data[--s->len] = '\0';
}

static int git_failed(struct err *e, const char *what)
{
	return err_set(e, ERR_FAILURE, "git: %s failed", what);
}

/* ---- the user's repository, which is only read ---- */

int repo_open(struct repo *r, const char *root, const char *dir, char *const envp[], struct err *e)
{
	auto_str out = STR_INIT;
	int rc;

	memset(r, 0, sizeof(*r));
	r->dir = xstrdup(dir);
	r->git = path_join(dir, "repo.git");
	r->index = path_join(dir, "index");
	repo_env(&r->env, envp, dir);
	rc = GIT(r, root, &out, e, "rev-parse", "--show-toplevel");
	if (rc < 0 || rc == 127)
		return err_set(e, ERR_USAGE, "git is needed, and was not found on PATH");
	chomp(&out);
	if (rc != 0 || !out.len)
		return err_set(e, ERR_USAGE, "'%s' is not in the work tree of a git repository", root);
	r->top = str_steal(&out);
	if (GIT(r, root, &out, e, "rev-parse", "--show-prefix") != 0)
		return git_failed(e, "rev-parse --show-prefix");
	chomp(&out);
	r->prefix = str_steal(&out);
	return 0;
}

void repo_release(struct repo *r)
{
	free(r->top);
	free(r->prefix);
	free(r->dir);
	free(r->git);
	free(r->index);
	strv_release(&r->env);
	memset(r, 0, sizeof(*r));
}

int repo_commit_of(const struct repo *r, const char *rev, char commit[OID_SIZE], char tree[OID_SIZE], struct err *e)
{
	auto_free char *c = xasprintf("%s^{commit}", rev), *t = xasprintf("%s^{tree}", rev);
	auto_str out = STR_INIT;
	char quoted[VALUE_QUOTE_SIZE];

	if (rev[0] == '-' || GIT(r, r->top, &out, e, "rev-parse", "--verify", "--quiet", c) != 0)
		return err_set(e, ERR_USAGE, "%s is not a commit of '%s'", value_quote(rev, quoted), r->top);
	chomp(&out);
	snprintf(commit, OID_SIZE, "%s", str_cstr(&out));
	if (GIT(r, r->top, &out, e, "rev-parse", "--verify", "--quiet", t) != 0)
		return git_failed(e, "rev-parse");
	chomp(&out);
	snprintf(tree, OID_SIZE, "%s", str_cstr(&out));
	return 0;
}

/* By the index's own notes of the files, and by their bytes where these differ; without the repository's filters. */
bool repo_is_dirty(const struct repo *r)
{
	struct err ignored = { 0 };
	auto_str out = STR_INIT, names = STR_INIT;
	const char *words[GIT_WORDS] = { NULL };
	struct strv off = STRV_INIT;
	size_t n = 0;
	bool dirty;

	GIT(r, r->top, &names, &ignored, "config", "--name-only", "--get-regexp",
		"^filter\\..*\\.(clean|process|required)$");
	for (char *line = names.data, *end; line && (end = strchr(line, '\n')) && off.n < 8; line = end + 1) {
		*end = '\0';
		strv_take(&off, xasprintf("%s=%s", line, str_ends(line, ".required") ? "false" : ""));
	}
	for (size_t i = 0; i < off.n; i++) {
		words[n++] = "-c";
		words[n++] = off.v[i];
	}
	words[n++] = "status";
	words[n++] = "--porcelain";
	words[n++] = "--untracked-files=no";
	words[n++] = "--ignore-submodules=all";
	dirty = git_run(r, r->top, NULL, NULL, 0, &out, NULL, words, &ignored) != 0 || out.len > 0;
	strv_release(&off);
	return dirty;
}

char *repo_uri(const struct repo *r)
{
	struct err ignored = { 0 };
	auto_str out = STR_INIT;
	char *scheme, *at, *slash;

	if (GIT(r, r->top, &out, &ignored, "config", "--get", "remote.origin.url") != 0 || out.len < 2) {
		slash = strrchr(r->top, '/');
		return xstrdup(slash && slash[1] ? slash + 1 : r->top);
	}
	chomp(&out);
	scheme = strstr(out.data, "://");
	at = scheme ? strchr(scheme, '@') : NULL;
	slash = scheme ? strchr(scheme + 3, '/') : NULL;
	if (at && (!slash || at < slash))
		return xasprintf("%.*s%s", (int)(scheme + 3 - out.data), out.data, at + 1);
	return xstrdup(out.data);
}

bool repo_branch_ok(const struct repo *r, const char *name)
{
	struct err ignored = { 0 };

	return name[0] != '-' && GIT(r, r->top, NULL, &ignored, "check-ref-format", "--branch", name) == 0;
}

bool repo_has_branch(const struct repo *r, const char *name)
{
	auto_free char *ref = xasprintf("refs/heads/%s", name);
	struct err ignored = { 0 };

	return GIT(r, r->top, NULL, &ignored, "show-ref", "--verify", "--quiet", ref) == 0;
}

int repo_publish(const struct repo *r, const char *name, const char *commit, struct err *e)
{
	auto_free char *spec = xasprintf("refs/spec-runner/best:refs/heads/%s", name);
	auto_free char *lock = path_join(r->git, "refs/spec-runner/best.lock");

	unlink(lock);

	if (GIT(r, r->git, NULL, e, "update-ref", "refs/spec-runner/best", commit) != 0 ||
	    GIT(r, r->top, NULL, e, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance",
	    r->git,
		spec) != 0)
		return err_set(e, ERR_FAILURE, "branch '%s' could not be made in '%s'", name, r->top);
	return 0;
}

/* ---- ours ---- */

int repo_make(struct repo *r, struct err *e)
{
	auto_free char *alternates = path_join(r->git, "objects/info/alternates"), *line = NULL;
	auto_str common = STR_INIT, format = STR_INIT;
	auto_free char *format_word = NULL;

	if (access(alternates, F_OK) == 0)
		return 0;
	if (GIT(r, r->top, &common, e, "rev-parse", "--path-format=absolute", "--git-path", "objects") != 0)
		return git_failed(e, "rev-parse --git-path objects");
	if (GIT(r, r->top, &format, e, "rev-parse", "--show-object-format") != 0)
		return git_failed(e, "rev-parse --show-object-format");
	chomp(&common);
	chomp(&format);
	if (access(r->git, F_OK) == 0 && path_remove_tree(r->git, e) < 0) /* somebody was killed over it */
		return -1;
	format_word = xasprintf("--object-format=%s", str_cstr(&format));
	if (GIT(r, r->dir, NULL, e, "init", "--quiet", "--bare", "--template=", format_word, r->git) != 0)
		return git_failed(e, "init --bare");
	line = xasprintf("%s\n", str_cstr(&common));
	return file_write(alternates, line, strlen(line), e);
}

void repo_mode(const struct repo *r, const char *commit, const char *path, char mode[8])
{
	struct err ignored = { 0 };
	auto_str out = STR_INIT;

	mode[0] = '\0';
	if (GIT(r, r->git, &out, &ignored, "ls-tree", "--full-tree", commit, "--", path) == 0 && out.len > 7)
		snprintf(mode, 8, "%.6s", out.data);
}

/* "--raw -z" is ":MODE MODE OID OID STATUS\0PATH\0". */
static void raw_paths(const struct str *raw, struct strv *changed)
{
	const char *p = str_cstr(raw), *end = p + raw->len;

	while (p < end && *p == ':') {
		const char *path = p + strlen(p) + 1;
		const char *status = strrchr(p, ' ');

		if (path >= end || !status)
			return;
		strv_take(changed, xasprintf("%.6s %.6s %c %s", p + 1, p + 8, status[1], path));
		p = path + strlen(path) + 1;
	}
}

static int make_commit(const struct repo *r, const char *tree, const char *parent, char commit[OID_SIZE], struct err *e)
{
	auto_str out = STR_INIT;

	if (GIT(r, r->git, &out, e, "commit-tree", tree, "-p", parent, "-m", "spec-runner: a candidate of optimize") != 0)
		return git_failed(e, "commit-tree");
	chomp(&out);
	snprintf(commit, OID_SIZE, "%s", str_cstr(&out));
	return 0;
}

int repo_apply(const struct repo *r, const char *base, const char *diff, size_t n, char commit[OID_SIZE],
	       char tree[OID_SIZE], struct strv *changed, struct str *why, struct err *e)
{
	static const char *const apply[] = { "apply", "--cached", "--whitespace=nowarn", "-", NULL };
	static const char *const write[] = { "write-tree", NULL };
	auto_free char *index = xasprintf("GIT_INDEX_FILE=%s", r->index), *lock = xasprintf("%s.lock", r->index);
	auto_str out = STR_INIT;
	int rc;

	unlink(lock); /* of a git that was killed: nobody else uses this index */
	unlink(r->index);
	if (git_run(r, r->git, index, NULL, 0, NULL, NULL, (const char *const[]){ "read-tree", base, NULL }, e) != 0)
		return git_failed(e, "read-tree");
	rc = git_run(r, r->git, index, diff, n, NULL, why, apply, e);
	if (rc < 0)
		return -1;
	if (rc != 0) {
		chomp(why);
		return 1;
	}
	if (git_run(r, r->git, index, NULL, 0, &out, NULL, write, e) != 0)
		return git_failed(e, "write-tree");
	chomp(&out);
	snprintf(tree, OID_SIZE, "%s", str_cstr(&out));
	if (GIT(r, r->git, &out, e, "diff-tree", "--raw", "-z", "-r", "--no-renames", "--full-index", base, tree) != 0)
		return git_failed(e, "diff-tree");
	raw_paths(&out, changed);
	return make_commit(r, tree, base, commit, e);
}

int repo_diff(const struct repo *r, const char *from, const char *to, struct str *out, struct err *e)
{
	return GIT(r, r->git, out, e, "diff-tree", "-p", "-r", "--no-ext-diff", "--no-textconv", "--no-color", from,
		to) == 0 ? 0 :
	       git_failed(e, "diff-tree");
}

int repo_stat(const struct repo *r, const char *from, const char *to, struct str *out, struct err *e)
{
	return GIT(r, r->git, out, e, "diff-tree", "--stat=100", "-r", "--no-color", from, to) == 0 ? 0 : git_failed(e,
		"diff-tree");
}

int repo_files(const struct repo *r, const char *commit, struct strv *out, struct err *e)
{
	auto_str list = STR_INIT;
	const char *p, *end;

	if (GIT(r, r->git, &list, e, "ls-tree", "-r", "-z", "--full-tree", commit) != 0)
		return git_failed(e, "ls-tree");
	for (p = str_cstr(&list), end = p + list.len; p < end; p += strlen(p) + 1) {
		const char *path = strchr(p, '\t');

		if (str_starts(p, "100") && path)
			strv_add(out, path + 1);
	}
	return 0;
}

int repo_file(const struct repo *r, const char *commit, const char *path, struct str *out, struct err *e)
{
	auto_free char *name = xasprintf("%s:%s", commit, path);

	return GIT(r, r->git, out, e, "cat-file", "blob", name) == 0 ? 0 : git_failed(e, "cat-file");
}

/* ---- work trees ---- */

/* What git knows of the work tree at path, or of one that it was killed over: such a one is locked for `worktree prune`. */
static void forget(const struct repo *r, const char *path)
{
	auto_free char *dir = path_join(r->git, "worktrees");
	DIR *d = opendir(dir);
	struct err ignored = { 0 };
	struct dirent *entry;

	while (d && (entry = readdir(d)) != NULL) {
		auto_free char *admin = path_join(dir, entry->d_name), *file = path_join(admin, "gitdir"), *text = NULL;
		size_t n = 0;

		if (entry->d_name[0] == '.')
			continue;
		if (file_read(file, 65536, &text, &n, &ignored) < 0 || !n ||
		    (strncmp(text, path, strlen(path)) == 0 && text[strlen(path)] == '/'))
			path_remove_tree(admin, &ignored);
	}
	if (d)
		closedir(d);
}

void repo_remove(const struct repo *r, const char *path)
{
	struct err ignored = { 0 };

	if (access(path, F_OK) == 0)
		path_remove_tree(path, &ignored);
	forget(r, path);
}

int repo_checkout(const struct repo *r, const char *commit, const char *path, struct err *e)
{
	repo_remove(r, path);
	if (path_mkdirs_for(path, e) < 0)
		return -1;
	for (int i = 0; i < GIT_TRIES && !child_interrupted; i++) {
		if (GIT(r, r->git, NULL, e, "worktree", "add", "--detach", "--force", "--quiet", path, commit) == 0)
			return 0;
		repo_remove(r, path);
	}
	return child_interrupted ? err_set(e, ERR_FAILURE, "interrupted") : git_failed(e, "worktree add");
}

int repo_changed(const struct repo *r, const char *path, struct strv *out, struct err *e)
{
	auto_str list = STR_INIT;
	const char *p, *end;

	if (GIT(r, path, &list, e, "status", "--porcelain", "-z", "--untracked-files=all", "--ignore-submodules=all",
		"--no-renames") != 0)
		return git_failed(e, "status");
	for (p = str_cstr(&list), end = p + list.len; p < end; p += strlen(p) + 1)
		if (strlen(p) > 3)
			strv_add(out, p + 3);
	return 0;
}
