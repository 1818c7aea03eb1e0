/* SPDX-License-Identifier: Apache-2.0 */
/* read.h - the one reader of a sealed trace. It streams: a trace of a million events is read in
 * the memory of one. Spans and events arrive typed, with the words of contract.def as enums; what
 * belongs to neither (run_id, args, summary …) arrives as a member of the head, in the file's
 * order. Spans may come before or after events.
 *
 * Lenient in what it accepts: a word that contract.def does not know is -1, a missing number is -1,
 * a missing text NULL. Whether the trace is valid is for verify.h to say. */
#ifndef TRACE_READ_H
#define TRACE_READ_H

#include "base/err.h"
#include "base/json_read.h"
#include "trace/contract.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Valid until the callback returns, like everything that it points to. */
struct trace_read_span {
	uint64_t index;        /* in spans[], from 0 */
	uint64_t id, parent;   /* 0: none or not an id */
	int name;              /* enum span_name or -1 */
	int status;            /* enum span_status or -1 */
	int64_t start_ns, end_ns; /* since the run began; -1 missing */
	const char *phase;
	int category;          /* of error: enum err_category, CATEGORY_NONE without one, -1 unknown word */
	int token;             /* of error: enum token, TOKEN_NONE without one, -1 unknown word */
	const char *message;   /* of error */
	const struct json_value *attrs; /* NULL or an object */
	const struct json_value *whole;
};

struct trace_read_event {
	uint64_t index;        /* in events[], from 0 */
	int64_t ts_ns;         /* since the run began; -1 missing */
	int kind;              /* enum event_kind or -1 */
	uint64_t span;         /* 0: none */
	int checkpoint;        /* enum checkpoint; -1: not one of the table, or not a checkpoint */
	const char *checkpoint_name; /* attrs.event of a checkpoint, else NULL */
	int token;             /* of a watchdog event: enum token, TOKEN_NONE none, -1 unknown word */
	int state;             /* of a subprocess_state event: enum proc_state, else -1 */
	const struct json_value *attrs; /* NULL or an object */
	const struct json_value *whole;
};

/* Each may be NULL. A negative return ends the reading; the callback has set *e then. */
struct trace_read_ops {
	int (*span)(void *arg, const struct trace_read_span *s, struct err *e);
	int (*event)(void *arg, const struct trace_read_event *v, struct err *e);
	int (*head)(void *arg, const char *key, const struct json_value *value, struct err *e);
};

/* Reads the file at path. -1: it cannot be opened or is not JSON of this shape (with the offset). */
int trace_read(const char *path, const struct trace_read_ops *ops, void *arg, struct err *e);
/* The same from an open descriptor, which stays the caller's; name is for messages. */
int trace_read_fd(int fd, const char *name, const struct trace_read_ops *ops, void *arg, struct err *e);

/* One element, for a caller that walks the file itself (verify). */
void trace_read_span_of(const struct json_value *value, uint64_t index, struct trace_read_span *out);
void trace_read_event_of(const struct json_value *value, uint64_t index, struct trace_read_event *out);

/* 16 hex digits in lower case and nothing else; false leaves *id alone. text may be NULL. */
bool trace_id_parse(const char *text, uint64_t *id);

/* Members of attrs; see json_get_int as well. `otherwise` where the member is missing or of another type.
 * attr_ms: a time in milliseconds as nanoseconds. */
int64_t attr_ms(const struct json_value *attrs, const char *key, int64_t otherwise);
const char *attr_text(const struct json_value *attrs, const char *key); /* "" where missing */
bool attr_true(const struct json_value *attrs, const char *key);

#endif
