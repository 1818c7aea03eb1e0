/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/output.h"
#include "audit/write.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* | ` and newlines never leave their cell. */
static void plain(struct str *out, const char *text)
{
	for (const char *c = text; *c; c++) {
		if (*c == '|' || *c == '`')
			str_addc(out, '\\');
		str_addc(out, *c == '\n' || *c == '\r' ? ' ' : *c);
	}
}

/* What Markdown would read as markup is a code span. */
void output_cell(struct str *out, const char *text)
{
	bool code = strpbrk(text, "_*<>[]\\~") && !strpbrk(text, "`\n\r") && text[strlen(text) - 1] != '\\';

	if (code)
		str_addc(out, '`');
	plain(out, text);
	if (code)
		str_addc(out, '`');
}

/* A row of cells from texts; NULL ends them. */
static void row(struct str *out, const char *const cells[])
{
	str_addc(out, '|');
	for (size_t i = 0; cells[i]; i++) {
		str_addc(out, ' ');
		output_cell(out, cells[i]);
		str_add(out, " |");
	}
	str_addc(out, '\n');
}

static void head(struct str *out, const char *const cells[])
{
	row(out, cells);
	str_addc(out, '|');
	for (size_t i = 0; cells[i]; i++)
		str_add(out, " --- |");
	str_addc(out, '\n');
}

#define ROW(out, ...) row(out, (const char *const[]){ __VA_ARGS__, NULL })
#define HEAD(out, ...) head(out, (const char *const[]){ __VA_ARGS__, NULL })

static char *number(int64_t v)
{
	return xasprintf("%lld", (long long)v);
}

static char *place_of(const struct graph *g, uint32_t file, uint32_t line)
{
	return xasprintf("%s:%u", graph_text(g, g->files[file].path), line);
}

static void entries_write(const struct profile *p, struct str *out)
{
	const struct graph *g = p->g;

	str_add(out, "\n## Entry points\n\n");
	HEAD(out, "entry point", "place");
	for (uint32_t i = 0; i < p->action->entry_count; i++) {
		const struct graph_function *f = &g->functions[p->action->entries[i]];
		auto_free char *place = place_of(g, f->file, f->line);

		ROW(out, graph_text(g, f->name), place);
	}
}

static void load_write(const struct profile *p, struct str *out)
{
	uint32_t expensive = 0;

	for (uint32_t i = 0; i < p->ops.n; i++)
		expensive += p->ops.v[i].expensive;
	auto_free char *load = number(p->load), *count = number(p->count), *ops = number(p->ops.n),
		*over = number(expensive);
	auto_free char *mutations = number(p->mutation_count), *unresolved = number(p->unresolved_count);

	str_add(out, "\n## Load\n\n");
	HEAD(out, "load", "functions", "operations", "expensive operations", "mutations", "unresolved calls");
	ROW(out, load, count, ops, over, mutations, unresolved);
}

static void ops_write(const struct profile *p, struct str *out)
{
	const struct graph *g = p->g;

	str_add(out, "\n## Expensive operations\n\n");
	if (!p->ops.n) {
		str_add(out, "None.\n");
		return;
	}
	HEAD(out, "place", "function", "callee", "class", "weight", "loop", "size", "expensive", "source");
	for (uint32_t i = 0; i < p->ops.n; i++) {
		const struct op *o = &p->ops.v[i];
		auto_free char *place = place_of(g, o->file, o->line), *weight = number(o->weight),
			*size = number(o->size);
		auto_free char *loop = !o->in_loop ? xstrdup("") : o->loop_known ? xasprintf("x %lld",
			(long long)o->loop_bound) :
			xstrdup("x ?");
		auto_free char *class = o->in_loop ? xasprintf("%s (%s)", graph_text(g, o->cost_class), graph_text(g,
			o->base_class)) :
			xstrdup(graph_text(g, o->cost_class));

		ROW(out, place, graph_text(g, g->functions[o->function].name), graph_text(g, o->callee), class,
			weight, loop,
		    o->size < 0 ? "" : size, o->expensive ? "yes" : "", o->measured ? "measured" : "heuristic");
	}
}

static void mutations_write(const struct profile *p, struct str *out)
{
	const struct graph *g = p->g;

	str_add(out, "\n## State mutations\n\n");
	if (!p->mutation_count) {
		str_add(out, "None.\n");
		return;
	}
	HEAD(out, "place", "function", "target", "kind", "scope");
	for (uint32_t i = 0; i < p->mutation_count; i++) {
		const struct graph_mutation *m = &p->mutations[i];
		auto_free char *place = place_of(g, m->file, m->line);

		ROW(out, place, graph_text(g, g->functions[m->function].name), graph_text(g, m->target),
		    write_mutation_kind(m->kind), write_scope(m->scope));
	}
}

static void redundancy_write(const struct profile *p, struct str *out)
{
	str_add(out, "\n## Redundant calls\n\n");
	if (!p->redundancy_count) {
		str_add(out, "None.\n");
		return;
	}
	HEAD(out, "callee", "call sites");
	for (uint32_t i = 0; i < p->redundancy_count; i++) {
		auto_free char *count = number(p->redundancy[i].count);

		ROW(out, graph_text(p->g, p->redundancy[i].callee), count);
	}
}

static void runs_write(const struct profile *p, struct str *out)
{
	const struct graph *g = p->g;

	str_add(out, "\n## Pipelining candidates\n\n");
	if (!p->run_count) {
		str_add(out, "None.\n");
		return;
	}
	HEAD(out, "function", "statements that do not need each other");
	for (uint32_t i = 0; i < p->run_count; i++) {
		const struct run_item *item = &p->items[p->runs[i].at];

		str_add(out, "| ");
		output_cell(out, graph_text(g, g->functions[item->function].name));
		for (uint32_t k = 0; k < p->runs[i].n; k++) {
			str_add(out, k ? ", " : " | ");
			output_cell(out, graph_text(g, item[k].callee));
			str_addf(out, " (line %u)", item[k].line);
		}
		str_add(out, " |\n");
	}
}

static void unresolved_write(const struct profile *p, struct str *out)
{
	const struct graph *g = p->g;

	str_add(out, "\n## Unresolved calls\n\n");
	if (!p->unresolved_count) {
		str_add(out, "None.\n");
		return;
	}
	HEAD(out, "place", "function", "call", "reason");
	for (uint32_t i = 0; i < p->unresolved_count; i++) {
		const struct graph_call *c = &g->calls[p->unresolved[i]];
		auto_free char *place = place_of(g, c->file, c->line);

		ROW(out, place, graph_text(g, g->functions[c->caller].name), graph_text(g, c->text),
			graph_reason_text(c->reason));
	}
}

void output_markdown(const struct profile *p, const char *mermaid, struct str *out)
{
	str_add(out, "# Action: ");
	plain(out, p->action->name);
	str_addc(out, '\n');
	if (*p->action->description) {
		str_addc(out, '\n');
		plain(out, p->action->description);
		str_addc(out, '\n');
	}
	entries_write(p, out);
	load_write(p, out);
	ops_write(p, out);
	mutations_write(p, out);
	redundancy_write(p, out);
	runs_write(p, out);
	unresolved_write(p, out);
	str_addf(out, "\n## Call graph\n\n```mermaid\n%s```\n", mermaid);
	str_addf(out, "\n## Caveats\n\n"
		      "Weights are heuristic unless their source says `measured`: one point is nominally one nanosecond. "
		      "%u unresolved %s count as 0, and what they reach is missing here. Calls "
		      "further than %u "
		      "edges from an entry point are not followed. What loops repeat counts once where their bound is "
		      "not a constant.\n",
		 p->unresolved_count, p->unresolved_count == 1 ? "call" : "calls", p->max_depth);
}

static int by_load(const void *a, const void *b)
{
	const struct profile *x = *(const struct profile *const *)a, *y = *(const struct profile *const *)b;

	if (x->load != y->load)
		return x->load > y->load ? -1 : 1;
	return strcmp(x->action->name, y->action->name);
}

static void actions_write(const struct profile *profiles, size_t n, struct str *out)
{
	const struct profile **order = xcalloc(n + 1, sizeof(*order));

	for (size_t i = 0; i < n; i++)
		order[i] = &profiles[i];
	qsort(order, n, sizeof(*order), by_load);
	if (!n)
		str_add(out, "\nNone.\n");
	else
		str_addc(out, '\n');
	if (n)
		HEAD(out, "action", "functions", "expensive operations", "mutations", "unresolved", "load");
	for (size_t i = 0; i < n; i++) {
		uint32_t expensive = 0;

		for (uint32_t k = 0; k < order[i]->ops.n; k++)
			expensive += order[i]->ops.v[k].expensive;
		auto_free char *count = number(order[i]->count), *over = number(expensive),
			*load = number(order[i]->load);
		auto_free char *mutations = number(order[i]->mutation_count),
			*unresolved = number(order[i]->unresolved_count);

		ROW(out, order[i]->action->name, count, over, mutations, unresolved, load);
	}
	free(order);
}

static int by_rank(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	int c = candidate_compare(x->p->g, x->c, y->c);

	return c ? c : strcmp(x->p->action->name, y->p->action->name);
}

struct ranked *output_rank(const struct profile *profiles, size_t n, size_t *count)
{
	size_t all = 0, kept = 0;
	struct ranked *list;

	for (size_t i = 0; i < n; i++)
		all += profiles[i].candidate_count;
	list = xcalloc(all + 1, sizeof(*list));
	all = 0;
	for (size_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < profiles[i].candidate_count; k++)
			list[all++] = (struct ranked){ &profiles[i], &profiles[i].candidates[k] };
	qsort(list, all, sizeof(*list), by_rank);
	for (size_t i = 0; i < all; i++) {
		bool known = false;

		for (size_t k = 0; k < kept && !known; k++)
			known = list[k].c->file == list[i].c->file && list[k].c->line == list[i].c->line &&
				list[k].c->kind == list[i].c->kind && list[k].c->callee == list[i].c->callee;
		if (!known)
			list[kept++] = list[i];
	}
	*count = kept;
	return list;
}

static void candidates_table(const struct graph *g, const struct profile *profiles, size_t n, size_t top,
	struct str *out)
{
	size_t count;
	struct ranked *list = output_rank(profiles, n, &count);

	if (!count)
		str_add(out, "None.\n");
	else
		HEAD(out, "rank", "candidate", "action", "current cost", "proposed reduction", "effort", "priority");
	for (size_t i = 0; i < count && i < top; i++) {
		const struct candidate *c = list[i].c;
		auto_free char *rank = number((int64_t)i + 1), *cost = number(c->cost),
			*reduction = number(c->reduction);
		auto_free char *place = place_of(g, c->file, c->line);

		str_addf(out, "| %s | %s: ", rank, model_candidate_text(c->kind));
		output_cell(out, graph_text(g, c->callee));
		str_add(out, " at ");
		output_cell(out, place);
		str_addf(out, ": %s | ", c->why);
		output_cell(out, list[i].p->action->name);
		str_addf(out, " | %s | %s | %s | %s |\n", cost, reduction, model_level_text(c->effort),
			 model_level_text(c->priority));
	}
	if (count > top)
		str_addf(out, "\n%zu more are in the actions' files.\n", count - top);
	free(list);
}

static void reasons_write(const struct graph *g, struct str *out)
{
	uint64_t count[REASON_COUNT] = { 0 };
	bool any = false;

	str_add(out, "\n## Not resolved\n\n");
	for (uint32_t i = 0; i < g->call_count; i++)
		count[g->calls[i].reason]++;
	for (enum graph_reason r = REASON_none + 1; r < REASON_COUNT; r++)
		any |= count[r] > 0;
	if (!any) {
		str_add(out, "None.\n");
		return;
	}
	HEAD(out, "reason", "calls");
	for (enum graph_reason r = REASON_none + 1; r < REASON_COUNT; r++) {
		auto_free char *n = number((int64_t)count[r]);

		if (count[r])
			ROW(out, graph_reason_text(r), n);
	}
}

/* Rows come with their cells parted by tabs. */
static void calibration_write(const struct calibration *c, struct str *out)
{
	str_add(out, "\n## Calibration\n\n");
	if (!c || (!c->lines.n && !c->unresolved.n)) {
		str_add(out, "None.\n");
		return;
	}
	HEAD(out, "class", "rows", "measured rows", "measured ÷ heuristic (median)", "weight", "proposed weight");
	for (size_t i = 0; i < c->lines.n; i++) {
		str_addc(out, '|');
		for (const char *at = c->lines.v[i]; at;) {
			size_t n = strcspn(at, "\t");
			auto_free char *cell = xstrndup(at, n);

			str_addc(out, ' ');
			output_cell(out, cell);
			str_add(out, " |");
			at = at[n] ? at + n + 1 : NULL;
		}
		str_addc(out, '\n');
	}
	if (c->unresolved.n) {
		str_add(out, "\nUnresolved calls at measured lines, the dearest first:\n\n");
		HEAD(out, "ns", "call");
		for (size_t i = 0; i < c->unresolved.n; i++) {
			size_t n = strcspn(c->unresolved.v[i], " ");
			auto_free char *ns = xstrndup(c->unresolved.v[i], n);

			ROW(out, ns, c->unresolved.v[i] + n + 1);
		}
	}
}

void output_summary(const struct graph *g, const struct profile *profiles, size_t n, const struct calibration *c,
	size_t top,
		    struct str *out)
{
	str_add(out, "# Code path audit\n");
	actions_write(profiles, n, out);
	str_add(out, "\n## Candidates\n\n");
	candidates_table(g, profiles, n, top, out);
	reasons_write(g, out);
	calibration_write(c, out);
}

void output_candidates(const struct graph *g, const struct profile *profiles, size_t n, size_t top, struct str *out)
{
	str_add(out, "# Optimization candidates\n\n");
	candidates_table(g, profiles, n, top, out);
}
