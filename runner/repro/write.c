/* SPDX-License-Identifier: Apache-2.0 */
/* write.c - repro.json and repro.sh. Rows of runs go to runs.jsonl as they end, one line each, so that memory
 * does not grow with runs and a SIGKILL loses at most the running one; repro.json takes them from there. */
#include "runner/repro/session.h"

#include "base/clock.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "evidence/words.h"
#include "trace/redact.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- rows ---- */

static void put_perturb(struct json *j, const char *key, const struct setting *s)
{
	json_object(j, key);
	setting_json(s, j);
	json_object_end(j);
}

bool session_add_row(struct session *s, const struct attempt *a)
{
	auto_str text = STR_INIT;
	struct json j;

	json_init(&j, &text);
	json_object(&j, NULL);
	json_int(&j, "n", a->n);
	json_str(&j, "outcome", outcome_text[a->outcome]);
	json_int(&j, "exit_code", a->exit_code);
	json_ms(&j, "duration_ms", a->end_ns - a->start_ns);
	json_str(&j, "finding_id", a->found.finding_id);
	json_str(&j, "pattern_id", a->found.pattern_id);
	put_perturb(&j, "perturb", &a->setting);
	if (a->setting.kinds & 1u << PERTURB_DELAY) {
		json_int(&j, "delays", a->delays);
		json_fixed(&j, "delayed_ms", (double)a->delayed_us / 1e3, 3);
		json_int(&j, "covered", a->covered);
		json_int(&j, "processes", a->processes);
	}
	json_object_end(&j);
	json_finish(&j);
	str_addc(&text, '\n');
	fwrite(text.data, 1, text.len, s->rows);
	return fflush(s->rows) == 0 && !ferror(s->rows);
}

/* ---- repro.json ---- */

static void sink(void *arg, const void *p, size_t n)
{
	file_out_write(arg, p, n);
}

static void put_words(struct json *j, const char *key, const struct session *s, const struct strv *words)
{
	json_array(j, key);
	for (size_t i = 0; i < words->n; i++) {
		auto_str safe = STR_INIT;

		redact_text(s->redactor, words->v[i], strlen(words->v[i]), &safe);
		json_str(j, NULL, str_cstr(&safe));
	}
	json_array_end(j);
}

/* A command: the word after --token is a secret, whatever it looks like. */
static void put_argv(struct json *j, const char *key, const struct session *s, const struct strv *argv)
{
	struct strv safe = STRV_INIT;

	if (argv->n)
		redact_argv(s->redactor, argv->v, &safe);
	json_array(j, key);
	for (size_t i = 0; i < safe.n; i++)
		json_str(j, NULL, safe.v[i]);
	json_array_end(j);
	strv_release(&safe);
}

static void put_rows(struct json *j, const struct session *s)
{
	auto_free char *path = path_join(s->folder, "runs.jsonl");
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t n;

	json_array(j, "runs");
	while (in && (n = getline(&line, &size, in)) > 1 && line[n - 1] == '\n') {
		json_line(j);
		json_raw(j, NULL, line, (size_t)n - 1);
	}
	json_array_end(j);
	free(line);
	if (in)
		fclose(in);
}

static void put_rate(struct json *j, struct rate r)
{
	json_int(j, "hits", r.hits);
	json_int(j, "runs", r.runs);
	json_fixed(j, "low", r.low, 6);
	json_fixed(j, "high", r.high, 6);
}

static void put_shrunk(struct json *j, const struct session *s)
{
	const struct shrunk *x = &s->shrunk;

	if (!x->done) {
		json_null(j, "shrunk");
		return;
	}
	json_object(j, "shrunk");
	if (x->knows_tests)
		put_words(j, "tests", s, &x->tests);
	else
		json_null(j, "tests");
	json_array(j, "perturb");
	for (int k = 0; k < PERTURB_COUNT; k++)
		if (x->kinds & 1u << k)
			json_str(j, NULL, perturb_text[k]);
	json_array_end(j);
	if (x->cpus)
		json_int(j, "cpus", x->cpus);
	else
		json_null(j, "cpus");
	json_int(j, "runs_spent", x->runs_spent);
	json_object_end(j);
}

static void put_best(struct json *j, const struct session *s)
{
	const struct family *best = plan_best(&s->plan);

	if (!best) {
		json_null(j, "best");
		return;
	}
	json_object(j, "best");
	put_perturb(j, "perturb", &best->origin);
	put_rate(j, rate_of(best->hits, best->runs));
	json_object_end(j);
}

/* Of the run in which most processes were seen. */
static void put_coverage(struct json *j, const struct session *s)
{
	if (!s->processes) {
		json_null(j, "coverage");
		return;
	}
	json_object(j, "coverage");
	json_int(j, "covered", s->covered);
	json_int(j, "processes", s->processes);
	put_words(j, "missed", s, &s->missed);
	json_object_end(j);
}

/* What the trace recorded; without that, what was found: --confirm-fix looks for it. */
static void put_signature(struct json *j, const struct session *s)
{
	const struct target *t = &s->target;
	bool found = !t->finding_id && s->hit.finding_id;

	if (!t->finding_id && !found) {
		json_null(j, "signature");
		return;
	}
	json_object(j, "signature");
	json_str(j, "finding_id", found ? s->hit.finding_id : t->finding_id);
	json_str(j, "pattern_id", found ? s->hit.pattern_id : t->pattern_id);
	json_str(j, "location", found ? s->hit.location : t->location);
	json_object_end(j);
}

static void put_head(struct json *j, const struct session *s)
{
	const struct target *t = &s->target;

	json_int(j, "version", 1);
	json_str(j, "id", s->id);
	json_str(j, "trace_run_id", t->run_id);
	json_str(j, "trace", t->trace);
	put_signature(j, s);
	put_argv(j, "command", s, &t->argv);
	json_str(j, "cwd", t->cwd);
	json_object(j, "selection");
	put_words(j, "tests", s, &s->selection.tests);
	json_str(j, "how", s->selection.how);
	put_argv(j, "argv", s, &s->selection.argv);
	put_words(j, "env", s, &s->selection.env);
	json_object_end(j);
	json_object(j, "machine");
	if (t->cpus)
		json_int(j, "cpus_then", t->cpus);
	else
		json_null(j, "cpus_then");
	json_int(j, "cpus_now", (int64_t)sysconf(_SC_NPROCESSORS_ONLN));
	json_int(j, "bound_to", s->launch.cpus);
	json_object_end(j);
	json_object(j, "limits");
	json_int(j, "limit_ms", session_limit_ms(s));
	json_int(j, "stall_ms", s->launch.stall_ms);
	json_object_end(j);
	json_int(j, "seed", (int64_t)s->plan.seed);
}

static void put_all(struct json *j, const struct session *s)
{
	int64_t ended = s->n - s->count[OUTCOME_UNFINISHED];

	json_object(j, NULL);
	put_head(j, s);
	put_rows(j, s);
	json_object(j, "counts");
	for (int i = 0; i < OUTCOME_COUNT; i++)
		json_int(j, outcome_text[i], s->count[i]);
	json_object_end(j);
	json_object(j, "plain");
	json_int(j, "runs", s->plan.plain_runs);
	json_int(j, "hits", s->plan.plain_hits);
	json_object_end(j);
	json_object(j, "rate");
	put_rate(j, rate_of(s->plan.hits, ended > s->plan.runs ? s->plan.runs : ended));
	json_object_end(j);
	put_best(j, s);
	put_coverage(j, s);
	json_str(j, "conclusion", conclusion_text[s->conclusion]);
	put_shrunk(j, s);
	json_object_end(j);
}

/* ---- repro.sh ---- */

static void quoted(struct str *out, const char *word)
{
	str_addc(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			str_add(out, "'\\''");
		else
			str_addc(out, *word);
	}
	str_addc(out, '\'');
}

static void quoted_words(struct str *out, const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++) {
		str_addc(out, ' ');
		quoted(out, words->v[i]);
	}
}

/* A comment holds one line, whatever a test is called. */
static void comment(struct str *out, const char *text)
{
	str_add(out, "# ");
	for (; *text; text++)
		str_addc(out, (unsigned char)*text < 0x20 || *text == 0x7f ? ' ' : *text);
	str_addc(out, '\n');
}

static bool is_redacted(const struct strv *words)
{
	for (size_t i = 0; i < words->n; i++)
		if (strstr(words->v[i], "<redacted:"))
			return true;
	return false;
}

/* The best setting once: a plain command by itself; what must be perturbed needs us. */
static void script(const struct session *s, const struct selection *sel, const struct setting *setting, struct str *out)
{
	auto_free char *repro = path_join(s->folder, "repro.json");
	auto_free char *about = NULL;
	struct strv words = STRV_INIT;

	about = xasprintf("Reproduces %s%s%s: made by spec-runner repro (%s).",
			  s->target.pattern_id ? s->target.pattern_id : "a failing run",
			  s->target.location ? " at " : "", s->target.location ? s->target.location : "", s->id);
	str_add(out, "#!/bin/sh\n");
	comment(out, about);
	comment(out, sel->how);
	str_add(out, "set -u\n\n# The folder that the command ran in.\ncd ");
	quoted(out, s->launch.cwd);
	str_add(out, " || exit 125\n\n");
	if (setting->kinds) {
		str_add(out, "# Its timing must be perturbed for it: this runs the setting that hung, until it hangs "
			     "again.\nexec spec-runner repro --again ");
		quoted(out, repro);
		str_add(out, "\n");
		return;
	}
	redact_argv(s->redactor, sel->argv.v, &words);
	if (is_redacted(&words))
		str_add(out, "# <redacted:…> below stands for a secret that was not recorded: put it in.\n");
	for (size_t i = 0; i < sel->env.n; i++) {
		const char *eq = strchr(sel->env.v[i], '=');

		str_add(out, "# Tells the test runner which tests to run.\n");
		str_addn(out, sel->env.v[i], (size_t)(eq - sel->env.v[i]) + 1);
		quoted(out, eq + 1);
		str_addf(out, "\nexport %.*s\n", (int)(eq - sel->env.v[i]), sel->env.v[i]);
	}
	str_add(out, "# The command itself; a hang ends when you press Ctrl-C.\nexec");
	quoted_words(out, &words);
	str_add(out, "\n");
	strv_release(&words);
}

static int write_script(const struct session *s, const char *name, const struct selection *sel,
			const struct setting *setting, struct err *e)
{
	auto_free char *path = path_join(s->folder, name);
	auto_str text = STR_INIT, safe = STR_INIT;

	script(s, sel, setting, &text);
	redact_text(s->redactor, str_cstr(&text), text.len, &safe);
	if (file_write(path, str_cstr(&safe), safe.len, e) < 0)
		return -1;
	return chmod(path, 0755) < 0 ? err_sys(e, "making '%s' executable", path) : 0;
}

static int write_scripts(const struct session *s, struct err *e)
{
	const struct family *best = plan_best(&s->plan);
	struct setting plain = { 0 };
	const struct setting *setting = best ? &best->origin : &s->hit_setting;
	struct selection small;
	uint8_t *earlier;
	int rc = 0;

	if (!s->first_hit)
		return 0;
	if (s->shrunk.done && s->shrunk.knows_tests) {
		earlier = xcalloc(s->target.n_tests + 1, 1);
		for (size_t i = 0; i < s->target.n_tests; i++) {
			auto_free char *name = xasprintf("%s%s%s", s->target.tests[i].suite,
							 *s->target.tests[i].suite ? " " : "", s->target.tests[i].name);

			earlier[i] = strv_has(&s->shrunk.tests, name);
		}
		if (selection_of(s, earlier, s->target.n_tests, &small)) {
			plain.kinds = 0;
			rc = write_script(s, "repro.sh", &small, s->shrunk.kinds ? setting : &plain, e);
			selection_release(&small);
			free(earlier);
			return rc;
		}
		free(earlier);
	}
	return write_script(s, "repro.sh", &s->selection, setting, e);
}

int session_write(struct session *s, struct err *e)
{
	auto_free char *path = path_join(s->folder, "repro.json");
	struct file_out out;
	struct json j;

	s->written_ns = clock_mono_ns();
	session_conclude(s);
	if (ferror(s->rows))
		return err_set(e, ERR_FAILURE, "writing '%s/runs.jsonl': no space left, or the file is gone",
			       s->folder);
	if (file_out_open(&out, path, e) < 0)
		return -1;
	json_init_sink(&j, sink, &out);
	put_all(&j, s);
	json_finish(&j);
	file_out_write(&out, "\n", 1);
	if (file_out_commit(&out, e) < 0)
		return -1;
	return write_scripts(s, e);
}
