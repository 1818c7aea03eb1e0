/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/glob.h"

#include <stddef.h>
#include <string.h>

bool glob_is(const char *g, const char *s, const char *stops)
{
	const char *back_g = NULL, *back_s = NULL;
	bool deep = false;

	for (;;) {
		if (g[0] == '*') {
			deep = g[1] == '*';
			g += deep ? 2 : 1;
			if (deep && *g == '/')
				g++;
			back_g = g;
			back_s = s;
			continue;
		}
		if (!*g && !*s)
			return true;
		if (*s && *g && (*g == *s || (*g == '?' && !strchr(stops, *s)))) {
			g++;
			s++;
			continue;
		}
		if (!back_g || !*back_s || (!deep && *stops && strchr(stops, *back_s)))
			return false;
		s = ++back_s;
		g = back_g;
	}
}
