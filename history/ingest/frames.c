/* SPDX-License-Identifier: Apache-2.0 */
#include "history/ingest/frames.h"

#include "base/json_read.h"
#include "base/mem.h"
#include "base/value.h"
#include "history/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A frame of a 60 Hz screen measures as 16.2 to 17.1 ms: a tenth of a period is no miss. */
#define TOLERANCE 0.1

void frames_release(struct frames *f)
{
	free(f->v);
	memset(f, 0, sizeof(*f));
}

static void add(struct frames *f, double ts, double dur, double scale)
{
	if (!isfinite(ts) || !isfinite(dur) || dur < 0) {
		f->unreadable++;
		return;
	}
	if ((f->n & (f->n - 1)) == 0)
		f->v = xreallocarray(f->v, f->n ? f->n * 2 : 1, sizeof(*f->v));
	f->v[f->n++] = (struct frame){ ts * scale, dur * scale };
}

struct names {
	char ts[128], dur[128];
};

static int read_names(const char *columns, struct names *c, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];
	const char *ts, *dur;

	*c = (struct names){ "ts", "dur" };
	if (!columns)
		return 0;
	ts = strstr(columns, "ts=");
	dur = strstr(columns, "dur=");
	if (!ts || !dur || strcspn(ts + 3, ",") >= sizeof(c->ts) || strcspn(dur + 4, ",") >= sizeof(c->dur) ||
	    !strcspn(ts + 3, ",") || !strcspn(dur + 4, ","))
		return err_set(e, ERR_USAGE, "--columns: %s; expected ts=NAME,dur=NAME", value_quote(columns, quoted));
	memcpy(c->ts, ts + 3, strcspn(ts + 3, ","));
	c->ts[strcspn(ts + 3, ",")] = '\0';
	memcpy(c->dur, dur + 4, strcspn(dur + 4, ","));
	c->dur[strcspn(dur + 4, ",")] = '\0';
	return 0;
}

static int read_unit(const char *unit, double otherwise, double *scale, struct err *e)
{
	static const char *const units[] = { "s", "ms", "us", "ns", NULL };
	static const double scales[] = { 1000, 1, 0.001, 0.000001 };
	char quoted[VALUE_QUOTE_SIZE];
	int at = unit ? value_word(unit, units) : -1;

	if (unit && at < 0)
		return err_set(e, ERR_USAGE, "--unit: %s; accepted: s, ms, us, ns", value_quote(unit, quoted));
	*scale = at < 0 ? otherwise : scales[at];
	return 0;
}

/* ---- JSON ---- */

static void add_item(struct frames *f, const struct json_value *v, const struct names *c, double scale, bool chrome)
{
	const struct json_value *ts = json_get(v, c->ts), *dur = json_get(v, c->dur);
	const char *ph = json_get_text(v, "ph");

	if (chrome && (!ph || strcmp(ph, "X") != 0))
		return;
	if (!ts || !dur || ts->kind != JSON_NUMBER || dur->kind != JSON_NUMBER)
		f->unreadable++;
	else
		add(f, ts->number, dur->number, scale);
}

static int read_json(struct frames *f, const char *text, size_t n, const struct names *c, const char *unit, struct err *e)
{
	struct json_reader *in = json_reader_text(text, n, "frames");
	const struct json_value *v, *list;
	bool chrome = false;
	double scale;
	int rc = json_take(in, &v, e);

	if (rc == 0) {
		list = v->kind == JSON_ARRAY ? v : json_get(v, "frames");
		if (!list && (list = json_get(v, "traceEvents")))
			chrome = true;
		if (!list || list->kind != JSON_ARRAY)
			rc = err_set(e, ERR_USAGE,
				     "not a frame timeline: expected {frames: [{ts, dur}]}, a list of such, or CSV"
				     " with the columns ts and dur (--columns ts=A,dur=B names others)");
		else
			rc = read_unit(unit, chrome ? 0.001 : 1, &scale, e);
		if (rc == 0)
			json_each(item, list)
				add_item(f, item, c, scale, chrome);
	}
	json_reader_free(in);
	return rc;
}

/* ---- CSV ---- */

static size_t field_at(const char *line, size_t n, size_t column, char separator, const char **p)
{
	size_t at = 0;

	for (; column; column--) {
		const char *next = memchr(line + at, separator, n - at);

		if (!next)
			return 0;
		at = (size_t)(next - line) + 1;
	}
	*p = line + at;
	for (size_t len = 0;; len++)
		if (at + len == n || line[at + len] == separator)
			return len;
}

static bool is_name(const char *p, size_t n, const char *name)
{
	while (n && (*p == ' ' || *p == '"'))
		p++, n--;
	while (n && (p[n - 1] == ' ' || p[n - 1] == '"' || p[n - 1] == '\r'))
		n--;
	return strlen(name) == n && strncasecmp(p, name, n) == 0;
}

static long find_column(const char *line, size_t n, char separator, const char *name)
{
	const char *p = NULL;

	for (long i = 0; i < 1000; i++) {
		size_t len = field_at(line, n, (size_t)i, separator, &p);

		if (p && is_name(p, len, name))
			return i;
		if (!memchr(p ? p : line, separator, (size_t)(line + n - (p ? p : line))))
			break;
	}
	return -1;
}

static double number_of(const char *p, size_t n)
{
	char text[64], *end;
	double v;

	while (n && (*p == ' ' || *p == '"'))
		p++, n--;
	if (!n || n >= sizeof(text))
		return NAN;
	memcpy(text, p, n);
	text[n] = '\0';
	v = strtod(text, &end);
	end += strspn(end, " \"\r");
	return *end || end == text ? NAN : v;
}

static int read_csv(struct frames *f, const char *text, size_t n, const struct names *c, const char *unit, struct err *e)
{
	size_t head = strcspn(text, "\n");
	char separator = memchr(text, ';', head) && !memchr(text, ',', head) ? ';' : memchr(text, '\t', head) ? '\t' : ',';
	long ts = find_column(text, head, separator, c->ts), dur = find_column(text, head, separator, c->dur);
	double scale;

	if (ts < 0 || dur < 0)
		return err_set(e, ERR_USAGE,
			       "not a frame timeline: its first line has no columns %s and %s (--columns ts=A,dur=B"
			       " names others)",
			       c->ts, c->dur);
	if (read_unit(unit, 1, &scale, e) < 0)
		return -1;
	for (size_t at = head; at < n;) {
		size_t len;
		const char *p = NULL, *q = NULL;
		size_t a, b;

		at += text[at] == '\n';
		len = at < n ? strcspn(text + at, "\n") : 0;
		if (len && !(len == 1 && text[at] == '\r')) {
			a = field_at(text + at, len, (size_t)ts, separator, &p);
			b = field_at(text + at, len, (size_t)dur, separator, &q);
			add(f, p ? number_of(p, a) : NAN, q ? number_of(q, b) : NAN, scale);
		}
		at += len;
		if (!len && at < n && text[at] != '\n')
			break;
	}
	return 0;
}

int frames_read(struct frames *f, const char *text, size_t n, const char *columns, const char *unit, struct err *e)
{
	size_t blank = strspn(text, " \t\r\n");
	struct names c;

	memset(f, 0, sizeof(*f));
	if (read_names(columns, &c, e) < 0)
		return -1;
	return text[blank] == '{' || text[blank] == '[' ? read_json(f, text, n, &c, unit, e)
							: read_csv(f, text, n, &c, unit, e);
}

/* ---- what they say ---- */

static int by_begin(const void *a, const void *b)
{
	double x = ((const struct frame *)a)->ts_ms, y = ((const struct frame *)b)->ts_ms;

	return (x > y) - (x < y);
}

static int by_lateness(const void *a, const void *b)
{
	const struct frame_window *x = a, *y = b;

	if (x->late_ms != y->late_ms)
		return x->late_ms < y->late_ms ? 1 : -1;
	return (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
}

static double missed(const struct frame *f, double period)
{
	double m = ceil(f->dur_ms / period - TOLERANCE) - 1;

	return m > 0 ? m : 0;
}

static void find_windows(const struct frames *f, double period, struct frames_result *r)
{
	bool open = false;

	for (size_t i = 0; i < f->n; i++) {
		const struct frame *x = &f->v[i];
		struct frame_window *w;

		if (missed(x, period) < 1) {
			open = false;
			continue;
		}
		if (!open) {
			if ((r->n_windows & (r->n_windows - 1)) == 0)
				r->windows = xreallocarray(r->windows, r->n_windows ? r->n_windows * 2 : 1,
							   sizeof(*r->windows));
			r->windows[r->n_windows++] = (struct frame_window){ .start_ms = x->ts_ms };
		}
		open = true;
		w = &r->windows[r->n_windows - 1];
		w->end_ms = x->ts_ms + x->dur_ms;
		w->late_ms += x->dur_ms - period;
		w->frames++;
	}
}

void frames_result(struct frames *f, double hz, size_t top, struct frames_result *r)
{
	auto_free double *dur = xreallocarray(NULL, f->n + 1, sizeof(*dur));
	double period = 1000 / hz, misses = 0, end = -INFINITY;

	*r = (struct frames_result){ NAN, NAN, NAN, NULL, 0 };
	if (!f->n)
		return;
	qsort(f->v, f->n, sizeof(*f->v), by_begin);
	for (size_t i = 0; i < f->n; i++) {
		dur[i] = f->v[i].dur_ms;
		misses += missed(&f->v[i], period);
		end = fmax(end, f->v[i].ts_ms + f->v[i].dur_ms);
	}
	if (end > f->v[0].ts_ms)
		r->fps_avg = 1000 * (double)f->n / (end - f->v[0].ts_ms);
	r->drop_rate = misses / ((double)f->n + misses);
	stats_sort(dur, f->n);
	r->jank_p95_ms = stats_quantile(dur, f->n, 0.95);
	find_windows(f, period, r);
	if (r->n_windows)
		qsort(r->windows, r->n_windows, sizeof(*r->windows), by_lateness);
	r->n_windows = r->n_windows < top ? r->n_windows : top;
}
