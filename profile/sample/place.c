/* SPDX-License-Identifier: Apache-2.0 */
/* place.c - which frame of a stack a reader looks for. Whose code a frame is takes dozens of comparisons of texts, and a run
 * has thousands of samples, but few different frames: each is asked about once. */
#include "profile/sample/profile.h"

#include "base/frame_home.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { UNKNOWN = 0xff };

struct place_cache {
	uint8_t *frame[2];  /* enum frame_place; by whether the stack has frames of an interpreted language */
	uint32_t frame_n;
	uint32_t *stack;    /* UINT32_MAX: not asked for yet */
	uint32_t stack_n;
};

struct place_cache *place_cache_new(void)
{
	return xcalloc(1, sizeof(struct place_cache));
}

void place_cache_free(struct place_cache *c)
{
	if (!c)
		return;
	free(c->frame[0]);
	free(c->frame[1]);
	free(c->stack);
	free(c);
}

/* Room for all that the profile has by now. */
static struct place_cache *cache_ready(const struct profile *p)
{
	struct place_cache *c = p->places;
	uint32_t frames = p->frame_index.n, stacks = p->stack_index.n;

	if (c->frame_n < frames) {
		for (int i = 0; i < 2; i++) {
			c->frame[i] = xreallocarray(c->frame[i], frames, 1);
			memset(c->frame[i] + c->frame_n, UNKNOWN, frames - c->frame_n);
		}
		c->frame_n = frames;
	}
	if (c->stack_n < stacks) {
		c->stack = xreallocarray(c->stack, stacks, sizeof(*c->stack));
		memset(c->stack + c->stack_n, 0xff, (stacks - c->stack_n) * sizeof(*c->stack));
		c->stack_n = stacks;
	}
	return c;
}

static enum frame_place place_of(const struct profile *p, struct place_cache *c, uint32_t frame, bool interpreted)
{
	const struct prof_frame *f = &p->frames[frame];
	struct frame_words words = { .language = f->language, .function = f->function, .file = f->file,
				     .module = f->module, .line = f->line };
	uint8_t *known = &c->frame[interpreted][frame];

	if (*known == UNKNOWN)
		*known = f->function && f->function[0] != '[' ? (uint8_t)frame_place(&words, interpreted) : PLACE_NONE;
	return (enum frame_place)*known;
}

static uint32_t stack_place(const struct profile *p, struct place_cache *c, uint32_t stack)
{
	const uint32_t *v = p->pool + p->stack_first[stack];
	enum frame_place best_place = PLACE_NONE;
	uint32_t n = p->stack_len[stack], best = n ? v[0] : 0;
	bool interpreted = false;

	for (uint32_t i = 0; i < n && !interpreted; i++)
		interpreted = strcmp(p->frames[v[i]].language, "native") != 0;
	for (uint32_t i = 0; i < n; i++) {
		enum frame_place place = place_of(p, c, v[i], interpreted);

		if (place < best_place) {
			best_place = place;
			best = v[i];
		}
	}
	return best;
}

uint32_t profile_place(const struct profile *p, uint32_t stack)
{
	struct place_cache *c = cache_ready(p);

	if (c->stack[stack] == UINT32_MAX)
		c->stack[stack] = stack_place(p, c, stack);
	return c->stack[stack];
}
