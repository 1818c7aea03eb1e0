/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/raw.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct in {
	const char *at, *end;
	bool bad;
};

static const char *take(struct in *in, size_t n)
{
	const char *at = in->at;

	if ((size_t)(in->end - in->at) < n) {
		in->bad = true;
		return NULL;
	}
	in->at += n;
	return at;
}

static uint8_t u8(struct in *in)
{
	const char *p = take(in, 1);

	return p ? (uint8_t)*p : 0;
}

static uint32_t u32(struct in *in)
{
	const char *p = take(in, 4);
	uint32_t v = 0;

	if (p)
		memcpy(&v, p, 4);
	return v;
}

static int64_t i64(struct in *in)
{
	const char *p = take(in, 8);
	int64_t v = 0;

	if (p)
		memcpy(&v, p, 8);
	return v;
}

static const char *text(struct in *in, struct texts *t)
{
	uint32_t n = u32(in);
	const char *p;

	if (in->bad || n == UINT32_MAX)
		return NULL;
	p = take(in, n);
	return p ? texts_keepn(t, p, n) : NULL;
}

#define ADD(r, list, count) \
	((r)->list = grown((r)->list, (r)->count, sizeof(*(r)->list)), (r)->list + (r)->count++)

/* Room for one more: doubled at each power of two. */
static void *grown(void *v, size_t n, size_t size)
{
	return n & (n - 1) ? v : xreallocarray(v, n ? n * 2 : 1, size);
}

static void read_thread(struct raw *r, struct in *in)
{
	struct raw_thread t = { .pid = (int32_t)u32(in), .tid = (int32_t)u32(in), .ppid = (int32_t)u32(in),
				.start_ns = i64(in), .end_ns = -1, .cpu_ns = -1, .delay_ns = -1 };

	if (!in->bad)
		*ADD(r, threads, thread_count) = t;
}

static void read_names(struct raw *r, struct in *in)
{
	uint32_t id = u32(in), n;
	const char *comm = text(in, &r->texts), *name = text(in, &r->texts), *exe = text(in, &r->texts);
	struct raw_thread *t;

	n = u32(in);
	if (in->bad || id >= r->thread_count) {
		in->bad = true;
		return;
	}
	t = &r->threads[id];
	t->comm = comm ? comm : t->comm;
	t->name = name ? name : t->name;
	t->exe = exe ? exe : t->exe;
	if (n)
		strv_release(&t->argv);
	for (uint32_t i = 0; i < n && !in->bad; i++) {
		const char *word = text(in, &r->texts);

		strv_add(&t->argv, word ? word : "");
	}
}

static void read_end(struct raw *r, struct in *in)
{
	uint32_t id = u32(in);
	int64_t at = i64(in), cpu = i64(in), delay = i64(in);

	if (in->bad || id >= r->thread_count) {
		in->bad = true;
		return;
	}
	r->threads[id].end_ns = at;
	r->threads[id].cpu_ns = cpu;
	r->threads[id].delay_ns = delay;
}

static void read_image(struct raw *r, struct in *in)
{
	uint32_t id = u32(in);
	struct raw_image m = { .inode = (uint64_t)i64(in), .dev_major = u32(in), .dev_minor = u32(in) };

	m.path = text(in, &r->texts);
	if (in->bad || id != r->image_count || !m.path)
		in->bad = true;
	else
		*ADD(r, images, image_count) = m;
}

static void read_entry(struct raw *r, struct in *in)
{
	struct book_entry x = { .kind = u8(in) };
	uint8_t flags = u8(in);

	x.activation = flags & 1;
	x.entry = flags >> 1 & 1;
	x.image = u32(in);
	x.vaddr = (uint64_t)i64(in);
	x.line = (int32_t)u32(in);
	x.language = text(in, &r->texts);
	x.function = text(in, &r->texts);
	x.file = text(in, &r->texts);
	if (x.kind > ENTRY_MARK)
		in->bad = true;
	if (!in->bad)
		*ADD(r, entries, entry_count) = x;
}

static void read_stack(struct raw *r, struct in *in)
{
	uint32_t n = u32(in);
	size_t first = r->pool_count;

	for (uint32_t i = 0; i < n && !in->bad; i++) {
		uint32_t id = u32(in);

		if (id >= r->entry_count)
			in->bad = true;
		else
			*ADD(r, pool, pool_count) = id;
	}
	if (in->bad)
		return;
	r->stack_len = grown(r->stack_len, r->stack_count, sizeof(*r->stack_len));
	r->stack_len[r->stack_count] = n;
	*ADD(r, stack_first, stack_count) = (uint32_t)first;
}

static void read_wait(struct raw *r, struct in *in)
{
	struct book_wait w = { .nr = (int32_t)u32(in), .state = (char)u8(in), .kind = u32(in) };

	w.resource = text(in, &r->texts);
	if (!in->bad)
		*ADD(r, waits, wait_count) = w;
}

static void read_sample(struct raw *r, struct in *in)
{
	struct book_sample x = { .ts_ns = i64(in), .thread = u32(in), .stack = u32(in), .wait = (int32_t)u32(in),
				 .source = u8(in), .cpu_ns = i64(in), .wall_ns = i64(in) };

	if (in->bad || x.thread >= r->thread_count || x.stack >= r->stack_count || x.wait < -1 ||
	    x.wait >= (int64_t)r->wait_count || x.cpu_ns < 0 || x.wall_ns < 0 || x.cpu_ns > INT64_MAX / 8 ||
	    x.wall_ns > INT64_MAX / 8 || x.source > FROM_REST)
		in->bad = true;
	else
		*ADD(r, samples, sample_count) = x;
}

static void read_note(struct raw *r, struct in *in)
{
	struct raw_note n = { .kind = text(in, &r->texts) };

	n.n = u32(in);
	n.text = take(in, n.n);
	if (!in->bad && n.kind && n.text)
		*ADD(r, notes, note_count) = n;
}

static void read_record(struct raw *r, uint8_t type, struct in *in)
{
	switch (type) {
	case BOOK_THREAD: read_thread(r, in); break;
	case BOOK_NAMES: read_names(r, in); break;
	case BOOK_END: read_end(r, in); break;
	case BOOK_IMAGE: read_image(r, in); break;
	case BOOK_ENTRY: read_entry(r, in); break;
	case BOOK_STACK: read_stack(r, in); break;
	case BOOK_WAIT: read_wait(r, in); break;
	case BOOK_SAMPLE: read_sample(r, in); break;
	case BOOK_NOTE: read_note(r, in); break;
	default: in->bad = true; break;
	}
}

int raw_parse(struct raw *r, const char *bytes, size_t n, struct err *e)
{
	struct in in = { bytes, bytes + n, false };
	uint64_t magic;

	*r = (struct raw){ 0 };
	if (u8(&in) != BOOK_HEAD || u32(&in) != 16)
		return err_set(e, ERR_FAILURE, "not a profile's log");
	magic = (uint64_t)i64(&in);
	r->start_ns = i64(&in);
	if (in.bad || magic != BOOK_MAGIC)
		return err_set(e, ERR_FAILURE, "not a profile's log (bad magic)");
	while (in.at < in.end && !r->torn) {
		uint8_t type = u8(&in);
		uint32_t len = u32(&in);
		struct in one = { in.at, in.at, false };

		if (in.bad || (size_t)(in.end - in.at) < len) {
			r->torn = true;
			break;
		}
		one.end = in.at + len;
		read_record(r, type, &one);
		r->torn = one.bad;
		in.at += len;
	}
	return 0;
}

void raw_release(struct raw *r)
{
	for (size_t i = 0; i < r->thread_count; i++)
		strv_release(&r->threads[i].argv);
	free(r->threads);
	free(r->images);
	free(r->entries);
	free(r->pool);
	free(r->stack_first);
	free(r->stack_len);
	free(r->waits);
	free(r->samples);
	free(r->notes);
	texts_release(&r->texts);
	*r = (struct raw){ 0 };
}
