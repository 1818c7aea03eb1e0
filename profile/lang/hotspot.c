/* SPDX-License-Identifier: Apache-2.0 */
/* hotspot.c - HotSpot's code cache, its methods and their lines, by its own table of structures. */
#include "profile/lang/hotspot.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRUCTS_MAX = 8000, HEAPS_MAX = 8, SEGMENTS_MAX = 1 << 24, STREAM_MAX = 64, PCS_MAX = 200000, LINES_BYTES = 65536 };
enum { BLOCK_HEAD = 16, FRAME_WORDS_MAX = 1 << 17 };

/* Offsets of fields and addresses of static ones, by their names in the table. */
enum field {
	HEAPS, HEAP, ARRAY_LEN, ARRAY_DATA, HEAP_MEMORY, HEAP_SEGMAP, HEAP_LOG2, SPACE_LOW, SPACE_HIGH,
	BLOB_NAME, BLOB_FRAME, BLOB_COMPLETE, BLOB_BEGIN, NM_METHOD, NM_SCOPES_DATA, NM_SCOPES_PCS, NM_DEPENDENCIES,
	NM_METADATA, METHOD_CONST, CONST_POOL, CONST_NAME, CONST_CODE_SIZE, CONST_FLAGS, POOL_HOLDER, POOL_SOURCE,
	CLASS_SOURCE, KLASS_NAME, SYMBOL_LENGTH, SYMBOL_BODY, VM_MAJOR, FIELDS
};
static const struct { const char *type, *field; enum field is; } wanted[] = {
	{ "CodeCache", "_heaps", HEAPS }, { "CodeCache", "_heap", HEAP }, { "GrowableArrayBase", "_len", ARRAY_LEN },
	{ "GenericGrowableArray", "_len", ARRAY_LEN }, { "GrowableArray<int>", "_data", ARRAY_DATA },
	{ "CodeHeap", "_memory", HEAP_MEMORY }, { "CodeHeap", "_segmap", HEAP_SEGMAP },
	{ "CodeHeap", "_log2_segment_size", HEAP_LOG2 }, { "VirtualSpace", "_low", SPACE_LOW },
	{ "VirtualSpace", "_high", SPACE_HIGH }, { "CodeBlob", "_name", BLOB_NAME },
	{ "CodeBlob", "_frame_size", BLOB_FRAME },
	{ "CodeBlob", "_frame_complete_offset", BLOB_COMPLETE }, { "CodeBlob", "_code_begin", BLOB_BEGIN },
	{ "CompiledMethod", "_method", NM_METHOD }, { "nmethod", "_method", NM_METHOD },
	{ "CompiledMethod", "_scopes_data_begin", NM_SCOPES_DATA }, { "nmethod", "_scopes_pcs_offset", NM_SCOPES_PCS },
	{ "nmethod", "_dependencies_offset", NM_DEPENDENCIES }, { "nmethod", "_metadata_offset", NM_METADATA },
	{ "Method", "_constMethod", METHOD_CONST }, { "ConstMethod", "_constants", CONST_POOL },
	{ "ConstMethod", "_name_index", CONST_NAME }, { "ConstMethod", "_code_size", CONST_CODE_SIZE },
	{ "ConstMethod", "_flags", CONST_FLAGS }, { "ConstantPool", "_pool_holder", POOL_HOLDER },
	{ "ConstantPool", "_source_file_name_index", POOL_SOURCE },
	{ "InstanceKlass", "_source_file_name_index", CLASS_SOURCE },
	{ "Klass", "_name", KLASS_NAME }, { "Symbol", "_length", SYMBOL_LENGTH }, { "Symbol", "_body", SYMBOL_BODY },
	{ "Abstract_VM_Version", "_vm_major_version", VM_MAJOR },
};
enum size { SIZE_CONST, SIZE_POOL, SIZE_PCDESC, SIZES };
static const char *const sized[SIZES] = { "ConstMethod", "ConstantPool", "PcDesc" };

struct code_heap {
	uint64_t low, high, segmap;
	unsigned log2;
};
struct hotspot {
	struct lang_mem m;
	uint64_t at[FIELDS];
	bool have[FIELDS];
	uint64_t size[SIZES];
	uint32_t line_flag;      /* of ConstMethod._flags; 0 unknown */
	bool excludes_zero;      /* packed numbers of JDK 20 and later */
	struct code_heap heaps[HEAPS_MAX];
	size_t heap_count;
};

uint32_t hotspot_unsigned5(const unsigned char *b, size_t n, size_t *at, bool excludes_zero)
{
	uint32_t low = excludes_zero ? 1 : 0, sum = 0;

	for (unsigned i = 0; i < 5 && *at < n; i++) {
		uint32_t c = b[(*at)++];

		if (c < low) {
			(*at)--;
			break;
		}
		sum += (c - low) << (6 * i);
		if (c < 192)
			break;
	}
	return sum;
}

/* ---- the table ---- */

static bool text_is(struct hotspot *h, uint64_t addr, const char *want)
{
	char have[48];
	size_t n = strlen(want) + 1;

	return addr && n <= sizeof(have) && lang_read(&h->m, addr, have, n) && memcmp(have, want, n) == 0;
}

static uint64_t wanted_of_type(struct hotspot *h, uint64_t type)
{
	uint64_t bits = 0;
	char have[48] = "";

	for (size_t i = 0; i + 1 < sizeof(have) && lang_read(&h->m, type + i, have + i, 1) && have[i]; i++)
		have[i + 1] = '\0';
	for (size_t k = 0; k < sizeof(wanted) / sizeof(*wanted); k++)
		bits |= (uint64_t)(strcmp(have, wanted[k].type) == 0) << k;
	return bits;
}

/* {type, field, type of the field, is static, offset, address}: 48 bytes. */
static bool structs_read(struct hotspot *h, uint64_t table, uint64_t stride)
{
	uint64_t known = 0, of_type = 0; /* of_type: bits of `wanted` whose type is the one at `known` */
	unsigned char e[48];

	_Static_assert(sizeof(wanted) / sizeof(*wanted) <= 64, "one bit each");
	for (unsigned i = 0; i < STRUCTS_MAX; i++, table += stride) {
		uint64_t type, field;

		if (!lang_read(&h->m, table, e, sizeof(e)))
			return false;
		type = bytes_u64(e, sizeof(e), 0);
		field = bytes_u64(e, sizeof(e), 8);
		if (!type)
			return true;
		if (type != known) {
			known = type;
			of_type = wanted_of_type(h, type);
		}
		for (size_t k = 0; of_type >> k && k < sizeof(wanted) / sizeof(*wanted); k++)
			if (of_type >> k & 1 && text_is(h, field, wanted[k].field)) {
				h->at[wanted[k].is] = bytes_u64(e, sizeof(e), bytes_u32(e, sizeof(e), 24) ? 40 : 32);
				h->have[wanted[k].is] = true;
			}
	}
	return false;
}

/* {type, its base, three flags, size}: 40 bytes. */
static void types_read(struct hotspot *h, uint64_t table, uint64_t stride)
{
	unsigned char e[40];

	for (unsigned i = 0; i < STRUCTS_MAX && lang_read(&h->m, table, e, sizeof(e)); i++, table += stride) {
		if (!bytes_u64(e, sizeof(e), 0))
			break;
		for (size_t k = 0; k < SIZES; k++)
			if (text_is(h, bytes_u64(e, sizeof(e), 0), sized[k]))
				h->size[k] = bytes_u64(e, sizeof(e), 32);
	}
}

/* {name, value}: 16 bytes. */
static void ints_read(struct hotspot *h, uint64_t table)
{
	unsigned char e[16];

	for (unsigned i = 0; i < STRUCTS_MAX && lang_read(&h->m, table, e, sizeof(e)); i++, table += 16) {
		if (!bytes_u64(e, sizeof(e), 0))
			break;
		if (text_is(h, bytes_u64(e, sizeof(e), 0), "ConstMethod::_has_linenumber_table"))
			h->line_flag = bytes_u32(e, sizeof(e), 8);
	}
}

static void heap_read(struct hotspot *h, uint64_t heap)
{
	struct code_heap *c = &h->heaps[h->heap_count];

	if (!heap || h->heap_count == HEAPS_MAX)
		return;
	c->low = lang_u64(&h->m, heap + h->at[HEAP_MEMORY] + h->at[SPACE_LOW]);
	c->high = lang_u64(&h->m, heap + h->at[HEAP_MEMORY] + h->at[SPACE_HIGH]);
	c->segmap = lang_u64(&h->m, heap + h->at[HEAP_SEGMAP] + h->at[SPACE_LOW]);
	c->log2 = lang_u32(&h->m, heap + h->at[HEAP_LOG2]);
	if (c->low && c->high > c->low && c->segmap && c->log2 >= 5 && c->log2 <= 16)
		h->heap_count++;
}

/* The heaps grow: read anew with everything else. */
static void heaps_read(struct hotspot *h)
{
	uint64_t array, data;
	uint32_t n;

	h->heap_count = 0;
	if (!h->have[HEAPS]) {
		heap_read(h, lang_u64(&h->m, h->at[HEAP]));
		return;
	}
	array = lang_u64(&h->m, h->at[HEAPS]);
	n = array ? lang_u32(&h->m, array + h->at[ARRAY_LEN]) : 0;
	data = array ? lang_u64(&h->m, array + h->at[ARRAY_DATA]) : 0;
	for (uint32_t i = 0; data && i < n && i < HEAPS_MAX; i++)
		heap_read(h, lang_u64(&h->m, data + 8 * (uint64_t)i));
}

static bool complete(const struct hotspot *h)
{
	static const enum field needed[] = {
		HEAP_MEMORY, HEAP_SEGMAP, HEAP_LOG2, SPACE_LOW, SPACE_HIGH, BLOB_NAME, BLOB_FRAME, BLOB_COMPLETE,
		BLOB_BEGIN, NM_METHOD, METHOD_CONST, CONST_POOL, CONST_NAME, CONST_CODE_SIZE, POOL_HOLDER, KLASS_NAME,
		SYMBOL_LENGTH, SYMBOL_BODY };

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!h->have[needed[i]])
			return false;
	return (h->have[HEAP] || (h->have[HEAPS] && h->have[ARRAY_LEN] && h->have[ARRAY_DATA])) && h->size[SIZE_CONST] &&
	       h->size[SIZE_POOL];
}

struct hotspot *hotspot_open(struct peek *peek, const struct hotspot_symbols *s)
{
	struct hotspot *h = xcalloc(1, sizeof(*h));
	uint64_t table, types, stride, types_stride, ints;

	lang_mem_init(&h->m, peek);
	table = lang_u64(&h->m, s->structs);
	stride = lang_u64(&h->m, s->structs_stride);
	types = lang_u64(&h->m, s->types);
	types_stride = lang_u64(&h->m, s->types_stride);
	ints = lang_u64(&h->m, s->ints);
	if (!table || !types || stride < 48 || stride > 256 || types_stride < 40 || types_stride > 256 ||
	    !structs_read(h, table, stride)) {
		hotspot_free(h);
		return NULL;
	}
	types_read(h, types, types_stride);
	if (ints)
		ints_read(h, ints);
	/* HotSpot had numbers of its own before it had heaps of code: 25 is Java 8. */
	h->excludes_zero = h->have[HEAPS] && h->have[VM_MAJOR] && lang_u32(&h->m, h->at[VM_MAJOR]) >= 20;
	lang_forget(&h->m);
	heaps_read(h);
	if (!complete(h) || !h->heap_count) {
		hotspot_free(h);
		return NULL;
	}
	return h;
}

void hotspot_free(struct hotspot *h)
{
	if (!h)
		return;
	lang_mem_release(&h->m);
	free(h);
}

void hotspot_forget(struct hotspot *h)
{
	lang_forget(&h->m);
	heaps_read(h);
}

/* ---- code ---- */

static uint64_t blob_in(struct hotspot *h, const struct code_heap *c, uint64_t pc)
{
	uint64_t segment = (pc - c->low) >> c->log2;
	unsigned char head[BLOCK_HEAD];
	uint8_t back;

	if (segment >= SEGMENTS_MAX)
		return 0;
	for (int i = 0; i < 100000; i++) {
		if (!lang_read(&h->m, c->segmap + segment, &back, 1) || back == 0xff || back > segment)
			return 0;
		if (!back)
			break;
		segment -= back;
	}
	if (!lang_read(&h->m, c->low + (segment << c->log2), head, sizeof(head)) || !head[8])
		return 0; /* free */
	return c->low + (segment << c->log2) + BLOCK_HEAD;
}

bool hotspot_code_at(struct hotspot *h, uint64_t pc, struct hotspot_code *c)
{
	uint64_t blob = 0, name;
	uint32_t words;

	*c = (struct hotspot_code){ .kind = HOTSPOT_NONE };
	for (size_t i = 0; i < h->heap_count && !blob; i++)
		if (pc >= h->heaps[i].low && pc < h->heaps[i].high)
			blob = blob_in(h, &h->heaps[i], pc);
	if (!blob)
		return false;
	name = lang_u64(&h->m, blob + h->at[BLOB_NAME]);
	c->blob = blob;
	c->begin = lang_u64(&h->m, blob + h->at[BLOB_BEGIN]);
	words = lang_u32(&h->m, blob + h->at[BLOB_FRAME]);
	c->frame_bytes = words < FRAME_WORDS_MAX ? (int32_t)words * 8 : 0;
	c->complete_at = (int32_t)lang_u32(&h->m, blob + h->at[BLOB_COMPLETE]);
	if (text_is(h, name, "Interpreter")) {
		c->kind = HOTSPOT_INTERPRETER;
	} else if (text_is(h, name, "nmethod") || text_is(h, name, "native nmethod")) {
		c->kind = HOTSPOT_COMPILED;
		c->method = lang_u64(&h->m, blob + h->at[NM_METHOD]);
	} else {
		c->kind = HOTSPOT_STUB;
	}
	return true;
}

/* ---- methods ---- */

static char *symbol_text(struct hotspot *h, uint64_t symbol)
{
	uint16_t n = 0;

	if (!symbol || !lang_read(&h->m, symbol + h->at[SYMBOL_LENGTH], &n, 2) || !n || n > 1000)
		return NULL;
	return lang_text(&h->m, symbol + h->at[SYMBOL_BODY], n, 1000);
}

static char *pool_symbol(struct hotspot *h, uint64_t pool, unsigned index)
{
	uint64_t symbol = index ? lang_u64(&h->m, pool + h->size[SIZE_POOL] + 8 * (uint64_t)index) : 0;

	return symbol_text(h, symbol & ~UINT64_C(3));
}

static unsigned u16_at(struct hotspot *h, uint64_t addr)
{
	uint16_t v = 0;

	return lang_read(&h->m, addr, &v, 2) ? v : 0;
}

/* The line of a place in a method's bytecode, which is followed by the packed table of its lines. */
static int32_t line_of(struct hotspot *h, uint64_t cm, int32_t bci)
{
	uint64_t at = cm + h->size[SIZE_CONST] + u16_at(h, cm + h->at[CONST_CODE_SIZE]);
	static unsigned char b[LINES_BYTES];
	size_t n = 0, i = 0;
	uint32_t pc = 0, line = 0, found = 0;
	int32_t best = -1;

	if (!h->have[CONST_FLAGS] || !h->line_flag || !(u16_at(h, cm + h->at[CONST_FLAGS]) & h->line_flag))
		return 0;
	while (n + 256 <= sizeof(b) && lang_read(&h->m, at + n, b + n, 256)) {
		n += 256;
		if (memchr(b + n - 256, 0, 256))
			break;
	}
	while (i < n && b[i]) {
		uint8_t c = b[i++];

		if (c == 0xff) {
			uint32_t x = hotspot_unsigned5(b, n, &i, h->excludes_zero);
			uint32_t y = hotspot_unsigned5(b, n, &i, h->excludes_zero);

			pc += (x >> 1) ^ (0 - (x & 1));
			line += (y >> 1) ^ (0 - (y & 1));
		} else {
			pc += (uint32_t)c >> 3;
			line += c & 7u;
		}
		if ((int32_t)pc <= bci && (int32_t)pc >= best) {
			best = (int32_t)pc;
			found = line;
		}
	}
	return found < 1 << 24 ? (int32_t)found : 0;
}

static bool method_frame(struct hotspot *h, uint64_t method, int32_t bci, struct hotspot_frame *f)
{
	uint64_t cm = method ? lang_u64(&h->m, method + h->at[METHOD_CONST]) : 0;
	uint64_t pool = cm ? lang_u64(&h->m, cm + h->at[CONST_POOL]) : 0;
	uint64_t holder = pool ? lang_u64(&h->m, pool + h->at[POOL_HOLDER]) : 0;
	auto_free char *name = NULL, *class_name = NULL;

	*f = (struct hotspot_frame){ 0 };
	if (!holder)
		return false;
	name = pool_symbol(h, pool, u16_at(h, cm + h->at[CONST_NAME]));
	class_name = symbol_text(h, lang_u64(&h->m, holder + h->at[KLASS_NAME]));
	if (!name || !class_name)
		return false;
	for (char *c = class_name; *c; c++)
		*c = *c == '/' ? '.' : *c;
	f->function = xasprintf("%s.%s", class_name, name);
	if (h->have[POOL_SOURCE])
		f->file = pool_symbol(h, pool, u16_at(h, pool + h->at[POOL_SOURCE]));
	else if (h->have[CLASS_SOURCE])
		f->file = pool_symbol(h, pool, u16_at(h, holder + h->at[CLASS_SOURCE]));
	f->line = bci >= 0 ? line_of(h, cm, bci) : 0;
	return true;
}

void hotspot_frame_release(struct hotspot_frame *f)
{
	mem_free_ptr(&f->function);
	mem_free_ptr(&f->file);
}

/* The description of the place that an address belongs to: the first at or behind it, for they stand where calls return. */
static bool scope_at(struct hotspot *h, const struct hotspot_code *c, uint64_t pc, uint32_t *scope)
{
	uint64_t from = c->blob + lang_u32(&h->m, c->blob + h->at[NM_SCOPES_PCS]);
	uint64_t to = c->blob + lang_u32(&h->m, c->blob + h->at[NM_DEPENDENCIES]);
	int32_t want = (int32_t)(pc - c->begin);
	uint64_t size = h->size[SIZE_PCDESC], lo = 0, hi;

	if (size < 8 || size > 64 || to <= from || (to - from) / size > PCS_MAX)
		return false;
	hi = (to - from) / size;
	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if ((int32_t)lang_u32(&h->m, from + mid * size) < want)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo >= (to - from) / size)
		return false;
	*scope = lang_u32(&h->m, from + lo * size + 4);
	return true;
}

size_t hotspot_compiled(struct hotspot *h, const struct hotspot_code *c, uint64_t pc,
			struct hotspot_frame out[HOTSPOT_INLINED_MAX])
{
	uint64_t data = 0, metadata = 0, method_at;
	uint32_t scope = 0;
	size_t n = 0;

	if (h->have[NM_SCOPES_DATA] && h->have[NM_SCOPES_PCS] && h->have[NM_DEPENDENCIES] && h->have[NM_METADATA]) {
		data = lang_u64(&h->m, c->blob + h->at[NM_SCOPES_DATA]);
		metadata = c->blob + lang_u32(&h->m, c->blob + h->at[NM_METADATA]);
	}
	if (data && scope_at(h, c, pc, &scope)) {
		while (scope && n < HOTSPOT_INLINED_MAX) {
			unsigned char b[STREAM_MAX];
			size_t at = 0;
			uint32_t sender, method;
			int32_t bci;

			if (!lang_read(&h->m, data + scope, b, sizeof(b)))
				break;
			sender = hotspot_unsigned5(b, sizeof(b), &at, h->excludes_zero);
			method = hotspot_unsigned5(b, sizeof(b), &at, h->excludes_zero);
			bci = (int32_t)(hotspot_unsigned5(b, sizeof(b), &at, h->excludes_zero) - 1);
			if (!method)
				break;
			method_at = lang_u64(&h->m, metadata + 8 * (uint64_t)(method - 1));
			if (!method_frame(h, method_at, bci, &out[n]))
				break;
			n++;
			if (sender >= scope)
				break;
			scope = sender;
		}
	}
	if (!n && method_frame(h, c->method, -1, &out[0]))
		n = 1;
	return n;
}

bool hotspot_interpreted(struct hotspot *h, uint64_t method, uint64_t bcp, uint64_t bcp_else, struct hotspot_frame *out)
{
	uint64_t cm = lang_u64(&h->m, method + h->at[METHOD_CONST]), code = cm + h->size[SIZE_CONST];
	unsigned size = cm ? u16_at(h, cm + h->at[CONST_CODE_SIZE]) : 0;
	int32_t bci = -1;

	if (bcp >= code && bcp < code + size)
		bci = (int32_t)(bcp - code);
	else if (bcp_else >= code && bcp_else < code + size)
		bci = (int32_t)(bcp_else - code);
	return cm && method_frame(h, method, bci, out);
}
