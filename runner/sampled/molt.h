/* SPDX-License-Identifier: Apache-2.0 */
/* molt.h - the Molt Profile Artifact 0.1 out of what the hook of --collect mpa left (raw/RUN_ID/mpa-PID.json). */
#ifndef RUNNER_SAMPLED_MOLT_H
#define RUNNER_SAMPLED_MOLT_H

#include "profile/sample/output.h"

struct redactor;

struct molt {
	int32_t pid;              /* of the process that molt_profile.json tells of: the first of the tree; 0 none */
	size_t processes;         /* that left something; each has a file of its own, too */
	int64_t symbols, call_sites, hotspots, types, containers, strings_hashed, details_left;
	struct strv files;        /* written, by name within raw */
	char failed[200];         /* a hook's own words; "" */
};

/* Writes molt_profile.json, and molt_profile-PID.json of the other processes. 0 or -1. */
int molt_write(struct molt *m, const struct sample_session *x, const struct sample_result *r, struct redactor *redactor,
	       char *const envp[], struct err *e);
void molt_release(struct molt *m);
/* Members of ProfileArtifact.metrics. */
void molt_metrics(const struct molt *m, struct json *j);

#endif
