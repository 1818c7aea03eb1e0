/* SPDX-License-Identifier: Apache-2.0 */
/* Collectors that are arranged at a program's start: a private folder first on PYTHONPATH, gone again at the end. */
#include "base/embed.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/proc/context.h"
#include "runner/proc/sampling.h"

#include <stdlib.h>
#include <string.h>

EMBED(hook_sitecustomize, "profile/hooks/sitecustomize.py");
EMBED(hook_cprofile, "profile/hooks/cprofile.py");

static char *hooks_dir(const struct context *c)
{
	auto_free char *raw = path_join(c->paths.raw, "pyhook");
	char *full = realpath(raw, NULL);

	return full ? full : ptr_steal(&raw);
}

static int hook_write(const char *dir, const char *name, const char *text, size_t n, struct err *e)
{
	auto_free char *path = path_join(dir, name);

	return file_write(path, text, n, e);
}

int sampling_hooks_write(struct context *c, struct err *e)
{
	auto_free char *dir = path_join(c->paths.raw, "pyhook");

	if (path_mkdirs(dir, e) < 0 ||
	    hook_write(dir, "sitecustomize.py", hook_sitecustomize, EMBED_SIZE(hook_sitecustomize), e) < 0)
		return -1;
	return hook_write(dir, "cprofile.py", hook_cprofile, EMBED_SIZE(hook_cprofile), e);
}

void sampling_hooks_environment(struct context *c, struct strv *envp)
{
	auto_free char *dir = NULL;

	if (!c->sampling.hooks)
		return;
	dir = hooks_dir(c);
	for (size_t i = 0; i < envp->n; i++) {
		char *old = envp->v[i];

		if (!str_starts(old, "PYTHONPATH="))
			continue;
		envp->v[i] = xasprintf("PYTHONPATH=%s%s%s", dir, old[11] ? ":" : "", old + 11);
		free(old);
		return;
	}
	strv_take(envp, xasprintf("PYTHONPATH=%s", dir));
}

void sampling_hooks_remove(struct context *c)
{
	auto_free char *dir = path_join(c->paths.raw, "pyhook");
	struct err e;

	if (c->sampling.hooks)
		path_remove_tree(dir, &e);
}
