/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - one `spec-runner repro`: what is looked for, what was run, what it brought, and the files of it. */
#ifndef RUNNER_REPRO_SESSION_H
#define RUNNER_REPRO_SESSION_H

#include "base/err.h"
#include "runner/config/options.h"
#include "runner/repro/attempt.h"
#include "runner/repro/plan.h"
#include "runner/repro/target.h"

#include <signal.h>
#include <stdio.h>

enum repro_until { UNTIL_MATCH, UNTIL_ANY, UNTIL_END };
enum conclusion {
	CONCLUSION_NOT_REPRODUCED,
	CONCLUSION_REPRODUCED,
	CONCLUSION_SIMILAR,
	CONCLUSION_FAILED,
	CONCLUSION_GONE,
	CONCLUSION_SEEN_AGAIN,
	CONCLUSION_INCONCLUSIVE,
};
extern const char *const conclusion_text[];

/* What is run: the command, or only the tests that hung or failed. */
struct selection {
	struct strv argv, env;
	struct strv tests; /* names, for people and repro.json; empty: the whole command */
	char *how;         /* "pytest: 1 of 60 tests", "the whole command: …" */
};

struct shrunk {
	bool done;
	struct strv tests; /* the earlier ones that are needed */
	bool knows_tests;  /* false: the tool cannot be told which tests to run */
	uint32_t kinds;    /* perturbation that is needed */
	uint32_t cpus;     /* the fewest processors with which it still hangs; 0: not tried */
	int64_t runs_spent;
};

struct session {
	const struct options *o;
	const struct repro_options *ro;
	char *root;
	struct redactor *redactor;
	struct target target;
	struct selection selection;
	struct dialect_set *dialects;
	struct launch launch;
	struct plan plan;
	char id[48], *folder;         /* .artifacts/repro/ID, absolute */
	FILE *rows;                   /* runs.jsonl: a line a run, for repro.json and for whoever survives a SIGKILL */
	int64_t started_ns, until_ns; /* TIME_NEVER */
	int64_t n;                    /* runs begun */
	int64_t count[OUTCOME_COUNT];
	bool kept[OUTCOME_COUNT];
	int64_t longest_pass_ns, passes;
	bool shrinking;             /* limits follow the first passing run */
	int64_t patience;           /* of shrinking: its limits are so many times as long; 0: once */
	int64_t first_hit;          /* its number; 0 none */
	struct setting hit_setting; /* of the first hit */
	struct found hit;           /* its finding */
	int64_t spent_ns;           /* of all runs */
	uint32_t covered, processes;       /* of the run in which most processes were seen */
	struct strv missed;                /* of all runs: "go (static)" */
	int64_t delay_runs, delay_covered; /* runs with delays, and those in which any process was reached */
	int interrupted;                   /* the signal */
	bool unwritable;                   /* rows can no longer be kept: nothing more is run or counted */
	int64_t confirm_runs;              /* of --confirm-fix; 0: not asked */
	int64_t written_ns, said_ns;
	bool on_terminal, line_open;
	enum conclusion conclusion;
	struct shrunk shrunk;
	char *trace_note; /* of another machine or commit, NULL */
};

/* Of one run: --limit-ms; else that of the trace, or ten times the longest of five passing runs if that is less. 0:
 * none. */
int64_t session_limit_ms(const struct session *s);
/* Is this what is looked for? */
bool session_is_hit(const struct session *s, const struct attempt *a);
/* The conclusion from what was counted. */
void session_conclude(struct session *s);

/* One run with a setting, to its end; the loop's other duties (signals, --for-ms) go on meanwhile. false:
 * interrupted or it could not be started (*e). With rows: recorded as a run of its own number. */
bool session_run_one(struct session *s, const struct selection *what, const struct setting *setting, struct attempt *a,
		     struct err *e);
/* All runs of the plan. */
int session_run_all(struct session *s, struct err *e);
int session_shrink(struct session *s, struct err *e);
/* Leaves a matching tree hanging until a signal comes or the time is over. */
int session_keep_alive(struct session *s, struct err *e);

/* select.c */
void selection_make(struct session *s);
/* The selection in a random order. false: the tool cannot, or one test has no order. */
bool selection_shuffled(const struct session *s, uint32_t seed, struct selection *out);
/* Only these tests of the target (by index) and, last, the bad ones. false: the tool cannot do it. */
bool selection_of(const struct session *s, const uint8_t *earlier, size_t n, struct selection *out);
void selection_release(struct selection *sel);

/* write.c: repro.json and repro.sh, whole or not at all. */
int session_write(struct session *s, struct err *e);
/* false: the disk is full or the file is gone; what runs then cannot be told from what fails. */
bool session_add_row(struct session *s, const struct attempt *a);

/* console.c */
void say_start(struct session *s);
void say_outcome(struct session *s, const struct attempt *a);
void say_progress(struct session *s, int64_t now_ns);
void say_end(struct session *s);
/* In what this place differs from that of the trace. */
void say_differences(struct session *s);
void say_line(struct session *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Kept runs into the history, where one is named. Changes nothing else; what fails is said. */
void session_remember(struct session *s);

#endif
