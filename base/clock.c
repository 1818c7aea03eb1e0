/* SPDX-License-Identifier: Apache-2.0 */
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

void clock_utc(struct clock_utc *u, int64_t real_ns)
{
	int64_t s = real_ns / NS_PER_S, days = s / 86400, in_day = s % 86400;
	int64_t era, year;
	int doe, yoe, doy, mp;

	/* days from civil, backwards: eras of 400 years that begin on 1 March (Howard Hinnant's
	 * chrono-compatible date algorithms) */
	days += 719468;
	era = days / 146097;
	doe = (int)(days - era * 146097);
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	year = yoe + era * 400;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	u->day = doy - (153 * mp + 2) / 5 + 1;
	u->month = mp < 10 ? mp + 3 : mp - 9;
	u->year = (int)(year + (u->month <= 2));
	u->hour = (int)(in_day / 3600);
	u->minute = (int)(in_day / 60 % 60);
	u->second = (int)(in_day % 60);
	u->millisecond = (int)(real_ns % NS_PER_S / NS_PER_MS);
}

void clock_rfc3339(char out[CLOCK_RFC3339_SIZE], int64_t real_ns)
{
	struct clock_utc u;

	clock_utc(&u, real_ns);
	snprintf(out, CLOCK_RFC3339_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", u.year, u.month, u.day,
		 u.hour, u.minute, u.second, u.millisecond);
}

int64_t clock_ms_to_ns(int64_t ms)
{
	return ms > INT64_MAX / NS_PER_MS ? TIME_NEVER : ms * NS_PER_MS;
}

int64_t clock_add(int64_t a, int64_t b)
{
	return a > TIME_NEVER - b ? TIME_NEVER : a + b;
}
