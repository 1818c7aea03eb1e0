/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations: this program brings versions of the schema that do not exist yet (it defines schema_steps itself). An older
 * store becomes a newer one in one transaction, once, whoever is there; a step that fails or is killed changes nothing; a
 * newer store is refused as it is. With TEST_DSN in the environment the same for PostgreSQL (an empty database). */
#include "tests/tap.h"

#include "base/mem.h"
#include "base/path.h"
#include "history/store_ops.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct schema_step today[] = { { 1, "first tables", NULL }, { 0 } };
static const struct schema_step broken[] = {
	{ 1, "first tables", NULL },
	{ 2, "broken", "CREATE TABLE half (a INTEGER NOT NULL);\nSELECT nope FROM nowhere;\n" },
	{ 0 },
};
static const struct schema_step later[] = {
	{ 1, "first tables", NULL },
	{ 2, "colours", "ALTER TABLE runs ADD COLUMN colour TEXT;\nUPDATE runs SET colour = 'grey';\n" },
	{ 3, "marks", "CREATE TABLE marks (run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, weight REAL);\n"
		      "INSERT INTO marks (run_id, weight) SELECT run_id, 1.5 FROM runs;\n" },
	{ 0 },
};
static const struct schema_step *steps = today;

const struct schema_step *schema_steps(void) { return steps; }

static char *top;
static const char *dsn;
#define RUNS 200

static int at(const char *name, enum store_access access, struct store **s, struct err *e)
{
	auto_free char *dir = path_join(top, name);
	struct store_where w = { .dir = dir, .dsn = dsn };

	return store_open(s, &w, access, e);
}

static int version_of(const char *name)
{
	auto_free char *dir = path_join(top, name);
	struct store_where w = { .dir = dir, .dsn = dsn };
	struct err e = { 0 };
	int version = -2;

	return store_schema_version(&w, &version, &e) < 0 ? -2 : version;
}

static int64_t count(const char *name, const char *sql)
{
	auto_store *s = NULL;
	struct err e = { 0 };
	int64_t n = -1;

	if (at(name, STORE_READ, &s, &e) == 0)
		store_one_int(s, &n, -1, &e, sql, "");
	return n;
}

/* A store of version 1 with rows in it. */
static void make_old(const char *name)
{
	auto_store *s = NULL;
	struct err e = { 0 };
	int rc;

	steps = today;
	rc = at(name, STORE_WRITE, &s, &e);
	if (rc == 0)
		rc = store_begin(s, &e);
	for (int i = 0; rc == 0 && i < RUNS; i++) {
		auto_free char *id = xasprintf("run-20261130T000000Z-%08x", (unsigned)i);

		rc = store_run(s, &e, "INSERT INTO runs (run_id, status, created_at, kind) VALUES (?, 'succeeded', 'x', 'run')",
			       "t", id);
	}
	if (rc == 0)
		rc = store_commit(s, &e);
	ok(rc == 0, "%s: a store of version 1: %s", name, e.msg);
}

static pid_t start_writer(const char *name)
{
	pid_t pid = fork();

	if (pid == 0) {
		auto_store *s = NULL;
		struct err e = { 0 };

		_exit(at(name, STORE_WRITE, &s, &e) == 0 ? 0 : 1);
	}
	return pid;
}

static int end_writer(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

/* What a reader, a broken step and the older program do. */
static void refusals(const char *name)
{
	struct store *s = NULL;
	struct err e = { 0 };

	steps = later;
	ok(at(name, STORE_READ, &s, &e) < 0, "a reader of a later version does not read an old store");
	ok(strstr(e.msg, "schema version 1") && strstr(e.msg, "reads 3"), "and says both versions: %s", e.msg);
	is_int(version_of(name), 1, "it is as it was");
	steps = broken;
	e = (struct err){ 0 };
	ok(at(name, STORE_WRITE, &s, &e) < 0, "a step that fails");
	ok(strstr(e.msg, "broken"), "is named: %s", e.msg);
	is_int(version_of(name), 1, "the version is as it was");
	steps = today;
	is_int(count(name, "SELECT COUNT(*) FROM runs"), RUNS, "the rows are there");
	is_int(count(name, "SELECT COUNT(*) FROM half"), -1, "and nothing of the step is");
}

static void migrate_at_once(const char *name)
{
	pid_t pid[8];
	int bad = 0;

	steps = later;
	for (size_t i = 0; i < 8; i++)
		pid[i] = start_writer(name);
	for (size_t i = 0; i < 8; i++)
		bad += end_writer(pid[i]) != 0;
	is_int(bad, 0, "eight first writers of the later version at once");
	is_int(version_of(name), 3, "it is of the later version");
	is_int(count(name, "SELECT COUNT(*) FROM schema_migrations"), 3, "each step was taken once");
	is_int(count(name, "SELECT COUNT(*) FROM runs WHERE colour = 'grey'"), RUNS, "with all rows");
	is_int(count(name, "SELECT COUNT(*) FROM marks WHERE weight = 1.5"), RUNS, "and what the last step made of them");
}

static void newer_is_refused(const char *name)
{
	struct store *s = NULL;
	struct err e = { 0 };

	steps = today;
	ok(at(name, STORE_WRITE, &s, &e) < 0, "the older program refuses to write to it");
	ok(strstr(e.msg, "version 3") && strstr(e.msg, "up to 1"), "and names both versions: %s", e.msg);
	e = (struct err){ 0 };
	ok(at(name, STORE_READ, &s, &e) < 0 && strstr(e.msg, "version 3"), "and to read it: %s", e.msg);
	is_int(version_of(name), 3, "it is as it was");
}

static void backup_is_whole(void)
{
	auto_free char *bak = path_join(top, "old/history.db.v1.bak"), *dir = path_join(top, "bak"),
		       *db = path_join(dir, "history.db");
	struct stat st;

	is_int(stat(bak, &st) == 0 ? (int)(st.st_mode & 07777) : -1, 0600, "a copy of the old store was made");
	ok(mkdir(dir, 0700) == 0 && rename(bak, db) == 0, "taken for a store");
	steps = today;
	is_int(version_of("bak"), 1, "it is of the old version");
	is_int(count("bak", "SELECT COUNT(*) FROM runs"), RUNS, "and has all rows");
}

static int64_t migration_ns(void)
{
	struct timespec a, b;

	make_old("timed");
	steps = later;
	clock_gettime(CLOCK_MONOTONIC, &a);
	end_writer(start_writer("timed"));
	clock_gettime(CLOCK_MONOTONIC, &b);
	return (b.tv_sec - a.tv_sec) * 1000000000 + b.tv_nsec - a.tv_nsec;
}

/* SIGKILL at any instant: of the old version or of the later, and whole. */
static void killed(unsigned seed)
{
	int64_t whole = migration_ns();
	int old = 0, bad = 0;

	for (int i = 0; i < 40; i++) {
		auto_free char *name = xasprintf("kill-%d", i);
		auto_store *s = NULL;
		struct err e = { 0 };
		int64_t ns = whole * (rand_r(&seed) % 1000) / 800;
		struct timespec t = { ns / 1000000000, ns % 1000000000 };
		int64_t n = -1;
		pid_t pid;
		int version;

		steps = today;
		if (at(name, STORE_WRITE, &s, &e) < 0 || store_run(s, &e,
								   "INSERT INTO runs (run_id, status, created_at, kind)"
								   " VALUES ('r', 'running', 'x', 'run')",
								   "") < 0)
			bad++;
		store_close(s);
		s = NULL;
		steps = later;
		pid = start_writer(name);
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		end_writer(pid);
		version = version_of(name);
		old += version == 1;
		bad += version != 1 && version != 3;
		if (at(name, STORE_WRITE, &s, &e) < 0 ||
		    store_one_int(s, &n, -1, &e, "SELECT COUNT(*) FROM marks m JOIN runs r ON r.run_id = m.run_id"
				  " WHERE r.colour = 'grey'", "") < 0 || n != 1)
			bad++;
	}
	ok(bad == 0, "SIGKILL at 40 instants of a migration (%d of them before its end): the next writer makes it", old);
}

int main(void)
{
	char dir[] = "/tmp/spec-runner-migrate.XXXXXX";
	unsigned seed = getenv("TEST_SEED") ? (unsigned)strtoul(getenv("TEST_SEED"), NULL, 10) : (unsigned)time(NULL);
	struct err e = { 0 };

	dsn = getenv("TEST_DSN");
	top = mkdtemp(dir);
	if (!top)
		return 1;
	make_old("old");
	refusals("old");
	migrate_at_once("old");
	newer_is_refused("old");
	if (!dsn) {
		backup_is_whole();
		steps = later;
		is_int(end_writer(start_writer("fresh")), 0, "a store made by the later version");
		is_int(count("fresh", "SELECT COUNT(*) FROM marks"), 0, "has all steps");
		printf("# TEST_SEED=%u\n", seed);
		killed(seed);
	}
	path_remove_tree(top, &e);
	return tap_done();
}
