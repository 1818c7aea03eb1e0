/* SPDX-License-Identifier: Apache-2.0 */
/* proc_run: what both processes share is made here; then there are two. */
#include "base/clock.h"
#include "base/json_scan.h"
#include "base/fd.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/path.h"
#include "profile/proc/process.h"
#include "runner/config/resolved.h"
#include "runner/proc/contain.h"
#include "runner/proc/finish.h"
#include "runner/proc/front.h"
#include "runner/proc/guard.h"
#include "runner/proc/learned.h"
#include "runner/proc/parent.h"
#include "runner/proc/paths.h"
#include "runner/proc/print.h"
#include "runner/proc/remember.h"
#include "runner/proc/sampling.h"
#include "runner/proc/supervisor.h"
#include "trace/journal_fault.h"
#include "runner/proc/tests.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* W3C trace context: version-traceid-parentid-flags; anything else is ignored. */
static void read_traceparent(struct trace_meta *m)
{
	const char *tp = getenv("TRACEPARENT");

	if (!tp || strlen(tp) < 55 || strspn(tp, "0123456789abcdef-") < 55 || tp[2] != '-' || tp[35] != '-' ||
	    tp[52] != '-' || strncmp(tp, "ff", 2) == 0)
		return;
	if (hex_bytes(tp + 3, m->trace_id, 16) < 0 || hex_bytes(tp + 36, m->parent_id, 8) < 0) {
		memset(m->trace_id, 0, sizeof(m->trace_id));
		memset(m->parent_id, 0, sizeof(m->parent_id));
	}
}

/* The journal: a file at once where a trace is wanted, in memory until a run at level off has
 * lasted a moment. Where the file cannot be made the command runs all the same. */
static int context_open_trace(struct context *c, struct err *e)
{
	const struct proc_setup *p = c->setup;
	bool file = c->o->profile_level != LEVEL_OFF || p->force_trace;
	auto_str facts = STR_INIT, more = STR_INIT;
	struct trace_meta m = {
		.run_id = c->run_id, .command = p->verb, .args = p->args, .envp = p->envp, .root = p->root,
		.start_real_ns = c->start_real_ns, .start_mono_ns = c->start_mono_ns, .level = c->keep_level,
	};
	struct err why = { 0 };

	read_traceparent(&m);
	remember_identity(p->o, p->root, p->envp, c->redactor, &more);
	env_facts(p->envp, str_cstr(&more), &facts);
	m.environment_json = str_cstr(&facts);
	if (file && run_paths_make(&c->paths, &why) == 0 &&
	    trace_open(&c->trace, c->paths.journal, &m, c->redactor, &why) == 0)
		return 0;
	if (file)
		c->journal_failed = true;
	if (trace_open(&c->trace, NULL, &m, c->redactor, e) < 0)
		return -1;
	if (file)
		c->journal_why = why;
	return 0;
}

static void context_root_spans(struct context *c)
{
	auto_str config = STR_INIT, safe = STR_INIT, nothing = STR_INIT;
	char parent[TRACEPARENT_SIZE];
	struct attrs a = { 0 };

	str_add(&nothing, "null");
	attrs_init(&a, c->trace);
	attrs_word(&a, "contain", contain_text[c->contain]);
	attrs_word(&a, "liveness_level", ((const char *const[]){ "off", "basic", "strict" })[c->o->liveness_level]);
	trace_traceparent(c->trace, 1, parent);
	parent[35] = '\0';
	attrs_word(&a, "trace_id", parent + 3);
	if (getenv("TRACEPARENT"))
		attrs_str(&a, "traceparent", getenv("TRACEPARENT"));
	c->total_span = trace_span_begin(c->trace, 0, SPAN_RUN_TOTAL, "run", c->start_mono_ns, &a);
	attrs_init(&a, c->trace);
	attrs_word(&a, "verb", c->setup->verb);
	options_resolved_json(c->o, c->setup->config, &config);
	/* the path of the file and globs of the user are not ours: redacted as any text */
	redact_text(c->redactor, str_cstr(&config), config.len, &safe);
	attrs_raw(&a, "config", str_cstr(json_scan_value(safe.data, safe.len) ? &safe : &nothing));
	c->dispatch_span = trace_span_begin(c->trace, c->total_span, SPAN_RUNNER_DISPATCH, "dispatch",
					    clock_mono_ns(), &a);
	attrs_release(&a);
}

/* `auto` takes the strongest level that costs the command nothing; a level asked for by name that
 * cannot be had is an error, not a silent weaker one. */
static int context_contain(struct context *c, struct err *e)
{
	enum contain want = (enum contain)c->o->contain;
	struct err why = { 0 };

	c->cgroup_fd = -1;
	c->contain = want == CONTAIN_AUTO ? CONTAIN_SUBREAPER : want;
	if ((want != CONTAIN_AUTO && want != CONTAIN_CGROUP) || (want == CONTAIN_AUTO && c->setup->light))
		return 0;
	c->cgroup_fd = contain_cgroup_make(c->run_id, c->shared->cgroup_dir, sizeof(c->shared->cgroup_dir), &why);
	if (c->cgroup_fd >= 0)
		c->contain = CONTAIN_CGROUP;
	else if (want == CONTAIN_CGROUP)
		return err_set(e, ERR_FAILURE, "--contain cgroup: %s", why.msg);
	return 0;
}

/* Which limits apply to this run, and where they come from. */
static void context_tell_limits(struct context *c)
{
	const struct learned *l = c->setup->learned;
	auto_attrs a = { 0 };

	if (!l || (!l->run_limit_ms && !l->n_tests))
		return;
	attrs_init(&a, c->trace);
	attrs_int(&a, "timeout_ms", l->run_limit_ms);
	attrs_int(&a, "tests", (int64_t)l->n_tests);
	if (l->n_tests)
		attrs_raw(&a, "test_timeout_ms", l->tests_json);
	trace_checkpoint(c->trace, c->dispatch_span, CP_LIMITS_HISTORY, clock_mono_ns(), &a);
}

static void context_say_start(struct context *c)
{
	static const char *const names[] = { "stdin", "stdout", "stderr" };
	struct attrs a = { 0 };

	if (c->parent_why.msg[0])
		say_always(c, "%s", c->parent_why.msg);
	if (c->journal_failed)
		say_always(c, "no journal can be kept: %s", c->journal_why.msg);
	for (int fd = 0; fd <= 2; fd++) {
		if (!c->terminal.closed[fd])
			continue;
		attrs_init(&a, c->trace);
		attrs_word(&a, "stream", names[fd]);
		trace_checkpoint(c->trace, c->dispatch_span, CP_STREAM_CLOSED_AT_START, clock_mono_ns(), &a);
		attrs_release(&a);
		if (fd == 0)
			say(c, "stdin is closed: the command reads /dev/null");
		else if (fd == 1)
			say(c, "stdout is closed: the command's output is counted, but goes nowhere");
	}
}

static int supervisor_main(struct context *c)
{
	struct supervisor *s = NULL;
	const struct proc_setup *p = c->setup;
	struct err e = { 0 };
	pid_t front = getppid();
	struct proc_stat st;
	bool lost;
	int code;

	c->is_front = false;
	/* Out of the front's group: SIGKILL to that group (timeout -s KILL, a CI system's runner) leaves us to end the
	 * tree and to seal. Under a pseudo-terminal we lead a session of our own instead. */
	if (c->terminal.mode != TERMINAL_PTY)
		setpgid(0, 0);
	if (c->o->contain != CONTAIN_GROUP)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	outlet_init(&c->outlet[STREAM_OUT], STDOUT_FILENO, c->terminal.closed[1]);
	outlet_init(&c->outlet[STREAM_ERR], STDERR_FILENO, c->terminal.closed[2]);
	if (terminal_lead_session(&c->terminal, &e) < 0 || !(s = supervisor_new(c, &e))) {
		say_always(c, "%s", e.msg);
		code = finish_run(c, 125, false, clock_mono_ns());
	} else {
		context_say_start(c);
		context_tell_limits(c);
		print_attach(c);
		sampling_ready(c);
		p->attach(p->ctx, c->trace, c->dispatch_span, clock_mono_ns());
		code = supervisor_loop(s);
		lost = supervisor_front_is_lost(s);
		supervisor_free(s);
		terminal_restore(&c->terminal); /* what explains prints plain lines */
		c->lost_output = c->outlet[STREAM_OUT].error || c->outlet[STREAM_ERR].error;
		code = finish_run(c, code, lost, clock_mono_ns());
		if (getppid() != front)
			terminal_restore(&c->terminal); /* the front died while we were sealing */
		if ((lost || getppid() != front) && c->shared->cgroup_dir[0])
			contain_cgroup_remove(c->shared->cgroup_dir);
	}
	atomic_store(&c->shared->exit_code, code);
	atomic_store(&c->shared->sealed, 1);
	guard_dismiss(c);
	if (getppid() == front && proc_stat_read(front, &st) == 0 && st.state == 'T')
		kill(front, SIGCONT); /* whatever has stopped it, it has an exit code to return */
	return code;
}

/* If we crash, no core file may be left: it would contain the environment, the output, copied stacks.
 * One byte, and not none, also keeps the kernel from piping a core to a program. The command gets its own
 * limit back. */
static void limit_core(struct spawn_signals *was)
{
	struct rlimit r;

	was->have_core = getrlimit(RLIMIT_CORE, &was->core) == 0;
	if (!was->have_core)
		return;
	r = was->core;
	r.rlim_cur = r.rlim_max ? 1 : 0;
	setrlimit(RLIMIT_CORE, &r);
}

/* Many processes and pipes want descriptors; the command gets its own limit back. */
static void raise_fd_limit(struct spawn_signals *was)
{
	struct rlimit r;

	was->have_nofile = getrlimit(RLIMIT_NOFILE, &was->nofile) == 0;
	r = was->nofile;
	if (!was->have_nofile || r.rlim_cur >= r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max < 65536 ? r.rlim_max : 65536;
	if (r.rlim_cur > was->nofile.rlim_cur)
		setrlimit(RLIMIT_NOFILE, &r);
}

/* Of this run, for remove_cgroup. */
static const char *cgroup_of_run;

/* Fails while a process is in it: then the other of our two processes removes it. */
static void remove_cgroup(void)
{
	if (cgroup_of_run && *cgroup_of_run)
		rmdir(cgroup_of_run);
}

static int context_init(struct context *c, const struct proc_setup *p, const struct spawn_signals *was,
			struct err *e)
{
	static const char *const dialect_names[] = {
		[SOURCE_DEFAULT] = "--dialect", [SOURCE_FILE] = "run.dialect", [SOURCE_ENV] = "SPEC_RUNNER_DIALECT",
		[SOURCE_FLAG] = "--dialect",
	};
	const struct options *o = p->o;
	enum level on_fail = (enum level)o->profile_on_fail;

	memset(c, 0, sizeof(*c));
	c->setup = p;
	c->signals = *was;
	c->o = o;
	c->link = c->cgroup_fd = c->journal_fd = -1;
	c->is_front = true;
	c->parent_fd = parent_watch(o, c->parent_name, sizeof(c->parent_name), &c->parent_why);
	c->start_mono_ns = clock_mono_ns();
	c->start_real_ns = clock_real_ns();
	run_id_make(c->run_id, c->start_real_ns);
	c->cwd = getcwd(NULL, 0);
	if (sampling_check(c, e) < 0)
		return -1;
	c->keep_level = (enum level)o->profile_level > on_fail ? (enum level)o->profile_level : on_fail;
	if (c->keep_level == LEVEL_OFF)
		c->keep_level = LEVEL_BASIC; /* in memory only: it costs nothing and explains our own failures */
	run_paths_init(&c->paths, o, p->root, c->run_id, getenv("SPEC_RUNNER_RUN_ID") != NULL);
	if (tests_check_dialect(dialect_names[option_source(o, option_by_key("run.dialect"))], o->dialect, e) < 0)
		return -1;
	if (redactor_new(&c->redactor, p->envp, &o->redact_env, &o->redact_patterns, e) < 0)
		return err_add(e, "--redact-pattern (SPEC_RUNNER_REDACT_PATTERN, redact.patterns)");
	redactor_learn_argv(c->redactor, p->args);
	redactor_learn_env(c->redactor, p->learn);
	/* cases have their own standard streams: no pseudo-terminal for nobody */
	if (terminal_init(&c->terminal, p->light ? TRI_NEVER : (enum tri)o->pty, e) < 0)
		return -1;
	c->terminal.keys = p->light && c->terminal.tty_fd == 0 && c->terminal.foreground && !o->quiet &&
			   o->status != TRI_NEVER;
	c->color = say_wants_color(o->color, c->terminal.is_tty[2]);
	c->shared = shared_new((size_t)o->output_tail_bytes, e);
	if (!c->shared || context_contain(c, e) < 0)
		return -1;
	cgroup_of_run = c->shared->cgroup_dir;
	mem_on_failure(remove_cgroup);
	c->signals.nice = getpriority(PRIO_PROCESS, 0);
	raise_fd_limit(&c->signals);
	limit_core(&c->signals);
	if (context_open_trace(c, e) < 0)
		return -1;
	c->journal_fd = trace_fd(c->trace);
	context_root_spans(c);
	return 0;
}

/* Nothing was started: leave nothing. */
static int context_abandon(struct context *c)
{
	if (c->trace)
		trace_close(c->trace, true);
	run_paths_tidy(&c->paths);
	if (c->shared && c->shared->cgroup_dir[0])
		contain_cgroup_remove(c->shared->cgroup_dir);
	return 125;
}

int proc_run(const struct proc_setup *p, struct err *e)
{
	static struct context c;
	struct spawn_signals was = { 0 };
	int pair[2];
	pid_t pid;

	front_block_signals(&was);
	journal_fault_install();
	if (context_init(&c, p, &was, e) < 0) {
		context_abandon(&c);
		return e->kind == ERR_USAGE ? 2 : 125;
	}
	if (p->o->contain != CONTAIN_GROUP)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		err_sys(e, "making a socket pair");
		return context_abandon(&c);
	}
	if (front_prepare(&c, pair[0], e) < 0)
		return context_abandon(&c);
	/* On a starved machine those that decide must get their turn; the command gets its own priority
	 * back. Without the right to do so we are as good as any other process. */
	setpriority(PRIO_PROCESS, 0, c.signals.nice - 10);
	guard_prepare(&c);
	if (sampling_prepare(&c, e) < 0)
		return context_abandon(&c);
	pid = fork();
	if (pid < 0) {
		err_sys(e, "starting the supervisor");
		return context_abandon(&c);
	}
	if (pid == 0) {
		front_forget();
		close(pair[0]);
		c.link = pair[1];
		_exit(supervisor_main(&c));
	}
	close(pair[1]);
	c.link = pair[0];
	guard_start(&c);
	sampling_start(&c, pid);
	outlet_init(&c.outlet[STREAM_OUT], STDOUT_FILENO, c.terminal.closed[1]);
	outlet_init(&c.outlet[STREAM_ERR], STDERR_FILENO, c.terminal.closed[2]);
	return front_run(&c, pid);
}
