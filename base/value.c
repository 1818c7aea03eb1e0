/* SPDX-License-Identifier: Apache-2.0 */
#include "base/value.h"

#include "base/clock.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

bool value_int(const char *text, int64_t *out)
{
	const char *digits = text + (*text == '-' || *text == '+');
	long long v;

	if (!*digits || digits[strspn(digits, "0123456789")])
		return false;
	errno = 0;
	v = strtoll(text, NULL, 10);
	if (errno == ERANGE)
		return false;
	*out = v;
	return true;
}

bool value_bool(const char *text, bool *out)
{
	static const char *const yes[] = { "1", "true", "yes", "on" };
	static const char *const no[] = { "0", "false", "no", "off" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
		if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
			*out = strcasecmp(text, yes[i]) == 0;
			return true;
		}
	}
	return false;
}

int value_word(const char *text, const char *const words[])
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

/* ".123" -> 123000000; at least one digit, those beyond nanoseconds are cut. Returns what follows, or NULL. */
static const char *fraction_ns(const char *p, int64_t *ns)
{
	int64_t unit = NS_PER_S / 10;

	if (!isdigit((unsigned char)*++p))
		return NULL;
	for (; isdigit((unsigned char)*p); p++, unit /= 10)
		*ns += (*p - '0') * unit;
	return p;
}

/* The unit at *p, in milliseconds; moves *p past it. 0: there is none. */
static int64_t duration_unit(const char **p)
{
	static const struct {
		const char *text;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].text);

		if (strncmp(*p, units[i].text, n) == 0) {
			*p += n;
			return units[i].ms;
		}
	}
	return 0;
}

bool value_duration(const char *text, int64_t unit_ms, int64_t *ms)
{
	int64_t sum = 0, above = INT64_MAX, part, unit, scale;
	const char *p = text;

	if (value_int(text, &part)) {
		if (part < 0 || part > INT64_MAX / unit_ms)
			return false;
		*ms = part * unit_ms;
		return true;
	}
	while (*p) {
		part = 0;
		scale = 1;
		if (!isdigit((unsigned char)*p))
			return false;
		for (; isdigit((unsigned char)*p); p++) {
			if (part > INT64_MAX / 100000000000)
				return false;
			part = part * 10 + (*p - '0');
		}
		if (*p == '.' && isdigit((unsigned char)p[1]))
			for (p++; isdigit((unsigned char)*p) && scale < 1000; p++, scale *= 10)
				part = part * 10 + (*p - '0');
		unit = duration_unit(&p);
		if (!unit && !*p && unit_ms > 1 && above == INT64_MAX) /* 0.5: of its own unit */
			unit = unit_ms;
		/* each part is of a smaller unit than the one before */
		if (!unit || unit >= above || part > INT64_MAX / 86400000)
			return false;
		sum += part * unit / scale;
		above = unit;
	}
	*ms = sum;
	return p != text;
}

static bool time_epoch(const char *text, int64_t *real_ns)
{
	const char *p = text;
	int64_t s = 0, ns = 0;

	for (; isdigit((unsigned char)*p); p++) {
		s = s * 10 + (*p - '0');
		if (s > INT64_MAX / NS_PER_S - 1)
			return false;
	}
	if (p == text)
		return false;
	if (*p == '.' && !(p = fraction_ns(p, &ns)))
		return false;
	*real_ns = s * NS_PER_S + ns;
	return !*p;
}

static int days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month - 1] + (month == 2 && (year % 4 == 0 && (year % 100 || year % 400 == 0)));
}

static bool two_digits(const char *p, int *out)
{
	if (!isdigit((unsigned char)p[0]) || !isdigit((unsigned char)p[1]))
		return false;
	*out = (p[0] - '0') * 10 + (p[1] - '0');
	return true;
}

/* "Z", "+02:00", "-0530" and nothing after it. */
static bool time_offset(const char *p, int64_t *offset_s)
{
	int h, m, sign = *p == '-' ? -1 : 1;

	if ((*p == 'Z' || *p == 'z') && !p[1])
		return true;
	if ((*p != '+' && *p != '-') || !two_digits(p + 1, &h))
		return false;
	p += 3;
	if (*p == ':')
		p++;
	if (!two_digits(p, &m) || p[2] || h > 23 || m > 59)
		return false;
	*offset_s = sign * (h * 3600 + m * 60);
	return true;
}

static bool time_rfc3339(const char *p, int64_t *real_ns)
{
	int64_t ns = 0, offset_s = 0, s;
	int century, year, month, day, h, m, sec;
	struct tm tm = { 0 };

	if (strlen(p) < 20 || p[4] != '-' || p[7] != '-' || !strchr("Tt ", p[10]) || p[13] != ':' ||
	    p[16] != ':' || !two_digits(p, &century) || !two_digits(p + 2, &year) ||
	    !two_digits(p + 5, &month) || !two_digits(p + 8, &day) || !two_digits(p + 11, &h) ||
	    !two_digits(p + 14, &m) || !two_digits(p + 17, &sec))
		return false;
	year += century * 100;
	if (year < 1970 || year > 2261 || month < 1 || month > 12 || day < 1 ||
	    day > days_of_month(year, month) || h > 23 || m > 59 || sec > 60)
		return false;
	p += 19;
	if (*p == '.' && !(p = fraction_ns(p, &ns)))
		return false;
	if (!time_offset(p, &offset_s))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	tm.tm_hour = h;
	tm.tm_min = m;
	tm.tm_sec = sec;
	s = (int64_t)timegm(&tm) - offset_s;
	if (s < 0)
		return false;
	*real_ns = s * NS_PER_S + ns;
	return true;
}

bool value_time(const char *text, int64_t *real_ns)
{
	return time_epoch(text, real_ns) || time_rfc3339(text, real_ns);
}

void value_words(struct str *out, const char *const words[])
{
	for (size_t i = 0; words[i]; i++) {
		if (i)
			str_add(out, words[i + 1] ? ", " : " or ");
		str_add(out, words[i]);
	}
}

const char *value_quote(const char *text, char out[VALUE_QUOTE_SIZE])
{
	return value_quoten(text, strlen(text), out);
}

const char *value_quoten(const char *text, size_t n, char out[VALUE_QUOTE_SIZE])
{
	static const char cut[] = "…'";
	size_t at = 0, i;

	out[at++] = '\'';
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];

		/* 4: the longest escape; never begin a UTF-8 character that does not fit. */
		if (at + 4 + sizeof(cut) > VALUE_QUOTE_SIZE && (c & 0xc0) != 0x80)
			break;
		if (at + 4 + 1 > VALUE_QUOTE_SIZE - 1)
			break;
		if (c == '\n' || c == '\t')
			at += (size_t)snprintf(out + at, VALUE_QUOTE_SIZE - at, "\\%c", c == '\n' ? 'n' : 't');
		else if (c < 0x20 || c == 0x7f)
			at += (size_t)snprintf(out + at, VALUE_QUOTE_SIZE - at, "\\x%02x", c);
		else
			out[at++] = (char)c;
	}
	memcpy(out + at, i < n ? cut : "'", i < n ? sizeof(cut) : 2);
	return out;
}
