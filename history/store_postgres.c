/* SPDX-License-Identifier: Apache-2.0 */
/* store_postgres.c - the same tables in the schema of the connection's search_path. Writers queue on an advisory lock of
 * the transaction, and rows go in by COPY. Messages of the server are passed on by their SQLSTATE and primary text
 * alone, and those of a connection not at all: they may repeat parts of the DSN. */
#include "history/store_ops.h"

#if __has_include(<libpq-fe.h>) && !defined(SPEC_RUNNER_NO_POSTGRES)

#include "base/mem.h"
#include "base/path.h"
#include "history/guard.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

/* One number for all stores of a database; the schema's name makes it one's own. */
#define LOCK_SQL "SELECT pg_advisory_xact_lock(1397903944, hashtext(current_schema()))"

static PGconn *db_of(const struct store *s) { return s->db; }

static int fail_result(const PGresult *r, struct err *e)
{
	const char *state = r ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *text = r ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	if (!state)
		return err_set(e, ERR_FAILURE, "history: the connection to PostgreSQL was lost");
	return err_set(e, ERR_FAILURE, "history: PostgreSQL: %s (%s)", text ? text : "error", state);
}

static int exec(struct store *s, const char *sql, struct err *e)
{
	PGresult *r = PQexec(s->db, sql);
	ExecStatusType status = PQresultStatus(r);
	int rc = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
			status == PGRES_EMPTY_QUERY ? 0 : fail_result(r, e);

	PQclear(r);
	return rc;
}

static int postgres_version(struct store *s, int *version, struct err *e)
{
	/* not to_regclass(): it answers from a cache that waiting for an advisory lock does not refresh */
	PGresult *r = PQexec(s->db, "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON"
				    " n.oid = c.relnamespace WHERE c.relname = 'schema_migrations' AND n.nspname ="
				    " current_schema())");
	bool there = PQresultStatus(r) == PGRES_TUPLES_OK && strcmp(PQgetvalue(r, 0, 0), "t") == 0;

	*version = 0;
	if (PQresultStatus(r) != PGRES_TUPLES_OK) {
		fail_result(r, e);
		PQclear(r);
		return -1;
	}
	PQclear(r);
	if (!there)
		return 0;
	r = PQexec(s->db, "SELECT COALESCE(MAX(version), 0) FROM schema_migrations");
	if (PQresultStatus(r) != PGRES_TUPLES_OK) {
		fail_result(r, e);
		PQclear(r);
		return -1;
	}
	*version = (int)strtol(PQgetvalue(r, 0, 0), NULL, 10);
	PQclear(r);
	return 0;
}

static int known_version(struct store *s, int *version, struct err *e)
{
	if (postgres_version(s, version, e) < 0)
		return -1;
	if (*version > schema_version())
		return err_set(e, ERR_FAILURE,
			       "history: the database has schema version %d; this program knows up to %d: use a"
			       " newer one",
			       *version, schema_version());
	return 0;
}

/* Under the lock: twenty first writers make the tables once. */
static int migrate(struct store *s, struct err *e)
{
	int version;

	if (exec(s, "BEGIN", e) < 0)
		return -1;
	if (exec(s, LOCK_SQL, e) < 0 || known_version(s, &version, e) < 0 ||
	    (version < schema_version() && schema_apply(s, version, true, e) < 0) || exec(s, "COMMIT", e) < 0) {
		PQclear(PQexec(s->db, "ROLLBACK"));
		return -1;
	}
	return 0;
}

static void ignore_notice(void *arg, const PGresult *r)
{
	(void)arg, (void)r;
}

static int connect_to(struct store *s, struct err *e)
{
	const char *const keys[] = { "dbname",           "connect_timeout", "keepalives", "keepalives_idle",
				     "application_name", "client_encoding", NULL };
	const char *const values[] = { s->dsn, "5", "1", "30", "spec-runner", "UTF8", NULL };

	/* Words of the user's come later than the default of connect_timeout, and win: dbname is expanded in its place. */
	s->db = PQconnectdbParams(keys, values, 1);
	if (PQstatus(s->db) != CONNECTION_OK) {
		PQfinish(s->db);
		s->db = NULL;
		return err_set(e, ERR_FAILURE, "history: no connection to PostgreSQL (SPEC_RUNNER_HISTORY_DSN)");
	}
	PQsetNoticeReceiver(s->db, ignore_notice, NULL);
	return 0;
}

static int postgres_open(struct store *s, enum store_access access, struct err *e)
{
	auto_free char *spool = path_join(s->dir, "spool"), *artifacts = path_join(s->dir, "artifacts");
	int version;

	if (connect_to(s, e) < 0)
		return -1;
	if (access == STORE_READ) {
		if (exec(s, "SET default_transaction_read_only = on; SET statement_timeout = '10s';"
			 " SET standard_conforming_strings = on", e) < 0 ||
		    known_version(s, &version, e) < 0)
			return -1;
		if (!version)
			return 1;
		return version < schema_version() ? schema_too_old(version, e) : 0;
	}
	if (path_mkdirs(spool, e) < 0 || path_mkdirs(artifacts, e) < 0 || known_version(s, &version, e) < 0)
		return -1;
	return version == schema_version() ? 0 : migrate(s, e);
}

static int postgres_schema(struct store *s, int *version, struct err *e)
{
	if (connect_to(s, e) < 0 || postgres_version(s, version, e) < 0)
		return -1;
	if (!*version)
		*version = -1;
	return 0;
}

static void postgres_close(struct store *s)
{
	PQfinish(s->db);
	s->db = NULL;
}

static int postgres_begin(struct store *s, struct err *e)
{
	if (exec(s, "BEGIN", e) < 0)
		return -1;
	if (exec(s, LOCK_SQL, e) == 0)
		return 0;
	PQclear(PQexec(s->db, "ROLLBACK"));
	return -1;
}

/* A COMMIT of a transaction that had failed is answered with ROLLBACK, and no error. */
static int postgres_commit(struct store *s, struct err *e)
{
	PGresult *r = PQexec(s->db, "COMMIT");
	int rc = 0;

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		rc = fail_result(r, e);
	else if (strcmp(PQcmdStatus(r), "COMMIT") != 0)
		rc = err_set(e, ERR_FAILURE, "history: PostgreSQL rolled the transaction back");
	PQclear(r);
	return rc;
}

static void postgres_rollback(struct store *s)
{
	PQclear(PQexec(s->db, "ROLLBACK"));
}

/* ---- statements: results are held whole, so that queries may be nested ---- */

static int postgres_prepare(struct query *q, struct err *e)
{
	auto_str sql = STR_INIT;
	bool quoted = false;
	int n = 0;

	(void)e;
	for (const char *p = q->sql; *p; p++) {
		quoted ^= *p == '\'';
		if (*p == '?' && !quoted)
			str_addf(&sql, "$%d", ++n);
		else
			str_addc(&sql, *p);
	}
	q->native_sql = str_steal(&sql);
	return 0;
}

struct params {
	const char *value[QUERY_PARAMS_MAX];
	int length[QUERY_PARAMS_MAX], format[QUERY_PARAMS_MAX];
	char number[QUERY_PARAMS_MAX][40];
};

static void fill_params(const struct query *q, struct params *p)
{
	for (int i = 0; i < q->n_params; i++) {
		const struct cell *c = &q->param[i];

		p->value[i] = p->number[i];
		p->length[i] = (int)c->n;
		p->format[i] = c->kind == QUERY_BLOB;
		switch (c->kind) {
		case QUERY_INT: snprintf(p->number[i], sizeof(p->number[i]), "%lld", (long long)c->i); break;
		case QUERY_REAL: snprintf(p->number[i], sizeof(p->number[i]), "%.17g", c->r); break;
		case QUERY_TEXT: p->value[i] = c->p; break;
		case QUERY_BLOB: p->value[i] = c->p ? c->p : ""; break;
		default: p->value[i] = NULL;
		}
	}
}

static void postgres_reset(struct query *q)
{
	PQclear(q->native);
	q->native = NULL;
}

static int postgres_step(struct query *q, struct err *e)
{
	struct params p;

	if (q->running)
		return ++q->row < PQntuples(q->native);
	postgres_reset(q);
	fill_params(q, &p);
	q->native = PQexecParams(db_of(q->s), q->native_sql, q->n_params, NULL, p.value, p.length, p.format, 0);
	q->row = 0;
	switch (PQresultStatus(q->native)) {
	case PGRES_TUPLES_OK: return PQntuples(q->native) > 0;
	case PGRES_COMMAND_OK: return 0;
	default: return fail_result(q->native, e);
	}
}

static void postgres_finish(struct query *q)
{
	postgres_reset(q);
}

static int postgres_columns(const struct query *q) { return PQnfields(q->native); }
static const char *postgres_column_name(const struct query *q, int c) { return PQfname(q->native, c); }
static const char *raw(struct query *q, int c) { return PQgetvalue(q->native, q->row, c); }
static int64_t postgres_int(struct query *q, int c) { return strtoll(raw(q, c), NULL, 10); }
static double postgres_real(struct query *q, int c) { return strtod(raw(q, c), NULL); }

static enum query_kind postgres_kind(struct query *q, int c)
{
	if (PQgetisnull(q->native, q->row, c))
		return QUERY_NULL;
	switch (PQftype(q->native, c)) {
	case 16: case 20: case 21: case 23: case 26: return PQftype(q->native, c) == 16 ? QUERY_TEXT : QUERY_INT;
	case 700: case 701: case 1700: return QUERY_REAL;
	case 17: return QUERY_BLOB;
	default: return QUERY_TEXT;
	}
}

static const char *postgres_text(struct query *q, int c)
{
	return PQgetisnull(q->native, q->row, c) ? NULL : raw(q, c);
}

static const void *postgres_blob(struct query *q, int c, size_t *n)
{
	unsigned char *bytes = PQunescapeBytea((const unsigned char *)raw(q, c), n);

	str_reset(&q->bytes);
	str_addn(&q->bytes, bytes, *n);
	PQfreemem(bytes);
	return q->bytes.data;
}

/* ---- COPY ---- */

static void copy_text(struct str *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		switch (p[i]) {
		case '\\': str_add(out, "\\\\"); break;
		case '\n': str_add(out, "\\n"); break;
		case '\r': str_add(out, "\\r"); break;
		case '\t': str_add(out, "\\t"); break;
		default: str_addc(out, p[i]);
		}
	}
}

static void copy_cell(struct str *out, const struct cell *c)
{
	switch (c->kind) {
	case QUERY_INT: str_add_i64(out, c->i); break;
	case QUERY_REAL: str_addf(out, "%.17g", c->r); break;
	case QUERY_TEXT: copy_text(out, c->p, c->n); break;
	case QUERY_BLOB:
		str_add(out, "\\\\x");
		for (size_t i = 0; i < c->n; i++)
			str_addf(out, "%02x", (unsigned char)c->p[i]);
		break;
	default: str_add(out, "\\N");
	}
}

static int copy_end(struct store *s, struct err *e)
{
	PGresult *r;
	int rc = PQputCopyEnd(s->db, NULL) == 1 ? 0 : fail_result(NULL, e);

	while ((r = PQgetResult(s->db))) {
		if (rc == 0 && PQresultStatus(r) != PGRES_COMMAND_OK)
			rc = fail_result(r, e);
		PQclear(r);
	}
	return rc;
}

static int postgres_insert(struct store *s, const char *table, const char *columns, size_t n_columns,
			   const struct cell *cells, size_t n_rows, struct err *e)
{
	auto_free char *sql = xasprintf("COPY %s (%s) FROM STDIN", table, columns);
	PGresult *r = PQexec(s->db, sql);
	bool ready = PQresultStatus(r) == PGRES_COPY_IN;
	auto_str out = STR_INIT;

	if (!ready)
		fail_result(r, e);
	PQclear(r);
	if (!ready)
		return -1;
	for (size_t row = 0; row < n_rows; row++) {
		for (size_t i = 0; i < n_columns; i++) {
			if (i)
				str_addc(&out, '\t');
			copy_cell(&out, cells++);
		}
		str_addc(&out, '\n');
		if (out.len > 65536 || row + 1 == n_rows) {
			if (PQputCopyData(s->db, str_cstr(&out), (int)out.len) != 1)
				return fail_result(NULL, e);
			str_reset(&out);
		}
	}
	return copy_end(s, e);
}

/* ---- a stranger's SELECT ---- */

/* A read-only transaction does not stop functions that read files of the server, or end its sessions. Whatever is volatile
 * is refused but for three; the catalogue says what is. The statement is looked at without its comments and strings
 * (guard_words), and the extended protocol refuses a second one. */
static int check_functions(struct store *s, const char *sql, struct err *e)
{
	auto_str words = STR_INIT;
	PGresult *r;
	int rc = 0;

	if (guard_words(sql, &words) < 0)
		return err_set(e, ERR_USAGE, "history sql: names with U& may not be used here, and quotes must be closed");
	r = PQexecParams(
		s->db,
		"SELECT DISTINCT p.proname FROM pg_catalog.pg_proc p WHERE p.provolatile = 'v' AND p.proname NOT IN"
		" ('random', 'clock_timestamp', 'pg_sleep') AND position(' ' || p.proname::text || ' (' in $1) > 0"
		" ORDER BY 1 LIMIT 1",
		1, NULL, (const char *const[]){ str_cstr(&words) }, NULL, NULL, 0);
	if (PQresultStatus(r) != PGRES_TUPLES_OK)
		rc = fail_result(r, e);
	else if (PQntuples(r))
		rc = err_set(e, ERR_USAGE, "history sql: the function %s may not be used here", PQgetvalue(r, 0, 0));
	PQclear(r);
	return rc;
}

static int postgres_guard(struct store *s, const char *sql, struct query **out, struct err *e)
{
	const char *p = sql;
	struct query *q;

	while (strchr(" \t\r\n(", *p) && *p)
		p++;
	if (guard_is_blank(sql))
		return err_set(e, ERR_USAGE, "history sql: there is no statement");
	if (strncasecmp(p, "select", 6) != 0 && strncasecmp(p, "with", 4) != 0 && strncasecmp(p, "values", 6) != 0)
		return err_set(e, ERR_USAGE, "history sql: only SELECT may be used here");
	if (exec(s, "BEGIN READ ONLY", e) < 0 || exec(s, "SET LOCAL statement_timeout = '10s'", e) < 0 ||
	    check_functions(s, sql, e) < 0)
		return -1;
	q = xcalloc(1, sizeof(*q));
	q->s = s;
	q->sql = sql;
	q->native_sql = xasprintf("SELECT * FROM (%s\n) AS guarded LIMIT %d", sql, GUARD_ROWS + 1);
	*out = q;
	return 0;
}

const struct store_ops store_postgres = {
	.name = "postgresql", .open = postgres_open, .version = postgres_schema,
	.close = postgres_close, .begin = postgres_begin,
			.commit = postgres_commit,
	.rollback = postgres_rollback, .script = exec, .prepare = postgres_prepare, .step = postgres_step,
	.reset = postgres_reset, .finish = postgres_finish, .columns = postgres_columns, .column_name = postgres_column_name,
	.kind = postgres_kind, .get_int = postgres_int, .get_real = postgres_real, .get_text = postgres_text,
	.get_blob = postgres_blob, .insert = postgres_insert, .guard = postgres_guard,
};

#else

static int postgres_open(struct store *s, enum store_access access, struct err *e)
{
	(void)s, (void)access;
	return err_set(e, ERR_FAILURE, "history: this program was built without libpq: install libpq-dev and build again");
}

static int postgres_schema(struct store *s, int *version, struct err *e)
{
	*version = -1;
	return postgres_open(s, STORE_READ, e);
}

const struct store_ops store_postgres = {
	.name = "postgresql", .open = postgres_open, .version = postgres_schema,
};

#endif
