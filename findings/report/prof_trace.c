/* SPDX-License-Identifier: Apache-2.0 */
#include "findings/report/prof_trace.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "trace/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PROFILE_BYTES_MAX ((size_t)1 << 31)
enum { SPANS_MAX = 200000 };

struct joining {
	struct prof_run *r;
	uint64_t *id, *parent;
	size_t n;
};

static int on_head(void *arg, const char *key, const struct json_value *value, struct err *e)
{
	struct joining *j = arg;

	(void)e;
	if (value->kind != JSON_STRING)
		return 0;
	if (strcmp(key, "run_id") == 0 && !j->r->run_id)
		j->r->run_id = xstrdup(value->text);
	else if (strcmp(key, "started_at") == 0 && !value_time(value->text, &j->r->start_real_ns))
		j->r->start_real_ns = 0;
	return 0;
}

static int on_span(void *arg, const struct trace_read_span *s, struct err *e)
{
	struct joining *j = arg;
	struct profile *p = &j->r->p;
	const char *suite = attr_text(s->attrs, "suite"), *id = attr_text(s->attrs, "case_id");
	struct prof_span *x;
	char hex[20];

	(void)e;
	if (j->n >= SPANS_MAX)
		return 0;
	if (!*id)
		id = attr_text(s->attrs, "id");
	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)s->id);
	x = profile_span(p, hex);
	x->start_ns = s->start_ns;
	x->end_ns = s->end_ns;
	x->name = s->name >= 0 ? span_name_text[s->name] : "span";
	x->is_case = s->name == SPAN_CASE_RUN;
	strv_add(&j->r->suites, x->is_case ? suite : "");
	strv_add(&j->r->cases, x->is_case ? id : "");
	if (x->is_case && *id) {
		auto_free char *label = *suite ? xasprintf("%s::%s", suite, id) : xstrdup(id);

		x->label = texts_keep(&p->texts, label);
	}
	if (!(j->n & (j->n - 1))) {
		j->id = xreallocarray(j->id, j->n ? j->n * 2 : 1, sizeof(*j->id));
		j->parent = xreallocarray(j->parent, j->n ? j->n * 2 : 1, sizeof(*j->parent));
	}
	j->id[j->n] = s->id;
	j->parent[j->n++] = s->parent;
	return 0;
}

struct by_id {
	uint64_t id;
	int32_t at;
};

static int by_number(const void *a, const void *b)
{
	const struct by_id *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int32_t find_id(const struct by_id *v, size_t n, uint64_t id)
{
	struct by_id key = { .id = id };
	const struct by_id *found = n ? bsearch(&key, v, n, sizeof(key), by_number) : NULL;

	return found ? found->at : -1;
}

/* The profile's own numbers become those of the trace's spans, which hold all of them. */
static void join(struct joining *j, const struct profile *read)
{
	struct profile *p = &j->r->p;
	auto_free struct by_id *index = xcalloc(j->n + 1, sizeof(*index));
	auto_free int32_t *to = xcalloc(read->span_count + 1, sizeof(*to));

	for (size_t i = 0; i < j->n; i++)
		index[i] = (struct by_id){ j->id[i], (int32_t)i };
	if (j->n)
		qsort(index, j->n, sizeof(*index), by_number);
	for (size_t i = 0; i < j->n; i++)
		p->spans[i].parent = find_id(index, j->n, j->parent[i]);
	for (size_t i = 0; i < read->span_count; i++)
		to[i] = find_id(index, j->n, strtoull(read->spans[i].id, NULL, 16));
	for (size_t i = 0; i < p->sample_count; i++)
		p->samples[i].span = p->samples[i].span >= 0 ? to[p->samples[i].span] : -1;
}

static char *raw_of(const char *const raw_dirs[], const char *run_id)
{
	for (size_t i = 0; raw_dirs[i]; i++) {
		auto_free char *dir = path_join(raw_dirs[i], run_id);
		struct stat st;

		if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
			return ptr_steal(&dir);
	}
	return NULL;
}

static int read_profile(struct profile *p, const char *raw, struct err *e)
{
	auto_free char *path = path_join(raw, "profile.json"), *text = NULL;
	size_t n;

	if (file_read(path, PROFILE_BYTES_MAX, &text, &n, e) < 0)
		return -1;
	return profile_read(p, text, n, path, e);
}

static int run_begin(struct joining *j, const char *trace, const char *const raw_dirs[], struct err *e)
{
	static const struct trace_read_ops ops = { .span = on_span, .head = on_head };
	struct prof_run *r = j->r;

	*r = (struct prof_run){ 0 };
	profile_init(&r->p);
	if (trace_read(trace, &ops, j, e) < 0)
		return -1;
	r->raw = r->run_id && !strchr(r->run_id, '/') ? raw_of(raw_dirs, r->run_id) : NULL;
	return r->raw ? 0 : err_set(e, ERR_FAILURE, "%s has no raw files: nothing was collected", trace);
}

int prof_run_raw(struct prof_run *r, const char *trace, const char *const raw_dirs[], struct err *e)
{
	struct joining j = { .r = r };
	int rc = run_begin(&j, trace, raw_dirs, e);

	free(j.id);
	free(j.parent);
	if (rc < 0)
		prof_run_release(r);
	return rc;
}

/* The spans of the trace move into the profile that was read. */
static void spans_move(struct joining *j, struct profile *read)
{
	struct prof_run *r = j->r;
	struct prof_span *spans = r->p.spans;
	size_t n = r->p.span_count;
	struct profile own = { .spans = read->spans, .span_count = read->span_count };

	for (size_t i = 0; i < n; i++) {
		spans[i].id = texts_keep(&read->texts, spans[i].id);
		spans[i].label = texts_keep(&read->texts, spans[i].label);
	}
	r->p.spans = NULL;
	r->p.span_count = 0;
	profile_release(&r->p);
	r->p = *read;
	r->p.spans = spans;
	r->p.span_count = n;
	join(j, &own);
	free(own.spans);
}

int prof_run_open(struct prof_run *r, const char *trace, const char *const raw_dirs[], struct err *e)
{
	struct joining j = { .r = r };
	struct profile read;
	int rc = run_begin(&j, trace, raw_dirs, e);

	if (rc == 0) {
		rc = read_profile(&read, r->raw, e);
		if (rc < 0)
			err_add(e, "%s has no profile (run it with --collect cpu,wall)", trace);
		else
			spans_move(&j, &read);
	}
	free(j.id);
	free(j.parent);
	if (rc < 0)
		prof_run_release(r);
	return rc;
}

void prof_run_release(struct prof_run *r)
{
	profile_release(&r->p);
	free(r->run_id);
	free(r->raw);
	strv_release(&r->suites);
	strv_release(&r->cases);
	*r = (struct prof_run){ 0 };
}

static const char *last_part(const char *id)
{
	const char *part = id, *at;

	while ((at = strstr(part, "::")))
		part = at + 2;
	at = strrchr(part, '/');
	return at ? at + 1 : part;
}

static size_t mark(const struct prof_run *r, const char *id, int how, bool *wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < r->p.span_count && i < r->cases.n; i++) {
		const char *name = r->cases.v[i], *label = r->p.spans[i].label;

		if (!*name)
			continue;
		if (how == 0 ? strcmp(name, id) == 0 || (label && strcmp(label, id) == 0)
			     : strcmp(last_part(name), id) == 0) {
			wanted[i] = true;
			n++;
		}
	}
	return n;
}

bool *prof_run_case(const struct prof_run *r, const char *id, struct err *e)
{
	bool *wanted = xcalloc(r->p.span_count + 1, sizeof(*wanted));
	size_t n = mark(r, id, 0, wanted);

	if (!n)
		n = mark(r, id, 1, wanted) == 1 ? 1 : mark(r, id, 1, wanted) ? 2 : 0;
	if (n == 0 || (n == 2 && !mark(r, id, 0, wanted))) {
		err_set(e, ERR_USAGE, n ? "--case: several tests end in '%s': name its suite, too" :
				"--case: no test '%s' is in this trace", id);
		free(wanted);
		return NULL;
	}
	/* What lies in a test's span belongs to it; parents come first. */
	for (size_t i = 0; i < r->p.span_count; i++)
		if (r->p.spans[i].parent >= 0 && wanted[r->p.spans[i].parent])
			wanted[i] = true;
	return wanted;
}
