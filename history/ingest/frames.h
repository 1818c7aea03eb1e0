/* SPDX-License-Identifier: Apache-2.0 */
/* frames.h - a timeline of frames: when each began, how long it took. Frames per second, dropped refreshes, janks. Pure. */
#ifndef HISTORY_INGEST_FRAMES_H
#define HISTORY_INGEST_FRAMES_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct frame {
	double ts_ms, dur_ms;
};
struct frames {
	struct frame *v;
	size_t n;
	uint64_t unreadable;
};
void frames_release(struct frames *f);

/* JSON {frames: [{ts, dur}]}, a list of such, {traceEvents: [{ph: "X", ts, dur}]}, or CSV with columns.
 * columns: "ts=A,dur=B"
 * or NULL; unit: s ms us ns, NULL: ms (traceEvents: us). ERR_USAGE where that cannot be read. */
int frames_read(struct frames *f, const char *text, size_t n, const char *columns, const char *unit, struct err *e);

struct frame_window {
	double start_ms, end_ms, late_ms;
	size_t frames;
};
struct frames_result {
	double fps_avg, drop_rate, jank_p95_ms;
	struct frame_window *windows; /* most late first; the caller frees */
	size_t n_windows;
};
/* Sorts the frames by their begin. */
void frames_result(struct frames *f, double refresh_hz, size_t top, struct frames_result *r);

#endif
