/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_dialect.c - what a test prints is foreign: any bytes, cut anywhere, on two streams. The first byte
 * says how the input is cut, the second which dialect is spoken from the start. */
#include "liveness/dialect.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define IDS 65536

struct state {
	uint64_t done;
	bool open[IDS];
};

static void text_check(const char *s)
{
	BUG_ON(strlen(s) > DIALECT_NAME_MAX || !utf8_valid(s, strlen(s)));
}

static void hear(void *ctx, const struct dialect_event *ev)
{
	struct state *st = ctx;

	text_check(ev->suite);
	text_check(ev->test);
	text_check(ev->file);
	BUG_ON(ev->line < 0 || ev->duration_ns < -1 || ev->result >= DIALECT_RESULTS);
	if (ev->kind == DIALECT_BODY)
		BUG_ON(!ev->test[0] || strlen(ev->text) > DIALECT_BODY_MAX + 8 || !utf8_valid(ev->text, strlen(ev->text)));
	if (ev->kind == DIALECT_TEST_START) {
		BUG_ON(ev->id == 0 || (ev->id < IDS && st->open[ev->id]));
		if (ev->id < IDS)
			st->open[ev->id] = true;
	}
	if ((ev->kind == DIALECT_TEST_END || ev->kind == DIALECT_WITHDRAWN) && ev->id && ev->id < IDS) {
		BUG_ON(!st->open[ev->id]);
		st->open[ev->id] = false;
	}
	st->done += ev->kind == DIALECT_TEST_END && !ev->nested;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dialect_set *set;
	static struct strv names;
	static struct state st;
	struct dialect_reader *r;
	struct dialect_running run[4];
	struct dialect_counts c;
	struct err e = { .msg = "" };
	char *argv[] = { (char *)"make", NULL };
	uint64_t sum = 0;
	int64_t now = 0;

	if (!set) {
		BUG_ON(dialect_set_new(&set, &e) < 0);
		dialect_set_names(set, &names);
	}
	if (size < 2)
		return 0;
	memset(&st, 0, sizeof(st));
	BUG_ON(dialect_reader_new(&r, set, data[1] < names.n ? names.v[data[1]] : "auto", argv, hear, &st, &e) < 0);
	for (size_t at = 2; at < size;) {
		size_t k = 1 + (data[0] & 63) * (size_t)(data[0] & 63);

		k = k < size - at ? k : size - at;
		dialect_feed(r, data[0] & 64 ? 1 + (int)(at & 1) : 1, (const char *)data + at, k, now += NS_PER_MS);
		if (data[0] & 128)
			dialect_settle(r, now += DIALECT_SETTLE_NS);
		at += k;
	}
	dialect_settle(r, now + NS_PER_S);
	dialect_feed_end(r, 1, now);
	dialect_feed_end(r, 2, now);
	dialect_flush(r, now); /* failures that wait for their names */
	for (size_t i = 0; i < names.n; i++) {
		dialect_counts(r, names.v[i], &c);
		for (int k = 0; k < DIALECT_RESULTS; k++)
			sum += c.done[k];
	}
	BUG_ON(sum != st.done);
	BUG_ON(dialect_running(r, run, 4) > 4);
	dialect_reader_free(r);
	return 0;
}
