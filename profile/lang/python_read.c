/* SPDX-License-Identifier: Apache-2.0 */
/* python_read.c - CPython's structures as bytes: frames, names, lines. All of it is another program's memory: any
 * pointer may lead nowhere or in a circle, any length may be absurd. */
#include "profile/lang/python_objects.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096, TABLE_MAX = 256 * 1024, FRAME_BYTES = 128, OFFSET_MAX = 64 << 10, STATE_OFFSET_MAX = 4 << 20 };

static const struct python_layout layouts[] = {
#define PYTHON(...) { __VA_ARGS__ },
#define PYTHON_WORDS(...)
#include "profile/lang/python_offsets.def"
#undef PYTHON
#undef PYTHON_WORDS
};

/* At which word of the published table each number stands. */
struct debug_words {
	unsigned minor, count; /* count: words that are looked at */
	unsigned runtime_interpreters, interp_next, interp_id, interp_threads, interp_modules, interp_gil, gil, gil_locked,
		gil_holder, thread_next, thread_frame, thread_id, thread_native_id, frame_back, frame_code, frame_instr,
		frame_locals, frame_entry, code_filename, code_name, code_linetable, code_firstlineno, code_instructions,
		object_type, type_name, type_flags;
};
static const struct debug_words words[] = {
#define PYTHON(...)
#define PYTHON_WORDS(...) { __VA_ARGS__ },
#include "profile/lang/python_offsets.def"
#undef PYTHON
#undef PYTHON_WORDS
};

const struct python_layout *python_layout_of(unsigned minor, bool free_threaded)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (layouts[i].minor == minor && layouts[i].free_threaded == free_threaded)
			return &layouts[i];
	return NULL;
}

static const struct debug_words *words_of(unsigned minor)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (words[i].minor == minor)
			return &words[i];
	return NULL;
}

bool python_debug_offsets(const unsigned char *bytes, size_t n, struct python_layout *l)
{
	uint64_t w[PYTHON_DEBUG_OFFSETS_BYTES / 8];
	const struct python_layout *row;
	const struct debug_words *at;

	if (n < sizeof(w) || memcmp(bytes, "xdebugpy", 8) != 0)
		return false;
	memcpy(w, bytes, sizeof(w));
	at = w[1] >> 24 == 3 ? words_of((unsigned)(w[1] >> 16 & 0xff)) : NULL;
	row = at && w[2] <= 1 ? python_layout_of(at->minor, w[2] != 0) : NULL;
	if (!row)
		return false;
	for (unsigned i = 3; i <= at->type_flags; i++) /* the runtime itself holds a whole interpreter */
		if (w[i] > (i < at->thread_next ? STATE_OFFSET_MAX : OFFSET_MAX))
			return false;
	*l = *row;
	l->runtime_interpreters = (uint32_t)w[at->runtime_interpreters];
	l->interp_next = (uint32_t)w[at->interp_next];
	l->interp_id = (uint32_t)w[at->interp_id];
	l->interp_threads = (uint32_t)w[at->interp_threads];
	l->interp_modules = (uint32_t)w[at->interp_modules];
	l->interp_gil = (uint32_t)w[at->interp_gil];
	/* Both are counted from the interpreter; the lock itself lies where the word `gil` says. */
	l->gil_locked = (uint32_t)(w[at->gil_locked] - w[at->gil]);
	l->gil_holder = (uint32_t)(w[at->gil_holder] - w[at->gil]);
	l->thread_next = (uint32_t)w[at->thread_next];
	l->thread_frame = (uint32_t)w[at->thread_frame];
	l->thread_id = (uint32_t)w[at->thread_id];
	l->thread_native_id = (uint32_t)w[at->thread_native_id];
	l->frame_back = (uint32_t)w[at->frame_back];
	l->frame_code = (uint32_t)w[at->frame_code];
	l->frame_instr = (uint32_t)w[at->frame_instr];
	l->frame_locals = (uint32_t)w[at->frame_locals];
	l->frame_entry = (uint32_t)w[at->frame_entry];
	l->code_filename = (uint32_t)w[at->code_filename];
	l->code_name = (uint32_t)w[at->code_name];
	l->code_linetable = (uint32_t)w[at->code_linetable];
	l->code_firstlineno = (uint32_t)w[at->code_firstlineno];
	l->code_instructions = (uint32_t)w[at->code_instructions];
	l->object_type = (uint32_t)w[at->object_type];
	l->type_name = (uint32_t)w[at->type_name];
	l->type_flags = (uint32_t)w[at->type_flags];
	return l->frame_entry < FRAME_BYTES && l->frame_code <= FRAME_BYTES - 8 && l->frame_back <= FRAME_BYTES - 8 &&
	       l->frame_instr <= FRAME_BYTES - 8;
}

void python_mem_init(struct python_mem *m, struct peek *peek)
{
	*m = (struct python_mem){ .peek = peek };
	lang_mem_init(&m->mem, peek);
}

void python_mem_release(struct python_mem *m)
{
	lang_mem_release(&m->mem);
}

void python_forget(struct python_mem *m)
{
	lang_forget(&m->mem);
}

static uint64_t word_at(const unsigned char *bytes, uint32_t off)
{
	uint64_t v;

	memcpy(&v, bytes + off, sizeof(v));
	return v;
}

static void frame_take(const struct python_layout *l, const unsigned char *bytes, uint64_t address, struct python_frame *f)
{
	*f = (struct python_frame){ .address = address, .code = word_at(bytes, l->frame_code) };
	if (l->minor < 11) {
		int32_t lasti;

		memcpy(&lasti, bytes + l->frame_instr, sizeof(lasti));
		/* 3.10 counts instructions of two bytes. */
		f->instr = (uint64_t)(l->minor == 10 && lasti > 0 ? (int64_t)lasti * 2 : lasti);
		f->entry = true;
		return;
	}
	f->instr = word_at(bytes, l->frame_instr);
	if (l->minor == 11)
		f->entry = bytes[l->frame_entry] != 0;
	else
		f->shim = bytes[l->frame_entry] >= 3; /* owned by the C stack, or the interpreter */
	if (l->minor >= 14)
		f->code &= ~UINT64_C(7); /* tagged */
	if (l->frame_tlbc)
		memcpy(&f->tlbc, bytes + l->frame_tlbc, sizeof(f->tlbc));
}

size_t python_walk_from(struct python_mem *m, uint64_t at, struct python_frame *out, size_t max, bool *torn)
{
	unsigned char bytes[FRAME_BYTES];
	size_t n = 0;

	*torn = false;
	while (at && n < max) {
		if (at & 7 || !python_read(m, at, bytes, sizeof(bytes))) {
			*torn = true;
			break;
		}
		frame_take(&m->l, bytes, at, &out[n]);
		n++;
		if (word_at(bytes, m->l.frame_back) == at) {
			*torn = true;
			break;
		}
		at = word_at(bytes, m->l.frame_back);
	}
	return n;
}

size_t python_walk(struct python_mem *m, uint64_t thread_state, struct python_frame *out, size_t max, bool *torn)
{
	uint64_t at;

	*torn = !python_u64(m, thread_state + m->l.thread_frame, &at);
	if (!*torn && (m->l.minor == 11 || m->l.minor == 12) && at)
		*torn = !python_u64(m, at + m->l.cframe_current, &at);
	return *torn ? 0 : python_walk_from(m, at, out, max, torn);
}

/* Width of a character and whether the text is ASCII. The state's bits begin with `interned`, of 2 bits, or of 16 in
 * some builds: what follows tells which, for only one reading is a compact text of a known width. */
static bool text_state(uint32_t state, unsigned *kind, bool *ascii)
{
	static const unsigned shifts[] = { 2, 16, 8, 3 };

	for (size_t i = 0; i < sizeof(shifts) / sizeof(*shifts); i++) {
		uint32_t s = state >> shifts[i];

		*kind = s & 7;
		*ascii = s >> 4 & 1;
		if ((*kind == 1 || *kind == 2 || *kind == 4) && s >> 3 & 1 && (!*ascii || *kind == 1))
			return true;
	}
	return false;
}

char *python_text(struct python_mem *m, uint64_t object)
{
	unsigned char text[TEXT_MAX];
	auto_str out = STR_INIT;
	uint32_t state;
	uint64_t length;
	unsigned kind;
	size_t bytes;
	bool ascii;

	if (!python_u64(m, object + m->l.text_length, &length) || !python_u32(m, object + m->l.text_state, &state) ||
	    !text_state(state, &kind, &ascii))
		return NULL;
	if (length > TEXT_MAX / kind)
		length = TEXT_MAX / kind;
	bytes = (size_t)length * kind;
	if (bytes && !python_read(m, object + (ascii ? m->l.ascii_size : m->l.compact_size), text, bytes))
		return NULL;
	for (size_t i = 0; i < length; i++) {
		uint32_t c = 0;

		memcpy(&c, text + i * kind, kind);
		utf8_add(&out, c);
	}
	return str_steal(&out);
}

/* 3.8, 3.9: pairs of (bytes, lines), both of one byte, the lines signed. */
static int line_lnotab(const unsigned char *table, size_t n, int line, long at)
{
	long addr = 0;

	for (size_t i = 0; i + 1 < n; i += 2) {
		addr += table[i];
		if (addr > at)
			break;
		line += (signed char)table[i + 1];
	}
	return line;
}

/* 3.10: pairs of (length in bytes, lines); -128 is no line. */
static int line_310(const unsigned char *table, size_t n, int line, long at)
{
	long end = 0;
	int here;

	for (size_t i = 0; i + 1 < n; i += 2) {
		int delta = (signed char)table[i + 1];

		here = delta == -128 ? 0 : line + delta;
		if (delta != -128)
			line += delta;
		end += table[i];
		if (at < end)
			return here;
	}
	return 0;
}

static bool varint(const unsigned char *table, size_t n, size_t *i, unsigned *out)
{
	unsigned shift = 0, v = 0, b;

	do {
		if (*i >= n || shift > 24)
			return false;
		b = table[(*i)++];
		v |= (b & 63) << shift;
		shift += 6;
	} while (b & 64);
	*out = v;
	return true;
}

/* 3.11 and later: entries of (code, length), whose lines are signed variable-length numbers. */
static int line_311(const unsigned char *table, size_t n, int line, long at)
{
	long end = 0;

	for (size_t i = 0; i < n;) {
		unsigned head = table[i++], code = head >> 3 & 15, v = 0;
		bool none = code == 15;

		if (!(head & 128))
			return 0;
		if (code == 13 || code == 14) {
			if (!varint(table, n, &i, &v))
				return 0;
			line = (int)((unsigned)line + (v & 1 ? -(v >> 1) : v >> 1));
		} else if (code >= 10 && code <= 12) {
			line = (int)((unsigned)line + code - 10);
		}
		/* Columns, of which nothing is wanted: entries begin with their highest bit set. */
		while (i < n && !(table[i] & 128))
			i++;
		end += ((long)(head & 7) + 1) * 2;
		if (at < end)
			return none ? 0 : line;
	}
	return 0;
}

int python_line(unsigned minor, const unsigned char *table, size_t n, int first_line, long at)
{
	int line;

	if (at < 0)
		return first_line > 0 ? first_line : 0;
	line = minor >= 11 ? line_311(table, n, first_line, at) :
	       minor == 10 ? line_310(table, n, first_line, at) : line_lnotab(table, n, first_line, at);
	return line > 0 ? line : 0;
}

unsigned python_handler_depth(const unsigned char *table, size_t n, long at)
{
	unsigned depth = 0;

	for (size_t i = 0; i < n;) {
		unsigned v[4]; /* start, length, handler, depth << 1 | … */

		for (int k = 0; k < 4; k++) {
			unsigned b;

			if (i >= n)
				return depth;
			b = table[i++];
			v[k] = b & 63;
			while (b & 64 && i < n) {
				b = table[i++];
				v[k] = v[k] << 6 | (b & 63);
			}
		}
		if (at / 2 >= v[0] && at / 2 < (long)v[0] + v[1])
			depth = v[3] >> 1;
	}
	return depth;
}

/* Bytes of a bytes object, or NULL. Caller frees. */
static unsigned char *bytes_copy(struct python_mem *m, uint64_t object, size_t *n)
{
	unsigned char *bytes;
	uint64_t size;

	if (!python_u64(m, object + m->l.var_count, &size) || size > TABLE_MAX)
		return NULL;
	bytes = xmalloc(size + 1);
	if (size && !python_read(m, object + m->l.bytes_data, bytes, size)) {
		free(bytes);
		return NULL;
	}
	*n = size;
	return bytes;
}

/* Where a frame stands, in bytes from the beginning of its code. */
static long frame_offset(struct python_mem *m, const struct python_frame *f)
{
	const struct python_layout *l = &m->l;
	uint64_t base = f->code + l->code_instructions, array, count;

	if (l->minor < 11)
		return (long)f->instr;
	/* Without a global lock every thread specialises a copy of its own: {count, copies…}. */
	if (l->code_tlbc && f->tlbc > 0 && python_u64(m, f->code + l->code_tlbc, &array) && array &&
	    python_u64(m, array, &count) && (uint64_t)f->tlbc < count)
		python_u64(m, array + 8 + 8 * (uint64_t)f->tlbc, &base);
	return (long)(f->instr - base);
}

static int place_line(struct python_mem *m, const struct python_frame *f)
{
	auto_free unsigned char *bytes = NULL;
	uint64_t table;
	uint32_t first;
	size_t size;

	if (!python_u64(m, f->code + m->l.code_linetable, &table) ||
	    !python_u32(m, f->code + m->l.code_firstlineno, &first) || !(bytes = bytes_copy(m, table, &size)))
		return 0;
	return python_line(m->l.minor, bytes, size, (int)first, frame_offset(m, f));
}

bool python_place(struct python_mem *m, const struct python_frame *f, struct python_place *out)
{
	uint64_t name, file;

	*out = (struct python_place){ 0 };
	/* A frame that ended while it was read leaves anything at all here. */
	if (!python_is(m, f->code, "code") || !python_u64(m, f->code + m->l.code_name, &name) ||
	    !python_u64(m, f->code + m->l.code_filename, &file))
		return false;
	out->function = python_text(m, name);
	out->file = python_text(m, file);
	if (!out->function || !out->file) {
		mem_free_ptr(&out->function);
		mem_free_ptr(&out->file);
		return false;
	}
	out->line = place_line(m, f);
	return true;
}

uint64_t python_local(struct python_mem *m, const struct python_frame *f, size_t i)
{
	uint64_t v = 0;

	return python_u64(m, f->address + m->l.frame_locals + 8 * i, &v) ? v & ~UINT64_C(3) : 0;
}

/* 3.8 to 3.10: the innermost block of the frame's own block stack knows the depth. */
static struct python_live live_310(struct python_mem *m, const struct python_frame *f)
{
	struct python_live live = { 0, 0 };
	uint64_t values, base = f->address + m->l.frame_locals;
	uint32_t count, block[3];

	if (!python_u64(m, f->address + m->l.frame_values, &values) || values < base || values - base > TABLE_MAX ||
	    !python_u32(m, f->address + m->l.frame_block_count, &count))
		return live;
	live.locals = live.end = (values - base) / 8;
	if (count && count <= 20 &&
	    python_read(m, f->address + m->l.frame_blocks + 12 * (uint64_t)(count - 1), block, sizeof(block)) &&
	    block[2] < 1000)
		live.end += block[2];
	return live;
}

struct python_live python_live(struct python_mem *m, const struct python_frame *f)
{
	struct python_live live = { 0, 0 };
	auto_free unsigned char *bytes = NULL;
	uint64_t table;
	uint32_t locals;
	size_t size;

	if (f->shim)
		return live;
	if (m->l.minor < 11)
		return live_310(m, f);
	if (!python_u32(m, f->code + m->l.code_locals, &locals) || locals > TABLE_MAX / 8)
		return live;
	live.locals = live.end = locals;
	if (python_u64(m, f->code + m->l.code_exceptions, &table) && (bytes = bytes_copy(m, table, &size)))
		live.end += python_handler_depth(bytes, size, frame_offset(m, f));
	return live;
}
