/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cases/select.h"

#include "base/env.h"
#include "base/mem.h"
#include "base/value.h"
#include "runner/cases/glob.h"

#include <string.h>

/* How CI systems say which part of a parallel job this is. */
static const struct shard_env {
	const char *index, *count;
	int base; /* the number of the first */
} shard_envs[] = {
	{ "TEST_SHARD_INDEX", "TEST_TOTAL_SHARDS", 0 },
	{ "CI_NODE_INDEX", "CI_NODE_TOTAL", 1 },
	{ "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0 },
	{ "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0 },
	{ "SEMAPHORE_JOB_INDEX", "SEMAPHORE_JOB_COUNT", 1 },
	{ "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", -1 }, /* from SLURM_ARRAY_TASK_MIN */
	{ "JOB_COMPLETION_INDEX", "JOB_COMPLETION_TOTAL", 0 },   /* the total is the job's to set */
};

static int shard_env(char *const envp[], unsigned *shard, unsigned *shards, struct err *e)
{
	for (size_t i = 0; i < sizeof(shard_envs) / sizeof(shard_envs[0]); i++) {
		const struct shard_env *s = &shard_envs[i];
		const char *index = env_get(envp, s->index), *count = env_get(envp, s->count);
		int64_t at, n, base = s->base;

		if (!index || !count)
			continue;
		if (base < 0 && (!env_get(envp, "SLURM_ARRAY_TASK_MIN") ||
				 !value_int(env_get(envp, "SLURM_ARRAY_TASK_MIN"), &base)))
			base = 0;
		if (!value_int(index, &at) || !value_int(count, &n) || n < 1 || n > 1000000 || at < base || at >= base + n)
			return err_set(e, ERR_USAGE, "--shard auto: %s=%s, %s=%s is not a valid shard", s->index, index,
				       s->count, count);
		*shard = (unsigned)(at - base) + 1;
		*shards = (unsigned)n;
		return 0;
	}
	*shard = *shards = 1;
	return 0;
}

int shard_parse(const char *text, char *const envp[], unsigned *shard, unsigned *shards, struct err *e)
{
	auto_free char *index = NULL;
	const char *slash = strchr(text, '/');
	int64_t at, n;

	if (strcmp(text, "auto") == 0)
		return shard_env(envp, shard, shards, e);
	index = slash ? xstrndup(text, (size_t)(slash - text)) : xstrdup("");
	if (!value_int(index, &at) || !value_int(slash ? slash + 1 : "", &n) || at < 1 || n < at || n > 1000000)
		return err_set(e, ERR_USAGE, "--shard '%s': expected I/N with I from 1 to N, or auto", text);
	*shard = (unsigned)at;
	*shards = (unsigned)n;
	return 0;
}

static bool prefix_of_any(const struct strv *prefixes, const char *check)
{
	for (size_t i = 0; prefixes && i < prefixes->n; i++)
		if (str_starts(check, prefixes->v[i]))
			return true;
	return false;
}

static bool filter_hits(const char *filter, const struct spec_case *c)
{
	if (strpbrk(filter, "*?"))
		return glob_match_name(filter, c->id) || glob_match_name(filter, c->title);
	return strstr(c->id, filter) || strstr(c->title, filter) || strstr(c->suite, filter);
}

static bool is_selected(const struct spec_case *c, const struct case_selection *s)
{
	if (!c->selected || (s->only_checks && !c->check))
		return false;
	if (s->prefixes && s->prefixes->n && !(c->check && prefix_of_any(s->prefixes, c->check)))
		return false;
	if (c->check && prefix_of_any(s->excluded, c->check))
		return false;
	if (s->checks && !(c->check && strv_has(s->checks, c->check)) && !strv_has(s->checks, c->id))
		return false;
	return !s->filter || filter_hits(s->filter, c);
}

uint32_t *case_select(const struct case_set *set, const struct case_selection *s, uint32_t *count)
{
	uint32_t *order = xcalloc(set->count + 1, sizeof(*order)), n = 0;

	*count = 0;
	for (uint32_t i = 0; i < set->count; i++)
		if (is_selected(&set->cases[i], s) && (!s->shards || n++ % s->shards == s->shard - 1))
			order[(*count)++] = i;
	return order;
}
