/* SPDX-License-Identifier: Apache-2.0 */
/* Forms in which a secret stands without its name (`curl -u`, `sshpass -p`, a line of .pgpass), and elements of XML. */
#include "trace/redact_internal.h"

#include <string.h>
#include <strings.h>

/* Of what an element holds, at most. */
#define ELEMENT_BYTES 16384

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || (c >= '\n' && c <= '\r') || c == '\0';
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

static bool starts(const struct scan *sc, size_t at, const char *with)
{
	size_t n = strlen(with);

	return n <= sc->n - at && strncasecmp(sc->s + at, with, n) == 0;
}

static const struct secret_kind userinfo = { NAME_STRONG, true, false, "userinfo" };

/* `-u name:password` of curl and its like. */
static void user_flag(struct scan *sc, size_t at, size_t len)
{
	size_t p = at + len, colon = 0;

	if (at > 0 && !is_space(sc->s[at - 1]) && !is_quote(sc->s[at - 1]))
		return;
	while (p < sc->n && (is_blank(sc->s[p]) || is_quote(sc->s[p])))
		p++;
	for (; p < sc->n && !is_space(sc->s[p]) && !is_quote(sc->s[p]); p++)
		if (sc->s[p] == ':' && !colon)
			colon = p + 1;
	if (sc->s[at] == 's') /* sshpass: the word itself */
		redact_form_hide(sc, at + len, p, &userinfo);
	else if (colon && redact_looks_secret(sc->s + colon, p - colon))
		redact_form_hide(sc, colon, p, &userinfo);
}

/* A line of .pgpass, host:5432:database:user:password. at: before the port. */
static void pgpass(struct scan *sc, size_t at)
{
	static const struct secret_kind password = { NAME_STRONG, true, false, "password" };
	size_t p = at + 6, colons = 0, end;

	if (!starts(sc, at, ":5432:"))
		return;
	for (; p < sc->n && colons < 2 && !is_space(sc->s[p]); p++)
		colons += sc->s[p] == ':';
	for (end = p; end < sc->n && !is_space(sc->s[end]) && !is_quote(sc->s[end]);)
		end++;
	if (colons == 2)
		redact_form_hide(sc, p, end, &password);
}

static const char *const nameless[] = { "-u ", "--user ", "--user=", "sshpass -p ", ":5432:", NULL };

void redact_form_nameless(struct scan *sc, size_t at, uint32_t index)
{
	const char *form = nameless[index];

	if (at < sc->form_done || !starts(sc, at, form))
		return;
	if (*form == ':')
		pgpass(sc, at);
	else
		user_flag(sc, at, strlen(form));
}

void redact_nameless_needles(struct redactor *r)
{
	for (uint32_t w = 0; nameless[w]; w++)
		redact_needle_add(r, nameless[w], NEEDLE_NAMELESS, w);
}

/* ---- elements -------------------------------------------------------------------------------- */

/* Where "</name" closes what s[name..end) opens, or the end of the line: "password: <password>" is a hint of how to call
 * a program, and what follows it are other lines. */
static size_t element_end(const struct scan *sc, size_t name, size_t end)
{
	size_t len = end - name, most = sc->n - end < ELEMENT_BYTES ? sc->n : end + ELEMENT_BYTES, line = end;

	for (size_t at = end; at + 2 + len <= most; at++) {
		const char *lt = memchr(sc->s + at, '<', most - at - 1 - len);

		if (!lt)
			break;
		at = (size_t)(lt - sc->s);
		if (lt[1] == '/' && strncasecmp(lt + 2, sc->s + name, len) == 0)
			return at;
	}
	while (line < sc->n && sc->s[line] != '\n')
		line++;
	return line;
}

bool redact_form_element(struct scan *sc, size_t name, size_t end, const struct secret_kind *kind)
{
	if (end >= sc->n || sc->s[end] != '>' || name == 0 || sc->s[name - 1] != '<')
		return false;
	redact_form_hide(sc, end + 1, element_end(sc, name, end), kind);
	return true;
}
