/* SPDX-License-Identifier: Apache-2.0 */
/* record.h - what a trace under way consists of; for the files of this wing. */
#ifndef TRACE_RECORD_H
#define TRACE_RECORD_H

#include "trace/journal.h"
#include "trace/spans.h"

struct trace {
	struct journal journal;
	struct redactor *redactor; /* not owned */
	struct spans spans;
	enum level level;
	bool finished;
	struct str scratch;
};

#endif
