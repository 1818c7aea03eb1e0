/* SPDX-License-Identifier: Apache-2.0 */
/* dialect.h - what the test runner inside of a command says: which tests started, ended, how.
 *
 * A dialect is data: a YAML file (liveness/dialects, schemas/dialect_v1.yaml, docs/HOWTO-add-a-dialect.md) of
 * rules, each a PCRE2 pattern with named groups that reads one line. The reader takes the
 * bytes of both streams as they come and reports events. It recognises test events and nothing
 * else; what no rule knows stays unknown. Pure: no clock, no system call; time is an argument.
 *
 * A dialect is spoken from the moment that the command line (argv, or one that npm, `sh -x` and the
 * like echo as "> CMD", "$ CMD", "+ CMD") or a line that is proof (`enter: true`) says so; several
 * may be spoken at once. A line belongs to the first rule that matches it, of the dialect that
 * spoke last first.
 *
 * Bounds: DIALECT_LINE_MAX bytes of a line are read, the rest is passed over; DIALECT_RUNNING_MAX tests
 * run at once (more are counted, not named); a pattern has a match limit, and a rule that meets it
 * three times is read no more (DIALECT_RULE_CUT). */
#ifndef LIVENESS_DIALECT_H
#define LIVENESS_DIALECT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DIALECT_LINE_MAX 8192
#define DIALECT_RUNNING_MAX 4096
#define DIALECT_BODY_MAX 4096 /* bytes kept of what a failing test printed */
#define DIALECT_MESSAGE_MAX 1000 /* bytes kept of what a tool says about a failure in one line */
#define DIALECT_NAME_MAX 512 /* bytes of a test or suite name; longer ones are cut between characters */

enum dialect_result {
	DIALECT_PASS,
	DIALECT_FAIL,
	DIALECT_ERROR,
	DIALECT_SKIP,
	DIALECT_XFAIL,   /* failed as expected: xfail, TODO, pending that failed */
	DIALECT_UNKNOWN, /* it ended, the dialect did not say how */
	DIALECT_RESULTS
};
extern const char *const dialect_result_text[DIALECT_RESULTS]; /* pass fail error skip xfail unknown */

enum dialect_event_kind {
	DIALECT_ENTER,      /* this dialect is spoken from here on */
	DIALECT_TEST_START,
	DIALECT_TEST_END,   /* start_ns -1: its start was not told */
	DIALECT_WITHDRAWN,  /* a start read from a line that was cut turned out to be another test */
	DIALECT_SUITE,      /* a file, class or group begins */
	DIALECT_PLAN,       /* `plan` tests are to come, all in all, of this dialect */
	DIALECT_TOTALS,     /* the tool's own closing line */
	DIALECT_BODY,       /* `text`: what the test `suite`, `test` printed about its failure; its place and message */
	DIALECT_HELD,       /* a test has failed; its DIALECT_TEST_END follows when the tool names it */
	DIALECT_FAILURE,    /* place and message of the test `suite`, `test`, which has failed before */
	DIALECT_RULE_CUT,   /* `test` names the rule that met its match limit */
};

/* Strings are valid UTF-8, live as long as the call, never NULL ("" where unknown). */
struct dialect_event {
	enum dialect_event_kind kind;
	const char *dialect, *suite, *test, *file;
	int64_t line;                  /* 0 unknown */
	enum dialect_result result;
	int64_t start_ns, duration_ns; /* -1 unknown; duration as the tool says, else now - start */
	int64_t now_ns;
	int64_t plan;
	int64_t totals[DIALECT_RESULTS]; /* of DIALECT_TOTALS: -1 not said */
	int64_t total;                   /* of DIALECT_TOTALS: -1 not said */
	uint32_t id;                     /* the same in START and END of one test; 0: no start was told */
	bool last;                       /* of DIALECT_FAILURE: more may follow, and the last one counts */
	bool nested;                     /* part of another test that is counted: not in the counts */
	bool container;                  /* a file or class whose tests have names or numbers of their own */
	bool outer;                      /* a file of a dialect whose tests are whole files */
	const char *message;             /* why it failed, on one line; "" unknown */
	const char *text;                /* of DIALECT_BODY: lines, no line end behind the last */
};
typedef void dialect_event_fn(void *ctx, const struct dialect_event *ev);

struct dialect_counts {
	uint64_t done[DIALECT_RESULTS];
	int64_t plan;                  /* -1 unknown */
	uint32_t running;
};

struct dialect_running {
	const char *dialect, *suite, *test, *file; /* valid until the next feed */
	int64_t start_ns, line;
	uint32_t id;
};

/* --- the dialects known --- */

struct dialect_set;

/* The built-in ones. Patterns are compiled when they are first needed. */
int dialect_set_new(struct dialect_set **set, struct err *e);
/* Adds those of a YAML text or file; one of the same name takes the place of the built-in. */
int dialect_set_add_text(struct dialect_set *set, const char *file, const char *text, size_t len, struct err *e);
int dialect_set_add_file(struct dialect_set *set, const char *path, struct err *e);
bool dialect_set_has(const struct dialect_set *set, const char *name);
void dialect_set_names(const struct dialect_set *set, struct strv *out);
void dialect_set_free(struct dialect_set *set);

/* --- reading one command --- */

struct dialect_reader;

/* choice: "auto", or the name of one dialect, which is spoken from the start and alone (ERR_USAGE with the
 * nearest name where there is none such). argv: the command. set must outlive the reader; a set is
 * used by one thread. */
int dialect_reader_new(struct dialect_reader **r, struct dialect_set *set, const char *choice,
		       char *const argv[], dialect_event_fn *fn, void *ctx, struct err *e);
void dialect_reader_free(struct dialect_reader *r);

/* Bytes of stream 1 (stdout, or the one stream of a pty) or 2 (stderr). */
void dialect_feed(struct dialect_reader *r, int stream, const char *p, size_t n, int64_t now_ns);
/* Reads lines that have no end yet ("test_a (m.T) ... "), of streams that have been quiet for DIALECT_SETTLE_NS:
 * a read may end anywhere, and half a name is no name. What it finds began when the last bytes came.
 * Returns when to call again (absolute; TIME_NEVER: not before the next feed). */
#define DIALECT_SETTLE_NS 5000000
int64_t dialect_settle(struct dialect_reader *r, int64_t now_ns);
/* The stream is at its end: what stands in its last line counts. */
void dialect_feed_end(struct dialect_reader *r, int stream, int64_t now_ns);
/* Nothing more will be read, though the streams may go on: what a failing test printed so far is reported. */
void dialect_flush(struct dialect_reader *r, int64_t now_ns);

/* Those running, the one started last first. Fills at most max; returns how many it filled (how many
 * run: dialect_counts). */
size_t dialect_running(const struct dialect_reader *r, struct dialect_running *out, size_t max);
/* Sum over all dialects spoken, and of one (NULL: all). */
void dialect_counts(const struct dialect_reader *r, const char *dialect, struct dialect_counts *out);
/* The dialect that spoke last, or NULL: unknown. */
const char *dialect_current(const struct dialect_reader *r);
/* Does that dialect name a test only when it has ended? Then say "running after LAST". */
bool dialect_names_at_end(const struct dialect_reader *r);
/* Do all dialects that were spoken name a test when it begins, in the mode that they run in? Only then does
 * "no test was named" mean "no test has begun". */
bool dialect_names_at_start(const struct dialect_reader *r);
/* Does the tool of the dialect that spoke last print a closing line whenever it ends by itself? */
bool dialect_closes(const struct dialect_reader *r);
/* Is a plan without the closing line that belongs to it, also where another one came after? */
bool dialect_torn(const struct dialect_reader *r);
/* Of the dialect that spoke last: does its last line wait for the next one, which tells a test from a group? */
bool dialect_holds(const struct dialect_reader *r);
/* Is one of these words, by the last part of its path, called as a dialect of this program is? Reads none of them. */
bool dialect_among(char *const argv[]);
/* A tool that by its command line prints something in every run: its dialect, or NULL. */
const char *dialect_never_silent(const struct dialect_reader *r);
/* The test that ended last ("" none): its suite and name. Valid until the next feed. */
void dialect_last(const struct dialect_reader *r, const char **suite, const char **test);
/* A remark of the dialect for people ("prove holds its output back in a pipe …"), or NULL. */
const char *dialect_hint(const struct dialect_reader *r);

#endif
