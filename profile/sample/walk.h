/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - stacks of running programs, followed fast: files and their unwind rules are shared by all processes that map
 * them, and a rule is looked up once for each place in the code. Where a file has no rules (compiled at run time, Go without
 * its tables), frame pointers are followed. Reads nothing but the copy of the stack. */
#ifndef PROFILE_SAMPLE_WALK_H
#define PROFILE_SAMPLE_WALK_H

#include "profile/lang/go_table.h"
#include "profile/native/resolve.h"
#include "profile/sample/intern.h"

/* A file that some process has mapped; its number stands in the profile's raw log. */
struct walk_image {
	struct image *im;
	struct map_entry map;     /* by which it is opened */
	struct snap_process seen; /* pid: a process in which it was mapped */
	char *path;
	uint32_t id;
	bool tried;
	Elf *elf, *own_elf;
	Dwarf *dwarf;
	Dwarf_CFI *eh, *debug;
	bool go;                  /* it has Go's own table of functions */
	struct go_table go_table;
	struct intern rules;      /* by address in the file */
	struct walk_rule *rule;
	uint64_t *rule_pc;
	uint32_t rule_cap;
};

struct walk_images {
	struct resolver r;
	struct walk_image **v;
	size_t n;
};

/* Where a file's code lies in a process. */
struct walk_map {
	uint64_t start, end, offset;
	struct walk_image *image; /* NULL: no file */
	uint64_t bias;
	bool bias_known;
};
/* Code that a runtime has made and knows the frames of. step: r is the caller; false where it is none of that code. */
struct walk_stack;
struct walk_jit {
	bool (*step)(void *arg, struct snap_regs *r, const struct walk_stack *stack, bool activation);
	void *arg;
};
struct walk_space {
	struct walk_map *v; /* by address */
	size_t n, cap;
	const struct walk_jit *jit; /* NULL: none; borrowed */
};

/* One frame: a place in a file, or (image NULL) an address nobody knows. */
struct walk_frame {
	struct walk_image *image;
	uint64_t vaddr;
	uint64_t sp, fp; /* fp: 0 unknown */
	bool activation; /* it stands here; else this is where it goes on after a call */
};
#define WALK_FRAMES_MAX 512

struct walk_stack {
	const unsigned char *bytes;
	uint64_t base;
	size_t n;
};

/* The image of a file; made on first sight. pid: a process that has it mapped right now. */
struct walk_image *walk_image(struct walk_images *s, pid_t pid, const struct map_entry *map);
/* Opens it; false where it cannot be read. */
bool walk_image_ready(struct walk_image *w);
void walk_images_release(struct walk_images *s);
bool walk_stack_u64(const struct walk_stack *s, uint64_t addr, uint64_t *v);

/* A new mapping pushes out what it covers. */
void walk_space_add(struct walk_space *s, const struct walk_map *m);
void walk_space_copy(struct walk_space *to, const struct walk_space *from);
void walk_space_release(struct walk_space *s);
struct walk_map *walk_space_find(struct walk_space *s, uint64_t addr);

/* Follows the stack from the registers outwards. The count of frames; *whole: it reached the outermost. */
size_t walk(struct walk_space *s, const struct snap_regs *regs, const struct walk_stack *stack,
	    struct walk_frame out[WALK_FRAMES_MAX], bool *whole);

#endif
