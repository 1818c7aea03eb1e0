/* SPDX-License-Identifier: Apache-2.0 */
/* results_read.c - a trace becomes rows of tests (results.h). Spans stand in the order of their begin, a
 * parent before its children; events come behind them. */
#include "base/clock.h"
#include "base/mem.h"
#include "findings/report/results.h"
#include "evidence/test_names.h"
#include "evidence/words.h"
#include "trace/read.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)256 << 10)
#define NO_ROW UINT32_MAX
/* A gate has steps, not thousands of them; each command is searched for by its spans. */
#define COMMANDS_MAX 4096

const char *const results_result_text[RESULTS_COUNT] = {
	"pass", "flaky", "fail", "error", "skip", "xfail", "unknown", "unfinished", "never_started",
};

struct results_chunk {
	struct results_chunk *next;
	size_t used, size;
	char data[];
};

static const char *keep(struct results *t, const char *s)
{
	size_t n = s ? strlen(s) + 1 : 0;
	struct results_chunk *c = t->chunks;
	char *p;

	if (n <= 1)
		return "";
	if (!c || c->size - c->used < n) {
		size_t size = n > CHUNK_BYTES ? n : CHUNK_BYTES;

		c = xmalloc(sizeof(*c) + size);
		*c = (struct results_chunk){ t->chunks, 0, size };
		t->chunks = c;
	}
	p = memcpy(c->data + c->used, s, n);
	c->used += n;
	return p;
}

/* ---- small readers ---- */

static bool is(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

/* ---- suites ---- */

static size_t suite_slot(const struct results *t, const char *name, int32_t command)
{
	uint64_t h = UINT64_C(14695981039346656037) ^ (uint32_t)command;

	for (const char *p = name; *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(1099511628211);
	for (size_t i = h & (t->suite_hash_size - 1);; i = (i + 1) & (t->suite_hash_size - 1)) {
		const struct results_suite *s;

		if (t->suite_hash[i] == NO_ROW)
			return i;
		s = &t->suites[t->suite_hash[i]];
		if (s->command == command && is(s->name, name))
			return i;
	}
}

static void suites_grow(struct results *t)
{
	if (t->n_suites * 2 < t->suite_hash_size)
		return;
	t->suite_hash_size = t->suite_hash_size ? t->suite_hash_size * 2 : 64;
	t->suite_hash = xreallocarray(t->suite_hash, t->suite_hash_size, sizeof(*t->suite_hash));
	memset(t->suite_hash, 0xff, t->suite_hash_size * sizeof(*t->suite_hash));
	for (size_t i = 0; i < t->n_suites; i++)
		t->suite_hash[suite_slot(t, t->suites[i].name, t->suites[i].command)] = (uint32_t)i;
}

static uint32_t suite_of(struct results *t, const char *name, int32_t command)
{
	size_t slot;

	suites_grow(t);
	slot = suite_slot(t, name, command);
	if (t->suite_hash[slot] != NO_ROW)
		return t->suite_hash[slot];
	if (t->n_suites == t->cap_suites) {
		t->cap_suites = t->cap_suites ? t->cap_suites * 2 : 32;
		t->suites = xreallocarray(t->suites, t->cap_suites, sizeof(*t->suites));
	}
	t->suites[t->n_suites] = (struct results_suite){
		.name = keep(t, name), .command = command, .first = NO_ROW, .last = NO_ROW,
	};
	return t->suite_hash[slot] = (uint32_t)t->n_suites++;
}

/* ---- rows ---- */

static void row_add(struct results *t, const struct results_row *new, const char *suite)
{
	struct results_row *r;
	struct results_suite *s;
	uint32_t at = (uint32_t)t->n_rows;

	if (t->n_rows == t->cap_rows) {
		t->cap_rows = t->cap_rows ? t->cap_rows * 2 : 64;
		t->rows = xreallocarray(t->rows, t->cap_rows, sizeof(*t->rows));
		t->next_in_suite = xreallocarray(t->next_in_suite, t->cap_rows, sizeof(*t->next_in_suite));
	}
	r = &t->rows[t->n_rows++];
	*r = *new;
	r->suite_at = suite_of(t, suite, new->command);
	s = &t->suites[r->suite_at];
	r->suite = s->name;
	if (s->last == NO_ROW) {
		s->first = at;
		s->start_ns = r->start_ns;
	} else {
		t->next_in_suite[s->last] = at;
	}
	s->last = at;
	t->next_in_suite[at] = NO_ROW;
	s->rows++;
	s->count[r->result]++;
	t->count[r->result] += r->kind == RESULTS_ROW_NEVER_STARTED ? r->count : 1;
	if (!r->nested && r->time_ns > 0)
		s->time_ns += r->time_ns;
}

static bool ended_from_outside(const char *status)
{
	return is(status, "timeout") || is(status, "stalled") || is(status, "cancelled");
}

/* The words of dialects (liveness/dialect.h) and those of spec cases. */
static enum results_result result_of(const char *result, const char *status)
{
	static const struct {
		const char *word;
		enum results_result result;
	} words[] = {
		{ "pass", RESULTS_PASS }, { "flaky", RESULTS_FLAKY },
		{ "fail", RESULTS_FAIL }, { "error", RESULTS_ERROR },
		{ "skip", RESULTS_SKIP }, { "xfail", RESULTS_XFAIL }, { "unknown", RESULTS_UNKNOWN },
		{ "not_started", RESULTS_NEVER_STARTED },
	};

	if (ended_from_outside(status))
		return RESULTS_UNFINISHED;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (is(result, words[i].word))
			return words[i].result;
	/* open when its supervisor was lost: it ran */
	return is(status, "ok") ? RESULTS_UNKNOWN : RESULTS_UNFINISHED;
}

static bool is_bad(enum results_result r)
{
	return r == RESULTS_FAIL || r == RESULTS_ERROR || r == RESULTS_UNFINISHED;
}

static const char *why(struct results *t, const struct json_value *error, const char *status)
{
	const char *token = attr_text(error, "reason_token"), *category = attr_text(error, "category");

	/* a category says less than "timeout" or "cancelled" does */
	return keep(t, *token ? token : ended_from_outside(status) ? status : *category ? category :
		       is(status, "ok") ? "" : status);
}

/* ---- commands ---- */

static int32_t command_of_span(const struct results *t, uint64_t id)
{
	for (size_t i = t->n_commands; id && i-- > 0;)
		if (t->commands[i].wait_id == id || t->commands[i].exec_id == id)
			return (int32_t)i;
	return -1;
}

static struct results_plan *plan_of(struct results *t, struct results_command *c, const char *dialect)
{
	for (size_t i = 0; i < c->n_plans; i++)
		if (is(c->plans[i].dialect, dialect))
			return &c->plans[i];
	c->plans = xreallocarray(c->plans, c->n_plans + 1, sizeof(*c->plans));
	c->plans[c->n_plans] = (struct results_plan){ .dialect = keep(t, dialect), .plan = -1 };
	return &c->plans[c->n_plans++];
}

static const char *command_name(struct results *t, const struct json_value *attrs)
{
	const struct json_value *argv = json_get(attrs, "argv");
	auto_str line = STR_INIT;

	if (*attr_text(attrs, "name"))
		return keep(t, attr_text(attrs, "name"));
	if (argv && argv->kind == JSON_ARRAY)
		json_each(word, argv)
			if (word->kind == JSON_STRING)
				words_add(&line, word->text);
	return line.len ? keep(t, str_cstr(&line)) : "command";
}

static void read_exec(struct results *t, const struct trace_read_span *s)
{
	const struct json_value *error = json_get(s->whole, "error");
	struct results_command *c;

	if (s->parent != t->dispatch_id || t->n_commands >= COMMANDS_MAX)
		return; /* what a spec case starts is told by the case */
	t->commands = xreallocarray(t->commands, t->n_commands + 1, sizeof(*t->commands));
	c = &t->commands[t->n_commands++];
	*c = (struct results_command){
		.exec_id = s->id, .name = command_name(t, s->attrs),
		.status = keep(t, attr_text(s->whole, "status")), .category = keep(t, attr_text(error, "category")),
		.reason = why(t, error, attr_text(s->whole, "status")), .message = keep(t, s->message),
		.start_ns = json_get_int(s->whole, "start_ns", 0), .end_ns = json_get_int(s->whole, "end_ns", 0),
		.exit_code = json_get_int(s->attrs, "exit_code", -1), .last_row = -1,
	};
}

/* A tool that prints a character a test: each has a name of its own, for readers join what is called the same. */
static const char *unnamed(struct results *t)
{
	char name[40];

	snprintf(name, sizeof(name), "(unnamed %llu)", (unsigned long long)++t->n_unnamed);
	return keep(t, name);
}

static void read_case(struct results *t, const struct trace_read_span *s)
{
	const struct json_value *v = s->whole, *attrs = s->attrs, *error = json_get(v, "error");
	const char *suite = attr_text(attrs, "suite"), *name = attr_text(attrs, "case_id");
	const char *dialect = attr_text(attrs, "dialect"), *file = attr_text(attrs, "file");
	struct results_row r = {
		.kind = RESULTS_ROW_TEST,
		.result = result_of(attr_text(attrs, "result"), attr_text(v, "status")),
		.name = *name ? keep(t, name) : unnamed(t),
		.file = keep(t, file), .message = keep(t, attr_text(error, "message")),
		.line = json_get_int(attrs, "line", 0), .start_ns = json_get_int(v, "start_ns", 0),
		.ran_ns = json_get_int(v, "end_ns", 0) - json_get_int(v, "start_ns", 0),
		.command = command_of_span(t, s->parent),
		.nested = attr_true(attrs, "nested"), .container = attr_true(attrs, "container"),
		.output = keep(t, attr_text(attrs, "output")), /* of a spec case; a dialect's test has events */
	};

	if (attr_true(attrs, "withdrawn"))
		return; /* a start that was read from half a line */
	r.time_ns = attr_ms(attrs, "test_duration_ms", r.ran_ns);
	r.cpu_ns = attr_ms(attrs, "cpu_ms", -1);
	r.wait_ns = attr_ms(attrs, "wait_ms", -1);
	r.dialect = "";
	r.reason = r.result == RESULTS_UNFINISHED ? why(t, error, attr_text(v, "status")) : "";
	if (r.command >= 0) {
		struct results_command *c = &t->commands[r.command];
		struct results_plan *p = plan_of(t, c, dialect);

		r.dialect = p->dialect;
		c->tests++;
		c->bad += is_bad(r.result);
		c->unfinished += r.result == RESULTS_UNFINISHED;
		c->named += !r.container;
		c->named_bad += !r.container && is_bad(r.result);
		p->seen += !r.nested;
		p->tells_starts |= r.ran_ns > 0;
		if (r.result != RESULTS_UNFINISHED && !r.container)
			c->last_row = (int64_t)t->n_rows;
	}
	if (!*suite)
		suite = *file ? file : *dialect ? dialect : "spec-runner";
	if (r.container && r.command >= 0) {
		r.suite = keep(t, suite);
		t->containers = xreallocarray(t->containers, t->n_containers + 1, sizeof(*t->containers));
		t->containers[t->n_containers++] = r;
		return;
	}
	row_add(t, &r, suite);
}

/* A file or class is a test where none of its tests has a row, or where it alone says what went wrong. */
static void add_containers(struct results *t)
{
	for (size_t i = 0; i < t->n_containers; i++) {
		const struct results_row *r = &t->containers[i];
		struct results_command *c = &t->commands[r->command];

		if (r->result != RESULTS_UNFINISHED && c->named && (!is_bad(r->result) || c->named_bad))
			continue;
		if (r->result != RESULTS_UNFINISHED && !c->named)
			c->last_row = (int64_t)t->n_rows;
		row_add(t, r, r->suite);
	}
}

static struct results_row *row_named(struct results *t, const char *test, const char *suite, bool output,
				     int32_t command)
{
	for (size_t i = t->n_rows; *test && i-- > 0;) {
		struct results_row *r = &t->rows[i];

		if (r->command == command && is_bad(r->result) && !(output && *r->output) &&
		    test_names(test, suite, r->name, r->suite))
			return r;
	}
	return NULL;
}

/* What a failing test printed goes to the last row of that name that has none. Where a tool lists tests by their
 * file and failures by their group, the name has to do. The same rules as in evidence/gather_failures.c. */
static void read_failure(struct results *t, const struct json_value *attrs, int32_t command)
{
	const char *test = attr_text(attrs, "case_id"), *suite = attr_text(attrs, "suite");
	const char *message = attr_text(attrs, "message"), *file = attr_text(attrs, "file");
	bool output = *attr_text(attrs, "output"), last = attr_true(attrs, "last");
	struct results_row *r = row_named(t, test, suite, output, command);

	if (!r)
		r = row_named(t, test, "", output, command);
	if (!r)
		return;
	if (output)
		r->output = keep(t, attr_text(attrs, "output"));
	if (*message && (output || last || !*r->message || is(r->message, "the test failed")))
		r->message = keep(t, message);
	if (*file && (output || last || r->line == 0)) {
		r->file = keep(t, file);
		r->line = json_get_int(attrs, "line", 0);
	}
}

static int read_span(void *arg, const struct trace_read_span *s, struct err *e)
{
	struct results *t = arg;
	const struct json_value *error = json_get(s->whole, "error");
	int32_t of;

	(void)e;
	switch (s->name) {
	case SPAN_CASE_RUN: read_case(t, s); break;
	case SPAN_SUBPROCESS_EXEC: read_exec(t, s); break;
	case SPAN_SUBPROCESS_WAIT:
		of = command_of_span(t, s->parent);
		if (of >= 0)
			t->commands[of].wait_id = s->id;
		break;
	case SPAN_RUNNER_DISPATCH: t->dispatch_id = s->id; break;
	case SPAN_RUN_TOTAL:
		t->duration_ns = json_get_int(s->whole, "end_ns", 0) - json_get_int(s->whole, "start_ns", 0);
		t->total_category = keep(t, attr_text(error, "category"));
		t->total_message = keep(t, s->message);
		break;
	}
	return 0;
}

static int read_event(void *arg, const struct trace_read_event *ev, struct err *e)
{
	struct results *t = arg;
	int64_t plan = json_get_int(ev->attrs, "plan", -1);
	int32_t of = command_of_span(t, ev->span);

	(void)e;
	if (ev->checkpoint == CP_TEST_OUTPUT)
		read_failure(t, ev->attrs, of);
	if (ev->checkpoint == CP_TEST_PLAN && plan >= 0 && of >= 0)
		plan_of(t, &t->commands[of], attr_text(ev->attrs, "dialect"))->plan = plan;
	return 0;
}

/* ---- the file ---- */

static void read_args(struct results *t, const struct json_value *v)
{
	auto_str line = STR_INIT;

	str_add(&line, t->command);
	if (v->kind == JSON_ARRAY)
		json_each(word, v)
			if (word->kind == JSON_STRING)
				words_add(&line, word->text);
	t->command = keep(t, str_cstr(&line));
}

static int read_head(void *arg, const char *name, const struct json_value *v, struct err *e)
{
	struct results *t = arg;
	const struct json_value *recording;

	(void)e;
	if (v->kind == JSON_STRING && is(name, "run_id"))
		t->run_id = keep(t, v->text);
	else if (v->kind == JSON_STRING && is(name, "command"))
		t->command = keep(t, v->text);
	else if (v->kind == JSON_STRING && is(name, "started_at"))
		t->started_at = keep(t, v->text);
	else if (v->kind == JSON_STRING && is(name, "status"))
		t->status = keep(t, v->text);
	else if (v->kind == JSON_NUMBER && v->is_integer && is(name, "exit_code"))
		t->exit_code = v->integer;
	else if (is(name, "args"))
		read_args(t, v);
	else if (is(name, "summary") && (recording = json_get(v, "recording")))
		t->complete = attr_true(recording, "complete");
	return 0;
}

/* ---- what the tests do not tell ---- */

static void add_command_row(struct results *t, int32_t at)
{
	const struct results_command *c = &t->commands[at];
	bool passed = is(c->status, "ok");
	struct results_row r = {
		.kind = RESULTS_ROW_COMMAND, .name = c->name, .file = "", .dialect = "", .output = "", .message = c->message,
		.reason = passed ? "" : c->reason, .start_ns = c->start_ns, .ran_ns = c->end_ns - c->start_ns,
		.time_ns = c->end_ns - c->start_ns, .command = at,
	};

	if (c->tests && (passed || (ended_from_outside(c->status) ? c->unfinished : c->bad)))
		return;
	if (passed)
		r.result = RESULTS_PASS;
	else if (ended_from_outside(c->status) || is(c->category, "supervisor_lost"))
		r.result = RESULTS_UNFINISHED;
	else
		r.result = is(c->category, "exit_code") || is(c->category, "signal") ? RESULTS_FAIL : RESULTS_ERROR;
	if (c->tests)
		r.time_ns = 0; /* its tests have that time */
	row_add(t, &r, "command");
}

/* A command that passed has run what it wanted to run, whatever it announced. */
static void add_gaps(struct results *t, int32_t at)
{
	const struct results_command *c = &t->commands[at];

	for (size_t i = 0; i < c->n_plans && !is(c->status, "ok"); i++) {
		const struct results_plan *p = &c->plans[i];
		struct results_row r = {
			.kind = RESULTS_ROW_NEVER_STARTED, .result = RESULTS_NEVER_STARTED, .name = "never started",
			.file = "", .dialect = p->dialect, .message = "", .reason = "", .output = "",
			.start_ns = c->end_ns,
			.command = at,
		};

		if (p->plan < 0 || (uint64_t)p->plan <= p->seen)
			continue;
		r.plan = (uint64_t)p->plan;
		r.count = r.plan - p->seen;
		if (!p->tells_starts && ended_from_outside(c->status))
			r.message = "one of them may have been running: a start was never reported";
		row_add(t, &r, *p->dialect ? p->dialect : "command");
	}
}

static bool has_bad(const struct results *t)
{
	return t->count[RESULTS_FAIL] + t->count[RESULTS_ERROR] + t->count[RESULTS_UNFINISHED] > 0;
}

static void add_run_row(struct results *t)
{
	bool passed = is(t->status, "pass");
	struct results_row r = {
		.kind = RESULTS_ROW_COMMAND, .name = *t->command ? t->command : "run", .file = "", .dialect = "",
		.output = "",
		.message = t->total_message, .reason = passed ? "" : *t->total_category ? t->total_category : "fail",
		.ran_ns = t->duration_ns, .time_ns = t->duration_ns, .command = -1,
		.result = passed ? RESULTS_PASS : RESULTS_ERROR,
	};

	row_add(t, &r, "command");
}

/* ---- the first finding ---- */

static int read_findings(struct results *t, struct json_reader *r, struct err *e)
{
	const struct json_value *v;
	const char *key;
	size_t len;
	bool same = false;
	int rc = json_enter(r, JSON_OBJECT, e);

	while (rc == 0 && (rc = json_next_key(r, &key, &len, e)) == 1) {
		if (is(key, "findings") && same) {
			rc = json_enter(r, JSON_ARRAY, e);
			if (rc < 0 || json_next_item(r, e) != 1 || json_take(r, &v, e) < 0)
				return rc;
			t->pattern_id = keep(t, attr_text(v, "pattern_id"));
			t->location = keep(t, attr_text(v, "location"));
			t->finding = keep(t, attr_text(v, "summary"));
			return 0;
		}
		if (is(key, "run_id")) {
			rc = json_take(r, &v, e);
			same = rc == 0 && v->kind == JSON_STRING && is(v->text, t->run_id);
		} else {
			rc = json_take(r, &v, e);
		}
	}
	return rc;
}

static int open_reader(const char *path, struct json_reader **r, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_sys(e, "reading '%s'", path);
	*r = json_reader_new(fd, path);
	return fd;
}

int results_read(struct results *t, const char *trace, const char *findings, struct err *e)
{
	static const struct trace_read_ops ops = { .span = read_span, .event = read_event, .head = read_head };
	struct json_reader *r = NULL;
	struct err ignored = { 0 };
	int fd;

	*t = (struct results){
		.run_id = "", .command = "", .started_at = "", .status = "", .exit_code = -1, .complete = true,
		.pattern_id = "", .location = "", .finding = "", .total_category = "", .total_message = "",
	};
	if (trace_read(trace, &ops, t, e) < 0)
		return -1;
	if (!*t->run_id)
		return err_set(e, ERR_FAILURE, "'%s' is not a trace: it has no run_id", trace);
	add_containers(t);
	for (size_t i = 0; i < t->n_commands; i++) {
		add_command_row(t, (int32_t)i);
		add_gaps(t, (int32_t)i);
	}
	if (!t->n_rows || (!is(t->status, "pass") && !has_bad(t)))
		add_run_row(t);
	fd = findings ? open_reader(findings, &r, &ignored) : -1;
	if (fd < 0)
		return 0; /* nothing was looked for */
	read_findings(t, r, &ignored);
	json_reader_free(r);
	close(fd);
	return 0;
}

void results_release(struct results *t)
{
	for (size_t i = 0; i < t->n_commands; i++)
		free(t->commands[i].plans);
	free(t->commands);
	free(t->containers);
	free(t->rows);
	free(t->next_in_suite);
	free(t->suites);
	free(t->suite_hash);
	while (t->chunks) {
		struct results_chunk *next = t->chunks->next;

		free(t->chunks);
		t->chunks = next;
	}
	memset(t, 0, sizeof(*t));
}
