/* SPDX-License-Identifier: Apache-2.0 */
/* go_runtime.c - what Go's own runtime knows of its goroutines. Nothing of it is exported; what a stripped program keeps is
 * its table of functions, and in the code of two of them stand the addresses that are wanted: runtime.forEachGRace loads the
 * list of all goroutines, runtime.waitReason.String the texts of wait reasons, which are numbered anew in most releases. */
#include "profile/lang/go.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_BYTES = 512, LOADS_MAX = 16, DATA_CHUNK = 1 << 20, DATA_MAX = 256 << 20, REASON_BYTES = 60, ATTEMPTS = 3,
       BATCH = 100 };
/* words of runtime.moduledata */
enum { MODULE_TEXT = 22, MODULE_GOFUNC_118 = 38, MODULE_GOFUNC_120 = 40, MODULE_WORDS = 48 };
enum { SCAN_BIT = 0x1000 };

const char *const go_status_text[10] = { "idle", "runnable", "running", "in a system call", "waiting", NULL, "dead", NULL,
					 "its stack is moved", "preempted" };

static const struct go_layout layouts[] = {
#define GO(...) { __VA_ARGS__ },
#include "profile/lang/go_layout.def"
#undef GO
};

static bool table_section(const struct elf_file *f, uint64_t *vaddr, uint64_t *offset, uint64_t *size)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };

	for (size_t i = 0; i < 2; i++)
		if (elf_file_section(f, names[i], vaddr, offset, size) && *offset < f->size && *size <= f->size - *offset)
			return true;
	return false;
}

/* Of a file without sections: the table begins with its magic, at a round place of a segment that is not written to. */
static bool table_search(const struct elf_file *f, uint64_t *vaddr, uint64_t *offset, uint64_t *size)
{
	Elf64_Phdr ph;
	struct go_table t;

	for (unsigned i = 0; elf_file_segment(f, i, &ph); i++) {
		if (ph.p_type != PT_LOAD || ph.p_offset > f->size || ph.p_filesz > f->size - ph.p_offset)
			continue;
		for (uint64_t at = (ph.p_offset + 7) & ~UINT64_C(7); at + 8 <= ph.p_offset + ph.p_filesz; at += 8) {
			const unsigned char *b = f->bytes + at;

			if ((b[0] | 1) != 0xf1 || b[1] != 0xff || b[2] != 0xff || b[3] != 0xff || b[4] || b[5] ||
			    !go_table_open(&t, b, ph.p_offset + ph.p_filesz - at))
				continue;
			*offset = at;
			*size = ph.p_offset + ph.p_filesz - at;
			*vaddr = ph.p_vaddr + (at - ph.p_offset);
			return true;
		}
	}
	return false;
}

bool go_is(struct native *n, struct module *m)
{
	uint64_t vaddr, offset, size;

	(void)n;
	if (!m->image || !image_ready(m->image))
		return false;
	if (m->image->elf.head.e_shnum)
		return table_section(&m->image->elf, &vaddr, &offset, &size) ||
		       elf_file_has_section(&m->image->elf, ".go.buildinfo");
	return table_search(&m->image->elf, &vaddr, &offset, &size);
}

static void version_read(struct go *go, const struct elf_file *f)
{
	uint64_t vaddr, offset, size, n;

	if (!elf_file_section(f, ".go.buildinfo", &vaddr, &offset, &size) || offset > f->size || f->size - offset < 64 ||
	    memcmp(f->bytes + offset, "\xff Go buildinf:", 14) != 0 || !(f->bytes[offset + 15] & 2))
		return;
	n = f->bytes[offset + 32];
	if (n < sizeof(go->version) && n + 33 < f->size - offset)
		memcpy(go->version, f->bytes + offset + 33, n);
}

/* The record of the one module that the linker wrote points to the table. */
static bool module_in(struct go *go, uint64_t table, uint64_t from, uint64_t to)
{
	auto_free unsigned char *chunk = xmalloc(DATA_CHUNK + MODULE_WORDS * 8);

	for (uint64_t at = from; at < to; at += DATA_CHUNK) {
		size_t n = to - at < DATA_CHUNK + MODULE_WORDS * 8 ? (size_t)(to - at) : DATA_CHUNK + MODULE_WORDS * 8;
		ssize_t got = peek_read(go->m.peek, at, chunk, n);

		for (size_t i = 0; got > 0 && i + MODULE_WORDS * 8 <= (size_t)got; i += 8) {
			uint64_t text;

			if (bytes_u64(chunk, n, i) != table)
				continue;
			text = bytes_u64(chunk, n, i + MODULE_TEXT * 8);
			if (!maps_find(&go->n->p->maps, text) || !maps_find(&go->n->p->maps, text)->x ||
			    !go_table_place(&go->t, text))
				continue;
			go->t.gofunc = bytes_u64(chunk, n,
				i + 8 * (size_t)(go->t.v20 ? MODULE_GOFUNC_120 : MODULE_GOFUNC_118));
			return true;
		}
	}
	return false;
}

static bool module_find(struct go *go, struct module *m, uint64_t table, uint64_t bias)
{
	static const char *const names[] = { ".go.module", ".noptrdata", ".data" };
	const struct maps *maps = &go->n->p->maps;
	uint64_t vaddr, offset, size, seen = 0;

	for (size_t i = 0; i < 3; i++)
		if (elf_file_section(&m->image->elf, names[i], &vaddr, &offset, &size) && size < DATA_MAX &&
		    module_in(go, table, (vaddr + bias + 7) & ~UINT64_C(7), vaddr + bias + size))
			return true;
	for (size_t i = 0; i < maps->n && seen < DATA_MAX; i++) {
		if (maps->v[i].start < m->start || maps->v[i].end > m->end || maps->v[i].x)
			continue;
		seen += maps->v[i].end - maps->v[i].start;
		if (module_in(go, table, maps->v[i].start, maps->v[i].end))
			return true;
	}
	return false;
}

/* Functions of the runtime by name, in one pass. */
static void functions_find(const struct go *go, const char *const names[], struct go_function out[], size_t n)
{
	struct go_function f;

	for (uint64_t i = 0; i < go->t.count; i++) {
		const char *name;

		if (!go_function(&go->t, i, &f))
			continue;
		name = go_name(&go->t, f.name);
		if (strncmp(name, "runtime.", 8) != 0)
			continue;
		for (size_t k = 0; k < n; k++)
			if (strcmp(name + 8, names[k]) == 0)
				out[k] = f;
	}
}

/* Addresses that a function loads words from (take: those that it takes the address of instead), in their order. */
static size_t loads_of(struct go *go, const struct go_function *f, bool take, uint64_t out[LOADS_MAX])
{
	unsigned char code[CODE_BYTES];
	size_t n = f->end - f->entry < CODE_BYTES ? (size_t)(f->end - f->entry) : CODE_BYTES, count = 0;

	if (!f->end || !lang_read(&go->m, f->entry, code, n))
		return 0;
#if defined(__x86_64__)
	for (size_t i = 0; i + 7 <= n && count < LOADS_MAX; i++)
		/* mov or lea r64, [rip + d] */
		if ((code[i] == 0x48 || code[i] == 0x4c) && code[i + 1] == (take ? 0x8d : 0x8b) && (code[i + 2] & 0xc7) == 5)
			out[count++] = f->entry + i + 7 + (uint64_t)(int64_t)(int32_t)bytes_u32(code, n, i + 3);
#else
	for (size_t i = 0; i + 8 <= n && count < LOADS_MAX; i += 4) {
		uint32_t page = bytes_u32(code, n, i), next = bytes_u32(code, n, i + 4);
		uint64_t pages = (uint64_t)(page >> 5 & 0x7ffff) << 2 | (page >> 29 & 3); /* 21 bits with a sign */
		uint64_t base = ((f->entry + i) & ~UINT64_C(0xfff)) + ((pages ^ 0x100000) - 0x100000) * 4096;

		/* adrp x, page; ldr y, [x, #d] or add y, x, #d */
		if ((page & 0x9f000000) != 0x90000000 || (next >> 5 & 31) != (page & 31))
			continue;
		if (!take && (next & 0xffc00000) == 0xf9400000)
			out[count++] = base + (next >> 10 & 0xfff) * 8;
		if (take && (next & 0xffc00000) == 0x91000000)
			out[count++] = base + (next >> 10 & 0xfff);
	}
#endif
	return count;
}

/* An array of texts {address, length}, of which the longest that a lea leads to is the one. */
static void reasons_read(struct go *go, const struct go_function *f)
{
	uint64_t at[LOADS_MAX];
	size_t n = loads_of(go, f, true, at);

	for (size_t i = 0; i < n; i++) {
		char *texts[GO_REASONS_MAX];
		size_t k = 0;

		for (; k < GO_REASONS_MAX; k++) {
			uint64_t text = lang_u64(&go->m, at[i] + 16 * k), length = lang_u64(&go->m, at[i] + 16 * k + 8);

			texts[k] = length <= REASON_BYTES ? lang_text(&go->m, text, length, REASON_BYTES) : NULL;
			if (!texts[k])
				break;
		}
		if (k > go->reason_count) {
			for (size_t r = 0; r < go->reason_count; r++)
				free(go->reasons[r]);
			memcpy(go->reasons, texts, k * sizeof(*texts));
			go->reason_count = k;
		} else {
			while (k)
				free(texts[--k]);
		}
	}
}

static bool g_plausible(struct go *go, const struct go_layout *l, uint64_t g)
{
	unsigned char b[GO_G_BYTES];
	uint64_t lo, hi, sp, id;
	uint32_t status;

	if (!lang_read(&go->m, g, b, sizeof(b)))
		return false;
	lo = bytes_u64(b, sizeof(b), GO_G_STACK_LO);
	hi = bytes_u64(b, sizeof(b), GO_G_STACK_HI);
	sp = bytes_u64(b, sizeof(b), GO_G_SP);
	status = bytes_u32(b, sizeof(b), l->status) & ~(uint32_t)SCAN_BIT;
	id = bytes_u64(b, sizeof(b), l->status + 8);
	if (status == GO_DEAD)
		return true;
	if (status > GO_PREEMPTED || !id || id > UINT64_C(1) << 40 || lo >= hi)
		return false;
	return status != GO_WAITING || (sp >= lo && sp < hi);
}

/* Of the version that the program says it is; where it says none, or another, the row by which its goroutines make sense. */
static bool layout_choose(struct go *go, uint64_t list, uint64_t n)
{
	size_t rows = sizeof(layouts) / sizeof(*layouts), first = rows - 1;
	unsigned minor = 0;

	if (strncmp(go->version, "go1.", 4) == 0)
		minor = (unsigned)strtoul(go->version + 4, NULL, 10);
	for (size_t i = 0; minor && i < rows; i++)
		if (layouts[i].minor <= minor)
			first = i;
	for (size_t i = 0; i < rows; i++) {
		const struct go_layout *l = &layouts[i == 0 ? first : i <= first ? first - i : i];
		uint64_t good = 0, seen = 0;

		for (; seen < n && seen < 64; seen++)
			good += g_plausible(go, l, lang_u64(&go->m, list + 8 * seen));
		if (seen && good * 10 >= seen * 9) {
			go->l = *l;
			return true;
		}
	}
	return false;
}

static bool list_find(struct go *go, uint64_t *list, uint64_t *count)
{
	static const char *const names[] = { "forEachGRace", "waitReason.String", "goexit", "systemstack_switch" };
	struct go_function f[4] = { 0 };
	uint64_t at[LOADS_MAX], a, b;
	int line;

	functions_find(go, names, f, 4);
	/* the last two ids, in every version so far */
	go->wrapper = f[3].id ? f[3].id + 1u : 0;
	reasons_read(go, &f[1]);
	if (f[2].end) {
		const char *file = go_place(&go->t, &f[2], f[2].entry, &line), *rest = strstr(file, "runtime/asm_");

		go->root = rest ? xstrndup(file, (size_t)(rest - file)) : NULL;
	}
	if (loads_of(go, &f[0], false, at) < 2)
		return false;
	a = lang_u64(&go->m, at[0]);
	b = lang_u64(&go->m, at[1]);
	*count = a < b ? a : b;
	*list = a < b ? b : a;
	return *count && *count < UINT32_MAX;
}

bool go_open(struct go *go, struct native *n, struct module *m, char *reason, size_t size)
{
	uint64_t vaddr, offset, bytes, first;

	go->n = n;
	lang_mem_init(&go->m, &n->p->peek);
	if (!table_section(&m->image->elf, &vaddr, &offset, &bytes) &&
	    !table_search(&m->image->elf, &vaddr, &offset, &bytes)) {
		snprintf(reason, size, "its table of functions was not found");
		return false;
	}
	version_read(go, &m->image->elf);
	if (!go_table_open(&go->t, m->image->elf.bytes + offset, bytes)) {
		snprintf(reason, size, "a table of functions of an unknown format%s%s (Go 1.18 to 1.26 are known)",
			 go->version[0] ? ", of " : "", go->version);
		return false;
	}
	if (!module_vaddr(m, &n->p->maps, m->start, &first) || !module_find(go, m, vaddr + m->bias, m->bias)) {
		snprintf(reason, size, "the record of its module was not found, or its memory may not be read");
		return false;
	}
	return true;
}

/* Room for the copy of its stack; false where it has none. */
static bool stack_room(struct goroutine *g)
{
	uint64_t want = g->hi > g->sp ? g->hi - g->sp : 0;

	if (!want)
		return false;
	g->stack.base = g->sp;
	g->stack.n = want < GO_STACK_BYTES ? (size_t)want : GO_STACK_BYTES;
	g->stack.bytes = xmalloc(g->stack.n);
	return true;
}

static bool stack_copy(struct go *go, struct goroutine *g)
{
	ssize_t got;

	if (!stack_room(g))
		return false;
	got = peek_read(go->m.peek, g->sp, g->stack.bytes, g->stack.n);
	g->stack.n = got > 0 ? (size_t)got : 0;
	return got > 0;
}

static void g_take(struct go *go, const unsigned char b[GO_G_BYTES], struct goroutine *g)
{
	const struct go_layout *l = &go->l;
	uint64_t m = bytes_u64(b, GO_G_BYTES, GO_G_M);

	g->status = bytes_u32(b, GO_G_BYTES, l->status) & ~(uint32_t)SCAN_BIT;
	g->id = bytes_u64(b, GO_G_BYTES, l->status + 8);
	g->since = bytes_u64(b, GO_G_BYTES, l->status + 24);
	g->reason = b[l->status + 32];
	g->hi = bytes_u64(b, GO_G_BYTES, GO_G_STACK_HI);
	g->created_pc = bytes_u64(b, GO_G_BYTES, l->labels - 64);
	g->start_pc = bytes_u64(b, GO_G_BYTES, l->labels - 48);
	g->waiting = bytes_u64(b, GO_G_BYTES, l->labels - 32);
	g->sp = bytes_u64(b, GO_G_BYTES, g->status == GO_SYSCALL ? l->syscall_sp : GO_G_SP);
	g->pc = bytes_u64(b, GO_G_BYTES, g->status == GO_SYSCALL ? l->syscall_sp + 8 : GO_G_PC);
	if (m && (g->status == GO_RUNNING || g->status == GO_SYSCALL))
		g->tid = (pid_t)lang_u64(&go->m, m + l->m_procid);
}

static bool g_stayed(struct go *go, const struct goroutine *g, const unsigned char b[GO_G_BYTES])
{
	struct goroutine now = { .g = g->g };

	g_take(go, b, &now);
	return now.status == g->status && now.sp == g->sp && now.since == g->since && now.id == g->id;
}

/* Did it stay where it was while its stack was copied? A second copy is the same, too: it may have come back meanwhile. */
static bool g_same(struct go *go, const struct goroutine *g)
{
	unsigned char b[GO_G_BYTES];
	auto_free unsigned char *again = xmalloc(g->stack.n + 1);

	return g->stack.n && peek_read(go->m.peek, g->stack.base, again, g->stack.n) == (ssize_t)g->stack.n &&
	       memcmp(again, g->stack.bytes, g->stack.n) == 0 && peek_full(go->m.peek, g->g, b, sizeof(b)) &&
	       g_stayed(go, g, b);
}

static bool g_counts(const struct goroutine *g)
{
	return g->status != GO_DEAD && g->status != GO_IDLE && g->status <= GO_PREEMPTED && g->id;
}

/* False where it has ended, or never was. What moves is tried again, and then said to be torn. */
static bool g_read(struct go *go, struct goroutine *g)
{
	unsigned char b[GO_G_BYTES];

	for (int i = 0; i < ATTEMPTS; i++) {
		if (!peek_full(go->m.peek, g->g, b, sizeof(b)))
			return i > 0;
		free(g->stack.bytes);
		*g = (struct goroutine){ .g = g->g };
		g_take(go, b, g);
		if (!g_counts(g))
			return false;
		if (g->status == GO_RUNNING)
			return true;
		if (stack_copy(go, g) && g_same(go, g))
			return true;
	}
	g->torn = true;
	return true;
}

/* So many goroutines at once: a call of the kernel's for each of their copies would take most of the time. */
struct batch {
	struct goroutine v[BATCH];
	unsigned char g[BATCH][GO_G_BYTES];
	struct peek_piece pieces[2 * BATCH];
	size_t n;
};

/* Their records as far as they come; the count. */
static size_t batch_records(struct go *go, struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		b->pieces[i] = (struct peek_piece){ b->v[i].g, b->g[i], GO_G_BYTES };
	return peek_pieces(go->m.peek, b->pieces, b->n);
}

/* The first n of them, once: who is not there afterwards is to be read alone. good: those that have stayed. */
static void batch_copy(struct go *go, struct batch *b, size_t n, bool good[BATCH])
{
	auto_free unsigned char *again = NULL;
	size_t who[BATCH], count = 0, bytes = 0, at = 0, came;

	for (size_t i = 0; i < n; i++) {
		struct goroutine *g = &b->v[i];

		g_take(go, b->g[i], g);
		if (!g_counts(g) || g->status == GO_RUNNING || !stack_room(g))
			continue;
		b->pieces[count] = (struct peek_piece){ g->sp, g->stack.bytes, g->stack.n };
		bytes += g->stack.n;
		who[count++] = i;
	}
	again = xmalloc(bytes + 1);
	count = peek_pieces(go->m.peek, b->pieces, count);
	for (size_t k = 0; k < count; k++) {
		b->pieces[k].to = again + at;
		at += b->pieces[k].n;
		b->pieces[count + k] = (struct peek_piece){ b->v[who[k]].g, b->g[who[k]], GO_G_BYTES };
	}
	came = peek_pieces(go->m.peek, b->pieces, 2 * count);
	for (size_t k = 0; k < count && count + k < came; k++) {
		const struct goroutine *g = &b->v[who[k]];

		good[who[k]] = memcmp(b->pieces[k].to, g->stack.bytes, g->stack.n) == 0 && g_stayed(go, g, b->g[who[k]]);
	}
}

static void batch_read(struct go *go, struct batch *b)
{
	bool good[BATCH] = { false };

	batch_copy(go, b, batch_records(go, b), good);
	for (size_t i = 0; i < b->n; i++) {
		if (good[i] || g_read(go, &b->v[i]))
			go->v[go->count++] = b->v[i];
		else
			free(b->v[i].stack.bytes);
	}
}

bool go_read(struct go *go)
{
	auto_free struct batch *b = NULL;
	uint64_t list, count;

	if (!list_find(go, &list, &count) || !layout_choose(go, list, count))
		return false;
	go->cut = count > GO_GOROUTINES_MAX;
	if (go->cut)
		count = GO_GOROUTINES_MAX;
	go->v = xcalloc(count, sizeof(*go->v));
	b = xcalloc(1, sizeof(*b));
	for (uint64_t i = 0; i < count; i += BATCH) {
		b->n = count - i < BATCH ? (size_t)(count - i) : BATCH;
		for (size_t k = 0; k < b->n; k++)
			b->v[k] = (struct goroutine){ .g = lang_u64(&go->m, list + 8 * (i + k)) };
		batch_read(go, b);
	}
	return true;
}

void go_release(struct go *go)
{
	for (size_t i = 0; i < go->count; i++) {
		free(go->v[i].stack.bytes);
		free(go->v[i].hint.resource);
		free(go->v[i].hint.tasks);
	}
	for (size_t i = 0; i < go->reason_count; i++)
		free(go->reasons[i]);
	for (size_t i = 0; i < go->site_cap; i++)
		if (go->sites[i]) {
			free(go->sites[i]->calls);
			free(go->sites[i]);
		}
	free(go->sites);
	free(go->acts);
	free(go->v);
	free(go->root);
	lang_mem_release(&go->m);
}

static struct go_site *site_make(struct go *go, uint64_t pc, bool activation)
{
	uint64_t look = pc - (activation ? 0 : 1);
	struct go_call calls[GO_INLINED_MAX];
	struct go_function f;
	struct go_site *site;

	if (!go_function_at(&go->t, look, &f))
		return NULL;
	site = xcalloc(1, sizeof(*site));
	*site = (struct go_site){ .pc = pc, .activation = activation, .f = f, .size = go_value(&go->t, &f, f.pcsp, look) };
	site->count = go_calls(&go->t, &go->m, &f, look, calls);
	site->calls = xreallocarray(NULL, site->count, sizeof(*calls));
	memcpy(site->calls, calls, site->count * sizeof(*calls));
	return site;
}

/* Where it is, or would be. */
static struct go_site **site_slot(struct go_site **sites, size_t cap, uint64_t pc, bool activation)
{
	size_t i = (size_t)((pc * 2 + activation) * UINT64_C(0x9e3779b97f4a7c15) >> 40) & (cap - 1);

	while (sites[i] && (sites[i]->pc != pc || sites[i]->activation != activation))
		i = (i + 1) & (cap - 1);
	return &sites[i];
}

static void sites_grow(struct go *go)
{
	size_t cap = go->site_cap ? go->site_cap * 2 : 256;
	struct go_site **sites = xcalloc(cap, sizeof(*sites));

	for (size_t i = 0; i < go->site_cap; i++)
		if (go->sites[i])
			*site_slot(sites, cap, go->sites[i]->pc, go->sites[i]->activation) = go->sites[i];
	free(go->sites);
	go->sites = sites;
	go->site_cap = cap;
}

struct go_site *go_site(struct go *go, uint64_t pc, bool activation)
{
	struct go_site **slot;

	if (go->site_count * 2 >= go->site_cap)
		sites_grow(go);
	slot = site_slot(go->sites, go->site_cap, pc, activation);
	if (!*slot && go->site_count < GO_SITES_MAX && (*slot = site_make(go, pc, activation)))
		go->site_count++;
	return *slot;
}

size_t go_walk(struct go *go, const struct go_stack *s, uint64_t pc, uint64_t sp, bool activation,
	       struct go_frame out[GO_FRAMES_MAX], bool *whole)
{
	bool ended = false;
	size_t n = 0;

	while (n < GO_FRAMES_MAX && !ended) {
		struct go_site *site = go_site(go, pc, activation);
		uint64_t back;

		if (!site)
			break;
		out[n++] = (struct go_frame){ .site = site };
		/* a function that changes stacks ends the one that the runtime lends to its threads */
		ended = site->f.top || (site->f.writes_sp && n > 1);
		if (ended || site->size < 0 || sp < s->base)
			break;
#if defined(__x86_64__)
		back = sp + (uint64_t)site->size;
		sp = back + 8;
#else
		back = sp; /* the frame's size holds the return address, at its lowest place */
		sp += (uint64_t)site->size;
		if (!site->size)
			break;
#endif
		out[n - 1].cfa = sp;
		if (back - s->base > s->n || s->n - (back - s->base) < 8)
			break;
		pc = bytes_u64(s->bytes, s->n, back - s->base);
		activation = false;
	}
	if (whole)
		*whole = ended;
	return n;
}

bool go_is_library(const struct go *go, const char *function, const char *file)
{
	const char *slash = strchr(function, '/'), *dot = strchr(function, '.');

	if (strstr(file, "_testmain.go") || strstr(file, "_cgo_gotypes.go") || strcmp(file, "<autogenerated>") == 0 ||
	    strstr(file, "/pkg/mod/") || strcmp(file, "?") == 0)
		return true;
	if (str_starts(function, "main.") || strstr(file, "_test.go"))
		return go->root && *go->root && str_starts(file, go->root);
	if (go->root && *go->root)
		return str_starts(file, go->root);
	/* Trimmed paths: a package whose first part has no dot in it is the standard library's. */
	return !str_starts(file, "/") && (!slash || (dot && dot > slash)) && !str_starts(file, "./");
}
