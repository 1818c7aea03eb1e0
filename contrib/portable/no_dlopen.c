/* SPDX-License-Identifier: Apache-2.0 */
/* no_dlopen.c - linked into the portable programs. libdw loads libdebuginfod as it starts and SQLite loads
 * extensions: a static program that loads the libraries of a machine with another libc crashes. */
#include <dlfcn.h>
#include <stddef.h>

void *dlopen(const char *file, int mode)
{
	(void)file;
	(void)mode;
	return NULL;
}

void *dlsym(void *restrict handle, const char *restrict name)
{
	(void)handle;
	(void)name;
	return NULL;
}

int dlclose(void *handle)
{
	(void)handle;
	return -1;
}

char *dlerror(void)
{
	static char text[] = "static program: no libraries are loaded";

	return text;
}
