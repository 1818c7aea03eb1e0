/* SPDX-License-Identifier: Apache-2.0 */
/* pulse.c - see pulse.h. */
#include "runner/proc/pulse.h"

#include "base/clock.h"
#include "profile/proc/process.h"

#include <signal.h>

/* How late a turn may be, and how long it must then have stood still. */
#define LATE_NS (500 * NS_PER_MS)
#define STILL_NS (200 * NS_PER_MS)
/* One that wants a processor and gets none is not lost, for so long. */
#define STARVED_NS (10 * NS_PER_S)
/* Sealing and explaining after a cancel: all is over within 7 s (contract 3). */
#define FINISH_NS (6500 * NS_PER_MS)
/* Nothing wakes us where a limit moves: so often we look. */
#define LOOK_MS 1000

void pulse_init(struct pulse_watch *w)
{
	*w = (struct pulse_watch){ .cancel_ns = TIME_NEVER, .seen_turn_ns = -1 };
}

/* When a turn was, or is, due. */
static int64_t turn_due(const struct pulse_watch *w, const struct shared_pulse *p)
{
	int64_t must = atomic_load(&p->must_ns), turn = atomic_load(&p->turn_ns);

	if (atomic_load(&p->finishing))
		return w->cancel_ns == TIME_NEVER ? TIME_NEVER : clock_add(w->cancel_ns, FINISH_NS);
	if (turn >= w->cancel_ns)
		return must; /* it has heard of the cancel */
	return w->cancel_ns < must ? w->cancel_ns : must;
}

int pulse_wait_ms(const struct pulse_watch *w, const struct shared_pulse *p, int64_t now_ns)
{
	int64_t due = clock_add(turn_due(w, p), LATE_NS);

	if (due <= now_ns)
		return (int)(STILL_NS / 4 / NS_PER_MS);
	return due - now_ns >= LOOK_MS * NS_PER_MS ? LOOK_MS : (int)((due - now_ns) / NS_PER_MS) + 1;
}

bool pulse_is_lost(struct pulse_watch *w, const struct shared_pulse *p, pid_t supervisor, int64_t now_ns)
{
	int64_t due = turn_due(w, p), turn = atomic_load(&p->turn_ns), since = turn > due ? turn : due;
	struct proc_stat st;

	if (due == TIME_NEVER || now_ns - since < LATE_NS || proc_stat_read(supervisor, &st) < 0 || st.state == 'Z')
		return false;
	if (turn != w->seen_turn_ns || proc_stat_cpu_ns(&st) != w->seen_cpu_ns) {
		w->seen_turn_ns = turn;
		w->seen_cpu_ns = proc_stat_cpu_ns(&st);
		w->seen_since_ns = now_ns;
	}
	if (st.state == 'T')
		kill(supervisor, SIGCONT);
	if (st.state == 'R')
		return now_ns - since >= STARVED_NS && now_ns - w->seen_since_ns >= STARVED_NS;
	return now_ns - w->seen_since_ns >= STILL_NS;
}
