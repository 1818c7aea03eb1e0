/* SPDX-License-Identifier: Apache-2.0 */
/* recall.c - FixCase rows: what became better, with a vector of its words where the embeddings route is configured. The
 * three
 * nearest, of the same model and length, are told to the conductor. Without the route there are no vectors. */
#include "base/json_write.h"
#include "base/mem.h"
#include "runner/optimize/ask.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEAREST 3
#define DIFF_MAX 4000

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

/* Within the node's transaction only the row is written: the vector was asked for before. */
int recall_remember(struct loop *l, const char *delta, struct err *e)
{
	struct optimize_round *round = optimize_round(&l->st);
	auto_str words = STR_INIT, diff = STR_INIT, json = STR_INIT;
	auto_free float *v = NULL;
	enum ask_outcome outcome;
	char id[ARTIFACT_ID_SIZE];
	size_t dim;
	int rc;

	if (!is_configured(l))
		return 0;
	if (repo_diff(&l->repo, optimize_best_commit(&l->st), round->commit, &diff, e) < 0)
		return -1;
	for (size_t i = 0; i < l->st.selected_hotspots.n; i++)
		str_addf(&words, "%s ", l->st.selected_hotspots.v[i]);
	str_addf(&words, "\n%.*s", DIFF_MAX, str_cstr(&diff));
	if (ask_embedding(l, "embed_fix", &words, &outcome, &v, &dim, e) < 0)
		return -1;
	if (!v)
		return 0;
	payload(l, round, str_cstr(&diff), delta, &json);
	uuid_make(id);
	if (store_begin(l->s, e) < 0)
		return -1;
	rc = store_run(l->s, e,
		"INSERT INTO vectors (vector_id, kind, run_id, ref, dim, embedding, model_id, payload_json) VALUES"
		       " (?, ?, ?, ?, ?, ?, ?, ?)", "ttttibtt", id, "FixCase", round->run_id, round->patch_id,
		       (int64_t)dim, v,
		       dim * sizeof(float), l->setup.gateway.models[ROUTE_EMBEDDINGS], str_cstr(&json));
	if (rc < 0) {
		store_rollback(l->s);
		return -1;
	}
	return store_commit(l->s, e);
}

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
