/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/facts.h"

#include "base/json_scan.h"
#include "base/str.h"
#include "base/utf8.h"
#include "trace/spans.h"

#include <stdio.h>
#include <string.h>

static void copy_text(char *out, size_t size, const char *s, size_t n)
{
	n = utf8_cut(s, n, size - 1);
	memcpy(out, s, n);
	out[n] = '\0';
}

void facts_attrs_text(char *out, size_t size, const char *attrs, size_t n, const char *skip_key)
{
	struct json_member m;
	auto_str text = STR_INIT;
	size_t at = 0;

	while (text.len < size && json_next_member(attrs, n, &at, &m)) {
		if (skip_key && m.key_n == strlen(skip_key) && memcmp(m.key, skip_key, m.key_n) == 0)
			continue;
		if (text.len)
			str_add(&text, ", ");
		str_addn(&text, m.key, m.key_n);
		str_addc(&text, ' ');
		if (m.value[0] == '"')
			str_addn(&text, m.value + 1, m.value_n - 2);
		else
			str_addn(&text, m.value, m.value_n);
	}
	copy_text(out, size, str_cstr(&text), text.len);
}

static bool is_state(const struct record *r, const char *state)
{
	struct json_member m;

	return json_find_member(r->attrs, r->attrs_n, "state", &m) && m.value_n == strlen(state) + 2 &&
	       memcmp(m.value + 1, state, strlen(state)) == 0;
}

/* What a person wants to read in order: warnings, actions, checkpoints, what outlived us. */
static bool is_notable(const struct record *r)
{
	switch ((enum event_kind)r->head.kind) {
	case EVENT_WATCHDOG:
	case EVENT_STALL_WARNING:
	case EVENT_CHECKPOINT:
		return true;
	case EVENT_SUBPROCESS_STATE:
		return is_state(r, proc_state_text[PROC_SURVIVOR]) || is_state(r, proc_state_text[PROC_SIGNALED]);
	default:
		return false;
	}
}

static void facts_event(struct facts *f, const struct record *r)
{
	struct event_note *n;

	f->event_count++;
	if (r->head.kind == EVENT_WATCHDOG && r->head.token)
		f->tokens[r->head.token]++;
	f->stall_warnings += r->head.kind == EVENT_STALL_WARNING;
	if (r->head.kind == EVENT_HEARTBEAT) {
		/* Rendering each of a million would cost; only the last is shown. */
		copy_text(f->heartbeat, sizeof(f->heartbeat), r->attrs, r->attrs_n);
		f->heartbeat_ns = r->head.ts_ns;
	}
	if (!is_notable(r))
		return;
	n = f->notable < FACTS_NOTABLE ? &f->first[f->notable] : &f->last[f->notable % FACTS_NOTABLE];
	f->notable++;
	n->ts_ns = r->head.ts_ns;
	n->kind = (enum event_kind)r->head.kind;
	n->token = (enum token)r->head.token;
	n->span = r->head.span;
	facts_attrs_text(n->text, sizeof(n->text), r->attrs, r->attrs_n,
			 n->kind == EVENT_WATCHDOG ? "reason_token" : NULL);
}

static void facts_take(struct facts *f, const struct record *r)
{
	struct json_member m;

	switch (journal_rec_type(r->head.word)) {
	case REC_META:
		copy_text(f->command_line, sizeof(f->command_line), r->text, r->text_n);
		break;
	case REC_ENVIRONMENT:
		if (json_find_member(r->attrs, r->attrs_n, "environment", &m) && m.value[0] == '{' &&
		    m.value_n < sizeof(f->environment))
			copy_text(f->environment, sizeof(f->environment), m.value + 1, m.value_n - 2);
		break;
	case REC_BEGIN:
		f->span_count++;
		break;
	case REC_EVENT:
		facts_event(f, r);
		break;
	default:
		break;
	}
}

/* When and how did it end? */
static void facts_result(struct facts *f, const struct spans *s, int64_t now_ns)
{
	const struct journal_header *h = &f->head;

	f->last_ns = s->last_ns;
	f->finished = h->finished && h->end_ns >= f->last_ns;
	if (f->finished) {
		f->pass = h->pass;
		f->exit_code = h->exit_code;
		f->end_ns = h->end_ns;
		return;
	}
	f->exit_code = 125;
	f->end_ns = s->root_end_ns >= 0 ? s->root_end_ns : now_ns > f->last_ns ? now_ns : f->last_ns;
}

int facts_scan(struct facts *f, int fd, bool lost, int64_t now_ns, struct err *e)
{
	struct cursor c;
	struct spans s;
	struct record r;
	int rc;

	memset(f, 0, sizeof(*f));
	if (journal_read_header(fd, &f->head, e) < 0)
		return -1;
	f->lost = lost;
	cursor_init(&c, fd);
	spans_init(&s);
	f->end_off = c.pos;
	while ((rc = cursor_next(&c, &r)) == 1) {
		if (spans_replay(&s, &r.head, r.off) < 0) {
			rc = -1;
			break;
		}
		facts_take(f, &r);
		f->end_off = c.pos;
	}
	if (rc < 0)
		f->damaged_at = f->end_off;
	facts_result(f, &s, now_ns);
	cursor_release(&c);
	spans_release(&s);
	return 0;
}

static void span_note(struct span_note *n, const struct span_facts *s, const char *attrs, size_t attrs_n)
{
	n->id = s->id;
	n->name = s->name;
	n->status = s->status;
	n->token = s->token;
	n->start_ns = s->start_ns;
	n->end_ns = s->end_ns;
	copy_text(n->phase, sizeof(n->phase), s->phase, s->phase_n);
	copy_text(n->message, sizeof(n->message), s->message ? s->message : "", s->message_n);
	facts_attrs_text(n->text, sizeof(n->text), attrs, attrs_n, NULL);
}

void facts_span(struct facts *f, const struct span_facts *s, const char *attrs, size_t attrs_n)
{
	int64_t took = s->end_ns - s->start_ns;
	size_t i = f->slowest_n;

	f->timeout_spans += s->status == STATUS_TIMEOUT;
	/* Spans come in order of start: a later one is below or beside, so the last one that
	 * began no later than it ended is the most specific. */
	if (s->status != STATUS_OK && (!f->troubled || s->start_ns <= f->trouble.end_ns)) {
		span_note(&f->trouble, s, attrs, attrs_n);
		f->troubled = true;
	}
	if (i == FACTS_SLOWEST && took <= f->slowest[i - 1].end_ns - f->slowest[i - 1].start_ns)
		return;
	if (i == FACTS_SLOWEST)
		i--;
	else
		f->slowest_n++;
	for (; i > 0 && took > f->slowest[i - 1].end_ns - f->slowest[i - 1].start_ns; i--)
		f->slowest[i] = f->slowest[i - 1];
	span_note(&f->slowest[i], s, attrs, attrs_n);
}
