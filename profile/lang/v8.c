/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/lang/v8.h"

#include "base/mem.h"
#include "base/str.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STRING_DEPTH = 12, SOURCE_MAX = 8 << 20 };

/* Names of a constant in different versions, and its value where none of them is there (as in V8 9 to 13). */
static const struct {
	size_t at;
	int32_t otherwise;
	const char *names[4];
} constants[] = {
#define C(member, value, ...) { offsetof(struct v8_layout, member), value, { __VA_ARGS__ } }
	C(tagged_size, 8, "TaggedSize", NULL),
	C(fp_function, -16, "off_fp_function", NULL),
	C(fp_bytecode_array, -32, "off_fp_bytecode_array", NULL),
	C(fp_bytecode_offset, -40, "off_fp_bytecode_offset", NULL),
	C(map_type, 12, "class_Map__instance_type__uint16_t", NULL),
	C(function_shared, 24, "class_JSFunction__shared__SharedFunctionInfo", NULL),
	C(function_context, 32, "class_JSFunction__context__Context", "class_JSFunction__context__Tagged_Context_", NULL),
	C(shared_name, 16, "class_SharedFunctionInfo__name_or_scope_info__Object",
	  "class_SharedFunctionInfo__name_or_scope_info__Tagged_Object_",
	  "class_SharedFunctionInfo__name_or_scope_info__Tagged_NameOrScopeInfoT_", NULL),
	C(shared_script, 32, "class_SharedFunctionInfo__script_or_debug_info__HeapObject",
	  "class_SharedFunctionInfo__script__Tagged_HeapObject_", "class_SharedFunctionInfo__raw_script__Tagged_Object_",
	  "class_SharedFunctionInfo__script_or_debug_info__Object"),
	C(script_name, 16, "class_Script__name__Object", NULL),
	C(script_source, 8, "class_Script__source__Object", NULL),
	C(script_ends, 56, "class_Script__line_ends__Object", NULL),
	C(string_length, 12, "class_String__length__int32_t", NULL),
	C(cons_first, 16, "class_ConsString__first__String", NULL),
	C(cons_second, 24, "class_ConsString__second__String", NULL),
	C(thin_actual, 16, "class_ThinString__actual__String", NULL),
	C(sliced_parent, 16, "class_SlicedString__parent__String", NULL),
	C(sliced_offset, 24, "class_SlicedString__offset__SMI", NULL),
	C(string_limit, 128, "FirstNonstringType", NULL),
	C(representation_mask, 7, "StringRepresentationMask", NULL),
	C(encoding_mask, 8, "StringEncodingMask", NULL),
	C(one_byte, 8, "OneByteStringTag", NULL),
	C(seq, 0, "SeqStringTag", NULL),
	C(cons, 1, "ConsStringTag", NULL),
	C(external, 2, "ExternalStringTag", NULL),
	C(sliced, 3, "SlicedStringTag", NULL),
	C(thin, 5, "ThinStringTag", NULL),
	C(type_shared, -1, "type_SharedFunctionInfo__SHARED_FUNCTION_INFO_TYPE", NULL),
	C(type_script, -1, "type_Script__SCRIPT_TYPE", NULL),
	C(type_scope, -1, "type_ScopeInfo__SCOPE_INFO_TYPE", NULL),
	C(type_bytecode, -1, "type_BytecodeArray__BYTECODE_ARRAY_TYPE", NULL),
	C(type_bytes, -1, "type_ByteArray__BYTE_ARRAY_TYPE", NULL),
	C(type_trusted_bytes, -1, "type_TrustedByteArray__TRUSTED_BYTE_ARRAY_TYPE", NULL),
	C(type_array, -1, "type_FixedArray__FIXED_ARRAY_TYPE", NULL),
	C(type_code, -1, "type_Code__CODE_TYPE", "type_CodeT__CODET_TYPE", NULL),
	C(type_async, -1, "type_JSAsyncFunctionObject__JS_ASYNC_FUNCTION_OBJECT_TYPE", NULL),
	C(type_async_generator, -1, "type_JSAsyncGeneratorObject__JS_ASYNC_GENERATOR_OBJECT_TYPE", NULL),
	C(type_promise, -1, "type_JSPromise__JS_PROMISE_TYPE", NULL),
	C(type_reaction, -1, "type_PromiseReaction__PROMISE_REACTION_TYPE", NULL),
	C(type_capability, -1, "type_PromiseCapability__PROMISE_CAPABILITY_TYPE", NULL),
	C(type_properties, -1, "type_PropertyArray__PROPERTY_ARRAY_TYPE", NULL),
	C(context_first, -1, "FirstContextType", NULL),
	C(context_last, -1, "LastContextType", NULL),
	C(object_first, -1, "type_JSObject__JS_OBJECT_TYPE", NULL),
	C(map_words, 8, "class_Map__instance_size_in_words__char", NULL),
	C(bytecode_data, 54, "class_BytecodeArray__data__uintptr_t", NULL),
	C(code_inline, -1, "class_Code__instruction_start__uintptr_t", NULL),
#undef C
};

static uint64_t constant_of(struct native *n, struct module *m, const char *name)
{
	char symbol[128];

	snprintf(symbol, sizeof(symbol), "v8dbg_%s", name);
	return native_symbol(n, m, symbol);
}

/* One byte for each bytecode, three times: its length, with operands once, twice and four times as wide. */
#define SIZES_NAME "_ZN2v88internal11interpreter9Bytecodes14kBytecodeSizesE"

bool v8_open(struct v8 *v, struct native *n, struct module *m, char *reason, size_t size)
{
	Elf64_Sym sizes;

	lang_mem_init(&v->m, &n->p->peek);
	for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++) {
		int32_t *to = (int32_t *)((char *)&v->l + constants[i].at);
		uint64_t at = 0;

		*to = constants[i].otherwise;
		for (size_t k = 0; k < 4 && constants[i].names[k] && !at; k++)
			at = constant_of(n, m, constants[i].names[k]);
		/* a constant of 0 lies where the program keeps its zeros, not in the file */
		if (at && !lang_read(&v->m, at, to, sizeof(*to))) {
			snprintf(reason, size, "its memory may not be read");
			return false;
		}
	}
	if (v->l.type_shared < 0 || v->l.type_script < 0) {
		snprintf(reason, size, "this build exports no constants of V8 (v8dbg_…)");
		return false;
	}
	v->sizes = native_symbol(n, m, SIZES_NAME);
	if (v->sizes && elf_file_symbol_entry(&m->image->elf, SIZES_NAME, true, &sizes) && sizes.st_size < 3 * 256)
		v->size_count = sizes.st_size / 3;
	if (v->l.tagged_size != 8) {
		snprintf(reason, size, "V8 with compressed pointers is not read");
		return false;
	}
	return true;
}

void v8_release(struct v8 *v)
{
	for (size_t i = 0; i < v->known_count; i++) {
		free(v->known[i].function);
		free(v->known[i].file);
	}
	lang_mem_release(&v->m);
}

bool v8_small(uint64_t word, int32_t *value)
{
	*value = (int32_t)(word >> 32);
	return !(word & 1) && !(word & 0xffffffff);
}

uint64_t v8_pointer(struct v8 *v, uint64_t object, int32_t offset)
{
	uint64_t word = v8_is_object(object) ? lang_u64(&v->m, object - 1 + (uint64_t)(int64_t)offset) : 0;

	return v8_is_object(word) ? word : 0;
}

int32_t v8_type(struct v8 *v, uint64_t object)
{
	uint64_t map = v8_pointer(v, object, 0);
	uint16_t type;

	return map && lang_read(&v->m, map - 1 + (uint64_t)v->l.map_type, &type, sizeof(type)) ? type : -1;
}

bool v8_is_string(struct v8 *v, uint64_t object)
{
	int32_t type = v8_type(v, object);

	return type >= 0 && type < v->l.string_limit;
}

/* One byte a character is Latin-1, two are UTF-16. */
static void add_characters(struct v8 *v, uint64_t at, uint64_t length, bool one_byte, size_t max, struct str *out)
{
	unsigned char part[512];

	while (length && out->len < max) {
		size_t n = length < 256 ? (size_t)length : 256;

		if (!lang_read(&v->m, at, part, one_byte ? n : 2 * n))
			return;
		for (size_t i = 0; i < n; i++) {
			uint32_t c = one_byte ? part[i] : (uint32_t)(part[2 * i] | part[2 * i + 1] << 8);

			if (c >= 0xd800 && c < 0xe000)
				c = '?';
			if (c < 0x80) {
				str_addc(out, (char)(c < 0x20 && c != '\n' ? ' ' : c));
			} else if (c < 0x800) {
				str_addc(out, (char)(0xc0 | c >> 6));
				str_addc(out, (char)(0x80 | (c & 63)));
			} else {
				str_addc(out, (char)(0xe0 | c >> 12));
				str_addc(out, (char)(0x80 | (c >> 6 & 63)));
				str_addc(out, (char)(0x80 | (c & 63)));
			}
		}
		at += one_byte ? n : 2 * n;
		length -= n;
	}
}

/* Characters [from, from + count) of it. */
static void add_string(struct v8 *v, uint64_t object, uint64_t from, uint64_t count, unsigned depth, size_t max,
		       struct str *out)
{
	int32_t type = v8_type(v, object), shape = type & v->l.representation_mask, shift;
	bool one_byte = (type & v->l.encoding_mask) == v->l.one_byte;
	uint32_t length = object ? lang_u32(&v->m, object - 1 + (uint64_t)v->l.string_length) : 0;
	uint64_t first, width = one_byte ? 1 : 2;

	if (type < 0 || type >= v->l.string_limit || depth > STRING_DEPTH || out->len >= max || from >= length)
		return;
	if (count > length - from)
		count = length - from;
	if (shape == v->l.seq) {
		add_characters(v, object - 1 + 16 + from * width, count, one_byte, max, out);
	} else if (shape == v->l.external) {
		add_characters(v, lang_u64(&v->m, object - 1 + 24) + from * width, count, one_byte, max, out);
	} else if (shape == v->l.thin) {
		add_string(v, v8_pointer(v, object, v->l.thin_actual), from, count, depth + 1, max, out);
	} else if (shape == v->l.sliced) {
		if (v8_small(lang_u64(&v->m, object - 1 + (uint64_t)v->l.sliced_offset), &shift) && shift >= 0)
			add_string(v, v8_pointer(v, object, v->l.sliced_parent), from + (uint32_t)shift, count, depth + 1,
				   max, out);
	} else if (shape == v->l.cons) {
		uint64_t a = v8_pointer(v, object, v->l.cons_first);

		first = a ? lang_u32(&v->m, a - 1 + (uint64_t)v->l.string_length) : 0;
		if (from < first)
			add_string(v, a, from, count, depth + 1, max, out);
		if (from + count > first)
			add_string(v, v8_pointer(v, object, v->l.cons_second), from > first ? from - first : 0,
				   from > first ? count : from + count - first, depth + 1, max, out);
	}
}

char *v8_string(struct v8 *v, uint64_t object, size_t max)
{
	struct str out = STR_INIT;

	if (!v8_is_string(v, object))
		return NULL;
	add_string(v, object, 0, UINT32_MAX, 0, max < SOURCE_MAX ? max : SOURCE_MAX, &out);
	return out.len ? str_steal(&out) : xstrdup("");
}
