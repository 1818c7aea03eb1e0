/* SPDX-License-Identifier: Apache-2.0 */
/* sarif.c - SARIF 2.1.0: patterns are rules, findings are results. */
#include "findings/report.h"

#include "base/json_write.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void message_json(struct json *j, const char *key, const char *text)
{
	json_object(j, key);
	json_str(j, "text", text);
	json_object_end(j);
}

static bool rule_is_first(const struct findings *fs, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (fs->v[i]->pattern == fs->v[at]->pattern)
			return false;
	return true;
}

static void rules_json(struct json *j, const struct findings *fs)
{
	json_array(j, "rules");
	for (size_t i = 0; i < fs->n; i++) {
		const struct pattern *p = fs->v[i]->pattern;

		if (!rule_is_first(fs, i))
			continue;
		json_object(j, NULL);
		json_str(j, "id", p->id);
		message_json(j, "shortDescription", p->title);
		message_json(j, "fullDescription", p->meaning);
		json_object(j, "defaultConfiguration");
		json_str(j, "level", pattern_severity_text[p->severity]);
		json_object_end(j);
		json_object_end(j);
	}
	json_array_end(j);
}

/* A file name as a URI reference: what RFC 3986 does not allow is escaped. */
static char *uri_of(const char *file)
{
	auto_str out = STR_INIT;

	if (*file == '/')
		str_add(&out, "file://");
	for (; *file; file++) {
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/+@", *file))
			str_addc(&out, *file);
		else
			str_addf(&out, "%%%02X", (unsigned char)*file);
	}
	return str_steal(&out);
}

/* Readers of SARIF want a place for every result: where the program has none, that of the evidence. */
static void evidence_place_json(struct json *j, const struct finding *x)
{
	json_object(j, NULL);
	json_object(j, "physicalLocation");
	json_object(j, "artifactLocation");
	json_str(j, "uri", x->n_evidence ? x->evidence[0].file : "run-trace.json");
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
}

static void location_json(struct json *j, const struct finding *x)
{
	char *file = NULL;
	int64_t line;

	json_array(j, "locations");
	if (report_split_location(x->location, &file, &line)) {
		auto_free char *uri = uri_of(file);

		json_object(j, NULL);
		json_object(j, "physicalLocation");
		json_object(j, "artifactLocation");
		json_str(j, "uri", uri);
		json_object_end(j);
		if (line > 0) {
			json_object(j, "region");
			json_int(j, "startLine", line);
			json_object_end(j);
		}
		json_object_end(j);
		json_array(j, "logicalLocations");
		json_object(j, NULL);
		json_str(j, "fullyQualifiedName", x->location);
		json_object_end(j);
		json_array_end(j);
		json_object_end(j);
	} else {
		evidence_place_json(j, x);
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
	message_json(j, "message", x->summary);
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
	json_object(&j, NULL);
	json_str(&j, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
	json_str(&j, "version", "2.1.0");
	json_array(&j, "runs");
	json_object(&j, NULL);
	json_object(&j, "tool");
	json_object(&j, "driver");
	json_str(&j, "name", "spec-runner");
	json_str(&j, "version", SPEC_RUNNER_VERSION);
	rules_json(&j, r->findings);
	json_object_end(&j);
	json_object_end(&j);
	json_object(&j, "automationDetails");
	json_str(&j, "id", r->head.run_id);
	json_object_end(&j);
	json_array(&j, "results");
	for (size_t i = 0; i < r->findings->n; i++)
		result_json(&j, r->findings->v[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}
