/* SPDX-License-Identifier: Apache-2.0 */
/* ingest.h - files of other tools into a run of the store: kept as artifacts, text redacted first, and read for what they
 * say: metrics, test results, stacks. */
#ifndef HISTORY_INGEST_INGEST_H
#define HISTORY_INGEST_INGEST_H

#include "history/artifact.h"
#include "history/ingest/frames.h"
#include "history/ingest/samples.h"
#include "history/settings.h"
#include "trace/redact.h"

struct ingest_request {
	struct store *s;
	const struct history_settings *settings;
	struct redactor *redactor;
	int64_t now_real_ns;
	char *const *envp;
	const char *root;
	double refresh_hz;
};

struct ingest_metric {
	const char *scope, *name, *unit;
	double value;
	char *symbol;              /* of top_hotspots, else NULL */
	int64_t rank;
};
struct ingest_result {
	char run_id[64];
	struct artifact *artifacts;
	struct ingest_metric *metrics;
	struct frame_window *windows;
	size_t n_artifacts, n_metrics, n_windows;
	uint64_t unreadable_lines;
	struct strv warnings;
};
void ingest_result_release(struct ingest_result *r);

/* The kind that a file's first bytes say; NULL and e (ERR_USAGE) where nobody knows it, or it has to be converted first. */
const char *ingest_kind_of(const char *text, size_t n, const char *name, struct err *e);
/* "trace junit hitrace hiperf flamegraph perf-script folded" and the kinds that are only kept. */
bool ingest_kind_known(const char *kind);

/* Takes the files of settings->paths in. 0; 1: more than half of a file's lines cannot be read, nothing is stored; -1. */
int ingest_artifacts(const struct ingest_request *q, struct ingest_result *r, struct err *e);
/* A manifest of the tracked files of a work tree at a commit. */
int ingest_repo(const struct ingest_request *q, const char *dir, const char *rev, struct ingest_result *r, struct err *e);

/* A trace becomes the run that it is of. ERR_USAGE where it is not one. */
int ingest_trace(const struct ingest_request *q, const char *path, struct ingest_result *r, struct err *e);

/* A run of kind ingest where settings name none; else checks that it is there (1: it is not). */
int ingest_run(const struct ingest_request *q, char run_id[64], struct err *e);

/* Stacks of a stored artifact into s. 1: this kind holds none. */
int ingest_samples(const char *kind, const char *text, size_t n, struct samples *s, uint64_t *unreadable, uint64_t *lines,
		   struct err *e);

void ingest_json(const struct ingest_result *r, struct str *out);
void ingest_lines(const struct ingest_result *r, struct str *out); /* RUN_ID ARTIFACT_ID KIND METRICS */

#endif
