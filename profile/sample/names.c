/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - places in files become functions, files and lines, all of a file in one pass; interpreters' frames take the
 * place of the native function that ran them. */
#include "profile/sample/finish.h"

#include "profile/lang/go_table.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 1024 };

static const char *path_shown(const char *path, const char *root)
{
	size_t n = root ? strlen(root) : 0;

	if (path && n > 1 && strncmp(path, root, n) == 0 && path[n] == '/')
		return path + n + 1;
	return path;
}

static struct walk_image *image_again(struct walk_images *images, const struct raw_image *m)
{
	struct map_entry map = { .inode = m->inode, .dev_major = m->dev_major, .dev_minor = m->dev_minor, .path = m->path,
				 .x = true };

	return walk_image(images, 0, &map);
}

/* A fake snapshot: one thread a place, so that the readers of names and lines can be used as they are. */
static void snapshot_make(struct snapshot *s, struct snap_process *p, const struct raw *r, struct walk_images *images,
			  uint32_t *thread_of)
{
	for (size_t i = 0; i < r->entry_count; i++) {
		const struct book_entry *x = &r->entries[i];
		struct walk_image *w;
		struct snap_frame *f;

		thread_of[i] = UINT32_MAX;
		if (x->kind != ENTRY_NATIVE || x->image >= r->image_count)
			continue;
		w = x->image < images->n ? images->v[x->image] : NULL;
		if (!w || !image_ready(w->im))
			continue;
		thread_of[i] = (uint32_t)p->thread_count;
		f = thread_frame_add(&p->threads[p->thread_count++]);
		*f = (struct snap_frame){ .language = "native", .offset = x->vaddr, .activation = x->activation,
				.image = w->im,
					  .build_id_len = w->im->elf.build_id_len };
		memcpy(f->build_id, w->im->elf.build_id, sizeof(f->build_id));
	}
	s->processes = p;
	s->process_count = 1;
}

static void build_id_text(const struct snap_frame *f, char out[2 * BUILD_ID_MAX + 1])
{
	static const char hex[] = "0123456789abcdef";

	for (unsigned i = 0; i < f->build_id_len; i++) {
		out[2 * i] = hex[f->build_id[i] >> 4];
		out[2 * i + 1] = hex[f->build_id[i] & 15];
	}
	out[2 * f->build_id_len] = '\0';
}

static void named_add(struct named *n, size_t entry, uint32_t frame)
{
	if (!(n->pool_n & (n->pool_n - 1)))
		n->pool = xreallocarray(n->pool, n->pool_n ? n->pool_n * 2 : 1, sizeof(*n->pool));
	if (!n->count[entry])
		n->first[entry] = (uint32_t)n->pool_n;
	n->pool[n->pool_n++] = frame;
	n->count[entry]++;
}

/* "f.constprop.0", "ns::f(int) [clone .isra.0]": what the compiler made of a function has the function's own name. */
static char *name_plain(const char *name)
{
	static const char *const parts[] = { ".constprop.", ".isra.", ".part.", ".lto_priv.", ".cold", " [clone ",
					     "@@", NULL };
	size_t n = name ? strlen(name) : 0;

	for (size_t i = 0; n && parts[i]; i++) {
		const char *at = strstr(name + 1, parts[i]);

		if (at && (size_t)(at - name) < n)
			n = (size_t)(at - name);
	}
	return name ? xstrndup(name, n) : NULL;
}

static bool runs_frames(const char *function)
{
	return function &&
	       (strncmp(function, "_PyEval_EvalFrameDefault", 24) == 0 || strncmp(function, "_TAIL_CALL_", 11) == 0);
}

static void go_name_put(struct prof_frame *f, const struct elf_file *elf, uint64_t vaddr, bool caller,
			const struct finish_options *o)
{
	uint64_t pc = vaddr - (caller ? 1 : 0);
	struct go_function fn;
	struct go_table g;

	if (!go_table_of_file(&g, elf) || !go_function_at(&g, pc, &fn))
		return;
	f->language = "go";
	if (f->function)
		return;
	f->function = go_name(&g, fn.name);
	f->file = path_shown(go_place(&g, &fn, pc, &f->line), o->root);
	if (f->file && strcmp(f->file, "?") == 0)
		f->file = NULL;
}

static void entry_native(struct named *n, struct profile *p, const struct raw *r, size_t i, const struct snap_thread *t,
			 const struct finish_options *o)
{
	const char *module = r->images[r->entries[i].image].path;
	char id[2 * BUILD_ID_MAX + 1];

	for (size_t k = 0; t && k < t->frame_count; k++) {
		const struct snap_frame *s = &t->frames[k];
		auto_free char *name = name_plain(s->function);
		struct prof_frame f = { .language = "native", .function = name, .file = path_shown(s->file, o->root),
					.line = s->line, .module = path_shown(module, o->root),
					.inlined = s->inlined };

		if (s->image)
			go_name_put(&f, &((const struct image *)s->image)->elf, r->entries[i].vaddr, !s->activation, o);
		if (s->image && !k)
			f.unoptimised = image_unoptimised(s->image, r->entries[i].vaddr - (s->activation ? 0 : 1));
		build_id_text(s, id);
		f.build_id = id[0] ? id : NULL;
		/* Two places of one line are one frame to the reader; without a name the place is all there is. */
		f.offset = f.function ? 0 : s->offset;
		n->evaluation[i] |= runs_frames(s->function);
		named_add(n, i, profile_frame(p, &f));
	}
	if (!t || !t->frame_count) {
		struct prof_frame f = { .language = "native", .module = path_shown(module, o->root),
					.offset = r->entries[i].vaddr };

		named_add(n, i, profile_frame(p, &f));
	}
}

static void entry_other(struct named *n, struct profile *p, const struct raw *r, size_t i, const struct finish_options *o)
{
	const struct book_entry *x = &r->entries[i];
	struct prof_frame f = { .language = "native" };

	if (x->kind == ENTRY_MARK)
		return;
	if (x->kind == ENTRY_SCRIPT) {
		if (!x->function)
			return; /* the mark of an evaluation's end */
		f.language = x->language ? x->language : "python";
		f.function = x->function;
		f.file = path_shown(x->file, o->root);
		f.line = x->line;
		f.compiled = x->entry && strcmp(f.language, "javascript") == 0;
	} else {
		f.function = x->image == ENTRY_KERNEL ? "[kernel]" : "[unknown]";
	}
	named_add(n, i, profile_frame(p, &f));
}

void names_resolve(struct named *n, struct profile *p, const struct raw *r, struct walk_images *images,
		   const struct finish_options *o)
{
	struct snapshot s = { 0 };
	struct snap_process proc = { 0 };
	auto_free uint32_t *thread_of = xcalloc(r->entry_count + 1, sizeof(*thread_of));

	*n = (struct named){ .first = xcalloc(r->entry_count + 1, sizeof(uint32_t)),
			     .count = xcalloc(r->entry_count + 1, sizeof(uint32_t)),
			     .evaluation = xcalloc(r->entry_count + 1, sizeof(bool)) };
	unsetenv("DEBUGINFOD_URLS");
	elf_version(EV_CURRENT);
	for (size_t i = images->n; i < r->image_count; i++)
		image_again(images, &r->images[i]);
	proc.threads = xcalloc(r->entry_count + 1, sizeof(*proc.threads));
	snapshot_make(&s, &proc, r, images, thread_of);
	snapshot_names(&s);
	for (size_t i = 0; o->lines && i < proc.thread_count; i++)
		lines_thread(&proc.threads[i]);
	for (size_t i = 0; i < r->entry_count; i++) {
		if (r->entries[i].kind == ENTRY_NATIVE && r->entries[i].image < r->image_count)
			entry_native(n, p, r, i, thread_of[i] == UINT32_MAX ? NULL : &proc.threads[thread_of[i]], o);
		else
			entry_other(n, p, r, i, o);
	}
	for (size_t i = 0; i < proc.thread_count; i++) {
		for (size_t k = 0; k < proc.threads[i].frame_count; k++)
			snap_frame_release(&proc.threads[i].frames[k]);
		free(proc.threads[i].frames);
	}
	free(proc.threads);
}

void names_release(struct named *n)
{
	free(n->first);
	free(n->count);
	free(n->pool);
	free(n->evaluation);
}

struct merging {
	const struct named *n;
	uint32_t out[FRAMES_MAX];
	size_t count;
};

static void merge_entry(struct merging *m, uint32_t entry)
{
	for (uint32_t k = 0; k < m->n->count[entry] && m->count < FRAMES_MAX; k++)
		m->out[m->count++] = m->n->pool[m->n->first[entry] + k];
}

/* One native evaluation's frames, innermost first. */
static size_t merge_evaluation(struct merging *m, const struct raw *r, const uint32_t *ids, size_t at, size_t n)
{
	while (at < n) {
		const struct book_entry *x = &r->entries[ids[at]];

		if (x->function)
			merge_entry(m, ids[at]);
		at++;
		if (x->entry)
			break;
	}
	return at;
}

static size_t evaluations_without(const struct named *n, const struct raw *r, const uint32_t *ids, size_t mark, size_t len)
{
	size_t native = 0, script = 0;

	for (size_t i = 0; i < mark; i++)
		native += n->evaluation[ids[i]];
	for (size_t i = mark + 1; i < len; i++)
		script += r->entries[ids[i]].entry;
	/* The mark says whether the native stack was followed to its end. */
	return r->entries[ids[mark]].entry && native > script ? native - script : 0;
}

static bool has_language(const struct raw *r, const uint32_t *ids, size_t len, const char *language)
{
	for (size_t i = 0; i < len; i++)
		if (r->entries[ids[i]].kind == ENTRY_SCRIPT && r->entries[ids[i]].language &&
		    strcmp(r->entries[ids[i]].language, language) == 0)
			return true;
	return false;
}

/* A frame of V8's machinery, or of code that it has made. */
static bool is_machine(const struct named *n, const struct profile *p, const struct raw *r, uint32_t entry)
{
	const char *name = n->count[entry] ? p->frames[n->pool[n->first[entry]]].function : NULL;

	return r->entries[entry].kind == ENTRY_NATIVE && r->entries[entry].image != ENTRY_KERNEL &&
	       (!name || strcmp(name, "[unknown]") == 0 || strncmp(name, "Builtins_", 9) == 0);
}

uint32_t names_stack(const struct named *n, struct profile *p, const struct raw *r, uint32_t stack)
{
	static struct merging m;
	const uint32_t *ids = r->pool + r->stack_first[stack];
	size_t len = r->stack_len[stack], mark = 0, at, without = 0;
	bool js;

	m.n = n;
	m.count = 0;
	while (mark < len && r->entries[ids[mark]].kind != ENTRY_MARK)
		mark++;
	at = mark + 1;
	if (mark < len)
		without = evaluations_without(n, r, ids, mark, len);
	js = has_language(r, ids, len, "javascript");
	for (size_t i = 0; i < mark; i++) {
		if (js && is_machine(n, p, r, ids[i]))
			continue; /* what runs JavaScript: its own frames are in that place */
		if (mark == len || !n->evaluation[ids[i]]) {
			merge_entry(&m, ids[i]);
		} else if (without) { /* just entered: it has no frame yet */
			without--;
		} else {
			at = merge_evaluation(&m, r, ids, at, len);
		}
	}
	while (at < len)
		at = merge_evaluation(&m, r, ids, at, len);
	if (!m.count) {
		struct prof_frame unknown = { .language = "native", .function = "[unknown]" };

		m.out[m.count++] = profile_frame(p, &unknown);
	}
	return profile_stack(p, m.out, m.count);
}
