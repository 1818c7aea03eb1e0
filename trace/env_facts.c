/* SPDX-License-Identifier: Apache-2.0 */
/* env_facts.c - contract 5 `environment`: where a run ran. No file is read: this stands in the
 * start of every run. */
#include "base/env.h"
#include "base/json_write.h"
#include "trace/emit.h"

#include <pcre2.h>
#include <sched.h>
#include <sodium/version.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <yaml.h>

/* libyaml tells its version only at run time. Weak, so that a program that reads no YAML does
 * not load it for this. */
#pragma weak yaml_get_version_string

#define STRING_OF(x) #x
#define STRING(x) STRING_OF(x)

/* A variable that a provider sets; where `value` is given, only that value counts. In the order
 * of trust: the generic CI comes last. */
static const struct ci {
	const char *name, *value, *provider;
} ci_providers[] = {
	{ "GITHUB_ACTIONS", "true", "github" },
	{ "GITLAB_CI", NULL, "gitlab" },
	{ "BUILDKITE", NULL, "buildkite" },
	{ "CIRCLECI", NULL, "circleci" },
	{ "TRAVIS", NULL, "travis" },
	{ "TF_BUILD", NULL, "azure" },
	{ "TEAMCITY_VERSION", NULL, "teamcity" },
	{ "SEMAPHORE", NULL, "semaphore" },
	{ "BITBUCKET_BUILD_NUMBER", NULL, "bitbucket" },
	{ "APPVEYOR", NULL, "appveyor" },
	{ "DRONE", NULL, "drone" },
	{ "CIRRUS_CI", NULL, "cirrus" },
	{ "CODEBUILD_BUILD_ID", NULL, "codebuild" },
	{ "WOODPECKER_CI", NULL, "woodpecker" },
	{ "CI", "woodpecker", "woodpecker" },
	{ "JENKINS_URL", NULL, "jenkins" },
	{ "CI", "true", "unknown" },
	{ "CI", "1", "unknown" },
};

static const char *ci_provider(char *const envp[])
{
	for (size_t i = 0; i < sizeof(ci_providers) / sizeof(*ci_providers); i++) {
		const char *v = env_get(envp, ci_providers[i].name);

		if (v && *v && (!ci_providers[i].value || strcmp(v, ci_providers[i].value) == 0))
			return ci_providers[i].provider;
	}
	return NULL;
}

/* Processors that this process may use: a container's or taskset's share. */
static int cpus_usable(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		return CPU_COUNT(&set);
	return (int)sysconf(_SC_NPROCESSORS_ONLN); /* more processors than a cpu_set_t holds */
}

void env_facts(char *const envp[], const char *more, struct str *out)
{
	struct utsname u;
	struct sysinfo si;
	struct json j;

	memset(&u, 0, sizeof(u));
	memset(&si, 0, sizeof(si));
	uname(&u);
	sysinfo(&si);
	json_init(&j, out);
	json_object(&j, NULL);
	json_strn(&j, "kernel", u.release, strnlen(u.release, sizeof(u.release)));
	json_strn(&j, "arch", u.machine, strnlen(u.machine, sizeof(u.machine)));
	json_int(&j, "cpus", cpus_usable());
	json_uint(&j, "memory_bytes", (uint64_t)si.totalram * (si.mem_unit ? si.mem_unit : 1));
	json_str(&j, "ci_provider", ci_provider(envp));
	json_str(&j, "version", SPEC_RUNNER_VERSION);
	json_object(&j, "libraries");
	json_str(&j, "libyaml", yaml_get_version_string ? yaml_get_version_string() : NULL);
	json_str(&j, "pcre2", STRING(PCRE2_MAJOR) "." STRING(PCRE2_MINOR));
	json_str(&j, "libsodium", SODIUM_VERSION_STRING);
	json_object_end(&j);
	if (more)
		json_members(&j, more, strlen(more));
	json_object_end(&j);
	json_finish(&j);
}
