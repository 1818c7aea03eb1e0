/* SPDX-License-Identifier: Apache-2.0 */
#include "liveness/progress.h"

#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const char own_prefix[] = "spec-runner: ";
#define OWN_PREFIX_LEN (sizeof(own_prefix) - 1)

void progress_filter_init(struct progress_filter *f)
{
	f->matched = 0;
	f->own_line = false;
}

bool progress_filter_bytes(struct progress_filter *f, const char *p, size_t n)
{
	bool counts = false;

	while (n) {
		const char *eol = memchr(p, '\n', n);
		size_t line = eol ? (size_t)(eol - p) : n;
		size_t i = 0;

		while (!f->own_line && f->matched != UINT_MAX && i < line) {
			if (p[i] != own_prefix[f->matched]) {
				f->matched = UINT_MAX;
			} else if (++f->matched == OWN_PREFIX_LEN) {
				f->own_line = true;
			}
			i++;
		}
		if (f->matched == UINT_MAX)
			counts = true;
		if (!eol)
			break;
		/* a line that ends inside the prefix is an ordinary line */
		if (!f->own_line)
			counts = true;
		progress_filter_init(f);
		p = eol + 1;
		n -= line + 1;
	}
	return counts;
}

void progress_seen_init(struct progress_seen *s)
{
	memset(s, 0, sizeof(*s));
}

void progress_seen_release(struct progress_seen *s)
{
	free(s->slot);
	progress_seen_init(s);
}

static uint64_t seen_hash(const char *p, size_t n)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
	return h ? h : 1;
}

static bool seen_insert(uint64_t *slot, uint32_t size, uint64_t h)
{
	uint32_t i = (uint32_t)h & (size - 1);

	for (; slot[i]; i = (i + 1) & (size - 1))
		if (slot[i] == h)
			return false;
	slot[i] = h;
	return true;
}

bool progress_seen_add(struct progress_seen *s, const char *cmdline, size_t n)
{
	if (s->count >= PROGRESS_SEEN_MAX)
		return false;
	if (s->count * 2 >= s->size) {
		uint32_t size = s->size ? s->size * 2 : 64;
		uint64_t *slot = xcalloc(size, sizeof(*slot));

		for (uint32_t i = 0; i < s->size; i++)
			if (s->slot[i])
				seen_insert(slot, size, s->slot[i]);
		free(s->slot);
		s->slot = slot;
		s->size = size;
	}
	if (!seen_insert(s->slot, s->size, seen_hash(cmdline, n)))
		return false;
	s->count++;
	return true;
}
