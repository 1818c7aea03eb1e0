/* SPDX-License-Identifier: Apache-2.0 */
/* One supervised command, from its start to its end. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "liveness/notify.h"
#include "runner/proc/slot_dir.h"
#include "runner/proc/supervisor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PIPE_WANTED_BYTES (256 * 1024)
/* Reads of one wake-up: after them other sources get their turn. */
#define READS_PER_WAKE 8

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
	char *const *env = c->spec.env_clean ? NULL : s->c->setup->envp;

	/* TRACEPARENT first: by it an orphan is known again, however large the environment */
	trace_traceparent(s->c->trace, c->exec_span, parent);
	strv_take(&c->envp, xasprintf("TRACEPARENT=%s", parent));
	strv_take(&c->envp, xasprintf("SPEC_RUNNER_RUN_ID=%s", s->c->run_id));
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
	snprintf(c->notify_name, sizeof(c->notify_name), "@%s-%u", s->c->run_id, c->serial);
	n = snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "%s", c->notify_name + 1);
	if (setsockopt(c->notify_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0 ||
	    bind(c->notify_fd, (struct sockaddr *)&a,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) < 0)
		fd_close(&c->notify_fd);
	else
		supervisor_watch_fd(s, c->notify_fd, EPOLLIN, SRC_NOTIFY, c->slot, 0);
}

/* Both ends of one output stream. child: what the command gets. */
static int command_stream_make(struct supervisor *s, struct command *c, int which, int *child, struct err *e)
{
	struct context *x = s->c;
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
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "making a pipe");
	*child = ends[1];
	if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0) {
		err_sys(e, "preparing a pipe");
		close(ends[0]);
		return -1;
	}
	if (c->spec.capture) {
		stream_init_capture(&c->stream[which], which, ends[0], c->spec.capture_max_bytes);
	} else {
		fcntl(ends[0], F_SETPIPE_SZ, PIPE_WANTED_BYTES);
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
	} else if (!c->spec.capture && s->c->terminal.pty_for[0]) {
		*child = terminal_slave(s->c->terminal.master);
		if (*child < 0)
			return err_sys(e, "opening the pseudo-terminal");
	}
	return 0;
}

/* One pipe for both where our own two streams are one: their order is kept. */
static bool command_merges(const struct supervisor *s, const struct command *c)
{
	return !c->spec.capture && s->c->terminal.merge;
}

static int command_namespace_watch(struct supervisor *s, struct command *c, int *init_end, struct err *e)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "making a pipe");
	c->ns_fd = ends[0];
	*init_end = ends[1];
	if (supervisor_watch_fd(s, c->ns_fd, EPOLLIN, SRC_NAMESPACE, c->slot, 0) < 0)
		return err_sys(e, "watching the namespace");
	return 0;
}

static int command_spawn(struct supervisor *s, struct command *c, struct err *e)
{
	struct context *x = s->c;
	/* a case costs as little as can be, unless a stronger hold was asked for by name */
	bool light = c->spec.capture && x->o->contain != CONTAIN_CGROUP && x->contain != CONTAIN_PIDNS;
	auto_close int in = -1, out = -1, errfd = -1, ns = -1;
	struct spawn_request q = {
		.argv = c->spec.argv, .cwd = c->spec.cwd, .terminal = &x->terminal,
		.own_session = c->spec.capture || x->terminal.mode == TERMINAL_NONE,
		.cgroup_fd = light ? -1 : x->cgroup_fd, .share_memory = light, .pid_namespace = x->contain == CONTAIN_PIDNS,
		.signals = &x->signals, .exec_errno = &x->shared->exec_errno[c->slot],
		.ns_status = &x->shared->ns_status[c->slot],
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
	command_environment(s, c);
	q.envp = c->envp.v;
	q.stdin_fd = in;
	q.stdout_fd = out;
	q.stderr_fd = errfd;
	c->pid = spawn_command(&q, e);
	return c->pid < 0 ? -1 : 0;
}

static void command_watchdog_init(struct supervisor *s, struct command *c, int64_t now)
{
	const struct options *o = s->c->o;
	struct watchdog_config cfg = {
		.level = (enum liveness_level)o->liveness_level,
		.stall_ns = c->spec.stall_free ? TIME_NEVER : clock_ms_to_ns(o->liveness_stall_ms),
		.hard_cap_ns = clock_ms_to_ns(o->liveness_hard_cap_ms),
		.min_events = (uint32_t)(o->liveness_min_events > 0 ? o->liveness_min_events : 1),
		.limit_ns = c->spec.limit_ns,
		.limit_token = c->spec.limit_token,
		.deadline_ns = TIME_NEVER,
		.kill_grace_ns = clock_ms_to_ns(o->liveness_kill_grace_ms),
		.drain_ns = clock_ms_to_ns(o->drain_ms),
		.diagnose_ns = clock_ms_to_ns(o->diagnose_ms),
		.cancel_term_ns = 2500 * NS_PER_MS,
		.cancel_kill_ns = 2000 * NS_PER_MS,
		.unkillable_ns = 2000 * NS_PER_MS,
		.seal_reserve_ns = 1000 * NS_PER_MS,
	};

	if (o->deadline_real_ns) {
		int64_t left = o->deadline_real_ns - s->c->start_real_ns;

		cfg.deadline_ns = clock_add(s->c->start_mono_ns, left > 0 ? left : 0);
	}
	c->wd_ring = xcalloc(cfg.min_events, sizeof(*c->wd_ring));
	watchdog_init(&c->wd, &cfg, c->wd_ring, now);
}

static void command_arm_streams(struct supervisor *s, struct command *c)
{
	for (int i = 0; i < STREAM_COUNT; i++)
		if (c->stream[i].fd >= 0 && !c->stream[i].ended && !c->stream[i].armed &&
		    stream_owed(&c->stream[i]) < SHARED_READ_BYTES)
			c->stream[i].armed = supervisor_watch_fd(s, c->stream[i].fd, EPOLLIN, SRC_STREAM,
								 c->slot, i) == 0;
}

/* One folder a slot, taken over by the slot's next command as long as each left it empty. */
static int command_tmpdir_make(struct supervisor *s, struct command *c, struct err *e)
{
	c->tmpdir = ptr_steal(&s->spare_tmpdir[c->slot]);
	if (c->tmpdir)
		return 0;
	c->tmpdir = slot_dir_path(s->c, c->slot);
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

static void command_failed_to_start(struct supervisor *s, struct command *c, const struct err *e, int64_t now)
{
	struct command_result r = { .exit_code = 125, .status = STATUS_ERROR, .spawn_errno = e->sys };

	say_always(s->c, "%s", e->msg);
	trace_span_end(s->c->trace, c->exec_span, STATUS_ERROR, CATEGORY_SPAWN, e->msg, TOKEN_NONE, now, NULL);
	supervisor_command_done(s, c, &r, now);
}

int command_start(struct supervisor *s, struct command *c, const struct command_spec *spec, int64_t now)
{
	struct trace *t = s->c->trace;
	struct err e = { 0 };
	struct attrs a = { 0 };

	memset(c, 0, sizeof(*c));
	c->slot = (int)(c - s->command);
	c->used = true;
	c->serial = ++s->last_serial;
	c->spec = *spec;
	c->start_ns = now;
	c->notify_fd = c->ns_fd = -1;
	c->stream[0].fd = c->stream[1].fd = -1;
	progress_seen_init(&c->seen);
	tests_init(&c->tests, s->c, spec->argv, spec->capture);
	s->active++;
	attrs_init(&a, t);
	attrs_strv(&a, "argv", spec->argv);
	if (spec->name)
		attrs_str(&a, "name", spec->name);
	if (spec->cwd)
		attrs_str(&a, "cwd", spec->cwd);
	c->exec_span = trace_span_begin(t, spec->parent, SPAN_SUBPROCESS_EXEC, "exec", now, &a);
	if (spec->own_tmpdir && command_tmpdir_make(s, c, &e) < 0) {
		command_failed_to_start(s, c, &e, now);
		attrs_release(&a);
		return -1;
	}
	command_notify_open(s, c);
	if (!spec->capture)
		stop_commands_begin(s->c);
	if (command_spawn(s, c, &e) < 0) {
		attrs_release(&a);
		command_failed_to_start(s, c, &e, clock_mono_ns());
		return -1;
	}
	c->running = true;
	now = clock_mono_ns();
	attrs_init(&a, t);
	attrs_int(&a, "pid", c->pid);
	c->wait_span = trace_span_begin(t, c->exec_span, SPAN_SUBPROCESS_WAIT, "wait", now, &a);
	c->tests.parent = c->wait_span;
	attrs_init(&a, t);
	attrs_word(&a, "state", proc_state_text[PROC_SPAWNED]);
	attrs_int(&a, "pid", c->pid);
	trace_event(t, c->wait_span, EVENT_SUBPROCESS_STATE, now, &a);
	attrs_release(&a);
	atomic_store(&s->c->shared->any_spawned, 1);
	if (!spec->capture)
		atomic_store(&s->c->shared->command_pid, c->pid);
	command_watchdog_init(s, c, now);
	command_arm_streams(s, c);
	command_flush(s, c, STREAM_OUT, now); /* where something stands before the first byte */
	command_event(s, c, WD_EV_TIME, 0, now);
	return 0;
}

static void stream_disarm(struct supervisor *s, struct stream *st)
{
	if (st->armed && st->fd >= 0)
		epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, st->fd, NULL);
	st->armed = false;
}

static void command_stream_over(struct supervisor *s, struct command *c, int which)
{
	struct stream *st = &c->stream[which];

	stream_disarm(s, st);
	stream_close(st);
	/* the front's duplicate of a stream at its end harms nobody; while the command still writes it
	 * would keep the SIGPIPE away that it must get */
	if (st->ring && st->outlet->mode == OUTLET_GONE)
		msg_send(s->c->link, MSG_STREAM_CLOSE, which, NULL, 0, -1);
}

static void command_count_read(struct supervisor *s, struct command *c, int which, size_t bytes, int64_t now)
{
	struct trace_totals *tot = trace_totals(s->c->trace);
	struct attrs a = { 0 };

	if (which == STREAM_OUT)
		tot->stdout_bytes += bytes;
	else
		tot->stderr_bytes += bytes;
	if (trace_level(s->c->trace) < LEVEL_DEBUG)
		return;
	attrs_init(&a, s->c->trace);
	attrs_word(&a, "stream", which == STREAM_OUT ? "stdout" : "stderr");
	attrs_int(&a, "bytes", (int64_t)bytes);
	trace_event(s->c->trace, c->wait_span, EVENT_IO_READ, now, &a);
	attrs_release(&a);
}

static void command_tell_output(struct supervisor *s, struct command *c, int which, int64_t now)
{
	struct outlet *o = &s->c->outlet[which];
	struct attrs a = { 0 };

	if (s->outlet_told[which])
		return;
	s->outlet_told[which] = s->c->concerns = true;
	attrs_init(&a, s->c->trace);
	attrs_word(&a, "stream", which == STREAM_OUT ? "stdout" : "stderr");
	if (o->error) {
		attrs_word(&a, "error", strerror(o->error));
		trace_checkpoint(s->c->trace, c->wait_span, CP_OUTPUT_WRITE_ERROR, now, &a);
		say_always(s->c, "writing the command's %s: %s; what follows is dropped",
			   which == STREAM_OUT ? "stdout" : "stderr", strerror(o->error));
	} else {
		trace_checkpoint(s->c->trace, c->wait_span, CP_OUTPUT_CLOSED, now, &a);
	}
	attrs_release(&a);
}

void command_flush(struct supervisor *s, struct command *c, int which, int64_t now)
{
	struct stream *st = &c->stream[which];
	struct outlet *o = st->outlet;
	bool owed = false, held, was_held;
	int outlet_fd;
	ssize_t w;

	if (!st->ring)
		return;
	outlet_fd = o->fd;
	was_held = s->c->shared->stop.at < s->c->shared->stop.len;
	held = !stop_commands_flush(s->c);
	w = held ? 0 : stream_flush(st, &owed);
	owed |= held;
	if (w < 0 || o->error)
		command_tell_output(s, c, which, now);
	if (o->mode == OUTLET_GONE && s->outlet_armed[which]) {
		epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, outlet_fd, NULL);
		s->outlet_armed[which] = false;
	}
	if (w < 0) {
		command_stream_over(s, c, which);
		return;
	}
	/* what holds stderr goes to stdout: that outlet wakes us */
	if (owed && !s->outlet_armed[which] && !(held && which == STREAM_ERR))
		s->outlet_armed[which] =
			supervisor_watch_fd(s, o->fd, EPOLLOUT, SRC_OUTLET, c->slot, which) == 0;
	if (!owed && s->outlet_armed[which]) {
		epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, o->fd, NULL);
		s->outlet_armed[which] = false;
	}
	if (owed && stream_owed(st) >= SHARED_READ_BYTES)
		stream_disarm(s, st); /* the reader of our output is slow: so is the command */
	else if (!st->armed && st->fd >= 0 && !st->ended)
		st->armed = supervisor_watch_fd(s, st->fd, EPOLLIN, SRC_STREAM, c->slot, which) == 0;
	if (was_held && !held && which == STREAM_OUT)
		command_flush(s, c, STREAM_ERR, now);
}

void command_read(struct supervisor *s, struct command *c, int which, int64_t now)
{
	struct stream *st = &c->stream[which];
	bool progressed = false;

	for (int i = 0; i < READS_PER_WAKE && st->fd >= 0 && !st->ended; i++) {
		size_t bytes;
		bool counts;
		enum stream_state state = stream_read(st, &bytes, &counts);

		if (state == STREAM_MORE) {
			progressed |= counts;
			tests_output(&c->tests, st, now);
			if (st->ring)
				show_output(s, which, now);
			command_tests(s, c, false, now);
			command_count_read(s, c, which, bytes, now);
			command_flush(s, c, which, now);
			continue;
		}
		if (state == STREAM_END)
			command_stream_over(s, c, which);
		break;
	}
	if (progressed)
		supervisor_progress(s, c, which == STREAM_OUT ? "stdout" : "stderr", now);
}

void command_notified(struct supervisor *s, struct command *c, int64_t now)
{
	char buf[4096];
	ssize_t n;

	while ((n = recv(c->notify_fd, buf, sizeof(buf), MSG_DONTWAIT)) >= 0) {
		struct notify what;
		struct attrs a = { 0 };
		bool progress = notify_parse(&what, buf, (size_t)n);

		attrs_init(&a, s->c->trace);
		if (what.has_status)
			attrs_str(&a, "status", what.status);
		if (what.ready)
			attrs_bool(&a, "ready", true);
		if (what.stopping)
			attrs_bool(&a, "stopping", true);
		if (what.has_status || what.ready || what.stopping)
			trace_checkpoint(s->c->trace, c->wait_span, CP_NOTIFY_STATUS, now, &a);
		attrs_release(&a);
		if (progress)
			supervisor_progress(s, c, "notify", now);
	}
}

void command_tests(struct supervisor *s, struct command *c, bool over, int64_t now)
{
	const struct running_test *late;

	if (tests_read(&c->tests, c->stream, over, now))
		supervisor_progress(s, c, "test", now);
	late = tests_over_limit(&c->tests, now);
	if (late && !c->exited) {
		struct attrs a = { 0 };

		attrs_init(&a, s->c->trace);
		attrs_ms(&a, "elapsed_ms", now - late->start_ns);
		attrs_int(&a, "limit_ms", s->c->o->test_timeout_ms);
		attrs_str(&a, "test", late->name);
		c->tokens |= 1u << TOKEN_CASE_HARNESS;
		s->c->concerns = true;
		trace_watchdog(s->c->trace, late->span, TOKEN_CASE_HARNESS, now, &a);
		attrs_release(&a);
		say(s->c, "timeout.case.harness: %s has run for %.1f s", late->name,
		    (double)(now - late->start_ns) / 1e9);
		command_event(s, c, WD_EV_TEST_LIMIT, 0, now);
	}
}

bool command_ending(const struct command *c)
{
	return c->exited || c->wd.phase != WD_RUNNING;
}

/* What may stay running may also keep a pipe: that is read until nothing waits in it. What the reader of our own
 * output is owed is waited for in any case. */
static bool command_streams_at_end(const struct command *c)
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		int waiting = 0;

		if (stream_owed(&c->stream[i]))
			return false;
		if (c->stream[i].fd >= 0 &&
		    (!c->only_stayers || ioctl(c->stream[i].fd, FIONREAD, &waiting) < 0 || waiting > 0))
			return false;
	}
	return true;
}

/* Of a tree in which nothing is left but what may stay: is there such a process? */
static bool command_has_stayers(struct supervisor *s)
{
	if (!s->tree.leave_running.n)
		return false;
	tree_scan(&s->tree, true, &s->hooks); /* the last one may be older than the end of the command */
	return s->tree.alive > 0;
}

/* Is nothing of its tree left, but what may stay? */
static bool command_tree_empty(struct supervisor *s, struct command *c)
{
	siginfo_t si = { 0 };

	if (s->c->contain == CONTAIN_GROUP && c->pid > 0 && kill(-c->pid, 0) == 0)
		return false; /* orphans of the group are not ours: only the group tells of them */
	if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
		return true;
	if (s->active == 1 && s->tree.leave_running.n == 0 && !s->takeover)
		return false;
	if (s->active > 1 && tree_only_leaders(&s->tree, &s->hooks))
		return true;
	tree_scan(&s->tree, true, &s->hooks);
	if (tree_count(&s->tree, s->active > 1 ? c->serial : 0))
		return false;
	/* one that died during the walk may have left a child that the walk did not see: its SIGCHLD is
	 * to come, and with it another look */
	si.si_pid = 0;
	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || !si.si_pid;
}

void command_check(struct supervisor *s, struct command *c, int64_t now)
{
	command_arm_streams(s, c); /* again, where it had failed for want of memory */
	if (!c->streams_done && command_streams_at_end(c)) {
		c->streams_done = true;
		command_event(s, c, WD_EV_STREAMS_END, 0, now);
	}
	if (!c->used || !c->exited || c->empty_told || !command_tree_empty(s, c))
		return;
	c->empty_told = true;
	c->only_stayers = command_has_stayers(s);
	for (int i = 0; i < STREAM_COUNT && !c->streams_done; i++)
		command_read(s, c, i, now); /* all of it is there now: nobody is left to write */
	if (!c->streams_done && command_streams_at_end(c)) {
		c->streams_done = true;
		command_event(s, c, WD_EV_STREAMS_END, 0, now);
	}
	if (c->used)
		command_event(s, c, WD_EV_TREE_EMPTY, 0, now);
}

static void command_record_exit(struct supervisor *s, struct command *c, int64_t now)
{
	bool signaled = WIFSIGNALED(c->wait_status);
	struct attrs a = { 0 };

	attrs_init(&a, s->c->trace);
	attrs_word(&a, "state", proc_state_text[signaled ? PROC_SIGNALED : PROC_EXIT]);
	attrs_int(&a, "pid", c->pid);
	if (signaled)
		attrs_int(&a, "signal", WTERMSIG(c->wait_status));
	else
		attrs_int(&a, "returncode", WEXITSTATUS(c->wait_status));
	trace_event(s->c->trace, c->wait_span, EVENT_SUBPROCESS_STATE, now, &a);
	attrs_release(&a);
}

void command_reaped(struct supervisor *s, struct command *c, int wait_status, int64_t now)
{
	int ns = atomic_load(&s->c->shared->ns_status[c->slot]);

	c->running = false;
	if (c->exited)
		return; /* only the init of its namespace was left */
	c->exited = true;
	/* the init of a namespace reports what it saw of the command itself */
	c->wait_status = ns ? ns - 1 : wait_status;
	c->spawn_errno = atomic_load(&s->c->shared->exec_errno[c->slot]);
	command_record_exit(s, c, now);
	if (!c->spec.capture)
		terminal_give(&s->c->terminal, s->c->terminal.mode == TERMINAL_PTY ?
						       (int)getpid() : s->c->terminal.signal_own_group);
	for (int i = 0; i < STREAM_COUNT; i++)
		command_read(s, c, i, now);
	command_tests(s, c, false, now);
	command_event(s, c, WD_EV_EXIT, 0, now);
}

void command_namespace(struct supervisor *s, struct command *c, int64_t now)
{
	fd_close(&c->ns_fd);
	if (c->exited || !atomic_load(&s->c->shared->ns_status[c->slot]))
		return; /* the init itself died: it is reaped as the command */
	command_reaped(s, c, 0, now);
	c->running = true; /* its init, which lives on with what is left */
}

void command_adopt(struct supervisor *s, struct command *c, int stream_fd[STREAM_COUNT], int64_t now)
{
	static char *const nameless[] = { "command", NULL };

	memset(c, 0, sizeof(*c));
	c->used = true;
	c->serial = ++s->last_serial;
	c->spec.argv = nameless;
	tests_init(&c->tests, s->c, nameless, true); /* what it prints now changes nothing */
	c->pid = atomic_load(&s->c->shared->command_pid);
	c->start_ns = now;
	c->notify_fd = c->ns_fd = -1;
	c->running = true;
	c->wait_span = s->c->dispatch_span;
	s->active++;
	for (int i = 0; i < STREAM_COUNT; i++) {
		stream_init_pass(&c->stream[i], i, fd_steal(&stream_fd[i]), false, s->c->shared,
				 &s->c->outlet[i]);
		c->stream[i].ended = c->stream[i].fd < 0;
	}
	command_watchdog_init(s, c, now);
	command_arm_streams(s, c);
	if (c->pid <= 0 || kill(c->pid, 0) < 0) {
		/* it had ended and was reaped; others of its tree may be left */
		c->running = false;
		c->exited = true;
	}
	command_event(s, c, WD_EV_LOST, 0, now);
	for (int i = 0; i < STREAM_COUNT && c->used; i++)
		command_flush(s, c, i, now);
	if (c->used && c->exited)
		command_event(s, c, WD_EV_EXIT, 0, now);
}

void command_event(struct supervisor *s, struct command *c, enum wd_event ev, int arg, int64_t now)
{
	struct wd_out out;

	if (!c->used || c->wd.phase == WD_DONE)
		return;
	/* while our own reader is slow the command's output is still on its way: no pipe is held then */
	if ((s->outlet_armed[0] && stream_owed(&c->stream[0])) || (s->outlet_armed[1] && stream_owed(&c->stream[1])))
		watchdog_hold_drain(&c->wd, now);
	out = watchdog_step(&c->wd, ev, arg, now);
	c->wd_due_ns = out.next_due_ns;
	if (out.actions)
		act_carry_out(s, c, &out, now);
}

void command_release(struct supervisor *s, struct command *c)
{
	for (int i = 0; i < STREAM_COUNT; i++) {
		stream_disarm(s, &c->stream[i]);
		stream_release(&c->stream[i]);
	}
	for (int i = 0; i < STREAM_COUNT && !c->spec.capture; i++) {
		if (s->outlet_armed[i] && s->c->outlet[i].fd >= 0)
			epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, s->c->outlet[i].fd, NULL);
		s->outlet_armed[i] = false;
	}
	fd_close(&c->notify_fd);
	fd_close(&c->ns_fd);
	free(c->wd_ring);
	progress_seen_release(&c->seen);
	tests_release(&c->tests);
	strv_release(&c->envp);
	command_tmpdir_leave(s, c);
	c->wd_ring = NULL;
	c->used = false;
	s->active--;
}
