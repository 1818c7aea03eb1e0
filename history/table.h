/* SPDX-License-Identifier: Apache-2.0 */
/* table.h - rows of text for people: columns as wide as their widest cell, numbers to the right. */
#ifndef HISTORY_TABLE_H
#define HISTORY_TABLE_H

#include "base/str.h"

#include <stdint.h>

struct table {
	struct strv cells;
	size_t columns;
};
/* heads: "A|B|>C": a '>' puts a column to the right. */
void table_init(struct table *t, const char *heads);
void table_text(struct table *t, const char *s); /* NULL: "-" */
void table_int(struct table *t, int64_t v);
void table_fixed(struct table *t, double v, int decimals, const char *unit); /* NaN: "-" */
/* Appends the table, made safe for a terminal, and releases it. */
void table_write(struct table *t, struct str *out);

#endif
