/* SPDX-License-Identifier: Apache-2.0 */
/* fact.h - facts are rows: one table a kind, typed columns with units (fact.def). They are read
 * out of a sealed trace and its raw files; patterns turn rows into findings; no sentence of
 * a report stands without its row.
 *
 * Every text enters through fact_set_text, which redacts it and repairs it to UTF-8. After
 * facts_sort the rows of a kind stand in an order that depends on their content only, so the
 * order in which files were read changes nothing. */
#ifndef EVIDENCE_FACT_H
#define EVIDENCE_FACT_H

#include "base/str.h"
#include "trace/redact.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fact_kind {
#define FACT(kind, text, help) FACT_##kind,
#include "evidence/fact.def"
	FACT_KIND_COUNT
};

enum fact_type { FACT_TEXT, FACT_INT, FACT_NUM, FACT_BOOL };

/* One number for each column of every kind; a row holds those of its kind. */
enum fact_col {
#define COL(kind, column, type, unit, help) FC_##kind##_##column,
#include "evidence/fact.def"
	FACT_COL_COUNT
};

struct fact_column {
	enum fact_kind kind;
	const char *name;
	enum fact_type type;
	const char *unit, *help;
};
struct fact_kind_def {
	const char *name, *help;
};
extern const struct fact_kind_def fact_kinds[FACT_KIND_COUNT];
extern const struct fact_column fact_columns[FACT_COL_COUNT];
extern const char *const fact_type_text[];

/* An unknown value satisfies no condition. */
struct fact_value {
	bool known;
	union {
		const char *s;
		int64_t i;
		double n;
		bool b;
	};
};

struct fact_row {
	enum fact_kind kind;
	const char *file; /* where it was read: "run-trace.json", "raw/RUN_ID/snapshot-1.json" */
	const char *at;   /* the place in it, as a JSON pointer: "/events/17" */
	struct fact_value v[]; /* the columns of its kind */
};

struct fact_table {
	struct fact_row **rows;
	size_t n, cap;
	uint64_t dropped; /* rows beyond the most that are kept */
};
#define FACT_ROWS_MAX 10000
#define FACT_SPANS_MAX 20000 /* patterns do not look at spans; a timeline does */

struct fact_block;
struct facts {
	struct fact_table table[FACT_KIND_COUNT];
	struct fact_block *blocks; /* memory of rows and texts */
	struct redactor *redactor; /* shapes and names only: the same bytes on any machine */
};

int facts_init(struct facts *f, struct err *e);
void facts_release(struct facts *f);

/* Memory that lives as long as the facts. */
void *facts_alloc(struct facts *f, size_t n);
const char *facts_strn(struct facts *f, const char *s, size_t n); /* plain copy */

/* A new row with all values unknown. NULL once the table is full (counted). file must
 * outlive the facts; at is copied. */
struct fact_row *fact_add(struct facts *f, enum fact_kind kind, const char *file, const char *at);

void fact_set_int(struct fact_row *r, enum fact_col c, int64_t v);
void fact_set_num(struct fact_row *r, enum fact_col c, double v); /* kept to three decimals */
void fact_set_bool(struct fact_row *r, enum fact_col c, bool v);
void fact_set_text(struct facts *f, struct fact_row *r, enum fact_col c, const char *s); /* NULL: nothing */
/* The text of a value in the type that the column wants; false: it cannot be. */
bool fact_set_from_text(struct facts *f, struct fact_row *r, enum fact_col c, const char *s);

const struct fact_value *fact_get(const struct fact_row *r, enum fact_col c);
int64_t fact_int(const struct fact_row *r, enum fact_col c, int64_t otherwise);
double fact_num(const struct fact_row *r, enum fact_col c, double otherwise);
bool fact_bool(const struct fact_row *r, enum fact_col c);             /* unknown: false */
const char *fact_text(const struct fact_row *r, enum fact_col c);      /* unknown: "" */

/* First and one past the last column of a kind. */
enum fact_col fact_first(enum fact_kind kind);
enum fact_col fact_end(enum fact_kind kind);
/* By name; -1 where there is none. */
int fact_kind_find(const char *name);
int fact_col_find(enum fact_kind kind, const char *name);

/* The value for people: "12", "1.5", "yes", the text; "?" where unknown. */
void fact_value_add(struct str *out, enum fact_col c, const struct fact_value *v);
/* Negative, 0, positive; unknown first. */
int fact_value_cmp(enum fact_type type, const struct fact_value *a, const struct fact_value *b);

void facts_sort(struct facts *f);

/* `report --format facts`: one line a row, `kind column=value …`, known values only. */
void facts_print(const struct facts *f, struct str *out);

#endif
