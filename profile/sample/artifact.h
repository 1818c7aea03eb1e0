/* SPDX-License-Identifier: Apache-2.0 */
/* artifact.h - ProfileArtifact: what each collector has to show, also where it failed. */
#ifndef PROFILE_SAMPLE_ARTIFACT_H
#define PROFILE_SAMPLE_ARTIFACT_H

#include "base/err.h"
#include "base/json_write.h"
#include "profile/sample/attribute.h"
#include "profile/sample/collectors.h"

enum artifact_status { ARTIFACT_OK, ARTIFACT_PARTIAL, ARTIFACT_DENIED, ARTIFACT_TIMED_OUT, ARTIFACT_UNAVAILABLE,
		       ARTIFACT_FAILED };

struct artifact {
	const struct collector_row *row;
	const char *run_id;
	int64_t started_real_ns;
	enum artifact_status status;
	const char *reason;       /* NULL exactly when ok */
	int intrusion;
	const char *target_json;  /* {command, cwd, env_profile, timeout_ms} */
	const char *metrics;      /* members of its object */
	struct strv raw_files;    /* relative to the artifacts folder; sorted here */
	struct strv interpreters; /* path, version, path, version … */
};
void artifact_write(struct artifact *a, struct str *out);

#endif
