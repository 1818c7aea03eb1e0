/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/python/value.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOT_TAGGED_MAX (UINT32_C(1) << 24)

#define GROW(p, n, cap) \
	do { \
		if ((n) == (cap)) { \
			(cap) = (cap) ? (cap) * 2 : 64; \
			(p) = xreallocarray((p), (cap), sizeof(*(p))); \
		} \
	} while (0)

static uint32_t mix(uint32_t h, uint32_t v)
{
	h = (h ^ v) * 0x9e3779b1u;
	return h ^ (h >> 15);
}

static void texts_grow(struct heap *h)
{
	if (h->text_count < h->text_cap)
		return;
	h->text_cap = h->text_cap ? h->text_cap * 2 : 64;
	h->texts = xreallocarray(h->texts, h->text_cap, sizeof(*h->texts));
	h->text_lengths = xreallocarray(h->text_lengths, h->text_cap, sizeof(*h->text_lengths));
}

void heap_init(struct heap *h)
{
	memset(h, 0, sizeof(*h));
	h->text_hash = xcalloc(h->text_hash_cap = 1024, sizeof(*h->text_hash));
	h->slot_hash = xcalloc(h->slot_hash_cap = 1024, sizeof(uint32_t));
	h->slot_mask = SLOT_TAGGED_MAX - 1;
	h->set_hash = xcalloc(h->set_hash_cap = 1024, sizeof(uint32_t));
	texts_grow(h);
	h->texts[h->text_count++] = NULL;
	GROW(h->slots, h->slot_count, h->slot_cap);
	h->slot_count++;
	GROW(h->sets, h->set_count, h->set_cap);
	h->sets[h->set_count].off = h->sets[h->set_count].n = 0;
	h->set_count++;
	object_new(h, O_NONE, 0, 0);
	object_new(h, O_ABSENT, 0, 0);
	h->interned = xcalloc(h->interned_cap = 1024, sizeof(uint32_t));
}

void heap_release(struct heap *h)
{
	for (uint32_t i = 0; i < h->text_count; i++)
		free(h->texts[i]);
	free(h->texts);
	free(h->text_lengths);
	free(h->text_hash);
	for (int i = 0; i < HEAP_PREFIXES; i++)
		free(h->prefixed[i].v);
	heap_release_values(h);
}

void heap_release_values(struct heap *h)
{
	mem_free_ptr(&h->slot_hash);
	mem_free_ptr(&h->set_hash);
	mem_free_ptr(&h->interned);
	mem_free_ptr(&h->slots);
	mem_free_ptr(&h->sets);
	mem_free_ptr(&h->ids);
	mem_free_ptr(&h->objects);
	mem_free_ptr(&h->trail);
	mem_free_ptr(&h->memo.v);
}

static void text_rehash(struct heap *h)
{
	uint32_t cap = h->text_hash_cap * 2;
	__typeof__(h->text_hash) hash = xcalloc(cap, sizeof(*hash));

	for (uint32_t i = 0; i < h->text_hash_cap; i++) {
		uint32_t at = h->text_hash[i].hash;

		if (!h->text_hash[i].text)
			continue;
		while (hash[at &= cap - 1].text)
			at++;
		hash[at] = h->text_hash[i];
	}
	free(h->text_hash);
	h->text_hash = hash;
	h->text_hash_cap = cap;
}

uint32_t heap_text(struct heap *h, const char *s, size_t n)
{
	const char *zero = memchr(s, 0, n);
	uint32_t hash, at, i;

	n = zero ? (size_t)(zero - s) : n;
	at = hash = (uint32_t)hash_bytes(0, s, n);
	while ((i = h->text_hash[at &= h->text_hash_cap - 1].text) != 0) {
		if (h->text_hash[at].hash == hash && h->text_lengths[i] == n && memcmp(h->texts[i], s, n) == 0)
			return i;
		at++;
	}
	texts_grow(h);
	i = h->text_count++;
	h->texts[i] = xstrndup(s, n);
	h->text_lengths[i] = (uint32_t)n;
	h->text_hash[at].hash = hash;
	h->text_hash[at].text = i;
	if (h->text_count * 2 > h->text_hash_cap)
		text_rehash(h);
	return i;
}

uint32_t heap_index(struct heap *h, uint32_t i)
{
	char text[16];

	if (i < HEAP_INDICES && h->indices[i])
		return h->indices[i];
	snprintf(text, sizeof(text), "i:%u", i);
	uint32_t key = heap_textz(h, text);

	if (i < HEAP_INDICES)
		h->indices[i] = key;
	return key;
}

uint32_t heap_prefixed(struct heap *h, enum heap_prefix prefix, uint32_t text)
{
	static const char *const prefixes[] = { "#default ", "#type ", "s:" };
	struct text_map *map = &h->prefixed[prefix];

	if (text >= map->n) {
		uint32_t n = h->text_cap;

		map->v = xreallocarray(map->v, n, sizeof(*map->v));
		memset(map->v + map->n, 0, (n - map->n) * sizeof(*map->v));
		map->n = n;
	}
	if (!map->v[text]) {
		auto_free char *whole = xasprintf("%s%s", prefixes[prefix], h->texts[text]);
		uint32_t key = heap_textz(h, whole);

		map->v[text] = key;
	}
	return map->v[text];
}

uint32_t heap_textz(struct heap *h, const char *s)
{
	return heap_text(h, s, strlen(s));
}

static void memo_grow(struct memo *m)
{
	struct memo wider = { .n = m->n, .cap = m->cap ? m->cap * 2 : 1024 };

	wider.v = xcalloc(wider.cap, sizeof(*wider.v));
	for (uint32_t i = 0; i < m->cap; i++) {
		uint32_t at = (uint32_t)hash_step(0, m->v[i].key);

		while (m->v[i].key && wider.v[at &= wider.cap - 1].key)
			at++;
		if (m->v[i].key)
			wider.v[at] = m->v[i];
	}
	free(m->v);
	*m = wider;
}

uint32_t *heap_memo(struct heap *h, enum memo_kind kind, uint32_t a, uint32_t b)
{
	struct memo *m = &h->memo;
	uint64_t key = (uint64_t)kind << 60 | (uint64_t)a << 30 | b;
	uint32_t at = (uint32_t)hash_step(0, key);

	if (m->n * 2 >= m->cap)
		memo_grow(m);
	while (m->v[at &= m->cap - 1].key && m->v[at].key != key)
		at++;
	m->n += !m->v[at].key;
	m->v[at].key = key;
	return &m->v[at].v;
}

uint32_t object_new(struct heap *h, enum object_kind kind, uint32_t a, uint32_t b)
{
	GROW(h->objects, h->object_count, h->object_cap);
	h->objects[h->object_count] = (struct object){ .kind = (uint8_t)kind, .a = a, .b = b };
	return h->object_count++;
}

static uint32_t object_hash(const struct object *o)
{
	return mix(mix(mix(31, o->kind), o->a), o->b);
}

static void interned_rehash(struct heap *h)
{
	uint32_t *old = h->interned, cap = h->interned_cap, at;

	h->interned = xcalloc(h->interned_cap *= 2, sizeof(uint32_t));
	for (uint32_t i = 0; i < cap; i++) {
		if (!old[i])
			continue;
		for (at = object_hash(&h->objects[old[i]]); h->interned[at &= h->interned_cap - 1]; at++)
			;
		h->interned[at] = old[i];
	}
	free(old);
}

uint32_t object_intern(struct heap *h, enum object_kind kind, uint32_t a, uint32_t b)
{
	struct object key = { .kind = (uint8_t)kind, .a = a, .b = b };
	uint32_t at = object_hash(&key), i;

	while ((i = h->interned[at &= h->interned_cap - 1]) != 0) {
		if (h->objects[i].kind == kind && h->objects[i].a == a && h->objects[i].b == b)
			return i;
		at++;
	}
	i = h->interned[at] = object_new(h, kind, a, b);
	if (++h->interned_count * 2 > h->interned_cap)
		interned_rehash(h);
	return i;
}

static uint32_t set_hash_of(const struct heap *h, uint32_t set)
{
	return (uint32_t)hash_bytes(0, h->ids + h->sets[set].off, h->sets[set].n * sizeof(uint32_t));
}

static value_t set_intern(struct heap *h, const uint32_t *ids, uint32_t n)
{
	uint32_t at, i;

	if (n == 1)
		return VALUE_ONE | ids[0];
	at = (uint32_t)hash_bytes(0, ids, n * sizeof(*ids));

	while ((i = h->set_hash[at &= h->set_hash_cap - 1]) != 0) {
		if (h->sets[i].n == n && memcmp(h->ids + h->sets[i].off, ids, n * sizeof(*ids)) == 0)
			return i;
		at++;
	}
	GROW(h->sets, h->set_count, h->set_cap);
	i = h->set_count++;
	h->sets[i].off = h->id_count;
	h->sets[i].n = n;
	for (uint32_t k = 0; k < n; k++) {
		GROW(h->ids, h->id_count, h->id_cap);
		h->ids[h->id_count++] = ids[k];
	}
	h->set_hash[at] = i;
	if (h->set_count * 2 > h->set_hash_cap) {
		free(h->set_hash);
		h->set_hash = xcalloc(h->set_hash_cap *= 2, sizeof(uint32_t));
		for (uint32_t s = 1; s < h->set_count; s++) {
			for (at = set_hash_of(h, s); h->set_hash[at &= h->set_hash_cap - 1]; at++)
				;
			h->set_hash[at] = s;
		}
	}
	return i;
}

uint32_t instance_of_all(struct heap *h, uint32_t class_object, enum instance which)
{
	uint32_t o = object_intern(h, O_INSTANCE, class_object, which);

	h->objects[o].weak = true;
	return o;
}

/* The object that stands for an object and others like it. */
static uint32_t object_general(struct heap *h, uint32_t o)
{
	const struct object *p = &h->objects[o];

	switch (p->kind) {
	case O_INSTANCE: return p->b == INSTANCE_MADE ? instance_of_all(h, p->a, INSTANCE_GENERIC) : o;
	case O_BOUND: return object_intern(h, O_BOUND, p->a, object_general(h, p->b));
	case O_TEXT: case O_NUMBER: return object_intern(h, p->kind, heap_textz(h, "*"), 0);
	default: return o;
	}
}

/* Sorts and drops what is there twice. */
static uint32_t ids_unique(uint32_t *ids, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 1; i < n; i++)
		for (uint32_t k = i; k && ids[k] < ids[k - 1]; k--) {
			uint32_t swap = ids[k];

			ids[k] = ids[k - 1];
			ids[k - 1] = swap;
		}
	for (uint32_t i = 0; i < n; i++)
		if (!kept || ids[kept - 1] != ids[i])
			ids[kept++] = ids[i];
	return kept;
}

/* A set has at most twice the targets that are shown, so that "too many" is still seen; before that, objects of one kind are
 * taken together. */
value_t value_join(struct heap *h, value_t a, value_t b)
{
	uint32_t ids[2 * VALUE_TARGETS_MAX], n = 0, i = 0, k = 0;

	if (!a || a == b)
		return b;
	if (!b || value_has(h, a, b & VALUE_ONE ? b & ~VALUE_ONE : UINT32_MAX))
		return a;
	while (n < 2 * VALUE_TARGETS_MAX && (i < value_count(h, a) || k < value_count(h, b))) {
		uint32_t x = i < value_count(h, a) ? value_at(h, a, i) : UINT32_MAX;
		uint32_t y = k < value_count(h, b) ? value_at(h, b, k) : UINT32_MAX;

		ids[n++] = x < y ? x : y;
		i += x <= y;
		k += y <= x;
	}
	if (n > VALUE_TARGETS_MAX) {
		for (i = 0; i < n; i++)
			ids[i] = object_general(h, ids[i]);
		n = ids_unique(ids, n);
	}
	return set_intern(h, ids, n);
}

bool value_has(const struct heap *h, value_t v, uint32_t object)
{
	for (uint32_t i = 0; i < value_count(h, v); i++)
		if (value_at(h, v, i) == object)
			return true;
	return false;
}

value_t value_without(struct heap *h, value_t v, uint32_t object)
{
	uint32_t ids[2 * VALUE_TARGETS_MAX], n = 0;

	if (!value_has(h, v, object))
		return v;
	for (uint32_t i = 0; i < value_count(h, v); i++)
		if (value_at(h, v, i) != object)
			ids[n++] = value_at(h, v, i);
	return n ? set_intern(h, ids, n) : 0;
}

static uint32_t slot_hash_of(uint32_t owner, uint32_t key)
{
	return mix(mix(17, owner), key);
}

/* Beside the number of a slot stand bits of its hash, as long as there is room: others are passed over unseen. */
static void slot_place(struct heap *h, uint32_t i, uint32_t place)
{
	h->slot_hash[place] = i | (slot_hash_of(h->slots[i].owner, h->slots[i].key) & ~h->slot_mask);
}

static uint32_t slot_find(const struct heap *h, uint32_t owner, uint32_t key, uint32_t *place)
{
	uint32_t hash = slot_hash_of(owner, key), at = hash, i;

	while ((i = h->slot_hash[at &= h->slot_hash_cap - 1]) != 0) {
		if (((i ^ hash) & ~h->slot_mask) == 0) {
			i &= h->slot_mask;
			if (h->slots[i].owner == owner && h->slots[i].key == key)
				return i;
		}
		at++;
	}
	*place = at;
	return 0;
}

static uint32_t key_bit(uint32_t key)
{
	return UINT32_C(1) << (key * 0x9e3779b1u >> 27);
}

static uint32_t slot_add(struct heap *h, uint32_t owner, uint32_t key, uint32_t place)
{
	uint32_t i;

	GROW(h->slots, h->slot_count, h->slot_cap);
	i = h->slot_count++;
	h->slots[i] = (struct slot){ .owner = owner, .key = key, .next = h->objects[owner].slots };
	h->objects[owner].slots = i;
	h->objects[owner].keys |= key_bit(key);
	slot_place(h, i, place);
	if (h->slot_count * 2 > h->slot_hash_cap) {
		h->slot_mask = h->slot_count < SLOT_TAGGED_MAX / 2 ? SLOT_TAGGED_MAX - 1 : UINT32_MAX;
		free(h->slot_hash);
		h->slot_hash = xcalloc(h->slot_hash_cap *= 2, sizeof(uint32_t));
		for (uint32_t s = 1; s < h->slot_count; s++) {
			slot_find(h, h->slots[s].owner, h->slots[s].key, &place);
			slot_place(h, s, place);
		}
	}
	return i;
}

value_t slot_get(const struct heap *h, uint32_t owner, uint32_t key)
{
	uint32_t place, i = h->objects[owner].keys & key_bit(key) ? slot_find(h, owner, key, &place) : 0;

	return i ? h->slots[i].v : 0;
}

static void slot_write(struct heap *h, uint32_t i, value_t v)
{
	if (h->slots[i].v == v)
		return;
	GROW(h->trail, h->trail_count, h->trail_cap);
	h->trail[h->trail_count++] = (struct change){ i, h->slots[i].v };
	h->slots[i].v = v;
}

void slot_set(struct heap *h, uint32_t owner, uint32_t key, value_t v, bool weak)
{
	uint32_t place = 0, i = slot_find(h, owner, key, &place);

	if (!i)
		i = slot_add(h, owner, key, place);
	slot_write(h, i, weak || h->objects[owner].weak ? value_join(h, h->slots[i].v, v) : v);
}

value_t slots_join(struct heap *h, uint32_t owner)
{
	value_t v = 0;

	for (uint32_t i = h->objects[owner].slots; i; i = h->slots[i].next)
		if (h->texts[h->slots[i].key][0] != '#')
			v = value_join(h, v, h->slots[i].v);
	return v;
}

struct changes trail_take(struct heap *h, uint32_t mark)
{
	struct changes c = { xreallocarray(NULL, h->trail_count - mark + 1, sizeof(struct change)), 0 };

	h->stamp++;
	/* Backwards: a slot's newest value is seen first, its oldest is restored last. */
	for (uint32_t i = h->trail_count; i-- > mark;) {
		struct slot *s = &h->slots[h->trail[i].slot];

		if (s->stamp != h->stamp) {
			s->stamp = h->stamp;
			s->place = c.n;
			c.v[c.n++] = (struct change){ h->trail[i].slot, s->v };
		}
		s->v = h->trail[i].v;
	}
	h->trail_count = mark;
	return c;
}

void trail_apply(struct heap *h, const struct changes *c, bool weak)
{
	for (uint32_t i = 0; i < c->n; i++) {
		value_t v = c->v[i].v, old = h->slots[c->v[i].slot].v;

		slot_write(h, c->v[i].slot, weak ? value_join(h, old, v) : v);
	}
}

/* What two sides left in a slot: an attribute that one of them never set may still be the class's. */
static value_t sides_value(struct heap *h, uint32_t owner, value_t a, value_t b)
{
	bool absent = (!a || !b) && h->objects[owner].kind == O_INSTANCE;

	return value_join(h, absent ? value_of(h, OBJECT_ABSENT) : 0, value_join(h, a, b));
}

void trail_join(struct heap *h, const struct changes *a, const struct changes *b, uint32_t objects)
{
	if (!a || !b) {
		if (a || b)
			trail_apply(h, a ? a : b, false);
		return;
	}
	h->stamp++;
	for (uint32_t i = 0; i < a->n; i++) {
		h->slots[a->v[i].slot].stamp = h->stamp;
		h->slots[a->v[i].slot].place = i;
	}
	for (uint32_t i = 0; i < b->n; i++) {
		struct slot *s = &h->slots[b->v[i].slot];
		bool both = s->stamp == h->stamp;

		if (both)
			s->stamp = 0;
		slot_write(h, b->v[i].slot, sides_value(h, s->owner < objects ? s->owner : 0,
							both ? a->v[s->place].v : s->v, b->v[i].v));
	}
	for (uint32_t i = 0; i < a->n; i++) {
		struct slot *s = &h->slots[a->v[i].slot];

		if (s->stamp == h->stamp)
			slot_write(h, a->v[i].slot, sides_value(h, s->owner < objects ? s->owner : 0, s->v, a->v[i].v));
	}
}
