/* SPDX-License-Identifier: Apache-2.0 */
/* redact.h - no raw secret leaves this process (contract 7).
 *
 * A redactor knows names that are secret by nature (token, secret, password …; they count by
 * words), the values that such variables of environments and arguments hold (raw, escaped, URL-encoded,
 * base64, base32, hexadecimal …), well-known shapes (GitHub, GitLab, AWS, Slack, npm, JWT, PEM keys, URL
 * userinfo), forms that carry a name and a value in text (`--flag value`, `NAME=value`, JSON, YAML, URL
 * query, headers), and what the user adds. Replacement: `<redacted:NAME-or-kind>`.
 * What plainly is no secret stays: words, prose, paths, counts, placeholders (docs/REDACTION.md).
 * The contract's own keys (reason_token …) are never redacted. */
#ifndef TRACE_REDACT_H
#define TRACE_REDACT_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct redactor;

/* envp: the environment whose secret values must never appear. extra_names:
 * --redact-env. patterns: --redact-pattern (PCRE2; a bad one is ERR_USAGE with its
 * offset). Must cost under 100 us for a usual environment of 60 variables and no
 * patterns: everything that can be made on first use is made on first use. */
int redactor_new(struct redactor **r, char *const envp[], const struct strv *extra_names,
		 const struct strv *patterns, struct err *e);
void redactor_free(struct redactor *r);

/* Further values that must never appear: of another environment (a case's own, a member's), and
 * those that arguments name (`--password V`, `NAME=V`). Cheap when there is nothing new. */
void redactor_learn_env(struct redactor *r, char *const envp[]);
void redactor_learn_argv(struct redactor *r, char *const argv[]);

/* Does a value under this name count as secret? */
bool redact_is_secret_name(const struct redactor *r, const char *name, size_t n);

/* Appends text, redacted, to out. Any bytes; not required to be UTF-8. */
void redact_text(struct redactor *r, const char *s, size_t n, struct str *out);

/* The same for a text whose end was cut off: the first six bytes or more of a value at its end count. */
void redact_cut(struct redactor *r, const char *s, size_t n, struct str *out);

/* The name of a test, a file or a place: only known values and shapes are replaced, or two tests would
 * get one name. */
void redact_name(struct redactor *r, const char *s, size_t n, struct str *out);
/* Do such names stand under this key of ours (case_id, file, function …)? */
bool redact_is_place(const char *key, size_t n);

/* What redact_value would hide of the text under `key` (NULL: none): the label of the first of it (a kind,
 * or the name of the variable whose value it is), NULL where nothing is left to hide. */
const char *redact_finds(struct redactor *r, const char *key, const char *s, size_t n);

/* Appends the value of `key`. */
void redact_value(struct redactor *r, const char *key, const char *value, size_t n, struct str *out);

/* An argument vector, element by element, into owned strings. */
void redact_argv(struct redactor *r, char *const argv[], struct strv *out);

/* A tail of a stream: the last `keep` bytes of buf[0..n), redacted. The bytes before
 * them are context, so that a secret that begins before the cut is still seen. */
void redact_tail(struct redactor *r, const char *buf, size_t n, size_t keep, struct str *out);

/* env_profile of contract 7 as one JSON object text: {"NAME": {"set": true,
 * "length_bucket": "…", "hash": "…"}}; keyed BLAKE2b under a key that never leaves memory, or
 * under SPEC_RUNNER_REDACTION_KEY of envp. */
void redact_env_profile(struct redactor *r, char *const envp[], struct str *out);

#endif
