/* SPDX-License-Identifier: Apache-2.0 */
#include "optimize/setup.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define YEAR_MS INT64_C(31536000000)
#define COUNT_MAX INT64_C(1000000000)

const char *const adapter_role_text[] = { "build", "test", "workload", "profiler", NULL };
const char *const adapter_kind_text[] = { "absent", "command", "gate", "samples", "none", "dummy", NULL };
static const char *const kinds_of[ROLE_COUNT] = { "command, none or dummy", "command, gate or dummy", "command or dummy",
						  "command, samples, none or dummy" };
static const bool kind_ok[ROLE_COUNT][ADAPTER_DUMMY + 1] = {
	[ROLE_BUILD] = { [ADAPTER_COMMAND] = true, [ADAPTER_NONE] = true, [ADAPTER_DUMMY] = true },
	[ROLE_TEST] = { [ADAPTER_COMMAND] = true, [ADAPTER_GATE] = true, [ADAPTER_DUMMY] = true },
	[ROLE_WORKLOAD] = { [ADAPTER_COMMAND] = true, [ADAPTER_DUMMY] = true },
	[ROLE_PROFILER] = { [ADAPTER_COMMAND] = true, [ADAPTER_SAMPLES] = true, [ADAPTER_NONE] = true,
			    [ADAPTER_DUMMY] = true },
};

static void take_string(char **to, const char *s)
{
	free(*to);
	*to = s ? xstrdup(s) : NULL;
}

static int get_string(const struct yaml_node *map, const char *key, char **to, struct err *e)
{
	const char *s;
	int rc = yaml_get_string(map, key, &s, e);

	if (rc == 1)
		take_string(to, s);
	return rc < 0 ? -1 : 0;
}

static int get_list(const struct yaml_node *map, const char *key, struct strv *to, bool *given, struct err *e)
{
	struct strv list = STRV_INIT;
	int rc = yaml_get_strings(map, key, &list, e);

	if (rc != 1) {
		strv_release(&list);
		return rc < 0 ? -1 : 0;
	}
	strv_release(to);
	*to = list;
	if (given)
		*given = true;
	return 0;
}

static int get_real(const struct yaml_node *map, const char *key, double least, double most, double *out, struct err *e)
{
	const struct yaml_node *n = yaml_get(map, key);
	char *end;
	double v;

	if (!n)
		return 0;
	v = n->kind == YAML_SCALAR && !n->quoted ? strtod(n->text, &end) : NAN;
	if (!(v >= least && v <= most) || !n->len || *end)
		return yaml_error(n, e, "'%s' must be a number from %g to %g", key, least, most);
	*out = v;
	return 0;
}

/* ---- adapters ---- */

static const char *const known_metrics[] = { "wall_ms", "cpu_ms", "max_rss_bytes", NULL };

static int metric_read(struct adapter *a, const struct yaml_node *map, struct err *e)
{
	static const char *const keys[] = { "name", "better", "primary", "guard", "stdout", "json", NULL };
	static const char *const directions[] = { "lower", "higher", NULL };
	struct adapter_metric *m;
	bool known = false;
	const char *name;
	int better = 0;

	if (yaml_want_map(map, e) < 0 || yaml_check_keys(map, keys, e) < 0 || yaml_need_string(map, "name", &name, e) < 0)
		return -1;
	for (size_t i = 0; i < a->n_metrics; i++)
		if (strcmp(a->metrics[i].name, name) == 0)
			return yaml_error(map, e, "a metric named '%s' is there already", name);
	a->metrics = xreallocarray(a->metrics, a->n_metrics + 1, sizeof(*a->metrics));
	m = &a->metrics[a->n_metrics++];
	*m = (struct adapter_metric){ .name = xstrdup(name) };
	if (get_string(map, "stdout", &m->pattern, e) < 0 || get_string(map, "json", &m->pointer, e) < 0 ||
	    yaml_get_bool(map, "primary", &m->primary, e) < 0 || yaml_get_bool(map, "guard", &m->guard, e) < 0)
		return -1;
	if (!yaml_get(map, "better"))
		return yaml_error(map, e, "'better' is missing (lower or higher)");
	if (yaml_get_word(map, "better", directions, &better, e) < 0)
		return -1;
	m->lower = better == 0;
	for (size_t i = 0; known_metrics[i]; i++)
		known |= strcmp(known_metrics[i], name) == 0;
	if (m->pattern && m->pointer)
		return yaml_error(map, e, "'stdout' and 'json' are two ways of reading it: give one of them");
	if (known && (m->pattern || m->pointer))
		return yaml_error(map, e, "'%s' is measured by spec-runner: give the metric another name", name);
	if (!known && !m->pattern && !m->pointer && a->kind != ADAPTER_DUMMY)
		return yaml_error(map, e, "'%s' needs 'stdout' (a regular expression with one group) or 'json' (a pointer); "
				  "only wall_ms, cpu_ms and max_rss_bytes are measured by spec-runner", name);
	if (m->pointer && m->pointer[0] != '/' && m->pointer[0])
		return yaml_error(yaml_get(map, "json"), e, "a pointer begins with '/'");
	return 0;
}

static int metrics_read(struct adapter *a, const struct yaml_node *list, struct err *e)
{
	size_t primary = 0;

	if (yaml_want_seq(list, e) < 0)
		return -1;
	yaml_each(item, list)
		if (metric_read(a, item, e) < 0)
			return -1;
	for (size_t i = 0; i < a->n_metrics; i++)
		primary += a->metrics[i].primary;
	if (primary != 1)
		return yaml_error(list, e, "exactly one metric is primary, here %zu are", primary);
	return 0;
}

static int artifacts_read(struct adapter *a, const struct yaml_node *list, struct err *e)
{
	static const char *const keys[] = { "path", "kind", NULL };

	if (yaml_want_seq(list, e) < 0)
		return -1;
	yaml_each(item, list) {
		const char *path, *kind;

		if (yaml_want_map(item, e) < 0 || yaml_check_keys(item, keys, e) < 0 ||
		    yaml_need_string(item, "path", &path, e) < 0 || yaml_need_string(item, "kind", &kind, e) < 0)
			return -1;
		if (path[0] == '/' || strstr(path, ".."))
			return yaml_error(item, e, "'path' is relative to the candidate's folder and stays in it");
		a->artifacts = xreallocarray(a->artifacts, a->n_artifacts + 1, sizeof(*a->artifacts));
		a->artifacts[a->n_artifacts++] = (struct adapter_artifact){ xstrdup(path), xstrdup(kind) };
	}
	return 0;
}

static void adapter_release(struct adapter *a)
{
	strv_release(&a->argv);
	free(a->dir);
	free(a->dialect);
	for (size_t i = 0; i < a->n_metrics; i++) {
		free(a->metrics[i].name);
		free(a->metrics[i].pattern);
		free(a->metrics[i].pointer);
	}
	free(a->metrics);
	for (size_t i = 0; i < a->n_artifacts; i++) {
		free(a->artifacts[i].path);
		free(a->artifacts[i].kind);
	}
	free(a->artifacts);
	memset(a, 0, sizeof(*a));
}

static void adapter_default_metric(struct adapter *a)
{
	a->metrics = xcalloc(1, sizeof(*a->metrics));
	a->metrics[0] = (struct adapter_metric){ .name = xstrdup("wall_ms"), .lower = true, .primary = true };
	a->n_metrics = 1;
}

static int adapter_keys(const struct yaml_node *map, enum adapter_role role, enum adapter_kind kind, struct err *e)
{
	static const char *const command[] = { "kind", "argv", "timeout_ms", "timeout", NULL };
	static const char *const test[] = { "kind", "argv", "timeout_ms", "timeout", "dialect", NULL };
	static const char *const gate[] = { "kind", "timeout_ms", "timeout", NULL };
	static const char *const workload[] = { "kind", "argv", "timeout_ms", "timeout", "samples", "warmup", "metrics",
		NULL };
	static const char *const profiler[] = { "kind", "argv", "timeout_ms", "timeout", "artifacts", NULL };
	static const char *const dummy[] = { "kind", "dir", NULL };
	static const char *const dummy_workload[] = { "kind", "dir", "metrics", "samples", "warmup", NULL };
	static const char *const none[] = { "kind", NULL };
	static const char *const *const of_role[] = { command, test, workload, profiler };

	if (kind == ADAPTER_DUMMY)
		return yaml_check_keys(map, role == ROLE_WORKLOAD ? dummy_workload : dummy, e);
	if (kind == ADAPTER_COMMAND)
		return yaml_check_keys(map, of_role[role], e);
	return yaml_check_keys(map, kind == ADAPTER_NONE ? none : gate, e);
}

static int adapter_read(struct adapter *a, const struct yaml_node *map, enum adapter_role role, struct err *e)
{
	int kind = ADAPTER_ABSENT;

	adapter_release(a);
	a->samples = 10;
	a->warmup = 1;
	if (yaml_want_map(map, e) < 0)
		return -1;
	if (!yaml_get(map, "kind"))
		return yaml_error(map, e, "'kind' is missing (%s)", kinds_of[role]);
	if (yaml_get_word(map, "kind", adapter_kind_text, &kind, e) < 0)
		return -1;
	if (!kind_ok[role][kind])
		return yaml_error(yaml_get(map, "kind"), e, "%s: 'kind' is %s", adapter_role_text[role], kinds_of[role]);
	a->kind = (enum adapter_kind)kind;
	if (adapter_keys(map, role, a->kind, e) < 0 || get_list(map, "argv", &a->argv, NULL, e) < 0 ||
	    yaml_get_timeout(map, YEAR_MS, &a->timeout_ms, e) < 0 || get_string(map, "dir", &a->dir, e) < 0 ||
	    get_string(map, "dialect", &a->dialect, e) < 0 ||
	    yaml_get_int(map, "samples", 1, 10000, &a->samples, e) < 0 ||
	    yaml_get_int(map, "warmup", 0, 1000, &a->warmup, e) < 0)
		return -1;
	if (a->kind == ADAPTER_COMMAND && (!a->argv.n || !a->argv.v[0][0]))
		return yaml_error(map, e, "'argv' is missing: the command as a list of words");
	if (a->kind == ADAPTER_DUMMY && (!a->dir || !*a->dir))
		return yaml_error(map, e, "'dir' is missing: the folder of the canned results");
	if (yaml_get(map, "metrics") && metrics_read(a, yaml_get(map, "metrics"), e) < 0)
		return -1;
	if (yaml_get(map, "artifacts") && artifacts_read(a, yaml_get(map, "artifacts"), e) < 0)
		return -1;
	if (role == ROLE_WORKLOAD && a->kind == ADAPTER_COMMAND && !a->n_metrics)
		adapter_default_metric(a);
	return 0;
}

const struct adapter_metric *adapter_primary(const struct adapter *a)
{
	for (size_t i = 0; i < a->n_metrics; i++)
		if (a->metrics[i].primary)
			return &a->metrics[i];
	return NULL;
}

static int adapters_read(struct setup *s, const struct yaml_node *map, struct err *e)
{
	if (yaml_want_map(map, e) < 0 || yaml_check_keys(map, adapter_role_text, e) < 0)
		return -1;
	s->has_adapters = true;
	for (int role = 0; role < ROLE_COUNT; role++) {
		const struct yaml_node *n = yaml_get(map, adapter_role_text[role]);

		if (n && adapter_read(&s->adapter[role], n, (enum adapter_role)role, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- optimize ---- */

static int budget_read(struct optimize_budget *b, const struct yaml_node *map, struct err *e)
{
	static const char *const keys[] = { "wall_ms", "tokens", "requests", NULL };

	if (!map)
		return 0;
	return yaml_want_map(map, e) < 0 || yaml_check_keys(map, keys, e) < 0 ||
	       yaml_get_int(map, "wall_ms", 0, YEAR_MS, &b->wall_ms, e) < 0 ||
	       yaml_get_int(map, "tokens", 0, COUNT_MAX * 1000, &b->tokens, e) < 0 ||
	       yaml_get_int(map, "requests", 0, COUNT_MAX, &b->requests, e) < 0 ? -1 : 0;
}

static int loop_read(struct loop_setup *l, const struct yaml_node *map, struct err *e)
{
	static const char *const keys[] = { "goal", "iterations", "patience", "max_regressions", "alpha", "min_effect",
		"top",
					    "base", "paths", "deny", "max_files", "max_lines", "max_bytes", "env", "sandbox",
					    "budget", NULL };
	static const char *const bases[] = { "best", "baseline", NULL };
	static const char *const sandboxes[] = { "auto", "require", "off", NULL };

	return yaml_want_map(map, e) < 0 || yaml_check_keys(map, keys, e) < 0 ||
	       yaml_get_word(map, "goal", optimize_goal_text, &l->goal, e) < 0 ||
	       yaml_get_int(map, "iterations", 1, 10000, &l->limits.iterations, e) < 0 ||
	       yaml_get_int(map, "patience", 1, 10000, &l->limits.patience, e) < 0 ||
	       yaml_get_int(map, "max_regressions", 1, 10000, &l->limits.max_regressions, e) < 0 ||
	       get_real(map, "alpha", 1e-9, 1, &l->alpha, e) < 0 ||
	       get_real(map, "min_effect", 0, 1000, &l->min_effect, e) < 0 ||
	       yaml_get_int(map, "top", 1, 1000, &l->top, e) < 0 ||
	       yaml_get_word(map, "base", bases, &l->base, e) < 0 ||
	       get_list(map, "paths", &l->paths, &l->paths_given, e) < 0 || get_list(map, "deny", &l->deny, NULL, e) < 0 ||
	       yaml_get_int(map, "max_files", 1, 100000, &l->max_files, e) < 0 ||
	       yaml_get_int(map, "max_lines", 1, COUNT_MAX, &l->max_lines, e) < 0 ||
	       yaml_get_int(map, "max_bytes", 1, COUNT_MAX, &l->max_bytes, e) < 0 ||
	       get_list(map, "env", &l->env, NULL, e) < 0 ||
	       yaml_get_word(map, "sandbox", sandboxes, &l->sandbox, e) < 0 ||
	       budget_read(&l->limits.budget, yaml_get(map, "budget"), e) < 0 ? -1 : 0;
}

static int redact_read(struct setup *s, const struct yaml_node *map, struct err *e)
{
	static const char *const keys[] = { "env", "patterns", "hosts", NULL };

	return yaml_want_map(map, e) < 0 || yaml_check_keys(map, keys, e) < 0 ||
	       yaml_get_string_or_list(map, "env", &s->redact_env, e) < 0 ||
	       yaml_get_string_or_list(map, "patterns", &s->redact_patterns, e) < 0 ||
	       yaml_get_bool(map, "hosts", &s->hide_hosts, e) < 0 ? -1 : 0;
}

void setup_init(struct setup *s)
{
	memset(s, 0, sizeof(*s));
	s->loop = (struct loop_setup){
		.limits = { 10, 5, 3, { 3600000, 200000, 100 } }, .alpha = 0.01, .min_effect = 0.02, .top = 5,
		.max_files = 10, .max_lines = 400, .max_bytes = 65536,
	};
	strv_add(&s->loop.paths, "src/**");
	gateway_setup_init(&s->gateway);
	gateway_setup_init(&s->explain);
}

void setup_release(struct setup *s)
{
	for (int i = 0; i < ROLE_COUNT; i++)
		adapter_release(&s->adapter[i]);
	strv_release(&s->loop.paths);
	strv_release(&s->loop.deny);
	strv_release(&s->loop.env);
	gateway_setup_release(&s->gateway);
	gateway_setup_release(&s->explain);
	strv_release(&s->redact_env);
	strv_release(&s->redact_patterns);
	strv_release(&s->files);
	memset(s, 0, sizeof(*s));
}

int setup_read(struct setup *s, const char *path, bool only_ours, setup_env *env, void *ctx, struct err *e)
{
	static const char *const keys[] = { "version", "adapters", "optimize", "gateway", "explain", "redact", "history",
					    "liveness", "profile", "run", "artifacts", "ingest", "gate", NULL };
	const struct yaml_limits limits = { .max_bytes = 1024 * 1024 };
	const struct yaml_node *root, *n;
	auto_yaml *doc = NULL;

	if (yaml_read(&doc, path, &limits, e) < 0)
		return -1;
	root = yaml_root(doc);
	strv_add(&s->files, path);
	if (yaml_want_map(root, e) < 0)
		return -1;
	if (yaml_get(root, "api_base"))
		return setup_read_server(&s->gateway, root, env, ctx, e);
	if (!only_ours && (yaml_check_keys(root, keys, e) < 0 || yaml_need_version(root, 1, e) < 0))
		return -1;
	if ((n = yaml_get(root, "redact")) && redact_read(s, n, e) < 0)
		return -1;
	if ((n = yaml_get(root, "adapters")) && adapters_read(s, n, e) < 0)
		return -1;
	if ((n = yaml_get(root, "optimize")) && loop_read(&s->loop, n, e) < 0)
		return -1;
	if ((n = yaml_get(root, "gateway")) && setup_read_gateway(&s->gateway, n, env, ctx, e) < 0)
		return -1;
	return (n = yaml_get(root, "explain")) && setup_read_explain(&s->explain, n, e) < 0 ? -1 : 0;
}

int setup_check(const struct setup *s, bool dry_run, struct err *e)
{
	const char *file = s->files.n ? s->files.v[0] : "spec-runner.yaml";

	if (s->adapter[ROLE_TEST].kind == ADAPTER_ABSENT)
		return err_set(e, ERR_USAGE, "%s: 'adapters.test' is missing: without it no candidate can be called correct "
			       "(kinds: %s)", file, kinds_of[ROLE_TEST]);
	if (s->loop.goal == GOAL_SPEED && s->adapter[ROLE_WORKLOAD].kind == ADAPTER_ABSENT)
		return err_set(e, ERR_USAGE, "%s: 'adapters.workload' is missing: it measures what is to become faster "
			       "(kinds: %s)", file, kinds_of[ROLE_WORKLOAD]);
	for (int i = 0; dry_run && i < ROLE_COUNT; i++)
		if (s->adapter[i].kind != ADAPTER_ABSENT && s->adapter[i].kind != ADAPTER_DUMMY &&
		    s->adapter[i].kind != ADAPTER_NONE)
			return err_set(e, ERR_USAGE,
				"--dry-run: adapters.%s is of kind %s, and a dry run takes kind dummy alone",
				       adapter_role_text[i], adapter_kind_text[s->adapter[i].kind]);
	return 0;
}
