/* SPDX-License-Identifier: Apache-2.0 */
/* prof_chrome.c - Chrome's trace events (for Perfetto), and Firefox's processed profile. */
#include "findings/report/prof.h"

#include "base/hash.h"
#include "base/json_write.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPEN_MAX = 1100 };

static void put_us(struct json *j, const char *key, int64_t ns)
{
	json_fixed(j, key, (double)ns / 1000.0, 3);
}

static void meta(struct json *j, const char *what, int64_t pid, int64_t tid, const char *name)
{
	json_line(j);
	json_object(j, NULL);
	json_str(j, "ph", "M");
	json_str(j, "name", what);
	json_int(j, "pid", pid);
	json_int(j, "tid", tid);
	json_object(j, "args");
	json_str(j, "name", name);
	json_object_end(j);
	json_object_end(j);
}

struct open_frame {
	uint32_t frame; /* or frame_count + wait */
	int64_t from;
};
struct track {
	struct open_frame open[OPEN_MAX];
	size_t n;
	int64_t until;  /* end of the last sample */
};

static void frame_close(struct json *j, const struct profile *p, const struct prof_thread *t, const struct open_frame *o,
			int64_t until)
{
	auto_str name = STR_INIT;

	if (until <= o->from)
		return;
	json_line(j);
	json_object(j, NULL);
	json_str(j, "ph", "X");
	if (o->frame < p->frame_index.n)
		prof_frame_text(&p->frames[o->frame], &name);
	else
		str_addf(&name, "[wait:%s]", p->waits[o->frame - p->frame_index.n].kind);
	json_str(j, "name", str_cstr(&name));
	json_str(j, "cat", o->frame < p->frame_index.n ? p->frames[o->frame].language : "wait");
	json_int(j, "pid", t->pid);
	json_int(j, "tid", t->tid);
	put_us(j, "ts", o->from);
	put_us(j, "dur", until - o->from);
	json_object_end(j);
}

/* One sample lasts from its time (a wait), or up to it (the clock ticked at its end), never into the one before. */
static void sample_interval(const struct prof_sample *s, const struct track *t, int64_t *from, int64_t *to)
{
	*from = s->wait >= 0 ? s->ts_ns : s->ts_ns - s->wall_ns;
	*to = s->wait >= 0 ? s->ts_ns + s->wall_ns : s->ts_ns;
	if (*from < t->until)
		*from = t->until;
	if (*to < *from)
		*to = *from;
}

static void track_sample(struct json *j, const struct profile *p, const struct prof_sample *s, struct track *k, bool first)
{
	const struct prof_thread *t = &p->threads[s->thread];
	uint32_t len = p->stack_len[s->stack], extra = s->wait >= 0;
	int64_t from, to;
	size_t same = 0;

	sample_interval(s, k, &from, &to);
	if (to <= from)
		return;
	for (; same < len + extra && same < k->n && k->until == from && !first; same++) {
		uint32_t id = same < len ? p->pool[p->stack_first[s->stack] + (len - 1 - same)] :
				p->frame_index.n + (uint32_t)s->wait;

		if (k->open[same].frame != id)
			break;
	}
	while (k->n > same)
		k->n--, frame_close(j, p, t, &k->open[k->n], k->until);
	for (; k->n < len + extra && k->n < OPEN_MAX; k->n++)
		k->open[k->n] = (struct open_frame){
			k->n < len ? p->pool[p->stack_first[s->stack] + (len - 1 - k->n)] :
					p->frame_index.n + (uint32_t)s->wait,
			from };
	k->until = to;
}

static int by_begin(const void *a, const void *b)
{
	const struct prof_sample *x = *(const struct prof_sample *const *)a, *y = *(const struct prof_sample *const *)b;
	int64_t fx = x->wait >= 0 ? x->ts_ns : x->ts_ns - x->wall_ns, fy = y->wait >= 0 ? y->ts_ns : y->ts_ns - y->wall_ns;

	if (fx != fy)
		return fx < fy ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The samples of one thread in the order in which they begin. The count. */
static size_t thread_samples(const struct prof_view *v, uint32_t thread, const struct prof_sample **out, bool by_their_begin)
{
	struct prof_view any = *v;
	size_t n = 0;

	any.weight = PROF_SAMPLES;
	for (size_t i = 0; i < v->p->sample_count; i++)
		if (v->p->samples[i].thread == thread && prof_weight_of(&any, &v->p->samples[i]) > 0)
			out[n++] = &v->p->samples[i];
	if (n && by_their_begin) /* else by time, as they stand */
		qsort(out, n, sizeof(*out), by_begin);
	return n;
}

static void thread_events(struct json *j, const struct prof_view *v, uint32_t thread, const struct prof_sample **list)
{
	static struct track k;
	const struct profile *p = v->p;
	size_t n = thread_samples(v, thread, list, true);

	k.n = 0;
	k.until = INT64_MIN / 2;
	for (size_t i = 0; i < n; i++)
		track_sample(j, p, list[i], &k, i == 0);
	while (k.n)
		k.n--, frame_close(j, p, &p->threads[thread], &k.open[k.n], k.until);
}

enum { DEPTH_MAX = 64 };

static int span_depth(const struct profile *p, const struct prof_span *s)
{
	int depth = 0;

	for (int32_t up = s->parent; up >= 0 && depth < DEPTH_MAX; up = p->spans[up].parent)
		depth++;
	return depth;
}

/* One track a level of nesting, each with its name. */
static void span_tracks(struct json *j, const struct profile *p)
{
	int deepest = 0;

	for (size_t i = 0; i < p->span_count; i++) {
		int depth = span_depth(p, &p->spans[i]);

		deepest = depth > deepest ? depth : deepest;
	}
	for (int i = 0; i <= deepest && p->span_count; i++) {
		char name[32];

		snprintf(name, sizeof(name), "spans, level %d", i);
		meta(j, "thread_name", 0, i, name);
	}
}

static void span_events(struct json *j, const struct profile *p)
{
	for (size_t i = 0; i < p->span_count; i++) {
		const struct prof_span *s = &p->spans[i];

		if (s->end_ns <= s->start_ns)
			continue;
		json_line(j);
		json_object(j, NULL);
		json_str(j, "ph", "X");
		json_str(j, "name", s->label ? s->label : s->name ? s->name : s->id);
		json_str(j, "cat", "span");
		json_int(j, "pid", 0);
		json_int(j, "tid", span_depth(p, s));
		put_us(j, "ts", s->start_ns);
		put_us(j, "dur", s->end_ns - s->start_ns);
		json_object_end(j);
	}
}

void prof_chrome(const struct prof_view *v, struct str *out)
{
	const struct profile *p = v->p;
	const struct prof_sample **list = xcalloc(p->sample_count + 1, sizeof(*list));
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_array(&j, "traceEvents");
	meta(&j, "process_name", 0, 0, "spec-runner");
	span_tracks(&j, p);
	for (size_t i = 0; i < p->thread_count; i++) {
		const struct prof_thread *t = &p->threads[i];

		if (t->pid == t->tid)
			meta(&j, "process_name", t->pid, t->tid, t->comm);
		meta(&j, "thread_name", t->pid, t->tid, t->name && *t->name ? t->name : t->comm);
	}
	span_events(&j, p);
	for (size_t i = 0; i < p->thread_count; i++)
		thread_events(&j, v, (uint32_t)i, list);
	json_array_end(&j);
	json_str(&j, "displayTimeUnit", "ms");
	json_object(&j, "otherData");
	json_str(&j, "run_id", p->run_id ? p->run_id : "");
	json_str(&j, "exporter", "spec-runner " SPEC_RUNNER_VERSION);
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
	free(list);
}

/* ---- Firefox ---- */

static void ff_meta(struct json *j, const struct prof_view *v)
{
	static const char *const names[] = { "Other", "Wait", "Kernel" }, *const colours[] = { "grey", "blue", "orange" };

	json_object(j, "meta");
	json_int(j, "version", 27);
	json_int(j, "preprocessedProfileVersion", 49);
	json_fixed(j, "interval", v->p->rate_hz > 0 ? 1000.0 / (double)v->p->rate_hz : 10, 3);
	json_fixed(j, "startTime", (double)v->start_real_ns / 1e6, 3);
	json_int(j, "processType", 0);
	json_str(j, "product", "spec-runner");
	json_int(j, "stackwalk", 1);
	json_bool(j, "debug", false);
	json_bool(j, "symbolicated", true);
	json_array(j, "categories");
	for (int i = 0; i < 3; i++) {
		json_object(j, NULL);
		json_str(j, "name", names[i]);
		json_str(j, "color", colours[i]);
		json_array(j, "subcategories");
		json_str(j, NULL, "Other");
		json_array_end(j);
		json_object_end(j);
	}
	json_array_end(j);
	json_array(j, "markerSchema");
	json_array_end(j);
	json_object_end(j);
}

/* Prefix tree of one thread's stacks. */
struct ff_stack {
	int32_t prefix;
	uint32_t frame;
};
struct ff {
	struct ff_stack *v;
	struct intern index;
	uint32_t cap;
};

struct ff_key {
	const struct ff *f;
	struct ff_stack s;
};

static bool ff_same(const void *arg, uint32_t id)
{
	const struct ff_key *k = arg;

	return k->f->v[id].prefix == k->s.prefix && k->f->v[id].frame == k->s.frame;
}

static int32_t ff_add(struct ff *f, int32_t prefix, uint32_t frame)
{
	struct ff_key key = { f, { prefix, frame } };
	uint64_t hash = hash_bytes(9, &key.s, sizeof(key.s));
	uint32_t id = intern_find(&f->index, hash, ff_same, &key);

	if (id != INTERN_NONE)
		return (int32_t)id;
	id = intern_add(&f->index, hash);
	if (id >= f->cap) {
		f->cap = f->cap ? f->cap * 2 : 64;
		f->v = xreallocarray(f->v, f->cap, sizeof(*f->v));
	}
	f->v[id] = key.s;
	return (int32_t)id;
}

static int32_t ff_stack_of(struct ff *f, const struct profile *p, const struct prof_sample *s)
{
	int32_t at = -1;

	for (uint32_t i = p->stack_len[s->stack]; i-- > 0;)
		at = ff_add(f, at, p->pool[p->stack_first[s->stack] + i]);
	if (s->wait >= 0)
		at = ff_add(f, at, p->frame_index.n + (uint32_t)s->wait);
	return at;
}

static void ff_column_int(struct json *j, const char *name, size_t n, int64_t v)
{
	json_array(j, name);
	for (size_t i = 0; i < n; i++)
		json_int(j, NULL, v);
	json_array_end(j);
}

static void ff_column_null(struct json *j, const char *name, size_t n)
{
	json_array(j, name);
	for (size_t i = 0; i < n; i++)
		json_null(j, NULL);
	json_array_end(j);
}

static void ff_samples(struct json *j, const struct prof_view *v, const struct prof_sample **list, size_t n, struct ff *f)
{
	json_object(j, "samples");
	json_array(j, "stack");
	for (size_t i = 0; i < n; i++) {
		int32_t at = ff_stack_of(f, v->p, list[i]);

		if (at < 0)
			json_null(j, NULL);
		else
			json_int(j, NULL, at);
	}
	json_array_end(j);
	json_array(j, "time");
	for (size_t i = 0; i < n; i++)
		json_fixed(j, NULL, (double)list[i]->ts_ns / 1e6, 6);
	json_array_end(j);
	json_array(j, "weight");
	for (size_t i = 0; i < n; i++)
		json_fixed(j, NULL, v->weight == PROF_SAMPLES ? 1 : (double)prof_weight_of(v, list[i]) / 1e6, 6);
	json_array_end(j);
	json_str(j, "weightType", v->weight == PROF_SAMPLES ? "samples" : "tracing-ms");
	json_array(j, "threadCPUDelta");
	for (size_t i = 0; i < n; i++)
		json_int(j, NULL, list[i]->cpu_ns / 1000);
	json_array_end(j);
	json_int(j, "length", (int64_t)n);
	json_object_end(j);
}

/* frameTable and funcTable are the profile's frames and waits, in their order. */
static void ff_frames(struct json *j, const struct profile *p)
{
	size_t n = (size_t)p->frame_index.n + p->wait_index.n;

	json_object(j, "frameTable");
	json_int(j, "length", (int64_t)n);
	ff_column_int(j, "address", n, -1);
	ff_column_int(j, "inlineDepth", n, 0);
	json_array(j, "category");
	for (size_t i = 0; i < n; i++)
		json_int(j, NULL, i >= p->frame_index.n);
	json_array_end(j);
	ff_column_int(j, "subcategory", n, 0);
	json_array(j, "func");
	for (size_t i = 0; i < n; i++)
		json_int(j, NULL, (int64_t)i);
	json_array_end(j);
	ff_column_null(j, "nativeSymbol", n);
	ff_column_null(j, "innerWindowID", n);
	json_array(j, "line");
	for (size_t i = 0; i < n; i++)
		if (i < p->frame_index.n && p->frames[i].line > 0)
			json_int(j, NULL, p->frames[i].line);
		else
			json_null(j, NULL);
	json_array_end(j);
	ff_column_null(j, "column", n);
	json_object_end(j);
	json_object(j, "funcTable");
	json_int(j, "length", (int64_t)n);
	json_array(j, "name");
	for (size_t i = 0; i < n; i++)
		json_int(j, NULL, (int64_t)i);
	json_array_end(j);
	json_array(j, "isJS");
	for (size_t i = 0; i < n; i++)
		json_bool(j, NULL, false);
	json_array_end(j);
	json_array(j, "relevantForJS");
	for (size_t i = 0; i < n; i++)
		json_bool(j, NULL, false);
	json_array_end(j);
	ff_column_int(j, "resource", n, -1);
	json_array(j, "fileName");
	for (size_t i = 0; i < n; i++)
		if (i < p->frame_index.n && p->frames[i].file)
			json_int(j, NULL, (int64_t)(n + i));
		else
			json_null(j, NULL);
	json_array_end(j);
	ff_column_null(j, "lineNumber", n);
	ff_column_null(j, "columnNumber", n);
	json_object_end(j);
}

static void ff_strings(struct json *j, const struct profile *p)
{
	size_t n = (size_t)p->frame_index.n + p->wait_index.n;
	auto_str text = STR_INIT;

	json_array(j, "stringArray");
	for (size_t i = 0; i < n; i++) {
		str_reset(&text);
		if (i < p->frame_index.n)
			prof_frame_text(&p->frames[i], &text);
		else
			str_addf(&text, "[wait:%s]", p->waits[i - p->frame_index.n].kind);
		json_str(j, NULL, str_cstr(&text));
	}
	for (size_t i = 0; i < p->frame_index.n; i++)
		json_str(j, NULL, p->frames[i].file ? p->frames[i].file : "");
	json_array_end(j);
}

static void ff_stacks(struct json *j, const struct profile *p, const struct ff *f)
{
	json_object(j, "stackTable");
	json_int(j, "length", f->index.n);
	json_array(j, "frame");
	for (uint32_t i = 0; i < f->index.n; i++)
		json_uint(j, NULL, f->v[i].frame);
	json_array_end(j);
	json_array(j, "prefix");
	for (uint32_t i = 0; i < f->index.n; i++)
		if (f->v[i].prefix < 0)
			json_null(j, NULL);
		else
			json_int(j, NULL, f->v[i].prefix);
	json_array_end(j);
	json_array(j, "category");
	for (uint32_t i = 0; i < f->index.n; i++)
		json_int(j, NULL, f->v[i].frame >= p->frame_index.n);
	json_array_end(j);
	ff_column_int(j, "subcategory", f->index.n, 0);
	json_object_end(j);
}

static void ff_thread(struct json *j, const struct prof_view *v, uint32_t thread, const struct prof_sample **list)
{
	static const char *const empty[] = { "markers", "resourceTable", "nativeSymbols" };
	const struct prof_thread *t = &v->p->threads[thread];
	size_t n = thread_samples(v, thread, list, false);
	struct ff f = { 0 };
	auto_str number = STR_INIT;

	if (!n)
		return;
	json_line(j);
	json_object(j, NULL);
	json_str(j, "processType", "default");
	json_fixed(j, "processStartupTime", 0, 0);
	json_null(j, "processShutdownTime");
	json_fixed(j, "registerTime", (double)t->start_ns / 1e6, 6);
	json_fixed(j, "unregisterTime", (double)t->end_ns / 1e6, 6);
	json_array(j, "pausedRanges");
	json_array_end(j);
	json_str(j, "name", t->name && *t->name ? t->name : t->comm);
	json_bool(j, "isMainThread", t->pid == t->tid);
	json_str(j, "processName", t->comm);
	str_addf(&number, "%d", t->pid);
	json_str(j, "pid", str_cstr(&number));
	json_int(j, "tid", t->tid);
	ff_samples(j, v, list, n, &f);
	ff_stacks(j, v->p, &f);
	ff_frames(j, v->p);
	ff_strings(j, v->p);
	for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
		static const char *const columns[][7] = {
			{ "data", "name", "startTime", "endTime", "phase", "category", NULL },
			{ "lib", "name", "host", "type", NULL },
			{ "libIndex", "address", "name", "functionSize", NULL } };

		json_object(j, empty[i]);
		json_int(j, "length", 0);
		for (int k = 0; columns[i][k]; k++) {
			json_array(j, columns[i][k]);
			json_array_end(j);
		}
		json_object_end(j);
	}
	json_object_end(j);
	free(f.v);
	intern_release(&f.index);
}

void prof_firefox(const struct prof_view *v, struct str *out)
{
	const struct prof_sample **list = xcalloc(v->p->sample_count + 1, sizeof(*list));
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	ff_meta(&j, v);
	json_array(&j, "libs");
	json_array_end(&j);
	json_array(&j, "threads");
	for (size_t i = 0; i < v->p->thread_count; i++)
		ff_thread(&j, v, (uint32_t)i, list);
	json_array_end(&j);
	json_array(&j, "pages");
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
	free(list);
}
