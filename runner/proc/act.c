/* SPDX-License-Identifier: Apache-2.0 */
/* act.c - see act.h. Each action is recorded, then carried out. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/signal_name.h"
#include "profile/proc/freezer.h"
#include "profile/proc/slow_read.h"
#include "profile/snapshot/snapshot.h"
#include "runner/proc/act.h"
#include "runner/proc/command.h"
#include "runner/proc/command_state.h"
#include "runner/proc/contain.h"
#include "runner/proc/kernel.h"
#include "runner/proc/machine.h"
#include "runner/proc/show.h"
#include "runner/proc/supervisor_state.h"
#include "runner/proc/tick.h"
#include "runner/proc/thaw.h"
#include "runner/proc/unlisted.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Processes that one look records, and survivors that are named: the rest is counted. */
#define ACT_NAMED_MAX 64
/* One round of killing: then the loop looks at its other duties. */
#define KILL_ROUND_NS (20 * NS_PER_MS)
/* How much later a second look can distinguish a blocked thread from one that was merely between two steps. */
enum { LOOK_AGAIN_MS = 1000, LOOK_AGAIN_ENDING_MS = 100 };

static uint32_t act_owner(const struct supervisor *s, const struct command *c)
{
	return s->active > 1 ? c->serial : 0;
}

/* What to call it: the step's or case's name, else its program. */
static const char *act_name(const struct command *c)
{
	return c->spec.name ? c->spec.name : c->spec.argv[0];
}

static void act_token(struct supervisor *s, struct command *c, span_id span, enum token token, int64_t now,
		      struct attrs *a)
{
	c->tokens |= 1u << token;
	s->run->concerns = true;
	trace_watchdog(s->run->trace, span, token, now, a);
}

/* At strict, no progress, but at work: it has longer. Said once a stall. */
static void act_busy(struct supervisor *s, struct command *c, const struct wd_out *out, int64_t now)
{
	auto_attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_ms(&a, "idle_ms", out->idle_ns);
	attrs_ms(&a, "busy_ms", c->wd.cfg.busy_ns);
	tick_window_attrs(s, &c->use, c->wd.cfg.stall_ns, true, now, &a);
	trace_checkpoint(s->run->trace, c->wait_span, CP_LIVENESS_BUSY, now, &a);
	say(s->run, "'%s' (pid %d) has shown no progress for %.1f s, but is busy: ended after %.1f s of it", act_name(c),
	    (int)c->pid, (double)out->idle_ns / 1e9, (double)c->wd.cfg.busy_ns / 1e9);
}

/* Half of a default limit is over: the user can still ask for a longer one before it ends the next run. */
static void act_word(struct supervisor *s, struct command *c)
{
	double ran = (double)watchdog_elapsed(&c->wd, c->wd.now_ns) / 60e9, cap = (double)c->wd.cfg.hard_cap_ns / 60e9;

	say(s->run, "'%s' (pid %d) has been running for %.0f min: by default a command is ended after %.0f min (--hard-cap"
	    " TIME changes that)", act_name(c), (int)c->pid, ran, cap);
}

static void act_stall(struct supervisor *s, struct command *c, const struct wd_out *out, int64_t now)
{
	bool strict = s->run->o->liveness_level == LIVENESS_STRICT, busy = c->wd.busy && strict;
	struct attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_ms(&a, "idle_ms", out->idle_ns);
	attrs_int(&a, "threshold_ms", s->run->o->liveness_stall_ms);
	attrs_int(&a, "min_events", s->run->o->liveness_min_events);
	if (busy)
		attrs_ms(&a, "busy_ms", c->wd.cfg.busy_ns);
	/* at strict: the window by which it was judged to be busy or not */
	tick_window_attrs(s, &c->use, strict ? c->wd.cfg.stall_ns : out->idle_ns, busy, now, &a);
	attrs_bool(&a, "output_blocked", stream_owed(&c->stream[0]) || stream_owed(&c->stream[1]));
	act_token(s, c, c->wait_span, TOKEN_STALL_SUBPROCESS, now, &a);
	attrs_release(&a);
	tests_say(&c->tests, now);
	say(s->run, "stall.subprocess.no_output_no_event: '%s' (pid %d) has %sshown no progress for %.1f s%s",
	    act_name(c), (int)c->pid, busy ? "been busy and " : "", (double)out->idle_ns / 1e9,
	    c->wd.phase == WD_RUNNING ? "; it goes on" : "");
}

static void act_limit(struct supervisor *s, struct command *c, const struct wd_out *out, int64_t now)
{
	int64_t elapsed = watchdog_elapsed(&c->wd, now);
	struct attrs a = { 0 };

	tests_say(&c->tests, now);
	attrs_init(&a, s->run->trace);
	attrs_ms(&a, "elapsed_ms", elapsed);
	if (c->wd.cause == WD_CAUSE_DEADLINE) {
		trace_checkpoint(s->run->trace, c->wait_span, CP_RUN_DEADLINE, now, &a);
		supervisor_interrupt(s);
		say(s->run, "the deadline is near: ending '%s' after %.1f s", act_name(c), (double)elapsed / 1e9);
	} else if (c->wd.cause != WD_CAUSE_TEST_LIMIT && out->token != TOKEN_NONE) {
		attrs_ms(&a, "limit_ms", out->limit_ns);
		act_token(s, c, c->wait_span, out->token, now, &a);
		say(s->run, "%s: '%s' (pid %d) is still running after %.1f s", token_text[out->token],
		    act_name(c), (int)c->pid, (double)elapsed / 1e9);
	}
	attrs_release(&a);
}

/* Who holds the command's pipes or pseudo-terminal, first within the tree, else anywhere. */
static void act_holders(struct supervisor *s, struct command *c, struct proc_holders *h)
{
	auto_pid_list pids = PID_LIST_INIT, all = PID_LIST_INIT;

	tree_scan(&s->tree, true, &s->hooks);
	tree_pids(&s->tree, act_owner(s, c), &pids);
	for (int i = 0; i < STREAM_COUNT; i++) {
		char name[24], text[80];
		size_t before = h->n;

		snprintf(name, sizeof(name), "fd/%d", c->stream[i].fd);
		if (c->stream[i].fd < 0 || c->stream[i].borrowed || proc_link_read(getpid(), name, text, sizeof(text)) < 0)
			continue;
		proc_fd_holders(text, pids.v, pids.n, h);
		if (h->n > before || (!all.n && proc_all(&all) < 0))
			continue;
		proc_fd_holders(text, all.v, all.n, h);
	}
}

static void act_drain_over(struct supervisor *s, struct command *c, int64_t now)
{
	struct proc_holders h = PROC_HOLDERS_INIT;
	struct attrs a = { 0 };
	auto_str list = STR_INIT;
	unsigned named = 0;

	act_holders(s, c, &h);
	str_add(&list, "[");
	for (size_t i = 0; i < h.n && named < ACT_NAMED_MAX; i++) {
		const struct proc_holder *o = &h.v[i];
		struct attrs one = { 0 };

		if (!o->writes || o->pid == getpid() || o->pid == getppid())
			continue;
		attrs_init(&one, s->run->trace);
		attrs_int(&one, "pid", o->pid);
		attrs_str(&one, "comm", o->comm);
		attrs_int(&one, "fd", o->fd);
		str_addf(&list, "%s{%s}", named++ ? "," : "", str_cstr(&one.json));
		attrs_release(&one);
		say(s->run, "timeout.subprocess.io_drain: '%s' has exited, but %s (pid %d) holds its pipe (fd %d)",
		    act_name(c), say_comm(s->run, o->comm), (int)o->pid, o->fd);
	}
	str_add(&list, "]");
	attrs_init(&a, s->run->trace);
	attrs_int(&a, "drain_ms", s->run->o->drain_ms);
	attrs_raw(&a, "holders", str_cstr(&list));
	if (h.denied)
		attrs_int(&a, "denied", (int64_t)h.denied);
	act_token(s, c, c->wait_span, TOKEN_SUBPROCESS_IO_DRAIN, now, &a);
	attrs_release(&a);
	proc_holders_release(&h);
}

static void act_member_attrs(struct attrs *a, const struct member *m)
{
	struct strv argv = STRV_INIT;

	attrs_int(a, "pid", m->pid);
	attrs_int(a, "ppid", m->st.ppid);
	attrs_str(a, "comm", m->st.comm);
	if (proc_argv_read(m->pid, &argv) == 0 && argv.n)
		attrs_strv(a, "argv", argv.v);
	strv_release(&argv);
}

/* Members that outlive the command: named once, with why they are still there. */
static void act_survivor(struct supervisor *s, span_id span, const struct member *m, const char *reason,
			 int64_t now)
{
	struct attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_word(&a, "state", proc_state_text[PROC_SURVIVOR]);
	act_member_attrs(&a, m);
	attrs_word(&a, "reason", reason);
	s->run->concerns = true;
	trace_event(s->run->trace, span, EVENT_SUBPROCESS_STATE, now, &a);
	attrs_release(&a);
}

static void act_leftovers(struct supervisor *s, struct command *c, int64_t now)
{
	uint32_t owner = act_owner(s, c);

	tree_scan(&s->tree, true, &s->hooks);
	for (size_t i = 0; i < s->tree.n; i++) {
		const struct member *m = &s->tree.m[i];
		struct attrs a = { 0 };

		if (m->st.state == 'Z' || tree_spares(&s->tree, m) || m->pid == c->pid || (owner && m->owner != owner))
			continue; /* c->pid: the init of its namespace is ours */
		if (++c->leaked > ACT_NAMED_MAX)
			continue;
		act_survivor(s, c->wait_span, m, "leaked", now);
		attrs_init(&a, s->run->trace);
		act_member_attrs(&a, m);
		trace_checkpoint(s->run->trace, c->wait_span, CP_PROCESS_LEAKED, now, &a);
		attrs_release(&a);
		say(s->run, "'%s' has exited and left %s (pid %d) running: ending it", act_name(c),
		    say_comm(s->run, m->st.comm),
		    (int)m->pid);
	}
}

/* Not read directly: an exec that hangs would hold it up. */
static bool act_syscall(pid_t pid, struct proc_syscall *call)
{
	auto_free char *text = NULL;
	ssize_t n = proc_slow_read(pid, "syscall", 256, &text);

	return n > 0 && proc_syscall_parse(text, (size_t)n, call) == 0 && !call->running;
}

/* Members whose memory's lock is held for ever: a fact of its own, and why so little is told of them. */
static void act_unreadable(struct supervisor *s, int64_t now)
{
	struct proc_stuck stuck[PROC_STUCK_MAX];
	size_t n = proc_stuck_new(stuck, PROC_STUCK_MAX);

	for (size_t i = 0; i < n; i++) {
		struct member *m = tree_find(&s->tree, stuck[i].pid);
		struct command *c = m ? supervisor_command_of(s, m->owner) : NULL;
		auto_attrs a = { 0 };

		s->run->concerns = true;
		attrs_init(&a, s->run->trace);
		attrs_int(&a, "pid", stuck[i].pid);
		attrs_str(&a, "comm", stuck[i].comm);
		attrs_word(&a, "file", stuck[i].file);
		attrs_ms(&a, "waited_ms", now - stuck[i].since_ns);
		attrs_str(&a, "holder", stuck[i].holder);
		trace_checkpoint(s->run->trace, c && c->wait_span ? c->wait_span : s->run->dispatch_span,
				 CP_PROCESS_UNREADABLE, now, &a);
		say(s->run, "/proc/%d/%s of %s cannot be read: the lock of its memory is held%s%s", (int)stuck[i].pid,
		    stuck[i].file, say_comm(s->run, stuck[i].comm), stuck[i].holder[0] ? " by " : "", stuck[i].holder);
	}
}

static void act_diagnose_members(struct supervisor *s, struct command *c, int64_t now)
{
	uint32_t owner = act_owner(s, c);
	unsigned named = 0;

	tree_scan(&s->tree, true, &s->hooks);
	for (size_t i = 0; i < s->tree.n && named < ACT_NAMED_MAX; i++) {
		const struct member *m = &s->tree.m[i];
		struct proc_syscall call = { 0 };
		struct attrs a = { 0 };
		char wchan[64] = "", state[2] = { m->st.state, 0 };

		if (m->st.state == 'Z' && m->st.ppid == s->tree.root)
			continue;
		if (owner && m->owner != owner)
			continue;
		named++;
		attrs_init(&a, s->run->trace);
		act_member_attrs(&a, m);
		attrs_word(&a, "state", state);
		proc_wchan_read(m->pid, m->pid, wchan, sizeof(wchan));
		if (wchan[0])
			attrs_str(&a, "wchan", wchan);
		if (act_syscall(m->pid, &call))
			attrs_int(&a, "syscall", call.nr);
		attrs_ms(&a, "cpu_ms", proc_stat_cpu_ns(&m->st));
		attrs_int(&a, "threads", m->st.num_threads);
		attrs_ms(&a, "command_idle_ms", watchdog_idle(&c->wd, now));
		trace_checkpoint(s->run->trace, c->wait_span, CP_DIAGNOSE_PROCESS, now, &a);
		attrs_release(&a);
	}
}

/* The trees to look into: the command's, and those of its orphans, which came to us. */
static void act_look_roots(struct supervisor *s, struct command *c, struct msg_look *m)
{
	uint32_t owner = act_owner(s, c);

	m->root[m->n++] = c->pid;
	for (size_t i = 0; i < s->tree.n && m->n < MSG_LOOK_ROOTS; i++) {
		const struct member *t = &s->tree.m[i];

		if (t->st.ppid == s->tree.root && t->pid != c->pid && t->st.state != 'Z' && !t->foreign &&
		    (!owner || t->owner == owner))
			m->root[m->n++] = t->pid;
	}
}

/* What an ending waits for has its time; nobody waits for the others. */
static int32_t act_look_budget_ms(const struct supervisor *s, const struct command *c, int64_t now)
{
	int64_t ms = s->run->o->diagnose_ms;

	if (c->wd.phase == WD_DIAGNOSING && (c->wd.phase_due_ns - now) / NS_PER_MS < ms)
		ms = (c->wd.phase_due_ns - now) / NS_PER_MS;
	return (int32_t)(ms < 0 ? 0 : ms > INT32_MAX ? INT32_MAX : ms);
}

/* What the user has said holds; else who is about to be ended may be asked, and nobody else. */
static int32_t look_intrusion(const struct options *o, bool ending)
{
	if (option_source(o, option_by_key("profile.intrusion")) > SOURCE_DEFAULT)
		return (int32_t)o->profiling.intrusion;
	return ending ? INTRUSION_COOPERATIVE : INTRUSION_MICRO_STOP;
}

/* The cheap facts first, from here; then the front looks deeper, within its budget. Where one look does not tell it
 * looks again, soon where a kill waits for it. False: the front is not there. */
static bool act_ask_front(struct supervisor *s, struct command *c, int64_t now)
{
	struct msg_look m = { .id = ++s->diagnose_last,
			      .again_ms = c->wd.phase == WD_RUNNING ? LOOK_AGAIN_MS : LOOK_AGAIN_ENDING_MS,
			      .intrusion = look_intrusion(s->run->o, c->wd.phase != WD_RUNNING) };

	m.budget_ms = act_look_budget_ms(s, c, now);
	act_diagnose_members(s, c, now);
	act_look_roots(s, c, &m);
	if (s->takeover || msg_send_look(s->run->link, &m) < 0)
		return false;
	s->looks_open++;
	return true;
}

static void act_diagnose(struct supervisor *s, struct command *c, int64_t now)
{
	if (act_ask_front(s, c, now))
		c->diagnose_id = s->diagnose_last;
	else
		command_event(s, c, WD_EV_DIAGNOSED, 0, now);
}

void act_look(struct supervisor *s, struct command *c, int64_t now)
{
	s->run->looked = true;
	act_ask_front(s, c, now); /* no command waits for the answer */
}

/* From our first signal on, a test keeps its status (contract 6). */
static void act_freeze_tests(struct command *c, int64_t now)
{
	if (c->wd.cause != WD_CAUSE_NONE)
		tests_freeze(&c->tests, watchdog_status(&c->wd), c->wd.token, now);
}

/* To the members of owner (0: all). Returns how many got it, at least. */
static size_t act_signal(struct supervisor *s, uint32_t owner, int sig)
{
	return tree_can_list(&s->tree) ? tree_signal(&s->tree, owner, sig, &s->hooks) : unlisted_signal(s, owner, sig);
}

static void act_hand_over(struct supervisor *s, struct command *c, int sig, int64_t now)
{
	struct attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_int(&a, "signal", sig);
	attrs_int(&a, "members", (int64_t)act_signal(s, act_owner(s, c), sig));
	trace_checkpoint(s->run->trace, c->wait_span, CP_SIGNAL_HANDED_OVER, now, &a);
	attrs_release(&a);
}

static void act_not_permitted(struct supervisor *s, struct command *c, int64_t now)
{
	for (size_t i = 0; i < s->tree.n; i++) {
		struct member *m = &s->tree.m[i];

		if (!m->not_permitted || m->announced)
			continue;
		m->announced = true;
		act_survivor(s, c->wait_span, m, "not_permitted", now);
		c->survivors++;
		say(s->run, "%s (pid %d) belongs to another user and cannot be signalled",
		    say_comm(s->run, m->st.comm), (int)m->pid);
	}
}

static void act_reap(void *ctx)
{
	struct supervisor *s = ctx;

	supervisor_reap(s, clock_mono_ns());
}

size_t act_kill(struct supervisor *s, uint32_t owner)
{
	struct context *run = s->run;
	size_t sent = 0;
	bool everyone = !owner && (s->tree.leave_running.n == 0 || s->tree.spare_none) && run->contain != CONTAIN_GROUP &&
			!s->takeover;

	/* one write reaches all, atomically against fork */
	if (everyone && run->shared->cgroup_dir[0])
		contain_cgroup_kill(run->shared->cgroup_dir);
	if (!tree_can_list(&s->tree))
		unlisted_kill(s, owner, clock_mono_ns() + KILL_ROUND_NS);
	else if (!everyone || !tree_kill_children(&s->tree, clock_mono_ns() + KILL_ROUND_NS, act_reap, s, &sent))
		sent += tree_kill(&s->tree, owner, &s->hooks);
	return sent;
}

static void act_killed(struct supervisor *s, struct command *c, size_t members, int64_t now)
{
	auto_attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_int(&a, "members", (int64_t)members);
	attrs_int(&a, "pid", c->pid);
	act_token(s, c, c->wait_span, TOKEN_KILL_KILLED, now, &a);
}

/* What the kill before met nobody of, since it fled from process to process, may be met by a later one. */
static void act_sweep(struct supervisor *s, struct command *c, int64_t now)
{
	size_t sent = act_kill(s, act_owner(s, c));

	if (sent && !(c->tokens & 1u << TOKEN_KILL_KILLED))
		act_killed(s, c, sent, now);
}

static void act_end(struct supervisor *s, struct command *c, bool kill, int64_t now)
{
	uint32_t owner = act_owner(s, c);
	auto_attrs a = { 0 };
	size_t members, sent;

	s->tree.spare_none = c->wd.cause != WD_CAUSE_NONE;
	if (!kill) {
		members = act_signal(s, owner, SIGTERM);
	} else {
		tree_scan(&s->tree, true, &s->hooks);
		members = tree_can_list(&s->tree) ? tree_count(&s->tree, owner) : 1;
		sent = act_kill(s, owner);
		/* a walk misses one that has forked and exited meanwhile, the kill does not */
		members = members ? members : sent;
	}
	if (s->run->contain == CONTAIN_GROUP && c->pid > 0 && kernel_kill(-c->pid, kill ? SIGKILL : SIGTERM) == 0 &&
	    !members)
		members = 1; /* at least: those that left us are counted by nobody */
	if (s->run->contain == CONTAIN_GROUP)
		unlisted_group(s, now);
	act_not_permitted(s, c, now);
	thaw_members(s, c, owner, now);
	if (!members)
		return; /* the last one ended just now: nothing was sent, nothing is recorded */
	if (kill) {
		act_killed(s, c, members, now);
		return;
	}
	attrs_init(&a, s->run->trace);
	attrs_int(&a, "members", (int64_t)members);
	attrs_int(&a, "pid", c->pid);
	attrs_int(&a, "grace_ms", s->run->o->liveness_kill_grace_ms);
	/* what is printed from here on is the answer to the signal */
	attrs_int(&a, "stdout_bytes", (int64_t)stream_total(&c->stream[STREAM_OUT]));
	attrs_int(&a, "stderr_bytes", (int64_t)stream_total(&c->stream[STREAM_ERR]));
	act_token(s, c, c->wait_span, TOKEN_KILL_TERM, now, &a);
}

static void act_unkillable(struct supervisor *s, span_id span, struct member *m, int64_t now)
{
	auto_attrs a = { 0 };
	char wchan[64] = "", frozen[PATH_MAX] = "";

	m->given_up = true;
	act_survivor(s, span, m, "unkillable", now);
	proc_wchan_read(m->pid, m->pid, wchan, sizeof(wchan));
	attrs_init(&a, s->run->trace);
	act_member_attrs(&a, m);
	attrs_str(&a, "wchan", wchan);
	if (freezer_holds(m->pid, frozen, sizeof(frozen)))
		attrs_str(&a, "frozen_by", frozen);
	trace_checkpoint(s->run->trace, span, CP_PROCESS_UNKILLABLE, now, &a);
	say_always(s->run, "%s (pid %d) does not die (%s %c, in %s)", say_comm(s->run, m->st.comm), (int)m->pid,
		   frozen[0] ? "frozen: state" : "state", m->st.state, frozen[0] ? frozen : wchan[0] ? wchan : "the kernel");
}

static void act_survivors(struct supervisor *s, struct command *c, int64_t now)
{
	uint32_t owner = act_owner(s, c);

	tree_scan(&s->tree, true, &s->hooks);
	for (size_t i = 0; i < s->tree.n; i++) {
		struct member *m = &s->tree.m[i];

		if (m->st.state == 'Z' || tree_spares(&s->tree, m) || m->not_permitted || (owner && m->owner != owner))
			continue;
		c->survivors++;
		act_unkillable(s, c->wait_span, m, now);
	}
}

void act_strangers(struct supervisor *s, int64_t now)
{
	for (size_t i = 0; i < s->tree.n; i++) {
		struct member *m = &s->tree.m[i];

		if (m->st.state != 'Z' && !tree_spares(&s->tree, m) && !m->not_permitted && !m->given_up)
			act_unkillable(s, s->run->dispatch_span, m, now);
	}
}

/* The command's own end, in contract 3's numbers. */
static int act_exit_code(const struct supervisor *s, const struct command *c)
{
	if (c->phase == COMMAND_FAILED)
		return 125;
	if (c->spawn_errno)
		return c->spawn_errno == ENOENT ? 127 : 126;
	if (watchdog_ended_it(&c->wd))
		return 124;
	if (c->wd.cause == WD_CAUSE_LOST)
		return 125;
	if (c->wd.cause == WD_CAUSE_CANCEL)
		return 128 + (s->cancel_signal ? s->cancel_signal : SIGTERM);
	if (!command_has_exited(c))
		return 125;
	return WIFSIGNALED(c->wait_status) ? 128 + WTERMSIG(c->wait_status) : WEXITSTATUS(c->wait_status);
}

struct act_verdict {
	enum span_status status;
	enum err_category category;
	enum token token;
	char message[256];
};

static void act_judge(const struct supervisor *s, const struct command *c, int code, struct act_verdict *v)
{
	v->status = watchdog_status(&c->wd);
	v->category = CATEGORY_NONE;
	v->token = c->wd.token;
	v->message[0] = '\0';
	if (c->spawn_errno) {
		v->status = STATUS_ERROR;
		v->category = code == 127 ? CATEGORY_NOT_FOUND : CATEGORY_NOT_EXECUTABLE;
		snprintf(v->message, sizeof(v->message), "cannot be executed: %s", strerror(c->spawn_errno));
	} else if (watchdog_ended_it(&c->wd)) {
		v->category = CATEGORY_WATCHDOG;
		snprintf(v->message, sizeof(v->message), "ended by the watchdog: %s",
			 v->token ? token_text[v->token] : "the outer deadline is near");
	} else if (c->wd.cause == WD_CAUSE_CANCEL) {
		v->category = CATEGORY_CANCELLED;
		snprintf(v->message, sizeof(v->message), "cancelled by signal %d", s->cancel_signal);
	} else if (c->wd.cause == WD_CAUSE_LOST) {
		v->category = CATEGORY_SUPERVISOR_LOST;
		snprintf(v->message, sizeof(v->message), "one of spec-runner's own processes died");
	} else if (code != 0) {
		v->status = STATUS_ERROR;
		v->category = WIFSIGNALED(c->wait_status) ? CATEGORY_SIGNAL : CATEGORY_EXIT;
		if (v->category == CATEGORY_SIGNAL)
			snprintf(v->message, sizeof(v->message), "killed by signal %d", WTERMSIG(c->wait_status));
		else
			snprintf(v->message, sizeof(v->message), "exited with code %d", code);
	}
}

/* What may stay running is recorded, and nothing else happens to it. */
static void act_left_running(struct supervisor *s, struct command *c, int64_t now)
{
	uint32_t owner = act_owner(s, c);

	if (!s->tree.leave_running.n || s->tree.spare_none)
		return;
	tree_scan(&s->tree, true, &s->hooks);
	for (size_t i = 0; i < s->tree.n; i++) {
		const struct member *m = &s->tree.m[i];

		if (m->st.state != 'Z' && m->allowed && !m->foreign && (!owner || m->owner == owner))
			act_survivor(s, c->wait_span, m, "left_running", now);
	}
}

static void act_end_spans(struct supervisor *s, struct command *c, const struct act_verdict *v, int code, int64_t now)
{
	auto_attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_int(&a, "exit_code", code);
	trace_span_end(s->run->trace, c->wait_span, v->status, v->category, v->message, v->token, now, &a);
	trace_span_end(s->run->trace, c->exec_span, v->status, v->category, v->message, v->token, now, &a);
}

/* It was never there: its span has ended already, with the reason. */
static void act_finish_failed(struct supervisor *s, struct command *c, int64_t now)
{
	struct command_result r = { .exit_code = 125, .status = STATUS_ERROR, .category = CATEGORY_SPAWN,
				    .message = "it could not be started", .spawn_errno = c->spawn_errno };

	supervisor_command_done(s, c, &r, now);
}

/* Tests that ran when the command ended by itself; and an exit code of 0 that came too early. */
static void act_tests_end(struct supervisor *s, struct command *c, struct command_result *r, int64_t now)
{
	char why[120];

	if (command_is_mute(c) || c->wd.cause != WD_CAUSE_NONE || !command_has_exited(c))
		return;
	if (r->exit_code == 0 && tests_ended_early(&c->tests)) {
		s->run->concerns = s->run->looked = true;
		tests_tell_early(&c->tests, s->run->o->require_complete, now);
		r->exit_code = s->run->o->require_complete ? 1 : 0;
	} else if (r->exit_code == 0) {
		return;
	}
	if (r->signal)
		snprintf(why, sizeof(why), "the command was killed by signal %d (SIG%s) while it ran", r->signal,
			 signal_abbrev(r->signal) ? signal_abbrev(r->signal) : "?");
	else
		snprintf(why, sizeof(why), "the command ended with exit code %d while it ran", WEXITSTATUS(c->wait_status));
	tests_abandon(&c->tests, why, r->signal ? CATEGORY_SIGNAL : CATEGORY_EXIT, now);
}

static void act_finish(struct supervisor *s, struct command *c, int64_t now)
{
	struct command_result r = {
		.exit_code = act_exit_code(s, c),
		.signal = command_has_exited(c) && WIFSIGNALED(c->wait_status) ? WTERMSIG(c->wait_status) : 0,
		.ended_by_watchdog = watchdog_ended_it(&c->wd),
		.cancelled = c->wd.cause == WD_CAUSE_CANCEL,
		.lost = c->wd.cause == WD_CAUSE_LOST,
		.tokens = c->tokens,
		.duration_ns = now - c->start_ns,
		.out = str_cstr(&c->stream[STREAM_OUT].kept), .out_bytes = c->stream[STREAM_OUT].kept.len,
		.err = str_cstr(&c->stream[STREAM_ERR].kept), .err_bytes = c->stream[STREAM_ERR].kept.len,
		.out_total = stream_total(&c->stream[STREAM_OUT]),
		.err_total = stream_total(&c->stream[STREAM_ERR]),
		.leaked = c->leaked,
		.spawn_errno = c->spawn_errno,
	};
	struct act_verdict v;

	command_tests(s, c, true, now);
	act_tests_end(s, c, &r, now);
	tests_totals(&c->tests, &r.tests, &r.tests_failed);
	act_left_running(s, c, now);
	act_judge(s, c, r.exit_code, &v);
	if (r.exit_code != 0 && !command_is_mute(c))
		/* the kernel counts kills of the whole machine: one that we have ended was not among them */
		machine_record(s->run->trace, c->wait_span,
			       r.signal == SIGKILL && c->wd.cause == WD_CAUSE_NONE ? s->ticks.oom_kills : -1,
			       c->spec.argv[0], s->run->paths.artifacts, now);
	r.status = v.status;
	r.category = v.category;
	r.message = v.message[0] ? v.message : NULL;
	r.token = v.token;
	act_end_spans(s, c, &v, r.exit_code, now);
	if (c->spawn_errno)
		say_always(s->run, "'%s' cannot be executed: %s", c->spec.argv[0], strerror(c->spawn_errno));
	supervisor_command_done(s, c, &r, now);
}

static void act_close_streams(struct supervisor *s, struct command *c, int64_t now)
{
	for (int i = 0; i < STREAM_COUNT; i++)
		command_read(s, c, i, now);
	c->streams_done = true;
}

/* True where the command has ended, and is freed. */
static bool act_carry_out(struct supervisor *s, struct command *c, int64_t now)
{
	struct wd_out out = c->pending;
	uint32_t acts = out.actions;

	c->pending = (struct wd_out){ .actions = 0 };
	if (c->phase == COMMAND_FAILED) {
		act_finish_failed(s, c, now);
		return true;
	}
	if (acts & WD_LIMIT || (c->wd.cause == WD_CAUSE_DEADLINE && acts & WD_DIAGNOSE))
		act_limit(s, c, &out, now);
	if (acts & WD_WORD)
		act_word(s, c);
	if (acts & WD_BUSY)
		act_busy(s, c, &out, now);
	if (acts & WD_STALL)
		act_stall(s, c, &out, now);
	if (acts & WD_DRAIN_OVER)
		act_drain_over(s, c, now);
	if (acts & WD_LEFTOVERS)
		act_leftovers(s, c, now);
	if (acts & (WD_HAND_OVER | WD_TERM | WD_KILL))
		act_freeze_tests(c, now);
	if (acts & WD_HAND_OVER)
		act_hand_over(s, c, out.signal, now);
	if (acts & WD_TERM)
		act_end(s, c, false, now);
	if (acts & WD_KILL)
		act_end(s, c, true, now);
	if (acts & WD_SWEEP)
		act_sweep(s, c, now);
	if (acts & WD_SURVIVORS)
		act_survivors(s, c, now);
	if (acts & WD_CLOSE_STREAMS)
		act_close_streams(s, c, now);
	if (acts & WD_DIAGNOSE && !(acts & WD_FINISH))
		act_diagnose(s, c, now);
	if (acts & WD_FINISH)
		act_finish(s, c, now);
	return acts & WD_FINISH;
}

static void settle_asked(struct supervisor *s, int64_t now)
{
	enum asked asked = s->asked;

	s->asked = ASKED_NOTHING;
	if (asked == ASKED_NOTHING)
		return;
	show_tell(s, now);
	if (asked == ASKED_LOOK) /* into the tree, too, recorded in the trace */
		each_command(s, c)
			act_look(s, c, now);
}

/* Carrying something out of one may make something of another pending: an exit that was reaped meanwhile. */
int supervisor_settle(struct supervisor *s, int64_t now)
{
	int ended = 0;
	bool again;

	settle_asked(s, now);
	do {
		again = false;
		for (int i = 0; i < s->slots; i++) {
			if (!s->command[i] || !s->command[i]->pending.actions)
				continue;
			again = true;
			ended += act_carry_out(s, s->command[i], now);
		}
	} while (again);
	act_unreadable(s, now);
	return ended;
}

void act_warn_runner(struct supervisor *s, int64_t now)
{
	const struct trace_totals *tot = trace_totals(s->run->trace);
	struct attrs a = { 0 };

	attrs_init(&a, s->run->trace);
	attrs_ms(&a, "idle_ms", now - s->watch.last_ns);
	attrs_int(&a, "threshold_ms", s->run->o->profile_stall_threshold_ms);
	attrs_word(&a, "last_progress", tot->last_progress);
	trace_event(s->run->trace, s->run->total_span, EVENT_STALL_WARNING, now, &a);
	attrs_init(&a, s->run->trace);
	attrs_ms(&a, "idle_ms", now - s->watch.last_ns);
	attrs_int(&a, "threshold_ms", s->run->o->profile_stall_threshold_ms);
	tick_window_attrs(s, &s->ticks.all, now - s->watch.last_ns, false, now, &a);
	trace_watchdog(s->run->trace, s->run->total_span, TOKEN_STALL_RUNNER, now, &a);
	s->run->concerns = true;
	attrs_release(&a);
}
