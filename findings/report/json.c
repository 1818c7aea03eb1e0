/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - findings.json (schemas/findings_v1.yaml). */
#include "findings/report.h"

#include "base/json_write.h"

static void value_json(struct json *j, const struct evidence *ev)
{
	switch (fact_columns[ev->col].type) {
	case FACT_TEXT:
		json_str(j, "value", ev->value.s);
		break;
	case FACT_INT:
		json_int(j, "value", ev->value.i);
		break;
	case FACT_NUM:
		json_fixed(j, "value", ev->value.n, 3);
		break;
	case FACT_BOOL:
		json_bool(j, "value", ev->value.b);
		break;
	}
}

static void strv_json(struct json *j, const char *key, const struct strv *l)
{
	json_array(j, key);
	for (size_t i = 0; i < l->n; i++)
		json_str(j, NULL, l->v[i]);
	json_array_end(j);
}

static void evidence_json(struct json *j, const struct finding *x)
{
	json_object(j, "evidence");
	for (size_t i = 0; i < x->n_evidence; i++) {
		const struct evidence *ev = &x->evidence[i];
		const char *unit = fact_columns[ev->col].unit;

		json_line(j);
		json_object(j, ev->name);
		value_json(j, ev);
		json_str(j, "unit", *unit ? unit : NULL);
		json_str(j, "file", ev->file);
		json_str(j, "at", *ev->at ? ev->at : NULL);
		json_object_end(j);
	}
	json_object_end(j);
}

static void finding_json(struct json *j, const struct finding *x)
{
	json_line(j);
	json_object(j, NULL);
	json_str(j, "finding_id", x->id);
	json_str(j, "pattern_id", x->pattern->id);
	json_str(j, "title", x->pattern->title);
	json_str(j, "severity", pattern_severity_text[x->severity]);
	json_str(j, "location", x->location);
	json_str(j, "summary", x->summary);
	json_str(j, "meaning", x->pattern->meaning);
	json_fixed(j, "confidence", x->confidence, 2);
	strv_json(j, "confidence_basis", &x->basis);
	json_bool(j, "proved", x->proved);
	json_uint(j, "occurrences", x->occurrences);
	evidence_json(j, x);
	strv_json(j, "suggestions", &x->suggestions);
	strv_json(j, "verify", &x->verify);
	json_object_end(j);
}

void report_json(const struct report *r, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", r->head.run_id);
	json_array(&j, "findings");
	for (size_t i = 0; i < r->findings->n; i++)
		finding_json(&j, r->findings->v[i]);
	json_array_end(&j);
	json_uint(&j, "findings_dropped", r->findings->dropped);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}
