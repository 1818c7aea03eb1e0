/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - interned texts: equal texts have equal numbers. 0 is "no text". Not safe on several threads at once. */
#ifndef AUDIT_TEXT_H
#define AUDIT_TEXT_H

#include <stddef.h>
#include <stdint.h>

typedef uint32_t text_t;

struct text_table {
	struct text { char *z; uint32_t length; } *v; /* [0] is "" */
	uint32_t n, cap;
	struct text_place { uint32_t hash; text_t text; } *hash; /* beside each other: most comparisons end at the hash */
	uint32_t hash_cap;
	char *block;
	size_t block_left;
	char **blocks;
	size_t block_count;
};

void text_table_release(struct text_table *t);

/* The number of s[0..n); the text is copied. Never 0. */
text_t text_of(struct text_table *t, const char *s, size_t n);
text_t text_ofz(struct text_table *t, const char *s);
/* As text_ofz, but 0 where the text is not known yet. */
text_t text_find(const struct text_table *t, const char *s);
/* Valid until text_table_release; "" for 0. */
static inline const char *text_z(const struct text_table *t, text_t i)
{
	return i ? t->v[i].z : "";
}

#endif
