/* SPDX-License-Identifier: Apache-2.0 */
/* seal.h - one streaming pass from the journal to run-trace.json and its Markdown
 * summary, in memory that does not grow with the number of events. Recovery is the
 * same pass. */
#ifndef TRACE_SEAL_H
#define TRACE_SEAL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seal_request {
	int journal_fd;              /* may be another process's: read with pread only */
	const char *trace_out;       /* run-trace.json, or NULL */
	const char *summary_out;     /* run-trace-summary.md, or NULL */
	const char *gate_json;       /* fields of contract 8 to merge into `summary`, or NULL */
	const char *span_attrs;      /* lines {"span":N,"attrs":{…}}: members for spans by their number; NULL none */
	size_t span_attrs_n;
	bool lost;                   /* the writer died: no finish record means supervisor_lost */
	int64_t now_mono_ns;         /* end of what is still open; 0: time of the last record */
};

struct seal_result {
	char run_id[48];
	bool finished;               /* the journal holds a finish record */
	bool pass;
	int exit_code;
	uint64_t span_count, event_count;
	uint64_t dropped;            /* records that found no room on the disk */
	uint64_t damaged_at;         /* the journal is damaged from this byte on; 0: it is whole */
};

/* What a sampler left of spans in the run's raw folder becomes span_attrs, and is taken out of the folder: it is for the
 * trace alone. No link is followed. The caller frees *attrs after sealing; where there is none it stays NULL. */
void seal_take_span_attrs(struct seal_request *q, const char *raw, char **attrs);

/* Writes what is asked for, each file whole or not at all. 0 or -1. */
int seal_run(const struct seal_request *q, struct seal_result *r, struct err *e);

/* Seals one journal file into `<artifacts_dir>/recovered/<run_id>/` and removes it. It must not
 * be locked (ERR_FAILURE, "in use by pid N"). A damaged one is sealed as far as it can be read
 * and kept aside as `<journal>.damaged`, so that it is not tried again for ever: -1, and e says
 * so in one line; out_dir is "" when nothing could be sealed. */
int seal_recover_one(const char *journal_path, const char *artifacts_dir, char out_dir[4096],
		     struct err *e);

/* Every unlocked `*.journal` in artifacts_dir; a locked one is never touched, and two recoveries at
 * once are safe. `told` (may be NULL) hears of each: out_dir where it was sealed, or problem
 * (NULL when there was none), neither of one in use. Returns the count sealed (>= 0) or -1: the folder cannot be read. A
 * missing folder holds none. */
typedef void seal_told(void *arg, const char *journal, const char *out_dir, const struct err *problem);
int seal_recover_each(const char *artifacts_dir, seal_told *told, void *arg, struct err *e);

/* The same without an ear: -1 with the first problem when a journal could not be sealed whole. */
int seal_recover_all(const char *artifacts_dir, struct err *e);

#endif
