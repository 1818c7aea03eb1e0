/* SPDX-License-Identifier: Apache-2.0 */
/* select.c - which part of the command is run: only the tests that hung or failed where the tool can be told so, else
 * all of it, and why. */
#include "runner/repro/session.h"

#include "base/mem.h"
#include "liveness/dialect.h"
#include "liveness/dialect_select.h"

#include <stdlib.h>
#include <string.h>

#define SELECTED_MAX 1000

void selection_release(struct selection *sel)
{
	strv_release(&sel->argv);
	strv_release(&sel->env);
	strv_release(&sel->tests);
	free(sel->how);
	memset(sel, 0, sizeof(*sel));
}

static void whole(const struct session *s, struct selection *sel, const char *why)
{
	selection_release(sel);
	strv_copy(&sel->argv, &s->target.argv);
	sel->how = xasprintf("the whole command: %s", why);
}

static void add_name(struct strv *to, const struct target_test *x)
{
	strv_take(to, xasprintf("%s%s%s", x->suite, *x->suite ? " " : "", x->name));
}

/* repro.select of the configuration: a command in which {test} stands for the name of each test. */
static bool own_select(const struct session *s, const struct target_test *const tests[], size_t n,
		       struct selection *out)
{
	const struct strv *words = &s->ro->select;

	for (size_t k = 0; k < words->n; k++) {
		const char *w = words->v[k], *at = strstr(w, "{test}");

		for (size_t i = 0; at && i < n; i++)
			strv_take(&out->argv,
				  xasprintf("%.*s%s%s", (int)(at - w), w, tests[i]->name, at + strlen("{test}")));
		if (!at)
			strv_add(&out->argv, w);
	}
	return out->argv.n > 0;
}

static bool by_dialect(const struct session *s, const struct target_test *const tests[], size_t n,
		       struct selection *out, const char **why)
{
	struct dialect_pick *picks = xcalloc(n, sizeof(*picks));
	const struct dialect_way *way = dialect_set_way(s->dialects, tests[n - 1]->dialect, WAY_SELECT);
	bool ok;

	*why = "its dialect has no way to select tests";
	for (size_t i = 0; i < n; i++)
		picks[i] = (struct dialect_pick){ tests[i]->suite, tests[i]->name, tests[i]->file };
	ok = way && dialect_way_apply(way, s->target.argv.v, picks, n, 0, &out->argv, &out->env, why);
	free(picks);
	return ok;
}

static bool make(const struct session *s, const struct target_test *const tests[], size_t n, struct selection *out,
		 const char **why)
{
	memset(out, 0, sizeof(*out));
	*why = "no test of it was recorded as running or failed";
	if (!n || n > SELECTED_MAX)
		return false;
	if (!own_select(s, tests, n, out) && !by_dialect(s, tests, n, out, why)) {
		selection_release(out);
		return false;
	}
	for (size_t i = 0; i < n; i++)
		add_name(&out->tests, tests[i]);
	out->how = xasprintf("%s: %zu of %zu tests", s->ro->select.n ? "repro.select" : tests[n - 1]->dialect, n,
			     s->target.n_tests);
	return true;
}

/* Tests that hung, else those that failed. Numbers and dots are not names. */
static size_t bad_tests(const struct target *t, const struct target_test **out)
{
	size_t n = 0;
	bool hung = false;

	for (size_t i = 0; i < t->n_tests; i++)
		hung |= t->tests[i].hung;
	for (size_t i = 0; i < t->n_tests && n < SELECTED_MAX; i++)
		if (hung ? t->tests[i].hung : t->tests[i].bad)
			out[n++] = &t->tests[i];
	return n;
}

/* The tool named no test that hung or failed: all that it would run, but for those recorded tests that are not wanted. */
static bool all_except(const struct session *s, const uint8_t *earlier, size_t n, struct selection *out)
{
	const struct target *t = &s->target;
	const struct dialect_way *way = n ? dialect_set_way(s->dialects, t->tests[0].dialect, WAY_EXCEPT) : NULL;
	struct dialect_pick *picks = xcalloc(n + 1, sizeof(*picks));
	const char *why;
	size_t k = 0;
	bool ok;

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		if (earlier[i])
			add_name(&out->tests, &t->tests[i]);
		else
			picks[k++] = (struct dialect_pick){ t->tests[i].suite, t->tests[i].name, t->tests[i].file };
	}
	ok = way && (!k || dialect_way_apply(way, t->argv.v, picks, k, 0, &out->argv, &out->env, &why));
	if (ok && !k)
		strv_copy(&out->argv, &t->argv);
	free(picks);
	if (ok)
		out->how = xasprintf("%s: %zu of %zu recorded tests left out", t->tests[0].dialect, k, n);
	else
		selection_release(out);
	return ok;
}

bool selection_of(const struct session *s, const uint8_t *earlier, size_t n, struct selection *out)
{
	const struct target_test **list;
	const char *why;
	size_t k = 0;
	bool ok;

	if (!target_has_bad(&s->target))
		return all_except(s, earlier, n, out);
	list = xcalloc(n + SELECTED_MAX, sizeof(*list));

	for (size_t i = 0; i < n; i++)
		if (earlier[i] && !s->target.tests[i].bad)
			list[k++] = &s->target.tests[i];
	k += bad_tests(&s->target, list + k);
	ok = make(s, list, k, out, &why);
	free(list);
	return ok;
}

bool selection_shuffled(const struct session *s, uint32_t seed, struct selection *out)
{
	const char *why, *dialect = s->target.n_tests ? s->target.tests[0].dialect : "";
	const struct dialect_way *way = dialect_set_way(s->dialects, dialect, WAY_SHUFFLE);

	memset(out, 0, sizeof(*out));
	/* one test has no order */
	if (!way || s->selection.tests.n == 1 ||
	    !dialect_way_apply(way, s->selection.argv.v, NULL, 0, seed, &out->argv, &out->env, &why)) {
		selection_release(out);
		return false;
	}
	for (size_t i = 0; i < s->selection.env.n; i++)
		strv_add(&out->env, s->selection.env.v[i]);
	return true;
}

void selection_make(struct session *s)
{
	const struct target_test **bad = xcalloc(SELECTED_MAX, sizeof(*bad));
	const char *why = "it was asked for";
	size_t n = bad_tests(&s->target, bad);

	if (!s->target.trace)
		whole(s, &s->selection, "no trace says which test");
	else if (s->ro->whole || s->ro->shrink)
		whole(s, &s->selection, s->ro->whole ? "--whole" : "--shrink begins with all of it");
	else if (!make(s, bad, n, &s->selection, &why))
		whole(s, &s->selection, why);
	free(bad);
}
