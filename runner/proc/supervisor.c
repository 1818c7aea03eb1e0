/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: gather, then act. Nothing here polls, sleeps or blocks but epoll_wait. */
#include "runner/proc/supervisor.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "runner/proc/machine.h"
#include "runner/proc/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_NS (1000 * NS_PER_MS)
#define BEAT_PROCESSES 8 /* named in one heartbeat */
#define TICK_MIN_NS (20 * NS_PER_MS)
/* A run at level off that lasts so long gets a journal on disk. */
#define PUBLISH_NS (300 * NS_PER_MS)
#define REAP_ROUND_NS (10 * NS_PER_MS)
/* When the run is over, strangers left in the tree get this long after KILL. */
#define LAST_SWEEP_NS (2 * NS_PER_S)
#define LAST_SWEEP_CANCELLED_NS (200 * NS_PER_MS)

int supervisor_watch_fd(struct supervisor *s, int fd, uint32_t events, enum source src, int slot, int which)
{
	struct epoll_event ev = { .events = events };

	ev.data.u64 = (uint64_t)src << 32 | (uint64_t)(unsigned)slot << 8 | (unsigned)which;
	return epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

struct command *supervisor_command_of(struct supervisor *s, uint32_t serial)
{
	for (int i = 0; serial && i < s->slots; i++)
		if (s->command[i].used && s->command[i].serial == serial)
			return &s->command[i];
	return NULL;
}

/* --- what the tree tells --- */

static uint32_t hook_leader(void *ctx, pid_t pid)
{
	struct supervisor *s = ctx;

	for (int i = 0; i < s->slots; i++)
		if (s->command[i].used && s->command[i].running && s->command[i].pid == pid)
			return s->command[i].serial;
	return OWNER_UNKNOWN;
}

/* Each command has a TRACEPARENT of its own, which its descendants inherit. */
static uint32_t hook_orphan(void *ctx, pid_t pid)
{
	struct supervisor *s = ctx;
	char path[48], env[32768], want[TRACEPARENT_SIZE + 16];
	struct command *only = NULL;
	ssize_t n;

	for (int i = 0; i < s->slots && s->active == 1; i++)
		if (s->command[i].used)
			only = &s->command[i];
	if (only)
		return only->serial;
	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	n = fd_read_file(AT_FDCWD, path, env, sizeof(env));
	for (int i = 0; n > 0 && i < s->slots; i++) {
		if (!s->command[i].used)
			continue;
		memcpy(want, "TRACEPARENT=", 12);
		trace_traceparent(s->c->trace, s->command[i].exec_span, want + 12);
		if (memmem(env, (size_t)n, want, strlen(want)))
			return s->command[i].serial;
	}
	return OWNER_UNKNOWN;
}

static void hook_command_line(void *ctx, struct member *m, const char *cmdline, size_t n)
{
	struct supervisor *s = ctx;
	struct command *c = supervisor_command_of(s, m->owner);
	int64_t age_ns = clock_boot_ns() - m->st.start_ns;

	if (!c || !progress_seen_add(&c->seen, cmdline, n))
		return;
	/* the command's own first line is its start, not progress */
	if (m->pid == c->pid && age_ns < 2 * TICK_NS)
		return;
	c->process_progress = true;
}

static void hook_adopted(void *ctx, struct member *m)
{
	struct supervisor *s = ctx;
	struct command *c = supervisor_command_of(s, m->owner);
	struct attrs a = { 0 };

	attrs_init(&a, s->c->trace);
	attrs_word(&a, "state", proc_state_text[PROC_ADOPTED]);
	attrs_int(&a, "pid", m->pid);
	attrs_str(&a, "comm", m->st.comm);
	trace_event(s->c->trace, c ? c->wait_span : s->c->dispatch_span, EVENT_SUBPROCESS_STATE,
		    clock_mono_ns(), &a);
	attrs_release(&a);
}

void supervisor_progress(struct supervisor *s, struct command *c, const char *what, int64_t now)
{
	struct trace_totals *tot = trace_totals(s->c->trace);

	if (c && c->wd.cause != WD_CAUSE_NONE)
		return; /* what it does while it is being ended is no progress */
	tot->last_progress_ns = now - s->c->start_mono_ns;
	snprintf(tot->last_progress, sizeof(tot->last_progress), "%s", what);
	runner_watch_progress(&s->watch, now);
	if (s->watch_due_ns == TIME_NEVER)
		runner_watch_step(&s->watch, now, &s->watch_due_ns); /* re-armed: when is it due again? */
	if (c)
		command_event(s, c, WD_EV_PROGRESS, 0, now);
}

/* --- ticks: new command lines, totals of input and output, heartbeats --- */

static void tick_remember(struct supervisor *s, int64_t now)
{
	struct tick_sample *t = &s->sample[s->sample_count++ % TICK_SAMPLES];
	struct proc_pressure p;

	t->at_ns = now;
	t->cpu_ns = s->tree.totals.cpu_ns;
	t->delay_ns = s->tree.totals.delay_ns;
	t->pressure_ns = proc_pressure_read(PROC_PRESSURE_CPU, &p) == 0 ? p.some_total_ns : -1;
}

static void tick_io_totals(struct supervisor *s, struct command *c, int64_t now)
{
	if (trace_level(s->c->trace) != LEVEL_DETAILED)
		return;
	for (int i = 0; i < STREAM_COUNT; i++) {
		uint64_t total = stream_total(&c->stream[i]);
		struct attrs a = { 0 };

		if (total == c->io_reported[i])
			continue;
		attrs_init(&a, s->c->trace);
		attrs_word(&a, "stream", i == STREAM_OUT ? "stdout" : "stderr");
		attrs_int(&a, "bytes", (int64_t)(total - c->io_reported[i]));
		attrs_int(&a, "total_bytes", (int64_t)total);
		attrs_int(&a, "reads", (int64_t)c->stream[i].reads);
		trace_event(s->c->trace, c->wait_span, EVENT_IO_READ, now, &a);
		if (c->stream[i].ring) {
			attrs_init(&a, s->c->trace);
			attrs_word(&a, "stream", i == STREAM_OUT ? "stdout" : "stderr");
			attrs_int(&a, "total_bytes", (int64_t)(total - stream_owed(&c->stream[i])));
			trace_event(s->c->trace, c->wait_span, EVENT_IO_WRITE, now, &a);
		}
		attrs_release(&a);
		c->io_reported[i] = total;
	}
}

/* Figures of each process: those that used most since the last heartbeat, so that a long run with many
 * stays small. */
static void tick_per_process(struct supervisor *s, struct attrs *a)
{
	struct member *top[BEAT_PROCESSES];
	size_t n = 0;
	auto_str list = STR_INIT;

	for (size_t i = 0; i < s->tree.n; i++) {
		struct member *m = &s->tree.m[i];
		int64_t used = proc_stat_cpu_ns(&m->st) - m->beat_cpu_ns;
		size_t at = n < BEAT_PROCESSES ? n : BEAT_PROCESSES;

		if (m->st.state == 'Z')
			continue;
		while (at && used > proc_stat_cpu_ns(&top[at - 1]->st) - top[at - 1]->beat_cpu_ns)
			at--;
		if (at == BEAT_PROCESSES)
			continue;
		n += n < BEAT_PROCESSES;
		memmove(&top[at + 1], &top[at], (n - at - 1) * sizeof(*top));
		top[at] = m;
	}
	str_addc(&list, '[');
	for (size_t i = 0; i < n; i++) {
		struct attrs one = { 0 };
		char state[2] = { top[i]->st.state, 0 };

		attrs_init(&one, s->c->trace);
		attrs_int(&one, "pid", top[i]->pid);
		attrs_str(&one, "comm", top[i]->st.comm);
		attrs_word(&one, "state", state);
		attrs_ms(&one, "cpu_ms", proc_stat_cpu_ns(&top[i]->st));
		attrs_int(&one, "rss_bytes", top[i]->st.rss_bytes);
		str_addf(&list, "%s{%s}", i ? "," : "", str_cstr(&one.json));
		attrs_release(&one);
	}
	str_addc(&list, ']');
	attrs_raw(a, "top", str_cstr(&list));
	for (size_t i = 0; i < s->tree.n; i++)
		s->tree.m[i].beat_cpu_ns = proc_stat_cpu_ns(&s->tree.m[i].st);
}

static void tick_heartbeat(struct supervisor *s, int64_t now)
{
	span_id span = s->c->dispatch_span;
	struct attrs a = { 0 };

	for (int i = 0; i < s->slots && s->active == 1; i++)
		if (s->command[i].used && s->command[i].wait_span)
			span = s->command[i].wait_span;
	attrs_init(&a, s->c->trace);
	attrs_ms(&a, "idle_ms", now - s->watch.last_ns);
	attrs_int(&a, "running", s->active);
	attrs_int(&a, "processes", (int64_t)s->tree.alive);
	attrs_ms(&a, "cpu_ms", s->tree.totals.cpu_ns);
	attrs_int(&a, "rss_bytes", s->tree.rss_bytes);
	tick_per_process(s, &a);
	trace_event(s->c->trace, span, EVENT_HEARTBEAT, now, &a);
	attrs_release(&a);
}

static void supervisor_tick(struct supervisor *s, int64_t now)
{
	bool beat = now >= s->beat_due_ns;
	int64_t began = clock_mono_ns(), every = s->tick_every_ns;

	if (s->oom_kills < 0)
		s->oom_kills = machine_oom_kills();
	tree_scan(&s->tree, true, &s->hooks);
	/* a large tree on a busy machine: looking may take a fiftieth of the time, no more */
	if ((clock_mono_ns() - began) * 50 > every)
		every = (clock_mono_ns() - began) * 50;
	tick_remember(s, now);
	for (int i = 0; i < s->slots; i++) {
		struct command *c = &s->command[i];

		if (!c->used)
			continue;
		if (c->process_progress) {
			c->process_progress = false;
			supervisor_progress(s, c, "process", now);
		}
		if (c->used)
			tick_io_totals(s, c, now);
	}
	if (beat) {
		tick_heartbeat(s, now);
		s->beat_due_ns = now + clock_ms_to_ns(s->c->o->profile_heartbeat_ms);
		if (s->beat_due_ns < now + every && every > s->tick_every_ns)
			s->beat_due_ns = now + every;
	}
	if (s->tick_due_ns == TIME_NEVER)
		return;
	/* one walk serves both where they are due together */
	s->tick_due_ns = now + every;
	if (s->beat_due_ns > s->tick_due_ns && s->beat_due_ns - s->tick_due_ns < every / 4)
		s->tick_due_ns = s->beat_due_ns;
}

/* --- signals and children --- */

static bool supervisor_stop_is_job_control(int sig)
{
	return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void supervisor_state_event(struct supervisor *s, struct command *c, enum proc_state state, int sig,
				   int64_t now)
{
	struct attrs a = { 0 };

	attrs_init(&a, s->c->trace);
	attrs_word(&a, "state", proc_state_text[state]);
	attrs_int(&a, "pid", c->pid);
	if (sig)
		attrs_int(&a, "signal", sig);
	trace_event(s->c->trace, c->wait_span, EVENT_SUBPROCESS_STATE, now, &a);
	attrs_release(&a);
}

/* Ctrl-Z: as a shell would. The front stops with the command, so that the user's shell has the
 * terminal; its SIGCONT comes back to us as MSG_RESUME. */
static void supervisor_stopped(struct supervisor *s, struct command *c, int sig, int64_t now)
{
	struct terminal *t = &s->c->terminal;

	supervisor_state_event(s, c, PROC_STOPPED, sig, now);
	if (t->mode == TERMINAL_NONE || c->spec.capture || !supervisor_stop_is_job_control(sig) ||
	    s->c->link < 0)
		return;
	c->suspended = true;
	command_event(s, c, WD_EV_SUSPEND, 0, now);
	runner_watch_suspend(&s->watch, now);
	show_pause(s);
	if (t->mode == TERMINAL_SHARED)
		terminal_give(t, t->signal_own_group);
	msg_send(s->c->link, MSG_SUSPEND, sig, NULL, 0, -1);
}

static void supervisor_resume(struct supervisor *s, int64_t now)
{
	struct terminal *t = &s->c->terminal;

	for (int i = 0; i < s->slots; i++) {
		struct command *c = &s->command[i];

		if (!c->used || !c->suspended)
			continue;
		c->suspended = false;
		if (t->mode == TERMINAL_SHARED) {
			t->foreground = tcgetpgrp(t->tty_fd) == t->signal_own_group;
			terminal_give(t, c->pid);
		}
		killpg(c->pid, SIGCONT);
		runner_watch_resume(&s->watch, now);
		command_event(s, c, WD_EV_RESUME, 0, now);
	}
}

/* A change of state of one child that waitid reported. */
static void supervisor_child(struct supervisor *s, const siginfo_t *si, int64_t now)
{
	struct command *c = supervisor_command_of(s, hook_leader(s, si->si_pid));

	if (!c || !c->running)
		return;
	switch (si->si_code) {
	case CLD_STOPPED: supervisor_stopped(s, c, si->si_status, now); break;
	case CLD_CONTINUED: supervisor_state_event(s, c, PROC_CONTINUED, 0, now); break;
	case CLD_TRAPPED: break;
	case CLD_EXITED: command_reaped(s, c, (si->si_status & 0xff) << 8, now); break;
	default: command_reaped(s, c, si->si_status & 0x7f, now); break;
	}
}

/* "Exit status: WNOWAIT, journal, then reap": a command is looked at first, so that what is recorded
 * of it is lost with us no more. Then whoever else is dead. A tree that forks on and on must not
 * keep us here: the rest is reaped on the next round. */
void supervisor_reap(struct supervisor *s, int64_t now)
{
	for (int i = 0; i < s->slots; i++) {
		struct command *c = &s->command[i];
		siginfo_t si = { 0 };

		if (c->used && c->running &&
		    waitid(P_PID, (id_t)c->pid, &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid)
			supervisor_child(s, &si, now);
	}
	s->reap_again = true;
	for (int i = 1; i % 64 || clock_mono_ns() - now < REAP_ROUND_NS; i++) {
		siginfo_t si = { 0 };

		if (waitid(P_ALL, 0, &si, WEXITED | WSTOPPED | WCONTINUED | WNOHANG) < 0 && errno == EINTR)
			continue;
		if (!si.si_pid) {
			s->reap_again = false;
			return;
		}
		supervisor_child(s, &si, now);
		if (si.si_code != CLD_STOPPED && si.si_code != CLD_CONTINUED && si.si_code != CLD_TRAPPED)
			tree_gone(&s->tree, si.si_pid);
	}
}

static void supervisor_check_all(struct supervisor *s, int64_t now)
{
	for (int i = 0; i < s->slots; i++)
		if (s->command[i].used)
			command_check(s, &s->command[i], now);
}

static void supervisor_event_all(struct supervisor *s, enum wd_event ev, int arg, int64_t now)
{
	for (int i = 0; i < s->slots; i++)
		if (s->command[i].used)
			command_event(s, &s->command[i], ev, arg, now);
}

static void supervisor_cancel(struct supervisor *s, int sig, int64_t now)
{
	struct attrs a = { 0 };

	if (!s->cancel_signal) {
		s->cancel_signal = sig;
		attrs_init(&a, s->c->trace);
		attrs_int(&a, "signal", sig);
		trace_checkpoint(s->c->trace, s->c->dispatch_span, CP_RUN_CANCELLED, now, &a);
		attrs_release(&a);
		say(s->c, "signal %d (%s): handing it to the command", sig, sigabbrev_np(sig));
	}
	s->ending = s->interrupted = true;
	s->c->concerns = s->c->cancelled = true;
	supervisor_event_all(s, WD_EV_CANCEL, sig, now);
}

static void supervisor_front_lost(struct supervisor *s, int64_t now)
{
	struct attrs a = { 0 };

	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, s->c->link, NULL);
	fd_close(&s->c->link);
	s->front_lost = s->ending = s->interrupted = true;
	attrs_init(&a, s->c->trace);
	attrs_word(&a, "which", "front");
	trace_checkpoint(s->c->trace, s->c->dispatch_span, CP_RUN_SUPERVISOR_LOST, now, &a);
	attrs_release(&a);
	show_close(s);
	terminal_restore(&s->c->terminal);
	supervisor_event_all(s, WD_EV_LOST, 0, now);
}

static void supervisor_emit(struct supervisor *s, const struct msg *m, int64_t now)
{
	const char *name = m->text, *json = memchr(m->text, '\0', m->len);
	int checkpoint = json ? contract_find(name, checkpoint_text, CP_COUNT) : -1;
	struct attrs a = { 0 };

	if (checkpoint < 0)
		return;
	attrs_init(&a, s->c->trace);
	str_addn(&a.json, json + 1, m->len - (size_t)(json + 1 - name));
	trace_checkpoint(s->c->trace, s->c->dispatch_span, (enum checkpoint)checkpoint, now, &a);
	attrs_release(&a);
}

static void supervisor_messages(struct supervisor *s, int64_t now)
{
	struct msg m;
	int fd, got;

	while (s->c->link >= 0 && (got = msg_recv(s->c->link, &m, &fd)) != 0) {
		if (got < 0) {
			supervisor_front_lost(s, now);
			return;
		}
		fd_close(&fd);
		switch (m.kind) {
		case MSG_CANCEL: supervisor_cancel(s, m.value, now); break;
		case MSG_RESUME: supervisor_resume(s, now); break;
		case MSG_ASK: show_tell(s, m.value == 1, now); break;
		case MSG_WINDOW: show_window(s, m.value != 0, now); break;
		case MSG_EMIT: supervisor_emit(s, &m, now); break;
		case MSG_DIAGNOSED:
			for (int i = 0; i < s->slots; i++)
				if (s->command[i].used && s->command[i].diagnose_id == m.value) {
					s->command[i].diagnose_id = 0;
					command_event(s, &s->command[i], WD_EV_DIAGNOSED, 0, now);
				}
			break;
		default: break;
		}
	}
}

/* --- work --- */

static struct command *supervisor_free_slot(struct supervisor *s)
{
	for (int i = 0; i < s->c->setup->jobs; i++)
		if (!s->command[i].used)
			return &s->command[i];
	return NULL;
}

static void supervisor_pump(struct supervisor *s, int64_t now)
{
	const struct proc_setup *p = s->c->setup;
	struct command *slot;

	if (p->ops->tick && !s->takeover)
		p->ops->tick(p->ctx, now);
	while (!s->ending && !s->work_ended && (slot = supervisor_free_slot(s))) {
		struct command_spec spec = { 0 };
		enum work_next what = p->ops->next(p->ctx, &spec, now);

		if (what == WORK_END)
			s->work_ended = true;
		if (what != WORK_START)
			break;
		command_start(s, slot, &spec, now);
		now = clock_mono_ns();
	}
	if (s->active == 0 && (s->ending || s->work_ended))
		s->finished = true;
}

static void supervisor_end_early(struct supervisor *s, int64_t now)
{
	const struct proc_setup *p = s->c->setup;
	enum token token;
	void *user;

	while (p->ops->end_early && !s->takeover && (user = p->ops->end_early(p->ctx, &token))) {
		for (int i = 0; i < s->slots; i++) {
			struct command *c = &s->command[i];

			if (!c->used || c->spec.user != user || c->wd.phase != WD_RUNNING)
				continue;
			c->wd.cfg.limit_token = token;
			c->wd.cfg.limit_ns = watchdog_elapsed(&c->wd, now);
			command_event(s, c, WD_EV_TIME, 0, now);
		}
	}
}

void supervisor_command_done(struct supervisor *s, struct command *c, const struct command_result *r,
			     int64_t now)
{
	const struct proc_setup *p = s->c->setup;

	if (r->status > s->c->end_status) /* ok < error < timeout < cancelled < stalled */
		s->c->end_status = r->status;
	if (!c->spec.capture) {
		atomic_store(&s->c->shared->command_pid, 0);
		stop_commands_end(s->c);
		stop_commands_flush(s->c); /* what is left goes before the next command, or at the end */
	}
	if (!s->takeover)
		p->ops->done(p->ctx, c->spec.user, r, now);
	runner_watch_progress(&s->watch, now);
	show_progress(s, now);
	command_release(s, c);
}

/* --- the loop --- */

static int64_t supervisor_next_due(struct supervisor *s)
{
	const struct proc_setup *p = s->c->setup;
	int64_t due = TIME_NEVER;

	for (int i = 0; i < s->slots; i++)
		if (s->command[i].used && s->command[i].wd_due_ns < due)
			due = s->command[i].wd_due_ns;
	for (int i = 0; i < s->slots; i++)
		if (s->command[i].used && tests_due(&s->command[i].tests) < due)
			due = tests_due(&s->command[i].tests);
	if (s->active && s->tick_due_ns < due)
		due = s->tick_due_ns;
	if (s->active && s->beat_due_ns < due)
		due = s->beat_due_ns;
	if (s->active && s->watch_due_ns < due)
		due = s->watch_due_ns;
	if (s->publish_due_ns < due)
		due = s->publish_due_ns;
	if (show_due(s) < due)
		due = show_due(s);
	if (p->ops->due && !s->takeover && !s->ending && p->ops->due(p->ctx) < due)
		due = p->ops->due(p->ctx);
	return due;
}

static void supervisor_arm(struct supervisor *s, int64_t due)
{
	struct itimerspec it = { 0 };

	if (due == s->armed_ns)
		return;
	s->armed_ns = due;
	if (due != TIME_NEVER) {
		if (due < 1)
			due = 1;
		it.it_value.tv_sec = due / NS_PER_S;
		it.it_value.tv_nsec = due % NS_PER_S;
	}
	timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &it, NULL);
}

/* Until now the journal lay in memory, so that a short run touches no disk. Where there is no place
 * for it (a read-only folder) it stays there: the trace of a failing run will say so. */
static void supervisor_publish(struct supervisor *s)
{
	struct context *c = s->c;
	struct err e = { 0 };

	s->publish_due_ns = TIME_NEVER;
	if (run_paths_make(&c->paths, &e) < 0 || trace_publish(c->trace, c->paths.journal, &e) < 0) {
		run_paths_tidy(&c->paths);
		return;
	}
	msg_send(c->link, MSG_JOURNAL, 0, NULL, 0, trace_fd(c->trace));
}

static void supervisor_time(struct supervisor *s, int64_t now)
{
	if (now >= s->publish_due_ns)
		supervisor_publish(s);
	for (int i = 0; i < s->slots; i++)
		if (s->command[i].used && now >= tests_due(&s->command[i].tests))
			command_tests(s, &s->command[i], false, now);
	for (int i = 0; i < s->slots; i++)
		if (s->command[i].used && now >= s->command[i].wd_due_ns)
			command_event(s, &s->command[i], WD_EV_TIME, 0, now);
	if (s->active && (now >= s->tick_due_ns || now >= s->beat_due_ns))
		supervisor_tick(s, now);
	if (s->active && now >= s->watch_due_ns &&
	    runner_watch_step(&s->watch, now, &s->watch_due_ns))
		act_warn_runner(s, now);
	supervisor_end_early(s, now);
	show_time(s, now);
}

static void supervisor_dispatch(struct supervisor *s, const struct epoll_event *ev, int64_t now)
{
	enum source src = (enum source)(ev->data.u64 >> 32);
	struct command *c = &s->command[(ev->data.u64 >> 8) & 0xffffff];
	int which = (int)(ev->data.u64 & 0xff);
	struct signalfd_siginfo si;
	uint64_t count;

	switch (src) {
	case SRC_SIGNAL:
		while (read(s->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
			;
		supervisor_reap(s, now);
		break;
	case SRC_TIMER:
		s->armed_ns = -1;
		if (read(s->timer_fd, &count, sizeof(count)) < 0)
			break;
		break;
	case SRC_LINK: supervisor_messages(s, now); break;
	case SRC_STREAM:
		if (c->used)
			command_read(s, c, which, now);
		break;
	case SRC_OUTLET:
		if (c->used)
			command_flush(s, c, which, now);
		break;
	case SRC_NAMESPACE:
		if (c->used)
			command_namespace(s, c, now);
		break;
	case SRC_NOTIFY:
		if (c->used)
			command_notified(s, c, now);
		break;
	}
}

/* Strangers that no command answers for: an orphan whose owner had ended. */
static void supervisor_last_sweep(struct supervisor *s)
{
	int64_t until = clock_mono_ns() + (s->cancel_signal ? LAST_SWEEP_CANCELLED_NS : LAST_SWEEP_NS);
	siginfo_t si = { 0 };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	while (clock_mono_ns() < until) {
		struct timespec wait = { .tv_nsec = 5 * NS_PER_MS };

		do
			supervisor_reap(s, clock_mono_ns());
		while (s->reap_again);
		if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD)
			return;
		tree_kill(&s->tree, 0, &s->hooks);
		tree_scan(&s->tree, true, &s->hooks);
		if (tree_count(&s->tree, 0) == 0 && s->tree.alive)
			return; /* only what may stay running is left */
		sigtimedwait(&child, NULL, &wait);
	}
}

int supervisor_loop(struct supervisor *s)
{
	struct epoll_event ev[32];
	int64_t now = clock_mono_ns();

	for (;;) {
		int n;

		supervisor_pump(s, now);
		if (s->finished)
			break;
		supervisor_arm(s, supervisor_next_due(s));
		n = epoll_wait(s->epoll_fd, ev, 32, s->reap_again ? 0 : -1);
		now = clock_mono_ns();
		if (s->reap_again)
			supervisor_reap(s, now);
		for (int i = 0; i < n; i++)
			supervisor_dispatch(s, &ev[i], now);
		supervisor_time(s, now);
		supervisor_check_all(s, now);
	}
	supervisor_last_sweep(s);
	now = clock_mono_ns();
	if (s->takeover)
		return 125;
	s->exit_code = s->c->setup->ops->end(s->c->setup->ctx, s->interrupted, now);
	if (s->front_lost)
		s->exit_code = 125;
	else if (s->cancel_signal)
		s->exit_code = 128 + s->cancel_signal;
	return s->exit_code;
}

static int64_t supervisor_tick_interval(const struct options *o)
{
	int64_t every = TICK_NS, stall = clock_ms_to_ns(o->liveness_stall_ms);

	/* short limits (in tests, say) want finer looks: a new process must count in time */
	if (stall / 4 < every)
		every = stall / 4;
	return every < TICK_MIN_NS ? TICK_MIN_NS : every;
}

int supervisor_init(struct supervisor *s, struct context *c, struct err *e)
{
	const struct options *o = c->o;
	int64_t now = clock_mono_ns();
	sigset_t child;

	/* s is static, and so zero: clearing it again would touch every page of 64 slots */
	s->c = c;
	s->slots = c->setup->jobs;
	s->armed_ns = s->oom_kills = -1;
	s->hooks = (struct tree_hooks){ s, hook_leader, hook_orphan, hook_command_line, hook_adopted };
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	s->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->signal_fd < 0 || s->timer_fd < 0)
		return err_sys(e, "preparing the supervisor's loop");
	tree_init(&s->tree, getpid(), &o->leave_running);
	if (supervisor_watch_fd(s, s->signal_fd, EPOLLIN, SRC_SIGNAL, 0, 0) < 0 ||
	    supervisor_watch_fd(s, s->timer_fd, EPOLLIN, SRC_TIMER, 0, 0) < 0 ||
	    (c->link >= 0 && supervisor_watch_fd(s, c->link, EPOLLIN, SRC_LINK, 0, 0) < 0))
		return err_sys(e, "preparing the supervisor's loop");
	s->publish_due_ns = !trace_path(c->trace) && !c->journal_failed && o->profile_on_fail != LEVEL_OFF ?
				    now + PUBLISH_NS : TIME_NEVER;
	/* memory would not hold very many tests; nor would a moment be long enough for them to wait */
	if (c->setup->junit && !trace_path(c->trace) && !c->journal_failed)
		s->publish_due_ns = now;
	s->tick_every_ns = supervisor_tick_interval(o);
	s->tick_due_ns = o->liveness_level == LIVENESS_OFF ? TIME_NEVER : now + s->tick_every_ns;
	s->beat_due_ns = trace_level(c->trace) >= LEVEL_DETAILED ?
				 now + clock_ms_to_ns(o->profile_heartbeat_ms) : TIME_NEVER;
	runner_watch_init(&s->watch,
			  o->liveness_level == LIVENESS_OFF ? 0 : clock_ms_to_ns(o->profile_stall_threshold_ms),
			  now);
	runner_watch_step(&s->watch, now, &s->watch_due_ns);
	show_init(s, now);
	return 0;
}

void supervisor_release(struct supervisor *s)
{
	show_close(s);
	for (int i = 0; i < s->slots; i++) {
		if (s->spare_tmpdir[i])
			rmdir(s->spare_tmpdir[i]);
		mem_free_ptr(&s->spare_tmpdir[i]);
	}
	tree_release(&s->tree);
	fd_close(&s->epoll_fd);
	fd_close(&s->signal_fd);
	fd_close(&s->timer_fd);
}
