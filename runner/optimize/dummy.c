/* SPDX-License-Identifier: Apache-2.0 */
/* dummy.c - adapters that read canned results: D/N/build.json {success, log}, test.json {success, tests: {NAME: result}},
 * workload.json (samples.c reads it), profile.folded. A missing file is success without data. */
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "runner/optimize/adapter.h"
#include "trace/read.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DUMMY_MAX ((size_t)16 << 20)

static int take_tests(struct adapter_run *r, const struct json_value *tests, const char *path, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];

	if (!tests)
		return 0;
	if (tests->kind != JSON_OBJECT)
		return err_set(e, ERR_USAGE, "%s: 'tests' is not an object", path);
	json_each(t, tests) {
		int result = t->kind == JSON_STRING ? value_word(t->text, test_result_text) : -1;

		if (result < 0)
			return err_set(e, ERR_USAGE, "%s: the result of test %s is none of pass, fail, error, skip, xfail, "
				       "timeout, stalled, cancelled, unknown", path, value_quote(t->key, quoted));
		r->tests = xreallocarray(r->tests, r->n_tests + 1, sizeof(*r->tests));
		r->tests[r->n_tests++] = (struct adapter_test){ .suite = xstrdup(""), .name = xstrdup(t->key),
								.file = xstrdup(""), .result = (enum test_result)result,
								.us = -1 };
	}
	return 0;
}

static int take(struct adapter_run *r, const struct json_value *v, const char *path, struct err *e)
{
	const struct json_value *success = json_get(v, "success");
	const char *log = json_get_text(v, "log");

	if (v->kind != JSON_OBJECT || (success && success->kind != JSON_TRUE && success->kind != JSON_FALSE))
		return err_set(e, ERR_USAGE, "%s: not an object with 'success' true or false", path);
	r->ok = !success || success->kind == JSON_TRUE;
	r->code = r->ok ? 0 : 1;
	r->hung = attr_true(v, "hung");
	if (log)
		str_add(&r->log, log);
	return take_tests(r, json_get(v, "tests"), path, e);
}

int dummy_run(struct loop *l, enum adapter_role role, int64_t side, struct adapter_run *r, struct err *e)
{
	static const char *const files[] = { "build.json", "test.json", "workload.json", "profile.folded" };
	auto_free char *dir = path_resolve(l->root, l->setup.adapter[role].dir);
	auto_free char *path = xasprintf("%s/%" PRId64 "/%s", dir, side, files[role]), *text = NULL;
	struct json_reader *in;
	const struct json_value *v;
	size_t n;
	int rc;

	r->ok = true;
	if (access(path, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (file_read(path, DUMMY_MAX, &text, &n, e) < 0)
		return -1;
	if (role == ROLE_PROFILER || role == ROLE_WORKLOAD) {
		str_addn(&r->log, text, n);
		return 0;
	}
	in = json_reader_text(text, n, path);
	rc = json_take(in, &v, e);
	if (rc == 0)
		rc = json_end(in, e);
	if (rc == 0)
		rc = take(r, v, path, e);
	else
		e->kind = ERR_USAGE;
	json_reader_free(in);
	return rc;
}
