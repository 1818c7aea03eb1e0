/* SPDX-License-Identifier: Apache-2.0 */
/* drift.c - two audits side by side. Everything is matched by name and order, never by line: moved code does not count. */
#include "audit/drift.h"
#include "audit/write.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES ((size_t)1 << 30)

/* One thing of an action: an operation, a function, an unresolved call, a mutation. */
struct item {
	char *key;             /* unique: repetitions carry their number */
	char *function, *what; /* callee, target, text */
	char *kind;            /* of mutations */
	int64_t weight;
};

enum list { LIST_OPS, LIST_FUNCTIONS, LIST_UNRESOLVED, LIST_MUTATIONS, LISTS };

struct items {
	struct item *v;
	size_t n;
};

struct side {
	char *name;
	int64_t load;
	struct items lists[LISTS];
};

struct pair {
	const struct side *old, *new; /* old NULL: the action is new */
};

struct drift {
	struct side *old, *new;
	size_t old_count, new_count;
	struct pair *pairs;
	size_t pair_count;
};

static void side_release(struct side *s)
{
	for (int l = 0; l < LISTS; l++) {
		for (size_t i = 0; i < s->lists[l].n; i++) {
			free(s->lists[l].v[i].key);
			free(s->lists[l].v[i].function);
			free(s->lists[l].v[i].what);
			free(s->lists[l].v[i].kind);
		}
		free(s->lists[l].v);
	}
	free(s->name);
}

void drift_free(struct drift *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->old_count; i++)
		side_release(&d->old[i]);
	for (size_t i = 0; i < d->new_count; i++)
		side_release(&d->new[i]);
	free(d->old);
	free(d->new);
	free(d->pairs);
	free(d);
}

static void item_add(struct items *l, const char *function, const char *what, const char *kind, int64_t weight)
{
	l->v = xreallocarray(l->v, l->n + 1, sizeof(*l->v));
	l->v[l->n++] = (struct item){ .key = xasprintf("%s\t%s\t%s", function, what, kind), .function = xstrdup(function),
		.what = xstrdup(what), .kind = xstrdup(kind), .weight = weight };
}

struct numbered {
	struct item item;
	size_t at;
};

static int by_key(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	int c = strcmp(x->item.key, y->item.key);

	return c ? c : (x->at > y->at) - (x->at < y->at);
}

/* Sorts by key; the second of one key gets its number. */
static void items_settle(struct items *l)
{
	struct numbered *order = xcalloc(l->n + 1, sizeof(*order));
	size_t first = 0;

	for (size_t i = 0; i < l->n; i++)
		order[i] = (struct numbered){ l->v[i], i };
	qsort(order, l->n, sizeof(*order), by_key);
	for (size_t i = 0; i < l->n; i++) {
		l->v[i] = order[i].item;
		if (strcmp(order[i].item.key, order[first].item.key) != 0)
			first = i;
	}
	for (size_t i = l->n; i-- > 0;) {
		size_t k = i;

		while (k && strcmp(l->v[k - 1].key, l->v[i].key) == 0)
			k--;
		if (k != i) {
			char *key = xasprintf("%s\t%08zu", l->v[i].key, i - k);

			free(l->v[i].key);
			l->v[i].key = key;
		}
	}
	free(order);
}

static const char *text_of_member(const struct json_value *v, const char *key)
{
	const char *s = json_get_text(v, key);

	return s ? s : "";
}

static int64_t int_of_member(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return m && m->is_integer ? m->integer : 0;
}

static void lists_take(struct side *s, const struct json_value *v)
{
	static const char *const members[LISTS] = { "expensive_ops", NULL, "unresolved", "state_mutations" };
	static const char *const words[LISTS] = { "callee", NULL, "callee", "target" };
	const struct json_value *nodes = json_get(json_get(v, "call_graph"), "nodes");

	for (int l = 0; l < LISTS; l++) {
		const struct json_value *list = members[l] ? json_get(v, members[l]) : NULL;

		if (list && list->kind == JSON_ARRAY)
			json_each(item, list)
				item_add(&s->lists[l], text_of_member(item, "function"), text_of_member(item, words[l]),
					 text_of_member(item, "kind"), int_of_member(item, "weight"));
	}
	if (nodes && nodes->kind == JSON_OBJECT)
		json_each(node, nodes) {
			auto_free char *name = xstrndup(node->key, node->key_len);

			item_add(&s->lists[LIST_FUNCTIONS], name, "", "", 0);
		}
	for (int l = 0; l < LISTS; l++)
		items_settle(&s->lists[l]);
}

static int action_read(struct drift *d, const char *path, struct err *e)
{
	auto_free char *text = NULL;
	size_t n;
	const struct json_value *v, *action;
	struct json_reader *j;
	int rc;

	if (file_read(path, FILE_MAX_BYTES, &text, &n, e) < 0) {
		e->kind = ERR_USAGE;
		return err_add(e, "--against");
	}
	j = json_reader_text(text, n, path);
	rc = json_take(j, &v, e);
	action = rc == 0 ? json_get(v, "action") : NULL;
	if (rc == 0 && (!json_get_text(action, "name") || !json_get(v, "total_load_estimate")))
		rc = err_set(e, ERR_USAGE, "--against: %s is not an audit's actions/NAME.json", path);
	if (rc == 0) {
		d->old = xreallocarray(d->old, d->old_count + 1, sizeof(*d->old));
		d->old[d->old_count] = (struct side){ .name = xstrdup(json_get_text(action, "name")),
			.load = int_of_member(v, "total_load_estimate") };
		lists_take(&d->old[d->old_count++], v);
	} else {
		e->kind = ERR_USAGE;
	}
	json_reader_free(j);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int folder_read(struct drift *d, const char *dir, struct err *e)
{
	auto_free char *actions = path_join(dir, "actions");
	struct strv names = STRV_INIT;
	struct dirent *item;
	DIR *f = opendir(actions);
	int rc = 0;

	if (!f)
		return err_sys(e, "--against: cannot read the actions of %s", dir), e->kind = ERR_USAGE, -1;
	while ((item = readdir(f)))
		if (item->d_name[0] != '.' && str_ends(item->d_name, ".json"))
			strv_take(&names, path_join(actions, item->d_name));
	closedir(f);
	if (names.n)
		qsort(names.v, names.n, sizeof(*names.v), by_name);
	for (size_t i = 0; rc == 0 && i < names.n; i++)
		rc = action_read(d, names.v[i], e);
	strv_release(&names);
	return rc;
}

int drift_read(struct drift **out, const char *path, struct err *e)
{
	struct drift *d = xcalloc(1, sizeof(*d));
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	struct stat st;
	int rc;

	if (stat(path, &st) < 0) {
		rc = err_sys(e, "--against: %s", path);
		e->kind = ERR_USAGE;
	} else if (S_ISDIR(st.st_mode)) {
		rc = folder_read(d, path, e);
	} else if (strcmp(name, "call_graph.json") == 0) {
		auto_free char *dir = slash ? xstrndup(path, (size_t)(slash - path)) : xstrdup(".");

		rc = folder_read(d, *dir ? dir : "/", e);
	} else {
		rc = action_read(d, path, e);
	}
	if (rc < 0) {
		drift_free(d);
		return -1;
	}
	*out = d;
	return 0;
}

static void side_of_profile(struct side *s, const struct profile *p)
{
	const struct graph *g = p->g;

	*s = (struct side){ .name = xstrdup(p->action->name), .load = p->load };
	for (uint32_t i = 0; i < p->ops.n; i++)
		item_add(&s->lists[LIST_OPS], graph_text(g, g->functions[p->ops.v[i].function].name),
			 graph_text(g, p->ops.v[i].callee), "", p->ops.v[i].weight);
	for (uint32_t i = 0; i < p->count; i++)
		item_add(&s->lists[LIST_FUNCTIONS], graph_text(g, g->functions[p->order[i]].name), "", "", 0);
	for (uint32_t i = 0; i < p->unresolved_count; i++) {
		const struct graph_call *c = &g->calls[p->unresolved[i]];

		item_add(&s->lists[LIST_UNRESOLVED], graph_text(g, g->functions[c->caller].name), graph_text(g, c->text),
			"", 0);
	}
	for (uint32_t i = 0; i < p->mutation_count; i++) {
		const struct graph_mutation *m = &p->mutations[i];

		item_add(&s->lists[LIST_MUTATIONS], graph_text(g, g->functions[m->function].name), graph_text(g,
			m->target),
			 write_mutation_kind(m->kind), 0);
	}
	for (int l = 0; l < LISTS; l++)
		items_settle(&s->lists[l]);
}

static const struct side *old_named(const struct drift *d, const char *name)
{
	for (size_t i = 0; i < d->old_count; i++)
		if (strcmp(d->old[i].name, name) == 0)
			return &d->old[i];
	return NULL;
}

void drift_compare(struct drift *d, const struct profile *profiles, size_t n)
{
	d->new = xcalloc(n + 1, sizeof(*d->new));
	d->pairs = xcalloc(n + 1, sizeof(*d->pairs));
	for (size_t i = 0; i < n; i++) {
		side_of_profile(&d->new[i], &profiles[i]);
		d->pairs[i] = (struct pair){ old_named(d, d->new[i].name), &d->new[i] };
	}
	d->new_count = d->pair_count = n;
}

/* Walks two sorted lists together; tells what is only old, only new, in both. */
typedef void visit(void *arg, const struct item *old, const struct item *new);

static void items_walk(const struct items *old, const struct items *new, visit *fn, void *arg)
{
	size_t i = 0, k = 0, n = old ? old->n : 0;

	while (i < n || k < new->n) {
		int c = i >= n ? 1 : k >= new->n ? -1 : strcmp(old->v[i].key, new->v[k].key);

		fn(arg, c <= 0 ? &old->v[i] : NULL, c >= 0 ? &new->v[k] : NULL);
		i += c <= 0;
		k += c >= 0;
	}
}

struct diff {
	struct json *j;
	enum list list;
	int want; /* -1 removed, 1 added, 0 changed */
};

static void item_write(struct diff *x, const struct item *i)
{
	if (x->list == LIST_FUNCTIONS) {
		json_str(x->j, NULL, i->function);
		return;
	}
	json_object(x->j, NULL);
	json_str(x->j, "function", i->function);
	json_str(x->j, x->list == LIST_MUTATIONS ? "target" : "callee", i->what);
	if (x->list == LIST_MUTATIONS)
		json_str(x->j, "kind", i->kind);
	if (x->list == LIST_OPS)
		json_int(x->j, "weight", i->weight);
	json_object_end(x->j);
}

static void item_visit(void *arg, const struct item *old, const struct item *new)
{
	struct diff *x = arg;

	if (x->want < 0 && !new)
		item_write(x, old);
	if (x->want > 0 && !old)
		item_write(x, new);
	if (x->want == 0 && old && new && old->weight != new->weight) {
		json_object(x->j, NULL);
		json_str(x->j, "function", new->function);
		json_str(x->j, "callee", new->what);
		json_int(x->j, "old_weight", old->weight);
		json_int(x->j, "new_weight", new->weight);
		json_object_end(x->j);
	}
}

static void list_write(struct json *j, const struct pair *p, enum list list, const char *name)
{
	const struct items *old = p->old ? &p->old->lists[list] : NULL;

	json_object(j, name);
	json_array(j, "added");
	items_walk(old, &p->new->lists[list], item_visit, &(struct diff){ j, list, 1 });
	json_array_end(j);
	json_array(j, "removed");
	items_walk(old, &p->new->lists[list], item_visit, &(struct diff){ j, list, -1 });
	json_array_end(j);
	if (list == LIST_OPS) {
		json_array(j, "changed");
		items_walk(old, &p->new->lists[list], item_visit, &(struct diff){ j, list, 0 });
		json_array_end(j);
	}
	json_object_end(j);
}

struct row {
	const char *action, *function, *callee;
	int64_t old, new;
};
struct rows {
	struct row *v;
	size_t n;
	const char *action;
};

static void row_visit(void *arg, const struct item *old, const struct item *new)
{
	struct rows *r = arg;
	int64_t before = old ? old->weight : 0;

	if (!new || new->weight <= before)
		return;
	r->v = xreallocarray(r->v, r->n + 1, sizeof(*r->v));
	r->v[r->n++] = (struct row){ r->action, new->function, new->what, before, new->weight };
}

static int by_growth(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int64_t p = x->new - x->old, q = y->new - y->old;
	int c;

	if (p != q)
		return p > q ? -1 : 1;
	c = strcmp(x->action, y->action);
	c = c ? c : strcmp(x->function, y->function);
	return c ? c : strcmp(x->callee, y->callee);
}

static struct rows rows_make(const struct drift *d)
{
	struct rows r = { 0 };

	for (size_t i = 0; i < d->pair_count; i++) {
		r.action = d->pairs[i].new->name;
		if (d->pairs[i].old)
			items_walk(&d->pairs[i].old->lists[LIST_OPS], &d->pairs[i].new->lists[LIST_OPS], row_visit, &r);
	}
	if (r.n)
		qsort(r.v, r.n, sizeof(*r.v), by_growth);
	return r;
}

static bool increase_of(const struct pair *p, double *pct)
{
	if (!p->old || !p->old->load)
		return false;
	*pct = ((double)p->new->load - (double)p->old->load) * 100 / (double)p->old->load;
	return true;
}

bool drift_increase(const struct drift *d, const char *action, int64_t *hundredths, int64_t *old_load)
{
	for (size_t i = 0; i < d->pair_count; i++) {
		const struct pair *p = &d->pairs[i];
		double pct;

		if (strcmp(p->new->name, action) != 0 || !p->old)
			continue;
		*old_load = p->old->load;
		if (!p->old->load && !p->new->load)
			return false;
		if (!increase_of(p, &pct) || pct > 1e15)
			*hundredths = INT64_MAX;
		else
			*hundredths = (int64_t)(pct * 100 + (pct < 0 ? -0.5 : 0.5));
		return true;
	}
	return false;
}

/* An action that was not there before has nothing to be compared with: its lists are empty. */
static void pair_write(struct json *j, const struct pair *p)
{
	struct pair same = { p->old ? p->old : p->new, p->new };
	double pct;

	json_line(j);
	json_object(j, NULL);
	json_str(j, "name", p->new->name);
	if (p->old)
		json_int(j, "old_load", p->old->load);
	else
		json_null(j, "old_load");
	json_int(j, "new_load", p->new->load);
	if (increase_of(p, &pct))
		json_fixed(j, "increase_pct", pct, 2);
	else
		json_null(j, "increase_pct");
	list_write(j, &same, LIST_OPS, "ops");
	list_write(j, &same, LIST_FUNCTIONS, "functions");
	list_write(j, &same, LIST_UNRESOLVED, "unresolved");
	list_write(j, &same, LIST_MUTATIONS, "mutations");
	json_object_end(j);
}

static bool is_changed(const struct pair *p)
{
	auto_str text = STR_INIT, empty = STR_INIT;
	struct pair same = { p->new, p->new }, now = { p->old ? p->old : p->new, p->new };

	for (int i = 0; i < 2; i++) {
		struct json j;

		json_init(&j, i ? &empty : &text);
		json_object(&j, NULL);
		for (int l = 0; l < LISTS; l++)
			list_write(&j, i ? &same : &now, (enum list)l, "x");
		json_object_end(&j);
		json_finish(&j);
	}
	return !p->old || text.len != empty.len;
}

void drift_json(const struct drift *d, struct str *out)
{
	struct rows r = rows_make(d);
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_array(&j, "actions");
	for (size_t i = 0; i < d->pair_count; i++)
		pair_write(&j, &d->pairs[i]);
	json_array_end(&j);
	json_array(&j, "dearer");
	for (size_t i = 0; i < r.n; i++) {
		json_line(&j);
		json_object(&j, NULL);
		json_str(&j, "action", r.v[i].action);
		json_str(&j, "function", r.v[i].function);
		json_str(&j, "callee", r.v[i].callee);
		json_int(&j, "old_weight", r.v[i].old);
		json_int(&j, "new_weight", r.v[i].new);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
	free(r.v);
}

void drift_markdown(const struct drift *d, struct str *out)
{
	struct rows r = rows_make(d);
	bool any = false;

	str_add(out, "# What has changed since the earlier audit\n\n");
	for (size_t i = 0; i < d->pair_count; i++) {
		const struct pair *p = &d->pairs[i];
		double pct;

		any |= is_changed(p);
		if (!p->old)
			str_addf(out, "- Action %s is new: its load is %lld.\n", p->new->name, (long long)p->new->load);
		else if (p->old->load == p->new->load)
			str_addf(out, "- Action %s: its load is %lld, as before.\n", p->new->name,
				(long long)p->new->load);
		else if (increase_of(p, &pct))
			str_addf(out, "- Action %s got %s: its load went from %lld to %lld (%+.2f %%).\n", p->new->name,
				 pct > 0 ? "dearer" : "cheaper", (long long)p->old->load, (long long)p->new->load, pct);
		else
			str_addf(out, "- Action %s got dearer: it had no load, and has %lld.\n", p->new->name,
				 (long long)p->new->load);
	}
	if (!any)
		str_add(out, "\nNothing has changed.\n");
	if (r.n)
		str_add(out, "\n## What got dearer\n\n");
	for (size_t i = 0; i < r.n; i++) {
		str_addf(out, "- %s: %s in %s ", r.v[i].action, r.v[i].callee, r.v[i].function);
		if (r.v[i].old)
			str_addf(out, "weighs %lld instead of %lld.\n", (long long)r.v[i].new, (long long)r.v[i].old);
		else
			str_addf(out, "is new, or weighed nothing, and weighs %lld.\n", (long long)r.v[i].new);
	}
	free(r.v);
}
