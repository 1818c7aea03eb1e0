/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_body.c - what a failing test printed, where its dialect marks it. Bounded: what stands behind
 * DIALECT_BODY_MAX bytes is passed over. */
#include "liveness/dialect_int.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

void body_open(struct dialect_reader *r, unsigned spoken, const struct rule *u, const char *suite, const char *test)
{
	struct body *b = &r->body;

	if (b->open && !u->group[G_TEST] && u->kind == RULE_BODY && strcmp(b->test, test) == 0 && b->stream == r->stream)
		return; /* one more line of it */
	body_close(r);
	if ((!test[0] && !u->next) || r->in_partial)
		return;
	b->open = true;
	b->next = u->next;
	b->spoken = spoken;
	b->stream = r->stream;
	b->begins = u->body;
	snprintf(b->suite, NAME_SIZE, "%s", suite);
	snprintf(b->test, NAME_SIZE, "%s", test);
	str_reset(&b->text);
	b->file[0] = b->message[0] = '\0';
	b->line = 0;
}

static void body_cut(struct body *b, size_t n)
{
	b->text.len = n;
	b->text.data[n] = '\0';
}

/* A line of dashes, as between a title and its text. */
static bool is_ruler(const char *line, size_t n)
{
	return n >= 20 && strchr("-=_~", line[0]) && memcmp(line, line + 1, n - 1) == 0;
}

void body_line(struct dialect_reader *r, const char *line, size_t n)
{
	struct body *b = &r->body;
	size_t before;

	if (!b->open || b->stream != r->stream)
		return;
	if (n > 0 && b->begins[0] != '*' && !strchr(b->begins, line[0])) {
		body_close(r);
		return;
	}
	if ((n == 0 && b->text.len == 0) || is_ruler(line, n))
		return;
	before = b->text.len;
	utf8_add_clean(&b->text, line, n);
	str_addc(&b->text, '\n');
	if (b->text.len <= DIALECT_BODY_MAX)
		return;
	body_cut(b, before);
	str_add(&b->text, "[...]");
	body_close(r);
}

void body_close(struct dialect_reader *r)
{
	struct body *b = &r->body;
	struct dialect_event ev;

	if (!b->open)
		return;
	b->open = false;
	if (b->next && !b->test[0])
		return; /* no test ended behind it */
	while (b->text.len > 0 && strchr("\n \t", b->text.data[b->text.len - 1]))
		body_cut(b, b->text.len - 1);
	if (b->text.len == 0 && !b->message[0])
		return;
	ev = event_of(r, &r->spoken[b->spoken], DIALECT_BODY);
	ev.suite = b->suite;
	ev.test = b->test;
	ev.text = str_cstr(&b->text);
	ev.message = b->message;
	ev.file = b->file;
	ev.line = b->line;
	reader_emit(r, &ev);
}

void body_close_for_last(struct dialect_reader *r)
{
	struct body *b = &r->body;

	if (is_failure(r->last_result)) {
		snprintf(b->suite, NAME_SIZE, "%s", r->last_suite);
		snprintf(b->test, NAME_SIZE, "%s", r->last_test);
	}
	body_close(r);
}
