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
EMBED(hook_nodeprof, "profile/hooks/nodeprof.cjs");
EMBED(hook_mpa, "profile/hooks/mpa.py");

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

static int hook_mpa_write(const struct context *c, const char *dir, struct err *e)
{
	auto_free char *root = realpath(c->setup->root, NULL);

	if (hook_write(dir, "root", root ? root : c->setup->root, strlen(root ? root : c->setup->root), e) < 0)
		return -1;
	return hook_write(dir, "mpa.py", hook_mpa, EMBED_SIZE(hook_mpa), e);
}

int sampling_hooks_write(struct context *c, struct err *e)
{
	auto_free char *dir = path_join(c->paths.raw, "pyhook");

	if (path_mkdirs(dir, e) < 0 ||
	    (c->sampling.node && hook_write(dir, "nodeprof.cjs", hook_nodeprof, EMBED_SIZE(hook_nodeprof), e) < 0))
		return -1;
	if (!c->sampling.cprofile && !c->sampling.mpa)
		return 0;
	if (hook_write(dir, "sitecustomize.py", hook_sitecustomize, EMBED_SIZE(hook_sitecustomize), e) < 0)
		return -1;
	if (hook_write(dir, "cprofile.py", hook_cprofile, EMBED_SIZE(hook_cprofile), e) < 0)
		return -1;
	if (c->sampling.cprofile && hook_write(dir, "pstats", "", 0, e) < 0) /* its counts are wanted as such */
		return -1;
	return c->sampling.mpa ? hook_mpa_write(c, dir, e) : 0;
}

/* Puts a value first in a variable that holds a list. */
static void variable_put(struct strv *envp, const char *name, const char *value, const char *between)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < envp->n; i++) {
		char *old = envp->v[i];

		if (strncmp(old, name, n) != 0 || old[n] != '=')
			continue;
		envp->v[i] = xasprintf("%s=%s%s%s", name, value, old[n + 1] ? between : "", old + n + 1);
		free(old);
		return;
	}
	strv_take(envp, xasprintf("%s=%s", name, value));
}

void sampling_hooks_environment(struct context *c, struct strv *envp)
{
	auto_free char *dir = c->sampling.hooks ? hooks_dir(c) : NULL;

	if (c->sampling.cprofile || c->sampling.mpa)
		variable_put(envp, "PYTHONPATH", dir, ":");
	if (c->sampling.node) {
		auto_free char *option = xasprintf("--require \"%s/nodeprof.cjs\"", dir);

		variable_put(envp, "NODE_OPTIONS", option, " ");
	}
}

void sampling_hooks_remove(struct context *c)
{
	auto_free char *dir = path_join(c->paths.raw, "pyhook");
	struct err e;

	if (c->sampling.hooks)
		path_remove_tree(dir, &e);
}
