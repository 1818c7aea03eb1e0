/* junit_xml.h - JUnit XML in Jenkins' dialect, which nextest, GitLab, Buildkite, Trunk and Datadog
 * read too: classname and name always, file and line where known, the text of a failure in
 * the element's body (GitLab reads the body). Shared by all that write tests down. */
#ifndef FINDINGS_REPORT_JUNIT_XML_H
#define FINDINGS_REPORT_JUNIT_XML_H

#include "base/str.h"

#include <stdint.h>

/* Appends text, escaped, as an attribute's value or as an element's body, where line breaks stay
 * as they are. Characters that XML 1.0 forbids are left out; a byte that is no UTF-8 becomes U+FFFD. NULL: nothing. */
void junit_add_attribute(struct str *out, const char *text);
void junit_add_body(struct str *out, const char *text);

struct junit_counts {
	uint64_t tests, failures, errors, skipped;
	int64_t time_ns;
};

void junit_document_begin(struct str *out, const struct junit_counts *sum);
void junit_document_end(struct str *out);

/* Until junit_suite_end: properties, then cases. timestamp: RFC 3339 or NULL. */
void junit_suite_begin(struct str *out, const char *name, const struct junit_counts *sum, const char *timestamp);
void junit_suite_end(struct str *out);

struct junit_property {
	const char *name, *value; /* value NULL: the property is left out */
};
/* <properties>, or nothing where there are none; the list ends with a NULL name. depth: of the element. */
void junit_properties(struct str *out, unsigned depth, const struct junit_property *p);

struct junit_case {
	const char *classname, *name; /* not empty */
	const char *file;             /* NULL: unknown */
	int64_t line;                 /* 0: unknown */
	int64_t time_ns;              /* negative: unknown, written as 0 */
};
/* Until junit_case_end: elements by junit_problem and junit_output. */
void junit_case_begin(struct str *out, const struct junit_case *c);
void junit_case_end(struct str *out);

/* <failure>, <error>, <rerunFailure> or <flakyFailure>. message: one line. body NULL: the message again. */
void junit_problem(struct str *out, const char *element, const char *type, const char *message, const char *body);
void junit_skipped(struct str *out, const char *message);
/* <system-out> or <system-err>; nothing where text is NULL. */
void junit_output(struct str *out, const char *element, const char *text);

#endif
