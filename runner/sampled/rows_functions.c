/* SPDX-License-Identifier: Apache-2.0 */
/* rows_functions.c - functions by CPU time, what kind of library work they cause, and what interpreters do beside
 * the program. */
#include "runner/sampled/rows.h"

#include "base/frame_home.h"
#include "base/json_read.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FUNCTIONS_MAX = 60, LINES_SHOWN = 3 };

struct hot_line {
	int32_t line;
	int64_t ns;
};
struct hot {
	const char *function, *file, *language;
	int64_t self_ns, total_ns, work_ns[4];
	struct hot_line lines[32];
	uint32_t line_n, seen, processes;
	int32_t last_pid;
	bool unoptimised, compiled;
};
struct hots {
	struct hot *v;
	size_t n;
	int8_t *work;      /* by stack: enum work + 2; 0 not asked for yet */
	uint32_t *of;      /* by frame: its index + 1 in v; 0 none yet */
};
enum work { WORK_NONE = -1, WORK_REGEX, WORK_COPY, WORK_SERIALIZE, WORK_RESOLVE };
static const char *const work_text[] = { "regex", "copy", "serialize", "resolve" };

/* Library functions that tell what kind of work is done below the program's own. */
static const struct {
	const char *name, *file; /* NULL: any */
	enum work work;
} works[] = {
	{ "sre_ucs1_match", NULL, WORK_REGEX },
	{ "sre_ucs2_match", NULL, WORK_REGEX },
	{ "sre_ucs4_match", NULL, WORK_REGEX },
	{ "sre_match", NULL, WORK_REGEX },
	{ "sre_search", NULL, WORK_REGEX },
	{ "pattern_search", NULL, WORK_REGEX },
	{ "pcre2_match", NULL, WORK_REGEX },
	{ "pcre_exec", NULL, WORK_REGEX },
	{ "re_search_internal", NULL, WORK_REGEX },
	{ "regexec", NULL, WORK_REGEX },
	{ "onig_", NULL, WORK_REGEX },
	{ "irregexp", NULL, WORK_REGEX },
	{ "_match", "/re/", WORK_REGEX },
	{ "deepcopy", "copy.py", WORK_COPY },
	{ "memcpy", NULL, WORK_COPY },
	{ "memmove", NULL, WORK_COPY },
	{ "__memmove", NULL, WORK_COPY },
	{ "__memcpy", NULL, WORK_COPY },
	{ "raw_decode", "/json/", WORK_SERIALIZE },
	{ "encode", "/json/", WORK_SERIALIZE },
	{ "iterencode", "/json/", WORK_SERIALIZE },
	{ "dumps", "/json/", WORK_SERIALIZE },
	{ "loads", "/json/", WORK_SERIALIZE },
	{ "save_", "pickle", WORK_SERIALIZE },
	{ "match", "/re/__init__.py", WORK_REGEX },
	{ "fullmatch", "/re/__init__.py", WORK_REGEX },
	{ "search", "/re/__init__.py", WORK_REGEX },
	{ "sub", "/re/__init__.py", WORK_REGEX },
	{ "split", "/re/__init__.py", WORK_REGEX },
	{ "findall", "/re/__init__.py", WORK_REGEX },
	{ "_pickle_", NULL, WORK_SERIALIZE },
	{ "getaddrinfo", NULL, WORK_RESOLVE },
};

/* Bytes are moved in all kinds of work: what it is done for says more. */
static enum work work_of(const struct profile *p, uint32_t stack)
{
	enum work work = WORK_NONE;

	for (uint32_t i = 0; i < p->stack_len[stack]; i++) {
		const struct prof_frame *f = &p->frames[p->pool[p->stack_first[stack] + i]];

		for (size_t k = 0; f->function && k < sizeof(works) / sizeof(*works); k++)
			if (strncmp(f->function, works[k].name, strlen(works[k].name)) == 0 &&
			    (!works[k].file || (f->file && strstr(f->file, works[k].file)))) {
				if (works[k].work != WORK_COPY || works[k].file)
					return works[k].work;
				work = works[k].work;
			}
	}
	return work;
}

static struct hot *hot_for(struct hots *h, const struct profile *p, uint32_t frame)
{
	const struct prof_frame *f = &p->frames[frame];

	if (!h->of) {
		h->of = xcalloc(p->frame_index.n + 1, sizeof(*h->of));
		h->work = xcalloc(p->stack_index.n + 1, sizeof(*h->work));
	}
	for (size_t i = h->of[frame] ? h->of[frame] - 1 : 0; i < h->n; i++)
		if (h->v[i].function == f->function && h->v[i].file == f->file) {
			h->of[frame] = (uint32_t)i + 1;
			return &h->v[i];
		}
	if (!(h->n & (h->n - 1)))
		h->v = xreallocarray(h->v, h->n ? h->n * 2 : 1, sizeof(*h->v));
	h->v[h->n] = (struct hot){ .function = f->function, .file = f->file, .language = f->language };
	return &h->v[h->n++];
}

static void hot_line(struct hot *h, int32_t line, int64_t ns)
{
	for (uint32_t i = 0; i < h->line_n; i++)
		if (h->lines[i].line == line) {
			h->lines[i].ns += ns;
			return;
		}
	if (h->line_n < 32)
		h->lines[h->line_n++] = (struct hot_line){ line, ns };
}

static bool is_named(const struct prof_frame *f)
{
	return f->function && f->function[0] != '[';
}

static enum work work_known(struct hots *h, const struct profile *p, uint32_t stack)
{
	if (!h->work[stack])
		h->work[stack] = (int8_t)(work_of(p, stack) + 2);
	return (enum work)(h->work[stack] - 2);
}

static void hots_release(struct hots *h)
{
	free(h->v);
	free(h->of);
	free(h->work);
}

static void sample_take(struct hots *h, const struct profile *p, const struct prof_sample *x, uint32_t serial)
{
	uint32_t at = profile_place(p, x->stack);
	const struct prof_frame *place = &p->frames[at];

	if (is_named(place)) {
		struct hot *k = hot_for(h, p, at);
		int32_t pid = p->threads[x->thread].pid;
		enum work work = work_known(h, p, x->stack);

		k->self_ns += x->cpu_ns;
		k->unoptimised |= place->unoptimised;
		k->compiled |= place->compiled;
		hot_line(k, place->line, x->cpu_ns);
		if (work != WORK_NONE)
			k->work_ns[work] += x->cpu_ns;
		k->processes += k->last_pid != pid;
		k->last_pid = pid;
	}
	for (uint32_t i = 0; i < p->stack_len[x->stack]; i++) {
		uint32_t frame = p->pool[p->stack_first[x->stack] + i];
		struct hot *k = is_named(&p->frames[frame]) ? hot_for(h, p, frame) : NULL;

		if (k && k->seen != serial) { /* once a sample, however often it calls itself */
			k->seen = serial;
			k->total_ns += x->cpu_ns;
		}
	}
}

static int hottest_first(const void *a, const void *b)
{
	const struct hot *x = a, *y = b;

	if (x->self_ns != y->self_ns)
		return x->self_ns > y->self_ns ? -1 : 1;
	if (x->total_ns != y->total_ns)
		return x->total_ns > y->total_ns ? -1 : 1;
	return strcmp(x->function, y->function);
}

static int by_ns(const void *a, const void *b)
{
	const struct hot_line *x = a, *y = b;

	return x->ns != y->ns ? (x->ns > y->ns ? -1 : 1) : x->line < y->line ? -1 : x->line > y->line;
}

static void lines_put(struct facts *f, struct fact_row *r, struct hot *h, int64_t all)
{
	auto_str text = STR_INIT;

	qsort(h->lines, h->line_n, sizeof(*h->lines), by_ns);
	if (h->lines[0].line > 0)
		fact_set_int(r, FC_FUNCTION_line, h->lines[0].line);
	for (uint32_t i = 0; i < h->line_n && i < LINES_SHOWN; i++)
		str_addf(&text, "%s%d: %.3f", i ? ", " : "", h->lines[i].line, (double)h->lines[i].ns / (double)all);
	fact_set_num(r, FC_FUNCTION_line_share, h->lines[0].line > 0 ? (double)h->lines[0].ns / (double)all : 0);
	fact_set_text(f, r, FC_FUNCTION_lines, str_cstr(&text));
}

static void function_row(struct facts *f, struct hot *h, int64_t all, int64_t samples, bool jit, const char *file)
{
	struct fact_row *r = fact_add(f, FACT_FUNCTION, file, "/samples");
	int work = 0;

	if (!r)
		return;
	fact_set_text(f, r, FC_FUNCTION_function, h->function);
	fact_set_text(f, r, FC_FUNCTION_file, h->file);
	fact_set_text(f, r, FC_FUNCTION_language, h->language);
	fact_set_num(r, FC_FUNCTION_self_share, (double)h->self_ns / (double)all);
	fact_set_num(r, FC_FUNCTION_total_share, (double)h->total_ns / (double)all);
	fact_set_num(r, FC_FUNCTION_share, (double)h->self_ns / (double)all);
	fact_set_num(r, FC_FUNCTION_self_ms, (double)h->self_ns / 1e6);
	fact_set_num(r, FC_FUNCTION_cpu_ms, (double)all / 1e6);
	fact_set_int(r, FC_FUNCTION_profile_samples, samples);
	fact_set_int(r, FC_FUNCTION_processes, h->processes);
	if (h->line_n)
		lines_put(f, r, h, all);
	if (h->unoptimised)
		fact_set_bool(r, FC_FUNCTION_unoptimised, true);
	if (strcmp(h->language, "javascript") == 0 && jit)
		fact_set_bool(r, FC_FUNCTION_interpreted, !h->compiled);
	for (int i = 1; i < 4; i++)
		if (h->work_ns[i] > h->work_ns[work])
			work = i;
	if (h->work_ns[work] > 0) {
		fact_set_text(f, r, FC_FUNCTION_work, work_text[work]);
		fact_set_num(r, FC_FUNCTION_work_share, (double)h->work_ns[work] / (double)all);
	}
}

void sampled_functions(struct facts *f, const struct profile *p, const char *file)
{
	struct hots h = { 0 };
	int64_t all = 0, samples = 0;
	bool jit = false;

	for (uint32_t i = 0; i < p->frame_index.n; i++)
		jit |= p->frames[i].compiled;
	for (size_t i = 0; i < p->sample_count; i++)
		if (p->samples[i].wait < 0) {
			sample_take(&h, p, &p->samples[i], (uint32_t)i + 1);
			all += p->samples[i].cpu_ns;
			samples++;
		}
	if (h.n)
		qsort(h.v, h.n, sizeof(*h.v), hottest_first);
	for (size_t i = 0; i < h.n && i < FUNCTIONS_MAX && all > 0; i++)
		function_row(f, &h.v[i], all, samples, jit, file);
	hots_release(&h);
}

/* ---- interpreters ---- */

struct runtime {
	const char *language;
	int64_t cpu_ns, gc_ns, import_ns, own_ns, jit_ns; /* own: in code of the language itself; jit: of it, compiled */
	uint32_t last_thread;  /* + 1 */
	bool interpreter_only; /* it was told so */
	uint32_t importer;  /* place of the heaviest import; UINT32_MAX */
	int64_t importer_ns, samples;
	int64_t pauses, pauses_ms;
	bool counted;       /* the two above */
	int64_t unnamed_ns; /* in the runtime's own code, which has no names: whether it collects is not known */
};
enum { RUNTIMES_MAX = 16 };

static bool is_collector(const struct prof_frame *f)
{
	static const char *const names[] = { "gc_collect", "collect_with_callback", "deduce_unreachable", "visit_reachable",
					     "visit_decref", "gc_start", "gc_marks", "gc_sweep", "gc_mark", "runtime.gc",
					     "runtime.scan", "runtime.mark", "runtime.greyobject", "gc_main", "rb_gc" };
	static const char *const of_jvm[] = { "G1", "Parallel" };
	static const char *const parts[] = { "v8::internal::MarkCompact", "v8::internal::Scaveng",
					     "v8::internal::ConcurrentMarking", "v8::internal::Sweeper",
					     "v8::internal::Heap::CollectGarbage", "v8::internal::Heap::PerformGarbage",
					     "GCTaskThread", "WorkerThread::run", "GangWorker", "CollectedHeap::collect" };

	if (strcmp(f->language, "native") != 0 && strcmp(f->language, "go") != 0)
		return false; /* a program's own function may be called anything */
	for (size_t i = 0; f->function && i < sizeof(names) / sizeof(*names); i++)
		if (strncmp(f->function, names[i], strlen(names[i])) == 0)
			return true;
	for (size_t i = 0; f->function && f->module && i < sizeof(of_jvm) / sizeof(*of_jvm); i++)
		if (strstr(f->module, "libjvm") && strncmp(f->function, of_jvm[i], strlen(of_jvm[i])) == 0)
			return true;
	for (size_t i = 0; f->function && i < sizeof(parts) / sizeof(*parts); i++)
		if (strstr(f->function, parts[i]))
			return true;
	return false;
}

static bool is_import(const struct prof_frame *f)
{
	if (!f->function)
		return false;
	return (strcmp(f->function, "_find_and_load") == 0 && f->file && strstr(f->file, "importlib")) ||
	       strcmp(f->function, "Module._load") == 0 || strcmp(f->function, "Module._compile") == 0;
}

static const char *language_of(const struct profile *p, uint32_t stack)
{
	for (uint32_t i = p->stack_len[stack]; i-- > 0;) {
		const char *language = p->frames[p->pool[p->stack_first[stack] + i]].language;

		if (strcmp(language, "native") != 0)
			return language;
	}
	return NULL;
}

static bool is_told_to_interpret(const struct profile *p, int32_t pid)
{
	for (size_t i = 0; i < p->thread_count; i++) {
		const struct strv *argv = &p->threads[i].argv;

		for (size_t k = 1; p->threads[i].pid == pid && k < argv->n; k++)
			if (strcmp(argv->v[k], "-Xint") == 0 || strcmp(argv->v[k], "--jitless") == 0)
				return true;
	}
	return false;
}

/* By the innermost frame of the language. */
static void jit_sample(struct runtime *r, const struct profile *p, const struct prof_sample *x)
{
	if (r->last_thread != x->thread + 1 && !r->interpreter_only)
		r->interpreter_only = is_told_to_interpret(p, p->threads[x->thread].pid);
	r->last_thread = x->thread + 1;
	for (uint32_t i = 0; i < p->stack_len[x->stack]; i++) {
		const struct prof_frame *f = &p->frames[p->pool[p->stack_first[x->stack] + i]];

		if (strcmp(f->language, r->language) != 0)
			continue;
		r->own_ns += x->cpu_ns;
		r->jit_ns += f->compiled ? x->cpu_ns : 0;
		return;
	}
}

static bool is_unnamed(const struct prof_frame *f)
{
	return strcmp(f->language, "native") == 0 && f->module && !is_named(f);
}

/* What an interpreter does in a stack, worked out once for each. */
struct doing {
	bool known, gc;
	uint32_t importer; /* the outermost import's caller; UINT32_MAX none */
};

static const struct doing *doing_of(struct doing *v, const struct profile *p, uint32_t stack)
{
	struct doing *d = &v[stack];

	if (d->known)
		return d;
	*d = (struct doing){ .known = true, .importer = UINT32_MAX };
	for (uint32_t i = 0; i < p->stack_len[stack]; i++) {
		uint32_t id = p->pool[p->stack_first[stack] + i];

		d->gc |= is_collector(&p->frames[id]);
		if (is_import(&p->frames[id]) && i + 1 < p->stack_len[stack])
			d->importer = p->pool[p->stack_first[stack] + i + 1];
	}
	return d;
}

static void runtime_sample(struct runtime *r, const struct profile *p, const struct prof_sample *x,
			   const struct doing *d)
{
	uint32_t importer = d->importer;

	r->cpu_ns += x->cpu_ns;
	r->samples++;
	if (p->stack_len[x->stack] && is_unnamed(&p->frames[p->pool[p->stack_first[x->stack]]]))
		r->unnamed_ns += x->cpu_ns;
	jit_sample(r, p, x);
	if (d->gc)
		r->gc_ns += x->cpu_ns;
	if (importer == UINT32_MAX)
		return;
	r->import_ns += x->cpu_ns;
	if (p->frames[importer].function && x->cpu_ns > r->importer_ns) {
		r->importer = importer;
		r->importer_ns = x->cpu_ns;
	}
}

static void runtime_row(struct facts *f, const struct profile *p, const struct runtime *r, const char *file)
{
	struct fact_row *row = fact_add(f, FACT_RUNTIME, file, "/samples");

	if (!row || r->cpu_ns <= 0)
		return;
	fact_set_text(f, row, FC_RUNTIME_language, r->language);
	fact_set_num(row, FC_RUNTIME_cpu_ms, (double)r->cpu_ns / 1e6);
	if (r->gc_ns || r->unnamed_ns < r->cpu_ns / 4) {
		fact_set_num(row, FC_RUNTIME_gc_share, (double)r->gc_ns / (double)r->cpu_ns);
		fact_set_num(row, FC_RUNTIME_gc_ms, (double)r->gc_ns / 1e6);
	}
	if (r->counted)
		fact_set_int(row, FC_RUNTIME_gc_pauses, r->pauses);
	if (r->interpreter_only)
		fact_set_num(row, FC_RUNTIME_jit_share, 0);
	else if (strcmp(r->language, "javascript") == 0 && r->own_ns > 0)
		fact_set_num(row, FC_RUNTIME_jit_share, (double)r->jit_ns / (double)r->own_ns);
	fact_set_num(row, FC_RUNTIME_import_share, (double)r->import_ns / (double)r->cpu_ns);
	fact_set_num(row, FC_RUNTIME_import_ms, (double)r->import_ns / 1e6);
	fact_set_int(row, FC_RUNTIME_samples, r->samples);
	if (r->importer != UINT32_MAX) {
		fact_set_text(f, row, FC_RUNTIME_import_function, p->frames[r->importer].function);
		fact_set_text(f, row, FC_RUNTIME_import_file, p->frames[r->importer].file);
	}
}

/* What each thread's process runs: a collector's own threads have no frames of the language. */
static const char **languages_of(const struct profile *p)
{
	static const char *const by_name[][2] = { { "java", "java" }, { "node", "javascript" }, { "ruby", "ruby" } };
	const char **v = xcalloc(p->thread_count + 1, sizeof(*v)), **of = xcalloc(p->thread_count + 1, sizeof(*of));

	for (size_t i = 0; i < p->sample_count; i++)
		if (!of[p->samples[i].thread])
			of[p->samples[i].thread] = language_of(p, p->samples[i].stack);
	for (size_t i = 0; i < p->thread_count; i++) {
		for (size_t k = 0; k < p->thread_count && !v[i]; k++)
			if (p->threads[k].pid == p->threads[i].pid)
				v[i] = of[k];
		for (size_t k = 0; k < 3 && !v[i]; k++)
			if (p->threads[i].comm && strcmp(p->threads[i].comm, by_name[k][0]) == 0)
				v[i] = by_name[k][1];
	}
	free(of);
	return v;
}

static size_t runtimes_of(const struct profile *p, struct runtime v[RUNTIMES_MAX])
{
	auto_free struct doing *doing = xcalloc(p->stack_index.n + 1, sizeof(*doing));
	const char **languages = languages_of(p);
	size_t n = 0;

	for (size_t i = 0; i < p->sample_count; i++) {
		const char *language = p->samples[i].wait < 0 ? languages[p->samples[i].thread] : NULL;
		size_t k = 0;

		if (!language)
			continue;
		while (k < n && strcmp(v[k].language, language) != 0)
			k++;
		if (k == RUNTIMES_MAX)
			continue;
		if (k == n)
			v[n++] = (struct runtime){ .language = language, .importer = UINT32_MAX };
		runtime_sample(&v[k], p, &p->samples[i], doing_of(doing, p, p->samples[i].stack));
	}
	free(languages);
	return n;
}

/* Collections that a runtime counts itself, over all of its processes. */
static void pauses_of(const struct raw *raw, struct runtime *v, size_t n)
{
	for (size_t i = 0; i < raw->note_count; i++) {
		struct json_reader *reader;
		const struct json_value *u, *language;
		struct err e;

		if (strcmp(raw->notes[i].kind, "usage") != 0)
			continue;
		reader = json_reader_text(raw->notes[i].text, raw->notes[i].n, "usage");
		if (json_take(reader, &u, &e) == 0 && (language = json_get(u, "gc_language")) &&
		    language->kind == JSON_STRING)
			for (size_t k = 0; k < n; k++)
				if (strcmp(v[k].language, language->text) == 0) {
					v[k].counted = true;
					v[k].pauses += json_get(u, "gc_pauses")->integer;
					v[k].pauses_ms += json_get(u, "gc_ms")->integer;
				}
		json_reader_free(reader);
	}
}

void sampled_gc(const struct profile *p, const struct raw *raw, struct json *j)
{
	struct runtime v[RUNTIMES_MAX];
	size_t n = runtimes_of(p, v);
	int64_t cpu = 0, gc = 0;

	pauses_of(raw, v, n);
	json_object(j, "runtimes");
	for (size_t k = 0; k < n; k++) {
		cpu += v[k].cpu_ns;
		gc += v[k].gc_ns;
		json_object(j, v[k].language);
		json_fixed(j, "cpu_ms", (double)v[k].cpu_ns / 1e6, 3);
		json_fixed(j, "gc_ms", (double)v[k].gc_ns / 1e6, 3);
		json_fixed(j, "gc_share", v[k].cpu_ns ? (double)v[k].gc_ns / (double)v[k].cpu_ns : 0, 4);
		json_int(j, "samples_count", v[k].samples);
		if (v[k].counted) {
			json_int(j, "pauses_count", v[k].pauses);
			json_int(j, "pauses_ms", v[k].pauses_ms);
		}
		json_object_end(j);
	}
	json_object_end(j);
	json_fixed(j, "gc_ms", (double)gc / 1e6, 3);
	json_fixed(j, "gc_share", cpu ? (double)gc / (double)cpu : 0, 4);
}

void sampled_runtimes(struct facts *f, const struct profile *p, const struct raw *raw, const char *file)
{
	struct runtime v[RUNTIMES_MAX];
	size_t n = runtimes_of(p, v);

	pauses_of(raw, v, n);
	for (size_t k = 0; k < n; k++)
		runtime_row(f, p, &v[k], file);
}

/* ---- work that tests repeat ---- */

struct repeated {
	uint32_t frame;
	int64_t ns;
	uint32_t tests;
	int32_t last_span;
	int64_t run_ns, most_ns; /* of the last test, and of the one with most of it */
};

enum { REPEATS_MAX = 4096, TESTS_LEAST = 5, DEPTH_LEAST = 3 };

static bool is_own(const struct prof_frame *f)
{
	return is_named(f) && f->file && f->file[0] != '/' && f->file[0] != '<' && !strstr(f->file, "site-packages");
}

static void repeat_add(struct repeated *v, size_t *n, uint32_t frame, int32_t span, int64_t ns)
{
	size_t i = 0;

	while (i < *n && v[i].frame != frame)
		i++;
	if (i == REPEATS_MAX)
		return;
	if (i == *n)
		v[(*n)++] = (struct repeated){ .frame = frame, .last_span = -1 };
	v[i].ns += ns;
	if (v[i].last_span != span) {
		v[i].tests++;
		v[i].run_ns = 0;
	}
	v[i].last_span = span;
	v[i].run_ns += ns;
	if (v[i].run_ns > v[i].most_ns)
		v[i].most_ns = v[i].run_ns;
}

static int most_first(const void *a, const void *b)
{
	const struct repeated *x = a, *y = b;

	return x->ns != y->ns ? (x->ns > y->ns ? -1 : 1) : x->frame < y->frame ? -1 : x->frame > y->frame;
}

/* What lies outside of the runner's frames starts all tests, and is no work of theirs. */
static bool is_runner(const struct prof_frame *f)
{
	struct frame_words words = { .language = f->language, .function = f->function, .file = f->file,
				     .module = f->module, .line = f->line };

	return is_named(f) && frame_home(&words) == FRAME_RUNNER;
}

/* The frames of a stack, innermost first, that a test may have caused. runner: by frame, 0 unknown, 1 not, 2 is one. */
static uint32_t frames_of_test(const struct profile *p, uint32_t stack, uint8_t *runner)
{
	uint32_t len = p->stack_len[stack];

	for (uint32_t k = 0; k < len; k++) {
		uint32_t id = p->pool[p->stack_first[stack] + k];

		if (!runner[id])
			runner[id] = is_runner(&p->frames[id]) ? 2 : 1;
		if (runner[id] == 2)
			return k;
	}
	return len;
}

/* The outermost functions of the program itself, below which at least three frames stand, that many tests run through, and
 * none of them for most of it: that one would not get faster if it were done once. Samples come in order of time: a test
 * that comes again is counted again only if another came between. */
void sampled_repeats(struct facts *f, const struct profile *p, const char *file)
{
	auto_free uint8_t *runner = xcalloc(p->frame_index.n + 1, 1);
	struct repeated *v = xcalloc(REPEATS_MAX, sizeof(*v));
	int64_t all = 0;
	size_t n = 0;

	for (size_t i = 0; i < p->sample_count; i++) {
		const struct prof_sample *x = &p->samples[i];
		uint32_t len;

		if (x->wait >= 0 || x->span < 0 || !p->spans[x->span].is_case)
			continue;
		len = frames_of_test(p, x->stack, runner);
		all += x->cpu_ns;
		for (uint32_t k = DEPTH_LEAST - 1; k < len; k++) {
			uint32_t id = p->pool[p->stack_first[x->stack] + k];

			if (is_own(&p->frames[id]))
				repeat_add(v, &n, id, x->span, x->cpu_ns);
		}
	}
	if (n)
		qsort(v, n, sizeof(*v), most_first);
	for (size_t i = 0, rows = 0; i < n && rows < 10 && all > 0; i++) {
		const struct prof_frame *at = &p->frames[v[i].frame];
		bool shared = v[i].tests >= TESTS_LEAST && v[i].most_ns <= v[i].ns / 2;
		struct fact_row *r = shared ? fact_add(f, FACT_REPEAT, file, "/samples") : NULL;

		if (!r)
			continue;
		rows++;
		fact_set_text(f, r, FC_REPEAT_function, at->function);
		fact_set_text(f, r, FC_REPEAT_file, at->file);
		if (at->line > 0)
			fact_set_int(r, FC_REPEAT_line, at->line);
		fact_set_text(f, r, FC_REPEAT_signature, at->function);
		fact_set_int(r, FC_REPEAT_tests, v[i].tests);
		fact_set_num(r, FC_REPEAT_cpu_ms, (double)v[i].ns / 1e6);
		fact_set_num(r, FC_REPEAT_share, (double)v[i].ns / (double)all);
	}
	free(v);
}

/* ---- from the program's outermost function to where the time went ---- */

struct way {
	const char *root, *place;
	int64_t ns;
};
enum { WAYS_MAX = 4096, WAYS_SHOWN = 30 };

static int widest_first(const void *a, const void *b)
{
	const struct way *x = a, *y = b;
	int order = x->ns != y->ns ? (x->ns > y->ns ? -1 : 1) : strcmp(x->root, y->root);

	return order ? order : strcmp(x->place, y->place);
}

void sampled_stacks(struct facts *f, const struct profile *p, const char *file)
{
	struct way *v = xcalloc(WAYS_MAX, sizeof(*v));
	int64_t all = 0;
	size_t n = 0;

	for (size_t i = 0; i < p->sample_count; i++) {
		const struct prof_sample *x = &p->samples[i];
		uint32_t len = p->stack_len[x->stack];
		const char *place = p->frames[profile_place(p, x->stack)].function, *root = NULL;
		size_t k = 0;

		if (x->wait >= 0)
			continue;
		all += x->cpu_ns;
		for (uint32_t d = len; d-- > 0 && !root;)
			if (is_own(&p->frames[p->pool[p->stack_first[x->stack] + d]]))
				root = p->frames[p->pool[p->stack_first[x->stack] + d]].function;
		if (!root || !place)
			continue;
		while (k < n && (strcmp(v[k].root, root) != 0 || strcmp(v[k].place, place) != 0))
			k++;
		if (k == WAYS_MAX)
			continue;
		if (k == n)
			v[n++] = (struct way){ root, place, 0 };
		v[k].ns += x->cpu_ns;
	}
	if (n)
		qsort(v, n, sizeof(*v), widest_first);
	for (size_t i = 0; i < n && i < WAYS_SHOWN && all > 0; i++) {
		struct fact_row *r = fact_add(f, FACT_STACK, file, "/samples");

		if (!r)
			break;
		fact_set_text(f, r, FC_STACK_root_function, v[i].root);
		fact_set_text(f, r, FC_STACK_function, v[i].place);
		fact_set_num(r, FC_STACK_share, (double)v[i].ns / (double)all);
		fact_set_num(r, FC_STACK_cpu_ms, (double)v[i].ns / 1e6);
	}
	free(v);
}

/* ---- against a baseline ---- */

static int64_t hots_of(struct hots *h, const struct profile *p)
{
	int64_t all = 0;

	for (size_t i = 0; i < p->sample_count; i++)
		if (p->samples[i].wait < 0) {
			sample_take(h, p, &p->samples[i], (uint32_t)i + 1);
			all += p->samples[i].cpu_ns;
		}
	return all;
}

static int64_t same_self(const struct hots *h, const struct hot *k)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->v[i].function, k->function) == 0 &&
		    (h->v[i].file ? k->file && strcmp(h->v[i].file, k->file) == 0 : !k->file))
			return h->v[i].self_ns;
	return 0;
}

void sampled_diff(struct facts *f, const struct profile *now, const struct profile *before, const char *run_id)
{
	auto_free char *shown = xasprintf("raw/%s/profile.json", run_id);
	const char *file = facts_strn(f, shown, strlen(shown));
	struct hots a = { 0 }, b = { 0 };
	int64_t after_all = hots_of(&a, now), before_all = hots_of(&b, before);

	for (size_t i = 0; i < a.n && after_all > 0 && before_all > 0; i++) {
		double after = (double)a.v[i].self_ns / (double)after_all;
		double was = (double)same_self(&b, &a.v[i]) / (double)before_all;
		struct fact_row *r = after > 0.01 ? fact_add(f, FACT_DIFF, file, "/samples") : NULL;

		if (!r)
			continue;
		fact_set_text(f, r, FC_DIFF_function, a.v[i].function);
		fact_set_text(f, r, FC_DIFF_file, a.v[i].file);
		if (a.v[i].line_n && a.v[i].lines[0].line > 0)
			fact_set_int(r, FC_DIFF_line, a.v[i].lines[0].line);
		fact_set_num(r, FC_DIFF_before_share, was);
		fact_set_num(r, FC_DIFF_after_share, after);
		fact_set_num(r, FC_DIFF_before_ms, was * (double)before_all / 1e6);
		fact_set_num(r, FC_DIFF_after_ms, (double)a.v[i].self_ns / 1e6);
		fact_set_num(r, FC_DIFF_change, after - was);
		fact_set_num(r, FC_DIFF_times, was > 0 ? after / was : 1000);
		fact_set_num(r, FC_DIFF_grown_ms, (double)a.v[i].self_ns / 1e6 - was * (double)before_all / 1e6);
		fact_set_int(r, FC_DIFF_samples, (int64_t)(now->sample_count < before->sample_count ? now->sample_count :
							   before->sample_count));
	}
	hots_release(&a);
	hots_release(&b);
}
