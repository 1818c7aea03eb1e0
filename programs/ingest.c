/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner ingest repo|artifacts|fold: foreign files into the history, or folded stacks on stdout. Exit
 * 0; 1: no such run,
 * or a file of which more than half cannot be read; 2 usage; 125 the store failed. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/value.h"
#include "history/ingest/fold.h"
#include "history/ingest/ingest.h"
#include "history/real.h"
#include "history/run_writer.h"
#include "history/spool.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- fold ---- */

struct folded {
	char *stack;
	size_t n;
	double weight;
};
struct folding {
	struct folded *v;
	size_t n;
};

static void keep_stack(void *arg, const char *stack, size_t n, double weight)
{
	struct folding *f = arg;

	if ((f->n & (f->n - 1)) == 0)
		f->v = xreallocarray(f->v, f->n ? f->n * 2 : 1, sizeof(*f->v));
	f->v[f->n++] = (struct folded){ xstrndup(stack, n), n, weight };
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(((const struct folded *)a)->stack, ((const struct folded *)b)->stack);
}

/* Equal stacks are one line. Numbers as Perl prints them. */
static int print_folded(struct folding *f)
{
	if (f->n)
		qsort(f->v, f->n, sizeof(*f->v), by_bytes);
	for (size_t i = 0, j; i < f->n; i = j) {
		double sum = 0;

		for (j = i; j < f->n && strcmp(f->v[j].stack, f->v[i].stack) == 0; j++)
			sum += f->v[j].weight;
		printf("%s %.15g\n", f->v[i].stack, sum);
	}
	for (size_t i = 0; i < f->n; i++)
		free(f->v[i].stack);
	free(f->v);
	return cli_flush();
}

static int verb_fold(struct cli *cli, const char *path)
{
	const struct history_settings *h = &cli->o.history;
	struct fold_options o = { .pid = h->fold_pid, .tid = h->fold_tid, .kernel = h->fold_kernel || h->fold_all,
				  .jit = h->fold_jit || h->fold_all, .addrs = h->fold_addrs, .event = h->event_filter };
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	auto_free char *line = NULL;
	struct folding all = { 0 };
	struct err e = { 0 };
	uint64_t unknown = 0;
	struct fold *f;
	size_t cap = 0;
	ssize_t n;

	if (!in) {
		err_set(&e, ERR_USAGE, "ingest fold: reading '%s': %s", path, strerror(errno));
		return cli_fail(&e);
	}
	f = fold_new(&o, keep_stack, &all);
	while ((n = getline(&line, &cap, in)) > 0)
		unknown += !fold_line(f, line, (size_t)n - (line[n - 1] == '\n'));
	fold_free(f);
	if (in != stdin)
		fclose(in);
	if (unknown && !cli->o.quiet)
		cli_note("ingest fold: %llu line%s of '%s' could not be read", (unsigned long long)unknown,
			 unknown == 1 ? "" : "s", path);
	return print_folded(&all);
}

/* ---- into the store ---- */

static int open_request(struct cli *cli, struct ingest_request *q, struct store **s, struct err *e)
{
	auto_free char *dir = history_dir(&cli->o, cli->root);
	struct store_where w = { .dir = dir, .dsn = history_dsn(cli->envp, false), .network_ok = cli->o.history.network_ok };

	*q = (struct ingest_request){ .settings = &cli->o.history, .now_real_ns = clock_real_ns(), .envp = cli->envp,
				      .root = cli->root };
	if (real_of("--refresh-hz", cli->o.history.refresh_hz, 1, 10000, 60, &q->refresh_hz, e) < 0 ||
	    redactor_new(&q->redactor, cli->envp, &cli->o.redact_env, &cli->o.redact_patterns, e) < 0 ||
	    store_open(s, &w, STORE_WRITE, e) < 0)
		return -1;
	q->s = *s;
	return 0;
}

static int take_spool(struct cli *cli, const struct ingest_request *q, struct err *e)
{
	const struct spool_reader by = { cli->envp, cli->root, cli->o.artifacts_dir, q->redactor };
	auto_str say = STR_INIT;
	int rc = spool_take_first(q->s, &by, &say, e);

	if (say.len)
		cli_note("%s", str_cstr(&say));
	return rc;
}

static int ingest(struct cli *cli, bool repo, struct ingest_request *q, struct store **s, struct err *e)
{
	const struct strv *paths = &cli->o.history.paths;
	struct ingest_result r = { 0 };
	auto_str out = STR_INIT;
	int rc;

	if (repo ? paths->n != 1 : !paths->n)
		return err_set(e, ERR_USAGE,
			       repo ? "ingest repo needs one --path DIR"
				    : "ingest artifacts wants"
				      " --path FILE");
	if (open_request(cli, q, s, e) < 0 || take_spool(cli, q, e) < 0)
		return -1;
	rc = repo ? ingest_repo(q, paths->v[0], cli->o.history.rev, &r, e) : ingest_artifacts(q, &r, e);
	if (rc == 0 && recent_settle(*s, e) < 0)
		rc = -1;
	if (rc == 0) {
		if (cli->o.json)
			ingest_json(&r, &out);
		else
			ingest_lines(&r, &out);
		fwrite(str_cstr(&out), 1, out.len, stdout);
	}
	ingest_result_release(&r);
	return rc;
}

static int ingest_body(struct cli *cli)
{
	static const char *const commands[] = { "repo", "artifacts", "fold", NULL };
	const char *name = cli->operand_count ? cli->operands[0] : "";
	char quoted[VALUE_QUOTE_SIZE], hint[NEAREST_HINT_SIZE];
	struct ingest_request q = { 0 };
	auto_store *s = NULL;
	struct err e = { 0 };
	int rc;

	if (strcmp(name, "fold") == 0 && cli->operand_count == 2)
		return verb_fold(cli, cli->operands[1]);
	for (int i = 1; i < cli->operand_count; i++)
		strv_add(&cli->o.history.paths, cli->operands[i]);
	if (strcmp(name, "repo") == 0 || strcmp(name, "artifacts") == 0) {
		rc = ingest(cli, name[0] == 'r', &q, &s, &e);
	} else {
		rc = err_set(&e, ERR_USAGE,
			     "ingest needs repo --path DIR, artifacts --path FILE, or fold FILE, and not %s%s",
			     value_quote(name, quoted), nearest_hint(nearest_word(name, commands), hint));
	}
	redactor_free(q.redactor);
	if (rc == 0)
		return cli_flush();
	return rc == 1 ? (cli_fail(&e), 1) : cli_fail(&e);
}

int main(int argc, char **argv)
{
	return program_main("ingest", argc, argv, ingest_body);
}
