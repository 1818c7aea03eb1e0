/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner bisect --good REV --bad REV -- CMD: the commit since which a hang (or failure) is seen.
 *
 * Everything happens in a clone of its own that borrows the repository's objects: the user's tree, index, HEAD and refs are
 * never touched, whatever kills us. A commit is bad as soon as the hang is seen, and good after N runs without; since N
 * runs may miss a hang that comes now and then, the last good commit is run again before the answer is believed.
 *
 * Exit 0: found; 1: not found; 2 usage; 125 git or the runs failed; 128+N after a signal. */
#include "base/fd.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "history/hangs.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"
#include "runner/config/libexec.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define RUNS_MAX 50
#define RUNS_UNKNOWN_RATE 10
#define CONFIRM 2           /* times as many runs for the last good commit */
#define OID_SIZE 80

struct verdict {
	char oid[OID_SIZE];
	bool bad;
};
struct bisect {
	struct cli *cli;
	char *top, *prefix, *dir, *runner; /* work tree; our place in it; the clone; spec-runner */
	char good[OID_SIZE], bad[OID_SIZE];
	int64_t runs, done;                /* of a commit; in all */
	struct verdict *seen;
	size_t n_seen;
	struct strv skipped;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int sig)
{
	interrupted = sig;
}

/* ---- processes ---- */

/* Runs argv in dir; what it prints goes to out (NULL: nowhere). Returns its exit code, -1 where it cannot be run. */
static int run(const char *dir, char *const argv[], char *const env_more[], struct str *out)
{
	int pair[2] = { -1, -1 }, status;
	char buf[4096];
	ssize_t n;
	pid_t pid;

	if (out && pipe2(pair, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(out ? pair[1] : null, 1);
		dup2(null, 2);
		for (; env_more && *env_more; env_more++)
			putenv(*env_more);
		if (chdir(dir) == 0)
			execvp(argv[0], argv);
		_exit(127);
	}
	if (out)
		close(pair[1]);
	while (out && pid > 0 && (n = read(pair[0], buf, sizeof(buf))) != 0)
		if (n > 0)
			str_addn(out, buf, (size_t)n);
		else if (errno != EINTR)
			break;
	if (out)
		close(pair[0]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return pid < 0 ? -1 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int git(const char *dir, struct str *out, const char *a, const char *b, const char *c, const char *d)
{
	char *argv[] = { "git", (char *)a, (char *)b, (char *)c, (char *)d, NULL };
	int rc;

	if (out)
		str_reset(out);
	rc = run(dir, argv, NULL, out);
	while (out && out->len && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
	return rc;
}

/* ---- one commit ---- */

/* The hang's finding is in what the run left; any hang where no signature is asked for. */
static bool is_seen(const struct bisect *b, const char *where)
{
	auto_free char *path = path_join(where, ".artifacts/findings.json"), *text = NULL;
	const char *wanted = b->cli->o.history.signature, *id;
	struct json_reader *in;
	const struct json_value *v, *list;
	struct err ignored = { 0 };
	bool seen = false;
	size_t n;

	if (file_read(path, (size_t)16 << 20, &text, &n, &ignored) < 0)
		return false;
	in = json_reader_text(text, n, path);
	list = json_take(in, &v, &ignored) == 0 ? json_get(v, "findings") : NULL;
	if (list && list->kind == JSON_ARRAY)
		json_each(f, list) {
			id = json_get_text(f, "finding_id");
			seen |= id && wanted && strcmp(id, wanted) == 0;
		}
	json_reader_free(in);
	return seen;
}

static void add_number(struct strv *argv, const char *flag, int64_t v)
{
	strv_add(argv, flag);
	strv_take(argv, xasprintf("%lld", (long long)v));
}

/* 1 bad, 0 nothing seen, -1: the command cannot be run here. */
static int try_once(struct bisect *b)
{
	const struct options *o = &b->cli->o;
	auto_free char *where = xasprintf("%s/%s", b->dir, b->prefix), *artifacts = path_join(b->dir, ".artifacts");
	char *env[] = { "SPEC_RUNNER_HISTORY=off", NULL };
	struct err ignored = { 0 };
	struct strv argv = STRV_INIT;
	int code;

	path_remove_tree(artifacts, &ignored);
	strv_add(&argv, b->runner);
	strv_add(&argv, "run");
	strv_add(&argv, "--quiet");
	strv_add(&argv, "--liveness-level");
	strv_add(&argv, "strict");
	add_number(&argv, "--liveness-stall-ms", o->liveness_stall_ms);
	add_number(&argv, "--liveness-kill-grace-ms", o->liveness_kill_grace_ms);
	add_number(&argv, "--timeout-ms", o->timeout_ms);
	add_number(&argv, "--test-timeout-ms", o->test_timeout_ms);
	strv_add(&argv, "--");
	for (int i = 0; i < b->cli->operand_count; i++)
		strv_add(&argv, b->cli->operands[i]);
	b->done++;
	code = run(where, argv.v, env, NULL);
	strv_release(&argv);
	if (code == 126 || code == 127)
		return -1;
	if (o->history.signature ? is_seen(b, b->dir) : code == 124)
		return 1;
	return o->history.fail && code != 0;
}

static int try_commit(struct bisect *b, int64_t runs)
{
	int seen = 0;

	for (int64_t i = 0; i < runs && seen == 0 && !interrupted; i++)
		seen = try_once(b);
	return seen;
}

static const struct verdict *known(const struct bisect *b, const char *oid)
{
	for (size_t i = 0; i < b->n_seen; i++)
		if (strcmp(b->seen[i].oid, oid) == 0)
			return &b->seen[i];
	return NULL;
}

static void remember(struct bisect *b, const char *oid, bool bad)
{
	b->seen = xreallocarray(b->seen, b->n_seen + 1, sizeof(*b->seen));
	b->seen[b->n_seen].bad = bad;
	snprintf(b->seen[b->n_seen++].oid, OID_SIZE, "%s", oid);
}

static void tell(const struct bisect *b, const char *oid, const char *what)
{
	auto_str subject = STR_INIT;

	git(b->dir, &subject, "log", "-1", "--format=%s", oid);
	if (!b->cli->o.quiet)
		cli_note("bisect: %.12s %s: %.60s", oid, what, str_cstr(&subject));
}

/* ---- the search ---- */

static int start(struct bisect *b, struct err *e)
{
	auto_str out = STR_INIT;

	git(b->dir, &out, "bisect", "reset", NULL, NULL);
	if (git(b->dir, &out, "bisect", "start", b->bad, b->good) != 0)
		return err_set(e, ERR_USAGE, "bisect: git cannot search between --good %.12s and --bad %.12s", b->good,
			       b->bad);
	return 0;
}

/* Runs what git asks for until it names a commit. 0 and its id in found, 1: only skipped ones are left; -1. */
static int search(struct bisect *b, char found[OID_SIZE], struct err *e)
{
	auto_str out = STR_INIT, head = STR_INIT;

	for (int step = 0; step < 200 && !interrupted; step++) {
		const struct verdict *v;
		int bad;

		if (git(b->dir, &head, "rev-parse", "HEAD", NULL, NULL) != 0)
			return err_set(e, ERR_FAILURE, "bisect: git rev-parse failed");
		v = known(b, head.data);
		bad = v ? v->bad : try_commit(b, b->runs);
		if (interrupted)
			break;
		if (!v && bad >= 0)
			remember(b, head.data, bad == 1);
		if (!v)
			tell(b, head.data, bad < 0 ? "cannot be run" : bad ? "bad" : "good");
		if (git(b->dir, &out, "bisect", bad < 0 ? "skip" : bad ? "bad" : "good", NULL, NULL) > 2)
			return err_set(e, ERR_FAILURE, "bisect: git bisect failed");
		if (strstr(str_cstr(&out), " is the first bad commit")) {
			snprintf(found, OID_SIZE, "%.*s", (int)strcspn(out.data, " \n"), out.data);
			return 0;
		}
		if (strstr(str_cstr(&out), "only 'skip'ped commits left"))
			return 1;
	}
	return err_set(e, ERR_FAILURE, "bisect: interrupted");
}

/* Checks a commit out and runs it. */
static int confirm(struct bisect *b, const char *oid)
{
	git(b->dir, NULL, "checkout", "--quiet", "--force", oid);
	return try_commit(b, b->runs * CONFIRM);
}

static int find(struct bisect *b, char found[OID_SIZE], struct err *e)
{
	for (int round = 0; round < 20; round++) {
		auto_str parent = STR_INIT;
		auto_free char *name = NULL;
		int rc = start(b, e);

		rc = rc < 0 ? -1 : search(b, found, e);
		if (rc != 0)
			return rc;
		name = xasprintf("%s^", found);
		if (git(b->dir, &parent, "rev-parse", "--verify", "--quiet", name) != 0 || strcmp(parent.data, b->good) == 0)
			return 0;
		if (confirm(b, parent.data) != 1)
			return interrupted ? err_set(e, ERR_FAILURE, "bisect: interrupted") : 0;
		tell(b, parent.data, "bad after all");
		snprintf(b->bad, OID_SIZE, "%s", parent.data);
		for (size_t i = 0; i < b->n_seen; i++)
			if (strcmp(b->seen[i].oid, parent.data) == 0)
				b->seen[i].bad = true;
	}
	return 0;
}

/* ---- before and after ---- */

/* N so that a hang of that rate is missed once in twenty times. */
static int64_t runs_of_rate(double rate)
{
	double n = rate >= 1 ? 1 : ceil(log(0.05) / log1p(-rate));

	return n < 1 ? 1 : n > RUNS_MAX ? RUNS_MAX : (int64_t)n;
}

/* The rate of the hang by the history; of any hang: of the one that was seen last. */
static int64_t runs_auto(struct bisect *b)
{
	auto_free char *dir = history_dir(&b->cli->o, b->cli->root);
	struct store_where w = { .dir = dir,
				 .dsn = history_dsn(b->cli->envp, true),
				 .network_ok = b->cli->o.history.network_ok };
	struct err ignored = { 0 };
	struct hangs h = { 0 };
	auto_store *s = NULL;
	int64_t n = RUNS_UNKNOWN_RATE;

	if (history_is_named(&b->cli->o, b->cli->envp) && store_open(&s, &w, STORE_READ, &ignored) == 0 &&
	    hangs_read(s, b->cli->o.history.signature, NULL, &h, &ignored) == 0 && h.n)
		n = runs_of_rate(h.v[0].rate);
	hangs_release(&h);
	return n;
}

static int resolve(struct bisect *b, const char *flag, const char *rev, char oid[OID_SIZE], struct err *e)
{
	auto_free char *spec = rev ? xasprintf("%s^{commit}", rev) : NULL;
	auto_str out = STR_INIT;
	char quoted[VALUE_QUOTE_SIZE];

	if (!rev)
		return err_set(e, ERR_USAGE, "bisect needs %s REV", flag);
	if (rev[0] == '-' || git(b->top, &out, "rev-parse", "--verify", "--quiet", spec) != 0 || out.len >= OID_SIZE)
		return err_set(e, ERR_USAGE, "%s: %s is not a commit of this repository", flag, value_quote(rev, quoted));
	snprintf(oid, OID_SIZE, "%s", out.data);
	return 0;
}

static int prepare(struct bisect *b, struct err *e)
{
	const struct history_settings *h = &b->cli->o.history;
	const char *tmp = getenv("TMPDIR");
	auto_str out = STR_INIT;
	char quoted[VALUE_QUOTE_SIZE];

	if (!b->cli->operand_count)
		return err_set(e, ERR_USAGE, "bisect needs a command: bisect --good REV --bad REV -- CMD [ARG...]");
	if (git(".", &out, "rev-parse", "--show-toplevel", NULL, NULL) != 0)
		return err_set(e, ERR_USAGE, "bisect: this is not the work tree of a git repository");
	b->top = xstrdup(out.data);
	git(".", &out, "rev-parse", "--show-prefix", NULL, NULL);
	b->prefix = xstrdup(str_cstr(&out));
	if (resolve(b, "--good", h->good, b->good, e) < 0 || resolve(b, "--bad", h->bad, b->bad, e) < 0)
		return -1;
	if (strcmp(h->runs, "auto") == 0)
		b->runs = runs_auto(b);
	else if (!value_int(h->runs, &b->runs) || b->runs < 1 || b->runs > 10000)
		return err_set(e, ERR_USAGE, "--runs: %s is neither auto nor a number from 1 to 10000",
			       value_quote(h->runs, quoted));
	b->runner = libexec_main_program();
	if (!b->runner)
		return err_set(e, ERR_FAILURE, "bisect: spec-runner itself was not found");
	b->dir = xasprintf("%s/spec-runner-bisect.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(b->dir)) {
		err_sys(e, "bisect: making '%s'", b->dir);
		mem_free_ptr(&b->dir);
		return -1;
	}
	if (run(b->top, (char *[]){ "git", "clone", "--shared", "--no-checkout", "--quiet", "--", b->top, b->dir, NULL },
		NULL, NULL) == 0)
		return 0;
	return err_set(e, ERR_FAILURE, "bisect: git cannot clone '%s'", b->top);
}

static void print_json(const struct bisect *b, const char *found, const char *subject)
{
	auto_str out = STR_INIT;
	struct json j;

	json_init(&j, &out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "first_bad", found);
	json_str(&j, "subject", subject);
	json_str(&j, "signature", b->cli->o.history.signature);
	json_int(&j, "runs_per_commit", b->runs);
	json_int(&j, "runs", b->done);
	json_array(&j, "commits");
	for (size_t i = 0; i < b->n_seen; i++) {
		json_object(&j, NULL);
		json_str(&j, "rev", b->seen[i].oid);
		json_str(&j, "verdict", b->seen[i].bad ? "bad" : "good");
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	puts(str_cstr(&out));
}

static int bisect_body(struct cli *cli)
{
	struct sigaction sa = { .sa_handler = on_signal };
	struct bisect b = { .cli = cli };
	auto_str subject = STR_INIT;
	struct err e = { 0 };
	char found[OID_SIZE] = "";
	int rc, code;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	rc = prepare(&b, &e);
	if (rc == 0)
		rc = find(&b, found, &e);
	if (rc == 0) {
		git(b.dir, &subject, "log", "-1", "--format=%s", found);
		if (cli->o.json)
			print_json(&b, found, str_cstr(&subject));
		else
			printf("first bad commit: %s %s\n", found, str_cstr(&subject));
	} else if (rc == 1) {
		err_set(&e, ERR_FAILURE, "bisect: not found: only commits are left that cannot be run");
	}
	code = rc == 0 ? cli_flush() : cli_fail(&e);
	if (b.dir)
		path_remove_tree(b.dir, &e);
	free(b.top);
	free(b.prefix);
	free(b.dir);
	free(b.runner);
	free(b.seen);
	return interrupted ? 128 + interrupted : rc == 1 ? 1 : code;
}

int main(int argc, char **argv)
{
	return program_main("bisect", argc, argv, bisect_body);
}
