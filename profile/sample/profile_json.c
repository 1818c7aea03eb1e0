/* SPDX-License-Identifier: Apache-2.0 */
/* profile_json.c - profile.json (schemas/profile_v1.yaml), written and read. */
#include "profile/sample/profile.h"

#include "base/json_write.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define CLOCK_TEXT "monotonic ns since the run began"

static void write_frames(struct json *j, const struct profile *p)
{
	json_array(j, "frames");
	for (uint32_t i = 0; i < p->frame_index.n; i++) {
		const struct prof_frame *f = &p->frames[i];

		json_line(j);
		json_object(j, NULL);
		json_str(j, "language", f->language ? f->language : "native");
		json_str(j, "function", f->function);
		json_str(j, "file", f->file);
		json_int(j, "line", f->line);
		json_str(j, "module", f->module);
		json_str(j, "build_id", f->build_id);
		json_uint(j, "offset", f->offset);
		json_bool(j, "inlined", f->inlined);
		json_object_end(j);
	}
	json_array_end(j);
	json_array(j, "stacks");
	for (uint32_t i = 0; i < p->stack_index.n; i++) {
		json_line(j);
		json_array(j, NULL);
		for (uint32_t k = 0; k < p->stack_len[i]; k++)
			json_uint(j, NULL, p->pool[p->stack_first[i] + k]);
		json_array_end(j);
	}
	json_array_end(j);
}

static void write_threads(struct json *j, const struct profile *p)
{
	json_array(j, "threads");
	for (size_t i = 0; i < p->thread_count; i++) {
		const struct prof_thread *t = &p->threads[i];

		json_line(j);
		json_object(j, NULL);
		json_int(j, "pid", t->pid);
		json_int(j, "tid", t->tid);
		json_str(j, "comm", t->comm);
		json_str(j, "name", t->name);
		json_array(j, "argv");
		for (size_t k = 0; k < t->argv.n; k++)
			json_str(j, NULL, t->argv.v[k]);
		json_array_end(j);
		json_str(j, "exe_build_id", t->exe_build_id);
		json_int(j, "ppid", t->ppid);
		json_int(j, "start_ns", t->start_ns);
		json_int(j, "end_ns", t->end_ns);
		json_object_end(j);
	}
	json_array_end(j);
}

static void write_samples(struct json *j, const struct profile *p)
{
	auto_str row = STR_INIT;

	json_array(j, "samples");
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct prof_sample *x = &p->samples[i];

		str_reset(&row);
		str_addf(&row, "[%lld,%u,%u,%d,%d,%lld,%lld]", (long long)x->ts_ns, x->thread, x->stack, x->span, x->wait,
			 (long long)x->cpu_ns, (long long)x->wall_ns);
		json_line(j);
		json_raw(j, NULL, str_cstr(&row), row.len);
	}
	json_array_end(j);
}

void profile_write(const struct profile *p, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", p->run_id);
	json_str(&j, "clock", CLOCK_TEXT);
	json_int(&j, "started_ns", p->started_ns);
	json_int(&j, "ended_ns", p->ended_ns);
	json_int(&j, "rate_hz", p->rate_hz);
	write_frames(&j, p);
	write_threads(&j, p);
	json_array(&j, "spans");
	for (size_t i = 0; i < p->span_count; i++)
		json_str(&j, NULL, p->spans[i].id);
	json_array_end(&j);
	json_array(&j, "waits");
	for (uint32_t i = 0; i < p->wait_index.n; i++) {
		json_line(&j);
		json_object(&j, NULL);
		json_str(&j, "kind", p->waits[i].kind);
		json_str(&j, "resource", p->waits[i].resource);
		json_bool(&j, "proved", p->waits[i].proved);
		json_object_end(&j);
	}
	json_array_end(&j);
	write_samples(&j, p);
	json_int(&j, "dropped", p->dropped);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

/* ---- reading ---- */

struct reading {
	struct profile *p;
	struct json_reader *r;
	/* The file's numbers; ours may differ where it says a thing twice. */
	uint32_t *frame, *stack;
	int32_t *wait;
	size_t frames, stacks, waits;
};

static void take_frame(struct reading *x, const struct json_value *v)
{
	struct prof_frame f = { .language = json_get_text(v, "language"), .function = json_get_text(v, "function"),
				.file = json_get_text(v, "file"), .module = json_get_text(v, "module"),
				.build_id = json_get_text(v, "build_id"), .line = (int32_t)json_get_int(v, "line", 0),
				.offset = (uint64_t)json_get_int(v, "offset", 0) };
	const struct json_value *inlined = json_get(v, "inlined");

	f.inlined = inlined && inlined->kind == JSON_TRUE;
	x->frame = xreallocarray(x->frame, x->frames + 1, sizeof(*x->frame));
	x->frame[x->frames++] = profile_frame(x->p, &f);
}

static int take_stack(struct reading *x, const struct json_value *v, struct err *e)
{
	auto_free uint32_t *ids = xreallocarray(NULL, v->count + 1, sizeof(*ids));
	size_t n = 0;

	json_each(item, v)
	{
		if (item->kind != JSON_NUMBER || !item->is_integer || item->integer < 0 ||
		    (uint64_t)item->integer >= x->frames)
			return err_set(e, ERR_FAILURE, "a stack names frame %lld of %zu", (long long)item->integer,
				       x->frames);
		ids[n++] = x->frame[item->integer];
	}
	x->stack = xreallocarray(x->stack, x->stacks + 1, sizeof(*x->stack));
	x->stack[x->stacks++] = profile_stack(x->p, ids, n);
	return 0;
}

static void take_thread(struct reading *x, const struct json_value *v)
{
	const char *comm = json_get_text(v, "comm");
	const struct json_value *argv = json_get(v, "argv");
	struct prof_thread *t = profile_thread(x->p, (int32_t)json_get_int(v, "pid", 0), (int32_t)json_get_int(v, "tid", 0),
					       comm ? comm : "");

	t->name = texts_keep(&x->p->texts, json_get_text(v, "name"));
	t->exe_build_id = texts_keep(&x->p->texts, json_get_text(v, "exe_build_id"));
	t->ppid = (int32_t)json_get_int(v, "ppid", 0);
	t->start_ns = json_get_int(v, "start_ns", 0);
	t->end_ns = json_get_int(v, "end_ns", 0);
	if (argv && argv->kind == JSON_ARRAY)
		json_each(item, argv)
			strv_add(&t->argv, item->kind == JSON_STRING ? item->text : "");
}

static void take_wait(struct reading *x, const struct json_value *v)
{
	const struct json_value *proved = json_get(v, "proved");
	const char *kind = json_get_text(v, "kind");

	x->wait = xreallocarray(x->wait, x->waits + 1, sizeof(*x->wait));
	x->wait[x->waits++] = (int32_t)profile_wait(x->p, kind ? kind : "unknown", json_get_text(v, "resource"),
						    proved && proved->kind == JSON_TRUE);
}

static int take_sample(struct reading *x, const struct json_value *v, struct err *e)
{
	struct prof_sample *s;
	int64_t n[7];
	size_t i = 0;

	if (v->kind != JSON_ARRAY || v->count != 7)
		return err_set(e, ERR_FAILURE, "a sample is [ts_ns, thread, stack, span, wait, cpu_ns, wall_ns]");
	json_each(item, v)
	{
		if (item->kind != JSON_NUMBER || !item->is_integer)
			return err_set(e, ERR_FAILURE, "a sample holds something that is not an integer");
		n[i++] = item->integer;
	}
	if (n[1] < 0 || (uint64_t)n[1] >= x->p->thread_count || n[2] < 0 || (uint64_t)n[2] >= x->stacks || n[3] < -1 ||
	    n[3] >= (int64_t)x->p->span_count || n[4] < -1 || n[4] >= (int64_t)x->waits || n[5] < 0 || n[6] < 0 ||
	    n[5] > INT64_MAX / 4 || n[6] > INT64_MAX / 4)
		return err_set(e, ERR_FAILURE, "a sample is out of bounds");
	s = profile_sample(x->p);
	*s = (struct prof_sample){ n[0], (uint32_t)n[1], x->stack[n[2]], (int32_t)n[3], n[4] < 0 ? -1 : x->wait[n[4]],
				   n[5], n[6], 0, false };
	return 0;
}

static int take_item(struct reading *x, const char *list, const struct json_value *v, struct err *e)
{
	if (strcmp(list, "frames") == 0)
		take_frame(x, v);
	else if (strcmp(list, "stacks") == 0)
		return take_stack(x, v, e);
	else if (strcmp(list, "threads") == 0)
		take_thread(x, v);
	else if (strcmp(list, "waits") == 0)
		take_wait(x, v);
	else if (strcmp(list, "spans") == 0)
		profile_span(x->p, v->kind == JSON_STRING ? v->text : "");
	else
		return take_sample(x, v, e);
	return 0;
}

static int read_list(struct reading *x, const char *list, struct err *e)
{
	const struct json_value *v;
	int more;

	if (json_enter(x->r, JSON_ARRAY, e) < 0)
		return -1;
	while ((more = json_next_item(x->r, e)) > 0)
		if (json_take(x->r, &v, e) < 0 || take_item(x, list, v, e) < 0)
			return -1;
	return more;
}

static void take_scalar(struct profile *p, const char *key, const struct json_value *v)
{
	int64_t n = v->kind == JSON_NUMBER && v->is_integer ? v->integer : 0;

	if (strcmp(key, "run_id") == 0 && v->kind == JSON_STRING) {
		free(p->run_id);
		p->run_id = xstrdup(v->text);
	} else if (strcmp(key, "started_ns") == 0) {
		p->started_ns = n;
	} else if (strcmp(key, "ended_ns") == 0) {
		p->ended_ns = n;
	} else if (strcmp(key, "rate_hz") == 0) {
		p->rate_hz = n;
	} else if (strcmp(key, "dropped") == 0) {
		p->dropped = n;
	}
}

static int read_all(struct reading *x, struct err *e)
{
	static const char *const lists[] = { "frames", "stacks", "threads", "spans", "waits", "samples" };
	const struct json_value *v;
	const char *key;
	char name[24];
	size_t len;
	int more;

	if (json_enter(x->r, JSON_OBJECT, e) < 0)
		return -1;
	while ((more = json_next_key(x->r, &key, &len, e)) > 0) {
		const char *list = NULL;

		for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
			if (strcmp(lists[i], key) == 0)
				list = lists[i];
		if (list) {
			if (read_list(x, list, e) < 0)
				return -1;
			continue;
		}
		memset(name, 0, sizeof(name));
		memcpy(name, key, len < sizeof(name) - 1 ? len : sizeof(name) - 1);
		if (json_take(x->r, &v, e) < 0)
			return -1;
		take_scalar(x->p, name, v);
	}
	return more < 0 ? -1 : json_end(x->r, e);
}

int profile_read(struct profile *p, const char *text, size_t n, const char *name, struct err *e)
{
	struct reading x = { .p = p };
	int rc;

	profile_init(p);
	x.r = json_reader_text(text, n, name);
	rc = read_all(&x, e);
	json_reader_free(x.r);
	free(x.frame);
	free(x.stack);
	free(x.wait);
	if (rc < 0) {
		profile_release(p);
		return err_add(e, "'%s' is not a profile", name);
	}
	return 0;
}
