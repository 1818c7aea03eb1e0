/* SPDX-License-Identifier: Apache-2.0 */
/* view_regressions.c - when did a series change for good: metrics and tests of the store, or numbers of a file. */
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "history/change.h"
#include "history/compare.h"
#include "history/limits.h"
#include "history/real.h"
#include "history/stats.h"
#include "history/table.h"
#include "history/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)256 << 20)

struct finder {
	const struct view *view;
	struct change_options o;
	bool robust;
	int64_t last;
	struct json *j;       /* NULL: a table */
	struct table *t;
	size_t found;         /* regressed within the last values */
};

struct series {
	const char *name;
	bool is_test;
	int better;           /* 0: not known */
	double *v;
	size_t n;
	char **runs, **revs;  /* NULL for a file */
};

static double change_of(const struct change *c)
{
	return c->before != 0 ? c->after / c->before - 1 : NAN;
}

static void tell(struct finder *f, const struct series *s, const struct change *c)
{
	bool up = c->after > c->before;
	const char *verdict = s->better == 0 ? "changed" : up == (s->better > 0) ? "improved" : "regressed";

	if (strcmp(verdict, "regressed") == 0 && (int64_t)(s->n - c->index) <= f->last)
		f->found++;
	if (f->j) {
		json_object(f->j, NULL);
		json_str(f->j, "series", s->name);
		json_uint(f->j, "index", c->index);
		json_str(f->j, "run_id", s->runs ? s->runs[c->index] : NULL);
		json_str(f->j, "repo_rev", s->revs ? s->revs[c->index] : NULL);
		json_str(f->j, "prev_rev", s->revs && c->index ? s->revs[c->index - 1] : NULL);
		view_real(f->j, "before", c->before);
		view_real(f->j, "after", c->after);
		view_real(f->j, "change", change_of(c));
		view_real(f->j, "p", c->p);
		json_str(f->j, "verdict", verdict);
		json_object_end(f->j);
		return;
	}
	table_text(f->t, verdict);
	table_text(f->t, s->name);
	table_fixed(f->t, c->before, 3, "");
	table_fixed(f->t, c->after, 3, "");
	table_fixed(f->t, change_of(c) * 100, 1, " %");
	table_text(f->t, s->runs ? s->runs[c->index] : NULL);
	strv_take(&f->t->cells, s->revs && s->revs[c->index] ? xasprintf("%.12s", s->revs[c->index])
							     : xasprintf("index %zu", c->index));
}

static void look_at(struct finder *f, const struct series *s)
{
	struct change_options o = f->o;
	struct change *list = NULL;
	size_t n = 0;

	if (f->view->settings->min_effect == NULL) {
		o.min_effect = s->is_test ? 0.20 : 0.05;
		o.min_difference = s->is_test ? 50 : 0;
	}
	if (f->robust)
		change_robust(s->v, s->n, &o, &list, &n);
	else
		change_hunter(s->v, s->n, &o, &list, &n);
	for (size_t i = 0; i < n; i++)
		tell(f, s, &list[i]);
	free(list);
}

/* ---- a file ---- */

static int file_series(struct finder *f, const struct json_value *m, const char *path, struct err *e)
{
	auto_free double *v = xreallocarray(NULL, m->count + 1, sizeof(*v));
	struct series s = {
		.name = m->key, .better = compare_better_of(m->key), .is_test = str_starts(m->key, "test:"), .v = v
	};

	if (m->kind != JSON_ARRAY)
		return err_set(e, ERR_USAGE, "%s: series.%s is not a list of numbers", path, m->key);
	json_each(x, m) {
		if (x->kind != JSON_NUMBER || !isfinite(x->number))
			return err_set(e, ERR_USAGE, "%s: series.%s holds what is not a number", path, m->key);
		v[s.n++] = x->number;
	}
	s.better = s.better ? s.better : -1; /* a file of numbers: more is worse, as with times */
	look_at(f, &s);
	return 0;
}

static int read_file(struct finder *f, const char *path, struct err *e)
{
	auto_free char *text = NULL;
	struct json_reader *in;
	const struct json_value *v, *series = NULL;
	struct err why = { 0 };
	size_t n;
	int rc;

	if (file_read(path, FILE_MAX_BYTES, &text, &n, e) < 0) {
		e->kind = ERR_USAGE;
		return -1;
	}
	in = json_reader_text(text, n, path);
	rc = json_take(in, &v, &why);
	if (rc == 0 && json_end(in, &why) == 0)
		series = json_get(v, "series");
	if (!series || series->kind != JSON_OBJECT)
		rc = err_set(e, ERR_USAGE, "%s: %s; expected {version: 1, series: {NAME: [numbers]}}", path,
				*why.msg ? why.msg : "no series");
	else
		json_each(m, series)
			if (rc == 0)
				rc = file_series(f, m, path, e);
	json_reader_free(in);
	return rc;
}

/* ---- the store ---- */

/* Values of one series while its rows come, oldest first. */
struct gather {
	struct series s;
	size_t cap;
	char *name;
};

static void gather_value(struct gather *g, double v, const char *run, const char *rev)
{
	if (g->s.n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 64;
		g->s.v = xreallocarray(g->s.v, g->cap, sizeof(*g->s.v));
		g->s.runs = xreallocarray(g->s.runs, g->cap, sizeof(*g->s.runs));
		g->s.revs = xreallocarray(g->s.revs, g->cap, sizeof(*g->s.revs));
	}
	g->s.v[g->s.n] = v;
	g->s.runs[g->s.n] = xstrdup(run);
	g->s.revs[g->s.n++] = rev ? xstrdup(rev) : NULL;
}

static void gather_reset(struct gather *g)
{
	for (size_t i = 0; i < g->s.n; i++) {
		free(g->s.runs[i]);
		free(g->s.revs[i]);
	}
	g->s.n = 0;
	mem_free_ptr(&g->name);
}

static void gather_release(struct gather *g)
{
	gather_reset(g);
	free(g->s.v);
	free(g->s.runs);
	free(g->s.revs);
}

static void gather_look(struct finder *f, struct gather *g)
{
	g->s.name = g->name;
	if (g->s.n)
		look_at(f, &g->s);
	gather_reset(g);
}

/* Rows (name, value, run, rev) in the order of name, then time. */
static int gather_rows(struct finder *f, struct query *q, bool is_test, int better, struct err *e)
{
	struct gather g = { 0 };
	int rc;

	g.s.is_test = is_test;
	while ((rc = query_step(q, e)) == 1) {
		if (g.name && strcmp(g.name, query_text(q, 0)) != 0)
			gather_look(f, &g);
		if (!g.name)
			g.name = xstrdup(query_text(q, 0));
		g.s.better = better ? better : compare_better_of(g.name);
		gather_value(&g, query_real(q, 1), query_text(q, 2), query_text(q, 3));
	}
	if (rc == 0)
		gather_look(f, &g);
	gather_release(&g);
	return rc;
}

/* The branch that most runs are of, among the names that default branches have; else the most frequent. */
static int default_branch(struct store *s, char **branch, struct err *e)
{
	return store_one_text(s, branch, e,
			      "SELECT branch FROM runs WHERE branch IS NOT NULL GROUP BY branch ORDER BY CASE WHEN"
			      " branch IN ('main', 'master', 'trunk', 'develop') THEN 0 ELSE 1 END, COUNT(*) DESC,"
			      " branch LIMIT 1",
			      "");
}

#define LANE "u.status = 'succeeded' AND u.workload_id = ? AND u.device_id = ? AND (CAST(? AS TEXT) = '' OR u.branch = ?)"

static int read_metric(struct finder *f, const char *word, const char *w, const char *d, const char *branch, struct err *e)
{
	const char *colon = strrchr(word, ':');
	int better = colon && strcmp(colon, ":higher") == 0 ? 1 : colon && strcmp(colon, ":lower") == 0 ? -1 : 0;
	auto_free char *name = better ? xstrndup(word, (size_t)(colon - word)) : xstrdup(word);
	auto_query *q = query_new(f->view->s,
				  "SELECT m.metric_name, m.value, u.run_id, u.repo_rev FROM metrics m JOIN runs u"
				  " ON u.run_id = m.run_id WHERE m.metric_name = ? AND m.tags_json = '{}' AND " LANE
				  " ORDER BY u.created_at, u.run_id",
				  e);

	if (!q)
		return -1;
	query_bind(q, "ttttt", name, w, d, branch, branch);
	return gather_rows(f, q, false, better, e);
}

static int read_tests(struct finder *f, const char *w, const char *d, const char *branch, struct err *e)
{
	auto_query *q =
		query_new(f->view->s,
			  "SELECT 'test:' || CASE WHEN t.suite = '' THEN '' ELSE t.suite || ' ' END || t.case_id AS"
			  " name, CAST(r.duration_us AS REAL) / 1000, u.run_id, u.repo_rev FROM results r JOIN"
			  " run_keys k ON k.run_no = r.run_no JOIN runs u ON u.run_id = k.run_id JOIN tests t ON"
			  " t.test_no = r.test_no WHERE r.result = 0 AND r.duration_us IS NOT NULL AND u.workload_id"
			  " = ? AND u.device_id = ? AND (CAST(? AS TEXT) = '' OR u.branch = ?) ORDER BY r.test_no,"
			  " u.created_at, u.run_id, r.attempt",
			  e);

	if (!q)
		return -1;
	query_bind(q, "tttt", w, d, branch, branch);
	return gather_rows(f, q, true, -1, e);
}

static int read_store(struct finder *f, struct err *e)
{
	const struct history_settings *o = f->view->settings;
	auto_free char *w = NULL, *d = NULL, *branch = o->branch ? xstrdup(o->branch) : NULL;
	int rc;

	if (!branch && default_branch(f->view->s, &branch, e) < 0)
		return -1;
	rc = limits_lane(f->view->s, o->workload, o->device, &w, &d, e);
	if (rc != 0)
		return rc < 0 ? -1 : 0;
	for (size_t i = 0; i < o->metrics.n && rc == 0; i++)
		rc = read_metric(f, o->metrics.v[i], w, d, branch ? branch : "", e);
	return o->metrics.n ? rc : read_tests(f, w, d, branch ? branch : "", e);
}

static int settings(struct finder *f, struct err *e)
{
	const struct history_settings *o = f->view->settings;
	char quoted[VALUE_QUOTE_SIZE];

	f->robust = strcmp(o->method, "robust") == 0;
	if (!f->robust && strcmp(o->method, "hunter") != 0)
		return err_set(e, ERR_USAGE, "--method: %s is neither robust nor hunter", value_quote(o->method, quoted));
	f->o.window = (size_t)o->window;
	f->last = o->last;
	if (real_of("--max-pvalue", o->max_pvalue, 0, 1, 0.001, &f->o.max_p, e) < 0 ||
	    real_of("--min-magnitude", o->min_magnitude, 0, 1000, 0, &f->o.min_magnitude, e) < 0)
		return -1;
	return real_of("--min-effect", o->min_effect, 0, 1000, 0.05, &f->o.min_effect, e);
}

int view_regressions(const struct view *v, struct str *out, struct err *e)
{
	struct finder f = { .view = v };
	struct table t;
	struct json j;
	int rc = settings(&f, e);

	if (rc < 0)
		return -1;
	if (v->json) {
		f.j = &j;
		json_init(&j, out);
		json_object(&j, NULL);
		json_int(&j, "version", 1);
		json_array(&j, "results");
	} else {
		f.t = &t;
		table_init(&t, "verdict|series|>before|>after|>change|run|rev");
	}
	rc = v->settings->series ? read_file(&f, v->settings->series, e) : read_store(&f, e);
	if (v->json) {
		json_array_end(&j);
		json_object_end(&j);
		json_finish(&j);
		str_addc(out, '\n');
	} else {
		table_write(&t, out);
	}
	return rc < 0 ? -1 : f.found ? 2 : 0;
}
