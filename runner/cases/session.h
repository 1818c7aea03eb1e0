/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - one run of cases as a verb or a gate step sees it: read, select, run, show. */
#ifndef RUNNER_CASES_SESSION_H
#define RUNNER_CASES_SESSION_H

#include "runner/config/options.h"
#include "runner/proc/outlet.h"
#include "runner/cases/case_out.h"
#include "runner/cases/case_work.h"
#include "runner/cases/select.h"

struct case_session_config {
	const struct options *o;
	const char *root;               /* absolute */
	char *const *envp;
	char *const *paths;             /* none: specs/ of the root */
	size_t path_count;
	const char *default_path;       /* used where paths is empty */
	struct case_selection select;   /* borrowed until the session is closed */
	const struct case_format *format;  /* NULL with governance */
	bool governance;                /* prints `ERROR: CASE-ID: message` for what fails */
	unsigned retries;
	bool stop_at_failure;
	const char *junit;              /* write JUnit XML there, too; NULL: no */
	bool silent;                    /* prints nothing by itself (case_session_say) */
};

struct case_session {
	struct case_session_config cfg;
	struct case_set set;
	uint32_t *order, count;         /* count 0: our part of what was selected is empty */
	uint32_t selected;              /* before the part was taken */
	struct case_work *work;
	struct redactor *redactor;      /* knows the secrets of the cases' own environments */
	struct strv learn;              /* those environments, for other redactors: NAME=value */
	char *check_program;
	struct outlet outlet;
	bool outlet_ready;
	struct str pending;             /* text that stdout has not taken yet */
	size_t pending_at;
	bool wraps;                     /* in stop-commands: see runner/proc/stop_commands.h */
	int64_t flush_due_ns;           /* when to offer it again */
	int64_t begin_ns, begin_real_ns, end_ns;
};

/* Reads and selects; starts nothing. 0, or -1 (ERR_USAGE: a file is wrong, or nothing is selected). */
int case_session_open(struct case_session *s, const struct case_session_config *cfg, struct err *e);
void case_session_close(struct case_session *s);

/* `--list`: the selected cases on stdout, one a line. Returns 0, or -1 (stdout could not be written). */
int case_session_list(const struct case_session *s);

/* The work of the session; see case_work.h. begin comes first. */
void case_session_begin(struct case_session *s, struct trace *t, span_id parent, int64_t now_ns);
enum work_next case_session_next(struct case_session *s, struct command_spec *spec, int64_t now_ns);
void case_session_done(struct case_session *s, void *user, const struct command_result *r, int64_t now_ns);
int64_t case_session_due(struct case_session *s);
void case_session_tick(struct case_session *s, int64_t now_ns);
/* Prints a text as the session prints: now, or as soon as stdout takes it. */
void case_session_say(struct case_session *s, const char *text);

/* For the status lines: how many of how many. */
void case_session_progress(const struct case_session *s, struct status_view *v);

/* Ends it; all text goes out (after an interruption: what goes out within 2 s). Writes the JUnit file and
 * what GitHub wants. Returns the exit code of the verb; e: what could not be written (kind set). */
int case_session_end(struct case_session *s, bool interrupted, int64_t now_ns, struct err *e);

#endif
