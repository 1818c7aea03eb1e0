/* SPDX-License-Identifier: Apache-2.0 */
/* case_out.h - how results are shown: one writer a format, all into a text. Texts of outcomes are redacted
 * already; titles and ids are not secret. */
#ifndef RUNNER_CASES_CASE_OUT_H
#define RUNNER_CASES_CASE_OUT_H

#include "runner/cases/case_work.h"

struct case_format {
	const char *name;
	/* Each may be NULL. number counts from 1. */
	void (*begin)(struct str *out, uint32_t total);
	void (*one)(struct str *out, uint32_t number, const struct spec_case *c, const struct case_outcome *o);
	void (*end)(struct str *out, const struct case_work *w, int64_t duration_ns, bool for_gitlab);
};
extern const struct case_format case_formats[]; /* tap tap14 human junit, then one without a name */
const struct case_format *case_format_find(const char *name); /* NULL: none */

/* The JUnit document of all results (findings/report/junit_xml.h). for_gitlab: GitLab reads it. */
void case_junit_write(struct str *out, const struct case_work *w, int64_t duration_ns, bool for_gitlab);

/* GitHub Actions: workflow commands for what failed, worst first, at most ten of a kind (more are not
 * shown), and a step summary in Markdown, cut below its limit of 1 MiB. */
void case_github_annotations(struct str *out, const struct case_work *w);
void case_github_summary(struct str *out, const struct case_work *w, const char *title);

#endif
