/* SPDX-License-Identifier: Apache-2.0 */
/* case_file.h - cases as they stand in *.spec.yaml files and in ```yaml contract-spec fences of
 * *.spec.md files (contract 9; schemas/spec_case_v1.yaml). All errors of reading are ERR_USAGE and
 * name file:line:column. */
#ifndef RUNNER_CASES_CASE_FILE_H
#define RUNNER_CASES_CASE_FILE_H

#include "base/err.h"
#include "base/str.h"
#include "runner/cases/expect.h"
#include "runner/cases/scan.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CASE_FILE_MAX_BYTES (8 * 1024 * 1024)
#define CASE_FILE_MAX_NODES 300000
#define CASE_ID_MAX_BYTES 128
#define CHAIN_DEPTH_MAX 64
#define CASE_NONE UINT32_MAX

enum harness_type { HARNESS_NONE, HARNESS_CLI_RUN, HARNESS_FILE_SCAN, HARNESS_DATA_VALIDATE, HARNESS_TRACE_VERIFY,
		    HARNESS_AUDIT_THRESHOLD };
extern const char *const harness_type_text[]; /* "" cli.run file.scan … */

/* What its type wants, and nothing else: there may be very many cases. */
struct harness {
	enum harness_type type;
	int64_t timeout_ms;        /* 0 none */
	union {
		struct { /* cli.run; audit.threshold: the command that asks for it */
			struct strv argv, env; /* env "NAME=value" */
			char *cwd;             /* relative to the root, or NULL */
			char *stdin_text;      /* NULL: none was given, it reads nothing */
			size_t stdin_bytes;
		};
		struct scan_spec *scan;    /* file.scan */
		struct { /* data.validate, trace.verify */
			struct strv paths;     /* globs */
			char *schema;          /* data.validate: relative to the root, or NULL */
			struct strv keys;      /* data.validate: a.b.c */
		};
	};
};

struct chain_step {
	char *id, *ref;
	bool allow_continue;
	uint32_t target;           /* case, resolved by case_set_load */
	uint32_t line, column;
};

struct chain {
	bool present, fail_fast;   /* default true */
	int64_t timeout_ms;
	struct chain_step *steps;
	uint32_t step_count;
};

/* ${name.export} of a case: which case's export it is. */
struct case_use {
	char *name;                /* of the step */
	uint32_t target;
};

struct spec_case {
	char *id, *title, *check;  /* check: NULL, or a governance check's id */
	const char *suite, *file;  /* owned by the set */
	uint32_t line, column;
	struct harness harness;
	struct chain chain;
	struct expectations must, must_not, may;
	struct export *exports;
	uint32_t export_count;
	struct case_use *uses;     /* resolved by case_set_load */
	uint32_t use_count;
	bool selected;             /* named by the paths, not only by a ref */
};

struct case_set {
	struct spec_case *cases;
	uint32_t count, cap;
	struct case_source *sources; /* files read so far */
	uint32_t source_count;
	uint32_t *index;             /* by id */
	uint32_t index_size;
	struct strv texts;           /* names of files and suites */
	const char *root;            /* no ref leads from a file below it to one outside; NULL: refs go anywhere */
};

void case_set_init(struct case_set *s);
void case_set_release(struct case_set *s);

/* Reads what paths name: folders (all *.spec.yaml and *.spec.md below, hidden ones aside), files,
 * or FILE#ID; then everything that is referred to; resolves refs and ${…}; refuses cycles. */
int case_set_load(struct case_set *s, char *const paths[], size_t n, struct err *e);

/* Reads one text as the file `name` (Markdown where the name ends in .md) without following refs. */
int case_set_read_text(struct case_set *s, const char *name, const char *text, size_t len, struct err *e);

/* Resolves all refs and uses; reads further files where they say so. */
int case_set_resolve(struct case_set *s, struct err *e);

uint32_t case_set_find(const struct case_set *s, const char *id); /* CASE_NONE */

/* One case from its YAML. suite and file are borrowed. */
int spec_case_read(struct spec_case *c, const struct yaml_node *n, struct err *e);
void spec_case_release(struct spec_case *c);

/* The next ${name.key} in text at or behind *at: true, and what it is; *at moves behind it.
 * `$${` stands for `${` and is none. */
struct template_ref {
	const char *start, *end;   /* from `$` to behind `}` */
	const char *name, *key;
	size_t name_len, key_len;
};
bool template_next(const char **at, struct template_ref *r);
/* Copies text with every reference replaced; value returns NULL for one that has no value. */
int template_expand(const char *text, const char *(*value)(void *ctx, const struct template_ref *r), void *ctx,
		    struct str *out, struct err *e);

#endif
