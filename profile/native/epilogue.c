/* SPDX-License-Identifier: Apache-2.0 */
/* epilogue.c - the caller of a function that no table describes: musl, which Alpine's programs run with, is compiled
 * without.
 *
 * Whatever way a function takes from where it stands to its `ret`, the stack pointer is then at its return address, and
 * what it pops on that way are its caller's registers. So its instructions are followed: only their lengths and what
 * they do to the stack pointer matter. Calls are passed over. A way that ends (a trap, a jump through a pointer, an
 * instruction that is not known, the end of the function behind a call that does not return) is left for the other side
 * of the last branch. What is found counts where it is an address behind a call. */
#include "profile/native/insn.h"
#include "profile/native/resolve.h"

#include <string.h>

#if defined(__x86_64__)

enum { WAYS = 16, STEPS = 400, SEEN = 512 };

/* One way through the function. */
struct way {
	uint64_t vaddr, sp, fp;
	uint64_t pushed; /* what lies below was written on the way, and is not in the copy */
	bool fp_known;
	bool after_call;
};

static bool copied(const struct snap_thread *t, const struct way *w, uint64_t addr, uint64_t *v)
{
	if (addr < w->pushed || t->stack_size < sizeof(*v) || addr < t->stack_base ||
	    addr - t->stack_base > t->stack_size - sizeof(*v))
		return false;
	memcpy(v, t->stack + (addr - t->stack_base), sizeof(*v));
	return true;
}

static void restore(const struct snap_thread *t, struct way *w, int reg, uint64_t from)
{
	if (reg == SNAP_REG_FP)
		w->fp_known = copied(t, w, from, &w->fp);
}

/* What an instruction does to the stack. False where the way ends. */
static bool apply(const struct snap_thread *t, struct way *w, const struct insn *i)
{
	switch (i->effect) {
	case INSN_PUSH:
		if (w->pushed < w->sp)
			w->pushed = w->sp;
		w->sp -= 8;
		return true;
	case INSN_POP:
		restore(t, w, i->reg, w->sp);
		w->sp += 8;
		return i->reg != SNAP_REG_SP;
	case INSN_ADD_SP: w->sp += (uint64_t)i->value; return true;
	case INSN_LOAD: restore(t, w, i->reg, w->sp + (uint64_t)i->value); return true;
	case INSN_SP_FROM_FP:
		if (!w->fp_known)
			return false;
		w->sp = w->fp + (uint64_t)i->value;
		if (i->reg == SNAP_REG_FP) {
			restore(t, w, SNAP_REG_FP, w->sp);
			w->sp += 8;
		}
		return true;
	default: return i->effect != INSN_END && !(i->effect == INSN_PADDING && w->after_call);
	}
}

struct walk {
	struct way ways[WAYS];
	unsigned way_count;
	uint64_t seen[SEEN];
	unsigned seen_count;
	int steps;
};

static bool first_visit(struct walk *k, uint64_t vaddr)
{
	for (unsigned i = 0; i < k->seen_count; i++)
		if (k->seen[i] == vaddr)
			return false;
	if (k->seen_count == SEEN)
		return false;
	k->seen[k->seen_count++] = vaddr;
	return true;
}

/* Follows one way to its `ret`. */
static bool follow(struct walk *k, const struct elf_file *elf, const struct snap_thread *t, struct way *w)
{
	struct insn i;

	while (k->steps++ < STEPS && first_visit(k, w->vaddr)) {
		const unsigned char *b = elf_file_at(elf, w->vaddr, INSN_BYTES);

		if (!b || !insn_decode(b, &i) || !apply(t, w, &i))
			return false;
		w->vaddr += i.length;
		w->after_call = i.effect == INSN_CALL;
		if (i.effect == INSN_RETURN)
			return true;
		if (i.effect == INSN_BRANCH && k->way_count < WAYS) {
			k->ways[k->way_count] = *w;
			k->ways[k->way_count++].vaddr += (uint64_t)i.value;
		}
		if (i.effect == INSN_JUMP)
			w->vaddr += (uint64_t)i.value;
	}
	return false;
}

bool epilogue_follow(struct native *n, uint64_t pc, uint64_t sp, const uint64_t *fp, struct snap_regs *caller)
{
	struct walk k = { .way_count = 1 };
	struct module *m = native_module(n, pc);
	const struct snap_thread *t = n->current;
	uint64_t ret;

	if (!sp || !m || !m->image || m->image->copy || !image_ready(m->image) ||
	    !module_vaddr(m, &n->p->maps, pc, &k.ways[0].vaddr))
		return false;
	k.ways[0].sp = sp;
	k.ways[0].fp_known = fp != NULL;
	k.ways[0].fp = fp ? *fp : 0;
	while (k.way_count) {
		struct way w = k.ways[--k.way_count];

		if (!follow(&k, &m->image->elf, t, &w) || !copied(t, &w, w.sp, &ret) || !behind_call(n, ret))
			continue;
		*caller = (struct snap_regs){ .pc = ret, .have = UINT64_C(1) << SNAP_REG_SP };
		caller->r[SNAP_REG_SP] = w.sp + 8;
		if (w.fp_known) {
			caller->have |= UINT64_C(1) << SNAP_REG_FP;
			caller->r[SNAP_REG_FP] = w.fp;
		}
		return true;
	}
	return false;
}

#else

bool epilogue_follow(struct native *n, uint64_t pc, uint64_t sp, const uint64_t *fp, struct snap_regs *caller)
{
	(void)n;
	(void)pc;
	(void)sp;
	(void)fp;
	(void)caller;
	return false;
}

#endif
