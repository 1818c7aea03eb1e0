/* SPDX-License-Identifier: Apache-2.0 */
/* trace_head.h - from the head of a trace (everything but spans and events) to the row of its run. */
#ifndef HISTORY_TRACE_HEAD_H
#define HISTORY_TRACE_HEAD_H

#include "base/json_read.h"
#include "history/record.h"
#include "history/run_writer.h"

struct trace_head {
	char *run_id, *parent, *started_at, *ended_at, *status, *verb, *args_line, *shard;
	char *uri, *rev, *branch, *arch, *workload_said, *device_said, *toolchain_said;
	int dirty;                     /* -1 unknown */
	int64_t exit_code, cpus, memory_bytes;
	bool has_exit_code;
	/* of the spans, events and summary */
	char *argv_line, *argv0, *total_status, *total_category;
	double duration_ms, longest_idle_ms, cpu_ms; /* -1 unknown */
	int64_t output_bytes, rss_bytes;             /* -1 unknown */
	/* made by trace_head_row */
	char *workload, *device, *command;
	struct str ci_json;
};

void trace_head_init(struct trace_head *h);
void trace_head_release(struct trace_head *h);
bool trace_head_complete(const struct trace_head *h); /* enough for the row */
void trace_head_member(struct trace_head *h, const char *key, const struct json_value *v);

/* Fills the row; its texts live as long as h and q. */
void trace_head_row(struct trace_head *h, const struct record_request *q, struct run_row *row);
/* What the end of the trace says: status, ended_by. */
void trace_head_end(const struct trace_head *h, struct run_row *row);

/* ARCH-NCPU-MEMGIB-8 hex of the processor's name: a class of machines. Caller frees. */
char *device_class(const char *arch, int64_t cpus, int64_t memory_bytes);

/* The device of this machine; said: by the user, or NULL. Caller frees. */
char *device_here(const char *said);
/* The workload that a run of these words will have: said by the user, the CI system's job, or of the
 * redacted words. verb "run": words
 * are the command; else the verb's arguments. Caller frees. */
char *workload_to_be(const char *said, char *const envp[], const char *verb, char *const words[], struct redactor *r);

#endif
