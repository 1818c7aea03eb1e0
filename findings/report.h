/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - findings for people and for other programs. A format is one file and one row of
 * report_formats. All of them are pure functions of facts and findings: the same bytes again. */
#ifndef FINDINGS_REPORT_H
#define FINDINGS_REPORT_H

#include "findings/finding.h"

struct prof_run;

/* What every report says of the run. Texts are redacted and UTF-8. */
struct report_head {
	const char *run_id, *command, *args, *status;
	bool has_exit_code;
	int64_t exit_code;
};

struct report {
	struct report_head head;
	const struct facts *facts;       /* NULL: there is nothing to tell beyond the head */
	const struct findings *findings;
	const char *numbers;             /* run-trace-summary.md beside the trace, for report.md to end with; NULL: none */
	const char *report_path;         /* where report.md is, for the console; NULL: not written */
	const struct prof_run *profile;  /* for the page; NULL: none */
	/* html_profile(), by whoever has a profile: what reads profiles wants zlib, which the supervisor does not link */
	void (*add_profile)(struct str *out, const struct prof_run *r);
	const struct strv *history;      /* lines of history.json: what was known of it from earlier runs; NULL: none */
};

struct report_ops {
	const char *name, *help;
	void (*write)(const struct report *r, struct str *out);
};
/* By name; the last one has none. */
extern const struct report_ops report_formats[];
const struct report_ops *report_find(const char *name);

/* run-trace-summary.md of that folder, or NULL. Caller frees. */
char *report_numbers_read(const char *dir);

/* The head out of the facts of a run. */
void report_head_read(struct report_head *h, const struct facts *f);

void report_json(const struct report *r, struct str *out);     /* findings.json */
void report_markdown(const struct report *r, struct str *out); /* report.md */
void report_console(const struct report *r, struct str *out);  /* lines "spec-runner: …" */
void report_github(const struct report *r, struct str *out);   /* annotations */
void report_sarif(const struct report *r, struct str *out);    /* SARIF 2.1.0 */
void report_facts(const struct report *r, struct str *out);
void report_html(const struct report *r, struct str *out);     /* one self-contained page */

/* The tests that failed, in the order in which they ran. */
struct report_failures {
	const struct fact_row **rows;    /* of FACT_CASE; those that are kept as rows */
	size_t n, total;                 /* total: all that failed */
	int64_t tests;                   /* tests of the run */
};
void report_failures_get(struct report_failures *l, const struct facts *f);
void report_failures_release(struct report_failures *l);
/* "8 of 300 tests failed"; "test_a.py::test_b"; "test_a.py:5" ("" where no place is known). */
void report_add_failed(struct str *out, const struct report_failures *l);
void report_add_test(struct str *out, const struct fact_row *r);
void report_add_test_place(struct str *out, const struct fact_row *r);
/* The test that ran longest when the run was ended, or how long nothing had moved. */
void report_add_running(struct str *out, const struct report *r);
/* The test that the stack of what hangs is in; else the only one that any stack is in. NULL: none is known. Borrowed. */
const char *report_test_by_stack(const struct facts *f);
/* Tests that ran when the run was ended, that of report_test_by_stack() first: at most max into v. How many there are. */
size_t report_running_tests(const struct facts *f, const struct fact_row **v, size_t max);
/* "FAILED: 8 of 300 tests failed", "HUNG: test_a.py::test_b for 60.0 s". False: the run did not fail. */
bool report_add_headline(struct str *out, const struct report *r);
/* Adds the lines of source at the places of failed tests and findings to another set of facts. */
void report_sources(const struct report *r, struct facts *to);
/* The test around such a place, by the lines that were read; NULL. Borrowed. */
const char *report_test_by_source(const struct facts *f, const char *location);
/* Is there more to say than the exit code, which the runner says itself? */
bool report_has_news(const struct report *r);
/* Does the list of failed tests say what this finding says? Then formats leave it to the list. */
bool report_is_brief(const struct report *r, const struct finding *x);

/* Adds to each finding the actions (rows FACT_ACTION) that lead to its place: evidence action.name, action.path,
 * action.load of the nearest three, and "on action NAME (a → b)" of the nearest to its summary. */
void report_actions(const struct facts *f, struct findings *found);

/* Shared by the formats: s on one line, control characters as '?'; at most max bytes, then "…". */
void report_add_line(struct str *out, const char *s, size_t max);
/* s in a Markdown code span; s as Markdown text. */
void report_add_code(struct str *out, const char *s);
void report_add_text(struct str *out, const char *s);
/* An evidence's value with its unit, and where it was read ("file#/pointer"). */
void report_add_value(struct str *out, const struct evidence *ev);
void report_add_source(struct str *out, const struct evidence *ev);
/* The ring of waits that the summary of a deadlock repeats, or NULL: the text, and where the summary
 * begins to say it (*before: length of what stands before). Each wait ends at "; ". */
const char *report_ring(const struct finding *x, size_t *before);
/* The first evidence of a column of that name, or NULL. */
const struct evidence *report_evidence(const struct finding *x, const char *column);
/* Evidence of one row stands together: "member[2].pid" and "member[2].comm" are of the group "member[2]".
 * Length of the group's name; is evidence i the first of its group; are a and b of one group? */
size_t report_group_len(const char *name);
bool report_group_begins(const struct finding *x, size_t i);
bool report_group_same(const struct evidence *a, const struct evidence *b);
/* File and line of a location "file:function:line"; false where it has no file. Caller frees *file. */
bool report_split_location(const char *location, char **file, int64_t *line);
/* "confirmed (0.85)", "likely (0.40)" */
void report_add_confidence(struct str *out, const struct finding *x);

/* findings.json and report.md of a run in which nothing was found, byte for byte what `report` makes
 * of its trace. dir: folder of the trace. argv: the arguments as they stand in the trace (redacted).
 * note: why nothing was looked for, for report.md, or NULL. Links no parser: for the supervisor's own use. */
int findings_write_clean(const char *dir, const char *run_id, const char *command, char *const *argv,
			 const char *status, int exit_code, const char *note, struct err *e);

#endif
