/* SPDX-License-Identifier: Apache-2.0 */
#include "history/recent.h"

void recent_put(struct str *blob, uint64_t us)
{
	do {
		str_addc(blob, (char)((us & 0x7f) | (us > 0x7f ? 0x80 : 0)));
		us >>= 7;
	} while (us);
}

static size_t count_of(const unsigned char *p, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += !(p[i] & 0x80);
	return count;
}

size_t recent_skip(const void *blob, size_t n, size_t keep)
{
	const unsigned char *p = blob;
	size_t count = count_of(p, n), at = 0;

	for (; count > keep && at < n; at++)
		count -= !(p[at] & 0x80);
	return at;
}

size_t recent_get(const void *blob, size_t n, uint64_t us[RECENT_MAX])
{
	const unsigned char *p = blob;
	size_t got = 0, at = recent_skip(blob, n, RECENT_MAX);

	while (at < n && got < RECENT_MAX) {
		uint64_t v = 0;
		int shift = 0;

		for (; at < n && (p[at] & 0x80); at++, shift += 7)
			if (shift < 63)
				v |= (uint64_t)(p[at] & 0x7f) << shift;
		if (at == n)
			break;
		if (shift < 63)
			v |= (uint64_t)p[at] << shift;
		at++;
		us[got++] = v;
	}
	return got;
}
