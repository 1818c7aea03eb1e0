/* SPDX-License-Identifier: Apache-2.0 */
/* results.h - the tests of a run, for programs that read test results: `report --format junit|tap|tests-json`
 * and `--junit FILE`. Read out of the trace alone, which is redacted already.
 *
 * A row is a case.run span: a test that a dialect recognised in a command's output, or a spec case.
 * What the tests do not tell has a row too, so that no failed run looks like a passed one:
 *   - a command in which no test was recognised, or that failed although none of its tests did, or that was ended
 *     while none of them was known to run (it hung behind the last one, it crashed before the first);
 *   - tests that a plan announced and that never started: one row a dialect with their number, for their
 *     names are not known;
 *   - a run that failed although nothing in it did, or that came to no command and no case. */
#ifndef FINDINGS_REPORT_RESULTS_H
#define FINDINGS_REPORT_RESULTS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum results_result {
	RESULTS_PASS,
	RESULTS_FLAKY,         /* a spec case that failed, then passed */
	RESULTS_FAIL,
	RESULTS_ERROR,
	RESULTS_SKIP,
	RESULTS_XFAIL,         /* failed as expected */
	RESULTS_UNKNOWN,       /* it ended, and nobody said how */
	RESULTS_UNFINISHED,    /* it ran when its command was ended */
	RESULTS_NEVER_STARTED,
	RESULTS_COUNT
};
extern const char *const results_result_text[RESULTS_COUNT];

enum results_row_kind { RESULTS_ROW_TEST, RESULTS_ROW_COMMAND, RESULTS_ROW_NEVER_STARTED };

/* Texts live as long as the model; "" where there is nothing. */
struct results_row {
	enum results_row_kind kind;
	enum results_result result;
	const char *suite, *name;    /* never empty */
	const char *file, *dialect, *message;
	const char *output;          /* what it printed about its failure: lines */
	const char *reason;          /* reason token; else status or error category; "" where it passed */
	int64_t line;                /* 0 unknown */
	int64_t start_ns;            /* since the run began */
	int64_t ran_ns;              /* from there to its end */
	int64_t time_ns;             /* as the tool says, else ran_ns */
	uint64_t count;              /* never started: how many … */
	uint64_t plan;               /* … of so many */
	uint32_t suite_at;           /* in suites */
	int32_t command;             /* in commands; -1 none */
	int64_t cpu_ns, wait_ns;     /* by the samplers; -1 not sampled */
	bool nested;                 /* part of another test that has a row of its own */
	bool container;              /* a file or class of tests */
};

/* A command of the run itself: of `run`, of a gate's step. Not those that belong to a spec case. */
struct results_command {
	uint64_t exec_id, wait_id;
	const char *name;            /* command line, or the step's name */
	const char *status, *category, *reason, *message;
	int64_t start_ns, end_ns;
	int64_t exit_code;           /* -1 unknown */
	uint64_t tests, bad;         /* rows; those that failed or did not end */
	uint64_t named, named_bad;   /* of them, those that are no containers */
	uint64_t unfinished;         /* those that did not end */
	int64_t last_row;            /* of its tests, the last one that ended; -1 none */
	struct results_plan *plans;
	size_t n_plans;
};

struct results_plan {
	const char *dialect;
	int64_t plan;                /* -1: none was told */
	uint64_t seen;               /* of its tests that are no part of others */
	bool tells_starts;           /* a test is known before it ends */
};

/* Tests of one suite of one command, in the order of the first of each. */
struct results_suite {
	const char *name;
	int32_t command;
	uint32_t rows;
	uint64_t count[RESULTS_COUNT];
	int64_t time_ns, start_ns;
	uint32_t first, last;        /* rows, linked by next_in_suite */
};

struct results_chunk;
struct results {
	const char *run_id, *command, *started_at, *status;
	int64_t exit_code;           /* -1 unknown */
	int64_t duration_ns;
	bool complete;               /* nothing was lost while it was recorded */
	bool for_gitlab;             /* the reader of JUnit XML is GitLab: set by the caller (junit_xml.h) */
	struct results_row *rows;
	uint32_t *next_in_suite;     /* by row; UINT32_MAX at the end */
	size_t n_rows, cap_rows;
	struct results_suite *suites;
	size_t n_suites, cap_suites;
	uint32_t *suite_hash;
	size_t suite_hash_size;
	struct results_command *commands;
	size_t n_commands;
	uint64_t count[RESULTS_COUNT]; /* rows of each, "never started" as the number of tests */
	/* the first finding, "" where there is none */
	const char *pattern_id, *location, *finding;
	/* memory of texts */
	struct results_chunk *chunks;
	/* while it is read */
	struct results_row *containers; /* rows that stand only where their tests have no names */
	size_t n_containers;
	uint64_t n_unnamed;
	const char *total_category, *total_message;
	uint64_t dispatch_id;
};

/* Reads a sealed trace in one pass; memory grows with the tests alone. findings: path of its findings.json,
 * taken where it is there and belongs to this run; NULL: none. 0 or -1. */
int results_read(struct results *t, const char *trace, const char *findings, struct err *e);
void results_release(struct results *t);

struct results_format {
	const char *name, *help;
	void (*write)(const struct results *t, struct str *out);
};
/* By name; the last one has none. */
extern const struct results_format results_formats[];
const struct results_format *results_format_find(const char *name);

void results_junit(const struct results *t, struct str *out);
void results_tap(const struct results *t, struct str *out);  /* TAP 13: prove refuses 14 */
void results_tap14(const struct results *t, struct str *out);
void results_json(const struct results *t, struct str *out); /* schemas/test_results_v1.yaml */

/* For a row that did not pass: what it says on one line, and the whole story (lines, no line end
 * behind the last). */
void results_row_message(const struct results_row *r, struct str *out);
void results_row_story(const struct results *t, const struct results_row *r, struct str *out);

#endif
