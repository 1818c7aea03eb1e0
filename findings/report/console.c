/* console.c - the block that a person reads first: a dozen lines, each begins "spec-runner: ". */
#include "findings/report.h"

#include <string.h>

#define LINE_BYTES 400
#define TESTS_SHOWN 3

static void line_add(struct str *out, const char *label, const char *text)
{
	str_addf(out, "spec-runner:   %-11s", label);
	report_add_line(out, text, LINE_BYTES);
	str_addc(out, '\n');
}

static void tests_write(const struct facts *f, struct str *out)
{
	const struct fact_table *t = &f->table[FACT_CASE];
	auto_str text = STR_INIT;
	size_t shown = 0, running = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct fact_row *r = t->rows[i];

		if (!fact_bool(r, FC_CASE_running))
			continue;
		if (running++ >= TESTS_SHOWN)
			continue;
		str_reset(&text);
		if (*fact_text(r, FC_CASE_suite))
			str_addf(&text, "%s ", fact_text(r, FC_CASE_suite));
		str_addf(&text, "%s, running for %.1f s", fact_text(r, FC_CASE_case_id),
			 fact_num(r, FC_CASE_duration_ms, 0) / 1000.0);
		line_add(out, shown++ ? "" : "test:", str_cstr(&text));
	}
	if (running > shown) {
		str_reset(&text);
		str_addf(&text, "and %zu more", running - shown);
		line_add(out, "", str_cstr(&text));
	}
}

/* The row of evidence that names who: a chain, else a command line. */
static const struct evidence *evidence_of(const struct finding *x, const char *column)
{
	for (size_t i = 0; i < x->n_evidence; i++)
		if (strcmp(fact_columns[x->evidence[i].col].name, column) == 0)
			return &x->evidence[i];
	return NULL;
}

static void first_write(const struct report *r, const struct finding *x, struct str *out)
{
	const struct evidence *argv = evidence_of(x, "argv"), *chain = evidence_of(x, "chain");
	auto_str text = STR_INIT;

	str_addf(out, "spec-runner: %s: ", x->pattern->id);
	report_add_line(out, x->summary, LINE_BYTES);
	str_addc(out, '\n');
	if (r->facts)
		tests_write(r->facts, out);
	if (x->location)
		line_add(out, "place:", x->location);
	if (argv)
		line_add(out, "command:", argv->value.s);
	if (chain && strstr(chain->value.s, "->"))
		line_add(out, "chain:", chain->value.s);
	report_add_confidence(&text, x);
	for (size_t i = 0; i < x->basis.n && i < 2; i++) {
		const char *colon = strstr(x->basis.v[i], ": ");

		str_addf(&text, "; %s", colon ? colon + 2 : x->basis.v[i]);
	}
	line_add(out, "sure:", str_cstr(&text));
	for (size_t i = 0; i < x->suggestions.n && i < 2; i++)
		line_add(out, i ? "" : "try:", x->suggestions.v[i]);
}

void report_console(const struct report *r, struct str *out)
{
	const struct findings *fs = r->findings;
	auto_str also = STR_INIT;

	if (!fs->n) {
		str_addf(out, "spec-runner: no finding in %s (%s)\n", r->head.run_id, r->head.status);
		return;
	}
	first_write(r, fs->v[0], out);
	for (size_t i = 1; i < fs->n && i < 6; i++)
		if (!strstr(str_cstr(&also), fs->v[i]->pattern->id))
			str_addf(&also, "%s%s", also.len ? ", " : "", fs->v[i]->pattern->id);
	if (also.len)
		line_add(out, "also:", str_cstr(&also));
	if (r->report_path)
		line_add(out, "report:", r->report_path);
}
