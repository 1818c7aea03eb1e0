/* SPDX-License-Identifier: Apache-2.0 */
/* attrs.c - attributes, rendered as JSON while they are gathered: the journal copies them. */
#include "base/json_write.h"
#include "base/utf8.h"
#include "trace/record.h"

#include <string.h>

#define ATTR_MAX_BYTES 16384

void attrs_init(struct attrs *a, struct trace *t)
{
	str_reset(&a->json);
	a->redactor = t->redactor;
}

void attrs_release(struct attrs *a)
{
	str_release(&a->json);
	str_release(&a->scratch);
}

#define NUMBER_MAX_BYTES 24

/* memcpy of a few bytes without the call: keys and numbers are short. */
static inline char *put_short(char *p, const char *s, size_t n)
{
	if (n >= 8 && n <= 16) {
		memcpy(p, s, 8);
		memcpy(p + n - 8, s + n - 8, 8);
	} else if (n >= 4 && n < 8) {
		memcpy(p, s, 4);
		memcpy(p + n - 4, s + n - 4, 4);
	} else {
		memcpy(p, s, n);
	}
	return p + n;
}

/* "key": with the comma before it, and room for a number behind it. Returns where the value goes.
 * Keys are our own literals and need no escaping. */
static inline char *attrs_begin(struct attrs *a, const char *key, size_t n)
{
	char *p;

	if (a->json.len + n + 4 + NUMBER_MAX_BYTES >= a->json.cap)
		str_reserve(&a->json, n + 4 + NUMBER_MAX_BYTES);
	p = a->json.data + a->json.len;
	if (a->json.len)
		*p++ = ',';
	*p++ = '"';
	p = put_short(p, key, n);
	*p++ = '"';
	*p++ = ':';
	return p;
}

static inline void attrs_end(struct attrs *a, char *p)
{
	*p = '\0';
	a->json.len = (size_t)(p - a->json.data);
}

static void attrs_key(struct attrs *a, const char *key)
{
	attrs_end(a, attrs_begin(a, key, strlen(key)));
}

/* Heartbeats and reads are mostly integers: two digits a division, straight into
 * place: reading back a buffer just written in pieces would stall the processor. */
static inline char *put_digits(char *p, uint64_t v)
{
	static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323334"
				    "3536373839404142434445464748495051525354555657585960616263646566676869"
				    "707172737475767778798081828384858687888990919293949596979899";
	static const uint64_t power[] = { /* of ten */
		1u, 10u, 100u, 1000u, 10000u, 100000u, 1000000u, 10000000u, 100000000u, 1000000000u,
		10000000000u, 100000000000u, 1000000000000u, 10000000000000u, 100000000000000u,
		1000000000000000u, 10000000000000000u, 100000000000000000u, 1000000000000000000u,
		10000000000000000000u,
	};
	unsigned log = (unsigned)(64 - __builtin_clzll(v | 1)) * 1233 >> 12; /* bits * log10(2) */
	char *end = p + log + (v >= power[log] || v == 0), *at = end;

	for (; v >= 100; v /= 100) {
		at -= 2;
		memcpy(at, pairs + v % 100 * 2, 2);
	}
	if (v >= 10)
		memcpy(at - 2, pairs + v * 2, 2);
	else
		at[-1] = (char)('0' + v);
	return end;
}

void attrs_int_n(struct attrs *a, const char *key, size_t key_n, int64_t v)
{
	char *p = attrs_begin(a, key, key_n);

	if (v < 0)
		*p++ = '-';
	attrs_end(a, put_digits(p, v < 0 ? 0 - (uint64_t)v : (uint64_t)v));
}

void attrs_ms(struct attrs *a, const char *key, int64_t ns)
{
	attrs_key(a, key);
	json_add_ms(&a->json, ns);
}

void attrs_bool(struct attrs *a, const char *key, bool v)
{
	attrs_key(a, key);
	str_add(&a->json, v ? "true" : "false");
}

static void attrs_text(struct attrs *a, const char *s, size_t n)
{
	size_t keep = utf8_cut(s, n, ATTR_MAX_BYTES);

	json_add_string(&a->json, s, keep);
	if (keep < n) {
		a->json.len--; /* reopen the string */
		str_add(&a->json, "\xe2\x80\xa6\"");
	}
}

void attrs_str(struct attrs *a, const char *key, const char *v)
{
	attrs_key(a, key);
	if (!v) {
		str_add(&a->json, "null");
		return;
	}
	str_reset(&a->scratch);
	redact_value(a->redactor, key, v, strlen(v), &a->scratch);
	attrs_text(a, str_cstr(&a->scratch), a->scratch.len);
}

void attrs_cut(struct attrs *a, const char *key, const char *v, size_t limit)
{
	size_t n = strlen(v);

	if (n < limit) {
		attrs_str(a, key, v);
		return;
	}
	attrs_key(a, key);
	str_reset(&a->scratch);
	redact_cut(a->redactor, v, n, &a->scratch);
	attrs_text(a, str_cstr(&a->scratch), a->scratch.len);
}

void attrs_word(struct attrs *a, const char *key, const char *v)
{
	attrs_key(a, key);
	if (v)
		attrs_text(a, v, strlen(v));
	else
		str_add(&a->json, "null");
}

void attrs_strv(struct attrs *a, const char *key, char *const v[])
{
	struct strv clean = STRV_INIT;

	redact_argv(a->redactor, v, &clean);
	attrs_key(a, key);
	str_addc(&a->json, '[');
	for (size_t i = 0; i < clean.n; i++) {
		if (i)
			str_addc(&a->json, ',');
		attrs_text(a, clean.v[i], strlen(clean.v[i]));
	}
	str_addc(&a->json, ']');
	strv_release(&clean);
}

void attrs_raw(struct attrs *a, const char *key, const char *json)
{
	attrs_key(a, key);
	str_add(&a->json, json);
}
