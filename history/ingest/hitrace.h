/* SPDX-License-Identifier: Apache-2.0 */
/* hitrace.h - ftrace text, as hitrace, bytrace, systrace and trace-cmd write it: how long threads waited for a processor,
 * how much of the time processors were idle. Line by line, in memory that grows with threads and latencies alone. */
#ifndef HISTORY_INGEST_HITRACE_H
#define HISTORY_INGEST_HITRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hitrace;
struct hitrace *hitrace_new(void);
void hitrace_free(struct hitrace *h);
/* A line without its line end. False: it is not an event. Empty lines and comments are fine. */
bool hitrace_line(struct hitrace *h, const char *line, size_t n);

struct hitrace_result {
	double wakeup_us[3], preempt_us[3]; /* p50, p95, p99; NaN: no data */
	double idle_ratio;                  /* NaN: no switch */
	uint64_t events, switches;
};
/* Once, after the last line. */
void hitrace_result(struct hitrace *h, struct hitrace_result *r);
bool hitrace_is_event(const char *line, size_t n);

#endif
