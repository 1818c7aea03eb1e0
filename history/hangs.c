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
	if (query_text(q, 9) && !strv_has(&x->workloads, query_text(q, 9)))
		strv_add(&x->workloads, query_text(q, 9));
	if (case_id && !has_pair(x, suite ? suite : "", case_id)) {
		strv_add(&x->suites, suite ? suite : "");
		strv_add(&x->cases, case_id);
	}
}

/* ---- rates ---- */

/* Runs of one workload on one device. Hangs are asked from the one that was seen first last, so that each run is counted
 * once for all of them, and no stretch without a success is searched twice. */
struct lane {
	int64_t no;
	char *workload, *device;
	const char *since;     /* runs are counted from there on; NULL: none is */
	int64_t runs;
	bool searched;
	char *good, *good_rev; /* time and name of the newest success before; NULL: there is none */
};
struct lanes {
	struct lane *v;
	size_t n;
};

static void lanes_release(struct lanes *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].workload);
		free(l->v[i].device);
		free(l->v[i].good);
		free(l->v[i].good_rev);
	}
	free(l->v);
}

static int lanes_read(struct lanes *l, struct store *s, struct err *e)
{
	auto_query *q = query_new(s, "SELECT lane_no, workload_id, device_id FROM lanes ORDER BY lane_no", e);
	int rc;

	if (!q)
		return -1;
	while ((rc = query_step(q, e)) == 1) {
		l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
		l->v[l->n++] = (struct lane){ .no = query_int(q, 0), .workload = copy(query_text(q, 1)),
					      .device = copy(query_text(q, 2)) };
	}
	return rc;
}

static int count_runs(struct lane *l, struct query *q, const char *since, struct err *e)
{
	int rc;

	query_bind(q, "itt", l->no, since, l->since ? l->since : "9999");
	while ((rc = query_step(q, e)) == 1)
		l->runs += query_int(q, 0);
	l->since = since;
	return rc;
}

static int find_good(struct lane *l, struct query *q, const char *before, struct err *e)
{
	int rc;

	if (l->searched && (!l->good || strcmp(l->good, before) < 0))
		return 0;
	free(l->good);
	free(l->good_rev);
	l->good = l->good_rev = NULL;
	l->searched = true;
	query_bind(q, "ttt", l->workload, l->device, before);
	while ((rc = query_step(q, e)) == 1) {
		l->good = copy(query_text(q, 0));
		l->good_rev = copy(query_text(q, 1));
	}
	return rc;
}

static int add_rates(struct hangs *h, struct lanes *l, struct store *s, struct err *e)
{
	auto_query *count = query_new(s, "SELECT COUNT(*) FROM run_keys WHERE lane_no = ? AND created_at >= ? AND"
				      " created_at < ?", e);
	auto_query *good = query_new(s, "SELECT created_at, repo_rev FROM runs WHERE workload_id = ? AND device_id = ? AND"
				     " created_at < ? AND status = 'succeeded' AND repo_rev IS NOT NULL"
				     " ORDER BY created_at DESC, run_id DESC LIMIT 1", e);

	for (size_t i = 0; count && good && i < h->n; i++) {
		struct hang *x = &h->v[i];
		const char *newest = "";

		for (size_t k = 0; k < l->n; k++) {
			struct lane *lane = &l->v[k];

			if (!strv_has(&x->workloads, lane->workload))
				continue;
			if (count_runs(lane, count, x->first_seen, e) < 0 || find_good(lane, good, x->first_seen, e) < 0)
				return -1;
			x->runs += lane->runs;
			if (!lane->good || strcmp(lane->good, newest) <= 0)
				continue;
			newest = lane->good;
			free(x->last_good_rev);
			x->last_good_rev = copy(lane->good_rev);
		}
	}
	return count && good ? 0 : -1;
}

/* Those that were provoked, and the one that is left out. */
static int leave_out(struct hangs *h, struct store *s, const char *but_run, struct err *e)
{
	auto_query *q = query_new(s, "SELECT workload_id, created_at FROM runs r WHERE (kind = 'repro' OR run_id = ?) AND"
				  " workload_id IS NOT NULL AND EXISTS (SELECT 1 FROM run_keys k WHERE k.run_id ="
				  " r.run_id)", e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", but_run);
	while ((rc = query_step(q, e)) == 1)
		for (size_t i = 0; i < h->n; i++)
			h->v[i].runs -= strv_has(&h->v[i].workloads, query_text(q, 0)) &&
					strcmp(h->v[i].first_seen, query_text(q, 1)) <= 0;
	return rc;
}

static int by_first_seen(const void *a, const void *b)
{
	return strcmp(((const struct hang *)b)->first_seen, ((const struct hang *)a)->first_seen);
}

static int rates(struct hangs *h, struct store *s, const char *but_run, struct err *e)
{
	struct lanes l = { NULL, 0 };
	int rc = lanes_read(&l, s, e);

	qsort(h->v, h->n, sizeof(*h->v), by_first_seen);
	if (rc == 0)
		rc = add_rates(h, &l, s, e);
	if (rc == 0)
		rc = leave_out(h, s, but_run, e);
	for (size_t i = 0; i < h->n && rc == 0; i++)
		h->v[i].rate = h->v[i].runs > 0 ? (double)h->v[i].count / (double)h->v[i].runs : 1;
	lanes_release(&l);
	return rc;
}

static int by_last_seen(const void *a, const void *b)
{
	return strcmp(((const struct hang *)b)->last_seen, ((const struct hang *)a)->last_seen);
}

/* A hang that was provoked is no recurrence. */
#define SEEN "SELECT h.run_id, h.signature, h.pattern_id, h.location, h.suite, h.case_id, h.seen_at, h.repo_rev, h.branch," \
	" r.workload_id FROM v_hangs h JOIN runs r ON r.run_id = h.run_id WHERE h.run_id <> ? AND r.kind <> 'repro'"
#define IN_ORDER " ORDER BY h.seen_at, h.run_id"

int hangs_read(struct store *s, const char *signature, const char *but_run, struct hangs *h, struct err *e)
{
	auto_query *q = query_new(s, signature ? SEEN " AND h.signature = ?" IN_ORDER : SEEN IN_ORDER, e);
	int rc;

	memset(h, 0, sizeof(*h));
	if (!q)
		return -1;
	but_run = but_run ? but_run : "";
	query_bind(q, signature ? "tt" : "t", but_run, signature);
	while ((rc = query_step(q, e)) == 1)
		see(h, q);
	if (rc == 0 && h->n)
		rc = rates(h, s, but_run, e);
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
		strv_release(&x->workloads);
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
