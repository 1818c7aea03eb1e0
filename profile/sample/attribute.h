/* SPDX-License-Identifier: Apache-2.0 */
/* attribute.h - which test a sample belongs to (the innermost span of its own command at its time), and what each test
 * took. Spans come from the journal of the run. */
#ifndef PROFILE_SAMPLE_ATTRIBUTE_H
#define PROFILE_SAMPLE_ATTRIBUTE_H

#include "profile/sample/profile.h"
#include "profile/sample/raw.h"

struct case_top {
	uint32_t frame;
	int64_t cpu_ns;
};
struct case_wait {
	uint32_t wait;
	int64_t wall_ns;
};
struct case_sums {
	uint32_t span;           /* of the profile */
	uint32_t journal_span;   /* its number in the journal */
	int64_t cpu_ns, wait_ns, delay_ns, samples;
	int64_t sleep_ns;              /* the longest that one place slept */
	uint32_t sleep_place;          /* its frame, where sleep_ns is more than 0 */
	int64_t setup_ns, teardown_ns; /* of CPU time and waits, in its fixtures */
	bool phases;                   /* the runner tells them */
	struct case_top top[5];
	struct case_wait waits[3];
	size_t top_n, wait_n;
};

struct attribution {
	struct case_sums *cases;
	size_t case_count;
	int64_t cpu_ns, cpu_in_cases_ns, cpu_unattributed_ns; /* unattributed: while tests ran, to none of them */
	bool any_case;
};

/* journal: its descriptor, -1 none. Gives p its spans, each sample its span, and cuts waits where spans change. */
void attribute(struct profile *p, const struct raw *r, int journal, struct attribution *out);
void attribution_release(struct attribution *a);

#endif
