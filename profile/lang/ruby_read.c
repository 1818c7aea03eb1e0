/* SPDX-License-Identifier: Apache-2.0 */
/* ruby_read.c - CRuby's objects and control frames as bytes: all of it another program's memory. */
#include "profile/lang/ruby.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 2000, EMBEDDED_BIT = 1 << 13, NAME_MAX_BYTES = 64 };
enum { SCOPE_SHIFT = 4, LAST_OPERATOR = 169, IDS_UNIT = 512 };
enum { IMEMO_METHOD = 6, SPECIAL = 7, INDEX_SHORT = 54, INDEX_BLOCK = 512, INDEX_BLOCK_BYTES = 80 };

static const struct ruby_layout layouts[] = {
#define RUBY(...) { __VA_ARGS__ },
#include "profile/lang/ruby_layout.def"
#undef RUBY
};

const struct ruby_layout *ruby_layout_of(unsigned version)
{
	const struct ruby_layout *found = NULL;

	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts) && version < 305; i++)
		if (layouts[i].version <= version)
			found = &layouts[i];
	return found;
}

unsigned ruby_type(struct ruby_mem *r, uint64_t object)
{
	return object && !(object & SPECIAL) ? (unsigned)(lang_u64(&r->m, object) & 31) : 0;
}

char *ruby_string(struct ruby_mem *r, uint64_t object)
{
	uint64_t flags = object && !(object & SPECIAL) ? lang_u64(&r->m, object) : 0, n;

	if ((flags & 31) != RUBY_STRING)
		return NULL;
	if (flags & EMBEDDED_BIT) /* set: it is not embedded */
		return lang_text(&r->m, lang_u64(&r->m, object + 24), lang_u64(&r->m, object + 16), TEXT_MAX);
	n = r->l.string_embedded == 16 ? flags >> 14 & 31 : lang_u64(&r->m, object + 16);
	return lang_text(&r->m, object + r->l.string_embedded, n, TEXT_MAX);
}

uint64_t ruby_element(struct ruby_mem *r, uint64_t array, uint64_t i)
{
	uint64_t flags = array && !(array & SPECIAL) ? lang_u64(&r->m, array) : 0, at;

	if ((flags & 31) != RUBY_ARRAY || i > UINT32_MAX)
		return 0;
	if (flags & EMBEDDED_BIT) /* here set means embedded */
		return i < (flags >> 15 & 127) ? lang_u64(&r->m, array + 16 + 8 * i) : 0;
	at = lang_u64(&r->m, array + 32);
	return i < lang_u64(&r->m, array + 16) ? lang_u64(&r->m, at + 8 * i) : 0;
}

uint64_t ruby_data(struct ruby_mem *r, uint64_t object, const char *type)
{
	auto_free char *name = NULL;
	uint64_t record;

	if (ruby_type(r, object) != RUBY_DATA)
		return 0;
	/* {flags, class, type, …, data}; the lowest bits of the third word from 3.3 on are flags of their own */
	for (uint64_t off = 16; off <= 24 && !name; off += 8) {
		record = lang_u64(&r->m, object + off) & ~UINT64_C(7);
		name = record ? lang_string(&r->m, lang_u64(&r->m, record), NAME_MAX_BYTES) : NULL;
		if (name && strcmp(name, type) != 0)
			mem_free_ptr(&name);
	}
	if (!name)
		return 0;
	/* from 3.3 on it may lie within the object itself */
	return lang_u64(&r->m, object + 24) & 2 && r->l.version >= 303 ? object + 32 : lang_u64(&r->m, object + 32);
}

char *ruby_id(struct ruby_mem *r, uint64_t id)
{
	uint64_t number = id > LAST_OPERATOR ? id >> SCOPE_SHIFT : id;
	uint64_t unit = r->ids ? ruby_element(r, r->ids, number / IDS_UNIT) : 0;

	return unit ? ruby_string(r, ruby_element(r, unit, number % IDS_UNIT * 2)) : NULL;
}

/* A list of positions with an index that counts them: of small blocks, so that few bits do (iseq.c, succ_index_table). */
static uint32_t index_rank(struct ruby_mem *r, uint64_t index, uint64_t position)
{
	uint64_t block, word, i, shift;

	if (position < INDEX_SHORT)
		return (uint32_t)(lang_u64(&r->m, index + 8 * (position / 9)) >> (7 * (position % 9)) & 127);
	block = index + 48 + INDEX_BLOCK_BYTES * ((position - INDEX_SHORT) / INDEX_BLOCK);
	i = (position - INDEX_SHORT) % INDEX_BLOCK;
	word = i / 64;
	shift = 63 - i % 64;
	return lang_u32(&r->m, block) + (uint32_t)(word ? lang_u64(&r->m, block + 8) >> (9 * (word - 1)) & 511 : 0) +
	       (uint32_t)__builtin_popcountll(lang_u64(&r->m, block + 16 + 8 * word) << shift);
}

int ruby_line(struct ruby_mem *r, uint64_t body, uint64_t position)
{
	uint32_t count = lang_u32(&r->m, body + r->l.insn_count), rank = 1;
	uint64_t table = lang_u64(&r->m, body + r->l.insn_info);
	int32_t line;

	if (!count || position > 1 << 24)
		return 0;
	if (count > 1)
		rank = index_rank(r, lang_u64(&r->m, body + r->l.insn_index), position);
	if (!rank || rank > count)
		return 0;
	line = (int32_t)lang_u32(&r->m, table + (uint64_t)r->l.entry_size * (rank - 1));
	return line > 0 ? line : 0;
}

/* A String, or an Array of the path as it was given and the one that it leads to. */
static char *path_of(struct ruby_mem *r, uint64_t object)
{
	return ruby_type(r, object) == RUBY_ARRAY ? ruby_string(r, ruby_element(r, object, 0)) : ruby_string(r, object);
}

/* Of a method in C: its entry stands below the frame's environment. */
static bool method_name(struct ruby_mem *r, uint64_t ep, struct ruby_frame *f)
{
	uint64_t entry = lang_u64(&r->m, ep - 16), flags = entry && !(entry & SPECIAL) ? lang_u64(&r->m, entry) : 0;

	if ((flags & 31) != RUBY_IMEMO || (flags >> 12 & 15) != IMEMO_METHOD)
		return false;
	f->function = ruby_id(r, lang_u64(&r->m, entry + 24));
	return f->function != NULL;
}

bool ruby_frame_name(struct ruby_mem *r, const unsigned char *cfp, struct ruby_frame *f)
{
	uint64_t pc = bytes_u64(cfp, r->l.cfp_size, 0), iseq = bytes_u64(cfp, r->l.cfp_size, 16);
	uint64_t ep = bytes_u64(cfp, r->l.cfp_size, 32), body, code, position;

	*f = (struct ruby_frame){ .function = NULL };
	if (!iseq)
		return !pc && ep && method_name(r, ep, f);
	if (!pc || ruby_type(r, iseq) != RUBY_IMEMO)
		return false;
	body = lang_u64(&r->m, iseq + 16);
	code = lang_u64(&r->m, body + 8);
	position = pc >= code ? (pc - code) / 8 : 0;
	f->function = ruby_string(r, lang_u64(&r->m, body + 64 + 16));
	f->file = path_of(r, lang_u64(&r->m, body + 64));
	f->line = ruby_line(r, body, position ? position - 1 : 0);
	/* the outermost one stands for the whole program, and is at no line */
	if (f->function && (f->line || strcmp(f->function, "<main>") != 0))
		return true;
	free(f->function);
	free(f->file);
	return false;
}
