/* SPDX-License-Identifier: Apache-2.0 */
/* perl.c - Perl keeps a stack of contexts (blocks, loops, calls), each with the statement around it; and where C calls Perl
 * again (sort, a tie, a signal handler), one more stack. The statement that runs is the interpreter's own. */
#include "profile/lang/perl.h"

#include "base/mem.h"
#include "base/str.h"
#include "profile/lang/language.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

enum { OP_AT = 8, STACK_CONTEXTS = 8, STACK_PREVIOUS = 16, STACK_INDEX = 32, STACKS_MAX = 64, STACK_MAIN = 1 };
enum { CONTEXT_STATEMENT = 16, CONTEXT_RETURNS = 48, CONTEXT_BYTES_MAX = 128 };
enum { CONTEXT_KIND = 15, CALL = 9, FORMAT = 10, EVAL = 11, FAKE = 0x80 };
enum { STATEMENT_LINE = 36, STATEMENT_FILE = 48 };
/* struct op {next, sibling or parent, function, target, bits} and, of one with kids, the first of them */
enum { OP_NEXT = 0, OP_SIBLING = 8, OP_TARGET = 24, OP_BITS = 32, OP_FIRST = 40, OP_TYPE_MASK = 0x1ff, OP_MORE = 1 << 14,
       OP_KIDS = 4 << 16, OPS_MAX = 4096, OP_DEPTH_MAX = 64 };
enum { SV_BODY = 0, SV_FLAGS = 12, SV_UNION = 16, TYPE_MASK = 0xff, GLOB = 9, CODE = 13, HASH = 12 };
enum { CODE_STASH = 32, CODE_GLOB = 56, CODE_FLAGS = 92, CODE_NAMED = 0x8000 };
enum { GLOB_NAME = 32, GLOB_STASH = 40, GP_CANONICAL = 56 };
enum { HASH_MAX = 24, EXTRA_NAME = 0, EXTRA_NAMES = 28 };
enum { KEY_LENGTH = 4, KEY_BYTES = 8, NAME_MAX_BYTES = 200, FILE_MAX = 2000,
       VALUES_BYTES_MAX = 1 << 30, TRIES_MAX = 4096 };
/* of threads::shared, counted back from the condition variable */
enum { CONDITION_BYTES = 48, LOCK_OWNER = 16, LOCK_COUNT = 8, LOCKS_MAX = 1 << 16 };

static const char *const binaries[] = { "perl", "libperl", NULL };

static const struct perl_layout layouts[] = {
#define PERL(...) { __VA_ARGS__ },
#include "profile/lang/perl_layout.def"
#undef PERL
};

const struct perl_layout *perl_layout_of(unsigned version)
{
	const struct perl_layout *found = NULL;

	for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts) && version < 43; i++)
		if (layouts[i].version <= version)
			found = &layouts[i];
	return found;
}

/* ---- copying ---- */

/* One stack of contexts, from its top down. */
static bool contexts_read(struct perl_mem *p, uint64_t info, struct perl_calls *out)
{
	uint64_t base = lang_u64(&p->m, info + STACK_CONTEXTS);
	int32_t top = (int32_t)lang_u32(&p->m, info + STACK_INDEX);

	if (!base || top > 1 << 20)
		return false;
	for (int32_t i = top; i >= 0 && out->count < PERL_CONTEXTS_MAX; i--) {
		unsigned char b[CONTEXT_BYTES_MAX];

		if (!lang_read(&p->m, base + (uint64_t)i * p->l.context_bytes, b, p->l.context_bytes))
			return false;
		out->v[out->count++] = (struct perl_context){ b[0], bytes_u64(b, sizeof(b), CONTEXT_STATEMENT),
							      bytes_u64(b, sizeof(b), CONTEXT_RETURNS),
							      bytes_u64(b, sizeof(b), p->l.sub) };
	}
	return true;
}

bool perl_calls_read(struct perl_mem *p, const struct perl_places *at, struct perl_calls *out)
{
	uint64_t info = lang_u64(&p->m, at->stack_info);

	out->count = 0;
	out->statement = lang_u64(&p->m, at->statement);
	out->op = at->op ? lang_u64(&p->m, at->op) : 0;
	for (int i = 0; info && i < STACKS_MAX; i++, info = lang_u64(&p->m, info + STACK_PREVIOUS)) {
		if (!contexts_read(p, info, out))
			return false;
		if (lang_u32(&p->m, info + p->l.kind) == STACK_MAIN)
			break;
	}
	return out->statement != 0;
}

/* ---- names ---- */

static char *key_text(struct perl_mem *p, uint64_t key)
{
	int32_t n = key ? (int32_t)lang_u32(&p->m, key + KEY_LENGTH) : 0;

	return n > 0 && n < NAME_MAX_BYTES ? lang_text(&p->m, key + KEY_BYTES, (uint64_t)n, NAME_MAX_BYTES) : NULL;
}

static unsigned type_of(struct perl_mem *p, uint64_t sv)
{
	return sv && !(sv & 7) ? lang_u32(&p->m, sv + SV_FLAGS) & TYPE_MASK : 0;
}

/* Name of a package by its symbol table. */
static char *package_name(struct perl_mem *p, uint64_t stash)
{
	uint64_t body, extra, name;
	int32_t names;

	if (type_of(p, stash) != HASH)
		return NULL;
	body = lang_u64(&p->m, stash + SV_BODY);
	extra = p->l.hash_extra ? body + p->l.hash_extra :
		lang_u64(&p->m, stash + SV_UNION) + 8 * (lang_u64(&p->m, body + HASH_MAX) + 1);
	name = lang_u64(&p->m, extra + EXTRA_NAME);
	names = (int32_t)lang_u32(&p->m, extra + EXTRA_NAMES);
	/* a package with several names has a list of them */
	return key_text(p, names ? lang_u64(&p->m, name + (names < 0 ? 8 : 0)) : name);
}

/* The glob that a function was defined in. */
static char *sub_name(struct perl_mem *p, uint64_t sub)
{
	uint64_t body = lang_u64(&p->m, sub + SV_BODY), glob, canonical;
	auto_free char *package = NULL, *name = NULL;

	if (type_of(p, sub) != CODE)
		return xstrdup("__ANON__");
	glob = lang_u64(&p->m, body + CODE_GLOB);
	if (lang_u32(&p->m, body + CODE_FLAGS) & CODE_NAMED) {
		package = package_name(p, lang_u64(&p->m, body + CODE_STASH));
		name = key_text(p, glob);
	} else if (type_of(p, glob) == GLOB) {
		canonical = lang_u64(&p->m, lang_u64(&p->m, glob + SV_UNION) + GP_CANONICAL);
		body = lang_u64(&p->m, (type_of(p, canonical) == GLOB ? canonical : glob) + SV_BODY);
		name = key_text(p, lang_u64(&p->m, body + GLOB_NAME));
		package = package_name(p, lang_u64(&p->m, body + GLOB_STASH));
	}
	return xasprintf("%s::%s", package ? package : "main", name ? name : "__ANON__");
}

static char *statement_file(struct perl_mem *p, uint64_t statement)
{
	uint64_t at = lang_u64(&p->m, statement + STATEMENT_FILE);
	auto_free char *name = NULL;

	if (p->threads)
		return lang_string(&p->m, at, FILE_MAX);
	/* a glob called _<FILE */
	name = type_of(p, at) == GLOB ? key_text(p, lang_u64(&p->m, lang_u64(&p->m, at + SV_BODY) + GLOB_NAME)) : NULL;
	return name && str_starts(name, "_<") ? xstrdup(name + 2) : NULL;
}

/* A function, or a file that is required and a text that is evaluated: these have a file of their own. NULL for a block. */
static char *context_name(struct perl_mem *p, const struct perl_context *c, uint64_t statement)
{
	auto_free char *inner = NULL, *outer = NULL;

	switch (c->type & CONTEXT_KIND) {
	case CALL:
	case FORMAT: /* code within a regular expression is here twice */
		return c->type & FAKE ? NULL : sub_name(p, c->sub);
	case EVAL:
		inner = statement_file(p, statement);
		outer = statement_file(p, c->statement);
		return inner && outer && strcmp(inner, outer) != 0 ? xstrdup("(eval)") : NULL;
	default:
		return NULL;
	}
}

/* The first statement of a block without variables of its own is optimised away: what is left of it is an op without
 * effect, somewhere in the tree of the statement around it, before the op that runs. As closest_cop() of perl's util.c. */
struct search {
	struct perl_mem *p;
	uint64_t op, closest;
	uint32_t statement_type;
	bool returns; /* op is the one after which it goes on, not the one that runs */
	int left;
};

static bool closest_find(struct search *s, uint64_t op, int depth)
{
	uint32_t bits = op ? lang_u32(&s->p->m, op + OP_BITS) : 0;
	uint64_t kid;

	if (!op || op == s->op || (s->returns && lang_u64(&s->p->m, op + OP_NEXT) == s->op))
		return op != 0;
	if (!(bits & OP_KIDS) || depth == OP_DEPTH_MAX)
		return false;
	for (kid = lang_u64(&s->p->m, op + OP_FIRST); kid && s->left-- > 0;) {
		uint64_t before;

		bits = lang_u32(&s->p->m, kid + OP_BITS);
		if (!(bits & OP_TYPE_MASK) && lang_u64(&s->p->m, kid + OP_TARGET) == s->statement_type)
			s->closest = kid;
		before = s->closest;
		if (closest_find(s, kid, depth + 1))
			return true;
		s->closest = before;
		kid = bits & OP_MORE ? lang_u64(&s->p->m, kid + OP_SIBLING) : 0;
	}
	return false;
}

static uint64_t closest_statement(struct perl_mem *p, uint64_t statement, uint64_t op, bool returns)
{
	uint32_t bits = statement ? lang_u32(&p->m, statement + OP_BITS) : 0;
	struct search s = { .p = p, .op = op, .closest = statement, .statement_type = bits & OP_TYPE_MASK,
			    .returns = returns, .left = OPS_MAX };

	if (!op || !(bits & OP_MORE) || !s.statement_type ||
	    !closest_find(&s, lang_u64(&p->m, statement + OP_SIBLING), 0))
		return statement;
	return s.closest;
}

static bool call_add(struct perl_mem *p, struct script_stack *out, char *function, uint64_t statement)
{
	uint32_t line = statement ? lang_u32(&p->m, statement + STATEMENT_LINE) : 0;
	char *file = line && line < 1 << 28 ? statement_file(p, statement) : NULL;

	if (file && !*file)
		mem_free_ptr(&file);
	return script_stack_add(out, function, file, file ? (int)line : 0);
}

/* A call's own line is that of the statement in it; that of who called it is the one around its context. */
void perl_calls_name(struct perl_mem *p, const struct perl_calls *c, struct script_stack *out)
{
	uint64_t statement = closest_statement(p, c->statement, c->op, false);

	for (size_t i = 0; i < c->count; i++) {
		char *name = context_name(p, &c->v[i], statement);

		if (!name)
			continue;
		if (!call_add(p, out, name, statement))
			return;
		statement = closest_statement(p, c->v[i].statement, c->v[i].returns, true);
	}
	if (statement)
		call_add(p, out, xstrdup("main"), statement);
}

/* ---- the process ---- */

/* A thread and the interpreter that it runs: each has one of its own (threads.pm). */
struct perl_thread {
	struct perl *perl;
	struct snap_thread *t; /* NULL: it has gone */
	uint64_t interpreter;  /* 0: the only one */
	struct perl_places at;
	struct perl_calls calls;
	bool read, still;
};
struct perl {
	struct perl_mem p;
	struct perl_thread *v;
	size_t count;
	unsigned tries; /* places of stacks that were taken for an interpreter: somebody else's memory must not cost more */
};

static struct module *perl_module(struct native *n)
{
	for (size_t i = 0; i < n->module_count; i++) {
		struct module *m = &n->modules[i];

		if (m->image && script_binary(m->image->path, binaries) &&
		    (native_symbol(n, m, "PL_curinterp") || native_symbol(n, m, "PL_curcop")))
			return m;
	}
	return NULL;
}

static bool perl_detect(struct native *n)
{
	return perl_module(n) != NULL;
}

static void perl_free(void *state)
{
	struct perl *perl = state;

	lang_mem_release(&perl->p.m);
	free(perl->v);
	free(perl);
}

static void copy(void *arg)
{
	struct perl_thread *pt = arg;

	lang_forget(&pt->perl->p.m);
	pt->read = perl_calls_read(&pt->perl->p, &pt->at, &pt->calls);
}

static struct perl_places places_in(const struct perl *perl, uint64_t interpreter)
{
	const struct perl_layout *l = &perl->p.l;

	return (struct perl_places){ interpreter + l->statement, interpreter + OP_AT, interpreter + l->stack_info };
}

/* The main thread's. interpreter: 0 where Perl was built without threads. */
static bool perl_open(struct perl *perl, struct native *n, struct perl_places *at, uint64_t *interpreter, char *reason,
		      size_t size)
{
	struct module *m = perl_module(n);
	unsigned version = lang_u8(&perl->p.m, native_symbol(n, m, "PL_version"));
	const struct perl_layout *l = perl_layout_of(version);

	*interpreter = 0;
	if (!l) {
		snprintf(reason, size, "Perl 5.%u is not known (5.28 to 5.42 are)", version);
		return false;
	}
	perl->p.l = *l;
	*at = (struct perl_places){ native_symbol(n, m, "PL_curcop"), native_symbol(n, m, "PL_op"),
				    native_symbol(n, m, "PL_curstackinfo") };
	if (at->statement && at->stack_info)
		return true;
	perl->p.threads = true;
	*interpreter = lang_u64(&perl->p.m, native_symbol(n, m, "PL_curinterp"));
	*at = places_in(perl, *interpreter);
	return *interpreter != 0;
}

/* The beginning of an interpreter: stack pointer, op, pad, and where the stack of values begins and ends. */
static bool is_interpreter(struct perl_mem *p, uint64_t at)
{
	uint64_t w[5], info;

	if (at & 15 || !lang_read(&p->m, at, w, sizeof(w)) || (w[0] | w[1] | w[3]) & 7 || !w[1] || !w[3] || w[0] < w[3] ||
	    w[0] > w[4] || w[4] - w[3] > VALUES_BYTES_MAX)
		return false;
	info = lang_u64(&p->m, at + p->l.stack_info);
	return info && !(info & 7) && lang_u64(&p->m, lang_u64(&p->m, at + p->l.statement) + STATEMENT_FILE) &&
	       (int32_t)lang_u32(&p->m, info + STACK_INDEX) >= -1 && lang_u64(&p->m, info + STACK_CONTEXTS);
}

/* The interpreter of another thread: every function of Perl's is handed it, so that it lies in its frames. 0: none. */
static uint64_t interpreter_of(struct perl *perl, const struct native *n, const struct snap_thread *t, uint64_t main)
{
	uint64_t last = 0;

	for (uint64_t i = 0; i + 8 <= t->stack_size && perl->tries < TRIES_MAX; i += 8) {
		uint64_t word = bytes_u64(t->stack, t->stack_size, i);
		const struct map_entry *m = word && word != last && !(word & 15) ? maps_find(&n->p->maps, word) : NULL;

		last = word;
		if (!m || !m->w || word == main || (word >= t->stack_base && word < t->stack_base + t->stack_size))
			continue;
		perl->tries++;
		if (is_interpreter(&perl->p, word))
			return word;
	}
	return 0;
}

static void thread_read(struct perl *perl, struct native *n, struct snap_thread *t, struct perl_places at,
			uint64_t interpreter, enum intrusion allowed)
{
	struct perl_thread *pt = &perl->v[perl->count];

	*pt = (struct perl_thread){ .perl = perl, .t = t, .interpreter = interpreter, .at = at };
	pt->still = script_copy(n, t, allowed, copy, pt);
	perl->count += pt->read;
}

static void *perl_collect(struct native *n, enum intrusion allowed, char *reason, size_t size)
{
	struct perl *perl = xcalloc(1, sizeof(*perl));
	struct snap_thread *first = native_thread(n, (uint64_t)n->p->ns_pid);
	struct perl_places at;
	uint64_t main;

	lang_mem_init(&perl->p.m, &n->p->peek);
	if (perl_open(perl, n, &at, &main, reason, size)) {
		perl->v = xcalloc(n->p->thread_count + 1, sizeof(*perl->v));
		thread_read(perl, n, first, at, main, allowed);
		for (size_t i = 0; main && i < n->p->thread_count; i++) {
			struct snap_thread *t = &n->p->threads[i];
			uint64_t own = t != first && t->stack ? interpreter_of(perl, n, t, main) : 0;

			if (own)
				thread_read(perl, n, t, places_in(perl, own), own, allowed);
		}
		if (perl->count)
			return perl;
		snprintf(reason, size, "it has not started yet, or its memory may not be read");
	}
	perl_free(perl);
	return NULL;
}

/* lock() of a shared variable waits in the condition variable of {mutex, owner, count, condition variable}. */
static void lock_tell(struct perl *perl, const struct perl_thread *pt)
{
	uint64_t futex = pt->t->syscall.arg[0];

	if (pt->t->syscall.nr != SYS_futex || futex < CONDITION_BYTES + LOCK_COUNT)
		return;
	for (uint64_t at = (futex + 7) & ~UINT64_C(7); at > futex - CONDITION_BYTES; at -= 8) {
		uint64_t owner = lang_u64(&perl->p.m, at - LOCK_OWNER);
		uint32_t count = lang_u32(&perl->p.m, at - LOCK_COUNT);

		for (size_t i = 0; owner && count && count < LOCKS_MAX && i < perl->count; i++) {
			if (perl->v[i].interpreter != owner || &perl->v[i] == pt || !perl->v[i].t)
				continue;
			hint_set(pt->t, WAIT_MUTEX, "lock() of a shared variable");
			hint_holder(pt->t, perl->v[i].t->tid);
			pt->t->hint.proved = pt->t->hint.instead = pt->t->hint.endless = true;
			return;
		}
	}
}

static size_t perl_merge(struct native *n, void *state)
{
	struct perl *perl = state;
	struct script_stack *calls = xcalloc(1, sizeof(*calls));
	size_t stacks = 0;

	(void)n;
	for (size_t i = 0; i < perl->count; i++) {
		struct perl_thread *pt = &perl->v[i];

		if (!pt->t || pt->t->status == COLLECT_GONE)
			continue;
		perl_calls_name(&perl->p, &pt->calls, calls);
		script_stack_merge(calls, pt->t, "perl", binaries);
		if (!pt->still)
			thread_reason(pt->t, COLLECT_PARTIAL, "it ran while its Perl frames were read");
		lock_tell(perl, pt);
		stacks++;
	}
	free(calls);
	return stacks;
}

const struct language_ops language_perl = { .name = "perl", .detect = perl_detect, .collect = perl_collect,
					    .merge = perl_merge, .free = perl_free };
