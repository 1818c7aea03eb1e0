/* SPDX-License-Identifier: Apache-2.0 */
/* report.h - findings for people and for other programs. A format is one file and one row of
 * report_formats. All of them are pure functions of facts and findings: the same bytes again. */
#ifndef FINDINGS_REPORT_H
#define FINDINGS_REPORT_H

#include "findings/finding.h"

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
	const char *report_path;         /* where report.md is, for the console; NULL: not written */
	const struct strv *history;      /* lines of history.json: what was known of it from earlier runs; NULL: none */
};

struct report_ops {
	const char *name, *help;
	void (*write)(const struct report *r, struct str *out);
};
/* By name; the last one has none. */
extern const struct report_ops report_formats[];
const struct report_ops *report_find(const char *name);

/* The head out of the facts of a run. */
void report_head_read(struct report_head *h, const struct facts *f);

void report_json(const struct report *r, struct str *out);     /* findings.json */
void report_markdown(const struct report *r, struct str *out); /* report.md */
void report_console(const struct report *r, struct str *out);  /* lines "spec-runner: …" */
void report_github(const struct report *r, struct str *out);   /* annotations */
void report_sarif(const struct report *r, struct str *out);    /* SARIF 2.1.0 */
void report_facts(const struct report *r, struct str *out);
void report_html(const struct report *r, struct str *out);     /* one self-contained page */

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
/* "0.85, proved" */
void report_add_confidence(struct str *out, const struct finding *x);

/* findings.json and report.md of a run in which nothing was found, byte for byte what `report` makes
 * of its trace. dir: folder of the trace. argv: the arguments as they stand in the trace (redacted).
 * Links no parser: for the supervisor's own use. */
int findings_write_clean(const char *dir, const char *run_id, const char *command, char *const *argv,
			 const char *status, int exit_code, struct err *e);

#endif
