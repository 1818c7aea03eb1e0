/* SPDX-License-Identifier: Apache-2.0 */
/* deadline_auto.h - when does the CI system end this job? As its own variables say. */
#ifndef RUNNER_CONFIG_DEADLINE_AUTO_H
#define RUNNER_CONFIG_DEADLINE_AUTO_H

#include <stdint.h>

/* Nanoseconds since 1970; 0 where no variable tells. Read from the process's environment:
 *   GitLab     CI_JOB_STARTED_AT (else now) + CI_JOB_TIMEOUT seconds
 *   Slurm      SLURM_JOB_END_TIME, seconds since 1970
 *   Buildkite  now + BUILDKITE_TIMEOUT minutes ("false": none)
 *   Jenkins    BUILD_TIMEOUT milliseconds (of its Build Timeout plugin) since BUILD_TIMESTAMP_MS, else from now on
 *   any        SPEC_RUNNER_JOB_TIMEOUT, a time such as 90m, from now on: GitHub Actions has no variable of its own, so
 *              that a workflow hands its timeout-minutes on
 * "now" is when spec-runner starts, so what ran before it in the job makes such a deadline late by as much. */
int64_t deadline_auto(int64_t now_real_ns);

#endif
