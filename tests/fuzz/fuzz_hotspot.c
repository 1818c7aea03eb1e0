/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_hotspot.c - the memory of a JVM that is none. The table of structures is sound; the heaps of code, compiled code, methods and symbols that
 * it leads to are the bytes. */
#include "profile/lang/hotspot.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TABLE = LANG_PAGE, BYTES = 4 * LANG_PAGE, BYTES_MAX = 8 * LANG_PAGE };
static const struct { const char *type, *field; bool is_static; uint64_t value; } rows[] = {
	{ "CodeCache", "_heap", true, BYTES }, { "CodeHeap", "_memory", false, 0 }, { "CodeHeap", "_segmap", false, 32 },
	{ "CodeHeap", "_log2_segment_size", false, 64 }, { "VirtualSpace", "_low", false, 0 }, { "VirtualSpace", "_high", false, 8 },
	{ "CodeBlob", "_name", false, 0 }, { "CodeBlob", "_frame_size", false, 8 }, { "CodeBlob", "_frame_complete_offset", false, 12 },
	{ "CodeBlob", "_code_begin", false, 16 }, { "nmethod", "_method", false, 24 },
	{ "CompiledMethod", "_scopes_data_begin", false, 32 }, { "nmethod", "_scopes_pcs_offset", false, 40 },
	{ "nmethod", "_dependencies_offset", false, 44 }, { "nmethod", "_metadata_offset", false, 48 },
	{ "Method", "_constMethod", false, 8 }, { "ConstMethod", "_constants", false, 8 }, { "ConstMethod", "_name_index", false, 16 },
	{ "ConstMethod", "_code_size", false, 18 }, { "ConstMethod", "_flags", false, 20 }, { "ConstantPool", "_pool_holder", false, 8 },
	{ "ConstantPool", "_source_file_name_index", false, 16 }, { "Klass", "_name", false, 8 }, { "Symbol", "_length", false, 0 },
	{ "Symbol", "_body", false, 2 },
};
static const struct { const char *name; uint64_t size; } types[] = { { "ConstMethod", 24 }, { "ConstantPool", 24 }, { "PcDesc", 16 } };

static uint64_t text_put(unsigned char *memory, uint64_t *at, const char *text)
{
	uint64_t here = *at;

	memcpy(memory + here, text, strlen(text) + 1);
	*at += strlen(text) + 1;
	return here;
}

/* Pointers at TABLE, the three tables behind them, texts from the third page on. */
static void table_make(unsigned char *memory)
{
	uint64_t *head = (uint64_t *)(void *)(memory + TABLE), *e = head + 8, text = 3 * LANG_PAGE;

	head[0] = TABLE + 64;
	head[1] = 48;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++, e += 6) {
		e[0] = text_put(memory, &text, rows[i].type);
		e[1] = text_put(memory, &text, rows[i].field);
		e[3] = rows[i].is_static;
		e[rows[i].is_static ? 5 : 4] = rows[i].value;
	}
	e += 6;
	head[2] = (uint64_t)((unsigned char *)e - memory);
	head[3] = 40;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++, e += 5) {
		e[0] = text_put(memory, &text, types[i].name);
		e[4] = types[i].size;
	}
	e += 5;
	head[4] = (uint64_t)((unsigned char *)e - memory);
	e[0] = text_put(memory, &text, "ConstMethod::_has_linenumber_table");
	e[1] = 1;
}

static void ask(struct hotspot *h, uint64_t pc)
{
	struct hotspot_frame f[HOTSPOT_INLINED_MAX];
	struct hotspot_code c;
	size_t n;

	if (hotspot_code_at(h, pc, &c)) {
		BUG_ON(c.kind == HOTSPOT_NONE || c.frame_bytes < 0);
		n = hotspot_compiled(h, &c, pc, f);
		BUG_ON(n > HOTSPOT_INLINED_MAX);
		for (size_t i = 0; i < n; i++) {
			BUG_ON(!f[i].function || f[i].line < 0);
			hotspot_frame_release(&f[i]);
		}
	}
	if (hotspot_interpreted(h, pc & ~UINT64_C(7), pc, pc + 30, &f[0])) {
		BUG_ON(!f[0].function || f[0].line < 0);
		hotspot_frame_release(&f[0]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hotspot_symbols at = { TABLE, TABLE + 8, TABLE + 16, TABLE + 24, TABLE + 32 };
	static unsigned char memory[BYTES + BYTES_MAX];
	struct peek peek = { .pid = getpid(), .mem_fd = memfd_create("jvm", MFD_CLOEXEC) };
	struct hotspot *h;
	size_t pos = 0;

	memset(memory, 0, sizeof(memory));
	table_make(memory);
	if (size > BYTES_MAX)
		size = BYTES_MAX;
	memcpy(memory + BYTES, data, size);
	if (peek.mem_fd < 0 || write(peek.mem_fd, memory, sizeof(memory)) != (ssize_t)sizeof(memory))
		return 0;
	h = hotspot_open(&peek, &at);
	for (uint64_t pc = BYTES; h && pc < BYTES + size; pc += 61)
		ask(h, pc);
	hotspot_free(h);
	close(peek.mem_fd);
	for (int i = 0; pos < size && i < 100; i++)
		hotspot_unsigned5(data, size, &pos, data[0] & 1);
	return 0;
}
