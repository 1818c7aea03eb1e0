/* SPDX-License-Identifier: Apache-2.0 */
/* finding.c - a set of findings: same ids grow together, where the chain of waiting leads to first. */
#include "findings/finding.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void finding_free(struct finding *x)
{
	if (!x)
		return;
	for (size_t i = 0; i < x->n_evidence; i++)
		free(x->evidence[i].name);
	free(x->evidence);
	strv_release(&x->basis);
	strv_release(&x->suggestions);
	strv_release(&x->verify);
	free(x->location);
	free(x->summary);
	free(x);
}

static bool has_evidence(const struct finding *x, const char *name)
{
	for (size_t i = 0; i < x->n_evidence; i++)
		if (strcmp(x->evidence[i].name, name) == 0)
			return true;
	return false;
}

void finding_add_evidence(struct finding *x, const char *name, enum fact_col col,
			  const struct fact_value *v, const struct fact_row *from)
{
	struct evidence *ev;
	char *unique;

	if (!v->known)
		return;
	unique = xstrdup(name);
	for (unsigned i = 2; has_evidence(x, unique); i++) {
		free(unique);
		unique = xasprintf("%s[%u]", name, i);
	}
	x->evidence = xreallocarray(x->evidence, x->n_evidence + 1, sizeof(*x->evidence));
	ev = &x->evidence[x->n_evidence++];
	ev->name = unique;
	ev->col = col;
	ev->value = *v;
	ev->file = from->file;
	ev->at = from->at;
}

void findings_init(struct findings *f)
{
	memset(f, 0, sizeof(*f));
}

void findings_release(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		finding_free(f->v[i]);
	free(f->v);
	memset(f, 0, sizeof(*f));
}

static int text_cmp(const char *a, const char *b)
{
	if (!a || !b)
		return a ? -1 : b ? 1 : 0;
	return strcmp(a, b);
}

/* Line 17 goes before line 129. */
static int place_cmp(const char *a, const char *b)
{
	int d = a && b ? strverscmp(a, b) : 0;

	return d ? d : text_cmp(a, b);
}

/* Who stands first: a place that is known stands before none. */
static int finding_cmp(const struct finding *a, const struct finding *b)
{
	int d;

	if (a->after != b->after)
		return a->after ? 1 : -1;
	if (a->order != b->order)
		return a->order < b->order ? -1 : 1;
	if (a->pattern->about_chain != b->pattern->about_chain)
		return a->pattern->about_chain ? 1 : -1;
	if (a->proved != b->proved)
		return a->proved ? -1 : 1;
	if (a->pattern->specificity != b->pattern->specificity)
		return a->pattern->specificity > b->pattern->specificity ? -1 : 1;
	if (a->confidence != b->confidence)
		return a->confidence > b->confidence ? -1 : 1;
	d = strcmp(a->pattern->id, b->pattern->id);
	if (!d)
		d = place_cmp(a->location, b->location);
	if (!d)
		d = strcmp(a->summary, b->summary);
	return d ? d : strcmp(a->id, b->id);
}

static int by_rank(const void *pa, const void *pb)
{
	return finding_cmp(*(struct finding *const *)pa, *(struct finding *const *)pb);
}

void findings_take(struct findings *f, struct finding *x)
{
	for (size_t i = 0; i < f->n; i++) {
		struct finding *have = f->v[i];

		if (strcmp(have->id, x->id) != 0)
			continue;
		have->occurrences += x->occurrences;
		x->occurrences = have->occurrences;
		if (finding_cmp(x, have) < 0) {
			f->v[i] = x;
			x = have;
		}
		finding_free(x);
		return;
	}
	if (f->n == FINDINGS_MAX) {
		f->dropped++;
		finding_free(x);
		return;
	}
	f->v = xreallocarray(f->v, f->n + 1, sizeof(struct finding *));
	f->v[f->n++] = x;
}

void findings_rank(struct findings *f)
{
	if (f->n)
		qsort(f->v, f->n, sizeof(struct finding *), by_rank);
}
