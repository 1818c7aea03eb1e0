/* SPDX-License-Identifier: Apache-2.0 */
/* calls.h - what the hook of --collect cprofile left: exact counts of every Python process, summed by function. */
#ifndef PROFILE_SAMPLE_CALLS_H
#define PROFILE_SAMPLE_CALLS_H

#include "base/json_write.h"
#include "profile/sample/profile.h"

struct call_function {
	const char *name, *file;
	int32_t line;
	double calls, self_s, total_s;
};
struct call_missed {
	int32_t pid;
	char *reason;
	const struct strv *argv; /* of the profile; NULL unknown */
};
struct calls {
	struct texts texts;
	struct intern index;
	struct call_function *v;     /* most own time first */
	uint32_t cap;
	double calls;
	struct strv files;           /* cprofile-PID.pstats, by name */
	struct call_missed *missed;
	size_t missed_n;
};
/* Reads all of the folder. p: who ran, to find those without a file. */
void calls_read(struct calls *c, const char *raw, const struct profile *p);
void calls_release(struct calls *c);
/* Members of ProfileArtifact.metrics. */
void calls_metrics(const struct calls *c, struct json *j);

#endif
