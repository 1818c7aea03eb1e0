/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json_scan.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#define SCAN_DEPTH_MAX 32

struct scan {
	const char *p, *end;
};

static void scan_space(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
}

static bool scan_char(struct scan *s, char c)
{
	scan_space(s);
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool scan_escape(struct scan *s)
{
	if (s->p == s->end)
		return false;
	if (*s->p != 'u')
		return memchr("\"\\/bfnrt", *s->p++, 8) != NULL;
	s->p++;
	for (int i = 0; i < 4; i++, s->p++)
		if (s->p == s->end || !*s->p || !strchr("0123456789abcdefABCDEF", *s->p))
			return false;
	return true;
}

static bool scan_string(struct scan *s)
{
	if (!scan_char(s, '"'))
		return false;
	while (s->p < s->end) {
		unsigned char c = (unsigned char)*s->p;
		size_t len;

		if (c == '"') {
			s->p++;
			return true;
		}
		if (c < 0x20)
			return false;
		if (c == '\\') {
			s->p++;
			if (!scan_escape(s))
				return false;
			continue;
		}
		len = c < 0x80 ? 1 : utf8_sequence(s->p, (size_t)(s->end - s->p));
		if (!len)
			return false;
		s->p += len;
	}
	return false;
}

static size_t scan_digits(struct scan *s)
{
	const char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return (size_t)(s->p - from);
}

static bool scan_number(struct scan *s)
{
	if (s->p < s->end && *s->p == '-')
		s->p++;
	if (s->p < s->end && *s->p == '0')
		s->p++;
	else if (!scan_digits(s))
		return false;
	if (s->p < s->end && *s->p == '.') {
		s->p++;
		if (!scan_digits(s))
			return false;
	}
	if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
		s->p++;
		if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
			s->p++;
		return scan_digits(s) > 0;
	}
	return true;
}

static bool scan_word(struct scan *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
		return false;
	s->p += n;
	return true;
}

static bool scan_value(struct scan *s, int depth);

static bool scan_member_list(struct scan *s, int depth)
{
	do {
		if (!scan_string(s) || !scan_char(s, ':') || !scan_value(s, depth))
			return false;
	} while (scan_char(s, ','));
	return true;
}

static bool scan_value(struct scan *s, int depth)
{
	if (depth > SCAN_DEPTH_MAX)
		return false;
	scan_space(s);
	if (s->p == s->end)
		return false;
	switch (*s->p) {
	case '"': return scan_string(s);
	case 't': return scan_word(s, "true");
	case 'f': return scan_word(s, "false");
	case 'n': return scan_word(s, "null");
	case '{':
		s->p++;
		return scan_char(s, '}') || (scan_member_list(s, depth + 1) && scan_char(s, '}'));
	case '[':
		s->p++;
		if (scan_char(s, ']'))
			return true;
		do {
			if (!scan_value(s, depth + 1))
				return false;
		} while (scan_char(s, ','));
		return scan_char(s, ']');
	default: return scan_number(s);
	}
}

bool json_scan_value(const char *s, size_t n)
{
	struct scan sc = { s, s + n };

	if (!scan_value(&sc, 0))
		return false;
	scan_space(&sc);
	return sc.p == sc.end;
}

bool json_scan_members(const char *s, size_t n)
{
	struct scan sc = { s, s + n };

	scan_space(&sc);
	if (sc.p == sc.end)
		return true;
	if (!scan_member_list(&sc, 1))
		return false;
	scan_space(&sc);
	return sc.p == sc.end;
}

bool json_next_member(const char *s, size_t n, size_t *at, struct json_member *m)
{
	struct scan sc = { s + *at, s + n };

	if (*at)
		scan_char(&sc, ',');
	scan_space(&sc);
	m->key = sc.p + 1;
	if (!scan_string(&sc))
		return false;
	m->key_n = (size_t)(sc.p - m->key) - 1;
	if (!scan_char(&sc, ':'))
		return false;
	scan_space(&sc);
	m->value = sc.p;
	if (!scan_value(&sc, 1))
		return false;
	m->value_n = (size_t)(sc.p - m->value);
	*at = (size_t)(sc.p - s);
	return true;
}

bool json_find_member(const char *s, size_t n, const char *key, struct json_member *m)
{
	size_t at = 0, key_n = strlen(key);

	while (json_next_member(s, n, &at, m))
		if (m->key_n == key_n && memcmp(m->key, key, key_n) == 0)
			return true;
	return false;
}

int64_t json_member_int(const char *s, size_t n, const char *key, int64_t otherwise)
{
	struct json_member m;
	char digits[24];

	if (!json_find_member(s, n, key, &m) || m.value_n == 0 || m.value_n >= sizeof(digits) ||
	    !strchr("-0123456789", m.value[0]))
		return otherwise;
	memcpy(digits, m.value, m.value_n);
	digits[m.value_n] = '\0';
	return strtoll(digits, NULL, 10);
}
