/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - the runs of a session: started, perturbed, counted, ended (session.h). */
#include "runner/repro/session.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define LIMIT_LEAST_MS 2000
#define LIMIT_PASSES 10
#define PASSES_FOR_LIMIT 5
#define SHRINK_REACHED 3
#define WAKE_NS (250 * NS_PER_MS)
#define WRITE_EVERY_NS (2 * NS_PER_S)
#define CONFIRM_LEAST 20
#define UNREACHED_RUNS 3
#define MISSED_MOST 20

const char *const conclusion_text[] = {
	"not_reproduced", "reproduced", "similar", "failed", "gone", "seen_again", "inconclusive",
};

/* Those that run now. */
struct pool {
	struct session *s;
	struct attempt *slot;
	int *family;
	size_t size, running;
	int signals;
};

bool session_is_hit(const struct session *s, const struct attempt *a)
{
	const struct target *t = &s->target;

	switch (a->outcome) {
	case OUTCOME_HANG_SAME: return true;
	case OUTCOME_HANG_SIMILAR:
	case OUTCOME_HANG_OTHER:
	case OUTCOME_LIMIT: return !t->finding_id;
	case OUTCOME_FAIL:
		if (t->finding_id && str_starts(t->pattern_id, "hang."))
			return false;
		return !t->finding_id || !a->found.finding_id || strcmp(a->found.finding_id, t->finding_id) == 0 ||
		       strcmp(a->found.pattern_id, t->pattern_id) == 0;
	default: return false;
	}
}

int64_t session_limit_ms(const struct session *s)
{
	const struct target *t = &s->target;
	int64_t limit = t->timeout_ms > 0 ? t->timeout_ms : t->hard_cap_ms, own;

	if (s->ro->limit_ms > 0)
		return s->ro->limit_ms;
	if (s->passes < (s->shrinking ? 1 : PASSES_FOR_LIMIT))
		return limit;
	own = s->longest_pass_ns / NS_PER_MS * LIMIT_PASSES;
	/* a subset passes sooner than all tests come to where they hang */
	if (s->shrinking && own < t->reached_ns / NS_PER_MS * SHRINK_REACHED + LIMIT_LEAST_MS)
		own = t->reached_ns / NS_PER_MS * SHRINK_REACHED + LIMIT_LEAST_MS;
	own = own > LIMIT_LEAST_MS ? own : LIMIT_LEAST_MS;
	if (s->shrinking && s->patience)
		own *= s->patience;
	return limit > 0 && limit < own ? limit : own;
}

/* ---- one more run ---- */

static int start(struct pool *p, const struct selection *what, const struct setting *setting, int family, struct err *e)
{
	struct session *s = p->s;
	struct selection shuffled = { 0 };
	const struct selection *sel = setting->kinds & 1u << PERTURB_ORDER && what == &s->selection &&
						      selection_shuffled(s, setting->order_seed, &shuffled)
					      ? &shuffled
					      : what;
	struct attempt *a = NULL;
	struct strv env = STRV_INIT;
	int rc;

	for (size_t i = 0; i < p->size && !a; i++)
		if (!p->slot[i].n) {
			a = &p->slot[i];
			p->family[i] = family;
		}
	BUG_ON(!a);
	memset(a, 0, sizeof(*a));
	a->n = ++s->n;
	a->setting = *setting;
	a->limit_ms = session_limit_ms(s);
	s->launch.passing_ns = s->plan.bounds.passing_ns;
	for (size_t i = 0; i < sel->env.n; i++)
		strv_add(&env, sel->env.v[i]);
	rc = attempt_start(a, &s->launch, sel->argv.v, &env, clock_mono_ns(), e);
	strv_release(&env);
	selection_release(&shuffled);
	if (rc < 0) {
		attempt_remove(a);
		attempt_release(a);
		s->n--;
		return -1;
	}
	p->running++;
	return 0;
}

static void take_coverage(struct session *s, const struct attempt *a)
{
	if (a->processes > s->processes || (a->processes == s->processes && a->covered < s->covered)) {
		s->covered = a->covered;
		s->processes = a->processes;
	}
	for (size_t i = 0; i < a->missed.n && s->missed.n < MISSED_MOST; i++)
		if (!strv_has(&s->missed, a->missed.v[i]))
			strv_add(&s->missed, a->missed.v[i]);
}

static void count(struct session *s, struct attempt *a, int family)
{
	bool hit = session_is_hit(s, a);

	s->count[a->outcome]++;
	s->spent_ns += a->end_ns - a->start_ns;
	if (a->outcome == OUTCOME_PASS) {
		s->passes++;
		if (s->passes <= PASSES_FOR_LIMIT && a->end_ns - a->start_ns > s->longest_pass_ns)
			s->longest_pass_ns = a->end_ns - a->start_ns;
		plan_passed(&s->plan, &a->setting, a->end_ns - a->start_ns);
		plan_called(&s->plan, a->calls, a->threads, a->made);
	}
	if (a->setting.kinds & 1u << PERTURB_DELAY) {
		s->delay_runs++;
		s->delay_covered += a->covered > 0;
		if (s->delay_runs >= UNREACHED_RUNS && !s->delay_covered)
			plan_unreached(&s->plan);
		take_coverage(s, a);
	}
	if (a->outcome != OUTCOME_UNFINISHED)
		plan_result(&s->plan, &a->setting, family, hit);
	if (hit && !s->first_hit) {
		s->first_hit = a->n;
		s->hit_setting = a->setting;
		s->hit = a->found;
		memset(&a->found, 0, sizeof(a->found));
	}
}

/* An outcome's first run keeps its files; of later ones a row is enough. */
static void ended(struct pool *p, size_t i)
{
	struct session *s = p->s;
	struct attempt *a = &p->slot[i];

	s->unwritable |= !session_add_row(s, a);
	if (!s->unwritable)
		say_outcome(s, a);
	if (s->unwritable || (a->outcome != OUTCOME_PASS && s->kept[a->outcome]))
		attempt_remove(a);
	if (!s->unwritable) {
		s->kept[a->outcome] = true;
		count(s, a, p->family[i]);
	}
	attempt_release(a);
	p->running--;
}

/* ---- waiting ---- */

static void signalled(struct pool *p)
{
	struct signalfd_siginfo info;

	while (read(p->signals, &info, sizeof(info)) == sizeof(info)) {
		if (!p->s->interrupted)
			p->s->interrupted = (int)info.ssi_signo;
		for (size_t i = 0; i < p->size; i++)
			if (p->slot[i].n)
				attempt_end(&p->slot[i]);
	}
}

static void time_is_over(struct pool *p)
{
	for (size_t i = 0; i < p->size; i++)
		if (p->slot[i].n && !p->slot[i].told_to_end)
			attempt_end(&p->slot[i]);
}

/* Steps what is due, waits for the next event, reaps. */
static void turn(struct pool *p, void (*ended_fn)(struct pool *p, size_t i))
{
	struct pollfd fds[258];
	nfds_t n = 0;
	int64_t now = clock_mono_ns(), due = now + WAKE_NS;
	struct timespec wait;

	if (now >= p->s->until_ns)
		time_is_over(p);
	fds[n++] = (struct pollfd){ p->signals, POLLIN, 0 };
	for (size_t i = 0; i < p->size; i++) {
		int64_t next;

		if (!p->slot[i].n)
			continue;
		next = attempt_step(&p->slot[i], now);
		due = next < due ? next : due;
		fds[n++] = (struct pollfd){ p->slot[i].pidfd, POLLIN, 0 };
	}
	due = p->s->until_ns < due ? p->s->until_ns : due;
	wait = due <= now ? (struct timespec){ 0, 0 } : (struct timespec){ (due - now) / NS_PER_S, (due - now) % NS_PER_S };
	ppoll(fds, n, &wait, NULL);
	signalled(p);
	now = clock_mono_ns();
	for (size_t i = 0; i < p->size; i++)
		if (p->slot[i].n && attempt_reap(&p->slot[i], &p->s->launch, &p->s->target, now))
			ended_fn(p, i);
	say_progress(p->s, now);
	if (now - p->s->written_ns >= WRITE_EVERY_NS) {
		struct err ignored = { 0 };

		session_write(p->s, &ignored);
	}
}

static int pool_open(struct pool *p, struct session *s, size_t size, struct err *e)
{
	sigset_t set;

	*p = (struct pool){
		.s = s, .size = size, .slot = xcalloc(size, sizeof(*p->slot)), .family = xcalloc(size, sizeof(int))
	};
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	p->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return p->signals < 0 ? err_sys(e, "waiting for signals") : 0;
}

static void pool_close(struct pool *p)
{
	fd_close(&p->signals);
	free(p->slot);
	free(p->family);
}

/* ---- all runs ---- */

static bool enough(const struct session *s)
{
	bool any = s->n > s->count[OUTCOME_PASS] && s->count[OUTCOME_PASS] + s->count[OUTCOME_UNFINISHED] < s->n &&
		   s->count[OUTCOME_FAIL] + s->count[OUTCOME_HANG_SAME] + s->count[OUTCOME_HANG_SIMILAR] +
				   s->count[OUTCOME_HANG_OTHER] + s->count[OUTCOME_LIMIT] >
			   0;

	if (s->interrupted || s->unwritable || clock_mono_ns() >= s->until_ns)
		return true;
	if (s->confirm_runs)
		return s->first_hit > 0 || s->n >= s->confirm_runs || s->n >= s->ro->runs;
	if (s->n >= s->ro->runs)
		return true;
	return s->ro->until == UNTIL_MATCH ? s->first_hit > 0 : s->ro->until == UNTIL_ANY && any;
}

int session_run_all(struct session *s, struct err *e)
{
	struct pool p;
	int rc = pool_open(&p, s, (size_t)s->ro->jobs, e);

	while (rc == 0 && (!enough(s) || p.running)) {
		while (rc == 0 && !enough(s) && p.running < p.size) {
			struct setting setting;
			int family;

			s->plan.bounds.limit_ns = session_limit_ms(s) * NS_PER_MS;
			plan_next(&s->plan, s->n + 1, &setting, &family);
			rc = start(&p, &s->selection, &setting, family, e);
		}
		/* one seen again is the answer: the others need not end by themselves */
		if (p.running && ((s->confirm_runs && s->first_hit) || s->unwritable))
			time_is_over(&p);
		if (p.running)
			turn(&p, ended);
	}
	if (rc < 0) {
		time_is_over(&p);
		while (p.running)
			turn(&p, ended);
	}
	pool_close(&p);
	return rc;
}

/* ---- single runs ---- */

static void ended_one(struct pool *p, size_t i)
{
	(void)i;
	p->running--;
}

bool session_run_one(struct session *s, const struct selection *what, const struct setting *setting, struct attempt *a,
		     struct err *e)
{
	struct pool p;
	bool ok = false;

	if (s->interrupted || clock_mono_ns() >= s->until_ns || pool_open(&p, s, 1, e) < 0)
		return false;
	if (start(&p, what, setting, -1, e) == 0) {
		while (p.running)
			turn(&p, ended_one);
		*a = p.slot[0];
		ok = !s->interrupted && a->outcome != OUTCOME_UNFINISHED;
	}
	pool_close(&p);
	return ok;
}

/* ---- what it means ---- */

void session_conclude(struct session *s)
{
	int64_t needed;

	if (s->confirm_runs) {
		needed = s->confirm_runs > CONFIRM_LEAST ? s->confirm_runs : CONFIRM_LEAST;
		s->conclusion = s->first_hit                                    ? CONCLUSION_SEEN_AGAIN
				: s->n - s->count[OUTCOME_UNFINISHED] >= needed ? CONCLUSION_GONE
										: CONCLUSION_INCONCLUSIVE;
		return;
	}
	s->conclusion = s->first_hit                     ? CONCLUSION_REPRODUCED
			: s->count[OUTCOME_HANG_SIMILAR] ? CONCLUSION_SIMILAR
			: s->count[OUTCOME_FAIL] + s->count[OUTCOME_HANG_OTHER] + s->count[OUTCOME_LIMIT]
				? CONCLUSION_FAILED
				: CONCLUSION_NOT_REPRODUCED;
}
