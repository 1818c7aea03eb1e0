/* SPDX-License-Identifier: Apache-2.0 */
/* ui_part.h - what all pages are made of. */
#ifndef SERVE_UI_PART_H
#define SERVE_UI_PART_H

#include "findings/report/html.h"
#include "serve/ui.h"
#include "serve/route.h"

#define UI_PAGE_MOST ((size_t)400 << 10) /* long lists end there, and say so */

/* The head and the navigation; refresh_s: the page asks for itself again after so long, 0 never. current: the path of the
 * entry of the navigation that this page belongs to; NULL: a page without navigation. */
void ui_begin(struct serve *sv, struct str *out, const char *title, const char *current, int refresh_s);
void ui_end(struct str *out);

/* <a href="PREFIX + path + part">text</a>; part is encoded, slashes stay. */
void ui_link(struct serve *sv, struct str *out, const char *path, const char *part, const char *text);
/* The address of a test's page, within quotes. */
void ui_test_href(struct serve *sv, struct str *out, const char *suite, const char *case_id);
/* "2026-11-30 08:01" of RFC 3339, in a <time>; NULL: a dash. */
void ui_time(struct str *out, const char *rfc3339);
/* The facts of a run, out of its stored trace and snapshots. 1: f is the caller's to release; 0: there are none. */
int ui_facts(struct call *c, const char *run_id, struct facts *f, struct err *e);
/* What write appends, or what it appended before (ui_cache.c). name: of the part, parameters included. */
int ui_cached(struct call *c, const char *name, int (*write)(struct call *c, struct err *e), struct err *e);
/* A part of report.html (findings/report/html.h). */
void ui_part(struct str *out, void (*write)(struct str *, const struct facts *), const struct facts *f);
/* A word of status, with its colour. */
void ui_badge(struct str *out, const char *word);
/* Of a run. ended_by may be NULL: a watchdog ended it, so it is hung, too. */
void ui_run_badge(struct str *out, const char *status, const char *ended_by);
/* The first ten characters of a commit. */
void ui_rev(struct str *out, const char *rev);

#endif
