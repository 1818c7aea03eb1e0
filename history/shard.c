/* SPDX-License-Identifier: Apache-2.0 */
#include "history/shard.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "history/stats.h"
#include "history/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void hash_list(struct shard_plan *p)
{
	auto_str all = STR_INIT;

	for (size_t i = 0; i < p->n; i++)
		str_addn(&all, p->names[i], strlen(p->names[i]) + 1);
	sha256_hex(str_cstr(&all), all.len, p->list_sha256);
}

void shard_plan_init(struct shard_plan *p, const struct strv *names)
{
	memset(p, 0, sizeof(*p));
	p->names = xreallocarray(NULL, names->n + 1, sizeof(*p->names));
	p->ms = xreallocarray(NULL, names->n + 1, sizeof(*p->ms));
	p->part = xcalloc(names->n + 1, sizeof(*p->part));
	for (size_t i = 0; i < names->n; i++)
		p->names[i] = xstrdup(names->v[i]);
	if (names->n)
		qsort(p->names, names->n, sizeof(*p->names), by_text);
	for (size_t i = 0; i < names->n; i++) {
		if (p->n && strcmp(p->names[p->n - 1], p->names[i]) == 0)
			free(p->names[i]);
		else
			p->names[p->n++] = p->names[i];
	}
	for (size_t i = 0; i < p->n; i++)
		p->ms[i] = NAN;
	hash_list(p);
}

void shard_plan_release(struct shard_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->names[i]);
	free(p->names);
	free(p->part);
	free(p->ms);
	free(p->expected_ms);
	str_release(&p->json);
	memset(p, 0, sizeof(*p));
}

/* ---- the plan ---- */

struct job {
	double ms;
	size_t at; /* names are sorted: equal times go by name */
};

static int longest_first(const void *a, const void *b)
{
	const struct job *x = a, *y = b;

	if (x->ms != y->ms)
		return x->ms < y->ms ? 1 : -1;
	return (x->at > y->at) - (x->at < y->at);
}

/* A heap of parts, the emptiest on top: by load, then names, then number. */
struct bin {
	double ms;
	size_t names;
	unsigned no;
};

static bool is_emptier(const struct bin *a, const struct bin *b)
{
	if (a->ms != b->ms)
		return a->ms < b->ms;
	if (a->names != b->names)
		return a->names < b->names;
	return a->no < b->no;
}

static void sink(struct bin *heap, unsigned n)
{
	for (unsigned at = 0, child; (child = 2 * at + 1) < n; at = child) {
		struct bin x;

		if (child + 1 < n && is_emptier(&heap[child + 1], &heap[child]))
			child++;
		if (!is_emptier(&heap[child], &heap[at]))
			return;
		x = heap[at];
		heap[at] = heap[child];
		heap[child] = x;
	}
}

static double median_known(const struct shard_plan *p)
{
	auto_free double *known = xreallocarray(NULL, p->n + 1, sizeof(*known));
	size_t n = 0;

	for (size_t i = 0; i < p->n; i++)
		if (!isnan(p->ms[i]))
			known[n++] = p->ms[i];
	return n ? stats_median(known, n) : 1;
}

static void write_json(struct shard_plan *p)
{
	struct json j;

	str_reset(&p->json);
	json_init(&j, &p->json);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_uint(&j, "shards", p->shards);
	json_str(&j, "list_sha256", p->list_sha256);
	json_uint(&j, "known", p->known);
	json_array(&j, "names");
	for (size_t i = 0; i < p->n; i++)
		json_str(&j, NULL, p->names[i]);
	json_array_end(&j);
	json_array(&j, "parts");
	for (size_t i = 0; i < p->n; i++)
		json_uint(&j, NULL, p->part[i]);
	json_array_end(&j);
	json_array(&j, "expected_ms");
	for (unsigned i = 0; i < p->shards; i++)
		view_real(&j, NULL, p->expected_ms[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	sha256_hex(p->json.data, p->json.len, p->digest);
}

void shard_plan_make(struct shard_plan *p, unsigned shards)
{
	auto_free struct job *jobs = xcalloc(p->n + 1, sizeof(*jobs));
	auto_free struct bin *heap = xcalloc(shards, sizeof(*heap));
	double unknown = median_known(p);

	p->shards = shards;
	p->known = 0;
	p->expected_ms = xcalloc(shards, sizeof(*p->expected_ms));
	for (size_t i = 0; i < p->n; i++) {
		jobs[i] = (struct job){ isnan(p->ms[i]) ? unknown : p->ms[i], i };
		p->known += isnan(p->ms[i]) ? 0 : 1;
	}
	qsort(jobs, p->n, sizeof(*jobs), longest_first);
	for (unsigned i = 0; i < shards; i++)
		heap[i].no = i;
	for (size_t i = 0; i < p->n; i++) {
		p->part[jobs[i].at] = heap[0].no + 1;
		heap[0].ms += jobs[i].ms;
		heap[0].names++;
		sink(heap, shards);
	}
	for (unsigned i = 0; i < shards; i++)
		p->expected_ms[heap[i].no] = heap[i].ms;
	write_json(p);
}

size_t shard_plan_index(const struct shard_plan *p, const char *name)
{
	char **found = p->n ? bsearch(&name, p->names, p->n, sizeof(*p->names), by_text) : NULL;

	return found ? (size_t)(found - p->names) : p->n;
}

/* ---- a plan out of JSON ---- */

static int read_parts(struct shard_plan *p, const struct json_value *parts, const struct json_value *expected)
{
	size_t i = 0;

	if (!parts || parts->kind != JSON_ARRAY || parts->count != p->n || !expected || expected->kind != JSON_ARRAY ||
	    expected->count != p->shards)
		return -1;
	json_each(v, parts) {
		if (v->kind != JSON_NUMBER || !v->is_integer || v->integer < 1 || v->integer > (int64_t)p->shards)
			return -1;
		p->part[i++] = (unsigned)v->integer;
	}
	i = 0;
	p->expected_ms = xcalloc(p->shards, sizeof(*p->expected_ms));
	json_each(v, expected) {
		if (v->kind != JSON_NUMBER)
			return -1;
		p->expected_ms[i++] = v->number;
	}
	return 0;
}

static int read_plan(struct shard_plan *p, const struct json_value *v)
{
	const struct json_value *shards = json_get(v, "shards"), *names = json_get(v, "names"),
				*known = json_get(v, "known");
	struct strv list = STRV_INIT;

	if (!shards || shards->kind != JSON_NUMBER || shards->integer < 1 || shards->integer > 100000 || !names ||
	    names->kind != JSON_ARRAY)
		return -1;
	json_each(name, names)
		if (name->kind == JSON_STRING)
			strv_add(&list, name->text);
	shard_plan_init(p, &list);
	strv_release(&list);
	p->shards = (unsigned)shards->integer;
	p->known = known && known->kind == JSON_NUMBER && known->integer > 0 ? (size_t)known->integer : 0;
	return p->n == names->count ? read_parts(p, json_get(v, "parts"), json_get(v, "expected_ms")) : -1;
}

int shard_plan_parse(struct shard_plan *p, const char *text, size_t n, const char *name, struct err *e)
{
	struct json_reader *in = json_reader_text(text, n, name);
	const struct json_value *v;
	int rc = json_take(in, &v, e);

	memset(p, 0, sizeof(*p));
	if (rc == 0) {
		rc = read_plan(p, v);
		if (rc < 0)
			err_set(e, ERR_FAILURE, "%s: not a plan of shards", name);
		else
			write_json(p);
	}
	json_reader_free(in);
	return rc;
}

int shard_plan_other(const struct shard_plan *p, const char *name, const char *list_sha256, unsigned shards, struct err *e)
{
	if (p->shards != shards)
		err_set(e, ERR_FAILURE, "shard: the plan '%s' has %u parts, not %u", name, p->shards, shards);
	else
		err_set(e, ERR_FAILURE, "shard: the plan '%s' is of another list of names (sha256 %.12s, not %.12s)", name,
			p->list_sha256, list_sha256);
	return 1;
}

int shard_plan_share(struct store *s, const char *key, int64_t now, struct shard_plan *p, struct err *e)
{
	auto_free char *json = NULL;
	char at[STORE_TIME_SIZE], mine[ARTIFACT_SHA256_SIZE];
	unsigned shards = p->shards;
	int rc;

	store_time(at, now);
	if (store_begin(s, e) < 0)
		return -1;
	if (store_run(s, e,
		      "INSERT INTO shard_plans (plan_key, created_at, shards, list_sha256, plan_json) VALUES (?, ?,"
		      " ?, ?, ?) ON CONFLICT (plan_key) DO NOTHING",
		      "ttitt", key, at, (int64_t)p->shards, p->list_sha256, str_cstr(&p->json)) < 0 ||
	    store_one_text(s, &json, e, "SELECT plan_json FROM shard_plans WHERE plan_key = ?", "t", key) < 0) {
		store_rollback(s);
		return -1;
	}
	if (store_commit(s, e) < 0)
		return -1;
	memcpy(mine, p->list_sha256, sizeof(mine));
	shard_plan_release(p);
	rc = shard_plan_parse(p, json, strlen(json), "shard_plans", e);
	if (rc < 0)
		return -1;
	if (strcmp(p->list_sha256, mine) == 0 && p->shards == shards)
		return 0;
	return shard_plan_other(p, key, mine, shards, e);
}
