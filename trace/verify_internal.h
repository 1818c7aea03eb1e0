/* SPDX-License-Identifier: Apache-2.0 */
/* verify_internal.h - the state of one verification, shared by its rooms. */
#ifndef TRACE_VERIFY_INTERNAL_H
#define TRACE_VERIFY_INTERNAL_H

#include "base/json_read.h"
#include "base/schema.h"
#include "base/str.h"
#include "trace/contract.h"
#include "trace/verify.h"

struct verify_span {
	uint64_t id, parent;
	int64_t start_ns, end_ns;
	uint32_t index;       /* in the trace */
	int8_t name, status; /* enum span_name, span_status; -1: unknown */
	bool has_parent;
};

struct pending_event {
	uint64_t span, index;
	int64_t ts_ns;
};

struct slow_row {
	uint64_t id;
	double duration_ms;
	bool known;
};

struct verify {
	struct redactor *redactor;
	struct schema *schema;
	struct json_reader *reader;
	verify_report *report;
	void *arg;
	struct verify_result *result;
	bool silent;
	/* spans */
	struct verify_span *spans;
	size_t span_count, span_cap;
	uint32_t *slots;   /* open addressing: 1 + index into spans */
	size_t slot_count; /* a power of two */
	bool spans_closed;
	uint64_t roots, timeouts;
	/* events */
	struct pending_event *pending;
	size_t pending_count, pending_cap;
	int64_t last_ts_ns;
	uint64_t stall_warnings, tokens[TOKEN_COUNT];
	/* top level */
	int64_t started_ns, ended_ns, exit_code;
	int status; /* 0 pass, 1 fail, -1 unknown */
	/* what the summary says */
	bool has_summary;
	int summary_status;
	int64_t says_spans, says_events, says_timeouts, says_warnings, says_tokens[TOKEN_COUNT];
	int64_t says_progress_ns;
	struct slow_row slow[20];
	size_t slow_count;
};

void verify_say(struct verify *v, const struct schema_place *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* verify_spans.c */
bool verify_span_add(struct verify *v, const struct verify_span *s); /* false: the id is there already */
const struct verify_span *verify_span_find(const struct verify *v, uint64_t id);
void verify_spans_close(struct verify *v); /* parents, nesting, times of all spans */
void verify_event_span(struct verify *v, uint64_t id, int64_t ts_ns, const struct schema_place *at);
void verify_events_pending(struct verify *v);
void verify_release(struct verify *v);

/* verify_rules.c */
/* A member of what stands at `up`; NULL: nothing to look at. */
void verify_secrets(struct verify *v, const struct json_value *value, const struct schema_place *up);
/* What stands at `at` itself. */
void verify_secrets_at(struct verify *v, const struct json_value *value, const struct schema_place *at);
void verify_summary_keep(struct verify *v, const struct json_value *value, const struct schema_place *at);
void verify_summary_check(struct verify *v);

#endif
