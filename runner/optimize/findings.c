/* SPDX-License-Identifier: Apache-2.0 */
/* findings.c - what spec-runner found of a candidate that hung or failed: evidence for the next iteration. */
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/optimize/adapter.h"
#include "trace/read.h"

#include <stdlib.h>
#include <string.h>

#define FINDINGS_MAX ((size_t)16 << 20)
#define ROWS_MAX 50

static int put_finding(struct loop *l, const struct json_value *f, int64_t rank, const char *run_id, struct err *e)
{
	const char *id = json_get_text(f, "finding_id"), *pattern = json_get_text(f, "pattern_id");

	if (!id || !pattern)
		return 0;
	return store_run(l->s, e,
		"INSERT INTO findings (run_id, rank, finding_id, pattern_id, location, confidence, proved, summary)"
			 " VALUES (?, ?, ?, ?, ?, ?, ?, ?)", "titttrit", run_id, rank, id, pattern,
			 json_get_text(f, "location"), json_get_number(f, "confidence", 0),
			 (int64_t)attr_true(f, "proved"), json_get_text(f, "summary"));
}

static char *read_file(const struct adapter_run *r, size_t *n)
{
	auto_free char *path = r->dir ? path_join(r->dir, "findings.json") : NULL;
	struct err ignored = { 0 };
	char *text = NULL;

	return path && file_read(path, FINDINGS_MAX, &text, n, &ignored) == 0 ? text : NULL;
}

int adapter_findings(struct loop *l, const struct adapter_run *r, const char *run_id, struct err *e)
{
	auto_free char *text = NULL;
	struct json_reader *in;
	const struct json_value *v, *list;
	struct err ignored = { 0 };
	struct artifact a;
	int64_t rank = 0, base;
	size_t n = 0;
	int rc;

	text = r->ok ? NULL : read_file(r, &n);
	if (!text)
		return 0;
	if (store_one_int(l->s, &base, 0, e, "SELECT COALESCE(MAX(rank), 0) FROM findings WHERE run_id = ?", "t",
		run_id) < 0 ||
	    loop_put(l, "findings", text, n, &a, e) < 0 || loop_artifact(l, run_id, &a, "{}", e) < 0)
		return -1;
	in = json_reader_text(text, n, "findings.json");
	rc = json_take(in, &v, &ignored) == 0 ? 0 : 1;
	list = rc == 0 ? json_get(v, "findings") : NULL;
	if (list && list->kind == JSON_ARRAY)
		json_each(f, list)
			if (rc == 0 && rank < ROWS_MAX)
				rc = put_finding(l, f, base + ++rank, run_id, e);
	json_reader_free(in);
	return rc < 0 ? -1 : 0;
}

char *adapter_hang(const struct adapter_run *r)
{
	auto_free char *text = NULL;
	struct json_reader *in;
	const struct json_value *v, *list;
	struct err ignored = { 0 };
	char *id = NULL;
	size_t n = 0;

	text = read_file(r, &n);
	if (!text)
		return NULL;
	in = json_reader_text(text, n, "findings.json");
	list = json_take(in, &v, &ignored) == 0 ? json_get(v, "findings") : NULL;
	if (list && list->kind == JSON_ARRAY)
		json_each(f, list) {
			const char *pattern = json_get_text(f, "pattern_id"), *found = json_get_text(f, "finding_id");

			if (!id && found && pattern && str_starts(pattern, "hang."))
				id = xstrdup(found);
		}
	json_reader_free(in);
	return id;
}
