/* SPDX-License-Identifier: Apache-2.0 */
#include "base/plain.h"

/* Length of the escape sequence at p (p[0] is ESC), at most n. */
static size_t escape_len(const char *p, size_t n)
{
	size_t i = 2;

	if (n < 2)
		return n;
	if (p[1] == '[') { /* CSI: parameters, then one byte 0x40 to 0x7e */
		while (i < n && ((unsigned char)p[i] < 0x40 || (unsigned char)p[i] > 0x7e))
			i++;
		return i < n ? i + 1 : n;
	}
	if (p[1] == ']' || p[1] == 'P' || p[1] == '_' || p[1] == '^') { /* strings until BEL or ST */
		for (; i < n; i++) {
			if (p[i] == '\a')
				return i + 1;
			if (p[i] == '\033' && i + 1 < n && p[i + 1] == '\\')
				return i + 2;
		}
		return n;
	}
	return 2;
}

size_t plain_text(const char *p, size_t n, char *out)
{
	size_t at = 0;

	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\033') {
			i += escape_len(p + i, n - i);
			continue;
		}
		if (c == '\b' && at > 0)
			at--;
		if (c >= 0x20 || c == '\t')
			out[at++] = (char)c;
		i++;
	}
	return at;
}

void plain_html(struct str *out, const char *s)
{
	for (; *s; s++) {
		switch (*s) {
		case '<': str_add(out, "&lt;"); break;
		case '>': str_add(out, "&gt;"); break;
		case '&': str_add(out, "&amp;"); break;
		case '"': str_add(out, "&quot;"); break;
		default: str_addc(out, *s);
		}
	}
}
