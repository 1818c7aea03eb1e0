/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/gate/governance.h"

#include "base/clock.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

#define FAILURES_MAX_BYTES (64 * 1024 * 1024)

void json_tokens(struct json *j, const char *key, uint32_t tokens)
{
	json_array(j, key);
	for (int t = TOKEN_NONE + 1; t < TOKEN_COUNT; t++)
		if (tokens & 1u << t)
			json_str(j, NULL, token_text[t]);
	json_array_end(j);
}

void json_strings(struct json *j, const char *key, const struct strv *l)
{
	json_array(j, key);
	for (size_t i = 0; i < l->n; i++)
		json_str(j, NULL, l->v[i]);
	json_array_end(j);
}

void json_time(struct json *j, const char *key, int64_t real_ns)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(text, real_ns);
	json_str(j, key, text);
}

const char *stall_phase_of(uint32_t tokens)
{
	if (tokens & 1u << TOKEN_CASE_CHAIN)
		return span_name_text[SPAN_CASE_CHAIN];
	if (tokens & 1u << TOKEN_CASE_HARNESS)
		return span_name_text[SPAN_CASE_HARNESS];
	return span_name_text[SPAN_SUBPROCESS_WAIT];
}

static void add_once(struct strv *l, const char *text, size_t n)
{
	auto_free char *copy = xstrndup(text, n);

	if (!strv_has(l, copy))
		strv_take(l, ptr_steal(&copy));
}

void governance_result_get(struct governance_result *r, const struct case_work *w)
{
	struct case_totals t;

	memset(r, 0, sizeof(*r));
	case_work_totals(w, &t);
	r->tokens = t.tokens;
	for (uint32_t i = 0; i < t.cases; i++) {
		const struct spec_case *c = case_work_case(w, i);
		const char *id = c->check ? c->check : c->id, *dot = strrchr(id, '.');
		struct case_outcome o;

		case_work_outcome(w, i, &o);
		if (o.result == CASE_FLAKY)
			add_once(&r->flaky, id, strlen(id));
		if (o.result == CASE_PASS || o.result == CASE_FLAKY)
			continue;
		add_once(&r->ids, id, strlen(id));
		add_once(&r->prefixes, id, dot ? (size_t)(dot - id) : strlen(id));
		if (o.result == CASE_ENDED && !r->stalled) {
			r->stalled = true;
			r->stall_phase = stall_phase_of(o.tokens);
		}
	}
	r->pass = r->ids.n == 0;
}

void governance_result_release(struct governance_result *r)
{
	strv_release(&r->ids);
	strv_release(&r->prefixes);
	strv_release(&r->flaky);
}

char *artifacts_folder(const struct options *o, const char *root, char *const envp[], const char *run_id)
{
	auto_free char *dir = o->artifacts_dir[0] == '/' ? xstrdup(o->artifacts_dir) : path_join(root, o->artifacts_dir);
	bool nested = false;

	for (; envp && *envp; envp++)
		nested |= str_starts(*envp, "SPEC_RUNNER_RUN_ID=") && (*envp)[strlen("SPEC_RUNNER_RUN_ID=")];
	if (!nested || o->artifacts_dir_given)
		return ptr_steal(&dir);
	return xasprintf("%s/nested/%s", dir, run_id);
}

static void row_write(struct json *j, const struct spec_case *c, const struct case_outcome *o)
{
	json_line(j);
	json_object(j, NULL);
	json_str(j, "check", c->check);
	json_str(j, "case_id", c->id);
	json_str(j, "title", c->title);
	json_str(j, "suite", c->suite);
	json_str(j, "file", c->file);
	json_int(j, "line", c->line);
	json_str(j, "status", case_result_text[o->result]);
	json_ms(j, "duration_ms", o->duration_ns);
	json_int(j, "attempts", o->attempts);
	json_str(j, "message", o->message);
	json_tokens(j, "reason_tokens", o->tokens);
	json_object_end(j);
}

static void summary_text(const struct case_session *s, const char *run_id, struct str *out)
{
	struct governance_result r;
	struct case_totals t;
	struct json j;

	governance_result_get(&r, s->work);
	case_work_totals(s->work, &t);
	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", run_id);
	json_str(&j, "status", r.pass ? "pass" : "fail");
	json_time(&j, "started_at", s->begin_real_ns);
	json_time(&j, "finished_at", s->begin_real_ns + (s->end_ns - s->begin_ns));
	json_ms(&j, "total_duration_ms", s->end_ns - s->begin_ns);
	json_int(&j, "check_count", t.cases);
	json_object(&j, "results");
	for (int i = 0; i < CASE_RESULT_COUNT; i++)
		json_int(&j, case_result_text[i], t.count[i]);
	json_object_end(&j);
	json_strings(&j, "failing_check_ids", &r.ids);
	json_strings(&j, "failing_check_prefixes", &r.prefixes);
	json_strings(&j, "flaky_check_ids", &r.flaky);
	json_bool(&j, "stall_detected", r.stalled);
	json_str(&j, "stall_phase", r.stall_phase);
	json_array(&j, "checks");
	for (uint32_t i = 0; i < t.cases; i++) {
		struct case_outcome o;

		case_work_outcome(s->work, i, &o);
		row_write(&j, case_work_case(s->work, i), &o);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
	governance_result_release(&r);
}

struct timing {
	const struct spec_case *c;
	struct case_outcome o;
};

static int slowest_first(const void *a, const void *b)
{
	const struct timing *x = a, *y = b;

	if (x->o.duration_ns != y->o.duration_ns)
		return x->o.duration_ns > y->o.duration_ns ? -1 : 1;
	return strcmp(x->c->id, y->c->id);
}

static void timing_text(const struct case_session *s, const char *run_id, struct str *out)
{
	auto_free struct timing *rows = xcalloc(s->count + 1, sizeof(*rows));
	struct json j;

	for (uint32_t i = 0; i < s->count; i++) {
		rows[i].c = case_work_case(s->work, i);
		case_work_outcome(s->work, i, &rows[i].o);
	}
	qsort(rows, s->count, sizeof(*rows), slowest_first);
	json_init(&j, out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_str(&j, "run_id", run_id);
	json_ms(&j, "total_duration_ms", s->end_ns - s->begin_ns);
	json_array(&j, "checks");
	for (uint32_t i = 0; i < s->count; i++) {
		json_line(&j);
		json_object(&j, NULL);
		json_str(&j, "check", rows[i].c->check);
		json_str(&j, "case_id", rows[i].c->id);
		json_str(&j, "status", case_result_text[rows[i].o.result]);
		json_ms(&j, "duration_ms", rows[i].o.duration_ns);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

static int text_write(const char *folder, const char *name, const struct str *text, struct err *e)
{
	auto_free char *path = path_join(folder, name);

	return file_write(path, str_cstr(text), text->len, e);
}

int governance_write(const struct case_session *s, const char *folder, const char *run_id, struct err *e)
{
	auto_str summary = STR_INIT;
	auto_str timing = STR_INIT;

	summary_text(s, run_id, &summary);
	timing_text(s, run_id, &timing);
	if (text_write(folder, "governance-summary.json", &summary, e) < 0 ||
	    text_write(folder, "governance-timing.json", &timing, e) < 0)
		return -1;
	return 0;
}

int governance_failures_read(const char *path, struct strv *ids, struct err *e)
{
	__attribute__((cleanup(json_reader_free_ptr))) struct json_reader *reader = NULL;
	auto_free char *text = NULL;
	const struct json_value *v, *list;
	size_t n;

	if (file_read(path, FAILURES_MAX_BYTES, &text, &n, e) < 0) {
		e->kind = ERR_USAGE;
		return err_add(e, "--from-failures");
	}
	reader = json_reader_text(text, n, path);
	if (json_take(reader, &v, e) < 0) {
		e->kind = ERR_USAGE;
		return err_add(e, "--from-failures");
	}
	list = json_get(v, "failing_check_ids");
	if (!list || list->kind != JSON_ARRAY)
		return err_set(e, ERR_USAGE, "--from-failures '%s': it has no list 'failing_check_ids'", path);
	json_each(item, list)
		if (item->kind == JSON_STRING)
			strv_add(ids, item->text);
	return 0;
}
