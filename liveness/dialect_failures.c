/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_failures.c - which tests failed, by which name, where and why. A tool that prints a character a test
 * names those that failed later, so they are held until then: counted at once, reported with their name. */
#include "liveness/dialect_int.h"

#include "base/hash.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool is_failure(enum dialect_result result)
{
	return result == DIALECT_FAIL || result == DIALECT_ERROR;
}

bool failed_add(struct spoken *sp, const char *suite, const char *name)
{
	uint64_t h = hash_bytes(hash_bytes(0, suite, strlen(suite)), name, strlen(name));

	for (unsigned i = 0; i < sp->failed_n; i++)
		if (sp->failed[i] == h)
			return false;
	if (sp->failed_n == FAILED_MAX)
		return false;
	if (!sp->failed)
		sp->failed = xcalloc(FAILED_MAX, sizeof(*sp->failed));
	sp->failed[sp->failed_n++] = h;
	return true;
}

/* ---- held ---- */

static void nameless_emit(struct dialect_reader *r, struct spoken *sp, const struct nameless *n)
{
	struct dialect_event ev = event_of(r, sp, DIALECT_TEST_END);

	ev.suite = n->suite;
	ev.file = n->file;
	ev.result = n->result;
	reader_emit(r, &ev);
}

static void nameless_drop(struct spoken *sp, unsigned i)
{
	free(sp->nameless[i].suite);
	free(sp->nameless[i].file);
	memmove(&sp->nameless[i], &sp->nameless[i + 1], (sp->nameless_n - i - 1) * sizeof(*sp->nameless));
	sp->nameless_n--;
}

void nameless_hold(struct dialect_reader *r, unsigned spoken, enum dialect_result result, const char *suite,
		   const char *file)
{
	struct spoken *sp = &r->spoken[spoken];
	struct dialect_event ev = event_of(r, sp, DIALECT_HELD);

	sp->done[result]++;
	last_set(r, suite, "", result);
	if (sp->nameless_n == NAMELESS_HELD_MAX) {
		nameless_emit(r, sp, &sp->nameless[0]);
		nameless_drop(sp, 0);
	}
	if (sp->nameless_n == sp->nameless_cap) {
		sp->nameless_cap = sp->nameless_cap ? sp->nameless_cap * 2 : 16;
		sp->nameless = xreallocarray(sp->nameless, sp->nameless_cap, sizeof(*sp->nameless));
	}
	sp->nameless[sp->nameless_n++] = (struct nameless){ xstrdup(suite), xstrdup(file), result };
	ev.suite = suite;
	ev.file = file;
	ev.result = result;
	reader_emit(r, &ev);
}

/* Of the same file and result, else of the same result, else the one that failed first. */
static int nameless_fit(const struct nameless *n, const struct dialect_event *ev)
{
	bool same = n->result == ev->result || ev->result == DIALECT_RESULTS;
	size_t len = strlen(n->file);
	bool here = len && (strncmp(ev->suite, n->file, len) == 0 || strcmp(ev->file, n->file) == 0);

	return (same ? 2 : 0) + (here ? 1 : 0);
}

bool nameless_name(struct dialect_reader *r, unsigned spoken, struct dialect_event *ev)
{
	struct spoken *sp = &r->spoken[spoken];
	unsigned best = 0;
	int fit = -1;

	for (unsigned i = 0; i < sp->nameless_n; i++) {
		int here = nameless_fit(&sp->nameless[i], ev);

		if (here > fit) {
			fit = here;
			best = i;
		}
	}
	if (fit < 0)
		return false;
	ev->kind = DIALECT_TEST_END;
	ev->result = sp->nameless[best].result;
	nameless_drop(sp, best);
	reader_emit(r, ev);
	return true;
}

void nameless_flush(struct dialect_reader *r, unsigned spoken)
{
	struct spoken *sp = &r->spoken[spoken];

	for (unsigned i = 0; i < sp->nameless_n; i++)
		nameless_emit(r, sp, &sp->nameless[i]);
	while (sp->nameless_n)
		nameless_drop(sp, sp->nameless_n - 1);
}

void nameless_release(struct spoken *sp)
{
	while (sp->nameless_n)
		nameless_drop(sp, sp->nameless_n - 1);
	free(sp->nameless);
	sp->nameless = NULL;
	sp->nameless_cap = 0;
}

/* ---- rules ---- */

void on_failure(struct dialect_reader *r, unsigned spoken, const struct rule *u)
{
	struct spoken *sp = &r->spoken[spoken];
	struct dialect_event ev = event_of(r, sp, DIALECT_FAILURE);
	char suite[NAME_SIZE], test[NAME_SIZE], file[NAME_SIZE], message[MESSAGE_SIZE];
	bool unknown;

	capture_name(r, u, G_SUITE, suite);
	capture_name(r, u, G_FILE, file);
	capture_message(r, u, message);
	if (!capture_name(r, u, G_TEST, test))
		return;
	ev.suite = suite;
	ev.test = test;
	ev.file = file;
	ev.message = message;
	ev.line = capture_int(r, u, G_LINE) > 0 ? capture_int(r, u, G_LINE) : 0;
	ev.result = capture_result(r, u, sp->d);
	ev.last = u->last;
	unknown = failed_add(sp, suite, test);
	if (unknown && nameless_name(r, spoken, &ev))
		return;
	if (!unknown || !u->fixed) {
		reader_emit(r, &ev);
		return;
	}
	ev.kind = DIALECT_TEST_END;
	sp->done[ev.result]++;
	reader_emit(r, &ev);
}

static void message_set(const struct dialect_reader *r, const struct rule *u, struct body *b)
{
	char message[MESSAGE_SIZE];

	if (capture_message(r, u, message))
		memcpy(b->message, message, sizeof(message));
}

/* Is the message only begun by its line, and this one not read already? */
static bool message_goes_on(const struct body *b, const char *message)
{
	size_t n = strlen(b->message);

	return n && b->message[n - 1] == ':' && strcmp(b->message, message) != 0;
}

static void message_more(struct body *b, const char *more)
{
	size_t at = strlen(b->message), n = strlen(more);

	if (at + n + 2 > DIALECT_MESSAGE_MAX)
		return;
	memcpy(b->message + at, b->message[at - 1] == ':' ? " " : ", ", 2);
	at += b->message[at - 1] == ':' ? 1 : 2;
	memcpy(b->message + at, more, n + 1);
}

void on_detail(struct dialect_reader *r, unsigned spoken, const struct rule *u)
{
	struct body *b = &r->body;
	char file[NAME_SIZE], message[MESSAGE_SIZE];

	if (!b->open || b->spoken != spoken)
		return;
	if (u->continues && !(capture_message(r, u, message) && message_goes_on(b, message)))
		return;
	if (!b->message[0] || u->last)
		message_set(r, u, b);
	else if (capture_message(r, u, message) && (u->more || message_goes_on(b, message)))
		message_more(b, message);
	if ((!b->file[0] || u->last) && capture_name(r, u, G_FILE, file)) {
		snprintf(b->file, NAME_SIZE, "%s", file);
		b->line = capture_int(r, u, G_LINE) > 0 ? capture_int(r, u, G_LINE) : 0;
	}
}
