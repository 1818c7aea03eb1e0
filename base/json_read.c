/* SPDX-License-Identifier: Apache-2.0 */
/* A window of the text is held; a value is parsed out of it into an arena. Where the window ends
 * within a value, more is read behind it and the value is parsed again: with a window much
 * larger than a usual value that costs nothing, and the parser needs no states. */
#include "base/json_read.h"

#include "base/fd.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_BYTES ((size_t)256 << 10)
#define VALUE_MAX ((size_t)256 << 20)
/* None of our own texts comes near this size; a reader makes several copies of each text. */
#define STRING_MAX ((size_t)32 << 20)
#define DEPTH_MAX 64
#define MEMBERS_MAX 20000

struct arena {
	char **chunks;
	size_t count, used_chunks, chunk_used;
};
#define ARENA_CHUNK ((size_t)64 << 10)

struct json_reader {
	int fd;                    /* -1: a text in memory */
	const char *name;
	char *own;                 /* the window; NULL for a text in memory */
	const char *buf;
	size_t len, cap, at;
	uint64_t base;             /* offset of buf[0] in the text */
	bool eof;
	uint64_t fresh;            /* bit d: nothing was read at depth d yet (no comma) */
	uint64_t is_object;        /* bit d: depth d is an object */
	int depth;
	int deeper;                /* levels beyond DEPTH_MAX of values that are taken whole */
	struct arena arena;
	char **large;              /* allocations that fit no chunk */
	size_t large_count;
};

/* ---- arena --------------------------------------------------------------------------------- */

static void arena_reset(struct json_reader *r)
{
	for (size_t i = 0; i < r->large_count; i++)
		free(r->large[i]);
	r->large_count = 0;
	r->arena.used_chunks = r->arena.count ? 1 : 0;
	r->arena.chunk_used = 0;
}

static void *arena_get(struct json_reader *r, size_t n)
{
	struct arena *a = &r->arena;
	char *p;

	n = (n + 7) & ~(size_t)7;
	if (n > ARENA_CHUNK / 4) {
		r->large = xreallocarray(r->large, r->large_count + 1, sizeof(*r->large));
		return r->large[r->large_count++] = xmalloc(n);
	}
	if (!a->used_chunks || n > ARENA_CHUNK - a->chunk_used) {
		if (a->used_chunks == a->count) {
			a->chunks = xreallocarray(a->chunks, a->count + 1, sizeof(*a->chunks));
			a->chunks[a->count++] = xmalloc(ARENA_CHUNK);
		}
		a->used_chunks++;
		a->chunk_used = 0;
	}
	p = a->chunks[a->used_chunks - 1] + a->chunk_used;
	a->chunk_used += n;
	return p;
}

/* ---- the window ---------------------------------------------------------------------------- */

static struct json_reader *reader_new(const char *name)
{
	struct json_reader *r = xcalloc(1, sizeof(*r));

	r->name = name;
	r->fd = -1;
	r->fresh = 1;
	return r;
}

struct json_reader *json_reader_new(int fd, const char *name)
{
	struct json_reader *r = reader_new(name);

	r->fd = fd;
	r->cap = WINDOW_BYTES;
	r->own = xmalloc(r->cap);
	r->buf = r->own;
	return r;
}

void json_reader_deep(struct json_reader *r, int levels)
{
	r->deeper = levels > DEPTH_MAX ? levels - DEPTH_MAX : 0;
}

struct json_reader *json_reader_text(const char *text, size_t n, const char *name)
{
	struct json_reader *r = reader_new(name);

	r->buf = text;
	r->len = n;
	r->eof = true;
	return r;
}

void json_reader_free(struct json_reader *r)
{
	if (!r)
		return;
	arena_reset(r);
	for (size_t i = 0; i < r->arena.count; i++)
		free(r->arena.chunks[i]);
	free(r->arena.chunks);
	free(r->large);
	free(r->own);
	free(r);
}

void json_reader_free_ptr(struct json_reader **r)
{
	json_reader_free(*r);
	*r = NULL;
}

static int fail(const struct json_reader *r, size_t at, struct err *e, const char *what)
{
	return err_set(e, ERR_FAILURE, "%s: byte %llu: %s", r->name, (unsigned long long)(r->base + at), what);
}

/* Appends more text; drops what was consumed. */
static int refill(struct json_reader *r, struct err *e)
{
	ssize_t got;

	if (r->at) {
		memmove(r->own, r->own + r->at, r->len - r->at);
		r->base += r->at;
		r->len -= r->at;
		r->at = 0;
	}
	if (r->len == r->cap) {
		if (r->cap >= VALUE_MAX)
			return fail(r, 0, e, "a single value of more than 256 MiB");
		r->cap *= 2;
		r->own = xrealloc(r->own, r->cap);
		r->buf = r->own;
	}
	do
		got = read(r->fd, r->own + r->len, r->cap - r->len);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(e, "reading %s", r->name);
	if (got == 0)
		r->eof = true;
	r->len += (size_t)got;
	return 0;
}

/* The next byte that is not white space: 1; 0 at the end of the text; -1. */
static int skip_space(struct json_reader *r, struct err *e)
{
	for (;;) {
		while (r->at < r->len) {
			char c = r->buf[r->at];

			if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
				return 1;
			r->at++;
		}
		if (r->eof)
			return 0;
		if (refill(r, e) < 0)
			return -1;
	}
}

/* ---- one value ----------------------------------------------------------------------------- */

enum parse { PARSE_OK, PARSE_MORE, PARSE_BAD };

struct parser {
	struct json_reader *r;
	size_t at;
	const char *what; /* why it is bad, and where: at */
};

static enum parse bad(struct parser *p, const char *what)
{
	/* where the window ends, anything may still follow */
	if (p->at >= p->r->len && !p->r->eof)
		return PARSE_MORE;
	p->what = p->at >= p->r->len ? "the text ends here, within a value" : what;
	return PARSE_BAD;
}

static void parse_space(struct parser *p)
{
	while (p->at < p->r->len) {
		char c = p->r->buf[p->at];

		if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
			return;
		p->at++;
	}
}

static int hex4(const char *s)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		int h = hex_digit(s[i]);

		if (h < 0)
			return -1;
		v = v << 4 | h;
	}
	return v;
}

/* One escape; p->at is on the backslash. */
static enum parse parse_escape(struct parser *p, char **o)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *s = p->r->buf + p->at, *hit;
	size_t left = p->r->len - p->at;
	int hi, lo;

	if (left < 12 && !p->r->eof)
		return PARSE_MORE;
	hit = left >= 2 && s[1] ? strchr(from, s[1]) : NULL;
	if (hit) {
		*(*o)++ = to[hit - from];
		p->at += 2;
		return PARSE_OK;
	}
	if (left < 6 || s[1] != 'u' || (hi = hex4(s + 2)) < 0)
		return bad(p, "no such escape in a string");
	p->at += 6;
	if (hi >= 0xd800 && hi < 0xe000) {
		if (hi >= 0xdc00 || left < 12 || s[6] != '\\' || s[7] != 'u' || (lo = hex4(s + 8)) < 0xdc00 ||
		    lo >= 0xe000) {
			p->at -= 6;
			return bad(p, "half a surrogate pair in a string");
		}
		p->at += 6;
		hi = 0x10000 + ((hi - 0xd800) << 10) + (lo - 0xdc00);
	}
	*o = utf8_put(*o, (unsigned)hi);
	return PARSE_OK;
}

/* p->at is after the opening quote. */
static enum parse parse_string(struct parser *p, const char **text, size_t *len)
{
	const char *s = p->r->buf;
	size_t n = p->r->len, end = p->at;
	char *out, *o;

	/* how long can it be? The unescaped text is never longer. */
	while (end < n && s[end] != '"') {
		if (s[end] == '\\')
			end++;
		end++;
	}
	if (end - p->at > STRING_MAX) {
		p->what = "a string of more than 32 MiB";
		return PARSE_BAD;
	}
	if (end >= n) {
		p->at = n;
		return bad(p, "");
	}
	o = out = arena_get(p->r, end - p->at + 1);
	while (s[p->at] != '"') {
		unsigned char c = (unsigned char)s[p->at];

		if (c == '\\') {
			enum parse rc = parse_escape(p, &o);

			if (rc != PARSE_OK)
				return rc;
		} else if (c < 0x20) {
			return bad(p, "a control character in a string");
		} else if (c < 0x80) {
			*o++ = (char)c;
			p->at++;
		} else {
			size_t m = utf8_sequence(s + p->at, n - p->at);

			if (!m || m > end - p->at)
				return bad(p, "a string that is not valid UTF-8");
			memcpy(o, s + p->at, m);
			o += m;
			p->at += m;
		}
	}
	p->at++;
	*o = '\0';
	*text = out;
	*len = (size_t)(o - out);
	return PARSE_OK;
}

static bool is_digit(const struct parser *p)
{
	return p->at < p->r->len && p->r->buf[p->at] >= '0' && p->r->buf[p->at] <= '9';
}

static enum parse parse_number(struct parser *p, struct json_value *v)
{
	const char *s = p->r->buf;
	size_t start = p->at;
	bool negative = s[p->at] == '-', plain = true, fits = true;
	uint64_t mantissa = 0;
	int digits = 0, decimals = 0;

	p->at += negative;
	if (!is_digit(p))
		return bad(p, "a number without digits");
	if (s[p->at] == '0' && p->at + 1 < p->r->len && s[p->at + 1] >= '0' && s[p->at + 1] <= '9')
		return bad(p, "a number that begins with 0");
	for (; is_digit(p); p->at++, digits++)
		mantissa = mantissa * 10 + (uint64_t)(s[p->at] - '0');
	if (p->at < p->r->len && s[p->at] == '.') {
		plain = false;
		p->at++;
		if (!is_digit(p))
			return bad(p, "a number without digits after its point");
		for (; is_digit(p); p->at++, digits++, decimals++)
			mantissa = mantissa * 10 + (uint64_t)(s[p->at] - '0');
	}
	if (p->at < p->r->len && (s[p->at] | 0x20) == 'e') {
		plain = fits = false;
		p->at++;
		if (p->at < p->r->len && (s[p->at] == '+' || s[p->at] == '-'))
			p->at++;
		if (!is_digit(p))
			return bad(p, "a number without an exponent after its e");
		while (is_digit(p))
			p->at++;
	}
	if (p->at >= p->r->len && !p->r->eof)
		return PARSE_MORE;
	v->kind = JSON_NUMBER;
	if (fits && digits <= 15) { /* both exact in a double: so is the quotient's rounding */
		static const double power[] = { 1,   1e1, 1e2,	1e3,  1e4,  1e5,  1e6,	1e7,
						1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };

		v->number = (double)mantissa / power[decimals];
		if (negative)
			v->number = -v->number;
	} else {
		auto_free char *copy = xstrndup(s + start, p->at - start);

		v->number = strtod(copy, NULL);
		if (!isfinite(v->number))
			return bad(p, "a number too large");
	}
	if (plain && digits <= 18) {
		v->is_integer = true;
		v->integer = negative ? -(int64_t)mantissa : (int64_t)mantissa;
	} else if (plain) {
		auto_free char *copy = xstrndup(s + start, p->at - start);

		errno = 0;
		v->integer = strtoll(copy, NULL, 10);
		v->is_integer = errno == 0;
	}
	return PARSE_OK;
}

static enum parse parse_word(struct parser *p, const char *word, struct json_value *v, enum json_kind kind)
{
	for (; *word; word++, p->at++)
		if (p->at >= p->r->len || p->r->buf[p->at] != *word)
			return bad(p, "no JSON value");
	v->kind = kind;
	return PARSE_OK;
}

static uint32_t hash_key(const char *s, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h;
}

static enum parse parse_value(struct parser *p, struct json_value *v, int depth);

static enum parse parse_member(struct parser *p, const struct json_value *object, struct json_value *v, int depth)
{
	enum parse rc;
	size_t start = p->at;

	if (p->at >= p->r->len || p->r->buf[p->at] != '"')
		return bad(p, "a member's name must be a string");
	p->at++;
	rc = parse_string(p, &v->key, &v->key_len);
	if (rc != PARSE_OK)
		return rc;
	v->key_hash = hash_key(v->key, v->key_len);
	json_each(other, object) {
		if (other->key_hash == v->key_hash && other->key_len == v->key_len &&
		    memcmp(other->key, v->key, v->key_len) == 0) {
			p->at = start;
			return bad(p, "the same member twice in one object");
		}
	}
	parse_space(p);
	if (p->at >= p->r->len || p->r->buf[p->at] != ':')
		return bad(p, "a ':' is missing after a member's name");
	p->at++;
	parse_space(p);
	return parse_value(p, v, depth);
}

static enum parse parse_container(struct parser *p, struct json_value *v, int depth)
{
	bool object = p->r->buf[p->at] == '{';
	char close = object ? '}' : ']';
	const struct json_value **tail = &v->first;

	if (depth >= DEPTH_MAX + p->r->deeper)
		return bad(p, "nested deeper than 64 levels");
	v->kind = object ? JSON_OBJECT : JSON_ARRAY;
	p->at++;
	parse_space(p);
	if (p->at < p->r->len && p->r->buf[p->at] == close) {
		p->at++;
		return PARSE_OK;
	}
	for (;;) {
		struct json_value *child = arena_get(p->r, sizeof(*child));
		enum parse rc;

		memset(child, 0, sizeof(*child));
		rc = object ? parse_member(p, v, child, depth + 1) : parse_value(p, child, depth + 1);
		if (rc != PARSE_OK)
			return rc;
		*tail = child;
		tail = &child->next;
		if (++v->count > MEMBERS_MAX && object)
			return bad(p, "an object of more than 20000 members");
		parse_space(p);
		if (p->at >= p->r->len)
			return bad(p, "");
		if (p->r->buf[p->at] == close) {
			p->at++;
			return PARSE_OK;
		}
		if (p->r->buf[p->at] != ',')
			return bad(p, object ? "',' or '}' is missing" : "',' or ']' is missing");
		p->at++;
		parse_space(p);
	}
}

static enum parse parse_value(struct parser *p, struct json_value *v, int depth)
{
	if (p->at >= p->r->len)
		return bad(p, "");
	switch (p->r->buf[p->at]) {
	case '{': case '[': return parse_container(p, v, depth);
	case '"':
		p->at++;
		v->kind = JSON_STRING;
		return parse_string(p, &v->text, &v->len);
	case 't': return parse_word(p, "true", v, JSON_TRUE);
	case 'f': return parse_word(p, "false", v, JSON_FALSE);
	case 'n': return parse_word(p, "null", v, JSON_NULL);
	case '-':
	case '0':
	case '1':
	case '2':
	case '3':
	case '4':
	case '5':
	case '6':
	case '7':
	case '8':
	case '9': return parse_number(p, v);
	default: return bad(p, "no JSON value");
	}
}

/* ---- walking ------------------------------------------------------------------------------- */

int json_peek(struct json_reader *r, enum json_kind *kind, struct err *e)
{
	int rc = skip_space(r, e);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return fail(r, r->at, e, "the text ends where a value must stand");
	switch (r->buf[r->at]) {
	case '{': *kind = JSON_OBJECT; break;
	case '[': *kind = JSON_ARRAY; break;
	case '"': *kind = JSON_STRING; break;
	case 't': *kind = JSON_TRUE; break;
	case 'f': *kind = JSON_FALSE; break;
	case 'n': *kind = JSON_NULL; break;
	default: *kind = JSON_NUMBER; break;
	}
	return 0;
}

int json_enter(struct json_reader *r, enum json_kind kind, struct err *e)
{
	enum json_kind next;

	if (json_peek(r, &next, e) < 0)
		return -1;
	if (next != kind) {
		char what[80];

		snprintf(what, sizeof(what), "an %s must stand here", json_kind_text(kind));
		return fail(r, r->at, e, what);
	}
	if (r->depth + 1 >= DEPTH_MAX)
		return fail(r, r->at, e, "nested deeper than 64 levels");
	r->at++;
	r->depth++;
	r->fresh |= UINT64_C(1) << r->depth;
	r->is_object &= ~(UINT64_C(1) << r->depth);
	r->is_object |= (uint64_t)(kind == JSON_OBJECT) << r->depth;
	return 0;
}

int json_next_item(struct json_reader *r, struct err *e)
{
	bool object = r->is_object >> r->depth & 1, fresh = r->fresh >> r->depth & 1;
	int rc = skip_space(r, e);

	BUG_ON(r->depth == 0);
	if (rc < 0)
		return -1;
	if (rc == 0)
		return fail(r, r->at, e, "the text ends here, within a value");
	if (r->buf[r->at] == (object ? '}' : ']')) {
		r->at++;
		r->depth--;
		return 0;
	}
	if (!fresh) {
		if (r->buf[r->at] != ',')
			return fail(r, r->at, e, object ? "',' or '}' is missing" : "',' or ']' is missing");
		r->at++;
		rc = skip_space(r, e);
		if (rc < 0)
			return -1;
		if (rc == 0 || r->buf[r->at] == (object ? '}' : ']'))
			return fail(r, r->at, e, "a value is missing after ','");
	}
	r->fresh &= ~(UINT64_C(1) << r->depth);
	return 1;
}

/* Parses one thing out of the window, reading on as long as it may only be cut off. */
static int parse_here(struct json_reader *r, struct json_value *v, bool key, struct err *e)
{
	for (;;) {
		struct parser p = { .r = r, .at = r->at };
		enum parse rc;

		arena_reset(r);
		memset(v, 0, sizeof(*v));
		if (key) {
			if (r->buf[p.at] != '"')
				return fail(r, p.at, e, "a member's name must be a string");
			p.at++;
			rc = parse_string(&p, &v->key, &v->key_len);
		} else {
			rc = parse_value(&p, v, r->depth);
		}
		if (rc == PARSE_OK) {
			r->at = p.at;
			return 0;
		}
		if (rc == PARSE_BAD)
			return fail(r, p.at, e, p.what);
		do /* a whole window, so that a large value is not parsed again for every read */
			if (refill(r, e) < 0)
				return -1;
		while (!r->eof && r->len < r->cap);
	}
}

int json_next_key(struct json_reader *r, const char **key, size_t *len, struct err *e)
{
	struct json_value v;
	int rc;

	BUG_ON(!(r->is_object >> r->depth & 1));
	rc = json_next_item(r, e);
	if (rc <= 0)
		return rc;
	if (parse_here(r, &v, true, e) < 0)
		return -1;
	rc = skip_space(r, e);
	if (rc < 0)
		return -1;
	if (rc == 0 || r->buf[r->at] != ':')
		return fail(r, r->at, e, "a ':' is missing after a member's name");
	r->at++;
	*key = v.key;
	*len = v.key_len;
	return 1;
}

int json_take(struct json_reader *r, const struct json_value **out, struct err *e)
{
	struct json_value v, *kept;
	int rc = skip_space(r, e);

	if (rc < 0)
		return -1;
	if (rc == 0)
		return fail(r, r->at, e, "the text ends where a value must stand");
	if (parse_here(r, &v, false, e) < 0)
		return -1;
	kept = arena_get(r, sizeof(*kept));
	*kept = v;
	*out = kept;
	return 0;
}

int json_end(struct json_reader *r, struct err *e)
{
	int rc = skip_space(r, e);

	if (rc < 0)
		return -1;
	return rc ? fail(r, r->at, e, "text after the end of the value") : 0;
}

/* ---- trees --------------------------------------------------------------------------------- */

const struct json_value *json_get(const struct json_value *v, const char *key)
{
	size_t n = strlen(key);

	if (v && v->kind == JSON_OBJECT)
		json_each(member, v)
			if (member->key_len == n && memcmp(member->key, key, n) == 0)
				return member;
	return NULL;
}

const char *json_get_text(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_STRING ? m->text : NULL;
}

int64_t json_get_int(const struct json_value *v, const char *key, int64_t otherwise)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_NUMBER && m->is_integer ? m->integer : otherwise;
}

double json_get_number(const struct json_value *v, const char *key, double otherwise)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_NUMBER ? m->number : otherwise;
}

const char *json_kind_text(enum json_kind kind)
{
	static const char *const texts[] = { "null", "boolean", "boolean", "number", "string", "array", "object" };

	return texts[kind];
}
