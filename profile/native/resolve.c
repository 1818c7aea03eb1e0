/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/collector.h"
#include "profile/lang/language.h"
#include "profile/lang/test_name.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Files of tests are few and small: they are read also where time is short. */
enum { TEST_NAMES_NS = 100000000 };

/* A process's files: neighbouring maps of one file are one module. */
static void modules_find(struct native *n)
{
	const struct maps *maps = &n->p->maps;
	size_t cap = 0;

	for (size_t i = 0; i < maps->n;) {
		const struct map_entry *first = &maps->v[i];
		bool code = first->x, vdso = strcmp(first->path, "[vdso]") == 0;
		uint64_t end = first->end;
		size_t k = i + 1;

		for (; k < maps->n; k++) {
			const struct map_entry *m = &maps->v[k];

			/* The anonymous rest of a data segment may lie between. */
			if (m->inode == 0 && !m->path[0] && m->start == end && k + 1 < maps->n &&
			    maps->v[k + 1].inode == first->inode && maps->v[k + 1].offset)
				continue;
			if (!first->inode || m->inode != first->inode || strcmp(m->path, first->path) != 0 ||
			    (m->offset == 0 && m->start != first->start))
				break;
			code |= m->x;
			end = m->end;
		}
		if (code && (vdso || (first->inode && first->path[0] == '/'))) {
			if (n->module_count == cap) {
				cap = cap ? cap * 2 : 16;
				n->modules = xreallocarray(n->modules, cap, sizeof(*n->modules));
			}
			n->modules[n->module_count++] = (struct module){
				.start = first->start, .end = end, .image = image_for(n->r, n->p, first) };
		}
		i = k;
	}
}

static void frames_locate(struct native *n, struct snap_thread *t)
{
	for (size_t i = 0; i < t->frame_count; i++) {
		struct snap_frame *f = &t->frames[i];
		struct module *m = native_module(n, f->pc - (f->activation ? 0 : 1));

		if (!m || !m->image)
			continue;
		f->module = xstrdup(m->image->path);
		if (!module_vaddr(m, &n->p->maps, f->pc, &f->offset))
			continue;
		f->image = m->image;
		f->build_id_len = m->image->elf.build_id_len;
		memcpy(f->build_id, m->image->elf.build_id, sizeof(f->build_id));
	}
}

/* A reader of a language follows it alone. */
static bool readers_own(const struct native *n, const struct snap_thread *t)
{
	return t->regs.pc >= n->own_start && t->regs.pc < n->own_end;
}

static void thread_resolve(struct native *n, struct snap_thread *t, const struct resolve_options *o)
{
	bool whole, guessed = false;

	if (!t->stack)
		return;
	whole = unwind_thread(n, t) || frame_pointer_prove(n, t);
	if (!whole && !n->own_unwinder && o->intrusion >= INTRUSION_MICRO_STOP && t->intrusion == INTRUSION_READ &&
	    t->state != 'D' && !thread_call_ends_early(t)) {
		int64_t frozen_ns;

		if (thread_stop_copy(n->p, t, 256 * 1024, NULL, &frozen_ns) == 0) {
			t->intrusion = INTRUSION_MICRO_STOP;
			whole = unwind_thread(n, t);
		}
	}
	if (!whole)
		whole = guessed = frame_pointer_try(n, t);
	t->truncated = !whole;
	if (guessed && t->status == COLLECT_OK)
		thread_reason(t, COLLECT_PARTIAL, "a frame pointer was found by search: its callers are probable");
	else if (!whole && t->status == COLLECT_OK && t->intrusion == INTRUSION_READ)
		thread_reason(t, COLLECT_PARTIAL, thread_call_ends_early(t) ?
			      "its callers are found by registers that only a stop shows, and a stop would end its call" :
			      "its callers are found by registers that only a stop shows");
	else if (!whole && t->status == COLLECT_OK)
		thread_reason(t, COLLECT_PARTIAL, "its stack could not be followed to its end");
	frames_locate(n, t);
}

/* Its state first: what sleeps then, and has not
 * been switched away from since the copy, has slept all the time. */
bool native_stood_still(const struct native *n, const struct snap_thread *t)
{
	struct proc_status status;
	struct proc_stat stat;

	return t->intrusion == INTRUSION_READ && t->stack && proc_thread_stat_read(n->p->pid, t->tid, &stat) == 0 &&
	       stat.state != 'R' && proc_status_read(n->p->pid, t->tid, &status) == 0 &&
	       status.voluntary + status.involuntary == t->switches;
}

struct snap_thread *native_thread(const struct native *n, uint64_t ns_tid)
{
	for (size_t k = 0; k < n->p->thread_count; k++)
		if ((uint64_t)n->p->threads[k].ns_tid == ns_tid)
			return &n->p->threads[k];
	return NULL;
}

struct pending {
	struct image *image;
	struct snap_frame *frame;
	uint64_t vaddr;
};

static int by_image_and_address(const void *a, const void *b)
{
	const struct pending *x = a, *y = b;

	if (x->image != y->image)
		return x->image < y->image ? -1 : 1;
	return x->vaddr < y->vaddr ? -1 : x->vaddr > y->vaddr;
}

/* The name of one address, for all frames that stand there: threads of a pool are many. */
static void frames_name(const struct pending *v, size_t n, const char *name)
{
	auto_free char *plain = demangle(name);

	for (size_t i = 0; i < n; i++)
		v[i].frame->function = xstrdup(plain ? plain : name);
}

/* Names all frames that lie in one file. */
static void image_names(const struct pending *v, size_t n)
{
	auto_free struct elf_name *names = xcalloc(n, sizeof(*names));
	struct image *im = v[0].image;
	struct elf_file *debug;
	size_t count = 0;
	bool full;

	for (size_t i = 0; i < n; i++)
		if (!i || v[i].vaddr != v[i - 1].vaddr)
			names[count++].vaddr = v[i].vaddr;
	full = elf_file_names(&im->elf, names, count);
	debug = full ? NULL : image_debug(im);
	if (!full && !debug)
		debug = image_mini(im);
	if (debug)
		elf_file_names(debug, names, count);
	for (size_t i = 0, k, at = 0; i < n; i = k, at++) {
		for (k = i + 1; k < n && v[k].vaddr == v[i].vaddr; k++)
			;
		/* A name without a size is a guess; a stripped file's next public function is not this one. */
		if (names[at].name)
			frames_name(v + i, k - i, names[at].name);
	}
}

void snapshot_names(struct snapshot *s)
{
	struct pending *v = NULL;
	size_t n = 0, cap = 0;

	for (size_t i = 0; i < s->process_count; i++)
		for (size_t k = 0; k < s->processes[i].thread_count; k++) {
			struct snap_thread *t = &s->processes[i].threads[k];

			for (size_t f = 0; f < t->frame_count; f++) {
				if (!t->frames[f].image)
					continue;
				if (n == cap) {
					cap = cap ? cap * 2 : 256;
					v = xreallocarray(v, cap, sizeof(*v));
				}
				v[n++] = (struct pending){ t->frames[f].image, &t->frames[f],
							   t->frames[f].offset - (t->frames[f].activation ? 0 : 1) };
			}
		}
	if (n)
		qsort(v, n, sizeof(*v), by_image_and_address);
	for (size_t i = 0, k; i < n; i = k) {
		for (k = i + 1; k < n && v[k].image == v[i].image; k++)
			;
		image_names(v + i, k - i);
	}
	free(v);
}

static void snapshot_lines(struct resolver *r)
{
	for (size_t i = 0; i < r->s->process_count; i++)
		for (size_t k = 0; k < r->s->processes[i].thread_count; k++)
			if (clock_mono_ns() < r->deadline_ns)
				lines_thread(&r->s->processes[i].threads[k]);
}

/* What the collectors did, for their rows. */
struct tally {
	size_t threads, truncated, late;
	struct {
		size_t processes, stacks;
		int64_t took_ns;
		char reason[200];
	} lang[LANGUAGES_MAX];
};

static void languages_collect(struct native *n, const struct resolve_options *o, struct tally *tally)
{
	for (size_t i = 0; n->p->alive && o->languages[i]; i++) {
		char reason[200] = "";
		int64_t began = clock_mono_ns();

		if (began >= o->deadline_ns || !o->languages[i]->detect(n))
			continue;
		n->lang[i] = o->languages[i]->collect(n, o->intrusion, reason, sizeof(reason));
		tally->lang[i].processes += n->lang[i] || reason[0];
		tally->lang[i].took_ns += clock_mono_ns() - began;
		if (reason[0])
			memcpy(tally->lang[i].reason, reason, sizeof(reason));
	}
}

static void languages_merge(struct resolver *r, struct native *natives, const struct resolve_options *o,
                            struct tally *tally)
{
	for (size_t i = 0; o->languages[i]; i++) {
		int64_t began = clock_mono_ns();
		const char *reason = tally->lang[i].reason;

		for (size_t k = 0; k < r->s->process_count; k++)
			if (natives[k].lang[i])
				tally->lang[i].stacks += o->languages[i]->merge(&natives[k], natives[k].lang[i]);
		if (!tally->lang[i].processes)
			continue;
		snapshot_collector(r->s, o->languages[i]->name, !reason[0] ? COLLECT_OK :
				   tally->lang[i].stacks ? COLLECT_PARTIAL : COLLECT_UNAVAILABLE,
				   tally->lang[i].took_ns + clock_mono_ns() - began, reason[0] ? reason : NULL);
		if (tally->lang[i].stacks)
			r->s->collectors[r->s->collector_count - 1].intrusion = o->languages[i]->intrusion;
	}
}

static bool unwinding_wanted(const struct native *n)
{
	for (size_t k = 0; k < n->p->thread_count; k++)
		if (n->p->threads[k].stack && !readers_own(n, &n->p->threads[k]))
			return true;
	return false;
}

static void process_resolve(struct native *n, const struct resolve_options *o, struct tally *tally)
{
	modules_find(n);
	languages_collect(n, o, tally);
	n->dwfl = n->module_count && unwinding_wanted(n) ? unwind_begin(n) : NULL;
	for (size_t k = 0; k < n->p->thread_count; k++) {
		struct snap_thread *t = &n->p->threads[k];
		bool own = t->stack && readers_own(n, t);

		if (!own && n->dwfl && clock_mono_ns() >= o->deadline_ns) {
			tally->late++;
			continue;
		}
		if (!own && n->dwfl)
			thread_resolve(n, t, o);
		tally->threads += own || t->frame_count > 0;
		tally->truncated += t->truncated && t->frame_count > 0;
	}
}

static void resolve_all(struct resolver *r, struct native *natives, const struct resolve_options *o)
{
	struct snapshot *s = r->s;
	int64_t began = clock_mono_ns(), named;
	struct tally tally = { 0 };
	char reason[160];

	for (size_t i = 0; i < s->process_count; i++) {
		natives[i] = (struct native){ .r = r, .p = &s->processes[i] };
		process_resolve(&natives[i], o, &tally);
	}
	snapshot_names(s);
	if (o->lines)
		snapshot_lines(r);
	named = clock_mono_ns();
	for (size_t i = 0; o->languages[i]; i++)
		began += tally.lang[i].took_ns; /* their rows have it */
	snprintf(reason, sizeof(reason), "%zu stacks, %zu not to their end, %zu too late", tally.threads, tally.truncated,
		 tally.late);
	snapshot_collector(s, "native", tally.late ? COLLECT_TIMED_OUT : tally.threads ? COLLECT_OK : COLLECT_UNAVAILABLE,
			   named - began, reason);
	languages_merge(r, natives, o, &tally);
	tests_name(s, clock_mono_ns() + TEST_NAMES_NS);
}

void snapshot_resolve(struct snapshot *s, const struct resolve_options *o)
{
	struct resolver r = { .s = s, .deadline_ns = o->deadline_ns };
	struct native *natives = xcalloc(s->process_count + 1, sizeof(*natives));
	struct resolve_options own = *o;

	if (!own.languages)
		own.languages = languages;

	/* libdw would ask the network for debug information, and wait for it. */
	unsetenv("DEBUGINFOD_URLS");
	elf_version(EV_CURRENT);
	resolve_all(&r, natives, &own);
	for (size_t i = 0; i < s->process_count; i++) {
		struct native *n = &natives[i];

		if (n->dwfl)
			dwfl_end(n->dwfl);
		free(n->modules);
		for (size_t l = 0; own.languages[l]; l++)
			if (n->lang[l])
				own.languages[l]->free(n->lang[l]);
		for (size_t k = 0; k < s->processes[i].thread_count; k++)
			for (size_t f = 0; f < s->processes[i].threads[k].frame_count; f++)
				s->processes[i].threads[k].frames[f].image = NULL;
	}
	free(natives);
	for (size_t i = 0; i < r.image_count; i++)
		image_free(r.images[i]);
	free(r.images);
}

static void stacks_collect(struct snapshot *s, const struct collect_request *q)
{
	struct resolve_options o = { .deadline_ns = q->deadline_ns, .intrusion = q->intrusion, .lines = q->lines };

	snapshot_resolve(s, &o);
}

const struct collector collector_stacks = { .name = "native", .help = "stacks: native and of languages",
					    .budget_ms = 1500, .collect = stacks_collect };
