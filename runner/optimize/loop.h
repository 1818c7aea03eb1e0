/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - the optimise loop: runs the nodes that optimize_step() names, one after the other. What a node came to, its rows
 * and its successor go to the store in one transaction, so that a loop that is killed goes on with the first node that did
 * not leave.
 *
 *   loop_open()    configuration, repository, store; nothing is begun: every error of the user's is found here
 *   loop_run()     until the end, or a signal
 *   loop_close()
 *
 * Files of a loop are in .artifacts/optimize/RUN_ID/ (docs/OPTIMIZE.md). */
#ifndef RUNNER_OPTIMIZE_LOOP_H
#define RUNNER_OPTIMIZE_LOOP_H

#include "base/err.h"
#include "history/artifact.h"
#include "history/run_writer.h"
#include "history/store.h"
#include "optimize/setup.h"
#include "optimize/step.h"
#include "runner/config/options.h"
#include "runner/optimize/repo.h"
#include "trace/redact.h"

struct loop {
	/* given */
	struct options *o;
	char *const *envp;
	const char *root;
	/* opened */
	struct setup setup;
	struct optimize_limits limits;
	struct optimize_state st;
	struct repo repo;
	struct store *s;
	struct redactor *redactor;
	char *dir;                     /* of this loop, absolute */
	char *runner, *sandbox, *gateway; /* programs; sandbox and gateway NULL: not installed */
	char *config;                  /* spec-runner.yaml or --config, with its gate; NULL none */
	char *candidates_dir;          /* NULL: a model is asked */
	struct strv candidates;        /* names, in order */
	struct strv adapter_paths;     /* of the repository, that adapters run: never a candidate's to change */
	struct strv env;               /* of adapters, but for HOME and TMPDIR */
	char *uri, *workload, *device, *branch, *api_key;
	bool dirty, dry_run, resumed;
	int lock;
	int64_t since_ns, used_before_ms; /* this session's begin; of earlier ones */
	/* of the node that runs */
	int64_t node_start_ns;
	bool in_transaction;
	struct run_writer *writer;     /* its run, where it makes one; commits the transaction */
	struct run_row row;
	char *tokens_note;
	char *skip_reason;             /* of the node that runs; NULL: it is not skipped */
	void (*say)(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
};

/* The words of a node that will not be written: an error of the world's, or a signal. */
/* config_path: spec-runner.yaml or --config, NULL: none. */
int loop_open(struct loop *l, const char *config_path, struct err *e);
int loop_run(struct loop *l, struct err *e);
void loop_close(struct loop *l);
/* 0, 1, 124 by how it ended. */
int loop_exit_code(const struct loop *l);

/* ---- for the nodes ---- */

/* A node function does its work, begins the transaction (loop_begin), writes its rows, and returns 0; -1: nothing of it
 * happened (child_interrupted tells a signal apart). */
typedef int loop_node(struct loop *l, struct optimize_result *r, struct err *e);
extern loop_node *const loop_nodes[]; /* by enum optimize_node */

int loop_begin(struct loop *l, struct err *e);
/* A run of its own begins with the transaction: the row is in l->row. */
int loop_begin_run(struct loop *l, struct err *e);
int64_t loop_used_ms(const struct loop *l);
/* May another process or request begin? False sets OUT_STOPPED. */
bool loop_may_go_on(struct loop *l, struct optimize_result *r);
/* The node has nothing to do, or cannot: its line of loop.jsonl says why. */
void loop_skip(struct loop *l, struct optimize_result *r, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
char *loop_path(const struct loop *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Text of a kind as an artifact: redacted, and put into the store's folder. */
int loop_put(struct loop *l, const char *kind, const char *text, size_t n, struct artifact *a, struct err *e);
/* Its row, within the transaction. */
int loop_artifact(struct loop *l, const char *run_id, const struct artifact *a, const char *metadata, struct err *e);
int loop_metric(struct loop *l, const char *run_id, const char *name, double value, const char *unit, const char *tags,
		struct err *e);

/* log.c: loop.jsonl. */
int loop_log_rewrite(struct loop *l, struct err *e);
void loop_log_enter(struct loop *l);
void loop_log_leave(struct loop *l, enum optimize_node node, int64_t iteration, const char *line);
void loop_log_line(const struct loop *l, enum optimize_node node, int64_t iteration, const char *event, int64_t duration_ms,
		   const struct optimize_result *r, struct str *out);

/* result.c */
void loop_result_json(const struct loop *l, struct str *out);
int loop_result_write(const struct loop *l, struct err *e);
/* report.c */
int loop_report(struct loop *l, struct str *out, struct err *e);
/* page.c: the same for a browser, with charts. */
void loop_page(struct loop *l, const char *markdown, struct str *out);
/* dataset.c: lines of the loop's run, or of several; all: also those that did not improve. */
int dataset_lines(struct store *s, struct redactor *r, const char *loop_run, bool all, struct str *out, struct err *e);

/* source.c: the work tree that the audit read, where a loop that was killed left it. */
void loop_source_remove(struct loop *l);

/* leftovers.c: kills what a dead loop left running: processes whose HOME or working folder is below dir. */
void leftovers_end(const char *dir);

/* programs.c: the files of the repository that an adapter runs. */
void adapter_programs(const struct loop *l, struct strv *out);

/* Names of a folder that end in suffix, sorted by their bytes. */
int loop_list(const char *dir, const char *suffix, struct strv *out, struct err *e);

#endif
