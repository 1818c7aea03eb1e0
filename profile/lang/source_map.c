/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/lang/source_map.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 5, COLUMN = 0, SOURCE = 1, LINE = 2 };

static int digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* What stands in base64 behind "base64,". Caller frees. */
static char *url_text(const char *url, size_t n, size_t *size)
{
	const char *mark = memmem(url, n < 200 ? n : 200, "base64,", 7), *end = url + n;
	uint32_t bits = 0;
	unsigned have = 0;
	char *out;

	if (!str_starts(url, SOURCE_MAP_URL) || !mark)
		return NULL;
	out = xmalloc(n + 1);
	*size = 0;
	for (const char *s = mark + 7; s < end && digit(*s) >= 0; s++) {
		bits = bits << 6 | (uint32_t)digit(*s);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[(*size)++] = (char)(bits >> have & 0xff);
		}
	}
	return out;
}

/* One number of a segment: five bits a digit, the lowest of the first is its sign. */
static bool number_take(const char **s, const char *end, int64_t *out)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 40 && *s < end; shift += 5) {
		int d = digit(**s);

		if (d < 0)
			return false;
		(*s)++;
		v |= (uint64_t)(d & 31) << shift;
		if (d < 32) {
			*out = v & 1 ? -(int64_t)(v >> 1) : (int64_t)(v >> 1);
			return true;
		}
	}
	return false;
}

/* The last segment of that line that begins at or before the column, the line's first where none does. */
static bool segment_find(const char *s, size_t n, int line, int column, int64_t at[FIELDS])
{
	const char *end = s + n;
	int64_t sum[FIELDS] = { 0 };
	bool found = false;

	for (int row = 1; s < end && row <= line; s++) {
		unsigned fields = 0;
		int64_t delta;

		while (fields < FIELDS && number_take(&s, end, &delta))
			sum[fields++] += delta;
		if (row == line && fields >= 4 && (!found || sum[COLUMN] <= column)) {
			memcpy(at, sum, sizeof(sum));
			found = true;
		}
		if (s < end && *s == ';') {
			row++;
			sum[COLUMN] = 0;
		} else if (s < end && *s != ',') {
			return false;
		}
	}
	return found && at[LINE] >= 0 && at[LINE] < INT32_MAX;
}

bool source_map_place(const char *url, size_t n, int line, int column, struct source_place *out)
{
	int64_t at[FIELDS], index = 0;
	const struct json_value *map, *mappings, *sources;
	struct json_reader *r;
	size_t size = 0;
	auto_free char *text = url_text(url, n, &size);
	struct err none;
	bool ok = false;

	*out = (struct source_place){ .line = 0 };
	if (!text)
		return false;
	r = json_reader_text(text, size, "source map");
	if (json_take(r, &map, &none) == 0 && (mappings = json_get(map, "mappings")) && mappings->kind == JSON_STRING) {
		ok = true;
		sources = json_get(map, "sources");
		if (segment_find(mappings->text, mappings->len, line, column, at)) {
			out->line = (int)at[LINE] + 1;
			if (sources && sources->kind == JSON_ARRAY)
				json_each(item, sources)
					if (index++ == at[SOURCE] && item->kind == JSON_STRING)
						out->file = xstrdup(item->text);
		}
	}
	json_reader_free(r);
	return ok;
}
