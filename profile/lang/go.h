/* SPDX-License-Identifier: Apache-2.0 */
/* go.h - goroutines out of another process's memory, Go 1.18 to 1.26.
 *
 *   go_table.c    functions, frame sizes, lines, inlined calls
 *   go_runtime.c  where the runtime keeps its goroutines; one goroutine; its stack
 *   go_wait.c     what a parked goroutine waits for
 *   go_holder.c   who may hold it
 *   go_code.c     what a function's code has done with locks before a place in it
 *   go.c          a process: threads and goroutines joined, frames and tasks
 *
 * A goroutine's stack is copied without a stop. It counts where its record and a second copy say the same, and is torn
 * otherwise. */
#ifndef PROFILE_LANG_GO_H
#define PROFILE_LANG_GO_H

#include "profile/lang/go_table.h"
#include "profile/native/resolve.h"

struct go_layout {
	unsigned minor;
	uint32_t bp, syscall_sp, status, labels, m_procid, m_curg, sudog_select, sudog_next, sudog_channel;
};
enum {
	GO_G_STACK_LO = 0, GO_G_STACK_HI = 8, GO_G_M = 48, GO_G_SP = 56, GO_G_PC = 64,
	GO_G_BYTES = 448, GO_STACK_BYTES = 64 << 10, GO_GOROUTINES_MAX = 200000, GO_REASONS_MAX = 80, GO_CASES_MAX = 64
};
/* runtime.g.atomicstatus */
enum go_status { GO_IDLE, GO_RUNNABLE, GO_RUNNING, GO_SYSCALL, GO_WAITING, GO_DEAD = 6, GO_COPYSTACK = 8, GO_PREEMPTED };
extern const char *const go_status_text[10];

struct go_stack {
	uint64_t base;
	unsigned char *bytes;
	size_t n;
};

struct goroutine {
	uint64_t g, id;
	uint32_t status;
	uint8_t reason;
	uint64_t pc, sp, hi, created_pc, start_pc, waiting, since;
	pid_t tid;              /* as the program sees it; 0: it is on no thread */
	struct go_stack stack;
	bool torn;
	struct snap_hint hint;  /* what it waits for, once known */
	uint64_t address;       /* of the lock or channel; 0 none */
	const char *shape;      /* of what it waits in, a literal of go_wait.c; NULL unknown */
};

struct go {
	struct native *n;
	struct lang_mem m;
	struct go_table t;
	struct go_layout l;
	char version[32];       /* "go1.22.5"; "" unknown */
	char *root;             /* folder of the standard library's files, with its slash; "" where paths were trimmed */
	char *reasons[GO_REASONS_MAX];
	size_t reason_count;
	struct goroutine *v;
	size_t count;
	bool cut;               /* there are more */
	struct go_site **sites; /* by address: most goroutines stand in few places */
	size_t site_count, site_cap;
	struct go_act *acts;    /* functions that take a lock or give it back, by address; NULL until they are wanted */
	size_t act_count;
	uint64_t closes;        /* runtime.closechan; 0 unknown */
	unsigned wrapper;       /* the id of wrappers that the compiler makes; 0 unknown */
};

/* A function of package sync. */
struct go_act {
	uint64_t entry;
	int takes;              /* 1 a lock; -1 gives it back */
};

/* An address in the program's code, and what is to be said of it. */
struct go_site {
	uint64_t pc;
	bool activation;        /* it stands there; else it will return to there */
	struct go_function f;
	int32_t size;           /* of the frame there; -1 unknown */
	size_t count;
	struct go_call *calls;  /* innermost first: inlined ones before the function itself */
	bool counted;
	int locks;              /* open there: go_open_locks() */
};
/* NULL where no function is there, or there are too many different ones. */
struct go_site *go_site(struct go *go, uint64_t pc, bool activation);

/* One frame as unwinding comes to it. */
struct go_frame {
	struct go_site *site;   /* borrowed */
	uint64_t cfa;           /* the caller's stack pointer; the spilled first argument lies there. 0 unknown */
};
#define GO_TO_READ "sync.RWMutex, to read"
#define GO_TO_WRITE "sync.RWMutex, to write"
enum { GO_FRAMES_MAX = 128, GO_SITES_MAX = 1 << 16 };

/* The program itself: its table, version and layout. False with a reason where it is a Go program that cannot be read. */
bool go_open(struct go *go, struct native *n, struct module *m, char *reason, size_t size);
/* Is it a Go program? */
bool go_is(struct native *n, struct module *m);
/* Reads every goroutine that lives. False where the list is not there. */
bool go_read(struct go *go);
void go_release(struct go *go);
/* Walks a stack from pc and sp, innermost first; the count. whole, or NULL: it came to the outermost function. */
size_t go_walk(struct go *go, const struct go_stack *s, uint64_t pc, uint64_t sp, bool activation,
	       struct go_frame out[GO_FRAMES_MAX], bool *whole);
/* A function of the standard library or its runtime, by its file and name. */
bool go_is_library(const struct go *go, const char *function, const char *file);
/* The channel of a record of a wait, which has to be this goroutine's; 0 where it is not. */
uint64_t go_sudog_channel(struct go *go, const struct goroutine *g, uint64_t sudog);
/* Says of each goroutine that waits who may hold what it waits for. */
void go_holders(struct go *go);
/* How many locks the code of this function has taken before the place and not given back, as far as the calls that stand
 * before it tell. The call in which it waits does not count. */
int go_open_locks(struct go *go, struct go_site *site);
/* Does the function that begins there call runtime.closechan? */
bool go_closes_channel(struct go *go, uint64_t entry);
/* What the frames of one goroutine say that it waits in (go_wait.c). */
void go_wait_of(struct go *go, struct goroutine *g, const struct go_frame *frames, size_t n);

#endif
