/* SPDX-License-Identifier: Apache-2.0 */
/* command.c - what happens to a command while it runs: output, tests, exits, the end of its tree (command.h). */
#include "base/clock.h"
#include "base/fd.h"
#include "liveness/notify.h"
#include "runner/proc/command.h"
#include "runner/proc/command_state.h"
#include "runner/proc/kernel.h"
#include "runner/proc/show.h"
#include "runner/proc/supervisor_state.h"
#include "runner/proc/test_tree.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Reads of one wake-up: after them other sources get their turn. */
#define READS_PER_WAKE 8
#define NOTIFIES_PER_WAKE 32
/* Until a test whose processes were killed must be over for its runner, too. */
#define TEST_GONE_NS (5 * NS_PER_S)

static void stream_disarm(struct supervisor *s, struct stream *st)
{
	if (st->armed && st->fd >= 0)
		loop_forget(&s->loop, st->fd);
	st->armed = false;
}

static void command_stream_over(struct supervisor *s, struct command *c, int which)
{
	struct stream *st = &c->stream[which];

	stream_disarm(s, st);
	stream_close(st);
	/* the front's duplicate of a stream at its end harms nobody; while the command still writes it
	 * would keep the SIGPIPE away that it must get */
	if (st->ring && !c->held && st->outlet->mode == OUTLET_GONE)
		msg_send(s->run->link, MSG_STREAM_CLOSE, which, NULL, 0, -1);
}

static void command_count_read(struct supervisor *s, struct command *c, int which, size_t bytes, int64_t now)
{
	struct trace_totals *tot = trace_totals(s->run->trace);
	struct attrs a = { 0 };

	if (which == STREAM_OUT)
		tot->stdout_bytes += bytes;
	else
		tot->stderr_bytes += bytes;
	if (trace_level(s->run->trace) < LEVEL_DEBUG)
		return;
	attrs_init(&a, s->run->trace);
	attrs_word(&a, "stream", which == STREAM_OUT ? "stdout" : "stderr");
	attrs_int(&a, "bytes", (int64_t)bytes);
	trace_event(s->run->trace, c->wait_span, EVENT_IO_READ, now, &a);
	attrs_release(&a);
}

static void command_tell_output(struct supervisor *s, struct command *c, int which, int64_t now)
{
	struct outlet *o = c->stream[which].outlet;
	struct attrs a = { 0 };

	if (s->outlet_told[which])
		return;
	s->outlet_told[which] = s->run->concerns = true;
	attrs_init(&a, s->run->trace);
	attrs_word(&a, "stream", which == STREAM_OUT ? "stdout" : "stderr");
	if (o->error) {
		attrs_word(&a, "error", strerror(o->error));
		trace_checkpoint(s->run->trace, c->wait_span, CP_OUTPUT_WRITE_ERROR, now, &a);
		say_always(s->run, "writing the command's %s: %s; what follows is dropped",
			   which == STREAM_OUT ? "stdout" : "stderr", strerror(o->error));
	} else {
		trace_checkpoint(s->run->trace, c->wait_span, CP_OUTPUT_CLOSED, now, &a);
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
	if (c->held) {
		stream_flush(st, &owed); /* to a file, which takes all or fails for good */
		if (o->error)
			command_tell_output(s, c, which, now);
		if (!st->armed && st->fd >= 0 && !st->ended)
			st->armed = loop_watch(&s->loop, st->fd, EPOLLIN, SRC_STREAM, c->slot, which) == 0;
		return;
	}
	was_held = s->run->shared->stop.at < s->run->shared->stop.len;
	held = !stop_commands_flush(&s->run->shared->stop, &s->run->outlet[STREAM_OUT]);
	w = held ? 0 : stream_flush(st, &owed);
	owed |= held;
	if (w < 0 || o->error)
		command_tell_output(s, c, which, now);
	if (o->mode == OUTLET_GONE && s->outlet_armed[which]) {
		loop_forget(&s->loop, outlet_fd);
		s->outlet_armed[which] = false;
	}
	if (w < 0) {
		command_stream_over(s, c, which);
		return;
	}
	/* what holds stderr goes to stdout: that outlet wakes us */
	if (owed && !s->outlet_armed[which] && !(held && which == STREAM_ERR))
		s->outlet_armed[which] =
			loop_watch(&s->loop, o->fd, EPOLLOUT, SRC_OUTLET, c->slot, which) == 0;
	if (!owed && s->outlet_armed[which]) {
		loop_forget(&s->loop, o->fd);
		s->outlet_armed[which] = false;
	}
	if (owed && stream_owed(st) >= SHARED_READ_BYTES)
		stream_disarm(s, st); /* the reader of our output is slow: so is the command */
	else if (!st->armed && st->fd >= 0 && !st->ended)
		st->armed = loop_watch(&s->loop, st->fd, EPOLLIN, SRC_STREAM, c->slot, which) == 0;
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
			if (st->ring && !c->held)
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

static void command_notify_refused(struct supervisor *s, struct command *c, pid_t pid, uid_t uid)
{
	if (c->notified.refused_said)
		return;
	c->notified.refused_said = true;
	say(s->run, "a message on $NOTIFY_SOCKET from outside of the tree (pid %d, user %u) is ignored", (int)pid,
	    (unsigned)uid);
}

static void command_notify_record(struct supervisor *s, struct command *c, const struct notify *what, int64_t now)
{
	struct notified *n = &c->notified;
	bool state = what->ready || what->stopping;
	bool status = what->has_status && notified_may_record(n, what->status, now);
	auto_attrs a = { 0 };

	if (!status && !(state && notified_may_record(n, what->ready ? "READY=1" : "STOPPING=1", now)))
		return;
	attrs_init(&a, s->run->trace);
	if (status)
		attrs_cut(&a, "status", what->status, sizeof(what->status) - 8);
	if (status && n->unrecorded)
		attrs_int(&a, "unrecorded", (int64_t)n->unrecorded); /* other texts before it */
	if (status)
		n->unrecorded = 0;
	if (what->ready)
		attrs_bool(&a, "ready", true);
	if (what->stopping)
		attrs_bool(&a, "stopping", true);
	trace_checkpoint(s->run->trace, c->wait_span, CP_NOTIFY_STATUS, now, &a);
}

void command_notified(struct supervisor *s, struct command *c, int64_t now)
{
	char buf[4096];
	bool progressed = false;

	/* bounded: a flood must not keep us from what else is due */
	for (int i = 0; i < NOTIFIES_PER_WAKE; i++) {
		struct notify what;
		pid_t pid;
		uid_t uid;
		ssize_t n = notified_receive(c->notify_fd, buf, sizeof(buf), &pid, &uid);

		if (n < 0)
			break;
		if (!notified_is_ours(&c->notified, getpid(), pid, uid, now)) {
			command_notify_refused(s, c, pid, uid);
			continue;
		}
		progressed |= notify_parse(&what, buf, (size_t)n);
		command_notify_record(s, c, &what, now);
	}
	if (progressed)
		supervisor_progress(s, c, "notify", now);
}

static void command_record_late_test(struct supervisor *s, struct command *c, const struct running_test *late,
				     int64_t now)
{
	auto_attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_ms(&a, "elapsed_ms", now - late->start_ns);
	attrs_int(&a, "limit_ms", late->limit_ns / NS_PER_MS);
	attrs_str(&a, "test", late->name);
	c->tokens |= 1u << TOKEN_CASE_HARNESS;
	s->run->concerns = true;
	trace_watchdog(s->run->trace, late->span ? late->span : c->wait_span, TOKEN_CASE_HARNESS, now, &a);
	say(s->run, "timeout.case.harness: %s has run for %.1f s", late->name, (double)(now - late->start_ns) / 1e9);
}

/* Those that began with it and are as late: the same processes are theirs. */
static void command_end_as_late(struct supervisor *s, struct command *c, const struct running_test *r, int64_t next_ns)
{
	for (size_t i = 0; i < c->tests.n_running; i++) {
		struct running_test *other = &c->tests.running[i];

		if (other == r || other->container || !test_is_as_late(r, other))
			continue;
		command_record_late_test(s, c, other, next_ns - clock_ms_to_ns(s->run->o->liveness_kill_grace_ms));
		memcpy(other->root, r->root, sizeof(other->root));
		other->n_root = r->n_root;
		other->next_ns = next_ns;
		other->kill_stage = TEST_TERM_SENT;
	}
}

/* --test-timeout-action test. True: its processes are being ended, and the suite goes on. */
static bool command_end_test(struct supervisor *s, struct command *c, struct running_test *r, int64_t now)
{
	int64_t grace = clock_ms_to_ns(s->run->o->liveness_kill_grace_ms);

	if (r->kill_stage == TEST_KILL_SENT) {
		say(s->run, "%s goes on after its processes were killed: ending the command", r->name);
		return false;
	}
	if (r->kill_stage == TEST_UNTOUCHED) {
		r->n_root = test_tree_find(s, c, r, r->root, TEST_ROOTS_MAX);
		if (!r->n_root) {
			say(s->run, "no process belongs to %s alone: ending the command", r->name);
			return false;
		}
		say(s->run, "ending %s alone (pid %d); the others go on", r->name, (int)r->root[0]);
		command_end_as_late(s, c, r, clock_add(now, grace));
	} else {
		pid_t left[TEST_ROOTS_MAX]; /* orphans of those that obeyed, too */
		size_t n = test_tree_find(s, c, r, left, TEST_ROOTS_MAX);

		if (n) {
			memcpy(r->root, left, sizeof(left));
			r->n_root = n;
		}
	}
	r->kill_stage++;
	test_tree_signal(s, r->root, r->n_root,
			 r->kill_stage == TEST_KILL_SENT || !grace ? SIGKILL : s->run->o->first_signal);
	r->next_ns = clock_add(now, r->kill_stage == TEST_KILL_SENT ? TEST_GONE_NS : grace);
	return true;
}

void command_tests(struct supervisor *s, struct command *c, bool over, int64_t now)
{
	struct running_test *late;

	if (tests_read(&c->tests, c->stream, over, now))
		supervisor_progress(s, c, "test", now);
	late = tests_over_limit(&c->tests, now);
	if (!late || command_has_exited(c))
		return;
	if (late->kill_stage == TEST_UNTOUCHED)
		command_record_late_test(s, c, late, now);
	if (s->run->o->test_timeout_action == TEST_TIMEOUT_TEST && command_end_test(s, c, late, now))
		return;
	tests_limit_done(&c->tests);
	command_event(s, c, WD_EV_TEST_LIMIT, 0, now);
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
		    (!c->only_stayers || kernel_bytes_waiting(c->stream[i].fd, &waiting) < 0 || waiting > 0))
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

	if (s->run->contain == CONTAIN_GROUP && c->pid > 0 && kernel_kill(-c->pid, 0) == 0)
		return false; /* orphans of the group are not ours: only the group tells of them */
	if (kernel_wait(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
		return true;
	if (s->active == 1 && s->tree.leave_running.n == 0 && !s->takeover)
		return false;
	if (!tree_can_list(&s->tree))
		return s->active > 1; /* of several commands nobody can tell whose child is left: the last sweep ends it */
	if (s->active > 1 && tree_only_leaders(&s->tree, &s->hooks))
		return true;
	tree_scan(&s->tree, true, &s->hooks);
	if (tree_count(&s->tree, s->active > 1 ? c->serial : 0))
		return false;
	/* one that died during the walk may have left a child that the walk did not see: its SIGCHLD is
	 * to come, and with it another look */
	si.si_pid = 0;
	return kernel_wait(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 || !si.si_pid;
}

static void command_check_streams(struct supervisor *s, struct command *c, int64_t now)
{
	if (c->streams_done || !command_streams_at_end(c))
		return;
	c->streams_done = true;
	command_event(s, c, WD_EV_STREAMS_END, 0, now);
}

void command_check(struct supervisor *s, struct command *c, int64_t now)
{
	if (c->phase == COMMAND_FAILED)
		return;
	command_arm_streams(s, c); /* again, where it had failed for want of memory */
	command_check_streams(s, c, now);
	if (c->wd.phase == WD_DONE || !command_has_exited(c) || c->empty_told || !command_tree_empty(s, c))
		return;
	c->empty_told = true;
	c->only_stayers = command_has_stayers(s);
	for (int i = 0; i < STREAM_COUNT && !c->streams_done; i++)
		command_read(s, c, i, now); /* all of it is there now: nobody is left to write */
	command_check_streams(s, c, now);
	command_event(s, c, WD_EV_TREE_EMPTY, 0, now);
}

static void command_record_exit(struct supervisor *s, struct command *c, int64_t now)
{
	bool signaled = WIFSIGNALED(c->wait_status);
	struct attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_word(&a, "state", proc_state_text[signaled ? PROC_SIGNALED : PROC_EXIT]);
	attrs_int(&a, "pid", c->pid);
	if (signaled)
		attrs_int(&a, "signal", WTERMSIG(c->wait_status));
	if (signaled && WCOREDUMP(c->wait_status))
		attrs_bool(&a, "core_dumped", true);
	if (!signaled)
		attrs_int(&a, "returncode", WEXITSTATUS(c->wait_status));
	trace_event(s->run->trace, c->wait_span, EVENT_SUBPROCESS_STATE, now, &a);
	attrs_release(&a);
}

void command_reaped(struct supervisor *s, struct command *c, int wait_status, int64_t now)
{
	int ns = atomic_load(&s->run->shared->ns_status[c->slot]);

	if (c->phase != COMMAND_RUNNING) {
		c->phase = COMMAND_EXITED; /* only the init of its namespace was left */
		return;
	}
	c->phase = COMMAND_EXITED;
	/* the init of a namespace reports what it saw of the command itself */
	c->wait_status = ns ? ns - 1 : wait_status;
	c->spawn_errno = atomic_load(&s->run->shared->exec_errno[c->slot]);
	command_record_exit(s, c, now);
	if (!c->spec.capture)
		terminal_give(&s->run->terminal, s->run->terminal.mode == TERMINAL_PTY ?
						       (int)getpid() : s->run->terminal.signal_own_group);
	for (int i = 0; i < STREAM_COUNT; i++)
		command_read(s, c, i, now);
	command_tests(s, c, false, now);
	command_event(s, c, WD_EV_EXIT, 0, now);
}

void command_namespace(struct supervisor *s, struct command *c, int64_t now)
{
	if (c->ns_fd >= 0)
		loop_forget(&s->loop, c->ns_fd);
	fd_close(&c->ns_fd);
	if (c->phase != COMMAND_RUNNING || !atomic_load(&s->run->shared->ns_status[c->slot]))
		return; /* the init itself died: it is reaped as the command */
	command_reaped(s, c, 0, now);
	c->phase = COMMAND_EXITED_NS;
}

/* --- job control --- */

static bool stop_is_job_control(int sig)
{
	return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void command_state_event(struct supervisor *s, struct command *c, enum proc_state state, int sig, int64_t now)
{
	auto_attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_word(&a, "state", proc_state_text[state]);
	attrs_int(&a, "pid", c->pid);
	if (sig)
		attrs_int(&a, "signal", sig);
	trace_event(s->run->trace, c->wait_span, EVENT_SUBPROCESS_STATE, now, &a);
}

/* Ctrl-Z: as a shell would. The front stops with the command, so that the user's shell has the
 * terminal; its SIGCONT comes back to us as MSG_RESUME. */
void command_stopped(struct supervisor *s, struct command *c, int sig, int64_t now)
{
	struct terminal *t = &s->run->terminal;

	command_state_event(s, c, PROC_STOPPED, sig, now);
	if (t->mode == TERMINAL_NONE || c->spec.capture || !stop_is_job_control(sig) || s->run->link < 0)
		return;
	show_pause(s);
	if (t->mode == TERMINAL_SHARED)
		terminal_give(t, t->signal_own_group);
	if (msg_send(s->run->link, MSG_SUSPEND, sig, NULL, 0, -1) < 0) {
		/* nobody would ever continue it: it goes on */
		if (t->mode == TERMINAL_SHARED)
			terminal_give(t, c->pid);
		kernel_kill(-c->pid, SIGCONT);
		return;
	}
	c->suspended = true;
	command_event(s, c, WD_EV_SUSPEND, 0, now);
	runner_watch_suspend(&s->watch, now);
}

void command_continued(struct supervisor *s, struct command *c, int64_t now)
{
	command_state_event(s, c, PROC_CONTINUED, 0, now);
}

void command_resume(struct supervisor *s, struct command *c, int64_t now)
{
	struct terminal *t = &s->run->terminal;

	if (!c->suspended)
		return;
	c->suspended = false;
	if (t->mode == TERMINAL_SHARED) {
		t->foreground = tcgetpgrp(t->tty_fd) == t->signal_own_group;
		terminal_give(t, c->pid);
	}
	kernel_kill(-c->pid, SIGCONT);
	runner_watch_resume(&s->watch, now);
	command_event(s, c, WD_EV_RESUME, 0, now);
}

/* --- its watchdog --- */

/* While our own reader is slow the command's output is still on its way: no pipe is held then. */
static bool command_output_is_owed(const struct supervisor *s, const struct command *c)
{
	for (int i = 0; i < STREAM_COUNT; i++)
		if (s->outlet_armed[i] && stream_owed(&c->stream[i]))
			return true;
	return false;
}

void command_event(struct supervisor *s, struct command *c, enum wd_event ev, int arg, int64_t now)
{
	struct wd_out out;

	if (c->phase == COMMAND_FAILED || c->wd.phase == WD_DONE)
		return;
	if (command_output_is_owed(s, c))
		watchdog_hold_drain(&c->wd, now);
	out = watchdog_step(&c->wd, ev, arg, now);
	c->wd_due_ns = out.next_due_ns;
	wd_out_add(&c->pending, &out);
}

void command_looked(struct supervisor *s, struct command *c, int id, int64_t now)
{
	if (c->diagnose_id != id)
		return;
	c->diagnose_id = 0;
	command_event(s, c, WD_EV_DIAGNOSED, 0, now);
}

struct use *command_use(struct command *c)
{
	return &c->use;
}

/* Is it what is due now? Then what the last tick saw is too old. */
static bool command_may_stall(const struct supervisor *s, const struct command *c, int64_t now)
{
	return s->run->o->liveness_level == LIVENESS_STRICT && c->wd.phase == WD_RUNNING &&
	       watchdog_idle(&c->wd, now) >= c->wd.cfg.stall_ns;
}

void command_busy(struct supervisor *s, struct command *c, int64_t now)
{
	struct window_facts f;

	if (s->run->o->liveness_level != LIVENESS_STRICT || c->phase != COMMAND_RUNNING || c->wd.cfg.stall_ns == TIME_NEVER)
		return;
	use_window(&c->use, c->wd.cfg.stall_ns, false, now, &f);
	command_event(s, c, WD_EV_BUSY, liveness_is_busy(&f), now);
}

void command_time(struct supervisor *s, struct command *c, int64_t now)
{
	if (now >= tests_due(&c->tests))
		command_tests(s, c, false, now);
	if (now < c->wd_due_ns)
		return;
	if (command_may_stall(s, c, now)) {
		tree_scan(&s->tree, true, &s->hooks);
		command_busy(s, c, now);
	}
	command_event(s, c, WD_EV_TIME, 0, now);
}

int64_t command_due(const struct command *c)
{
	int64_t due = tests_due(&c->tests);

	return c->wd_due_ns < due ? c->wd_due_ns : due;
}

int64_t command_must(const struct command *c)
{
	return c->wd_due_ns;
}

void command_pulse(const struct command *c, struct shared_pulse *p)
{
	atomic_store(&p->start_ns, c->wd.start_ns);
	atomic_store(&p->limit_ns, c->wd.cfg.limit_ns);
	atomic_store(&p->limit_token, (int)c->wd.cfg.limit_token);
	atomic_store(&p->cause, (int)c->wd.cause);
	atomic_store(&p->token, (int)c->wd.token);
}

/* --- what ticks ask and tell --- */

void command_line_seen(struct command *c, const char *cmdline, size_t n, bool is_own_start)
{
	if (progress_seen_add(&c->seen, cmdline, n) && !is_own_start)
		c->process_progress = true;
}

bool command_has_new_process(struct command *c)
{
	bool has = c->process_progress;

	c->process_progress = false;
	return has;
}

static void command_io_total(struct supervisor *s, struct command *c, int which, int64_t now)
{
	struct stream *st = &c->stream[which];
	const char *name = which == STREAM_OUT ? "stdout" : "stderr";
	uint64_t total = stream_total(st);
	auto_attrs a = { 0 };

	if (total == c->io_reported[which])
		return;
	attrs_init(&a, s->run->trace);
	attrs_word(&a, "stream", name);
	attrs_int(&a, "bytes", (int64_t)(total - c->io_reported[which]));
	attrs_int(&a, "total_bytes", (int64_t)total);
	attrs_int(&a, "reads", (int64_t)st->reads);
	trace_event(s->run->trace, c->wait_span, EVENT_IO_READ, now, &a);
	c->io_reported[which] = total;
	if (!st->ring)
		return;
	attrs_init(&a, s->run->trace);
	attrs_word(&a, "stream", name);
	attrs_int(&a, "total_bytes", (int64_t)(total - stream_owed(st)));
	trace_event(s->run->trace, c->wait_span, EVENT_IO_WRITE, now, &a);
}

void command_io_totals(struct supervisor *s, struct command *c, int64_t now)
{
	for (int i = 0; i < STREAM_COUNT && trace_level(s->run->trace) == LEVEL_DETAILED; i++)
		command_io_total(s, c, i, now);
}

/* --- for the others --- */

int command_slot(const struct command *c) { return c->slot; }
uint32_t command_serial(const struct command *c) { return c->serial; }
pid_t command_pid(const struct command *c) { return c->pid; }
bool command_is_user(const struct command *c, const void *user) { return c->spec.user == user; }
span_id command_span(const struct command *c) { return c->wait_span; }

void *command_user(const struct command *c) { return c->spec.user; }
bool command_passes_through(const struct command *c) { return !c->spec.capture; }
bool command_is_being_ended(const struct command *c) { return c->wd.cause != WD_CAUSE_NONE; }

bool command_is_running(const struct command *c)
{
	return c->phase == COMMAND_RUNNING || c->phase == COMMAND_EXITED_NS;
}

bool command_is_healthy(const struct command *c)
{
	return c->phase != COMMAND_FAILED && c->wd.phase == WD_RUNNING;
}

bool command_has_traceparent(const struct supervisor *s, const struct command *c, const char *env, size_t n)
{
	char want[TRACEPARENT_SIZE + 16] = "TRACEPARENT=";

	trace_traceparent(s->run->trace, c->exec_span, want + strlen(want));
	return memmem(env, n, want, strlen(want)) != NULL;
}
