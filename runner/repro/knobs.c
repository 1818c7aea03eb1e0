/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/knobs.h"

#include "base/embed.h"
#include "base/mem.h"
#include "base/yaml.h"
#include "runner/repro/setting.h"

#include <stdlib.h>
#include <string.h>

EMBED(repro_knobs, "runner/repro/knobs.yaml");

struct knob {
	char *name;
	struct strv values;
	bool always;
};

struct knobs {
	struct knob *v;
	size_t n;
};

static int load_one(struct knobs *k, const struct yaml_node *item, struct err *e)
{
	static const char *const keys[] = { "name", "values", "always", "why", NULL };
	const char *name;
	struct knob *x;

	k->v = xreallocarray(k->v, k->n + 1, sizeof(*k->v));
	x = &k->v[k->n];
	memset(x, 0, sizeof(*x));
	if (yaml_want_map(item, e) < 0 || yaml_check_keys(item, keys, e) < 0 ||
	    yaml_need_string(item, "name", &name, e) < 0 || yaml_get_strings(item, "values", &x->values, e) < 0 ||
	    yaml_get_bool(item, "always", &x->always, e) < 0)
		return -1;
	x->name = xstrdup(name);
	k->n++;
	return 0;
}

int knobs_load(struct knobs **k, struct err *e)
{
	struct knobs *new = xcalloc(1, sizeof(*new));
	auto_yaml *doc = NULL;
	int rc = yaml_parse(&doc, "knobs.yaml", repro_knobs, EMBED_SIZE(repro_knobs), 1, NULL, e);

	if (rc == 0) {
		const struct yaml_node *list = yaml_get(yaml_root(doc), "knobs");

		yaml_each (item, list)
			if (rc == 0)
				rc = load_one(new, item, e);
	}
	if (rc < 0) {
		knobs_free(new);
		return -1;
	}
	*k = new;
	return 0;
}

void knobs_free(struct knobs *k)
{
	for (size_t i = 0; k && i < k->n; i++) {
		free(k->v[i].name);
		strv_release(&k->v[i].values);
	}
	if (k)
		free(k->v);
	free(k);
}

static bool is_set(char *const envp[], const char *name)
{
	size_t n = strlen(name);

	for (; envp && *envp; envp++)
		if (strncmp(*envp, name, n) == 0 && (*envp)[n] == '=')
			return true;
	return false;
}

void knobs_draw(const struct knobs *k, uint64_t seed, char *const envp[], struct strv *out)
{
	uint64_t g = seed;

	for (size_t i = 0; i < k->n; i++) {
		const struct knob *x = &k->v[i];
		/* all numbers are drawn for every knob, so that what is set here does not change the others */
		bool use = (setting_random(&g) & 1) || x->always;
		const char *value = x->values.n ? x->values.v[setting_random(&g) % x->values.n] : "";
		unsigned number = (unsigned)(setting_random(&g) % 1000000 + 1);

		if (!use || is_set(envp, x->name))
			continue;
		if (strcmp(value, "{n}") == 0)
			strv_take(out, xasprintf("%s=%u", x->name,
						 strcmp(x->name, "MALLOC_PERTURB_") == 0 ? number % 255 + 1 : number));
		else
			strv_take(out, xasprintf("%s=%s", x->name, value));
	}
}
