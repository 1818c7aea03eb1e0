/* SPDX-License-Identifier: Apache-2.0 */
/* What a candidate's diff may be, rule by rule, and which paths. */
#include "base/mem.h"
#include "optimize/patch.h"
#include "optimize/path_rule.h"
#include "tests/tap.h"

#include <stdlib.h>

static struct strv paths, deny, adapters;

static bool is_link(void *ctx, const char *path)
{
	(void)ctx;
	return strcmp(path, "src/link") == 0;
}

static const char *judge_with(const char *text, size_t n, int64_t max_lines)
{
	struct patch_rules r = { .paths = &paths, .deny = &deny, .adapters = &adapters, .max_files = 3, .max_lines = max_lines,
				 .max_bytes = 4000, .is_link = is_link };
	auto_str detail = STR_INIT;
	const char *rule;
	struct patch p;

	patch_read(&p, text, n);
	rule = patch_judge(&p, &r, &detail);
	patch_release(&p);
	return rule ? rule : "allowed";
}

static const char *judge(const char *text)
{
	return judge_with(text, strlen(text), 40);
}

#define HUNK "@@ -1 +1 @@\n-a\n+b\n"
#define EDIT(path) "--- a/" path "\n+++ b/" path "\n" HUNK

static void test_rules(void)
{
	static const struct { const char *want, *text, *what; } rows[] = {
		{ "allowed", EDIT("src/a.c"), "an edit in paths" },
		{ "allowed", "diff --git a/src/a.c b/src/a.c\nindex 1..2 100644\n" EDIT("src/a.c"), "as git writes it" },
		{ "allowed", "words before\n\n" EDIT("src/a.c") "-- \n2.39\n", "as a mail has it" },
		{ "allowed", "--- a/src/a.c\t2026-01-01\n+++ b/src/a.c\t2026-01-01\n" HUNK, "with times" },
		{ "allowed", "--- /dev/null\n+++ b/src/new.c\n@@ -0,0 +1 @@\n+x\n", "a new file" },
		{ "allowed", "diff --git a/src/n.c b/src/n.c\nnew file mode 100644\n--- /dev/null\n+++ b/src/n.c\n@@ -0,0 +1 @@\n+x\n",
		  "a new file of plain mode" },
		{ "allowed", "--- a/src/a.c\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n", "a file that goes" },
		{ "allowed", "diff --git a/src/a.c b/src/b.c\nsimilarity index 100%\nrename from src/a.c\nrename to src/b.c\n",
		  "a rename within paths" },
		{ "patch.empty", "", "nothing at all" },
		{ "patch.empty", "diff --git a/src/a.c b/src/a.c\n", "a file in which nothing changes" },
		{ "patch.format", "hello\n", "words" },
		{ "patch.format", "--- a/src/a.c\n" HUNK, "half a head" },
		{ "patch.format", "--- a/src/a.c\n+++ b/src/a.c\n@@ -1,2 +1 @@\n-a\n+b\n", "a hunk that is short" },
		{ "patch.format", "--- a/src/a.c\n+++ b/src/a.c\n@@ -1 +1 @@\n-a\n!b\n", "a line of no kind" },
		{ "patch.format", HUNK, "a hunk of no file" },
		{ "patch.format", "--- /dev/null\n+++ /dev/null\n" HUNK, "no name at all" },
		{ "patch.format", "diff --git a/src/a.c b/src/a.c\nmagic here\n" EDIT("src/a.c"), "a head line of no kind" },
		{ "patch.binary", "diff --git a/src/a b/src/a\nGIT binary patch\nliteral 3\nabc\n", "a binary patch" },
		{ "patch.binary", "diff --git a/src/a b/src/a\nBinary files a/src/a and b/src/a differ\n", "binary files" },
		{ "path.escape", EDIT("../x"), "up" }, { "path.escape", EDIT("src/../../x"), "up and up" },
		{ "path.escape", "--- a//etc/passwd\n+++ b//etc/passwd\n" HUNK, "absolute behind its prefix" },
		{ "path.escape", "--- /etc/passwd\n+++ /etc/passwd\n" HUNK, "absolute" },
		{ "path.escape", EDIT(".git/hooks/pre-commit"), "hooks" }, { "path.escape", EDIT("src/.GIT/config"), ".GIT" },
		{ "path.escape", EDIT("src/.git./config"), ".git." }, { "path.escape", EDIT("src/git~1/x"), "git~1" },
		{ "path.escape", EDIT("src/./a.c"), "a dot" }, { "path.escape", EDIT("src//a.c"), "an empty part" },
		{ "path.escape", EDIT("src\\..\\a.c"), "backslashes" },
		{ "path.escape", "--- \"a/src/\\001.c\"\n+++ \"b/src/\\001.c\"\n" HUNK, "a control byte, quoted" },
		{ "path.escape", "--- \"a/\\056\\056/x\"\n+++ \"b/\\056\\056/x\"\n" HUNK, "up, quoted" },
		{ "path.escape", "diff --git a/src/a.c b/src/a.c\nrename from src/a.c\nrename to ../x\n", "a rename up" },
		{ "path.symlink", EDIT("src/link/x"), "below a link" }, { "path.symlink", EDIT("src/link"), "a link itself" },
		{ "path.symlink", "diff --git a/src/l b/src/l\nnew file mode 120000\n--- /dev/null\n+++ b/src/l\n@@ -0,0 +1 @@\n+/etc\n"
		  "\\ No newline at end of file\n--- /dev/null\n+++ b/src/l/x\n@@ -0,0 +1 @@\n+x\n", "below a link that it makes" },
		{ "path.not_allowed", EDIT("lib/a.c"), "out of paths" },
		{ "path.not_allowed", EDIT("src/a.c") EDIT("Makefile"), "one of two out of paths" },
		{ "path.denied", EDIT("src/tests/a.c"), "tests" }, { "path.denied", EDIT("src/test/a.c"), "test" },
		{ "path.denied", EDIT("src/a.spec.js"), "a spec" }, { "path.denied", EDIT("src/yarn.lock"), "a lock file" },
		{ "path.denied", EDIT("src/.gitlab-ci.yml"), "CI" }, { "path.denied", EDIT("src/.github/w.yml"), "CI of GitHub" },
		{ "path.denied", EDIT("src/spec-runner.yaml"), "our configuration" }, { "path.denied", EDIT("src/no.c"), "deny" },
		{ "path.denied", EDIT("src/bench.sh"), "what an adapter runs" },
		{ "path.denied", EDIT("src/.gitattributes"), "attributes" },
		{ "patch.mode", "diff --git a/src/a.c b/src/a.c\nold mode 100644\nnew mode 100755\n", "a mode" },
		{ "patch.mode", "diff --git a/src/l b/src/l\nnew file mode 120000\n--- /dev/null\n+++ b/src/l\n@@ -0,0 +1 @@\n+/etc\n",
		  "a link" },
		{ "patch.mode", "diff --git a/src/m b/src/m\nnew file mode 160000\n--- /dev/null\n+++ b/src/m\n@@ -0,0 +1 @@\n+x\n",
		  "a submodule" },
		{ "patch.mode", "diff --git a/src/x b/src/x\nnew file mode 100755\n--- /dev/null\n+++ b/src/x\n@@ -0,0 +1 @@\n+x\n",
		  "a new program" },
		{ "patch.mode", "diff --git a/src/a.c b/lib/a.c\nrename from src/a.c\nrename to lib/a.c\n", "a rename out of paths" },
		{ "patch.mode", "diff --git a/lib/a.c b/src/a.c\ncopy from lib/a.c\ncopy to src/a.c\n", "a copy from elsewhere" },
		{ "patch.size", EDIT("src/a") EDIT("src/b") EDIT("src/c") EDIT("src/d"), "too many files" },
		{ "patch.place" "holder", "--- a/src/a.c\n+++ b/src/a.c\n@@ -1 +1 @@\n-a\n+<redacted:TOKEN>\n", "what stands for a secret" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_str(judge(rows[i].text), rows[i].want, "%s: %s", rows[i].want, rows[i].what);
	is_str(judge_with(EDIT("src/a.c"), strlen(EDIT("src/a.c")), 1), "patch.size", "patch.size: too many lines");
	is_str(judge_with("--- a/src/a\0b\n", 14, 40), "patch.binary", "patch.binary: a NUL");
}

/* Written anew, a diff is read as the same; CRLF of the whole goes, that of the file stays. */
static void test_writing(void)
{
	static const char text[] = "diff --git a/src/a b.c b/src/a b.c\n--- a/src/a b.c\n+++ b/src/a b.c\n@@ -1,2 +1,2 @@\n a\r\n-b\r\n+c\r\n";
	auto_str once = STR_INIT, twice = STR_INIT, crlf = STR_INIT, plain = STR_INIT;
	struct patch p;

	patch_read(&p, text, sizeof(text) - 1);
	patch_write(&p, &once);
	patch_release(&p);
	patch_read(&p, str_cstr(&once), once.len);
	is_str(p.files[0].new_path, "src/a b.c", "a name with a blank comes back");
	patch_write(&p, &twice);
	patch_release(&p);
	is_str(str_cstr(&twice), str_cstr(&once), "what was written is read as the same");
	ok(strstr(str_cstr(&once), "+c\r\n") != NULL, "lines that end in CRLF keep it");
	for (const char *s = EDIT("src/a.c"); *s; s++) {
		if (*s == '\n')
			str_addc(&crlf, '\r');
		str_addc(&crlf, *s);
	}
	patch_read(&p, str_cstr(&crlf), crlf.len);
	patch_write(&p, &plain);
	patch_release(&p);
	is_str(str_cstr(&plain), "diff --git a/src/a.c b/src/a.c\n" EDIT("src/a.c"), "a diff that came with CRLF is written without");
}

static void test_globs(void)
{
	static const struct { const char *pattern, *path; bool want; } rows[] = {
		{ "src/**", "src/a/b.c", true }, { "src/**", "src", false }, { "src/**", "srcs/a", false },
		{ "src/*.c", "src/a.c", true }, { "src/*.c", "src/a/b.c", false }, { "**/*.c", "a.c", true },
		{ "**/*.c", "x/y/a.c", true }, { "**/tests/**", "a/tests/b", true }, { "**/tests/**", "tests/b", true },
		{ "**/tests/**", "mytests/b", false }, { "a?c", "abc", true }, { "a?c", "a/c", false }, { "[a-c]x", "bx", true },
		{ "[!a-c]x", "bx", false }, { "**", "any/thing", true }, { "*", "a/b", false }, { "a/**/b", "a/b", true },
		{ "a/**/b", "a/x/y/b", true }, { "\\*x", "*x", true }, { "\\*x", "yx", false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_int(path_glob(rows[i].pattern, rows[i].path), rows[i].want, "'%s' and '%s'", rows[i].pattern, rows[i].path);
}

int main(void)
{
	strv_add(&paths, "src/**");
	strv_add(&deny, "src/no.*");
	strv_add(&adapters, "src/bench.sh");
	test_rules();
	test_writing();
	test_globs();
	return tap_done();
}
