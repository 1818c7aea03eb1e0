/* SPDX-License-Identifier: Apache-2.0 */
/* value.h - abstract values of Python: a value is an interned set of objects, an object has slots (attributes, items,
 * variables). Every write is on a trail, so that a branch can be undone and joined with its other side. */
#ifndef AUDIT_PYTHON_VALUE_H
#define AUDIT_PYTHON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_TARGETS_MAX 8
/* The object that says that an attribute was perhaps never set; OBJECT_NONE is Python's None. */
#define OBJECT_NONE 0
#define OBJECT_ABSENT 1

/* 0: nothing; one object: VALUE_ONE and its number, for most values are such; else the number of a set. */
typedef uint32_t value_t;
#define VALUE_ONE ((value_t)1 << 31)

enum object_kind {
	O_NONE, O_ABSENT, O_UNKNOWN, O_ENV, O_FUNCTION, O_CLASS, O_INSTANCE, O_BOUND, O_MODULE, O_EXTERNAL,
	O_BUILTIN, O_METHOD,
	O_LIST, O_TUPLE, O_DICT, O_SET, O_TEXT, O_NUMBER, O_GENERATOR, O_SUPER, O_PARTIAL, O_PROPERTY, O_STATIC,
	O_CLASSMETHOD, O_CONTEXT, O_CONTEXT_MAKER,
};

struct object {
	uint8_t kind;
	bool weak;       /* stands for several: writes join */
	uint32_t a, b, c; /* by kind */
	uint32_t slots;  /* head of the list of its slots */
	uint32_t keys;   /* a bit for each key that a slot of it has: most slots that are asked for are not there */
};

/* What was worked out once: number -> number. */
struct memo {
	struct { uint64_t key; uint32_t v; } *v;
	uint32_t n, cap;
};
/* Whose numbers: kinds of what is kept in the heap's memo. */
enum memo_kind { MEMO_ATTRIBUTE = 1, MEMO_METHOD, MEMO_CONSTANT, MEMO_PLAIN };


struct slot {
	uint32_t owner, key, next;
	value_t v;
	uint32_t stamp, place; /* of the last trail_take */
};
struct change {
	uint32_t slot;
	value_t v;
};
struct changes {
	struct change *v;
	uint32_t n;
};

#define HEAP_LITERALS 512 /* a power of two */
#define HEAP_INDICES 256
enum heap_prefix { PREFIX_DEFAULT, PREFIX_TYPE, PREFIX_ITEM, HEAP_PREFIXES };

struct heap {
	struct object *objects;
	uint32_t object_count, object_cap;
	struct slot *slots;
	uint32_t slot_count, slot_cap, *slot_hash, slot_hash_cap, slot_mask;
	struct change *trail;
	uint32_t trail_count, trail_cap, stamp;
	struct { uint32_t off, n; } *sets;
	uint32_t set_count, set_cap, *set_hash, set_hash_cap;
	uint32_t *ids, id_count, id_cap;
	uint32_t *interned, interned_count, interned_cap; /* hash of objects */
	char **texts;
	uint32_t *text_lengths; /* of each text */
	struct { uint32_t hash, text; } *text_hash;
	uint32_t text_count, text_cap, text_hash_cap;
	struct { const char *z; uint32_t text; } literals[HEAP_LITERALS];
	uint32_t indices[HEAP_INDICES];                      /* text of "i:0", "i:1" … */
	struct memo memo;
	struct text_map { uint32_t *v, n; } prefixed[HEAP_PREFIXES]; /* text -> text with a prefix */
};

/* b of an O_INSTANCE: one that was made; the one that stands for all of its class; the one that may be of a subclass,
 * too. */
enum instance { INSTANCE_MADE, INSTANCE_GENERIC, INSTANCE_OPEN };

void heap_init(struct heap *h);
void heap_release(struct heap *h);
/* Everything but the texts: execution is over. */
void heap_release_values(struct heap *h);

uint32_t instance_of_all(struct heap *h, uint32_t class_object, enum instance which);

/* The number of a text: equal texts, equal numbers; never 0. */
uint32_t heap_text(struct heap *h, const char *s, size_t n);
uint32_t heap_textz(struct heap *h, const char *s);
/* Of a string that stays where it is and as it is: a literal. Most texts that are asked for are such. */
static inline uint32_t heap_literal(struct heap *h, const char *z)
{
	uint32_t at = (uint32_t)(((uintptr_t)z * 0x9e3779b97f4a7c15u) >> 32) & (HEAP_LITERALS - 1);

	if (h->literals[at].z != z) {
		h->literals[at].text = heap_textz(h, z);
		h->literals[at].z = z;
	}
	return h->literals[at].text;
}
/* The key of item i of a sequence: "i:3". */
uint32_t heap_index(struct heap *h, uint32_t i);
/* What a function keeps beside its variables, by the name of a parameter, and the key of a named item: "s:name". */
uint32_t heap_prefixed(struct heap *h, enum heap_prefix prefix, uint32_t text);

/* Where the heap keeps the number for two others, both below 2^29; 0: not known yet. Valid until the next call. */
uint32_t *heap_memo(struct heap *h, enum memo_kind kind, uint32_t a, uint32_t b);

uint32_t object_new(struct heap *h, enum object_kind kind, uint32_t a, uint32_t b);
/* The one object of that kind, a and b: for what has no state of its own, so that sets of them stay small. */
uint32_t object_intern(struct heap *h, enum object_kind kind, uint32_t a, uint32_t b);
static inline value_t value_of(const struct heap *h, uint32_t object)
{
	(void)h;
	return VALUE_ONE | object;
}
value_t value_join(struct heap *h, value_t a, value_t b);
static inline uint32_t value_count(const struct heap *h, value_t v)
{
	return v & VALUE_ONE ? 1 : h->sets[v].n;
}
static inline uint32_t value_at(const struct heap *h, value_t v, uint32_t i)
{
	return v & VALUE_ONE ? v & ~VALUE_ONE : h->ids[h->sets[v].off + i];
}

bool value_has(const struct heap *h, value_t v, uint32_t object);
value_t value_without(struct heap *h, value_t v, uint32_t object);

value_t slot_get(const struct heap *h, uint32_t owner, uint32_t key);
/* Writes; joins where the owner is weak or `weak` is set. */
void slot_set(struct heap *h, uint32_t owner, uint32_t key, value_t v, bool weak);
/* Everything in it. */
value_t slots_join(struct heap *h, uint32_t owner);

/* What was written since mark, undone. The caller frees v. */
struct changes trail_take(struct heap *h, uint32_t mark);
/* Joins two sides of a branch into the state; a side that is NULL does not arrive here. objects: how many there were when
 * the branch began. */
void trail_join(struct heap *h, const struct changes *a, const struct changes *b, uint32_t objects);
/* Writes the changes again; weak: beside what is there. */
void trail_apply(struct heap *h, const struct changes *c, bool weak);

#endif
