/* SPDX-License-Identifier: Apache-2.0 */
/* v8_held.c - the user's function behind a promise that a test runner awaits.
 *
 * `test("x", () => new Promise(…))` suspends no function of the user's: it has returned, and only its runner stands at an
 * await. What that one keeps (its variables, its closures' variables, the fields of its objects) leads to the function. The
 * nearest ones count, and of several none: which of them it awaits is not known then. */
#include "profile/lang/v8.h"

#include "base/frame_home.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { GENERATOR_CONTEXT = 32, GENERATOR_THIS = 40, GENERATOR_REGISTERS = 72, ARRAY_LENGTH = 8, ARRAY_FIRST = 16,
       REGISTERS_MAX = 256, CONTEXT_FIRST_VARIABLE = 32, CONTEXT_VARIABLES_MAX = 32, OBJECT_PROPERTIES = 8,
       OBJECT_FIRST_FIELD = 24, PROPERTIES_LENGTH = 0x3ff, VISITED_MAX = 512, STEPS_MAX = 7 };

/* In waves: what lies one step further is looked at when nothing nearer is the user's. */
struct held {
	struct v8 *v;
	uint64_t seen[VISITED_MAX];
	size_t count, wave; /* seen; of them, those that were looked at in earlier waves */
	uint64_t function;  /* the user's; 0 none yet */
	bool several;
};

static bool is_function(struct v8 *v, uint64_t object)
{
	return v8_type(v, v8_pointer(v, object, v->l.function_shared)) == v->l.type_shared;
}

static bool is_users(struct v8 *v, uint64_t function)
{
	struct v8_frame f = { .file = v8_function_file(v, function) };
	struct frame_words w = { .language = "javascript", .function = "", .file = f.file, .runtime = !f.file };
	bool users = f.file && frame_home(&w) == FRAME_PROGRAM;

	v8_frame_release(&f);
	return users;
}

static void reach(struct held *h, uint64_t object)
{
	for (size_t i = 0; i < h->count; i++)
		if (h->seen[i] == object)
			return;
	if (object && h->count < VISITED_MAX)
		h->seen[h->count++] = object;
}

static void reach_words(struct held *h, uint64_t object, int32_t from, int32_t words)
{
	for (int32_t i = 0; i < words; i++)
		reach(h, v8_pointer(h->v, object, from + 8 * i));
}

/* Of an object's fields its functions alone: objects of objects lead anywhere. */
static void reach_functions(struct held *h, uint64_t object, int32_t from, int32_t words)
{
	for (int32_t i = 0; i < words; i++) {
		uint64_t field = v8_pointer(h->v, object, from + 8 * i);

		if (field && is_function(h->v, field))
			reach(h, field);
	}
}

static bool is_context(struct v8 *v, int32_t type)
{
	return type >= v->l.context_first && type <= v->l.context_last && v->l.context_first > 0;
}

/* What a closure has seen around it: the variables of the function that made it, not those of a whole module. */
static void reach_context(struct held *h, uint64_t context)
{
	int32_t length = 0;

	if (!v8_small(lang_u64(&h->v->m, context - 1 + ARRAY_LENGTH), &length) || length > CONTEXT_VARIABLES_MAX)
		return;
	reach_words(h, context, CONTEXT_FIRST_VARIABLE, length - 2);
}

static void look(struct held *h, uint64_t object)
{
	struct v8 *v = h->v;
	int32_t type = v8_type(v, object);
	uint64_t map = v8_pointer(v, object, 0), context;
	uint64_t properties;
	uint8_t words = 0;
	int32_t more;

	if (is_context(v, type)) {
		reach_context(h, object);
	} else if (is_function(v, object)) {
		if (is_users(v, object)) {
			h->several |= h->function && h->function != object;
			h->function = object;
			return;
		}
		context = v8_pointer(v, object, v->l.function_context);
		if (is_context(v, v8_type(v, context)))
			reach_context(h, context);
	} else if (type >= v->l.object_first && v->l.object_first > 0 &&
		   lang_read(&v->m, map - 1 + (uint64_t)v->l.map_words, &words, 1)) {
		reach_functions(h, object, OBJECT_FIRST_FIELD, words - OBJECT_FIRST_FIELD / 8);
		properties = v8_pointer(v, object, OBJECT_PROPERTIES);
		if (v8_type(v, properties) == v->l.type_properties && v8_small(lang_u64(&v->m, properties - 1 + 8), &more))
			reach_functions(h, properties, ARRAY_FIRST, more & PROPERTIES_LENGTH);
	}
}

bool v8_held_function(struct v8 *v, uint64_t generator, struct v8_frame *out)
{
	struct held *h = xcalloc(1, sizeof(*h));
	uint64_t registers = v8_pointer(v, generator, GENERATOR_REGISTERS);
	int32_t length = 0;
	bool found;

	h->v = v;
	reach(h, v8_pointer(v, generator, GENERATOR_CONTEXT));
	reach(h, v8_pointer(v, generator, GENERATOR_THIS));
	if (registers && v8_type(v, registers) == v->l.type_array &&
	    v8_small(lang_u64(&v->m, registers - 1 + ARRAY_LENGTH), &length))
		reach_words(h, registers, ARRAY_FIRST, length < REGISTERS_MAX ? length : REGISTERS_MAX);
	for (int step = 0; step < STEPS_MAX && !h->function; step++) {
		size_t end = h->count;

		for (size_t i = h->wave; i < end; i++)
			look(h, h->seen[i]);
		h->wave = end;
	}
	found = h->function && !h->several && v8_suspended_frame(v, h->function, -1, out);
	free(h);
	return found;
}
