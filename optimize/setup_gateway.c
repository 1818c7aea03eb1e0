/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "optimize/setup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const char *const gateway_route_text[] = { "coding_fast", "reasoning_strong", "general", "embeddings", NULL };

void gateway_setup_init(struct gateway_setup *g)
{
	memset(g, 0, sizeof(*g));
	g->timeout_ms = 60000;
	g->attempts = 3;
	g->max_response_bytes = 4194304;
	g->max_tokens = 1024;
}

void gateway_setup_release(struct gateway_setup *g)
{
	free(g->api_base);
	free(g->api_key_env);
	free(g->api_key);
	free(g->proxy);
	for (int i = 0; i < ROUTE_COUNT; i++)
		free(g->models[i]);
	strv_release(&g->internal_hosts);
	strv_release(&g->allow_hosts);
	strv_release(&g->allow_models);
	memset(g, 0, sizeof(*g));
}

static int get_string(const struct yaml_node *map, const char *key, char **to, struct err *e)
{
	const char *s;
	int rc = yaml_get_string(map, key, &s, e);

	if (rc == 1) {
		free(*to);
		*to = xstrdup(s);
	}
	return rc < 0 ? -1 : 0;
}

static int get_list(const struct yaml_node *map, const char *key, struct strv *to, struct err *e)
{
	struct strv list = STRV_INIT;
	int rc = yaml_get_strings(map, key, &list, e);

	if (rc == 1) {
		strv_release(to);
		*to = list;
		return 0;
	}
	strv_release(&list);
	return rc < 0 ? -1 : 0;
}

/* coding_fast: A, or for the seed's file coding_fast: {name: A}. */
static int models_read(struct gateway_setup *g, const struct yaml_node *map, struct err *e)
{
	static const char *const keys[] = { "coding_fast", "reasoning_strong", "general", NULL };

	if (!map)
		return 0;
	if (yaml_want_map(map, e) < 0 || yaml_check_keys(map, keys, e) < 0)
		return -1;
	for (int i = 0; keys[i]; i++)
		if (get_string(map, keys[i], &g->models[i], e) < 0)
			return -1;
	return 0;
}

static int embeddings_read(struct gateway_setup *g, const struct yaml_node *map, struct err *e)
{
	static const char *const keys[] = { "default", NULL };

	if (!map)
		return 0;
	return yaml_want_map(map, e) < 0 || yaml_check_keys(map, keys, e) < 0 ||
	       get_string(map, "default", &g->models[ROUTE_EMBEDDINGS], e) < 0 ? -1 : 0;
}

/* A key in clear is taken only from a file that nobody else reads; ${NAME} is from the environment. */
static int key_read(struct gateway_setup *g, const struct yaml_node *map, setup_env *env, void *ctx, struct err *e)
{
	const struct yaml_node *n = yaml_get(map, "api_key");
	const char *text;
	struct stat st;
	size_t len;

	if (!n)
		return 0;
	if (yaml_as_string(n, &text, e) < 0)
		return -1;
	len = strlen(text);
	free(g->api_key);
	g->api_key = NULL;
	if (len > 3 && text[0] == '$' && text[1] == '{' && text[len - 1] == '}') {
		auto_free char *name = xstrndup(text + 2, len - 3);
		const char *value = env ? env(ctx, name) : NULL;

		if (!value || !*value)
			return yaml_error(n, e, "'api_key' is taken from the environment variable %s, which is not set",
				name);
		g->api_key = xstrdup(value);
		return 0;
	}
	if (stat(n->file, &st) < 0 || (st.st_mode & 077))
		return yaml_error(n, e,
			"'api_key' stands here in clear, and others may read this file: chmod 600, or ${NAME}, "
				  "or api_key_env: NAME");
	g->api_key = xstrdup(text);
	return 0;
}

int setup_read_gateway(struct gateway_setup *g, const struct yaml_node *map, setup_env *env, void *ctx, struct err *e)
{
	static const char *const keys[] = { "api_base", "api_key_env", "api_key", "models", "embeddings", "internal_hosts",
					    "allow_external_proxy_models", "allow_hosts", "allow_models", "timeout_ms",
					    "timeout", "attempts", "max_response_bytes", "proxy", NULL };
	const char *base;

	if (yaml_want_map(map, e) < 0 || yaml_check_keys(map, keys, e) < 0 || yaml_need_string(map, "api_base", &base,
		e) < 0)
		return -1;
	g->given = true;
	return get_string(map, "api_base", &g->api_base, e) < 0 || get_string(map, "api_key_env", &g->api_key_env, e) < 0 ||
	       get_string(map, "proxy", &g->proxy, e) < 0 || key_read(g, map, env, ctx, e) < 0 ||
	       models_read(g, yaml_get(map, "models"), e) < 0 || embeddings_read(g, yaml_get(map, "embeddings"), e) < 0 ||
	       get_list(map, "internal_hosts", &g->internal_hosts, e) < 0 ||
	       get_list(map, "allow_hosts", &g->allow_hosts, e) < 0 || get_list(map, "allow_models", &g->allow_models,
	       e) < 0 ||
	       yaml_get_bool(map, "allow_external_proxy_models", &g->allow_external, e) < 0 ||
	       yaml_get_timeout(map, 3600000, &g->timeout_ms, e) < 0 ||
	       yaml_get_int(map, "attempts", 1, 20, &g->attempts, e) < 0 ||
	       yaml_get_int(map, "max_response_bytes", 1024, INT64_C(1) << 30, &g->max_response_bytes, e) < 0 ? -1 : 0;
}

int setup_read_server(struct gateway_setup *g, const struct yaml_node *root, setup_env *env, void *ctx, struct err *e)
{
	static const char *const keys[] = { "version", "api_base", "api_key", "models", "embeddings", "security", NULL };
	static const char *const security_keys[] = { "allow_external_proxy_models", "allow_hosts", "allow_models",
						     "internal_hosts", NULL };
	const struct yaml_node *security = yaml_get(root, "security");

	if (yaml_check_keys(root, keys, e) < 0)
		return -1;
	g->given = true;
	if (security && (yaml_want_map(security, e) < 0 || yaml_check_keys(security, security_keys, e) < 0 ||
			 yaml_get_bool(security, "allow_external_proxy_models", &g->allow_external, e) < 0 ||
			 get_list(security, "allow_hosts", &g->allow_hosts, e) < 0 ||
			 get_list(security, "allow_models", &g->allow_models, e) < 0 ||
			 get_list(security, "internal_hosts", &g->internal_hosts, e) < 0))
		return -1;
	return get_string(root, "api_base", &g->api_base, e) < 0 || key_read(g, root, env, ctx, e) < 0 ||
	       models_read(g, yaml_get(root, "models"), e) < 0 || embeddings_read(g, yaml_get(root, "embeddings"),
	       e) < 0 ? -1 : 0;
}

int setup_read_explain(struct gateway_setup *g, const struct yaml_node *map, struct err *e)
{
	static const char *const keys[] = { "api_base", "model", "api_key_env", "allow_hosts", "max_tokens", "timeout_ms",
					    "timeout", NULL };

	if (yaml_want_map(map, e) < 0 || yaml_check_keys(map, keys, e) < 0)
		return -1;
	g->given = g->strict_hosts = true;
	return get_string(map, "api_base", &g->api_base, e) < 0 ||
	       get_string(map, "model", &g->models[ROUTE_GENERAL], e) < 0 ||
	       get_string(map, "api_key_env", &g->api_key_env, e) < 0 || get_list(map, "allow_hosts", &g->allow_hosts,
	       e) < 0 ||
	       yaml_get_int(map, "max_tokens", 16, 100000, &g->max_tokens, e) < 0 ||
	       yaml_get_timeout(map, 3600000, &g->timeout_ms, e) < 0 ? -1 : 0;
}
