/* SPDX-License-Identifier: Apache-2.0 */
/* What `spec-runner report --run-id RUN` becomes: the report of a run of the history, on stdout or in --output. Exit 0;
 * 1: no such run; 2 usage; 125 the store failed. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "history/run_report.h"
#include "history/view.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum format { MARKDOWN, HTML, JSON };

static int find_format(const struct cli *cli, enum format *format, struct err *e)
{
	static const char *const names[] = { "markdown", "html", "json", NULL };
	const char *name = cli->o.format, *out = cli->o.report_out;
	char quoted[VALUE_QUOTE_SIZE];
	int i;

	*format = out && (str_ends(out, ".html") || str_ends(out, ".htm")) ? HTML
		  : out && str_ends(out, ".json")                          ? JSON
									   : MARKDOWN;
	if (!name)
		return 0;
	i = value_word(name, names);
	if (i < 0)
		return err_set(e, ERR_USAGE,
			       "--format: %s is not a format of a run of the history; accepted: markdown,"
			       " html, json",
			       value_quote(name, quoted));
	*format = (enum format)i;
	return 0;
}

static int make(struct cli *cli, struct str *out, struct err *e)
{
	const struct history_settings *h = &cli->o.history;
	auto_free char *dir = history_dir(&cli->o, cli->root);
	struct store_where w = { .dir = dir, .dsn = history_dsn(cli->envp, true), .network_ok = h->network_ok };
	auto_store *s = NULL;
	enum format format;
	char run_id[64];
	int rc;

	if (cli->operand_count)
		return err_set(e, ERR_USAGE, "report takes a trace or --run-id, not both");
	if (find_format(cli, &format, e) < 0 ||
	    (cli->o.report_out && cli_check_folder(cli, "--output", cli->o.report_out, e) < 0))
		return -1;
	rc = store_open(&s, &w, STORE_READ, e);
	if (rc == 1)
		err_set(e, ERR_FAILURE, "no history in '%s': record a run first (--history DIR names another folder)",
			dir);
	if (rc == 0)
		rc = view_find_run(s, h->run_id, run_id, e);
	if (rc == 0 && format == JSON) {
		struct view v = { .s = s, .settings = h, .json = true, .now_real_ns = clock_real_ns() };

		rc = view_show(&v, run_id, out, e);
	} else if (rc == 0) {
		struct run_report_request q = {
			.s = s, .run_id = run_id, .html = format == HTML, .now_real_ns = clock_real_ns()
		};

		rc = run_report_write(&q, out, e);
	}
	return rc;
}

static int body(struct cli *cli)
{
	auto_free char *path = cli->o.report_out ? path_resolve(cli->root, cli->o.report_out) : NULL;
	auto_str out = STR_INIT;
	struct err e = { 0 };
	mode_t mask = umask(0);
	int rc;

	umask(mask);
	rc = make(cli, &out, &e);
	umask(mask); /* the store's files are ours alone, a report need not be */
	if (rc == 1) {
		cli_fail(&e);
		return 1;
	}
	if (rc < 0 || (path && file_write(path, str_cstr(&out), out.len, &e) < 0))
		return cli_fail(&e);
	if (!path)
		fwrite(str_cstr(&out), 1, out.len, stdout);
	return cli_flush();
}

int main(int argc, char **argv)
{
	return program_main("report", argc, argv, body);
}
