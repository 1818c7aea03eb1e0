/* SPDX-License-Identifier: Apache-2.0 */
/* sarif.h - the parts of SARIF 2.1.0 that every one of our documents has. */
#ifndef BASE_SARIF_H
#define BASE_SARIF_H

#include "base/json_write.h"

/* Opens the document, its one run and its tool, up to the array of rules. */
void sarif_begin(struct json *j, const char *tool);
/* Closes the rules and opens the results. id: of the run, or NULL. */
void sarif_results(struct json *j, const char *id);
void sarif_end(struct json *j);

/* key: {"text": text} */
void sarif_text(struct json *j, const char *key, const char *text);
/* "physicalLocation" of a file; line: 0 where it is not known. base: of a path that is relative to it, or NULL. */
void sarif_place(struct json *j, const char *file, const char *base, int64_t line);

#endif
