/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner history COMMAND: records runs, and reads what is remembered of them.
 *
 * With --internal first (the supervisor's own call, at the end of a run) `record` says on stderr what the history knows of
 * what happened, and nothing of it changes the run. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/path.h"
#include "base/value.h"
#include "history/keep.h"
#include "history/limits.h"
#include "history/note.h"
#include "history/record.h"
#include "history/run_writer.h"
#include "history/spool.h"
#include "history/trace_head.h"
#include "history/transfer.h"
#include "history/view.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"
#include "trace/journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool internal;

/* ---- the store ---- */

static int open_store(struct cli *cli, enum store_access access, struct store **s, struct err *e)
{
	auto_free char *dir = history_dir(&cli->o, cli->root);
	struct store_where w = { .dir = dir, .dsn = history_dsn(cli->envp, access == STORE_READ),
				 .network_ok = cli->o.history.network_ok };
	int rc;

	if (cli->o.history.where && !history_is_named(&cli->o, cli->envp))
		return err_set(e, ERR_USAGE, "--history: '%s' names no store to work with; accepted: a folder, on",
			       cli->o.history.where);
	rc = store_open(s, &w, access, e);
	if (rc == 1) {
		err_set(e, ERR_FAILURE, "no history in '%s': record a run first (--history DIR names another folder)", dir);
		return 1;
	}
	return rc;
}

static int failed(const struct err *e)
{
	return cli_fail(e);
}

static int print(const struct str *out)
{
	fwrite(str_cstr(out), 1, out->len, stdout);
	return cli_flush();
}

/* ---- record ---- */

/* What recording a trace wants, for this call: also of every other writing command, which takes in the spool first. */
struct taking {
	struct cli *cli;
	char *artifacts;
	struct redactor *redactor;
	struct record_request q;
};

static void taking_release(struct taking *t)
{
	redactor_free(t->redactor);
	free(t->artifacts);
}

static int taking_init(struct taking *t, struct err *e)
{
	const struct options *o = &t->cli->o;

	if (redactor_new(&t->redactor, t->cli->envp, &o->redact_env, &o->redact_patterns, e) < 0)
		return -1;
	t->artifacts = path_resolve(t->cli->root, o->artifacts_dir);
	t->q = (struct record_request){
		.beside = o->history.beside, .artifacts_dir = t->artifacts, .settings = &o->history, .own = true,
		.envp = t->cli->envp, .root = t->cli->root, .redactor = t->redactor,
	};
	return 0;
}

static void say_spool(struct spool_result *r)
{
	auto_str line = STR_INIT;

	spool_say(r, &line);
	if (line.len)
		cli_note("%s", str_cstr(&line));
}

/* The store to write to, with what waited in its spool. The caller releases t in any case. */
static int open_writer(struct taking *t, struct store **s, struct err *e)
{
	struct spool_result r = { 0 };
	int rc = taking_init(t, e) < 0 || open_store(t->cli, STORE_WRITE, s, e) < 0 ? -1 : 0;

	if (rc == 0)
		rc = spool_take(*s, &t->q, &r, e);
	say_spool(&r);
	return rc;
}

/* A file of the spool that another writer took in before us is recorded all the same. */
static bool is_in_already(struct store *s, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	auto_free char *run_id = xstrdup(name[0] == '.' ? name + 1 : name);
	struct err e = { 0 };
	int64_t n;

	if (str_ends(run_id, ".json"))
		run_id[strlen(run_id) - 5] = '\0';
	return access(path, F_OK) < 0 &&
	       store_one_int(s, &n, 0, &e, "SELECT COUNT(*) FROM runs WHERE run_id = ?", "t", run_id) == 1 && n > 0;
}

static int record_one(struct cli *cli, struct store *s, struct record_request *q, const char *path)
{
	struct record_result got;
	struct err e = { 0 };

	q->trace = path;
	if (record_trace(s, q, &got, &e) < 0) {
		record_result_release(&got);
		if (internal && is_in_already(s, path))
			return 0;
		cli_fail(&e);
		return str_starts(e.msg, "history: ") ? 125 : 1;
	}
	if (internal) {
		struct note_request n = { .s = s, .run = &got, .quiet = cli->o.quiet, .now_real_ns = clock_real_ns() };
		auto_str lines = STR_INIT;

		unlink(path);
		note_write(&n, &lines);
		for (const char *p = str_cstr(&lines); *p;) {
			size_t len = strcspn(p, "\n");

			cli_note("%.*s", (int)len, p);
			p += len + (p[len] == '\n');
		}
	} else {
		printf("recorded %s\n", got.run_id);
		fflush(stdout);
	}
	record_result_release(&got);
	return 0;
}

static int verb_record(struct cli *cli, char **args, int n)
{
	auto_free char *newest = path_resolve(cli->root, cli->o.profile_out);
	char *default_args[] = { newest };
	struct taking t = { .cli = cli };
	auto_store *s = NULL;
	struct err e = { 0 };
	int rc, code = 0;

	if (cli->o.history.kind && strcmp(cli->o.history.kind, "repro") != 0) {
		err_set(&e, ERR_USAGE, "--kind: '%s' is not a kind that record takes; accepted: repro", cli->o.history.kind);
		return failed(&e);
	}
	if (open_writer(&t, &s, &e) < 0) {
		taking_release(&t);
		return failed(&e);
	}
	if (n == 0) {
		args = default_args;
		n = 1;
	}
	for (int i = 0; i < n; i++) {
		rc = record_one(cli, s, &t.q, args[i]);
		code = code ? code : rc;
	}
	taking_release(&t);
	if (recent_settle(s, &e) < 0 || keep_now_and_then(s, &cli->o.history, clock_real_ns(), &e) < 0)
		return code ? code : failed(&e);
	return code;
}

/* ---- reading ---- */

struct reader {
	const char *name;
	int (*read)(const struct view *v, struct str *out, struct err *e);
	int (*read_named)(const struct view *v, const char *name, struct str *out, struct err *e);
	const char *wants;
};
static const struct reader readers[] = {
	{ "runs", view_runs, NULL, NULL }, { "show", NULL, view_show, "RUN (a run_id, latest or latest:BRANCH)" },
	{ "tests", view_tests, NULL, NULL }, { "test", NULL, view_test, "ID (a test's name, or 'SUITE NAME')" },
	{ "flaky", view_flaky, NULL, NULL }, { "hangs", view_hangs, NULL, NULL }, { "limits", view_limits, NULL, NULL },
	{ "sql", NULL, view_sql, "QUERY (one SELECT)" }, { "info", view_info, NULL, NULL },
	{ "regressions", view_regressions, NULL, NULL },
};

static int verb_read(struct cli *cli, const struct reader *r, char **args, int n)
{
	struct view v = { .settings = &cli->o.history, .json = cli->o.json, .now_real_ns = clock_real_ns() };
	auto_str out = STR_INIT;
	auto_store *s = NULL;
	struct err e = { 0 };
	int rc;

	if (r->read_named ? n != 1 : n != 0) {
		if (r->wants)
			err_set(&e, ERR_USAGE, "history %s needs one %s", r->name, r->wants);
		else
			err_set(&e, ERR_USAGE, "history %s takes no arguments", r->name);
		return failed(&e);
	}
	rc = cli->o.history.series && !r->read_named ? 0 : open_store(cli, STORE_READ, &s, &e); /* --series wants no store */
	if (rc == 0) {
		v.s = s;
		rc = r->read_named ? r->read_named(&v, args[0], &out, &e) : r->read(&v, &out, &e);
	}
	if (rc == 0 || rc == 2)
		return print(&out) ? 125 : rc == 2; /* 2: something was found */
	rc = rc == 1 ? 1 : e.kind == ERR_USAGE ? 2 : 125;
	cli_fail(&e);
	return rc;
}

/* The supervisor's question before a run: VERB WORD... is what will run. */
static int verb_limits_for(struct cli *cli, char **args, int n)
{
	auto_free char *workload = NULL, *device = device_here(cli->o.history.device);
	struct redactor *r = NULL;
	auto_store *s = NULL;
	struct limits l = { 0 };
	struct err e = { 0 };
	struct json j;
	auto_str out = STR_INIT;

	if (n < 2 || redactor_new(&r, cli->envp, &cli->o.redact_env, &cli->o.redact_patterns, &e) < 0 ||
	    open_store(cli, STORE_READ, &s, &e) != 0)
		return 1;
	workload = workload_to_be(cli->o.history.workload, cli->envp, args[0], args + 1, r);
	redactor_free(r);
	if (limits_read(s, workload, device, false, &l, &e) < 0)
		return 1;
	json_init(&j, &out);
	json_object(&j, NULL);
	json_fixed(&j, "run_limit_ms", l.run.limit_ms > 0 ? l.run.limit_ms : 0, 0);
	json_fixed(&j, "usual_ms", l.run_last_ms > 0 ? l.run_last_ms : 0, 3);
	json_array(&j, "tests");
	for (size_t i = 0; i < l.n; i++) {
		if (l.tests[i].limit_ms <= 0)
			continue;
		json_object(&j, NULL);
		json_str(&j, "suite", l.tests[i].suite);
		json_str(&j, "case_id", l.tests[i].case_id);
		json_fixed(&j, "limit_ms", l.tests[i].limit_ms, 0);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	limits_release(&l);
	return print(&out);
}

/* ---- keeping ---- */

static int verb_export(struct cli *cli, char **args, int n)
{
	struct transfer t = { .settings = &cli->o.history, .now_real_ns = clock_real_ns() };
	auto_store *s = NULL;
	struct err e = { 0 };
	int rc;

	if (n > 1) {
		err_set(&e, ERR_USAGE, "history export takes one file; without it the standard output");
		return failed(&e);
	}
	rc = open_store(cli, STORE_READ, &s, &e);
	if (rc == 0) {
		t.s = s;
		rc = transfer_export(&t, n && strcmp(args[0], "-") != 0 ? args[0] : "/dev/stdout", &e);
	}
	if (rc == 0)
		return 0;
	cli_fail(&e);
	return rc == 1 ? 1 : e.kind == ERR_USAGE ? 2 : 125;
}

static int import_done(const struct transfer *t, int rc, const struct err *e)
{
	if (rc < 0)
		return cli_fail(e);
	if (rc == TRANSFER_NO_SUCH)
		return cli_fail(e), 1;
	printf("imported %llu run%s, %llu known already\n", (unsigned long long)t->imported, t->imported == 1 ? "" : "s",
	       (unsigned long long)t->known);
	for (size_t i = 0; i < t->conflicts.n; i++)
		cli_note("history import: %s is in the store with other content: it was left as it is", t->conflicts.v[i]);
	return cli_flush() ? 125 : t->conflicts.n ? 1 : 0;
}

/* Another job's folder: its runs, and those that it could not record itself. */
static int merge_one(struct taking *t, struct transfer *into, const char *dir, struct err *e)
{
	auto_free char *spool = path_join(dir, "spool");
	struct spool_result r = { 0 };
	int rc = transfer_merge(into, dir, t->cli->o.history.network_ok, e);
	struct stat st;

	if (rc < 0 || (rc == TRANSFER_NO_SUCH && (stat(spool, &st) < 0 || !S_ISDIR(st.st_mode))))
		return rc;
	*e = (struct err){ 0 };
	rc = spool_take_from(into->s, dir, &t->q, &r, e);
	into->imported += r.taken;
	say_spool(&r);
	return rc;
}

static int verb_import(struct cli *cli, char **args, int n, bool merge)
{
	struct transfer t = { .settings = &cli->o.history, .now_real_ns = clock_real_ns() };
	struct taking with = { .cli = cli };
	auto_store *s = NULL;
	struct err e = { 0 };
	int rc;

	if (n < 1) {
		err_set(&e, ERR_USAGE,
			merge ? "history merge needs folders of stores"
			      : "history import needs files"
				" of history export");
		return failed(&e);
	}
	rc = open_writer(&with, &s, &e);
	t.s = s;
	for (int i = 0; i < n && rc == 0; i++)
		rc = merge ? merge_one(&with, &t, args[i], &e) : transfer_import(&t, args[i], &e);
	if (s && rc == 0 && recent_settle(s, &e) < 0)
		rc = -1;
	rc = import_done(&t, rc, &e);
	strv_release(&t.conflicts);
	taking_release(&with);
	return rc;
}

static int verb_keep(struct cli *cli, const char *what)
{
	struct keep_request k = { .settings = &cli->o.history, .now_real_ns = clock_real_ns(),
				  .dry_run = cli->o.history.dry_run, .json = cli->o.json };
	bool verify = strcmp(what, "verify") == 0;
	struct taking t = { .cli = cli };
	auto_store *s = NULL;
	auto_str out = STR_INIT;
	struct err e = { 0 };
	int rc = verify ? open_store(cli, STORE_READ, &s, &e)
			: k.dry_run ? open_store(cli, STORE_WRITE, &s, &e) : open_writer(&t, &s, &e);

	taking_release(&t);
	if (rc == 0) {
		k.s = s;
		rc = verify ? keep_verify(&k, &out, &e) : keep_gc(&k, &out, &e);
		if (rc >= 0 && print(&out))
			return 125;
	}
	if (rc < 0 || e.kind != ERR_NONE)
		cli_fail(&e);
	return rc < 0 ? e.kind == ERR_USAGE ? 2 : 125 : rc;
}

static int say_schema(struct cli *cli, int from)
{
	int to = schema_version();

	if (cli->o.json)
		printf("{\"version\":1,\"schema\":%d,\"program_schema\":%d}\n", from, to);
	else if (cli->o.history.dry_run)
		printf("schema version %d, this program has %d: %s\n", from, to,
		       from == to ? "nothing to do" : from > to ? "too new" : "would be migrated");
	else
		printf("schema version %d\n", from);
	return cli_flush();
}

static int verb_migrate(struct cli *cli)
{
	auto_free char *dir = history_dir(&cli->o, cli->root);
	struct store_where w = { .dir = dir, .dsn = history_dsn(cli->envp, true), .network_ok = cli->o.history.network_ok };
	struct taking t = { .cli = cli };
	auto_store *s = NULL;
	struct err e = { 0 };
	int from, rc;

	if (cli->o.history.dry_run) {
		if (store_schema_version(&w, &from, &e) < 0)
			return failed(&e);
		if (from >= 0)
			return say_schema(cli, from);
		err_set(&e, ERR_FAILURE, "no history in '%s': record a run first (--history DIR names another folder)", dir);
		return cli_fail(&e), 1;
	}
	rc = open_writer(&t, &s, &e);
	taking_release(&t);
	return rc < 0 ? failed(&e) : say_schema(cli, schema_version());
}

/* ---- dispatch ---- */

static const char *const commands[] = {
	"record", "runs", "show",   "tests",  "test",  "flaky", "hangs",  "limits",  "regressions",
	"sql",    "info", "export", "import", "merge", "gc",    "verify", "migrate", NULL,
};

static int unknown(const char *name)
{
	char quoted[VALUE_QUOTE_SIZE], hint[NEAREST_HINT_SIZE];
	auto_str words = STR_INIT;
	struct err e = { 0 };

	value_words(&words, commands);
	if (!name)
		err_set(&e, ERR_USAGE, "history needs a command: %s", str_cstr(&words));
	else
		err_set(&e, ERR_USAGE, "history: %s is not a command%s; accepted: %s", value_quote(name, quoted),
			nearest_hint(nearest_word(name, commands), hint), str_cstr(&words));
	return cli_fail(&e);
}

static int history_body(struct cli *cli)
{
	const char *name = cli->operand_count ? cli->operands[0] : NULL;
	char **args = cli->operands + 1;
	int n = cli->operand_count - 1;

	if (!name)
		return unknown(NULL);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (strcmp(name, readers[i].name) == 0)
			return verb_read(cli, &readers[i], args, n);
	if (internal && strcmp(name, "limits-for") == 0)
		return verb_limits_for(cli, args, n);
	if (strcmp(name, "record") == 0)
		return verb_record(cli, args, n);
	if (strcmp(name, "export") == 0)
		return verb_export(cli, args, n);
	if (strcmp(name, "import") == 0 || strcmp(name, "merge") == 0)
		return verb_import(cli, args, n, name[0] == 'm');
	if (strcmp(name, "gc") == 0 || strcmp(name, "verify") == 0)
		return verb_keep(cli, name);
	if (strcmp(name, "migrate") == 0)
		return verb_migrate(cli);
	return unknown(name);
}

int main(int argc, char **argv)
{
	/* No option of the user's: the supervisor puts it first. */
	if (argc > 1 && strcmp(argv[1], "--internal") == 0) {
		internal = true;
		argv[1] = argv[0];
		argc--;
		argv++;
	}
	return program_main("history", argc, argv, history_body);
}
