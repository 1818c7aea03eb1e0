/* SPDX-License-Identifier: Apache-2.0 */
/* tests.h - the tests that run inside a command: its output is read in a dialect (liveness/dialect.h),
 * and each test becomes a case.run span below subprocess.wait (contract 5).
 *
 * Reading waits until the command has printed something, and a moment longer: the patterns take a
 * millisecond to load, which a command that is soon over need not pay. The bytes are read
 * from the ring in which they lie anyway. After our first signal nothing is read any more:
 * what a test prints then never changes its status (contract 6). */
#ifndef RUNNER_PROC_TESTS_H
#define RUNNER_PROC_TESTS_H

#include "liveness/dialect.h"
#include "runner/proc/context.h"
#include "runner/proc/stream.h"

#include <stdbool.h>
#include <stdint.h>

enum { TEST_ROOTS_MAX = 8 };

struct running_test {
	uint32_t id;
	span_id span;
	int64_t start_ns;
	int64_t limit_ns;    /* TIME_NEVER none */
	bool container;      /* a file or class: its tests may be named, too */
	bool outer;          /* a file whose tests another dialect names: it lives while they come and go */
	char *name;          /* "suite::test", redacted when shown */
	/* --test-timeout-action test: it outlived its limit, and its processes alone are being ended */
	enum kill_stage { TEST_UNTOUCHED, TEST_TERM_SENT, TEST_KILL_SENT } kill_stage;
	int64_t next_ns;     /* then: when more is due */
	pid_t root[TEST_ROOTS_MAX];
	size_t n_root;
};

struct tests {
	struct context *c;
	span_id parent;              /* subprocess.wait */
	char *const *argv;
	struct dialect_set *set;
	struct dialect_reader *reader;
	bool off;                    /* --dialect none, or reading has ended */
	bool progressed;             /* a test started or ended since last asked */
	bool settling;               /* lines without an end are being read … */
	bool name_is_open;           /* … and the last one that was printed names a test: it is not a prompt */
	uint64_t fed[STREAM_COUNT];  /* bytes of each ring that were read */
	bool fed_end[STREAM_COUNT];
	int64_t begin_ns;            /* when to begin reading; TIME_NEVER: nothing was printed yet */
	int64_t settle_ns;           /* when lines without an end are to be read */
	struct running_test *running;
	size_t n_running, cap_running;
	int64_t told_ns;             /* when a test that is no file began or ended last */
	int64_t limit_ns;            /* --test-timeout-ms; TIME_NEVER none */
	bool limits;                 /* some test has one */
	bool limit_told;
	size_t body_bytes;           /* of output of failing tests that is in the trace */
	uint64_t folded;             /* tests that are counted, but have no span of their own */
	bool planned;                /* the plan read last counts what is to come, and no other file began since */
	bool printed;                /* something, on one of its streams */
	bool last_unknown;           /* of the test that ended last no result was told */
	bool early;                  /* it ended before its closing line and its plan */
	bool summed;                 /* what is known at the end is in the trace */
	bool finished;               /* the tool has printed its closing line, and no test began since */
};

/* Is --dialect a word that we know, or a file that defines one? ERR_USAGE with what is accepted. Loads
 * dialects only where one is named. */
int tests_check_dialect(const char *name, const char *choice, struct err *e);

void tests_init(struct tests *t, struct context *c, char *const argv[], bool captured);
void tests_release(struct tests *t);

/* Something was read into a stream's ring. */
void tests_output(struct tests *t, struct stream *st, int64_t now_ns);
/* Reads what is due. over: the command has ended and all its output is in the rings. Returns true
 * where a test started or ended: progress. */
bool tests_read(struct tests *t, struct stream st[STREAM_COUNT], bool over, int64_t now_ns);
/* Next time for tests_read or a test's limit. */
int64_t tests_due(const struct tests *t);
/* The test that outlived --test-timeout-ms, or for which more is due; NULL none. Until tests_limit_done it is told again. */
struct running_test *tests_over_limit(struct tests *t, int64_t now_ns);
/* Is r late as well, but for a moment? Tests that began together cannot be told apart by time, nor need they be. */
bool test_is_as_late(const struct running_test *late, const struct running_test *r);
/* From now on limits of tests are nobody's business: the command is being ended. */
void tests_limit_done(struct tests *t);
/* No more reading: the running ones end with this status. */
void tests_freeze(struct tests *t, enum span_status status, enum token token, int64_t now_ns);
/* Those that have ended, and those of them that failed. */
void tests_totals(const struct tests *t, int64_t *done, int64_t *failed);
/* The command has ended: tests that still ran did not end by themselves. why: "the command was killed by …". */
void tests_abandon(struct tests *t, const char *why, enum err_category category, int64_t now_ns);
/* After the end: had the test runner not finished, as far as it is known? It announced more tests, or it always prints
 * a closing line and has not. */
bool tests_ended_early(const struct tests *t);
/* Records and says it; required: that it counts as a failure. */
void tests_tell_early(struct tests *t, bool required, int64_t now_ns);
/* Says in a few lines what runs, what ended last, what never started. */
void tests_say(struct tests *t, int64_t now_ns);

/* For the status lines: the counts, the oldest running ones (names not redacted; valid until the next read), after:
 * what `after` of the view lies in. Leaves it as it is where nothing is known. */
struct status_view;
void tests_view(const struct tests *t, struct status_view *v, struct str *after);

#endif
