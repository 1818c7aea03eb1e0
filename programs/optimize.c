/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner optimize: a finding or a hotspot goes in, candidates come from a folder or a model, the gate decides whether
 * they are correct and statistics whether they are better. Also: status RUN, export FILE, clean.
 *
 * Exit 0: a best was found and confirmed; 1: none; 2 usage or policy; 124 the loop's own limit; 125 own failure; 128+N after
 * a signal, resumable. */
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "history/view.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"
#include "runner/optimize/child.h"
#include "runner/optimize/loop.h"
#include "runner/optimize/open.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool quiet;

static void on_signal(int sig)
{
	child_interrupted = sig;
}

static void say(const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = ' ';
	if (!quiet)
		cli_note("%s", text);
}

static void tell(const struct cli *cli, const struct loop *l)
{
	auto_str out = STR_INIT;

	if (cli->o.json) {
		loop_result_json(l, &out);
		fputs(str_cstr(&out), stdout);
		return;
	}
	printf("%s: %s after %lld iterations (%s)\n", l->st.run_id, l->st.confirmed ? "better, and confirmed" :
		"nothing better",
	       (long long)l->st.iteration, optimize_stop_text[l->st.stop]);
	printf("files: %s\n", l->dir);
}

/* ---- optimize ---- */

static int run(struct cli *cli, struct err *e)
{
	struct loop l = { .o = &cli->o, .envp = cli->envp, .root = cli->root, .say = say };
	struct sigaction sa = { .sa_handler = on_signal };
	int rc;

	prctl(PR_SET_DUMPABLE, 0); /* our environment,
		which may hold the gateway's key, is nothing for a candidate to read */
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	rc = loop_open(&l, cli->config.path, e);
	if (rc == 0)
		say("optimize: %s %s", l.resumed ? "going on with" : "loop", l.st.run_id);
	if (rc == 0)
		rc = loop_run(&l, e);
	if (rc == 0)
		tell(cli, &l);
	rc = rc < 0 ? -1 : child_interrupted ? 128 + child_interrupted : loop_exit_code(&l);
	loop_close(&l);
	return rc;
}

/* ---- status ---- */

static int status(struct cli *cli, struct err *e)
{
	auto_free char *dir = loops_dir(&cli->o, cli->root), *run_id = NULL, *path = NULL, *text = NULL;
	size_t n;
	int rc;

	if (cli->operand_count != 2)
		return err_set(e, ERR_USAGE, "optimize status needs RUN_ID (or latest)");
	rc = loop_find(dir, cli->operands[1], &run_id, e);
	if (rc != 0)
		return rc;
	path = xasprintf("%s/%s/result.json", dir, run_id);
	if (access(path, F_OK) == 0) {
		if (file_read(path, (size_t)64 << 20, &text, &n, e) < 0)
			return -1;
		fwrite(text, 1, n, stdout);
		return 0;
	}
	mem_free_ptr(&path);
	path = xasprintf("%s/%s/loop.jsonl", dir, run_id);
	if (access(path, F_OK) == 0 && file_read(path, (size_t)64 << 20, &text, &n, e) == 0) {
		while (n && text[n - 1] == '\n')
			text[--n] = '\0';
		printf("%s\n", strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text);
	}
	return 0;
}

/* ---- export ---- */

static int loops_of(struct store *s, const struct strv *wanted, struct strv *out, struct err *e)
{
	auto_query *q = query_new(s, "SELECT run_id FROM runs WHERE kind = 'optimize' ORDER BY run_id", e);
	int rc;

	if (!q)
		return -1;
	while ((rc = query_step(q, e)) == 1)
		if (!wanted->n || strv_has(wanted, query_text(q, 0)))
			strv_add(out, query_text(q, 0));
	for (size_t i = 0; rc == 0 && i < wanted->n; i++)
		if (!strv_has(out, wanted->v[i])) {
			char quoted[VALUE_QUOTE_SIZE];

			err_set(e, ERR_FAILURE, "--run-id: there is no loop %s in the store", value_quote(wanted->v[i],
				quoted));
			return 1;
		}
	return rc;
}

static int export_lines(struct cli *cli, struct store *s, struct str *out, struct err *e)
{
	struct strv loops = STRV_INIT;
	struct redactor *r = NULL;
	int rc = redactor_new(&r, cli->envp, &cli->o.redact_env, &cli->o.redact_patterns, e);

	if (rc == 0)
		rc = loops_of(s, &cli->o.optimize.run_ids, &loops, e);
	for (size_t i = 0; rc == 0 && i < loops.n; i++)
		rc = dataset_lines(s, r, loops.v[i], cli->o.optimize.all, out, e);
	redactor_free(r);
	strv_release(&loops);
	return rc;
}

static int export(struct cli *cli, struct err *e)
{
	auto_free char *dir = history_dir(&cli->o, cli->root), *path = NULL;
	struct store_where w = { .dir = dir, .dsn = history_dsn(cli->envp, true), .network_ok = cli->o.history.network_ok };
	auto_store *s = NULL;
	auto_str out = STR_INIT;
	int rc;

	if (cli->operand_count != 2)
		return err_set(e, ERR_USAGE, "optimize export needs FILE (- is standard output)");
	rc = store_open(&s, &w, STORE_READ, e);
	if (rc == 1)
		err_set(e, ERR_FAILURE, "no history in '%s'", dir);
	if (rc == 0)
		rc = export_lines(cli, s, &out, e);
	if (rc != 0)
		return rc;
	if (strcmp(cli->operands[1], "-") == 0) {
		fwrite(str_cstr(&out), 1, out.len, stdout);
		return 0;
	}
	path = path_resolve(cli->root, cli->operands[1]);
	return file_write(path, str_cstr(&out), out.len, e);
}

static int clean(struct cli *cli, struct err *e)
{
	int n;

	if (cli->operand_count != 1)
		return err_set(e, ERR_USAGE, "optimize clean takes no operand");
	if (loops_clean(&cli->o, cli->root, &n, e) < 0)
		return -1;
	say("optimize: %d %s cleaned", n, n == 1 ? "loop" : "loops");
	return 0;
}

static int optimize_body(struct cli *cli)
{
	static const char *const words[] = { "status", "export", "clean", NULL };
	static int (*const verbs[])(struct cli *cli, struct err *e) = { status, export, clean };
	int at = cli->operand_count ? value_word(cli->operands[0], words) : -1, rc, code;
	char quoted[VALUE_QUOTE_SIZE];
	struct err e = { 0 };

	quiet = cli->o.quiet;
	if (cli->operand_count && at < 0) {
		err_set(&e, ERR_USAGE, "optimize: %s is not one of status, export, clean", value_quote(cli->operands[0],
			quoted));
		return cli_fail(&e);
	}
	rc = at < 0 ? run(cli, &e) : verbs[at](cli, &e);
	code = cli_flush();
	if (e.kind && rc != 0) {
		code = cli_fail(&e);
		return rc == 1 ? 1 : code;
	}
	return rc ? rc : code;
}

int main(int argc, char **argv)
{
	return program_main("optimize", argc, argv, optimize_body);
}
