/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/url.h"
#include "base/hex.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* s[0..n) decoded; plus: '+' is a blank. NULL for broken encodings, NUL, and what is not UTF-8 afterwards. */
static char *decode(const char *s, size_t n, bool plus)
{
	auto_str out = STR_INIT;

	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (c == '%') {
			int high = n - i > 2 ? hex_digit(s[i + 1]) : -1, low = n - i > 2 ? hex_digit(s[i + 2]) : -1;

			if (high < 0 || low < 0)
				return NULL;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		if (!c)
			return NULL;
		str_addc(&out, c);
	}
	return utf8_valid(str_cstr(&out), out.len) ? str_steal(&out) : NULL;
}

const char *params_get(const struct params *p, const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (strcmp(p->v[i].name, name) == 0)
			return p->v[i].value;
	return NULL;
}

bool params_parse(struct params *p, const char *text, size_t n)
{
	const char *end = text + n;

	while (text < end) {
		const char *stop = memchr(text, '&', (size_t)(end - text));
		size_t len = stop ? (size_t)(stop - text) : (size_t)(end - text);
		const char *equals = memchr(text, '=', len);
		size_t name_len = equals ? (size_t)(equals - text) : len;
		struct param *x = &p->v[p->n];

		text += len + 1;
		if (!len)
			continue;
		if (p->n == URL_PARAMS_MAX)
			return false;
		x->name = decode(text - len - 1, name_len, true);
		x->value = equals ? decode(equals + 1, len - name_len - 1, true) : xstrdup("");
		if (!x->name || !x->value || params_get(p, x->name)) {
			free(x->name);
			free(x->value);
			return false;
		}
		p->n++;
	}
	return true;
}

void params_release(struct params *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].name);
		free(p->v[i].value);
	}
	p->n = 0;
}

static bool add_segment(struct url *t, const char *s, size_t n)
{
	char *text;

	if (t->n == URL_SEGMENTS_MAX)
		return false;
	text = decode(s, n, false);
	if (!text || strchr(text, '/') || strcmp(text, ".") == 0 || strcmp(text, "..") == 0) {
		free(text);
		return false;
	}
	t->segment[t->n++] = text;
	return true;
}

bool url_parse(struct url *t, const char *text, const char *prefix)
{
	size_t n = strlen(prefix);
	const char *end;

	memset(t, 0, sizeof(*t));
	if (n && strncmp(text, prefix, n) == 0 && (text[n] == '/' || text[n] == '?' || !text[n]))
		text += n;
	end = text + strcspn(text, "?");
	if (*end == '?')
		t->bad_query = !params_parse(&t->query, end + 1, strlen(end + 1));
	if (n && text == end)
		return add_segment(t, "", 0); /* the prefix alone: the first page */
	if (*text != '/' || strchr(text, '#'))
		return false;
	while (text < end) {
		size_t len = strcspn(text + 1, "/?");

		if (!add_segment(t, text + 1, len))
			return false;
		text += 1 + len;
	}
	return true;
}

void url_release(struct url *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->segment[i]);
	params_release(&t->query);
	t->n = 0;
}

/* ---- Host ---- */

/* The name or address of "name:port" or "[address]:port". False: neither. */
static bool host_name_of(const char *host, char *out, size_t size)
{
	bool bracket = *host == '[';
	size_t n = bracket ? strcspn(++host, "]") : strcspn(host, ":");
	const char *rest = host + n;

	if (!n || n >= size || (bracket && *rest++ != ']'))
		return false;
	if (*rest == ':') {
		size_t digits = strspn(++rest, "0123456789");

		if (!digits || digits > 5)
			return false;
		rest += digits;
	}
	if (*rest)
		return false;
	memcpy(out, host, n);
	out[n] = '\0';
	return true;
}

bool host_is_ours(const char *host, const struct strv *names)
{
	struct in6_addr six;
	struct in_addr four;
	char name[256];
	size_t n;

	if (!host || !host_name_of(host, name, sizeof(name)))
		return false;
	if (*host == '[')
		return inet_pton(AF_INET6, name, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
	if (inet_pton(AF_INET, name, &four) == 1 && (ntohl(four.s_addr) >> 24) == 127)
		return true;
	n = strlen(name);
	if (n > 1 && name[n - 1] == '.')
		name[n - 1] = '\0';
	if (strcasecmp(name, "localhost") == 0)
		return true;
	for (size_t i = 0; i < names->n; i++)
		if (strcasecmp(names->v[i], name) == 0 || strcasecmp(names->v[i], host) == 0)
			return true;
	return false;
}

bool cookie_get(const char *header, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	while (header && *header) {
		size_t len;

		header += strspn(header, "; \t");
		len = strcspn(header, ";");
		if (len > n && strncmp(header, name, n) == 0 && header[n] == '=') {
			while (len > n + 1 && (header[len - 1] == ' ' || header[len - 1] == '\t'))
				len--;
			if (len - n - 1 >= size)
				return false;
			memcpy(out, header + n + 1, len - n - 1);
			out[len - n - 1] = '\0';
			return true;
		}
		header += len;
	}
	return false;
}

void url_add(struct str *out, const char *s, const char *keep)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c);

		if (plain || strchr(keep, c))
			str_addc(out, *s);
		else
			str_addf(out, "%%%02X", c);
	}
}
