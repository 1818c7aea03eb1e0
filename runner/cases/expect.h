/* SPDX-License-Identifier: Apache-2.0 */
/* expect.h - what a case expects of its outcome (contract 9).
 *
 *   {target: exit_code, equals: 0}
 *   {target: stdout, matches: '^version \d+'}      also stderr, and text: stdout, then stderr
 *   {target: json, pointer: /a/0/b, equals: 3}     stdout as JSON, RFC 6901; no pointer: the whole
 *   {target: duration_ms, at_most: 500}
 *   {target: file, path: out.txt, exists: true}    a file made, relative to the case's folder
 *
 * Each has one operator. `equals` on a text forgives one final newline. A plain YAML scalar is
 * compared as the type that stands there: `equals: 3` holds for the number 3 and the text 3. */
#ifndef RUNNER_CASES_EXPECT_H
#define RUNNER_CASES_EXPECT_H

#include "base/err.h"
#include "base/str.h"
#include "base/yaml.h"
#include "runner/cases/regex.h"

#include <stdbool.h>
#include <stdint.h>

enum expect_target {
	TARGET_EXIT_CODE, TARGET_STDOUT, TARGET_STDERR, TARGET_TEXT, TARGET_JSON, TARGET_DURATION_MS,
	TARGET_FILE,
};
enum expect_op {
	OP_EQUALS, OP_NOT_EQUALS, OP_CONTAINS, OP_NOT_CONTAINS, OP_MATCHES, OP_NOT_MATCHES, OP_STARTS_WITH,
	OP_ENDS_WITH, OP_LESS_THAN, OP_AT_MOST, OP_MORE_THAN, OP_AT_LEAST, OP_ONE_OF, OP_EXISTS, OP_EMPTY,
	OP_LENGTH, OP_NONE,
};
extern const char *const expect_target_text[];
extern const char *const expect_op_text[];

struct expectation {
	enum expect_target target;
	enum expect_op op;
	char *pointer;         /* of json */
	char *path;            /* of file; may hold ${…} */
	char *text;            /* the operand; may hold ${…} */
	size_t text_len;
	bool quoted;           /* a string for certain */
	bool flag;             /* of exists, empty */
	int64_t number;        /* of the comparisons and length */
	struct strv list;      /* of one_of */
	struct regex *regex;   /* of matches where the operand holds no ${…} */
	uint32_t line, column;
};

struct expectations {
	struct expectation *v;
	size_t n;
};

/* name: export X: {target …, matches: '(…)'} takes the first group, or the whole. */
struct export {
	char *name;
	struct expectation from; /* op OP_MATCHES or OP_NONE: all of the target */
};

/* What there is to look at. Texts are borrowed. */
struct outcome {
	int exit_code;
	const char *out, *err;
	size_t out_bytes, err_bytes;
	bool out_cut, err_cut;   /* more was written than is kept */
	int64_t duration_ns;
	const char *dir;         /* where the case ran: absolute */
	/* expands ${…} of an operand; NULL: nothing to expand. Returns 0, or -1 with e. */
	int (*expand)(void *ctx, const char *text, struct str *out, struct err *e);
	void *ctx;
};

/* Reads one item, an entry under must, must_not, may (or export, where the operator may be left out). */
int expectation_read(struct expectation *x, const struct yaml_node *n, bool is_export, struct err *e);
void expectation_release(struct expectation *x);
void expectations_release(struct expectations *l);
void export_release(struct export *x);

/* Does it hold? 1, 0 or -1 (it could not be judged: why in e). why: one line, appended unless it holds. */
int expectation_holds(const struct expectation *x, const struct outcome *o, struct regex_space *space,
		      struct str *why, struct err *e);

/* "stdout contains 'x'", for messages. */
void expectation_describe(const struct expectation *x, struct str *out);

/* The value of an export. 0, or -1: nothing there to take (e). */
int export_take(const struct export *x, const struct outcome *o, struct regex_space *space, struct str *out,
		struct err *e);

#endif
