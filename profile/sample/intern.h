/* SPDX-License-Identifier: Apache-2.0 */
/* intern.h - equal things once: a hash table of numbers 0, 1, 2 … that the caller keeps the things of. */
#ifndef PROFILE_SAMPLE_INTERN_H
#define PROFILE_SAMPLE_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intern {
	uint32_t *slots;  /* id + 1; 0 empty */
	uint64_t *hashes; /* by id */
	uint32_t n, cap, slot_count;
};
#define INTERN_NONE UINT32_MAX

/* The id whose hash is equal and for which same() holds; INTERN_NONE where there is none. */
uint32_t intern_find(const struct intern *t, uint64_t hash, bool (*same)(const void *arg, uint32_t id), const void *arg);
/* The next id: t->n before the call. */
uint32_t intern_add(struct intern *t, uint64_t hash);
void intern_release(struct intern *t);

/* Texts, each once, alive as long as the table. */
struct texts {
	struct intern index;
	char **v;
	uint32_t cap;
};
const char *texts_keep(struct texts *t, const char *s); /* NULL stays NULL */
const char *texts_keepn(struct texts *t, const char *s, size_t n);
void texts_release(struct texts *t);

#endif
