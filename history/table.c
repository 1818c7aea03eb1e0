/* SPDX-License-Identifier: Apache-2.0 */
#include "history/table.h"

#include "base/mem.h"
#include "base/width.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELL_WIDTH_MAX 60

void table_init(struct table *t, const char *heads)
{
	*t = (struct table){ STRV_INIT, 0 };
	for (const char *p = heads; *p; t->columns++) {
		size_t n = strcspn(p, "|");

		strv_take(&t->cells, xstrndup(p, n));
		p += n + (p[n] == '|');
	}
}

void table_text(struct table *t, const char *s)
{
	auto_str safe = STR_INIT;

	s = s && *s ? s : "-";
	width_add_safe(&safe, s, strlen(s), true);
	strv_add(&t->cells, str_cstr(&safe));
}

void table_int(struct table *t, int64_t v)
{
	strv_take(&t->cells, xasprintf("%lld", (long long)v));
}

void table_fixed(struct table *t, double v, int decimals, const char *unit)
{
	if (isnan(v))
		table_text(t, NULL);
	else
		strv_take(&t->cells, xasprintf("%.*f%s", decimals, v, unit));
}

static bool to_the_right(const struct table *t, size_t column)
{
	return t->cells.v[column][0] == '>';
}

static const char *cell_of(const struct table *t, size_t i)
{
	return i < t->columns && to_the_right(t, i) ? t->cells.v[i] + 1 : t->cells.v[i];
}

void table_write(struct table *t, struct str *out)
{
	auto_free size_t *width = xcalloc(t->columns + 1, sizeof(*width));

	for (size_t i = 0; i < t->cells.n; i++) {
		size_t w = width_text(cell_of(t, i), strlen(cell_of(t, i)));

		w = w > CELL_WIDTH_MAX ? CELL_WIDTH_MAX : w;
		if (w > width[i % t->columns])
			width[i % t->columns] = w;
	}
	for (size_t i = 0; i < t->cells.n; i++) {
		size_t column = i % t->columns, w = width_text(cell_of(t, i), strlen(cell_of(t, i)));
		size_t pad = w < width[column] ? width[column] - w : 0;
		bool last = column + 1 == t->columns;

		if (to_the_right(t, column))
			str_addf(out, "%*s", (int)pad, "");
		str_add(out, cell_of(t, i));
		if (!to_the_right(t, column) && !last)
			str_addf(out, "%*s", (int)pad, "");
		str_add(out, last ? "\n" : "  ");
	}
	strv_release(&t->cells);
}
