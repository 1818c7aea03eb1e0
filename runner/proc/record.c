/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/record.h"

#include "base/clock.h"
#include "base/mem.h"
#include "profile/proc/process.h"
#include "runner/proc/context.h"
#include "runner/proc/helper.h"
#include "runner/proc/paths.h"
#include "runner/proc/sampling.h"
#include "trace/seal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXPLAIN_NS (15 * NS_PER_S)

static volatile sig_atomic_t stop_signal;
static pid_t sampler;

static void on_signal(int sig)
{
	stop_signal = sig;
	if (sampler > 0)
		kill(sampler, SIGINT);
}

static int trace_begin(struct context *c, const char *verb, char *const *args, char *const envp[], struct err *e)
{
	auto_str facts = STR_INIT;
	struct trace_meta m = {
		.run_id = c->run_id,
		.command = verb,
		.args = args,
		.envp = envp,
		.root = c->setup->root,
		.start_real_ns = c->start_real_ns,
		.start_mono_ns = c->start_mono_ns,
		.level = (enum level)c->o->profile_level,
	};
	struct attrs a = { 0 };

	env_facts(envp, NULL, &facts);
	m.environment_json = str_cstr(&facts);
	if (run_paths_make(&c->paths, e) < 0 || trace_open(&c->trace, c->paths.journal, &m, c->redactor, e) < 0)
		return -1;
	attrs_init(&a, c->trace);
	c->total_span = trace_span_begin(c->trace, 0, SPAN_RUN_TOTAL, "run", c->start_mono_ns, &a);
	attrs_init(&a, c->trace);
	attrs_word(&a, "verb", verb);
	attrs_int(&a, "pid", c->o->profiling.pid);
	c->dispatch_span = trace_span_begin(c->trace, c->total_span, SPAN_RUNNER_DISPATCH, "dispatch", clock_mono_ns(), &a);
	attrs_release(&a);
	return 0;
}

static int sampler_run(struct context *c, struct err *e)
{
	struct sigaction a = { .sa_handler = on_signal };
	struct strv argv = STRV_INIT, env = STRV_INIT;
	int status = 0;

	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	sampling_words(c, (pid_t)c->o->profiling.pid, false, &argv);
	strv_add(&argv, "attached=1");
	strv_take(&argv, xasprintf("seconds=%lld", (long long)c->o->profiling.seconds));
	helper_environment(&env, c->setup->envp, c->o);
	sampler = helper_start("sampler", argv.v, env.v, -1, -1, false, e);
	strv_release(&env);
	strv_release(&argv);
	if (sampler < 0)
		return -1;
	if (stop_signal)
		kill(sampler, SIGINT);
	while (waitpid(sampler, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, "waiting for the sampler");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int record_end(struct context *c, int code, struct err *e)
{
	struct seal_request q = { .trace_out = c->paths.trace, .summary_out = c->paths.summary };
	struct seal_result r;
	int rc;

	trace_finish(c->trace, code == 0, code, code ? STATUS_ERROR : STATUS_OK, clock_mono_ns());
	q.journal_fd = trace_fd(c->trace);
	rc = seal_run(&q, &r, e);
	trace_close(c->trace, rc == 0);
	if (rc < 0 || proc_explain(c->paths.trace, c->setup->envp, c->o, c->o->quiet, clock_mono_ns() + EXPLAIN_NS, e) < 0)
		return 125;
	run_paths_retain(&c->paths, c->o->keep_runs, c->o->keep_bytes, c->run_id);
	return code;
}

int record_attached(const struct options *o, const char *root, const char *verb, char *const *args, char *const envp[],
		    struct err *e)
{
	struct proc_setup setup = { .o = o, .root = root, .verb = verb, .args = args, .envp = envp };
	static struct context c;
	struct proc_stat st;
	int code;

	c = (struct context){ .setup = &setup, .o = o, .start_mono_ns = clock_mono_ns(), .start_real_ns = clock_real_ns() };
	outlet_init(&c.outlet[STREAM_OUT], STDOUT_FILENO, false);
	outlet_init(&c.outlet[STREAM_ERR], STDERR_FILENO, false);
	if (proc_stat_read((pid_t)o->profiling.pid, &st) < 0 || st.state == 'Z')
		return err_set(e, ERR_USAGE, "record: there is no process %lld", (long long)o->profiling.pid);
	run_id_make(c.run_id, c.start_real_ns);
	run_paths_init(&c.paths, o, root, c.run_id, false);
	if (redactor_new(&c.redactor, envp, &o->redact_env, &o->redact_patterns, e) < 0 || sampling_check(&c, e) < 0 ||
	    trace_begin(&c, verb, args, envp, e) < 0)
		return -1;
	code = sampler_run(&c, e);
	if (code < 0)
		return 125;
	if (code == 1)
		say_always(&c, "no sample was taken of process %lld: see %s", (long long)o->profiling.pid, c.paths.raw);
	return record_end(&c, code, e);
}
