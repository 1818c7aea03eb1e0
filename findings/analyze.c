/* SPDX-License-Identifier: Apache-2.0 */
/* analyze.c - for each pattern and each row of its kind: do its conditions hold, are its joined rows
 * there, its absent ones not? Then the finding is built from the pattern's own words. */
#include "findings/analyze.h"

#include "base/frame_home.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Rows that one join lists as evidence, and rows that one pattern may turn into findings. */
#define JOIN_ROWS_MAX 16
#define ROWS_A_PATTERN_MAX 256

struct search {
	const struct facts *facts;
	const struct pattern *p;
	struct binding b;
	unsigned *cut;
	/* every row of the joins that want all: [join][i] */
	const struct fact_row *all[SCOPE_MAX][JOIN_ROWS_MAX];
	unsigned n_all[SCOPE_MAX];
};

static bool on_holds(const struct pattern_join *j, const struct binding *b)
{
	for (unsigned i = 0; i < j->n_on; i++) {
		const struct fact_value *x = ref_value(&j->on[i].theirs, b);
		const struct fact_value *y = ref_value(&j->on[i].ours, b);

		if (!x->known || !y->known ||
		    fact_value_cmp(fact_columns[j->on[i].theirs.col].type, x, y) != 0)
			return false;
	}
	return true;
}

/* Binds scope entry `at` to the next row that fits, from row `from` on. Returns one past its index, or
 * 0 where there is none (the entry is NULL then). */
static size_t join_next(struct search *s, const struct pattern_join *j, unsigned at, size_t from)
{
	const struct fact_table *t = &s->facts->table[j->over];

	for (size_t i = from; i < t->n; i++) {
		s->b.row[at] = t->rows[i];
		if (on_holds(j, &s->b) && condition_holds(j->condition, &s->b, s->cut))
			return i + 1;
	}
	s->b.row[at] = NULL;
	return 0;
}

static void join_list(struct search *s, const struct pattern_join *j, unsigned at)
{
	const struct fact_row *first = s->b.row[at];
	size_t next = 0;

	s->n_all[at] = 0;
	while (s->n_all[at] < JOIN_ROWS_MAX && (next = join_next(s, j, at, next)) > 0)
		s->all[at][s->n_all[at]++] = s->b.row[at];
	s->b.row[at] = first;
}

/* Joins one after another, going back where a later one fails: any fitting set of rows will do,
 * and the first in the canonical order is taken. `budget` bounds the whole search. */
static bool join_from(struct search *s, unsigned k, unsigned *budget)
{
	const struct pattern_join *j;
	size_t next = 0;

	if (k == s->p->n_joins)
		return true;
	j = &s->p->joins[k];
	while (*budget && (next = join_next(s, j, k + 1, next)) > 0) {
		(*budget)--;
		if (join_from(s, k + 1, budget))
			return true;
	}
	s->b.row[k + 1] = NULL;
	return j->optional && join_from(s, k + 1, budget);
}

static bool row_matches(struct search *s, const struct fact_row *row)
{
	unsigned budget = 4096, at;

	memset(&s->b, 0, sizeof(s->b));
	s->b.row[0] = row;
	if (!condition_holds(s->p->condition, &s->b, s->cut) || !join_from(s, 0, &budget))
		return false;
	at = s->p->scope.n;
	for (unsigned i = 0; i < s->p->n_absent; i++) {
		/* The absent row stands behind the joined ones, where its conditions look for it. */
		BUG_ON(at >= SCOPE_MAX);
		if (join_next(s, &s->p->absent[i], at, 0))
			return false;
		s->b.row[at] = NULL;
	}
	for (unsigned i = 0; i < s->p->n_joins; i++)
		if (s->p->joins[i].all)
			join_list(s, &s->p->joins[i], i + 1);
	return true;
}

static char *first_text(const struct pattern_texts *t, const struct binding *b)
{
	auto_str out = STR_INIT;

	for (unsigned i = 0; i < t->n; i++) {
		str_reset(&out);
		if (phrase_expand(t->t[i], b, &out))
			return str_steal(&out);
	}
	return NULL;
}

static void all_texts(const struct pattern_texts *t, const struct binding *b, struct strv *list)
{
	auto_str out = STR_INIT;

	for (unsigned i = 0; i < t->n; i++) {
		str_reset(&out);
		if (phrase_expand(t->t[i], b, &out) && !strv_has(list, str_cstr(&out)))
			strv_add(list, str_cstr(&out));
	}
}

/* What is not known is left out of a reason, with the word that led to it. */
static void drop_unknown(struct str *line, const char *words)
{
	char *at = strstr(line->data ? line->data : "", words);

	if (!at)
		return;
	memmove(at, at + strlen(words), strlen(at + strlen(words)) + 1);
	line->len -= strlen(words);
}

static void sum_confidence(struct search *s, struct finding *x)
{
	auto_str line = STR_INIT;
	int hundredths = 0;

	for (unsigned i = 0; i < s->p->n_confidence; i++) {
		const struct pattern_evidence *c = &s->p->confidence[i];

		if (!condition_holds(c->when, &s->b, s->cut))
			continue;
		hundredths += (int)(c->add * 100 + (c->add < 0 ? -0.5 : 0.5));
		str_reset(&line);
		str_addf(&line, "%+.2f: ", c->add);
		if (!phrase_expand(c->because, &s->b, &line)) {
			drop_unknown(&line, " (?)");
			drop_unknown(&line, " in ?");
		}
		strv_add(&x->basis, str_cstr(&line));
	}
	if (!s->p->n_confidence) {
		hundredths = 50;
		strv_add(&x->basis, "+0.50: the condition of the pattern holds");
	}
	x->confidence = hundredths < 0 ? 0 : hundredths > 100 ? 1 : hundredths / 100.0;
}

static void add_evidence(struct search *s, struct finding *x)
{
	const struct pattern *p = s->p;

	for (unsigned i = 0; i < p->n_evidence; i++) {
		const struct ref *r = &p->evidence[i];
		bool all = r->at > 0 && p->joins[r->at - 1].all;
		const char *row = r->at ? p->scope.name[r->at] : fact_kinds[p->scope.kind[0]].name;
		unsigned n = all ? s->n_all[r->at] : 1;

		for (unsigned k = 0; k < n; k++) {
			const struct fact_row *from = all ? s->all[r->at][k] : s->b.row[r->at];
			auto_free char *name = all ? xasprintf("%s[%u].%s", row, k + 1, fact_columns[r->col].name)
						   : xasprintf("%s.%s", row, fact_columns[r->col].name);

			if (from)
				finding_add_evidence(x, name, r->col, fact_get(from, r->col), from);
		}
	}
}

/* Nothing goes in that another run of the same hang would have otherwise: the pattern says which
 * columns make it the same, and signature.h takes numbers and folders out of them. */
static void make_id(struct search *s, struct finding *x)
{
	auto_str text = STR_INIT;

	str_add(&text, s->p->id);
	for (unsigned i = 0; i < s->p->n_identity; i++) {
		const struct ref *r = &s->p->identity[i];
		const struct fact_value *v = ref_value(r, &s->b);

		str_addf(&text, "\n%s.%s=", s->p->scope.name[r->at], fact_columns[r->col].name);
		if (!v->known)
			continue;
		if (fact_columns[r->col].type != FACT_TEXT)
			fact_value_add(&text, r->col, v);
		else if (strstr(fact_columns[r->col].name, "function"))
			signature_add_function(&text, v->s);
		else if (strstr(fact_columns[r->col].name, "file"))
			signature_add_file(&text, v->s);
		else if (strstr(fact_columns[r->col].name, "signature"))
			str_add(&text, v->s);
		else
			signature_add_text(&text, v->s);
	}
	signature_make(x->id, "f-", str_cstr(&text), text.len);
}

/* Where the chain of waiting leads to it: the least rank of the rows that it is made of. What the chain does not lead
 * to comes after all that it leads to, and what outlived the run after that. Of the run and the machine it is not asked. */
#define ORDER_OFF_CHAIN 100000
#define ORDER_LEAK 200000

static const struct fact_row *facts_thread(const struct facts *f, int64_t pid, int64_t tid)
{
	const struct fact_table *t = &f->table[FACT_THREAD];

	for (size_t i = 0; i < t->n; i++)
		if (fact_int(t->rows[i], FC_THREAD_pid, -1) == pid && fact_int(t->rows[i], FC_THREAD_tid, -1) == tid)
			return t->rows[i];
	return NULL;
}

static int64_t order_of(const struct search *s)
{
	static const struct {
		enum fact_kind kind;
		enum fact_col rank;
	} ranked[] = { { FACT_THREAD, FC_THREAD_rank }, { FACT_EDGE, FC_EDGE_rank },
		       { FACT_CYCLE, FC_CYCLE_rank }, { FACT_PROCESS, FC_PROCESS_rank } };
	int64_t least = -1;
	bool asked = false;

	for (unsigned at = 0; at < s->p->scope.n; at++)
		for (unsigned i = 0; i < sizeof(ranked) / sizeof(ranked[0]); i++) {
			int64_t rank;

			if (s->p->scope.kind[at] != ranked[i].kind || !s->b.row[at])
				continue;
			asked = asked || at == 0;
			rank = fact_int(s->b.row[at], ranked[i].rank, -1);
			if (rank >= 0 && (least < 0 || rank < least))
				least = rank;
		}
	if (s->p->scope.kind[0] == FACT_LEAK)
		return ORDER_LEAK;
	return least >= 0 ? least : asked ? ORDER_OFF_CHAIN : 0;
}

/* A line of an interpreter's own library or of a test runner, which is nobody's to mend. */
static bool is_runtime_line(const struct fact_row *r)
{
	struct frame_words words = { .language = fact_text(r, FC_THREAD_language),
				     .function = fact_text(r, FC_THREAD_function),
				     .file = fact_text(r, FC_THREAD_file), .module = fact_text(r, FC_THREAD_module),
				     .line = (long)fact_int(r, FC_THREAD_line, 0) };
	enum frame_home home;

	if (!words.line || !*words.language || strcmp(words.language, "native") == 0)
		return false;
	home = frame_home(&words);
	return home == FRAME_RUNTIME || home == FRAME_RUNNER;
}

/* A place outside of any file, or in code that is not the program's own, tells less than the nearest line of the
 * program's own up the chain. */
static void place_up(const struct search *s, struct finding *x)
{
	bool nobodys = false;

	for (unsigned at = 0; at < s->p->scope.n; at++) {
		const struct fact_row *r = s->b.row[at];

		if (s->p->scope.kind[at] == FACT_EDGE && r)
			r = facts_thread(s->facts, fact_int(r, FC_EDGE_pid, -1), fact_int(r, FC_EDGE_tid, 0));
		else if (s->p->scope.kind[at] == FACT_CYCLE && r)
			r = facts_thread(s->facts, fact_int(r, FC_CYCLE_pid, -1), fact_int(r, FC_CYCLE_tid, 0));
		else if (s->p->scope.kind[at] != FACT_THREAD)
			continue;
		if (!r)
			continue;
		if (fact_bool(r, FC_THREAD_own_line))
			return;
		if (fact_get(r, FC_THREAD_up)->known) {
			free(x->location);
			x->location = xstrdup(fact_text(r, FC_THREAD_up));
			return;
		}
		nobodys = nobodys || is_runtime_line(r);
	}
	if (nobodys && x->location) {
		free(x->location);
		x->location = NULL;
	}
	if (x->location && x->location[0] == '<') {
		free(x->location);
		x->location = NULL;
	}
}

static struct finding *finding_make(struct search *s)
{
	struct finding *x = xcalloc(1, sizeof(*x));

	x->pattern = s->p;
	x->occurrences = 1;
	x->proved = s->p->proved ? condition_holds(s->p->proved, &s->b, s->cut) : s->p->always_proved;
	x->severity = s->p->warning && condition_holds(s->p->warning, &s->b, s->cut) ? SEVERITY_WARNING : s->p->severity;
	x->after = s->p->after && condition_holds(s->p->after, &s->b, s->cut);
	x->order = order_of(s);
	x->location = first_text(&s->p->location, &s->b);
	place_up(s, x);
	x->summary = first_text(&s->p->summary, &s->b);
	if (!x->summary)
		x->summary = xstrdup(s->p->meaning);
	all_texts(&s->p->suggestions, &s->b, &x->suggestions);
	all_texts(&s->p->verify, &s->b, &x->verify);
	sum_confidence(s, x);
	add_evidence(s, x);
	make_id(s, x);
	return x;
}

static void pattern_apply(const struct facts *facts, const struct pattern *p, struct findings *out)
{
	const struct fact_table *t = &facts->table[p->scope.kind[0]];
	auto_free struct search *s = xcalloc(1, sizeof(*s));
	unsigned made = 0;

	s->facts = facts;
	s->p = p;
	s->cut = &out->cut;
	for (size_t i = 0; i < t->n && made < ROWS_A_PATTERN_MAX; i++) {
		if (!row_matches(s, t->rows[i]))
			continue;
		findings_take(out, finding_make(s));
		made++;
	}
}

static bool any_found(const struct findings *f, const char *family)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_starts(f->v[i]->pattern->id, family))
			return true;
	return false;
}

void analyze(const struct facts *facts, const struct patterns *patterns, struct findings *out)
{
	for (size_t i = 0; i < patterns->n; i++)
		if (!patterns->v[i]->fallback_of)
			pattern_apply(facts, patterns->v[i], out);
	for (size_t i = 0; i < patterns->n; i++)
		if (patterns->v[i]->fallback_of && !any_found(out, patterns->v[i]->fallback_of))
			pattern_apply(facts, patterns->v[i], out);
	findings_rank(out);
}
