/* SPDX-License-Identifier: Apache-2.0 */
/* recall.c - vectors, where the embeddings route is configured, and there alone: CodeChunk, the code of hotspots;
 * TraceSummary, what a profile says in words; FixCase, what became better. The three nearest FixCases, of the same model and
 * length, are told to the conductor. What was embedded before by the same model is not asked for again. */
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "history/view.h"
#include "runner/optimize/ask.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST 3
#define DIFF_MAX 4000
#define CHUNK_MAX 8000

static bool is_configured(const struct loop *l)
{
	return !l->candidates_dir && l->setup.gateway.given && l->setup.gateway.models[ROUTE_EMBEDDINGS];
}

static double cosine(const float *a, const float *b, size_t n)
{
	double dot = 0, aa = 0, bb = 0;

	for (size_t i = 0; i < n; i++) {
		dot += (double)a[i] * b[i];
		aa += (double)a[i] * a[i];
		bb += (double)b[i] * b[i];
	}
	return aa > 0 && bb > 0 ? dot / sqrt(aa * bb) : 0;
}

static void payload(const struct loop *l, const struct optimize_round *round, const char *diff, const char *delta,
		    struct str *out)
{
	auto_str clean = STR_INIT;
	struct json j;

	redact_text(l->redactor, diff, strlen(diff), &clean);
	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "baseline_run_id", l->st.baseline_run_id);
	json_str(&j, "improved_run_id", round->run_id);
	json_str(&j, "hotspot", l->st.selected_hotspots.n ? l->st.selected_hotspots.v[0] : NULL);
	json_strn(&j, "diff", str_cstr(&clean), clean.len < DIFF_MAX ? clean.len : DIFF_MAX);
	json_raw(&j, "delta_metrics", delta, strlen(delta));
	json_object_end(&j);
	json_finish(&j);
}

/* ---- rows ---- */

/* 1: there is one, of this model. */
static int is_known(struct loop *l, const char *kind, const char *ref, struct err *e)
{
	int64_t n;

	if (store_one_int(l->s, &n, 0, e, "SELECT COUNT(*) FROM vectors WHERE kind = ? AND ref = ? AND model_id = ?", "ttt",
			  kind, ref, l->setup.gateway.models[ROUTE_EMBEDDINGS]) < 0)
		return -1;
	return n > 0;
}

/* Asks for the vector of the words, and keeps it in a transaction of its own. 1: the server gave none. */
static int remember(struct loop *l, const char *kind, const char *run_id, const char *ref, const struct str *words,
		    const struct str *payload, struct err *e)
{
	auto_free char *agent = xasprintf("embed_%s_%.12s", kind, ref);
	char id[ARTIFACT_ID_SIZE];
	auto_free float *v = NULL;
	enum ask_outcome outcome;
	size_t dim = 0;
	int rc = is_known(l, kind, ref, e);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	if (ask_embedding(l, agent, words, &outcome, &v, &dim, e) < 0)
		return -1;
	if (!v)
		return 1;
	uuid_make(id);
	if (store_begin(l->s, e) < 0)
		return -1;
	rc = store_run(l->s, e,
		"INSERT INTO vectors (vector_id, kind, run_id, ref, dim, embedding, model_id, payload_json) VALUES"
		       " (?, ?, ?, ?, ?, ?, ?, ?)", "ttttibtt", id, kind, run_id, ref, (int64_t)dim, v,
		       dim * sizeof(float), l->setup.gateway.models[ROUTE_EMBEDDINGS], str_cstr(payload));
	if (rc < 0) {
		store_rollback(l->s);
		return -1;
	}
	return store_commit(l->s, e);
}

/* Within the node's transaction only the row is written: the vector was asked for before. */
int recall_remember(struct loop *l, const char *delta, struct err *e)
{
	struct optimize_round *round = optimize_round(&l->st);
	auto_str words = STR_INIT, diff = STR_INIT, json = STR_INIT;

	if (!is_configured(l))
		return 0;
	if (repo_diff(&l->repo, optimize_best_commit(&l->st), round->commit, &diff, e) < 0)
		return -1;
	for (size_t i = 0; i < l->st.selected_hotspots.n; i++)
		str_addf(&words, "%s ", l->st.selected_hotspots.v[i]);
	str_addf(&words, "\n%.*s", DIFF_MAX, str_cstr(&diff));
	payload(l, round, str_cstr(&diff), delta, &json);
	return remember(l, "FixCase", round->run_id, round->patch_id, &words, &json, e) < 0 ? -1 : 0;
}

/* ---- out of an evidence pack, which is redacted ---- */

static int remember_code(struct loop *l, const char *run_id, const struct json_value *item, struct err *e)
{
	const struct json_value *code = json_get(item, "code"), *hotspot = json_get(item, "hotspot");
	const char *text = code ? json_get_text(code, "text") : NULL, *sha = code ? json_get_text(code, "sha256") : NULL;
	const char *symbol = hotspot ? json_get_text(hotspot, "symbol") : NULL;
	auto_str words = STR_INIT, out = STR_INIT;
	struct json j;

	if (!text || !sha || !symbol)
		return 0;
	str_addf(&words, "%s %s\n%.*s", json_get_text(code, "path") ? json_get_text(code, "path") : "", symbol, CHUNK_MAX,
		 text);
	json_init(&j, &out);
	json_object(&j, NULL);
	json_str(&j, "repo_rev", l->st.baseline_commit);
	json_str(&j, "path", json_get_text(code, "path"));
	json_str(&j, "symbol", symbol);
	json_strn(&j, "text", text, strlen(text) < CHUNK_MAX ? utf8_cut(text, strlen(text), CHUNK_MAX) : strlen(text));
	json_array(&j, "tags");
	json_str(&j, NULL, "hotspot");
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	return remember(l, "CodeChunk", run_id, sha, &words, &out, e);
}

/* From the first of its windows to the last; null where there are none. */
static void put_time_range(struct json *j, const struct json_value *items)
{
	double from = INFINITY, to = -INFINITY;

	json_each(item, items) {
		const struct json_value *windows = json_get(item, "symptom_windows");

		if (windows && windows->kind == JSON_ARRAY)
			json_each(w, windows) {
				const struct json_value *a = json_get(w, "start"), *b = json_get(w, "end");

				if (a && b && a->kind == JSON_NUMBER && b->kind == JSON_NUMBER) {
					from = fmin(from, a->number);
					to = fmax(to, b->number);
				}
			}
	}
	if (!(from <= to)) {
		json_null(j, "time_range");
		return;
	}
	json_array(j, "time_range");
	view_real(j, NULL, from);
	view_real(j, NULL, to);
	json_array_end(j);
}

static int remember_summary(struct loop *l, const char *run_id, const char *kind, const struct json_value *items,
			    struct err *e)
{
	auto_str words = STR_INIT, out = STR_INIT;
	struct json j;

	json_each(item, items) {
		const struct json_value *all = json_get(item, "summaries");
		const char *text = all ? json_get_text(all, "medium") : NULL;

		text = text || !all ? text : json_get_text(all, "short");
		if (text)
			str_addf(&words, "%s\n", text);
	}
	if (!words.len)
		return 0;
	json_init(&j, &out);
	json_object(&j, NULL);
	json_str(&j, "run_id", run_id);
	json_str(&j, "kind", kind);
	json_strn(&j, "summary_text", str_cstr(&words), utf8_cut(str_cstr(&words), words.len, CHUNK_MAX));
	put_time_range(&j, items);
	json_object_end(&j);
	json_finish(&j);
	return remember(l, "TraceSummary", run_id, run_id, &words, &out, e);
}

int recall_pack(struct loop *l, const struct str *pack, struct err *e)
{
	const struct json_value *v, *items;
	const char *run_id, *kind;
	struct json_reader *in;
	int rc;

	if (!is_configured(l))
		return 0;
	in = json_reader_text(str_cstr(pack), pack->len, "evidence pack");
	rc = json_take(in, &v, e);
	items = rc == 0 ? json_get(v, "items") : NULL;
	run_id = rc == 0 ? json_get_text(v, "run_id") : NULL;
	kind = rc == 0 ? json_get_text(v, "kind") : NULL;
	if (items && items->kind == JSON_ARRAY && run_id && kind) {
		rc = remember_summary(l, run_id, kind, items, e);
		for (const struct json_value *i = items->first; rc == 0 && i; i = i->next)
			rc = remember_code(l, run_id, i, e);
	}
	json_reader_free(in);
	return rc < 0 ? -1 : 0;
}

/* ---- the nearest ---- */

struct near { double score; char *payload; };

static void keep(struct near best[NEAREST], double score, const char *text)
{
	for (int i = 0; i < NEAREST; i++) {
		if (best[i].payload && score <= best[i].score)
			continue;
		free(best[NEAREST - 1].payload);
		memmove(best + i + 1, best + i, (size_t)(NEAREST - 1 - i) * sizeof(*best));
		best[i] = (struct near){ score, xstrdup(text) };
		return;
	}
}

int recall_nearest(struct loop *l, const struct str *about, struct str *out, struct err *e)
{
	auto_query *q = NULL;
	auto_free float *v = NULL;
	struct near best[NEAREST] = { { 0, NULL } };
	enum ask_outcome outcome;
	size_t dim = 0, n;
	int rc = 0;

	if (!is_configured(l))
		return 0;
	if (ask_embedding(l, "embed_query", about, &outcome, &v, &dim, e) < 0)
		return -1;
	if (!v)
		return 0;
	q = query_new(l->s, "SELECT embedding, payload_json FROM vectors WHERE kind = 'FixCase' AND model_id = ? AND dim = ?"
		      " ORDER BY vector_id", e);
	if (!q)
		return -1;
	query_bind(q, "ti", l->setup.gateway.models[ROUTE_EMBEDDINGS], (int64_t)dim);
	while ((rc = query_step(q, e)) == 1) {
		const void *blob = query_blob(q, 0, &n);
		auto_free float *w = xmalloc(n + 1);

		memcpy(w, blob, n);
		if (n == dim * sizeof(float))
			keep(best, cosine(v, w, dim), query_text(q, 1));
	}
	if (best[0].payload)
		str_add(out, "## What helped before\n");
	for (int i = 0; i < NEAREST; i++) {
		if (best[i].payload)
			str_addf(out, "- similarity %.3f: %s\n", best[i].score, best[i].payload);
		free(best[i].payload);
	}
	return rc;
}
