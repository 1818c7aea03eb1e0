/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - the cost model: schemas/audit_model_v1.yaml describes it, audit/model.yaml is the one built in. */
#ifndef AUDIT_MODEL_H
#define AUDIT_MODEL_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum model_size { SIZE_NONE, SIZE_FILE, SIZE_PAYLOAD, SIZE_SOURCE, SIZE_CONTAINER };
enum model_level { LEVEL_LOW, LEVEL_MEDIUM, LEVEL_HIGH };
enum model_candidate { CANDIDATE_REDUNDANT, CANDIDATE_LOOP, CANDIDATE_PIPELINE, CANDIDATE_EXPENSIVE, CANDIDATE_KINDS };

struct model_class {
	char *name;
	int64_t weight;
	enum model_size size;
	struct strv match;
};

struct model {
	int64_t threshold, max_targets, max_steps;
	struct model_class *classes;
	size_t class_count;
	struct strv file_write, ipc_emit, container_mutate;
	enum model_level effort[CANDIDATE_KINDS], effort_one_function; /* of redundant calls within one function */
	double high, medium; /* shares of the load */
};

/* The built-in model, changed by the file at path (NULL: none). ERR_USAGE with file:line:column. */
int model_read(struct model *m, const char *path, struct err *e);
void model_release(struct model *m);

/* The model as YAML, fit to be read again. */
void model_write(const struct model *m, struct str *out);

/* The first class that matches a callee's full name, or NULL. unresolved: the callee is source text, and only patterns that
 * begin with * count. */
const struct model_class *model_class_of(const struct model *m, const char *callee, bool unresolved);

/* Does one of the patterns match? `*` is any run of bytes. */
bool model_matches(const struct strv *patterns, const char *text, bool unresolved);

const char *model_level_text(enum model_level l);
const char *model_size_text(enum model_size s);
const char *model_candidate_text(enum model_candidate c);

#endif
