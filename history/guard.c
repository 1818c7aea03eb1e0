/* SPDX-License-Identifier: Apache-2.0 */
#include "history/guard.h"

#include <string.h>

bool guard_is_blank(const char *p)
{
	while (*p) {
		if (strchr(" \t\r\n\f;", *p)) {
			p++;
		} else if (p[0] == '-' && p[1] == '-') {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			const char *end = strstr(p + 2, "*/");

			if (!end)
				return true;
			p = end + 2;
		} else {
			return false;
		}
	}
	return true;
}
