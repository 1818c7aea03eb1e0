/* SPDX-License-Identifier: Apache-2.0 */
/* ruby.c - Ruby frames of a thread: its control frames are copied while it stands, or while it does not run, and named
 * afterwards. */
#include "profile/sample/sampler.h"

#include "profile/lang/ruby.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 40, PLACES_MAX = 4096 };
#define TRY_AGAIN_NS (20 * NS_PER_MS)
#define LIST_NS (1000 * NS_PER_MS)

struct ruby_known { /* a control frame's iseq and pc, named */
	uint64_t pc, iseq;
	uint32_t entry;
	bool named;
};
struct sruby {
	unsigned tries;
	int64_t tried_ns, listed_ns;
	struct snap_process seen;
	struct native native;
	struct module module;
	struct ruby *ruby;    /* NULL: not to be read (yet) */
	struct ruby_known known[PLACES_MAX]; /* by hash: the last one stays */
};

bool path_is_ruby(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	return strncmp(base, "ruby", 4) == 0 || strncmp(base, "libruby", 7) == 0;
}

static void ruby_open(struct sruby *r, struct sproc *p)
{
	for (size_t i = 0; i < p->space.n && !r->ruby; i++) {
		struct walk_map *m = &p->space.v[i];

		if (!m->image || !path_is_ruby(m->image->path) || !walk_image_ready(m->image))
			continue;
		r->seen = (struct snap_process){ .pid = p->pid, .ns_pid = p->pid, .peek = { .pid = p->pid, .mem_fd = -1 } };
		if (maps_read(&r->seen.maps, p->pid) < 0)
			return;
		r->module = (struct module){ .start = m->start, .end = m->end, .image = m->image->im };
		r->native = (struct native){ .p = &r->seen, .modules = &r->module, .module_count = 1 };
		r->ruby = ruby_sample_open(&r->native);
		if (!r->ruby)
			maps_release(&r->seen.maps);
	}
}

bool sruby_ready(struct sproc *p, int64_t now)
{
	struct sruby *r = p->ruby;

	if (!p->is_ruby)
		return false;
	if (!r)
		r = p->ruby = xcalloc(1, sizeof(*r));
	if (!r->ruby && r->tries < TRIES_MAX && now - r->tried_ns >= TRY_AGAIN_NS) {
		r->tries++;
		r->tried_ns = now;
		ruby_open(r, p);
	}
	if (r->ruby && now - r->listed_ns >= LIST_NS) {
		ruby_sample_list(r->ruby);
		r->listed_ns = now;
	}
	return r->ruby != NULL;
}

void sruby_free(struct sproc *p)
{
	if (!p->ruby)
		return;
	if (p->ruby->ruby) {
		ruby_sample_free(p->ruby->ruby);
		maps_release(&p->ruby->seen.maps);
	}
	free(p->ruby);
	p->ruby = NULL;
}

size_t sruby_copy(struct sproc *p, pid_t tid, unsigned char *out, size_t size)
{
	return p->ruby && p->ruby->ruby ? ruby_sample_copy(p->ruby->ruby, (uint64_t)tid, out, size) : 0;
}

static bool frame_entry(struct sampler *s, struct sruby *r, const unsigned char *cfp, bool still, uint32_t *entry)
{
	uint64_t key[2] = { bytes_u64(cfp, 24, 0), bytes_u64(cfp, 24, 16) };
	struct ruby_known *k = &r->known[((key[0] ^ key[1]) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PLACES_MAX];
	struct book_entry e = { .kind = ENTRY_SCRIPT, .language = "ruby" };
	struct ruby_frame f = { 0 };
	bool named;

	if (!key[1] && !still)
		return false; /* a method in C has its name by what lies on the stack, which has gone on */
	if (key[1] && k->iseq == key[1] && k->pc == key[0]) {
		*entry = k->entry;
		return k->named;
	}
	named = ruby_frame_name(ruby_sample_mem(r->ruby), cfp, &f);
	if (named) {
		e.function = f.function;
		e.file = f.file;
		e.line = f.line;
		*entry = book_entry(&s->book, &e);
	}
	if (key[1])
		*k = (struct ruby_known){ key[0], key[1], named ? *entry : 0, named };
	if (named) {
		free(f.function);
		free(f.file);
	}
	return named;
}

size_t sruby_name(struct sampler *s, struct sproc *p, const unsigned char *copy, size_t n, bool still, uint32_t *out,
		  size_t max)
{
	size_t size = p->ruby && p->ruby->ruby ? ruby_sample_frame_bytes(p->ruby->ruby) : 0, count = 0;

	if (!size)
		return 0;
	lang_forget(&ruby_sample_mem(p->ruby->ruby)->m);
	for (size_t at = 0; at + size <= n && count < max; at += size)
		count += frame_entry(s, p->ruby, copy + at, still, &out[count]);
	return count;
}
