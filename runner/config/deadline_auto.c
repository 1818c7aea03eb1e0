/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/config/deadline_auto.h"

#include "base/clock.h"
#include "base/value.h"

#include <stdlib.h>

static int64_t number(const char *name)
{
	const char *text = getenv(name);
	int64_t v;

	return text && value_int(text, &v) && v > 0 && v < INT64_C(100000000000000) ? v : 0;
}

static int64_t after(int64_t from_ns, int64_t n, int64_t unit_ns)
{
	return n > 0 && n < (INT64_MAX - from_ns) / unit_ns ? from_ns + n * unit_ns : 0;
}

int64_t deadline_auto(int64_t now_real_ns)
{
	const char *started = getenv("CI_JOB_STARTED_AT"), *own = getenv("SPEC_RUNNER_JOB_TIMEOUT");
	int64_t from, ms;

	if (own && value_duration(own, 60000, &ms))
		return after(now_real_ns, ms, NS_PER_MS);
	if (number("CI_JOB_TIMEOUT"))
		return after(started && value_time(started, &from) ? from : now_real_ns, number("CI_JOB_TIMEOUT"), NS_PER_S);
	if (number("SLURM_JOB_END_TIME"))
		return after(0, number("SLURM_JOB_END_TIME"), NS_PER_S);
	if (number("BUILDKITE_TIMEOUT"))
		return after(now_real_ns, number("BUILDKITE_TIMEOUT"), 60 * NS_PER_S);
	if (number("BUILD_TIMEOUT"))
		return after(number("BUILD_TIMESTAMP_MS") ? number("BUILD_TIMESTAMP_MS") * NS_PER_MS : now_real_ns,
			     number("BUILD_TIMEOUT"), NS_PER_MS);
	return 0;
}
