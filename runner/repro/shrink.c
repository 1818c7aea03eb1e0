/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/shrink.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void shrink_init(struct shrink *s, size_t n)
{
	memset(s, 0, sizeof(*s));
	s->n = s->end = n;
	s->needed = xcalloc(n ? n : 1, 1);
	s->state = SHRINK_ALONE;
}

void shrink_release(struct shrink *s)
{
	free(s->needed);
	memset(s, 0, sizeof(*s));
}

static size_t middle(const struct shrink *s)
{
	return s->low + (s->high - s->low) / 2;
}

bool shrink_ask(const struct shrink *s, uint8_t *mask)
{
	if (s->state == SHRINK_DONE)
		return false;
	memcpy(mask, s->needed, s->n);
	if (s->state == SHRINK_HALVE)
		memset(mask, 1, middle(s));
	return true;
}

/* The prefix of `high` hangs and the one shorter by a test does not: that test is needed. */
static void found_one(struct shrink *s)
{
	s->needed[s->high - 1] = 1;
	s->end = s->high - 1;
	s->state = s->end ? SHRINK_ALONE : SHRINK_DONE;
}

void shrink_answer(struct shrink *s, bool hangs)
{
	if (s->state == SHRINK_ALONE) {
		if (hangs) {
			s->state = SHRINK_DONE;
			return;
		}
		s->low = 0;
		s->high = s->end;
		s->state = s->high ? SHRINK_HALVE : SHRINK_DONE;
	} else if (hangs) {
		s->high = middle(s);
	} else {
		s->low = middle(s);
	}
	if (s->state == SHRINK_HALVE && s->high - s->low == 1)
		found_one(s);
}
