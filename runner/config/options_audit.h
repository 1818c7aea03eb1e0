/* SPDX-License-Identifier: Apache-2.0 */
/* options_audit.h - values of `spec-runner audit` (options_audit.def). */
#ifndef RUNNER_CONFIG_OPTIONS_AUDIT_H
#define RUNNER_CONFIG_OPTIONS_AUDIT_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct audit_options {
	struct strv paths, actions, entries, roots, include, exclude, languages, calibrate;
	char *out; /* .artifacts/audit */
	char *format, *model, *against, *where, *graph;
	char *fail_increase; /* percent, with decimals */
	int64_t depth, threshold, fail_load, fail_expensive, fail_unresolved, sample_ns, jobs, top, max_file_bytes;
	bool json, markdown, mermaid, no_cache;
};

/* An action that spec-runner.yaml declares. */
struct audit_action {
	char *name, *description; /* "" where there is none */
	struct strv entry_points;
	char *place; /* file:line:column */
};

#endif
