/* SPDX-License-Identifier: Apache-2.0 */
/* book.h - what samplers find, each thing once, and the log in which it is kept.
 *
 * The log is append-only and flushed once a second, so that a sampler that is killed loses a second at most; raw.h reads it.
 * It holds places in files, names that interpreters told, and weights: never a byte of a stack. Texts from outside
 * (command lines, names of threads, peers) are redacted on their way in. */
#ifndef PROFILE_SAMPLE_BOOK_H
#define PROFILE_SAMPLE_BOOK_H

#include "base/err.h"
#include "base/str.h"
#include "profile/sample/intern.h"
#include "profile/sample/walk.h"

struct redactor;

/* One frame of a stack: a place in a file, or what an interpreter says. */
enum entry_kind { ENTRY_NATIVE, ENTRY_SCRIPT, ENTRY_MARK };
#define ENTRY_KERNEL UINT32_MAX /* as an image: in the kernel */
#define ENTRY_UNKNOWN (UINT32_MAX - 1)

struct book_entry {
	uint8_t kind;
	bool activation;          /* native */
	bool entry;               /* script: the last that one native evaluation runs */
	uint32_t image;           /* native */
	uint64_t vaddr;           /* native: in the file's numbering; ENTRY_UNKNOWN: the address itself */
	const char *language, *function, *file; /* script; kept by the book */
	int32_t line;
};

/* What a thread waits in, as its system call tells; the rest follows from its frames' names. */
struct book_wait {
	int32_t nr;          /* system call; -1: none known */
	char state;          /* S D T … */
	uint32_t kind;       /* enum wait_kind where it is known at once, else WAIT_NONE */
	const char *resource; /* NULL: none */
};

struct book_thread {
	int32_t pid, tid, ppid;
	bool named;           /* its names were written */
	int64_t start_ns, end_ns; /* since the run began; end -1: lives */
	int64_t base_run_ns;  /* of the kernel's count when collecting began */
	int64_t cpu_ns;       /* the kernel's count at its end; -1 unknown */
	int64_t sampled_ns;   /* given to samples so far */

};

struct book_sample {
	int64_t ts_ns;
	uint32_t thread, stack;
	int32_t wait;         /* -1: it ran */
	uint8_t source;       /* enum book_source */
	int64_t cpu_ns, wall_ns;
	int64_t from_ns;      /* a stop: what it weighs was used since then; worked out at the end, 0 until then */
};
enum book_source { FROM_PERF, FROM_STOP, FROM_LOOK, FROM_REST };

struct book {
	int fd;                 /* the log; -1: memory only */
	char *path;
	int64_t start_ns;       /* CLOCK_MONOTONIC: the run's beginning */
	uint64_t bytes_max;
	struct redactor *redactor;
	struct texts texts;
	struct intern entry_index, stack_index, wait_index;
	struct book_entry *entries;
	uint32_t *stack_first, *stack_len, *stack_pool;
	struct book_wait *waits;
	struct book_thread *threads;
	uint32_t thread_count, thread_cap, entry_cap, stack_cap, wait_cap, pool_n, pool_cap;
	uint32_t images_told;
	uint64_t sample_bytes, samples, lost;
	int64_t bucket_ns;      /* 0: samples as they came; else merged into buckets so wide */
	struct book_sample *kept; /* those of the log, while they fit */
	size_t kept_n, kept_cap, kept_flushed;
	struct str out;
	uint64_t flush_failed;
};

int book_open(struct book *b, const char *path, int64_t start_ns, uint64_t bytes_max, struct redactor *r, struct err *e);
/* What is gathered so far, with the files that frames lie in, goes to the log. */
void book_flush(struct book *b, const struct walk_images *images);
void book_release(struct book *b);

uint32_t book_entry(struct book *b, const struct book_entry *e); /* texts of *e are copied */
uint32_t book_stack(struct book *b, const uint32_t *entries, size_t n);
int32_t book_wait(struct book *b, const struct book_wait *w);
uint32_t book_thread(struct book *b, pid_t pid, pid_t tid, pid_t ppid, int64_t at_ns);
/* comm, thread's name, executable and command line, as far as known; again after an exec. */
void book_thread_names(struct book *b, uint32_t thread, const char *comm, const char *name, const char *exe,
		       const struct strv *argv);
/* delay_ns: it waited for a CPU so long, as far as looks have seen; -1 unknown. */
void book_thread_end(struct book *b, uint32_t thread, int64_t at_ns, int64_t cpu_ns, int64_t delay_ns);
/* One that has ended used so much more. */
void book_thread_more(struct book *b, uint32_t thread, int64_t more_ns);
void book_sample(struct book *b, const struct book_sample *s);
/* A line of text of a collector, kept in the order of writing. */
void book_note(struct book *b, const char *kind, const char *text, size_t n);

/* ---- the log's format: records of {u8 type, u32 bytes of payload} ---- */
enum book_record {
	BOOK_HEAD = 'H', BOOK_THREAD = 'T', BOOK_NAMES = 'N', BOOK_END = 'E', BOOK_IMAGE = 'I', BOOK_ENTRY = 'L',
	BOOK_STACK = 'S', BOOK_WAIT = 'W', BOOK_SAMPLE = 'X', BOOK_NOTE = 'n',
};
#define BOOK_MAGIC UINT64_C(0x314b4f4f42525053) /* "SPRBOOK1" */
#define BOOK_SAMPLE_BYTES 41

#endif
