/* SPDX-License-Identifier: Apache-2.0 */
/* symbolize SNAPSHOT... [BINARY...] - names for the frames of recorded snapshots (.artifacts/raw/RUN_ID/snapshot-N.json),
 * which are kept as build-id and offset: where the machine that recorded them had no symbols, another that has the same
 * binaries, or their debug files, fills them in. The snapshots are written again; `report` then tells more. */
#include "base/fd.h"
#include "base/hex.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "profile/native/resolve.h"
#include "runner/cli/cli.h"
#include "runner/config/libexec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SNAPSHOT_MAX_BYTES = 64 << 20 };

/* ---- JSON to frames ---- */

static void build_id_read(struct snap_frame *f, const char *hex)
{
	size_t n = hex ? strlen(hex) : 0;

	if (!n || n % 2 || n / 2 > BUILD_ID_MAX)
		return;
	for (size_t i = 0; i < n; i += 2) {
		int high = hex_digit_lower(hex[i]), low = hex_digit_lower(hex[i + 1]);

		if (high < 0 || low < 0)
			return;
		f->build_id[i / 2] = (uint8_t)(high << 4 | low);
	}
	f->build_id_len = (uint8_t)(n / 2);
}

static char *text_copy(const struct json_value *o, const char *key)
{
	const char *s = json_get_text(o, key);

	return s ? xstrdup(s) : NULL;
}

/* A frame is where its thread stands if it is the innermost native one, or if a signal came upon it. */
static void frames_read(struct snap_thread *t, const struct json_value *frames)
{
	bool stands = true;

	if (!frames || frames->kind != JSON_ARRAY)
		return;
	json_each(v, frames) {
		const char *language = json_get_text(v, "language"), *function = json_get_text(v, "function");
		struct snap_frame *f = thread_frame_add(t);

		if (!f)
			return;
		f->language = language && strcmp(language, "native") == 0 ? "native" : "";
		f->function = function ? xstrdup(function) : NULL;
		f->file = text_copy(v, "file");
		f->module = text_copy(v, "module");
		f->line = (int)json_get_int(v, "line", 0);
		f->offset = (uint64_t)json_get_int(v, "offset", 0);
		build_id_read(f, json_get_text(v, "build_id"));
		f->pc = f->offset;
		f->activation = stands;
		if (*f->language)
			stands = function && strstr(function, "restore_rt");
	}
}

static void threads_read(struct snap_process *p, const struct json_value *threads)
{
	if (!threads || threads->kind != JSON_ARRAY)
		return;
	p->threads = xcalloc(threads->count + 1, sizeof(*p->threads));
	json_each(v, threads)
		frames_read(&p->threads[p->thread_count++], json_get(v, "frames"));
}

static void snapshot_read(struct snapshot *s, const struct json_value *root)
{
	const struct json_value *processes = json_get(root, "processes");

	if (!processes || processes->kind != JSON_ARRAY)
		return;
	s->processes = xcalloc(processes->count + 1, sizeof(*s->processes));
	json_each(v, processes)
		threads_read(&s->processes[s->process_count++], json_get(v, "threads"));
}

/* ---- and back: everything but frames as it was ---- */

struct writer {
	struct json j;
	const struct snapshot *s;
	size_t process, thread; /* the next ones, in the order of the file */
};

static void put_line(struct json *j, int line)
{
	if (line > 0)
		json_int(j, "line", line);
	else
		json_null(j, "line");
}

static void frame_write(struct json *j, const struct snap_frame *f, const struct json_value *was)
{
	const char *language = json_get_text(was, "language");

	json_object(j, NULL);
	json_str(j, "language", language ? language : "native");
	json_str(j, "function", f->function);
	json_str(j, "file", f->file);
	put_line(j, f->line);
	json_str(j, "module", f->module);
	if (f->build_id_len) {
		json_str(j, "build_id", json_get_text(was, "build_id"));
		json_uint(j, "offset", f->offset);
	}
	json_object_end(j);
}

/* What was one frame may be several now, of functions that are inlined there. */
static void frames_write(struct json *j, const struct snap_thread *t, const struct json_value *frames)
{
	const struct json_value *was = frames->first;

	json_array(j, "frames");
	for (size_t i = 0; i < t->frame_count && was; i++) {
		frame_write(j, &t->frames[i], was);
		if (!t->frames[i].inlined)
			was = was->next;
	}
	json_array_end(j);
}

static void value_write(struct writer *w, const struct json_value *v, const char *parent);

static void number_write(struct json *j, const struct json_value *v)
{
	char text[40];

	if (v->is_integer) {
		json_int(j, v->key, v->integer);
		return;
	}
	snprintf(text, sizeof(text), "%.3f", v->number);
	json_raw(j, v->key, text, strlen(text));
}

static void container_write(struct writer *w, const struct json_value *v, const char *parent)
{
	bool object = v->kind == JSON_OBJECT;

	if (object)
		json_object(&w->j, v->key);
	else
		json_array(&w->j, v->key);
	json_each(item, v) {
		if (!object && v->key && (strcmp(v->key, "processes") == 0 || strcmp(v->key, "threads") == 0))
			json_line(&w->j);
		value_write(w, item, v->key);
	}
	if (object)
		json_object_end(&w->j);
	else
		json_array_end(&w->j);
	if (object && parent && strcmp(parent, "threads") == 0) {
		w->thread++;
	} else if (object && parent && strcmp(parent, "processes") == 0) {
		w->process++;
		w->thread = 0;
	}
}

static void value_write(struct writer *w, const struct json_value *v, const char *parent)
{
	const struct snap_process *p = w->process < w->s->process_count ? &w->s->processes[w->process] : NULL;

	switch (v->kind) {
	case JSON_NULL: json_null(&w->j, v->key); break;
	case JSON_FALSE: json_bool(&w->j, v->key, false); break;
	case JSON_TRUE: json_bool(&w->j, v->key, true); break;
	case JSON_NUMBER: number_write(&w->j, v); break;
	case JSON_STRING: json_strn(&w->j, v->key, v->text, v->len); break;
	case JSON_ARRAY:
		if (v->key && strcmp(v->key, "frames") == 0 && p && w->thread < p->thread_count) {
			frames_write(&w->j, &p->threads[w->thread], v);
			break;
		}
		/* fall through */
	case JSON_OBJECT: container_write(w, v, parent); break;
	}
}

static int snapshot_file(const char *path, char *const files[], size_t n, struct err *e)
{
	auto_free char *text = NULL;
	auto_str out = STR_INIT;
	struct snapshot s = { 0 };
	struct writer w = { .s = &s };
	const struct json_value *root;
	struct json_reader *r;
	size_t size, looked_up;
	int rc;

	if (file_read(path, SNAPSHOT_MAX_BYTES, &text, &size, e) < 0)
		return -1;
	r = json_reader_text(text, size, path);
	rc = json_take(r, &root, e);
	if (rc == 0 && !json_get(root, "processes"))
		rc = err_set(e, ERR_USAGE, "'%s' is not a snapshot: it has no processes", path);
	if (rc == 0) {
		snapshot_read(&s, root);
		looked_up = snapshot_symbolize(&s, files, n);
		json_init(&w.j, &out);
		value_write(&w, root, NULL);
		json_finish(&w.j);
		str_addc(&out, '\n');
		rc = file_write(path, str_cstr(&out), out.len, e);
		if (rc == 0)
			printf("%s: %zu frames looked up\n", path, looked_up);
	}
	snapshot_release(&s);
	json_reader_free(r);
	return rc;
}

int main(int argc, char **argv)
{
	auto_free char **files = xcalloc((size_t)argc + 1, sizeof(*files));
	struct err e = { 0 };
	size_t n = 0;
	int snapshots = 0;

	mem_limit_of_helper();
	for (int i = 1; i < argc; i++)
		if (str_ends(argv[i], ".json"))
			snapshots++;
		else
			files[n++] = argv[i];
	if (!snapshots) {
		err_set(&e, ERR_USAGE, "usage: spec-runner symbolize SNAPSHOT.json... [BINARY...]");
		return cli_fail(&e);
	}
	for (int i = 1; i < argc; i++)
		if (str_ends(argv[i], ".json") && snapshot_file(argv[i], files, n, &e) < 0)
			return cli_fail(&e);
	return cli_flush();
}
