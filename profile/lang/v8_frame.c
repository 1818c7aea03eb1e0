/* SPDX-License-Identifier: Apache-2.0 */
/* v8_frame.c - frames of JavaScript in a copied stack. V8 keeps the frame pointer in every frame of its own: below the
 * caller's fp stands the function, and in interpreted frames the bytecode and how far it has come. */
#include "profile/lang/v8.h"

#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/source_map.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 300, FILE_BYTES = 2000, TABLE_BYTES = 256 << 10, LINES_MAX = 1 << 20, SCOPE_WORDS = 160,
       SCRIPT_WORDS_FROM = 64, SCRIPT_WORDS_TO = 200, MAP_BYTES = 4 << 20, LOCALS_INLINED_MAX = 75, TABLE_REACH = 64,
       CODE_BYTES_MAX = 4 << 20, INLINED_MAX = 32,
       DEOPT_EXIT = 4, DEOPT_FIRST = 5, DEOPT_NUMBERS = 3 };

static bool vlq(const unsigned char *b, size_t n, size_t *at, int64_t *v)
{
	uint64_t raw = 0;

	for (unsigned shift = 0; shift < 63; shift += 7) {
		unsigned char c;

		if (*at >= n)
			return false;
		c = b[(*at)++];
		raw |= (uint64_t)(c & 127) << shift;
		if (c < 128) {
			*v = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
			return true;
		}
	}
	return false;
}

bool v8_position(const unsigned char *table, size_t n, int64_t code_offset, int32_t *position, bool *exact)
{
	int64_t code = 0, source = 0, dc, ds;
	bool found = false;

	*exact = false;
	for (size_t at = 0; at < n && vlq(table, n, &at, &dc) && vlq(table, n, &at, &ds);) {
		/* an entry of an expression has its distance turned over */
		code += dc >= 0 ? dc : -(dc + 1);
		source += ds;
		if (code > code_offset)
			break;
		*exact = code == code_offset;
		/* bit 0: of another language; 30 bits of position + 1; then which inlined function */
		*position = (int32_t)(source >> 1 & 0x3fffffff) - 1;
		found = *position >= 0;
	}
	return found;
}

/* A ScopeInfo: flags, counts, names of locals, as many words of them again, then the function's own name. */
static char *scope_name(struct v8 *v, uint64_t scope)
{
	int32_t locals;
	size_t at = 4;

	if (!v8_small(lang_u64(&v->m, scope - 1 + 8 * 3), &locals) || locals < 0)
		return NULL;
	at += (size_t)(locals < LOCALS_INLINED_MAX ? locals : 1) + (size_t)locals;
	for (size_t i = at; i < at + 4 && i < SCOPE_WORDS; i++) {
		uint64_t word = v8_pointer(v, scope, (int32_t)(8 * i));

		if (v8_is_string(v, word))
			return v8_string(v, word, NAME_BYTES);
	}
	return NULL;
}

static char *shared_name(struct v8 *v, uint64_t shared)
{
	uint64_t what = v8_pointer(v, shared, v->l.shared_name);
	char *name = v8_is_string(v, what) ? v8_string(v, what, NAME_BYTES) :
		     v8_type(v, what) == v->l.type_scope ? scope_name(v, what) : NULL;

	if (name && *name)
		return name;
	free(name);
	return xstrdup("(anonymous)");
}

static uint64_t shared_script(struct v8 *v, uint64_t shared)
{
	uint64_t script = v8_pointer(v, shared, v->l.shared_script);

	if (v8_type(v, script) == v->l.type_script)
		return script;
	/* a record for the debugger stands in between */
	for (int32_t off = 8; script && off <= 40; off += 8) {
		uint64_t inner = v8_pointer(v, script, off);

		if (v8_type(v, inner) == v->l.type_script)
			return inner;
	}
	return 0;
}

static char *script_file(struct v8 *v, uint64_t script)
{
	char *file = script ? v8_string(v, v8_pointer(v, script, v->l.script_name), FILE_BYTES) : NULL;

	if (file && str_starts(file, "file://"))
		memmove(file, file + 7, strlen(file) - 6);
	if (file && !*file)
		mem_free_ptr(&file);
	return file;
}

/* Line of a position, and its column: by the list of line ends, which V8 makes when it first needs it, or by the source
 * itself. */
static int script_line(struct v8 *v, uint64_t script, int32_t position, int *column)
{
	uint64_t ends = v8_pointer(v, script, v->l.script_ends);
	auto_free char *source = NULL;
	int32_t count = 0, end, line = 1, begin = 0;

	if (ends && v8_type(v, ends) == v->l.type_array && v8_small(lang_u64(&v->m, ends - 1 + 8), &count) && count > 0 &&
	    count < LINES_MAX) {
		int32_t lo = 0, hi = count;

		while (lo < hi) {
			int32_t mid = lo + (hi - lo) / 2;

			if (!v8_small(lang_u64(&v->m, ends - 1 + 16 + 8 * (uint64_t)mid), &end))
				return 0;
			if (end < position) {
				lo = mid + 1;
				begin = end + 1;
			} else {
				hi = mid;
			}
		}
		*column = position - begin;
		return lo + 1;
	}
	source = v8_string(v, v8_pointer(v, script, v->l.script_source), (size_t)position + 1);
	if (!source)
		return 0;
	for (const char *s = source; *s && s < source + position; s++)
		if (*s == '\n') {
			line++;
			begin = (int32_t)(s - source) + 1;
		}
	*column = position - begin;
	return line;
}

/* The bytes of a ByteArray; NULL. Caller frees. */
static unsigned char *byte_array(struct v8 *v, uint64_t object, size_t *n)
{
	unsigned char *b;
	int32_t length;

	if (!object || !v8_small(lang_u64(&v->m, object - 1 + 8), &length) || length <= 0 || length > TABLE_BYTES)
		return NULL;
	b = xmalloc((size_t)length);
	if (!lang_read(&v->m, object - 1 + 16, b, (size_t)length))
		mem_free_ptr(&b);
	*n = (size_t)length;
	return b;
}

static bool is_bytes(struct v8 *v, uint64_t object)
{
	int32_t type = v8_type(v, object);

	return type >= 0 && (type == v->l.type_bytes || type == v->l.type_trusted_bytes);
}

/* Does every entry lie within so much code, in order, and at a place in the source? Of the byte arrays that hang on a
 * bytecode one lists handlers of exceptions, and which is which differs between versions. */
static bool table_plausible(const unsigned char *table, size_t n, int64_t length)
{
	int64_t code = 0, source = 0, dc, ds;
	size_t at = 0;

	while (at < n) {
		if (!vlq(table, n, &at, &dc) || !vlq(table, n, &at, &ds))
			return false;
		code += dc >= 0 ? dc : -(dc + 1);
		source += ds;
		if (code > length || (source >> 1 & 0x3fffffff) < 1 || source < 0)
			return false;
	}
	return n > 0;
}

/* The table of positions that belongs to a bytecode; NULL. Caller frees. */
static unsigned char *positions_of(struct v8 *v, uint64_t bytecode, size_t *n)
{
	int32_t length;

	if (!v8_small(lang_u64(&v->m, bytecode - 1 + 8), &length))
		return NULL;
	for (int32_t off = 16; off < TABLE_REACH; off += 8) {
		uint64_t object = v8_pointer(v, bytecode, off);
		unsigned char *table = is_bytes(v, object) ? byte_array(v, object, n) : NULL;

		if (table && table_plausible(table, *n, length))
			return table;
		free(table);
	}
	return NULL;
}

/* Position of bytecode offset `raw` as it stands on the stack: counted from the tagged address of the object. By how
 * much more than where the bytecodes begin differs between versions; an offset is stored at calls, which have entries of
 * their own. */
static bool bytecode_position(struct v8 *v, uint64_t bytecode, int32_t raw, int32_t *position)
{
	size_t n = 0;
	auto_free unsigned char *table = positions_of(v, bytecode, &n);
	bool exact;

	for (int32_t bias = v->l.bytecode_data + 2; table && !v->bias && bias >= v->l.bytecode_data - 4; bias--)
		if (v8_position(table, n, raw - bias, position, &exact) && exact)
			v->bias = bias;
	return table && v8_position(table, n, raw - (v->bias ? v->bias : v->l.bytecode_data - 1), position, &exact);
}

/* The bytecode that a function's data leads to: itself, or by one step. */
static uint64_t shared_bytecode(struct v8 *v, uint64_t shared)
{
	for (int32_t off = 8; off <= 40; off += 8) {
		uint64_t data = v8_pointer(v, shared, off);

		if (v8_type(v, data) == v->l.type_bytecode)
			return data;
		for (int32_t in = 8; data && off <= 16 && in <= 72; in += 8)
			if (v8_type(v, v8_pointer(v, data, in)) == v->l.type_bytecode)
				return v8_pointer(v, data, in);
	}
	return 0;
}

/* Position at which the function begins: the first of its table. */
static bool function_position(struct v8 *v, uint64_t shared, int32_t *position)
{
	uint64_t bytecode = shared_bytecode(v, shared);
	size_t n = 0;
	auto_free unsigned char *table = bytecode ? positions_of(v, bytecode, &n) : NULL;
	int64_t dc, ds;
	size_t at = 0;

	if (!table || !vlq(table, n, &at, &dc) || !vlq(table, n, &at, &ds))
		return false;
	*position = (int32_t)(ds >> 1 & 0x3fffffff) - 1;
	return *position >= 0;
}

/* The code that the function runs now, and how far into it pc is. 0: pc is in other code, or none is known. */
static uint64_t code_of(struct v8 *v, uint64_t function, uint64_t pc, int64_t *into)
{
	uint64_t code = 0;

	for (int32_t off = 24; off <= 64 && !code; off += 8)
		if (v8_type(v, v8_pointer(v, function, off)) == v->l.type_code)
			code = v8_pointer(v, function, off);
	if (!code)
		return 0;
	*into = -1;
	/* instructions follow the object's head (before V8 11), or it has their address */
	if (v->l.code_inline > 0 && pc >= code && pc - code < CODE_BYTES_MAX)
		*into = (int64_t)(pc - (code - 1) - (uint64_t)v->l.code_inline);
	for (uint64_t off = 8; *into < 0 && off <= 120; off += 8) {
		uint64_t start = lang_u64(&v->m, code - 1 + off);

		if (!(start & 31) && start && start <= pc && pc - start < CODE_BYTES_MAX)
			*into = (int64_t)(pc - start);
	}
	return *into >= 0 ? code : 0;
}

static size_t bytecode_size(const unsigned char *sizes, uint64_t count, const unsigned char *b, size_t n, size_t at)
{
	unsigned row = 0, prefix = 0;
	uint8_t op = b[at];

	/* Wide, ExtraWide, and what a debugger puts in their place */
	if (op < 4 && at + 1 < n) {
		row = op & 1 ? 2 : 1;
		prefix = 1;
		op = b[at + 1];
	}
	return op < count ? prefix + sizes[row * count + op] : 0;
}

/* Which bytecode an address of baseline code belongs to: a table has for each one how long its code is. */
static bool baseline_offset(struct v8 *v, uint64_t code, uint64_t bytecode, int64_t into, int64_t *offset)
{
	auto_free unsigned char *sizes = NULL, *b = NULL;
	int32_t length;

	if (!v->size_count || !v8_small(lang_u64(&v->m, bytecode - 1 + 8), &length) || length <= 0 || length > TABLE_BYTES)
		return false;
	sizes = xmalloc(3 * v->size_count);
	b = xmalloc((size_t)length);
	if (!lang_read(&v->m, v->sizes, sizes, 3 * v->size_count) ||
	    !lang_read(&v->m, bytecode - 1 + (uint64_t)v->l.bytecode_data, b, (size_t)length))
		return false;
	for (int32_t off = 8; off <= 80; off += 8) {
		uint64_t object = v8_pointer(v, code, off);
		size_t n = 0, at = 0, step, begin = 0;
		auto_free unsigned char *table = is_bytes(v, object) ? byte_array(v, object, &n) : NULL;
		int64_t pc = 0, found = -1;
		bool first = true;

		while (table && at < n && begin <= (size_t)length) {
			uint64_t more = 0;
			unsigned shift = 0;

			for (; at < n && shift < 35; shift += 7) {
				more |= (uint64_t)(table[at] & 127) << shift;
				if (table[at++] < 128)
					break;
			}
			pc += (int64_t)more;
			if (found < 0 && into <= pc)
				found = first ? 0 : (int64_t)begin;
			if (!first) {
				step = begin < (size_t)length
					       ? bytecode_size(sizes, v->size_count, b, (size_t)length, begin)
					       : 0;
				if (!step)
					break;
				begin += step;
			}
			first = false;
		}
		/* the right table has an entry for each bytecode, and no more */
		if (found >= 0 && at == n && begin == (size_t)length) {
			*offset = found;
			return true;
		}
	}
	return false;
}

/* The entry of optimised code's table that an address belongs to, 0: none. Of the byte arrays that hang on code the last one
 * that reads as a table is meant: before it comes the one for the linker of code. Bit 0: of another language; 30 bits of
 * position + 1; then which inlined function + 1. own: only entries of the function itself. */
static int64_t optimised_entry(struct v8 *v, uint64_t code, int64_t into, bool own)
{
	int64_t found = 0;

	for (int32_t off = 8; off <= 80; off += 8) {
		uint64_t object = v8_pointer(v, code, off);
		size_t n = 0, at = 0;
		auto_free unsigned char *table = is_bytes(v, object) ? byte_array(v, object, &n) : NULL;
		int64_t pc = 0, source = 0, here = 0, dc, ds;

		if (v8_type(v, object) == v->l.type_bytecode)
			return 0; /* baseline code: it has no such table */
		while (table && at < n && vlq(table, n, &at, &dc) && vlq(table, n, &at, &ds)) {
			pc += dc >= 0 ? dc : -(dc + 1);
			source += ds;
			if (source < 0 || pc >= CODE_BYTES_MAX)
				break;
			if (pc < into && (!own || source >> 31 == 0))
				here = source;
		}
		if (table && at == n && (here >> 1 & 0x3fffffff) > 0)
			found = here;
	}
	return found;
}

static int32_t entry_position(int64_t source)
{
	return (int32_t)(source >> 1 & 0x3fffffff) - 1;
}

/* Position within the function itself of an address of optimised code. */
static bool optimised_position(struct v8 *v, uint64_t code, int64_t into, int32_t *position)
{
	int64_t source = optimised_entry(v, code, into, true);

	*position = entry_position(source);
	return source != 0;
}

/* ---- functions that an optimiser has put into others ---- */

/* What a piece of optimised code knows of how it was made, for when it has to be given up. */
struct deopt {
	unsigned char *places; /* of each inlined call: 8 bytes as in the table, 4 bytes which literal, 4 unused */
	size_t places_n;
	uint64_t literals;
	uint64_t list;
	int32_t at, length; /* of the function within the list; of the list */
};

/* A list of V8 in which one element is the function, or leads to it: the next is where it inlined, the fourth before it are
 * the literals (Node 16 to 24). */
static bool deopt_read(struct v8 *v, uint64_t list, uint64_t shared, struct deopt *d)
{
	int32_t length;

	if (!list || !v8_small(lang_u64(&v->m, list - 1 + 8), &length) || length < 8 || length > TABLE_BYTES)
		return false;
	for (int32_t i = 5; i <= 8 && i + 1 < length; i++) {
		uint64_t own = v8_pointer(v, list, 16 + 8 * i), places = v8_pointer(v, list, 16 + 8 * (i + 1));

		if (!own || (own != shared && v8_pointer(v, own, 8) != shared) || !is_bytes(v, places))
			continue;
		d->literals = v8_pointer(v, list, 16 + 8 * (i - 4));
		d->places = byte_array(v, places, &d->places_n);
		d->list = list;
		d->at = i;
		d->length = length;
		return d->literals && d->places;
	}
	return false;
}

static bool deopt_find(struct v8 *v, uint64_t code, uint64_t shared, struct deopt *d)
{
	for (int32_t off = 8; off <= 80; off += 8)
		if (deopt_read(v, v8_pointer(v, code, off), shared, d))
			return true;
	return false;
}

static bool deopt_number(struct v8 *v, const struct deopt *d, int32_t i, int32_t *out)
{
	return i < d->length && v8_small(lang_u64(&v->m, d->list - 1 + 16 + 8 * (uint64_t)i), out);
}

/* Code that has to be given up (a debugger comes, an assumption fails) has its frames return to exits at its end, of 4
 * bytes each, one for each place. Behind the places stand in the list: where the exits begin, how many of two kinds there
 * are, and of each three numbers, the last of which is the address that it stands for. False: it is not known. */
static bool deopt_undo(struct v8 *v, const struct deopt *d, int64_t *into)
{
	int32_t exits, eager, lazy, pc, id;

	if (!deopt_number(v, d, d->at + 2, &exits) || exits <= 0 || *into < exits)
		return true;
	if (!deopt_number(v, d, d->at + 3, &eager) || !deopt_number(v, d, d->at + 4, &lazy) || (*into - exits) % DEOPT_EXIT)
		return false;
	id = (int32_t)((*into - exits) / DEOPT_EXIT);
	if (eager < 0 || lazy < 0 || id >= (int64_t)eager + lazy ||
	    (int64_t)d->at + DEOPT_FIRST + ((int64_t)eager + lazy) * DEOPT_NUMBERS != d->length ||
	    !deopt_number(v, d, d->at + DEOPT_FIRST + DEOPT_NUMBERS * id + 2, &pc) || pc <= 0 || pc > exits)
		return false;
	*into = pc;
	return true;
}

/* The function of a literal, which may be held weakly (bit 1). 0: it is none. */
static uint64_t deopt_function(struct v8 *v, const struct deopt *d, uint64_t shared, int32_t which)
{
	int32_t length;
	uint64_t word;

	if (which == -1)
		return shared;
	if (!v8_small(lang_u64(&v->m, d->literals - 1 + 8), &length) || which < 0 || which >= length)
		return 0;
	word = lang_u64(&v->m, d->literals - 1 + 16 + 8 * (uint64_t)which) & ~UINT64_C(2);
	return v8_is_object(word) && v8_type(v, word) == v->l.type_shared ? word : 0;
}

struct inlined {
	uint64_t shared;
	int32_t position;
};

/* The functions that an address of optimised code lies in, innermost first, the one that was compiled last. 0: not known, or
 * there is no more than that one. */
static size_t inlined_stack(struct v8 *v, uint64_t function, uint64_t shared, uint64_t pc, struct inlined out[INLINED_MAX],
			    bool *hidden)
{
	struct deopt d = { .literals = 0 };
	int64_t into, source;
	uint64_t code = code_of(v, function, pc, &into);
	size_t n = 0;

	if (code && deopt_find(v, code, shared, &d) && !deopt_undo(v, &d, &into)) {
		*hidden = true;
		free(d.places);
		return 0;
	}
	source = code ? optimised_entry(v, code, into, false) : 0;
	*hidden = source >> 31 != 0;
	if (!*hidden || !d.literals) {
		free(d.places);
		return 0;
	}
	while (n < INLINED_MAX - 1 && source >> 31) {
		size_t at = (size_t)((source >> 31) - 1) * 16;
		int32_t which;

		if (at + 16 > d.places_n)
			break;
		memcpy(&which, d.places + at + 8, sizeof(which));
		out[n] = (struct inlined){ deopt_function(v, &d, shared, which), entry_position(source) };
		if (!out[n++].shared)
			break;
		memcpy(&source, d.places + at, sizeof(source));
	}
	free(d.places);
	if (source >> 31 || source <= 0)
		return 0;
	out[n++] = (struct inlined){ shared, entry_position(source) };
	*hidden = false;
	return n;
}

/* The map of a script that a tool has made; NULL: none in the script itself. Caller frees. */
static char *script_map(struct v8 *v, uint64_t script)
{
	for (int32_t off = SCRIPT_WORDS_FROM; off < SCRIPT_WORDS_TO; off += 8) {
		uint64_t word = v8_pointer(v, script, off);
		char *url = v8_is_string(v, word) ? v8_string(v, word, strlen(SOURCE_MAP_URL)) : NULL;
		bool is = url && str_starts(url, SOURCE_MAP_URL);

		free(url);
		if (is)
			return v8_string(v, word, MAP_BYTES);
	}
	return NULL;
}

/* The file as the map names it: beside the script, where it is not the script itself. */
static void file_set(struct v8_known *k, const char *source)
{
	const char *slash = strrchr(k->file, '/'), *base = strrchr(source, '/');

	if (str_starts(source, "file://"))
		source += 7;
	if (strcmp(slash ? slash + 1 : k->file, base ? base + 1 : source) == 0 || strstr(source, "://"))
		return;
	if (*source != '/' && slash) {
		struct str path = STR_INIT;

		str_addf(&path, "%.*s/%s", (int)(slash - k->file), k->file, source);
		free(k->file);
		k->file = str_steal(&path);
	} else {
		free(k->file);
		k->file = xstrdup(source);
	}
}

/* Line (and file) of a position: those that a person wrote. */
static void place_set(struct v8 *v, struct v8_known *k, uint64_t script, int32_t position)
{
	int column = 0;
	auto_free char *map = NULL;
	struct source_place place;

	k->line = script_line(v, script, position, &column);
	if (!k->line || !k->file || str_starts(k->file, "node:") || strstr(k->file, "/node_modules/"))
		return;
	map = script_map(v, script);
	if (!map || !source_map_place(map, strlen(map), k->line, column, &place))
		return;
	k->line = place.line;
	if (place.file)
		file_set(k, place.file);
	free(place.file);
}

static void frame_from(const struct v8_known *k, struct v8_frame *f)
{
	f->function = xstrdup(k->function);
	f->file = k->file ? xstrdup(k->file) : NULL;
	f->line = k->line;
	f->begins = k->begins;
}

static const struct v8_known *known_find(const struct v8 *v, uint64_t shared, int64_t at)
{
	for (size_t i = 0; i < v->known_count; i++)
		if (v->known[i].shared == shared && v->known[i].at == at)
			return &v->known[i];
	return NULL;
}

/* As deopt_undo(). */
static bool return_known(struct v8 *v, uint64_t code, uint64_t shared, int64_t *into)
{
	struct deopt d = { .literals = 0 };
	bool known = !deopt_find(v, code, shared, &d) || deopt_undo(v, &d, into);

	free(d.places);
	return known;
}

/* Compiled code: by the bytecode it was made of, or by its own table. begins: only where the function does. */
static bool compiled_position(struct v8 *v, uint64_t function, uint64_t shared, uint64_t pc, int32_t *position, bool *begins)
{
	uint64_t bytecode = shared_bytecode(v, shared), code;
	int64_t into, offset;

	*begins = false;
	code = pc ? code_of(v, function, pc, &into) : 0;
	if (code && bytecode && baseline_offset(v, code, bytecode, into, &offset)) {
		size_t n = 0;
		auto_free unsigned char *table = positions_of(v, bytecode, &n);
		bool exact;

		if (table && v8_position(table, n, offset, position, &exact))
			return true;
	}
	if (code && return_known(v, code, shared, &into) && optimised_position(v, code, into, position))
		return true;
	*begins = true;
	return function_position(v, shared, position);
}

/* k: made now, or where it was known before, only its key. */
static void frame_known(struct v8 *v, const struct v8_known *old, struct v8_known *k, struct v8_frame *f)
{
	frame_from(old ? old : k, f);
	if (!old && v->known_count < V8_NAMES_MAX) {
		v->known[v->known_count++] = *k;
	} else if (!old) {
		free(k->function);
		free(k->file);
	}
}

static void frame_name(struct v8 *v, uint64_t function, uint64_t shared, uint64_t bytecode, int32_t raw, uint64_t pc,
		       struct v8_frame *f)
{
	int64_t at = bytecode ? raw : -(int64_t)(pc & 0x7fffffffffff) - 1;
	const struct v8_known *old = known_find(v, shared, at);
	struct v8_known k = { .shared = shared, .at = at };
	uint64_t script = shared_script(v, shared);
	int32_t position;

	f->optimised = !bytecode;
	if (!old) {
		k.function = shared_name(v, shared);
		k.file = script_file(v, script);
		if (script && (bytecode ? bytecode_position(v, bytecode, raw, &position) :
			       compiled_position(v, function, shared, pc, &position, &k.begins)))
			place_set(v, &k, script, position);
	}
	frame_known(v, old, &k, f);
}

static void frame_inlined(struct v8 *v, const struct inlined *i, struct v8_frame *f)
{
	int64_t at = INT64_MIN + i->position;
	const struct v8_known *old = known_find(v, i->shared, at);
	struct v8_known k = { .shared = i->shared, .at = at };
	uint64_t script = shared_script(v, i->shared);

	f->optimised = true;
	if (!old) {
		k.function = shared_name(v, i->shared);
		k.file = script_file(v, script);
		if (script)
			place_set(v, &k, script, i->position);
	}
	frame_known(v, old, &k, f);
}

bool v8_suspended_frame(struct v8 *v, uint64_t function, int32_t raw, struct v8_frame *out)
{
	uint64_t shared = v8_pointer(v, function, v->l.function_shared);
	uint64_t script = v8_type(v, shared) == v->l.type_shared ? shared_script(v, shared) : 0;
	uint64_t bytecode = script && raw >= 0 ? shared_bytecode(v, shared) : 0;

	if (!script)
		return false;
	*out = (struct v8_frame){ .caller = 0 };
	frame_name(v, function, shared, bytecode, raw, 0, out);
	return true;
}

char *v8_function_file(struct v8 *v, uint64_t function)
{
	uint64_t shared = v8_pointer(v, function, v->l.function_shared);

	return v8_type(v, shared) == v->l.type_shared ? script_file(v, shared_script(v, shared)) : NULL;
}

size_t v8_frame_name(struct v8 *v, const struct v8_frame *frame, const struct v8_function *of, bool returns,
		     struct v8_frame *out, size_t room)
{
	struct inlined stacked[INLINED_MAX];
	size_t count = 0;
	bool hidden = false;

	if (frame->pc)
		count = inlined_stack(v, of->function, of->shared, frame->pc, stacked, &hidden);
	/* only an address after a call has an entry of its own */
	if (count && count <= room && returns) {
		for (size_t i = 0; i < count; i++) {
			out[i] = *frame;
			frame_inlined(v, &stacked[i], &out[i]);
		}
		return count;
	}
	*out = *frame;
	frame_name(v, of->function, of->shared, of->bytecode, of->raw, frame->pc, out);
	out->hides = hidden || count;
	return 1;
}

void v8_frame_release(struct v8_frame *f)
{
	free(f->function);
	free(f->file);
}
