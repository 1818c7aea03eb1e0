/* SPDX-License-Identifier: Apache-2.0 */
/* python.c - Python frames of a running thread, as few reads as can be while it stands. */
#include "profile/sample/sampler.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { THREADS_MAX = 20000, TRIES_MAX = 40, PLACE_HITS = 256, ASKED_MAX = 4 };
#define TRY_AGAIN_NS (5 * NS_PER_MS)
#define LIST_NS (1000 * NS_PER_MS)
#define ASK_NS (15 * NS_PER_MS)

static bool image_is_python(const char *path)
{
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;

	return strncmp(base, "python3", 7) == 0 || strncmp(base, "libpython3", 10) == 0 || strcmp(base, "python") == 0;
}

static unsigned minor_of(struct spython *py, struct walk_image *w, uint64_t bias)
{
	uint64_t at = elf_file_symbol(&w->im->elf, "Py_Version", false), version = 0;
	const char *named = strstr(w->path, "python3.");

	if (at && peek_u64(&py->peek, at + bias, &version) && version >> 24 == 3)
		return (unsigned)(version >> 16 & 0xff);
	return named ? (unsigned)strtoul(named + 8, NULL, 10) : 0;
}

static bool runtime_find(struct spython *py, struct walk_map *m)
{
	unsigned char table[PYTHON_DEBUG_OFFSETS_BYTES];
	const struct python_layout *l;
	Elf64_Sym symbol;
	uint64_t vaddr;
	unsigned minor;

	if (!m->image || !image_is_python(m->image->path) || !walk_image_ready(m->image) ||
	    !elf_file_vaddr(&m->image->im->elf, m->offset, &vaddr))
		return false;
	if (!elf_file_symbol_entry(&m->image->im->elf, "_PyRuntime", false, &symbol))
		return false;
	py->runtime = symbol.st_value + (m->start - vaddr);
	py->runtime_bytes = symbol.st_size;
	if (!peek_full(&py->peek, py->runtime, table, sizeof(table)))
		return false;
	if (python_debug_offsets(table, sizeof(table), &py->m.l))
		return true;
	minor = minor_of(py, m->image, m->start - vaddr);
	l = minor && minor < 13 ? python_layout_of(minor, false) : NULL;
	if (!l)
		return false;
	py->m.l = *l;
	return true;
}

/* Before 3.11 a state names its thread by pthread_t alone: glibc's record of the thread, which holds the tid. */
static pid_t tid_by_ident(struct spython *py, struct sproc *p, uint64_t ident)
{
	uint32_t words[256];

	if (!peek_full(&py->peek, ident, words, sizeof(words)))
		return 0;
	for (size_t i = 128; i < 256; i++)
		for (struct sthread *t = p->threads; t; t = t->next)
			if (words[i] == (uint32_t)t->tid)
				return t->tid;
	return 0;
}

static void state_add(struct spython *py, struct sproc *p, uint64_t state)
{
	uint64_t id = 0, ident = 0;
	pid_t tid;

	if (py->m.l.thread_native_id) {
		if (!python_u64(&py->m, state + py->m.l.thread_native_id, &id))
			return;
		tid = (pid_t)id;
	} else {
		if (!python_u64(&py->m, state + py->m.l.thread_id, &ident))
			return;
		tid = tid_by_ident(py, p, ident);
	}
	if (!tid)
		return;
	py->states = xreallocarray(py->states, py->state_count + 1, sizeof(*py->states));
	py->states[py->state_count].tid = tid;
	py->states[py->state_count++].state = state;
}

static void states_list(struct spython *py, struct sproc *p, int64_t now)
{
	struct python_mem *m = &py->m;
	uint64_t interpreter, state;
	unsigned interpreters = 0;

	py->listed_ns = now;
	py->state_count = 0;
	python_forget(m);
	if (!python_u64(m, py->runtime + m->l.runtime_interpreters, &interpreter))
		return;
	while (interpreter && interpreters++ < 64) {
		if (!python_u64(m, interpreter + m->l.interp_threads, &state))
			return;
		while (state && py->state_count < THREADS_MAX) {
			state_add(py, p, state);
			if (!python_u64(m, state + m->l.thread_next, &state))
				break;
		}
		if (!python_u64(m, interpreter + m->l.interp_next, &interpreter))
			break;
	}
}

bool spython_ready(struct sampler *s, struct sproc *p, int64_t now)
{
	struct spython *py = p->python;

	(void)s;
	if (!p->scripted)
		return false;
	if (!py) {
		py = p->python = xcalloc(1, sizeof(*py));
		py->peek = (struct peek){ .pid = p->pid, .mem_fd = -1 };
		python_mem_init(&py->m, &py->peek);
	}
	/* A process that has just begun has no runtime yet. */
	if (!py->ok && py->tries < TRIES_MAX && now - py->tried_ns >= TRY_AGAIN_NS) {
		py->tries++;
		py->tried_ns = now;
		for (size_t i = 0; i < p->space.n && !py->ok; i++)
			py->ok = runtime_find(py, &p->space.v[i]);
	}
	if (py->ok && now - py->listed_ns >= LIST_NS)
		states_list(py, p, now);
	return py->ok;
}

/* The lock of the interpreter lies in its runtime's own variables, whatever its functions are called. */
bool spython_is_gil(const struct sproc *p, uint64_t futex)
{
	const struct spython *py = p->python;

	return py && py->ok && futex >= py->runtime && futex - py->runtime < py->runtime_bytes;
}

void spython_expect(struct sproc *p, struct sthread *t, int64_t now)
{
	struct spython *py = p->python;

	for (size_t i = 0; i < py->state_count; i++)
		if (py->states[i].tid == t->tid)
			return;
	if (t->python_asked >= ASKED_MAX || now - py->listed_ns < ASK_NS)
		return;
	t->python_asked++;
	states_list(py, p, now);
}

size_t spython_walk(struct sampler *s, struct sproc *p, pid_t tid, struct python_frame *out, size_t max)
{
	struct spython *py = p->python;
	uint64_t id;
	size_t n = 0;
	bool torn;

	(void)s;
	if (!py || !py->ok)
		return 0;
	python_forget(&py->m);
	for (size_t i = 0; i < py->state_count && n < max; i++) {
		if (py->states[i].tid != tid)
			continue;
		/* The state may be another thread's by now. */
		if (py->m.l.thread_native_id && (!python_u64(&py->m, py->states[i].state + py->m.l.thread_native_id, &id) ||
						  (pid_t)id != tid)) {
			py->listed_ns = 0;
			continue;
		}
		n += python_walk(&py->m, py->states[i].state, out + n, max - n, &torn);
	}
	if (!n)
		py->listed_ns = py->listed_ns > LIST_NS / 4 ? py->listed_ns - LIST_NS / 4 : 0;
	return n;
}

struct place_key {
	const struct spython *py;
	uint64_t code, instr;
};

static bool place_same(const void *arg, uint32_t id)
{
	const struct place_key *k = arg;

	return k->py->place[id].code == k->code && k->py->place[id].instr == k->instr;
}

static uint32_t place_read(struct sampler *s, struct spython *py, const struct python_frame *f)
{
	struct book_entry e = { .kind = ENTRY_SCRIPT, .language = "python", .entry = f->entry };
	struct python_place place;
	uint32_t id;

	if (!python_place(&py->m, f, &place)) {
		e.function = "[unknown]";
		return book_entry(&s->book, &e);
	}
	e.function = place.function;
	e.file = place.file;
	e.line = place.line;
	id = book_entry(&s->book, &e);
	free(place.function);
	free(place.file);
	return id;
}

/* Names are kept by the address of the code object; once in a while they are read again, for an address may be used
 * again. */
static uint32_t place_entry(struct sampler *s, struct spython *py, const struct python_frame *f)
{
	struct place_key key = { py, f->code, f->instr };
	uint64_t w[2] = { f->code, f->instr }, hash = hash_bytes(5, w, sizeof(w));
	uint32_t id = intern_find(&py->places, hash, place_same, &key);

	if (id == INTERN_NONE) {
		id = intern_add(&py->places, hash);
		if (id >= py->place_cap) {
			py->place_cap = py->place_cap ? py->place_cap * 2 : 64;
			py->place = xreallocarray(py->place, py->place_cap, sizeof(*py->place));
		}
		py->place[id].code = f->code;
		py->place[id].instr = f->instr;
		py->place[id].hits = 0;
	}
	if (py->place[id].hits++ % PLACE_HITS == 0)
		py->place[id].entry = place_read(s, py, f);
	return py->place[id].entry;
}

size_t spython_name(struct sampler *s, struct sproc *p, const struct python_frame *frames, size_t n, uint32_t *out)
{
	struct spython *py = p->python;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct book_entry shim = { .kind = ENTRY_SCRIPT, .language = "python", .entry = true };

		out[count++] = frames[i].shim ? book_entry(&s->book, &shim) : place_entry(s, py, &frames[i]);
	}
	return count;
}

void spython_free(struct sproc *p)
{
	struct spython *py = p->python;

	if (!py)
		return;
	python_mem_release(&py->m);
	free(py->states);
	intern_release(&py->places);
	free(py->place);
	free(py);
	p->python = NULL;
}
