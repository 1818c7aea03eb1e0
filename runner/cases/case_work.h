/* SPDX-License-Identifier: Apache-2.0 */
/* case_work.h - cases as work for the supervisor (runner/proc/work.h): which command comes next, and
 * what its end means. Starts no process, waits for nothing, reads no clock: a test plays the supervisor.
 *
 * A case runs its chain step by step, then its own harness, then its expectations. A case that
 * is referred to runs once a run, below the chain that came to it first. Checks that only read files are
 * handed to one helper process together (spec-runner-check), so that every file is read once. */
#ifndef RUNNER_CASES_CASE_WORK_H
#define RUNNER_CASES_CASE_WORK_H

#include "runner/proc/work.h"
#include "runner/cases/case_file.h"
#include "trace/redact.h"

enum case_result {
	CASE_NOT_STARTED, /* the run ended before */
	CASE_RUNNING,     /* only while it runs */
	CASE_PASS,
	CASE_FLAKY,       /* failed, then passed when tried again */
	CASE_FAIL,
	CASE_ENDED,       /* by a watchdog: a limit, a stall */
	CASE_CANCELLED,
	CASE_RESULT_COUNT
};
/* not_started running pass flaky fail timeout cancelled */
extern const char *const case_result_text[];

/* What became of one case. Texts are redacted and live as long as the work. */
struct case_outcome {
	enum case_result result;
	unsigned attempts;
	int64_t duration_ns;
	uint32_t tokens;            /* reason tokens: 1 << enum token */
	const char *message;        /* why not passed; of a flaky one: why it failed before. NULL: nothing */
	const char *out, *err;      /* tails of what a failing command printed, or NULL */
};

struct case_work;

struct case_work_config {
	const struct case_set *set;
	const uint32_t *order;      /* the cases to run, in the order of reporting; borrowed */
	uint32_t count;
	const char *root;           /* absolute */
	const char *check_program;  /* spec-runner-check; NULL: not installed (such cases fail) */
	unsigned jobs;              /* 1..: also the threads of the helper */
	unsigned retries;
	bool stop_at_failure;       /* begin nothing more once one of `order` has failed or was ended */
	struct redactor *redactor;  /* NULL: texts are not redacted (tests) */
	/* Told in the order of `order`, each as soon as all before it have ended. May be NULL. */
	void (*report)(void *ctx, uint32_t which, const struct spec_case *c, const struct case_outcome *o);
	void *ctx;
};

struct case_work *case_work_new(const struct case_work_config *cfg);
void case_work_free(struct case_work *w);

/* The trace and the span below which case.run go. t may be NULL (tests). */
void case_work_attach(struct case_work *w, struct trace *t, span_id parent);

enum work_next case_work_next(struct case_work *w, struct command_spec *spec, int64_t now_ns);
void case_work_done(struct case_work *w, void *user, const struct command_result *r, int64_t now_ns);
int64_t case_work_due(struct case_work *w);
void case_work_tick(struct case_work *w, int64_t now_ns);
void *case_work_end_early(struct case_work *w, enum token *token);
/* Everything that is not done was cancelled or never began; all is reported afterwards.
 * Returns the exit code of `test`: 0, 1, 124. */
int case_work_end(struct case_work *w, bool interrupted, int64_t now_ns);

struct case_totals {
	uint32_t count[CASE_RESULT_COUNT];
	uint32_t cases;
	uint32_t tokens;            /* 1 << enum token, of all */
};
void case_work_totals(const struct case_work *w, struct case_totals *t);
void case_work_outcome(const struct case_work *w, uint32_t which, struct case_outcome *o); /* of order[which] */
const struct spec_case *case_work_case(const struct case_work *w, uint32_t which);

#endif
