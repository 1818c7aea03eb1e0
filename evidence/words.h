/* SPDX-License-Identifier: Apache-2.0 */
/* words.h - an argument vector as one line for people. */
#ifndef EVIDENCE_WORDS_H
#define EVIDENCE_WORDS_H

#include "base/str.h"

/* Appends a word behind a blank, quoted where a shell would want it; control characters as \xHH. */
void words_add(struct str *out, const char *word);

#endif
