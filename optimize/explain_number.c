/* SPDX-License-Identifier: Apache-2.0 */
/* explain_number.c - numbers with their units, in sentences and in evidence. */
#include "base/mem.h"
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
	{ "KB", DIM_SIZE, 1e3 }, { "MB", DIM_SIZE, 1e6 }, { "GB", DIM_SIZE, 1e9 }, { "%", DIM_SHARE, 0.01 },
	{ "percent", DIM_SHARE, 0.01 }, { "ratio", DIM_SHARE, 1 }, { "share", DIM_SHARE, 1 },
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

struct quantity {
	double v;
	int decimals;
	const struct unit *unit; /* NULL: none */
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

/* The next number from *p: 1; 0 none. A word that holds digits ("utf8", "T1", "f-12ab") is no number: 2, and *p .. *end
 * is it. */
static int next_number(const char *text, const char **p, const char **end, struct quantity *q)
{
	for (; **p; (*p)++) {
		const char *s = *p;
		auto_str digits = STR_INIT;

		if (!isdigit((unsigned char)*s))
			continue;
		if (s > text && (is_word(s[-1]) || (s[-1] == '-' && s > text + 1 && is_word(s[-2])))) {
			while (*p > text && (is_word((*p)[-1]) || (*p)[-1] == '-' || (*p)[-1] == '.'))
				(*p)--;
			for (*end = s; is_word(**end) || **end == '-'; (*end)++)
				;
			return 2;
		}
		*q = (struct quantity){ 0 };
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
		*end = s;
		return 1;
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

bool explain_numbers_ok(const char *text, const struct json_value *const findings[], size_t n)
{
	const char *p = text, *end;
	struct quantity q;
	int kind;

	while ((kind = next_number(text, &p, &end, &q)) != 0) {
		bool found = false;

		for (size_t i = 0; !found && i < n; i++)
			found = kind == 1 ? finding_has(findings[i], &q) : finding_names(findings[i], p, (size_t)(end - p));
		if (!found)
			return false;
		p = end;
	}
	return true;
}
