/* CPython's tables and structures, made up in this process's own memory. */
#include "profile/native/python.h"

#include "base/mem.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <unistd.h>

static void lines(void)
{
	/* 3.9: 4 bytes on the first line, then +2, then back by 1. */
	static const unsigned char lnotab[] = { 4, 2, 6, 0xff };
	/* 3.10: 4 bytes of line +1, 2 of none, 4 of line +3. */
	static const unsigned char t310[] = { 4, 1, 2, 0x80, 4, 3 };
	/* 3.11: a short form; one line on; no columns and +5; none; long form and -2. */
	static const unsigned char t311[] = { 0x80, 0x11, 0x80 | 11 << 3, 1, 2, 0x80 | 13 << 3 | 1, 10, 0x80 | 15 << 3,
					      0x80 | 14 << 3, 5, 0, 1, 2 };

	is_int(python_line(9, lnotab, sizeof(lnotab), 10, 0), 10, "3.9: first");
	is_int(python_line(9, lnotab, sizeof(lnotab), 10, 4), 12, "3.9: forward");
	is_int(python_line(9, lnotab, sizeof(lnotab), 10, 10), 11, "3.9: back");
	is_int(python_line(10, t310, sizeof(t310), 10, 2), 11, "3.10: first");
	is_int(python_line(10, t310, sizeof(t310), 10, 4), 0, "3.10: none");
	is_int(python_line(10, t310, sizeof(t310), 10, 6), 14, "3.10: after none");
	is_int(python_line(11, t311, sizeof(t311), 10, 0), 10, "3.11: short form");
	is_int(python_line(11, t311, sizeof(t311), 10, 2), 11, "3.11: one on");
	is_int(python_line(11, t311, sizeof(t311), 10, 4), 16, "3.11: no columns, two units");
	is_int(python_line(11, t311, sizeof(t311), 10, 6), 16, "3.11: the second of them");
	is_int(python_line(11, t311, sizeof(t311), 10, 8), 0, "3.11: none");
	is_int(python_line(11, t311, sizeof(t311), 10, 10), 14, "3.11: long form, back");
	is_int(python_line(12, t311, 3, 10, 8), 0, "a table that ends early");
	is_int(python_line(11, t311, sizeof(t311), 10, -2), 10, "a frame that has not begun is on its first line");
}

static void layouts(void)
{
	unsigned char bytes[PYTHON_DEBUG_OFFSETS_BYTES] = "xdebugpy";
	struct python_layout l;
	uint64_t w;

	for (unsigned minor = 8; minor <= 13; minor++)
		ok(python_layout_of(minor) && python_layout_of(minor)->minor == minor, "3.%u has a row", minor);
	ok(!python_layout_of(7) && !python_layout_of(15), "others have none");
	w = UINT64_C(0x030d00f0);
	memcpy(bytes + 8, &w, 8);
	for (unsigned i = 3; i < 44; i++) {
		w = i * 8;
		memcpy(bytes + 8 * i, &w, 8);
	}
	ok(python_debug_offsets(bytes, sizeof(bytes), &l), "a table of 3.13 is read");
	ok(l.minor == 13 && l.runtime_interpreters == 5 * 8 && l.thread_frame == 23 * 8 && l.thread_native_id == 25 * 8 &&
	   l.frame_back == 29 * 8 && l.frame_entry == 33 * 8 && l.code_firstlineno == 39 * 8 && l.gil_locked == 2 * 8,
	   "each word in its place");
	w = UINT64_C(0x030e00f0);
	memcpy(bytes + 8, &w, 8);
	w = 40;
	memcpy(bytes + 8 * 43, &w, 8);
	for (unsigned i = 44; i < 50; i++)
		memcpy(bytes + 8 * i, &w, 8);
	ok(python_debug_offsets(bytes, sizeof(bytes), &l) && l.thread_frame == 26 * 8 && l.frame_back == 32 * 8,
	   "3.14 has more of them");
	w = UINT64_C(1) << 40;
	memcpy(bytes + 8 * 32, &w, 8);
	ok(!python_debug_offsets(bytes, sizeof(bytes), &l), "an absurd offset is refused");
	bytes[0] = 'y';
	ok(!python_debug_offsets(bytes, sizeof(bytes), &l), "so is another cookie");
}

static void put64(unsigned char *at, uint64_t v)
{
	memcpy(at, &v, sizeof(v));
}

static uint64_t here(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* A str of 3.12 and later: {refcount, type, length, hash, state, data…} */
static void text_make(unsigned char *at, uint32_t state, const void *data, uint64_t length, size_t bytes, size_t head)
{
	put64(at + 16, length);
	memcpy(at + 32, &state, sizeof(state));
	memcpy(at + head, data, bytes);
}

static void frames_in_memory(void)
{
	static _Alignas(8) unsigned char thread[512], frames[3][128], code[512], name[128], file[128], table[64];
	static const uint16_t wide[] = { 0x00e9, 0x20ac };
	const struct python_layout *l = python_layout_of(13);
	struct peek p = { .pid = getpid(), .mem_fd = -1 };
	struct python_frame f[8];
	struct python_place place;
	bool torn;
	char *text;

	put64(thread + l->thread_frame, here(frames[0]));
	for (int i = 0; i < 3; i++) {
		put64(frames[i] + l->frame_code, here(code));
		put64(frames[i] + l->frame_instr, here(code) + l->code_instructions);
		put64(frames[i] + l->frame_back, i < 2 ? here(frames[i + 1]) : 0);
	}
	frames[1][l->frame_entry] = 3;
	is_int(python_walk(&p, l, here(thread), f, 8, &torn), 3, "a chain of three");
	ok(!torn && !f[0].shim && f[1].shim && !f[2].shim, "the middle one marks a native call");

	text_make(name, 1 << 2 | 1 << 5 | 1 << 6, "Spam.eggs", 9, 9, l->ascii_size);
	text_make(file, 2 << 2 | 1 << 5, wide, 2, sizeof(wide), l->compact_size);
	put64(code + l->code_name, here(name));
	put64(code + l->code_filename, here(file));
	put64(code + l->code_linetable, here(table));
	code[l->code_firstlineno] = 7;
	put64(table + 16, 2);
	table[32] = 0x80;
	ok(python_place(&p, l, &f[0], &place), "a place");
	is_str(place.function, "Spam.eggs", "ASCII name");
	is_str(place.file, "\xc3\xa9\xe2\x82\xac", "wide characters as UTF-8");
	is_int(place.line, 7, "line");
	free(place.function);
	free(place.file);
	text_make(name, 1u << 16 | 1u << 19 | 1u << 20 | 3, "odd", 3, 3, l->ascii_size);
	text = python_text(&p, l, here(name));
	is_str(text, "odd", "a state with a wider first field is read too");
	free(text);

	put64(frames[2] + l->frame_back, here(frames[0]));
	is_int(python_walk(&p, l, here(thread), f, 8, &torn), 8, "a circle ends at the limit");
	put64(frames[0] + l->frame_back, 0x1000);
	is_int(python_walk(&p, l, here(thread), f, 8, &torn), 1, "a pointer to nowhere ends the chain");
	ok(torn, "and is said to be torn");
	put64(code + l->code_name, 0x10);
	ok(!python_place(&p, l, &f[0], &place), "no name, no place");
}

int main(void)
{
	lines();
	layouts();
	frames_in_memory();
	return tap_done();
}
