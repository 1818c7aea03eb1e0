/* SPDX-License-Identifier: Apache-2.0 */
/* Forms in which a secret stands without its name: `curl -u`, `sshpass -p`, a line of .pgpass. */
#include "trace/redact_internal.h"

#include <string.h>
#include <strings.h>

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
