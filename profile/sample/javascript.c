/* SPDX-License-Identifier: Apache-2.0 */
/* javascript.c - JavaScript frames of Node in a copied stack: V8 leaves its functions where they are for long, so that
 * they can be read after the sample was taken, and nobody has to stop for it. */
#include "profile/sample/sampler.h"

#include "profile/lang/v8.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 20 };
#define TRY_AGAIN_NS (20 * NS_PER_MS)
#define PAGES_NS (250 * NS_PER_MS) /* so long what was read of its memory counts */

struct snode {
	bool ok;
	unsigned tries;
	int64_t tried_ns, forgot_ns;
	struct snap_process seen;
	struct native native;
	struct module module;
	struct v8 v8;
	struct v8_frame frames[V8_FRAMES_MAX];
};

bool path_is_node(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	return strcmp(base, "node") == 0 || strcmp(base, "nodejs") == 0 || strncmp(base, "libnode", 7) == 0;
}

static bool node_open(struct snode *n, struct sproc *p)
{
	char reason[200];

	for (size_t i = 0; i < p->space.n; i++) {
		struct walk_map *m = &p->space.v[i];

		if (!m->image || !path_is_node(m->image->path) || !walk_image_ready(m->image))
			continue;
		n->seen = (struct snap_process){ .pid = p->pid, .ns_pid = p->pid, .peek = { .pid = p->pid, .mem_fd = -1 } };
		if (maps_read(&n->seen.maps, p->pid) < 0)
			return false;
		n->native = (struct native){ .p = &n->seen };
		n->module = (struct module){ .start = m->start, .end = m->end, .image = m->image->im };
		if (v8_open(&n->v8, &n->native, &n->module, reason, sizeof(reason)))
			return true;
		v8_release(&n->v8);
		maps_release(&n->seen.maps);
		return false;
	}
	return false;
}

static struct snode *node_ready(struct sproc *p, int64_t now)
{
	struct snode *n = p->node;

	if (!n)
		n = p->node = xcalloc(1, sizeof(*n));
	if (!n->ok && n->tries < TRIES_MAX && now - n->tried_ns >= TRY_AGAIN_NS) {
		n->tries++;
		n->tried_ns = now;
		n->ok = node_open(n, p);
	}
	if (n->ok && now - n->forgot_ns >= PAGES_NS) {
		lang_forget(&n->v8.m);
		n->forgot_ns = now;
	}
	return n->ok ? n : NULL;
}

void snode_free(struct sproc *p)
{
	if (!p->node)
		return;
	if (p->node->ok) {
		v8_release(&p->node->v8);
		maps_release(&p->node->seen.maps);
	}
	free(p->node);
	p->node = NULL;
}

static uint32_t entry_of(struct sampler *s, const struct v8_frame *f)
{
	struct book_entry e = { .kind = ENTRY_SCRIPT, .language = "javascript", .function = f->function, .file = f->file,
				.line = f->line, .entry = f->optimised };

	return book_entry(&s->book, &e);
}

size_t snode_merge(struct sampler *s, struct sproc *p, const struct snap_regs *regs, const struct walk_stack *stack,
		   const struct walk_frame *frames, size_t count, bool whole, const uint32_t *native, uint32_t *out,
		   size_t max)
{
	static struct snap_frame sps[WALK_FRAMES_MAX];
	struct snode *n = stack->n ? node_ready(p, clock_mono_ns()) : NULL;
	struct v8_stack copy = { stack->base, stack->bytes, stack->n };
	size_t js = 0, found, at = 0, k = 0;

	if (!n)
		return 0;
	n->v8.fp = regs->have >> SNAP_REG_FP & 1 ? regs->r[SNAP_REG_FP] : 0;
	n->v8.pc = regs->pc;
	found = v8_frames(&n->v8, &copy, n->frames);
	for (size_t i = 0; i < count; i++)
		sps[i].sp = frames[i].sp;
	js = v8_frames_live(n->frames, found, &copy, sps, count, n->v8.fp, whole);
	for (size_t i = 0; i < count && k + 1 < max; i++) {
		uint64_t next = i + 1 < count ? frames[i + 1].sp : 0;

		while (at < js && next && n->frames[at].fp < next && k + 1 < max)
			out[k++] = entry_of(s, &n->frames[at++]);
		out[k++] = native[i];
	}
	while (at < js && k < max)
		out[k++] = entry_of(s, &n->frames[at++]);
	for (size_t i = 0; i < js; i++)
		v8_frame_release(&n->frames[i]);
	return js ? k : 0;
}
