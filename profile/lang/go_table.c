/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/lang/go_table.h"

#include <string.h>

enum { MAGIC_118 = 0xfffffff0, MAGIC_120 = 0xfffffff1 };
enum { HEADER_BYTES = 72, FUNCTIONS_MAX = 4 << 20, STEPS_MAX = 8 << 20 };
enum { FUNCDATA_INLINE_TREE = 3, PCDATA_INLINE_INDEX = 2, NODE_118_BYTES = 20, NODE_120_BYTES = 16 };
enum { FLAG_TOP_FRAME = 1, FLAG_SP_WRITE = 2 };

bool go_table_open(struct go_table *t, const unsigned char *b, size_t n)
{
	uint32_t magic = bytes_u32(b, n, 0);

	*t = (struct go_table){ .b = b, .n = n };
	if (n < HEADER_BYTES || (magic != MAGIC_118 && magic != MAGIC_120) || b[4] || b[5] || b[7] != 8)
		return false;
	t->v20 = magic == MAGIC_120;
	t->quantum = b[6];
	t->count = bytes_u64(b, n, 8);
	t->names = bytes_u64(b, n, 32);
	t->units = bytes_u64(b, n, 40);
	t->files = bytes_u64(b, n, 48);
	t->values = bytes_u64(b, n, 56);
	t->functions = bytes_u64(b, n, 64);
	if ((t->quantum != 1 && t->quantum != 4) || !t->count || t->count > FUNCTIONS_MAX)
		return false;
	return t->names < n && t->units < n && t->files < n && t->values < n && t->functions < n &&
	       (n - t->functions) / 8 > t->count;
}

/* Of function i, counted from the beginning of the code; of i = count, where the code ends. */
static uint64_t entry_of(const struct go_table *t, uint64_t i)
{
	return bytes_u32(t->b, t->n, t->functions + 8 * i);
}

bool go_table_place(struct go_table *t, uint64_t text)
{
	uint64_t length = entry_of(t, t->count);

	t->text = text;
	t->etext = text + length;
	return text && length && t->etext > text;
}

bool go_function(const struct go_table *t, uint64_t i, struct go_function *f)
{
	uint64_t at, tail;

	if (i >= t->count)
		return false;
	at = t->functions + bytes_u32(t->b, t->n, t->functions + 8 * i + 4);
	/* 1.20 added the line at which a function begins */
	tail = at + (t->v20 ? 40 : 36);
	if (at > t->n || tail + 4 > t->n)
		return false;
	*f = (struct go_function){ .at = at, .entry = t->text + entry_of(t, i), .end = t->text + entry_of(t, i + 1) };
	f->name = (int32_t)bytes_u32(t->b, t->n, at + 4);
	f->pcsp = bytes_u32(t->b, t->n, at + 16);
	f->pcfile = bytes_u32(t->b, t->n, at + 20);
	f->pcln = bytes_u32(t->b, t->n, at + 24);
	f->npcdata = bytes_u32(t->b, t->n, at + 28);
	f->unit = bytes_u32(t->b, t->n, at + 32);
	f->id = t->b[tail];
	f->top = t->b[tail + 1] & FLAG_TOP_FRAME;
	f->writes_sp = t->b[tail + 1] & FLAG_SP_WRITE;
	f->nfuncdata = t->b[tail + 3];
	return f->end > f->entry;
}

bool go_function_at(const struct go_table *t, uint64_t pc, struct go_function *f)
{
	uint64_t lo = 0, hi = t->count;

	if (pc < t->text || pc >= t->etext)
		return false;
	while (hi - lo > 1) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (t->text + entry_of(t, mid) <= pc)
			lo = mid;
		else
			hi = mid;
	}
	return go_function(t, lo, f) && pc >= f->entry && pc < f->end;
}

static const char *text_at(const struct go_table *t, uint64_t at)
{
	if (at >= t->n || !memchr(t->b + at, '\0', t->n - at))
		return "?";
	return (const char *)t->b + at;
}

const char *go_name(const struct go_table *t, int64_t offset)
{
	return offset < 0 ? "?" : text_at(t, t->names + (uint64_t)offset);
}

static bool varint(const struct go_table *t, uint64_t *at, uint32_t *v)
{
	*v = 0;
	for (unsigned shift = 0; shift < 35; shift += 7) {
		unsigned char c;

		if (*at >= t->n)
			return false;
		c = t->b[(*at)++];
		*v |= (uint32_t)(c & 127) << shift;
		if (c < 128)
			return true;
	}
	return false;
}

/* largest: the greatest value of all up to pc, or NULL. */
static int32_t value_at(struct go_table *t, const struct go_function *f, uint32_t table, uint64_t pc, int32_t *largest)
{
	uint64_t at = t->values + table, reached = f->entry;
	uint32_t value = UINT32_MAX; /* -1 */

	if (!table)
		return -1;
	for (unsigned i = 0; t->steps < STEPS_MAX; i++, t->steps++) {
		uint32_t dv, dp;

		if (!varint(t, &at, &dv) || (dv == 0 && i) || !varint(t, &at, &dp))
			return -1;
		value += dv & 1 ? ~(dv >> 1) : dv >> 1;
		reached += (uint64_t)dp * t->quantum;
		if (largest && (int32_t)value > *largest)
			*largest = (int32_t)value;
		if (pc < reached)
			return (int32_t)value;
	}
	return -1;
}

int32_t go_value(struct go_table *t, const struct go_function *f, uint32_t table, uint64_t pc)
{
	return value_at(t, f, table, pc, NULL);
}

const char *go_place(struct go_table *t, const struct go_function *f, uint64_t pc, int *line)
{
	int32_t file = go_value(t, f, f->pcfile, pc), at = go_value(t, f, f->pcln, pc);
	uint64_t offset;

	*line = at > 0 ? at : 0;
	if (file < 0)
		return "?";
	offset = t->units + 4 * ((uint64_t)f->unit + (uint64_t)file);
	if (offset > t->n - 4 || bytes_u32(t->b, t->n, offset) == UINT32_MAX)
		return "?";
	return text_at(t, t->files + bytes_u32(t->b, t->n, offset));
}

/* Address of the function's tree of inlined calls; 0 where it has none. */
static uint64_t inline_tree(const struct go_table *t, const struct go_function *f)
{
	uint64_t at = f->at + (t->v20 ? 44 : 40) + 4 * ((uint64_t)f->npcdata + FUNCDATA_INLINE_TREE);

	if (!t->gofunc || f->nfuncdata <= FUNCDATA_INLINE_TREE || f->npcdata <= PCDATA_INLINE_INDEX || at > t->n - 4 ||
	    bytes_u32(t->b, t->n, at) == UINT32_MAX)
		return 0;
	return t->gofunc + bytes_u32(t->b, t->n, at);
}

static uint32_t inline_indexes(const struct go_table *t, const struct go_function *f)
{
	return bytes_u32(t->b, t->n, f->at + (t->v20 ? 44 : 40) + 4 * PCDATA_INLINE_INDEX);
}

int32_t go_inline_at(struct go_table *t, const struct go_function *f, uint64_t pc)
{
	return inline_tree(t, f) ? go_value(t, f, inline_indexes(t, f), pc) : -1;
}

size_t go_inlines(struct go_table *t, struct lang_mem *m, const struct go_function *f,
		  struct go_inline out[GO_INLINE_NODES_MAX])
{
	uint64_t node = inline_tree(t, f), node_bytes = t->v20 ? NODE_120_BYTES : NODE_118_BYTES;
	int32_t last = -1;
	size_t n = 0;

	if (!node)
		return 0;
	value_at(t, f, inline_indexes(t, f), f->end - 1, &last);
	for (; (int64_t)n <= last && n < GO_INLINE_NODES_MAX; n++, node += node_bytes) {
		out[n].function = go_name(t, (int32_t)lang_u32(m, node + (t->v20 ? 4 : 12)));
		out[n].at = f->entry + lang_u32(m, node + (t->v20 ? 8 : 16));
	}
	return n;
}

size_t go_calls(struct go_table *t, struct lang_mem *m, const struct go_function *f, uint64_t pc,
		struct go_call out[GO_INLINED_MAX])
{
	uint64_t tree = inline_tree(t, f), node_bytes = t->v20 ? NODE_120_BYTES : NODE_118_BYTES;
	uint32_t indexes = inline_indexes(t, f);
	size_t n = 0;

	while (tree && n + 1 < GO_INLINED_MAX) {
		int32_t index = go_value(t, f, indexes, pc);
		uint64_t node = tree + node_bytes * (uint64_t)index;
		uint32_t parent;

		if (index < 0)
			break;
		out[n].file = go_place(t, f, pc, &out[n].line);
		out[n].function = go_name(t, (int32_t)lang_u32(m, node + (t->v20 ? 4 : 12)));
		out[n++].inlined = true;
		parent = lang_u32(m, node + (t->v20 ? 8 : 16));
		if (f->entry + parent >= f->end)
			break;
		pc = f->entry + parent;
	}
	out[n].file = go_place(t, f, pc, &out[n].line);
	out[n].function = go_name(t, f->name);
	out[n++].inlined = false;
	return n;
}

bool go_table_of_file(struct go_table *t, const struct elf_file *elf)
{
	uint64_t vaddr, offset, size, text, ignored;

	return (elf_file_section(elf, ".gopclntab", &vaddr, &offset, &size) ||
		elf_file_section(elf, ".data.rel.ro.gopclntab", &vaddr, &offset, &size)) &&
	       size && offset < elf->size && size <= elf->size - offset &&
	       go_table_open(t, elf->bytes + offset, (size_t)size) &&
	       elf_file_section(elf, ".text", &text, &ignored, &size) && go_table_place(t, text);
}
