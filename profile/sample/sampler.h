/* SPDX-License-Identifier: Apache-2.0 */
/* sampler.h - one sampler at work: who is sampled, by which engine, what it may cost.
 *
 * CPU time comes from an engine: `perf` (the kernel's CPU clock, inherited by the whole tree from its first instruction, no
 * stop at all) or `stop` (micro-stops of threads that are on a CPU, weighted by what the kernel counted since the last).
 * Interpreters' frames need the stop in both. Waits come from looks: a thread that does not run is copied without a stop,
 * once for as long as it does not run.
 * The governor: what this process costs, and how long any thread stood, stay below their bounds; the rate sinks first. */
#ifndef PROFILE_SAMPLE_SAMPLER_H
#define PROFILE_SAMPLE_SAMPLER_H

#include "profile/sample/book.h"
#include "profile/lang/python_objects.h"
#include "base/clock.h"

#include <poll.h>

#define SAMPLER_STACK_BYTES (32 * 1024)
#define SAMPLER_FDS_MAX 1100

struct sampler;
struct sproc;
struct sproc_usage;
struct sampler_ops {
	const char *name; /* as in --sample-with */
	/* Sampling of all that descends from s->root begins. -1: it cannot be had, and why. */
	int (*start)(struct sampler *s, struct err *e);
	/* Descriptors to wait for; the count. */
	int (*fds)(struct sampler *s, struct pollfd *out, int max);
	/* Some of them is readable, or a while has passed. */
	void (*readable)(struct sampler *s, int64_t now);
	/* A process that was there before start, or that a look found. */
	void (*member)(struct sampler *s, struct sproc *p);
	void (*stop)(struct sampler *s);
};
extern const struct sampler_ops sampler_perf, sampler_stop, sampler_read;

struct sthread {
	struct sproc *p;
	pid_t tid;
	uint32_t book;         /* its number */
	int sched_fd, call_fd, stat_fd; /* kept /proc files; -1 */
	bool looked;           /* the fields below hold a first look */
	int64_t run_ns, delay_ns;    /* as of the last look */
	int64_t now_run_ns;          /* the same, as last read */
	int64_t first_run_ns, first_delay_ns; /* when collecting began */
	int64_t paid_ns;       /* of run_ns: what samples of stops have */
	int64_t looked_ns;     /* time of the last look */
	int64_t call_after_ns; /* until then its system call is not asked for: that was dear */
	int32_t wait;          /* what it waits in; -1 none known */
	uint32_t wait_stack;
	int64_t wait_since_ns, wait_until_ns;
	bool waiting;
	int64_t stopped_ns;    /* stood in our stops so far */
	int64_t perf_ns;       /* CPU time that the kernel's records tell (at its end; now and then it tells nothing) */
	int64_t sampled_ns;    /* samples of the clock since the last look */
	bool perf_known;
	int64_t exited_ns;     /* its end was recorded; 0 */
	int perf_counts;       /* processors that have told */
	bool pending;          /* interrupted, and has not come yet */
	int64_t asked_ns;
	uint8_t python_asked;  /* so often its state was looked for */
	bool stopped;          /* some stop has told its frames */
	int64_t owed_ns;       /* ran after the last look, by its parent's count of ended children */
	char name[PROC_COMM_SIZE];
	struct sthread *next;
};

struct spython {
	bool ok;
	struct python_mem m;
	struct peek peek;
	uint64_t runtime, runtime_bytes;
	struct { pid_t tid; uint64_t state; } *states;
	size_t state_count;
	int64_t listed_ns, tried_ns;
	unsigned tries;
	struct intern places;
	struct { uint64_t code, instr; uint32_t entry; unsigned hits; } *place;
	uint32_t place_cap;
};

struct sproc {
	pid_t pid, ppid;
	int64_t start_ns;
	bool asked;             /* for a recording of its own */
	bool exec_seen, named, argv_known, scripted, maps_read;
	char comm[PROC_COMM_SIZE];
	const char *exe;        /* of its first mapped file; kept by the book */
	struct walk_space space;
	struct sthread *threads;
	struct spython *python;
	bool is_node, is_ruby, is_java;
	struct sruby *ruby;
	struct snode *node;
	struct sjava *java;
	struct sproc *next;     /* of its hash chain */
	struct sproc *before, *after; /* of all */
	int64_t task_count_seen;
	bool has_children;      /* some process has named it as its parent */
	int64_t ended_ns;       /* CPU time that its ended children were seen to use, with theirs */
	int64_t gone_ns;        /* it was found to have ended then; 0 */
	bool told;              /* by the supervisor, what it used with its children: told_ns */
	int64_t told_ns;
	struct births *births;  /* its children, where they are looked for often; NULL */
	struct sproc_usage *usage;
};

struct sampler {
	struct book book;
	struct walk_images images;
	const struct sampler_ops *engine;
	pid_t root;             /* its descendants are sampled; itself only where attached is set */
	bool attached;          /* record --pid */
	bool cpu, wall, proc, python_only;
	bool eager;             /* command lines of the shortest processes are wanted */
	int hz;
	int64_t start_ns;       /* CLOCK_MONOTONIC: the run's */
	int64_t period_ns;      /* of CPU samples */
	struct sproc *procs[1024], *first;
	size_t proc_count, thread_count, pending;
	int usage_points;
	int64_t usage_ns;             /* time of the last round of looks at what processes use */
	int64_t series_ns;            /* time of the last of them */
	int64_t pressure_us[3];       /* of CPU, I/O and memory, as of the beginning */
	struct proc_stat root_first;  /* of the root, when collecting began */
	struct births *root_births;
	struct sampler_cgroup *cgroup; /* cgroup.c; NULL: not looked for yet */
	int64_t cgroup_due_ns;
	int64_t born_ns;        /* when a child was last seen to come or go between two scans */
	bool unnamed;           /* some process may still be its parent's copy */
	/* the governor */
	int64_t tick_ns, tick_due_ns;
	bool told;              /* of some command that has ended, the supervisor has told what it used */
	int64_t told_ns;        /* the sum of that */
	int64_t tree_cpu_ns, stopped_ns, idle_since_ns, began_cpu_ns;
	int64_t own_cpu_ns;     /* as of this turn of the loop: asking costs a system call */
	int calm_rounds;        /* of looks in which every thread went on computing, or waiting */
	bool any_scripted;      /* some process is an interpreter: its threads are stopped where the clock finds them */
	int64_t look_cost_ns;   /* what a look costs: of the last ones, the latest most */
	uint64_t ticks, stops, stops_refused, copies, kernel_samples, unknown_samples;
	bool with_kernel;       /* samples in the kernel are seen */
	char refused[200];      /* why stops or copies are not to be had; "" */
	void *engine_data;
	void (*child_ended)(struct sampler *s, pid_t pid, int status); /* of our own, by no stop; NULL */
};

static inline int64_t since_start(const struct sampler *s, int64_t mono_ns) { return mono_ns - s->start_ns; }

/* procs.c: who is there. */
struct sproc *sproc_find(struct sampler *s, pid_t pid);
struct sproc *sproc_add(struct sampler *s, pid_t pid, pid_t ppid, int64_t at_ns);
struct sthread *sthread_find(struct sproc *p, pid_t tid);
struct sthread *sthread_add(struct sampler *s, struct sproc *p, pid_t tid, int64_t at_ns);
/* Its end: what it is owed is settled. cpu_ns: the kernel's count, -1 unknown. */
void sthread_end(struct sampler *s, struct sproc *p, pid_t tid, int64_t at_ns, int64_t cpu_ns);
void sproc_end(struct sampler *s, struct sproc *p, int64_t at_ns);
/* It runs another program now. */
void sproc_exec(struct sampler *s, struct sproc *p, const char *comm);
void sproc_names(struct sampler *s, struct sproc *p);
void sproc_maps(struct sampler *s, struct sproc *p);   /* from /proc, where no records tell */
void sproc_mapped(struct sampler *s, struct sproc *p, const struct map_entry *map);
/* Finds processes and threads by /proc. */
void sampler_scan(struct sampler *s, int64_t now);
void sampler_forget(struct sampler *s, int64_t now);   /* the end of all that is left */

/* looks.c: one round over all threads. */
void sampler_look(struct sampler *s, int64_t now);
/* The wait that it is in, if any, lasted until then and goes to the book. */
void sthread_wait_end(struct sampler *s, struct sthread *t, int64_t until);
/* births.c: children that come and go between two scans (engines without records). */
void sampler_births(struct sampler *s, int64_t now);
/* Are more of them likely soon? */
bool births_expected(const struct sampler *s, int64_t now);
/* Reads how much each parent's ended children have used: before a list of those that live is read. */
void births_count(struct sampler *s);
/* The end of all that gone_ns is set of. parent: of its children alone; 0 of all. */
void births_gone(struct sampler *s, pid_t parent, int64_t now);
/* Before the end of a process: what it ran after it was last looked at. */
void births_settle(struct sampler *s, struct sproc *c, int64_t now);
/* When a process that is found now began, as far as it can be ours. */
int64_t births_began(struct sampler *s, const struct proc_stat *st, int64_t now);
void births_free(struct births *b);

/* stops.c */
void sampler_stops(struct sampler *s, struct sthread **v, size_t n, int64_t now);

/* A stack into the book: native frames, then (where there are any) those of an interpreter. */
uint32_t stack_keep(struct sampler *s, struct sproc *p, const struct snap_regs *regs, const struct walk_stack *stack,
		    bool in_kernel, const uint32_t *script, size_t script_n);
uint32_t stack_unknown(struct sampler *s);

/* python.c */
bool spython_ready(struct sampler *s, struct sproc *p, int64_t now);
bool spython_is_gil(const struct sproc *p, uint64_t futex);
/* Before a walk, while nothing stands: a thread that is new is looked for, a few times. */
void spython_expect(struct sproc *p, struct sthread *t, int64_t now);
/* Raw frames of a thread, innermost first: reads only. */
size_t spython_walk(struct sampler *s, struct sproc *p, pid_t tid, struct python_frame *out, size_t max);
/* Names them: entries of the book. */
size_t spython_name(struct sampler *s, struct sproc *p, const struct python_frame *frames, size_t n, uint32_t *out);
void spython_free(struct sproc *p);

/* javascript.c */
bool path_is_node(const char *path);
/* The native entries of a stack with frames of JavaScript in their places; the count, 0 where there are none. */
size_t snode_merge(struct sampler *s, struct sproc *p, const struct snap_regs *regs, const struct walk_stack *stack,
		   const struct walk_frame *frames, size_t count, bool whole, const uint32_t *native, uint32_t *out,
		   size_t max);
void snode_free(struct sproc *p);

/* java.c */
bool path_is_java(const char *path);
/* How to go on from code of the JVM's; NULL: none of it is known (yet). */
const struct walk_jit *sjava_jit(struct sproc *p, int64_t now);
/* Of the entries of a stack, those of code that the JVM made become the methods that it was made of. The new count. */
size_t sjava_merge(struct sampler *s, struct sproc *p, const struct snap_regs *regs, const struct walk_stack *stack,
		   const struct walk_frame *frames, size_t count, uint32_t *ids, size_t max);
void sjava_free(struct sproc *p);

/* ruby.c */
#define RUBY_COPY_BYTES (16 * 1024)
bool path_is_ruby(const char *path);
bool sruby_ready(struct sproc *p, int64_t now);
/* Its control frames as bytes: two reads. */
size_t sruby_copy(struct sproc *p, pid_t tid, unsigned char *out, size_t size);
/* Names them, innermost first. still: the thread has not run since. */
size_t sruby_name(struct sampler *s, struct sproc *p, const unsigned char *copy, size_t n, bool still, uint32_t *out,
		  size_t max);
void sruby_free(struct sproc *p);

/* sampler.c: from the start to the end of collecting. */
struct sampler_control {
	int fd;                     /* lines from whoever started us; at its end collecting ends */
	int64_t until_ns;           /* TIME_NEVER: only there */
	const volatile int *signal; /* set by SIGINT, SIGTERM */
	void (*progress)(struct sampler *s, void *arg); /* once a second */
	void (*turn)(struct sampler *s, int64_t now);   /* some times a second; NULL */
	void (*command)(struct sampler *s, pid_t pid);  /* a command has begun; NULL */
	void *arg;
};
/* The engine of that name ("auto": the best that can be had). 0 or -1. */
int sampler_begin(struct sampler *s, const char *with, struct err *e);
void sampler_loop(struct sampler *s, const struct sampler_control *c);
void sampler_release(struct sampler *s);
int64_t sampler_own_cpu_ns(void);
/* May we use more CPU time now? part: of the budget, in hundredths. */
bool sampler_affords(const struct sampler *s, int part);

/* cgroup.c: of the first process, once there is one. */
void cgroup_begin(struct sampler *s);
void cgroup_note(struct sampler *s);

/* usage.c: the proc collector. */
void usage_begin(struct sampler *s);
void usage_tick(struct sampler *s, int64_t now);   /* once a second */
void usage_young(struct sampler *s, int64_t now);  /* now and then: whoever is due for one of the first looks */
void usage_end(struct sampler *s, struct sproc *p, int64_t now);
void usage_finish(struct sampler *s, int64_t now);

#endif
