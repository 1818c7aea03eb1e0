/* SPDX-License-Identifier: Apache-2.0 */
/* results_tap.c - TAP of a run's tests: 13, for prove refuses 14; 14 where it is asked for. In the order of their starts. */
#include "base/json_write.h"
#include "base/utf8.h"
#include "findings/report/results.h"

#include <inttypes.h>
#include <string.h>

/* `#` begins a directive and `\` escapes; a control character would end the line. */
static void add_title(struct str *out, const char *s)
{
	auto_str plain = STR_INIT;

	utf8_add_plain(&plain, s, strlen(s));
	for (s = str_cstr(&plain); *s; s++) {
		if (*s == '#' || *s == '\\')
			str_addc(out, '\\');
		str_addc(out, *s);
	}
}

static void add_text(struct str *out, const char *key, const char *text)
{
	if (!*text)
		return;
	str_addf(out, "  %s: ", key);
	json_add_string(out, text, strlen(text)); /* a JSON string is YAML, and stays on its line */
	str_addc(out, '\n');
}

static void add_block(const struct results *t, const struct results_row *r, struct str *out)
{
	auto_str story = STR_INIT;

	results_row_story(t, r, &story);
	str_addf(out, "  ---\n  result: %s\n", results_result_text[r->result]);
	add_text(out, "reason", r->reason);
	add_text(out, "message", str_cstr(&story));
	add_text(out, "file", r->file);
	if (r->line > 0)
		str_addf(out, "  line: %" PRId64 "\n", r->line);
	str_add(out, "  duration_ms: ");
	json_add_ms(out, r->time_ns);
	str_add(out, "\n  ...\n");
}

static void add_row(const struct results *t, const struct results_row *r, uint64_t number, struct str *out)
{
	auto_str message = STR_INIT;
	bool good = r->result != RESULTS_FAIL && r->result != RESULTS_ERROR && r->result != RESULTS_UNFINISHED &&
		    r->result != RESULTS_XFAIL;

	str_addf(out, "%sok %" PRIu64 " - ", good ? "" : "not ", number);
	add_title(out, r->suite);
	str_add(out, "::");
	add_title(out, r->name);
	results_row_message(r, &message);
	switch (r->result) {
	case RESULTS_SKIP: case RESULTS_UNKNOWN: case RESULTS_NEVER_STARTED:
		str_add(out, " # SKIP ");
		add_title(out, str_cstr(&message));
		break;
	case RESULTS_XFAIL:
		str_add(out, " # TODO ");
		add_title(out, str_cstr(&message));
		break;
	default:
		break;
	}
	str_addc(out, '\n');
	if (r->result == RESULTS_FLAKY || (!good && r->result != RESULTS_XFAIL))
		add_block(t, r, out);
}

static void add_document(const struct results *t, int version, struct str *out)
{
	str_addf(out, "TAP version %d\n1..%zu\n# %s\n", version, t->n_rows, t->run_id);
	if (!t->complete)
		str_add(out, "# not everything could be recorded: tests may be missing\n");
	for (size_t i = 0; i < t->n_rows; i++)
		add_row(t, &t->rows[i], i + 1, out);
}

void results_tap(const struct results *t, struct str *out)
{
	add_document(t, 13, out);
}

void results_tap14(const struct results *t, struct str *out)
{
	add_document(t, 14, out);
}
