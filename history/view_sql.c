/* SPDX-License-Identifier: Apache-2.0 */
/* view_sql.c - a SELECT of a person or an agent, within bounds (guard.h). */
#include "base/mem.h"
#include "history/guard.h"
#include "history/store_ops.h"
#include "history/table.h"
#include "history/view.h"

#include <math.h>

static void add_cell(struct table *t, struct query *q, int column)
{
	size_t n;

	switch (query_kind(q, column)) {
	case QUERY_NULL: table_text(t, NULL); break;
	case QUERY_INT: table_int(t, query_int(q, column)); break;
	case QUERY_REAL: strv_take(&t->cells, xasprintf("%.10g", query_real(q, column))); break;
	case QUERY_BLOB:
		query_blob(q, column, &n);
		strv_take(&t->cells, xasprintf("(%zu bytes)", n));
		break;
	default: table_text(t, query_text(q, column));
	}
}

static int run_table(struct query *q, struct str *out, struct err *e)
{
	auto_str heads = STR_INIT;
	struct table t;
	size_t rows = 0;
	int rc = query_step(q, e);

	if (rc < 0)
		return -1;
	for (int i = 0; i < query_columns(q); i++)
		str_addf(&heads, "%s%s", i ? "|" : "", query_column_name(q, i));
	table_init(&t, str_cstr(&heads));
	for (; rc == 1; rc = query_step(q, e)) {
		if (++rows > GUARD_ROWS) {
			err_set(e, ERR_FAILURE, "history sql: more than %d rows: add a LIMIT", GUARD_ROWS);
			rc = -1;
			break;
		}
		for (int i = 0; i < query_columns(q); i++)
			add_cell(&t, q, i);
	}
	table_write(&t, out);
	return rc;
}

static int run_json(struct query *q, struct str *out, struct err *e)
{
	auto_str rows = STR_INIT;
	struct json j, r;
	size_t n = 0;
	int rc = query_step(q, e);

	if (rc < 0)
		return -1;
	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_array(&j, "columns");
	for (int i = 0; i < query_columns(q); i++)
		json_str(&j, NULL, query_column_name(q, i));
	json_array_end(&j);
	json_init(&r, &rows);
	json_array(&r, NULL);
	for (; rc == 1; rc = query_step(q, e)) {
		if (++n > GUARD_ROWS) {
			rc = err_set(e, ERR_FAILURE, "history sql: more than %d rows: add a LIMIT", GUARD_ROWS);
			break;
		}
		json_object(&r, NULL);
		view_row(&r, q);
		json_object_end(&r);
	}
	json_array_end(&r);
	json_finish(&r);
	json_raw(&j, "rows", str_cstr(&rows), rows.len);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
	return rc;
}

int view_sql(const struct view *v, const char *sql, struct str *out, struct err *e)
{
	struct query *q = NULL;
	int rc;

	if (v->s->ops->guard(v->s, sql, &q, e) < 0)
		return e->kind == ERR_USAGE ? -1 : 1;
	rc = v->json ? run_json(q, out, e) : run_table(q, out, e);
	query_free(q);
	if (rc < 0)
		str_reset(out);
	return rc < 0 ? 1 : 0;
}
