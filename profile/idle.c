/* SPDX-License-Identifier: Apache-2.0 */
/* idle.c - is a wait the normal state of who waits? Rows in idle.def; the rest by what is waited for. */
#include "profile/graph.h"

#include "base/frame_home.h"
#include "base/str.h"

#include <signal.h>
#include <string.h>

struct spot {
	const char *language, *function, *file;
};

static const struct spot idle_spots[] = {
#define IDLE(language, function, file) { language, function, file },
#include "profile/idle.def"
};

static const char *const idle_threads[] = {
#define IDLE_THREAD(name) name,
#include "profile/idle.def"
};

static const struct spot delegate_spots[] = {
#define DELEGATE(language, function, file) { language, function, file },
#include "profile/idle.def"
};

static const char *const delegate_modules[] = {
#define DELEGATE_MODULE(name) name,
#include "profile/idle.def"
};

static bool is_delegate_module(const struct snap_frame *f)
{
	const char *slash = f->module ? strrchr(f->module, '/') : NULL;

	for (size_t i = 0; slash && i < sizeof(delegate_modules) / sizeof(*delegate_modules); i++)
		if (str_starts(slash + 1, delegate_modules[i]))
			return true;
	return false;
}

static bool spot_fits(const struct spot *s, const struct snap_frame *f)
{
	if (strcmp(s->language, f->language) != 0 && !(strcmp(f->language, "go") == 0 && strcmp(s->language, "native") == 0))
		return false;
	if (*s->function && !(f->function && strstr(f->function, s->function)))
		return false;
	return !*s->file || (f->file && strstr(f->file, s->file));
}

static bool any_spot(const struct spot *spots, size_t n, const struct snap_frame *f)
{
	for (size_t i = 0; i < n; i++)
		if (spot_fits(&spots[i], f))
			return true;
	return false;
}

#define IS_IDLE(f) any_spot(idle_spots, sizeof(idle_spots) / sizeof(*idle_spots), f)
#define IS_DELEGATE(f) any_spot(delegate_spots, sizeof(delegate_spots) / sizeof(*delegate_spots), f)

static bool is_interpreted(const struct snap_thread *t)
{
	for (size_t i = 0; i < t->frame_count; i++)
		if (strcmp(t->frames[i].language, "native") != 0)
			return true;
	return false;
}

static bool is_own(const struct snap_frame *f, bool interpreted)
{
	struct frame_words w = { f->language, f->function, f->file, f->module, f->line, f->runtime };
	enum frame_place place = frame_place(&w, interpreted);

	return place == PLACE_OWN_LINE || place == PLACE_OWN_NAME || place == PLACE_UNPLACED;
}

/* The first frame from the innermost on that is the user's, idle or delegating. */
enum first { FIRST_NONE, FIRST_OWN, FIRST_IDLE, FIRST_DELEGATE };

static enum first first_mark(const struct snap_thread *t)
{
	bool interpreted = is_interpreted(t);

	for (size_t i = 0; i < t->frame_count; i++) {
		if (IS_IDLE(&t->frames[i]))
			return FIRST_IDLE;
		if (IS_DELEGATE(&t->frames[i]) || is_delegate_module(&t->frames[i]))
			return FIRST_DELEGATE;
		if (is_own(&t->frames[i], interpreted))
			return FIRST_OWN;
	}
	return FIRST_NONE;
}

static bool listens(const struct snap_thread *t)
{
	return t->wait.kind == WAIT_ACCEPT ||
	       (t->wait.kind == WAIT_POLL && t->wait.resource && strstr(t->wait.resource, " listening on ") &&
		!strstr(t->wait.resource, " edge-triggered: "));
}

/* A task of the loop that awaits something, and is the user's own: the loop is at work. */
static bool has_own_task(const struct snap_process *p, const struct snap_thread *t)
{
	for (size_t i = 0; i < p->task_count; i++) {
		const struct snap_task *task = &p->tasks[i];

		if (task->tid && task->tid != t->tid)
			continue;
		for (size_t k = 0; k < task->frame_count; k++) {
			if (task->frames[k].function && strcmp(task->frames[k].function, "Server.serve_forever") == 0)
				break;
			if (is_own(&task->frames[k], true))
				return true;
		}
	}
	return false;
}

/* A test that waits for a client hangs, and is no server without work: its runner is further out on the same stack. */
static bool runs_test(const struct snap_thread *t)
{
	for (size_t i = 0; t->test && i < t->frame_count; i++) {
		const struct snap_frame *f = &t->frames[i];
		struct frame_words w = { f->language, f->function, f->file, f->module, f->line, f->runtime };

		if (frame_home(&w) == FRAME_RUNNER || (f->function && str_starts(f->function, "test::run_test")))
			return true;
	}
	return false;
}

bool thread_is_idle(const struct snap_process *p, const struct snap_thread *t)
{
	if (runs_test(t))
		return false;
	for (size_t i = 0; i < sizeof(idle_threads) / sizeof(*idle_threads); i++)
		if (t->tid != p->pid && str_starts(t->name, idle_threads[i]))
			return true;
	if (first_mark(t) == FIRST_IDLE)
		return true;
	return listens(t) && !has_own_task(p, t);
}

bool thread_runs_loop(const struct snap_thread *t)
{
	return t->wait.kind == WAIT_POLL && t->wait.resource && str_starts(t->wait.resource, NODE_LOOP_WORDS);
}

bool thread_delegates(const struct snap_thread *t)
{
	return first_mark(t) == FIRST_DELEGATE;
}

bool thread_delegates_within(const struct snap_thread *t)
{
	bool delegates = false;

	if (is_interpreted(t))
		return false;
	for (size_t i = 0; i < t->frame_count; i++) {
		delegates = delegates || IS_DELEGATE(&t->frames[i]);
		if (delegates && t->frames[i].line && is_own(&t->frames[i], false))
			return true;
	}
	return false;
}

bool thread_is_at_work(const struct snap_thread *t)
{
	bool interpreted = is_interpreted(t), own = false;

	for (size_t i = 0; i < t->frame_count; i++) {
		own = own || is_own(&t->frames[i], interpreted);
		if (IS_IDLE(&t->frames[i]))
			return own;
	}
	return false;
}

bool thread_has_own_place(const struct snap_thread *t)
{
	return first_mark(t) == FIRST_OWN;
}

bool process_is_background(const struct snap_process *p, const struct snap_process *parent)
{
	const uint64_t keys = UINT64_C(1) << (SIGINT - 1) | UINT64_C(1) << (SIGQUIT - 1);

	return parent && (p->sig_ignored & keys) == keys && (parent->sig_ignored & keys) != keys;
}
