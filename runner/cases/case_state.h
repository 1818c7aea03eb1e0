/* SPDX-License-Identifier: Apache-2.0 */
/* case_state.h - what case_work.c (what runs next) and case_judge.c (what it meant) share. */
#ifndef RUNNER_CASES_CASE_STATE_H
#define RUNNER_CASES_CASE_STATE_H

#include "runner/cases/case_work.h"

#define CAPTURE_MAX_BYTES (4 * 1024 * 1024)
#define TAIL_BYTES 2048

enum case_stage { STAGE_IDLE, STAGE_CHAIN, STAGE_READY, STAGE_HARNESS, STAGE_DONE };

/* One a case of the set; small, for there may be many. */
struct case_run {
	uint8_t stage, result, attempts;
	bool chain_failed, chain_ended;    /* a step failed; a watchdog ended one */
	bool chain_timed_out;              /* its limit is over */
	bool ordered;                      /* one of cfg.order, not only referred to */
	uint32_t step;                     /* of the chain: the one at hand */
	uint32_t owner;                    /* whose chain began it, or CASE_NONE */
	uint32_t tokens;
	int64_t begin_ns, chain_begin_ns, end_ns;
	span_id span, chain_span, harness_span;
	char *message, *out, *err;
	char **exports;                    /* by the case's exports; NULL each until known */
};

/* A command that runs: one case, or many checks in one helper. */
struct case_job {
	uint32_t *cases, count;
	struct strv argv, env;
	char *cwd, *text;
	size_t text_bytes;
	bool end_told;                     /* the supervisor was asked to end it */
	struct case_job *next;
};

struct case_work {
	struct case_work_config cfg;
	struct trace *trace;
	span_id parent;
	struct case_run *runs;             /* by case */
	uint32_t *active, active_count;    /* begun, not done */
	uint32_t next_order;               /* the next of cfg.order to begin */
	uint32_t next_report;
	bool failed;                       /* one of cfg.order has failed for good */
	struct case_job *jobs;             /* that run now */
	struct regex_space *space;
	struct attrs attrs;
};

/* case_judge.c: the end of a command for each case of its job. Sets result, message, tails, exports. */
void case_judge_command(struct case_work *w, uint32_t at, const struct case_job *job, const struct command_result *r,
			int64_t now_ns);
void case_judge_helper(struct case_work *w, const struct case_job *job, const struct command_result *r,
		       int64_t now_ns);
/* Of the tokens of a case that a watchdog ended, the one that tells why; TOKEN_NONE: the outer deadline. */
enum token case_ended_by(uint32_t tokens);
/* Expands ${…} for a case. 0 or -1. */
int case_expand(struct case_work *w, uint32_t at, const char *text, struct str *out, struct err *e);
/* Keeps a text, redacted; an empty one is NULL. */
char *case_text_keep(struct case_work *w, const char *text, size_t n);

#endif
