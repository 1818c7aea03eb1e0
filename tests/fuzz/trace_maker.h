/* SPDX-License-Identifier: Apache-2.0 */
/* A trace out of any bytes: sound as a whole, hostile in its parts. Random JSON rarely gets beyond the first
 * missing field; here each byte chooses a span, an event, an attribute or what is wrong with it. */
#ifndef TESTS_FUZZ_TRACE_MAKER_H
#define TESTS_FUZZ_TRACE_MAKER_H

#include "base/json_write.h"
#include "base/str.h"

#include <stdint.h>
#include <string.h>
#include <stdio.h>

struct maker {
	const uint8_t *p, *end;
};

static inline unsigned maker_byte(struct maker *m)
{
	return m->p < m->end ? *m->p++ : 0;
}

static inline const char *maker_pick(struct maker *m, const char *const *list, unsigned n)
{
	return list[maker_byte(m) % n];
}

/* A string: a word of ours, or the next bytes as they are. */
static inline void maker_text(struct maker *m, struct str *out)
{
	static const char *const words[] = { "", "x", "run.total", "pass", "fail", "<b>", "a\nb", "\xff", "\xe2\x80\xae", "##[error]", "suite::test", "a.c:12" };
	unsigned c = maker_byte(m);

	if (c & 1) {
		const char *w = words[(c >> 1) % 12];

		json_add_string(out, w, strlen(w));
	} else {
		size_t n = c >> 3;

		if (n > (size_t)(m->end - m->p))
			n = (size_t)(m->end - m->p);
		json_add_string(out, (const char *)m->p, n);
		m->p += n;
	}
}

static inline void maker_attrs(struct maker *m, struct str *out)
{
	static const char *const keys[] = { "suite", "case_id", "result", "file", "line", "reason_token", "pid", "state", "token", "dialect", "event",
					    "message", "output", "idle_ms", "nested", "argv" };
	unsigned n = maker_byte(m) % 6;

	str_addc(out, '{');
	for (unsigned i = 0; i < n; i++) {
		str_addf(out, "%s\"%s\":", i ? "," : "", maker_pick(m, keys, 16));
		switch (maker_byte(m) % 5) {
		case 0: str_addf(out, "%d", (int)maker_byte(m) - 100); break;
		case 1: str_add(out, maker_byte(m) & 1 ? "true" : "null"); break;
		case 2: str_add(out, "[\"--password\",\"x\"]"); break;
		default: maker_text(m, out); break;
		}
	}
	str_addc(out, '}');
}

static inline void maker_span(struct maker *m, unsigned i, struct str *out)
{
	static const char *const names[] = { "run.total", "runner.dispatch", "case.run", "case.run", "case.run", "subprocess.exec", "subprocess.wait", "check.execute", "<x>" };
	static const char *const statuses[] = { "ok", "error", "timeout", "cancelled", "stalled", "?" };
	unsigned parent = i ? maker_byte(m) % i : 0, from = maker_byte(m), len = maker_byte(m);

	str_addf(out, "%s{\"span_id\":\"%016x\",\"parent_span_id\":", i ? "," : "", i + 1);
	if (i)
		str_addf(out, "\"%016x\"", parent + 1);
	else
		str_add(out, "null");
	str_addf(out, ",\"kind\":\"internal\",\"name\":\"%s\",\"phase\":", i ? maker_pick(m, names, 9) : "run.total");
	maker_text(m, out);
	str_addf(out, ",\"start_ns\":%u,\"end_ns\":%u,\"duration_ms\":%.3f,\"status\":\"%s\",\"attrs\":", from, from + len, len / 1e6,
		 maker_pick(m, statuses, 6));
	maker_attrs(m, out);
	if (maker_byte(m) & 1) {
		str_add(out, ",\"error\":{\"category\":\"expectation\",\"message\":");
		maker_text(m, out);
		str_add(out, "}}");
	} else {
		str_add(out, ",\"error\":null}");
	}
}

static inline void make_trace(const uint8_t *data, size_t size, struct str *out)
{
	static const char *const kinds[] = { "heartbeat", "stall_warning", "watchdog", "subprocess_state", "checkpoint", "io.read", "io.write", "?" };
	struct maker m = { data, data + size };
	unsigned spans = 1 + maker_byte(&m) % 24, events = maker_byte(&m) % 24;

	str_add(out, "{\"version\":1,\"run_id\":\"run-20261121T010203Z-0a1b2c3d\",\"command\":\"run\",\"args\":[");
	maker_text(&m, out);
	str_add(out, "],\"started_at\":\"2026-11-21T01:02:03.000Z\",\"ended_at\":\"2026-11-21T01:02:04.000Z\",\"status\":\"fail\",\"exit_code\":1,"
		     "\"runner_impl\":\"c\",\"env_profile\":{},\"environment\":{\"arch\":");
	maker_text(&m, out);
	str_add(out, "},\"spans\":[");
	for (unsigned i = 0; i < spans; i++)
		maker_span(&m, i, out);
	str_add(out, "],\"events\":[");
	for (unsigned i = 0; i < events; i++) {
		str_addf(out, "%s{\"ts_ns\":%u,\"kind\":\"%s\",\"span_id\":\"%016x\",\"attrs\":", i ? "," : "", maker_byte(&m),
			 maker_pick(&m, kinds, 8), 1 + maker_byte(&m) % (spans + 1));
		maker_attrs(&m, out);
		str_addc(out, '}');
	}
	str_addf(out, "],\"summary\":{\"span_count\":%u,\"event_count\":%u,\"status\":\"fail\",\"slowest_spans\":[],\"timeout_span_count\":0,"
		      "\"stall_warning_count\":0,\"reason_tokens\":{},\"last_progress_event\":null}}\n", spans, events);
}

#endif
