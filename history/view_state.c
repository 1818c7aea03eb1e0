/* SPDX-License-Identifier: Apache-2.0 */
/* view_state.c - hangs, flaky and limits: what the last runs say of tests. */
#include "base/mem.h"
#include "history/flaky.h"
#include "history/hangs.h"
#include "history/limits.h"
#include "history/table.h"
#include "history/view.h"

#include <math.h>
#include <string.h>

static void begin(struct json *j, struct str *out, const char *list)
{
	json_init(j, out);
	json_object(j, NULL);
	json_int(j, "version", 1);
	json_array(j, list);
}

static void end(struct json *j, struct str *out)
{
	json_object_end(j);
	json_finish(j);
	str_addc(out, '\n');
}

/* ---- hangs ---- */

static void hang_json(struct json *j, const struct hang *h)
{
	json_object(j, NULL);
	json_str(j, "signature", h->signature);
	json_str(j, "pattern_id", h->pattern_id);
	json_str(j, "location", h->location);
	json_int(j, "count", h->count);
	json_int(j, "runs", h->runs);
	view_real(j, "rate", h->rate);
	json_str(j, "first_seen", h->first_seen);
	json_str(j, "last_seen", h->last_seen);
	json_str(j, "first_rev", h->first_rev);
	json_str(j, "last_good_rev", h->last_good_rev);
	json_array(j, "branches");
	for (size_t i = 0; i < h->branches.n; i++)
		json_str(j, NULL, h->branches.v[i]);
	json_array_end(j);
	json_array(j, "tests");
	for (size_t i = 0; i < h->cases.n; i++) {
		json_object(j, NULL);
		json_str(j, "suite", h->suites.v[i]);
		json_str(j, "case_id", h->cases.v[i]);
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

static void hang_cells(struct table *t, const struct hang *h)
{
	table_text(t, h->signature);
	table_text(t, h->pattern_id);
	table_text(t, h->location);
	table_int(t, h->count);
	table_fixed(t, h->rate * 100, 1, " %");
	strv_take(&t->cells, xasprintf("%.10s", h->first_rev ? h->first_rev : "-"));
	table_text(t, h->last_seen);
}

int view_hangs(const struct view *v, struct str *out, struct err *e)
{
	struct hangs h;
	struct table t;
	struct json j;
	int rc = hangs_read(v->s, v->settings->signature, NULL, &h, e);

	if (rc == 0 && v->json) {
		begin(&j, out, "hangs");
		for (size_t i = 0; i < h.n; i++)
			hang_json(&j, &h.v[i]);
		json_array_end(&j);
		end(&j, out);
	} else if (rc == 0) {
		table_init(&t, "signature|what|where|>times|>rate|since rev|last seen");
		for (size_t i = 0; i < h.n; i++)
			hang_cells(&t, &h.v[i]);
		table_write(&t, out);
	}
	hangs_release(&h);
	return rc;
}

/* ---- flaky ---- */

static void flaky_evidence(struct json *j, const struct flaky *f, const struct flaky_test *t)
{
	json_array(j, "evidence");
	for (uint32_t i = 0; i < t->n_revs; i++) {
		const struct flaky_rev *r = &t->revs[i];

		if (r->pass_run < 0 || r->fail_run < 0)
			continue;
		json_object(j, NULL);
		json_str(j, "repo_rev", f->revs[r->rev]);
		json_str(j, "pass_run_id", f->run_ids[r->pass_run]);
		json_str(j, "fail_run_id", f->run_ids[r->fail_run]);
		json_object_end(j);
	}
	json_array_end(j);
}

static void flaky_members(struct json *j, const struct flaky *f, const struct flaky_row *r)
{
	enum flaky_state state = flaky_state_of(&r->t);

	json_str(j, "state", flaky_state_text[state]);
	json_int(j, "attempts", r->t.attempts);
	json_int(j, "failures", r->t.failures);
	json_int(j, "flips", r->t.flips);
	if (state == FLAKY_BROKEN)
		json_str(j, "since_rev", r->t.since_rev >= 0 ? f->revs[r->t.since_rev] : NULL);
	flaky_evidence(j, f, &r->t);
	json_int(j, "hangs", r->t.hangs);
}

static void flaky_json(struct json *j, const struct flaky *f, const struct flaky_row *r)
{
	json_object(j, NULL);
	json_str(j, "suite", r->suite);
	json_str(j, "case_id", r->case_id);
	flaky_members(j, f, r);
	json_object_end(j);
}

int view_flaky_state(const char *name)
{
	for (int i = 0; i < FLAKY_STATE_COUNT; i++)
		if (strcmp(name, flaky_state_text[i]) == 0)
			return i;
	return -1;
}

int view_flaky_of(const struct view *v, const char *state, struct str *out, struct err *e)
{
	int wanted = state ? view_flaky_state(state) : -1;
	struct flaky f;
	struct json j;
	int rc = flaky_read(v->s, v->now_real_ns, NULL, 0, &f, e);

	if (rc == 0) {
		begin(&j, out, "tests");
		for (size_t i = 0; i < f.n; i++)
			if (wanted < 0 || (int)flaky_state_of(&f.rows[i].t) == wanted)
				flaky_json(&j, &f, &f.rows[i]);
		json_array_end(&j);
		end(&j, out);
	}
	flaky_release(&f);
	return rc;
}

int view_test_state(const struct view *v, int64_t test_no, struct json *j, struct err *e)
{
	struct flaky f;
	int rc = flaky_read(v->s, v->now_real_ns, &test_no, 1, &f, e);

	if (rc == 0 && f.n == 1)
		flaky_members(j, &f, &f.rows[0]);
	else
		json_null(j, "state");
	flaky_release(&f);
	return rc;
}

static void flaky_cells(struct table *t, const struct flaky *f, const struct flaky_row *r)
{
	enum flaky_state state = flaky_state_of(&r->t);
	const char *rev = NULL;

	if (state == FLAKY_BROKEN && r->t.since_rev >= 0)
		rev = f->revs[r->t.since_rev];
	for (uint32_t i = 0; state == FLAKY_FLAKY && !rev && i < r->t.n_revs; i++)
		if (r->t.revs[i].pass_run >= 0 && r->t.revs[i].fail_run >= 0)
			rev = f->revs[r->t.revs[i].rev];
	table_text(t, flaky_state_text[state]);
	table_text(t, r->suite);
	table_text(t, r->case_id);
	table_int(t, r->t.attempts);
	table_int(t, r->t.failures);
	table_int(t, r->t.flips);
	strv_take(&t->cells, xasprintf("%.10s", rev ? rev : "-"));
}

int view_flaky(const struct view *v, struct str *out, struct err *e)
{
	struct flaky f;
	struct table t;
	int rc;

	if (v->json)
		return view_flaky_of(v, NULL, out, e);
	rc = flaky_read(v->s, v->now_real_ns, NULL, 0, &f, e);
	if (rc == 0) {
		table_init(&t, "state|suite|test|>attempts|>failures|>flips|rev");
		for (int state = 0; state <= FLAKY_SUSPECT; state++) /* the others are nothing to act on */
			for (size_t i = 0; i < f.n; i++)
				if ((int)flaky_state_of(&f.rows[i].t) == state)
					flaky_cells(&t, &f, &f.rows[i]);
		table_write(&t, out);
	}
	flaky_release(&f);
	return rc;
}

/* ---- limits ---- */

static void limit_members(struct json *j, const struct test_limit *l)
{
	json_uint(j, "n", l->n);
	view_real(j, "p50_ms", l->p50_ms);
	view_real(j, "p99_ms", l->p99_ms);
	if (l->limit_ms < 0)
		json_null(j, "limit_ms");
	else
		view_real(j, "limit_ms", l->limit_ms);
}

static void limit_cells(struct table *t, const char *suite, const char *name, const struct test_limit *l)
{
	table_text(t, suite);
	table_text(t, name);
	table_int(t, (int64_t)l->n);
	table_fixed(t, l->p50_ms, 1, "");
	table_fixed(t, l->p99_ms, 1, "");
	table_fixed(t, l->limit_ms < 0 ? NAN : l->limit_ms, 0, "");
}

static void limits_json(struct str *out, const struct limits *l, const char *workload, const char *device)
{
	struct json j;

	begin(&j, out, "limits");
	for (size_t i = 0; i < l->n; i++) {
		json_object(&j, NULL);
		json_str(&j, "suite", l->tests[i].suite);
		json_str(&j, "case_id", l->tests[i].case_id);
		limit_members(&j, &l->tests[i]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object(&j, "run");
	json_str(&j, "workload_id", workload);
	json_str(&j, "device_id", device);
	limit_members(&j, &l->run);
	json_object_end(&j);
	end(&j, out);
}

int view_limits(const struct view *v, struct str *out, struct err *e)
{
	auto_free char *workload = NULL, *device = NULL;
	struct limits l = { 0 };
	struct table t;
	int rc = limits_lane(v->s, v->settings->workload, v->settings->device, &workload, &device, e);

	if (rc < 0 || (rc == 0 && limits_read(v->s, workload, device, false, &l, e) < 0))
		return -1;
	l.run.p50_ms = l.run.n ? l.run.p50_ms : NAN;
	l.run.p99_ms = l.run.n ? l.run.p99_ms : NAN;
	l.run.limit_ms = l.run.n ? l.run.limit_ms : -1;
	if (v->json) {
		limits_json(out, &l, workload, device);
	} else {
		table_init(&t, "suite|test|>passes|>p50 ms|>p99 ms|>limit ms");
		for (size_t i = 0; i < l.n; i++)
			limit_cells(&t, l.tests[i].suite, l.tests[i].case_id, &l.tests[i]);
		limit_cells(&t, workload, "(the whole run)", &l.run);
		table_write(&t, out);
	}
	limits_release(&l);
	return 0;
}
