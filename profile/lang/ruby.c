/* SPDX-License-Identifier: Apache-2.0 */
/* ruby.c - Ruby threads of a process. A thread's record has a pointer to its execution context, which has one back: where
 * both lie is found by that. So are the kernel's thread id, a lock that a thread waits for (an object of type "mutex"), and
 * who holds it (the fiber of its context). */
#include "profile/lang/ruby.h"

#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/language.h"
#include "profile/lang/script_stack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VM_RACTOR = 32, VM_MAIN_THREAD = 40 };
enum { THREAD_VM = 32, THREADS_MAX = 4000, THREAD_BYTES = 480, CONTEXT_BYTES = 128, TID_REACH = 400,
       FRAMES_BYTES = 64 << 10, STACK_WORDS_MAX = 1 << 24, CODE_BYTES = 256, STACK_REACH = 1 << 24 };

struct ruby_thread {
	struct snap_thread *t;   /* NULL: not among those that were copied */
	uint64_t address, context, tid;
	unsigned char record[THREAD_BYTES], ec[CONTEXT_BYTES];
	unsigned char *frames;   /* its control frames, innermost first */
	size_t bytes;
	bool moved;
	char *called;            /* innermost methods in C, and where from: for what it waits */
	char *caller;
};
struct ruby {
	struct ruby_mem r;
	struct native *n;
	uint64_t vm;
	uint32_t ec_at, tid_at;  /* within a thread's record */
	bool tid_native;         /* tid_at: within what the record leads to at nt_at */
	uint32_t nt_at;
	struct ruby_thread *v;
	size_t count;
};

static const char *const binaries[] = { "libruby", "ruby", NULL };

static struct module *ruby_module(struct native *n)
{
	for (size_t i = 0; i < n->module_count; i++)
		if (n->modules[i].image && script_binary(n->modules[i].image->path, binaries) &&
		    native_symbol(n, &n->modules[i], "ruby_current_vm_ptr"))
			return &n->modules[i];
	return NULL;
}

static bool ruby_detect(struct native *n)
{
	return ruby_module(n) != NULL;
}

static void ruby_free(void *state)
{
	struct ruby *ruby = state;

	for (size_t i = 0; i < ruby->count; i++) {
		free(ruby->v[i].frames);
		free(ruby->v[i].called);
		free(ruby->v[i].caller);
	}
	free(ruby->v);
	lang_mem_release(&ruby->r.m);
	free(ruby);
}

/* The address where it is code, else 0: not every byte that looks like a jump is one. */
static uint64_t code_at(const struct ruby *ruby, uint64_t address)
{
	const struct map_entry *map = maps_find(&ruby->n->p->maps, address);

	return map && map->x ? address : 0;
}

/* rb_id2str() leads to the array of all names: through a jump to the function that looks it up. */
static void ids_find(struct ruby *ruby, uint64_t code)
{
#if defined(__x86_64__)
	unsigned char b[CODE_BYTES];

	for (int hop = 0; code && hop < 3; hop++) {
		uint64_t next = 0;

		if (!lang_read(&ruby->r.m, code, b, sizeof(b)))
			return;
		for (size_t i = 0; i + 7 <= sizeof(b); i++) {
			uint64_t at = code + i + 7 + (uint64_t)(int64_t)(int32_t)bytes_u32(b, sizeof(b), i + 3), array;

			if (b[i] == 0xe9 && !next)
				next = code_at(ruby,
					       code + i + 5 + (uint64_t)(int64_t)(int32_t)bytes_u32(b, sizeof(b), i + 1));
			if ((b[i] != 0x48 && b[i] != 0x4c) || b[i + 1] != 0x8b || (b[i + 2] & 0xc7) != 5)
				continue;
			array = lang_u64(&ruby->r.m, at);
			if (ruby_type(&ruby->r, array) != RUBY_ARRAY ||
			    ruby_type(&ruby->r, ruby_element(&ruby->r, array, 0)) != RUBY_ARRAY)
				continue;
			ruby->r.ids = array;
			return;
		}
		code = next;
	}
#else
	(void)ruby, (void)code; /* methods in C have no names then */
#endif
}

static bool runtime_open(struct ruby *ruby, struct module *m, char *reason, size_t size)
{
	struct native *n = ruby->n;
	auto_free char *version = lang_string(&ruby->r.m, native_symbol(n, m, "ruby_version"), 32);
	const struct ruby_layout *l;
	unsigned major = 0, minor = 0;

	if (version && sscanf(version, "%2u.%2u", &major, &minor) != 2)
		major = 0;
	l = major ? ruby_layout_of(major * 100 + minor) : NULL;
	if (!l) {
		snprintf(reason, size, "Ruby %s is not known (3.0 to 3.4 are)", version ? version : "?");
		return false;
	}
	ruby->r.l = *l;
	ruby->vm = lang_u64(&ruby->r.m, native_symbol(n, m, "ruby_current_vm_ptr"));
	if (!ruby->vm) {
		snprintf(reason, size, "it has not started yet, or its memory may not be read");
		return false;
	}
	ids_find(ruby, native_symbol(n, m, "rb_id2str"));
	return true;
}

static bool is_context(struct ruby *ruby, uint64_t context, uint64_t thread)
{
	uint64_t stack = lang_u64(&ruby->r.m, context), words = lang_u64(&ruby->r.m, context + 8);
	uint64_t cfp = lang_u64(&ruby->r.m, context + 16);

	if (!stack || !words || words > STACK_WORDS_MAX || cfp < stack || cfp > stack + 8 * words)
		return false;
	for (uint32_t off = 24; off < CONTEXT_BYTES; off += 8)
		if (lang_u64(&ruby->r.m, context + off) == thread)
			return true;
	return false;
}

/* Where the record of a thread has its context, by the main thread's. */
static bool context_find(struct ruby *ruby, uint64_t thread)
{
	for (ruby->ec_at = THREAD_VM + 8; ruby->ec_at < 96; ruby->ec_at += 8)
		if (is_context(ruby, lang_u64(&ruby->r.m, thread + ruby->ec_at), thread))
			return true;
	return false;
}

static bool holds_tid(struct ruby *ruby, uint64_t record, uint32_t *at)
{
	for (*at = 16; *at < TID_REACH; *at += 4)
		if (lang_u32(&ruby->r.m, record + *at) == (uint32_t)ruby->n->p->ns_pid)
			return true;
	return false;
}

/* The main thread's id is the process's. From 3.2 on it stands in a record of the native thread. */
static bool tid_find(struct ruby *ruby, uint64_t thread)
{
	for (ruby->nt_at = THREAD_VM + 8; ruby->nt_at <= 56; ruby->nt_at += 8) {
		uint64_t native = lang_u64(&ruby->r.m, thread + ruby->nt_at);

		if (ruby->nt_at != ruby->ec_at && native && !(native & 7) && ruby->r.l.version >= 302 &&
		    holds_tid(ruby, native, &ruby->tid_at)) {
			ruby->tid_native = true;
			return true;
		}
	}
	return holds_tid(ruby, thread, &ruby->tid_at);
}

static void frames_copy(void *arg)
{
	struct { struct ruby *ruby; struct ruby_thread *rt; } *w = arg;
	struct lang_mem *m = &w->ruby->r.m;
	struct ruby_thread *rt = w->rt;
	uint64_t end, cfp;

	lang_forget(m);
	rt->bytes = 0;
	if (!lang_read(m, rt->address, rt->record, THREAD_BYTES) || !lang_read(m, rt->context, rt->ec, CONTEXT_BYTES))
		return;
	end = bytes_u64(rt->ec, CONTEXT_BYTES, 0) + 8 * bytes_u64(rt->ec, CONTEXT_BYTES, 8);
	cfp = bytes_u64(rt->ec, CONTEXT_BYTES, 16);
	if (cfp >= end)
		return;
	rt->bytes = end - cfp < FRAMES_BYTES ? (size_t)(end - cfp) : FRAMES_BYTES;
	if (!peek_full(m->peek, cfp, rt->frames, rt->bytes))
		rt->bytes = 0;
}

static void thread_read(struct ruby *ruby, struct ruby_thread *rt, enum intrusion allowed)
{
	struct { struct ruby *ruby; struct ruby_thread *rt; } w = { ruby, rt };

	rt->frames = xmalloc(FRAMES_BYTES);
	rt->moved = !script_copy(ruby->n, rt->t, allowed, frames_copy, &w);
}

/* A fork leaves one thread, whose record still has the id that it had in the parent. */
static void only_thread_read(struct ruby *ruby, uint64_t first, enum intrusion allowed)
{
	struct snap_process *p = ruby->n->p;

	if (p->thread_count != 1)
		return;
	ruby->v = xcalloc(1, sizeof(*ruby->v));
	ruby->count = 1;
	ruby->v[0] = (struct ruby_thread){ .address = first, .context = lang_u64(&ruby->r.m, first + ruby->ec_at),
					   .t = &p->threads[0] };
	thread_read(ruby, &ruby->v[0], allowed);
}

static void threads_read(struct ruby *ruby, uint64_t first, enum intrusion allowed)
{
	struct lang_mem *m = &ruby->r.m;
	uint64_t at = first;

	for (size_t i = 0; at && i < THREADS_MAX; i++) {
		/* the head of the ring lies in the ractor, and is no thread */
		if (lang_u64(m, at + THREAD_VM) == ruby->vm) {
			uint64_t record = ruby->tid_native ? lang_u64(m, at + ruby->nt_at) : at;
			struct ruby_thread *rt;

			ruby->v = xreallocarray(ruby->v, ruby->count + 1, sizeof(*ruby->v));
			rt = &ruby->v[ruby->count++];
			*rt = (struct ruby_thread){ .address = at, .context = lang_u64(m, at + ruby->ec_at) };
			rt->t = native_thread(ruby->n, lang_u32(m, record + ruby->tid_at));
			thread_read(ruby, rt, allowed);
		}
		at = lang_u64(m, at);
		if (at == first)
			break;
	}
}

static void *ruby_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	struct ruby *ruby = xcalloc(1, sizeof(*ruby));
	uint64_t first;

	ruby->n = n;
	lang_mem_init(&ruby->r.m, &n->p->peek);
	if (!runtime_open(ruby, ruby_module(n), reason, size)) {
		ruby_free(ruby);
		return NULL;
	}
	first = lang_u64(&ruby->r.m, ruby->vm + VM_MAIN_THREAD);
	if (first && context_find(ruby, first) && !tid_find(ruby, first))
		only_thread_read(ruby, first, allowed);
	if (ruby->count)
		return ruby;
	if (!first || !context_find(ruby, first) || !tid_find(ruby, first)) {
		snprintf(reason, size, "its threads were not found: this build lays them out in an unknown way");
		ruby_free(ruby);
		return NULL;
	}
	threads_read(ruby, first, allowed);
	return ruby;
}

/* ---- waits ---- */

/* The object of that type whose address stands somewhere in the thread's record; its C structure. */
static uint64_t data_in_record(struct ruby *ruby, const struct ruby_thread *rt, const char *type)
{
	for (uint32_t off = 64; off + 8 <= THREAD_BYTES; off += 8) {
		uint64_t data = ruby_data(&ruby->r, bytes_u64(rt->record, THREAD_BYTES, off), type);

		if (data)
			return data;
	}
	return 0;
}

static struct ruby_thread *thread_of_fiber(struct ruby *ruby, uint64_t fiber)
{
	for (size_t i = 0; fiber && i < ruby->count; i++)
		for (uint32_t off = 24; off < 72; off += 8)
			if (bytes_u64(ruby->v[i].ec, CONTEXT_BYTES, off) == fiber)
				return &ruby->v[i];
	return NULL;
}

static bool mutex_tell(struct ruby *ruby, struct ruby_thread *rt)
{
	uint64_t mutex = data_in_record(ruby, rt, "mutex");
	struct ruby_thread *holder;

	if (!mutex)
		return false;
	holder = thread_of_fiber(ruby, lang_u64(&ruby->r.m, mutex));
	hint_set(rt->t, WAIT_MUTEX, "Mutex 0x%llx", (unsigned long long)mutex);
	rt->t->hint.endless = true;
	if (holder && holder->t && holder != rt) {
		hint_holder(rt->t, holder->t->tid);
		rt->t->hint.proved = true;
	}
	return true;
}

/* An entry of such a list lies on the stack of who waits: rings of threads have words that look alike. */
static bool is_waiter(struct ruby *ruby, const struct ruby_thread *rt, uint64_t entry)
{
	const struct snap_regs *regs = &rt->t->regs;

	if (regs->have >> SNAP_REG_SP & 1 && (entry < regs->r[SNAP_REG_SP] || entry - regs->r[SNAP_REG_SP] > STACK_REACH))
		return false;
	return lang_u64(&ruby->r.m, entry + 8) == rt->address;
}

/* Whom it joins: the one whose list of those who wait for its end has it. */
static void join_tell(struct ruby *ruby, struct ruby_thread *rt)
{
	hint_set(rt->t, WAIT_CONDITION, "exit of a thread (Thread#%s)", rt->called);
	for (size_t i = 0; i < ruby->count; i++)
		for (uint32_t off = 160; off + 8 <= THREAD_BYTES && &ruby->v[i] != rt; off += 8) {
			uint64_t list = bytes_u64(ruby->v[i].record, THREAD_BYTES, off);

			for (int k = 0; list && !(list & 7) && k < 64; k++, list = lang_u64(&ruby->r.m, list)) {
				if (!ruby->v[i].t || !is_waiter(ruby, rt, list))
					continue;
				hint_holder(rt->t, ruby->v[i].t->tid);
				rt->t->hint.proved = rt->t->hint.holder_count == 1;
				return;
			}
		}
}

static bool is_one_of(const char *name, const char *const names[])
{
	for (size_t i = 0; name && names[i]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* Ruby code itself waits for nothing but the lock of the virtual machine. Its holder is the thread whose context the ractor
 * runs; where that is none of ours the field lies elsewhere in this build, and nothing is said. */
static bool gvl_tell(struct ruby *ruby, struct ruby_thread *rt)
{
	uint64_t ractor = lang_u64(&ruby->r.m, ruby->vm + VM_RACTOR);
	uint64_t running = ractor ? lang_u64(&ruby->r.m, ractor + ruby->r.l.running) : 0;

	for (size_t i = 0; running && i < ruby->count; i++) {
		struct ruby_thread *holder = &ruby->v[i];

		if (holder->context != running || !holder->t || holder == rt)
			continue;
		hint_set(rt->t, WAIT_GIL, "the lock of Ruby's virtual machine (GVL)");
		hint_holder(rt->t, holder->t->tid);
		rt->t->hint.proved = rt->t->hint.instead = true;
		return true;
	}
	return false;
}

/* A thread that stands in a method in C and waits by a condition variable of the interpreter, or sleeps: by the method. */
static void thread_waits(struct ruby *ruby, struct ruby_thread *rt)
{
	static const char *const pops[] = { "pop", "shift", "deq", NULL }, *const pushes[] = { "push", "<<", "enq", NULL };
	static const char *const joins[] = { "join", "value", NULL }, *const waits[] = { "wait", NULL };
	static const char *const children[] = { "wait", "wait2", "waitpid", "waitpid2", "waitall", "system", "`", NULL };
	static const char *const locks[] = { "lock", "synchronize", "enter", "mon_enter", "sleep", NULL };
	struct snap_thread *t = rt->t;

	if (t && t->state == 'S' && !rt->called && !rt->moved && rt->bytes)
		gvl_tell(ruby, rt);
	if (!t || t->state == 'R' || !rt->called)
		return;
	if (is_one_of(rt->called, locks) && strcmp(rt->called, "sleep") != 0 && mutex_tell(ruby, rt))
		;
	else if (is_one_of(rt->called, pops))
		hint_set(t, WAIT_CONDITION, "Queue#%s: an empty queue", rt->called);
	else if (is_one_of(rt->called, pushes))
		hint_set(t, WAIT_CONDITION, "SizedQueue#%s: a full queue", rt->called);
	else if (is_one_of(rt->called, joins))
		join_tell(ruby, rt);
	else if (strcmp(rt->called, "sleep") == 0 && is_one_of(rt->caller, waits))
		hint_set(t, WAIT_CONDITION, "ConditionVariable#wait");
	else if (strcmp(rt->called, "sleep") == 0)
		hint_set(t, WAIT_SLEEP, "sleep");
	else if (is_one_of(rt->called, children))
		hint_set(t, WAIT_CHILD, "exit of a child (%s)", rt->called);
	else if (strcmp(rt->called, "stop") == 0)
		hint_set(t, WAIT_CONDITION, "Thread.stop: a wakeup");
	else
		return;
	t->hint.instead = true;
}

/* ---- frames ---- */

static void frames_name(struct ruby *ruby, struct ruby_thread *rt, struct script_stack *out)
{
	uint32_t size = ruby->r.l.cfp_size;

	for (size_t at = 0; at + size <= rt->bytes; at += size) {
		struct ruby_frame rf;

		if (!ruby_frame_name(&ruby->r, rt->frames + at, &rf))
			continue;
		if (!rf.file && !rt->caller && (at == 0 || rt->called)) {
			char **to = rt->called ? &rt->caller : &rt->called;

			*to = xstrdup(rf.function);
		} else if (!rt->caller) {
			rt->caller = xstrdup("");
		}
		if (!script_stack_add(out, rf.function, rf.file, rf.line))
			return;
	}
}

static void thread_merge(struct ruby *ruby, struct ruby_thread *rt)
{
	struct script_stack *calls = xcalloc(1, sizeof(*calls));
	struct snap_thread *t = rt->t;

	frames_name(ruby, rt, calls);
	script_stack_merge(calls, t, "ruby", binaries);
	free(calls);
	if (rt->moved)
		thread_reason(t, COLLECT_PARTIAL, "it ran while its Ruby frames were read");
	else if (t->status == COLLECT_PARTIAL && t->truncated) {
		t->status = COLLECT_OK;
		mem_free_ptr(&t->reason);
	}
}

static size_t ruby_merge(struct native *n, void *state)
{
	struct ruby *ruby = state;
	size_t threads = 0;

	(void)n;
	for (size_t i = 0; i < ruby->count; i++)
		if (ruby->v[i].t && ruby->v[i].bytes) {
			thread_merge(ruby, &ruby->v[i]);
			threads++;
		}
	for (size_t i = 0; i < ruby->count; i++)
		thread_waits(ruby, &ruby->v[i]);
	return threads;
}

/* ---- samples ---- */

/* A reader for many looks at one process; ruby_sample_list() lists its threads anew. NULL: not to be read yet. */
struct ruby *ruby_sample_open(struct native *n)
{
	struct ruby *ruby = xcalloc(1, sizeof(*ruby));
	struct module *m = ruby_module(n);
	char reason[200];
	uint64_t first;

	ruby->n = n;
	lang_mem_init(&ruby->r.m, &n->p->peek);
	if (m && runtime_open(ruby, m, reason, sizeof(reason))) {
		first = lang_u64(&ruby->r.m, ruby->vm + VM_MAIN_THREAD);
		if (first && context_find(ruby, first) && tid_find(ruby, first))
			return ruby;
	}
	ruby_free(ruby);
	return NULL;
}

void ruby_sample_free(struct ruby *ruby)
{
	ruby_free(ruby);
}

void ruby_sample_list(struct ruby *ruby)
{
	struct lang_mem *m = &ruby->r.m;
	uint64_t first, at;

	lang_forget(m);
	ruby->count = 0;
	first = at = lang_u64(m, ruby->vm + VM_MAIN_THREAD);
	for (size_t i = 0; at && i < THREADS_MAX; i++) {
		if (lang_u64(m, at + THREAD_VM) == ruby->vm) {
			uint64_t record = ruby->tid_native ? lang_u64(m, at + ruby->nt_at) : at;

			ruby->v = xreallocarray(ruby->v, ruby->count + 1, sizeof(*ruby->v));
			ruby->v[ruby->count++] = (struct ruby_thread){ .address = at,
								       .context = lang_u64(m, at + ruby->ec_at),
								       .tid = lang_u32(m, record + ruby->tid_at) };
		}
		at = lang_u64(m, at);
		if (at == first)
			break;
	}
}

/* While the thread stands: its control frames, by two reads. Bytes; 0 where it is no Ruby thread. */
size_t ruby_sample_copy(const struct ruby *ruby, uint64_t tid, unsigned char *out, size_t size)
{
	struct peek *peek = ruby->r.m.peek;
	uint64_t words[3], end;

	for (size_t i = 0; i < ruby->count; i++) {
		if (ruby->v[i].tid != tid || !peek_full(peek, ruby->v[i].context, words, sizeof(words)))
			continue;
		end = words[0] + 8 * words[1];
		if (!words[0] || words[1] > STACK_WORDS_MAX || words[2] >= end || words[2] < words[0])
			return 0;
		if (end - words[2] < size)
			size = (size_t)(end - words[2]);
		return peek_full(peek, words[2], out, size) ? size : 0;
	}
	return 0;
}

size_t ruby_sample_frame_bytes(const struct ruby *ruby)
{
	return ruby->r.l.cfp_size;
}

struct ruby_mem *ruby_sample_mem(struct ruby *ruby)
{
	return &ruby->r;
}

const struct language_ops language_ruby = { .name = "ruby", .detect = ruby_detect, .collect = ruby_collect,
					    .merge = ruby_merge, .free = ruby_free };
