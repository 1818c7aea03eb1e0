/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/output.h"
#include "audit/write.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static void action_write(struct json *j, const struct profile *p)
{
	json_object(j, "action");
	json_str(j, "name", p->action->name);
	json_array(j, "entry_points");
	for (uint32_t i = 0; i < p->action->entry_count; i++)
		json_str(j, NULL, graph_text(p->g, p->g->functions[p->action->entries[i]].name));
	json_array_end(j);
	json_str(j, "description", p->action->description);
	json_object_end(j);
}

static void subgraph_write(struct json *j, const struct profile *p)
{
	const struct graph *g = p->g;

	json_object(j, "call_graph");
	json_object(j, "nodes");
	for (uint32_t i = 0; i < g->function_count; i++)
		if (p->distance[i] != GRAPH_NONE)
			write_node(j, g, p->costs, i);
	json_object_end(j);
	write_edges(j, g, p->distance);
	json_object_end(j);
}

static void candidates_write(struct json *j, const struct profile *p)
{
	const struct graph *g = p->g;

	json_array(j, "candidates");
	for (uint32_t i = 0; i < p->candidate_count; i++) {
		const struct candidate *c = &p->candidates[i];

		json_line(j);
		json_object(j, NULL);
		json_int(j, "rank", (int64_t)i + 1);
		json_str(j, "kind", model_candidate_text(c->kind));
		json_str(j, "action", p->action->name);
		json_str(j, "function", graph_text(g, g->functions[c->function].name));
		json_str(j, "file", graph_text(g, g->files[c->file].path));
		json_int(j, "line", c->line);
		json_str(j, "callee", graph_text(g, c->callee));
		json_int(j, "current_cost", c->cost);
		json_int(j, "proposed_reduction", c->reduction);
		json_str(j, "effort", model_level_text(c->effort));
		json_str(j, "priority", model_level_text(c->priority));
		json_str(j, "why", c->why);
		json_object_end(j);
	}
	json_array_end(j);
}

static void runs_write(struct json *j, const struct profile *p)
{
	json_array(j, "pipelining_candidates");
	for (uint32_t i = 0; i < p->run_count; i++) {
		json_array(j, NULL);
		for (uint32_t k = 0; k < p->runs[i].n; k++) {
			const struct run_item *item = &p->items[p->runs[i].at + k];
			auto_free char *text = xasprintf("%s:%u %s", graph_text(p->g,
				p->g->functions[item->function].name),
							 item->line, graph_text(p->g, item->callee));

			json_str(j, NULL, text);
		}
		json_array_end(j);
	}
	json_array_end(j);
}

static void unresolved_write(struct json *j, const struct profile *p)
{
	const struct graph *g = p->g;

	json_array(j, "unresolved_calls");
	for (uint32_t i = 0; i < p->unresolved_count; i++) {
		const struct graph_call *c = &g->calls[p->unresolved[i]];
		auto_free char *text = xasprintf("%s:%u %s", graph_text(g, g->functions[c->caller].name), c->line,
						 graph_text(g, c->text));

		json_str(j, NULL, text);
	}
	json_array_end(j);
	json_array(j, "unresolved");
	for (uint32_t i = 0; i < p->unresolved_count; i++) {
		json_line(j);
		write_unresolved(j, g, &g->calls[p->unresolved[i]]);
	}
	json_array_end(j);
}

void output_json(const struct profile *p, const char *mermaid, const char *markdown, bool slim, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	action_write(&j, p);
	json_int(&j, "max_depth", p->max_depth);
	subgraph_write(&j, p);
	json_array(&j, "expensive_ops");
	for (uint32_t i = 0; i < p->ops.n; i++) {
		json_line(&j);
		write_op(&j, p->g, &p->ops.v[i]);
	}
	json_array_end(&j);
	json_array(&j, "state_mutations");
	for (uint32_t i = 0; i < p->mutation_count; i++) {
		json_line(&j);
		write_mutation(&j, p->g, &p->mutations[i], true);
	}
	json_array_end(&j);
	json_array(&j, "redundancy");
	for (uint32_t i = 0; i < p->redundancy_count; i++) {
		json_array(&j, NULL);
		json_str(&j, NULL, graph_text(p->g, p->redundancy[i].callee));
		json_int(&j, NULL, p->redundancy[i].count);
		json_array_end(&j);
	}
	json_array_end(&j);
	runs_write(&j, p);
	json_int(&j, "total_load_estimate", p->load);
	unresolved_write(&j, p);
	candidates_write(&j, p);
	if (!slim) {
		json_str(&j, "mermaid", mermaid);
		json_str(&j, "markdown", markdown);
	}
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}
