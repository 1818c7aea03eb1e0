/* SPDX-License-Identifier: Apache-2.0 */
/* python_object.c - CPython's objects out of another process's memory. Lengths and counts are bounded: a broken dict
 * must not keep us. Keys are compared as texts: hashes of texts differ in every process. */
#include "profile/lang/python_objects.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { ENTRIES_MAX = 20000, SLOTS_MAX = 1 << 17, NAME_MAX_BYTES = 64, VALUES_MAX = 1000, BASES_MAX = 8 };
/* Of tp_flags; fixed since they came (3.11, 3.13). */
enum { FLAG_INLINE_VALUES = 1 << 2, FLAG_MANAGED_DICT = 1 << 4 };

bool python_type(struct python_mem *m, uint64_t object, char name[PYTHON_TYPE_MAX])
{
	uint64_t type, text;
	size_t n = PYTHON_TYPE_MAX - 1;

	name[0] = '\0';
	if (object & 7 || !python_u64(m, object + m->l.object_type, &type) || type & 7 ||
	    !python_u64(m, type + m->l.type_name, &text))
		return false;
	/* Do not ask for the next page where the name ends before it. */
	if (text % PYTHON_PAGE + n > PYTHON_PAGE) {
		size_t first = PYTHON_PAGE - text % PYTHON_PAGE;

		if (!python_read(m, text, name, first))
			return false;
		if (memchr(name, 0, first))
			return true;
	}
	if (!python_read(m, text, name, n))
		return false;
	name[n] = '\0';
	return true;
}

bool python_is(struct python_mem *m, uint64_t object, const char *type)
{
	char name[PYTHON_TYPE_MAX];

	return python_type(m, object, name) && strcmp(name, type) == 0;
}

/* Texts of another length are passed over without their bytes. */
static bool text_is(struct python_mem *m, uint64_t object, const char *name)
{
	char bytes[NAME_MAX_BYTES];
	size_t n = strlen(name);
	uint64_t length;

	return n <= sizeof(bytes) && !(object & 7) && python_u64(m, object + m->l.text_length, &length) && length == n &&
	       python_read(m, object + m->l.ascii_size, bytes, n) && memcmp(bytes, name, n) == 0;
}

struct keys {
	uint64_t entries;
	size_t count, size; /* bytes of an entry */
	size_t key, value;  /* where in it */
};

static size_t index_bytes_38(uint64_t size)
{
	return size <= 0xff ? 1 : size <= 0xffff ? 2 : 4;
}

/* 3.8 to 3.10 {refs, size, lookup, usable, entries, indices}; later {refs, log2 of size, log2 of bytes of the indices,
 * kind, version, usable, entries, indices}. */
static bool keys_read(struct python_mem *m, uint64_t at, struct keys *k)
{
	unsigned char head[40];
	uint64_t count, size;

	if (at & 7 || !python_read(m, at, head, sizeof(head)))
		return false;
	if (m->l.minor < 11) {
		memcpy(&size, head + 8, 8);
		memcpy(&count, head + 32, 8);
		if (size > SLOTS_MAX || count > ENTRIES_MAX)
			return false;
		*k = (struct keys){ at + 40 + size * index_bytes_38(size), (size_t)count, 24, 8, 16 };
		return true;
	}
	memcpy(&count, head + 24, 8);
	if (head[9] > 20 || head[10] > 2 || count > ENTRIES_MAX)
		return false;
	*k = (struct keys){ at + 32 + (UINT64_C(1) << head[9]), (size_t)count, 24, 8, 16 };
	if (head[10]) { /* texts alone, without their hashes */
		k->size = 16;
		k->key = 0;
		k->value = 8;
	}
	return true;
}

/* values: of a dict that shares its keys; 0 none. */
static void keys_each(struct python_mem *m, const struct keys *k, uint64_t values, python_each call, void *arg)
{
	for (size_t i = 0; i < k->count; i++) {
		uint64_t entry[3], key, value;

		if (!python_read(m, k->entries + i * k->size, entry, k->size))
			return;
		key = entry[k->key / 8];
		value = entry[k->value / 8];
		if (values && (i >= VALUES_MAX || !python_u64(m, values + 8 * i, &value)))
			return;
		if (key && value && call(arg, key, value))
			return;
	}
}

/* 3.13 put four counts of one byte before the values of a dict with shared keys. */
static uint64_t values_begin(const struct python_mem *m, uint64_t values)
{
	return values && m->l.minor >= 13 ? values + 8 : values;
}

void python_dict_each(struct python_mem *m, uint64_t dict, python_each call, void *arg)
{
	uint64_t at, values;
	struct keys k;

	if (dict & 7 || !python_u64(m, dict + m->l.dict_keys, &at) || !python_u64(m, dict + m->l.dict_values, &values) ||
	    !keys_read(m, at, &k))
		return;
	keys_each(m, &k, values_begin(m, values), call, arg);
}

void python_set_each(struct python_mem *m, uint64_t set, python_each call, void *arg)
{
	uint64_t mask, table;

	if (set & 7 || !python_u64(m, set + m->l.set_mask, &mask) || !python_u64(m, set + m->l.set_table, &table) ||
	    mask >= SLOTS_MAX)
		return;
	for (uint64_t i = 0; i <= mask; i++) {
		uint64_t entry[2];

		if (!python_read(m, table + 16 * i, entry, sizeof(entry)))
			return;
		/* What was removed leaves a mark whose hash is -1. */
		if (entry[0] && entry[1] != UINT64_MAX && call(arg, entry[0], 0))
			return;
	}
}

struct search {
	struct python_mem *m;
	const char *name;
	uint64_t found;
};

static bool search_entry(void *arg, uint64_t key, uint64_t value)
{
	struct search *s = arg;

	if (!text_is(s->m, key, s->name))
		return false;
	s->found = value;
	return true;
}

uint64_t python_dict_get(struct python_mem *m, uint64_t dict, const char *name)
{
	struct search s = { m, name, 0 };

	if (dict)
		python_dict_each(m, dict, search_entry, &s);
	return s.found;
}

/* Attributes that lie in the object itself or beside it, their names in its type. */
static uint64_t attr_in_values(struct python_mem *m, uint64_t type, uint64_t values, const char *name)
{
	struct search s = { m, name, 0 };
	struct keys k;
	uint64_t at;

	if (values && python_u64(m, type + m->l.type_cached_keys, &at) && at && keys_read(m, at, &k))
		keys_each(m, &k, values, search_entry, &s);
	return s.found;
}

/* An object's attributes: its dict; or, since 3.11, values before it (3.11), behind a marked pointer before it (3.12),
 * or at its end (3.13), until somebody asks for the dict. */
static uint64_t attr_managed(struct python_mem *m, uint64_t object, uint64_t type, uint64_t flags, const char *name)
{
	uint64_t before = object - (m->l.free_threaded ? 8 : 24), word, size;
	unsigned char head[4];

	if (m->l.minor == 11 && python_u64(m, object - 32, &word) && word)
		return attr_in_values(m, type, word, name);
	if (!python_u64(m, before, &word))
		return 0;
	if (m->l.minor == 12 && word & 1)
		return attr_in_values(m, type, word + 1, name);
	if (m->l.minor >= 13 && !word && flags & FLAG_INLINE_VALUES &&
	    python_u64(m, type + m->l.type_basicsize, &size) && size < PYTHON_PAGE &&
	    python_read(m, object + size, head, sizeof(head)) && head[3])
		return attr_in_values(m, type, object + size + 8, name);
	return word ? python_dict_get(m, word, name) : 0;
}

/* An attribute of __slots__: the dict of the type that has it, or of one that this was made from, holds a descriptor, which
 * knows where in the object it lies. tp_base and tp_dict stand four and three words before tp_dictoffset; a descriptor is
 * {object, type, name, qualified name, member}, a member {name, kind, offset, …}. */
static uint64_t attr_slot(struct python_mem *m, uint64_t object, uint64_t type, const char *name)
{
	for (int depth = 0; type && !(type & 7) && depth < BASES_MAX; depth++) {
		uint64_t dict, descriptor, member, offset, value;

		if (!python_u64(m, type + m->l.type_dictoffset - 24, &dict))
			return 0;
		descriptor = dict ? python_dict_get(m, dict, name) : 0;
		if (descriptor)
			return python_is(m, descriptor, "member_descriptor") &&
			       python_u64(m, descriptor + m->l.object_size + 24, &member) &&
			       python_u64(m, member + 16, &offset) && offset < PYTHON_PAGE && !(offset & 7) &&
			       python_u64(m, object + offset, &value) ? value : 0;
		if (!python_u64(m, type + m->l.type_dictoffset - 32, &type))
			return 0;
	}
	return 0;
}

uint64_t python_attr(struct python_mem *m, uint64_t object, const char *name)
{
	uint64_t type, flags, offset, dict, value = 0;

	if (!object || object & 7 || !python_u64(m, object + m->l.object_type, &type) || type & 7 ||
	    !python_u64(m, type + m->l.type_flags, &flags))
		return 0;
	if (m->l.minor >= 11 && flags & FLAG_MANAGED_DICT)
		value = attr_managed(m, object, type, flags, name);
	else if (python_u64(m, type + m->l.type_dictoffset, &offset) && offset && offset < PYTHON_PAGE &&
		 python_u64(m, object + offset, &dict))
		value = python_dict_get(m, dict, name);
	return value ? value : attr_slot(m, object, type, name);
}

uint64_t python_global(struct python_mem *m, uint64_t interpreter, const char *module, const char *name)
{
	uint64_t modules, object, dict;

	if (!python_u64(m, interpreter + m->l.interp_modules, &modules) || !modules ||
	    !(object = python_dict_get(m, modules, module)) || !python_is(m, object, "module") ||
	    !python_u64(m, object + m->l.object_size, &dict))
		return 0;
	return python_dict_get(m, dict, name);
}

/* Digits of 30 bits; how many, and the sign, in the word before them. */
bool python_number(struct python_mem *m, uint64_t object, uint64_t *out)
{
	uint64_t tag, count;
	uint32_t digits[3] = { 0 };

	if (!python_is(m, object, "int") || !python_u64(m, object + m->l.var_count, &tag))
		return false;
	if (m->l.minor >= 12) {
		count = tag >> 3;
		if ((tag & 3) == 1)
			count = 0;
		else if ((tag & 3) == 2)
			return false;
	} else {
		count = tag;
	}
	if (count > 3 || !python_read(m, object + m->l.long_digits, digits, (size_t)count * 4))
		return false;
	*out = (uint64_t)digits[0] | (uint64_t)digits[1] << 30 | (uint64_t)digits[2] << 60;
	return true;
}

char *python_attr_text(struct python_mem *m, uint64_t object, const char *name)
{
	uint64_t text = python_attr(m, object, name);

	return text && python_is(m, text, "str") ? python_text(m, text) : NULL;
}
