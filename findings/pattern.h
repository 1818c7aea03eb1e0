/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - patterns are YAML, never code (docs/HOWTO-add-a-pattern.md, schemas/pattern_v1.yaml).
 *
 * A pattern takes each row of one kind (`over`), wants conditions of it, of rows joined to it and
 * of rows that must be absent, and says what it then means. Two forms of a file: a list of
 * patterns, or {version: 1, patterns: [...]}. Every error is ERR_USAGE with file:line:column. */
#ifndef FINDINGS_PATTERN_H
#define FINDINGS_PATTERN_H

#include "findings/condition.h"

#define PATTERN_TEXTS_MAX 16
#define PATTERN_REFS_MAX 48

/* Rows of another kind. With `absent` none may be there, else one must be. */
struct pattern_join {
	const char *as;              /* its name; "" for an absent one */
	enum fact_kind over;
	bool optional;               /* none is no obstacle */
	bool all;                    /* evidence lists every row, not only the first */
	struct pattern_on {
		struct ref theirs, ours;
	} *on;
	unsigned n_on;
	struct condition *condition;
};

/* Alternatives: the first whose references are all known is taken. */
struct pattern_texts {
	struct phrase *t[PATTERN_TEXTS_MAX];
	unsigned n;
};

struct pattern_evidence {
	double add;
	struct condition *when;      /* NULL: always */
	struct phrase *because;
};

enum pattern_severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_NOTE };
extern const char *const pattern_severity_text[];

struct pattern {
	const char *id;
	const char *file;            /* and where it stands, for messages and reports */
	unsigned line;
	struct scope scope;
	int64_t specificity;         /* 0 to 100: more says more about the cause */
	enum pattern_severity severity;
	bool brief;                  /* what its findings say stands in the list of failed tests already */
	bool about_chain;            /* tells how the chain leads, never before what stands at its end */
	const char *fallback_of;     /* only where no finding's id begins with this; NULL always */
	struct condition *after;     /* holds: stands behind the findings of other patterns */
	struct condition *warning;   /* holds: its finding is a warning, whatever severity says */
	bool always_proved;
	struct condition *proved;    /* NULL: always_proved says it */
	struct condition *condition;
	struct pattern_join *joins, *absent;
	unsigned n_joins, n_absent;
	const char *title, *meaning;
	struct pattern_evidence *confidence;
	unsigned n_confidence;
	struct pattern_texts summary, location, suggestions, verify;
	struct ref evidence[PATTERN_REFS_MAX], identity[PATTERN_REFS_MAX];
	unsigned n_evidence, n_identity;
};

struct patterns {
	struct pattern **v;          /* sorted by id */
	size_t n;
	struct yaml_doc **docs;      /* own the borrowed texts */
	size_t n_docs;
};

void patterns_init(struct patterns *p);
void patterns_release(struct patterns *p);

/* One text; name for messages, borrowed until release. */
int patterns_add_text(struct patterns *p, const char *name, const char *text, size_t n, struct err *e);
/* Moves everything of `from` into `p`; a pattern with a known id takes the place of that one. */
void patterns_merge(struct patterns *p, struct patterns *from);
/* The patterns that are part of the program. f: only those that it has rows for, for others find nothing; NULL: all. */
int patterns_add_builtin(struct patterns *p, const struct facts *f, struct err *e);
/* Every *.yaml and *.yml of a folder, by name; a file is taken as it is. A pattern with a
 * known id takes the place of the one that was there; twice in one folder is an error. */
int patterns_add_dir(struct patterns *p, const char *dir, struct err *e);

#endif
