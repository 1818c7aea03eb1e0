/* SPDX-License-Identifier: Apache-2.0 */
/* console.c - what people see of a session: on a terminal one line that lives; in a log a line for each outcome
 * that is not a pass, and one a minute; the block at the end. */
#include "runner/repro/session.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "trace/redact.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAY_LOG_NS (60 * NS_PER_S)
#define SAY_TERMINAL_NS (200 * NS_PER_MS)

static void put(const char *text, size_t n)
{
	/* where stderr is closed nobody is left to be told */
	if (fd_write_all(STDERR_FILENO, text, n) < 0)
		return;
}

void say_line(struct session *s, const char *fmt, ...)
{
	auto_str line = STR_INIT, text = STR_INIT;
	char raw[2000];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	redact_text(s->redactor, raw, strlen(raw), &text);
	if (s->line_open)
		str_add(&line, "\r\033[K");
	str_add(&line, "spec-runner: ");
	for (size_t i = 0; i < text.len; i++)
		str_addc(&line, (unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f ? '?' : text.data[i]);
	str_addc(&line, '\n');
	s->line_open = false;
	put(line.data, line.len);
}

static void percent(char out[32], double p)
{
	if (p > 0 && p < 0.01)
		snprintf(out, 32, "%.2g %%", p * 100);
	else
		snprintf(out, 32, "%.1f %%", p * 100);
}

static void setting_words(const struct setting *x, struct str *out)
{
	if (!x->kinds)
		str_add(out, "nothing perturbed");
	for (int k = 0; k < PERTURB_COUNT; k++)
		if (x->kinds & 1u << k)
			str_addf(out, "%s%s", out->len ? " + " : "", perturb_text[k]);
	if (x->kinds & 1u << PERTURB_DELAY)
		str_addf(out, " (delays up to %lld us, %.1f %% of calls)", (long long)x->delay_us, x->delay_ppm / 1e4);
}

void say_start(struct session *s)
{
	const struct target *t = &s->target;

	if (s->o->quiet)
		return;
	if (t->finding_id)
		say_line(s, "repro: looking for %s%s%s", t->pattern_id, t->location ? " at " : "",
			 t->location ? t->location : "");
	else
		say_line(s, "repro: looking for any hang or failure%s", t->trace ? ": the trace has no finding" : "");
	say_line(s, "repro: %s", s->selection.how);
	for (size_t i = 0; i < t->missing.n; i++)
		say_line(s, "repro: the trace does not say %s", t->missing.v[i]);
	if (s->trace_note)
		say_line(s, "repro: %s", s->trace_note);
	say_line(s, "repro: seed %lld, files in %s", (long long)s->plan.seed, s->folder);
}

void say_outcome(struct session *s, const struct attempt *a)
{
	auto_str words = STR_INIT;

	if (a->outcome == OUTCOME_PASS || s->o->quiet || s->on_terminal)
		return;
	setting_words(&a->setting, &words);
	say_line(s, "repro: run %lld: %s%s%s%s%s after %.1f s, %s", (long long)a->n, outcome_text[a->outcome],
		 a->found.pattern_id ? ", " : "", a->found.pattern_id ? a->found.pattern_id : "",
		 a->found.location ? " at " : "", a->found.location ? a->found.location : "",
		 (double)(a->end_ns - a->start_ns) / 1e9, str_cstr(&words));
}

void say_progress(struct session *s, int64_t now_ns)
{
	int64_t ended = 0, bad, total = s->confirm_runs ? s->confirm_runs : s->ro->runs;
	auto_str line = STR_INIT;
	char rate[32];

	if (s->o->quiet || now_ns - s->said_ns < (s->on_terminal ? SAY_TERMINAL_NS : SAY_LOG_NS))
		return;
	for (int i = 0; i < OUTCOME_COUNT; i++)
		ended += s->count[i];
	s->said_ns = now_ns;
	bad = ended - s->count[OUTCOME_PASS];
	percent(rate, ended ? (double)s->plan.hits / (double)ended : 0);
	str_addf(&line, "repro: run %lld/%lld: %lld passed, %lld not, hit rate %s, %.1f s a run", (long long)s->n,
		 (long long)total, (long long)s->count[OUTCOME_PASS], (long long)bad, rate,
		 ended ? (double)s->spent_ns / 1e9 / (double)ended : 0.0);
	if (!s->on_terminal) {
		say_line(s, "%s", str_cstr(&line));
		return;
	}
	put("\r\033[Kspec-runner: ", strlen("\r\033[Kspec-runner: "));
	put(line.data, line.len);
	s->line_open = true;
}

/* ---- the last block ---- */

static void say_rates(struct session *s)
{
	const struct family *best = plan_best(&s->plan);
	struct rate r = rate_of(s->plan.hits, s->plan.runs), plain = rate_of(s->plan.plain_hits, s->plan.plain_runs);
	char p[32], low[32], high[32];
	auto_str words = STR_INIT;

	percent(p, r.runs ? (double)r.hits / (double)r.runs : 0);
	percent(low, r.low);
	percent(high, r.high);
	say_line(s, "  rate: %lld of %lld runs, %s (95 %%: %s to %s)", (long long)r.hits, (long long)r.runs, p, low,
		 high);
	percent(low, plain.low);
	percent(high, plain.high);
	if (s->plan.automatic && plain.runs)
		say_line(s, "  unperturbed: %lld of %lld (95 %%: %s to %s)", (long long)plain.hits,
			 (long long)plain.runs, low, high);
	if (!best)
		return;
	setting_words(&best->origin, &words);
	say_line(s, "  best setting: %s: %lld of %lld", str_cstr(&words), (long long)best->hits, (long long)best->runs);
}

static void say_coverage(struct session *s)
{
	auto_str words = STR_INIT;

	if (!s->processes)
		return;
	for (size_t i = 0; i < s->missed.n; i++)
		str_addf(&words, "%s%s", i ? ", " : "; ", s->missed.v[i]);
	if (s->missed.n)
		str_add(&words, s->missed.n > 1 ? " are not" : " is not");
	say_line(s, "  covered: %u of %u processes%s", s->covered, s->processes, str_cstr(&words));
}

static void say_shrunk(struct session *s)
{
	const struct shrunk *x = &s->shrunk;
	auto_str words = STR_INIT;

	if (!x->done)
		return;
	if (!x->knows_tests)
		str_add(&words, "unknown (the tool cannot be told which tests to run)");
	else if (!x->tests.n)
		str_add(&words, "none");
	for (size_t i = 0; x->knows_tests && i < x->tests.n; i++)
		str_addf(&words, "%s%s", i ? ", " : "", x->tests.v[i]);
	say_line(s, "  earlier tests that it needs: %s", str_cstr(&words));
	if (x->cpus)
		say_line(s, "  it still hangs on %u processor%s", x->cpus, x->cpus == 1 ? "" : "s");
}

static void say_next(struct session *s)
{
	int64_t needed = rate_runs_to_confirm(rate_of(s->plan.hits, s->plan.runs).low, 0.99);

	if (s->first_hit && !s->confirm_runs) {
		say_line(s, "  run it again: sh %s/repro.sh", s->folder);
		say_line(s, "  is a fix good? spec-runner repro --confirm-fix %s/repro.json (%lld runs)", s->folder,
			 (long long)(needed < 20 ? 20 : needed));
	} else if (s->conclusion == CONCLUSION_NOT_REPRODUCED && s->plan.runs > 0) {
		char high[32];

		percent(high, rate_of(0, s->plan.runs).high);
		say_line(s,
			 "  it happens in less than %s of such runs (95 %%); try more --runs, --whole or --perturb all",
			 high);
	}
}

void say_end(struct session *s)
{
	static const char *const words[] = {
		[CONCLUSION_NOT_REPRODUCED] = "not reproduced",
		[CONCLUSION_REPRODUCED] = "reproduced",
		[CONCLUSION_SIMILAR] = "not the same hang, but a similar one",
		[CONCLUSION_FAILED] = "not reproduced, but runs failed otherwise",
		[CONCLUSION_GONE] = "gone",
		[CONCLUSION_SEEN_AGAIN] = "seen again: not fixed",
		[CONCLUSION_INCONCLUSIVE] = "inconclusive: not enough runs to say",
	};

	if (s->line_open)
		put("\r\033[K", 4);
	s->line_open = false;
	say_line(s, "repro: %s", words[s->conclusion]);
	if (s->first_hit)
		say_line(s, "  first in run %lld: %s%s%s", (long long)s->first_hit,
			 s->hit.pattern_id ? s->hit.pattern_id : "it failed", s->hit.location ? " at " : "",
			 s->hit.location ? s->hit.location : "");
	if (s->conclusion == CONCLUSION_GONE)
		say_line(s, "  none of %lld runs hung: gone at confidence %s", (long long)s->plan.runs,
			 s->ro->confidence);
	if (s->conclusion == CONCLUSION_INCONCLUSIVE && s->confirm_runs)
		say_line(s, "  %lld runs would do", (long long)s->confirm_runs);
	say_rates(s);
	say_coverage(s);
	say_shrunk(s);
	say_next(s);
	say_line(s, "  repro: %s/repro.json", s->folder);
}
