/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/config/libexec.h"

#include "base/mem.h"
#include "base/path.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* dir (n bytes) + below + "/" + program, where that is a program. */
static char *try_folder(const char *dir, size_t n, const char *below, const char *program)
{
	auto_free char *path = xasprintf("%.*s%s/%s", (int)n, dir, below, program);

	return is_program(path) ? ptr_steal(&path) : NULL;
}

static char *find_on_path(const char *program)
{
	const char *p = getenv("PATH");

	for (size_t n; p; p = p[n] ? p + n + 1 : NULL) {
		char *found;

		n = strcspn(p, ":");
		found = n ? try_folder(p, n, "", program) : try_folder(".", 1, "", program);
		if (found)
			return found;
	}
	return NULL;
}

/* Without /proc: as we were called, which execve leaves with us. */
static ssize_t own_path(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	const char *called = (const char *)getauxval(AT_EXECFN);
	auto_free char *real = n > 0 || !called ? NULL : realpath(called, NULL);

	if (n <= 0 && real && strlen(real) < size) {
		n = (ssize_t)strlen(real);
		memcpy(out, real, (size_t)n);
	}
	return n;
}

char *libexec_find(const char *name)
{
	auto_free char *program = xasprintf("spec-runner-%s", name);
	char self[PATH_MAX];
	ssize_t n = own_path(self, sizeof(self));
	char *found = NULL;

	/* A verb is one word: `spec-runner ../x` runs nothing. */
	if (strchr(program, '/'))
		return NULL;
	if (n > 0) {
		self[n] = '\0';
		n = strrchr(self, '/') - self;
		found = try_folder(self, (size_t)n, "", program); /* we are one of them */
		if (!found)
			found = try_folder(self, (size_t)n, "/../libexec/spec-runner", program);
		if (!found)
			found = try_folder(self, (size_t)n, "/.artifacts/libexec", program);
	}
#ifdef SPEC_RUNNER_LIBEXECDIR
	if (!found)
		found = try_folder(SPEC_RUNNER_LIBEXECDIR, strlen(SPEC_RUNNER_LIBEXECDIR), "", program);
#endif
	return found ? found : find_on_path(program);
}

char *libexec_main_program(void)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *found = NULL;

	if (n > 0) {
		self[n] = '\0';
		n = strrchr(self, '/') - self;
		found = try_folder(self, (size_t)n, "/../../bin", "spec-runner");
		if (!found)
			found = try_folder(self, (size_t)n, "/../..", "spec-runner");
	}
	return found ? found : find_on_path("spec-runner");
}

char *libexec_beside(const char *name)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *path;

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	path = xasprintf("%.*s/%s", (int)(strrchr(self, '/') - self), self, name);
	if (access(path, R_OK) == 0)
		return path;
	free(path);
	return NULL;
}
