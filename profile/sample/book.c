/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/book.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/redact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROW(v, n, cap)                                                       \
	do {                                                                  \
		if ((n) >= (cap)) {                                           \
			(cap) = (cap) ? (cap) * 2 : 64;                       \
			(v) = xreallocarray((v), (cap), sizeof(*(v)));        \
		}                                                             \
	} while (0)

/* ---- writing ---- */

static void put_u8(struct str *s, uint8_t v) { str_addc(s, (char)v); }
static void put_u32(struct str *s, uint32_t v) { str_addn(s, &v, 4); }
static void put_i64(struct str *s, int64_t v) { str_addn(s, &v, 8); }

static void put_text(struct str *s, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	put_u32(s, text ? (uint32_t)n : UINT32_MAX);
	str_addn(s, text ? text : "", n);
}

static size_t rec_begin(struct book *b, enum book_record type)
{
	put_u8(&b->out, (uint8_t)type);
	put_u32(&b->out, 0);
	return b->out.len;
}

static void rec_end(struct book *b, size_t at)
{
	uint32_t n = (uint32_t)(b->out.len - at);

	memcpy(b->out.data + at - 4, &n, 4);
}

static void put_sample(struct str *s, const struct book_sample *x)
{
	put_i64(s, x->ts_ns);
	put_u32(s, x->thread);
	put_u32(s, x->stack);
	put_u32(s, (uint32_t)x->wait);
	put_u8(s, x->source);
	put_i64(s, x->cpu_ns);
	put_i64(s, x->wall_ns);
	put_u32(s, 0);
}

/* In words that may be shown: a secret has no place in a profile either. */
static char *clean(struct book *b, const char *text)
{
	auto_str out = STR_INIT;

	if (!text)
		return NULL;
	if (!b->redactor)
		return xstrdup(text);
	redact_text(b->redactor, text, strlen(text), &out);
	return str_steal(&out);
}

int book_open(struct book *b, const char *path, int64_t start_ns, uint64_t bytes_max, struct redactor *r, struct err *e)
{
	size_t at;

	*b = (struct book){ .fd = -1, .start_ns = start_ns, .bytes_max = bytes_max, .redactor = r };
	if (path) {
		if (path_mkdirs_for(path, e) < 0)
			return -1;
		b->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (b->fd < 0)
			return err_sys(e, "creating '%s'", path);
		b->path = xstrdup(path);
	}
	at = rec_begin(b, BOOK_HEAD);
	put_i64(&b->out, (int64_t)BOOK_MAGIC);
	put_i64(&b->out, start_ns);
	rec_end(b, at);
	return 0;
}

static void book_images(struct book *b, const struct walk_images *images)
{
	for (; images && b->images_told < images->n; b->images_told++) {
		const struct walk_image *w = images->v[b->images_told];
		size_t at = rec_begin(b, BOOK_IMAGE);
		auto_free char *path = clean(b, w->path);

		put_u32(&b->out, w->id);
		put_i64(&b->out, (int64_t)w->map.inode);
		put_u32(&b->out, w->map.dev_major);
		put_u32(&b->out, w->map.dev_minor);
		put_text(&b->out, path);
		rec_end(b, at);
	}
}

static void book_samples(struct book *b)
{
	for (; b->kept_flushed < b->kept_n; b->kept_flushed++) {
		size_t at = rec_begin(b, BOOK_SAMPLE);

		put_sample(&b->out, &b->kept[b->kept_flushed]);
		rec_end(b, at);
	}
}

static int by_bucket(const void *x, const void *y)
{
	const struct book_sample *a = x, *b = y;

	if (a->ts_ns != b->ts_ns)
		return a->ts_ns < b->ts_ns ? -1 : 1;
	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	if (a->stack != b->stack)
		return a->stack < b->stack ? -1 : 1;
	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->wait < b->wait ? -1 : a->wait > b->wait;
}

/* Equal samples of one bucket become one, with the sum of their weights. */
static void book_merge(struct book *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->kept_n; i++)
		b->kept[i].ts_ns -= b->kept[i].ts_ns % b->bucket_ns;
	if (b->kept_n)
		qsort(b->kept, b->kept_n, sizeof(*b->kept), by_bucket);
	for (size_t i = 0; i < b->kept_n; i++) {
		if (n && by_bucket(&b->kept[n - 1], &b->kept[i]) == 0) {
			b->kept[n - 1].cpu_ns += b->kept[i].cpu_ns;
			b->kept[n - 1].wall_ns += b->kept[i].wall_ns;
		} else {
			b->kept[n++] = b->kept[i];
		}
	}
	b->kept_n = n;
}

/* Beyond the bound: wider buckets until half of it is free, and the log's samples written anew. The records of other kinds
 * stay: they are told once a thing. */
static void book_shrink(struct book *b)
{
	auto_free char *all = NULL;
	auto_str text = STR_INIT;
	size_t n = 0;
	struct err e;

	do {
		b->bucket_ns = b->bucket_ns ? b->bucket_ns * 2 : 1000000000;
		book_merge(b);
	} while (b->kept_n * (BOOK_SAMPLE_BYTES + 5) > b->bytes_max / 2 && b->bucket_ns < INT64_C(1) << 50);
	b->kept_flushed = 0;
	if (b->fd < 0 || file_read(b->path, (size_t)1 << 31, &all, &n, &e) < 0)
		return;
	for (size_t at = 0; at + 5 <= n;) {
		uint32_t len;

		memcpy(&len, all + at + 1, 4);
		if (len > n - at - 5)
			break;
		if (all[at] != BOOK_SAMPLE)
			str_addn(&text, all + at, 5 + len);
		at += 5 + len;
	}
	str_addn(&text, str_cstr(&b->out), b->out.len);
	str_reset(&b->out);
	book_samples(b);
	str_addn(&text, str_cstr(&b->out), b->out.len);
	str_reset(&b->out);
	if (file_write(b->path, str_cstr(&text), text.len, &e) < 0)
		return;
	close(b->fd);
	b->fd = open(b->path, O_RDWR | O_APPEND | O_CLOEXEC);
}

void book_flush(struct book *b, const struct walk_images *images)
{
	book_images(b, images);
	if (b->kept_n * (BOOK_SAMPLE_BYTES + 5) > b->bytes_max)
		book_shrink(b);
	book_samples(b);
	if (b->fd >= 0 && b->out.len && fd_write_all(b->fd, b->out.data, b->out.len) < 0)
		b->flush_failed++;
	if (b->fd >= 0)
		str_reset(&b->out);
}

void book_release(struct book *b)
{
	fd_close(&b->fd);
	free(b->path);
	texts_release(&b->texts);
	intern_release(&b->entry_index);
	intern_release(&b->stack_index);
	intern_release(&b->wait_index);
	free(b->entries);
	free(b->stack_first);
	free(b->stack_len);
	free(b->stack_pool);
	free(b->waits);
	free(b->threads);
	free(b->kept);
	str_release(&b->out);
}

/* ---- things ---- */

struct find_key {
	const struct book *b;
	const void *thing;
	size_t n;
};

static bool entry_same(const void *arg, uint32_t id)
{
	const struct find_key *k = arg;
	const struct book_entry *x = &k->b->entries[id], *y = k->thing;

	return x->kind == y->kind && x->activation == y->activation && x->entry == y->entry && x->image == y->image &&
	       x->vaddr == y->vaddr && x->line == y->line && x->function == y->function && x->file == y->file &&
	       x->language == y->language;
}

uint32_t book_entry(struct book *b, const struct book_entry *given)
{
	struct book_entry e = *given;
	struct find_key key = { b, &e, 0 };
	uint64_t hash, w[4];
	uint32_t id;
	size_t at;

	e.language = texts_keep(&b->texts, e.language);
	e.function = texts_keep(&b->texts, e.function);
	e.file = texts_keep(&b->texts, e.file);
	w[0] = (uint64_t)e.kind | (uint64_t)e.activation << 8 | (uint64_t)e.entry << 16 | (uint64_t)e.image << 32;
	w[1] = e.vaddr;
	w[2] = (uint64_t)(uintptr_t)e.function ^ (uint64_t)(uint32_t)e.line << 40;
	w[3] = (uint64_t)(uintptr_t)e.file;
	hash = hash_bytes(2, w, sizeof(w));
	id = intern_find(&b->entry_index, hash, entry_same, &key);
	if (id != INTERN_NONE)
		return id;
	id = intern_add(&b->entry_index, hash);
	GROW(b->entries, id, b->entry_cap);
	b->entries[id] = e;
	at = rec_begin(b, BOOK_ENTRY);
	put_u8(&b->out, e.kind);
	put_u8(&b->out, (uint8_t)(e.activation | e.entry << 1));
	put_u32(&b->out, e.image);
	put_i64(&b->out, (int64_t)e.vaddr);
	put_u32(&b->out, (uint32_t)e.line);
	put_text(&b->out, e.language);
	put_text(&b->out, e.function);
	put_text(&b->out, e.file);
	rec_end(b, at);
	return id;
}

static bool stack_same(const void *arg, uint32_t id)
{
	const struct find_key *k = arg;

	return k->b->stack_len[id] == k->n &&
	       memcmp(k->b->stack_pool + k->b->stack_first[id], k->thing, k->n * sizeof(uint32_t)) == 0;
}

uint32_t book_stack(struct book *b, const uint32_t *entries, size_t n)
{
	struct find_key key = { b, entries, n };
	uint64_t hash = hash_bytes(n, entries, n * sizeof(*entries));
	uint32_t id = intern_find(&b->stack_index, hash, stack_same, &key);
	size_t at;

	if (id != INTERN_NONE)
		return id;
	id = intern_add(&b->stack_index, hash);
	if (id >= b->stack_cap) {
		b->stack_cap = b->stack_cap ? b->stack_cap * 2 : 64;
		b->stack_first = xreallocarray(b->stack_first, b->stack_cap, sizeof(*b->stack_first));
		b->stack_len = xreallocarray(b->stack_len, b->stack_cap, sizeof(*b->stack_len));
	}
	while (b->pool_n + n > b->pool_cap) {
		b->pool_cap = b->pool_cap ? b->pool_cap * 2 : 1024;
		b->stack_pool = xreallocarray(b->stack_pool, b->pool_cap, sizeof(*b->stack_pool));
	}
	b->stack_first[id] = b->pool_n;
	b->stack_len[id] = (uint32_t)n;
	memcpy(b->stack_pool + b->pool_n, entries, n * sizeof(*entries));
	b->pool_n += (uint32_t)n;
	at = rec_begin(b, BOOK_STACK);
	put_u32(&b->out, (uint32_t)n);
	str_addn(&b->out, entries, n * sizeof(*entries));
	rec_end(b, at);
	return id;
}

static bool wait_same(const void *arg, uint32_t id)
{
	const struct find_key *k = arg;
	const struct book_wait *x = &k->b->waits[id], *y = k->thing;

	return x->nr == y->nr && x->state == y->state && x->kind == y->kind && x->resource == y->resource;
}

int32_t book_wait(struct book *b, const struct book_wait *given)
{
	struct book_wait w = *given;
	struct find_key key = { b, &w, 0 };
	auto_free char *resource = clean(b, given->resource);
	uint64_t hash, v[2];
	uint32_t id;
	size_t at;

	w.resource = texts_keep(&b->texts, resource);
	v[0] = (uint64_t)(uint32_t)w.nr | (uint64_t)(unsigned char)w.state << 32 | (uint64_t)w.kind << 40;
	v[1] = (uint64_t)(uintptr_t)w.resource;
	hash = hash_bytes(3, v, sizeof(v));
	id = intern_find(&b->wait_index, hash, wait_same, &key);
	if (id != INTERN_NONE)
		return (int32_t)id;
	id = intern_add(&b->wait_index, hash);
	GROW(b->waits, id, b->wait_cap);
	b->waits[id] = w;
	at = rec_begin(b, BOOK_WAIT);
	put_u32(&b->out, (uint32_t)w.nr);
	put_u8(&b->out, (uint8_t)w.state);
	put_u32(&b->out, w.kind);
	put_text(&b->out, w.resource);
	rec_end(b, at);
	return (int32_t)id;
}

uint32_t book_thread(struct book *b, pid_t pid, pid_t tid, pid_t ppid, int64_t at_ns)
{
	uint32_t id = b->thread_count;
	size_t at;

	GROW(b->threads, id, b->thread_cap);
	b->thread_count++;
	b->threads[id] = (struct book_thread){ .pid = pid, .tid = tid, .ppid = ppid, .start_ns = at_ns, .end_ns = -1,
					       .cpu_ns = -1 };
	at = rec_begin(b, BOOK_THREAD);
	put_u32(&b->out, (uint32_t)pid);
	put_u32(&b->out, (uint32_t)tid);
	put_u32(&b->out, (uint32_t)ppid);
	put_i64(&b->out, at_ns);
	rec_end(b, at);
	return id;
}

void book_thread_names(struct book *b, uint32_t thread, const char *comm, const char *name, const char *exe,
		       const struct strv *argv)
{
	auto_free char *c = clean(b, comm), *n = clean(b, name), *x = clean(b, exe);
	struct strv shown = STRV_INIT;
	size_t at = rec_begin(b, BOOK_NAMES);

	if (argv && argv->n && b->redactor)
		redact_argv(b->redactor, argv->v, &shown);
	else if (argv)
		strv_copy(&shown, argv);
	b->threads[thread].named = true;
	put_u32(&b->out, thread);
	put_text(&b->out, c);
	put_text(&b->out, n);
	put_text(&b->out, x);
	put_u32(&b->out, (uint32_t)shown.n);
	for (size_t i = 0; i < shown.n; i++)
		put_text(&b->out, shown.v[i]);
	rec_end(b, at);
	strv_release(&shown);
}

void book_thread_end(struct book *b, uint32_t thread, int64_t at_ns, int64_t cpu_ns, int64_t delay_ns)
{
	struct book_thread *t = &b->threads[thread];
	size_t at = rec_begin(b, BOOK_END);

	t->end_ns = at_ns;
	t->cpu_ns = cpu_ns;
	put_u32(&b->out, thread);
	put_i64(&b->out, at_ns);
	put_i64(&b->out, cpu_ns);
	put_i64(&b->out, delay_ns);
	rec_end(b, at);
}

void book_thread_more(struct book *b, uint32_t thread, int64_t more_ns)
{
	const struct book_thread *t = &b->threads[thread];

	book_thread_end(b, thread, t->end_ns, (t->cpu_ns > 0 ? t->cpu_ns : 0) + more_ns, -1);
}

void book_sample(struct book *b, const struct book_sample *s)
{
	if (b->kept_n == b->kept_cap) {
		b->kept_cap = b->kept_cap ? b->kept_cap * 2 : 1024;
		b->kept = xreallocarray(b->kept, b->kept_cap, sizeof(*b->kept));
	}
	b->kept[b->kept_n++] = *s;
	b->samples++;
	b->threads[s->thread].sampled_ns += s->cpu_ns;
}

void book_note(struct book *b, const char *kind, const char *text, size_t n)
{
	size_t at = rec_begin(b, BOOK_NOTE);

	put_text(&b->out, kind);
	put_u32(&b->out, (uint32_t)n);
	str_addn(&b->out, text, n);
	rec_end(b, at);
}
