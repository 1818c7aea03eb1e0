/* SPDX-License-Identifier: Apache-2.0 */
/* store_sqlite.c - the history in DIR/history.db. WAL, so that readers never wait for a writer. Writers queue on
 * DIR/lock before BEGIN IMMEDIATE: SQLite's own waiting is a lottery with backoff, in which one of twenty waits for
 * all others. busy_timeout is there for the moments in which a closing process folds the WAL back. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/guard.h"
#include "history/network_fs.h"
#include "history/store_ops.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BUSY_MS 60000

static sqlite3 *db_of(const struct store *s) { return s->db; }
static sqlite3_stmt *stmt_of(const struct query *q) { return q->native; }

static int fail(struct store *s, const char *what, struct err *e)
{
	return err_set(e, ERR_FAILURE, "history: %s: %s", what, s->db ? sqlite3_errmsg(s->db) : "out of memory");
}

static int script(struct store *s, const char *sql, struct err *e)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(s, "SQLite", e);
	return 0;
}

static int pragma_int(struct store *s, const char *name, int *v, struct err *e)
{
	auto_free char *sql = xasprintf("PRAGMA %s", name);
	sqlite3_stmt *st = NULL;
	int rc = -1;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
		*v = sqlite3_column_int(st, 0);
		rc = 0;
	}
	if (rc < 0)
		fail(s, "reading the store", e);
	sqlite3_finalize(st);
	return rc;
}

/* A store that another program made, or a newer version of us, is left as it is. */
static int check_version(struct store *s, int *version, struct err *e)
{
	int application, objects = 0;
	sqlite3_stmt *st = NULL;

	if (pragma_int(s, "application_id", &application, e) < 0 || pragma_int(s, "user_version", version, e) < 0)
		return -1;
	if (sqlite3_prepare_v2(s->db, "SELECT count(*) FROM sqlite_master", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		objects = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	if (application != HISTORY_APPLICATION_ID && (application || objects))
		return err_set(e, ERR_FAILURE, "history: '%s/history.db' is a database of another program", s->dir);
	if (*version > schema_version())
		return err_set(e, ERR_FAILURE,
			       "history: '%s' has schema version %d; this program knows up to %d: use a newer one",
			       s->dir, *version, schema_version());
	return 0;
}

static int backup(struct store *s, int version, struct err *e)
{
	auto_free char *path = xasprintf("%s/history.db.v%d.bak", s->dir, version);
	sqlite3_stmt *st = NULL;
	int rc;

	unlink(path);
	rc = sqlite3_prepare_v2(s->db, "VACUUM INTO ?", -1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC);
		rc = sqlite3_step(st);
	}
	if (rc != SQLITE_DONE)
		fail(s, "making a copy before the migration", e);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* Under the lock: another writer may have been here first. */
static int migrate(struct store *s, struct err *e)
{
	char text[160];
	int version;

	if (store_lock(s, e) < 0 || check_version(s, &version, e) < 0)
		return -1;
	if (version == schema_version()) {
		store_unlock(s);
		return 0;
	}
	if (version > 0 && backup(s, version, e) < 0)
		return -1;
	snprintf(text, sizeof(text), "PRAGMA application_id = %d; PRAGMA user_version = %d", HISTORY_APPLICATION_ID,
		 schema_version());
	if (script(s, "BEGIN IMMEDIATE", e) < 0)
		return -1;
	if (schema_apply(s, version, false, e) < 0 || script(s, text, e) < 0 || script(s, "COMMIT", e) < 0) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return -1;
	}
	store_unlock(s);
	return 0;
}

static int prepare_folder(struct store *s, struct err *e)
{
	auto_free char *spool = path_join(s->dir, "spool"), *artifacts = path_join(s->dir, "artifacts");

	if (path_mkdirs(spool, e) < 0 || path_mkdirs(artifacts, e) < 0)
		return -1;
	return 0;
}

/* A folder that may not be written, or a disk that is full: the index beside the WAL cannot be made, and where there is no
 * WAL it is not needed. */
static bool wants_immutable(struct store *s, const char *path)
{
	auto_free char *wal = xasprintf("%s-wal", path);
	struct stat st;
	int code;

	if (stat(wal, &st) == 0 && st.st_size > 0)
		return false;
	if (access(s->dir, W_OK) < 0)
		return true;
	code = sqlite3_exec(s->db, "PRAGMA user_version", NULL, NULL, NULL) & 0xff;
	return code == SQLITE_IOERR || code == SQLITE_FULL || code == SQLITE_CANTOPEN;
}

static int open_file(struct store *s, const char *path, int flags, struct err *e)
{
	auto_free char *immutable = xasprintf("file:%s?immutable=1", path);
	int rc = sqlite3_open_v2(path, (sqlite3 **)&s->db, flags, NULL);

	if (rc == SQLITE_OK && (flags & SQLITE_OPEN_READONLY) && wants_immutable(s, path)) {
		sqlite3_close(s->db);
		rc = sqlite3_open_v2(immutable, (sqlite3 **)&s->db, flags | SQLITE_OPEN_URI, NULL);
	}
	if (rc != SQLITE_OK) {
		err_set(e, ERR_FAILURE, "history: opening '%s': %s", path, sqlite3_errstr(rc));
		sqlite3_close(s->db);
		s->db = NULL;
		return -1;
	}
	sqlite3_busy_timeout(s->db, BUSY_MS);
	sqlite3_extended_result_codes(s->db, 1);
	return 0;
}

static int open_for_writing(struct store *s, const char *path, const char *network, struct err *e)
{
	struct stat st;
	int version;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		return err_set(e, ERR_FAILURE, "history: '%s' is not a regular file", path);
	/* the first opening decides the journal's mode, which needs the file alone */
	if (lstat(path, &st) < 0 && store_lock(s, e) < 0)
		return -1;
	if (open_file(s, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, e) < 0 || check_version(s, &version, e) < 0)
		return -1;
	if (script(s, network ? "PRAGMA journal_mode = DELETE" : "PRAGMA journal_mode = WAL", e) < 0 ||
	    script(s, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; "
		      "PRAGMA cache_size = -16000", e) < 0)
		return -1;
	if (version != schema_version())
		return migrate(s, e);
	store_unlock(s);
	return 0;
}

static int sqlite_open(struct store *s, enum store_access access, struct err *e)
{
	auto_free char *path = path_join(s->dir, "history.db");
	const char *network;
	struct stat st;
	int version;

	if (access == STORE_READ && stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 1;
	if (access == STORE_WRITE && prepare_folder(s, e) < 0)
		return err_add(e, "history");
	network = network_fs_name(s->dir);
	if (network && !s->network_ok)
		return err_set(e, ERR_FAILURE,
			       "history: '%s' is on %s, where SQLite's shared memory does not work: use PostgreSQL"
			       " (SPEC_RUNNER_HISTORY_DSN), or --history-network-ok where there is one writer at a"
			       " time",
			       s->dir, network);
	if (access == STORE_WRITE)
		return open_for_writing(s, path, network, e);
	if (open_file(s, path, SQLITE_OPEN_READONLY, e) < 0 || check_version(s, &version, e) < 0)
		return -1;
	if (!version)
		return 1; /* made this moment: nothing is in it */
	return version < schema_version() ? schema_too_old(version, e) : 0;
}

static int sqlite_version(struct store *s, int *version, struct err *e)
{
	auto_free char *path = path_join(s->dir, "history.db");

	*version = -1;
	if (access(path, F_OK) < 0)
		return 0;
	if (open_file(s, path, SQLITE_OPEN_READONLY, e) < 0)
		return -1;
	return pragma_int(s, "user_version", version, e);
}

static void sqlite_close(struct store *s)
{
	sqlite3_close(s->db);
	s->db = NULL;
}

static int sqlite_begin(struct store *s, struct err *e)
{
	if (store_lock(s, e) < 0)
		return -1;
	if (script(s, "BEGIN IMMEDIATE", e) == 0)
		return 0;
	store_unlock(s);
	return -1;
}

static int sqlite_commit(struct store *s, struct err *e)
{
	return script(s, "COMMIT", e);
}

static void sqlite_rollback(struct store *s)
{
	sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
}

/* ---- statements ---- */

static int sqlite_prepare(struct query *q, struct err *e)
{
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db_of(q->s), q->sql, -1, &st, NULL) != SQLITE_OK)
		return fail(q->s, "SQLite", e);
	q->native = st;
	return 0;
}

static void bind_cell(sqlite3_stmt *st, int at, const struct cell *c)
{
	switch (c->kind) {
	case QUERY_INT: sqlite3_bind_int64(st, at, c->i); break;
	case QUERY_REAL: sqlite3_bind_double(st, at, c->r); break;
	case QUERY_TEXT: sqlite3_bind_text64(st, at, c->p, c->n, SQLITE_STATIC, SQLITE_UTF8); break;
	case QUERY_BLOB: sqlite3_bind_blob64(st, at, c->p ? c->p : "", c->n, SQLITE_STATIC); break;
	default: sqlite3_bind_null(st, at);
	}
}

static int sqlite_step(struct query *q, struct err *e)
{
	int rc;

	if (!q->running)
		for (int i = 0; i < q->n_params; i++)
			bind_cell(stmt_of(q), i + 1, &q->param[i]);
	rc = sqlite3_step(stmt_of(q));
	if (rc == SQLITE_ROW)
		return 1;
	if (rc == SQLITE_DONE)
		return 0;
	if (rc == SQLITE_INTERRUPT && q->s->guard_until_ns)
		return err_set(e, ERR_FAILURE, "the query took longer than %d s", GUARD_SECONDS);
	return fail(q->s, "SQLite", e);
}

static void sqlite_reset(struct query *q)
{
	sqlite3_reset(stmt_of(q));
}

static void sqlite_finish(struct query *q)
{
	sqlite3_finalize(stmt_of(q));
	if (!q->s->guard_until_ns || !q->s->db)
		return;
	sqlite3_set_authorizer(q->s->db, NULL, NULL);
	sqlite3_progress_handler(q->s->db, 0, NULL, NULL);
	q->s->guard_until_ns = 0;
}

static int sqlite_columns(const struct query *q) { return sqlite3_column_count(stmt_of(q)); }
static const char *sqlite_column_name(const struct query *q, int c) { return sqlite3_column_name(stmt_of(q), c); }
static int64_t sqlite_int(struct query *q, int c) { return sqlite3_column_int64(stmt_of(q), c); }
static double sqlite_real(struct query *q, int c) { return sqlite3_column_double(stmt_of(q), c); }
static const char *sqlite_text(struct query *q, int c) { return (const char *)sqlite3_column_text(stmt_of(q), c); }

static enum query_kind sqlite_kind(struct query *q, int c)
{
	switch (sqlite3_column_type(stmt_of(q), c)) {
	case SQLITE_INTEGER: return QUERY_INT;
	case SQLITE_FLOAT: return QUERY_REAL;
	case SQLITE_TEXT: return QUERY_TEXT;
	case SQLITE_BLOB: return QUERY_BLOB;
	default: return QUERY_NULL;
	}
}

static const void *sqlite_blob(struct query *q, int c, size_t *n)
{
	const void *p = sqlite3_column_blob(stmt_of(q), c);

	*n = (size_t)sqlite3_column_bytes(stmt_of(q), c);
	return p;
}

static int sqlite_insert(struct store *s, const char *table, const char *columns, size_t n_columns,
			 const struct cell *cells, size_t n_rows, struct err *e)
{
	auto_str sql = STR_INIT;
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_DONE;

	str_addf(&sql, "INSERT INTO %s (%s) VALUES (", table, columns);
	for (size_t i = 0; i < n_columns; i++)
		str_add(&sql, i ? ", ?" : "?");
	str_add(&sql, ")");
	if (sqlite3_prepare_v2(s->db, str_cstr(&sql), -1, &st, NULL) != SQLITE_OK)
		return fail(s, "SQLite", e);
	for (size_t row = 0; row < n_rows && rc == SQLITE_DONE; row++) {
		for (size_t i = 0; i < n_columns; i++)
			bind_cell(st, (int)i + 1, cells++);
		rc = sqlite3_step(st);
		sqlite3_reset(st);
	}
	if (rc != SQLITE_DONE)
		fail(s, "SQLite", e);
	sqlite3_finalize(st);
	return rc == SQLITE_DONE ? 0 : -1;
}

/* ---- a stranger's SELECT ---- */

static int authorize(void *arg, int action, const char *a, const char *b, const char *c, const char *d)
{
	static const char *const refused[] = { "load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", NULL };

	(void)arg, (void)a, (void)c, (void)d;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE: return SQLITE_OK;
	case SQLITE_FUNCTION:
		for (int i = 0; refused[i]; i++)
			if (b && sqlite3_stricmp(b, refused[i]) == 0)
				return SQLITE_DENY;
		return SQLITE_OK;
	default: return SQLITE_DENY;
	}
}

static int too_long(void *arg)
{
	struct store *s = arg;

	return clock_mono_ns() > s->guard_until_ns;
}

static void sqlite_scope(struct store *s, int64_t until_ns)
{
	s->guard_until_ns = until_ns;
	sqlite3_set_authorizer(s->db, authorize, NULL);
	sqlite3_progress_handler(s->db, 10000, too_long, s);
}

static int sqlite_guard(struct store *s, const char *sql, struct query **out, struct err *e)
{
	struct query *q = xcalloc(1, sizeof(*q));
	const char *tail = NULL;
	sqlite3_stmt *st = NULL;
	int rc;

	q->s = s;
	q->sql = sql;
	sqlite3_set_authorizer(s->db, authorize, NULL);
	s->guard_until_ns = clock_mono_ns() + GUARD_SECONDS * NS_PER_S;
	rc = sqlite3_prepare_v2(s->db, sql, -1, &st, &tail);
	q->native = st;
	if (rc == SQLITE_AUTH || (rc != SQLITE_OK && strstr(sqlite3_errmsg(s->db), "not authorized")))
		err_set(e, ERR_USAGE, "history sql: only SELECT may be used here: %s", sqlite3_errmsg(s->db));
	else if (rc != SQLITE_OK)
		err_set(e, ERR_FAILURE, "history sql: %s", sqlite3_errmsg(s->db));
	else if (!st)
		err_set(e, ERR_USAGE, "history sql: there is no statement");
	else if (!guard_is_blank(tail))
		err_set(e, ERR_USAGE, "history sql: one statement at a time");
	else if (!sqlite3_stmt_readonly(st))
		err_set(e, ERR_USAGE, "history sql: only SELECT may be used here");
	else
		rc = -1; /* good */
	if (rc != -1) {
		query_free(q);
		return -1;
	}
	sqlite3_progress_handler(s->db, 10000, too_long, s);
	*out = q;
	return 0;
}

const struct store_ops store_sqlite = {
	.name = "sqlite", .open = sqlite_open, .version = sqlite_version,
	.close = sqlite_close, .begin = sqlite_begin, .commit = sqlite_commit,
	.rollback = sqlite_rollback, .script = script, .prepare = sqlite_prepare, .step = sqlite_step,
	.reset = sqlite_reset, .finish = sqlite_finish, .columns = sqlite_columns, .column_name = sqlite_column_name,
	.kind = sqlite_kind, .get_int = sqlite_int, .get_real = sqlite_real, .get_text = sqlite_text,
	.get_blob = sqlite_blob, .insert = sqlite_insert, .guard = sqlite_guard,
	.scope = sqlite_scope,
};
