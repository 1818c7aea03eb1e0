/* SPDX-License-Identifier: Apache-2.0 */
/* prof_pprof.c - gzip of profile.proto (github.com/google/pprof/proto): varints by hand, four sample types, locations dense
 * from 1; and read back. */
#include "findings/report/prof.h"

#include "base/hash.h"
#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define INFLATED_MAX ((size_t)256 << 20)

/* ---- writing ---- */

static void varint(struct str *out, uint64_t v)
{
	while (v >= 128) {
		str_addc(out, (char)(v | 128));
		v >>= 7;
	}
	str_addc(out, (char)v);
}

static void field_int(struct str *out, unsigned field, uint64_t v)
{
	if (!v)
		return;
	varint(out, field << 3);
	varint(out, v);
}

static void field_bytes(struct str *out, unsigned field, const void *p, size_t n)
{
	varint(out, field << 3 | 2);
	varint(out, n);
	str_addn(out, p, n);
}

/* Texts in order of their first use: the number of each in the string table is one more than in `texts`. */
struct strings {
	struct texts texts;
	struct str out; /* string_table, as it grows */
};

struct text_key {
	const struct texts *t;
	const char *s;
};

static bool text_same(const void *arg, uint32_t id)
{
	const struct text_key *k = arg;

	return strcmp(k->t->v[id], k->s) == 0;
}

static uint64_t string_id(struct strings *s, const char *text)
{
	uint32_t before = s->texts.index.n;
	struct text_key key = { &s->texts, text };

	if (!text || !*text)
		return 0;
	texts_keep(&s->texts, text);
	if (s->texts.index.n > before) {
		field_bytes(&s->out, 6, text, strlen(text));
		return before + 1;
	}
	return intern_find(&s->texts.index, hash_bytes(1, text, strlen(text)), text_same, &key) + 1;
}

static void value_type(struct strings *s, struct str *out, unsigned field, const char *type, const char *unit)
{
	auto_str one = STR_INIT;

	field_int(&one, 1, string_id(s, type));
	field_int(&one, 2, string_id(s, unit));
	field_bytes(out, field, str_cstr(&one), one.len);
}

static void label_text(struct strings *s, struct str *out, const char *key, const char *text)
{
	auto_str one = STR_INIT;

	if (!text || !*text)
		return;
	field_int(&one, 1, string_id(s, key));
	field_int(&one, 2, string_id(s, text));
	field_bytes(out, 3, str_cstr(&one), one.len);
}

static void label_number(struct strings *s, struct str *out, const char *key, int64_t v)
{
	auto_str one = STR_INIT;

	field_int(&one, 1, string_id(s, key));
	field_int(&one, 3, (uint64_t)v);
	field_bytes(out, 3, str_cstr(&one), one.len);
}

static void samples_write(struct strings *s, const struct prof_view *v, struct str *out)
{
	const struct profile *p = v->p;
	auto_str one = STR_INIT, packed = STR_INIT;
	struct prof_view any = *v;

	any.weight = PROF_SAMPLES;
	for (size_t i = 0; i < p->sample_count; i++) {
		const struct prof_sample *x = &p->samples[i];
		const struct prof_thread *t = &p->threads[x->thread];
		int64_t values[4] = { x->wait < 0, x->cpu_ns, x->wall_ns, x->wait >= 0 ? x->wall_ns : 0 };

		/* All four values stand side by side: whatever has one of them belongs in. */
		if (prof_weight_of(&any, x) <= 0)
			continue;
		str_reset(&one);
		str_reset(&packed);
		for (uint32_t k = 0; k < p->stack_len[x->stack]; k++)
			varint(&packed, p->pool[p->stack_first[x->stack] + k] + 1);
		field_bytes(&one, 1, str_cstr(&packed), packed.len);
		str_reset(&packed);
		for (int k = 0; k < 4; k++)
			varint(&packed, (uint64_t)values[k]);
		field_bytes(&one, 2, str_cstr(&packed), packed.len);
		label_text(s, &one, "thread", t->name && *t->name ? t->name : t->comm);
		label_number(s, &one, "pid", t->pid);
		if (x->span >= 0)
			label_text(s, &one, "test", p->spans[x->span].label);
		if (x->wait >= 0)
			label_text(s, &one, "wait", p->waits[x->wait].kind);
		field_bytes(out, 2, str_cstr(&one), one.len);
	}
}

/* Mappings: each binary of some frame. Numbers from 1, in order of the frames. */
static uint32_t mapping_of(const struct prof_frame *f, const char **module, uint32_t *n)
{
	for (uint32_t i = 0; i < *n; i++)
		if (module[i] == f->module)
			return i + 1;
	module[(*n)++] = f->module;
	return *n;
}

static void mappings_write(struct strings *s, const struct profile *p, uint32_t *mapping, struct str *out)
{
	const char **module = xcalloc(p->frame_index.n + 1, sizeof(*module));
	auto_str one = STR_INIT;
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->frame_index.n; i++) {
		uint32_t before = n;

		if (!p->frames[i].module)
			continue;
		mapping[i] = mapping_of(&p->frames[i], module, &n);
		if (n == before)
			continue;
		str_reset(&one);
		field_int(&one, 1, n);
		field_int(&one, 5, string_id(s, p->frames[i].module));
		field_int(&one, 6, string_id(s, p->frames[i].build_id));
		field_int(&one, 7, 1); /* functions, file names and lines are there: nobody need look for symbols */
		field_int(&one, 8, 1);
		field_int(&one, 9, 1);
		field_bytes(out, 3, str_cstr(&one), one.len);
	}
	free(module);
}

static void places_write(struct strings *s, const struct profile *p, const uint32_t *mapping, struct str *out)
{
	auto_str one = STR_INIT, line = STR_INIT, name = STR_INIT;

	for (uint32_t i = 0; i < p->frame_index.n; i++) {
		str_reset(&one);
		str_reset(&line);
		field_int(&line, 1, i + 1);
		field_int(&line, 2, (uint64_t)p->frames[i].line);
		field_int(&one, 1, i + 1);
		field_int(&one, 2, mapping[i]);
		field_int(&one, 3, p->frames[i].offset);
		field_bytes(&one, 4, str_cstr(&line), line.len);
		field_bytes(out, 4, str_cstr(&one), one.len);
	}
	for (uint32_t i = 0; i < p->frame_index.n; i++) {
		str_reset(&one);
		str_reset(&name);
		prof_frame_text(&p->frames[i], &name);
		field_int(&one, 1, i + 1);
		field_int(&one, 2, string_id(s, str_cstr(&name)));
		field_int(&one, 3, string_id(s, str_cstr(&name)));
		field_int(&one, 4, string_id(s, p->frames[i].file));
		field_bytes(out, 5, str_cstr(&one), one.len);
	}
}

/* gzip without a time or a name in its head: the same bytes again. */
static void gzip_add(struct str *out, const char *bytes, size_t n)
{
	z_stream z = { 0 };
	unsigned char buf[65536];

	if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	z.next_in = (unsigned char *)(uintptr_t)bytes;
	z.avail_in = (unsigned)n;
	do {
		z.next_out = buf;
		z.avail_out = sizeof(buf);
		deflate(&z, Z_FINISH);
		str_addn(out, buf, sizeof(buf) - z.avail_out);
	} while (z.avail_out == 0);
	deflateEnd(&z);
}

void prof_gzip(const char *bytes, size_t n, struct str *out)
{
	gzip_add(out, bytes, n);
}

void prof_pprof(const struct prof_view *v, struct str *out)
{
	static const char *const types[][2] = {
		{ "samples", "count" }, { "cpu", "nanoseconds" }, { "wall", "nanoseconds" }, { "wait", "nanoseconds" } };
	const struct profile *p = v->p;
	auto_free uint32_t *mapping = xcalloc(p->frame_index.n + 1, sizeof(*mapping));
	struct strings s = { .out = STR_INIT };
	auto_str body = STR_INIT;

	field_bytes(&s.out, 6, "", 0);
	for (int i = 0; i < 4; i++)
		value_type(&s, &body, 1, types[i][0], types[i][1]);
	samples_write(&s, v, &body);
	mappings_write(&s, p, mapping, &body);
	places_write(&s, p, mapping, &body);
	field_int(&body, 9, (uint64_t)v->start_real_ns);
	field_int(&body, 10, (uint64_t)(p->ended_ns > p->started_ns ? p->ended_ns - p->started_ns : 0));
	value_type(&s, &body, 11, "cpu", "nanoseconds");
	field_int(&body, 12, p->rate_hz > 0 ? (uint64_t)(1000000000 / p->rate_hz) : 0);
	field_int(&body, 14, string_id(&s, "cpu"));
	str_addn(&body, str_cstr(&s.out), s.out.len);
	gzip_add(out, str_cstr(&body), body.len);
	texts_release(&s.texts);
	str_release(&s.out);
}

/* ---- reading ---- */

struct in {
	const unsigned char *at, *end;
	bool bad;
};

static uint64_t in_varint(struct in *i)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && i->at < i->end; shift += 7) {
		unsigned char c = *i->at++;

		v |= (uint64_t)(c & 127) << shift;
		if (c < 128)
			return v;
	}
	i->bad = true;
	return 0;
}

/* The next field: its number; *n its value, *sub its bytes. 0 at the end. */
static unsigned in_field(struct in *i, uint64_t *n, struct in *sub)
{
	uint64_t key;

	*sub = (struct in){ 0 };
	*n = 0;
	if (i->bad || i->at >= i->end)
		return 0;
	key = in_varint(i);
	switch (key & 7) {
	case 0: *n = in_varint(i); break;
	case 1:
	case 5: {
		size_t size = (key & 7) == 1 ? 8 : 4;

		if ((size_t)(i->end - i->at) < size) {
			i->bad = true;
			return 0;
		}
		i->at += size;
		break;
	}
	case 2:
		*n = in_varint(i);
		if (i->bad || *n > (uint64_t)(i->end - i->at)) {
			i->bad = true;
			return 0;
		}
		*sub = (struct in){ i->at, i->at + *n, false };
		i->at += *n;
		break;
	default: i->bad = true; return 0;
	}
	if (i->bad || key >> 3 == 0 || key >> 3 > 1000) {
		i->bad = true;
		return 0;
	}
	return (unsigned)(key >> 3);
}

struct place {
	uint64_t id, function, line;
	struct { uint64_t function, line; } lines[16];
	unsigned n;
};
struct function {
	uint64_t id, name, file;
};
struct pprof {
	struct in *strings;
	struct place *places;
	struct function *functions;
	size_t string_n, place_n, function_n;
	int value_cpu, value_wall, value_count;
	double unit[16];
	struct { uint64_t type, unit; } types[16];
	unsigned type_n;
};

static char *pprof_text(const struct pprof *x, uint64_t id)
{
	if (!id || id >= x->string_n)
		return NULL;
	return xstrndup((const char *)x->strings[id].at, (size_t)(x->strings[id].end - x->strings[id].at));
}

static void read_line(struct place *p, struct in line)
{
	uint64_t n, function = 0, number = 0;
	struct in sub;
	unsigned f;

	while ((f = in_field(&line, &n, &sub))) {
		if (f == 1)
			function = n;
		else if (f == 2)
			number = n;
	}
	if (p->n < 16) {
		p->lines[p->n].function = function;
		p->lines[p->n++].line = number;
	}
}

#define GROWN(v, n) (!((n) & ((n) - 1)) ? xreallocarray((v), (n) ? (n) * 2 : 1, sizeof(*(v))) : (v))

static void read_tables(struct pprof *x, struct in body)
{
	uint64_t n, m;
	struct in sub, deeper;
	unsigned f, g;

	while ((f = in_field(&body, &n, &sub))) {
		if (f == 6) {
			x->strings = GROWN(x->strings, x->string_n);
			x->strings[x->string_n++] = sub;
		} else if (f == 4) {
			struct place p = { 0 };

			while ((g = in_field(&sub, &m, &deeper))) {
				if (g == 1)
					p.id = m;
				else if (g == 4)
					read_line(&p, deeper);
			}
			x->places = GROWN(x->places, x->place_n);
			x->places[x->place_n++] = p;
		} else if (f == 5) {
			struct function c = { 0 };

			while ((g = in_field(&sub, &m, &deeper))) {
				if (g == 1)
					c.id = m;
				else if (g == 2)
					c.name = m;
				else if (g == 4)
					c.file = m;
			}
			x->functions = GROWN(x->functions, x->function_n);
			x->functions[x->function_n++] = c;
		} else if (f == 1 && x->type_n < 16) {
			while ((g = in_field(&sub, &m, &deeper))) {
				if (g == 1)
					x->types[x->type_n].type = m;
				else if (g == 2)
					x->types[x->type_n].unit = m;
			}
			x->type_n++;
		}
	}
}

static void pick_values(struct pprof *x)
{
	x->value_cpu = x->value_wall = x->value_count = -1;
	for (unsigned i = 0; i < x->type_n; i++) {
		auto_free char *type = pprof_text(x, x->types[i].type), *unit = pprof_text(x, x->types[i].unit);

		x->unit[i] = !unit ? 1 : !strcmp(unit, "microseconds") ? 1e3 : !strcmp(unit, "milliseconds") ? 1e6 :
			     !strcmp(unit, "seconds") ? 1e9 : 1;
		if (type && strcmp(type, "cpu") == 0)
			x->value_cpu = (int)i;
		else if (type && strcmp(type, "wall") == 0)
			x->value_wall = (int)i;
		else if (type && strcmp(type, "samples") == 0)
			x->value_count = (int)i;
	}
	if (x->value_cpu < 0) /* heap profiles and others: the last value is the one to show */
		x->value_cpu = x->type_n ? (int)x->type_n - 1 : 0;
}

static int place_by_id(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static int function_by_id(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static uint32_t frame_of(struct pprof *x, struct profile *p, uint64_t function, uint64_t line, bool inlined)
{
	struct function key = { .id = function };
	struct function *c = x->function_n ? bsearch(&key, x->functions, x->function_n, sizeof(key), function_by_id) : NULL;
	auto_free char *name = c ? pprof_text(x, c->name) : NULL, *file = c ? pprof_text(x, c->file) : NULL;
	struct prof_frame f = { .language = "native", .function = name ? name : "[unknown]", .file = file,
				.line = line < INT_MAX ? (int32_t)line : 0, .inlined = inlined };

	return profile_frame(p, &f);
}

static size_t in_numbers(struct in sub, uint64_t single, bool packed, uint64_t *out, size_t n, size_t max)
{
	if (!packed) {
		if (n < max)
			out[n++] = single;
		return n;
	}
	while (sub.at < sub.end && !sub.bad && n < max)
		out[n++] = in_varint(&sub);
	return n;
}

enum { STACK_MAX = 2048 };

static void read_sample(struct pprof *x, struct profile *p, struct in sample)
{
	static uint64_t ids[STACK_MAX], values[16];
	static uint32_t frames[STACK_MAX * 2];
	size_t id_n = 0, value_n = 0, n = 0;
	struct prof_sample *s;
	struct in sub;
	uint64_t v;
	unsigned f;
	double cpu, wall;

	memset(values, 0, sizeof(values));
	while ((f = in_field(&sample, &v, &sub))) {
		if (f == 1)
			id_n = in_numbers(sub, v, sub.at != NULL, ids, id_n, STACK_MAX);
		else if (f == 2)
			value_n = in_numbers(sub, v, sub.at != NULL, values, value_n, 16);
	}
	for (size_t i = 0; i < id_n; i++) {
		struct place key = { .id = ids[i] };
		struct place *at = x->place_n ? bsearch(&key, x->places, x->place_n, sizeof(key), place_by_id) : NULL;

		for (unsigned k = 0; at && k < at->n && n < STACK_MAX * 2; k++)
			frames[n++] = frame_of(x, p, at->lines[k].function, at->lines[k].line, k + 1 < at->n);
	}
	cpu = (double)(int64_t)values[x->value_cpu] * x->unit[x->value_cpu];
	wall = x->value_wall >= 0 ? (double)(int64_t)values[x->value_wall] * x->unit[x->value_wall] : cpu;
	if (!(cpu >= 0 && cpu < 9e17 && wall >= 0 && wall < 9e17) || (cpu == 0 && wall == 0))
		return;
	s = profile_sample(p);
	s->stack = profile_stack(p, frames, n);
	s->cpu_ns = (int64_t)cpu;
	s->wall_ns = (int64_t)wall;
	if (cpu == 0)
		s->wait = (int32_t)profile_wait(p, "unknown", NULL, false);
}

static unsigned char *inflated(const char *bytes, size_t n, size_t *size)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)bytes, .avail_in = (unsigned)n };
	unsigned char *out = NULL;
	size_t cap = 0;
	int rc = Z_OK;

	*size = 0;
	if (n > UINT_MAX || inflateInit2(&z, 15 + 32) != Z_OK)
		return NULL;
	while (rc == Z_OK && *size < INFLATED_MAX) {
		cap = cap ? cap * 2 : 65536;
		out = xrealloc(out, cap);
		z.next_out = out + *size;
		z.avail_out = (unsigned)(cap - *size);
		rc = inflate(&z, Z_NO_FLUSH);
		*size = cap - z.avail_out;
		if (rc == Z_OK && z.avail_out)
			break; /* the input ends before its end */
	}
	inflateEnd(&z);
	if (rc == Z_STREAM_END)
		return out;
	free(out);
	return NULL;
}

char *prof_gunzip(const char *bytes, size_t n, size_t *size)
{
	return (char *)inflated(bytes, n, size);
}

int prof_read_pprof(struct profile *p, const char *bytes, size_t n, struct err *e)
{
	struct in body = { (const unsigned char *)bytes, (const unsigned char *)bytes + n, false }, sub;
	struct pprof x = { 0 };
	uint64_t v;
	unsigned f;

	read_tables(&x, body);
	if (!x.string_n || !x.place_n || x.strings[0].at != x.strings[0].end) {
		free(x.strings);
		free(x.places);
		free(x.functions);
		return err_set(e, ERR_FAILURE, "not a pprof profile");
	}
	pick_values(&x);
	qsort(x.places, x.place_n, sizeof(*x.places), place_by_id);
	if (x.function_n)
		qsort(x.functions, x.function_n, sizeof(*x.functions), function_by_id);
	profile_thread(p, 1, 1, "pprof");
	while ((f = in_field(&body, &v, &sub)))
		if (f == 2)
			read_sample(&x, p, sub);
	free(x.strings);
	free(x.places);
	free(x.functions);
	return 0;
}
