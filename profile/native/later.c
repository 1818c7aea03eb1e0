/* SPDX-License-Identifier: Apache-2.0 */
/* later.c - names for frames that were recorded as build-id and offset, on another day or another machine: wherever
 * a file of the same build is, its names are those of then. */
#include "profile/native/resolve.h"

#include "base/frame_home.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static bool of_build(const struct elf_file *elf, const struct snap_frame *f)
{
	return elf->build_id_len == f->build_id_len && memcmp(elf->build_id, f->build_id, f->build_id_len) == 0;
}

static struct image *image_add(struct resolver *r, const char *path)
{
	struct image *im = xcalloc(1, sizeof(*im));

	*im = (struct image){ .path = xstrdup(path), .fd = -1, .debug_fd = -1, .tried = true,
			      .runtime = frame_module_is_runtime(path) };
	r->images = xreallocarray(r->images, r->image_count + 1, sizeof(struct image *));
	r->images[r->image_count++] = im;
	return im;
}

static struct image *image_from_path(struct resolver *r, const char *path)
{
	struct image *im = image_add(r, path);

	im->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	im->readable = im->fd >= 0 && elf_file_open(&im->elf, im->fd) == 0;
	return im;
}

/* The file of the frame's build: one that was given, the one at the path of then, or a debug file alone. */
static struct image *image_of(struct resolver *r, const struct snap_frame *f)
{
	struct image *im;
	bool tried = false;

	for (size_t i = 0; i < r->image_count; i++) {
		if (of_build(&r->images[i]->elf, f))
			return r->images[i]->readable ? r->images[i] : NULL;
		tried |= f->module && strcmp(r->images[i]->path, f->module) == 0;
	}
	im = f->module && f->module[0] == '/' && !tried ? image_from_path(r, f->module) : NULL;
	if (im && of_build(&im->elf, f))
		return im;
	im = image_add(r, f->module ? f->module : "");
	im->elf.build_id_len = f->build_id_len;
	memcpy(im->elf.build_id, f->build_id, f->build_id_len);
	im->readable = image_debug(im) != NULL;
	return im->readable ? im : NULL;
}

static bool wants_names(const struct snap_frame *f, bool lines)
{
	return strcmp(f->language, "native") == 0 && f->build_id_len && (lines ? !f->file : !f->function);
}

/* Marks the frames that are to be looked up; how many. */
static size_t frames_mark(struct resolver *r, bool lines)
{
	size_t marked = 0;

	for (size_t i = 0; i < r->s->process_count; i++)
		for (size_t k = 0; k < r->s->processes[i].thread_count; k++) {
			struct snap_thread *t = &r->s->processes[i].threads[k];

			for (size_t n = 0; n < t->frame_count; n++) {
				t->frames[n].image = wants_names(&t->frames[n], lines) ? image_of(r, &t->frames[n]) : NULL;
				marked += t->frames[n].image != NULL;
			}
		}
	return marked;
}

size_t snapshot_symbolize(struct snapshot *s, char *const files[], size_t n)
{
	struct resolver r = { .s = s, .deadline_ns = INT64_MAX };
	size_t named;

	unsetenv("DEBUGINFOD_URLS");
	elf_version(EV_CURRENT);
	for (size_t i = 0; i < n; i++)
		image_from_path(&r, files[i]);
	named = frames_mark(&r, false);
	snapshot_names(s);
	frames_mark(&r, true);
	for (size_t i = 0; i < s->process_count; i++)
		for (size_t k = 0; k < s->processes[i].thread_count; k++)
			lines_thread(&s->processes[i].threads[k]);
	for (size_t i = 0; i < r.image_count; i++)
		image_free(r.images[i]);
	free(r.images);
	return named;
}
