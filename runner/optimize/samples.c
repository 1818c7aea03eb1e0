/* SPDX-License-Identifier: Apache-2.0 */
/* samples.c - taking them. */
#include "runner/optimize/samples.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/cases/regex.h"
#include "runner/optimize/adapter.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)256 << 20)
#define FAILED_SHARE 5 /* one in so many */

void sample_set_release(struct sample_set *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->m[i].name);
		free(s->m[i].v);
	}
	free(s->m);
	free(s->why);
	free(s->hang);
	memset(s, 0, sizeof(*s));
}

static struct sample_metric *metric(struct sample_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->m[i].name, name) == 0)
			return &s->m[i];
	s->m = xreallocarray(s->m, s->n + 1, sizeof(*s->m));
	s->m[s->n] = (struct sample_metric){ .name = xstrdup(name) };
	return &s->m[s->n++];
}

static void add_value(struct sample_set *s, const char *name, double v)
{
	struct sample_metric *m = metric(s, name);

	m->v = xreallocarray(m->v, m->n + 1, sizeof(*m->v));
	m->v[m->n++] = v;
}

const struct sample_metric *sample_metric_of(const struct sample_set *s, const char *name)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->m[i].name, name) == 0)
			return &s->m[i];
	return NULL;
}

bool sample_set_fails(const struct sample_set *s)
{
	return s->failed * FAILED_SHARE > s->runs || s->failed == s->runs;
}

/* ---- one value ---- */

static double by_pattern(const char *pattern, const struct str *out, struct err *e)
{
	struct regex_space *space = regex_space_new();
	struct regex_match m;
	struct regex *re = NULL;
	double v = NAN;
	char *end;

	if (regex_new(&re, pattern, e) == 0 && regex_find(re, space, str_cstr(out), out->len, 0, &m, e) == 1 &&
		m.has_group) {
		auto_free char *text = xstrndup(out->data + m.group_start, m.group_end - m.group_start);

		v = strtod(text, &end);
		if (end == text || *end)
			v = NAN;
	}
	regex_free(re);
	regex_space_free(space);
	return v;
}

/* "/a/0/b", ~0 and ~1 as RFC 6901 has them. */
static const struct json_value *at_pointer(const struct json_value *v, const char *p)
{
	while (v && *p == '/') {
		auto_str part = STR_INIT;
		const struct json_value *next = NULL;
		char *end;

		for (p++; *p && *p != '/'; p++) {
			if (*p == '~' && (p[1] == '0' || p[1] == '1'))
				str_addc(&part, *++p == '0' ? '~' : '/');
			else
				str_addc(&part, *p);
		}
		if (v->kind == JSON_OBJECT) {
			next = json_get(v, str_cstr(&part));
		} else if (v->kind == JSON_ARRAY) {
			unsigned long at = strtoul(str_cstr(&part), &end, 10);

			next = *end || !part.len ? NULL : v->first;
			while (next && at--)
				next = next->next;
		}
		v = next;
	}
	return v;
}

static double by_pointer(const char *pointer, const struct str *out)
{
	struct json_reader *in = json_reader_text(str_cstr(out), out->len, "output of the workload");
	const struct json_value *v, *at;
	struct err ignored = { 0 };
	double found = NAN;

	if (json_take(in, &v, &ignored) == 0) {
		at = at_pointer(v, pointer);
		found = at && at->kind == JSON_NUMBER ? at->number : NAN;
	}
	json_reader_free(in);
	return found;
}

static double value_of(const struct adapter_metric *m, const struct adapter_run *r, struct err *e)
{
	if (m->pattern)
		return by_pattern(m->pattern, &r->log, e);
	if (m->pointer)
		return by_pointer(m->pointer, &r->log);
	return strcmp(m->name, "wall_ms") == 0 ? r->wall_ms : strcmp(m->name, "cpu_ms") == 0 ? r->cpu_ms : r->rss;
}

static void failed(struct sample_set *s, char *why)
{
	s->failed++;
	if (s->why)
		free(why);
	else
		s->why = why;
}

/* One run: all metrics of it, or a failed sample. */
int sample_once(struct loop *l, int64_t side, const char *tag, struct sample_set *into, struct err *e)
{
	enum adapter_role role = l->setup.adapter[ROLE_WORKLOAD].kind == ADAPTER_ABSENT ? ROLE_TEST : ROLE_WORKLOAD;
	const struct adapter *a = &l->setup.adapter[role];
	auto_free double *v = xcalloc(a->n_metrics + 1, sizeof(*v));
	struct adapter_run r;
	size_t bad = a->n_metrics;
	int rc = adapter_run(l, role, side, tag, true, &r, e);

	if (rc < 0 || !into) {
		adapter_run_release(&r);
		return rc;
	}
	into->runs++;
	for (size_t i = a->n_metrics; r.ok && i-- > 0;) {
		v[i] = value_of(&a->metrics[i], &r, e);
		if (!isfinite(v[i]))
			bad = i;
	}
	if (r.hung && !into->hung++)
		into->hang = adapter_hang(&r);
	if (!r.ok)
		failed(into, r.hung ? xstrdup("a watchdog ended it") : xasprintf("it ended with exit code %d", r.code));
	else if (bad < a->n_metrics)
		failed(into, xasprintf("metric '%s' was not in its output", a->metrics[bad].name));
	for (size_t i = 0; r.ok && bad == a->n_metrics && i < a->n_metrics; i++)
		add_value(into, a->metrics[i].name, v[i]);
	adapter_run_release(&r);
	return 0;
}

/* ---- canned values ---- */

static int take_canned(struct loop *l, int64_t side, struct sample_set *into, struct err *e)
{
	struct adapter_run r;
	struct json_reader *in;
	const struct json_value *v, *metrics;
	int rc = adapter_run(l, ROLE_WORKLOAD, side, "dummy", false, &r, e);

	into->runs = 1;
	if (rc < 0 || !r.log.len) {
		adapter_run_release(&r);
		return rc;
	}
	in = json_reader_text(str_cstr(&r.log), r.log.len, "workload.json");
	rc = json_take(in, &v, e);
	metrics = rc == 0 ? json_get(v, "metrics") : NULL;
	if (rc == 0 && (!metrics || metrics->kind != JSON_OBJECT))
		rc = err_set(e, ERR_USAGE, "workload.json of %" PRId64 ": 'metrics' is not an object of lists of numbers",
			side);
	if (rc == 0)
		json_each(m, metrics) {
			for (const struct json_value *x = m->kind == JSON_ARRAY ? m->first : NULL; x; x = x->next)
				if (x->kind == JSON_NUMBER)
					add_value(into, m->key, x->number);
		}
	if (rc == 0 && json_get(v, "success") && json_get(v, "success")->kind == JSON_FALSE)
		failed(into, xstrdup("its canned result says so"));
	json_reader_free(in);
	adapter_run_release(&r);
	if (rc < 0)
		e->kind = ERR_USAGE;
	return rc;
}

/* ---- in turn ---- */

int samples_take(struct loop *l, int64_t side_a, struct sample_set *a, int64_t side_b, struct sample_set *b, const char *tag,
		 struct err *e)
{
	const struct adapter *w = &l->setup.adapter[ROLE_WORKLOAD];
	auto_free char *tag_a = xasprintf("%s-a", tag), *tag_b = xasprintf("%s-b", tag);
	struct optimize_result budget = { 0 };
	int rc = 0;

	if (w->kind == ADAPTER_DUMMY) {
		rc = take_canned(l, side_a, a, e);
		return rc < 0 || !b ? rc : take_canned(l, side_b, b, e);
	}
	for (int64_t i = -w->warmup; rc == 0 && i < w->samples; i++) {
		bool swap = i & 1;

		if (b && b->failed * FAILED_SHARE > w->samples)
			break; /* it fails, whatever the rest would say */
		for (int k = 0; rc == 0 && k < 2; k++) {
			bool second = (k == 1) != swap;

			if (second && !b)
				continue;
			if (!loop_may_go_on(l, &budget))
				return 1;
			rc = sample_once(l, second ? side_b : side_a, second ? tag_b : tag_a,
				      i < 0 ? NULL : second ? b : a, e);
		}
	}
	return rc;
}

/* ---- files ---- */

static void put_set(struct json *j, const char *key, const struct sample_set *s)
{
	json_object(j, key);
	json_int(j, "runs", s->runs);
	json_int(j, "failed", s->failed);
	json_int(j, "hung", s->hung);
	json_str(j, "why", s->why);
	json_str(j, "hang", s->hang);
	json_object(j, "metrics");
	for (size_t i = 0; i < s->n; i++) {
		json_array(j, s->m[i].name);
		for (size_t k = 0; k < s->m[i].n; k++) {
			char text[40];

			snprintf(text, sizeof(text), "%.17g", s->m[i].v[k]);
			json_raw(j, NULL, text, strlen(text));
		}
		json_array_end(j);
	}
	json_object_end(j);
	json_object_end(j);
}

int samples_write(struct loop *l, const char *name, const struct sample_set *a, const struct sample_set *b, struct err *e)
{
	auto_free char *path = loop_path(l, "samples/%s.json", name);
	auto_str out = STR_INIT;
	struct json j;

	json_init(&j, &out);
	json_object(&j, NULL);
	put_set(&j, "a", a);
	if (b)
		put_set(&j, "b", b);
	json_object_end(&j);
	json_finish(&j);
	return file_write(path, str_cstr(&out), out.len, e);
}

static void take_set(const struct json_value *v, struct sample_set *s)
{
	const struct json_value *metrics = json_get(v, "metrics"), *n;
	const char *why = json_get_text(v, "why"), *hang = json_get_text(v, "hang");

	s->runs = (n = json_get(v, "runs")) && n->is_integer ? n->integer : 0;
	s->failed = (n = json_get(v, "failed")) && n->is_integer ? n->integer : 0;
	s->hung = (n = json_get(v, "hung")) && n->is_integer ? n->integer : 0;
	s->why = why ? xstrdup(why) : NULL;
	s->hang = hang ? xstrdup(hang) : NULL;
	if (metrics && metrics->kind == JSON_OBJECT)
		json_each(m, metrics)
			json_each(x, m)
				if (x->kind == JSON_NUMBER)
					add_value(s, m->key, x->number);
}

int samples_read(struct loop *l, const char *name, struct sample_set *a, struct sample_set *b, struct err *e)
{
	auto_free char *path = loop_path(l, "samples/%s.json", name), *text = NULL;
	struct json_reader *in;
	const struct json_value *v;
	size_t n;
	int rc;

	memset(a, 0, sizeof(*a));
	if (b)
		memset(b, 0, sizeof(*b));
	if (file_read(path, FILE_MAX, &text, &n, e) < 0)
		return -1;
	in = json_reader_text(text, n, path);
	rc = json_take(in, &v, e);
	if (rc == 0)
		take_set(json_get(v, "a"), a);
	if (rc == 0 && b)
		take_set(json_get(v, "b"), b);
	json_reader_free(in);
	return rc;
}
