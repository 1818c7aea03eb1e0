/* SPDX-License-Identifier: Apache-2.0 */
/* junit_xml.h - JUnit XML in Jenkins' dialect, which nextest, Buildkite, GitLab, Trunk and Datadog read
 * too: classname and name always, the text of a failure in the element's body (GitLab reads the body).
 * Shared by all that write tests down.
 *
 * What is written obeys both schemas of Jenkins that are about (junit-4, and junit-10 of its xunit plugin), but
 * that flakyFailure and rerunFailure are junit-10's alone. Neither knows `file` or `line` on a test case, and
 * junit-4 not even on a suite: the file is a property of the suite, and the place the last line of a
 * failure. GitLab reads `file` on the test case and nowhere else: it stands there where the
 * reader is GitLab (junit_case.file_too). */
#ifndef FINDINGS_REPORT_JUNIT_XML_H
#define FINDINGS_REPORT_JUNIT_XML_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Appends text, escaped, as an attribute's value or as an element's body, where line breaks stay
 * as they are. A character that XML 1.0 forbids, U+007F and a byte that is no UTF-8 become U+FFFD, one each. What
 * GitHub would take for a workflow command in a log (`::` at the beginning of a line, `##[`) is written
 * with a character reference: the same to who reads XML. NULL: nothing. */
void junit_add_attribute(struct str *out, const char *text);
void junit_add_body(struct str *out, const char *text);

struct junit_counts {
	uint64_t tests, failures, errors, skipped;
	int64_t time_ns;
};

void junit_document_begin(struct str *out, const struct junit_counts *sum);
void junit_document_end(struct str *out);

struct junit_suite {
	const char *name;
	const char *timestamp;    /* RFC 3339 or NULL */
	struct junit_counts sum;
};
/* Until junit_suite_end: properties, then cases. */
void junit_suite_begin(struct str *out, const struct junit_suite *s);
void junit_suite_end(struct str *out);

struct junit_property {
	const char *name, *value; /* value NULL: the property is left out */
};
/* <properties>, or nothing where there are none; the list ends with a NULL name. depth: of the element. */
void junit_properties(struct str *out, unsigned depth, const struct junit_property *p);

struct junit_case {
	const char *classname, *name; /* not empty */
	const char *file;             /* NULL or "": unknown */
	bool file_too;                /* for GitLab */
	int64_t time_ns;              /* negative: unknown, written as 0 */
};
/* Until junit_case_end: elements by junit_problem and junit_output. */
void junit_case_begin(struct str *out, const struct junit_case *c);
void junit_case_end(struct str *out);

/* <failure>, <error>, <rerunFailure> or <flakyFailure>. message: one line. body NULL: the message again. */
void junit_problem(struct str *out, const char *element, const char *type, const char *message, const char *body);
void junit_skipped(struct str *out, const char *why);
/* "at FILE:LINE", as the last line of a body; nothing where the file is not known. line: 0 unknown. */
void junit_add_place(struct str *body, const char *file, int64_t line);
/* <system-out> or <system-err>; nothing where text is NULL. */
void junit_output(struct str *out, const char *element, const char *text);

#endif
