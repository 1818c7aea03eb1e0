/* SPDX-License-Identifier: Apache-2.0 */
/* Foreign traces, profiles and results: every reader takes any bytes, and says no or something. The first byte chooses. */
#include "base/mem.h"
#include "history/guard.h"
#include "history/ingest/fold.h"
#include "history/ingest/frames.h"
#include "history/ingest/hiperf.h"
#include "history/ingest/hitrace.h"
#include "history/ingest/ingest.h"
#include "history/ingest/junit.h"
#include "history/recent.h"
#include "history/shard.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int take_case(void *arg, const struct junit_case *c, struct err *e)
{
	(void)e;
	*(size_t *)arg += strlen(c->suite) + strlen(c->name);
	return 0;
}

static void take_stack(void *arg, const char *stack, size_t n, double weight)
{
	samples_add(arg, stack, n, weight);
}

static void by_lines(const char *text, size_t n, int what)
{
	static const struct fold_options all = { .pid = true, .tid = true, .kernel = true, .jit = true, .addrs = true };
	struct hitrace *h = hitrace_new();
	struct hitrace_result r;
	struct samples s;
	struct fold *f;
	size_t stack;
	double weight;

	samples_init(&s);
	f = fold_new(&all, take_stack, &s);
	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t len = end ? (size_t)(end - text) - at : n - at;

		if (what == 0)
			hitrace_line(h, text + at, len);
		else if (what == 1)
			fold_line(f, text + at, len);
		else if (folded_line(text + at, len, &stack, &weight))
			samples_add(&s, text + at, stack, weight);
		at += len + 1;
	}
	hitrace_result(h, &r);
	samples_rank(&s, 0.5);
	fold_free(f);
	hitrace_free(h);
	samples_release(&s);
}

static void whole(const char *text, size_t n, int what)
{
	struct frames_result result;
	struct shard_plan plan;
	struct samples s;
	struct frames f;
	struct err e = { 0 };
	uint64_t us[RECENT_MAX], unreadable = 0;
	auto_str words = STR_INIT;
	size_t sum = 0;

	samples_init(&s);
	if (what == 3) {
		junit_read(text, n, take_case, &sum, &e);
	} else if (what == 4) {
		hiperf_read(&s, text, n, &unreadable, &e);
	} else if (what == 5) {
		if (frames_read(&f, text, n, NULL, NULL, &e) == 0) {
			frames_result(&f, 60, 10, &result);
			free(result.windows);
		}
		frames_release(&f);
	} else if (what == 6) {
		ingest_kind_of(text, n, "fuzz", &e);
		recent_get(text, n, us);
	} else {
		guard_words(text, &words);
		shard_plan_parse(&plan, text, n, "fuzz", &e);
		shard_plan_release(&plan);
	}
	samples_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = NULL;
	int what = size ? data[0] % 8 : 0;

	if (!size)
		return 0;
	text = xstrndup((const char *)data + 1, size - 1);
	if (what < 3)
		by_lines(text, strlen(text), what);
	else
		whole(text, strlen(text), what);
	return 0;
}
