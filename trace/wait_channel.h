/* SPDX-License-Identifier: Apache-2.0 */
/* wait_channel.h - what a sleep in a function of the kernel is a wait for. The only table of such names. */
#ifndef TRACE_WAIT_CHANNEL_H
#define TRACE_WAIT_CHANNEL_H

#include "trace/contract.h"

struct wait_channel {
	const char *prefix;
	enum wait_kind kind;
	const char *what; /* "a pipe" */
};

/* wchan: as /proc/PID/wchan has it. NULL: not known. */
const struct wait_channel *wait_channel_find(const char *wchan);

#endif
