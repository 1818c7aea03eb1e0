/* SPDX-License-Identifier: Apache-2.0 */
/* lines.c - file, line and inlined functions, from DWARF where there is any. */
#include "profile/native/resolve.h"

#include "base/mem.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

static Dwarf *image_dwarf(struct image *im)
{
	int fd = im->fd;

	if (im->dwarf_tried)
		return im->dwarf;
	im->dwarf_tried = true;
	if (im->runtime || !image_ready(im))
		return NULL;
	if (!elf_file_has_section(&im->elf, ".debug_info")) {
		struct elf_file *debug = image_debug(im);

		if (!debug || !elf_file_has_section(debug, ".debug_info"))
			return NULL;
		fd = im->debug_fd;
	}
	im->dwarf_elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (im->dwarf_elf)
		im->dwarf = dwarf_begin_elf(im->dwarf_elf, DWARF_C_READ, NULL);
	return im->dwarf;
}

struct unit_range {
	Dwarf_Addr start, end;
	Dwarf_Off unit;
};

static int by_start(const void *a, const void *b)
{
	const struct unit_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static void units_read(struct image *im)
{
	Dwarf_CU *cu = NULL;
	Dwarf_Die unit;
	size_t cap = 0;

	im->units_tried = true;
	while (dwarf_get_units(im->dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0) {
		Dwarf_Addr base, start, end;
		ptrdiff_t at = 0;

		while ((at = dwarf_ranges(&unit, at, &base, &start, &end)) > 0) {
			if (start >= end)
				continue;
			if (im->unit_count == cap) {
				cap = cap ? cap * 2 : 256;
				im->units = xreallocarray(im->units, cap, sizeof(*im->units));
			}
			im->units[im->unit_count++] = (struct unit_range){ start, end, dwarf_dieoffset(&unit) };
		}
	}
	if (im->unit_count)
		qsort(im->units, im->unit_count, sizeof(*im->units), by_start);
}

/* The unit that holds pc. clang and rustc write no .debug_aranges: the units' own ranges are read once then. */
static bool unit_find(struct image *im, Dwarf_Addr pc, Dwarf_Die *unit)
{
	size_t lo = 0, hi;

	if (!im->units_tried) {
		if (dwarf_addrdie(im->dwarf, pc, unit))
			return true;
		units_read(im);
	}
	hi = im->unit_count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (im->units[mid].start <= pc)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && pc < im->units[lo - 1].end && dwarf_offdie(im->dwarf, im->units[lo - 1].unit, unit);
}

/* Rust's own library is one unit of a hundred thousand entries in every program: nobody looks for his line there,
 * and reading it takes longer than all the rest. */
static bool is_library(Dwarf_Die *unit)
{
	const char *name = dwarf_diename(unit);

	return name && (strncmp(name, "library/", 8) == 0 || strstr(name, "/rustc/") != NULL);
}

static const char *die_name(Dwarf_Die *die)
{
	static const unsigned linkage[] = { DW_AT_linkage_name, DW_AT_MIPS_linkage_name };
	Dwarf_Attribute attr;

	for (size_t i = 0; i < 2; i++) {
		const char *s = dwarf_attr_integrate(die, linkage[i], &attr) ? dwarf_formstring(&attr) : NULL;

		if (s)
			return s;
	}
	return dwarf_attr_integrate(die, DW_AT_name, &attr) ? dwarf_formstring(&attr) : NULL;
}

static void place_set(struct snap_frame *f, const char *file, int line)
{
	if (!file || line <= 0)
		return;
	free(f->file);
	f->file = xstrdup(file);
	f->line = line;
}

static void function_set(struct snap_frame *f, const char *name)
{
	if (!name)
		return;
	free(f->function);
	f->function = demangle(name);
	if (!f->function)
		f->function = xstrdup(name);
}

/* Writes f and the functions inlined around pc to `out`, innermost first. Returns how many. */
static size_t frames_of(Dwarf_Die *unit, Dwarf_Addr pc, const struct snap_frame *f, struct snap_frame *out, size_t max)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, pc);
	Dwarf_Die *scopes = NULL, *inner = NULL;
	int number = 0, count;
	const char *file = line ? dwarf_linesrc(line, NULL, NULL) : NULL;
	size_t n = 1;

	if (line)
		dwarf_lineno(line, &number);
	out[0] = *f;
	place_set(&out[0], file, number);
	count = dwarf_getscopes(unit, pc, &scopes);
	if (count > 0 && dwarf_tag(&scopes[0]) != DW_TAG_compile_unit)
		/* Scopes of the concrete DIE: its enclosing inlined instances, not its abstract origin's. */
		count = dwarf_getscopes_die(&scopes[0], &inner);
	else
		count = 0;
	for (int i = 0; i < count && n < max; i++) {
		Dwarf_Attribute attr;
		Dwarf_Word call_file = 0, call_line = 0;
		Dwarf_Files *files;
		size_t file_count;

		if (dwarf_tag(&inner[i]) != DW_TAG_inlined_subroutine)
			continue;
		/* The frame so far becomes the inlined one, and its caller goes around it. */
		out[n] = *f;
		out[n].function = ptr_steal(&out[n - 1].function);
		out[n].module = out[n - 1].module ? xstrdup(out[n - 1].module) : NULL;
		out[n].file = NULL;
		function_set(&out[n - 1], die_name(&inner[i]));
		out[n - 1].inlined = true;
		if (dwarf_formudata(dwarf_attr(&inner[i], DW_AT_call_file, &attr), &call_file) == 0 &&
		    dwarf_formudata(dwarf_attr(&inner[i], DW_AT_call_line, &attr), &call_line) == 0 &&
		    dwarf_getsrcfiles(unit, &files, &file_count) == 0 && call_file < file_count)
			place_set(&out[n], dwarf_filesrc(files, call_file, NULL, NULL), (int)call_line);
		n++;
	}
	free(inner);
	free(scopes);
	return n;
}

void lines_thread(struct snap_thread *t)
{
	enum { INLINED_MAX = 32 };
	struct snap_frame *old = t->frames;
	size_t count = t->frame_count;

	t->frames = NULL;
	t->frame_count = t->frame_cap = 0;
	for (size_t i = 0; i < count; i++) {
		struct image *im = old[i].image;
		struct snap_frame found[INLINED_MAX];
		Dwarf *dw = im ? image_dwarf(im) : NULL;
		/* A return address may belong to the next line already, or to the next function. */
		Dwarf_Addr pc = old[i].offset - (old[i].activation ? 0 : 1);
		Dwarf_Die unit;
		size_t n = 1;

		if (dw && unit_find(im, pc, &unit) && !is_library(&unit))
			n = frames_of(&unit, pc, &old[i], found, INLINED_MAX);
		else
			found[0] = old[i];
		for (size_t k = 0; k < n; k++) {
			struct snap_frame *f = thread_frame_add(t);

			if (f)
				*f = found[k];
			else
				snap_frame_release(&found[k]);
		}
	}
	free(old);
}

/* "GNU C17 12.2.0 -mtune=generic -g -O2": gcc names its switches; of other compilers nothing is known. */
static bool producer_is_unoptimised(const char *producer)
{
	const char *at = producer;

	if (strncmp(producer, "GNU ", 4) != 0 || strncmp(producer, "GNU AS", 6) == 0 || !strstr(producer, " -m"))
		return false;
	while ((at = strstr(at, " -O"))) {
		at += 3;
		if (*at != '0')
			return false;
	}
	return true;
}

bool image_unoptimised(struct image *im, uint64_t vaddr)
{
	Dwarf_Attribute a;
	const char *producer;
	Dwarf_Die unit;

	if (!image_dwarf(im) || !unit_find(im, vaddr, &unit))
		return false;
	producer = dwarf_formstring(dwarf_attr_integrate(&unit, DW_AT_producer, &a));
	return producer && producer_is_unoptimised(producer);
}
