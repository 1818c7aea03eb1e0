/* SPDX-License-Identifier: Apache-2.0 */
/* gate.h - the gate of spec-runner.yaml as work for the supervisor (contract 8): steps in order, fail-fast,
 * triage of a failing governance step, and a summary that is written after every step, so that it is
 * there whatever ends the gate. With gate.jobs beyond 1, steps run beside each other: each begins when those that it
 * needs have passed, what a command prints is held until it has ended, and steps of cases still come one at a time. */
#ifndef RUNNER_GATE_GATE_H
#define RUNNER_GATE_GATE_H

#include "runner/config/config.h"
#include "runner/gate/governance.h"
#include "runner/ui/ci_groups.h"

enum step_status { STEP_PENDING, STEP_RUNNING, STEP_PASS, STEP_FAIL, STEP_SKIPPED };

struct gate_row {
	const struct gate_step *step;
	enum step_status status;
	int exit_code;                 /* -1: it never ran */
	int64_t begin_ns, end_ns;
	int64_t tests, tests_failed;   /* that were recognised; 0 none */
	uint32_t tokens;               /* 1 << enum token */
	bool watchdog, cancelled;      /* ended by a watchdog; from outside */
	const char *stall_phase;       /* span name, or NULL */
	const char *skip_reason;
	const char *blocked_by;        /* name of a step */
	char *message;                 /* why it could not begin, or NULL */
	char *cwd;                     /* of a command */
	int held_fd[2];                /* what it printed, where steps run beside each other; -1 */
	bool unprinted;                /* it has ended, and its output waits for its turn */
	/* of a governance step */
	bool triage_attempted;
	const char *triage_mode, *triage_result;
	struct strv failing_ids, failing_prefixes, flaky_ids;
};

struct triage_row {
	char *check, *case_id, *first;
	struct strv reruns;            /* result of each */
	const char *verdict;           /* flaky broken stalled */
};

struct gate {
	const struct options *o;
	const struct config *config;
	const char *root;
	char *const *envp;
	struct trace *trace;
	span_id dispatch;
	enum level level;              /* of the trace before triage */
	char *folder, *out;            /* artifacts; gate-summary.json */
	struct gate_row *rows;
	size_t row_count, at;          /* at: the step whose session is open */
	size_t running;                /* commands */
	const char *first_failure;     /* the step that failed first, by time */
	bool aborted;                  /* fail-fast has ended it */
	bool interrupted, finished;
	int exit_code;
	int64_t begin_ns, begin_real_ns, now_ns;
	struct str events;             /* JSON rows */
	struct err failure;            /* what could not be written */
	char *summary;                 /* the members for the trace */
	/* the step of cases that runs */
	struct case_session session;
	bool session_open;
	struct gate_row *opening; /* has begun, and is started when what was printed before it is read; or NULL */
	/* triage */
	bool triage_enabled, triaging;
	unsigned triage_max, triage_round;
	unsigned in_flight, case_jobs; /* cases that run, and may run at once */
	struct triage_row *triage;
	size_t triage_count;
	struct strv triage_ids;        /* what the round at hand runs */
	enum ci_provider ci;           /* whose marks stand around the steps */
	struct str failing;            /* what failed in a step of cases, for the lines after its fold */
};

/* Everything is borrowed until gate_release. -1 (ERR_USAGE): no gate, a bad SPEC_GOV_TRIAGE_* value. */
int gate_init(struct gate *g, const struct options *o, const struct config *config, const char *root,
	      char *const envp[], struct err *e);
void gate_release(struct gate *g);

/* struct work_ops, with a gate as ctx. */
extern const struct work_ops gate_ops;
void gate_attach(void *ctx, struct trace *t, span_id dispatch, int64_t now_ns);
const char *gate_summary_json(void *ctx);

/* gate_summary.c */
int gate_write(struct gate *g, struct err *e);         /* gate-summary.json */
int gate_triage_write(const struct gate *g, struct err *e); /* governance-triage.json */
/* A checkpoint of the trace and a row of events[]. */
void gate_event(struct gate *g, enum checkpoint event, const char *step, int64_t now_ns);

/* triage.c: begins when a governance step has failed; goes on when a round has ended. True: there is
 * (more) to run, and g->session is open for it. */
bool triage_begin(struct gate *g, struct gate_row *row);
bool triage_next_round(struct gate *g, struct gate_row *row);
void triage_absorb(struct gate *g);                    /* results of g->session */
void triage_finish(struct gate *g, struct gate_row *row);
int triage_setup(struct gate *g, struct err *e);
/* The session of a governance or test step, or of a round of triage. */
int gate_session_open(struct gate *g, const struct gate_row *row, const struct strv *only, struct err *e);

#endif
