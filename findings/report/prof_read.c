/* SPDX-License-Identifier: Apache-2.0 */
/* prof_read.c - profiles of other tools, told by their content: folded stacks, perf script's text, V8's .cpuprofile. */
#include "findings/report/prof.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 2048 };
#define WEIGHT_MAX INT64_C(900000000000000000)

static uint32_t word_frame(struct profile *p, const char *s, size_t n)
{
	auto_free char *text = xstrndup(s, n);
	struct prof_frame f = { .language = "native", .function = *text ? text : "[unknown]" };

	return profile_frame(p, &f);
}

/* ---- folded: thread;outermost;…;innermost WEIGHT ---- */

static uint32_t thread_named(struct profile *p, const char *s, size_t n)
{
	auto_free char *name = xstrndup(s, n);

	for (size_t i = 0; i < p->thread_count; i++)
		if (strcmp(p->threads[i].comm, name) == 0)
			return (uint32_t)i;
	profile_thread(p, (int32_t)p->thread_count + 1, (int32_t)p->thread_count + 1, name);
	return (uint32_t)p->thread_count - 1;
}

static bool is_wait(const char *s, size_t n)
{
	return n > 7 && strncmp(s, "[wait:", 6) == 0 && s[n - 1] == ']';
}

static void folded_stack(struct profile *p, const char *s, size_t n, int64_t weight)
{
	uint32_t frames[DEPTH_MAX], inner[DEPTH_MAX];
	const char *end = s + n, *semi = memchr(s, ';', n);
	uint32_t thread = thread_named(p, s, semi ? (size_t)(semi - s) : n);
	struct prof_sample *x;
	int32_t wait = -1;
	size_t count = 0;

	for (const char *at = semi ? semi + 1 : end; at < end && count < DEPTH_MAX;) {
		const char *next = memchr(at, ';', (size_t)(end - at));
		size_t len = next ? (size_t)(next - at) : (size_t)(end - at);

		if (!next && is_wait(at, len)) {
			auto_free char *kind = xstrndup(at + 6, len - 7);

			wait = (int32_t)profile_wait(p, kind, NULL, false);
		} else {
			frames[count++] = word_frame(p, at, len);
		}
		at = next ? next + 1 : end;
	}
	for (size_t i = 0; i < count; i++)
		inner[i] = frames[count - 1 - i];
	x = profile_sample(p);
	x->thread = thread;
	x->stack = profile_stack(p, inner, count);
	x->wait = wait;
	x->cpu_ns = wait < 0 ? weight * 1000 : 0;
	x->wall_ns = weight * 1000;
}

/* The number at the end of a line; false where there is none. *n: of what stands before it. */
static bool line_weight(const char *s, size_t *n, int64_t *weight)
{
	size_t end = *n, at;

	while (end && isspace((unsigned char)s[end - 1]))
		end--;
	for (at = end; at && isdigit((unsigned char)s[at - 1]); at--)
		;
	if (at == end || end - at > 15 || !at || s[at - 1] != ' ')
		return false;
	*weight = 0;
	for (size_t i = at; i < end; i++) /* the text does not end in NUL */
		*weight = *weight * 10 + (s[i] - '0');
	*n = at - 1;
	return *n > 0;
}

int prof_read_folded(struct profile *p, const char *s, size_t n, struct err *e)
{
	size_t number = 0;

	for (size_t at = 0; at < n;) {
		const char *line = s + at, *nl = memchr(line, '\n', n - at);
		size_t len = nl ? (size_t)(nl - line) : n - at, stack = len;
		int64_t weight, before;

		at += len + 1;
		number++;
		if (!len || line[0] == '#')
			continue;
		if (!line_weight(line, &stack, &weight))
			return err_set(e, ERR_FAILURE, "line %zu is not a stack and its weight", number);
		(void)line_weight(line, &stack, &before); /* of a differential: the second number counts */
		folded_stack(p, line, stack, weight);
	}
	return 0;
}

/* ---- perf script: "comm  pid/tid [cpu] time: period event:" and lines "  address symbol+0x… (file)" ---- */

struct perf_text {
	struct profile *p;
	uint32_t frames[DEPTH_MAX];
	size_t n;
	bool open;
	uint32_t thread;
	int64_t weight, ts_ns;
};

static void perf_end(struct perf_text *x)
{
	struct prof_sample *s;

	if (!x->open)
		return;
	s = profile_sample(x->p);
	s->ts_ns = x->ts_ns;
	s->thread = x->thread;
	s->stack = profile_stack(x->p, x->frames, x->n);
	s->cpu_ns = s->wall_ns = x->weight;
	x->open = false;
	x->n = 0;
}

static uint32_t perf_thread(struct profile *p, const char *comm, size_t n, int32_t pid, int32_t tid)
{
	auto_free char *name = xstrndup(comm, n);

	for (size_t i = p->thread_count; i-- > 0;)
		if (p->threads[i].tid == tid && strcmp(p->threads[i].comm, name) == 0)
			return (uint32_t)i;
	profile_thread(p, pid, tid, name);
	return (uint32_t)p->thread_count - 1;
}

/* "name 123/456 [001] 12.345678:  10101010 cpu-clock:u:" */
static bool perf_head(struct perf_text *x, const char *s, size_t n)
{
	size_t at = n, digits;
	long pid = 0, tid;
	double seconds;
	const char *colon = memchr(s, ':', n), *word, *slash;
	auto_free char *line = xstrndup(s, n);

	if (isspace((unsigned char)s[0]) || !colon)
		return false;
	/* The pid is the last number before " [cpu]" or the time. */
	at = (size_t)(colon - s);
	while (at && (isdigit((unsigned char)s[at - 1]) || s[at - 1] == '.'))
		at--;
	seconds = strtod(line + at, NULL);
	x->ts_ns = seconds > 0 && seconds < 1e9 ? (int64_t)(seconds * 1e9) : 0;
	while (at && isspace((unsigned char)s[at - 1]))
		at--;
	if (at && s[at - 1] == ']') {
		while (at && s[at - 1] != '[')
			at--;
		at = at ? at - 1 : 0;
		while (at && isspace((unsigned char)s[at - 1]))
			at--;
	}
	for (digits = at; digits && (isdigit((unsigned char)s[digits - 1]) || s[digits - 1] == '/'); digits--)
		;
	if (digits == at || !digits)
		return false;
	word = line + digits;
	slash = strchr(word, '/');
	tid = pid = strtol(word, NULL, 10);
	if (slash && slash < line + at)
		tid = strtol(slash + 1, NULL, 10);
	at = digits;
	while (at && isspace((unsigned char)s[at - 1]))
		at--;
	if (!at)
		return false;
	x->thread = perf_thread(x->p, s, at, (int32_t)pid, (int32_t)tid);
	x->weight = strtoll(line + (colon - s) + 1, NULL, 10);
	if (x->weight <= 0 || x->weight > WEIGHT_MAX / 1000000)
		x->weight = 1;
	x->open = true;
	x->n = 0;
	return true;
}

static void perf_frame(struct perf_text *x, const char *s, size_t n)
{
	struct prof_frame f = { .language = "native" };
	auto_free char *line = xstrndup(s, n);
	char *at = line, *symbol, *module, *plus;

	while (isspace((unsigned char)*at))
		at++;
	strtoull(at, &symbol, 16);
	if (symbol == at || x->n == DEPTH_MAX)
		return;
	while (isspace((unsigned char)*symbol))
		symbol++;
	module = strrchr(symbol, '(');
	if (module && module > symbol) {
		size_t len = strlen(module);

		if (module[len - 1] == ')')
			module[len - 1] = '\0';
		f.module = module + 1;
		for (module--; module > symbol && isspace((unsigned char)*module); module--)
			;
		module[1] = '\0';
	}
	plus = strrchr(symbol, '+');
	if (plus && strncmp(plus, "+0x", 3) == 0)
		*plus = '\0';
	f.function = *symbol ? symbol : "[unknown]";
	x->frames[x->n++] = profile_frame(x->p, &f);
}

int prof_read_perf_script(struct profile *p, const char *s, size_t n, struct err *e)
{
	struct perf_text *x = xcalloc(1, sizeof(*x));
	bool any = false;

	x->p = p;
	for (size_t at = 0; at < n;) {
		const char *line = s + at, *nl = memchr(line, '\n', n - at);
		size_t len = nl ? (size_t)(nl - line) : n - at;

		at += len + 1;
		if (len && line[len - 1] == '\r')
			len--;
		if (!len) {
			perf_end(x);
		} else if (line[0] == '#') {
			continue;
		} else if (!isspace((unsigned char)line[0])) {
			perf_end(x);
			any |= perf_head(x, line, len);
		} else if (x->open) {
			perf_frame(x, line, len);
		}
	}
	perf_end(x);
	free(x);
	return any ? 0 : err_set(e, ERR_FAILURE, "no sample of perf script's text is in it");
}

/* ---- V8's .cpuprofile: nodes {id, callFrame, children}, samples [id], timeDeltas [us] ---- */

struct v8_node {
	int64_t id, parent;
	uint32_t frame;
};
struct v8 {
	struct v8_node *v;
	size_t n;
};

static int64_t json_int_of(const struct json_value *v)
{
	return v && v->kind == JSON_NUMBER && v->is_integer ? v->integer : 0;
}

static int v8_by_id(const void *a, const void *b)
{
	const struct v8_node *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static struct v8_node *v8_find(struct v8 *x, int64_t id)
{
	struct v8_node key = { .id = id };

	return x->n ? bsearch(&key, x->v, x->n, sizeof(key), v8_by_id) : NULL;
}

static void v8_nodes(struct profile *p, struct v8 *x, const struct json_value *nodes)
{
	x->v = xcalloc(nodes->count + 1, sizeof(*x->v));
	json_each(node, nodes)
	{
		const struct json_value *call = json_get(node, "callFrame");
		const char *name = json_get_text(call, "functionName"), *url = json_get_text(call, "url");
		int64_t line = json_int_of(json_get(call, "lineNumber"));
		struct prof_frame f = { .language = "javascript", .function = name && *name ? name : "(anonymous)",
					.file = url && *url ? url : NULL };

		f.line = line >= 0 && line < INT32_MAX - 1 ? (int32_t)line + 1 : 0;
		x->v[x->n++] = (struct v8_node){ json_int_of(json_get(node, "id")), -1, profile_frame(p, &f) };
	}
	qsort(x->v, x->n, sizeof(*x->v), v8_by_id);
	json_each(node, nodes)
	{
		const struct json_value *children = json_get(node, "children");

		if (!children || children->kind != JSON_ARRAY)
			continue;
		json_each(child, children)
		{
			struct v8_node *c = v8_find(x, json_int_of(child));

			if (c)
				c->parent = json_int_of(json_get(node, "id"));
		}
	}
}

static void v8_sample(struct profile *p, struct v8 *x, int64_t id, int64_t at_us, int64_t delta_us)
{
	uint32_t frames[DEPTH_MAX];
	struct v8_node *node = v8_find(x, id);
	struct prof_sample *s;
	size_t n = 0;
	bool idle = false;

	if (!node || delta_us <= 0 || delta_us > WEIGHT_MAX / 1000)
		return;
	for (; node && n < DEPTH_MAX; node = v8_find(x, node->parent)) {
		const char *name = p->frames[node->frame].function;

		idle |= n == 0 && (strcmp(name, "(idle)") == 0);
		if (strcmp(name, "(root)") != 0)
			frames[n++] = node->frame;
	}
	s = profile_sample(p);
	s->ts_ns = at_us < WEIGHT_MAX / 1000 && at_us > 0 ? at_us * 1000 : 0;
	s->stack = profile_stack(p, frames, n);
	s->wall_ns = delta_us * 1000;
	s->cpu_ns = idle ? 0 : s->wall_ns;
	if (idle)
		s->wait = (int32_t)profile_wait(p, "poll", NULL, false);
}

int prof_read_cpuprofile(struct profile *p, const char *text, size_t n, struct err *e)
{
	struct json_reader *r = json_reader_text(text, n, "cpuprofile");
	const struct json_value *root, *nodes, *samples, *deltas, *d;
	struct v8 x = { 0 };
	int64_t at = 0;
	int rc = json_take(r, &root, e);

	nodes = rc == 0 ? json_get(root, "nodes") : NULL;
	samples = rc == 0 ? json_get(root, "samples") : NULL;
	deltas = rc == 0 ? json_get(root, "timeDeltas") : NULL;
	if (rc == 0 && (!nodes || nodes->kind != JSON_ARRAY || !samples || samples->kind != JSON_ARRAY || !deltas ||
			deltas->kind != JSON_ARRAY))
		rc = err_set(e, ERR_FAILURE, "a .cpuprofile has nodes, samples and timeDeltas");
	if (rc == 0) {
		profile_thread(p, 1, 1, "node");
		v8_nodes(p, &x, nodes);
		d = deltas->first;
		json_each(id, samples)
		{
			/* A delta is the time since the sample before: what that one found lasted until now. */
			const struct json_value *next = d ? d->next : NULL;
			int64_t lasted = next ? json_int_of(next) : 0;

			v8_sample(p, &x, json_int_of(id), at, lasted);
			at = lasted > 0 && at < WEIGHT_MAX / 2000 ? at + lasted : at;
			d = next;
		}
	}
	free(x.v);
	json_reader_free(r);
	return rc;
}

/* ---- which kind? ---- */

static bool text_holds(const char *s, size_t n, const char *what)
{
	return memmem(s, n < 65536 ? n : 65536, what, strlen(what)) != NULL;
}

static int read_json(struct profile *p, const char *s, size_t n, const char *name, struct err *e)
{
	if (memmem(s, n, "\"timeDeltas\"", 12) && memmem(s, n, "\"nodes\"", 7))
		return prof_read_cpuprofile(p, s, n, e);
	if (text_holds(s, n, "speedscope") || (memmem(s, n, "\"shared\"", 8) && memmem(s, n, "\"profiles\"", 10)))
		return prof_read_speedscope(p, s, n, e);
	return profile_read(p, s, n, name, e);
}

static bool is_pstats(const unsigned char *s, size_t n)
{
	return n > 1 && (s[0] == 0xfb || (s[0] == '{' && (s[1] == '(' || s[1] == ')' || s[1] == 0xa8 || s[1] == 0xa9)));
}

/* The first line that is not empty or a comment ends in a number: folded. */
static bool is_folded(const char *s, size_t n)
{
	for (size_t at = 0; at < n;) {
		const char *line = s + at, *nl = memchr(line, '\n', n - at);
		size_t len = nl ? (size_t)(nl - line) : n - at, stack = len;
		int64_t weight;

		at += len + 1;
		if (!len || line[0] == '#')
			continue;
		return line_weight(line, &stack, &weight) && !memchr(line, '\t', len);
	}
	return false;
}

static int read_plain(struct profile *p, const char *s, size_t n, const char *name, struct err *e)
{
	size_t at = 0;

	while (at < n && isspace((unsigned char)s[at]))
		at++;
	if (is_pstats((const unsigned char *)s, n))
		return prof_read_pstats(p, s, n, e);
	if (at < n && s[at] == '{')
		return read_json(p, s, n, name, e);
	if (s[0] == '\n') /* the first field of profile.proto: no text begins like this */
		return prof_read_pprof(p, s, n, e);
	if (utf8_valid(s, n < 4096 ? n - (n == 4096) : 4000) || is_folded(s, n < 4096 ? n : 4096)) {
		if (is_folded(s, n))
			return prof_read_folded(p, s, n, e);
		if (memchr(s, '\n', n) && !memchr(s, 0, n))
			return prof_read_perf_script(p, s, n, e);
	}
	return prof_read_pprof(p, s, n, e);
}

int prof_read(struct profile *p, const char *bytes, size_t n, const char *name, struct err *e)
{
	auto_free char *unpacked = NULL;
	size_t size = 0;
	int rc;

	profile_init(p);
	if (n > 2 && (unsigned char)bytes[0] == 0x1f && (unsigned char)bytes[1] == 0x8b) {
		unpacked = prof_gunzip(bytes, n, &size);
		if (!unpacked)
			return err_set(e, ERR_FAILURE, "'%s' is damaged gzip", name);
		bytes = unpacked;
		n = size;
	}
	rc = n ? read_plain(p, bytes, n, name, e) : err_set(e, ERR_FAILURE, "'%s' is empty", name);
	if (rc < 0) {
		profile_release(p);
		return err_add(e,
			       "'%s' is not a profile of a known kind (folded, perf script, speedscope, pprof,"
			       " .cpuprofile, pstats, profile.json)",
			       name);
	}
	if (!p->run_id)
		p->run_id = xstrdup("");
	profile_sort(p);
	return 0;
}
