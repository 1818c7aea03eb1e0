/* SPDX-License-Identifier: Apache-2.0 */
/* evidence_pack.c - the pack is made whole, then fields are left out until it fits, the last of priority_fields first. */
#include "history/evidence_pack.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "history/analyze.h"
#include "history/artifact.h"
#include "history/hangs.h"
#include "history/lineage.h"
#include "history/static_graph.h"
#include "history/view.h"

#include <stdlib.h>
#include <string.h>

#define NEIGHBOURS 10
#define ITEMS_MAX 50
#define CODE_MAX_BYTES ((size_t)8 << 20)
#define CODE_LINES 200

/* From the most to the least important. The first two are never left out. */
static const char *const fields[] = {
	"hotspot",    "summaries.short", "deltas",           "pcg", "symptom_windows", "code", "psg",
	"risk_notes", "strategies",      "summaries.medium",
};
enum { F_HOTSPOT, F_SHORT, F_DELTAS, F_PCG, F_WINDOWS, F_CODE, F_PSG, F_RISKS, F_STRATEGIES, F_MEDIUM, FIELDS };

struct spot {
	char *symbol, *file, *ranker;
	int64_t line_start, line_end, rank;
	double score, self_share, total_share;
};
struct pack {
	const struct pack_request *q;
	const char *run_id;
	struct lineage l;
	struct deltas vs_baseline, vs_best;
	struct strv artifacts;
	struct spot *spots;
	size_t n_spots, items;      /* items: that are written */
	struct samples samples;
	bool has_samples;
	struct static_graph *psg; /* NULL: none is stored */
	bool left_out[FIELDS];
	size_t dropped_items;
	struct hangs hangs;
	char *signature;            /* of the hang, NULL: hotspots */
	uint64_t redactions;
};

static void put_text(struct pack *p, struct json *j, const char *key, const char *text)
{
	auto_str clean = STR_INIT;

	if (!text) {
		json_null(j, key);
		return;
	}
	redact_text(p->q->redactor, text, strlen(text), &clean);
	p->redactions += strcmp(str_cstr(&clean), text) != 0;
	json_strn(j, key, str_cstr(&clean), clean.len);
}

/* ---- what the store knows ---- */

static char *copy(const char *s) { return s ? xstrdup(s) : NULL; }

static int read_spots(struct pack *p, struct err *e)
{
	auto_query *q = query_new(p->q->s,
				  "SELECT symbol, file_path, line_start, line_end, score, rank, ranker,"
				  " COALESCE(self_share, 0), COALESCE(total_share, 0) FROM hotspots WHERE run_id = ?"
				  " AND (CAST(? AS TEXT) = '' OR symbol = ?) ORDER BY ranker, rank, symbol LIMIT ?",
				  e);
	const char *symbol = p->q->settings->symbol ? p->q->settings->symbol : "";
	int rc;

	if (!q)
		return -1;
	query_bind(q, "ttti", p->run_id, symbol, symbol, (int64_t)ITEMS_MAX);
	while ((rc = query_step(q, e)) == 1) {
		p->spots = xreallocarray(p->spots, p->n_spots + 1, sizeof(*p->spots));
		p->spots[p->n_spots++] = (struct spot){
			.symbol = copy(query_text(q, 0)), .file = copy(query_text(q, 1)), .ranker = copy(query_text(q, 6)),
			.line_start = query_kind(q, 2) == QUERY_NULL ? 0 : query_int(q, 2),
			.line_end = query_kind(q, 3) == QUERY_NULL ? 0 : query_int(q, 3), .rank = query_int(q, 5),
			.score = query_real(q, 4), .self_share = query_real(q, 7), .total_share = query_real(q, 8),
		};
	}
	p->items = p->n_spots;
	return rc;
}

static int read_lineage(struct pack *p, struct err *e)
{
	auto_query *q = query_new(p->q->s,
				  "SELECT DISTINCT artifact_id FROM artifacts WHERE run_id = ? ORDER BY artifact_id",
				  e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", p->run_id);
	while ((rc = query_step(q, e)) == 1)
		strv_add(&p->artifacts, query_text(q, 0));
	if (rc < 0 || lineage_read(p->q->s, p->run_id, &p->l, e) < 0)
		return -1;
	if ((p->l.baseline && deltas_read(p->q->s, p->l.baseline, p->run_id, &p->vs_baseline, e) < 0) ||
	    (p->l.best && strcmp(p->l.best, p->run_id) != 0 &&
	     deltas_read(p->q->s, p->l.best, p->run_id, &p->vs_best, e) < 0))
		return -1;
	return 0;
}

static int read_samples(struct pack *p, struct err *e)
{
	struct strv ids = STRV_INIT;
	struct err ignored = { 0 };
	int rc = analyze_samples(p->q->s, p->run_id, &p->samples, &ids, &ignored);

	p->has_samples = rc == 0;
	strv_release(&ids);
	if (rc < 0)
		*e = ignored;
	return rc < 0 ? -1 : 0;
}

/* ---- parts of an item ---- */

static void put_spot(struct pack *p, struct json *j, const struct spot *s)
{
	json_object(j, "hotspot");
	put_text(p, j, "symbol", s->symbol);
	put_text(p, j, "file", s->file);
	if (s->line_start)
		json_int(j, "line_start", s->line_start);
	else
		json_null(j, "line_start");
	if (s->line_end)
		json_int(j, "line_end", s->line_end);
	else
		json_null(j, "line_end");
	view_real(j, "score", s->score);
	view_real(j, "self_share", s->self_share);
	view_real(j, "total_share", s->total_share);
	json_str(j, "ranker", s->ranker);
	json_object_end(j);
}

struct neighbour {
	const char *symbol;
	double cost;
	uint64_t count;
};

static int by_cost(const void *a, const void *b)
{
	const struct neighbour *x = a, *y = b;

	if (x->cost != y->cost)
		return x->cost < y->cost ? 1 : -1;
	return strcmp(x->symbol, y->symbol);
}

/* The costliest callers or callees of a symbol; returns how many. */
static size_t neighbours(const struct pack *p, const char *symbol, bool callers, struct neighbour out[NEIGHBOURS])
{
	const struct samples *s = &p->samples;
	auto_free struct neighbour *all = NULL;
	size_t n = 0, keep;

	for (size_t i = 0; p->has_samples && i < s->n_edges; i++) {
		const char *caller = s->nodes[s->edges[i].caller].symbol, *callee = s->nodes[s->edges[i].callee].symbol;

		if (strcmp(callers ? callee : caller, symbol) != 0)
			continue;
		all = xreallocarray(all, n + 1, sizeof(*all));
		all[n++] = (struct neighbour){ callers ? caller : callee, s->edges[i].cost, s->edges[i].count };
	}
	if (n)
		qsort(all, n, sizeof(*all), by_cost);
	keep = n < NEIGHBOURS ? n : NEIGHBOURS;
	if (keep && all)
		memcpy(out, all, keep * sizeof(*all));
	return keep;
}

static void put_neighbours(struct pack *p, struct json *j, const char *key, const char *symbol, bool callers)
{
	struct neighbour v[NEIGHBOURS];
	size_t n = neighbours(p, symbol, callers, v);

	json_array(j, key);
	for (size_t i = 0; i < n; i++) {
		json_object(j, NULL);
		put_text(p, j, "symbol", v[i].symbol);
		view_real(j, "cost", v[i].cost);
		json_uint(j, "count", v[i].count);
		json_object_end(j);
	}
	json_array_end(j);
}

/* Windows of janks that were taken in with a frame timeline. */
static int put_windows(struct pack *p, struct json *j, struct err *e)
{
	auto_query *q = query_new(p->q->s,
				  "SELECT artifact_id, metadata_json FROM artifacts WHERE run_id = ? AND kind ="
				  " 'flamegraph' ORDER BY sha256",
				  e);
	int rc;

	json_array(j, "symptom_windows");
	if (q)
		query_bind(q, "t", p->run_id);
	while (q && (rc = query_step(q, e)) == 1) {
		struct json_reader *in = json_reader_text(query_text(q, 1), strlen(query_text(q, 1)), "metadata");
		const struct json_value *v, *list = NULL;
		struct err ignored = { 0 };

		if (json_take(in, &v, &ignored) == 0)
			list = json_get(v, "windows");
		if (list && list->kind == JSON_ARRAY)
			json_each(w, list) {
				const struct json_value *a = json_get(w, "start_ms"), *b = json_get(w, "end_ms"),
						*late = json_get(w, "late_ms");
				auto_str excerpt = STR_INIT;

				if (!a || !b || !late)
					continue;
				str_addf(&excerpt, "frames that missed their refresh, %.3f ms late in all", late->number);
				json_object(j, NULL);
				json_str(j, "kind", "jank");
				view_real(j, "start", a->number);
				view_real(j, "end", b->number);
				json_str(j, "unit", "ms");
				json_str(j, "excerpt", str_cstr(&excerpt));
				json_str(j, "artifact_id", query_text(q, 0));
				json_object_end(j);
			}
		json_reader_free(in);
	}
	json_array_end(j);
	return q && rc >= 0 ? 0 : -1;
}

static const char *line_at(const char *text, int64_t line)
{
	for (; line > 1 && text; line--) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text;
}

static void put_code(struct pack *p, struct json *j, const struct spot *s)
{
	auto_free char *path = s->file ? path_join(p->q->root, s->file) : NULL, *text = NULL, *piece = NULL;
	int64_t last = s->line_end && s->line_end - s->line_start < CODE_LINES ? s->line_end : s->line_start + CODE_LINES;
	char hex[ARTIFACT_SHA256_SIZE];
	struct err ignored = { 0 };
	const char *from, *to;
	size_t n;

	if (!path || !s->line_start || strstr(s->file, "..") || file_read(path, CODE_MAX_BYTES, &text, &n, &ignored) < 0 ||
	    !(from = line_at(text, s->line_start))) {
		json_null(j, "code");
		return;
	}
	to = line_at(from, last - s->line_start + 2);
	piece = to ? xstrndup(from, (size_t)(to - from)) : xstrdup(from);
	sha256_hex(text, n, hex);
	json_object(j, "code");
	json_str(j, "path", s->file);
	json_int(j, "line_start", s->line_start);
	json_int(j, "line_end", last);
	json_str(j, "sha256", hex);
	put_text(p, j, "text", piece);
	json_object_end(j);
}

static void put_deltas(struct pack *p, struct json *j)
{
	json_object(j, "deltas");
	if (p->l.deltas)
		json_raw(j, "vs_baseline", p->l.deltas, strlen(p->l.deltas)); /* with intervals and verdicts */
	else if (p->l.baseline)
		deltas_write(&p->vs_baseline, j, "vs_baseline");
	else
		json_null(j, "vs_baseline");
	if (p->l.best && strcmp(p->l.best, p->run_id) != 0)
		deltas_write(&p->vs_best, j, "vs_best");
	else
		json_null(j, "vs_best");
	json_object_end(j);
}

/* ---- risks and strategies: by what a function and its neighbours are called ---- */

static const struct kind {
	const char *kind, *note, *id, *title;
	const char *words[8];
} kinds[] = {
	{ "locking",
	  "locks are taken here or right below",
	  "shorten-critical-section",
	  "Hold the lock for less, or split it",
	  { "lock", "mutex", "futex", "semaphore", "rwsem", NULL } },
	{ "concurrency",
	  "threads wait or are woken here or right below",
	  "batch-wakeups",
	  "Wake up less often, for more at a time",
	  { "wait", "wake", "thread", "atomic", "schedule", "cond", NULL } },
	{ "memory",
	  "memory is taken or given back here or right below",
	  "reuse-allocations",
	  "Reuse memory instead of taking it anew",
	  { "alloc", "free", "memcpy", "memset", "page_fault", "clear_page", NULL } },
	{ "io",
	  "files or sockets are read or written here or right below",
	  "batch-io",
	  "Read and write more at a time",
	  { "read", "write", "send", "recv", "fsync", "open", NULL } },
};

static const char *word_in(const struct kind *k, const char *symbol)
{
	for (int i = 0; k->words[i]; i++)
		if (strcasestr(symbol, k->words[i]))
			return symbol;
	return NULL;
}

static const char *evidence_of(const struct kind *k, const char *symbol, const struct neighbour *v, size_t n)
{
	const char *found = word_in(k, symbol);

	for (size_t i = 0; i < n && !found; i++)
		found = word_in(k, v[i].symbol);
	return found;
}

static void put_risks(struct pack *p, struct json *j, const char *symbol)
{
	struct neighbour v[NEIGHBOURS];
	size_t n = neighbours(p, symbol, false, v);

	json_array(j, "risk_notes");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *evidence = evidence_of(&kinds[i], symbol, v, n);

		if (!evidence)
			continue;
		json_object(j, NULL);
		json_str(j, "kind", kinds[i].kind);
		json_str(j, "note", kinds[i].note);
		put_text(p, j, "evidence", evidence);
		json_object_end(j);
	}
	json_array_end(j);
}

static void put_strategy(struct json *j, const char *id, const char *title)
{
	json_object(j, NULL);
	json_str(j, "id", id);
	json_str(j, "title", title);
	json_object_end(j);
}

static void put_strategies(struct pack *p, struct json *j, const struct spot *s)
{
	struct neighbour v[NEIGHBOURS];
	size_t n = neighbours(p, s->symbol, false, v);

	json_array(j, "strategies");
	if (s->self_share >= s->total_share / 2)
		put_strategy(j, "cheaper-algorithm", "Do the same with less work in this function");
	else
		put_strategy(j, "call-less", "Call what is below it less often, or keep its results");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (evidence_of(&kinds[i], s->symbol, v, n))
			put_strategy(j, kinds[i].id, kinds[i].title);
	json_array_end(j);
}

static void put_summaries(struct pack *p, struct json *j, const struct spot *s)
{
	auto_str brief = STR_INIT, medium = STR_INIT;
	struct neighbour up[NEIGHBOURS], down[NEIGHBOURS];
	size_t n_up = neighbours(p, s->symbol, true, up), n_down = neighbours(p, s->symbol, false, down);

	str_addf(&brief, "%s: %.1f %% of the cost by itself, %.1f %% with what it calls (%s %lld)", s->symbol,
		 s->self_share * 100, s->total_share * 100, s->ranker, (long long)s->rank);
	str_addn(&medium, brief.data, brief.len);
	str_addf(&medium, n_up ? "; called most by %s" : "; nobody calls it", n_up ? up[0].symbol : "");
	if (n_down)
		str_addf(&medium, "; calls %s most", down[0].symbol);
	json_object(j, "summaries");
	put_text(p, j, "short", str_cstr(&brief));
	if (!p->left_out[F_MEDIUM])
		put_text(p, j, "medium", str_cstr(&medium));
	json_object_end(j);
}

static int put_item(struct pack *p, struct json *j, const struct spot *s, struct err *e)
{
	int rc = 0;

	json_object(j, NULL);
	put_spot(p, j, s);
	if (!p->left_out[F_PSG])
		static_graph_neighbours(p->psg, s->symbol, j, "psg");
	if (!p->left_out[F_PCG]) {
		json_object(j, "pcg");
		put_neighbours(p, j, "callers", s->symbol, true);
		put_neighbours(p, j, "callees", s->symbol, false);
		json_object_end(j);
	}
	if (!p->left_out[F_WINDOWS])
		rc = put_windows(p, j, e);
	if (!p->left_out[F_CODE])
		put_code(p, j, s);
	if (!p->left_out[F_DELTAS])
		put_deltas(p, j);
	if (!p->left_out[F_RISKS])
		put_risks(p, j, s->symbol);
	if (!p->left_out[F_STRATEGIES])
		put_strategies(p, j, s);
	put_summaries(p, j, s);
	json_object_end(j);
	return rc;
}

/* ---- the hang ---- */

static int put_findings(struct pack *p, struct json *j, struct err *e)
{
	auto_query *q = query_new(p->q->s,
				  "SELECT finding_id, pattern_id, location, confidence, proved, summary FROM"
				  " findings WHERE run_id = ? ORDER BY rank LIMIT 20",
				  e);
	int rc;

	if (!q)
		return -1;
	query_bind(q, "t", p->run_id);
	json_array(j, "findings");
	while ((rc = query_step(q, e)) == 1) {
		json_object(j, NULL);
		json_str(j, "finding_id", query_text(q, 0));
		json_str(j, "pattern_id", query_text(q, 1));
		put_text(p, j, "location", query_text(q, 2));
		view_real(j, "confidence", query_real(q, 3));
		json_bool(j, "proved", query_int(q, 4) != 0);
		put_text(p, j, "summary", query_text(q, 5));
		json_object_end(j);
	}
	json_array_end(j);
	return rc;
}

/* The evidence of the finding, out of the stored findings.json. */
static int put_chain(struct pack *p, struct json *j, struct err *e)
{
	auto_free char *path = NULL, *text = NULL;
	struct json_reader *in;
	const struct json_value *v, *list, *evidence;
	struct err ignored = { 0 };
	size_t n;

	json_array(j, "wait_chain");
	if (store_one_text(p->q->s, &path, e, "SELECT path FROM artifacts WHERE run_id = ? AND kind = 'findings'", "t",
			   p->run_id) < 0)
		return -1;
	if (path && artifact_read(store_dir(p->q->s), path, &text, &n, &ignored) == 0) {
		in = json_reader_text(text, n, path);
		list = json_take(in, &v, &ignored) == 0 ? json_get(v, "findings") : NULL;
		if (list && list->kind == JSON_ARRAY)
			json_each(f, list) {
				const char *id = json_get_text(f, "finding_id");

				evidence = id && strcmp(id, p->signature) == 0 ? json_get(f, "evidence") : NULL;
				if (evidence && evidence->kind == JSON_OBJECT)
					json_each(x, evidence) {
						const struct json_value *value = json_get(x, "value");
						auto_str line = STR_INIT;

						str_addf(&line, "%s = ", x->key);
						if (value && value->kind == JSON_STRING)
							str_add(&line, value->text);
						else if (value && value->kind == JSON_NUMBER)
							str_addf(&line, "%.10g", value->number);
						else
							str_add(&line, value && value->kind == JSON_TRUE ? "true" : "false");
						put_text(p, j, NULL, str_cstr(&line));
					}
			}
		json_reader_free(in);
	}
	json_array_end(j);
	return 0;
}

static int put_hang(struct pack *p, struct json *j, struct err *e)
{
	const struct hang *h = p->hangs.n ? &p->hangs.v[0] : NULL;

	if (!p->signature) {
		json_null(j, "hang");
		return 0;
	}
	json_object(j, "hang");
	json_str(j, "signature", p->signature);
	if (put_findings(p, j, e) < 0)
		return -1;
	if (!p->left_out[F_MEDIUM] && put_chain(p, j, e) < 0)
		return -1;
	json_int(j, "count", h ? h->count : 1);
	json_str(j, "first_seen", h ? h->first_seen : NULL);
	json_str(j, "last_seen", h ? h->last_seen : NULL);
	json_str(j, "first_rev", h ? h->first_rev : NULL);
	json_object_end(j);
	return 0;
}

/* ---- the whole ---- */

static int render(struct pack *p, uint64_t tokens, struct str *out, struct err *e)
{
	struct json j;
	int rc = 0;

	p->redactions = 0;
	str_reset(out);
	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "kind", p->signature ? "hang" : "hotspot");
	json_str(&j, "run_id", p->run_id);
	json_str(&j, "baseline_run_id", p->l.baseline);
	json_str(&j, "best_run_id", p->l.best);
	json_array(&j, "artifacts");
	for (size_t i = 0; i < p->artifacts.n; i++)
		json_str(&j, NULL, p->artifacts.v[i]);
	json_array_end(&j);
	json_int(&j, "max_prompt_tokens", p->q->settings->max_prompt_tokens);
	json_array(&j, "priority_fields");
	for (int i = 0; i < FIELDS; i++)
		json_str(&j, NULL, fields[i]);
	json_array_end(&j);
	json_array(&j, "items");
	for (size_t i = 0; i < p->items && !p->signature && rc == 0; i++)
		rc = put_item(p, &j, &p->spots[i], e);
	json_array_end(&j);
	if (rc == 0)
		rc = put_hang(p, &j, e);
	json_uint(&j, "redactions", p->redactions);
	json_uint(&j, "tokens_estimate", tokens);
	json_array(&j, "dropped");
	for (int i = 0; i < FIELDS; i++)
		if (p->left_out[i])
			json_str(&j, NULL, fields[i]);
	for (size_t i = p->items; i < p->n_spots; i++) {
		auto_free char *name = xasprintf("items[%zu]", i);

		json_str(&j, NULL, name);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
	return rc;
}

/* The estimate stands in the text that it is of: written again until it holds. */
static int render_settled(struct pack *p, struct str *out, uint64_t *tokens, struct err *e)
{
	uint64_t guess = 0;

	for (int i = 0; i < 8; i++) {
		if (render(p, guess, out, e) < 0)
			return -1;
		*tokens = (out->len + 3) / 4;
		if (*tokens == guess)
			return 0;
		guess = *tokens;
	}
	return 0;
}

static int fit(struct pack *p, struct str *out, struct err *e)
{
	uint64_t most = (uint64_t)p->q->settings->max_prompt_tokens, tokens;
	int next = FIELDS - 1;

	if (render_settled(p, out, &tokens, e) < 0)
		return -1;
	while (tokens > most) {
		if (next > F_SHORT)
			p->left_out[next--] = true;
		else if (p->items > 1)
			p->items--;
		else
			break;
		if (render_settled(p, out, &tokens, e) < 0)
			return -1;
	}
	return 0;
}

static int find_subject(struct pack *p, struct err *e)
{
	const struct history_settings *o = p->q->settings;
	int64_t there;

	if (o->finding) {
		if (store_one_int(p->q->s, &there, 0, e,
				  "SELECT COUNT(*) FROM findings WHERE run_id = ? AND finding_id = ?",
				  "tt", p->run_id, o->finding) < 0)
			return -1;
		if (!there) {
			err_set(e, ERR_FAILURE, "evidence: run %s has no finding '%s'", p->run_id, o->finding);
			return 1;
		}
		p->signature = xstrdup(o->finding);
	} else if (!p->n_spots && !o->symbol && hang_of_run(p->q->s, p->run_id, &p->signature, e) < 0) {
		return -1;
	}
	if (!p->signature && !p->n_spots) {
		err_set(e, ERR_FAILURE,
			o->symbol ? "evidence: run %s has no hotspot '%s'"
				  : "evidence: run %s has no"
				    " hotspots (spec-runner analyze makes them) and did not hang%.0s",
			p->run_id, o->symbol ? o->symbol : "");
		return 1;
	}
	return p->signature ? hangs_read(p->q->s, p->signature, NULL, &p->hangs, e) : 0;
}

static void release(struct pack *p)
{
	for (size_t i = 0; i < p->n_spots; i++) {
		free(p->spots[i].symbol);
		free(p->spots[i].file);
		free(p->spots[i].ranker);
	}
	free(p->spots);
	lineage_release(&p->l);
	deltas_release(&p->vs_baseline);
	deltas_release(&p->vs_best);
	free(p->signature);
	strv_release(&p->artifacts);
	samples_release(&p->samples);
	static_graph_free(p->psg);
	hangs_release(&p->hangs);
}

int pack_write(const struct pack_request *q, const char *run_id, struct str *out, struct err *e)
{
	struct pack p = { .q = q, .run_id = run_id };
	int rc = read_spots(&p, e);

	if (rc == 0)
		rc = find_subject(&p, e);
	if (rc == 0)
		rc = read_lineage(&p, e);
	if (rc == 0 && !p.signature)
		rc = read_samples(&p, e);
	if (rc == 0 && !p.signature)
		rc = static_graph_read(q->s, run_id, &p.psg, e);
	if (rc == 0)
		rc = fit(&p, out, e);
	release(&p);
	return rc;
}
