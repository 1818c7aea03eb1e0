/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor.c - see supervisor.h. Nothing here polls, sleeps or blocks but loop_wait. */
#include "runner/proc/supervisor.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "profile/proc/slow_read.h"
#include "runner/proc/act.h"
#include "runner/proc/command.h"
#include "runner/proc/kernel.h"
#include "runner/proc/paths.h"
#include "runner/proc/print.h"
#include "runner/proc/sampling.h"
#include "runner/proc/show.h"
#include "runner/proc/supervisor_state.h"
#include "runner/proc/tick.h"
#include "runner/proc/unlisted.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

/* What begins with TRACEPARENT may be followed by an environment of any size: this much of it is read. */
enum { ENVIRON_BYTES = 32768 };
/* A run at level off that lasts so long gets a journal on disk. */
#define PUBLISH_NS (300 * NS_PER_MS)
#define REAP_ROUND_NS (10 * NS_PER_MS)
enum { REAP_ROUND = 64 }; /* children between two looks at the clock */
/* The command's own first line is its start, not progress. */
#define OWN_START_NS (2 * NS_PER_S)
/* When the run is over, strangers left in the tree get this long after KILL. */
#define SWEEP_NS (2 * NS_PER_S)
#define SWEEP_CANCELLED_NS (200 * NS_PER_MS)
#define SWEEP_EVERY_NS (5 * NS_PER_MS)

struct command *supervisor_next(const struct supervisor *s, const struct command *after)
{
	for (int i = after ? command_slot(after) + 1 : 0; i < s->slots; i++)
		if (s->command[i])
			return s->command[i];
	return NULL;
}

struct command *supervisor_command_of(const struct supervisor *s, uint32_t serial)
{
	each_command(s, c)
		if (command_serial(c) == serial)
			return c;
	return NULL;
}

void supervisor_interrupt(struct supervisor *s)
{
	if (s->phase < RUN_ENDING)
		s->phase = RUN_ENDING;
	s->interrupted = true;
}

/* --- what the tree tells --- */

static uint32_t hook_leader(void *ctx, pid_t pid)
{
	struct supervisor *s = ctx;

	each_command(s, c)
		if (command_is_running(c) && command_pid(c) == pid)
			return command_serial(c);
	return OWNER_UNKNOWN;
}

/* Each command has a TRACEPARENT of its own, which its descendants inherit. */
static uint32_t hook_orphan(void *ctx, pid_t pid)
{
	struct supervisor *s = ctx;
	auto_free char *env = NULL;
	ssize_t n;

	if (s->active == 1)
		return command_serial(supervisor_next(s, NULL));
	if (!s->active)
		return OWNER_UNKNOWN;
	n = proc_slow_read(pid, "environ", ENVIRON_BYTES, &env);
	if (n <= 0)
		return OWNER_UNKNOWN;
	each_command(s, c)
		if (command_has_traceparent(s, c, env, (size_t)n))
			return command_serial(c);
	return OWNER_UNKNOWN;
}

static void hook_command_line(void *ctx, struct member *m, const char *cmdline, size_t n)
{
	struct supervisor *s = ctx;
	struct command *c = supervisor_command_of(s, m->owner);

	if (c)
		command_line_seen(c, cmdline, n,
				  m->pid == command_pid(c) && clock_boot_ns() - m->st.start_ns < OWN_START_NS);
}

static void hook_adopted(void *ctx, struct member *m)
{
	struct supervisor *s = ctx;
	struct command *c = supervisor_command_of(s, m->owner);
	auto_attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_word(&a, "state", proc_state_text[PROC_ADOPTED]);
	attrs_int(&a, "pid", m->pid);
	attrs_str(&a, "comm", m->st.comm);
	trace_event(s->run->trace, c && command_span(c) ? command_span(c) : s->run->dispatch_span, EVENT_SUBPROCESS_STATE,
		    clock_mono_ns(), &a);
}

/* What a pipe's end or somebody who asks has ended is the everyday; who was killed outright may be missed by others. */
static void hook_killed(void *ctx, const struct member *m, int signal)
{
	struct supervisor *s = ctx;
	struct command *c = supervisor_command_of(s, m->owner);
	auto_attrs a = { 0 };
	bool asked = signal == SIGPIPE || signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT;

	if (asked || m->signalled || s->tree.spare_none || !c || m->pid == command_pid(c))
		return;
	attrs_init(&a, s->run->trace);
	attrs_int(&a, "pid", m->pid);
	attrs_int(&a, "ppid", m->st.ppid);
	attrs_str(&a, "comm", m->st.comm);
	attrs_int(&a, "signal", signal);
	trace_checkpoint(s->run->trace, command_span(c) ? command_span(c) : s->run->dispatch_span, CP_PROCESS_KILLED,
			 clock_mono_ns(), &a);
}

static void hook_used(void *ctx, const struct member *m, int64_t cpu_ns, int64_t delay_ns)
{
	struct supervisor *s = ctx;
	struct command *c = s->active == 1 ? supervisor_next(s, NULL) : supervisor_command_of(s, m->owner);

	s->ticks.all.cpu_ns += cpu_ns;
	s->ticks.all.delay_ns += delay_ns;
	if (!c || m->foreign)
		return;
	command_use(c)->cpu_ns += cpu_ns;
	command_use(c)->delay_ns += delay_ns;
}

void supervisor_progress(struct supervisor *s, struct command *c, const char *what, int64_t now_ns)
{
	if (c && command_is_being_ended(c))
		return; /* what it does then does not count as progress */
	trace_progress(s->run->trace, what, now_ns - s->run->start_mono_ns);
	runner_watch_progress(&s->watch, now_ns);
	if (s->watch_due_ns == TIME_NEVER)
		runner_watch_step(&s->watch, now_ns, &s->watch_due_ns); /* re-armed: when is it due again? */
	if (c)
		command_event(s, c, WD_EV_PROGRESS, 0, now_ns);
}

/* --- children --- */

/* A change of state of one child that waitid reported. */
static void supervisor_child(struct supervisor *s, const siginfo_t *si, int64_t now_ns)
{
	struct command *c = supervisor_command_of(s, hook_leader(s, si->si_pid));

	if (!c)
		return;
	switch (si->si_code) {
	case CLD_STOPPED: command_stopped(s, c, si->si_status, now_ns); break;
	case CLD_CONTINUED: command_continued(s, c, now_ns); break;
	case CLD_TRAPPED: break;
	case CLD_EXITED: command_reaped(s, c, (si->si_status & 0xff) << 8, now_ns); break;
	default: command_reaped(s, c, si->si_status & 0x7f, now_ns); break;
	}
}

/* Each command's status is read with WNOWAIT and journaled before it is reaped, so that it survives our death. Then
 * all other children. A tree that forks on and on must not keep us here: the rest is reaped in the next round. */
void supervisor_reap(struct supervisor *s, int64_t now_ns)
{
	each_command(s, c) {
		siginfo_t si = { 0 };

		if (command_is_running(c) && command_pid(c) > 0 &&
		    kernel_wait(P_PID, (id_t)command_pid(c), &si, WEXITED | WNOHANG | WNOWAIT) == 0 && si.si_pid) {
			sampling_ended(s->run, si.si_pid);
			supervisor_child(s, &si, now_ns);
		}
	}
	s->reap_again = true;
	for (int i = 1; i % REAP_ROUND || clock_mono_ns() - now_ns < REAP_ROUND_NS; i++) {
		siginfo_t si = { 0 };

		if (kernel_wait(P_ALL, 0, &si, WEXITED | WSTOPPED | WCONTINUED | WNOHANG) < 0 && errno == EINTR)
			continue;
		if (!si.si_pid) {
			s->reap_again = false;
			return;
		}
		supervisor_child(s, &si, now_ns);
		if (si.si_code != CLD_STOPPED && si.si_code != CLD_CONTINUED && si.si_code != CLD_TRAPPED)
			tree_gone(&s->tree, si.si_pid);
	}
}

/* --- the front's words --- */

static void supervisor_record_cancel(struct supervisor *s, int sig, const char *parent, int64_t now_ns)
{
	auto_attrs a = { 0 };

	s->cancel_signal = sig;
	s->run->cancelled_ns = now_ns;
	attrs_init(&a, s->run->trace);
	attrs_int(&a, "signal", sig);
	if (parent)
		attrs_str(&a, "parent_lost", parent);
	trace_checkpoint(s->run->trace, s->run->dispatch_span, CP_RUN_CANCELLED, now_ns, &a);
}

/* A second Ctrl-C means that the user wants to leave, and says how; a third one leaves. */
static void supervisor_say_cancel(struct supervisor *s, int sig)
{
	const char *name = signal_abbrev(sig);

	if (s->cancels == 1 && s->run->o->diagnose_ms > 0)
		say(s->run, "signal %d (%s): looking at the command, then handing it on", sig, name);
	else if (s->cancels == 1)
		say(s->run, "signal %d (%s): handing it to the command", sig, name);
	else if (s->cancels == 2)
		say_always(s->run, "signal %d (%s) again: ending the command now; once more kills everything at once", sig,
			   name);
	else if (s->cancels == 3)
		say_always(s->run, "signal %d (%s), the third: killing everything", sig, name);
}

static void supervisor_cancel(struct supervisor *s, int sig, int64_t now_ns)
{
	if (!s->cancel_signal)
		supervisor_record_cancel(s, sig, NULL, now_ns);
	s->cancels++;
	supervisor_say_cancel(s, sig);
	supervisor_interrupt(s);
	s->run->concerns = s->run->cancelled = true;
	each_command(s, c)
		command_event(s, c, WD_EV_CANCEL, sig, now_ns);
}

static void supervisor_parent_lost(struct supervisor *s, const char *name, int64_t now_ns)
{
	if (s->cancel_signal)
		return; /* it is being ended already */
	supervisor_record_cancel(s, SIGTERM, name, now_ns);
	say(s->run, "the process that started us (%s) has died: ending the command", name[0] ? name : "unknown");
	supervisor_interrupt(s);
	s->run->concerns = s->run->cancelled = true;
	each_command(s, c)
		command_event(s, c, WD_EV_PARENT, 0, now_ns);
}

static void supervisor_front_lost(struct supervisor *s, int64_t now_ns)
{
	auto_attrs a = { 0 };

	loop_forget(&s->loop, s->run->link);
	fd_close(&s->run->link);
	s->front_lost = true;
	supervisor_interrupt(s);
	attrs_init(&a, s->run->trace);
	attrs_word(&a, "which", "front");
	trace_checkpoint(s->run->trace, s->run->dispatch_span, CP_RUN_SUPERVISOR_LOST, now_ns, &a);
	show_close(s);
	terminal_restore(&s->run->terminal);
	each_command(s, c)
		command_event(s, c, WD_EV_LOST, 0, now_ns);
}

static void supervisor_emit(struct supervisor *s, const struct msg *m, int64_t now_ns)
{
	const char *name, *json;
	int checkpoint = msg_emit_of(m, &name, &json) ? contract_find(name, checkpoint_text, CP_COUNT) : -1;
	auto_attrs a = { 0 };

	if (checkpoint < 0)
		return;
	attrs_init(&a, s->run->trace);
	str_add(&a.json, json);
	if (checkpoint == CP_DIAGNOSE_PLACE)
		show_place(s, json);
	if (checkpoint == CP_DIAGNOSE_SNAPSHOT && s->looks_open)
		s->looks_open--;
	trace_checkpoint(s->run->trace, s->run->dispatch_span, (enum checkpoint)checkpoint, now_ns, &a);
}

static void supervisor_message(struct supervisor *s, const struct msg *m, int64_t now_ns)
{
	switch (m->kind) {
	case MSG_CANCEL: supervisor_cancel(s, m->value, now_ns); break;
	case MSG_INTERRUPTED:
		say_always(s->run, "Ctrl-C went to the command; once more kills everything at once");
		break;
	case MSG_PARENT: supervisor_parent_lost(s, m->text, now_ns); break;
	case MSG_RESUME:
		each_command(s, c)
			command_resume(s, c, now_ns);
		break;
	case MSG_ASK: s->asked = m->value == 1 ? ASKED_LOOK : s->asked == ASKED_LOOK ? ASKED_LOOK : ASKED_TELL; break;
	case MSG_WINDOW: show_window(s, m->value != 0, now_ns); break;
	case MSG_EMIT: supervisor_emit(s, m, now_ns); break;
	case MSG_DIAGNOSED:
		each_command(s, c)
			command_looked(s, c, m->value, now_ns);
		break;
	default: break;
	}
}

static void supervisor_messages(struct supervisor *s, int64_t now_ns)
{
	struct msg m;
	int fd, got;

	while (s->run->link >= 0 && (got = msg_recv(s->run->link, &m, &fd)) != 0) {
		if (got < 0) {
			supervisor_front_lost(s, now_ns);
			return;
		}
		fd_close(&fd);
		supervisor_message(s, &m, now_ns);
	}
}

/* --- work --- */

static int supervisor_free_slot(const struct supervisor *s)
{
	for (int i = 0; i < s->run->setup->jobs; i++)
		if (!s->command[i])
			return i;
	return -1;
}

/* Starts what there is to start. Returns how many commands. */
static int supervisor_pump(struct supervisor *s)
{
	const struct proc_setup *p = s->run->setup;
	int64_t now = clock_mono_ns();
	int slot, started = 0;

	if (p->ops->tick && !s->takeover)
		p->ops->tick(p->ctx, now);
	while (s->phase == RUN_WORKING && (slot = supervisor_free_slot(s)) >= 0) {
		struct command_spec spec = { 0 };
		enum work_next what = p->ops->next(p->ctx, &spec, now);

		if (what == WORK_END)
			s->phase = RUN_WAITING;
		if (what != WORK_START)
			break;
		command_start(s, slot, &spec, now);
		started++;
		now = clock_mono_ns();
	}
	return started;
}

static void supervisor_end_early(struct supervisor *s, int64_t now_ns)
{
	const struct proc_setup *p = s->run->setup;
	enum token token;
	void *user;

	while (p->ops->end_early && !s->takeover && (user = p->ops->end_early(p->ctx, &token)))
		each_command(s, c)
			if (command_is_user(c, user) && command_is_healthy(c))
				command_event(s, c, WD_EV_LIMIT, (int)token, now_ns);
}

void supervisor_command_done(struct supervisor *s, struct command *c, const struct command_result *r, int64_t now_ns)
{
	const struct proc_setup *p = s->run->setup;

	if (r->status > s->run->end_status) /* ok < error < timeout < cancelled < stalled */
		s->run->end_status = r->status;
	if (command_passes_through(c)) {
		atomic_store(&s->run->shared->command_pid, 0);
		stop_commands_end(&s->run->shared->stop, context_mid_line(s->run));
		/* what is left goes before the next command, or at the end */
		stop_commands_flush(&s->run->shared->stop, &s->run->outlet[STREAM_OUT]);
	}
	if (!s->takeover)
		p->ops->done(p->ctx, command_user(c), r, now_ns);
	else if (r->ended_by_watchdog || r->cancelled)
		s->taken_code = r->exit_code; /* that was due before the loss */
	runner_watch_progress(&s->watch, now_ns);
	show_progress(s, now_ns);
	command_free(s, c);
}

/* --- the last sweep --- */

/* Strangers that no command answers for: an orphan whose owner had ended. Killed again and again until nobody is
 * left, only what may stay running is, or the time is over. */
static void supervisor_sweep(struct supervisor *s, int64_t now_ns)
{
	siginfo_t si = { 0 };

	supervisor_reap(s, now_ns);
	if (kernel_wait(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD) {
		s->phase = RUN_OVER;
		return;
	}
	if (now_ns >= s->sweep_until_ns) {
		s->phase = RUN_OVER;
		act_strangers(s, now_ns);
		return;
	}
	if (tree_can_list(&s->tree))
		tree_kill(&s->tree, 0, &s->hooks);
	else
		unlisted_kill(s, 0, now_ns + SWEEP_EVERY_NS);
	tree_scan(&s->tree, true, &s->hooks);
	if (tree_count_hoped(&s->tree) == 0 && s->tree.alive)
		s->phase = RUN_OVER; /* what may stay, and what does not die */
	s->sweep_due_ns = now_ns + SWEEP_EVERY_NS;
}

static void supervisor_sweep_begin(struct supervisor *s, int64_t now_ns)
{
	s->phase = RUN_SWEEPING;
	s->sweep_until_ns = now_ns + (s->cancel_signal ? SWEEP_CANCELLED_NS : SWEEP_NS);
	supervisor_sweep(s, now_ns);
}

/* --- the loop --- */

static int64_t min64(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t supervisor_due(struct supervisor *s)
{
	const struct proc_setup *p = s->run->setup;
	int64_t due = min64(min64(tick_due(s), s->publish_due_ns), show_due(s));

	each_command(s, c)
		due = min64(due, command_due(c));
	due = min64(due, s->active ? s->watch_due_ns : print_stuck_ns());
	if (s->phase == RUN_SWEEPING)
		due = min64(due, s->sweep_due_ns);
	if (p->ops->due && !s->takeover && s->phase < RUN_ENDING)
		due = min64(due, p->ops->due(p->ctx));
	return due;
}

/* Until now the journal lay in memory, so that a short run touches no disk. Where there is no place
 * for it (a read-only folder) it stays there: the trace of a failing run will say so. */
static void supervisor_publish(struct supervisor *s)
{
	struct context *run = s->run;
	struct err e = { 0 };

	s->publish_due_ns = TIME_NEVER;
	if (run_paths_make(&run->paths, &e) < 0 || trace_publish(run->trace, run->paths.journal, &e) < 0) {
		run_paths_tidy(&run->paths);
		return;
	}
	msg_send(run->link, MSG_JOURNAL, 0, NULL, 0, trace_fd(run->trace));
}

static void supervisor_time(struct supervisor *s, int64_t now_ns)
{
	if (now_ns >= s->publish_due_ns)
		supervisor_publish(s);
	each_command(s, c)
		command_time(s, c, now_ns);
	tick_time(s, now_ns);
	if (s->active && now_ns >= s->watch_due_ns && runner_watch_step(&s->watch, now_ns, &s->watch_due_ns))
		act_warn_runner(s, now_ns);
	supervisor_end_early(s, now_ns);
	if (!s->active && now_ns >= print_stuck_ns())
		print_drop();
	show_time(s, now_ns);
}

/* A descriptor's event may come after its command has ended: both came with one wait. */
static void supervisor_dispatch(struct supervisor *s, const struct loop_event *ev, int64_t now_ns)
{
	struct command *c = ev->slot < s->slots ? s->command[ev->slot] : NULL;

	switch (ev->source) {
	case SRC_SIGNAL: supervisor_reap(s, now_ns); return;
	case SRC_TIMER: return;
	case SRC_LINK: supervisor_messages(s, now_ns); return;
	case SRC_SAMPLER: sampling_readable(s->run, now_ns); return;
	case SRC_PRINT: print_pump(); return;
	default: break;
	}
	if (!c)
		return;
	switch (ev->source) {
	case SRC_STREAM: command_read(s, c, ev->which, now_ns); break;
	case SRC_OUTLET: command_flush(s, c, ev->which, now_ns); break;
	case SRC_NAMESPACE: command_namespace(s, c, now_ns); break;
	case SRC_NOTIFY: command_notified(s, c, now_ns); break;
	default: break;
	}
}

/* The first phase of a turn: everything that has happened, told to whom it concerns. */
static void supervisor_gather(struct supervisor *s)
{
	struct loop_event ev[LOOP_EVENTS_MAX];
	int n = loop_wait(&s->loop, supervisor_due(s), s->reap_again, ev);
	int64_t now = clock_mono_ns();

	atomic_store(&s->run->shared->pulse.turn_ns, now);
	if (s->reap_again)
		supervisor_reap(s, now);
	for (int i = 0; i < n; i++)
		supervisor_dispatch(s, &ev[i], now);
	supervisor_time(s, now);
	each_command(s, c)
		command_check(s, c, now);
}

/* The second phase. What ended makes room for more work, whose start may fail and so end at once. */
static void supervisor_act(struct supervisor *s)
{
	do
		supervisor_settle(s, clock_mono_ns());
	while (s->phase < RUN_SWEEPING && supervisor_pump(s));
	if (s->phase == RUN_SWEEPING)
		supervisor_sweep(s, clock_mono_ns());
	else if (s->active == 0 && s->phase > RUN_WORKING)
		supervisor_sweep_begin(s, clock_mono_ns());
}

/* What the front watches us by. */
static void supervisor_pulse(struct supervisor *s)
{
	struct shared_pulse *p = &s->run->shared->pulse;
	int64_t must = TIME_NEVER;

	each_command(s, c) {
		must = min64(must, command_must(c));
		if (s->active == 1)
			command_pulse(c, p);
	}
	if (s->phase == RUN_SWEEPING)
		must = min64(must, s->sweep_due_ns);
	atomic_store(&p->must_ns, must);
}

/* What a verb prints between its commands goes on as its reader takes it. */
static void supervisor_watch_print(struct supervisor *s)
{
	int blocked = print_blocked_on(), want = blocked < 0 ? 0 : s->run->outlet[blocked].fd + 1;

	if (want == s->print_armed)
		return;
	if (s->print_armed)
		loop_forget(&s->loop, s->print_armed - 1);
	s->print_armed = want && loop_watch(&s->loop, want - 1, EPOLLOUT, SRC_PRINT, 0, blocked) == 0 ? want : 0;
}

/* On a busy machine the front may be late with the end of a look, and no ending waits for it. */
static void supervisor_looks_given_up(struct supervisor *s, int64_t now_ns)
{
	struct msg m;
	int fd;

	while (s->looks_open && s->run->link >= 0 && msg_recv(s->run->link, &m, &fd) > 0) {
		fd_close(&fd);
		if (m.kind == MSG_EMIT)
			supervisor_emit(s, &m, now_ns);
	}
	for (; s->looks_open; s->looks_open--) {
		auto_attrs a = { 0 };

		attrs_init(&a, s->run->trace);
		attrs_word(&a, "status", "timed_out");
		attrs_str(&a, "file", "");
		trace_checkpoint(s->run->trace, s->run->dispatch_span, CP_DIAGNOSE_SNAPSHOT, now_ns, &a);
	}
}

int supervisor_loop(struct supervisor *s)
{
	const struct proc_setup *p = s->run->setup;
	int code;

	for (supervisor_act(s); s->phase != RUN_OVER; supervisor_act(s)) {
		supervisor_pulse(s);
		supervisor_watch_print(s);
		supervisor_gather(s);
	}
	atomic_store(&s->run->shared->pulse.finishing, 1);
	supervisor_looks_given_up(s, clock_mono_ns());
	if (s->takeover)
		return s->taken_code;
	code = p->ops->end(p->ctx, s->interrupted, clock_mono_ns());
	print_finish();
	if (s->front_lost)
		return 125;
	return s->cancel_signal ? 128 + s->cancel_signal : code;
}

void supervisor_take_over(struct supervisor *s, int stream_fd[STREAM_COUNT], int64_t foreign_before_ns, int cancel_signal)
{
	proc_slow_forbid(); /* that may be what held the other one up */
	s->tree.foreign_before_ns = foreign_before_ns;
	s->tree.aside = atomic_load(&s->run->shared->guard_pid);
	s->takeover = true;
	s->taken_code = 125;
	s->cancel_signal = cancel_signal;
	supervisor_interrupt(s);
	s->reap_again = true; /* a SIGCHLD may have come while the loop was still the front's */
	if (atomic_load(&s->run->shared->any_spawned))
		command_adopt(s, stream_fd, clock_mono_ns());
}

bool supervisor_front_is_lost(const struct supervisor *s)
{
	return s->front_lost;
}

static void supervisor_plan(struct supervisor *s, int64_t now_ns)
{
	const struct context *run = s->run;
	const struct options *o = run->o;
	bool anonymous = !trace_path(run->trace) && !run->journal_failed;

	s->publish_due_ns = anonymous && o->profile_on_fail != LEVEL_OFF ? now_ns + PUBLISH_NS : TIME_NEVER;
	/* memory would not hold very many tests; nor would a moment be long enough for them to wait */
	if (anonymous && run->setup->junit)
		s->publish_due_ns = now_ns;
	tick_init(s, now_ns);
	runner_watch_init(&s->watch,
			  o->liveness_level == LIVENESS_OFF ? 0 : clock_ms_to_ns(o->profile_stall_threshold_ms), now_ns);
	runner_watch_step(&s->watch, now_ns, &s->watch_due_ns);
	show_init(s, now_ns);
}

struct supervisor *supervisor_new(struct context *run, struct err *e)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));

	s->run = run;
	s->slots = run->setup->jobs;
	s->hooks = (struct tree_hooks){ s, hook_leader, hook_orphan, hook_command_line, hook_adopted, hook_killed,
					 hook_used };
	if (loop_init(&s->loop, e) < 0 ||
	    (run->link >= 0 && loop_watch(&s->loop, run->link, EPOLLIN, SRC_LINK, 0, 0) < 0 &&
	     err_sys(e, "preparing the supervisor's loop")) ||
	    (!run->is_front && run->sampling.fd >= 0 &&
	     loop_watch(&s->loop, run->sampling.fd, EPOLLIN, SRC_SAMPLER, 0, 0) < 0 &&
	     err_sys(e, "watching the sampler"))) {
		loop_release(&s->loop);
		free(s);
		return NULL;
	}
	tree_init(&s->tree, getpid(), &run->o->leave_running);
	supervisor_plan(s, clock_mono_ns());
	return s;
}

void supervisor_free(struct supervisor *s)
{
	show_close(s);
	for (int i = 0; i < s->slots; i++) {
		if (s->spare_tmpdir[i])
			rmdir(s->spare_tmpdir[i]);
		free(s->spare_tmpdir[i]);
	}
	tree_release(&s->tree);
	loop_release(&s->loop);
	free(s);
}
