/* SPDX-License-Identifier: Apache-2.0 */
/* pairs.h - which process is which test, of a runner that starts a process for each and runs several at once (ctest -j,
 * parallel make, a shell with jobs): it starts them in the order in which it names them. */
#ifndef PROFILE_SAMPLE_PAIRS_H
#define PROFILE_SAMPLE_PAIRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pair_life {
	int64_t start_ns, end_ns;
	int64_t order; /* of those that start at the same time, as far as clocks tell; ascending */
	size_t id;     /* the caller's */
};

/* Sorts both by their start and says whether the i-th process is the i-th test: as many of the one as of the other, and
 * each process lived while its test ran. late_ns: so much later than it happened a line of the runner may be heard of. */
bool pairs_fit(struct pair_life *processes, size_t process_count, struct pair_life *tests, size_t test_count,
	       int64_t late_ns);

#endif
