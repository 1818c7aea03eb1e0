/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner compare BASE CANDIDATE: better, worse, or not to be told. Exit 0; 1 where something regressed or a side has no
 * run; 2 usage; 125 the store failed. */
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/compare.h"
#include "history/flags.h"
#include "history/real.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int open_store(struct cli *cli, const char *words, struct store **s, struct err *e)
{
	auto_free char *dir = history_dir(&cli->o, cli->root);
	struct store_where w = { .dir = dir, .dsn = history_dsn(cli->envp, true), .network_ok = cli->o.history.network_ok };
	int rc;

	if (*s)
		return 0;
	rc = store_open(s, &w, STORE_READ, e);
	if (rc == 1)
		err_set(e, ERR_FAILURE, "compare: no run is '%s', and no file: there is no history in '%s'", words, dir);
	return rc;
}

static int read_side(struct cli *cli, struct store **s, const char *words, struct compare_side *side, struct err *e)
{
	struct stat st;
	int rc;

	if (stat(words, &st) == 0 && S_ISREG(st.st_mode))
		return compare_side_file(side, words, e);
	rc = open_store(cli, words, s, e);
	return rc ? rc : compare_side_runs(*s, words, &cli->o.history.metrics, cli->o.history.any_device, side, e);
}

static int check_pair(struct cli *cli, const struct compare_side *a, const struct compare_side *b, struct err *e)
{
	if (cli->o.history.any_device || !a->workload || !b->workload ||
	    (strcmp(a->workload, b->workload) == 0 && strcmp(a->device, b->device) == 0))
		return 0;
	return err_set(e, ERR_USAGE, "compare: the sides are of different workloads or devices ('%s' on '%s', '%s' on '%s'):"
		       " --any-device compares them all the same", a->workload, a->device, b->workload, b->device);
}

static bool is_locked(const char *dir)
{
	auto_free char *path = path_join(dir, "lock");
	auto_close int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0; /* closing gives it back */
}

/* What was found is kept with the candidate's runs, where we may write: a role that reads alone, or a store of somebody
 * else's, is no reason to say less. */
static void keep_flags(struct cli *cli, struct store **s, const struct comparison *c, const struct compare_side sides[2])
{
	auto_free char *dir = history_dir(&cli->o, cli->root);
	struct store_where w = { .dir = dir, .dsn = history_dsn(cli->envp, false), .network_ok = cli->o.history.network_ok };
	auto_store *writer = NULL;
	struct err ignored = { 0 };

	if (!sides[1].runs.n || (!w.dsn && history_dsn(cli->envp, true)))
		return;
	store_close(*s);
	*s = NULL;
	if (!w.dsn && is_locked(dir))
		return; /* a reader never waits for a writer */
	if (store_open(&writer, &w, STORE_WRITE, &ignored) == 0 &&
	    (!w.dsn || store_script(writer, "SET lock_timeout = '300ms'", &ignored) == 0))
		flags_of_comparison(writer, c, &sides[0], &sides[1], &ignored);
}

static int compare_both(struct cli *cli, struct store **s, struct compare_side sides[2], struct err *e)
{
	const struct history_settings *h = &cli->o.history;
	struct compare_options o = { .common_mode = !h->no_common_mode };
	struct comparison c;
	auto_str out = STR_INIT;
	int rc;

	if (cli->operand_count != 2)
		return err_set(e, ERR_USAGE,
			       "compare needs BASE and CANDIDATE: each a file, run ids joined by commas, rev:REV,"
			       " branch:NAME[:N] or last:N");
	if (real_of("--alpha", h->alpha, 0, 1, 0.01, &o.alpha, e) < 0 ||
	    real_of("--min-effect", h->min_effect, 0, 1000, 0.02, &o.min_effect, e) < 0 ||
	    real_of("--equivalence", h->equivalence, 0, 1000, 0.05, &o.equivalence, e) < 0)
		return -1;
	for (int i = 0; i < 2; i++)
		if ((rc = read_side(cli, s, cli->operands[i], &sides[i], e)) != 0)
			return rc;
	if (check_pair(cli, &sides[0], &sides[1], e) < 0)
		return -1;
	compare_sides(&sides[0], &sides[1], &o, &c);
	if (cli->o.json)
		comparison_json(&c, &sides[0], &sides[1], &out);
	else
		comparison_text(&c, &out);
	fwrite(str_cstr(&out), 1, out.len, stdout);
	keep_flags(cli, s, &c, sides);
	rc = comparison_count(&c, COMPARE_REGRESSED) ? 2 : 0;
	comparison_release(&c);
	return rc;
}

static int compare_body(struct cli *cli)
{
	struct compare_side sides[2] = { 0 };
	auto_store *s = NULL;
	struct err e = { 0 };
	int rc = compare_both(cli, &s, sides, &e), code;

	compare_side_release(&sides[0]);
	compare_side_release(&sides[1]);
	if (rc == 0 || rc == 2)
		return (code = cli_flush()) ? code : rc == 2;
	code = cli_fail(&e);
	return rc == 1 ? 1 : code;
}

int main(int argc, char **argv)
{
	return program_main("compare", argc, argv, compare_body);
}
