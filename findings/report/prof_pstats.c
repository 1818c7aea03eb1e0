/* SPDX-License-Identifier: Apache-2.0 */
/* prof_pstats.c - pstats files hold sums of functions and not stacks: each becomes samples of its own time, below the
 * callers that are known. */
#include "findings/report/prof.h"
#include "profile/sample/pstats.h"

struct reading {
	struct profile *p;
	uint32_t function;
	double own; /* of the function under way: not yet given to a caller */
};

static uint32_t frame_of(struct profile *p, const struct pstats_function *f)
{
	struct prof_frame frame = { .language = "python", .function = f->name, .file = f->file, .line = f->line };

	return profile_frame(p, &frame);
}

static void sample_of(struct profile *p, const uint32_t *frames, size_t n, double seconds)
{
	struct prof_sample *s;

	if (!(seconds > 0) || seconds > 1e8)
		return;
	s = profile_sample(p);
	s->stack = profile_stack(p, frames, n);
	s->cpu_ns = s->wall_ns = (int64_t)(seconds * 1e9 + 0.5);
}

static void rest_of(struct reading *r)
{
	if (r->own > 1e-9)
		sample_of(r->p, &r->function, 1, r->own);
	r->own = 0;
}

static void on_function(void *arg, const struct pstats_function *f, const struct pstats_function *caller)
{
	struct reading *r = arg;
	uint32_t frames[2];
	double part;

	if (!caller) {
		rest_of(r);
		r->function = frame_of(r->p, f);
		r->own = f->self_s;
		return;
	}
	part = caller->self_s > r->own ? r->own : caller->self_s;
	frames[0] = r->function;
	frames[1] = frame_of(r->p, caller);
	sample_of(r->p, frames, 2, part);
	r->own -= part > 0 ? part : 0;
}

int prof_read_pstats(struct profile *p, const char *s, size_t n, struct err *e)
{
	struct reading r = { .p = p };

	profile_thread(p, 1, 1, "python");
	if (pstats_read(s, n, on_function, &r, e) < 0)
		return -1;
	rest_of(&r);
	return 0;
}
