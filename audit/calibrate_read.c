/* SPDX-License-Identifier: Apache-2.0 */
/* calibrate_read.c - measured profiles: folded stacks, a table of functions, spec-runner's profile.json, pstats. */
#include "audit/calibrate.h"

#include "base/hash.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "profile/sample/pstats.h"

#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 30)
#define SAMPLE_NS 10000000

static size_t hash_of(const char *file, const char *function, uint32_t line)
{
	uint64_t h = 0xcbf29ce484222325u ^ line;

	for (const char *c = file; *c; c++)
		h = (h ^ (unsigned char)*c) * 0x100000001b3u;
	h *= 31;
	for (const char *c = function; *c; c++)
		h = (h ^ (unsigned char)*c) * 0x100000001b3u;
	return (size_t)(h ^ h >> 29);
}

static void grow(struct calibration *c)
{
	size_t count = c->slot_count ? c->slot_count * 2 : 256;

	free(c->slots);
	c->slots = xcalloc(count, sizeof(*c->slots));
	c->slot_count = count;
	for (size_t i = 0; i < c->n; i++) {
		size_t h = hash_of(c->v[i].file, c->v[i].function, c->v[i].line) & (count - 1);

		while (c->slots[h])
			h = (h + 1) & (count - 1);
		c->slots[h] = (uint32_t)i + 1;
	}
}

static struct measured *place(struct calibration *c, const char *file, const char *function, uint32_t line)
{
	size_t h;

	if (c->n * 2 >= c->slot_count)
		grow(c);
	h = hash_of(file, function, line) & (c->slot_count - 1);
	for (; c->slots[h]; h = (h + 1) & (c->slot_count - 1)) {
		struct measured *m = &c->v[c->slots[h] - 1];

		if (m->line == line && strcmp(m->file, file) == 0 && strcmp(m->function, function) == 0)
			return m;
	}
	if (c->n == c->cap) {
		c->cap = c->cap ? c->cap * 2 : 64;
		c->v = xreallocarray(c->v, c->cap, sizeof(*c->v));
	}
	c->v[c->n] = (struct measured){ .file = xstrdup(file), .function = xstrdup(function), .line = line };
	c->slots[h] = (uint32_t)++c->n;
	return &c->v[c->n - 1];
}

static bool is_number(const char *s)
{
	return *s && strlen(s) < 9 && strspn(s, "0123456789") == strlen(s);
}

/* "function (file:line)", "file:function:line", or a name. */
static struct measured *frame_place(struct calibration *c, const char *text)
{
	auto_free char *copy = xstrdup(text);
	size_t n = strlen(copy);
	char *open = NULL, *colon;
	uint32_t line;

	if (n && copy[n - 1] == ')')
		open = strstr(copy, " (");
	if (open) {
		copy[n - 1] = '\0';
		*open = '\0';
		colon = strrchr(open + 2, ':');
		if (colon && is_number(colon + 1)) {
			*colon = '\0';
			return place(c, open + 2, copy, (uint32_t)strtoul(colon + 1, NULL, 10));
		}
		return place(c, open + 2, copy, 0);
	}
	colon = strrchr(copy, ':');
	if (colon && colon != copy && is_number(colon + 1)) {
		line = (uint32_t)strtoul(colon + 1, NULL, 10);
		*colon = '\0';
		colon = strrchr(copy, ':');
		if (!colon)
			return place(c, copy, "", line);
		*colon = '\0';
		return place(c, copy, colon + 1, line);
	}
	return place(c, "", copy, 0);
}

static int64_t times(int64_t a, int64_t b)
{
	return weight_times(a, b);
}

/* One stack: its places count once each, however often they are in it. */
static void stack_count(struct calibration *c, struct measured *m, bool leaf, int64_t ns, int64_t samples)
{
	if (m->last != c->stacks) {
		m->total_ns = weight_plus(m->total_ns, ns);
		m->samples = weight_plus(m->samples, samples);
		m->last = c->stacks;
	}
	if (leaf)
		m->self_ns = weight_plus(m->self_ns, ns);
}

static int folded_read(struct calibration *c, char *text, const char *path, int64_t sample_ns, struct err *e)
{
	unsigned row = 0;

	for (char *line = text, *end; line && *line; line = end ? end + 1 : NULL) {
		char *space;

		row++;
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		if (!*line || *line == '#' || strcmp(line, "\r") == 0)
			continue;
		if (line[strlen(line) - 1] == '\r')
			line[strlen(line) - 1] = '\0';
		space = strrchr(line, ' ');
		if (!space || strspn(space + 1, "0123456789") != strlen(space + 1) || !space[1] || strlen(space + 1) > 18)
			return err_set(e, ERR_USAGE, "%s:%u: not a folded stack: 'frame;frame COUNT' is expected", path,
				row);
		*space = '\0';
		int64_t samples = strtoll(space + 1, NULL, 10), ns = times(samples, sample_ns);

		c->stacks++;
		for (char *at = line, *next; at; at = next) {
			next = strchr(at, ';');
			if (next)
				*next++ = '\0';
			if (*at)
				stack_count(c, frame_place(c, at), !next, ns, samples);
		}
	}
	return 0;
}

static int64_t int_member(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	if (m && m->kind == JSON_NUMBER && !m->is_integer && m->number > 0 && m->number < 9e18)
		return (int64_t)m->number;
	return m && m->is_integer && m->integer > 0 ? m->integer : 0;
}

static int table_read(struct calibration *c, const struct json_value *v, const char *path, struct err *e)
{
	const struct json_value *version = json_get(v, "version"), *functions = json_get(v, "functions");

	if (!version || !version->is_integer || version->integer != 1 || functions->kind != JSON_OBJECT)
		return err_set(e, ERR_USAGE, "%s: a measured profile is {version 1, functions {...}}", path);
	json_each(row, functions) {
		auto_free char *name = xstrndup(row->key, row->key_len);
		struct measured *m;

		if (row->kind != JSON_OBJECT)
			return err_set(e, ERR_USAGE, "%s: functions.%s must be {calls, self_ns, total_ns}", path, name);
		m = frame_place(c, name);
		m->calls += int_member(row, "calls");
		m->self_ns += int_member(row, "self_ns");
		m->total_ns += int_member(row, "total_ns");
		m->samples += int_member(row, "samples");
	}
	return 0;
}

static struct measured *profile_frame(struct calibration *c, const struct json_value *frame)
{
	const char *function = json_get_text(frame, "function"), *file = json_get_text(frame, "file");

	return file ? place(c, file, function ? function : "", (uint32_t)int_member(frame, "line")) : NULL;
}

static const struct json_value **array_of(const struct json_value *list, size_t *count)
{
	const struct json_value **v = xcalloc((size_t)list->count + 1, sizeof(*v));
	size_t n = 0;

	json_each(item, list)
		v[n++] = item;
	*count = n;
	return v;
}

/* Time on the wall where it was collected, else time on a processor. sample_ns, where it is given, is what a sample
 * counts. */
static void profile_sample(struct calibration *c, const struct json_value *sample, const struct json_value **frames,
			   size_t frame_count, const struct json_value **stacks, size_t stack_count_, int64_t sample_ns)
{
	int64_t field[7] = { 0 }, ns;
	size_t n = 0;
	bool leaf = true;

	if (sample->kind != JSON_ARRAY)
		return;
	json_each(item, sample)
		if (n < 7)
			field[n++] = item->is_integer ? item->integer : 0;
	ns = sample_ns ? sample_ns : field[6] > 0 ? field[6] : field[5];
	if (field[2] < 0 || (size_t)field[2] >= stack_count_ || stacks[field[2]]->kind != JSON_ARRAY)
		return;
	c->stacks++;
	json_each(at, stacks[field[2]]) {
		struct measured *m = at->is_integer && at->integer >= 0 && (size_t)at->integer < frame_count ?
			profile_frame(c, frames[at->integer]) : NULL;

		if (m)
			stack_count(c, m, leaf, ns, 1);
		leaf = false;
	}
}

static int profile_read(struct calibration *c, const struct json_value *v, const char *path, int64_t sample_ns,
			struct err *e)
{
	const struct json_value *f = json_get(v, "frames"), *s = json_get(v, "stacks"), *samples = json_get(v, "samples");
	const struct json_value **frames, **stacks;
	size_t frame_count, stack_n;

	if (!f || !s || f->kind != JSON_ARRAY || s->kind != JSON_ARRAY || samples->kind != JSON_ARRAY)
		return err_set(e, ERR_USAGE, "%s: not a profile.json: frames, stacks and samples are lists", path);
	frames = array_of(f, &frame_count);
	stacks = array_of(s, &stack_n);
	json_each(sample, samples)
		profile_sample(c, sample, frames, frame_count, stacks, stack_n, sample_ns);
	free(frames);
	free(stacks);
	return 0;
}

/* "open" of "<built-in method io.open>", "read" of "<method 'read' of '_io.TextIOWrapper' objects>". */
static char *builtin_callee(const char *name)
{
	const char *quote = strchr(name, '\''), *from = strrchr(name, '.');

	if (quote)
		return xstrndup(quote + 1, strcspn(quote + 1, "'"));
	from = from ? from : strrchr(name, ' ');
	from = from ? from + 1 : name;
	return xstrndup(from, strcspn(from, ">"));
}

static void called_add(struct calibration *c, const struct pstats_function *f, const struct pstats_function *caller)
{
	if (!caller->file)
		return;
	if (c->called_count == c->called_cap) {
		c->called_cap = c->called_cap ? c->called_cap * 2 : 64;
		c->called = xreallocarray(c->called, c->called_cap, sizeof(*c->called));
	}
	c->called[c->called_count++] = (struct measured_call){ .file = xstrdup(caller->file),
		.function = xstrdup(caller->name), .callee = f->file ? xstrdup(f->name) : builtin_callee(f->name),
		.callee_file = xstrdup(f->file ? f->file : ""), .callee_line = f->line,
		.ns = (int64_t)(caller->total_s * 1e9), .calls = (int64_t)caller->calls };
}

static bool is_sane(const struct pstats_function *f)
{
	return f->self_s >= 0 && f->total_s >= 0 && f->total_s <= 1e9 && f->self_s <= 1e9 && f->calls >= 0 &&
	       f->calls <= 1e15;
}

/* cProfile knows functions, not lines: their own lines are those of their definitions. It also knows who called whom. */
static void pstats_take(void *arg, const struct pstats_function *f, const struct pstats_function *caller)
{
	struct measured *m;

	if (!is_sane(f) || (caller && !is_sane(caller)))
		return;
	if (caller) {
		called_add(arg, f, caller);
		return;
	}
	if (!f->file)
		return;
	m = place(arg, f->file, f->name, f->line > 0 ? (uint32_t)f->line : 0);
	m->calls += (int64_t)f->calls;
	m->self_ns += (int64_t)(f->self_s * 1e9);
	m->total_ns += (int64_t)(f->total_s * 1e9);
}

static int json_read(struct calibration *c, const char *text, size_t n, const char *path, int64_t sample_ns,
	struct err *e)
{
	struct json_reader *j = json_reader_text(text, n, path);
	const struct json_value *v;
	int rc = json_take(j, &v, e);

	if (rc < 0)
		e->kind = ERR_USAGE;
	else if (json_get(v, "samples"))
		rc = profile_read(c, v, path, sample_ns, e);
	else if (json_get(v, "functions"))
		rc = table_read(c, v, path, e);
	else
		rc = err_set(e, ERR_USAGE, "%s: a measured profile has functions, or frames, stacks and samples", path);
	json_reader_free(j);
	return rc;
}

static bool was_read(struct calibration *c, uint64_t hash)
{
	for (size_t i = 0; i < c->read_count; i++)
		if (c->read[i] == hash)
			return true;
	c->read = xreallocarray(c->read, c->read_count + 1, sizeof(*c->read));
	c->read[c->read_count++] = hash;
	return false;
}

int calibration_read(struct calibration *c, const char *path, int64_t sample_ns, struct err *e)
{
	auto_free char *text = NULL;
	size_t n, blank;

	if (file_read(path, FILE_MAX_BYTES, &text, &n, e) < 0) {
		e->kind = ERR_USAGE;
		return err_add(e, "--calibrate");
	}
	if (was_read(c, hash_bytes(0, text, n)))
		return 0;
	blank = strspn(text, " \t\r\n");
	if (blank < n && text[blank] == '{' && strspn(text + blank + 1, " \t\r\n\"}") > 0)
		return json_read(c, text, n, path, sample_ns, e) < 0 ? err_add(e, "--calibrate") : 0;
	if (memchr(text, '\0', n)) {
		if (pstats_read(text, n, pstats_take, c, e) < 0) {
			e->kind = ERR_USAGE;
			return err_add(e, "--calibrate: %s", path);
		}
		return 0;
	}
	return folded_read(c, text, path, sample_ns ? sample_ns : SAMPLE_NS, e) < 0 ? err_add(e, "--calibrate") : 0;
}
