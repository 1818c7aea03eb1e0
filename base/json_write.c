/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_write.h"

#include "base/err.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define JSON_PIECE_BYTES 32768

/* 0: copied as it is; 1: control, quote, backslash; 2: may begin a longer sequence. */
static inline int json_class(unsigned char c)
{
	return c >= 0x80 ? 2 : c < 0x20 || c == '"' || c == '\\' || c == 0x7f;
}

/* May one of these eight bytes need an escape? Also where none does: a borrow of a lower byte may set the bit, too. */
static inline bool json_eight_suspect(uint64_t x)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	uint64_t quote = x ^ ones * '"', backslash = x ^ ones * '\\', delete = x ^ ones * 0x7f;

	return (x | (x - ones * 0x20) | (quote - ones) | (backslash - ones) | (delete - ones)) & high;
}

/* How many bytes at the beginning of s are copied as they are, eight at a time: graphs of large programs have millions. */
static size_t json_plain(const char *s, size_t n)
{
	uint64_t x;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		memcpy(&x, s + i, sizeof(x));
		if (json_eight_suspect(x))
			return i;
	}
	if (n >= 8) /* once more, the end of it */
		memcpy(&x, s + n - 8, sizeof(x));
	else
		for (x = UINT64_C(0x6161616161616161); i < n; i++)
			x = x << 8 | (unsigned char)s[i];
	return json_eight_suspect(x) ? n & ~(size_t)7 : n;
}

static void json_add_escape(struct str *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char u[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	switch (c) {
	case '"': str_addn(out, "\\\"", 2); break;
	case '\\': str_addn(out, "\\\\", 2); break;
	case '\n': str_addn(out, "\\n", 2); break;
	case '\t': str_addn(out, "\\t", 2); break;
	case '\r': str_addn(out, "\\r", 2); break;
	default: str_addn(out, u, sizeof(u));
	}
}

void json_add_string(struct str *out, const char *s, size_t n)
{
	size_t from = 0, i = 0;

	str_reserve(out, n + 2);
	str_addc(out, '"');
	i = json_plain(s, n);
	while (i < n) {
		int class = json_class((unsigned char)s[i]);
		size_t len = 1;

		if (class == 2)
			len = utf8_sequence(s + i, n - i);
		if (class != 1 && len) {
			i += len;
			continue;
		}
		str_addn(out, s + from, i - from);
		if (class == 1)
			json_add_escape(out, (unsigned char)s[i]);
		else
			str_addn(out, "\xef\xbf\xbd", 3);
		from = ++i;
	}
	str_addn(out, s + from, n - from);
	str_addc(out, '"');
}

void json_add_ms(struct str *out, int64_t ns)
{
	uint64_t u = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	uint64_t us = u / 1000 + (u % 1000 >= 500);
	char tail[4] = { '.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
			 (char)('0' + us % 10) };

	if (ns < 0 && us)
		str_addc(out, '-');
	str_add_i64(out, (int64_t)(us / 1000));
	str_addn(out, tail, sizeof(tail));
}

void json_init(struct json *j, struct str *out)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
}

void json_init_sink(struct json *j, json_sink *sink, void *arg)
{
	memset(j, 0, sizeof(*j));
	j->out = &j->own;
	j->sink = sink;
	j->sink_arg = arg;
}

static void json_flush(struct json *j)
{
	if (j->sink && j->own.len)
		j->sink(j->sink_arg, j->own.data, j->own.len);
	str_reset(&j->own);
}

void json_finish(struct json *j)
{
	BUG_ON(j->depth != 0);
	json_flush(j);
	str_release(&j->own);
}

static void json_begin(struct json *j, const char *key)
{
	uint64_t bit = UINT64_C(1) << j->depth;

	if (j->sink && j->own.len >= JSON_PIECE_BYTES)
		json_flush(j);
	if (j->comma & bit)
		str_addc(j->out, ',');
	j->comma |= bit;
	if (!key)
		return;
	json_add_string(j->out, key, strlen(key));
	str_addc(j->out, ':');
}

static void json_open(struct json *j, const char *key, char c)
{
	json_begin(j, key);
	BUG_ON(j->depth >= JSON_DEPTH_MAX);
	j->depth++;
	j->comma &= ~(UINT64_C(1) << j->depth);
	str_addc(j->out, c);
}

static void json_shut(struct json *j, char c)
{
	BUG_ON(j->depth == 0);
	j->depth--;
	str_addc(j->out, c);
}

void json_object(struct json *j, const char *key) { json_open(j, key, '{'); }
void json_object_end(struct json *j) { json_shut(j, '}'); }
void json_array(struct json *j, const char *key) { json_open(j, key, '['); }
void json_array_end(struct json *j) { json_shut(j, ']'); }

void json_strn(struct json *j, const char *key, const char *v, size_t n)
{
	json_begin(j, key);
	json_add_string(j->out, v, n);
}

void json_str(struct json *j, const char *key, const char *v)
{
	if (v)
		json_strn(j, key, v, strlen(v));
	else
		json_null(j, key);
}

void json_int(struct json *j, const char *key, int64_t v)
{
	json_begin(j, key);
	str_add_i64(j->out, v);
}

void json_uint(struct json *j, const char *key, uint64_t v)
{
	json_begin(j, key);
	if (v <= INT64_MAX)
		str_add_i64(j->out, (int64_t)v);
	else
		str_addf(j->out, "%llu", (unsigned long long)v);
}

void json_ms(struct json *j, const char *key, int64_t ns)
{
	json_begin(j, key);
	json_add_ms(j->out, ns);
}

void json_fixed(struct json *j, const char *key, double v, int decimals)
{
	if (!isfinite(v)) {
		json_null(j, key);
		return;
	}
	json_begin(j, key);
	str_addf(j->out, "%.*f", decimals, v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	json_begin(j, key);
	str_add(j->out, v ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	json_begin(j, key);
	str_add(j->out, "null");
}

void json_raw(struct json *j, const char *key, const char *text, size_t n)
{
	json_begin(j, key);
	str_addn(j->out, text, n);
}

void json_members(struct json *j, const char *members, size_t n)
{
	if (!n)
		return;
	json_begin(j, NULL);
	str_addn(j->out, members, n);
}

void json_line(struct json *j)
{
	uint64_t bit = UINT64_C(1) << j->depth;

	/* The comma goes at the end of the previous line. */
	if (j->comma & bit)
		str_addc(j->out, ',');
	j->comma &= ~bit;
	str_addc(j->out, '\n');
}
