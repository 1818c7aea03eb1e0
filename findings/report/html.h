/* SPDX-License-Identifier: Apache-2.0 */
/* html.h - the parts of report.html, each appended to the page by one function.
 *
 * The page needs nothing from outside: no network, and no script to be read. Its looks come from one
 * style sheet inside it; where a host forbids even that (Jenkins does), plain elements and the
 * presentation attributes of SVG are left, and the page is still complete. The script only adds
 * comfort. A policy in the page itself allows that one script by its hash, and nothing else. */
#ifndef FINDINGS_REPORT_HTML_H
#define FINDINGS_REPORT_HTML_H

#include "findings/report.h"

/* s as text of an element or of a quoted attribute: one line, at most 4000 bytes. */
void html_text(struct str *out, const char *s);
/* The same, at most max bytes. */
void html_cut(struct str *out, const char *s, size_t max);
/* The same, at most max bytes: what is too much is cut out of the middle, for names differ at their end. */
void html_middle(struct str *out, const char *s, size_t max);
/* <name>s</name>; name may hold attributes: "td class=\"n\"". */
void html_element(struct str *out, const char *name, const char *s);
/* "1.5 ms", "2.31 s", "1 min 5 s" */
void html_duration(struct str *out, double ms);

void html_tests(struct str *out, const struct facts *f);     /* failed, hung, then the others */
/* A place in the source, linked where the CI system's variables say where it can be read; the lines of it that were
 * read when the run ended (report_sources). */
void html_place(struct str *out, const char *file, int64_t line);
void html_source(struct str *out, const struct facts *f, const char *file, int64_t line);
void html_timeline(struct str *out, const struct facts *f);  /* spans and events */
void html_graph(struct str *out, const struct facts *f);     /* who waits for whom */
void html_processes(struct str *out, const struct facts *f);
struct prof_run;
void html_profile(struct str *out, const struct prof_run *r); /* nothing where r is NULL or holds no sample */
void html_stacks(struct str *out, const struct facts *f);
void html_output(struct str *out, const struct facts *f);
void html_waits(struct str *out, const struct facts *f);     /* the edges as a table, for html_graph */
void html_tables(struct str *out, const struct facts *f);    /* all rows of the kinds that matter */

#endif
