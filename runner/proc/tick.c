/* SPDX-License-Identifier: Apache-2.0 */
/* tick.c - see tick.h. */
#include "runner/proc/tick.h"
#include "runner/proc/kernel.h"

#include "base/clock.h"
#include "runner/proc/command.h"
#include "runner/proc/machine.h"
#include "runner/proc/supervisor_state.h"

#include <string.h>
#include <unistd.h>

#define TICK_NS (1000 * NS_PER_MS)
#define TICK_MIN_NS (20 * NS_PER_MS)
#define BEAT_PROCESSES 8 /* named in one heartbeat */

static int64_t tick_interval(const struct options *o)
{
	int64_t every = TICK_NS, stall = clock_ms_to_ns(o->liveness_stall_ms);

	/* short limits (in tests, say) want finer looks: a new process must count in time */
	if (stall / 4 < every)
		every = stall / 4;
	return every < TICK_MIN_NS ? TICK_MIN_NS : every;
}

void tick_init(struct supervisor *s, int64_t now_ns)
{
	const struct options *o = s->run->o;
	struct ticks *t = &s->ticks;

	t->oom_kills = -1;
	t->every_ns = tick_interval(o);
	t->due_ns = o->liveness_level == LIVENESS_OFF ? TIME_NEVER : now_ns + t->every_ns;
	t->beat_due_ns = trace_level(s->run->trace) >= LEVEL_DETAILED ?
				 now_ns + clock_ms_to_ns(o->profile_heartbeat_ms) : TIME_NEVER;
}

int64_t tick_due(const struct supervisor *s)
{
	const struct ticks *t = &s->ticks;

	if (!s->active)
		return TIME_NEVER;
	return t->due_ns < t->beat_due_ns ? t->due_ns : t->beat_due_ns;
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
		auto_attrs one = { 0 };
		char state[2] = { top[i]->st.state, 0 };

		attrs_init(&one, s->run->trace);
		attrs_int(&one, "pid", top[i]->pid);
		attrs_str(&one, "comm", top[i]->st.comm);
		attrs_word(&one, "state", state);
		attrs_ms(&one, "cpu_ms", proc_stat_cpu_ns(&top[i]->st));
		attrs_int(&one, "rss_bytes", top[i]->st.rss_bytes);
		str_addf(&list, "%s{%s}", i ? "," : "", str_cstr(&one.json));
	}
	str_addc(&list, ']');
	attrs_raw(a, "top", str_cstr(&list));
	for (size_t i = 0; i < s->tree.n; i++)
		s->tree.m[i].beat_cpu_ns = proc_stat_cpu_ns(&s->tree.m[i].st);
}

static void tick_heartbeat(struct supervisor *s, int64_t now_ns)
{
	span_id span = s->run->dispatch_span;
	auto_attrs a = { 0 };

	if (s->active == 1) {
		each_command(s, c)
			if (command_span(c))
				span = command_span(c);
	}
	attrs_init(&a, s->run->trace);
	attrs_ms(&a, "idle_ms", now_ns - s->watch.last_ns);
	attrs_int(&a, "running", s->active);
	attrs_int(&a, "processes", (int64_t)s->tree.alive);
	attrs_ms(&a, "cpu_ms", s->tree.totals.cpu_ns);
	attrs_int(&a, "rss_bytes", s->tree.rss_bytes);
	tick_per_process(s, &a);
	trace_event(s->run->trace, span, EVENT_HEARTBEAT, now_ns, &a);
}

/* One walk serves a tick and a heartbeat where they are due together. */
static void tick_next(struct supervisor *s, bool beat, int64_t every, int64_t now_ns)
{
	struct ticks *t = &s->ticks;

	if (beat) {
		t->beat_due_ns = now_ns + clock_ms_to_ns(s->run->o->profile_heartbeat_ms);
		if (t->beat_due_ns < now_ns + every && every > t->every_ns)
			t->beat_due_ns = now_ns + every;
	}
	if (t->due_ns == TIME_NEVER)
		return;
	t->due_ns = now_ns + every;
	if (t->beat_due_ns > t->due_ns && t->beat_due_ns - t->due_ns < every / 4)
		t->due_ns = t->beat_due_ns;
}

void tick_time(struct supervisor *s, int64_t now_ns)
{
	bool beat = now_ns >= s->ticks.beat_due_ns;
	int64_t began, pressure, every = s->ticks.every_ns;

	if (now_ns < tick_due(s))
		return;
	began = clock_mono_ns();
	if (s->ticks.oom_kills < 0)
		s->ticks.oom_kills = machine_oom_kills();
	tree_scan(&s->tree, true, &s->hooks);
	/* a large tree on a busy machine: looking may take a fiftieth of the time, no more */
	if ((clock_mono_ns() - began) * 50 > every)
		every = (clock_mono_ns() - began) * 50;
	pressure = use_pressure();
	use_remember(&s->ticks.all, pressure, now_ns);
	each_command(s, c) {
		use_remember(command_use(c), pressure, now_ns);
		command_busy(s, c, now_ns);
		if (command_has_new_process(c))
			supervisor_progress(s, c, "process", now_ns);
		command_io_totals(s, c, now_ns);
	}
	if (beat)
		tick_heartbeat(s, now_ns);
	tick_next(s, beat, every, now_ns);
}

void tick_window_attrs(struct supervisor *s, const struct use *u, int64_t window_ns, bool busy, int64_t now_ns,
		       struct attrs *a)
{
	struct window_facts f;

	tree_scan(&s->tree, true, &s->hooks);
	use_window(u, window_ns, !busy, now_ns, &f);
	attrs_ms(a, "window_ms", f.window_ns);
	attrs_ms(a, "window_cpu_ms", f.cpu_ns);
	attrs_ms(a, "window_run_delay_ms", f.run_delay_ns);
	attrs_ms(a, "window_cpu_pressure_ms", f.cpu_pressure_ns);
	attrs_int(a, "cpus", f.cpus);
	attrs_word(a, "verdict", busy ? "busy" : liveness_verdict(&f));
	if (busy)
		attrs_word(a, "busy", liveness_verdict(&f));
}
