/* SPDX-License-Identifier: Apache-2.0 */
/* probe.h - can an engine be had on this machine, by us? Asked before a run that names it. */
#ifndef PROFILE_SAMPLE_PROBE_H
#define PROFILE_SAMPLE_PROBE_H

#include "base/err.h"

/* with: "perf", "stop" or "read". 0; -1 and why, with how to allow it. */
int sample_probe(const char *with, struct err *e);

#endif
