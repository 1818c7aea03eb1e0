/* SPDX-License-Identifier: Apache-2.0 */
/* CPython's tables and structures, made up in this process's own memory. */
#include "profile/lang/python_objects.h"

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

	for (unsigned minor = 8; minor <= 14; minor++)
		ok(python_layout_of(minor, false) && python_layout_of(minor, false)->minor == minor, "3.%u has a row", minor);
	ok(python_layout_of(13, true) && python_layout_of(14, true)->object_size == 32, "so have builds without a lock");
	ok(!python_layout_of(7, false) && !python_layout_of(15, false) && !python_layout_of(12, true), "others have none");
	w = UINT64_C(0x030d00f0);
	memcpy(bytes + 8, &w, 8);
	for (unsigned i = 3; i < PYTHON_DEBUG_OFFSETS_BYTES / 8; i++) {
		w = i < 28 ? i * 8 : i + 64;
		memcpy(bytes + 8 * i, &w, 8);
	}
	ok(python_debug_offsets(bytes, sizeof(bytes), &l), "a table of 3.13 is read");
	ok(l.minor == 13 && l.runtime_interpreters == 5 * 8 && l.thread_frame == 23 * 8 && l.thread_native_id == 25 * 8 &&
	   l.frame_back == 29 + 64 && l.frame_entry == 33 + 64 && l.code_firstlineno == 39 + 64 && l.gil_locked == 2 * 8,
	   "each word in its place");
	w = UINT64_C(0x030e00f0);
	memcpy(bytes + 8, &w, 8);
	ok(python_debug_offsets(bytes, sizeof(bytes), &l) && l.thread_frame == 26 * 8 && l.frame_back == 32 + 64,
	   "3.14 has more of them");
	w = 1;
	memcpy(bytes + 16, &w, 8);
	ok(python_debug_offsets(bytes, sizeof(bytes), &l) && l.free_threaded && l.object_size == 32,
	   "a build without a global lock says so");
	w = 2;
	memcpy(bytes + 16, &w, 8);
	ok(!python_debug_offsets(bytes, sizeof(bytes), &l), "a kind of build that is not known is refused");
	w = 0;
	memcpy(bytes + 16, &w, 8);
	w = UINT64_C(0x030f00f0);
	memcpy(bytes + 8, &w, 8);
	ok(!python_debug_offsets(bytes, sizeof(bytes), &l), "so is a version that is not");
	w = UINT64_C(0x030e00f0);
	memcpy(bytes + 8, &w, 8);
	w = UINT64_C(1) << 40;
	memcpy(bytes + 8 * 32, &w, 8);
	ok(!python_debug_offsets(bytes, sizeof(bytes), &l), "an absurd offset is refused");
	bytes[0] = 'y';
	ok(!python_debug_offsets(bytes, sizeof(bytes), &l), "so is another cookie");
}

/* Entries of (start, length, handler, depth): one of 2 units at 4 with depth 3, within one of 100 at 0 with depth 1. */
static void handlers(void)
{
	static const unsigned char table[] = { 0x80, 0x41, 36, 50, 1 << 1, 0x80 | 4, 2, 60, 3 << 1 | 1 };

	is_int(python_handler_depth(table, sizeof(table), 2), 1, "within the outer block alone");
	is_int(python_handler_depth(table, sizeof(table), 10), 3, "within both: the later entry is the inner");
	is_int(python_handler_depth(table, sizeof(table), 12), 1, "behind the inner");
	is_int(python_handler_depth(table, sizeof(table), 400), 0, "behind both");
	is_int(python_handler_depth(table, 3, 2), 0, "a table that ends early");
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

/* A page of its own: reading is by whole pages. */
static unsigned char *page_make(void)
{
	unsigned char *p = aligned_alloc(4096, 4096);

	memset(p, 0, 4096);
	return p;
}

struct made {
	struct peek peek;
	struct python_mem m;
	unsigned char *thread, *frames[3], *code, *name, *file, *table, *type;
};

static void made_init(struct made *t, unsigned minor)
{
	*t = (struct made){ .peek = { .pid = getpid(), .mem_fd = -1 } };
	python_mem_init(&t->m, &t->peek);
	t->m.l = *python_layout_of(minor, false);
	t->thread = page_make();
	for (int i = 0; i < 3; i++)
		t->frames[i] = page_make();
	t->code = page_make();
	t->name = page_make();
	t->file = page_make();
	t->table = page_make();
	t->type = page_make();
}

static void made_release(struct made *t)
{
	python_mem_release(&t->m);
	free(t->thread);
	for (int i = 0; i < 3; i++)
		free(t->frames[i]);
	free(t->code);
	free(t->name);
	free(t->file);
	free(t->table);
	free(t->type);
}

static void chain_make(struct made *t)
{
	const struct python_layout *l = &t->m.l;

	put64(t->thread + l->thread_frame, here(t->frames[0]));
	for (int i = 0; i < 3; i++) {
		put64(t->frames[i] + l->frame_code, here(t->code));
		put64(t->frames[i] + l->frame_instr, here(t->code) + l->code_instructions);
		put64(t->frames[i] + l->frame_back, i < 2 ? here(t->frames[i + 1]) : 0);
	}
	t->frames[1][l->frame_entry] = 3;
	put64(t->code + l->object_type, here(t->type));
	put64(t->type + l->type_name, here(t->type) + 2048);
	strcpy((char *)t->type + 2048, "code");
	put64(t->code + l->code_name, here(t->name));
	put64(t->code + l->code_filename, here(t->file));
	put64(t->code + l->code_linetable, here(t->table));
	t->code[l->code_firstlineno] = 7;
	put64(t->table + l->var_count, 2);
	t->table[l->bytes_data] = 0x80;
}

static void frames_in_memory(void)
{
	static const uint16_t wide[] = { 0x00e9, 0x20ac };
	struct python_frame f[8];
	struct python_place place;
	unsigned calls;
	struct made t;
	bool torn;
	char *text;

	made_init(&t, 13);
	chain_make(&t);
	is_int(python_walk(&t.m, here(t.thread), f, 8, &torn), 3, "a chain of three");
	ok(!torn && !f[0].shim && f[1].shim && !f[2].shim, "the middle one marks a native call");
	text_make(t.name, 1 << 2 | 1 << 5 | 1 << 6, "Spam.eggs", 9, 9, t.m.l.ascii_size);
	text_make(t.file, 2 << 2 | 1 << 5, wide, 2, sizeof(wide), t.m.l.compact_size);
	ok(python_place(&t.m, &f[0], &place), "a place");
	is_str(place.function, "Spam.eggs", "ASCII name");
	is_str(place.file, "\xc3\xa9\xe2\x82\xac", "wide characters as UTF-8");
	is_int(place.line, 7, "line");
	free(place.function);
	free(place.file);
	calls = t.peek.calls;
	ok(python_place(&t.m, &f[2], &place) && t.peek.calls == calls, "the same code again costs no reading");
	free(place.function);
	free(place.file);
	text_make(t.name, 1u << 16 | 1u << 19 | 1u << 20 | 3, "odd", 3, 3, t.m.l.ascii_size);
	python_forget(&t.m);
	text = python_text(&t.m, here(t.name));
	is_str(text, "odd", "a state with a wider first field is read too");
	free(text);
	put64(t.frames[2] + t.m.l.frame_back, here(t.frames[0]));
	python_forget(&t.m);
	is_int(python_walk(&t.m, here(t.thread), f, 8, &torn), 8, "a circle ends at the limit");
	put64(t.frames[0] + t.m.l.frame_back, 0x1000);
	python_forget(&t.m);
	is_int(python_walk(&t.m, here(t.thread), f, 8, &torn), 1, "a pointer to nowhere ends the chain");
	ok(torn, "and is said to be torn");
	strcpy((char *)t.type + 2048, "cell");
	python_forget(&t.m);
	ok(!python_place(&t.m, &f[0], &place), "what is no code object has no place");
	made_release(&t);
}

/* A dict of one text key, as 3.9 and 3.11 keep it, and one of 3.11 whose values stand apart. */
static void dicts_in_memory(void)
{
	static const unsigned minors[] = { 9, 11, 13 };

	for (size_t i = 0; i < sizeof(minors) / sizeof(*minors); i++) {
		unsigned char *dict = page_make(), *keys = page_make();
		const struct python_layout *l;
		struct made t;

		made_init(&t, minors[i]);
		l = &t.m.l;
		text_make(t.name, 1 << 2 | 1 << 5 | 1 << 6, "spam", 4, 4, l->ascii_size);
		put64(dict + l->dict_keys, here(keys));
		if (minors[i] < 11) {
			put64(keys + 8, 8);
			put64(keys + 32, 1);
			put64(keys + 40 + 8 + 8, here(t.name));
			put64(keys + 40 + 8 + 16, 4711 * 8);
		} else {
			keys[8] = keys[9] = 3;
			keys[10] = 1;
			put64(keys + 24, 1);
			put64(keys + 32 + 8, here(t.name));
			put64(keys + 32 + 8 + 8, 4711 * 8);
		}
		is_int(python_dict_get(&t.m, here(dict), "spam"), 4711 * 8, "3.%u: found in a dict", minors[i]);
		is_int(python_dict_get(&t.m, here(dict), "eggs"), 0, "3.%u: not found", minors[i]);
		put64(t.file + (minors[i] >= 13 ? 8 : 0), 815 * 8);
		put64(dict + l->dict_values, here(t.file));
		python_forget(&t.m);
		is_int(python_dict_get(&t.m, here(dict), "spam"), 815 * 8, "3.%u: keys are shared, values apart", minors[i]);
		put64(keys + (minors[i] < 11 ? 32 : 24), UINT64_C(1) << 50);
		python_forget(&t.m);
		is_int(python_dict_get(&t.m, here(dict), "spam"), 0, "3.%u: an absurd count is refused", minors[i]);
		made_release(&t);
		free(dict);
		free(keys);
	}
}

int main(void)
{
	lines();
	layouts();
	handlers();
	frames_in_memory();
	dicts_in_memory();
	return tap_done();
}
