/* SPDX-License-Identifier: Apache-2.0 */
/* own_profiles.h - profiles that runtimes take of themselves: node's .cpuprofile (arranged at its start), a JVM's flight
 * recording (asked for over its attach protocol). */
#ifndef RUNNER_SAMPLED_OWN_PROFILES_H
#define RUNNER_SAMPLED_OWN_PROFILES_H

#include "profile/sample/output.h"

struct redactor;

/* Asks every JVM that has begun for a recording that it writes when it ends. Does not wait. */
void jfr_turn(const struct sample_session *x, struct sampler *s, int64_t now);
/* Outcomes, into the session's extras. 0 or -1. */
int jfr_take(struct sample_session *x, struct err *e);
int nodeprof_take(struct sample_session *x, struct redactor *r, struct err *e);

#endif
