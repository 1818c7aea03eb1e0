/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot.h - a process tree at one moment: who is there, what each thread does, what it waits for.
 *
 *   snapshot_capture   copies (registers, stack bytes, /proc texts): the only part that touches the
 *                      processes' time. Needs no parser of binaries and never judges.
 *   native/resolve     turns copies into frames (libdw, Python structures), in a process with a deadline.
 *   waits_resolve      turns system calls and frames into edges, cycles and roots.
 *   snapshot_json/text write contract 11.
 *
 * Blocked threads are copied without a stop: a copy counts only where the system call, the stack
 * pointer and the context-switch counters read the same before and after. Copied memory stays in
 * memory and is freed with the snapshot; only frames leave it. */
#ifndef PROFILE_SNAPSHOT_SNAPSHOT_H
#define PROFILE_SNAPSHOT_SNAPSHOT_H

#include "base/err.h"
#include "base/str.h"
#include "profile/proc/maps.h"
#include "profile/proc/process.h"
#include "trace/contract.h"

#include <stdbool.h>
#include <stdint.h>

/* One collector's own status, and that of each thread (contract 11). */
enum collect_status { COLLECT_OK, COLLECT_PARTIAL, COLLECT_DENIED, COLLECT_GONE, COLLECT_TIMED_OUT, COLLECT_UNAVAILABLE };
extern const char *const collect_status_text[];

enum intrusion { INTRUSION_READ, INTRUSION_MICRO_STOP, INTRUSION_COOPERATIVE, INTRUSION_LAUNCH };

#define BUILD_ID_MAX 20
struct snap_frame {
	const char *language; /* a literal: "native", "python" */
	char *function;       /* NULL: unknown */
	char *file;           /* NULL: unknown */
	int line;             /* 0: unknown */
	char *module;         /* path of the binary; NULL: none */
	uint64_t pc, sp;      /* native: address in the process, and the frame's stack pointer (0 unknown) */
	uint64_t offset;      /* native: address in the file's own numbering, for later symbols */
	void *image;          /* of native/resolve.c while it works */
	uint8_t build_id[BUILD_ID_MAX];
	uint8_t build_id_len;
	bool inlined;         /* shares pc with the frame around it */
	bool activation;      /* pc is where it stands, no return address (innermost, or below a signal) */
	bool runtime;         /* its reader says: of the language's runtime, its library or a test runner */
};

/* Registers by DWARF number. Only what `have` marks is known. */
#define SNAP_REGS 33
struct snap_regs {
	uint64_t r[SNAP_REGS];
	uint64_t have; /* bit i: r[i] */
	uint64_t pc;
};

struct snap_holder {
	pid_t pid, tid; /* tid 0: the process, not one thread of it */
	uint64_t task;  /* a task of it; 0 none */
	int fd;         /* -1: none */
	bool ends;      /* it is its end that is waited for (a descriptor of the process in a set) */
	char *comm;
	char *function, *file; /* where the holder stands; NULL unknown */
	int line;
};

struct snap_wait {
	enum wait_kind kind;
	char *resource;   /* in words; not redacted */
	bool proved;      /* the holders are known to be those who must move */
	bool endless;     /* no timeout of its own */
	bool but_own;     /* of a set: proved, but for a descriptor by which its own threads and children wake it */
	int64_t since_ns; /* blocked for so long; -1 unknown */
	uint64_t address; /* of the lock; 0 none */
	int64_t timeout_ns; /* of a sleep; -1 unknown */
	struct snap_holder *holders;
	size_t holder_count;
};

/* What the interpreter's own structures say that a thread waits for: better than its system call. */
struct snap_hint {
	enum wait_kind kind; /* WAIT_NONE: nothing */
	char *resource;      /* NULL: none */
	bool proved;         /* the holders are known to be those who must move */
	pid_t *holders;      /* threads of the same process */
	size_t holder_count;
	uint64_t *tasks;     /* and tasks of it, by their ids */
	size_t task_count;
	bool instead;        /* it is what the thread waits for, whatever its system call is */
	bool endless;        /* no timeout of its own */
	bool has_fd, writes; /* it waits for this descriptor: kind and resource follow from what that is */
	int fd;
};

/* A task of an event loop: suspended, it is on no thread's stack. */
struct snap_task {
	const char *language;      /* a literal */
	char *name;
	char *awaits;              /* in words; NULL: it runs, or is about to */
	uint64_t id;               /* the language's own number of it; 0 none */
	size_t count;              /* alike in every respect, folded into this one; 0: itself alone */
	char *state;               /* in the language's words; NULL */
	char *created_by;          /* "function at file:line"; NULL */
	char *test;                /* that it is in, by its frames; NULL */
	char *loop;                /* of its source, around the place where it stands; NULL */
	int64_t since_ns;          /* it has waited so long; -1 unknown */
	const char *partial;       /* a literal: why its frames may not be those of one moment, or all; NULL: they are */
	struct snap_hint hint;
	struct snap_wait wait;
	pid_t tid;                 /* thread that runs its loop; 0 unknown */
	struct snap_frame *frames; /* its coroutines, innermost first */
	size_t frame_count;
};

struct snap_thread {
	pid_t tid, ns_tid;    /* ns_tid: as the program itself sees it */
	char name[PROC_COMM_SIZE];
	char *label;          /* the interpreter's own name for it; NULL: none */
	char *test;           /* that it is in, by its frames; NULL */
	char *loop;           /* of its source, around the place where it sleeps or computes; NULL */
	bool keeps_alive;     /* its runtime lives until this thread ends */
	bool at_exit;         /* its runtime would end, but for such threads */
	uint64_t task;        /* which task runs on it, by its number; 0 none */
	char state;
	int64_t cpu_ns, cpu_delta_ns; /* delta from the first of two looks to the second; -1: one look */
	int64_t run_ns;       /* on a CPU, to the nanosecond; -1 where the kernel does not tell */
	bool same_stack;      /* second look: the same frames as in the first */
	int64_t switches, switches_delta; /* context switches; delta as of cpu_delta_ns */
	int64_t voluntary;    /* those by which it gave its CPU away */
	enum verdict verdict;
	int64_t frozen_ns;    /* how long the last micro-stop of it took, from SEIZE to DETACH; 0 none */
	int64_t since_ns;     /* last ran so long ago; -1 unknown */
	enum intrusion intrusion;
	enum collect_status status;
	char *reason;         /* why not ok; NULL */
	struct proc_syscall syscall;
	char wchan[64];
	struct snap_regs regs;
	uint64_t stack_base;
	unsigned char *stack;
	size_t stack_size;
	bool truncated;       /* unwinding did not reach the outermost frame */
	struct snap_frame *frames;
	size_t frame_count, frame_cap;
	pid_t lock_owner;     /* owner of the Python RLock it waits for; 0 unknown */
	struct snap_hint hint;
	struct snap_wait wait;
};

/* Beside its threads (facts.c). */
#define SNAP_FDS_MAX 64
struct snap_fd {
	int fd;
	bool reads, writes;
	char *target; /* of the link in /proc/PID/fd; not redacted */
};
struct snap_facts {
	bool known, has_io, has_switches;
	struct proc_io io;
	int64_t delay_ns;               /* waited for a CPU, its first thread; -1 unknown */
	int64_t voluntary, involuntary; /* context switches of its first thread */
	int64_t open_files_max, processes_max; /* soft limits; INT64_MAX unlimited, -1 unknown */
	char *cgroup;                   /* in the unified hierarchy; NULL unknown */
	int64_t fd_count;               /* open descriptors; -1 denied */
	struct snap_fd *fds;            /* the first SNAP_FDS_MAX */
	size_t fds_listed;
};

struct snap_process {
	struct proc_stat stat;
	pid_t pid, ns_pid;
	uid_t uid;
	struct strv argv;
	char *cwd, *exe;
	bool alive;           /* some thread of it is no zombie */
	enum verdict verdict; /* spinning, slow or stuck: the liveliest of its threads */
	bool foreign_ns;      /* other mount namespace: binaries through /proc/PID/root */
	uint64_t sig_caught, sig_ignored;
	pid_t gil_tid;        /* thread that holds Python's GIL; 0 none or unknown */
	uint64_t gil_address; /* of the record with its lock and condition variable; 0 none */
	struct maps maps;
	struct peek peek;
	struct snap_facts facts;
	struct snap_thread *threads; /* the main thread first */
	size_t thread_count;
	int script_line;             /* of the command that it runs, as a shell itself tells it; 0 unknown */
	struct snap_task *tasks;     /* of event loops */
	size_t task_count;
};

struct snap_cycle {
	bool proved;
	struct { pid_t pid, tid; } *members;
	size_t member_count;
};
struct snap_root {
	pid_t pid, tid;
	uint64_t task;          /* of the process; 0: the thread */
	const char *pattern_id; /* contract 10 */
	char *location;         /* "file:function:line" or NULL */
};
struct snap_collector {
	const char *name;
	enum collect_status status;
	enum intrusion intrusion; /* the most that it used */
	int64_t duration_ns;
	char *reason;
};

struct snapshot {
	pid_t root;
	int64_t at_real_ns, at_mono_ns, duration_ns, deadline_ns;
	size_t stacks_bytes;            /* copied of all threads so far */
	int64_t interval_ns;            /* between its two looks; 0: one look */
	struct snap_process *processes; /* parents before children */
	size_t process_count;
	struct snap_cycle *cycles;
	size_t cycle_count;
	struct snap_root *roots;
	size_t root_count;
	struct snap_collector *collectors;
	size_t collector_count;
};

struct snapshot_options {
	int64_t deadline_ns;         /* absolute, monotonic: what is not copied by then is left out and said */
	enum intrusion intrusion;    /* the most that is allowed: READ or MICRO_STOP */
	size_t stack_bytes;          /* copied of each thread, at most; 0: 256 KiB */
	size_t stacks_bytes;         /* of all threads together; 0: 128 MiB */
	size_t memories;             /* opens /proc/PID/mem of so many processes, for one who may not */
};

/* Copies the processes of `pids` (parents first; proc_tree gives them). Never fails as a whole: a process
 * or thread that cannot be seen has its status and reason. Free with snapshot_release. */
void snapshot_capture(struct snapshot *s, const pid_t *pids, size_t n, const struct snapshot_options *o);
void snapshot_release(struct snapshot *s);
void facts_of_process_release(struct snap_process *p);
/* Drops copied stacks; what is left are maps, frames and facts. */
void snapshot_drop_stacks(struct snapshot *s);

/* The copies as bytes, and back (snapshot_wire.c). 0; -1 with errno, or with *e and *s released. */
int snapshot_save(const struct snapshot *s, int fd);
int snapshot_load(struct snapshot *s, const void *bytes, size_t n, struct err *e);

/* Is a second look needed to tell stuck from slow and spinning? Not where every thread has been off the CPU for
 * stuck_ns already: that it has not run is what a second look would find. running_only: only a thread that was on a
 * CPU asks for one. */
bool snapshot_unsettled(const struct snapshot *s, int64_t stuck_ns, bool running_only);
/* Drops of the second look the stacks of threads that have not moved since `first`: they need no unwinding. */
void snapshot_keep_moved(struct snapshot *again, const struct snapshot *first);
/* Marks in `first` what the later look tells, and gives the verdicts. again: NULL where there was one look. Both
 * resolved. stuck_ns: off the CPU for so long is stuck. */
void snapshot_compare(struct snapshot *first, const struct snapshot *again, int64_t stuck_ns);

struct snap_process *snapshot_process(const struct snapshot *s, pid_t pid);
struct snap_thread *snapshot_thread(const struct snap_process *p, pid_t tid);
void snapshot_collector(struct snapshot *s, const char *name, enum collect_status status, int64_t duration_ns,
			const char *reason);
void thread_reason(struct snap_thread *t, enum collect_status status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Is it in a call that a stop would end early with EINTR? Nothing of what a program does may change for a look. */
bool thread_call_ends_early(const struct snap_thread *t);
/* Appends an empty frame and returns it; NULL at SNAP_FRAMES_MAX. */
#define SNAP_FRAMES_MAX 512
struct snap_frame *thread_frame_add(struct snap_thread *t);
void snap_frame_release(struct snap_frame *f);
/* The innermost frame that is the program's own rather than a runtime library's; NULL without frames. */
const struct snap_frame *thread_place(const struct snap_thread *t);

/* What an interpreter tells (hint.c). */
void hint_set(struct snap_thread *t, enum wait_kind kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void hint_holder(struct snap_thread *t, pid_t tid);
void hint_add_task(struct snap_hint *h, uint64_t id);
struct snap_task *snap_task_add(struct snap_process *p, const char *language);
/* Appends an empty frame of its language; NULL where there are too many. */
struct snap_frame *snap_task_frame(struct snap_task *task);
struct snap_task *snapshot_task(const struct snap_process *p, uint64_t id);
/* The innermost frame that is the program's own; NULL without frames. */
const struct snap_frame *frames_place(const struct snap_frame *frames, size_t n);
/* How the words for a loop of Node begin, which go on with what keeps it alive. Are that children alone, and the pipes to
 * them? The loop ends when they do. */
#define NODE_LOOP_WORDS "event loop kept alive by "
bool loop_words_are_children(const char *words);
/* Are these workers (threads with JavaScript of their own) alone, and ports to them? */
bool loop_words_are_workers(const char *words);
void hints_release(struct snap_process *p);
void snap_wait_release(struct snap_wait *w);

/* One micro-stop (native registers and stack), in stop.c. 0; -1 with errno (EPERM, ESRCH, EBUSY: already traced, ETIME,
 * EINTR: it waits in a call that this would end early).
 * also, or NULL: called while the thread stands, for copies alone. */
struct stop_also {
	void (*call)(void *arg);
	void *arg;
};
int thread_stop_copy(struct snap_process *p, struct snap_thread *t, size_t stack_bytes, const struct stop_also *also,
		     int64_t *frozen_ns);
/* The part of the stack that is copied: from *from on, so many bytes; 0 where no map holds the stack pointer. */
size_t thread_stack_range(const struct snap_process *p, uint64_t sp, size_t stack_bytes, uint64_t *from);
/* Index of the stack pointer among DWARF registers, and of the frame pointer. */
#if defined(__x86_64__)
#define SNAP_REG_SP 7
#define SNAP_REG_FP 6
#elif defined(__aarch64__)
#define SNAP_REG_SP 31
#define SNAP_REG_FP 29
#else
#error "registers of this architecture are not described"
#endif

struct redactor;
/* contract 11 as JSON. */
void snapshot_json(const struct snapshot *s, struct redactor *r, struct str *out);
/* For people. colour: ANSI. */
void snapshot_text(const struct snapshot *s, struct redactor *r, bool colour, struct str *out);

#endif
