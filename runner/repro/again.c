/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/again.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/read.h"

#include <stdlib.h>
#include <string.h>

#define REPRO_BYTES ((size_t)1 << 30)

static int take_words(const struct json_value *v, const char *key, struct strv *out, struct err *e)
{
	const struct json_value *list = json_get(v, key);

	if (!list || list->kind != JSON_ARRAY)
		return err_set(e, ERR_USAGE, "%s is missing", key);
	json_each (word, list) {
		if (word->kind != JSON_STRING)
			return err_set(e, ERR_USAGE, "%s must hold texts alone", key);
		strv_add(out, word->text);
	}
	return 0;
}

static char *text_or_null(const struct json_value *v, const char *key)
{
	const char *s = json_get_text(v, key);

	return s ? xstrdup(s) : NULL;
}

static int take_target(struct session *s, const struct json_value *v, struct err *e)
{
	const struct json_value *signature = json_get(v, "signature"), *selection = json_get(v, "selection");
	struct target *t = &s->target;

	if (take_words(v, "command", &t->argv, e) < 0 || take_words(selection, "argv", &s->selection.argv, e) < 0 ||
	    take_words(selection, "env", &s->selection.env, e) < 0 ||
	    take_words(selection, "tests", &s->selection.tests, e) < 0)
		return -1;
	if (!t->argv.n || !s->selection.argv.n)
		return err_set(e, ERR_USAGE, "its command is empty");
	s->selection.how = xstrdup(attr_text(selection, "how"));
	t->cwd = xstrdup(*attr_text(v, "cwd") ? attr_text(v, "cwd") : ".");
	t->run_id = text_or_null(v, "trace_run_id");
	t->trace = text_or_null(v, "trace");
	t->finding_id = text_or_null(signature, "finding_id");
	t->pattern_id = text_or_null(signature, "pattern_id");
	t->location = text_or_null(signature, "location");
	if (t->finding_id && !t->pattern_id)
		return err_set(e, ERR_USAGE, "signature has no pattern_id");
	t->cpus = json_get_int(json_get(v, "machine"), "bound_to", 0);
	t->timeout_ms = json_get_int(json_get(v, "limits"), "limit_ms", 0);
	t->stall_ms = json_get_int(json_get(v, "limits"), "stall_ms", 0);
	return 0;
}

int again_read(struct session *s, const char *path, double *low, struct err *e)
{
	auto_free char *text = NULL;
	const struct json_value *v, *best;
	struct json_reader *r;
	size_t n;
	int rc = file_read(path, REPRO_BYTES, &text, &n, e);

	if (rc < 0) {
		e->kind = ERR_USAGE;
		return -1;
	}
	r = json_reader_text(text, n, path);
	rc = json_take(r, &v, e);
	if (rc == 0)
		rc = json_end(r, e);
	if (rc == 0 && json_get_int(v, "version", 0) != 1)
		rc = err_set(e, ERR_USAGE, "not a repro.json of version 1");
	if (rc == 0)
		rc = take_target(s, v, e);
	if (rc == 0) {
		*low = json_get_number(json_get(v, "rate"), "low", 0);
		best = json_get(v, "best");
		s->plan.seed = (uint64_t)json_get_int(v, "seed", 0);
		if (best && best->kind == JSON_OBJECT)
			rc = setting_read(&s->plan.family[0].origin, json_get(best, "perturb"), e);
		s->plan.families = 1;
		s->plan.fixed = true;
	}
	json_reader_free(r);
	if (rc < 0) {
		e->kind = ERR_USAGE;
		err_add(e, "%s", path);
	}
	return rc;
}
