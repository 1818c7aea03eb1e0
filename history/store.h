/* SPDX-License-Identifier: Apache-2.0 */
/* store.h - the door to the database of the history: SQLite in a folder, or PostgreSQL.
 *
 * Both speak the same SQL here: '?' for parameters, integers for booleans, texts in the order of their bytes. What they
 * do differently is behind struct store_ops (store_ops.h). One store is used by one thread.
 *
 * Writers come one at a time: store_begin() waits its turn (a lock of the folder; an advisory lock of PostgreSQL), so
 * nobody is ever told that the database is locked. A transaction that was not committed when its process died was
 * never there. */
#ifndef HISTORY_STORE_H
#define HISTORY_STORE_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The schema version that this program writes. */
int schema_version(void);
#define HISTORY_APPLICATION_ID 0x53525248

struct store;
enum store_access { STORE_READ, STORE_WRITE };

struct store_where {
	const char *dir;  /* artifacts and spool, and the database where dsn is NULL */
	const char *dsn;  /* PostgreSQL; never shown in a message */
	bool network_ok;  /* dir may be on a network file system */
};

/* Opens; a writer creates or migrates what is missing or old. -1 where it cannot be had; a reader of a store that was
 * never made gets 1 and no store. */
int store_open(struct store **s, const struct store_where *w, enum store_access access, struct err *e);
/* The schema version of a store, -1 where none was made; of a newer one, too. */
int store_schema_version(const struct store_where *w, int *version, struct err *e);
void store_close(struct store *s);
void store_close_ptr(struct store **s);
#define auto_store __attribute__((cleanup(store_close_ptr))) struct store
const char *store_dir(const struct store *s);
const char *store_name(const struct store *s); /* "sqlite" or "postgresql" */
bool store_is_postgres(const struct store *s);

/* For servers, whose clients choose what is asked: a reading store does nothing but SELECT from now on, and until then
 * (monotonic; TIME_NEVER no limit). Call it again for the next request. PostgreSQL has its own limit and scope. */
void store_read_scope(struct store *s, int64_t until_ns);

int store_begin(struct store *s, struct err *e);
int store_commit(struct store *s, struct err *e);
void store_rollback(struct store *s);

/* Several statements without results. */
int store_script(struct store *s, const char *sql, struct err *e);

/* ---- statements ---- */

struct query;

/* sql lives as long as the query. Parameters by a format, one letter each: i int64_t, r double, t text or NULL,
 * b bytes and size_t, n nothing (NULL). They must live until the next bind. */
struct query *query_new(struct store *s, const char *sql, struct err *e);
void query_bind(struct query *q, const char *format, ...);
/* 1: a row; 0: the end; -1. After the end or a bind it starts again. */
int query_step(struct query *q, struct err *e);
void query_free(struct query *q);
void query_free_ptr(struct query **q);
#define auto_query __attribute__((cleanup(query_free_ptr))) struct query

/* Of the row: columns from 0. Texts and bytes are valid until the next step. */
int query_columns(const struct query *q);
const char *query_column_name(const struct query *q, int column);
enum query_kind { QUERY_NULL, QUERY_INT, QUERY_REAL, QUERY_TEXT, QUERY_BLOB };
enum query_kind query_kind(struct query *q, int column);
int64_t query_int(struct query *q, int column);
double query_real(struct query *q, int column);
const char *query_text(struct query *q, int column);        /* NULL where it is NULL */
const void *query_blob(struct query *q, int column, size_t *n);

/* A statement and its parameters at once, without results. */
int store_run(struct store *s, struct err *e, const char *sql, const char *format, ...);
/* The first column of the first row; otherwise where there is none. */
int store_one_int(struct store *s, int64_t *v, int64_t otherwise, struct err *e, const char *sql, const char *format, ...);
/* 1 and a copy (NULL where it is NULL), 0 no row, -1. Caller frees. */
int store_one_text(struct store *s, char **v, struct err *e, const char *sql, const char *format, ...);

/* ---- many rows ---- */

struct cell {
	enum query_kind kind;
	int64_t i;
	double r;
	const char *p;
	size_t n;
};
static inline struct cell cell_int(int64_t v) { return (struct cell){ .kind = QUERY_INT, .i = v }; }
static inline struct cell cell_real(double v) { return (struct cell){ .kind = QUERY_REAL, .r = v }; }
struct cell cell_text(const char *s); /* NULL: NULL */
static inline struct cell cell_null(void) { return (struct cell){ .kind = QUERY_NULL }; }
static inline struct cell cell_blob(const void *p, size_t n)
{
	return (struct cell){ .kind = QUERY_BLOB, .p = p, .n = n };
}

/* columns: "a, b, c"; cells row by row. */
int store_insert(struct store *s, const char *table, const char *columns, size_t n_columns, const struct cell *cells,
		 size_t n_rows, struct err *e);

/* Time as the store keeps it: RFC 3339, UTC, milliseconds. */
#define STORE_TIME_SIZE 96
void store_time(char out[STORE_TIME_SIZE], int64_t real_ns);

#endif
