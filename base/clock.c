#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

int64_t clock_mono_ns(void) { return clock_read(CLOCK_MONOTONIC); }
int64_t clock_real_ns(void) { return clock_read(CLOCK_REALTIME); }
int64_t clock_boot_ns(void) { return clock_read(CLOCK_BOOTTIME); }

void clock_rfc3339(char out[CLOCK_RFC3339_SIZE], int64_t real_ns)
{
	time_t s = (time_t)(real_ns / NS_PER_S);
	struct tm tm;

	gmtime_r(&s, &tm);
	snprintf(out, CLOCK_RFC3339_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
		 (tm.tm_year + 1900) % 10000, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
		 tm.tm_sec, (int)(real_ns % NS_PER_S / NS_PER_MS));
}

int64_t clock_ms_to_ns(int64_t ms)
{
	return ms > INT64_MAX / NS_PER_MS ? TIME_NEVER : ms * NS_PER_MS;
}

int64_t clock_add(int64_t a, int64_t b)
{
	return a > TIME_NEVER - b ? TIME_NEVER : a + b;
}
