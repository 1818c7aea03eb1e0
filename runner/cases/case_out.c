/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/json_write.h"
#include "runner/cases/case_out.h"

#include <inttypes.h>
#include <string.h>

#define ANNOTATIONS_MAX 10
#define SUMMARY_ROWS_MAX 200
#define SUMMARY_TEXT_MAX 400

static bool passed(enum case_result r)
{
	return r == CASE_PASS || r == CASE_FLAKY;
}

/* ---- TAP 13: what prove accepts; prove 3.44 refuses 14. What we write means the same in both ---- */

static void tap_begin(struct str *out, uint32_t total)
{
	str_addf(out, "TAP version 13\n1..%" PRIu32 "\n", total);
}

static void tap14_begin(struct str *out, uint32_t total)
{
	str_addf(out, "TAP version 14\n1..%" PRIu32 "\n", total);
}

/* `#` begins a directive and `\` escapes. */
static void tap_title(struct str *out, const char *title)
{
	for (; *title; title++) {
		if (*title == '#' || *title == '\\')
			str_addc(out, '\\');
		str_addc(out, *title);
	}
}

static void tap_block(struct str *out, const char *key, const char *text)
{
	if (!text || !*text)
		return;
	str_addf(out, "  %s: ", key);
	json_add_string(out, text, strlen(text)); /* a JSON string is YAML, and stays on its line */
	str_addc(out, '\n');
}

static void tap_one(struct str *out, uint32_t number, const struct spec_case *c, const struct case_outcome *o)
{
	str_addf(out, "%sok %" PRIu32 " - %s", passed(o->result) ? "" : "not ", number, c->id);
	if (*c->title)
		str_addc(out, ' ');
	tap_title(out, c->title);
	str_addc(out, '\n');
	if (o->result == CASE_PASS)
		return;
	str_add(out, "  ---\n");
	str_addf(out, "  result: %s\n", case_result_text[o->result]);
	tap_block(out, "message", o->message);
	str_add(out, "  file: ");
	json_add_string(out, c->file, strlen(c->file));
	str_addf(out, "\n  line: %" PRIu32 "\n  duration_ms: ", c->line);
	json_add_ms(out, o->duration_ns);
	if (o->attempts > 1)
		str_addf(out, "\n  attempts: %u", o->attempts);
	str_addc(out, '\n');
	tap_block(out, "stdout", o->out);
	tap_block(out, "stderr", o->err);
	str_add(out, "  ...\n");
}

/* ---- for people ---- */

static void human_text(struct str *out, const char *label, const char *text)
{
	if (!text || !*text)
		return;
	if (label)
		str_addf(out, "    %s:\n", label);
	while (*text) {
		size_t n = strcspn(text, "\n");

		/* blanks are not enough: GitHub takes an indented `::command::` for one that we print */
		str_add(out, label ? "    | " : "    ");
		for (size_t i = 0; i < n; i++) /* a stray escape sequence would repaint the screen */
			str_addc(out, (unsigned char)text[i] < 0x20 && text[i] != '\t' ? '?' : text[i]);
		str_addc(out, '\n');
		text += n + (text[n] == '\n');
	}
}

static void human_one(struct str *out, uint32_t number, const struct spec_case *c, const struct case_outcome *o)
{
	static const char *const word[] = { "NONE", "RUN", "PASS", "FLAKY", "FAIL", "TIMEOUT", "CANCEL" };

	(void)number;
	str_addf(out, "%-7s [%8.3fs] %s %s%s%s\n", word[o->result], (double)o->duration_ns / NS_PER_S, c->suite, c->id,
		 *c->title ? " " : "", c->title);
	if (o->result == CASE_PASS || o->result == CASE_NOT_STARTED)
		return;
	human_text(out, NULL, o->message);
	if (o->result == CASE_FLAKY)
		return;
	human_text(out, "stdout", o->out);
	human_text(out, "stderr", o->err);
	str_addf(out, "    at %s:%" PRIu32 "\n", c->file, c->line);
}

static void human_end(struct str *out, const struct case_work *w, int64_t duration_ns, bool for_gitlab)
{
	struct case_totals t;
	bool first = true;

	(void)for_gitlab;
	case_work_totals(w, &t);
	str_addf(out, "%" PRIu32 " cases in %.3f s:", t.cases, (double)duration_ns / NS_PER_S);
	for (int i = CASE_RESULT_COUNT - 1; i >= 0; i--)
		if (t.count[i]) {
			str_addf(out, "%s %" PRIu32 " %s", first ? "" : ",", t.count[i], case_result_text[i]);
			first = false;
		}
	str_addc(out, '\n');
}

static void junit_end(struct str *out, const struct case_work *w, int64_t duration_ns, bool for_gitlab)
{
	case_junit_write(out, w, duration_ns, for_gitlab);
}

const struct case_format case_formats[] = {
	{ "tap", tap_begin, tap_one, NULL },
	{ "tap14", tap14_begin, tap_one, NULL },
	{ "human", NULL, human_one, human_end },
	{ "junit", NULL, NULL, junit_end },
	{ NULL, NULL, NULL, NULL },
};

const struct case_format *case_format_find(const char *name)
{
	for (const struct case_format *f = case_formats; f->name; f++)
		if (strcmp(f->name, name) == 0)
			return f;
	return NULL;
}

/* ---- GitHub ---- */

/* Escapes of a workflow command; in a property `:` and `,` too. */
static void command_text(struct str *out, const char *text, bool property)
{
	for (; *text; text++) {
		if (*text == '%' || *text == '\r' || *text == '\n' || (property && (*text == ':' || *text == ',')))
			str_addf(out, "%%%02X", (unsigned char)*text);
		else
			str_addc(out, *text);
	}
}

static void annotation(struct str *out, const char *kind, const struct spec_case *c, const struct case_outcome *o)
{
	str_addf(out, "::%s file=", kind);
	command_text(out, c->file, true);
	str_addf(out, ",line=%" PRIu32 ",title=", c->line);
	command_text(out, c->id, true);
	str_add(out, "::");
	command_text(out, o->message ? o->message : case_result_text[o->result], false);
	str_addc(out, '\n');
}

static const enum case_result worst_first[] = { CASE_ENDED, CASE_FAIL, CASE_CANCELLED, CASE_NOT_STARTED, CASE_FLAKY };
#define WORST_COUNT (sizeof(worst_first) / sizeof(worst_first[0]))

void case_github_annotations(struct str *out, const struct case_work *w)
{
	struct case_totals t;
	struct case_outcome o;
	unsigned shown = 0, flaky = 0;

	case_work_totals(w, &t);
	for (size_t r = 0; r < WORST_COUNT; r++)
		for (uint32_t i = 0; i < t.cases; i++) {
			unsigned *so_far = worst_first[r] == CASE_FLAKY ? &flaky : &shown;

			case_work_outcome(w, i, &o);
			if (o.result != worst_first[r] || *so_far >= ANNOTATIONS_MAX)
				continue;
			annotation(out, worst_first[r] == CASE_FLAKY ? "warning" : "error", case_work_case(w, i), &o);
			++*so_far;
		}
}

/* Text within a cell of a Markdown table. */
static void cell(struct str *out, const char *text)
{
	size_t n = 0;

	for (; text && *text && n < SUMMARY_TEXT_MAX; text++, n++) {
		if (*text == '\n')
			str_add(out, "<br>");
		else if (*text == '<' || *text == '&')
			str_add(out, *text == '<' ? "&lt;" : "&amp;");
		else {
			if (strchr("|\\`*_[]", *text))
				str_addc(out, '\\');
			str_addc(out, *text);
		}
	}
}

void case_github_summary(struct str *out, const struct case_work *w, const char *title)
{
	struct case_totals t;
	struct case_outcome o;
	unsigned rows = 0;

	case_work_totals(w, &t);
	str_addf(out, "### %s\n\n", title);
	for (int i = 0; i < CASE_RESULT_COUNT; i++)
		if (t.count[i])
			str_addf(out, "%" PRIu32 " %s\n", t.count[i], case_result_text[i]);
	str_add(out, "\n");
	for (size_t r = 0; r < WORST_COUNT; r++)
		for (uint32_t i = 0; i < t.cases; i++) {
			case_work_outcome(w, i, &o);
			if (o.result != worst_first[r] || rows++ >= SUMMARY_ROWS_MAX)
				continue;
			if (rows == 1)
				str_add(out, "| case | result | why |\n|---|---|---|\n");
			str_add(out, "| ");
			cell(out, case_work_case(w, i)->id);
			str_addf(out, " | %s | ", case_result_text[o.result]);
			cell(out, o.message);
			str_add(out, " |\n");
		}
	if (rows > SUMMARY_ROWS_MAX)
		str_addf(out, "\nand %u more\n", rows - SUMMARY_ROWS_MAX);
	str_add(out, "\n");
}
