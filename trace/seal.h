/* seal.h - one streaming pass from the journal to run-trace.json and its Markdown
 * summary, in memory that does not grow with the number of events. Recovery is the
 * same pass (HOUSE, decision 4). */
#ifndef TRACE_SEAL_H
#define TRACE_SEAL_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct seal_request {
	int journal_fd;              /* may be another process's: read with pread only */
	const char *trace_out;       /* run-trace.json, or NULL */
	const char *summary_out;     /* run-trace-summary.md, or NULL */
	const char *gate_json;       /* fields of contract 8 to merge into `summary`, or NULL */
	bool lost;                   /* the writer died: no finish record means supervisor_lost */
	int64_t now_mono_ns;         /* end of what is still open; 0: time of the last record */
};

struct seal_result {
	char run_id[48];
	bool finished;               /* the journal holds a finish record */
	bool pass;
	int exit_code;
	uint64_t span_count, event_count;
};

/* Writes what is asked for, each file whole or not at all. 0 or -1. */
int seal_run(const struct seal_request *q, struct seal_result *r, struct err *e);

/* Seals every unlocked journal in `<artifacts_dir>` into
 * `<artifacts_dir>/recovered/<run_id>/` and removes it. Returns the count sealed (>= 0) or -1. */
int seal_recover_all(const char *artifacts_dir, struct err *e);

/* Seals one journal file. It must not be locked (ERR_FAILURE, "in use by pid N"). */
int seal_recover_one(const char *journal_path, const char *artifacts_dir, char out_dir[4096],
		     struct err *e);

#endif
