/* SPDX-License-Identifier: Apache-2.0 */
/* sim_supervisor.c - a million random runs of the whole supervisor (supervisor, command, act, tick, tree, stream and the
 * watchdog below them) on a machine of its own: fake_kernel.h. Work, its limits, what its processes do, cancels, lost
 * messages, the death of either of our processes, all from one seed.
 *
 * After each run the oracle asks: did it end, and each command once, with the code that it must have? Was every limit met?
 * Is nobody of the tree alive who is not named in the record? Was nothing recorded on a span that had ended, nor after the
 * loop? Is every descriptor closed, and forgotten before? Freed memory is overwritten (M_PERTURB), so that a use of it
 * shows; `make san` runs the same under AddressSanitizer.
 *
 * usage: sim_supervisor [RUNS [FIRST_SEED]] */
#include "tests/sim/fake_kernel.h"

#include "profile/proc/slow_read.h"
#include "runner/proc/act.h"
#include "runner/proc/command.h"
#include "runner/proc/command_state.h"
#include "runner/proc/machine.h"
#include "runner/proc/show.h"
#include "runner/proc/supervisor.h"
#include "runner/proc/supervisor_state.h"
#include "tests/tap.h"

#include <malloc.h>
#include <sys/socket.h>
#include <stdio.h>

enum { RUNS = 1000000, WORKS_MAX = 4, SPANS_MAX = 64 };
/* Of ours, beside what was configured: turns of the loop, rounds of killing, reading on. */
#define SLACK_NS (400 * MS)

struct work {
	bool started, done, early, early_must;
	int process, code, signal;
	int64_t start_ns, done_ns, limit_ns, exit_ns, early_ns; /* early_ns: its chain has used up its time; TIME_NEVER */
	struct command_result r;
};

static struct {
	struct options o;
	struct proc_setup setup;
	struct context run;
	struct shared *shared;
	struct work work[WORKS_MAX];
	int n_works, next, running;
	bool take_over, ended, loop_over;
	int code;
	span_id last_span;
	bool span_open[SPANS_MAX];
	unsigned tokens[TOKEN_COUNT];
	unsigned ends[PROCS_MAX]; /* by process: how often its end was recorded */
	bool hears_cancel;
} life;

static struct { unsigned long ended, cancelled, lost, watchdog, taken, kills, survivors, failed; } met;

/* --- services that record and say --- */

static struct { int64_t pid; const char *state, *reason; } attr;
static struct trace_totals totals;

void attrs_init(struct attrs *a, struct trace *t) { (void)a; (void)t; attr.pid = 0; attr.state = attr.reason = ""; }
void attrs_release(struct attrs *a) { (void)a; }
void attrs_ms(struct attrs *a, const char *key, int64_t ns) { (void)a; (void)key; (void)ns; }
void attrs_bool(struct attrs *a, const char *key, bool v) { (void)a; (void)key; (void)v; }
void attrs_str(struct attrs *a, const char *key, const char *v) { (void)a; (void)key; (void)v; }
void attrs_strv(struct attrs *a, const char *key, char *const v[]) { (void)a; (void)key; (void)v; }
void attrs_raw(struct attrs *a, const char *key, const char *json) { (void)a; (void)key; (void)json; }
void attrs_cut(struct attrs *a, const char *key, const char *v, size_t limit) { (void)a; (void)key; (void)v; (void)limit; }
void attrs_int_n(struct attrs *a, const char *key, size_t n, int64_t v)
{
	(void)a;
	if (n == 3 && memcmp(key, "pid", 3) == 0)
		attr.pid = v;
}
void attrs_word(struct attrs *a, const char *key, const char *v)
{
	(void)a;
	if (strcmp(key, "state") == 0)
		attr.state = v;
	else if (strcmp(key, "reason") == 0)
		attr.reason = v;
}

static void recorded(span_id span)
{
	if (life.loop_over)
		fault("a record after the loop had ended");
	if (span >= SPANS_MAX || !life.span_open[span])
		fault("a record on a span that is not open");
}

void trace_event(struct trace *t, span_id span, enum event_kind kind, int64_t now_ns, const struct attrs *a)
{
	struct fake_process *p;

	(void)t;
	(void)a;
	(void)now_ns;
	recorded(span);
	p = process_of((pid_t)attr.pid);
	if (kind != EVENT_SUBPROCESS_STATE || !p)
		return;
	if (strcmp(attr.state, proc_state_text[PROC_SURVIVOR]) == 0) {
		p->named = true;
		if (strcmp(attr.reason, "unkillable") == 0 && !p->killed)
			fault("one that was never killed is called unkillable");
	}
	if (strcmp(attr.state, proc_state_text[PROC_EXIT]) == 0 || strcmp(attr.state, proc_state_text[PROC_SIGNALED]) == 0)
		life.ends[p - fake.p]++;
}

void trace_watchdog(struct trace *t, span_id span, enum token token, int64_t now_ns, const struct attrs *a)
{
	(void)t;
	(void)now_ns;
	(void)a;
	recorded(span);
	talk("token %s", token_text[token]);
	life.tokens[token]++;
}

void trace_checkpoint(struct trace *t, span_id span, enum checkpoint cp, int64_t now_ns, const struct attrs *a)
{
	(void)t;
	(void)now_ns;
	(void)a;
	talk("checkpoint %s", checkpoint_text[cp]);
	recorded(span);
}

span_id trace_span_begin(struct trace *t, span_id parent, enum span_name name, const char *phase, int64_t now_ns,
			 const struct attrs *a)
{
	(void)t;
	(void)name;
	(void)phase;
	(void)now_ns;
	(void)a;
	recorded(parent);
	if (++life.last_span >= SPANS_MAX)
		fault("too many spans");
	life.span_open[life.last_span] = true;
	return life.last_span;
}

void trace_span_end(struct trace *t, span_id id, enum span_status status, enum err_category category, const char *message,
		    enum token token, int64_t now_ns, const struct attrs *a)
{
	(void)t;
	(void)status;
	(void)category;
	(void)message;
	(void)token;
	(void)now_ns;
	(void)a;
	if (id == 0)
		return; /* it could not be recorded, or was never begun */
	recorded(id);
	life.span_open[id] = life.take_over && id == life.run.dispatch_span;
}

enum level trace_level(const struct trace *t) { (void)t; return (enum level)life.o.profile_level; }
const char *trace_path(const struct trace *t) { (void)t; return "journal"; }
struct trace_totals *trace_totals(struct trace *t) { (void)t; return &totals; }
void trace_progress(struct trace *t, const char *what, int64_t at_ns) { (void)t; (void)what; (void)at_ns; }
void trace_traceparent(const struct trace *t, span_id id, char out[TRACEPARENT_SIZE])
{
	(void)t;
	out[0] = (char)('a' + id / 26 % 26); /* no printf: this is called often */
	out[1] = (char)('a' + id % 26);
	out[2] = '\0';
}
void redact_text(struct redactor *r, const char *s, size_t n, struct str *out) { (void)r; str_addn(out, s, n); }
void redactor_learn_env(struct redactor *r, char *const envp[]) { (void)r; (void)envp; }
void redactor_learn_argv(struct redactor *r, char *const argv[]) { (void)r; (void)argv; }
void say(struct context *c, const char *fmt, ...) { (void)c; (void)fmt; }
void say_always(struct context *c, const char *fmt, ...) { (void)c; (void)fmt; }

/* --- services that look at the machine or the terminal --- */

ssize_t proc_slow_read(pid_t pid, const char *name, size_t max, char **out)
{
	const struct fake_process *p = process_of(pid);

	(void)max;
	*out = NULL;
	if (!p || (strcmp(name, "cmdline") == 0 && one_in(16))) {
		errno = ETIMEDOUT;
		return -1;
	}
	if (strcmp(name, "environ") == 0)
		*out = xasprintf("TRACEPARENT=%s", p->traceparent[0] ? p->traceparent : "none");
	else
		*out = xstrdup("program");
	return (ssize_t)strlen(*out);
}
void proc_slow_forbid(void) { }
size_t proc_stuck_new(struct proc_stuck *out, size_t max) { (void)out; (void)max; return 0; }
void proc_wchan_read(pid_t pid, pid_t tid, char *out, size_t size) { (void)pid; (void)tid; (void)size; out[0] = '\0'; }
int proc_argv_read(pid_t pid, struct strv *out) { (void)pid; (void)out; return -1; }
int proc_link_read(pid_t pid, const char *name, char *out, size_t size)
{
	(void)pid; (void)name; (void)out; (void)size;
	return -1;
}
int proc_all(struct pid_list *out) { (void)out; return -1; }
int proc_pressure_read(const char *path, struct proc_pressure *p) { (void)path; (void)p; return -1; }
int64_t machine_oom_kills(void) { return 0; }
void machine_record(struct trace *t, span_id span, int64_t before, const char *comm, const char *artifacts, int64_t now_ns)
{
	(void)t; (void)before; (void)comm; (void)artifacts; (void)now_ns;
	recorded(span);
}
int socket(int domain, int type, int protocol) { (void)domain; (void)type; (void)protocol; errno = EAFNOSUPPORT; return -1; }

ssize_t outlet_write(struct outlet *o, const void *p, size_t n)
{
	(void)o;
	(void)p;
	if (fake.outlet_blocked)
		return 0;
	if (one_in(200)) {
		fake.outlet_blocked = fake.ever_blocked = true;
		happen(fake.now + below(300) * MS, H_OUTLET, 0, 0);
		return 0;
	}
	return (ssize_t)n;
}

void show_init(struct supervisor *s, int64_t now_ns) { (void)s; (void)now_ns; }
void show_close(struct supervisor *s) { (void)s; }
void show_output(struct supervisor *s, int which, int64_t now_ns) { (void)s; (void)which; (void)now_ns; }
void show_progress(struct supervisor *s, int64_t now_ns) { (void)s; (void)now_ns; }
int64_t show_due(struct supervisor *s) { (void)s; return TIME_NEVER; }
void show_time(struct supervisor *s, int64_t now_ns) { (void)s; (void)now_ns; }
void show_window(struct supervisor *s, bool in_front, int64_t now_ns) { (void)s; (void)in_front; (void)now_ns; }
void show_pause(struct supervisor *s) { (void)s; }
void show_tell(struct supervisor *s, int64_t now_ns) { (void)s; (void)now_ns; }

/* --- memory: what is freed is overwritten and kept until the end of the run, so that a use of it shows --- */

#if !defined(__SANITIZE_ADDRESS__)
extern void __libc_free(void *p);
enum { QUARANTINE = 16 };
static struct { void *p[QUARANTINE]; int n; } freed;

void free(void *p)
{
	if (!p || malloc_usable_size(p) < sizeof(struct command) || malloc_usable_size(p) > sizeof(struct command) + 64 ||
	    freed.n == QUARANTINE) {
		__libc_free(p);
		return;
	}
	for (int i = 0; i < freed.n; i++)
		if (freed.p[i] == p)
			fault("a command is freed twice");
	memset(p, 0xa5, sizeof(struct command));
	freed.p[freed.n++] = p;
}

static bool freed_is_untouched(void)
{
	bool same = true;

	for (; freed.n > 0; freed.n--) {
		const unsigned char *b = freed.p[freed.n - 1];

		for (size_t i = 0; i < sizeof(struct command); i += 8)
			same &= *(const uint64_t *)(b + i) == UINT64_C(0xa5a5a5a5a5a5a5a5);
		__libc_free(freed.p[freed.n - 1]);
	}
	return same;
}
#else
static bool freed_is_untouched(void) { return true; }
#endif

/* --- the work --- */

static char *const argv_of_all[] = { "work", NULL };

static enum work_next work_next(void *ctx, struct command_spec *spec, int64_t now_ns)
{
	struct work *w = &life.work[life.next];

	(void)ctx;
	if (life.next == life.n_works)
		return WORK_END;
	if (++life.running > life.setup.jobs)
		fault("more commands at once than asked for");
	if (fake.cancel_ns >= 0 && now_ns > fake.cancel_ns + 100 * MS)
		fault("a command is started after a cancel");
	*spec = (struct command_spec){ .argv = argv_of_all, .env_clean = true, .parent = life.run.dispatch_span, .user = w,
				       .capture = life.setup.jobs > 1, .capture_max_bytes = 1024, .limit_ns = w->limit_ns,
				       .limit_token = TOKEN_SUBPROCESS_WAIT };
	w->started = true;
	w->start_ns = now_ns;
	talk("command %d starts, limit %d ms", life.next, (int)(w->limit_ns / MS));
	life.next++;
	fake.spawn_fails = one_in(40);
	fake.exec_fails = one_in(40);
	return WORK_START;
}

static void work_done(void *ctx, void *user, const struct command_result *r, int64_t now_ns)
{
	struct work *w = user;

	(void)ctx;
	if (!w->started || w->done)
		fault("a command is done twice, or was never started");
	life.running--;
	if (life.setup.jobs == 1 && fake.empty_ns >= 0 && now_ns > fake.empty_ns + 60 * MS && !fake.ever_blocked && w->process >= 0)
		fault("it went on long after nobody was left");
	/* (what a daemon that may stay starts later is nobody's) */
	for (int i = 0; w->process >= 0 && !life.o.leave_running.n && i < fake.n; i++) {
		const struct fake_process *p = &fake.p[i];

		if (lives(p) && p->state != 'D' && !p->stranger && !p->named && p->traceparent[0] &&
		    strcmp(p->traceparent, fake.p[w->process].traceparent) == 0)
			fault("a command is done, and one of its processes lives on");
	}
	for (int i = 0; life.n_works == 1 && i < fake.n; i++)
		if (fake.p[i].state == 'D' && !fake.p[i].named && !fake.p[i].stranger)
			fault("a command ends before what does not die of it is named");
	w->done = true;
	w->done_ns = now_ns;
	w->r = *r;
	talk("command %d done: code %d%s%s%s", (int)(w - life.work), r->exit_code, r->ended_by_watchdog ? ", watchdog" : "",
	     r->cancelled ? ", cancelled" : "", r->lost ? ", lost" : "");
	met.watchdog += r->ended_by_watchdog;
	met.cancelled += r->cancelled;
	met.lost += r->lost;
	met.failed += r->exit_code == 125;
}

static int work_end(void *ctx, bool interrupted, int64_t now_ns)
{
	(void)ctx;
	(void)interrupted;
	(void)now_ns;
	if (life.ended)
		fault("the work has ended twice");
	life.ended = true;
	return 0;
}

static int64_t work_due(void *ctx)
{
	int64_t due = TIME_NEVER;

	(void)ctx;
	for (int i = 0; i < life.next; i++)
		if (!life.work[i].done && !life.work[i].early && life.work[i].early_ns < due)
			due = life.work[i].early_ns;
	return due;
}

static void *work_end_early(void *ctx, enum token *token)
{
	(void)ctx;
	*token = TOKEN_CASE_CHAIN;
	for (int i = 0; i < life.next; i++) {
		struct work *w = &life.work[i];

		if (w->done || w->early || fake.now < w->early_ns)
			continue;
		w->early = true;
		w->early_must = w->process >= 0 && lives(&fake.p[w->process]) && !fake.p[w->process].signalled &&
				fake.cancel_ns < 0 && !fake.front_dead;
		return w;
	}
	return NULL;
}

static struct supervisor *volatile now_living;

/* Before each wait: nothing is left to be done, and what the front was told holds. */
static void promised(int64_t due_ns)
{
	int64_t must = atomic_load(&life.shared->pulse.must_ns);

	each_command(now_living, c)
		if (c->pending.actions)
			fault("it waits with something to do");
	if (life.next == life.n_works && !life.running && now_living->phase == RUN_WAITING)
		fault("it waits although everything is done");
	if (must < due_ns)
		fault("the front was promised a turn that is not due");
	for (int i = 0; i < life.n_works; i++)
		if (life.work[i].started && !life.work[i].done && life.work[i].limit_ns && must == TIME_NEVER)
			fault("the front does not know that a limit is due");
}

static const struct work_ops ops = { .next = work_next, .done = work_done, .end = work_end, .due = work_due,
				     .end_early = work_end_early };

/* What the command that was just spawned will do. */
static void spawned(int at)
{
	struct fake_process *p = &fake.p[at];
	struct work *w = &life.work[life.next - 1];
	int64_t t = fake.now;

	w->process = at;
	p->term_ms = one_in(4) ? NEVER_MS : below(60);
	p->int_ms = one_in(3) ? NEVER_MS : below(60);
	p->kill_us = one_in(300) ? NEVER_MS : one_in(4) ? below(2000) : 0;
	if (one_in(3))
		p->busy_since = t;
	if (!lives(p))
		return;
	w->code = one_in(3) ? below(4) : 0;
	if (!one_in(5)) {
		w->signal = one_in(12) ? SIGSEGV : 0;
		w->exit_ns = t + below(400) * MS;
		happen(w->exit_ns, w->signal ? H_DIE : H_EXIT, at, w->signal ? w->signal : w->code);
	}
	for (int i = below(4); i > 0; i--)
		happen(t + below(300) * MS, H_WRITE, at, 1 + below(300));
	for (int i = one_in(2) ? below(3) : 0; i > 0; i--)
		happen(t + below(200) * MS, H_FORK, at, 0);
}

/* --- a run --- */

static void options_random(struct options *o)
{
	o->liveness_level = below(3);
	o->liveness_stall_ms = one_in(2) ? 30000 : 50 + below(300);
	o->liveness_busy_ms = one_in(2) ? 0 : 100 + below(600);
	o->liveness_min_events = 1;
	o->liveness_hard_cap_ms = one_in(3) ? 100 + below(600) : 60000;
	o->liveness_kill_grace_ms = below(150);
	o->drain_ms = below(200);
	o->diagnose_ms = one_in(4) ? 0 : below(100);
	o->profile_level = one_in(3) ? LEVEL_DETAILED : LEVEL_BASIC;
	o->profile_heartbeat_ms = 100;
	o->profile_stall_threshold_ms = 200;
	o->first_signal = one_in(4) ? SIGINT : SIGTERM;
	o->dialect = "none";
	o->quiet = true;
	o->leave_running = (struct strv){ .n = 0 };
	if (one_in(6))
		strv_add(&o->leave_running, "daemon");
}

static void world_random(uint64_t seed)
{
	memset(&fake, 0, offsetof(__typeof__(fake), happened));
	fake.rng = seed * 0x2545f4914f6cdd1du + 1;
	fake.now = fake.start = NS_PER_S + below(1000) * MS;
	fake.self = SUPERVISOR_PID;
	fake.next_pid = FIRST_PID;
	fake.cancel_ns = -1;
	fake.supervisor_died_ns = -1;
	fake.spawned = spawned;
	fake.promised = promised;
	fake.fault = NULL;
	for (int i = one_in(4) ? 1 + below(3) : 0; i > 0; i--)
		happen(fake.start + below(500) * MS, H_MESSAGE, MSG_CANCEL, one_in(2) ? SIGTERM : SIGINT);
	for (int i = one_in(6) ? 1 + below(2) : 0; i > 0; i--)
		happen(fake.start + below(400) * MS, H_MESSAGE, MSG_ASK, below(2));
	if (one_in(12))
		happen(fake.start + below(500) * MS, H_MESSAGE, MSG_DIAGNOSED, 1 + below(3));
	if (one_in(12))
		happen(fake.start + below(500) * MS, H_MESSAGE, MSG_PARENT, 0);
	happen(fake.start + 3000 * MS, H_MESSAGE, MSG_CANCEL, SIGTERM); /* nobody lives for ever */
	if (one_in(10))
		happen(fake.start + below(500) * MS, H_FRONT_DIES, 0, 0);
	else if (one_in(16))
		happen(fake.start + below(500) * MS, H_SUPERVISOR_DIES, 0, 0);
	for (int i = one_in(3) ? 1 + below(3) : 0; i > 0; i--)
		happen(fake.start + below(600) * MS, H_STRANGER, 0, 0);
}

static void life_random(uint64_t seed)
{
	struct shared *shared = life.shared;

	strv_release(&life.o.leave_running);
	memset(&life, 0, sizeof(life));
	life.shared = shared;
	memset(&shared->pulse, 0, sizeof(shared->pulse));
	atomic_store(&shared->pulse.must_ns, TIME_NEVER);
	atomic_store(&shared->any_spawned, 0);
	atomic_store(&shared->command_pid, 0);
	atomic_store(&shared->guard_pid, -1);
	for (int i = 0; i < STREAM_COUNT; i++) {
		atomic_store(&shared->ring[i].read_total, 0);
		atomic_store(&shared->ring[i].written_total, 0);
	}
	world_random(seed);
	options_random(&life.o);
	life.n_works = 1 + below(one_in(3) ? WORKS_MAX : 2);
	life.setup = (struct proc_setup){ .o = &life.o, .ops = &ops, .jobs = one_in(3) ? 1 + below(3) : 1 };
	life.run = (struct context){ .setup = &life.setup, .o = &life.o, .shared = shared, .link = FD_LINK, .cgroup_fd = -1,
				     .contain = CONTAIN_SUBREAPER, .sampling = { .fd = -1 }, .total_span = 1, .dispatch_span = 2,
				     .start_mono_ns = fake.now, .terminal = { .tty_fd = -1, .master = -1, .master_err = -1 } };
	for (int i = 0; i < STREAM_COUNT; i++)
		life.run.outlet[i].fd = FD_LINK + 1 + i;
	life.span_open[1] = life.span_open[2] = true;
	life.last_span = 2;
	talk("%d works, %d at once, level %d, stall %d, busy %d, cap %d, grace %d, drain %d, look %d ms", life.n_works, life.setup.jobs,
	     life.o.liveness_level, (int)life.o.liveness_stall_ms, (int)life.o.liveness_busy_ms, (int)life.o.liveness_hard_cap_ms,
	     (int)life.o.liveness_kill_grace_ms, (int)life.o.drain_ms, (int)life.o.diagnose_ms);
	for (int i = 0; i < life.n_works; i++) {
		life.work[i] = (struct work){ .process = -1, .exit_ns = TIME_NEVER, .early_ns = TIME_NEVER };
		if (one_in(2))
			life.work[i].limit_ns = (20 + below(400)) * MS;
		if (one_in(20))
			life.work[i].early_ns = fake.start + below(500) * MS;
	}
}

/* Its memory is given back by hand: a process that is killed does not do that. */
static void supervisor_forget(struct supervisor *s)
{
	for (int i = 0; s && i < s->slots; i++)
		if (s->command[i])
			command_free(s, s->command[i]);
	if (s)
		supervisor_free(s);
	fake.n_watches = 0;
}

static void take_over(struct supervisor *dead)
{
	int stream[STREAM_COUNT] = { -1, -1 };
	struct err e;
	struct supervisor *s;

	for (int i = 0; i < STREAM_COUNT; i++) /* the front's duplicates */
		if (dead->active && !life.work[0].r.exit_code && supervisor_next(dead, NULL) &&
		    command_passes_through(supervisor_next(dead, NULL)))
			stream[i] = fd_steal(&supervisor_next(dead, NULL)->stream[i].fd);
	fake.n_watches = 0;
	supervisor_forget(dead);
	fake.self = FRONT_PID;
	fake.supervisor_died_ns = fake.now;
	for (int i = 0; i < fake.n; i++)
		if (exists(&fake.p[i]) && fake.p[i].ppid == SUPERVISOR_PID)
			fake.p[i].ppid = FRONT_PID;
	life.take_over = true;
	life.run.is_front = true;
	life.run.link = -1;
	now_living = s = supervisor_new(&life.run, &e);
	supervisor_take_over(s, stream, fake.start, fake.cancel_ns >= 0 ? SIGTERM : 0);
	met.taken++;
	life.code = supervisor_loop(s);
	life.loop_over = true;
	supervisor_free(s);
}

/* --- the oracle --- */

static int64_t ms(int64_t v) { return v * MS; }

/* From when it is decided that a command ends until it has: looking, TERM, KILL, what does not die. */
static int64_t ending_ns(void)
{
	return ms(life.o.diagnose_ms) + ms(life.o.liveness_kill_grace_ms) + 1500 * MS + SLACK_NS;
}

static const char *judge_code(const struct work *w)
{
	const struct fake_process *p = w->process >= 0 ? &fake.p[w->process] : NULL;
	int own = w->signal ? 128 + w->signal : w->code;

	if (w->r.ended_by_watchdog)
		return w->r.exit_code == 124 ? NULL : "ended by a watchdog, and not 124";
	if (w->r.cancelled)
		return w->r.exit_code >= 128 && fake.cancel_ns >= 0 ? NULL : "cancelled without a cancel";
	if (w->r.lost)
		return w->r.exit_code == 125 && fake.front_dead ? NULL : "lost without a loss";
	if (!p)
		return w->r.exit_code == 125 ? NULL : "it never was, and not 125";
	if (w->r.exit_code == 127)
		return w->r.spawn_errno ? NULL : "127 without a reason";
	return w->r.exit_code == own ? NULL : "its own code was lost";
}

static const char *judge_times(const struct work *w)
{
	int64_t took = w->done_ns - w->start_ns, limit = TIME_NEVER, since = w->exit_ns;

	if (w->limit_ns)
		limit = w->limit_ns;
	if (life.o.liveness_level != LIVENESS_OFF && ms(life.o.liveness_hard_cap_ms) < limit)
		limit = ms(life.o.liveness_hard_cap_ms);
	if (w->early_must && !w->r.ended_by_watchdog && !w->r.cancelled && !w->r.lost && w->exit_ns > fake.start &&
	    w->exit_ns > w->early_ns + 20 * MS)
		return "its chain had ended, and it went on";
	if (w->early && !w->r.cancelled && !w->r.lost && w->done_ns > (w->early_ns > w->start_ns ? w->early_ns : w->start_ns) +
	    ms(life.o.drain_ms) + ending_ns() + 300 * MS)
		return "the end of its chain was not met";
	if (limit != TIME_NEVER && !w->r.cancelled && !w->r.lost && took > limit + ms(life.o.drain_ms) + ending_ns() + 300 * MS)
		return "a limit was not met";
	if (fake.cancel_ns >= 0 && w->done_ns > fake.cancel_ns + 7000 * MS && w->start_ns < fake.cancel_ns)
		return "not over 7 s after a cancel";
	if (since != TIME_NEVER && !w->r.ended_by_watchdog && w->done_ns > since + ms(life.o.drain_ms) + ending_ns() + 700 * MS &&
	    !fake.outlet_blocked && fake.cancel_ns < 0)
		return "it went on long after its end";
	if (w->r.ended_by_watchdog && !w->early && w->limit_ns == 0 && life.o.liveness_level == LIVENESS_OFF)
		return "ended by a watchdog that was off";
	if (w->r.ended_by_watchdog && !w->early && took < 20 * MS)
		return "ended by a watchdog before any limit";
	return NULL;
}

/* Of one that came to its end by itself: everything that it wrote was read, and its end recorded once. */
static const char *judge_record(const struct work *w)
{
	const struct fake_process *p = w->process >= 0 ? &fake.p[w->process] : NULL;

	if (!p)
		return NULL;
	if (life.ends[w->process] > 1)
		return "an end was recorded twice";
	if (!exists(p) && !life.ends[w->process])
		return "an end was not recorded";
	if (life.tokens[TOKEN_KILL_KILLED] && !life.tokens[TOKEN_KILL_TERM])
		return "KILL without TERM";
	if (w->r.ended_by_watchdog && !life.tokens[TOKEN_SUBPROCESS_WAIT] && !life.tokens[TOKEN_HARD_CAP] &&
	    !life.tokens[TOKEN_CASE_CHAIN] && !life.tokens[TOKEN_STALL_SUBPROCESS])
		return "ended by a watchdog without a token";
	if (life.n_works == 1 && !w->r.ended_by_watchdog && !w->r.cancelled && fake.cancel_ns < 0 && !fake.front_dead &&
	    !fake.ever_blocked && !life.tokens[TOKEN_SUBPROCESS_IO_DRAIN])
		for (int i = 0; i < fake.n; i++)
			if (fake.p[i].held && i != w->process)
				return "that somebody held its pipes was not recorded";
	if (w->r.ended_by_watchdog || w->r.cancelled || w->r.lost || life.tokens[TOKEN_SUBPROCESS_IO_DRAIN] ||
	    life.tokens[TOKEN_KILL_TERM] || life.tokens[TOKEN_KILL_KILLED] || fake.cancel_ns >= 0 || fake.front_dead)
		return NULL;
	for (int i = 0; i < STREAM_COUNT; i++)
		if (fake.pipe[p->pipe[i]].bytes)
			return "output was not read";
	if (life.setup.jobs > 1 && w->r.out_total != (uint64_t)fake.pipe[p->pipe[0]].written)
		return "output was not counted";
	return NULL;
}

static const char *judge_works(void)
{
	const char *why = NULL;

	for (int i = 0; i < life.n_works && !why; i++) {
		struct work *w = &life.work[i];

		if (!w->started)
			continue;
		if (!w->done)
			return "a command has no end";
		why = judge_code(w);
		if (!why)
			why = judge_times(w);
		if (!why)
			why = judge_record(w);
	}
	return why;
}

static bool may_stay(const struct fake_process *p)
{
	return life.o.leave_running.n && strcmp(p->comm, "daemon") == 0;
}

static const char *judge_left(void)
{
	for (int i = 0; i < fake.n; i++) {
		const struct fake_process *p = &fake.p[i];

		if (!lives(p) || p->stranger)
			continue;
		met.survivors++;
		if (!p->named && !may_stay(p))
			return p->state == 'D' ? "one that does not die is not named" : "somebody of the tree lives";
	}
	return NULL;
}

static const char *judge(void)
{
	const char *why = life.take_over ? NULL : judge_works();

	if (!freed_is_untouched())
		return "a freed command was written to";
	if (why)
		return why;
	if (!life.take_over && !life.ended)
		return "the work was not told the end";
	if (atomic_load(&life.shared->command_pid) && !life.take_over)
		return "a command is still said to run";
	if (!atomic_load(&life.shared->pulse.finishing))
		return "the front was not told that the loop is over";
	if (life.take_over && life.code != 125 && life.code != 124 && life.code < 128)
		return "a strange code after the loss";
	if (!life.take_over && life.code != (fake.front_dead && life.run.link < 0 ? 125 : fake.cancel_ns >= 0 && life.run.cancelled ?
					     life.code : 0) && life.code < 128)
		return "a strange code of the run";
	for (span_id i = 3; i <= life.last_span; i++)
		if (life.span_open[i] && !life.take_over)
			return "a span was never ended";
	for (int i = 0; i < fake.n_pipes; i++)
		if (fake.pipe[i].read_open || fake.pipe[i].write_open)
			return "a pipe was not closed";
	if (fake.supervisor_died_ns >= 0 && fake.now > fake.supervisor_died_ns + 7000 * MS)
		return "not over 7 s after the loss";
	return judge_left();
}

static const char *live(uint64_t seed)
{
	struct err e;

	life_random(seed);
	now_living = NULL;
	switch (setjmp(fake.out)) {
	case 0:
		now_living = supervisor_new(&life.run, &e);
		life.code = supervisor_loop(now_living);
		life.loop_over = true;
		supervisor_free(now_living);
		break;
	case 1:
		return fake.fault;
	default:
		if (setjmp(fake.out) == 0)
			take_over(now_living);
		else
			return fake.fault;
	}
	met.ended++;
	met.kills += life.tokens[TOKEN_KILL_KILLED] > 0;
	return judge();
}

int main(int argc, char **argv)
{
	unsigned long runs = argc > 1 ? strtoul(argv[1], NULL, 10) : RUNS, done = 0, bad = 0;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	struct err e;

	talking = runs == 1;
	mallopt(M_PERTURB, 0xa5);
	life.shared = shared_new(0, &e);
	if (!life.shared)
		return 1;
	for (; done < runs && bad < 3; done++) {
		const char *why = live(first + done);

		if (!why)
			continue;
		bad++;
		printf("# seed %llu: %s (at %.3f s of it, %d turns)\n", (unsigned long long)(first + done), why,
		       (double)(fake.now - fake.start) / 1e9, fake.steps);
	}
	ok(bad == 0, "%lu runs from seed %llu, %.1f happenings each", done, (unsigned long long)first,
	   (double)fake.happened / (double)(done ? done : 1));
	ok(runs < 10000 || (met.watchdog > runs / 100 && met.cancelled > runs / 100 && met.lost > runs / 200 &&
			    met.taken > runs / 200 && met.kills > runs / 100 && met.failed > runs / 200 && met.survivors > runs / 1000),
	   "every kind of end was met (watchdog %lu, cancelled %lu, lost %lu, taken over %lu, killed %lu, not started %lu, left %lu)",
	   met.watchdog, met.cancelled, met.lost, met.taken, met.kills, met.failed, met.survivors);
	return tap_done();
}
