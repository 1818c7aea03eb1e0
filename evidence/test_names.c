/* SPDX-License-Identifier: Apache-2.0 */
#include "evidence/test_names.h"

#include <string.h>

bool test_names(const char *test, const char *suite, const char *name, const char *of)
{
	size_t n = strlen(test), m = strlen(name), k = strlen(suite), s = strlen(of);

	if (!m || n < m || strcmp(test + n - m, name) != 0)
		return false;
	if (n > m && test[n - m - 1] != ' ' && test[n - m - 1] != '.')
		return false;
	return k == 0 || (s >= k && strcmp(of + s - k, suite) == 0) || strstr(of, suite);
}
