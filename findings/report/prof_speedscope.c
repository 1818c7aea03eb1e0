/* SPDX-License-Identifier: Apache-2.0 */
/* prof_speedscope.c - speedscope's own format (file-format-schema.json), one sampled profile a thread; and read back. */
#include "findings/report/prof.h"

#include "base/json_write.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA_URL "https://www.speedscope.app/file-format-schema.json"

struct heavy {
	uint32_t thread;
	int64_t weight;
};

static int heaviest_first(const void *a, const void *b)
{
	const struct heavy *x = a, *y = b;

	return x->weight != y->weight ? (x->weight > y->weight ? -1 : 1) : x->thread < y->thread ? -1 :
			x->thread > y->thread;
}

static void write_frames(struct json *j, const struct profile *p)
{
	auto_str text = STR_INIT;

	json_object(j, "shared");
	json_array(j, "frames");
	for (uint32_t i = 0; i < p->frame_index.n; i++) {
		json_line(j);
		json_object(j, NULL);
		str_reset(&text);
		prof_frame_text(&p->frames[i], &text);
		json_str(j, "name", str_cstr(&text));
		if (p->frames[i].file)
			json_str(j, "file", p->frames[i].file);
		if (p->frames[i].line > 0)
			json_int(j, "line", p->frames[i].line);
		json_object_end(j);
	}
	for (uint32_t i = 0; i < p->wait_index.n; i++) { /* what was waited for is the innermost frame */
		str_reset(&text);
		str_addf(&text, "[wait:%s]", p->waits[i].kind);
		json_line(j);
		json_object(j, NULL);
		json_str(j, "name", str_cstr(&text));
		json_object_end(j);
	}
	json_array_end(j);
	json_object_end(j);
}

static void write_thread(struct json *j, const struct prof_view *v, const struct heavy *h)
{
	const struct profile *p = v->p;
	const struct prof_thread *t = &p->threads[h->thread];
	auto_str name = STR_INIT;

	str_addf(&name, "%s (pid %d, tid %d)", t->comm, t->pid, t->tid);
	json_line(j);
	json_object(j, NULL);
	json_str(j, "type", "sampled");
	json_str(j, "name", str_cstr(&name));
	json_str(j, "unit", v->weight == PROF_SAMPLES ? "none" : "nanoseconds");
	json_int(j, "startValue", 0);
	json_int(j, "endValue", h->weight);
	json_array(j, "samples");
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct prof_sample *s = &p->samples[i];

		if (s->thread != h->thread || prof_weight_of(v, s) <= 0)
			continue;
		json_array(j, NULL);
		for (uint32_t k = p->stack_len[s->stack]; k-- > 0;)
			json_uint(j, NULL, p->pool[p->stack_first[s->stack] + k]);
		if (s->wait >= 0)
			json_uint(j, NULL, p->frame_index.n + (uint32_t)s->wait);
		json_array_end(j);
	}
	json_array_end(j);
	json_array(j, "weights");
	for (size_t i = 0; i < p->sample_count; i++) {
		int64_t w = p->samples[i].thread == h->thread ? prof_weight_of(v, &p->samples[i]) : 0;

		if (w > 0)
			json_int(j, NULL, w);
	}
	json_array_end(j);
	json_object_end(j);
}

void prof_speedscope(const struct prof_view *v, struct str *out)
{
	const struct profile *p = v->p;
	auto_free struct heavy *h = xcalloc(p->thread_count + 1, sizeof(*h));
	struct json j;

	for (size_t i = 0; i < p->thread_count; i++)
		h[i].thread = (uint32_t)i;
	for (size_t i = 0; i < p->sample_count; i++)
		h[p->samples[i].thread].weight += prof_weight_of(v, &p->samples[i]);
	qsort(h, p->thread_count, sizeof(*h), heaviest_first);
	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "$schema", SCHEMA_URL);
	write_frames(&j, p);
	json_array(&j, "profiles");
	for (size_t i = 0; i < p->thread_count; i++)
		if (h[i].weight > 0)
			write_thread(&j, v, &h[i]);
	json_array_end(&j);
	json_str(&j, "name", v->name ? v->name : "profile");
	json_int(&j, "activeProfileIndex", 0);
	json_str(&j, "exporter", "spec-runner " SPEC_RUNNER_VERSION);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

/* ---- reading ---- */

static int64_t whole(const struct json_value *v)
{
	if (!v || v->kind != JSON_NUMBER)
		return 0;
	return v->is_integer ? v->integer : v->number > -9e18 && v->number < 9e18 ? (int64_t)v->number : 0;
}

static double unit_ns(const char *unit)
{
	static const struct { const char *name; double ns; } units[] = {
		{ "nanoseconds", 1 }, { "microseconds", 1e3 }, { "milliseconds", 1e6 }, { "seconds", 1e9 } };

	for (size_t i = 0; unit && i < sizeof(units) / sizeof(*units); i++)
		if (strcmp(units[i].name, unit) == 0)
			return units[i].ns;
	return 1;
}

static double number_of(const struct json_value *v)
{
	return v && v->kind == JSON_NUMBER ? v->is_integer ? (double)v->integer : v->number : 0;
}

struct reading {
	struct profile *p;
	uint32_t *frames;
	size_t n;
};

static void sample_add(struct reading *r, uint32_t thread, const uint32_t *stack, size_t n, int64_t at, double ns)
{
	auto_free uint32_t *inner = xcalloc(n + 1, sizeof(*inner));
	struct prof_sample *s;

	if (ns < 0 || ns > 9e17)
		return;
	for (size_t i = 0; i < n; i++)
		inner[i] = stack[n - 1 - i];
	s = profile_sample(r->p);
	s->ts_ns = at;
	s->thread = thread;
	s->stack = profile_stack(r->p, inner, n);
	s->cpu_ns = s->wall_ns = (int64_t)(ns + 0.5);
}

enum { DEPTH_MAX = 4096 };

static void read_sampled(struct reading *r, const struct json_value *profile, uint32_t thread, double unit)
{
	const struct json_value *samples = json_get(profile, "samples"), *weights = json_get(profile, "weights");
	const struct json_value *w = weights && weights->kind == JSON_ARRAY ? weights->first : NULL;
	auto_free uint32_t *stack = xcalloc(DEPTH_MAX, sizeof(*stack));
	double at = 0;

	if (!samples || samples->kind != JSON_ARRAY)
		return;
	json_each(one, samples)
	{
		double ns = w ? number_of(w) * unit : 1;
		size_t n = 0;

		if (one->kind == JSON_ARRAY)
			json_each(f, one)
				if (whole(f) >= 0 && (uint64_t)whole(f) < r->n && n < DEPTH_MAX)
					stack[n++] = r->frames[whole(f)];
		sample_add(r, thread, stack, n, (int64_t)at, ns);
		at += ns > 0 && ns < 9e17 ? ns : 0;
		at = at > 9e17 ? 9e17 : at;
		w = w ? w->next : NULL;
	}
}

/* Evented: what lies between two events belongs to the stack that is open. */
static void read_evented(struct reading *r, const struct json_value *profile, uint32_t thread, double unit)
{
	const struct json_value *events = json_get(profile, "events");
	auto_free uint32_t *stack = xcalloc(DEPTH_MAX, sizeof(*stack));
	double last = number_of(json_get(profile, "startValue"));
	size_t n = 0;

	if (!events || events->kind != JSON_ARRAY)
		return;
	json_each(e, events)
	{
		const char *type = json_get_text(e, "type");
		double at = number_of(json_get(e, "at"));
		int64_t frame = whole(json_get(e, "frame"));

		if (at > last && n)
			sample_add(r, thread, stack, n, (int64_t)(last * unit < 9e17 ? last * unit : 0), (at - last) * unit);
		last = at > last ? at : last;
		if (type && *type == 'O' && frame >= 0 && (uint64_t)frame < r->n && n < DEPTH_MAX)
			stack[n++] = r->frames[frame];
		else if (type && *type == 'C' && n)
			n--;
	}
}

static void read_shared(struct reading *r, const struct json_value *frames)
{
	r->frames = xcalloc(frames->count + 1, sizeof(*r->frames));
	json_each(v, frames)
	{
		struct prof_frame f = { .language = "native", .function = json_get_text(v, "name"),
					.file = json_get_text(v, "file") };
		int64_t line = whole(json_get(v, "line"));

		f.line = line > 0 && line < INT32_MAX ? (int32_t)line : 0;
		r->frames[r->n++] = profile_frame(r->p, &f);
	}
}

int prof_read_speedscope(struct profile *p, const char *s, size_t n, struct err *e)
{
	struct json_reader *json = json_reader_text(s, n, "speedscope");
	const struct json_value *root, *frames, *profiles;
	struct reading r = { .p = p };
	int rc = json_take(json, &root, e);

	frames = rc == 0 ? json_get(json_get(root, "shared"), "frames") : NULL;
	profiles = rc == 0 ? json_get(root, "profiles") : NULL;
	if (rc == 0 && (!frames || frames->kind != JSON_ARRAY || !profiles || profiles->kind != JSON_ARRAY))
		rc = err_set(e, ERR_FAILURE, "a speedscope file has shared.frames and profiles");
	if (rc == 0) {
		int32_t number = 0;

		read_shared(&r, frames);
		json_each(one, profiles)
		{
			const char *type = json_get_text(one, "type"), *name = json_get_text(one, "name");
			double unit = unit_ns(json_get_text(one, "unit"));

			number++;
			profile_thread(p, number, number, name ? name : "");
			if (type && strcmp(type, "evented") == 0)
				read_evented(&r, one, (uint32_t)p->thread_count - 1, unit);
			else
				read_sampled(&r, one, (uint32_t)p->thread_count - 1, unit);
		}
	}
	free(r.frames);
	json_reader_free(json);
	return rc;
}
