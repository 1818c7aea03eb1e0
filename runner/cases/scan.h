/* SPDX-License-Identifier: Apache-2.0 */
/* scan.h - file.scan: what must and must not stand in files (contract 9).
 *
 * Any number of checks is run over one walk: every file is read once, and the fixed strings of
 * all checks are looked for together. A regular expression is tried only on a file in which its
 * plain part was seen. `present` holds when some selected file has the token, `absent` when none
 * has, `ordered` when some file has all of them one behind the other, `count` compares the number of
 * occurrences (not overlapping, as `grep -o` counts) in all selected files together. With `each`,
 * present, ordered and count must hold in every file by itself. A check that selects no file fails. */
#ifndef RUNNER_CASES_SCAN_H
#define RUNNER_CASES_SCAN_H

#include "base/err.h"
#include "base/str.h"
#include "runner/cases/regex.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_FILE_MAX_BYTES (INT64_C(1) << 30)

enum scan_role { SCAN_PRESENT, SCAN_ABSENT, SCAN_ORDERED, SCAN_COUNT };
enum scan_op { SCAN_EQ, SCAN_NE, SCAN_LT, SCAN_LE, SCAN_GT, SCAN_GE };

/* "== 2", ">= 1", "3" (the same as "== 3"). 0 or -1 (ERR_USAGE). */
int scan_parse_count(const char *text, enum scan_op *op, int64_t *n, struct err *e);
bool scan_compare(enum scan_op op, int64_t have, int64_t want);
extern const char *const scan_op_text[];

struct scan_item {
	enum scan_role role;
	char *text;            /* fixed string, or the pattern */
	size_t len;            /* at least 1 */
	struct regex *regex;   /* NULL: fixed */
	enum scan_op op;       /* of SCAN_COUNT */
	int64_t n;
};

/* What one check asks for. Items of SCAN_ORDERED are one list, in their order. */
struct scan_spec {
	struct strv paths;     /* globs, relative to the root */
	bool each;
	struct scan_item *items;
	size_t item_count;
};
/* Appends an item; text is copied; for a regex it is compiled (ERR_USAGE). */
int scan_spec_add(struct scan_spec *s, enum scan_role role, const char *text, size_t len, bool regex,
		  struct err *e);
void scan_spec_release(struct scan_spec *s);

struct scan;

struct scan *scan_new(void);
void scan_free(struct scan *s);

/* The spec is borrowed until scan_free. Returns the check's number, counted from 0; -1 (ERR_USAGE)
 * for a bad glob. */
int scan_add(struct scan *s, const struct scan_spec *spec, struct err *e);

/* Reads the tree. threads: at least 1. -1 where a folder cannot be read or no thread started. */
int scan_run(struct scan *s, const char *root, unsigned threads, struct err *e);

/* Appends one line for each thing that is wrong (places: at most five a check, and a word on
 * how many more). Returns the number of lines: 0, the check holds. */
size_t scan_report(const struct scan *s, int check, struct str *out);
uint64_t scan_files_read(const struct scan *s);         /* each counted once */

#endif
