/* SPDX-License-Identifier: Apache-2.0 */
/* findings.json and report.md come with every trace (contract 4). Where nothing happened there is
 * nothing to look for, and they are written here; else the program that explains does it, in a
 * process of its own and with a deadline: it loads patterns and reads what others wrote. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "findings/report.h"
#include "runner/proc/finish.h"
#include "runner/proc/helper.h"

#include <string.h>

#define EXPLAIN_NS (10 * NS_PER_S)
/* After a cancel all is over within 7 s of the first signal (contract 3): what the end of the tree left of them, on a
 * busy machine, is worth the answer; half a second there is in any case. */
#define EXPLAIN_CANCELLED_NS (500 * NS_PER_MS)
#define EXPLAIN_BY_NS (4500 * NS_PER_MS)

/* Findings go beside the trace; where that is /dev/stdout or the like, beside a copy of it. */
static const char *explain_trace(const struct context *c)
{
	return c->paths.trace_copy ? c->paths.trace_copy : c->paths.trace;
}

/* note: NULL, or why nothing was looked for. */
static int explain_plain(struct context *c, int exit_code, const char *note, struct err *e)
{
	const char *trace = explain_trace(c), *slash = strrchr(trace, '/');
	auto_free char *dir = slash ? xstrndup(trace, (size_t)(slash - trace)) : xstrdup(".");
	struct strv args = STRV_INIT;
	int rc;

	redact_argv(c->redactor, c->setup->args, &args);
	rc = findings_write_clean(dir, c->run_id, c->setup->verb, args.v, exit_code || note ? "fail" : "pass", exit_code,
				  note, e);
	strv_release(&args);
	return rc;
}

static int explain_trace_file(const char *trace, char *const envp[], const struct options *o, bool quiet, bool hurry,
			      int64_t until_ns, int link, int *cancel, struct err *e)
{
	struct strv argv = STRV_INIT, env = STRV_INIT;
	pid_t pid;
	int rc;

	strv_add(&argv, "spec-runner-report");
	strv_add(&argv, hurry ? "--internal=hurry" : "--internal");
	helper_environment(&env, envp, o);
	if (quiet)
		strv_add(&argv, "--quiet");
	strv_add(&argv, trace);
	pid = helper_start("report", argv.v, env.v, -1, -1, false, e);
	strv_release(&env);
	strv_release(&argv);
	if (pid < 0)
		return err_add(e, "writing findings");
	rc = helper_wait_cancel(pid, until_ns, link, cancel);
	if (rc < 0)
		return err_set(e, ERR_FAILURE, "writing findings: spec-runner-report did not end in time");
	return rc ? err_set(e, ERR_FAILURE, "writing findings: spec-runner-report ended with exit code %d", rc) : 0;
}

int proc_explain(const char *trace, char *const envp[], const struct options *o, bool quiet, int64_t until_ns,
		 struct err *e)
{
	int none = 0;

	return explain_trace_file(trace, envp, o, quiet, false, until_ns, -1, &none, e);
}

/* Does the file beside the trace tell of this run? */
static bool is_of_run(const struct context *c, const char *name)
{
	const char *trace = explain_trace(c), *slash = strrchr(trace, '/');
	auto_free char *path = xasprintf("%.*s%s", slash ? (int)(slash + 1 - trace) : 0, trace, name), *text = NULL;
	struct err ignored;
	size_t n;

	return file_read(path, (size_t)64 << 20, &text, &n, &ignored) == 0 && strstr(text, c->run_id);
}

static int64_t explain_until(const struct context *c, int64_t now_ns)
{
	if (!c->cancelled)
		return now_ns + EXPLAIN_NS;
	if (c->cancelled_ns && c->cancelled_ns + EXPLAIN_BY_NS > now_ns + EXPLAIN_CANCELLED_NS)
		return c->cancelled_ns + EXPLAIN_BY_NS;
	return now_ns + EXPLAIN_CANCELLED_NS;
}

int finish_explain(struct context *c, int exit_code, struct err *e)
{
	struct err ignored;

	if (exit_code == 0 && !c->concerns)
		return explain_plain(c, 0, NULL, e);
	if (exit_code && !c->o->quiet)
		say_fresh(c); /* the block that comes is another program's, which does not know */
	if (explain_trace_file(explain_trace(c), c->setup->envp, c->o, c->o->quiet, c->cancelled,
			       explain_until(c, clock_mono_ns()), c->is_front ? -1 : c->link, &c->late_cancel, e) == 0)
		return 0;
	/* killed, stopped, not installed: plain ones all the same, unless it had written them */
	if (!is_of_run(c, "findings.json") || !is_of_run(c, "report.md"))
		explain_plain(c, exit_code, e->msg, &ignored);
	return -1;
}
