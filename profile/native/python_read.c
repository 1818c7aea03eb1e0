/* python_read.c - CPython's structures as bytes. All of it is another program's memory: any pointer may lead
 * nowhere or in a circle, any length may be absurd. */
#include "profile/native/python.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 4096, TABLE_MAX = 256 * 1024, FRAME_BYTES = 512 };

static const struct python_layout layouts[] = {
#define PYTHON(...) { __VA_ARGS__ },
#include "profile/native/python_offsets.def"
#undef PYTHON
};

const struct python_layout *python_layout_of(unsigned minor)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
		if (layouts[i].minor == minor)
			return &layouts[i];
	return NULL;
}

/* Words of the table by their number. 3.14 put one (threads_main) behind threads_head, two behind the
 * interpreter's and two behind the frame's. */
struct debug_places {
	unsigned threads_head, ceval_gil, locked, holder, thread, frame, code;
};

bool python_debug_offsets(const unsigned char *bytes, size_t n, struct python_layout *l)
{
	static const struct debug_places v13 = { 9, 14, 17, 18, 19, 28, 34 };
	static const struct debug_places v14 = { 9, 15, 18, 19, 22, 31, 39 };
	uint64_t w[PYTHON_DEBUG_OFFSETS_BYTES / 8];
	const struct debug_places *at;
	unsigned minor;

	if (n < sizeof(w) || memcmp(bytes, "xdebugpy", 8) != 0)
		return false;
	memcpy(w, bytes, sizeof(w));
	minor = (unsigned)(w[1] >> 16 & 0xff);
	if (w[1] >> 24 != 3 || minor < 13 || minor > 14)
		return false;
	at = minor == 13 ? &v13 : &v14;
	for (unsigned i = 3; i < at->code + 10; i++)
		if (w[i] > (i < at->thread ? 4u << 20 : 64u << 10)) /* the runtime itself holds a whole interpreter */
			return false;
	*l = *python_layout_of(13);
	l->minor = minor;
	l->runtime_interpreters = (uint32_t)w[5];
	l->interp_next = (uint32_t)w[8];
	l->interp_threads = (uint32_t)w[at->threads_head];
	l->interp_gil = (uint32_t)w[at->ceval_gil];
	/* The last two are counted from the interpreter; the lock itself lies where the word before them says. */
	l->gil_locked = (uint32_t)(w[at->locked] - w[at->locked - 2]);
	l->gil_holder = (uint32_t)(w[at->holder] - w[at->locked - 2]);
	l->thread_next = (uint32_t)w[at->thread + 2];
	l->thread_frame = (uint32_t)w[at->thread + 4];
	l->thread_id = (uint32_t)w[at->thread + 5];
	l->thread_native_id = (uint32_t)w[at->thread + 6];
	l->frame_back = (uint32_t)w[at->frame + 1];
	l->frame_code = (uint32_t)w[at->frame + 2];
	l->frame_instr = (uint32_t)w[at->frame + 3];
	l->frame_locals = (uint32_t)w[at->frame + 4];
	l->frame_entry = (uint32_t)w[at->frame + 5];
	l->code_filename = (uint32_t)w[at->code + 1];
	l->code_name = (uint32_t)w[at->code + 3];
	l->code_linetable = (uint32_t)w[at->code + 4];
	l->code_firstlineno = (uint32_t)w[at->code + 5];
	l->code_instructions = (uint32_t)w[at->code + 9];
	return l->frame_entry < FRAME_BYTES && l->frame_code < FRAME_BYTES - 8 && l->frame_back < FRAME_BYTES - 8 &&
	       l->frame_instr < FRAME_BYTES - 8;
}

static uint64_t word_at(const unsigned char *bytes, uint32_t off)
{
	uint64_t v;

	memcpy(&v, bytes + off, sizeof(v));
	return v;
}

/* Bytes of a frame that are needed: one read a frame. */
static size_t frame_bytes(const struct python_layout *l)
{
	uint32_t most = l->frame_code;

	if (l->frame_back > most)
		most = l->frame_back;
	if (l->frame_instr > most)
		most = l->frame_instr;
	if (l->frame_entry > most)
		most = l->frame_entry;
	return most + 8 <= FRAME_BYTES ? most + 8 : FRAME_BYTES;
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
}

size_t python_walk(struct peek *p, const struct python_layout *l, uint64_t thread_state, struct python_frame *out,
		   size_t max, bool *torn)
{
	unsigned char bytes[FRAME_BYTES];
	size_t size = frame_bytes(l), n = 0;
	uint64_t at;

	*torn = !peek_u64(p, thread_state + l->thread_frame, &at);
	if (!*torn && (l->minor == 11 || l->minor == 12) && at)
		*torn = !peek_u64(p, at + l->cframe_current, &at);
	if (*torn)
		return 0;
	while (at && n < max) {
		if (at & 7 || !peek_full(p, at, bytes, size)) {
			*torn = true;
			break;
		}
		frame_take(l, bytes, at, &out[n]);
		n++;
		if (word_at(bytes, l->frame_back) == at) {
			*torn = true;
			break;
		}
		at = word_at(bytes, l->frame_back);
	}
	return n;
}

static void utf8_add(struct str *out, uint32_t c)
{
	if (c < 0x80) {
		str_addc(out, (char)c);
	} else if (c < 0x800) {
		str_addc(out, (char)(0xc0 | c >> 6));
		str_addc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		str_addc(out, (char)(0xe0 | c >> 12));
		str_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		str_addc(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x110000) {
		str_addc(out, (char)(0xf0 | c >> 18));
		str_addc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		str_addc(out, (char)(0x80 | (c >> 6 & 0x3f)));
		str_addc(out, (char)(0x80 | (c & 0x3f)));
	}
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

char *python_text(struct peek *p, const struct python_layout *l, uint64_t object)
{
	unsigned char head[40], text[TEXT_MAX];
	auto_str out = STR_INIT;
	uint32_t state;
	uint64_t length;
	unsigned kind;
	size_t bytes;
	bool ascii;

	if (!peek_full(p, object, head, sizeof(head)))
		return NULL;
	length = word_at(head, 16);
	memcpy(&state, head + 32, sizeof(state));
	if (!text_state(state, &kind, &ascii))
		return NULL;
	if (length > TEXT_MAX / kind)
		length = TEXT_MAX / kind;
	bytes = (size_t)length * kind;
	if (bytes && !peek_full(p, object + (ascii ? l->ascii_size : l->compact_size), text, bytes))
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

static int place_line(struct peek *p, const struct python_layout *l, const struct python_frame *f)
{
	auto_free unsigned char *bytes = NULL;
	uint64_t table, size;
	uint32_t first;
	long at;

	if (!peek_u64(p, f->code + l->code_linetable, &table) || !peek_u32(p, f->code + l->code_firstlineno, &first) ||
	    !peek_u64(p, table + 16, &size) || size > TABLE_MAX)
		return 0;
	if (l->minor >= 11)
		at = (long)(f->instr - (f->code + l->code_instructions));
	else
		at = (long)f->instr;
	bytes = xmalloc(size + 1);
	if (size && !peek_full(p, table + 32, bytes, size))
		return 0;
	return python_line(l->minor, bytes, size, (int)first, at);
}

bool python_place(struct peek *p, const struct python_layout *l, const struct python_frame *f, struct python_place *out)
{
	uint64_t name, file;

	*out = (struct python_place){ 0 };
	if (f->code & 7 || !peek_u64(p, f->code + l->code_name, &name) || !peek_u64(p, f->code + l->code_filename, &file))
		return false;
	out->function = python_text(p, l, name);
	out->file = python_text(p, l, file);
	if (!out->function || !out->file) {
		mem_free_ptr(&out->function);
		mem_free_ptr(&out->file);
		return false;
	}
	out->line = place_line(p, l, f);
	return true;
}
