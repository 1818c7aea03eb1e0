/* SPDX-License-Identifier: Apache-2.0 */
/* resolve.h - copies into frames: unwinding by libdw, names by one pass over each file's symbols, lines and
 * inlined functions by DWARF. Runs in a process that may crash or be killed: other people's binaries are read here. */
#ifndef PROFILE_NATIVE_RESOLVE_H
#define PROFILE_NATIVE_RESOLVE_H

#include "profile/native/elf_file.h"
#include "profile/snapshot/snapshot.h"

#include <elfutils/libdwfl.h>

/* Readers of languages, at most. */
#define LANGUAGES_MAX 12

/* One file that processes have mapped. */
struct image {
	uint64_t ino;
	unsigned dev_major, dev_minor;
	char *path;          /* as the process sees it */
	int fd;              /* -1: bytes of memory, or not to be opened */
	unsigned char *copy; /* of the vdso, or of a file that is gone */
	struct elf_file elf; /* by image_ready() */
	bool tried, readable;
	struct snap_process *process; /* one that has it mapped, and where: until the snapshot's copies are dropped */
	const struct map_entry *map;
	bool runtime;        /* libc and interpreters: names, but no lines */
	bool dwarf_tried;
	int debug_fd;
	struct elf_file debug; /* its separate debug file, opened for names or lines */
	bool debug_tried;
	struct elf_file mini;  /* names within the file itself, unpacked */
	unsigned char *mini_bytes;
	bool mini_tried;
	Elf *dwarf_elf;
	Dwarf *dwarf;
	struct unit_range *units; /* of lines.c: where no index says which unit holds an address */
	size_t unit_count;
	bool units_tried;
};

struct module {
	uint64_t start, end;
	struct image *image;
	uint64_t bias;
	bool bias_known;
};

struct resolver {
	struct snapshot *s;
	struct image **images;
	size_t image_count;
	int64_t deadline_ns;
};

/* Of snap_process.native. */
struct native {
	struct resolver *r;
	struct snap_process *p;
	struct module *modules;
	size_t module_count;
	Dwfl *dwfl;
	struct snap_thread *current;
	struct snap_regs regs;  /* with which its unwinding begins, or goes on below a signal */
	bool resume, returned;  /* by unwind.c: it does; and its first frame then is a caller */
	int resumed;
	uint64_t last_sp;       /* of the last frame that unwinding came to; 0 unknown */
	uint64_t last_fp;
	bool fp_lost;           /* and its frame pointer is unknown */
	bool own_unwinder;      /* a reader follows these stacks itself: none is stopped for the native unwinder's sake */
	uint64_t own_start, own_end; /* and alone where a thread stands here */
	void *lang[LANGUAGES_MAX]; /* state of each reader of a language (lang/language.h); NULL: none */
};

struct resolve_options {
	int64_t deadline_ns;
	enum intrusion intrusion; /* a micro-stop is allowed where the copy did not unwind to its end */
	bool lines;               /* look for file and line */
	const struct language_ops *const *languages; /* ended by NULL; NULL: all that there are */
};

/* Fills the frames of every thread that has a copy. Adds the collector "native", and one by each language that runs. */
void snapshot_resolve(struct snapshot *s, const struct resolve_options *o);

/* Names the frames of a snapshot that was recorded (later.c), by files of the same build: those given (paths), those at the
 * modules' paths, debug files. Frames hold language, module, build_id, offset and activation. How many were looked up. */
size_t snapshot_symbolize(struct snapshot *s, char *const files[], size_t n);

/* For the parts of this room. */
/* Names every frame that has an image. */
void snapshot_names(struct snapshot *s);
struct module *native_module(struct native *n, uint64_t addr);
bool module_vaddr(struct module *m, const struct maps *maps, uint64_t addr, uint64_t *vaddr);
/* Address in the process of a symbol of one of its modules; 0 where it is not there. */
uint64_t native_symbol(struct native *n, struct module *m, const char *name);
struct image *image_for(struct resolver *r, struct snap_process *p, const struct map_entry *map);
/* libc and interpreters: their names tell enough, their lines help nobody. */
/* Opens the file on first use. False where it cannot be read. */
bool image_ready(struct image *im);
/* Puts a file together that cannot be opened (image_memory.c). */
bool image_from_memory(struct image *im);
/* Its separate debug file, its own packed names (debug_file.c); NULL none. */
struct elf_file *image_debug(struct image *im);
struct elf_file *image_mini(struct image *im);
/* What an xz stream holds, at most 64 MiB; NULL where it is none or holds more. Caller frees. */
unsigned char *debug_data_unpack(const void *packed, size_t n, size_t *size);
void image_free(struct image *im);
/* Unwinds one thread's copy. True where it reached the outermost frame. */
bool unwind_thread(struct native *n, struct snap_thread *t);
Dwfl *unwind_begin(struct native *n);
/* Where unwinding ended for want of the frame pointer: looks for it in the copy (frame_pointer.c) and unwinds again.
 * True where it reached the outermost frame. prove: by the very call of that function; try: by any call from where the
 * rest can be followed. */
bool frame_pointer_prove(struct native *n, struct snap_thread *t);
bool frame_pointer_try(struct native *n, struct snap_thread *t);
/* Does this address stand behind an instruction that calls? (frame_pointer.c) */
bool behind_call(struct native *n, uint64_t ret);
/* Where the current thread stands in code that no table describes, at pc with this stack pointer (and frame pointer;
 * NULL unknown): its caller's registers, by following the code to its return (epilogue.c). False where that is not known. */
bool epilogue_follow(struct native *n, uint64_t pc, uint64_t sp, const uint64_t *fp, struct snap_regs *caller);
/* File, line and inlined callers of every frame of the thread that has an image with DWARF. */
void lines_thread(struct snap_thread *t);
/* Was the code at this address, in the file's own numbering, compiled without optimisation, as its producer says? */
bool image_unoptimised(struct image *im, uint64_t vaddr);
/* Has the thread not run since its native stack was copied? */
bool native_stood_still(const struct native *n, const struct snap_thread *t);
/* The thread that the program itself calls so; NULL. */
struct snap_thread *native_thread(const struct native *n, uint64_t ns_tid);

#endif
