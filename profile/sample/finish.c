/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/sample/finish.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Stacks of the log by our hand: of what no sample has a stack for. */
static uint32_t raw_stack_of(struct raw *r, uint32_t image)
{
	size_t e = r->entry_count++, s = r->stack_count++;

	r->entries = xreallocarray(r->entries, r->entry_count, sizeof(*r->entries));
	r->entries[e] = (struct book_entry){ .kind = ENTRY_NATIVE, .image = image };
	r->pool = xreallocarray(r->pool, r->pool_count + 1, sizeof(*r->pool));
	r->pool[r->pool_count] = (uint32_t)e;
	r->stack_first = xreallocarray(r->stack_first, r->stack_count, sizeof(*r->stack_first));
	r->stack_len = xreallocarray(r->stack_len, r->stack_count, sizeof(*r->stack_len));
	r->stack_first[s] = (uint32_t)r->pool_count++;
	r->stack_len[s] = 1;
	return (uint32_t)s;
}

static int32_t raw_wait_unknown(struct raw *r)
{
	r->waits = xreallocarray(r->waits, r->wait_count + 1, sizeof(*r->waits));
	r->waits[r->wait_count] = (struct book_wait){ .nr = -1, .kind = WAIT_UNKNOWN };
	return (int32_t)r->wait_count++;
}

static void threads_take(struct profile *p, const struct raw *r, struct walk_images *images)
{
	for (size_t i = 0; i < r->thread_count; i++) {
		const struct raw_thread *t = &r->threads[i];
		struct prof_thread *out = profile_thread(p, t->pid, t->tid, t->comm ? t->comm : "");

		out->name = texts_keep(&p->texts, t->name);
		out->ppid = t->ppid;
		out->start_ns = t->start_ns;
		out->end_ns = t->end_ns;
		strv_copy(&out->argv, &t->argv);
		for (size_t k = 0; t->exe && k < images->n && k < r->image_count; k++) {
			char id[2 * BUILD_ID_MAX + 1] = "";
			struct image *im = images->v[k]->im;

			if (strcmp(r->images[k].path, t->exe) != 0 || !im->tried || !im->readable)
				continue;
			for (unsigned b = 0; b < im->elf.build_id_len; b++) {
				static const char hex[] = "0123456789abcdef";

				id[2 * b] = hex[im->elf.build_id[b] >> 4];
				id[2 * b + 1] = hex[im->elf.build_id[b] & 15];
				id[2 * b + 2] = '\0';
			}
			out->exe_build_id = texts_keep(&p->texts, id[0] ? id : NULL);
			break;
		}
	}
}

/* A shell's `wait` suspends until a signal, which SIGCHLD is: with a child alive, that is what it waits for. */
static bool has_child(const struct raw *r, const struct book_sample *x)
{
	int32_t pid = r->threads[x->thread].pid;

	for (size_t i = 0; i < r->thread_count; i++) {
		const struct raw_thread *t = &r->threads[i];

		if (t->ppid == pid && t->pid == t->tid && t->start_ns <= x->ts_ns + x->wall_ns && t->end_ns > x->ts_ns)
			return true;
	}
	return false;
}

static void samples_take(struct profile *p, const struct raw *r, const struct named *names)
{
	auto_free uint32_t *stack = xcalloc(r->stack_count + 1, sizeof(*stack));

	memset(stack, 0xff, (r->stack_count + 1) * sizeof(*stack));
	for (size_t i = 0; i < r->sample_count; i++) {
		const struct book_sample *x = &r->samples[i];
		struct prof_sample *out;

		if (stack[x->stack] == UINT32_MAX)
			stack[x->stack] = names_stack(names, p, r, x->stack);
		out = profile_sample(p);
		*out = (struct prof_sample){ x->ts_ns, x->thread, stack[x->stack], -1, -1, x->cpu_ns, x->wall_ns,
					     x->from_ns, x->source == FROM_REST };
		if (x->wait >= 0) {
			const struct book_wait *w = &r->waits[x->wait];
			const char *kind = wait_kind_of(w, p, out->stack);

			if (strcmp(kind, "signal") == 0 && has_child(r, x))
				kind = "child";
			out->wait = (int32_t)profile_wait(p, kind, w->resource, false);
		}
	}
}

void finish_profile(struct profile *p, struct raw *r, struct walk_images *images, const struct finish_options *o)
{
	struct walk_images own = { 0 };
	struct named names;
	uint32_t kernel, unknown;
	int32_t wait;

	profile_init(p);
	p->run_id = xstrdup(o->run_id ? o->run_id : "");
	p->rate_hz = o->rate_hz;
	kernel = raw_stack_of(r, ENTRY_KERNEL);
	unknown = raw_stack_of(r, ENTRY_UNKNOWN);
	wait = raw_wait_unknown(r);
	weights_settle(r, o, kernel, unknown, wait);
	images = images ? images : &own;
	names_resolve(&names, p, r, images, o);
	threads_take(p, r, images);
	samples_take(p, r, &names);
	names_release(&names);
	walk_images_release(&own);
	p->started_ns = INT64_MAX;
	for (size_t i = 0; i < p->thread_count; i++) {
		if (p->threads[i].start_ns < p->started_ns)
			p->started_ns = p->threads[i].start_ns;
		if (p->threads[i].end_ns > p->ended_ns)
			p->ended_ns = p->threads[i].end_ns;
	}
	if (p->started_ns == INT64_MAX)
		p->started_ns = 0;
	profile_sort(p);
}
