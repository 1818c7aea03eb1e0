/* SPDX-License-Identifier: Apache-2.0 */
/* scan_state.h - what scan.c (checks, report) and scan_run.c (walk, threads, reading) share. */
#ifndef RUNNER_CASES_SCAN_STATE_H
#define RUNNER_CASES_SCAN_STATE_H

#include "runner/cases/fixed_set.h"
#include "runner/cases/glob.h"
#include "runner/cases/scan.h"

#include <inttypes.h>

#define SCAN_PLACES_MAX 5
#define SCAN_NO_ITEM UINT32_MAX

struct u32s {
	uint32_t *v, n, cap;
};

/* A fixed string or a pattern, whichever checks it belongs to. */
struct scan_token {
	const struct regex *regex;
	uint32_t fixed;      /* its string, or the plain part of its pattern; UINT32_MAX none */
	bool counted;        /* some check wants all of its occurrences */
	struct u32s uses;    /* items */
};

struct scan_use {
	uint32_t check, token, item; /* item of the check's spec */
};

struct scan_check {
	const struct scan_spec *spec;
	uint32_t list, first_item;
};

/* Checks that select the same files. */
struct scan_list {
	struct u32s checks, file_checks /* to be judged file by file */, regex_tokens;
};

struct scan_place {
	uint64_t seq, at, line, count; /* file in order of the walk, byte, line from 1 or 0 */
	uint64_t more;                 /* stands for so many */
	uint32_t item;
	char *path;
	const char *why;               /* literal, or NULL */
};

struct scan_totals {
	uint64_t *item_hits, *list_files, *place_total;
	struct scan_place *places;     /* SCAN_PLACES_MAX a check */
	uint64_t files_read;
};

struct scan {
	struct fixed_set *fixed;
	struct glob_set *globs;
	struct scan_token *tokens;
	uint32_t token_count, token_cap;
	uint32_t *by_fixed;            /* string -> token + 1 */
	uint32_t by_fixed_cap;
	struct scan_list *lists;
	uint32_t list_count;
	struct scan_check *checks;
	uint32_t check_count, check_cap;
	struct scan_use *items;
	uint32_t item_count, item_cap;
	struct scan_totals total;
};

void scan_totals_init(struct scan_totals *t, const struct scan *s);
void scan_totals_release(struct scan_totals *t); /* the places' paths are the caller's */
void scan_totals_merge(struct scan_totals *to, struct scan_totals *from, const struct scan *s);
void scan_place_add(struct scan_totals *t, uint32_t check, const struct scan_place *p);

#endif
