/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/remember.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/config/history_place.h"
#include "runner/proc/helper.h"
#include "runner/proc/repo_state.h"
#include "runner/proc/supervisor.h"
#include "trace/journal.h"
#include "trace/seal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* After a cancel all is sealed within 7 s of the first signal (contract 3). */
#define CANCELLED_NS (500 * NS_PER_MS)

bool remember_wanted(const struct options *o, char *const envp[])
{
	return history_is_named(o, envp);
}

static void add_text_member(struct json *j, struct redactor *r, const char *key, const char *v)
{
	auto_str clean = STR_INIT;

	if (!v || !*v)
		return;
	redact_text(r, v, strlen(v), &clean);
	json_str(j, key, str_cstr(&clean));
}

void remember_identity(const struct options *o, const char *root, char *const envp[], struct redactor *r, struct str *out)
{
	const char *parent = getenv("SPEC_RUNNER_RUN_ID");
	bool wanted = remember_wanted(o, envp);
	auto_str repo = STR_INIT, all = STR_INIT;
	struct json j;

	repo_state_write(root, envp, wanted, r, &repo);
	json_init(&j, &all);
	json_object(&j, NULL);
	json_raw(&j, "repo", str_cstr(&repo), repo.len);
	if (parent && run_id_valid(parent))
		json_str(&j, "parent_run_id", parent);
	if (wanted) {
		add_text_member(&j, r, "workload_id", o->history.workload);
		add_text_member(&j, r, "device_id", o->history.device);
		add_text_member(&j, r, "toolchain_id", o->history.toolchain);
	}
	json_object_end(&j);
	json_finish(&j);
	str_addn(out, all.data + 1, all.len - 2); /* without its braces */
}

/* A second name for the sealed file where that is possible: a trace may be large. */
static int put_into_spool(struct context *c, const char *path, bool sealed, bool lost, int64_t now, struct err *e)
{
	const char *trace = c->paths.trace_copy ? c->paths.trace_copy : c->paths.trace;
	struct seal_result r;
	struct seal_request q = {
		.journal_fd = trace_fd(c->trace), .trace_out = path, .lost = lost, .now_mono_ns = now,
		.gate_json = c->setup->summary_json ? c->setup->summary_json(c->setup->ctx) : NULL,
	};
	struct stat st;

	if (path_mkdirs_for(path, e) < 0)
		return -1;
	if (sealed && lstat(trace, &st) == 0 && S_ISREG(st.st_mode) && link(trace, path) == 0)
		return 0;
	return seal_run(&q, &r, e);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xstrndup(path, (size_t)(slash - path) + (slash == path)) : xstrdup(".");
}

static void add_number(struct strv *argv, const char *flag, int64_t v)
{
	strv_add(argv, flag);
	strv_take(argv, xasprintf("%lld", (long long)v));
}

static void add_text(struct strv *argv, const char *flag, const char *v)
{
	if (!v)
		return;
	strv_add(argv, flag);
	strv_add(argv, v);
}

static void helper_words(struct context *c, const char *dir, const char *spooled, bool sealed, struct strv *argv)
{
	const struct history_settings *h = &c->o->history;

	strv_add(argv, "spec-runner-history");
	strv_add(argv, "--internal");
	strv_add(argv, "record");
	add_text(argv, "--history", dir);
	add_text(argv, "--workload", h->workload);
	add_text(argv, "--device", h->device);
	add_text(argv, "--toolchain", h->toolchain);
	add_number(argv, "--keep-days", h->keep_days);
	add_number(argv, "--keep-history-runs", h->keep_runs);
	add_number(argv, "--keep-history-bytes", h->keep_bytes);
	if (h->network_ok)
		strv_add(argv, "--history-network-ok");
	if (c->o->quiet)
		strv_add(argv, "--quiet");
	if (sealed) {
		strv_add(argv, "--beside");
		strv_take(argv, folder_of(c->paths.trace_copy ? c->paths.trace_copy : c->paths.trace));
	}
	strv_add(argv, "--");
	strv_add(argv, spooled);
}

static int take_in(struct context *c, const char *dir, const char *spooled, bool sealed, struct err *e)
{
	struct strv argv = STRV_INIT, env = STRV_INIT;
	int64_t ns = c->cancelled ? CANCELLED_NS : clock_ms_to_ns(c->o->history.record_ms);
	pid_t pid;
	int rc;

	helper_words(c, dir, spooled, sealed, &argv);
	helper_environment(&env, c->setup->envp, c->o);
	pid = helper_start("history", argv.v, env.v, -1, -1, false, e);
	strv_release(&env);
	strv_release(&argv);
	if (pid < 0)
		return -1;
	rc = helper_wait_cancel(pid, clock_mono_ns() + ns, c->is_front ? -1 : c->link, &c->late_cancel);
	return rc == 0 ? 0 : rc < 0 ? 1 : 2; /* it has said why itself */
}

void remember_run(struct context *c, bool sealed, bool lost, int64_t now)
{
	auto_free char *dir = NULL, *fresh = NULL, *spooled = NULL;
	struct err e = { 0 };
	mode_t mask;
	int rc;

	if (!remember_wanted(c->o, c->setup->envp) || !c->trace)
		return;
	dir = history_dir(c->o, c->setup->root);
	/* hidden: another writer that ends now must not take it in before its own one does, which knows more of it */
	fresh = xasprintf("%s/spool/.%s.json", dir, c->run_id);
	spooled = xasprintf("%s/spool/%s.json", dir, c->run_id);
	mask = umask(077);
	rc = put_into_spool(c, fresh, sealed, lost, now, &e);
	umask(mask);
	if (rc < 0) {
		say_always(c, "history: this run was not recorded: %s", e.msg);
		return;
	}
	rc = take_in(c, dir, fresh, sealed, &e);
	if (rc != 0 && rename(fresh, spooled) < 0 && errno == ENOENT)
		return; /* it is in after all */
	if (rc < 0)
		say_always(c, "history: this run was not recorded (%s); it waits in %s", e.msg, spooled);
	else if (rc == 1)
		say_always(c, "history: this run was not recorded in time; it waits in %s", spooled);
}
