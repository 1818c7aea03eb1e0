/* SPDX-License-Identifier: Apache-2.0 */
/* options_audit.h - values of `spec-runner audit` (options_audit.def). */
#ifndef RUNNER_CONFIG_OPTIONS_AUDIT_H
#define RUNNER_CONFIG_OPTIONS_AUDIT_H

#include <stdint.h>

struct audit_options {
	char *out; /* .artifacts/audit */
	int64_t max_file_bytes;
};

#endif
