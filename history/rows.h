/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - the tables that are exported, with the types of their columns, and a row as a line of JSON: the same line
 * whether it comes out of a database or out of a file. */
#ifndef HISTORY_ROWS_H
#define HISTORY_ROWS_H

#include "base/json_read.h"
#include "history/store.h"

#define ROW_COLUMNS_MAX 20

struct rows_table {
	const char *name;
	const char *columns;  /* "a, b, c" */
	const char *types;    /* one letter each: t i r b */
	const char *order;    /* ORDER BY */
	bool grows;           /* rows may be added to a run when it is finished */
};
/* Tables of a run, runs first, then in the order of export; the last one has no name. */
extern const struct rows_table rows_tables[];
/* Without a run: rows of vectors without run_id, and shard_plans. */
extern const struct rows_table rows_loose[];
const struct rows_table *rows_find(const char *name);

/* {"table": T, "row": {…}} and a line end, of the row that q stands at. */
void rows_line(const struct rows_table *t, struct query *q, struct str *out);
/* Of a parsed row; cells point into it, but bytes into *bytes. ERR_FAILURE where a column is missing or of another type. */
int rows_cells(const struct rows_table *t, const struct json_value *row, struct cell cells[ROW_COLUMNS_MAX],
	       struct str *bytes, struct err *e);
void rows_line_of_cells(const struct rows_table *t, const struct cell *cells, struct str *out);
size_t rows_columns(const struct rows_table *t);

#endif
