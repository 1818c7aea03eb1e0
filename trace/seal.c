/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/seal.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/guard.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/cursor.h"
#include "trace/facts.h"
#include "trace/summary.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPAN_ATTRS_BYTES ((size_t)256 << 20)

struct seal {
	int fd;
	struct facts facts;
	struct json j;
	bool writes;       /* a run-trace.json is wanted */
	struct str merged;
	struct late *late; /* attributes that came after the spans' ends, by span */
	size_t late_n;
};

struct late {
	span_id span;
	const char *attrs;
	size_t n;
};

static void put_span_id(struct json *j, const char *key, const struct journal_header *h, span_id id)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t v = h->span_base + id;
	char text[18];

	text[0] = text[17] = '"';
	for (int i = 16; i > 0; i--, v >>= 4)
		text[i] = hex[v & 15];
	json_raw(j, key, text, sizeof(text));
}

static void put_time(struct json *j, const char *key, int64_t real_ns)
{
	char text[CLOCK_RFC3339_SIZE];

	clock_rfc3339(text, real_ns);
	json_str(j, key, text);
}

static void seal_cursor(const struct seal *s, struct cursor *c)
{
	cursor_init(c, s->fd);
	c->end = s->facts.end_off; /* what came later, or lies behind damage, is not there */
}

/* command, args, env_profile and environment stand ready in the first two records. */
static int put_meta(struct seal *s, enum rec_type type, struct err *e)
{
	struct cursor c;
	struct record r;
	bool found = false;

	seal_cursor(s, &c);
	for (int i = 0; i < 2 && !found && cursor_next(&c, &r) == 1; i++)
		found = journal_rec_type(r.head.word) == type;
	if (found && s->writes)
		json_members(&s->j, r.attrs, r.attrs_n);
	cursor_release(&c);
	return found ? 0 : err_set(e, ERR_FAILURE, "the journal is damaged at its first records");
}

/* Begin's attributes, then end's; where both have a key, end's counts. */
static void merge_attrs(struct str *out, const struct str *begin, const struct record *end)
{
	struct json_member m, other;
	size_t at = 0;
	char key[128];

	str_reset(out);
	if (!end || !end->attrs_n) {
		str_addn(out, str_cstr(begin), begin->len);
		return;
	}
	while (json_next_member(str_cstr(begin), begin->len, &at, &m)) {
		snprintf(key, sizeof(key), "%.*s", (int)m.key_n, m.key);
		if (json_find_member(end->attrs, end->attrs_n, key, &other))
			continue;
		if (out->len)
			str_addc(out, ',');
		str_addn(out, m.key - 1, (size_t)(m.value + m.value_n - (m.key - 1)));
	}
	if (out->len)
		str_addc(out, ',');
	str_addn(out, end->attrs, end->attrs_n);
}

static void put_span(struct seal *s, const struct span_facts *p, const struct str *attrs)
{
	struct json *j = &s->j;

	json_line(j);
	json_object(j, NULL);
	put_span_id(j, "span_id", &s->facts.head, p->id);
	if (p->parent)
		put_span_id(j, "parent_span_id", &s->facts.head, p->parent);
	else
		json_null(j, "parent_span_id");
	json_str(j, "kind", span_kind_text[p->name]);
	json_str(j, "name", span_name_text[p->name]);
	json_strn(j, "phase", p->phase, p->phase_n);
	json_int(j, "start_ns", p->start_ns);
	json_int(j, "end_ns", p->end_ns);
	json_ms(j, "duration_ms", p->end_ns - p->start_ns);
	json_str(j, "status", status_text[p->status]);
	json_object(j, "attrs");
	json_members(j, str_cstr(attrs), attrs->len);
	json_object_end(j);
	if (p->category == CATEGORY_NONE) {
		json_null(j, "error");
	} else {
		json_object(j, "error");
		json_str(j, "category", category_text[p->category]);
		json_strn(j, "message", p->message, p->message_n);
		if (p->token != TOKEN_NONE)
			json_str(j, "reason_token", token_text[p->token]);
		json_object_end(j);
	}
	json_object_end(j);
}

static void span_message(struct span_facts *p, const char *text)
{
	p->message = text;
	p->message_n = strlen(text);
}

/* What stands for the END of a span that has none. */
static void span_left_open(const struct facts *f, struct span_facts *p)
{
	p->end_ns = f->end_ns > p->start_ns ? f->end_ns : p->start_ns;
	if (f->finished) { /* its END found no room */
		p->status = (enum span_status)f->head.open_status;
		if (p->status != STATUS_OK) {
			p->category = CATEGORY_INTERNAL;
			span_message(p, "the end of this span could not be recorded");
		}
		return;
	}
	p->status = STATUS_ERROR;
	p->category = f->lost ? CATEGORY_SUPERVISOR_LOST : CATEGORY_INTERNAL;
	span_message(p, f->lost ? "the supervising process was lost while this was running" :
				  "the trace was sealed while this was running");
}

static void span_resolve(const struct facts *f, const struct record *b, const struct record *end,
			 struct span_facts *p)
{
	p->id = b->head.span;
	p->parent = b->head.parent;
	p->name = (enum span_name)b->head.kind;
	p->start_ns = b->head.ts_ns;
	p->phase = b->text;
	p->phase_n = b->text_n;
	if (!end) {
		span_left_open(f, p);
		return;
	}
	p->end_ns = end->head.ts_ns;
	p->status = (enum span_status)end->head.status;
	p->category = (enum err_category)end->head.category;
	p->token = (enum token)end->head.token;
	p->message = end->text;
	p->message_n = end->text_n;
	if (p->id == 1 && !f->finished) {
		/* It had ended, but what the run's result is was never said. */
		int64_t end_ns = p->end_ns;

		p->token = TOKEN_NONE;
		span_left_open(f, p);
		p->end_ns = end_ns;
	}
}

static void seal_span(struct seal *s, const struct span_facts *p, const struct str *attrs)
{
	facts_span(&s->facts, p, str_cstr(attrs), attrs->len);
	if (s->writes)
		put_span(s, p, attrs);
}

/* A run that was lost before its first span still has a root. */
static void seal_bare_root(struct seal *s)
{
	struct span_facts p = { .id = 1, .name = SPAN_RUN_TOTAL, .phase = "total", .phase_n = 5 };
	struct str none = STR_INIT;

	span_left_open(&s->facts, &p);
	s->facts.span_count = 1;
	seal_span(s, &p, &none);
}

static int late_by_span(const void *a, const void *b)
{
	const struct late *x = a, *y = b;

	return x->span < y->span ? -1 : x->span > y->span;
}

/* A line that is broken is left out: it was written by a program that may have been killed. */
static void late_read(struct seal *s, const char *text, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *line = text + at, *nl = memchr(line, '\n', n - at);
		size_t len = nl ? (size_t)(nl - line) : n - at;
		struct json_member m;

		at += len + 1;
		if (len < 2 || line[0] != '{' || line[len - 1] != '}' || !json_scan_members(line + 1, len - 2) ||
		    !json_find_member(line + 1, len - 2, "attrs", &m) || m.value_n < 2 || *m.value != '{')
			continue;
		if (!(s->late_n & (s->late_n - 1)))
			s->late = xreallocarray(s->late, s->late_n ? s->late_n * 2 : 1, sizeof(*s->late));
		s->late[s->late_n++] = (struct late){
			(span_id)json_member_int(line + 1, len - 2, "span", 0), m.value + 1, m.value_n - 2 };
	}
	if (s->late_n)
		qsort(s->late, s->late_n, sizeof(*s->late), late_by_span);
}

static void late_add(struct seal *s, span_id span)
{
	struct late key = { .span = span },
		    *found = s->late_n ? bsearch(&key, s->late, s->late_n, sizeof(key), late_by_span) : NULL;

	if (!found || !found->n)
		return;
	if (s->merged.len)
		str_addc(&s->merged, ',');
	str_addn(&s->merged, found->attrs, found->n);
}

static void seal_spans(struct seal *s)
{
	auto_str attrs = STR_INIT;
	struct cursor c, ends;
	struct record b, end;

	seal_cursor(s, &c);
	seal_cursor(s, &ends);
	while (cursor_next(&c, &b) == 1) {
		struct span_facts p = { 0 };
		bool ended;

		if (journal_rec_type(b.head.word) != REC_BEGIN)
			continue;
		ended = cursor_find_end(&ends, &b, &end);
		str_reset(&attrs);
		str_addn(&attrs, b.attrs, b.attrs_n);
		merge_attrs(&s->merged, &attrs, ended ? &end : NULL);
		late_add(s, b.head.span);
		span_resolve(&s->facts, &b, ended ? &end : NULL, &p);
		seal_span(s, &p, &s->merged);
	}
	if (!s->facts.span_count)
		seal_bare_root(s);
	cursor_release(&c);
	cursor_release(&ends);
}

static void seal_events(struct seal *s)
{
	struct json *j = &s->j;
	struct cursor c;
	struct record r;

	seal_cursor(s, &c);
	while (cursor_next(&c, &r) == 1) {
		if (journal_rec_type(r.head.word) != REC_EVENT)
			continue;
		json_line(j);
		json_object(j, NULL);
		json_int(j, "ts_ns", r.head.ts_ns);
		json_str(j, "kind", event_kind_text[r.head.kind]);
		put_span_id(j, "span_id", &s->facts.head, r.head.span);
		json_object(j, "attrs");
		json_members(j, r.attrs, r.attrs_n);
		json_object_end(j);
		json_object_end(j);
	}
	cursor_release(&c);
}

static void put_slowest(struct seal *s)
{
	struct json *j = &s->j;

	json_array(j, "slowest_spans");
	for (size_t i = 0; i < s->facts.slowest_n; i++) {
		const struct span_note *n = &s->facts.slowest[i];

		json_object(j, NULL);
		put_span_id(j, "span_id", &s->facts.head, n->id);
		json_str(j, "name", span_name_text[n->name]);
		json_str(j, "phase", n->phase);
		json_ms(j, "duration_ms", n->end_ns - n->start_ns);
		json_str(j, "status", status_text[n->status]);
		json_object_end(j);
	}
	json_array_end(j);
}

/* Only where the record has gaps: then nobody may read it as if it were whole. */
static void put_recording(struct json *j, const struct facts *f)
{
	if (!f->damaged_at && !f->head.dropped && !f->head.error)
		return;
	json_object(j, "recording");
	json_bool(j, "complete", false);
	json_uint(j, "dropped_records", f->head.dropped);
	json_str(j, "error", f->head.error ? strerror(f->head.error) : NULL);
	if (f->damaged_at)
		json_uint(j, "damaged_at_byte", f->damaged_at);
	else
		json_null(j, "damaged_at_byte");
	json_object_end(j);
}

/* The members of an object's text, with or without its braces. */
static void put_members_of(struct json *j, const char *text)
{
	size_t n = text ? strlen(text) : 0;

	while (n && strchr(" \n\t\r", text[n - 1]))
		n--;
	while (n && strchr(" \n\t\r", *text))
		text++, n--;
	if (n >= 2 && text[0] == '{' && text[n - 1] == '}')
		text++, n -= 2;
	BUG_ON(!json_scan_members(text ? text : "", n));
	json_members(j, text, n);
}

/* What followed the last sign of progress counts, too. */
static int64_t longest_idle(const struct facts *f)
{
	int64_t last = f->end_ns - f->head.totals.last_progress_ns, seen = f->head.longest_idle_ns;

	return last > seen ? last : seen > 0 ? seen : 0;
}

static void put_summary(struct seal *s, const char *gate_json)
{
	const struct trace_totals *t = &s->facts.head.totals;
	const struct facts *f = &s->facts;
	struct json *j = &s->j;

	json_object(j, "summary");
	json_uint(j, "span_count", f->span_count);
	json_uint(j, "event_count", f->event_count);
	json_str(j, "status", f->pass ? "pass" : "fail");
	put_slowest(s);
	json_uint(j, "timeout_span_count", f->timeout_spans);
	json_uint(j, "stall_warning_count", f->stall_warnings);
	json_object(j, "reason_tokens");
	for (int i = 1; i < TOKEN_COUNT; i++)
		if (f->tokens[i])
			json_uint(j, token_text[i], f->tokens[i]);
	json_object_end(j);
	if (t->last_progress[0]) {
		json_object(j, "last_progress_event");
		json_int(j, "ts_ns", t->last_progress_ns);
		json_str(j, "kind", t->last_progress);
		json_object_end(j);
	} else {
		json_null(j, "last_progress_event");
	}
	json_ms(j, "longest_idle_ms", longest_idle(f));
	json_object(j, "output");
	json_uint(j, "stdout_bytes", t->stdout_bytes);
	json_uint(j, "stderr_bytes", t->stderr_bytes);
	json_bool(j, "truncated", t->truncated != 0);
	json_object_end(j);
	put_recording(j, f);
	put_members_of(j, gate_json);
	json_object_end(j);
}

static int seal_trace(struct seal *s, const char *gate_json, struct err *e)
{
	const struct facts *f = &s->facts;
	struct json *j = &s->j;

	json_object(j, NULL);
	json_int(j, "version", 1);
	json_str(j, "run_id", f->head.run_id);
	json_str(j, "runner_impl", "c");
	put_time(j, "started_at", f->head.start_real_ns);
	put_time(j, "ended_at", clock_add(f->head.start_real_ns, f->end_ns));
	json_str(j, "status", f->pass ? "pass" : "fail");
	json_int(j, "exit_code", f->exit_code);
	if (put_meta(s, REC_META, e) < 0 || put_meta(s, REC_ENVIRONMENT, e) < 0)
		return -1;
	json_array(j, "spans");
	seal_spans(s);
	json_array_end(j);
	json_array(j, "events");
	seal_events(s);
	json_array_end(j);
	put_summary(s, gate_json);
	json_object_end(j);
	str_addc(j->out, '\n');
	json_finish(j);
	return 0;
}

static void sink_file(void *arg, const void *p, size_t n)
{
	file_out_write(arg, p, n);
}

/* run-trace.json, or only the facts of the spans where it is not wanted. */
static int seal_json(struct seal *s, const struct seal_request *q, struct err *e)
{
	struct file_out f;

	if (!q->trace_out) {
		seal_spans(s);
		return 0;
	}
	if (file_out_open(&f, q->trace_out, e) < 0)
		return -1;
	s->writes = true;
	json_init_sink(&s->j, sink_file, &f);
	if (seal_trace(s, q->gate_json, e) < 0) {
		str_release(&s->j.own);
		file_out_abort(&f);
		return -1;
	}
	return file_out_commit(&f, e);
}

static int seal_fd(struct seal *s, const struct seal_request *q, struct seal_result *r, struct err *e)
{
	const struct facts *f = &s->facts;
	struct journal_header h;
	int64_t now_ns;

	if (journal_read_header(s->fd, &h, e) < 0)
		return -1;
	now_ns = q->now_mono_ns > h.start_mono_ns ? q->now_mono_ns - h.start_mono_ns : -1;
	if (facts_scan(&s->facts, s->fd, q->lost, now_ns, e) < 0)
		return -1;
	if (seal_json(s, q, e) < 0)
		return -1;
	snprintf(r->run_id, sizeof(r->run_id), "%s", f->head.run_id);
	r->finished = f->finished;
	r->pass = f->pass;
	r->exit_code = f->exit_code;
	r->span_count = f->span_count;
	r->event_count = f->event_count;
	r->dropped = f->head.dropped;
	r->damaged_at = f->damaged_at;
	return q->summary_out ? summary_write(f, q->trace_out, q->summary_out, e) : 0;
}

void seal_take_span_attrs(struct seal_request *q, const char *raw, char **attrs)
{
	auto_free char *path = path_join(raw, "span-attrs.jsonl");
	auto_close int fd = guard_open_regular(path, O_RDONLY);
	struct err none;

	if (fd < 0 || file_read_fd(fd, path, SPAN_ATTRS_BYTES, attrs, &q->span_attrs_n, &none) < 0)
		return;
	q->span_attrs = *attrs;
	guard_unlink(path);
}

int seal_run(const struct seal_request *q, struct seal_result *r, struct err *e)
{
	auto_close int file = journal_follow(q->journal_fd, O_RDONLY);
	struct seal s = { .fd = file >= 0 ? file : q->journal_fd };
	int rc;

	memset(r, 0, sizeof(*r));
	late_read(&s, q->span_attrs ? q->span_attrs : "", q->span_attrs ? q->span_attrs_n : 0);
	rc = seal_fd(&s, q, r, e);
	str_release(&s.merged);
	free(s.late);
	return rc < 0 ? err_add(e, "sealing the trace") : 0;
}
