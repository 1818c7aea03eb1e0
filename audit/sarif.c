/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/sarif.h"
#include "audit/output.h"

#include "base/mem.h"
#include "base/sarif.h"

#include <stdlib.h>

static const char *const descriptions[CANDIDATE_KINDS] = {
	"The same call with the same arguments is made more than once",
	"An expensive call is repeated by a loop",
	"Expensive statements in a row do not need each other",
	"An operation is over the threshold",
};

static void rules_write(struct json *j)
{
	for (int k = 0; k < CANDIDATE_KINDS; k++) {
		auto_free char *id = xasprintf("audit.%s", model_candidate_text((enum model_candidate)k));

		json_object(j, NULL);
		json_str(j, "id", id);
		sarif_text(j, "shortDescription", descriptions[k]);
		json_object_end(j);
	}
}

static void result_write(struct json *j, enum model_candidate kind, bool warning, const char *message, const char *file,
			 uint32_t line)
{
	auto_free char *id = xasprintf("audit.%s", model_candidate_text(kind));

	json_line(j);
	json_object(j, NULL);
	json_str(j, "ruleId", id);
	json_int(j, "ruleIndex", kind);
	json_str(j, "level", warning ? "warning" : "note");
	sarif_text(j, "message", message);
	json_array(j, "locations");
	json_object(j, NULL);
	sarif_place(j, file, "SRCROOT", line ? line : 1);
	json_object_end(j);
	json_array_end(j);
	json_object_end(j);
}

static void candidates_write(struct json *j, const struct graph *g, const struct profile *profiles, size_t n)
{
	size_t count;
	struct ranked *list = output_rank(profiles, n, &count);

	for (size_t i = 0; i < count; i++) {
		const struct candidate *c = list[i].c;
		auto_free char *message = xasprintf("action %s: %s is %s; it costs %lld, %lld less would be possible",
			list[i].p->action->name, graph_text(g, c->callee), c->why, (long long)c->cost,
				(long long)c->reduction);

		result_write(j, c->kind, c->priority == LEVEL_HIGH, message, graph_text(g, g->files[c->file].path),
			c->line);
	}
	free(list);
}

void sarif_write(const struct graph *g, const struct costs *c, const struct profile *profiles, size_t n, struct str *out)
{
	struct json j;

	json_init(&j, out);
	sarif_begin(&j, "spec-runner audit");
	rules_write(&j);
	sarif_results(&j, NULL);
	candidates_write(&j, g, profiles, n);
	for (uint32_t i = 0; !n && i < c->ops.n; i++) {
		const struct op *o = &c->ops.v[i];
		auto_free char *message = xasprintf("%s weighs %lld", graph_text(g, o->callee), (long long)o->weight);

		if (o->expensive)
			result_write(&j, CANDIDATE_EXPENSIVE, true, message, graph_text(g, g->files[o->file].path),
				o->line);
	}
	sarif_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}
