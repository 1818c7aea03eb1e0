/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/target.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/read.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TESTS_MAX 200000
#define FOLDER_DEPTH 4
#define FINDINGS_BYTES ((size_t)16 << 20)

/* A command of the trace; of several (a gate, cases) the one that failed is repeated. */
struct recorded {
	uint64_t exec, wait;
	struct strv argv;
	char *cwd, *name;
	int rank; /* 3 ended by a watchdog, 2 failed, 1 passed */
	int64_t start_ns, duration_ns;
};

struct reading {
	struct target *t;
	struct recorded *commands;
	size_t n, cap_tests;
	uint64_t dispatch;
	bool supervised_command; /* the verb was run: there is one */
	uint64_t *test_parent;
	int64_t *test_start;
};

/* ---- the trace ---- */

static int rank_of(int status)
{
	return status == STATUS_TIMEOUT || status == STATUS_STALLED || status == STATUS_CANCELLED ? 3
	       : status == STATUS_OK                                                              ? 1
												  : 2;
}

static void take_exec(struct reading *r, const struct trace_read_span *s)
{
	const struct json_value *argv = json_get(s->attrs, "argv");
	struct recorded *c;

	if (!argv || argv->kind != JSON_ARRAY || !argv->count)
		return;
	r->commands = xreallocarray(r->commands, r->n + 1, sizeof(*r->commands));
	c = &r->commands[r->n++];
	*c = (struct recorded){
		.exec = s->id,
		.argv = STRV_INIT,
		.rank = rank_of(s->status),
		.cwd = *attr_text(s->attrs, "cwd") ? xstrdup(attr_text(s->attrs, "cwd")) : NULL,
		.name = *attr_text(s->attrs, "name") ? xstrdup(attr_text(s->attrs, "name")) : NULL,
		.start_ns = s->start_ns,
		.duration_ns = s->end_ns - s->start_ns,
	};
	json_each (word, argv)
		if (word->kind == JSON_STRING)
			strv_add(&c->argv, word->text);
}

static void take_test(struct reading *r, const struct trace_read_span *s)
{
	struct target *t = r->t;
	const char *result = attr_text(s->attrs, "result");
	struct target_test *x;

	if (!*attr_text(s->attrs, "case_id") || attr_true(s->attrs, "withdrawn") || attr_true(s->attrs, "container") ||
	    t->n_tests >= TESTS_MAX)
		return;
	if (t->n_tests == r->cap_tests) {
		r->cap_tests = r->cap_tests ? r->cap_tests * 2 : 64;
		t->tests = xreallocarray(t->tests, r->cap_tests, sizeof(*t->tests));
		r->test_parent = xreallocarray(r->test_parent, r->cap_tests, sizeof(*r->test_parent));
		r->test_start = xreallocarray(r->test_start, r->cap_tests, sizeof(*r->test_start));
	}
	r->test_parent[t->n_tests] = s->parent;
	r->test_start[t->n_tests] = s->start_ns;
	x = &t->tests[t->n_tests++];
	*x = (struct target_test){
		.dialect = xstrdup(attr_text(s->attrs, "dialect")),
		.suite = xstrdup(attr_text(s->attrs, "suite")),
		.name = xstrdup(attr_text(s->attrs, "case_id")),
		.file = xstrdup(attr_text(s->attrs, "file")),
		.hung = rank_of(s->status) == 3,
	};
	x->bad = x->hung || strcmp(result, "fail") == 0 || strcmp(result, "error") == 0 || s->status == STATUS_ERROR;
}

static void take_config(struct reading *r, const struct json_value *attrs)
{
	const struct json_value *config = json_get(attrs, "config");
	const struct json_value *run = json_get(config, "run"), *live = json_get(config, "liveness");
	struct target *t = r->t;

	if (!config || config->kind != JSON_OBJECT) {
		strv_add(&t->missing, "limits (recorded by an older version)");
		return;
	}
	t->timeout_ms = json_get_int(run, "timeout_ms", 0);
	t->test_timeout_ms = json_get_int(run, "test_timeout_ms", 0);
	t->stall_ms = json_get_int(live, "stall_ms", 0);
	t->hard_cap_ms = json_get_int(live, "hard_cap_ms", 0);
	if (*attr_text(run, "dialect"))
		t->dialect = xstrdup(attr_text(run, "dialect"));
}

static int on_span(void *arg, const struct trace_read_span *s, struct err *e)
{
	struct reading *r = arg;

	(void)e;
	switch (s->name) {
	case SPAN_RUNNER_DISPATCH:
		r->dispatch = s->id;
		take_config(r, s->attrs);
		break;
	case SPAN_SUBPROCESS_EXEC: take_exec(r, s); break;
	case SPAN_SUBPROCESS_WAIT:
		for (size_t i = r->n; i-- > 0;)
			if (r->commands[i].exec == s->parent) {
				r->commands[i].wait = s->id;
				if (rank_of(s->status) > r->commands[i].rank)
					r->commands[i].rank = rank_of(s->status);
				break;
			}
		break;
	case SPAN_CASE_RUN: take_test(r, s); break;
	}
	return 0;
}

static int on_head(void *arg, const char *key, const struct json_value *v, struct err *e)
{
	struct reading *r = arg;
	struct target *t = r->t;

	(void)e;
	if (strcmp(key, "run_id") == 0 && v->kind == JSON_STRING) {
		free(t->run_id);
		t->run_id = xstrdup(v->text);
	} else if (strcmp(key, "command") == 0 && v->kind == JSON_STRING) {
		r->supervised_command = strcmp(v->text, "run") == 0;
	} else if (strcmp(key, "environment") == 0) {
		const char *commit = attr_text(json_get(v, "repo"), "rev");

		t->cpus = json_get_int(v, "cpus", 0);
		t->memory_bytes = json_get_int(v, "memory_bytes", 0);
		t->commit = *commit ? xstrdup(commit) : NULL;
	} else if (strcmp(key, "env_profile") == 0 && v->kind == JSON_OBJECT) {
		json_each (name, v)
			if (attr_true(name, "set")) {
				strv_take(&t->env_names, xstrndup(name->key, name->key_len));
				strv_add(&t->env_hashes, attr_text(name, "hash"));
			}
	}
	return 0;
}

/* Of the run's command, or of the step or case that ended worst; of equals the first. */
static const struct recorded *choose(const struct reading *r)
{
	const struct recorded *best = NULL;

	for (size_t i = 0; i < r->n; i++)
		if (!best || r->commands[i].rank > best->rank)
			best = &r->commands[i];
	return best;
}

/* Tests of other steps are not of this command. */
static void keep_own_tests(struct reading *r, const struct recorded *c)
{
	struct target *t = r->t;
	size_t kept = 0;

	for (size_t i = 0; i < t->n_tests; i++) {
		struct target_test x = t->tests[i];

		if (r->test_parent[i] == c->wait || r->test_parent[i] == c->exec) {
			if (x.bad && r->test_start[i] > c->start_ns)
				t->reached_ns = r->test_start[i] - c->start_ns;
			t->tests[kept++] = x;
			continue;
		}
		free(x.dialect);
		free(x.suite);
		free(x.name);
		free(x.file);
	}
	t->n_tests = kept;
}

static void read_finding(struct target *t)
{
	const char *slash = strrchr(t->trace, '/');
	auto_free char *dir = slash ? xstrndup(t->trace, (size_t)(slash - t->trace)) : xstrdup(".");
	auto_free char *path = path_join(dir, "findings.json");
	struct err ignored = { 0 };
	struct found f;

	if (found_read(&f, path, t->run_id, &ignored) != 1) {
		strv_add(&t->missing, "the finding (no findings.json of that run beside the trace)");
		return;
	}
	t->finding_id = f.finding_id;
	t->pattern_id = f.pattern_id;
	t->location = f.location;
	t->summary = f.summary;
}

static void reading_release(struct reading *r)
{
	for (size_t i = 0; i < r->n; i++) {
		strv_release(&r->commands[i].argv);
		free(r->commands[i].cwd);
		free(r->commands[i].name);
	}
	free(r->commands);
	free(r->test_parent);
	free(r->test_start);
}

int target_read(struct target *t, const char *trace, struct err *e)
{
	static const struct trace_read_ops ops = { .span = on_span, .head = on_head };
	struct reading r = { .t = t };
	const struct recorded *c;
	int rc;

	memset(t, 0, sizeof(*t));
	t->trace = xstrdup(trace);
	rc = trace_read(trace, &ops, &r, e);
	if (rc < 0) {
		e->kind = ERR_USAGE;
		err_add(e, "reading the trace");
	} else if (!t->run_id || !(c = choose(&r))) {
		rc = err_set(e, ERR_USAGE, "'%s' records no command to repeat: name one after --", trace);
	} else {
		strv_copy(&t->argv, &c->argv);
		t->cwd = xstrdup(c->cwd ? c->cwd : ".");
		t->what = !r.supervised_command && c->name ? xstrdup(c->name) : NULL;
		t->duration_ns = c->duration_ns;
		if (!c->cwd)
			strv_add(&t->missing, "the working folder (the root is taken)");
		keep_own_tests(&r, c);
		read_finding(t);
	}
	reading_release(&r);
	return rc;
}

void target_of_command(struct target *t, char *const argv[], const char *cwd)
{
	memset(t, 0, sizeof(*t));
	for (; *argv; argv++)
		strv_add(&t->argv, *argv);
	t->cwd = xstrdup(cwd);
}

void target_release(struct target *t)
{
	for (size_t i = 0; i < t->n_tests; i++) {
		free(t->tests[i].dialect);
		free(t->tests[i].suite);
		free(t->tests[i].name);
		free(t->tests[i].file);
	}
	free(t->tests);
	free(t->trace);
	free(t->run_id);
	free(t->cwd);
	free(t->what);
	free(t->commit);
	free(t->dialect);
	free(t->finding_id);
	free(t->pattern_id);
	free(t->location);
	free(t->summary);
	strv_release(&t->argv);
	strv_release(&t->env_names);
	strv_release(&t->env_hashes);
	strv_release(&t->missing);
	memset(t, 0, sizeof(*t));
}

bool target_has_bad(const struct target *t)
{
	for (size_t i = 0; i < t->n_tests; i++)
		if (t->tests[i].bad)
			return true;
	return false;
}

static bool can_run(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *target_program(const char *word, const char *cwd, const char *search)
{
	if (strchr(word, '/')) {
		char *path = *word == '/' ? xstrdup(word) : path_join(cwd, word);

		if (can_run(path))
			return path;
		free(path);
		return NULL;
	}
	for (const char *p = search; p && *p; p += strcspn(p, ":"), p += *p == ':') {
		auto_free char *folder = xstrndup(p, strcspn(p, ":"));
		auto_free char *in = *folder == '/' ? xstrdup(folder) : path_join(cwd, folder);
		char *path = path_join(in, word);

		if (can_run(path))
			return path;
		free(path);
	}
	return NULL;
}

size_t target_redacted_word(const struct strv *argv)
{
	for (size_t i = 0; i < argv->n; i++)
		if (strstr(argv->v[i], "<redacted:"))
			return i + 1;
	return 0;
}

/* ---- findings ---- */

static char *text_of(const struct json_value *v, const char *key)
{
	const char *s = json_get_text(v, key);

	return s ? xstrdup(s) : NULL;
}

/* The first that is a hang; without one, the first. */
static const struct json_value *first_of(const struct json_value *list)
{
	if (!list || list->kind != JSON_ARRAY)
		return NULL;
	json_each (x, list) {
		const char *pattern = json_get_text(x, "pattern_id");

		if (pattern && str_starts(pattern, "hang."))
			return x;
	}
	return list->first;
}

int found_read(struct found *f, const char *path, const char *run_id, struct err *e)
{
	auto_free char *text = NULL;
	const struct json_value *root;
	struct json_reader *r;
	size_t n;
	int rc = 0;

	memset(f, 0, sizeof(*f));
	if (file_read(path, FINDINGS_BYTES, &text, &n, e) < 0)
		return -1;
	r = json_reader_text(text, n, path);
	if (json_take(r, &root, e) < 0 || json_end(r, e) < 0) {
		rc = -1;
	} else if (!run_id || strcmp(attr_text(root, "run_id"), run_id) == 0) {
		const struct json_value *x = first_of(json_get(root, "findings"));

		if (x) {
			*f = (struct found){ text_of(x, "finding_id"), text_of(x, "pattern_id"), text_of(x, "location"),
					     text_of(x, "summary") };
			rc = f->finding_id && f->pattern_id;
			if (!rc)
				found_release(f);
		}
	}
	json_reader_free(r);
	return rc;
}

void found_release(struct found *f)
{
	free(f->finding_id);
	free(f->pattern_id);
	free(f->location);
	free(f->summary);
	memset(f, 0, sizeof(*f));
}

bool location_function(const char *location, struct str *out)
{
	const char *end, *from;

	str_reset(out);
	if (!location)
		return false;
	/* "file:function:line": a function may hold colons (C++), a file name hardly ever does */
	end = strrchr(location, ':');
	from = strchr(location, ':');
	if (!from || !end || end <= from)
		return false;
	str_addn(out, from + 1, (size_t)(end - from - 1));
	return out->len > 0;
}

/* ---- which trace ---- */

struct newest {
	char *path;
	struct timespec when;
};

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

static void search(struct newest *best, const char *dir, int depth)
{
	DIR *d = opendir(dir);

	for (struct dirent *x; d && (x = readdir(d));) {
		auto_free char *path = path_join(dir, x->d_name);
		struct stat st;

		if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0 || lstat(path, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth > 1) {
			search(best, path, depth - 1);
		} else if (S_ISREG(st.st_mode) && strcmp(x->d_name, "run-trace.json") == 0 &&
			   (!best->path || later(&st.st_mtim, &best->when))) {
			free(best->path);
			best->path = ptr_steal(&path);
			best->when = st.st_mtim;
		}
	}
	if (d)
		closedir(d);
}

char *target_find(const char *given, const char *artifacts_dir, struct err *e)
{
	const char *dir = given ? given : artifacts_dir;
	auto_free char *of_run = NULL;
	struct newest best = { 0 };
	struct stat st;

	if (given && stat(given, &st) == 0 && !S_ISDIR(st.st_mode))
		return xstrdup(given);
	if (given && stat(given, &st) < 0) {
		static const char *const below[] = { "runs", "recovered", "nested" };

		for (size_t i = 0; i < sizeof(below) / sizeof(below[0]) && !of_run; i++) {
			auto_free char *path = xasprintf("%s/%s/%s/run-trace.json", artifacts_dir, below[i], given);

			if (!strchr(given, '/') && stat(path, &st) == 0)
				of_run = ptr_steal(&path);
		}
		if (of_run)
			return ptr_steal(&of_run);
		err_set(e, ERR_USAGE,
			"'%s' is neither a trace, nor a folder that holds one, nor the id of a run below %s", given,
			artifacts_dir);
		return NULL;
	}
	/* directly in it the newest run lies; deeper, what was downloaded */
	search(&best, dir, 1);
	if (!best.path)
		search(&best, dir, FOLDER_DEPTH);
	if (!best.path)
		err_set(e, ERR_USAGE, "no run-trace.json in '%s': name a trace, or a command after --", dir);
	return best.path;
}
