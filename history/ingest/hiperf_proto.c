/* SPDX-License-Identifier: Apache-2.0 */
/* hiperf_proto.c - `hiperf report --proto`: after the magic a version, then records of a length each, until length 0.
 * Names of files and functions may come behind the samples, so samples are held until the end. */
#include "history/ingest/hiperf.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES_MAX 512
#define FILES_MAX (1u << 20)

struct bytes {
	const unsigned char *p, *end;
};
struct frame {
	uint64_t addr;
	uint32_t file;
	int32_t function;
};
struct sample {
	size_t first, n;
	double weight;
	uint32_t config;
};
struct file {
	char *path;
	struct strv functions;
};
struct proto {
	struct sample *samples;
	struct frame *frames;
	size_t n_samples, n_frames;
	struct file *files; /* by id */
	size_t n_files;
};

static bool varint(struct bytes *b, uint64_t *v)
{
	*v = 0;
	for (int shift = 0; b->p < b->end && shift < 64; shift += 7) {
		unsigned char c = *b->p++;

		*v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return true;
	}
	return false;
}

/* The next field: its number, and its value or its bytes. */
struct field {
	uint64_t no, value;
	struct bytes bytes;
};

static bool next_field(struct bytes *b, struct field *f)
{
	uint64_t key, n;

	if (b->p >= b->end || !varint(b, &key))
		return false;
	*f = (struct field){ .no = key >> 3 };
	switch (key & 7) {
	case 0: return varint(b, &f->value);
	case 1: n = 8; break;
	case 5: n = 4; break;
	case 2:
		if (!varint(b, &n))
			return false;
		break;
	default: return false;
	}
	if (n > (uint64_t)(b->end - b->p))
		return false;
	f->bytes = (struct bytes){ b->p, b->p + n };
	b->p += n;
	return true;
}

static void read_frame(struct proto *t, struct bytes b)
{
	struct frame x = { 0, 0, 0 }; /* a field that is zero is left out */
	struct field f;

	while (next_field(&b, &f)) {
		if (f.no == 1)
			x.addr = f.value;
		else if (f.no == 2)
			x.file = (uint32_t)f.value;
		else if (f.no == 3)
			x.function = (int32_t)f.value;
	}
	if ((t->n_frames & (t->n_frames - 1)) == 0)
		t->frames = xreallocarray(t->frames, t->n_frames ? t->n_frames * 2 : 1, sizeof(*t->frames));
	t->frames[t->n_frames++] = x;
}

static void read_sample(struct proto *t, struct bytes b)
{
	struct sample x = { .first = t->n_frames };
	struct field f;

	while (next_field(&b, &f)) {
		if (f.no == 3)
			read_frame(t, f.bytes);
		else if (f.no == 4)
			x.weight = (double)f.value;
		else if (f.no == 5)
			x.config = (uint32_t)f.value;
	}
	x.n = t->n_frames - x.first;
	if ((t->n_samples & (t->n_samples - 1)) == 0)
		t->samples = xreallocarray(t->samples, t->n_samples ? t->n_samples * 2 : 1, sizeof(*t->samples));
	t->samples[t->n_samples++] = x;
}

static void read_file(struct proto *t, struct bytes b)
{
	struct strv functions = STRV_INIT;
	auto_free char *path = NULL;
	uint64_t id = 0;
	struct field f;

	while (next_field(&b, &f)) {
		if (f.no == 1) {
			id = f.value;
		} else if (f.no == 2) {
			free(path);
			path = xstrndup((const char *)f.bytes.p, (size_t)(f.bytes.end - f.bytes.p));
		} else if (f.no == 3) {
			strv_take(&functions, xstrndup((const char *)f.bytes.p, (size_t)(f.bytes.end - f.bytes.p)));
		}
	}
	if (id >= FILES_MAX) {
		strv_release(&functions);
		return;
	}
	if (id >= t->n_files) {
		t->files = xreallocarray(t->files, id + 1, sizeof(*t->files));
		memset(t->files + t->n_files, 0, (id + 1 - t->n_files) * sizeof(*t->files));
		t->n_files = id + 1;
	}
	free(t->files[id].path);
	strv_release(&t->files[id].functions);
	t->files[id] = (struct file){ ptr_steal(&path), functions };
}

static char *name_of(const struct proto *t, const struct frame *x)
{
	const struct file *file = x->file < t->n_files ? &t->files[x->file] : NULL;
	const char *path = file && file->path ? file->path : "unknown", *slash = strrchr(path, '/');

	if (file && x->function >= 0 && (size_t)x->function < file->functions.n && *file->functions.v[x->function])
		return xstrdup(file->functions.v[x->function]);
	return xasprintf("%s+0x%llx", slash ? slash + 1 : path, (unsigned long long)x->addr);
}

/* Frames stand innermost first. */
static void put_sample(struct samples *s, const struct proto *t, const struct sample *x)
{
	const char *names[FRAMES_MAX] = { NULL };
	size_t n = x->n < FRAMES_MAX ? x->n : FRAMES_MAX;

	for (size_t i = 0; i < n; i++)
		names[i] = name_of(t, &t->frames[x->first + n - 1 - i]);
	samples_add_frames(s, names, n, x->weight);
	for (size_t i = 0; i < n; i++)
		free((char *)names[i]);
}

static void release(struct proto *t)
{
	for (size_t i = 0; i < t->n_files; i++) {
		free(t->files[i].path);
		strv_release(&t->files[i].functions);
	}
	free(t->files);
	free(t->samples);
	free(t->frames);
}

int hiperf_proto(struct samples *s, const unsigned char *p, size_t n, struct err *e);
int hiperf_proto(struct samples *s, const unsigned char *p, size_t n, struct err *e)
{
	const unsigned char *end = p + n;
	struct proto t = { 0 };
	bool whole = false;

	if (n < 2 || (p[0] | p[1] << 8) != 1)
		return err_set(e, ERR_USAGE,
			       "a hiperf protobuf report of version %d; this program reads version 1",
			       n < 2 ? 0 : p[0] | p[1] << 8);
	p += 2;
	while (end - p >= 4) {
		uint32_t len = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		struct bytes record = { p + 4, p + 4 + len };
		struct field f;

		whole = len == 0;
		if (!len || len > (size_t)(end - p) - 4)
			break;
		while (next_field(&record, &f)) {
			if (f.no == 1)
				read_sample(&t, f.bytes);
			else if (f.no == 3)
				read_file(&t, f.bytes);
		}
		p += 4 + len;
	}
	for (size_t i = 0; i < t.n_samples; i++)
		if (t.samples[i].config == t.samples[0].config)
			put_sample(s, &t, &t.samples[i]);
	release(&t);
	return whole || s->samples_total ? 0
					 : err_set(e, ERR_USAGE,
						   "a hiperf protobuf report without samples, or cut off");
}
