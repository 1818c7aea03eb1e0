/* SPDX-License-Identifier: Apache-2.0 */
/* verify.h - holds a run-trace.json against the contract: schema (schemas/run_trace_v1.yaml),
 * taxonomy, nesting, times, counts, redaction. Reads element by element: memory grows with
 * the number of spans alone (and of events only where they stand before the spans). */
#ifndef TRACE_VERIFY_H
#define TRACE_VERIFY_H

#include "base/err.h"
#include "trace/redact.h"

#include <stdbool.h>
#include <stdint.h>

/* Is told every finding: a JSON pointer ("/spans/3/name", "" for the whole) and what is wrong.
 * Neither holds a secret that r knows. Return false to hear no more: then the rest is counted no
 * more either. */
typedef bool verify_report(void *arg, const char *pointer, const char *what);

struct verify_result {
	uint64_t findings;
	uint64_t span_count, event_count;
	char run_id[48];
};

/* r knows the secrets of the present environment, none of which may be in the file. name: for
 * messages. 0 when the file was read to its end; -1 where it cannot be read or is no JSON.
 * A trace is good when 0 is returned and there are no findings. */
int verify_run(int fd, const char *name, struct redactor *r, verify_report *report, void *arg,
	       struct verify_result *result, struct err *e);

/* The schema's text. */
extern const char run_trace_schema[], run_trace_schema_end[];

#endif
