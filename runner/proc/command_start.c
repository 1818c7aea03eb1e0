/* SPDX-License-Identifier: Apache-2.0 */
/* command_start.c - what a command needs to run: environment, streams, TMPDIR, notify socket, watchdog. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/proc/command.h"
#include "runner/proc/command_state.h"
#include "runner/proc/held.h"
#include "runner/proc/guard.h"
#include "runner/proc/kernel.h"
#include "runner/proc/sampling.h"
#include "runner/proc/slot_dir.h"
#include "runner/proc/supervisor_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>


/* A tree that computes has so many times the stall limit. */
enum { BUSY_STALLS = 10 };

/* Names that we set ourselves, or that would make a child write over our files. */
static const char *const env_ours[] = {
	"SPEC_RUNNER_RUN_ID=", "TRACEPARENT=", "NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=",
	"SPEC_RUNNER_PROFILE_OUT=", "SPEC_RUNNER_PROFILE_SUMMARY_OUT=", "SPEC_RUNNER_JUNIT=",
};

static bool env_is_replaced(const char *var, char *const *add, bool tmpdir)
{
	if (tmpdir && str_starts(var, "TMPDIR="))
		return true;
	for (size_t i = 0; i < sizeof(env_ours) / sizeof(*env_ours); i++)
		if (str_starts(var, env_ours[i]))
			return true;
	for (; add && *add; add++) {
		const char *eq = strchr(*add, '=');

		if (eq && strncmp(var, *add, (size_t)(eq - *add) + 1) == 0)
			return true;
	}
	return false;
}

static void command_environment(struct supervisor *s, struct command *c)
{
	char parent[TRACEPARENT_SIZE];
	char *const *env = c->spec.env_clean ? NULL : s->run->setup->envp;

	/* TRACEPARENT first: by it an orphan is known again, however large the environment */
	trace_traceparent(s->run->trace, c->exec_span, parent);
	strv_take(&c->envp, xasprintf("TRACEPARENT=%s", parent));
	strv_take(&c->envp, xasprintf("SPEC_RUNNER_RUN_ID=%s", s->run->run_id));
	for (; env && *env; env++)
		if (!env_is_replaced(*env, c->spec.env_add, c->tmpdir != NULL))
			strv_add(&c->envp, *env);
	for (char *const *add = c->spec.env_add; add && *add; add++)
		if (!env_is_replaced(*add, NULL, c->tmpdir != NULL))
			strv_add(&c->envp, *add);
	if (c->notify_fd >= 0)
		strv_take(&c->envp, xasprintf("NOTIFY_SOCKET=%s", c->notify_name));
	if (c->tmpdir)
		strv_take(&c->envp, xasprintf("TMPDIR=%s", c->tmpdir));
}

/* An abstract socket: nothing to remove, nothing in the file system. Without one (no AF_UNIX) a
 * command is simply not able to notify. */
static void command_notify_open(struct supervisor *s, struct command *c)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int n, on = 1;

	c->notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->notify_fd < 0)
		return;
	snprintf(c->notify_name, sizeof(c->notify_name), "@%s-%u", s->run->run_id, c->serial);
	n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "%s", c->notify_name + 1);
	if (setsockopt(c->notify_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    bind(c->notify_fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0)
		fd_close(&c->notify_fd);
	else
		loop_watch(&s->loop, c->notify_fd, EPOLLIN, SRC_NOTIFY, c->slot, 0);
}

/* Both ends of one output stream. child: what the command gets. */
static int command_stream_make(struct supervisor *s, struct command *c, int which, int *child, struct err *e)
{
	struct context *x = s->run;
	bool pty = !c->spec.capture && x->terminal.pty_for[which + 1];
	int ends[2];

	if (pty) {
		int master = which == STREAM_ERR && x->terminal.master_err >= 0 ? x->terminal.master_err :
										    x->terminal.master;

		*child = terminal_slave(master);
		if (*child < 0)
			return err_sys(e, "opening the pseudo-terminal");
		stream_init_pass(&c->stream[which], which, master, true, x->shared, &x->outlet[which]);
		return 0;
	}
	if (kernel_pipe(ends, !c->spec.capture) < 0)
		return err_sys(e, "making a pipe");
	*child = ends[1];
	if (c->spec.held) {
		stream_init_ring(&c->stream[which], which, ends[0], &c->held->ring[which], c->held->data[which],
				 HELD_RING_BYTES, &c->held->outlet[which]);
	} else if (c->spec.capture) {
		stream_init_capture(&c->stream[which], which, ends[0], c->spec.capture_max_bytes);
	} else {
		stream_init_pass(&c->stream[which], which, ends[0], false, x->shared, &x->outlet[which]);
	}
	return 0;
}

static int command_stdin_make(struct supervisor *s, struct command *c, int *child, struct err *e)
{
	*child = -1;
	if (c->spec.stdin_text && c->spec.stdin_bytes == 0) {
		*child = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (*child < 0)
			return err_sys(e, "opening /dev/null");
	} else if (c->spec.stdin_text) {
		*child = memfd_create("spec-runner-stdin", MFD_CLOEXEC);
		if (*child < 0 || fd_write_all(*child, c->spec.stdin_text, c->spec.stdin_bytes) < 0 ||
		    lseek(*child, 0, SEEK_SET) < 0)
			return err_sys(e, "preparing standard input");
	} else if (!c->spec.capture && s->run->terminal.pty_for[0]) {
		*child = terminal_slave(s->run->terminal.master);
		if (*child < 0)
			return err_sys(e, "opening the pseudo-terminal");
	}
	return 0;
}

/* One pipe for both where our own two streams are one: their order is kept. */
static bool command_merges(const struct supervisor *s, const struct command *c)
{
	return !c->spec.capture && s->run->terminal.merge;
}

static int command_namespace_watch(struct supervisor *s, struct command *c, int *init_end, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "making a pipe");
	c->ns_fd = ends[0];
	*init_end = ends[1];
	if (loop_watch(&s->loop, c->ns_fd, EPOLLIN, SRC_NAMESPACE, c->slot, 0) < 0)
		return err_sys(e, "watching the namespace");
	return 0;
}

static int command_spawn(struct supervisor *s, struct command *c, struct err *e)
{
	struct context *x = s->run;
	/* a case costs as little as can be, unless a stronger hold was asked for by name */
	bool light = c->spec.capture && x->o->contain != CONTAIN_CGROUP && x->contain != CONTAIN_PIDNS;
	auto_close int in = -1, out = -1, errfd = -1, ns = -1;
	struct spawn_request q = {
		.argv = c->spec.argv, .cwd = c->spec.cwd, .terminal = &x->terminal,
		.own_session = c->spec.capture || x->terminal.mode == TERMINAL_NONE,
		.cgroup_fd = light ? -1 : x->cgroup_fd, .share_memory = light, .pid_namespace = x->contain == CONTAIN_PIDNS,
		.signals = &x->signals, .exec_errno = &x->shared->exec_errno[c->slot],
		.ns_status = &x->shared->ns_status[c->slot],
		.shared_pid = c->spec.capture ? NULL : &x->shared->command_pid,
	};

	if (command_stdin_make(s, c, &in, e) < 0 || command_stream_make(s, c, STREAM_OUT, &out, e) < 0)
		return -1;
	if (command_merges(s, c)) {
		stream_init_pass(&c->stream[STREAM_ERR], STREAM_ERR, -1, true, x->shared, &x->outlet[STREAM_ERR]);
		c->stream[STREAM_ERR].ended = true;
		errfd = fcntl(out, F_DUPFD_CLOEXEC, 3);
		if (errfd < 0)
			return err_sys(e, "duplicating a pipe");
	} else if (command_stream_make(s, c, STREAM_ERR, &errfd, e) < 0) {
		return -1;
	}
	for (int i = 0; i < STREAM_COUNT && !c->spec.capture; i++)
		if (c->stream[i].fd >= 0)
			msg_send(x->link, MSG_STREAM, i, NULL, 0, c->stream[i].fd);
	if (q.pid_namespace && command_namespace_watch(s, c, &ns, e) < 0)
		return -1;
	q.ns_fd = ns;
	q.ns_reader_fd = c->ns_fd;
	command_environment(s, c);
	sampling_hooks_environment(s->run, &c->envp);
	q.envp = c->envp.v;
	q.stdin_fd = in;
	q.stdout_fd = out;
	q.stderr_fd = errfd;
	if (!c->spec.capture)
		shared_command_starting(x->shared);
	guard_await(x);
	c->pid = spawn_command(&q, e);
	return c->pid < 0 ? -1 : 0;
}

void command_watchdog_init(struct supervisor *s, struct command *c, int64_t now)
{
	const struct options *o = s->run->o;
	struct watchdog_config cfg = {
		.level = (enum liveness_level)o->liveness_level,
		.stall_ns = c->spec.stall_free ? TIME_NEVER : clock_ms_to_ns(o->liveness_stall_ms),
		.busy_ns = o->liveness_busy_ms ? clock_ms_to_ns(o->liveness_busy_ms) :
						 clock_ms_to_ns(o->liveness_stall_ms * BUSY_STALLS),
		.hard_cap_ns = clock_ms_to_ns(o->liveness_hard_cap_ms),
		.min_events = (uint32_t)(o->liveness_min_events > 0 ? o->liveness_min_events : 1),
		.limit_ns = c->spec.limit_ns,
		.limit_token = c->spec.limit_token,
		.deadline_ns = TIME_NEVER,
		.kill_grace_ns = clock_ms_to_ns(o->liveness_kill_grace_ms),
		.drain_ns = clock_ms_to_ns(o->drain_ms),
		.diagnose_ns = clock_ms_to_ns(o->diagnose_ms),
		.first_signal = o->first_signal,
		.cancel_look_ns = 1000 * NS_PER_MS,
		.cancel_term_ns = 2500 * NS_PER_MS,
		.cancel_kill_ns = 2000 * NS_PER_MS,
		.unkillable_ns = 1500 * NS_PER_MS,
		.seal_reserve_ns = 1000 * NS_PER_MS,
	};

	/* of a limit of the user's own, or of the suite that captures it, they know */
	if (option_source(o, option_by_key("liveness.hard_cap_ms")) == SOURCE_DEFAULT && !command_is_mute(c))
		cfg.word_ns = cfg.hard_cap_ns / 2;
	if (o->deadline_real_ns) {
		int64_t left = o->deadline_real_ns - s->run->start_real_ns;

		cfg.deadline_ns = clock_add(s->run->start_mono_ns, left > 0 ? left : 0);
	}
	if (s->takeover)
		cfg.diagnose_ns = 0; /* nobody is left to look */
	c->wd_ring = xcalloc(cfg.min_events, sizeof(*c->wd_ring));
	watchdog_init(&c->wd, &cfg, c->wd_ring, now);
}

void command_arm_streams(struct supervisor *s, struct command *c)
{
	for (int i = 0; i < STREAM_COUNT; i++)
		if (c->stream[i].fd >= 0 && !c->stream[i].ended && !c->stream[i].armed &&
		    stream_owed(&c->stream[i]) < SHARED_READ_BYTES)
			c->stream[i].armed = loop_watch(&s->loop, c->stream[i].fd, EPOLLIN, SRC_STREAM,
								 c->slot, i) == 0;
}

/* One folder a slot, taken over by the slot's next command as long as each left it empty. */
static int command_tmpdir_make(struct supervisor *s, struct command *c, struct err *e)
{
	c->tmpdir = ptr_steal(&s->spare_tmpdir[c->slot]);
	if (c->tmpdir)
		return 0;
	c->tmpdir = slot_dir_path(s->run, c->slot);
	if (mkdir(c->tmpdir, 0700) == 0)
		return 0;
	err_sys(e, "making a TMPDIR '%s'", c->tmpdir);
	mem_free_ptr(&c->tmpdir);
	return -1;
}

static bool folder_is_pristine(const char *path)
{
	struct stat st;
	DIR *d = opendir(path);
	size_t n = 0;

	if (!d)
		return false;
	while (n < 3 && readdir(d))
		n++;
	n += fstat(dirfd(d), &st) < 0 || (st.st_mode & 07777) != 0700;
	closedir(d);
	return n == 2; /* "." and ".." */
}

static void command_tmpdir_leave(struct supervisor *s, struct command *c)
{
	struct err e;

	if (c->tmpdir && folder_is_pristine(c->tmpdir)) {
		free(s->spare_tmpdir[c->slot]);
		s->spare_tmpdir[c->slot] = ptr_steal(&c->tmpdir);
	} else if (c->tmpdir) {
		path_remove_tree(c->tmpdir, &e);
		mem_free_ptr(&c->tmpdir);
	}
}

struct command *command_new(struct supervisor *s, int slot, int64_t now_ns)
{
	struct command *c = xcalloc(1, sizeof(*c));

	c->slot = slot;
	c->serial = ++s->last_serial;
	c->start_ns = now_ns;
	c->pid = -1;
	c->notify_fd = c->ns_fd = -1;
	c->stream[0].fd = c->stream[1].fd = -1;
	c->wd_due_ns = TIME_NEVER;
	progress_seen_init(&c->seen);
	s->command[slot] = c;
	s->active++;
	return c;
}

static span_id command_begin_span(struct supervisor *s, const struct command_spec *spec, int64_t now_ns)
{
	auto_free char *cwd = NULL;
	auto_attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_strv(&a, "argv", spec->argv);
	if (spec->name)
		attrs_str(&a, "name", spec->name);
	cwd = path_relative(s->run->setup->root, spec->cwd ? spec->cwd : s->run->cwd);
	attrs_str(&a, "cwd", cwd);
	return trace_span_begin(s->run->trace, spec->parent, SPAN_SUBPROCESS_EXEC, "exec", now_ns, &a);
}

/* The end is pending at once: settle reports it as any other. */
static void command_failed_to_start(struct supervisor *s, struct command *c, const struct err *e, int64_t now_ns)
{
	say_always(s->run, "%s", e->msg);
	trace_span_end(s->run->trace, c->exec_span, STATUS_ERROR, CATEGORY_SPAWN, e->msg, TOKEN_NONE, now_ns, NULL);
	c->phase = COMMAND_FAILED;
	c->spawn_errno = e->sys;
	c->pending.actions = WD_FINISH;
}

static void command_started(struct supervisor *s, struct command *c, int64_t now_ns)
{
	struct trace *t = s->run->trace;
	auto_attrs a = { 0 };

	attrs_init(&a, t);
	attrs_int(&a, "pid", c->pid);
	c->wait_span = trace_span_begin(t, c->exec_span, SPAN_SUBPROCESS_WAIT, "wait", now_ns, &a);
	c->tests.parent = c->wait_span;
	attrs_init(&a, t);
	attrs_word(&a, "state", proc_state_text[PROC_SPAWNED]);
	attrs_int(&a, "pid", c->pid);
	trace_event(t, c->wait_span, EVENT_SUBPROCESS_STATE, now_ns, &a);
	sampling_command(s->run, c->pid, c->wait_span);
	atomic_store(&s->run->shared->any_spawned, 1);
	if (!c->spec.capture)
		shared_command_started(s->run->shared, c->pid);
}

void command_start(struct supervisor *s, int slot, const struct command_spec *spec, int64_t now_ns)
{
	struct command *c = command_new(s, slot, now_ns);
	struct err e = { 0 };

	c->spec = *spec;
	redactor_learn_env(s->run->redactor, spec->env_add);
	redactor_learn_argv(s->run->redactor, spec->argv);
	tests_init(&c->tests, s->run, spec->argv, command_is_mute(c));
	if (spec->held) {
		c->held = held_new(spec->held_fd);
		memset(c->tests.fed, 0, sizeof(c->tests.fed));
	}
	c->exec_span = command_begin_span(s, spec, now_ns);
	if (spec->own_tmpdir && command_tmpdir_make(s, c, &e) < 0) {
		command_failed_to_start(s, c, &e, now_ns);
		return;
	}
	command_notify_open(s, c);
	if (!spec->capture && stop_commands_wanted(s->run->o, s->run->setup->envp))
		stop_commands_begin(&s->run->shared->stop, context_mid_line(s->run));
	if (command_spawn(s, c, &e) < 0) {
		command_failed_to_start(s, c, &e, clock_mono_ns());
		return;
	}
	c->phase = COMMAND_RUNNING;
	now_ns = clock_mono_ns();
	command_started(s, c, now_ns);
	command_watchdog_init(s, c, now_ns);
	use_begin(&c->use, now_ns);
	command_arm_streams(s, c);
	command_flush(s, c, STREAM_OUT, now_ns); /* where something stands before the first byte */
	command_event(s, c, WD_EV_TIME, 0, now_ns);
}

/* Why does it end? For the reason for which it was being ended, or should have been; else because of the loss. */
static void command_go_on(struct supervisor *s, struct command *c, int64_t now_ns)
{
	const struct shared_pulse *p = &s->run->shared->pulse;
	int cause = atomic_load(&p->cause);

	if (cause >= WD_CAUSE_LIMIT && cause <= WD_CAUSE_DEADLINE)
		command_event(s, c, WD_EV_LIMIT, atomic_load(&p->token), now_ns);
	else if (s->cancel_signal)
		command_event(s, c, WD_EV_CANCEL, SIGTERM, now_ns);
	else if (atomic_load(&p->must_ns) <= now_ns)
		command_event(s, c, WD_EV_TIME, 0, now_ns); /* the limits that we know of ourselves */
	command_event(s, c, WD_EV_LOST, 0, now_ns);
}

void command_adopt(struct supervisor *s, int stream_fd[STREAM_COUNT], int64_t now_ns)
{
	const struct shared_pulse *p = &s->run->shared->pulse;
	static char *const nameless[] = { "command", NULL };
	struct command *c = command_new(s, 0, now_ns);
	siginfo_t si = { 0 };

	c->spec.argv = nameless;
	tests_init(&c->tests, s->run, nameless, true); /* what it prints now changes nothing */
	c->pid = atomic_load(&s->run->shared->command_pid);
	c->phase = COMMAND_RUNNING;
	c->wait_span = s->run->dispatch_span;
	for (int i = 0; i < STREAM_COUNT; i++) {
		stream_init_pass(&c->stream[i], i, fd_steal(&stream_fd[i]), false, s->run->shared,
				 &s->run->outlet[i]);
		c->stream[i].ended = c->stream[i].fd < 0;
	}
	if (atomic_load(&p->start_ns))
		c->start_ns = atomic_load(&p->start_ns);
	c->spec.limit_ns = atomic_load(&p->limit_ns);
	c->spec.limit_token = (enum token)atomic_load(&p->limit_token);
	command_watchdog_init(s, c, c->start_ns);
	command_arm_streams(s, c);
	/* it came to us when its parent died; another one's process may have its number by now */
	if (c->pid <= 0 || kernel_wait(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG | WNOWAIT) < 0)
		c->phase = COMMAND_EXITED; /* and was reaped; others of its tree may be left */
	command_go_on(s, c, now_ns);
	for (int i = 0; i < STREAM_COUNT; i++)
		command_flush(s, c, i, now_ns);
	if (c->phase == COMMAND_EXITED)
		command_event(s, c, WD_EV_EXIT, 0, now_ns);
}

static void command_release_streams(struct supervisor *s, struct command *c)
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		if (c->stream[i].armed && c->stream[i].fd >= 0)
			loop_forget(&s->loop, c->stream[i].fd);
		stream_release(&c->stream[i]);
	}
	held_free(c->held);
	for (int i = 0; i < STREAM_COUNT && !c->spec.capture; i++) {
		if (s->outlet_armed[i] && s->run->outlet[i].fd >= 0)
			loop_forget(&s->loop, s->run->outlet[i].fd);
		s->outlet_armed[i] = false;
	}
}

void command_free(struct supervisor *s, struct command *c)
{
	command_release_streams(s, c);
	fd_close(&c->notify_fd);
	fd_close(&c->ns_fd);
	free(c->wd_ring);
	progress_seen_release(&c->seen);
	tests_release(&c->tests);
	strv_release(&c->envp);
	command_tmpdir_leave(s, c);
	s->command[c->slot] = NULL;
	s->active--;
	free(c);
}
