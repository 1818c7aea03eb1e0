/* SPDX-License-Identifier: Apache-2.0 */
#include "history/rows.h"
#include "base/hex.h"

#include "base/json_write.h"
#include "history/view.h"

#include <string.h>

const struct rows_table rows_tables[] = {
	{ "runs",
	  "run_id, parent_run_id, repo_uri, repo_rev, repo_dirty, workload_id, device_id, toolchain_id, status,"
	  " created_at, finished_at, kind, branch, command, exit_code, ended_by, duration_ms, shard, ci_json",
	  "ttttitttttttttitrtt", "run_id", false },
	{ "artifacts", "artifact_id, run_id, kind, sha256, path, bytes, mime, metadata_json", "tttttitt", "artifact_id",
	  true },
	{ "metrics", "run_id, scope, metric_name, value, unit, tags_json", "tttrtt",
	  "scope, metric_name, tags_json, value, unit", true },
	{ "hotspots",
	  "run_id, symbol, file_path, line_start, line_end, score, evidence_artifact_ids, rank, ranker, self_share,"
	  " total_share",
	  "tttiirtitrr", "ranker, rank, symbol", true },
	{ "graphs", "run_id, kind, format, payload_artifact_id, metadata_json", "ttttt", "kind, payload_artifact_id",
	  true },
	{ "patches", "run_id, iteration, diff_artifact_id, apply_status, files_changed_json, reason",
	  "tittt"
	  "t",
	  "iteration, diff_artifact_id, apply_status", true },
	{ "evaluations",
	  "run_id, baseline_run_id, delta_metrics_json, correctness_passed, perf_improved, notes, iteration, verdict",
	  "tttiitit", "iteration, baseline_run_id, delta_metrics_json", true },
	{ "agent_messages",
	  "run_id, iteration, agent_name, model_id, prompt_artifact_id, output_artifact_id, summary_artifact_id,"
	  " node, prompt_tokens, output_tokens, duration_ms, status",
	  "tittttttiirt", "iteration, node, agent_name, prompt_artifact_id, output_artifact_id", true },
	{ "findings", "run_id, rank, finding_id, pattern_id, location, confidence, proved, summary",
	  "tittt"
	  "rit",
	  "rank, finding_id", false },
	{ "vectors", "vector_id, kind, run_id, ref, dim, embedding, model_id, payload_json", "ttttibtt", "vector_id",
	  true },
	{ "loop_states", "run_id, iteration, node, state_json, updated_at", "tittt", "iteration, node", true },
	{ "v_test_results", "run_id, suite, case_id, attempt, result, duration_ms, file, line", "tttitrti",
	  "suite, case_id, attempt", false },
	{ NULL, NULL, NULL, NULL, false },
};

const struct rows_table rows_loose[] = {
	{ "vectors", "vector_id, kind, run_id, ref, dim, embedding, model_id, payload_json", "ttttibtt", "vector_id", true },
	{ "shard_plans", "plan_key, created_at, shards, list_sha256, plan_json", "ttitt", "created_at, plan_key", true },
	{ NULL, NULL, NULL, NULL, false },
};

const struct rows_table *rows_find(const char *name)
{
	for (const struct rows_table *t = rows_tables; t->name; t++)
		if (strcmp(t->name, name) == 0)
			return t;
	for (const struct rows_table *t = rows_loose; t->name; t++)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

size_t rows_columns(const struct rows_table *t)
{
	size_t n = 1;

	for (const char *p = t->columns; *p; p++)
		n += *p == ',';
	return n;
}

/* The i-th name, and where the next one begins. */
static const char *column(const char *p, size_t *n)
{
	p += strspn(p, ", ");
	*n = strcspn(p, ", ");
	return p;
}

static void put_hex(struct json *j, const char *key, const char *p, size_t n)
{
	auto_str hex = STR_INIT;

	for (size_t i = 0; i < n; i++)
		str_addf(&hex, "%02x", (unsigned char)p[i]);
	json_strn(j, key, str_cstr(&hex), hex.len);
}

static void put_cell(struct json *j, const char *key, char type, const struct cell *c)
{
	if (c->kind == QUERY_NULL)
		json_null(j, key);
	else if (type == 'i')
		json_int(j, key, c->i);
	else if (type == 'r')
		view_real(j, key, c->r);
	else if (type == 'b')
		put_hex(j, key, c->p, c->n);
	else
		json_strn(j, key, c->p, c->n);
}

void rows_line_of_cells(const struct rows_table *t, const struct cell *cells, struct str *out)
{
	const char *p = t->columns;
	char key[64];
	struct json j;
	size_t n;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "table", t->name);
	json_object(&j, "row");
	for (size_t i = 0; i < rows_columns(t); i++, p += n) {
		p = column(p, &n);
		memcpy(key, p, n);
		key[n] = '\0';
		put_cell(&j, key, t->types[i], &cells[i]);
	}
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

void rows_line(const struct rows_table *t, struct query *q, struct str *out)
{
	struct cell cells[ROW_COLUMNS_MAX];
	size_t n;

	for (int i = 0; i < (int)rows_columns(t); i++) {
		if (query_kind(q, i) == QUERY_NULL)
			cells[i] = cell_null();
		else if (t->types[i] == 'i')
			cells[i] = cell_int(query_int(q, i));
		else if (t->types[i] == 'r')
			cells[i] = cell_real(query_real(q, i));
		else if (t->types[i] == 'b') {
			const void *p = query_blob(q, i, &n);

			cells[i] = cell_blob(p, n);
		} else
			cells[i] = cell_text(query_text(q, i));
	}
	rows_line_of_cells(t, cells, out);
}

static int take_hex(const struct json_value *v, struct cell *c, struct str *bytes)
{
	if (v->len % 2)
		return -1;
	str_reset(bytes);
	for (size_t i = 0; i < v->len; i += 2) {
		int high = hex_digit_lower(v->text[i]), low = hex_digit_lower(v->text[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		str_addc(bytes, (char)(high << 4 | low));
	}
	*c = cell_blob(bytes->data, bytes->len);
	return 0;
}

static int take_cell(char type, const struct json_value *v, struct cell *c, struct str *bytes)
{
	if (!v || v->kind == JSON_NULL) {
		*c = cell_null();
		return 0;
	}
	if (type == 'i' && v->kind == JSON_NUMBER && v->is_integer)
		*c = cell_int(v->integer);
	else if (type == 'r' && v->kind == JSON_NUMBER)
		*c = cell_real(v->number);
	else if (type == 't' && v->kind == JSON_STRING && !memchr(v->text, '\0', v->len))
		*c = cell_text(v->text);
	else if (type == 'b' && v->kind == JSON_STRING)
		return take_hex(v, c, bytes);
	else
		return -1;
	return 0;
}

int rows_cells(const struct rows_table *t, const struct json_value *row, struct cell cells[ROW_COLUMNS_MAX],
	       struct str *bytes, struct err *e)
{
	const char *p = t->columns;
	size_t n, seen = 0;

	if (!row || row->kind != JSON_OBJECT)
		return err_set(e, ERR_FAILURE, "a row of %s is not an object", t->name);
	for (size_t i = 0; i < rows_columns(t); i++, p += n) {
		char key[64];
		const struct json_value *v;

		p = column(p, &n);
		memcpy(key, p, n);
		key[n] = '\0';
		v = json_get(row, key);
		seen += v != NULL;
		if (take_cell(t->types[i], v, &cells[i], bytes) < 0)
			return err_set(e, ERR_FAILURE, "%s.%s is of another type than that column", t->name, key);
	}
	if (seen != row->count)
		return err_set(e, ERR_FAILURE, "a row of %s has an unknown column", t->name);
	return 0;
}
