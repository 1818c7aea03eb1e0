/* SPDX-License-Identifier: Apache-2.0 */
/* validate.h - data.validate: JSON and YAML documents against a schema, or for keys that must be there
 * (contract 9). A file whose name ends in .json is JSON, any other is YAML, read as the YAML core
 * schema reads plain scalars; aliases and tags are refused as everywhere here (base/yaml.h). */
#ifndef RUNNER_CASES_VALIDATE_H
#define RUNNER_CASES_VALIDATE_H

#include "base/err.h"
#include "base/str.h"

#include <stddef.h>

#define VALIDATE_FILE_MAX_BYTES (64 * 1024 * 1024)
#define VALIDATE_LINES_MAX 10

/* Appends a line for each violation (at most VALIDATE_LINES_MAX, and a word on how many more). Globs
 * and schema are relative to root. Exactly one of schema and keys is given. Returns the number of
 * lines; 0: all documents hold. That nothing was selected or could be read is a line, too. */
size_t validate_run(const char *root, const struct strv *globs, const char *schema, const struct strv *keys,
		    struct str *out);

/* The YAML text as JSON text. 0, or -1 (e). */
int validate_yaml_to_json(const char *name, const char *text, size_t n, struct str *json, struct err *e);

#endif
