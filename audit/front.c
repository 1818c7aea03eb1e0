/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/front.h"

#include <string.h>

extern const struct front front_python, front_c, front_javascript, front_go;

/* A language is one row. */
const struct front *const fronts[] = {
	&front_python,
#ifdef GRAMMAR_c
	&front_c,
#endif
#ifdef GRAMMAR_javascript
	&front_javascript,
#endif
#ifdef GRAMMAR_go
	&front_go,
#endif
	NULL
};

const struct front *front_of_path(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && fronts[i]; i++)
		for (size_t k = 0; fronts[i]->endings[k]; k++)
			if (strcmp(fronts[i]->endings[k], dot) == 0)
				return fronts[i];
	return NULL;
}

const struct front *front_named(const char *name)
{
	for (size_t i = 0; fronts[i]; i++)
		if (strcmp(fronts[i]->name, name) == 0)
			return fronts[i];
	return NULL;
}
