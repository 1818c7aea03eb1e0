/* SPDX-License-Identifier: Apache-2.0 */
/* gather_place.c - which frame of a stack to show (gather_place.h). */
#include "evidence/gather_place.h"

#include "base/str.h"

#include <string.h>

struct frame_words frame_words_of(const struct json_value *frame)
{
	const struct json_value *line = json_get(frame, "line");

	return (struct frame_words){ .language = json_get_text(frame, "language"),
				     .function = json_get_text(frame, "function"),
				     .file = json_get_text(frame, "file"), .module = json_get_text(frame, "module"),
				     .line = is_integer(line) ? (long)line->integer : 0,
				     .runtime = is_kind(json_get(frame, "runtime"), JSON_TRUE) };
}

bool frame_is_below(const struct json_value *frame)
{
	struct frame_words f = frame_words_of(frame);
	enum frame_home home = frame_home(&f);

	return home == FRAME_RUNTIME || home == FRAME_RUNNER || home == FRAME_INTERPRETER;
}

static bool is_interpreted(const struct json_value *frames)
{
	const struct json_value *frame;
	size_t i;

	json_items(frames, i, frame) {
		const char *language = json_get_text(frame, "language");

		if (language && strcmp(language, "native") != 0)
			return true;
	}
	return false;
}

static const struct json_value *best_of(const struct json_value *frames, enum frame_place *best_place)
{
	const struct json_value *frame, *best = NULL;
	bool interpreted = is_interpreted(frames);
	size_t i;

	*best_place = PLACE_NONE;
	json_items(frames, i, frame) {
		struct frame_words f = frame_words_of(frame);
		enum frame_place place = frame_place(&f, interpreted);

		/* an engine's own function tells its own authors alone */
		if (place == PLACE_RUNTIME && !interpreted)
			continue;
		if (place < *best_place) {
			*best_place = place;
			best = frame;
		}
	}
	return best;
}

/* Does the stack sleep in an event loop, further in than any frame of the user's? */
static bool sleeps_in_loop(const struct json_value *frames)
{
	static const char *const loops[] = { "/asyncio/", "/trio/_core/", "/uvloop/", "/gevent/", "/curio/" };
	bool interpreted = is_interpreted(frames);
	const struct json_value *frame;
	size_t i;

	json_items(frames, i, frame) {
		struct frame_words f = frame_words_of(frame);
		enum frame_place place = frame_place(&f, interpreted);

		for (size_t k = 0; f.file && k < sizeof(loops) / sizeof(loops[0]); k++)
			if (strstr(f.file, loops[k]))
				return true;
		if (place <= PLACE_OWN_NAME)
			return false;
	}
	return false;
}

/* A task that awaits another one stands aside for it, and one that only serves for one that awaits. */
static int task_rank(const struct json_value *task, enum frame_place place)
{
	const struct json_value *first = json_get(task, "frames") ? json_get(task, "frames")->first : NULL;
	const char *awaits = json_get_text(task, "awaits"), *function = first ? json_get_text(first, "function") : NULL;
	int rank = (int)place * 4;

	if (awaits && (str_starts(awaits, "task ") || str_starts(awaits, "tasks ") || strcmp(awaits, "gather") == 0))
		rank += 1;
	if (!awaits)
		rank += 2;
	if (function && strstr(function, "serve_forever"))
		rank += 3;
	return rank;
}

static const struct json_value *best_task(const struct json_value *tasks, int64_t tid, const struct json_value **task)
{
	const struct json_value *o, *best = NULL;
	int best_rank = PLACE_UNPLACED * 4;
	size_t i;

	json_items(tasks, i, o) {
		int64_t runs_on = json_get_int(o, "tid", 0);
		enum frame_place place;
		const struct json_value *frame = best_of(json_get(o, "frames"), &place);

		if (!frame || (runs_on > 0 && runs_on != tid) || task_rank(o, place) >= best_rank)
			continue;
		best_rank = task_rank(o, place);
		best = frame;
		*task = o;
	}
	return best;
}

const struct json_value *frame_to_show(const struct json_value *frames, const struct json_value *tasks, int64_t tid,
				       const struct json_value **task)
{
	enum frame_place place;
	const struct json_value *best = best_of(frames, &place), *awaits = NULL;

	*task = NULL;
	if (tasks && (sleeps_in_loop(frames) || place > PLACE_PACKAGE_NAME))
		awaits = best_task(tasks, tid, task);
	return awaits ? awaits : best;
}
