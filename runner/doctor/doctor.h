/* SPDX-License-Identifier: Apache-2.0 */
/* doctor.h - what can be seen and done on this machine, by trying it: each check is one row. A check leaves
 * nothing behind and takes a second at most. */
#ifndef RUNNER_DOCTOR_DOCTOR_H
#define RUNNER_DOCTOR_DOCTOR_H

#include "base/str.h"

#include <stddef.h>

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_LIMITED, /* it works, with less than there could be */
	DOCTOR_MISSING, /* it does not work here */
};
extern const char *const doctor_status_text[]; /* ok limited missing */

struct doctor_answer {
	enum doctor_status status;
	struct str detail; /* what was seen */
	struct str how;    /* how to allow the rest; empty: nothing to do */
};

struct doctor_check {
	const char *name;    /* "ptrace" */
	const char *purpose; /* what it is needed for */
	void (*run)(struct doctor_answer *a);
};
extern const struct doctor_check doctor_checks[];
extern const size_t doctor_check_count;

#endif
