/* SPDX-License-Identifier: Apache-2.0 */
/* facts.h - what sealing learns from a journal on its way through, in bounded memory: counts,
 * the slowest spans, the notable events, where it went wrong. The `summary` of the
 * trace and the Markdown summary are both written from it. */
#ifndef TRACE_FACTS_H
#define TRACE_FACTS_H

#include "trace/cursor.h"
#include "trace/journal.h"

#define FACTS_SLOWEST 20
#define FACTS_NOTABLE 12       /* the first ones and the last ones */
#define FACTS_TEXT_BYTES 400

/* One span, resolved: its END was found, or what replaces it. */
struct span_facts {
	span_id id, parent;
	enum span_name name;
	enum span_status status;
	enum err_category category;
	enum token token;
	int64_t start_ns, end_ns;
	const char *phase, *message; /* not terminated */
	size_t phase_n, message_n;
};

/* A span as it is remembered: for tables. */
struct span_note {
	span_id id;
	enum span_name name;
	enum span_status status;
	enum token token;
	int64_t start_ns, end_ns;
	char phase[48];
	char text[FACTS_TEXT_BYTES]; /* its attributes, for people */
	char message[FACTS_TEXT_BYTES];
};

struct event_note {
	int64_t ts_ns;
	enum event_kind kind;
	enum token token;
	span_id span;
	char text[FACTS_TEXT_BYTES];
};

struct facts {
	struct journal_header head;
	bool finished, lost, pass;
	int exit_code;
	int64_t last_ns, end_ns;       /* last record; end of the run */
	uint64_t end_off, damaged_at;
	uint64_t span_count, event_count, timeout_spans, stall_warnings;
	uint64_t tokens[TOKEN_COUNT];
	struct span_note slowest[FACTS_SLOWEST];  /* longest first */
	size_t slowest_n;
	struct span_note trouble;      /* the deepest span that did not end well, the earliest of these */
	bool troubled;
	struct event_note first[FACTS_NOTABLE], last[FACTS_NOTABLE]; /* last: a ring */
	uint64_t notable;
	char heartbeat[FACTS_TEXT_BYTES];
	int64_t heartbeat_ns;
	char command_line[1024];
	char environment[4096];        /* JSON members; "" when longer */
};

/* Facts of the events and the end of the journal: one pass. now_ns: since the run
 * began, end of what is open; -1: the last record. */
int facts_scan(struct facts *f, int fd, bool lost, int64_t now_ns, struct err *e);
/* A span on its way through the span pass. depth: below the root. */
void facts_span(struct facts *f, const struct span_facts *s, const char *attrs, size_t attrs_n);
/* The attributes for people: `pid 12, comm sleep`. Cut to size. */
void facts_attrs_text(char *out, size_t size, const char *attrs, size_t n, const char *skip_key);

#endif
