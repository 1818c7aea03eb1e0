/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner shard I/N|auto [LIST]: the part of a list of names that is ours, balanced by time. Without a store, or before
 * anything is known, parts are of equal number. Exit 0; 1: another list under that plan; 2 usage; 125 the store failed. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "history/ci.h"
#include "history/shard.h"
#include "history/trace_head.h"
#include "runner/cases/select.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PLAN_MAX_BYTES ((size_t)256 << 20)

struct sharding {
	struct cli *cli;
	unsigned part, parts;
	struct strv list;      /* in the order given */
	struct shard_plan plan;
	char *key;             /* NULL: the plan is ours alone */
};

static int read_list(struct sharding *w, const char *path, struct err *e)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	auto_free char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	if (!in)
		return err_set(e, ERR_USAGE, "shard: reading the list '%s': %s", path, strerror(errno));
	while ((n = getline(&line, &cap, in)) > 0) {
		line[strcspn(line, "\r\n")] = '\0';
		if (*line)
			strv_add(&w->list, line);
	}
	if (in != stdin)
		fclose(in);
	return 0;
}

static char *plan_key(const struct cli *cli)
{
	static struct ci ci;

	if (cli->o.history.plan_key)
		return xstrdup(cli->o.history.plan_key);
	ci_read(&ci, cli->envp);
	if (!ci.provider || !ci.pipeline[0])
		return NULL;
	return xasprintf("%s/%s/%s/%s", ci.provider, ci.pipeline, ci.attempt, ci.job);
}

/* Times out of the store, and one plan for all that ask under our key. */
static int make_plan(struct sharding *w, struct err *e)
{
	const struct options *o = &w->cli->o;
	bool named = history_is_named(o, w->cli->envp);
	auto_free char *dir = history_dir(o, w->cli->root), *device = device_here(o->history.device);
	struct store_where where = { .dir = dir,
				     .dsn = history_dsn(w->cli->envp, !w->key),
				     .network_ok = o->history.network_ok };
	auto_store *s = NULL;
	int rc = 0;

	if (!named && o->history.plan_key)
		return err_set(e, ERR_USAGE, "--plan-key: parts of one plan need a store that they share: --history DIR, or "
			       HISTORY_DSN_ENV);
	if (named)
		rc = store_open(&s, &where, w->key ? STORE_WRITE : STORE_READ, e);
	if (rc < 0 || (s && shard_times(s, device, &w->plan, e) < 0))
		return -1;
	shard_plan_make(&w->plan, w->parts);
	return s && w->key ? shard_plan_share(s, w->key, clock_real_ns(), &w->plan, e) : 0;
}

static int read_plan(struct sharding *w, const char *path, bool has_list, struct err *e)
{
	auto_free char *text = NULL;
	struct shard_plan given;
	char mine[ARTIFACT_SHA256_SIZE];
	size_t n;

	memcpy(mine, w->plan.list_sha256, sizeof(mine));
	if (file_read(path, PLAN_MAX_BYTES, &text, &n, e) < 0 || shard_plan_parse(&given, text, n, path, e) < 0) {
		e->kind = ERR_USAGE;
		return -1;
	}
	shard_plan_release(&w->plan);
	w->plan = given;
	if (given.shards != w->parts || (has_list && strcmp(given.list_sha256, mine) != 0))
		return shard_plan_other(&w->plan, path, mine, w->parts, e);
	for (size_t i = 0; !has_list && i < given.n; i++)
		strv_add(&w->list, given.names[i]);
	return 0;
}

static int print_part(struct sharding *w)
{
	const struct shard_plan *p = &w->plan;
	auto_free bool *done = xcalloc(p->n + 1, sizeof(*done));
	double longest = 0;
	size_t names = 0;

	for (size_t i = 0; i < p->n; i++)
		names += p->part[i] == w->part;
	for (unsigned i = 0; i < p->shards; i++)
		longest = p->expected_ms[i] > longest ? p->expected_ms[i] : longest;
	for (size_t i = 0; i < w->list.n; i++) {
		size_t at = shard_plan_index(p, w->list.v[i]);

		if (at < p->n && p->part[at] == w->part && !done[at])
			puts(w->list.v[i]);
		if (at < p->n)
			done[at] = true; /* a name that is given twice is run once */
	}
	if (!w->cli->o.quiet)
		cli_note("plan %.12s: part %u of %u, %zu of %zu names, expected %.1f s, longest part %.1f s", p->digest,
			 w->part, w->parts, names, p->n, p->expected_ms[w->part - 1] / 1000, longest / 1000);
	return cli_flush();
}

static int plan_out(const struct sharding *w, struct err *e)
{
	const char *path = w->cli->o.history.plan_out;

	return path ? file_write(path, str_cstr(&w->plan.json), w->plan.json.len, e) : 0;
}

static int run(struct sharding *w, struct err *e)
{
	struct cli *cli = w->cli;
	const char *given = cli->o.history.plan;
	bool has_list = cli->operand_count > 1 || !given;
	int rc;

	if (cli->operand_count < 1 || cli->operand_count > 2)
		return err_set(e, ERR_USAGE,
			       "shard needs I/N (or auto) and a list of names (a file, or - for standard input)");
	if (shard_parse(cli->operands[0], cli->envp, &w->part, &w->parts, e) < 0)
		return -1;
	if (has_list && read_list(w, cli->operand_count > 1 ? cli->operands[1] : "-", e) < 0)
		return -1;
	shard_plan_init(&w->plan, &w->list);
	w->key = plan_key(cli);
	rc = given ? read_plan(w, given, has_list, e) : make_plan(w, e);
	return rc;
}

static int shard_body(struct cli *cli)
{
	struct sharding w = { .cli = cli };
	struct err e = { 0 };
	mode_t mask = umask(0);
	int rc, code;

	umask(mask);
	rc = run(&w, &e);
	umask(mask); /* the store's files are ours alone, a plan need not be */
	rc = rc ? rc : plan_out(&w, &e);
	code = rc == 0 ? print_part(&w) : rc == 1 ? (cli_fail(&e), 1) : cli_fail(&e);
	shard_plan_release(&w.plan);
	strv_release(&w.list);
	free(w.key);
	return code;
}

int main(int argc, char **argv)
{
	return program_main("shard", argc, argv, shard_body);
}
