/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

size_t utf8_sequence(const char *s, size_t n)
{
	const uint8_t *p = (const uint8_t *)s;
	uint8_t low = 0x80, high = 0xbf; /* bounds of the second byte */
	size_t len;

	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (n < len)
		return 0;
	if (p[0] == 0xe0)
		low = 0xa0; /* overlong */
	else if (p[0] == 0xed)
		high = 0x9f; /* surrogates */
	else if (p[0] == 0xf0)
		low = 0x90; /* overlong */
	else if (p[0] == 0xf4)
		high = 0x8f; /* beyond U+10FFFF */
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* Bytes of s that are plain ASCII, counted eight at a time. */
static size_t ascii_run(const char *s, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t w;

		memcpy(&w, s + i, 8);
		if (w & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < n && (uint8_t)s[i] < 0x80)
		i++;
	return i;
}

char *utf8_put(char *o, uint32_t c)
{
	unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char first[] = { 0, 0xc0, 0xe0, 0xf0 };

	*o++ = (char)(first[more] | c >> 6 * more);
	for (; more; more--)
		*o++ = (char)(0x80 | (c >> 6 * (more - 1) & 0x3f));
	return o;
}

void utf8_add(struct str *out, uint32_t c)
{
	char bytes[4];

	if (c < 0x110000)
		str_addn(out, bytes, (size_t)(utf8_put(bytes, c) - bytes));
}

bool utf8_valid(const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t len = ascii_run(s + i, n - i);

		i += len;
		if (i == n)
			break;
		len = utf8_sequence(s + i, n - i);
		if (!len)
			return false;
		i += len;
	}
	return true;
}

void utf8_add_clean(struct str *out, const char *s, size_t n)
{
	size_t from = 0;

	for (size_t i = 0; i < n;) {
		size_t len = utf8_sequence(s + i, n - i);

		if (len) {
			i += len;
			continue;
		}
		str_addn(out, s + from, i - from);
		str_add(out, "\xef\xbf\xbd");
		from = ++i;
	}
	str_addn(out, s + from, n - from);
}

bool utf8_is_unsafe(const char *s, size_t len)
{
	const uint8_t *p = (const uint8_t *)s;

	if (len == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	if (len == 2)
		return (p[0] == 0xc2 && p[1] < 0xa0) ||  /* C1 */
		       (p[0] == 0xd8 && p[1] == 0x9c);   /* U+061C */
	if (len == 3 && p[0] == 0xe2 && p[1] == 0x80)
		return (p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae); /* U+200B…F, U+2028…E */
	if (len == 3 && p[0] == 0xe2 && p[1] == 0x81)
		return p[2] >= 0xa0 && p[2] <= 0xaf; /* U+2060…F: isolates, invisible operators */
	if (len == 3)
		return p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf; /* U+FEFF */
	return len == 4 && p[0] == 0xf3 && p[1] == 0xa0; /* tags */
}

void utf8_add_plain(struct str *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t len = utf8_sequence(s + i, n - i);

		if (!len || utf8_is_unsafe(s + i, len))
			str_addc(out, s[i] == '\n' || s[i] == '\t' || s[i] == '\r' ? ' ' : '?');
		else if (n - i >= 3 && memcmp(s + i, "##[", 3) == 0)
			str_addc(out, ' ');
		else
			str_addn(out, s + i, len);
		i += len ? len : 1;
	}
}

size_t utf8_cut(const char *s, size_t n, size_t max)
{
	if (n <= max)
		return n;
	for (size_t back = 0; back < 4 && back < max; back++)
		if (((uint8_t)s[max - back] & 0xc0) != 0x80)
			return max - back;
	return max;
}
