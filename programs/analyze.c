/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner analyze --run-id ID [--runtime|--static]: graphs and hotspots of a stored run. Exit 0; 1: no such run, or
 * nothing in it to analyze; 2 usage; 125 the store failed. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/analyze.h"
#include "history/flags.h"
#include "history/real.h"
#include "history/spool.h"
#include "history/static_graph.h"
#include "history/view.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"
#include "runner/proc/helper.h"

#include <stdio.h>
#include <sys/mman.h>

#define AUDIT_NS (600 * NS_PER_S)
#define GRAPH_MAX_BYTES ((size_t)1 << 30)

/* The sources below the root, as the audit reads them: a program of its own, for they may be anything. */
static int analyze_static(struct cli *cli, struct store *s, const char *run_id, struct str *out, struct err *e)
{
	char *const argv[] = { "spec-runner-audit", "--format", "call-graph", NULL };
	auto_close int fd = memfd_create("spec-runner-graph", MFD_CLOEXEC);
	auto_free char *path = xasprintf("/proc/self/fd/%d", fd), *text = NULL;
	struct strv env = STRV_INIT;
	size_t n;
	pid_t pid;
	int code;

	if (fd < 0)
		return err_sys(e, "memfd_create");
	helper_environment(&env, cli->envp, &cli->o);
	pid = helper_start("audit", argv, env.v, fd, -1, false, e);
	strv_release(&env);
	if (pid < 0)
		return err_add(e, "analyze --static");
	code = helper_wait(pid, clock_mono_ns() + AUDIT_NS);
	if (code != 0) {
		err_set(e, ERR_FAILURE, "analyze --static: spec-runner audit failed (exit code %d)", code);
		return 1;
	}
	if (file_read(path, GRAPH_MAX_BYTES, &text, &n, e) < 0)
		return -1;
	return static_graph_write(s, run_id, text, n, cli->root, cli->o.json, out, e);
}

static int take_spool(struct cli *cli, struct store *s, struct err *e)
{
	struct spool_reader by = { .envp = cli->envp, .root = cli->root, .artifacts_dir = cli->o.artifacts_dir };
	auto_str say = STR_INIT;
	int rc = redactor_new(&by.redactor, cli->envp, &cli->o.redact_env, &cli->o.redact_patterns, e);

	if (rc == 0)
		rc = spool_take_first(s, &by, &say, e);
	redactor_free(by.redactor);
	if (say.len)
		cli_note("%s", str_cstr(&say));
	return rc;
}

static int analyze(struct cli *cli, struct store **s, struct str *out, struct err *e)
{
	const struct history_settings *h = &cli->o.history;
	auto_free char *dir = history_dir(&cli->o, cli->root);
	struct store_where w = { .dir = dir, .dsn = history_dsn(cli->envp, false), .network_ok = h->network_ok };
	const char *name = h->run_id ? h->run_id : cli->operand_count == 1 ? cli->operands[0] : NULL;
	char run_id[64];
	double damping;
	int rc;

	if (!name || cli->operand_count > 1)
		return err_set(e, ERR_USAGE, "analyze needs --run-id RUN (a run_id, latest, latest:BRANCH)");
	if (real_of("--damping", h->damping, 0, 1, 0.5, &damping, e) < 0 || store_open(s, &w, STORE_WRITE, e) < 0 ||
	    take_spool(cli, *s, e) < 0)
		return -1;
	rc = view_find_run(*s, name, run_id, e);
	if (rc == 0 && (h->is_runtime || !h->is_static))
		rc = analyze_runtime(*s, run_id, h, damping, cli->o.json && !h->is_static, out, e);
	if (rc == 0 && h->is_static)
		rc = analyze_static(cli, *s, run_id, out, e);
	else if (rc == 0)
		rc = static_graph_place(*s, run_id, e);
	return rc ? rc : flags_of_evaluation(*s, run_id, e);
}

static int analyze_body(struct cli *cli)
{
	auto_store *s = NULL;
	auto_str out = STR_INIT;
	struct err e = { 0 };
	int rc = analyze(cli, &s, &out, &e);

	fwrite(str_cstr(&out), 1, out.len, stdout);
	if (rc == 0)
		return cli_flush();
	return rc == 1 ? (cli_fail(&e), 1) : cli_fail(&e);
}

int main(int argc, char **argv)
{
	return program_main("analyze", argc, argv, analyze_body);
}
