/* SPDX-License-Identifier: Apache-2.0 */
#include "history/analyze.h"

#include "base/json_write.h"
#include "base/mem.h"
#include "history/artifact.h"
#include "history/ingest/ingest.h"
#include "history/table.h"
#include "history/view.h"

#include <stdlib.h>
#include <string.h>

int analyze_samples(struct store *s, const char *run_id, struct samples *samples, struct strv *ids, struct err *e)
{
	auto_query *q = query_new(s, "SELECT artifact_id, kind, path FROM artifacts WHERE run_id = ? AND kind IN ('folded',"
				  " 'perf-script', 'hiperf') ORDER BY kind, sha256, artifact_id", e);
	int rc;

	samples_init(samples);
	if (!q)
		return -1;
	query_bind(q, "t", run_id);
	while ((rc = query_step(q, e)) == 1) {
		auto_free char *bytes = NULL;
		uint64_t unreadable = 0, lines = 0, total = samples->samples_total;
		double weight = samples->weight_total;
		size_t n;

		if (artifact_read(store_dir(s), query_text(q, 2), &bytes, &n, e) < 0 ||
		    ingest_samples(query_text(q, 1), bytes, n, samples, &unreadable, &lines, e) < 0)
			return -1;
		if (strcmp(query_text(q, 1), "hiperf") == 0) { /* a report says its own totals */
			samples->samples_total += total;
			samples->weight_total += weight;
		}
		strv_add(ids, query_text(q, 0));
	}
	if (rc == 0 && !ids->n) {
		err_set(e, ERR_FAILURE,
			"analyze: %s has no stacks: take a folded, perf-script or hiperf file in first (spec-runner"
			" ingest artifacts --run-id %s --path FILE)",
			run_id, run_id);
		return 1;
	}
	return rc;
}

static int put_graph(struct store *s, const char *run_id, const struct samples *m, struct artifact *a, struct err *e)
{
	auto_str graph = STR_INIT, meta = STR_INIT;

	samples_graph(m, &graph);
	str_addf(&meta, "{\"nodes\":%zu,\"edges\":%zu,\"tool\":\"spec-runner\"}", m->n_nodes, m->n_edges);
	if (artifact_put(store_dir(s), "graph", str_cstr(&graph), graph.len, a, e) < 0 ||
	    artifact_row(s, run_id, a, "{\"name\":\"pcg.json\"}", e) < 0)
		return -1;
	return store_run(s, e,
			 "INSERT INTO graphs (run_id, kind, format, payload_artifact_id, metadata_json) VALUES (?,"
			 " 'PCG', 'json', ?, ?)",
			 "ttt", run_id, a->id, str_cstr(&meta));
}

static int put_hotspots(struct store *s, const char *run_id, const struct samples *m, const struct strv *ids, size_t top,
			struct err *e)
{
	auto_free uint32_t *order = samples_top(m, SAMPLES_FUNCRANK);
	double all = m->weight_total > 0 ? m->weight_total : 1;
	auto_str evidence = STR_INIT;
	struct json j;

	json_init(&j, &evidence);
	json_array(&j, NULL);
	for (size_t i = 0; i < ids->n; i++)
		json_str(&j, NULL, ids->v[i]);
	json_array_end(&j);
	json_finish(&j);
	for (size_t i = 0; i < m->n_nodes && i < top; i++) {
		const struct sample_node *n = &m->nodes[order[i]];

		if (store_run(s, e,
			      "INSERT INTO hotspots (run_id, symbol, file_path, score, evidence_artifact_ids, rank,"
			      " ranker, self_share, total_share) VALUES (?, ?, ?, ?, ?, ?, 'funcrank', ?, ?)",
			      "tttrtirr", run_id, n->symbol, n->file, n->rank, str_cstr(&evidence), (int64_t)i + 1,
			      n->self / all, n->total / all) < 0)
			return -1;
	}
	return 0;
}

static int write_all(struct store *s, const char *run_id, const struct samples *m, const struct strv *ids, size_t top,
		     struct artifact *a, struct err *e)
{
	if (store_begin(s, e) < 0)
		return -1;
	if (store_run(s, e, "DELETE FROM hotspots WHERE run_id = ?", "t", run_id) < 0 ||
	    store_run(s, e,
		      "DELETE FROM artifacts WHERE artifact_id IN (SELECT payload_artifact_id FROM graphs WHERE"
		      " run_id = ? AND kind = 'PCG')",
		      "t", run_id) < 0 ||
	    put_graph(s, run_id, m, a, e) < 0 || put_hotspots(s, run_id, m, ids, top, e) < 0) {
		store_rollback(s);
		return -1;
	}
	return store_commit(s, e);
}

static void tell_json(const struct samples *m, const char *run_id, const struct artifact *a, size_t top, struct str *out)
{
	auto_free uint32_t *order = samples_top(m, SAMPLES_FUNCRANK);
	double all = m->weight_total > 0 ? m->weight_total : 1;
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", run_id);
	json_object(&j, "graph");
	json_str(&j, "kind", "PCG");
	json_str(&j, "artifact_id", a->id);
	json_uint(&j, "nodes", m->n_nodes);
	json_uint(&j, "edges", m->n_edges);
	json_object_end(&j);
	json_array(&j, "hotspots");
	for (size_t i = 0; i < m->n_nodes && i < top; i++) {
		const struct sample_node *n = &m->nodes[order[i]];

		json_object(&j, NULL);
		json_uint(&j, "rank", i + 1);
		json_str(&j, "symbol", n->symbol);
		view_real(&j, "score", n->rank);
		view_real(&j, "self_share", n->self / all);
		view_real(&j, "total_share", n->total / all);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

static void tell_text(const struct samples *m, size_t top, struct str *out)
{
	auto_free uint32_t *order = samples_top(m, SAMPLES_FUNCRANK);
	double all = m->weight_total > 0 ? m->weight_total : 1;
	struct table t;

	table_init(&t, ">rank|>score|>self|>total|symbol");
	for (size_t i = 0; i < m->n_nodes && i < top; i++) {
		const struct sample_node *n = &m->nodes[order[i]];

		table_int(&t, (int64_t)i + 1);
		table_fixed(&t, n->rank, 4, "");
		table_fixed(&t, n->self / all * 100, 1, " %");
		table_fixed(&t, n->total / all * 100, 1, " %");
		table_text(&t, n->symbol);
	}
	table_write(&t, out);
	str_addf(out, "graph of %zu functions and %zu calls\n", m->n_nodes, m->n_edges);
}

int analyze_runtime(struct store *s, const char *run_id, const struct history_settings *settings, double damping, bool json,
		    struct str *out, struct err *e)
{
	struct strv ids = STRV_INIT;
	struct samples m;
	struct artifact a;
	int rc = analyze_samples(s, run_id, &m, &ids, e);

	if (rc == 0) {
		samples_rank(&m, damping);
		rc = write_all(s, run_id, &m, &ids, (size_t)settings->top, &a, e);
	}
	if (rc == 0 && json)
		tell_json(&m, run_id, &a, (size_t)settings->top, out);
	else if (rc == 0)
		tell_text(&m, (size_t)settings->top, out);
	samples_release(&m);
	strv_release(&ids);
	return rc;
}
