/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - a sealed trace, its findings and raw files become a run of the store. Memory is bounded, whatever the
 * trace's size. */
#ifndef HISTORY_RECORD_H
#define HISTORY_RECORD_H

#include "history/settings.h"
#include "history/store.h"
#include "trace/redact.h"

struct record_request {
	const char *trace;
	/* where findings of this run may be, besides the trace's own folder; may be NULL */
	const char *beside, *artifacts_dir;
	const struct history_settings *settings;
	bool own;           /* the trace is of this job: CI variables and git of this place are its */
	char *const *envp;
	const char *root;
	struct redactor *redactor;
};

struct record_result {
	char run_id[64];
	char *workload, *device;
	bool there;         /* it was in the store before */
	bool failed;        /* the run */
	uint64_t tests, tests_failed;
	char *dir;          /* where its findings are; NULL: none were found */
};
void record_result_release(struct record_result *r);

/* 0, or -1: nothing of it is in the store. ERR_USAGE where the file is not a trace. */
int record_trace(struct store *s, const struct record_request *q, struct record_result *r, struct err *e);

#endif
