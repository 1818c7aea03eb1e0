/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/optimize/files.h"

#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ENV_FILE_MAX ((size_t)1 << 20)

/* ---- variables ---- */

static const char *find(char *const *vars, size_t n_vars, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n_vars && vars[i]; i++)
		if (strncmp(vars[i], name, n) == 0 && vars[i][n] == '=')
			return vars[i] + n + 1;
	return NULL;
}

const char *loop_env_get(void *ctx, const char *name)
{
	struct loop_env *v = ctx;
	const char *value = find(v->file.v, v->file.n, name);

	return value ? value : find(v->envp, SIZE_MAX, name);
}

int loop_env_open(struct loop_env *v, const struct options *o, const char *root, char *const envp[], struct err *e)
{
	auto_free char *path = o->optimize.env_file ? path_resolve(root, o->optimize.env_file) : NULL, *text = NULL;
	struct stat st;
	size_t n;

	*v = (struct loop_env){ .envp = envp };
	if (!path)
		return 0;
	if (stat(path, &st) < 0)
		return err_sys(e, "--env-file '%s'", path), e->kind = ERR_USAGE, -1;
	if (st.st_mode & 077)
		return err_set(e, ERR_USAGE, "--env-file '%s': others may read it: chmod 600", path);
	if (file_read(path, ENV_FILE_MAX, &text, &n, e) < 0)
		return e->kind = ERR_USAGE, -1;
	for (char *line = text, *end; *line; line = end) {
		size_t len = strcspn(line, "\n");

		end = line + len + (line[len] == '\n');
		line[len] = '\0';
		if (str_starts(line, "export "))
			line += 7;
		if (*line && *line != '#' && strchr(line, '='))
			strv_add(&v->file, line);
	}
	return 0;
}

void loop_env_release(struct loop_env *v)
{
	strv_release(&v->file);
}

/* ---- configuration ---- */

int loop_setup_read(struct setup *s, const struct options *o, const char *root, const char *config_path, char *const envp[],
		    struct err *e)
{
	auto_free char *adapters = o->optimize.adapters ? path_resolve(root, o->optimize.adapters) : NULL;
	auto_free char *full = config_path ? realpath(config_path, NULL) : NULL;
	struct loop_env env;
	int rc = loop_env_open(&env, o, root, envp, e);

	setup_init(s);
	if (rc == 0 && config_path)
		rc = setup_read(s, full ? full : config_path, true, loop_env_get, &env, e);
	if (rc == 0 && adapters) {
		auto_free char *there = realpath(adapters, NULL);

		rc = setup_read(s, there ? there : adapters, false, loop_env_get, &env, e);
	}
	loop_env_release(&env);
	return rc;
}
