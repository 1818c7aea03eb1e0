/* SPDX-License-Identifier: Apache-2.0 */
/* sampling_state.h - the sampler of a run as both of our processes know it (sampling.h). */
#ifndef RUNNER_PROC_SAMPLING_STATE_H
#define RUNNER_PROC_SAMPLING_STATE_H

#include <stdbool.h>
#include <sys/types.h>

struct sampling {
	bool on;
	bool cprofile, mpa, node; /* those hooks */
	bool unwritten; /* a file that was asked for could not be written */
	bool hooks;     /* any of them: a folder of its own, until the end */
	int fd;         /* in the supervisor: the other end of the sampler's; -1 */
	int sampler_fd; /* in the front, until it is started */
	pid_t pid;      /* in the front */
};

#endif
