/* SPDX-License-Identifier: Apache-2.0 */
/* sarif.c - SARIF 2.1.0: patterns are rules, findings are results. */
#include "findings/report.h"

#include "base/sarif.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static bool rule_is_first(const struct findings *fs, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (fs->v[i]->pattern == fs->v[at]->pattern)
			return false;
	return true;
}

static void rules_json(struct json *j, const struct findings *fs)
{
	for (size_t i = 0; i < fs->n; i++) {
		const struct pattern *p = fs->v[i]->pattern;

		if (!rule_is_first(fs, i))
			continue;
		json_object(j, NULL);
		json_str(j, "id", p->id);
		sarif_text(j, "shortDescription", p->title);
		sarif_text(j, "fullDescription", p->meaning);
		json_object(j, "defaultConfiguration");
		json_str(j, "level", pattern_severity_text[p->severity]);
		json_object_end(j);
		json_object_end(j);
	}
}

static void location_json(struct json *j, const struct finding *x)
{
	char *file = NULL;
	int64_t line;

	json_array(j, "locations");
	if (report_split_location(x->location, &file, &line)) {
		json_object(j, NULL);
		sarif_place(j, file, NULL, line);
		json_array(j, "logicalLocations");
		json_object(j, NULL);
		json_str(j, "fullyQualifiedName", x->location);
		json_object_end(j);
		json_array_end(j);
		json_object_end(j);
	} else {
		/* readers of SARIF want a place for every result: where the program has none, that of the evidence */
		json_object(j, NULL);
		sarif_place(j, x->n_evidence ? x->evidence[0].file : "run-trace.json", NULL, 0);
		json_object_end(j);
	}
	free(file);
	json_array_end(j);
}

static void result_json(struct json *j, const struct finding *x)
{
	auto_str text = STR_INIT;

	json_line(j);
	json_object(j, NULL);
	json_str(j, "ruleId", x->pattern->id);
	json_str(j, "level", pattern_severity_text[x->severity]);
	sarif_text(j, "message", x->summary);
	location_json(j, x);
	json_object(j, "partialFingerprints");
	json_str(j, "findingId/v1", x->id);
	json_object_end(j);
	json_object(j, "properties");
	json_fixed(j, "confidence", x->confidence, 2);
	json_bool(j, "proved", x->proved);
	json_uint(j, "occurrences", x->occurrences);
	json_array(j, "evidence");
	for (size_t i = 0; i < x->n_evidence; i++) {
		str_reset(&text);
		str_addf(&text, "%s = ", x->evidence[i].name);
		report_add_value(&text, &x->evidence[i]);
		str_add(&text, " (");
		report_add_source(&text, &x->evidence[i]);
		str_add(&text, ")");
		json_str(j, NULL, str_cstr(&text));
	}
	json_array_end(j);
	json_array(j, "suggestions");
	for (size_t i = 0; i < x->suggestions.n; i++)
		json_str(j, NULL, x->suggestions.v[i]);
	json_array_end(j);
	json_object_end(j);
	json_object_end(j);
}

void report_sarif(const struct report *r, struct str *out)
{
	struct json j;

	json_init(&j, out);
	sarif_begin(&j, "spec-runner");
	rules_json(&j, r->findings);
	sarif_results(&j, r->head.run_id);
	for (size_t i = 0; i < r->findings->n; i++)
		result_json(&j, r->findings->v[i]);
	sarif_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}
