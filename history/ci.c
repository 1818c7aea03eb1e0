/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ci.h"

#include "base/env.h"
#include "base/json_write.h"
#include "trace/repo.h"

#include <stdio.h>
#include <string.h>

/* Variables, the first that is set counts. `when` decides the provider. */
static const struct ci_row {
	const char *provider, *when;
	const char *pipeline, *attempt, *job, *branch[3], *rev, *uri, *default_branch;
} rows[] = {
	{ "github",
	  "GITHUB_ACTIONS",
	  "GITHUB_RUN_ID",
	  "GITHUB_RUN_ATTEMPT",
	  "GITHUB_JOB",
	  { "GITHUB_HEAD_REF", "GITHUB_REF_NAME" },
	  "GITHUB_SHA",
	  "GITHUB_REPOSITORY",
	  NULL },
	{ "gitlab",
	  "GITLAB_CI",
	  "CI_PIPELINE_ID",
	  NULL,
	  "CI_JOB_NAME",
	  { "CI_COMMIT_REF_NAME" },
	  "CI_COMMIT_SHA",
	  "CI_REPOSITORY_URL",
	  "CI_DEFAULT_BRANCH" },
	{ "buildkite",
	  "BUILDKITE",
	  "BUILDKITE_BUILD_ID",
	  "BUILDKITE_RETRY_COUNT",
	  "BUILDKITE_LABEL",
	  { "BUILDKITE_BRANCH" },
	  "BUILDKITE_COMMIT",
	  "BUILDKITE_REPO",
	  "BUILDKITE_PIPELINE_DEFAULT_BRANCH" },
	{ "circleci",
	  "CIRCLECI",
	  "CIRCLE_WORKFLOW_ID",
	  NULL,
	  "CIRCLE_JOB",
	  { "CIRCLE_BRANCH" },
	  "CIRCLE_SHA1",
	  "CIRCLE_REPOSITORY_URL",
	  NULL },
	{ "azure",
	  "TF_BUILD",
	  "BUILD_BUILDID",
	  "SYSTEM_JOBATTEMPT",
	  "SYSTEM_JOBDISPLAYNAME",
	  { "BUILD_SOURCEBRANCHNAME" },
	  "BUILD_SOURCEVERSION",
	  "BUILD_REPOSITORY_URI",
	  NULL },
	{ "jenkins",
	  "JENKINS_URL",
	  "BUILD_TAG",
	  NULL,
	  "JOB_NAME",
	  { "BRANCH_NAME", "GIT_BRANCH" },
	  "GIT_COMMIT",
	  "GIT_URL",
	  NULL },
	{ "slurm",
	  "SLURM_JOB_ID",
	  "SLURM_ARRAY_JOB_ID",
	  "SLURM_RESTART_COUNT",
	  "SLURM_JOB_NAME",
	  { NULL },
	  NULL,
	  NULL,
	  NULL },
};

static void take(char *out, size_t size, const char *v)
{
	if (v && !out[0])
		snprintf(out, size, "%s", v);
}

/* GitLab calls the jobs of `parallel: 4` "NAME 1/4" …: they are one job. */
static void strip_part(char *job)
{
	char *space = strrchr(job, ' ');
	size_t n = space ? strspn(space + 1, "0123456789") : 0;

	if (n && space[1 + n] == '/' && space[2 + n] && strspn(space + 2 + n, "0123456789") == strlen(space + 2 + n))
		*space = '\0';
}

void ci_read(struct ci *c, char *const envp[])
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !c->provider; i++) {
		const struct ci_row *r = &rows[i];
		const char *uri = env_get_filled(envp, r->uri), *server = env_get_filled(envp, "GITHUB_SERVER_URL");

		if (!env_get_filled(envp, r->when))
			continue;
		c->provider = r->provider;
		take(c->pipeline, sizeof(c->pipeline), env_get_filled(envp, r->pipeline));
		take(c->attempt, sizeof(c->attempt), env_get_filled(envp, r->attempt));
		take(c->job, sizeof(c->job), env_get_filled(envp, r->job));
		strip_part(c->job);
		for (int b = 0; b < 3; b++)
			take(c->branch, sizeof(c->branch), env_get_filled(envp, r->branch[b]));
		take(c->rev, sizeof(c->rev), env_get_filled(envp, r->rev));
		take(c->default_branch, sizeof(c->default_branch), env_get_filled(envp, r->default_branch));
		if (uri && server && strcmp(r->provider, "github") == 0)
			snprintf(c->uri, sizeof(c->uri), "%s/%s", server, uri);
		else if (uri)
			repo_strip_userinfo(uri, c->uri, sizeof(c->uri));
		if (!c->pipeline[0])
			take(c->pipeline, sizeof(c->pipeline), env_get_filled(envp, r->when));
	}
}

void ci_write(const struct ci *c, struct str *out)
{
	struct json j;

	if (!c->provider) {
		str_add(out, "null");
		return;
	}
	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "provider", c->provider);
	json_str(&j, "pipeline", c->pipeline[0] ? c->pipeline : NULL);
	json_str(&j, "attempt", c->attempt[0] ? c->attempt : NULL);
	json_str(&j, "job", c->job[0] ? c->job : NULL);
	json_object_end(&j);
	json_finish(&j);
}
