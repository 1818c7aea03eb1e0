/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_int.h - shared by dialect*.c and nothing else. */
#ifndef LIVENESS_DIALECT_INT_H
#define LIVENESS_DIALECT_INT_H

#include "liveness/dialect.h"
#include "liveness/dialect_select.h"

#include <pcre2.h>

enum rule_kind {
	RULE_CHOOSE,  /* proof only */
	RULE_START, RULE_END, RULE_SUITE, RULE_SUITE_END, RULE_PLAN, RULE_TOTALS,
	RULE_PAUSE,   /* it waits for its turn: it does not run */
	RULE_PART,    /* a failed part of the running test: what it ends with when nobody says so */
	RULE_LEAVE,   /* the dialect is no longer spoken */
	RULE_IGNORE,  /* claims a line that looks like another rule's */
	RULE_SUMS,    /* so many tests of a suite have ended; those that failed have lines of their own */
	RULE_BODY,    /* what a failing test printed begins behind this line */
	RULE_BODY_END,
	RULE_FAILURE, /* names a failed test: where running lines had a character for it, or none */
	RULE_DETAIL,  /* inside of a body: its message, its place */
};

/* Named groups of a pattern, as capture numbers; 0: the pattern has none such. */
enum group {
	G_TEST, G_SUITE, G_RESULT, G_DURATION, G_UNIT, G_FILE, G_LINE, G_PLAN, G_INDENT, G_DOTS,
	G_PASSED, G_FAILED, G_ERRORS, G_SKIPPED, G_XFAILED, G_TODO, G_TOTAL, G_MESSAGE, GROUPS
};

#define RULE_HAS_MAX 8
#define RULE_WORDS_MAX 24

struct rule {
	enum rule_kind kind;
	char *pattern;
	char *where;             /* "pytest.yaml:12" */
	char *has[RULE_HAS_MAX]; /* a matching line holds one of these */
	size_t has_len[RULE_HAS_MAX];
	unsigned has_n;
	char *body;              /* its test's own output follows, in lines that begin with one of these bytes
				  * ('*': any), up to one that a rule claims; NULL: none */
	char *ends;              /* a matching line ends with one of these bytes; NULL: any */
	bool enter, partial, anywhere, leave, json;
	bool mute;               /* with leave: no test until a choose, plan or totals rule */
	bool share;              /* claims no line: other dialects read it too */
	bool container;          /* its test is a file or class: named while it runs, not counted */
	bool unless_deeper;      /* it is no test but a suite where the next line stands deeper */
	bool fill;               /* of totals: tests that no line named are counted by this one */
	bool naming;             /* of body: its test is one that failed without a name */
	bool last;               /* of detail and body: the last such line counts, not the first */
	bool more;               /* of detail: its message is added to the one before */
	bool continues;          /* of detail: it counts only where the message so far ends with a colon */
	bool next;               /* of body: what follows belongs to the test that ends next */
	bool closes;             /* of leave: the tool's closing line */
	bool fixed;              /* `result:` given */
	enum dialect_result result;
	int64_t unit_ns;         /* of a duration without a unit */

	pcre2_code *code;        /* NULL until needed */
	bool broken, jitted;
	uint32_t tried, cuts;
	uint8_t group[GROUPS];
	uint8_t first[32];       /* bitmap of bytes that a matching line can begin with */
};

struct word {
	char *text;
	size_t len;
	enum dialect_result result;
};

struct dialect {
	char *name, *hint;
	char **argv;             /* patterns searched in the command line */
	pcre2_code **argv_code;
	unsigned argv_n;
	struct rule *rule;
	unsigned rule_n;
	struct word word[RULE_WORDS_MAX]; /* of the group `result`, and characters of `dots` */
	unsigned word_n;
	bool names_at_end;       /* a test is named only when it has ended … */
	char **start_if;         /* … unless one of these patterns is found in the command line */
	pcre2_code **start_if_code;
	unsigned start_if_n;
	bool sections;           /* each plan has a closing line of its own */
	bool never_silent;       /* its tool prints something in every run (argv and quiet_if tell which it is) */
	bool closes;             /* its tool ends with a closing line … */
	char **quiet_if;         /* … unless one of these patterns is found in the command line */
	pcre2_code **quiet_if_code;
	unsigned quiet_if_n;
	bool one_at_a_time;      /* a start ends the one before */
	bool stacked;            /* suites end by a line of their own: they nest */
	bool files;              /* its tests are whole files, whose tests another dialect names */
	enum { COUNT_TOP, COUNT_LEAVES, COUNT_ALL } count; /* of points at several indents */
	enum dialect_result silent; /* result of one that ended because the next started */
	unsigned nest;           /* columns an indent level has; 0: no levels */
	struct dialect_way select, except, shuffle;
};

struct dialect_set {
	struct dialect **dialect;
	unsigned n;
};

/* Which texts (`has`) may a line hold? Each text has a bit, and is known by its least common three neighbouring
 * bytes: one look at each three of a line answers for all rules. A text of two bytes is known by all threes
 * that begin with it (behind the line stands a NUL); of one byte, always. */
#define FILTER_BITS 12
#define FILTER_ALWAYS (UINT64_C(1) << 63)
struct filter {
	uint64_t of[1 << FILTER_BITS];
	struct {
		const char *text;
		size_t n;
	} known[63];             /* the text that each bit was given last */
	unsigned texts;
};
/* Returns the text's bit. Beyond 63 texts some share one. */
uint64_t filter_add(struct filter *f, const char *text, size_t n);
uint64_t filter_line(const struct filter *f, const char *line, size_t n);

/* Compiles at need. False: the pattern cannot be used (memory); it then matches nothing. */
bool rule_ready(struct rule *r);
/* Offers a line. >0: matched, offsets in md; 0: no; <0: its limit was met. */
int rule_match(struct rule *r, const char *line, size_t n, pcre2_match_data *md, pcre2_match_context *mc);
bool dialect_argv_matches(struct dialect *d, const char *line, size_t n, pcre2_match_data *md,
			  pcre2_match_context *mc);
/* Does the command line ask for a mode in which a test is named when it begins? */
bool dialect_argv_names_at_start(struct dialect *d, const char *line, size_t n, pcre2_match_data *md,
				 pcre2_match_context *mc);

/* … for one in which its tool prints no closing line? */
bool dialect_argv_quiet(struct dialect *d, const char *line, size_t n, pcre2_match_data *md, pcre2_match_context *mc);

/* --- lines (dialect_lines.c) --- */

struct line_buffer {
	char *data;              /* the line so far, at most DIALECT_LINE_MAX bytes */
	size_t len, cap;
};
typedef void line_fn(void *ctx, const char *line, size_t n);

/* Cuts bytes into lines (LF, CRLF, CR) and gives each whole one, without ANSI sequences, to fn. */
void lines_feed(struct line_buffer *b, const char *p, size_t n, line_fn *fn, void *ctx);
/* The rest without an end of line, cleaned into out (DIALECT_LINE_MAX bytes). Returns its length. */
size_t lines_rest(const struct line_buffer *b, char *out);
void lines_release(struct line_buffer *b);

/* --- a reader (dialect.c) and what its rules do (dialect_rules.c) --- */

#define DEPTH_MAX 16
#define FAILED_MAX 1024
#define NAME_SIZE (DIALECT_NAME_MAX + 1)
#define MESSAGE_SIZE (DIALECT_MESSAGE_MAX + 1)
#define NAMELESS_HELD_MAX 4096

struct test {
	struct test *next;       /* the one started before */
	uint32_t id, spoken;
	char *suite, *name, *file;
	int64_t start_ns, line;
	bool paused, container;
};

/* A line that is a test or a suite: the next one tells (unless_deeper). */
struct held {
	char *suite, *name, *file;
	unsigned depth;
	enum dialect_result result;
	int64_t duration_ns;
};

/* A test that failed, and of which the tool has not yet said the name. */
struct nameless {
	char *suite, *file;
	enum dialect_result result;
};

/* A dialect of the set, as far as this command speaks it. */
struct spoken {
	struct dialect *d;
	bool active, forced, told; /* forced: the user named it, it is spoken to the end */
	bool left;                 /* forced, and its closing line was read */
	uint64_t entered;        /* order of entering: the latest is asked first */
	char *suite[DEPTH_MAX];
	unsigned depth;          /* suites on the stack */
	bool child[DEPTH_MAX + 1]; /* points have ended at that depth since the last one above it */
	char *file;
	bool part_failed, muted;
	bool totalled;           /* the closing line of its last run has come */
	enum dialect_result section; /* of the failures that are listed now; DIALECT_RESULTS: not said */
	bool names_at_end;       /* in the mode that it runs in */
	bool quiet;              /* in that mode no closing line is printed */
	enum dialect_result part;
	unsigned dots[2];        /* characters of the current line of each stream that are counted */
	struct held held;        /* name NULL: none */
	struct nameless *nameless;
	unsigned nameless_n, nameless_cap;
	uint64_t *failed;        /* names of tests that failed, as hashes: at most FAILED_MAX */
	unsigned failed_n;
	uint64_t done[DIALECT_RESULTS], done_before[DIALECT_RESULTS]; /* before it was entered last */
	int64_t plan;
	bool open;               /* of `sections`: the plan's closing line has not come … */
	bool torn;               /* … and another one began */
};

/* The output of a failing test, while it is gathered. */
struct body {
	bool open;
	bool next;               /* whose it is comes behind it */
	unsigned spoken;
	int stream;
	const char *begins;
	char suite[NAME_SIZE], test[NAME_SIZE];
	char file[NAME_SIZE], message[MESSAGE_SIZE];
	int64_t line;
	struct str text;
};

struct candidate {
	uint64_t has;            /* bits of the filter, of which a line needs one; 0: none */
	struct rule *rule;
	uint32_t spoken;
};

struct dialect_reader {
	struct dialect_set *set;
	char *argv_line;         /* the command line */
	bool wrapped;            /* it names tox, which says what it runs in words of its own */
	struct spoken *spoken;
	unsigned n;
	dialect_event_fn *fn;
	void *ctx;
	struct filter *filter;
	struct candidate *list[256];
	unsigned list_n[256];
	struct line_buffer line[2];
	int64_t fed_ns[2];       /* when bytes of a stream came last */
	bool unsettled[2];       /* the rest of its last line has not been read */
	uint32_t partial_id[2];  /* the test that the unfinished line of a stream has started */
	const struct rule *partial_end[2]; /* the rule by which it has ended one */
	pcre2_match_data *md;
	pcre2_match_context *mc;
	pcre2_jit_stack *jit_stack;
	struct test *running;
	uint32_t running_n, last_id;
	uint64_t entries;
	uint32_t touched;        /* test that the rule in hand was about */
	int last_spoken;         /* -1: nothing yet */
	char last_suite[NAME_SIZE], last_test[NAME_SIZE];
	enum dialect_result last_result;
	struct body body;
	int64_t now;
	int stream;              /* 0, 1 */
	bool in_partial, dirty;
	const char *text;        /* the line in hand */
	size_t text_n;
	PCRE2_SIZE *ovector;
};

struct dialect_event event_of(const struct dialect_reader *r, const struct spoken *sp,
			      enum dialect_event_kind kind);
void reader_emit(const struct dialect_reader *r, const struct dialect_event *ev);
/* Unlinks a running test and reports how it ended. */
void test_end(struct dialect_reader *r, struct test *t, enum dialect_event_kind kind,
	      enum dialect_result result, int64_t duration_ns, bool nested);
/* The tool went on without a word about the test that ran. */
void test_end_silent(struct dialect_reader *r, struct test *t);
void test_free(struct test *t);
struct test *test_latest(struct dialect_reader *r, unsigned spoken);
void spoken_reset(struct spoken *sp);
/* The held line is what the next one, at `depth`, makes of it: a suite where that stands deeper. */
void held_settle(struct dialect_reader *r, unsigned spoken, unsigned depth);
/* Reports a test whose start was not told. */
void test_told(struct dialect_reader *r, struct spoken *sp, struct dialect_event *ev);
/* Ends of tests without a name. */
void tests_nameless(struct dialect_reader *r, struct spoken *sp, enum dialect_result result, int64_t n,
		    const char *suite, const char *file);
/* What the matched rule says about tests; r->text and r->ovector hold the match. */
void rule_apply(struct dialect_reader *r, unsigned spoken, const struct rule *u);

/* --- what failing tests print (dialect_body.c) --- */

/* suite, test: whose output follows. Copied. */
void body_open(struct dialect_reader *r, unsigned spoken, const struct rule *u, const char *suite, const char *test);
/* A line that no rule has claimed. */
void body_line(struct dialect_reader *r, const char *line, size_t n);
void body_close(struct dialect_reader *r);
/* The test that ended last is the one that it was waiting for, if it failed. */
void body_close_for_last(struct dialect_reader *r);

/* --- what rules share (dialect_rules.c) --- */

bool capture(const struct dialect_reader *r, const struct rule *u, enum group g, const char **p, size_t *n);
bool capture_name(const struct dialect_reader *r, const struct rule *u, enum group g, char out[NAME_SIZE]);
bool capture_message(const struct dialect_reader *r, const struct rule *u, char out[MESSAGE_SIZE]);
int64_t capture_int(const struct dialect_reader *r, const struct rule *u, enum group g);
enum dialect_result capture_result(const struct dialect_reader *r, const struct rule *u, const struct dialect *d);
void last_set(struct dialect_reader *r, const char *suite, const char *name, enum dialect_result result);

/* --- failures and their names (dialect_failures.c) --- */

bool is_failure(enum dialect_result result);
/* Remembers that a test of this name failed. Was it unknown? suite "": by its name alone. */
bool failed_add(struct spoken *sp, const char *suite, const char *name);
/* A test has failed whose name comes later: counted now, reported when it is named or nothing more comes. */
void nameless_hold(struct dialect_reader *r, unsigned spoken, enum dialect_result result, const char *suite,
		   const char *file);
/* Reports as ev (names, place, message) the first that fits. False: none is held. */
bool nameless_name(struct dialect_reader *r, unsigned spoken, struct dialect_event *ev);
/* Reports those that are held without a name. */
void nameless_flush(struct dialect_reader *r, unsigned spoken);
void nameless_release(struct spoken *sp);
void on_failure(struct dialect_reader *r, unsigned spoken, const struct rule *u);
void on_detail(struct dialect_reader *r, unsigned spoken, const struct rule *u);

/* Built in: {file name, text, length}. */
struct dialect_file {
	const char *name, *text, *end;
};
extern const struct dialect_file dialect_files[];
extern const unsigned dialect_files_n;

#endif
