/* SPDX-License-Identifier: Apache-2.0 */
/* keep.c - setup.json of a loop. No configuration is copied, for an argv there may hold a secret: only paths and hashes. */
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/optimize/open.h"

#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX ((size_t)4 << 20)

static int hash_file(const char *path, char sha[ARTIFACT_SHA256_SIZE], struct err *e)
{
	auto_free char *text = NULL;
	size_t n;

	if (file_read(path, CONFIG_MAX, &text, &n, e) < 0)
		return -1;
	sha256_hex(text, n, sha);
	return 0;
}

int keep_write(const struct loop *l, struct err *e)
{
	const struct optimize_options *o = &l->o->optimize;
	auto_free char *path = loop_path(l, "setup.json");
	auto_str out = STR_INIT;
	struct json j;

	json_init(&j, &out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_array(&j, "files");
	for (size_t i = 0; i < l->setup.files.n; i++) {
		char sha[ARTIFACT_SHA256_SIZE];

		if (hash_file(l->setup.files.v[i], sha, e) < 0)
			return -1;
		json_object(&j, NULL);
		json_str(&j, "path", l->setup.files.v[i]);
		json_str(&j, "sha256", sha);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_str(&j, "candidates", l->candidates_dir);
	json_str(&j, "goal", optimize_goal_text[l->setup.loop.goal]);
	json_int(&j, "iterations", l->limits.iterations);
	json_bool(&j, "dry_run", l->dry_run);
	json_str(&j, "baseline_run_id", o->baseline_run_id);
	json_str(&j, "branch", o->branch);
	json_str(&j, "env_file", o->env_file);
	json_str(&j, "finding", l->o->history.finding);
	json_str(&j, "symbol", l->o->history.symbol);
	json_str(&j, "workload", l->o->history.workload);
	json_object_end(&j);
	json_finish(&j);
	return file_write(path, str_cstr(&out), out.len, e);
}

static void take(const struct json_value *v, const char *key, char **to)
{
	const char *s = json_get_text(v, key);

	if (s && !*to)
		*to = xstrdup(s);
}

static int take_files(const struct json_value *list, struct strv *files, struct err *e)
{
	json_each(f, list) {
		const char *path = json_get_text(f, "path"), *was = json_get_text(f, "sha256");
		char sha[ARTIFACT_SHA256_SIZE];

		if (!path || !was)
			return err_set(e, ERR_FAILURE, "setup.json of the loop is damaged");
		if (hash_file(path, sha, e) < 0) {
			e->kind = ERR_USAGE;
			return -1;
		}
		if (strcmp(sha, was) != 0)
			return err_set(e, ERR_USAGE, "'%s' has changed since this loop began: begin a new one", path);
		strv_add(files, path);
	}
	return 0;
}

int keep_read(struct loop *l, struct strv *files, struct err *e)
{
	struct optimize_options *o = &l->o->optimize;
	auto_free char *path = loop_path(l, "setup.json"), *text = NULL;
	const struct json_value *v, *m;
	struct json_reader *in;
	size_t n;
	int rc;

	if (file_read(path, CONFIG_MAX, &text, &n, e) < 0)
		return -1;
	in = json_reader_text(text, n, path);
	rc = json_take(in, &v, e);
	m = rc == 0 ? json_get(v, "files") : NULL;
	if (rc == 0 && (!m || m->kind != JSON_ARRAY))
		rc = err_set(e, ERR_FAILURE, "'%s' is damaged", path);
	if (rc == 0)
		rc = take_files(m, files, e);
	if (rc == 0) {
		take(v, "candidates", &o->candidates);
		take(v, "goal", &o->goal);
		take(v, "baseline_run_id", &o->baseline_run_id);
		take(v, "branch", &o->branch);
		take(v, "env_file", &o->env_file);
		take(v, "finding", &l->o->history.finding);
		take(v, "symbol", &l->o->history.symbol);
		take(v, "workload", &l->o->history.workload);
		m = json_get(v, "iterations");
		if (!o->iterations && m && m->is_integer)
			o->iterations = m->integer;
		m = json_get(v, "dry_run");
		o->dry_run |= m && m->kind == JSON_TRUE;
	}
	json_reader_free(in);
	return rc;
}
