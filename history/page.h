/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - headings, lists and tables, written as Markdown or as HTML. All text is escaped: what a test is called never
 * becomes markup. */
#ifndef HISTORY_PAGE_H
#define HISTORY_PAGE_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct page {
	struct str *out;
	bool html, list;      /* list: its end is not written yet */
	int columns, column;  /* of the open table */
	uint64_t right;       /* bit n: column n holds numbers */
};
void page_begin(struct page *p, struct str *out, bool html, const char *title);
void page_end(struct page *p);
void page_heading(struct page *p, const char *text);
void page_text(struct page *p, const char *text);             /* a paragraph */
void page_item(struct page *p, const char *text);             /* of a list */
/* heads: "A|B|>C": a '>' puts a column to the right. Then cells in order, then page_table_end(). */
void page_table(struct page *p, const char *heads);
void page_cell(struct page *p, const char *text);             /* NULL: "-" */
void page_cell_int(struct page *p, int64_t v);
void page_cell_real(struct page *p, double v, int decimals, const char *unit); /* NaN: "-" */
void page_table_end(struct page *p);

#endif
