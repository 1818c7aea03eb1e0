/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - time as numbers. All deadlines are absolute monotonic nanoseconds. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define TIME_NEVER INT64_MAX

int64_t clock_mono_ns(void); /* CLOCK_MONOTONIC */
int64_t clock_real_ns(void); /* CLOCK_REALTIME since 1970 */
int64_t clock_boot_ns(void); /* CLOCK_BOOTTIME: minus MONOTONIC = time suspended */

/* "2026-11-21T00:26:09.123Z": RFC 3339, UTC, milliseconds (contract 5). */
struct clock_utc {
	int year, month, day, hour, minute, second; /* month and day from 1 */
	int millisecond;
};
/* Civil time, UTC. gmtime_r would read the time zone's file at start, for nothing. */
void clock_utc(struct clock_utc *u, int64_t real_ns);

#define CLOCK_RFC3339_SIZE 96
void clock_rfc3339(char out[CLOCK_RFC3339_SIZE], int64_t real_ns);

/* ms -> ns without overflow: anything beyond 292 years is TIME_NEVER. */
int64_t clock_ms_to_ns(int64_t ms);

/* a + b, saturating at TIME_NEVER. Both non-negative. */
int64_t clock_add(int64_t a, int64_t b);

#endif
