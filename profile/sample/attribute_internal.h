/* SPDX-License-Identifier: Apache-2.0 */
/* attribute_internal.h - what attribute.c (whose is a sample) and attribute_owners.c (which process ran which test)
 * share. */
#ifndef PROFILE_SAMPLE_ATTRIBUTE_INTERNAL_H
#define PROFILE_SAMPLE_ATTRIBUTE_INTERNAL_H

#include "profile/sample/attribute.h"

struct span {
	uint32_t id, parent;      /* of the journal */
	uint8_t name;             /* enum span_name */
	int64_t start_ns, end_ns; /* a test's that was told of when it had ended: by the duration that its runner tells */
	int64_t told_ns;          /* case.run: that duration; 0 none */
	int32_t pid;              /* subprocess.wait: its command */
	char *function, *file;    /* case.run: what its test function is called; NULL none */
	int32_t command;          /* index of the subprocess.wait around or at it; -1 */
	int32_t owner_case;       /* index of the case.run at or around it; -1 */
	int32_t profile;          /* its number among the profile's spans; -1 */
	char hex[20];
	bool container;
	bool dated;               /* its beginning is worked out by the duration that its runner tells */
};
struct spans_read {
	struct span *v;
	size_t n, cap;
	int32_t *by_id;           /* journal number -> index, -1 none */
	uint32_t last_id;
};
struct work {
	struct profile *p;
	const struct raw *r;
	struct spans_read s;
	int32_t *command;        /* by thread */
	struct { int32_t pid, span; bool by_life; } *owner; /* this process ran that test */
	size_t owners;
	uint32_t *cases;         /* indexes of case.run spans, by start */
	size_t case_count;
};

/* The process of that number that there was at that time, as the threads tell; NULL none. */
const struct raw_thread *leader_of(const struct raw *r, int32_t pid, int64_t at);
/* Is the test's function on the stack? */
bool stack_has_case(const struct profile *p, uint32_t stack, const struct span *x);

enum { OPEN_MAX = 256 };
/* The tests of a command that were open at a time. */
size_t cases_open(const struct work *w, int32_t command, int64_t at, int32_t *out, size_t max);
/* w->cases by their start. */
void cases_sort(struct work *w);

/* Processes that ran one test of several at once, by their stacks. Again: further ones. */
void owners_find(struct work *w);
/* By the order in which their runner named and started them. True: some were found, and spans of tests were widened to the
 * life of their process. */
bool owners_by_order(struct work *w);
/* By when they began and ended. */
void owners_by_life(struct work *w);
/* Is one of the processes above (or it itself) an owner of the test? */
bool owned_above(const struct work *w, int32_t span, const struct raw_thread *t);
/* Does the process belong to another test, by when it began and ended? */
bool of_another(const struct work *w, int32_t span, const struct raw_thread *t);

#endif
