/* SPDX-License-Identifier: Apache-2.0 */
/* hangs.h - what was seen of a hang before: its signature is the finding_id of a run's highest ranked hang.* finding. */
#ifndef HISTORY_HANGS_H
#define HISTORY_HANGS_H

#include "history/store.h"

struct hang {
	char *signature, *pattern_id, *location;
	int64_t count, runs;             /* runs of its workloads since first_seen, itself included */
	double rate;
	char *first_seen, *last_seen, *first_rev, *last_good_rev, *last_run_id; /* NULL: unknown */
	struct strv branches, workloads;
	struct strv suites, cases;       /* of the tests that hung, in step */
};
struct hangs {
	struct hang *v;
	size_t n;
};
/* signature: this one alone; NULL: all, most recent first. but_run: without this run; NULL: with all. */
int hangs_read(struct store *s, const char *signature, const char *but_run, struct hangs *h, struct err *e);
void hangs_release(struct hangs *h);

/* The signature of a run: 1 and copies, 0 none. */
int hang_of_run(struct store *s, const char *run_id, char **signature, struct err *e);

#endif
