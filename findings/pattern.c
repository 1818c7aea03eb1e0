/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.c - patterns from YAML. Everything is checked here: after loading, a pattern cannot fail. */
#include "findings/pattern.h"

#include "base/mem.h"
#include "base/nearest.h"
#include "base/value.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_FILE_BYTES (1024 * 1024)
#define PATTERNS_MAX 2000

const char *const pattern_severity_text[] = { "error", "warning", "note", NULL };

/* What tells one finding from another where a pattern does not say. */
static const char *const identity_columns[] = { "function", "file", "comm", "kind", "waits_kind", "token",
						"stack_signature", "signature", "event", "reason",
						"verdict", "name", "case_id", NULL };

/* ---- small readers ---- */

static int read_kind(const struct yaml_node *map, enum fact_kind otherwise, bool required,
		     enum fact_kind *out, struct err *e)
{
	const char *words[FACT_KIND_COUNT + 1];
	const struct yaml_node *n = yaml_get(map, "over");
	int k;

	*out = otherwise;
	if (!n)
		return required ? yaml_error(map, e, "'over' is missing: the kind of facts") : 0;
	for (k = 0; k < FACT_KIND_COUNT; k++)
		words[k] = fact_kinds[k].name;
	words[k] = NULL;
	if (yaml_as_word(n, words, &k, e) < 0)
		return -1;
	*out = (enum fact_kind)k;
	return 0;
}

static bool is_id(const char *s)
{
	return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(s) &&
	       *s != '.' && s[strlen(s) - 1] != '.';
}

static int read_texts(struct pattern_texts *t, const struct pattern *p, const struct yaml_node *map,
		      const char *key, struct err *e)
{
	const struct yaml_node *n = yaml_get(map, key);

	if (!n)
		return 0;
	if (n->kind == YAML_SCALAR) {
		if (phrase_parse(&t->t[0], &p->scope, n, e) < 0)
			return -1;
		t->n = 1;
		return 0;
	}
	if (yaml_want_seq(n, e) < 0)
		return -1;
	yaml_each(item, n) {
		if (t->n == PATTERN_TEXTS_MAX)
			return yaml_error(item, e, "more than %d texts", PATTERN_TEXTS_MAX);
		if (phrase_parse(&t->t[t->n], &p->scope, item, e) < 0)
			return -1;
		t->n++;
	}
	return 0;
}

static int read_refs(struct ref *out, unsigned *count, const struct pattern *p, const struct yaml_node *n,
		     struct err *e)
{
	const char *text;

	if (yaml_want_seq(n, e) < 0)
		return -1;
	yaml_each(item, n) {
		if (*count == PATTERN_REFS_MAX)
			return yaml_error(item, e, "more than %d columns", PATTERN_REFS_MAX);
		if (yaml_as_string(item, &text, e) < 0 ||
		    ref_parse(&out[*count], &p->scope, 0, item, text, e) < 0)
			return -1;
		(*count)++;
	}
	return 0;
}

/* ---- joins ---- */

/* {their column: our column} */
static int read_on(struct pattern_join *j, const struct pattern *p, const struct scope *s, unsigned at,
		   const struct yaml_node *n, struct err *e)
{
	if (yaml_want_map(n, e) < 0)
		return -1;
	yaml_each(item, n) {
		struct pattern_on *on;
		enum fact_type a, b;
		const char *ours;

		j->on = xreallocarray(j->on, j->n_on + 1, sizeof(*j->on));
		on = &j->on[j->n_on];
		if (yaml_as_string(item, &ours, e) < 0 ||
		    ref_parse(&on->theirs, s, at, item->key, item->key->text, e) < 0 ||
		    ref_parse(&on->ours, &p->scope, 0, item, ours, e) < 0)
			return -1;
		if (on->theirs.at != at)
			return yaml_error(item->key, e, "'%s' is not a column of the joined kind", item->key->text);
		a = fact_columns[on->theirs.col].type;
		b = fact_columns[on->ours.col].type;
		if (a != b)
			return yaml_error(item, e, "'%s' is a %s, '%s' a %s: they are never equal",
					  item->key->text, fact_type_text[a], ours, fact_type_text[b]);
		j->n_on++;
	}
	return 0;
}

static int read_join(struct pattern_join *j, struct pattern *p, const struct yaml_node *n, bool absent,
		     struct err *e)
{
	static const char *const join_keys[] = { "as", "over", "on", "condition", "optional", "all", NULL };
	static const char *const absent_keys[] = { "over", "on", "condition", NULL };
	const struct yaml_node *item;
	struct scope s = p->scope;
	char quote[VALUE_QUOTE_SIZE];

	j->as = "";
	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, absent ? absent_keys : join_keys, e) < 0 ||
	    read_kind(n, FACT_RUN, true, &j->over, e) < 0)
		return -1;
	if (!absent) {
		if (yaml_need_string(n, "as", &j->as, e) < 0 ||
		    yaml_get_bool(n, "optional", &j->optional, e) < 0 ||
		    yaml_get_bool(n, "all", &j->all, e) < 0)
			return -1;
		if (strchr(j->as, '.') || !is_id(j->as))
			return yaml_error(yaml_get(n, "as"), e, "%s is not a name for a row (letters, digits, _)",
					  value_quote(j->as, quote));
		for (unsigned i = 0; i < s.n; i++)
			if (strcmp(s.name[i], j->as) == 0)
				return yaml_error(yaml_get(n, "as"), e, "the name '%s' is taken", j->as);
	}
	if (s.n == SCOPE_MAX)
		return yaml_error(n, e, "more than %d joined rows", SCOPE_MAX - 1);
	s.name[s.n] = absent ? "absent" : j->as;
	s.kind[s.n] = j->over;
	s.n++;
	item = yaml_get(n, "on");
	if (item && read_on(j, p, &s, s.n - 1, item, e) < 0)
		return -1;
	item = yaml_get(n, "condition");
	if (item && condition_parse(&j->condition, &s, s.n - 1, item, e) < 0)
		return -1;
	if (!absent)
		p->scope = s;
	return 0;
}

static int read_joins(struct pattern *p, const struct yaml_node *map, const char *key, bool absent,
		      struct pattern_join **list, unsigned *count, struct err *e)
{
	const struct yaml_node *n = yaml_get(map, key);

	if (!n)
		return 0;
	if (yaml_want_seq(n, e) < 0)
		return -1;
	if (n->count > 16)
		return yaml_error(n, e, "more than 16 entries under '%s'", key);
	*list = xcalloc(n->count, sizeof(**list));
	yaml_each(item, n) {
		/* Counted first, so that a half-read one is released too. */
		(*count)++;
		if (read_join(&(*list)[*count - 1], p, item, absent, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- confidence ---- */

static int read_share(const struct yaml_node *n, double *out, struct err *e)
{
	char quote[VALUE_QUOTE_SIZE];
	const char *text;
	char *end;

	if (yaml_as_string(n, &text, e) < 0)
		return -1;
	*out = strtod(text, &end);
	if (end == text || *end || !isfinite(*out) || *out < -1 || *out > 1 || *out == 0)
		return yaml_error(n, e, "'add' takes a number from -1 to 1 other than 0, not %s",
				  value_quote(text, quote));
	return 0;
}

static int read_confidence(struct pattern *p, const struct yaml_node *map, struct err *e)
{
	static const char *const keys[] = { "add", "when", "because", NULL };
	const struct yaml_node *n = yaml_get(map, "confidence");

	if (!n)
		return 0;
	if (n->kind != YAML_SEQ)
		return yaml_error(n, e, "'confidence' is a list of {add, when, because}: the evidence that is summed");
	if (!n->count)
		return yaml_error(n, e, "'confidence' lists no evidence");
	p->confidence = xcalloc(n->count, sizeof(*p->confidence));
	yaml_each(item, n) {
		struct pattern_evidence *c = &p->confidence[p->n_confidence++];
		const struct yaml_node *v;

		if (yaml_want_map(item, e) < 0 || yaml_check_keys(item, keys, e) < 0)
			return -1;
		v = yaml_get(item, "add");
		if (!v)
			return yaml_error(item, e, "'add' is missing");
		if (read_share(v, &c->add, e) < 0)
			return -1;
		v = yaml_get(item, "because");
		if (!v)
			return yaml_error(item, e, "'because' is missing: the reason for this share");
		if (phrase_parse(&c->because, &p->scope, v, e) < 0)
			return -1;
		v = yaml_get(item, "when");
		if (v && condition_parse(&c->when, &p->scope, 0, v, e) < 0)
			return -1;
	}
	return 0;
}

/* ---- defaults ---- */

static void default_evidence(struct pattern *p)
{
	struct ref all[PATTERN_REFS_MAX];
	unsigned n = condition_refs(p->condition, all, PATTERN_REFS_MAX);

	for (unsigned i = 0; i < n; i++) {
		bool seen = false;

		for (unsigned k = 0; k < p->n_evidence; k++)
			seen = seen || (p->evidence[k].at == all[i].at && p->evidence[k].col == all[i].col);
		if (!seen)
			p->evidence[p->n_evidence++] = all[i];
	}
}

static void default_identity(struct pattern *p)
{
	for (unsigned i = 0; identity_columns[i]; i++) {
		int col = fact_col_find(p->scope.kind[0], identity_columns[i]);

		if (col >= 0)
			p->identity[p->n_identity++] = (struct ref){ 0, (enum fact_col)col };
	}
}

/* `file:function:line` where facts of that kind have a place. */
static int default_location(struct pattern *p, const struct yaml_node *map, struct err *e)
{
	static const struct {
		const char *form, *column[3];
	} forms[] = { { "${file}:${function}:${line}", { "file", "function", "line" } },
		      { "${file}:${function}", { "file", "function", "file" } },
		      { "${module}:${function}", { "module", "function", "function" } },
		      { "${file}:${line}", { "file", "line", "line" } } };
	enum fact_kind k = p->scope.kind[0];

	if (yaml_get(map, "location"))
		return 0;
	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct yaml_node n = { .kind = YAML_SCALAR, .quoted = true, .text = forms[i].form,
				       .len = strlen(forms[i].form), .file = p->file, .line = p->line,
				       .column = 1 };

		if (fact_col_find(k, forms[i].column[0]) < 0 || fact_col_find(k, forms[i].column[1]) < 0 ||
		    fact_col_find(k, forms[i].column[2]) < 0)
			continue;
		if (phrase_parse(&p->location.t[p->location.n], &p->scope, &n, e) < 0)
			return -1;
		p->location.n++;
	}
	return 0;
}

/* ---- one pattern ---- */

static int read_proved(struct pattern *p, const struct yaml_node *map, struct err *e)
{
	const struct yaml_node *n = yaml_get(map, "proved");

	if (!n)
		return 0;
	if (n->kind == YAML_SCALAR)
		return yaml_as_bool(n, &p->always_proved, e);
	return condition_parse(&p->proved, &p->scope, 0, n, e);
}

static int read_after(struct pattern *p, const struct yaml_node *map, struct err *e)
{
	const struct yaml_node *n = yaml_get(map, "after_when");

	if (n && condition_parse(&p->after, &p->scope, 0, n, e) < 0)
		return -1;
	n = yaml_get(map, "warning_when");
	return n ? condition_parse(&p->warning, &p->scope, 0, n, e) : 0;
}

static int read_head(struct pattern *p, const struct yaml_node *n, struct err *e)
{
	static const char *const keys[] = {
		"id", "over", "title", "severity", "specificity", "condition", "joins", "absent", "proved",
		"meaning", "confidence", "summary", "location", "evidence", "identity", "suggestions",
		"verify", "brief", "after_when", "warning_when", "fallback_of",
		"about_chain", NULL,
	};
	char quote[VALUE_QUOTE_SIZE];
	int word = SEVERITY_WARNING;

	p->specificity = 50;
	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, keys, e) < 0 ||
	    yaml_need_string(n, "id", &p->id, e) < 0)
		return -1;
	if (!is_id(p->id))
		return yaml_error(yaml_get(n, "id"), e,
				  "%s is not a pattern id (letters, digits, '_', '-' and '.' inside)",
				  value_quote(p->id, quote));
	p->title = p->id;
	if (yaml_need_string(n, "meaning", &p->meaning, e) < 0 ||
	    yaml_get_string(n, "title", &p->title, e) < 0 ||
	    yaml_get_string(n, "fallback_of", &p->fallback_of, e) < 0 || yaml_get_bool(n, "brief", &p->brief, e) < 0 ||
	    yaml_get_bool(n, "about_chain", &p->about_chain, e) < 0 ||
	    yaml_get_word(n, "severity", pattern_severity_text, &word, e) < 0 ||
	    yaml_get_int(n, "specificity", 0, 100, &p->specificity, e) < 0 ||
	    read_kind(n, FACT_FUNCTION, false, &p->scope.kind[0], e) < 0)
		return -1;
	p->severity = (enum pattern_severity)word;
	p->scope.name[0] = "self";
	p->scope.n = 1;
	return 0;
}

static int read_body(struct pattern *p, const struct yaml_node *n, struct err *e)
{
	const struct yaml_node *c = yaml_get(n, "condition");

	if (!c)
		return yaml_error(n, e, "'condition' is missing");
	if (condition_parse(&p->condition, &p->scope, 0, c, e) < 0)
		return -1;
	if (!c->count)
		return yaml_error(c, e, "an empty condition would match everything");
	if (read_joins(p, n, "joins", false, &p->joins, &p->n_joins, e) < 0 ||
	    read_joins(p, n, "absent", true, &p->absent, &p->n_absent, e) < 0 ||
	    read_proved(p, n, e) < 0 || read_after(p, n, e) < 0 || read_confidence(p, n, e) < 0 ||
	    read_texts(&p->summary, p, n, "summary", e) < 0 ||
	    read_texts(&p->location, p, n, "location", e) < 0 ||
	    read_texts(&p->suggestions, p, n, "suggestions", e) < 0 ||
	    read_texts(&p->verify, p, n, "verify", e) < 0)
		return -1;
	c = yaml_get(n, "evidence");
	if (c && read_refs(p->evidence, &p->n_evidence, p, c, e) < 0)
		return -1;
	if (!c)
		default_evidence(p);
	c = yaml_get(n, "identity");
	if (c && read_refs(p->identity, &p->n_identity, p, c, e) < 0)
		return -1;
	if (!c)
		default_identity(p);
	return default_location(p, n, e);
}

static void texts_release(struct pattern_texts *t)
{
	for (unsigned i = 0; i < t->n; i++)
		phrase_free(t->t[i]);
}

static void joins_release(struct pattern_join *j, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		free(j[i].on);
		condition_free(j[i].condition);
	}
	free(j);
}

static void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	condition_free(p->condition);
	condition_free(p->proved);
	condition_free(p->after);
	condition_free(p->warning);
	joins_release(p->joins, p->n_joins);
	joins_release(p->absent, p->n_absent);
	for (unsigned i = 0; i < p->n_confidence; i++) {
		condition_free(p->confidence[i].when);
		phrase_free(p->confidence[i].because);
	}
	free(p->confidence);
	texts_release(&p->summary);
	texts_release(&p->location);
	texts_release(&p->suggestions);
	texts_release(&p->verify);
	free(p);
}

/* ---- sets ---- */

void patterns_init(struct patterns *p)
{
	memset(p, 0, sizeof(*p));
}

void patterns_release(struct patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		pattern_free(p->v[i]);
	free(p->v);
	for (size_t i = 0; i < p->n_docs; i++)
		yaml_doc_free(p->docs[i]);
	free(p->docs);
	memset(p, 0, sizeof(*p));
}

/* Index of the first id that is not before id. */
static size_t find_id(const struct patterns *p, const char *id, bool *found)
{
	size_t lo = 0, hi = p->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(p->v[mid]->id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = lo < p->n && strcmp(p->v[lo]->id, id) == 0;
	return lo;
}

static int set_insert(struct patterns *set, struct pattern *p, const struct yaml_node *n, struct err *e)
{
	bool found;
	size_t at = find_id(set, p->id, &found);

	if (found)
		return yaml_error(yaml_get(n, "id"), e, "the id '%s' is already that of a pattern at %s:%u", p->id,
				  set->v[at]->file, set->v[at]->line);
	if (set->n == PATTERNS_MAX)
		return yaml_error(n, e, "more than %d patterns", PATTERNS_MAX);
	set->v = xreallocarray(set->v, set->n + 1, sizeof(struct pattern *));
	memmove(set->v + at + 1, set->v + at, (set->n - at) * sizeof(struct pattern *));
	set->v[at] = p;
	set->n++;
	return 0;
}

static int set_read(struct patterns *set, const struct yaml_node *list, struct err *e)
{
	if (yaml_want_seq(list, e) < 0)
		return -1;
	if (!list->count)
		return yaml_error(list, e, "no patterns");
	yaml_each(n, list) {
		struct pattern *p = xcalloc(1, sizeof(*p));

		p->file = n->file;
		p->line = n->line;
		if (read_head(p, n, e) < 0 || read_body(p, n, e) < 0 || set_insert(set, p, n, e) < 0) {
			pattern_free(p);
			return -1;
		}
	}
	return 0;
}

int patterns_add_text(struct patterns *set, const char *name, const char *text, size_t n, struct err *e)
{
	static const char *const keys[] = { "version", "patterns", NULL };
	struct yaml_limits limits = { .max_bytes = PATTERN_FILE_BYTES, .max_depth = 16, .max_nodes = 50000 };
	const struct yaml_node *root;
	struct yaml_doc *doc;

	if (yaml_parse(&doc, name, text, n, 1, &limits, e) < 0)
		return -1;
	set->docs = xreallocarray(set->docs, set->n_docs + 1, sizeof(struct yaml_doc *));
	set->docs[set->n_docs++] = doc;
	root = yaml_root(doc);
	if (root->kind == YAML_SEQ)
		return set_read(set, root, e);
	if (root->kind != YAML_MAP)
		return yaml_error(root, e, "patterns are a list, or a map with 'version' and 'patterns'");
	if (yaml_check_keys(root, keys, e) < 0 || yaml_need_version(root, 1, e) < 0)
		return -1;
	if (!yaml_get(root, "patterns"))
		return yaml_error(root, e, "'patterns' is missing");
	return set_read(set, yaml_get(root, "patterns"), e);
}

void patterns_merge(struct patterns *set, struct patterns *from)
{
	for (size_t i = 0; i < from->n; i++) {
		bool found;
		size_t at = find_id(set, from->v[i]->id, &found);

		if (found) {
			pattern_free(set->v[at]);
			set->v[at] = from->v[i];
			continue;
		}
		set->v = xreallocarray(set->v, set->n + 1, sizeof(struct pattern *));
		memmove(set->v + at + 1, set->v + at, (set->n - at) * sizeof(struct pattern *));
		set->v[at] = from->v[i];
		set->n++;
	}
	set->docs = xreallocarray(set->docs, set->n_docs + from->n_docs, sizeof(struct yaml_doc *));
	for (size_t i = 0; i < from->n_docs; i++)
		set->docs[set->n_docs++] = from->docs[i];
	from->n = from->n_docs = 0;
	patterns_release(from);
}
