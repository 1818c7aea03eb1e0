/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_scan.h"
#include "mcp/tool.h"

#include <string.h>

/* Bytes of a text and of the same as a JSON string within another. */
static size_t cost(const char *s, size_t n)
{
	size_t sum = 2 * n;

	for (size_t i = 0; i < n; i++)
		sum += s[i] == '"' || s[i] == '\\';
	return sum;
}

/* Where the item that begins at s ends: at its comma or the closing bracket. The text is well formed. */
static const char *item_end(const char *s)
{
	int depth = 0;
	bool quoted = false;

	for (;; s++) {
		if (quoted) {
			if (*s == '\\')
				s++;
			else if (*s == '"')
				quoted = false;
		} else if (*s == '"') {
			quoted = true;
		} else if (*s == '[' || *s == '{') {
			depth++;
		} else if ((*s == ']' || *s == '}') && depth-- == 0) {
			return s;
		} else if (*s == ',' && depth == 0) {
			return s;
		}
	}
}

/* How much of the array may stay: the length of its text without the closing bracket. */
static size_t keep_items(const struct json_member *array, size_t room)
{
	const char *begin = array->value + 1, *end = begin;

	if (*begin == ']')
		return 1;
	for (;;) {
		const char *next = item_end(end == begin ? begin : end + 1);

		if (cost(begin, (size_t)(next - begin)) > room)
			break;
		end = next;
		if (*end == ']')
			break;
	}
	return (size_t)(end - array->value);
}

int result_cut(struct str *json, size_t most)
{
	struct json_member m, largest = { .value = NULL };
	const char *inside;
	auto_str out = STR_INIT;
	size_t n, at = 0, kept, others;

	while (json->len && strchr(" \n", json->data[json->len - 1]))
		json->data[--json->len] = '\0';
	if (cost(str_cstr(json), json->len) <= most)
		return 0;
	inside = json->data + 1;
	n = json->len - 2;
	while (json_next_member(inside, n, &at, &m))
		if (*m.value == '[' && m.value_n > largest.value_n)
			largest = m;
	if (!largest.value)
		return -1;
	others = cost(json->data, json->len) - cost(largest.value, largest.value_n) + 64;
	if (others > most)
		return -1;
	kept = keep_items(&largest, most - others);
	str_addn(&out, json->data, (size_t)(largest.value - json->data) + kept);
	str_addc(&out, ']');
	str_addn(&out, largest.value + largest.value_n,
		 (size_t)(json->data + json->len - 1 - (largest.value + largest.value_n)));
	str_add(&out, ",\"truncated\":true}");
	str_release(json);
	*json = out;
	out = (struct str)STR_INIT;
	return 0;
}
