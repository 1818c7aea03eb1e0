/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/learned.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "runner/config/history_place.h"
#include "runner/proc/helper.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SHOWN 100 /* in the trace */
#define LEARN_NS (2 * NS_PER_S)

static uint64_t hash_of(const char *suite, const char *name)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (const char *p = suite; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	h = (h ^ 0xff) * UINT64_C(1099511628211);
	for (const char *p = name; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	return h;
}

static int by_hash(const void *a, const void *b)
{
	uint64_t x = ((const struct learned_test *)a)->hash, y = ((const struct learned_test *)b)->hash;

	return (x > y) - (x < y);
}

static double number(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_NUMBER && m->number > 0 && m->number < 1e11 ? m->number : 0;
}

/* {"run_limit_ms", "usual_ms", "tests": [{"suite", "case_id", "limit_ms"}]} */
static void take_answer(struct learned *l, const struct json_value *v)
{
	const struct json_value *tests = json_get(v, "tests");
	auto_str text = STR_INIT;
	struct json j;

	l->run_limit_ms = (int64_t)number(v, "run_limit_ms");
	l->usual_ns = (int64_t)(number(v, "usual_ms") * 1e6);
	if (!tests || tests->kind != JSON_ARRAY)
		return;
	json_init(&j, &text);
	json_object(&j, NULL);
	l->tests = xcalloc(tests->count + 1, sizeof(*l->tests));
	json_each(t, tests) {
		const char *suite = json_get_text(t, "suite"), *name = json_get_text(t, "case_id");
		double ms = number(t, "limit_ms");

		if (!suite || !name || ms <= 0)
			continue;
		l->tests[l->n_tests++] = (struct learned_test){ hash_of(suite, name), (int64_t)(ms * 1e6) };
		if (l->n_tests <= SHOWN) {
			auto_free char *key = xasprintf("%s%s%s", suite, *suite ? " " : "", name);

			json_fixed(&j, key, ms, 0);
		}
	}
	json_object_end(&j);
	json_finish(&j);
	l->tests_json = str_steal(&text);
	if (l->n_tests)
		qsort(l->tests, l->n_tests, sizeof(*l->tests), by_hash);
}

static void add_text(struct strv *argv, const char *flag, const char *v)
{
	if (!v)
		return;
	strv_add(argv, flag);
	strv_add(argv, v);
}

void learned_read(struct learned *l, const struct options *o, const char *root, const char *verb, char *const *args,
		  char *const *command, char *const envp[])
{
	auto_free char *dir = history_dir(o, root);
	auto_close int out = memfd_create("spec-runner-limits", MFD_CLOEXEC);
	struct strv argv = STRV_INIT, env = STRV_INIT;
	const struct json_value *v;
	struct json_reader *in;
	struct err ignored = { 0 };
	pid_t pid;

	memset(l, 0, sizeof(*l));
	if (out < 0 || !history_is_named(o, envp))
		return;
	strv_add(&argv, "spec-runner-history");
	strv_add(&argv, "--internal");
	strv_add(&argv, "limits-for");
	add_text(&argv, "--history", dir);
	add_text(&argv, "--workload", o->history.workload);
	add_text(&argv, "--device", o->history.device);
	strv_add(&argv, "--");
	strv_add(&argv, command ? "run" : verb);
	for (char *const *word = command ? command : args; *word; word++)
		strv_add(&argv, *word);
	helper_environment(&env, envp, o);
	pid = helper_start("history", argv.v, env.v, out, -1, true, &ignored);
	strv_release(&argv);
	strv_release(&env);
	if (pid < 0 || helper_wait(pid, clock_mono_ns() + LEARN_NS) != 0 || lseek(out, 0, SEEK_SET) < 0)
		return;
	in = json_reader_new(out, "limits");
	if (json_take(in, &v, &ignored) == 0)
		take_answer(l, v);
	json_reader_free(in);
}

void learned_release(struct learned *l)
{
	free(l->tests);
	free(l->tests_json);
	memset(l, 0, sizeof(*l));
}

int64_t learned_limit(const struct learned *l, const char *suite, const char *name)
{
	struct learned_test key = { .hash = hash_of(suite ? suite : "", name ? name : "") };
	const struct learned_test *found = NULL;

	if (l && l->n_tests)
		found = bsearch(&key, l->tests, l->n_tests, sizeof(*l->tests), by_hash);
	return found ? found->limit_ns : TIME_NEVER;
}
