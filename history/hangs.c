/* SPDX-License-Identifier: Apache-2.0 */
#include "history/hangs.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static char *copy(const char *s)
{
	return s ? xstrdup(s) : NULL;
}

static bool has_pair(const struct hang *h, const char *suite, const char *case_id)
{
	for (size_t i = 0; i < h->cases.n; i++)
		if (strcmp(h->suites.v[i], suite) == 0 && strcmp(h->cases.v[i], case_id) == 0)
			return true;
	return false;
}

static struct hang *hang_named(struct hangs *h, const char *signature)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->v[i].signature, signature) == 0)
			return &h->v[i];
	h->v = xreallocarray(h->v, h->n + 1, sizeof(*h->v));
	h->v[h->n] = (struct hang){ .signature = xstrdup(signature) };
	return &h->v[h->n++];
}

/* Rows come oldest first. */
static void see(struct hangs *h, struct query *q)
{
	struct hang *x = hang_named(h, query_text(q, 1));
	const char *branch = query_text(q, 8), *suite = query_text(q, 4), *case_id = query_text(q, 5);

	free(x->pattern_id);
	free(x->location);
	free(x->last_seen);
	free(x->last_run_id);
	x->pattern_id = copy(query_text(q, 2));
	x->location = copy(query_text(q, 3));
	x->last_seen = copy(query_text(q, 6));
	x->last_run_id = copy(query_text(q, 0));
	if (!x->count++) {
		x->first_seen = copy(query_text(q, 6));
		x->first_rev = copy(query_text(q, 7));
	}
	if (branch && !strv_has(&x->branches, branch))
		strv_add(&x->branches, branch);
	if (case_id && !has_pair(x, suite ? suite : "", case_id)) {
		strv_add(&x->suites, suite ? suite : "");
		strv_add(&x->cases, case_id);
	}
}

/* A hang that was provoked is no recurrence. */
#define OF_OURSELVES "SELECT run_id FROM runs WHERE kind = 'repro'"
#define WORKLOADS "SELECT DISTINCT r.workload_id FROM v_hangs h JOIN runs r ON r.run_id = h.run_id WHERE h.signature = ?" \
	" AND h.run_id <> ? AND r.kind <> 'repro'"

static int add_rate(struct store *s, struct hang *x, const char *but_run, struct err *e)
{
	int rc;

	if (store_one_int(s, &x->runs, 0, e, "SELECT COUNT(*) FROM runs WHERE created_at >= ? AND run_id <> ? AND"
			" kind <> 'repro' AND workload_id IN ("
			  WORKLOADS ")", "tttt", x->first_seen, but_run, x->signature, but_run) < 0)
		return -1;
	x->rate = x->runs ? (double)x->count / (double)x->runs : 1;
	rc = store_one_text(s, &x->last_good_rev, e, "SELECT repo_rev FROM runs WHERE created_at < ? AND status ="
			" 'succeeded'"
			    " AND repo_rev IS NOT NULL AND workload_id IN (" WORKLOADS ") ORDER BY created_at DESC,"
					" run_id DESC LIMIT 1",
			    "ttt", x->first_seen, x->signature, but_run);
	return rc < 0 ? -1 : 0;
}

static int by_last_seen(const void *a, const void *b)
{
	return strcmp(((const struct hang *)b)->last_seen, ((const struct hang *)a)->last_seen);
}

int hangs_read(struct store *s, const char *signature, const char *but_run, struct hangs *h, struct err *e)
{
	auto_query *q = query_new(s, "SELECT run_id, signature, pattern_id, location, suite, case_id, seen_at,"
			" repo_rev, branch"
				  " FROM v_hangs WHERE (CAST(? AS TEXT) = '' OR signature = ?) AND run_id <> ?"
				  " AND run_id NOT IN (" OF_OURSELVES ")"
				  " ORDER BY seen_at, run_id", e);
	int rc;

	memset(h, 0, sizeof(*h));
	if (!q)
		return -1;
	but_run = but_run ? but_run : "";
	query_bind(q, "ttt", signature ? signature : "", signature ? signature : "", but_run);
	while ((rc = query_step(q, e)) == 1)
		see(h, q);
	for (size_t i = 0; i < h->n && rc == 0; i++)
		rc = add_rate(s, &h->v[i], but_run, e);
	if (h->n)
		qsort(h->v, h->n, sizeof(*h->v), by_last_seen);
	return rc;
}

void hangs_release(struct hangs *h)
{
	for (size_t i = 0; i < h->n; i++) {
		struct hang *x = &h->v[i];
		char *const owned[] = { x->signature, x->pattern_id, x->location, x->first_seen, x->last_seen, x->first_rev,
					x->last_good_rev, x->last_run_id };

		for (size_t k = 0; k < sizeof(owned) / sizeof(owned[0]); k++)
			free(owned[k]);
		strv_release(&x->branches);
		strv_release(&x->suites);
		strv_release(&x->cases);
	}
	free(h->v);
	memset(h, 0, sizeof(*h));
}

int hang_of_run(struct store *s, const char *run_id, char **signature, struct err *e)
{
	return store_one_text(s, signature, e, "SELECT signature FROM v_hangs WHERE run_id = ?", "t", run_id);
}
