/* SPDX-License-Identifier: Apache-2.0 */
/* prof_trace.h - the profile of a trace: raw/RUN_ID/profile.json, with what its spans are called. */
#ifndef FINDINGS_REPORT_PROF_TRACE_H
#define FINDINGS_REPORT_PROF_TRACE_H

#include "findings/report/prof.h"

struct prof_run {
	struct profile p;
	char *run_id, *raw;      /* raw: the folder of the run */
	int64_t start_real_ns;
	struct strv suites, cases; /* by span: "" where it is no test */
};

/* raw_dirs: folders that may hold RUN_ID/, NULL-terminated. -1: no trace, or no profile with it. */
int prof_run_open(struct prof_run *r, const char *trace, const char *const raw_dirs[], struct err *e);
/* Only run_id, raw and the spans: what other raw files of a run need. */
int prof_run_raw(struct prof_run *r, const char *trace, const char *const raw_dirs[], struct err *e);
void prof_run_release(struct prof_run *r);
/* Which spans belong to a test: by case_id, suite::case_id, or its last part where only one has it. NULL and *e: none, or
 * several. Caller frees. */
bool *prof_run_case(const struct prof_run *r, const char *id, struct err *e);

#endif
