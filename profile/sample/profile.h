/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h - a profile as it is kept, read and shown: profile.json, and what the formats of other tools are read into.
 * Every weight is in nanoseconds; a sample is a place (stack), a thread, the test it belongs to, and what it waited for. */
#ifndef PROFILE_SAMPLE_PROFILE_H
#define PROFILE_SAMPLE_PROFILE_H

#include "base/err.h"
#include "base/json_read.h"
#include "base/str.h"
#include "profile/sample/intern.h"

struct prof_frame { /* texts are kept by the profile; NULL unknown */
	const char *language, *function, *file, *module, *build_id;
	uint64_t offset;
	int32_t line;
	bool inlined;
	/* Of a profile that has just been made; not kept in profile.json. */
	bool unoptimised;       /* its debug information says that it was compiled without optimisation */
	bool compiled;          /* of a language that is compiled while it runs: it was */
};
struct prof_thread {
	int32_t pid, tid, ppid;
	const char *comm, *name, *exe_build_id;
	struct strv argv;
	int64_t start_ns, end_ns;
};
struct prof_wait {
	const char *kind, *resource;
	bool proved;
};
/* A span that samples may belong to. Of a profile alone: the id; the rest where a trace is read with it. */
struct prof_span {
	const char *id, *label; /* label: the test's suite::case_id, NULL where it is no test */
	const char *name;
	int64_t start_ns, end_ns;
	int32_t parent;
	bool is_case;
};
struct prof_sample {
	int64_t ts_ns;
	uint32_t thread, stack;
	int32_t span, wait;     /* -1: none; wait -1: it ran */
	int64_t cpu_ns, wall_ns;
	int64_t from_ns;        /* where ts_ns is the end of what it weighs: its beginning; else 0. Not in profile.json */
	bool rest;              /* nobody has taken it: it stands for what was counted without one. Not in profile.json */
};
struct profile {
	char *run_id;
	int64_t started_ns, ended_ns, rate_hz;
	int64_t dropped;
	struct texts texts;
	struct intern frame_index, stack_index, wait_index;
	struct prof_frame *frames;
	uint32_t frame_cap;
	uint32_t *pool, pool_n, pool_cap;         /* stacks: frame numbers, innermost first */
	uint32_t *stack_first, *stack_len, stack_cap;
	struct prof_thread *threads;
	size_t thread_count;
	struct prof_span *spans;
	size_t span_count;
	struct prof_wait *waits;
	uint32_t wait_cap;
	struct prof_sample *samples;
	size_t sample_count, sample_cap;
	bool only_counts;       /* a foreign profile without times: weights are counts of samples */
	struct place_cache *places; /* place.c: what has been worked out so far; NULL: no stack */
};

void profile_init(struct profile *p);
void profile_release(struct profile *p);
uint32_t profile_frame(struct profile *p, const struct prof_frame *f);  /* texts are copied */
uint32_t profile_stack(struct profile *p, const uint32_t *frames, size_t n);
uint32_t profile_wait(struct profile *p, const char *kind, const char *resource, bool proved);
struct prof_thread *profile_thread(struct profile *p, int32_t pid, int32_t tid, const char *comm);
struct prof_span *profile_span(struct profile *p, const char *id);
struct prof_sample *profile_sample(struct profile *p);
/* The frame that a reader looks for: the innermost of the program's own; else the innermost with a name. Worked out once
 * a stack, which must not change any more. */
uint32_t profile_place(const struct profile *p, uint32_t stack);
struct place_cache *place_cache_new(void);
void place_cache_free(struct place_cache *c);
/* Samples by time, then thread and stack: the same samples in any order make the same bytes. */
void profile_sort(struct profile *p);

/* profile.json. */
void profile_write(const struct profile *p, struct str *out);
/* 0; -1 with *e: not one, or broken. p is initialised here, and released on failure. */
int profile_read(struct profile *p, const char *text, size_t n, const char *name, struct err *e);

#endif
