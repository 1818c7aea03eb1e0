/* SPDX-License-Identifier: Apache-2.0 */
/* A server that is started, or started again, while a newer version of the store's schema is being made: every request gets an
 * answer, "not yet" (503, with both versions) or the right one, never anything between, and once it was right it stays so. This
 * program brings the versions that do not exist yet (it defines schema_steps itself); their migration is slow. */
#include "tests/tap.h"

#include "base/mem.h"
#include "base/path.h"
#include "history/store_ops.h"
#include "serve/serve.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct schema_step today[] = { { 1, "first tables", NULL }, { 0 } };
static const struct schema_step later[] = {
	{ 1, "first tables", NULL },
	{ 2, "slow", "ALTER TABLE runs ADD COLUMN colour TEXT;\n"
		     "CREATE TABLE counted AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1500000)"
		     " SELECT MAX(n) AS n FROM c;\nUPDATE runs SET colour = 'grey';\n" },
	{ 0 },
};
static const struct schema_step *steps = today;

const struct schema_step *schema_steps(void) { return steps; }

static char *top;
static const char token[] = "a-token-of-some-length-1";
static struct history_settings settings = { .max_prompt_tokens = 8000 };
static struct strv names;
static char *no_env[] = { NULL };

static void server_start(struct serve *sv, const char *dir)
{
	static const struct strv none;
	struct err e = { 0 };

	*sv = (struct serve){ .read = { .dir = dir }, .write = { .dir = dir }, .settings = &settings, .host_names = &names,
			      .prefix = "", .version = "0", .root = "/nonexistent", .artifacts = "/nonexistent", .envp = no_env };
	if (redactor_new(&sv->redactor, no_env, &none, &none, &e) < 0)
		abort();
	serve_init(sv, token, sizeof(token) - 1);
}

static void server_stop(struct serve *sv)
{
	serve_store_drop();
	serve_release(sv);
	redactor_free(sv->redactor);
}

/* The status; right: a 200 that has the run, or a 503 that names both versions. */
static int ask(struct serve *sv, const char *target, bool *right)
{
	auto_free char *bearer = xasprintf("Bearer %s", token);
	struct message m = { .method = "GET", .target = target, .host = "localhost", .authorization = bearer, .body = "" };
	struct reply a;
	int status;

	serve_answer(sv, &m, INT64_C(1800000000000000000), &a);
	status = a.status;
	if (status == 200)
		*right = strstr(str_cstr(&a.body), "run-20261130T000000Z-00000001") != NULL;
	else
		*right = status == 503 && strstr(str_cstr(&a.body), "version 1") && strstr(str_cstr(&a.body), "reads 2");
	reply_release(&a);
	return status;
}

static bool make_old(const char *dir)
{
	struct store_where w = { .dir = dir };
	auto_store *s = NULL;
	struct err e = { 0 };

	steps = today;
	return store_open(&s, &w, STORE_WRITE, &e) == 0 &&
	       store_run(s, &e, "INSERT INTO runs (run_id, status, created_at, kind) VALUES ('run-20261130T000000Z-00000001',"
			 " 'succeeded', '2026-11-30T00:00:00Z', 'run')", "") == 0;
}

/* Returns when the copy that is made before a migration is there: it has begun. */
static pid_t start_migration(const char *dir)
{
	auto_free char *copy = path_join(dir, "history.db.v1.bak");
	pid_t pid = fork();

	if (pid == 0) {
		struct store_where w = { .dir = dir };
		auto_store *s = NULL;
		struct err e = { 0 };

		_exit(store_open(&s, &w, STORE_WRITE, &e) == 0 ? 0 : 1);
	}
	for (int i = 0; i < 60000 && access(copy, F_OK) < 0; i++)
		usleep(1000);
	return pid;
}

/* A server that stays, and one that is started for each request, until the migration has ended and both see it. */
static void ask_meanwhile(const char *dir, pid_t migration)
{
	struct serve stays;
	int before = 0, wrong = 0, back = 0, status = -1, ended = 0;
	bool seen = false, right;

	server_start(&stays, dir);
	for (int i = 0; i < 100000 && !(ended && seen); i++) {
		struct serve again;
		int got;

		if (!ended && waitpid(migration, &status, WNOHANG) == migration)
			ended = 1;
		got = ask(&stays, "/runs", &right);
		wrong += !right;
		serve_store_drop();
		server_start(&again, dir);
		got = ask(&again, "/runs", &right);
		wrong += !right;
		back += seen && got != 200;
		before += got == 503;
		seen = seen || got == 200;
		server_stop(&again);
	}
	ok(ended && status == 0, "the migration came to its end");
	ok(before > 0, "servers were started while it ran: %d answers were 503", before);
	is_int(wrong, 0, "every answer was the run, or a 503 that names both versions");
	ok(seen, "at its end the run is there");
	is_int(back, 0, "and stays");
	is_int(ask(&stays, "/runs", &right), 200, "a server that was there all the time sees it, too");
	is_int(ask(&stays, "/tests", &right), 200, "and answers other questions");
	server_stop(&stays);
}

/* Where this process was slow itself, the migration may have ended before: then once more, with another store. */
static char *killed_halfway(void)
{
	char *dir = NULL;
	int status = 0;
	bool right = false;

	for (int i = 0; i < 20 && status != 503; i++) {
		struct serve sv;
		pid_t pid;

		mem_free_ptr(&dir);
		dir = xasprintf("%s/store-%d", top, i);
		if (!make_old(dir))
			break;
		steps = later;
		pid = start_migration(dir);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		server_start(&sv, dir);
		status = ask(&sv, "/runs", &right);
		server_stop(&sv);
	}
	is_int(status, 503, "a migration that was killed: the store is of the old version");
	ok(right, "and both versions are named");
	return dir;
}

int main(void)
{
	char dir[] = "/tmp/spec-runner-serve.XXXXXX";
	auto_free char *store = NULL;
	struct err e = { 0 };

	top = mkdtemp(dir);
	if (!top)
		return 1;
	store = killed_halfway();
	ask_meanwhile(store, start_migration(store));
	path_remove_tree(top, &e);
	return tap_done();
}
