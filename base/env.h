/* SPDX-License-Identifier: Apache-2.0 */
/* env.h - looks a name up in an environment that is not necessarily ours. */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include <string.h>

/* The value of name in envp (both may be NULL), within envp; NULL where it is not set. */
static inline const char *env_get(char *const envp[], const char *name)
{
	size_t n = name ? strlen(name) : 0;

	for (; name && envp && *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return *envp + n + 1;
	return NULL;
}

/* The same; set to nothing counts as not set. */
static inline const char *env_get_filled(char *const envp[], const char *name)
{
	const char *value = env_get(envp, name);

	return value && *value ? value : NULL;
}

#endif
