/* SPDX-License-Identifier: Apache-2.0 */
/* conduct.c - what the conductor, the analyst and the coder are asked, and what is taken of their answers: a model proposes
 * a diff and chooses among names that exist; nothing else it says has an effect. */
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "optimize/answer.h"
#include "optimize/path_rule.h"
#include "runner/optimize/ask.h"
#include "runner/optimize/nodes.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_PER_TOKEN 4
#define HISTORY_ROUNDS 20
#define SUMMARY_MAX 600

/* ---- what is told ---- */

static int add_pack(struct loop *l, struct str *out, struct err *e)
{
	auto_free char *path = loop_path(l, "pack.json"), *text = NULL;
	size_t n;

	if (file_read(path, (size_t)16 << 20, &text, &n, e) < 0)
		return -1;
	str_add(out, "## Evidence\n");
	str_addn(out, text, n);
	str_add(out, "\n\n");
	return 0;
}

static int add_metrics(struct loop *l, struct str *out, struct err *e)
{
	auto_query *q = query_new(l->s,
		"SELECT metric_name, value, unit FROM metrics WHERE run_id = ? ORDER BY metric_name", e);
	int rc;

	if (!q)
		return -1;
	str_addf(out, "## The best so far\nrun %s (iteration %" PRId64 ", 0 is the baseline)\n", l->st.best_run_id,
		 l->st.best_iteration);
	query_bind(q, "t", l->st.best_run_id);
	while ((rc = query_step(q, e)) == 1)
		str_addf(out, "%s: %.6g %s\n", query_text(q, 0), query_real(q, 1), query_text(q, 2));
	str_addc(out, '\n');
	return rc;
}

static int add_best_patch(struct loop *l, struct str *out, struct err *e)
{
	auto_str diff = STR_INIT;

	if (!l->st.best_iteration)
		return 0;
	if (repo_diff(&l->repo, l->st.baseline_commit, optimize_best_commit(&l->st), &diff, e) < 0)
		return -1;
	str_addf(out, "## Its patch\n%.16000s\n", str_cstr(&diff));
	return 0;
}

static void add_history(const struct loop *l, struct str *out)
{
	size_t from = l->st.n_rounds > HISTORY_ROUNDS ? l->st.n_rounds - HISTORY_ROUNDS : 0;

	str_add(out, "## Earlier candidates\n");
	for (size_t i = from; i + 1 < l->st.n_rounds; i++) {
		const struct optimize_round *r = &l->st.rounds[i];

		str_addf(out, "%" PRId64 ": %s %s %s", r->iteration, r->apply_status[0] ? r->apply_status : "no patch",
			 r->verdict, r->reason);
		if (!isnan(r->change))
			str_addf(out, " %+.1f %%", r->change * 100);
		str_addc(out, '\n');
	}
	str_addc(out, '\n');
}

static void add_hotspots(const struct loop *l, struct str *out)
{
	str_add(out, "## Hotspots\n");
	for (size_t i = 0; i < l->st.selected_hotspots.n; i++)
		str_addf(out, "- %s\n", l->st.selected_hotspots.v[i]);
	str_addc(out, '\n');
}

/* Those of the analyst's classes first; all of them where it said none. */
static void add_strategies(const struct agents *a, const struct strv *classes, struct str *out)
{
	const struct strategy *s;
	size_t n = agents_strategies(a, &s);

	str_add(out, "## Strategies\n");
	for (size_t i = 0; i < n; i++)
		if (!classes->n || strv_has(classes, s[i].class_))
			str_addf(out, "- %s: %s (when: %s). %s\n", s[i].id, s[i].title, s[i].when, s[i].text);
	str_addc(out, '\n');
}

/* ---- 8 ---- */

static int ask_analyst(struct loop *l, const struct agents *a, struct strv *classes, struct err *e)
{
	auto_str user = STR_INIT, text = STR_INIT;
	enum ask_outcome outcome;

	str_add(&user, "## Classes\n");
	for (size_t i = 0; i < agents_classes(a)->n; i++)
		str_addf(&user, "%s%s", i ? ", " : "", agents_classes(a)->v[i]);
	str_add(&user, "\n\n");
	if (add_pack(l, &user, e) < 0 || ask(l, "trace_analyst", &user, &outcome, &text, e) < 0)
		return -1;
	if (outcome != ASK_ANSWERED || !answer_classes(str_cstr(&text), text.len, agents_classes(a), classes))
		l->say("optimize: no usable answer of the analyst: all classes stay");
	return 0;
}

static bool strategy_exists(const struct agents *a, const char *id)
{
	const struct strategy *s;
	size_t n = agents_strategies(a, &s);

	for (size_t i = 0; id && i < n; i++)
		if (strcmp(s[i].id, id) == 0)
			return true;
	return false;
}

/* Names that do not exist are left out; the hotspot that was chosen comes first. */
static void take_decision(struct loop *l, const struct agents *a, const struct decision *d)
{
	struct strv *h = &l->st.selected_hotspots;

	if (strategy_exists(a, d->strategy))
		snprintf(l->st.strategy, sizeof(l->st.strategy), "%s", d->strategy);
	for (size_t i = 1; d->hotspot && i < h->n; i++)
		if (strcmp(h->v[i], d->hotspot) == 0) {
			char *chosen = h->v[i];

			memmove(h->v + 1, h->v, i * sizeof(*h->v));
			h->v[0] = chosen;
			break;
		}
}

/* What later prompts recall in place of the whole. */
static int keep_summary(struct loop *l, const char *agent, const char *words, struct err *e)
{
	struct artifact a;
	size_t n = strlen(words);

	if (loop_put(l, "output", words, n < SUMMARY_MAX ? n : SUMMARY_MAX, &a, e) < 0 ||
	    loop_artifact(l, l->st.run_id, &a, "{}", e) < 0)
		return -1;
	return store_run(l->s, e, "UPDATE agent_messages SET summary_artifact_id = ? WHERE run_id = ? AND iteration = ? AND"
			 " agent_name = ? AND status = 'ok'", "ttit", a.id, l->st.run_id, l->st.iteration, agent);
}

static int conductor_prompt(struct loop *l, const struct agents *a, const struct strv *classes, struct str *user,
			    struct err *e)
{
	auto_str about = STR_INIT;

	if (add_metrics(l, user, e) < 0 || add_best_patch(l, user, e) < 0)
		return -1;
	add_history(l, user);
	add_hotspots(l, user);
	add_strategies(a, classes, user);
	for (size_t i = 0; i < l->st.selected_hotspots.n; i++)
		str_addf(&about, "%s ", l->st.selected_hotspots.v[i]);
	if (about.len && recall_nearest(l, &about, user, e) < 0)
		return -1;
	return add_pack(l, user, e);
}

static int decide(struct loop *l, const struct agents *a, struct optimize_result *r, char **words, struct err *e)
{
	auto_str user = STR_INIT, text = STR_INIT;
	struct strv classes = STRV_INIT;
	enum ask_outcome outcome = ASK_UNANSWERED;
	struct decision d = { 0 };
	int rc = ask_analyst(l, a, &classes, e);

	if (rc == 0)
		rc = conductor_prompt(l, a, &classes, &user, e);
	if (rc == 0)
		rc = ask(l, "conductor", &user, &outcome, &text, e);
	strv_release(&classes);
	if (rc < 0)
		return -1;
	if (outcome == ASK_BUDGET || outcome == ASK_BLOCKED) {
		r->outcome = OUT_STOPPED;
		r->gateway_blocked = outcome == ASK_BLOCKED;
	} else if (outcome == ASK_ANSWERED && answer_decision(str_cstr(&text), text.len, &d)) {
		take_decision(l, a, &d);
		*words = d.justification ? xstrdup(d.justification) : NULL;
		if (d.stop) {
			r->outcome = OUT_STOPPED;
			r->conductor_stop = true;
			free(l->st.justification);
			l->st.justification = xstrdup(d.justification);
		}
		decision_release(&d);
	} else {
		l->say("optimize: no usable answer of the conductor: the highest ranked hotspot is taken");
	}
	return 0;
}

int ask_conductor(struct loop *l, struct optimize_result *r, struct err *e)
{
	struct agents *a = agents_new(e);
	auto_free char *words = NULL;
	int rc = a ? decide(l, a, r, &words, e) : -1;

	agents_free(a);
	if (rc < 0 || loop_begin(l, e) < 0)
		return -1;
	return words ? keep_summary(l, "conductor", words, e) : 0;
}

/* ---- 9 ---- */

/* Files that a candidate may change, as far as the prompt has room: those of hotspots first. */
static int add_sources(struct loop *l, struct str *out, struct err *e)
{
	size_t room = (size_t)l->o->history.max_prompt_tokens * BYTES_PER_TOKEN;
	const char *commit = optimize_best_commit(&l->st);
	struct strv files = STRV_INIT;
	int rc = repo_files(&l->repo, commit, &files, e);

	str_add(out, "## Files\n");
	for (size_t i = 0; rc == 0 && i < files.n; i++) {
		const char *path = files.v[i];
		auto_str text = STR_INIT;

		if (!path_glob_any(&l->setup.loop.paths, path) || path_glob_any(&l->setup.loop.deny, path) ||
		    path_denied_always(path) || strv_has(&l->adapter_paths, path))
			continue;
		rc = repo_file(&l->repo, commit, path, &text, e);
		if (rc < 0 || memchr(str_cstr(&text), '\0', text.len))
			continue;
		if (text.len > room) {
			str_addf(out, "### %s (%zu bytes, left out)\n", path, text.len);
			continue;
		}
		room -= text.len;
		str_addf(out, "### %s\n```\n", path);
		str_addn(out, str_cstr(&text), text.len);
		str_add(out, "```\n");
	}
	strv_release(&files);
	return rc;
}

static int coder_prompt(struct loop *l, struct str *user, struct err *e)
{
	str_addf(user, "Change the hotspot '%s'.\n", l->st.selected_hotspots.n ? l->st.selected_hotspots.v[0] :
		"(not known)");
	if (l->st.strategy[0])
		str_addf(user, "Strategy: %s\n", l->st.strategy);
	str_add(user, "Paths that may change:");
	for (size_t i = 0; i < l->setup.loop.paths.n; i++)
		str_addf(user, " %s", l->setup.loop.paths.v[i]);
	str_addf(user, "\nAt most %" PRId64 " files and %" PRId64 " lines.\n\n", l->setup.loop.max_files,
		l->setup.loop.max_lines);
	add_history(l, user);
	return add_pack(l, user, e) < 0 ? -1 : add_sources(l, user, e);
}

/* An answer that holds no diff is a patch all the same: a rejected one, kept as it came. */
static int reject_format(struct loop *l, const struct str *text, struct err *e)
{
	struct optimize_round *round = optimize_round(&l->st);
	struct artifact a;

	snprintf(round->apply_status, sizeof(round->apply_status), "rejected");
	snprintf(round->reason, sizeof(round->reason), "answer.format");
	if (loop_put(l, "patch_diff", str_cstr(text), text->len, &a, e) < 0 || loop_begin(l, e) < 0 ||
	    loop_artifact(l, l->st.run_id, &a, "{}", e) < 0)
		return -1;
	snprintf(round->patch_id, sizeof(round->patch_id), "%s", a.id);
	l->say("optimize: iteration %" PRId64 ": rejected: answer.format", l->st.iteration);
	return store_run(l->s, e,
		"INSERT INTO patches (run_id, iteration, diff_artifact_id, apply_status, files_changed_json, reason)"
			 " VALUES (?, ?, ?, ?, ?, ?)", "titttt", l->st.run_id, l->st.iteration, a.id, "rejected", "[]",
			 "answer.format");
}

int ask_coder(struct loop *l, const char *path, struct optimize_result *r, struct err *e)
{
	auto_str user = STR_INIT, text = STR_INIT, diff = STR_INIT;
	enum ask_outcome outcome;

	if (coder_prompt(l, &user, e) < 0 || ask(l, "coder", &user, &outcome, &text, e) < 0)
		return -1;
	r->answered = outcome == ASK_ANSWERED;
	r->unanswered = outcome == ASK_UNANSWERED;
	r->gateway_blocked = outcome == ASK_BLOCKED;
	if (outcome == ASK_ANSWERED && answer_diff(str_cstr(&text), text.len, &diff))
		return file_write(path, str_cstr(&diff), diff.len, e) < 0 ? -1 : loop_begin(l, e);
	r->outcome = outcome == ASK_BUDGET || outcome == ASK_BLOCKED ? OUT_STOPPED : OUT_FAILED;
	if (outcome == ASK_ANSWERED)
		return reject_format(l, &text, e);
	return loop_begin(l, e);
}
