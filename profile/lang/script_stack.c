/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/lang/script_stack.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { STACK_BYTES = 256 * 1024 };

bool script_stack_add(struct script_stack *s, char *function, char *file, int line)
{
	if (s->count == SNAP_FRAMES_MAX) {
		free(function);
		free(file);
		return false;
	}
	s->v[s->count++] = (struct script_call){ function, file, line };
	return true;
}

void script_stack_release(struct script_stack *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->v[i].function);
		free(s->v[i].file);
	}
	s->count = 0;
}

bool script_binary(const char *path, const char *const names[])
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	for (size_t i = 0; slash && names[i]; i++)
		if (str_starts(slash + 1, names[i]))
			return true;
	return false;
}

bool script_copy(struct native *n, struct snap_thread *t, enum intrusion allowed, void (*copy)(void *), void *arg)
{
	struct stop_also also = { copy, arg };
	int64_t frozen_ns;

	copy(arg);
	if (!t || native_stood_still(n, t))
		return true;
	if (allowed < INTRUSION_MICRO_STOP || t->state == 'D' ||
	    thread_stop_copy(n->p, t, STACK_BYTES, &also, &frozen_ns) < 0)
		return false;
	t->intrusion = INTRUSION_MICRO_STOP;
	return true;
}

static void calls_add(struct script_stack *s, struct snap_thread *t, const char *language)
{
	for (size_t i = 0; i < s->count; i++) {
		struct snap_frame *f = thread_frame_add(t);

		if (!f)
			break;
		f->language = language;
		f->function = s->v[i].function;
		f->file = s->v[i].file;
		f->line = s->v[i].line;
		f->runtime = !f->file;
		s->v[i] = (struct script_call){ NULL, NULL, 0 };
	}
	script_stack_release(s);
}

/* The interpreter's own names are few in a stripped binary, and none of them tells which call it runs. */
void script_stack_merge(struct script_stack *s, struct snap_thread *t, const char *language, const char *const binaries[])
{
	struct snap_frame *old = t->frames;
	size_t count = t->frame_count, first = 0;

	while (first < count && !script_binary(old[first].module, binaries))
		first++;
	t->frames = NULL;
	t->frame_count = t->frame_cap = 0;
	for (size_t i = 0; i <= count; i++) {
		struct snap_frame *f = NULL;

		if (i == first)
			calls_add(s, t, language);
		if (i == count)
			break;
		if (i < first || !script_binary(old[i].module, binaries))
			f = thread_frame_add(t);
		if (f)
			*f = old[i];
		else
			snap_frame_release(&old[i]);
	}
	free(old);
}
