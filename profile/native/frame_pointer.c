/* SPDX-License-Identifier: Apache-2.0 */
/* frame_pointer.c - a blocked thread's frame pointer, without stopping it.
 *
 * /proc tells of a blocked thread no more than its stack and instruction pointers. A function with arrays of variable
 * length, or code made at run time, is left by way of its frame pointer, which only a stop would show, and a stop
 * ends some system calls early. But the function pushed that register right below its return address when it was
 * entered: both words are in the copy. So the words above its stack pointer are searched for a return address behind an
 * instruction that calls exactly this function: that is proof. Where the call is made through a pointer, the place
 * counts if the stack can be followed from there to its very beginning. */
#include "profile/native/resolve.h"

#include <string.h>

enum { REACH_BYTES = 64 * 1024, TRIES = 32 };

enum call { CALL_NONE, CALL_POINTER, CALL_DIRECT };

#if defined(__x86_64__)
enum { CALL_BYTES = 8 };

static enum call call_before(const unsigned char *b, uint64_t ret, uint64_t *target)
{
	int32_t distance;

	if (b[CALL_BYTES - 5] == 0xe8) {
		memcpy(&distance, b + CALL_BYTES - 4, sizeof(distance));
		*target = ret + (uint64_t)(int64_t)distance;
		return CALL_DIRECT;
	}
	for (int n = 2; n <= 7; n++) /* opcode ff, /2 */
		if (b[CALL_BYTES - n] == 0xff && (b[CALL_BYTES - n + 1] >> 3 & 7) == 2)
			return CALL_POINTER;
	return CALL_NONE;
}
#else
enum { CALL_BYTES = 4 };

static enum call call_before(const unsigned char *b, uint64_t ret, uint64_t *target)
{
	uint32_t op;

	memcpy(&op, b, sizeof(op));
	if (op >> 26 == 0x25) { /* bl: a signed distance of 26 bits in instructions */
		*target = ret - 4 + (uint64_t)((int64_t)((uint64_t)op << 38) >> 36);
		return CALL_DIRECT;
	}
	/* blr, and those that check the pointer's signature */
	return (op & 0xfffffc1f) == 0xd63f0000 || (op & 0xfefff000) == 0xd63f0000 ? CALL_POINTER : CALL_NONE;
}
#endif

static bool word_at(const struct snap_thread *t, uint64_t addr, uint64_t *v)
{
	if (t->stack_size < sizeof(*v) || addr < t->stack_base || addr - t->stack_base > t->stack_size - sizeof(*v))
		return false;
	memcpy(v, t->stack + (addr - t->stack_base), sizeof(*v));
	return true;
}

/* What stands before a return address. */
static enum call call_of(struct native *n, uint64_t ret, uint64_t *target)
{
	const struct map_entry *map = maps_find(&n->p->maps, ret - 1);
	unsigned char own[CALL_BYTES];
	const unsigned char *b = NULL;
	struct module *m;
	uint64_t vaddr;

	if (!map || !map->x)
		return CALL_NONE;
	m = native_module(n, ret - 1);
	if (m && module_vaddr(m, &n->p->maps, ret, &vaddr) && vaddr >= CALL_BYTES)
		b = elf_file_at(&m->image->elf, vaddr - CALL_BYTES, CALL_BYTES);
	if (!b && !m && peek_full(&n->p->peek, ret - CALL_BYTES, own, sizeof(own)))
		b = own;
	return b ? call_before(b, ret, target) : CALL_NONE;
}

bool behind_call(struct native *n, uint64_t ret)
{
	uint64_t target;

	return call_of(n, ret, &target) != CALL_NONE;
}

/* Address in the process where the function of frame f begins; 0 unknown. */
static uint64_t function_start(struct native *n, const struct snap_frame *f)
{
	uint64_t pc = f->pc - (f->activation ? 0 : 1), vaddr, start;
	struct module *m = native_module(n, pc);

	return m && module_vaddr(m, &n->p->maps, pc, &vaddr) && elf_file_function_start(&m->image->elf, vaddr, &start) ?
		       start + m->bias : 0;
}

static bool unwind_from(struct native *n, struct snap_thread *t, uint64_t fp)
{
	t->regs.r[SNAP_REG_FP] = fp;
	t->regs.have |= UINT64_C(1) << SNAP_REG_FP;
	return unwind_thread(n, t);
}

static void forget(struct snap_thread *t)
{
	t->regs.have &= ~(UINT64_C(1) << SNAP_REG_FP);
}

bool frame_pointer_prove(struct native *n, struct snap_thread *t)
{
	const struct snap_frame *stuck = t->frame_count ? &t->frames[t->frame_count - 1] : NULL;
	uint64_t start, ret, target;

	if (!stuck || !n->fp_lost || !n->last_sp || !(start = function_start(n, stuck)))
		return false;
	for (uint64_t at = (n->last_sp + 7) & ~UINT64_C(7), end = at + REACH_BYTES; at < end; at += 8) {
		if (!word_at(t, at + 8, &ret))
			return false;
		if (call_of(n, ret, &target) != CALL_DIRECT || target != start)
			continue;
		if (unwind_from(n, t, at))
			return true;
		forget(t); /* an older call's remains */
		unwind_thread(n, t);
	}
	return false;
}

bool frame_pointer_try(struct native *n, struct snap_thread *t)
{
	uint64_t ret, target, at, end;
	int tries = 0;

	if (!t->frame_count || !n->fp_lost || !n->last_sp)
		return false;
	at = (n->last_sp + 7) & ~UINT64_C(7);
	for (end = at + REACH_BYTES; at < end && tries < TRIES && word_at(t, at + 8, &ret); at += 8) {
		if (call_of(n, ret, &target) == CALL_NONE)
			continue;
		tries++;
		if (unwind_from(n, t, at))
			return true;
	}
	forget(t);
	unwind_thread(n, t);
	return false;
}
