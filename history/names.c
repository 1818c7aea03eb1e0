/* SPDX-License-Identifier: Apache-2.0 */
#include "history/names.h"

#include "base/json_write.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* A hash from "suite\0case" (or "path\0") to its number. */
struct entry {
	char *key;
	uint32_t n, hash;
	int64_t no;
};
struct table {
	struct entry *slots;
	size_t size, used;
};

struct names {
	struct store *s;
	struct table tests, files;
	struct query *find_test, *add_test;
	int64_t next_test, next_file; /* 0: not asked yet */
};

static uint32_t hash_of(const char *key, size_t n)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)key[i]) * UINT64_C(1099511628211);
	return (uint32_t)(h ^ h >> 32);
}

static struct entry *slot_of(struct table *t, const char *key, size_t n, uint32_t hash)
{
	for (size_t i = hash & (t->size - 1);; i = (i + 1) & (t->size - 1)) {
		struct entry *x = &t->slots[i];

		if (!x->key || (x->hash == hash && x->n == n && memcmp(x->key, key, n) == 0))
			return x;
	}
}

static struct entry *table_get(struct table *t, const char *key, size_t n)
{
	struct entry *old = t->slots;
	size_t size = t->size;

	if (t->used * 2 >= t->size) {
		t->size = size ? size * 2 : 256;
		t->slots = xcalloc(t->size, sizeof(*t->slots));
		for (size_t i = 0; i < size; i++)
			if (old[i].key)
				*slot_of(t, old[i].key, old[i].n, old[i].hash) = old[i];
		free(old);
	}
	return slot_of(t, key, n, hash_of(key, n));
}

static void table_put(struct table *t, struct entry *x, const char *key, size_t n, int64_t no)
{
	x->key = memcpy(xmalloc(n), key, n);
	x->n = (uint32_t)n;
	x->hash = hash_of(key, n);
	x->no = no;
	t->used++;
}

static void table_release(struct table *t)
{
	for (size_t i = 0; i < t->size; i++)
		free(t->slots[i].key);
	free(t->slots);
}

struct names *names_new(struct store *s)
{
	struct names *n = xcalloc(1, sizeof(*n));

	n->s = s;
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	query_free(n->find_test);
	query_free(n->add_test);
	table_release(&n->tests);
	table_release(&n->files);
	free(n);
}

static int next_number(struct store *s, const char *sql, int64_t *next, struct err *e)
{
	if (*next)
		return 0;
	return store_one_int(s, next, 1, e, sql, "") < 0 ? -1 : 0;
}

static size_t test_key(struct str *key, const char *suite, const char *case_id)
{
	str_reset(key);
	str_addn(key, suite, strlen(suite) + 1);
	str_add(key, case_id);
	return key->len;
}

static int64_t add_test(struct names *n, const char *suite, const char *case_id, struct err *e)
{
	if (next_number(n->s, "SELECT COALESCE(MAX(test_no), 0) + 1 FROM tests", &n->next_test, e) < 0)
		return -1;
	if (!n->add_test)
		n->add_test = query_new(n->s, "INSERT INTO tests (test_no, suite, case_id) VALUES (?, ?, ?)", e);
	if (!n->add_test)
		return -1;
	query_bind(n->add_test, "itt", n->next_test, suite, case_id);
	return query_step(n->add_test, e) < 0 ? -1 : n->next_test++;
}

int64_t names_test(struct names *n, const char *suite, const char *case_id, struct err *e)
{
	auto_str key = STR_INIT;
	size_t len = test_key(&key, suite, case_id);
	struct entry *x = table_get(&n->tests, str_cstr(&key), len);
	int64_t no;
	int rc;

	if (x->key)
		return x->no;
	if (!n->find_test)
		n->find_test = query_new(n->s, "SELECT test_no FROM tests WHERE suite = ? AND case_id = ?", e);
	if (!n->find_test)
		return -1;
	query_bind(n->find_test, "tt", suite, case_id);
	rc = query_step(n->find_test, e);
	if (rc < 0)
		return -1;
	no = rc == 1 ? query_int(n->find_test, 0) : add_test(n, suite, case_id, e);
	if (no > 0)
		table_put(&n->tests, x, str_cstr(&key), len, no);
	return no;
}

int names_prefetch(struct names *n, const char *const *suites, const char *const *cases, size_t count, struct err *e)
{
	auto_str list = STR_INIT, key = STR_INIT;
	auto_query *q = NULL;
	struct json j;
	int rc;

	if (!store_is_postgres(n->s))
		return 0;
	json_init(&j, &list);
	json_array(&j, NULL);
	for (size_t i = 0; i < count; i++) {
		json_object(&j, NULL);
		json_str(&j, "s", suites[i]);
		json_str(&j, "c", cases[i]);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_finish(&j);
	q = query_new(n->s,
		      "SELECT t.test_no, t.suite, t.case_id FROM json_to_recordset(CAST(? AS json)) AS x(s text, c"
		      " text) JOIN tests t ON t.suite = x.s AND t.case_id = x.c",
		      e);
	if (!q)
		return -1;
	query_bind(q, "t", str_cstr(&list));
	while ((rc = query_step(q, e)) == 1) {
		size_t len = test_key(&key, query_text(q, 1), query_text(q, 2));
		struct entry *x = table_get(&n->tests, str_cstr(&key), len);

		if (!x->key)
			table_put(&n->tests, x, str_cstr(&key), len, query_int(q, 0));
	}
	return rc;
}

int64_t names_file(struct names *n, const char *path, struct err *e)
{
	struct entry *x = table_get(&n->files, path, strlen(path));
	int64_t no;
	int rc;

	if (x->key)
		return x->no;
	rc = store_one_int(n->s, &no, 0, e, "SELECT file_no FROM files WHERE path = ?", "t", path);
	if (rc < 0)
		return -1;
	if (rc == 0) {
		if (next_number(n->s, "SELECT COALESCE(MAX(file_no), 0) + 1 FROM files", &n->next_file, e) < 0)
			return -1;
		no = n->next_file++;
		if (store_run(n->s, e, "INSERT INTO files (file_no, path) VALUES (?, ?)", "it", no, path) < 0)
			return -1;
	}
	table_put(&n->files, x, path, strlen(path), no);
	return no;
}

int64_t lane_number(struct store *s, const char *workload, const char *device, struct err *e)
{
	int64_t no;
	int rc = store_one_int(s, &no, 0, e, "SELECT lane_no FROM lanes WHERE workload_id = ? AND device_id = ?", "tt",
			       workload, device);

	if (rc != 0)
		return rc < 0 ? -1 : no;
	if (store_one_int(s, &no, 1, e, "SELECT COALESCE(MAX(lane_no), 0) + 1 FROM lanes", "") < 0 ||
	    store_run(s, e, "INSERT INTO lanes (lane_no, workload_id, device_id) VALUES (?, ?, ?)", "itt", no, workload,
		      device) < 0)
		return -1;
	return no;
}
