/* SPDX-License-Identifier: Apache-2.0 */
/* store_ops.h - what a database must do to hold a history; for history/store*.c alone. */
#ifndef HISTORY_STORE_OPS_H
#define HISTORY_STORE_OPS_H

#include "history/store.h"

#define QUERY_PARAMS_MAX 40

struct query {
	struct store *s;
	const char *sql;
	struct cell param[QUERY_PARAMS_MAX];
	int n_params;
	bool running;    /* a row was handed out since the last bind */
	void *native;    /* sqlite3_stmt, or the result of PostgreSQL */
	char *native_sql;
	int row;         /* PostgreSQL: of the result */
	struct str bytes; /* PostgreSQL: a decoded blob */
};

struct store_ops {
	const char *name;
	/* 1: nothing there (reading). */
	int (*open)(struct store *s, enum store_access access, struct err *e);
	/* Without opening it for anything: its schema version, -1 where there is no store. */
	int (*version)(struct store *s, int *version, struct err *e);
	void (*close)(struct store *s);
	int (*begin)(struct store *s, struct err *e);
	int (*commit)(struct store *s, struct err *e);
	void (*rollback)(struct store *s);
	int (*script)(struct store *s, const char *sql, struct err *e);
	int (*prepare)(struct query *q, struct err *e);
	int (*step)(struct query *q, struct err *e);
	void (*reset)(struct query *q);
	void (*finish)(struct query *q);
	int (*columns)(const struct query *q);
	const char *(*column_name)(const struct query *q, int column);
	enum query_kind (*kind)(struct query *q, int column);
	int64_t (*get_int)(struct query *q, int column);
	double (*get_real)(struct query *q, int column);
	const char *(*get_text)(struct query *q, int column);
	const void *(*get_blob)(struct query *q, int column, size_t *n);
	int (*insert)(struct store *s, const char *table, const char *columns, size_t n_columns, const struct cell *cells,
		      size_t n_rows, struct err *e);
	/* One SELECT of a stranger: nothing else, read only, within a time (query_guard.c says what it refuses). */
	int (*guard)(struct store *s, const char *sql, struct query **q, struct err *e);
	void (*scope)(struct store *s, int64_t until_ns); /* NULL: the connection has one already */
};

struct store {
	const struct store_ops *ops;
	enum store_access access;
	char *dir, *dsn;
	bool network_ok, in_transaction;
	void *db;        /* sqlite3, or PGconn */
	int lock_fd;     /* DIR/lock while we write, else -1 */
	int64_t guard_until_ns; /* SQLite: end of a guarded query, 0 none */
};

extern const struct store_ops store_sqlite, store_postgres;

/* DIR/lock: waits until it is ours. store_unlock may be called without. */
int store_lock(struct store *s, struct err *e);
void store_unlock(struct store *s);

/* schema_steps.c: what made each version out of the one before, oldest first; ends with version 0. A new version is a
 * row. */
struct schema_step {
	int version;
	const char *name;
	const char *sql; /* in SQLite's words; NULL: the first tables (schema.c) */
};
const struct schema_step *schema_steps(void);
/* A reader meets a store that no writer of this version has opened yet. */
int schema_too_old(int version, struct err *e);
/* Creates or migrates within the open transaction: from version `from` (0: nothing is there). */
int schema_apply(struct store *s, int from, bool postgres, struct err *e);

#endif
