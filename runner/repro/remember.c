/* SPDX-License-Identifier: Apache-2.0 */
/* remember.c - the runs whose files are kept go into the history, where one is named, as runs of kind repro. They count for
 * nothing that the history says of tests: their timing was ours. */
#include "runner/repro/session.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/config/history_place.h"
#include "runner/proc/helper.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static void add_traces(const struct session *s, struct strv *argv)
{
	struct dirent **names = NULL;
	int n = scandir(s->folder, &names, NULL, versionsort);

	for (int i = 0; i < n; i++) {
		auto_free char *path = xasprintf("%s/%s/run-trace.json", s->folder, names[i]->d_name);

		if (str_starts(names[i]->d_name, "run-") && access(path, R_OK) == 0)
			strv_add(argv, path);
		free(names[i]);
	}
	free(names);
}

void session_remember(struct session *s)
{
	auto_free char *dir = history_dir(s->o, s->root);
	static const char *const words[] = { "spec-runner-history", "record", "--kind", "repro", "--history" };
	struct strv argv = STRV_INIT, env = STRV_INIT;
	struct err e = { 0 };
	size_t before;
	pid_t pid;

	if (!history_is_named(s->o, s->launch.envp))
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		strv_add(&argv, words[i]);
	strv_add(&argv, dir);
	if (s->o->history.device) {
		strv_add(&argv, "--device");
		strv_add(&argv, s->o->history.device);
	}
	if (s->o->history.network_ok)
		strv_add(&argv, "--history-network-ok");
	strv_add(&argv, "--");
	before = argv.n;
	add_traces(s, &argv);
	if (argv.n > before) {
		helper_environment(&env, s->launch.envp, s->o);
		pid = helper_start("history", argv.v, env.v, -1, -1, false, &e);
		if (pid < 0)
			say_line(s, "repro: the history could not be updated: %s", e.msg);
		else if (helper_wait(pid, clock_mono_ns() + clock_ms_to_ns(s->o->history.record_ms)) != 0)
			say_line(s, "repro: the history does not have these runs");
	}
	strv_release(&argv);
	strv_release(&env);
}
