/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner-check ROOT THREADS < LIST: the checks that only read files, together (docs/ARCHITECTURE.md:
 * what may take long runs in another process). LIST has a line "FILE TAB CASE-ID" for each; for
 * each, "CASE-ID PROBLEMS BYTES" and a text of so many bytes come back, in that order. */
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/config/libexec.h"
#include "runner/cases/case_file.h"
#include "runner/cases/glob.h"
#include "runner/cases/validate.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define LIST_MAX_BYTES (64 * 1024 * 1024)
#define THREADS_MAX 16
#define VERIFY_TEXT_MAX_BYTES 4096

extern char **environ;

struct checks {
	const char *root;
	struct case_set set;
	uint32_t *cases;       /* in the order of the list */
	int *numbers;          /* of a file.scan: its number in scan */
	uint32_t count;
	struct scan *scan;
	bool any_scan;
};

static int list_read(struct checks *c, struct err *e)
{
	struct strv paths = STRV_INIT;
	auto_free char *text = NULL;
	char *save = NULL;
	size_t n;
	int rc;

	if (file_read("/dev/stdin", LIST_MAX_BYTES, &text, &n, e) < 0)
		return -1;
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *tab = strrchr(line, '\t');

		if (!tab)
			return err_set(e, ERR_USAGE, "a line without a case");
		*tab = '\0';
		if (!strv_has(&paths, line))
			strv_add(&paths, line);
		c->count++;
		c->cases = xreallocarray(c->cases, c->count, sizeof(*c->cases));
		/* where its id stands; its number once the files are read */
		c->cases[c->count - 1] = (uint32_t)(tab + 1 - text);
	}
	rc = case_set_load(&c->set, paths.v, paths.n, e);
	strv_release(&paths);
	for (uint32_t i = 0; rc == 0 && i < c->count; i++) {
		const char *id = text + c->cases[i];

		c->cases[i] = case_set_find(&c->set, id);
		if (c->cases[i] == CASE_NONE)
			rc = err_set(e, ERR_USAGE, "no case '%s'", id);
	}
	return rc;
}

static int scans_run(struct checks *c, unsigned threads, struct err *e)
{
	c->scan = scan_new();
	c->numbers = xcalloc(c->count + 1, sizeof(*c->numbers));
	for (uint32_t i = 0; i < c->count; i++) {
		const struct harness *h = &c->set.cases[c->cases[i]].harness;

		if (h->type != HARNESS_FILE_SCAN)
			continue;
		c->numbers[i] = scan_add(c->scan, h->scan, e);
		if (c->numbers[i] < 0)
			return -1;
		c->any_scan = true;
	}
	return c->any_scan ? scan_run(c->scan, c->root, threads, e) : 0;
}

/* ---- trace.verify ---- */

struct verification {
	const char *root;
	struct str *out;
	size_t problems, files;
};

/* The output of the program, at most VERIFY_TEXT_MAX_BYTES of it, and its exit code; -1: not run. */
static int program_run(char *const argv[], struct str *out)
{
	posix_spawn_file_actions_t actions;
	int ends[2], status, rc;
	char buf[4096];
	ssize_t n;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
	rc = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while (rc == 0 && ((n = read(ends[0], buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0 && out->len < VERIFY_TEXT_MAX_BYTES)
			str_addn(out, buf,
				 (size_t)n < VERIFY_TEXT_MAX_BYTES - out->len ? (size_t)n :
										 VERIFY_TEXT_MAX_BYTES - out->len);
	close(ends[0]);
	if (rc != 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Beside this program, or where the main program would look. */
static char *verify_program(void)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash) {
		auto_free char *path = xasprintf("%.*s/spec-runner-verify", (int)(slash - self), self);

		if (access(path, X_OK) == 0)
			return ptr_steal(&path);
	}
	return libexec_find("verify");
}

static int verify_file(void *ctx, const char *path, const uint32_t *lists, size_t n)
{
	struct verification *v = ctx;
	auto_free char *program = verify_program();
	auto_free char *full = path[0] == '/' ? xstrdup(path) : path_join(v->root, path);
	auto_str said = STR_INIT;
	int code = program ? program_run((char *[]){ program, full, NULL }, &said) : -1;

	(void)lists;
	(void)n;
	v->files++;
	if (code == 0)
		return 0;
	v->problems++;
	str_addf(v->out, "%s: verify ", path);
	if (code < 0)
		str_add(v->out, "could not be run");
	else
		str_addf(v->out, "ended with %d", code);
	str_addf(v->out, "\n%s", str_cstr(&said));
	if (said.len && str_cstr(&said)[said.len - 1] != '\n')
		str_addc(v->out, '\n');
	return 0;
}

static size_t verify_all(struct checks *c, const struct strv *globs, struct str *out)
{
	struct verification v = { .root = c->root, .out = out };
	struct glob_set *set = glob_set_new();
	struct err e = { 0 };

	if (glob_set_add(set, globs->v, globs->n, &e) < 0 || glob_set_walk(set, c->root, verify_file, &v, &e) < 0) {
		str_addf(out, "%s\n", e.msg);
		v.problems++;
	} else if (!v.files) {
		str_addf(out, "no file matches '%s'\n", globs->v[0]);
		v.problems++;
	}
	glob_set_free(set);
	return v.problems;
}

static void result_write(struct checks *c, uint32_t i)
{
	const struct spec_case *one = &c->set.cases[c->cases[i]];
	auto_str text = STR_INIT;
	size_t problems = 0;

	switch (one->harness.type) {
	case HARNESS_FILE_SCAN:
		problems = scan_report(c->scan, c->numbers[i], &text);
		break;
	case HARNESS_DATA_VALIDATE:
		problems = validate_run(c->root, &one->harness.paths, one->harness.schema, &one->harness.keys, &text);
		break;
	case HARNESS_TRACE_VERIFY:
		problems = verify_all(c, &one->harness.paths, &text);
		break;
	default:
		str_add(&text, "its harness is a command\n");
		problems = 1;
	}
	printf("%s %zu %zu\n", one->id, problems, text.len);
	fwrite(str_cstr(&text), 1, text.len, stdout);
	fflush(stdout); /* what is judged stays judged when a limit ends us */
}

int main(int argc, char **argv)
{
	struct checks c = { 0 };
	struct err e = { 0 };
	long threads = argc == 3 ? strtol(argv[2], NULL, 10) : 0;

	if (threads < 1) {
		fputs("spec-runner: usage: spec-runner-check ROOT THREADS < LIST\n", stderr);
		return 2;
	}
	c.root = argv[1];
	case_set_init(&c.set);
	if (list_read(&c, &e) < 0 || scans_run(&c, threads < THREADS_MAX ? (unsigned)threads : THREADS_MAX, &e) < 0) {
		fprintf(stderr, "spec-runner: check: %s\n", e.msg);
		return 2;
	}
	for (uint32_t i = 0; i < c.count; i++)
		result_write(&c, i);
	scan_free(c.scan);
	case_set_release(&c.set);
	free(c.cases);
	free(c.numbers);
	return ferror(stdout) ? 125 : 0;
}
