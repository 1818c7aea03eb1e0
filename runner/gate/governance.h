/* SPDX-License-Identifier: Apache-2.0 */
/* governance.h - what a run of governance checks says besides its lines: which checks failed, did one
 * stall, and the artifacts governance-summary.json and governance-timing.json (contract 9). */
#ifndef RUNNER_GATE_GOVERNANCE_H
#define RUNNER_GATE_GOVERNANCE_H

#include "runner/cases/session.h"

struct governance_result {
	bool pass, stalled;
	const char *stall_phase;     /* span in which the first ended one was, or NULL */
	struct strv ids, prefixes;   /* of the checks that failed; each once */
	struct strv flaky;
	uint32_t tokens;             /* 1 << enum token */
};

void governance_result_get(struct governance_result *r, const struct case_work *w);
void governance_result_release(struct governance_result *r);

/* Where artifacts go: the folder of the options, below the root; of a run below another one its
 * own folder nested/<run_id>. Caller frees. */
char *artifacts_folder(const struct options *o, const char *root, char *const envp[], const char *run_id);

/* Writes both files into folder. */
int governance_write(const struct case_session *s, const char *folder, const char *run_id, struct err *e);

/* The check ids that failed according to a governance-summary.json, governance-triage.json or
 * gate-summary.json. ERR_USAGE where it cannot be read. */
int governance_failures_read(const char *path, struct strv *ids, struct err *e);

/* The span in which a case that a watchdog ended was, by its tokens. */
const char *stall_phase_of(uint32_t tokens);

struct json;
void json_tokens(struct json *j, const char *key, uint32_t tokens);
void json_strings(struct json *j, const char *key, const struct strv *l);
void json_time(struct json *j, const char *key, int64_t real_ns);

#endif
