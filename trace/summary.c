/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/summary.h"

#include "base/clock.h"
#include "base/json_scan.h"
#include "base/path.h"
#include "base/str.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Text between as many backquotes as it needs, on one line, not a character changed but for those that would
 * speak to a terminal. cell: of a table, where a bar ends a cell even in code. */
static void add_fenced(struct str *out, const char *s, bool cell)
{
	auto_str line = STR_INIT;
	size_t longest = 0, run = 0;

	for (const char *p = s; *p; p++) {
		run = *p == '`' ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	for (size_t n = strlen(s), i = 0; i < n;) {
		size_t len = utf8_sequence(s + i, n - i);

		if (!len || utf8_is_unsafe(s + i, len))
			str_addc(&line, s[i] == '\n' || s[i] == '\t' ? ' ' : '?');
		else if (cell && s[i] == '|')
			str_add(&line, "\\|");
		else
			str_addn(&line, s + i, len);
		i += len ? len : 1;
	}
	for (size_t i = 0; i <= longest; i++)
		str_addc(out, '`');
	str_addf(out, longest ? " %s " : "%s", str_cstr(&line));
	for (size_t i = 0; i <= longest; i++)
		str_addc(out, '`');
}

static void add_code(struct str *out, const char *s)
{
	add_fenced(out, s, true);
}

static void add_seconds(struct str *out, int64_t ns)
{
	int64_t ms = ns / NS_PER_MS;

	str_addf(out, "%" PRId64 ".%03d s", ms / 1000, (int)(ms % 1000));
}

/* The token of the watchdog event that decided: the first that is no warning and no kill. */
static enum token deciding_token(const struct facts *f)
{
	enum token warned = TOKEN_NONE;

	for (uint64_t i = 0; i < f->notable && i < FACTS_NOTABLE; i++) {
		enum token t = f->first[i].token;

		if (t == TOKEN_STALL_RUNNER)
			warned = t;
		else if (t != TOKEN_NONE && t != TOKEN_KILL_TERM && t != TOKEN_KILL_KILLED)
			return t;
	}
	return warned;
}

static void render_result(const struct facts *f, struct str *out)
{
	char started[CLOCK_RFC3339_SIZE], ended[CLOCK_RFC3339_SIZE];
	enum token token = deciding_token(f);

	clock_rfc3339(started, f->head.start_real_ns);
	clock_rfc3339(ended, clock_add(f->head.start_real_ns, f->end_ns));
	str_addf(out, "# %s: exit code %d after ", f->pass ? "pass" : "FAIL", f->exit_code);
	add_seconds(out, f->end_ns);
	if (!f->finished)
		str_add(out, f->lost ? " (the supervising process was lost)" : " (sealed before the end)");
	else if (!f->pass && token != TOKEN_NONE)
		str_addf(out, " (`%s`)", token_text[token]);
	str_add(out, "\n\n");
	add_fenced(out, f->command_line, false);
	str_addf(out, "\n\n- run: `%s`, level %s\n- started %s, ended %s\n", f->head.run_id,
		 level_text[f->head.level], started, ended);
	str_addf(out, "- %" PRIu64 " spans, %" PRIu64 " events; output: %" PRIu64 " bytes on stdout, %" PRIu64
		 " on stderr%s\n", f->span_count, f->event_count, f->head.totals.stdout_bytes,
		 f->head.totals.stderr_bytes, f->head.totals.truncated ? " (only the tails are kept)" : "");
	if (f->head.error || f->head.dropped)
		str_addf(out, "- **the record has gaps**: %" PRIu64 " records found no room%s%s\n",
			 f->head.dropped, f->head.error ? ": " : "", f->head.error ? strerror(f->head.error) : "");
	if (f->damaged_at)
		str_addf(out, "- **the journal is damaged** from byte %" PRIu64 " on: everything after it is lost\n",
			 f->damaged_at);
}

static void render_event(const struct event_note *n, struct str *out)
{
	str_add(out, "- ");
	add_seconds(out, n->ts_ns);
	str_addf(out, " %s", event_kind_text[n->kind]);
	if (n->token != TOKEN_NONE)
		str_addf(out, " **%s**", token_text[n->token]);
	if (n->text[0]) {
		str_addc(out, ' ');
		add_code(out, n->text);
	}
	str_addc(out, '\n');
}

static void render_events(const struct facts *f, struct str *out)
{
	uint64_t from = f->notable > 2 * FACTS_NOTABLE ? f->notable - FACTS_NOTABLE : FACTS_NOTABLE;

	if (!f->notable)
		return;
	str_add(out, "\n## What happened\n\n");
	for (uint64_t i = 0; i < f->notable && i < FACTS_NOTABLE; i++)
		render_event(&f->first[i], out);
	if (from > FACTS_NOTABLE)
		str_addf(out, "- … %" PRIu64 " more, all in the trace\n", from - FACTS_NOTABLE);
	for (uint64_t i = from; i < f->notable; i++)
		render_event(&f->last[i % FACTS_NOTABLE], out);
}

static void render_trouble(const struct facts *f, struct str *out)
{
	const struct span_note *n = &f->trouble;

	if (!f->troubled)
		return;
	str_addf(out, "\n## Where it %s\n\n",
		 n->status == STATUS_TIMEOUT || n->status == STATUS_STALLED ? "hung" : "went wrong");
	str_addf(out, "`%s` (%s), from ", span_name_text[n->name], status_text[n->status]);
	add_seconds(out, n->start_ns);
	str_add(out, " to ");
	add_seconds(out, n->end_ns);
	str_add(out, ": ");
	add_code(out, n->message[0] ? n->message : "no reason was recorded");
	str_addc(out, '\n');
	if (n->text[0]) {
		str_addc(out, '\n');
		add_code(out, n->text);
		str_addc(out, '\n');
	}
}

static void render_progress(const struct facts *f, struct str *out)
{
	const struct trace_totals *t = &f->head.totals;
	char text[FACTS_TEXT_BYTES];

	if (!t->last_progress[0] && !f->heartbeat[0])
		return;
	str_add(out, "\n## Last progress\n\n");
	if (t->last_progress[0]) {
		add_code(out, t->last_progress);
		str_add(out, " at ");
		add_seconds(out, t->last_progress_ns);
		str_add(out, ", ");
		add_seconds(out, f->end_ns > t->last_progress_ns ? f->end_ns - t->last_progress_ns : 0);
		str_add(out, " before the end\n");
	}
	if (f->heartbeat[0]) {
		facts_attrs_text(text, sizeof(text), f->heartbeat, strlen(f->heartbeat), NULL);
		str_add(out, "\nLast heartbeat at ");
		add_seconds(out, f->heartbeat_ns);
		str_add(out, ": ");
		add_code(out, text);
		str_addc(out, '\n');
	}
}

static void render_tables(const struct facts *f, struct str *out)
{
	bool any = f->stall_warnings || f->timeout_spans;

	str_add(out, "\n## Slowest spans\n\n| duration | span | status | from | about |\n|---:|---|---|---:|---|\n");
	for (size_t i = 0; i < f->slowest_n; i++) {
		const struct span_note *n = &f->slowest[i];

		str_add(out, "| ");
		add_seconds(out, n->end_ns - n->start_ns);
		str_addf(out, " | %s | %s | ", span_name_text[n->name], status_text[n->status]);
		add_seconds(out, n->start_ns);
		str_add(out, " | ");
		if (n->text[0])
			add_code(out, n->text);
		str_add(out, " |\n");
	}
	for (int i = 1; i < TOKEN_COUNT; i++)
		any = any || f->tokens[i];
	if (!any)
		return;
	str_add(out, "\n## Reason tokens\n\n| token | count |\n|---|---:|\n");
	for (int i = 1; i < TOKEN_COUNT; i++)
		if (f->tokens[i])
			str_addf(out, "| %s | %" PRIu64 " |\n", token_text[i], f->tokens[i]);
	str_addf(out, "\nStall warnings: %" PRIu64 "; spans that timed out: %" PRIu64 ".\n", f->stall_warnings,
		 f->timeout_spans);
}

static void render_environment(const struct facts *f, struct str *out)
{
	char text[1024];

	if (!f->environment[0])
		return;
	facts_attrs_text(text, sizeof(text), f->environment, strlen(f->environment), NULL);
	str_add(out, "\n## Environment\n\n");
	add_code(out, text);
	str_addc(out, '\n');
}

/* A command line of ours without the level that was given: the last one wins, and another is to be asked for. Our own
 * options end at " -- " at the latest. */
static void add_without_level(struct str *out, const char *line)
{
	auto_str given = STR_INIT;
	const char *end = strstr(line, " -- "), *at;

	for (int i = 0; i < 2 * LEVEL_DETAILED; i++) {
		str_reset(&given);
		str_addf(&given, " --profile-level%c%s", i % 2 ? '=' : ' ', level_text[i / 2]);
		at = strstr(line, given.data);
		if (!at || (end && at > end) || (at[given.len] && at[given.len] != ' '))
			continue;
		str_addn(out, line, (size_t)(at - line));
		str_add(out, at + given.len);
		return;
	}
	str_add(out, line);
}

static void render_next(const struct facts *f, const char *trace_out, struct str *out)
{
	auto_str cmd = STR_INIT;

	str_add(out, "\n## What to run next\n\n");
	if (trace_out) {
		str_addf(&cmd, "spec-runner report %s", trace_out);
		str_add(out, "- ");
		add_fenced(out, cmd.data, false);
		str_add(out, ": the findings of this run again\n");
		str_reset(&cmd);
		str_addf(&cmd, "spec-runner verify %s", trace_out);
		str_add(out, "- ");
		add_fenced(out, cmd.data, false);
		str_add(out, ": hold the trace against its contract\n");
	}
	/* one that was cut is not what ran */
	if (strlen(f->command_line) >= sizeof(f->command_line) - 4)
		return;
	if (f->pass || f->head.level >= LEVEL_DETAILED || !str_starts(f->command_line, "spec-runner "))
		return;
	str_reset(&cmd);
	str_add(&cmd, "spec-runner --profile-level detailed");
	add_without_level(&cmd, f->command_line + strlen("spec-runner"));
	str_add(out, "- ");
	add_fenced(out, cmd.data, false);
	str_add(out, ": the same with heartbeats and figures of every process\n");
}

void summary_render(const struct facts *f, const char *trace_out, struct str *out)
{
	render_result(f, out);
	render_trouble(f, out);
	render_events(f, out);
	render_progress(f, out);
	render_tables(f, out);
	render_environment(f, out);
	render_next(f, trace_out, out);
}

int summary_write(const struct facts *f, const char *trace_out, const char *path, struct err *e)
{
	auto_str text = STR_INIT;

	summary_render(f, trace_out, &text);
	return file_write(path, str_cstr(&text), text.len, e);
}
