/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/sampling_recover.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/guard.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "runner/proc/helper.h"
#include "trace/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Has its writer gone? The lock is released at once: the process that seals it takes it again. */
static bool is_orphan(const char *journal)
{
	auto_close int fd = guard_open_regular(journal, O_RDONLY);

	return fd >= 0 && journal_lock(fd) == 0;
}

/* A folder or file that somebody has put a link in place of is left alone. */
static bool is_file(const char *path)
{
	struct stat st;

	return guard_stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static void profile_make(const char *run_id, const char *raw, const char *journal, const char *artifacts,
			 const char *root, char *const envp[], const struct options *o, int64_t until_ns)
{
	struct strv argv = STRV_INIT, env = STRV_INIT;
	struct err e = { 0 };
	pid_t pid;

	strv_add(&argv, "spec-runner-sampler");
	strv_take(&argv, xasprintf("run_id=%s", run_id));
	strv_take(&argv, xasprintf("raw=%s", raw));
	strv_take(&argv, xasprintf("root=%s", root));
	strv_take(&argv, xasprintf("journal=%s", journal));
	strv_take(&argv, xasprintf("artifacts=%s", artifacts));
	strv_take(&argv, xasprintf("given=%d", o->artifacts_dir_given));
	strv_add(&argv, "finish=1");
	helper_environment(&env, envp, o);
	pid = helper_start("sampler", argv.v, env.v, -1, -1, true, &e);
	if (pid > 0)
		helper_wait(pid, until_ns);
	strv_release(&env);
	strv_release(&argv);
}

void sampling_recover(const char *artifacts, const char *root, char *const envp[], const struct options *o,
		      int64_t until_ns)
{
	auto_free char *folder = path_join(artifacts, "raw");
	DIR *d = guard_opendir(folder);

	for (struct dirent *ent; d && clock_mono_ns() < until_ns && (ent = readdir(d));) {
		auto_free char *raw = NULL, *log = NULL, *journal = NULL;

		if (!run_id_valid(ent->d_name))
			continue;
		raw = path_join(folder, ent->d_name);
		log = path_join(raw, "profile.log");
		journal = xasprintf("%s/%s%s", artifacts, ent->d_name, JOURNAL_SUFFIX);
		if (is_file(log) && is_orphan(journal))
			profile_make(ent->d_name, raw, journal, artifacts, root, envp, o, until_ns);
	}
	if (d)
		closedir(d);
}
