/* SPDX-License-Identifier: Apache-2.0 */
/* java.c - Java frames in a copied stack: interpreted ones keep their method in it, and of compiled code the JVM itself
 * tells which methods were inlined at an address, and how large its frames are. Nobody stops for it. */
#include "profile/sample/sampler.h"

#include "profile/lang/hotspot.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 40, PLACES_MAX = 4096, FRESH_HITS = 256 };
#define TRY_AGAIN_NS (50 * NS_PER_MS)
#define PAGES_NS (250 * NS_PER_MS) /* so long what was read of its memory counts */

/* Words of an interpreter's frame, from its frame pointer. */
enum { SENDER_SP = -1, METHOD = -3, BYTECODE = -8, BYTECODE_8 = -7 };

struct java_place { /* an address of compiled code, or a method and the place in it */
	uint64_t key[2];
	unsigned hits;
	uint8_t count;
	uint32_t entry[HOTSPOT_INLINED_MAX];
};
struct sjava {
	unsigned tries;
	int64_t tried_ns, forgot_ns;
	struct peek peek;
	struct hotspot *hotspot; /* NULL: not to be read (yet) */
	struct walk_jit jit;
	struct java_place place[PLACES_MAX]; /* by hash: the last one stays */
};

bool path_is_java(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, "libjvm.so") == 0;
}

/* ---- following ---- */

static bool stands_in_code(struct sjava *j, struct sproc *p, uint64_t pc)
{
	struct hotspot_code c;
	struct walk_map *m = walk_space_find(&p->space, pc);

	return (m && m->image) || hotspot_code_at(j->hotspot, pc, &c);
}

static bool step_fp(struct snap_regs *r, const struct walk_stack *s, bool interpreted)
{
	uint64_t fp = r->have >> SNAP_REG_FP & 1 ? r->r[SNAP_REG_FP] : 0, up, ra, sp;

	if (!fp || fp & 7 || fp < r->r[SNAP_REG_SP] || !walk_stack_u64(s, fp, &up) || !walk_stack_u64(s, fp + 8, &ra))
		return false;
	/* An interpreted callee has made room for its locals in its caller's frame: that one's own pointer is kept. */
	if (!interpreted || !walk_stack_u64(s, fp + 8 * (uint64_t)(int64_t)SENDER_SP, &sp) || sp <= fp)
		sp = fp + 16;
	*r = (struct snap_regs){ .have = UINT64_C(1) << SNAP_REG_SP | UINT64_C(1) << SNAP_REG_FP, .pc = ra };
	r->r[SNAP_REG_SP] = sp;
	r->r[SNAP_REG_FP] = up;
	return true;
}

/* A frame of fixed size. Before it is set up, and after it was given back, the return address lies on top. */
static bool step_sized(struct sjava *j, struct sproc *p, struct snap_regs *r, const struct walk_stack *s,
		       const struct hotspot_code *c, bool activation)
{
	uint64_t sp = r->r[SNAP_REG_SP], fp = r->r[SNAP_REG_FP], ra = 0, top = 0, have = r->have >> SNAP_REG_FP & 1;
	bool early = activation && c->complete_at > 0 && r->pc < c->begin + (uint64_t)c->complete_at;

#if defined(__x86_64__)
	bool lost = early || !walk_stack_u64(s, sp + (uint64_t)c->frame_bytes - 8, &ra) || !stands_in_code(j, p, ra);

	if (activation && lost && walk_stack_u64(s, sp, &top) && stands_in_code(j, p, top)) {
		r->r[SNAP_REG_SP] = sp + 8;
		r->pc = top;
		return true;
	}
#else
	(void)early, (void)top, (void)j, (void)p;
#endif
	if (!walk_stack_u64(s, sp + (uint64_t)c->frame_bytes - 8, &ra))
		return false;
	if (walk_stack_u64(s, sp + (uint64_t)c->frame_bytes - 16, &fp))
		have = 1;
	*r = (struct snap_regs){ .have = UINT64_C(1) << SNAP_REG_SP | have << SNAP_REG_FP, .pc = ra };
	r->r[SNAP_REG_SP] = sp + (uint64_t)c->frame_bytes;
	r->r[SNAP_REG_FP] = fp;
	return true;
}

static bool java_step(void *arg, struct snap_regs *r, const struct walk_stack *s, bool activation)
{
	struct sproc *p = arg;
	struct sjava *j = p->java;
	struct hotspot_code c;

	if (!hotspot_code_at(j->hotspot, r->pc - !activation, &c))
		return false;
	if (c.kind == HOTSPOT_INTERPRETER || c.frame_bytes <= 0)
		return step_fp(r, s, c.kind == HOTSPOT_INTERPRETER);
	return step_sized(j, p, r, s, &c, activation);
}

/* ---- opening ---- */

static void java_open(struct sjava *j, struct sproc *p)
{
	for (size_t i = 0; i < p->space.n; i++) {
		struct walk_map *m = &p->space.v[i];
		struct hotspot_symbols at;
		struct elf_file *elf;
		uint64_t vaddr, bias;

		if (!m->image || !path_is_java(m->image->path) || !walk_image_ready(m->image))
			continue;
		elf = &m->image->im->elf;
		if (!elf_file_vaddr(elf, m->offset, &vaddr))
			return;
		bias = m->start - vaddr;
		at.structs = elf_file_symbol(elf, "gHotSpotVMStructs", true);
		at.structs_stride = elf_file_symbol(elf, "gHotSpotVMStructEntryArrayStride", true);
		at.types = elf_file_symbol(elf, "gHotSpotVMTypes", true);
		at.types_stride = elf_file_symbol(elf, "gHotSpotVMTypeEntryArrayStride", true);
		at.ints = elf_file_symbol(elf, "gHotSpotVMIntConstants", true);
		if (!at.structs || !at.structs_stride || !at.types || !at.types_stride || !at.ints)
			return;
		at.structs += bias;
		at.structs_stride += bias;
		at.types += bias;
		at.types_stride += bias;
		at.ints += bias;
		j->peek = (struct peek){ .pid = p->pid, .mem_fd = -1 };
		j->hotspot = hotspot_open(&j->peek, &at);
		return;
	}
}

const struct walk_jit *sjava_jit(struct sproc *p, int64_t now)
{
	struct sjava *j = p->java;

	if (!j) {
		j = p->java = xcalloc(1, sizeof(*j));
		j->jit = (struct walk_jit){ java_step, p };
	}
	if (!j->hotspot && j->tries < TRIES_MAX && now - j->tried_ns >= TRY_AGAIN_NS) {
		j->tries++;
		j->tried_ns = now;
		java_open(j, p);
	}
	if (j->hotspot && now - j->forgot_ns >= PAGES_NS) {
		hotspot_forget(j->hotspot);
		j->forgot_ns = now;
	}
	return j->hotspot ? &j->jit : NULL;
}

void sjava_free(struct sproc *p)
{
	if (!p->java)
		return;
	hotspot_free(p->java->hotspot);
	free(p->java);
	p->java = NULL;
}

/* ---- naming ---- */

static void place_keep(struct sampler *s, struct java_place *at, struct hotspot_frame *f, size_t n, bool compiled)
{
	at->count = 0;
	for (size_t i = 0; i < n; i++) {
		struct book_entry e = { .kind = ENTRY_SCRIPT, .language = "java", .function = f[i].function,
					.file = f[i].file, .line = f[i].line, .entry = compiled };

		at->entry[at->count++] = book_entry(&s->book, &e);
		hotspot_frame_release(&f[i]);
	}
}

static size_t place_slot(uint64_t pc, uint64_t method, uint64_t bcp)
{
	return ((pc ^ method ^ bcp * 31) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % PLACES_MAX;
}

/* The entries of a frame; 0: it is none of Java's. Once in a while they are read again, for code may have made room. */
static const struct java_place *java_place(struct sampler *s, struct sjava *j, const struct walk_frame *w,
					   const struct walk_stack *stack, const struct snap_regs *regs)
{
	struct hotspot_frame f[HOTSPOT_INLINED_MAX];
	struct hotspot_code c;
	uint64_t method = 0, bcp = 0, other = 0, pc = w->vaddr;
	struct java_place *at;

	if (!hotspot_code_at(j->hotspot, pc - !w->activation, &c))
		return NULL;
	if (c.kind == HOTSPOT_INTERPRETER) {
		if (!w->fp || !walk_stack_u64(stack, w->fp + 8 * (uint64_t)(int64_t)METHOD, &method) || !method)
			return NULL;
		if (!walk_stack_u64(stack, w->fp + 8 * (uint64_t)(int64_t)BYTECODE, &bcp))
			bcp = 0;
		if (!walk_stack_u64(stack, w->fp + 8 * (uint64_t)(int64_t)BYTECODE_8, &other))
			other = 0;
#if defined(__x86_64__)
		if (w->activation && regs->have >> 13 & 1) { /* there the interpreter keeps it while it runs */
			other = bcp;
			bcp = regs->r[13];
		}
#else
		(void)regs;
#endif
	} else if (c.kind != HOTSPOT_COMPILED) {
		return NULL;
	}
	at = &j->place[place_slot(pc, method, bcp)];
	if (at->key[0] == (method ? method : pc) && at->key[1] == bcp && at->hits++ % FRESH_HITS)
		return at;
	at->key[0] = method ? method : pc;
	at->key[1] = bcp;
	at->hits = 1;
	if (method)
		place_keep(s, at, f, hotspot_interpreted(j->hotspot, method, bcp, other, &f[0]), false);
	else
		place_keep(s, at, f, hotspot_compiled(j->hotspot, &c, pc, f), true);
	return at;
}

size_t sjava_merge(struct sampler *s, struct sproc *p, const struct snap_regs *regs, const struct walk_stack *stack,
		   const struct walk_frame *frames, size_t count, uint32_t *ids, size_t max)
{
	static uint32_t native[WALK_FRAMES_MAX];
	size_t n = 0;

	memcpy(native, ids, count * sizeof(*native));
	for (size_t i = 0; i < count && n < max; i++) {
		const struct java_place *at = frames[i].image ? NULL : java_place(s, p->java, &frames[i], stack, regs);

		if (!at || !at->count)
			ids[n++] = native[i];
		for (size_t k = 0; at && k < at->count && n < max; k++)
			ids[n++] = at->entry[k];
	}
	return n;
}
