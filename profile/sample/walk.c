/* SPDX-License-Identifier: Apache-2.0 */
/* walk.c - DWARF's call frame information, one rule a place, over a copy of the stack. */
#include "profile/sample/walk.h"

#include "base/hash.h"
#include "base/mem.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <stdlib.h>
#include <string.h>

enum rule_kind { RULE_NONE, RULE_CFA, RULE_END };
enum saved_how { SAVED_SAME, SAVED_AT, SAVED_IS, SAVED_REG, SAVED_EXPR, SAVED_LOST };

/* Registers that a function keeps for its caller, by DWARF number. */
#if defined(__x86_64__)
static const uint8_t kept[] = { 3, 6, 12, 13, 14, 15 };
#else
static const uint8_t kept[] = { 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29 };
#endif
#define KEPT (sizeof(kept) / sizeof(*kept))

struct walk_saved {
	uint8_t how, reg;
	int32_t offset; /* from the CFA */
};
struct walk_rule {
	uint8_t kind, cfa_reg;
	bool cfa_expr, signal;
	int32_t cfa_offset;
	struct walk_saved ra, saved[KEPT];
	Dwarf_Frame *frame; /* where an expression has to be worked out: kept */
};

/* ---- files ---- */

struct walk_image *walk_image(struct walk_images *s, pid_t pid, const struct map_entry *map)
{
	struct walk_image *w;

	for (size_t i = 0; i < s->n; i++) {
		w = s->v[i];
		if (w->map.inode == map->inode && w->map.dev_major == map->dev_major &&
		    w->map.dev_minor == map->dev_minor && strcmp(w->path, map->path) == 0)
			return w;
	}
	w = xcalloc(1, sizeof(*w));
	w->path = xstrdup(map->path);
	w->map = *map;
	w->map.path = w->path;
	w->seen.pid = pid;
	w->seen.peek = (struct peek){ .pid = pid, .mem_fd = -1 };
	w->im = image_for(&s->r, &w->seen, &w->map);
	w->id = (uint32_t)s->n;
	s->v = xreallocarray(s->v, s->n + 1, sizeof(struct walk_image *));
	s->v[s->n++] = w;
	return w;
}

bool walk_image_ready(struct walk_image *w)
{
	if (w->tried)
		return w->elf != NULL;
	w->tried = true;
	if (!image_ready(w->im))
		return false;
	w->elf = w->own_elf = elf_memory((char *)(uintptr_t)w->im->elf.bytes, w->im->elf.size);
	if (!w->elf)
		return false;
	w->eh = dwarf_getcfi_elf(w->elf);
	w->go = go_table_of_file(&w->go_table, &w->im->elf);
	if (w->go)
		return true;
	if (elf_file_has_section(&w->im->elf, ".debug_frame") || elf_file_has_section(&w->im->elf, ".zdebug_frame")) {
		w->dwarf = dwarf_begin_elf(w->elf, DWARF_C_READ, NULL);
		w->debug = w->dwarf ? dwarf_getcfi(w->dwarf) : NULL;
	}
	return true;
}

static void walk_image_free(struct walk_image *w)
{
	for (uint32_t i = 0; i < w->rules.n; i++)
		free(w->rule[i].frame);
	free(w->rule);
	free(w->rule_pc);
	intern_release(&w->rules);
	if (w->eh)
		dwarf_cfi_end(w->eh);
	if (w->dwarf)
		dwarf_end(w->dwarf);
	if (w->own_elf)
		elf_end(w->own_elf);
	free(w->path);
	free(w);
}

void walk_images_release(struct walk_images *s)
{
	for (size_t i = 0; i < s->n; i++)
		walk_image_free(s->v[i]);
	free(s->v);
	for (size_t i = 0; i < s->r.image_count; i++)
		image_free(s->r.images[i]);
	free(s->r.images);
	*s = (struct walk_images){ 0 };
}

/* ---- address spaces ---- */

static size_t space_lower(const struct walk_space *s, uint64_t addr)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].end <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct walk_map *walk_space_find(struct walk_space *s, uint64_t addr)
{
	size_t i = space_lower(s, addr);

	return i < s->n && addr >= s->v[i].start ? &s->v[i] : NULL;
}

static void space_insert(struct walk_space *s, size_t at, const struct walk_map *m)
{
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		s->v = xreallocarray(s->v, s->cap, sizeof(*s->v));
	}
	memmove(s->v + at + 1, s->v + at, (s->n - at) * sizeof(*s->v));
	s->v[at] = *m;
	s->n++;
}

static void map_cut_front(struct walk_map *m, uint64_t to)
{
	m->offset += to - m->start;
	m->start = to;
}

void walk_space_add(struct walk_space *s, const struct walk_map *m)
{
	size_t i = space_lower(s, m->start);

	if (m->start >= m->end)
		return;
	if (i < s->n && s->v[i].start < m->start) { /* its front stays, and perhaps its back */
		struct walk_map back = s->v[i];

		s->v[i].end = m->start;
		i++;
		if (back.end > m->end) {
			map_cut_front(&back, m->end);
			space_insert(s, i, &back);
		}
	}
	while (i < s->n && s->v[i].end <= m->end) {
		memmove(s->v + i, s->v + i + 1, (s->n - i - 1) * sizeof(*s->v));
		s->n--;
	}
	if (i < s->n && s->v[i].start < m->end)
		map_cut_front(&s->v[i], m->end);
	space_insert(s, i, m);
}

void walk_space_copy(struct walk_space *to, const struct walk_space *from)
{
	walk_space_release(to);
	if (!from->n)
		return;
	to->v = xreallocarray(NULL, from->n, sizeof(*to->v));
	memcpy(to->v, from->v, from->n * sizeof(*to->v));
	to->n = to->cap = from->n;
}

void walk_space_release(struct walk_space *s)
{
	free(s->v);
	*s = (struct walk_space){ 0 };
}

static bool map_vaddr(struct walk_map *m, uint64_t addr, uint64_t *vaddr)
{
	if (!m->image || !walk_image_ready(m->image))
		return false;
	if (!m->bias_known) {
		if (!elf_file_vaddr(&m->image->im->elf, addr - m->start + m->offset, vaddr))
			return false;
		m->bias = addr - *vaddr;
		m->bias_known = true;
	}
	*vaddr = addr - m->bias;
	return true;
}

/* ---- rules ---- */

static bool op_is_breg(const Dwarf_Op *op, uint8_t *reg, int32_t *offset)
{
	if (op->atom >= DW_OP_breg0 && op->atom <= DW_OP_breg31) {
		*reg = (uint8_t)(op->atom - DW_OP_breg0);
		*offset = (int32_t)op->number;
		return true;
	}
	if (op->atom == DW_OP_bregx && op->number < SNAP_REGS) {
		*reg = (uint8_t)op->number;
		*offset = (int32_t)op->number2;
		return true;
	}
	return false;
}

static struct walk_saved saved_of(Dwarf_Frame *frame, int reg, bool *expr)
{
	struct walk_saved s = { .how = SAVED_LOST };
	Dwarf_Op memory[3], *ops = NULL;
	size_t n = 0, last;

	if (dwarf_frame_register(frame, reg, memory, &ops, &n) != 0)
		return s;
	if (!ops) {
		s.how = SAVED_SAME;
		return s;
	}
	if (!n)
		return s;
	last = ops[n - 1].atom == DW_OP_stack_value ? n - 1 : n;
	if (ops[0].atom == DW_OP_call_frame_cfa && (last == 1 || (last == 2 && ops[1].atom == DW_OP_plus_uconst))) {
		s.how = last < n ? SAVED_IS : SAVED_AT;
		s.offset = last == 2 ? (int32_t)ops[1].number : 0;
	} else if (n == 1 && ops[0].atom == DW_OP_regx && ops[0].number < SNAP_REGS) {
		s.how = SAVED_REG;
		s.reg = (uint8_t)ops[0].number;
	} else if (n == 1 && ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31) {
		s.how = SAVED_REG;
		s.reg = (uint8_t)(ops[0].atom - DW_OP_reg0);
	} else {
		s.how = SAVED_EXPR;
		*expr = true;
	}
	return s;
}

/* Go's own table of frame sizes, which is there in every build: nearer at hand than DWARF. */
static bool rule_of_go(struct walk_image *w, uint64_t vaddr, struct walk_rule *rule)
{
	struct go_function fn;
	int32_t size;

	if (!w->go || !go_function_at(&w->go_table, vaddr, &fn))
		return false;
	if (fn.top) {
		rule->kind = RULE_END;
		return true;
	}
	size = go_value(&w->go_table, &fn, fn.pcsp, vaddr);
	if (size < 0 || size > 1 << 20 || fn.writes_sp)
		return false;
	rule->kind = RULE_CFA;
	rule->cfa_reg = SNAP_REG_SP;
	for (size_t i = 0; i < KEPT; i++)
		rule->saved[i] = (struct walk_saved){ .how = kept[i] == SNAP_REG_FP ? SAVED_SAME : SAVED_LOST };
#if defined(__x86_64__)
	rule->cfa_offset = size + 8;
	rule->ra = (struct walk_saved){ .how = SAVED_AT, .offset = -8, .reg = 16 };
	for (size_t i = 0; i < KEPT && size; i++)
		if (kept[i] == SNAP_REG_FP)
			rule->saved[i] = (struct walk_saved){ .how = SAVED_AT, .offset = -16 };
#else
	rule->cfa_offset = size;
	rule->ra = size ? (struct walk_saved){ .how = SAVED_AT, .offset = -size, .reg = 30 } :
			  (struct walk_saved){ .how = SAVED_REG, .reg = 30 };
#endif
	return true;
}

static void rule_make(struct walk_image *w, uint64_t vaddr, struct walk_rule *rule)
{
	Dwarf_Frame *frame = NULL;
	Dwarf_Addr start, end;
	Dwarf_Op *ops;
	bool signal = false, expr = false;
	size_t n = 0;
	int ra;

	*rule = (struct walk_rule){ .kind = RULE_NONE };
	if (rule_of_go(w, vaddr, rule))
		return;
	if ((!w->eh || dwarf_cfi_addrframe(w->eh, vaddr, &frame) != 0) &&
	    (!w->debug || dwarf_cfi_addrframe(w->debug, vaddr, &frame) != 0))
		return;
	ra = dwarf_frame_info(frame, &start, &end, &signal);
	if (ra < 0 || dwarf_frame_cfa(frame, &ops, &n) != 0 || !n) {
		free(frame);
		return;
	}
	rule->kind = RULE_CFA;
	rule->signal = signal;
	if (n != 1 || !op_is_breg(&ops[0], &rule->cfa_reg, &rule->cfa_offset))
		expr = rule->cfa_expr = true;
	rule->ra = saved_of(frame, ra, &expr);
	rule->ra.reg = rule->ra.how == SAVED_REG ? rule->ra.reg : (uint8_t)ra;
	if (rule->ra.how == SAVED_LOST)
		rule->kind = RULE_END;
	for (size_t i = 0; i < KEPT; i++)
		rule->saved[i] = saved_of(frame, kept[i], &expr);
	if (expr)
		rule->frame = frame;
	else
		free(frame);
}

struct rule_key {
	const struct walk_image *w;
	uint64_t pc;
};

static bool rule_same(const void *arg, uint32_t id)
{
	const struct rule_key *k = arg;

	return k->w->rule_pc[id] == k->pc;
}

static const struct walk_rule *rule_for(struct walk_image *w, uint64_t vaddr)
{
	struct rule_key key = { w, vaddr };
	uint64_t hash = hash_bytes(0, &vaddr, sizeof(vaddr));
	uint32_t id = intern_find(&w->rules, hash, rule_same, &key);

	if (id != INTERN_NONE)
		return &w->rule[id];
	id = intern_add(&w->rules, hash);
	if (id >= w->rule_cap) {
		w->rule_cap = w->rule_cap ? w->rule_cap * 2 : 64;
		w->rule = xreallocarray(w->rule, w->rule_cap, sizeof(*w->rule));
		w->rule_pc = xreallocarray(w->rule_pc, w->rule_cap, sizeof(*w->rule_pc));
	}
	w->rule_pc[id] = vaddr;
	rule_make(w, vaddr, &w->rule[id]);
	return &w->rule[id];
}

/* ---- one step ---- */

bool walk_stack_u64(const struct walk_stack *s, uint64_t addr, uint64_t *v)
{
	if (s->n < 8 || addr < s->base || addr - s->base > s->n - 8)
		return false;
	memcpy(v, s->bytes + (addr - s->base), 8);
	return true;
}

static bool reg_get(const struct snap_regs *r, unsigned n, uint64_t *v)
{
	if (n >= SNAP_REGS)
		return false;
#if defined(__x86_64__)
	if (n == 16) {
		*v = r->pc;
		return true;
	}
#endif
	*v = r->r[n];
	return r->have >> n & 1;
}

/* The few operations that unwind tables use: the PLT's own rule, and functions that align their stack. */
static bool expr_binary(unsigned atom, uint64_t *st, int *n)
{
	uint64_t a, b;

	if (*n < 2)
		return false;
	b = st[--*n];
	a = st[*n - 1];
	switch (atom) {
	case DW_OP_and: a &= b; break;
	case DW_OP_or: a |= b; break;
	case DW_OP_plus: a += b; break;
	case DW_OP_minus: a -= b; break;
	case DW_OP_mul: a *= b; break;
	case DW_OP_shl: a = b < 64 ? a << b : 0; break;
	case DW_OP_shr: a = b < 64 ? a >> b : 0; break;
	case DW_OP_eq: a = a == b; break;
	case DW_OP_ne: a = a != b; break;
	case DW_OP_ge: a = (int64_t)a >= (int64_t)b; break;
	case DW_OP_gt: a = (int64_t)a > (int64_t)b; break;
	case DW_OP_le: a = (int64_t)a <= (int64_t)b; break;
	case DW_OP_lt: a = (int64_t)a < (int64_t)b; break;
	default: return false;
	}
	st[*n - 1] = a;
	return true;
}

static bool expr_one(const Dwarf_Op *op, const struct snap_regs *r, const struct walk_stack *s, uint64_t cfa, uint64_t *st,
		     int *n)
{
	uint8_t reg;
	int32_t offset;
	uint64_t v;

	if (*n >= 15)
		return false;
	if (op_is_breg(op, &reg, &offset)) {
		if (!reg_get(r, reg, &v))
			return false;
		st[(*n)++] = v + (uint64_t)(int64_t)offset;
		return true;
	}
	if (op->atom >= DW_OP_lit0 && op->atom <= DW_OP_lit31) {
		st[(*n)++] = op->atom - DW_OP_lit0;
		return true;
	}
	switch (op->atom) {
	case DW_OP_call_frame_cfa: st[(*n)++] = cfa; return true;
	case DW_OP_const1u: case DW_OP_const1s: case DW_OP_const2u: case DW_OP_const2s: case DW_OP_const4u:
	case DW_OP_const4s: case DW_OP_const8u: case DW_OP_const8s: case DW_OP_constu: case DW_OP_consts:
		st[(*n)++] = op->number;
		return true;
	case DW_OP_plus_uconst:
		if (*n < 1)
			return false;
		st[*n - 1] += op->number;
		return true;
	case DW_OP_deref:
		return *n >= 1 && walk_stack_u64(s, st[*n - 1], &st[*n - 1]);
	case DW_OP_dup:
		if (*n < 1)
			return false;
		st[*n] = st[*n - 1];
		(*n)++;
		return true;
	default: return expr_binary(op->atom, st, n);
	}
}

static bool expr_value(const Dwarf_Op *ops, size_t count, const struct snap_regs *r, const struct walk_stack *s,
		       uint64_t cfa, uint64_t *out)
{
	uint64_t st[16];
	int n = 0;

	for (size_t i = 0; i < count; i++)
		if (!expr_one(&ops[i], r, s, cfa, st, &n))
			return false;
	*out = n ? st[n - 1] : 0;
	return n > 0;
}

static bool cfa_value(const struct walk_rule *rule, const struct snap_regs *r, const struct walk_stack *s, uint64_t *cfa)
{
	Dwarf_Op *ops;
	size_t n;
	uint64_t v;

	if (rule->cfa_expr)
		return dwarf_frame_cfa(rule->frame, &ops, &n) == 0 && expr_value(ops, n, r, s, 0, cfa);
	if (!reg_get(r, rule->cfa_reg, &v))
		return false;
	*cfa = v + (uint64_t)(int64_t)rule->cfa_offset;
	return true;
}

static bool saved_expr(const struct walk_rule *rule, unsigned reg, const struct snap_regs *r, const struct walk_stack *s,
		       uint64_t cfa, uint64_t *v)
{
	Dwarf_Op memory[3], *ops = NULL;
	size_t n = 0, count;

	if (!rule->frame || dwarf_frame_register(rule->frame, (int)reg, memory, &ops, &n) != 0 || !ops || !n)
		return false;
	count = ops[n - 1].atom == DW_OP_stack_value ? n - 1 : n;
	return expr_value(ops, count, r, s, cfa, v) && (count < n || walk_stack_u64(s, *v, v));
}

static bool saved_value(const struct walk_rule *rule, const struct walk_saved *w, unsigned reg, const struct snap_regs *r,
			const struct walk_stack *s, uint64_t cfa, uint64_t *v)
{
	switch ((enum saved_how)w->how) {
	case SAVED_SAME: return reg_get(r, reg, v);
	case SAVED_AT: return walk_stack_u64(s, cfa + (uint64_t)(int64_t)w->offset, v);
	case SAVED_IS: *v = cfa + (uint64_t)(int64_t)w->offset; return true;
	case SAVED_REG: return reg_get(r, w->reg, v);
	case SAVED_EXPR: return saved_expr(rule, reg, r, s, cfa, v);
	case SAVED_LOST: break;
	}
	return false;
}

/* A return address may carry its signature in the bits that no address uses. */
static uint64_t address_strip(uint64_t v)
{
#if defined(__aarch64__)
	return v & UINT64_C(0x0000ffffffffffff);
#else
	return v;
#endif
}

static bool step_by_rule(const struct walk_rule *rule, struct snap_regs *r, const struct walk_stack *s)
{
	struct snap_regs next = { .have = 0 };
	uint64_t cfa, ra, v;

	if (!cfa_value(rule, r, s, &cfa) || !saved_value(rule, &rule->ra, rule->ra.reg, r, s, cfa, &ra))
		return false;
	for (size_t i = 0; i < KEPT; i++)
		if (saved_value(rule, &rule->saved[i], kept[i], r, s, cfa, &v)) {
			next.r[kept[i]] = v;
			next.have |= UINT64_C(1) << kept[i];
		}
	if (rule->signal) { /* the interrupted function's registers are all there */
		for (unsigned i = 0; i < SNAP_REGS; i++)
			if (!(next.have >> i & 1) && i != SNAP_REG_SP && i != 16 &&
			    saved_expr(rule, i, r, s, cfa, &v)) {
				next.r[i] = v;
				next.have |= UINT64_C(1) << i;
			}
	}
	next.r[SNAP_REG_SP] = cfa;
	next.have |= UINT64_C(1) << SNAP_REG_SP;
	if (rule->signal && saved_expr(rule, SNAP_REG_SP, r, s, cfa, &v))
		next.r[SNAP_REG_SP] = v;
	next.pc = address_strip(ra);
	*r = next;
	return true;
}

/* Code without rules: compilers at run time and Go keep the chain of frame pointers. */
static bool step_by_fp(struct walk_space *space, struct snap_regs *r, const struct walk_stack *s)
{
	uint64_t fp, ra, up;

	if (!reg_get(r, SNAP_REG_FP, &fp) || fp & 7 || fp < r->r[SNAP_REG_SP] || !walk_stack_u64(s, fp + 8, &ra) ||
	    !walk_stack_u64(s, fp, &up))
		return false;
	ra = address_strip(ra);
	if (!walk_space_find(space, ra) && !(up > fp && ra > 4096))
		return false;
	r->r[SNAP_REG_SP] = fp + 16;
	r->r[SNAP_REG_FP] = up;
	r->have = UINT64_C(1) << SNAP_REG_SP | UINT64_C(1) << SNAP_REG_FP;
	r->pc = ra;
	return true;
}

/* Does the code before this address call something? */
static bool is_return_address(struct walk_space *space, uint64_t ra)
{
#if defined(__x86_64__)
	struct walk_map *m = walk_space_find(space, ra - 1);
	const unsigned char *c;
	uint64_t vaddr;

	if (!m || !map_vaddr(m, ra - 7, &vaddr))
		return false;
	c = elf_file_at(&m->image->im->elf, vaddr, 7);
	return c && (c[2] == 0xe8 || (c[5] == 0xff && (c[6] & 0x38) == 0x10) || (c[4] == 0xff && (c[5] & 0x38) == 0x10) ||
		     (c[1] == 0xff && (c[2] & 0x38) == 0x10) || (c[0] == 0xff && (c[1] & 0x38) == 0x10));
#else
	return walk_space_find(space, ra - 4) != NULL;
#endif
}

/* A copy of a thread that does not run has no frame pointer where the functions below have not saved it. The nearest place
 * that looks like the head of a frame is taken for it: a saved frame pointer further up, and the address behind a call. */
static bool fp_search(struct walk_space *space, struct snap_regs *r, const struct walk_stack *s)
{
	uint64_t sp = (r->r[SNAP_REG_SP] + 7) & ~UINT64_C(7), up, ra;

	for (uint64_t at = sp; at < sp + 16384 && walk_stack_u64(s, at, &up) && walk_stack_u64(s, at + 8, &ra); at += 8) {
		if (up > 1 && (up <= at || up > s->base + (8 << 20) || up & 7))
			continue;
		if (!is_return_address(space, address_strip(ra)))
			continue;
		r->r[SNAP_REG_FP] = at;
		r->have |= UINT64_C(1) << SNAP_REG_FP;
		return true;
	}
	return false;
}

/* True: r is the caller. *end: there is none. */
static bool step(struct walk_space *space, struct walk_map *m, uint64_t at, struct snap_regs *r, const struct walk_stack *s,
		 bool activation, bool *signal, bool *end)
{
	uint64_t sp = r->r[SNAP_REG_SP], vaddr;
	const struct walk_rule *rule = NULL;

	*signal = *end = false;
	if (m && map_vaddr(m, at, &vaddr))
		rule = rule_for(m->image, vaddr);
	if (rule && rule->kind == RULE_END) {
		*end = true;
		return false;
	}
	*signal = rule && rule->signal;
	if (!rule && space->jit && space->jit->step(space->jit->arg, r, s, activation)) {
		r->pc = address_strip(r->pc);
	} else if (rule && rule->kind == RULE_CFA) {
		if (!rule->cfa_expr && rule->cfa_reg == SNAP_REG_FP && !(r->have >> SNAP_REG_FP & 1) &&
		    !fp_search(space, r, s))
			return false;
		if (!step_by_rule(rule, r, s))
			return false;
	} else if (!step_by_fp(space, r, s)) {
		return false;
	}
	if (!r->pc) {
		*end = true;
		return false;
	}
	return *signal || r->r[SNAP_REG_SP] > sp || (rule && rule->ra.how == SAVED_SAME);
}

size_t walk(struct walk_space *space, const struct snap_regs *regs, const struct walk_stack *stack,
	    struct walk_frame out[WALK_FRAMES_MAX], bool *whole)
{
	struct snap_regs r = *regs;
	bool activation = true, signal, end = false;
	size_t n = 0;

	*whole = false;
	while (n < WALK_FRAMES_MAX) {
		uint64_t at = r.pc - (activation ? 0 : 1), vaddr = 0;
		struct walk_map *m = walk_space_find(space, at);

		if (!m && !activation && !n)
			break;
		if (m && !map_vaddr(m, at, &vaddr))
			vaddr = at - m->start + m->offset;
		out[n++] = (struct walk_frame){ m ? m->image : NULL, m && m->image ? vaddr + (activation ? 0 : 1) : r.pc,
						r.r[SNAP_REG_SP],
						r.have >> SNAP_REG_FP & 1 ? r.r[SNAP_REG_FP] : 0, activation };
		if (!step(space, m, at, &r, stack, activation, &signal, &end))
			break;
		activation = signal;
	}
	*whole = end;
	return n;
}
