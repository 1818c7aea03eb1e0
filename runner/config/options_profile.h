/* SPDX-License-Identifier: Apache-2.0 */
/* options_profile.h - the options of profilers and of their reports. */
#ifndef RUNNER_CONFIG_OPTIONS_PROFILE_H
#define RUNNER_CONFIG_OPTIONS_PROFILE_H

#include <stdint.h>

enum sample_with { SAMPLE_WITH_AUTO, SAMPLE_WITH_PERF, SAMPLE_WITH_STOP, SAMPLE_WITH_READ };
enum profile_weight { WEIGHT_CPU, WEIGHT_WALL, WEIGHT_WAIT, WEIGHT_SAMPLES };

struct profile_options {
	char *collect;      /* names, comma separated; NULL none */
	int64_t sample_hz;
	int sample_with;    /* enum sample_with */
	int64_t intrusion;  /* 0 to 3 */
	int64_t bytes;
	char *mpa;          /* where molt_profile.json goes, too; NULL nowhere */
	int64_t pid, seconds; /* record --pid; report --pid: 0 none */
	/* report */
	char *file;         /* --profile: a profile to read in place of a trace's */
	int weight;         /* enum profile_weight */
	char *only_case, *lang;
	int64_t thread;     /* 0 all */
	char *baseline;
};

#endif
