/* SPDX-License-Identifier: Apache-2.0 */
/* explain_number.c - numbers with their units, in sentences and in evidence. */
#include "base/mem.h"
#include "base/utf8.h"
#include "optimize/explain.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum dimension { DIM_NONE, DIM_TIME, DIM_SIZE, DIM_SHARE, DIM_OTHER };
struct unit { const char *word; enum dimension dim; double factor; /* of s, bytes, 1 */ };
static const struct unit units[] = {
	{ "ns", DIM_TIME, 1e-9 }, { "us", DIM_TIME, 1e-6 }, { "\302\265s", DIM_TIME, 1e-6 }, { "\316\274s", DIM_TIME, 1e-6 },
	{ "ms", DIM_TIME, 1e-3 }, { "milliseconds", DIM_TIME, 1e-3 }, { "millisecond", DIM_TIME, 1e-3 },
	{ "microseconds", DIM_TIME, 1e-6 }, { "nanoseconds", DIM_TIME, 1e-9 }, { "seconds", DIM_TIME, 1 },
	{ "second", DIM_TIME, 1 }, { "sec", DIM_TIME, 1 }, { "s", DIM_TIME, 1 }, { "minutes", DIM_TIME, 60 },
	{ "minute", DIM_TIME, 60 }, { "min", DIM_TIME, 60 }, { "hours", DIM_TIME, 3600 }, { "hour", DIM_TIME, 3600 },
	{ "h", DIM_TIME, 3600 }, { "bytes", DIM_SIZE, 1 }, { "byte", DIM_SIZE, 1 }, { "B", DIM_SIZE, 1 },
	{ "KiB", DIM_SIZE, 1024 }, { "MiB", DIM_SIZE, 1048576 }, { "GiB", DIM_SIZE, 1073741824 }, { "kB", DIM_SIZE, 1e3 },
	{ "KB", DIM_SIZE, 1e3 }, { "MB", DIM_SIZE, 1e6 }, { "GB", DIM_SIZE, 1e9 }, { "kilobytes", DIM_SIZE, 1e3 },
	{ "megabytes", DIM_SIZE, 1e6 }, { "gigabytes", DIM_SIZE, 1e9 }, { "kibibytes", DIM_SIZE, 1024 },
	{ "mebibytes", DIM_SIZE, 1048576 }, { "gibibytes", DIM_SIZE, 1073741824 }, { "secs", DIM_TIME, 1 },
	{ "mins", DIM_TIME, 60 }, { "m", DIM_TIME, 60 }, { "hrs", DIM_TIME, 3600 }, { "day", DIM_TIME, 86400 },
	{ "days", DIM_TIME, 86400 }, { "week", DIM_TIME, 604800 }, { "weeks", DIM_TIME, 604800 }, { "%", DIM_SHARE, 0.01 },
	{ "percent", DIM_SHARE, 0.01 }, { "ratio", DIM_SHARE, 1 }, { "share", DIM_SHARE, 1 },
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

struct quantity {
	double v;
	int decimals;
	bool negative;           /* said with a minus */
	bool scaled;             /* "5 million": more than its digits say */
	const struct unit *unit; /* NULL: none */
};

/* Numbers in words. "one" and "second" mean too much else. */
static const struct { const char *word; double v; } words[] = {
	{ "zero", 0 }, { "two", 2 }, { "three", 3 }, { "four", 4 }, { "five", 5 }, { "six", 6 }, { "seven", 7 },
	{ "eight", 8 }, { "nine", 9 }, { "ten", 10 }, { "eleven", 11 }, { "twelve", 12 }, { "dozen", 12 },
	{ "fifteen", 15 }, { "twenty", 20 },
	{ "thirty", 30 }, { "forty", 40 }, { "fifty", 50 }, { "sixty", 60 }, { "seventy", 70 }, { "eighty", 80 },
	{ "ninety", 90 }, { "hundred", 100 }, { "thousand", 1e3 }, { "million", 1e6 }, { "billion", 1e9 }, { "twice", 2 },
	{ "thrice", 3 }, { "half", 0.5 }, { "quarter", 0.25 },
};
static const char *const scales[] = {
	"hundred", "thousand", "million", "billion", "dozen", "hundreds", "thousands", "millions", "billions", "dozens", "k",
	"K", "M", "G", NULL,
};

/* Digits that are not ASCII's: nobody reads them here, so nobody may say a number with them. */
static const struct { uint32_t from, to; } other_digits[] = {
	{ 0xb2, 0xb3 }, { 0xb9, 0xb9 }, { 0xbc, 0xbe }, { 0x660, 0x669 }, { 0x6f0, 0x6f9 }, { 0x7c0, 0x7c9 },
	{ 0x966, 0x96f }, { 0x9e6, 0x9ef }, { 0xe50, 0xe59 }, { 0x2070, 0x2079 }, { 0x2080, 0x2089 }, { 0x2150, 0x2189 },
	{ 0x2460, 0x249b }, { 0x3007, 0x3007 }, { 0xff10, 0xff19 }, { 0x1d7ce, 0x1d7ff },
};

static const struct unit *unit_of(const char *s, size_t n)
{
	for (size_t i = 0; i < UNIT_COUNT; i++)
		if (strlen(units[i].word) == n && memcmp(units[i].word, s, n) == 0)
			return &units[i];
	return NULL;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The unit behind a number, perhaps after one blank. */
static const struct unit *unit_behind(const char *p)
{
	size_t n = 0;

	if (*p == ' ' || *p == '-')
		p++;
	if (*p == '%')
		return unit_of(p, 1);
	while (p[n] && (isalpha((unsigned char)p[n]) || (unsigned char)p[n] >= 0x80))
		n++;
	return unit_of(p, n);
}

static bool is_minus(const char *text, const char *s)
{
	if (s > text && s[-1] == '-')
		return s - 1 == text || s[-2] == ' ' || s[-2] == '(';
	return s > text + 2 && memcmp(s - 3, "\342\210\222", 3) == 0; /* U+2212 */
}

static bool is_scale(const char *p)
{
	size_t n = 0;

	p += *p == ' ' || *p == '-';
	while (isalpha((unsigned char)p[n]))
		n++;
	for (size_t i = 0; scales[i]; i++)
		if (strlen(scales[i]) == n && strncmp(scales[i], p, n) == 0)
			return true;
	return false;
}

/* The digits at s, which are not part of a word. Returns where they end. */
static const char *read_digits(const char *text, const char *s, struct quantity *q)
{
	auto_str digits = STR_INIT;

	*q = (struct quantity){ .negative = is_minus(text, s) };
	for (; isdigit((unsigned char)*s) || ((*s == ',' || *s == '.') && isdigit((unsigned char)s[1])); s++) {
		if (*s == ',') /* 12,345 */
			continue;
		if (*s == '.' && q->decimals)
			break;
		str_addc(&digits, *s);
		if (*s == '.')
			q->decimals = 1;
		else if (q->decimals)
			q->decimals++;
	}
	q->decimals = q->decimals ? q->decimals - 1 : 0;
	q->v = strtod(str_cstr(&digits), NULL);
	q->unit = unit_behind(s);
	q->scaled = !q->unit && is_scale(s);
	return s;
}

/* The next number from *p: 1; 0 none. A word that holds digits ("utf8", "T1", "f-12ab") is no number: 2, and *p .. *end
 * is it. */
static int next_number(const char *text, const char **p, const char **end, struct quantity *q)
{
	for (; **p; (*p)++) {
		const char *s = *p;

		if (!isdigit((unsigned char)*s))
			continue;
		if (s > text && (is_word(s[-1]) || (s[-1] == '-' && s > text + 1 && is_word(s[-2])))) {
			while (*p > text && (is_word((*p)[-1]) || (*p)[-1] == '-' || (*p)[-1] == '.'))
				(*p)--;
			for (*end = s; is_word(**end) || **end == '-'; (*end)++)
				;
			return 2;
		}
		s = read_digits(text, s, q);
		*end = s;
		if (!is_word(*s) || q->unit)
			return 1;
		while (is_word(**end)) /* "1e6", "5k", "2nd", "64bit" */
			(*end)++;
		return 2;
	}
	return 0;
}

static double rounded(double v, int decimals)
{
	double scale = pow(10, decimals);

	return round(v * scale) / scale;
}

static bool close_to(double said, double v, int decimals)
{
	return fabs(said - rounded(v, decimals)) < 0.5 * pow(10, -decimals) * 1e-6 + 1e-12;
}

/* Does what is said equal a value of the evidence? */
static bool equals(const struct quantity *said, double v, const struct unit *u)
{
	const struct unit *w = said->unit;

	if (said->scaled || (said->negative && v >= 0))
		return false;
	v = fabs(v);
	if (w && u && w->dim == u->dim)
		return close_to(said->v, v * u->factor / w->factor, said->decimals);
	if (w && w->dim == DIM_SHARE && !u) /* a share without a unit */
		return v <= 1 && close_to(said->v, v * 100, said->decimals);
	if (w && (!u || u->dim != w->dim))
		return false;
	return close_to(said->v, v, said->decimals);
}

static bool text_has(const char *text, size_t n, const struct quantity *said)
{
	auto_free char *copy = xstrndup(text, n);
	const char *p = copy, *end;
	struct quantity q;
	int kind;

	while ((kind = next_number(copy, &p, &end, &q)) != 0) {
		if (kind == 1 && equals(said, q.v, q.unit))
			return true;
		p = end;
	}
	return false;
}

static bool value_has(const struct json_value *v, const struct unit *u, const struct quantity *said)
{
	if (v->kind == JSON_NUMBER)
		return equals(said, v->number, u);
	if (v->kind == JSON_STRING)
		return text_has(v->text, v->len, said);
	return false;
}

/* What says nothing of this run: where a value was read, and words that hold for every such finding. */
static bool is_general(const char *key)
{
	static const char *const keys[] = { "at", "file", "meaning", "suggestions", "verify", "confidence_basis",
		"finding_id" };

	for (size_t i = 0; key && i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

/* Every value of a finding: its evidence with units, and the numbers in its texts. */
static bool finding_has(const struct json_value *v, const struct quantity *said)
{
	const char *unit = json_get_text(v, "unit");
	const struct json_value *value = v->kind == JSON_OBJECT ? json_get(v, "value") : NULL;

	if (value && value_has(value, unit ? unit_of(unit, strlen(unit)) : NULL, said))
		return true;
	if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY)
		json_each(m, v) {
			bool is_value = v->kind == JSON_OBJECT && m == value;

			if (!is_value && !is_general(m->key) && finding_has(m, said))
				return true;
		}
	return !value && value_has(v, NULL, said);
}

static bool finding_names(const struct json_value *v, const char *word, size_t n)
{
	if (v->kind == JSON_STRING)
		return memmem(v->text, v->len, word, n) != NULL;
	if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY)
		json_each(m, v)
			if (finding_names(m, word, n))
				return true;
	return false;
}

static bool any_has(const struct json_value *const findings[], size_t n, const struct quantity *said)
{
	for (size_t i = 0; i < n; i++)
		if (finding_has(findings[i], said))
			return true;
	return false;
}

/* The number that a word of letters is: 1; 0: it is none. */
static int number_word(const char *p, size_t n, struct quantity *q)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strlen(words[i].word) != n || strncasecmp(words[i].word, p, n) != 0)
			continue;
		*q = (struct quantity){ .v = words[i].v, .unit = unit_behind(p + n) };
		q->decimals = q->v < 1 && q->v > 0 ? 2 : 0;
		q->scaled = !q->unit && is_scale(p + n);
		return 1;
	}
	return 0;
}

static bool words_ok(const char *text, const struct json_value *const findings[], size_t n)
{
	struct quantity q;

	for (const char *p = text; *p;) {
		size_t len = 0;

		while (isalpha((unsigned char)p[len]))
			len++;
		if (len && (p == text || !is_word(p[-1])) && !is_word(p[len]) && number_word(p, len, &q) &&
		    !any_has(findings, n, &q))
			return false;
		p += len ? len : 1;
	}
	return true;
}

/* Of a well-formed sequence of len bytes. */
static uint32_t code_point(const char *s, size_t len)
{
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)s[0] & mask[len];

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return c;
}

static bool has_other_digits(const char *text)
{
	const char *p = text, *end = text + strlen(text);

	while (p < end) {
		size_t len = utf8_sequence(p, (size_t)(end - p));
		uint32_t c = len ? code_point(p, len) : 0;

		for (size_t i = 0; i < sizeof(other_digits) / sizeof(other_digits[0]); i++)
			if (c >= other_digits[i].from && c <= other_digits[i].to)
				return true;
		p += len ? len : 1;
	}
	return false;
}

bool explain_numbers_ok(const char *text, const struct json_value *const findings[], size_t n)
{
	const char *p = text, *end;
	struct quantity q;
	int kind;

	if (has_other_digits(text) || !words_ok(text, findings, n))
		return false;
	while ((kind = next_number(text, &p, &end, &q)) != 0) {
		bool found = kind == 1 && any_has(findings, n, &q);

		for (size_t i = 0; kind == 2 && !found && i < n; i++)
			found = finding_names(findings[i], p, (size_t)(end - p));
		if (!found)
			return false;
		p = end;
	}
	return true;
}
