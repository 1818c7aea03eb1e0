/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets that are known by their shape, whatever name they stand under (contract 7). */
#include "trace/redact_internal.h"

#include <string.h>
#include <strings.h>

enum charset {
	ALNUM,
	ALNUM_BAR /* and _ */,
	ALNUM_DASH /* and _ - */,
	UPPER /* A-Z 0-9 */,
	TOKEN_CHARS /* . _ ~ + / = - */
};

struct shape {
	const char *prefix; /* at least three bytes; exact case unless `any_case` */
	const char *label;
	enum charset charset;
	unsigned min;       /* characters of the set that must follow */
	bool apart;         /* no letter or digit may stand before it */
	bool any_case;
	unsigned dots;      /* so many further parts, each behind a dot, must follow (JWT) */
};

static const struct shape shapes[] = {
	{ "ghp_", "github", ALNUM, 16, false, false, 0 },
	{ "gho_", "github", ALNUM, 16, false, false, 0 },
	{ "ghs_", "github", ALNUM_DASH, 20, false, false, 0 },
	{ "ghu_", "github", ALNUM, 16, false, false, 0 },
	{ "ghr_", "github", ALNUM, 16, false, false, 0 },
	{ "github_pat_", "github", ALNUM_BAR, 16, false, false, 0 },
	{ "glpat-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "gldt-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "glrt-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "glrtr-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "glcbt-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "glptt-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "glft-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "glimt-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "glagent-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "glsoat-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "gloas-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "glffct-", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "GR1348941", "gitlab", ALNUM_DASH, 16, false, false, 0 },
	{ "AKIA", "aws", UPPER, 12, true, false, 0 },
	{ "ASIA", "aws", UPPER, 12, true, false, 0 },
	{ "ABIA", "aws", UPPER, 16, true, false, 0 },
	{ "ACCA", "aws", UPPER, 16, true, false, 0 },
	{ "xoxa-", "slack", ALNUM_DASH, 8, false, false, 0 },
	{ "xoxb-", "slack", ALNUM_DASH, 8, false, false, 0 },
	{ "xoxc-", "slack", ALNUM_DASH, 8, false, false, 0 },
	{ "xoxd-", "slack", TOKEN_CHARS, 8, false, false, 0 },
	{ "xoxe-", "slack", ALNUM_DASH, 8, false, false, 0 },
	{ "xoxe.", "slack", TOKEN_CHARS, 8, false, false, 0 },
	{ "xoxo-", "slack", ALNUM_DASH, 8, false, false, 0 },
	{ "xoxp-", "slack", ALNUM_DASH, 8, false, false, 0 },
	{ "xoxr-", "slack", ALNUM_DASH, 8, false, false, 0 },
	{ "xoxs-", "slack", ALNUM_DASH, 8, false, false, 0 },
	{ "xapp-", "slack", ALNUM_DASH, 8, false, false, 0 },
	{ "hooks.slack.com/services/", "slack", TOKEN_CHARS, 8, false, false, 0 },
	{ "npm_", "npm", ALNUM, 20, false, false, 0 },
	{ "eyJ", "jwt", ALNUM_DASH, 8, false, false, 1 },
	{ "AIza", "google", ALNUM_DASH, 30, false, false, 0 },
	{ "sk_live_", "stripe", ALNUM, 10, false, false, 0 },
	{ "sk_test_", "stripe", ALNUM, 10, false, false, 0 },
	{ "rk_live_", "stripe", ALNUM, 10, false, false, 0 },
	{ "pypi-AgE", "pypi", ALNUM_DASH, 30, false, false, 0 },
	{ "dop_v1_", "digitalocean", ALNUM, 40, false, false, 0 },
	{ "hf_", "huggingface", ALNUM, 30, true, false, 0 },
	{ "bearer ", "bearer", TOKEN_CHARS, 16, true, true, 0 },
};

static bool in_charset(char c, enum charset set)
{
	bool upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9', lower = c >= 'a' && c <= 'z';

	if (upper || digit)
		return true;
	if (set == UPPER)
		return false;
	if (lower)
		return true;
	switch (set) {
	case ALNUM_BAR: return c == '_';
	case ALNUM_DASH: return c == '_' || c == '-';
	case TOKEN_CHARS: return c != '\0' && strchr("._~+/=-%", c) != NULL;
	default: return false;
	}
}

/* Runs are remembered: a long one that holds many prefixes is walked once. */
static size_t run_end(struct scan *sc, size_t at, enum charset set)
{
	size_t end = at;

	if (at >= sc->run_from[set] && at <= sc->run_to[set] && sc->run_to[set])
		return sc->run_to[set];
	while (end < sc->n && in_charset(sc->s[end], set))
		end++;
	sc->run_from[set] = at;
	sc->run_to[set] = end;
	return end;
}

void redact_shape_found(struct scan *sc, size_t at, uint32_t index)
{
	const struct shape *sh = &shapes[index];
	size_t n = strlen(sh->prefix), end, from = at;

	if (n > sc->n - at)
		return;
	if (sh->any_case ? strncasecmp(sc->s + at, sh->prefix, n) != 0 : memcmp(sc->s + at, sh->prefix, n) != 0)
		return;
	if (sh->apart && at > 0 && in_charset(sc->s[at - 1], ALNUM))
		return;
	end = run_end(sc, at + n, sh->charset);
	if (end - at - n < sh->min)
		return;
	if (sh->dots) {
		size_t part = end;

		for (unsigned dots = 0; part < sc->n && sc->s[part] == '.' && dots < 5; dots++) {
			end = run_end(sc, part + 1, sh->charset);
			if (dots == 0 && end - part < 4)
				return;
			part = end;
		}
		if (part == at + n || !memchr(sc->s + at, '.', end - at))
			return;
	}
	if (sh->any_case || n > 20)
		from += n; /* "Bearer " and the host name say nothing secret */
	redact_scan_add(sc, from, end, sh->label);
}

static bool ends_url(char c)
{
	return (unsigned char)c <= ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' || c == '|' ||
	       c == '\\' || c == '{' || c == '}';
}

/* scheme://user:pass@host. All between "://" and '@' is hidden: which of the two is the secret
 * differs from service to service. A lone "git@" is no secret. */
static void userinfo(struct scan *sc, size_t from)
{
	size_t p, at = 0, path = 0;
	bool colon = false, digits = true;

	for (p = from; p < sc->n && !ends_url(sc->s[p]); p++) {
		char c = sc->s[p];

		if (!path && (c == '/' || c == '?' || c == '#')) {
			path = p;
			/* a port, or a password with such a character in it? */
			if (!at && !(colon && !digits))
				break;
		}
		if (c == '@' && p > from)
			at = p;
		else if (!at && !path && colon && (c < '0' || c > '9'))
			digits = false;
		if (c == ':')
			colon = true;
	}
	if (at > sc->url_done)
		sc->url_done = at;
	else if (p >= sc->n || ends_url(sc->s[p]))
		sc->url_done = p; /* no userinfo up to there, wherever the next "://" stands */
	if (!at || (at - from == 3 && memcmp(sc->s + from, "git", 3) == 0))
		return;
	redact_scan_add(sc, from, at, "userinfo");
}

static void userinfo_encoded(struct scan *sc, size_t from)
{
	size_t p, at = 0;

	for (p = from; p < sc->n && !ends_url(sc->s[p]) && sc->s[p] != '&'; p++) {
		if (sc->s[p] != '%' || sc->n - p < 3)
			continue;
		if (sc->s[p + 1] == '4' && sc->s[p + 2] == '0')
			at = p;
		else if (sc->s[p + 1] == '2' && (sc->s[p + 2] | 0x20) == 'f')
			break;
	}
	sc->url_done = p;
	if (at > from)
		redact_scan_add(sc, from, at, "userinfo");
}

/* at: ':' of "://" or ":\/\/", or '%' of "%3A%2F%2F". */
void redact_url_found(struct scan *sc, size_t at)
{
	const char *s = sc->s + at;
	size_t n = sc->n - at;

	if (at < sc->url_done)
		return;
	if (n >= 3 && memcmp(s, "://", 3) == 0)
		userinfo(sc, at + 3);
	else if (n >= 5 && memcmp(s, ":\\/\\/", 5) == 0)
		userinfo(sc, at + 5);
	else if (n >= 9 && strncasecmp(s, "%3a%2f%2f", 9) == 0)
		userinfo_encoded(sc, at + 9);
}

static bool is_armour(char c)
{
	return in_charset(c, TOKEN_CHARS) || (unsigned char)c <= ' ' || c == '\\' || c == ':' || c == ',';
}

/* "-----BEGIN … PRIVATE KEY-----" to its end. An end without a beginning is what is left of a
 * key whose first lines were cut off. */
void redact_pem_found(struct scan *sc, size_t at)
{
	const char *s = sc->s + at;
	size_t n = sc->n - at, line = n < 80 ? n : 80;
	const char *hit;
	size_t end;

	if (at < sc->pem_done || n < 20 || memcmp(s, "-----", 5) != 0)
		return;
	if (memcmp(s + 5, "BEGIN ", 6) == 0) {
		hit = memmem(s + 11, line - 11, "PRIVATE KEY", 11);
		if (!hit || memchr(s, '\n', (size_t)(hit - s)))
			return;
		hit = memmem(hit, n - (size_t)(hit - s), "-----END ", 9);
		end = hit ? (size_t)(hit - sc->s) + 9 : sc->n;
		while (end < sc->n && sc->s[end] != '-' && sc->s[end] != '\n')
			end++;
		while (end < sc->n && sc->s[end] == '-')
			end++;
		redact_scan_add(sc, at, end, "pem");
		sc->pem_done = end;
	} else if (memcmp(s + 5, "END ", 4) == 0) {
		hit = memmem(s + 9, line - 9, "PRIVATE KEY", 11);
		if (!hit || memchr(s, '\n', (size_t)(hit - s)))
			return;
		end = (size_t)(hit - sc->s) + 11;
		while (end < sc->n && sc->s[end] != '-' && sc->s[end] != '\n')
			end++;
		while (end < sc->n && sc->s[end] == '-')
			end++;
		while (at > sc->pem_done && is_armour(sc->s[at - 1]))
			at--;
		redact_scan_add(sc, at, end, "pem");
		sc->pem_done = end;
	}
}

size_t redact_marker_length(const struct redactor *r, const char *s, size_t n)
{
	static const char open[] = "<redacted:";
	size_t m = sizeof(open) - 1, p = m;

	if (n < m + 2 || memcmp(s, open, m) != 0)
		return 0;
	while (p < n && p - m < LABEL_SIZE && (in_charset(s[p], ALNUM_DASH) || s[p] == '.'))
		p++;
	if (p == m || p >= n || s[p] != '>' || p - m > LABEL_SIZE - 1)
		return 0;
	/* what only looks like a marker may not hide a secret in its label */
	if (r->value_count && redact_values_in(r, s + m, p - m))
		return 0;
	return p + 1;
}

void redact_shapes_needles(struct redactor *r)
{
	for (uint32_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
		redact_needle_add(r, shapes[i].prefix, NEEDLE_SHAPE, i);
	redact_needle_add(r, "://", NEEDLE_URL, 0);
	redact_needle_add(r, ":\\/", NEEDLE_URL, 0);
	redact_needle_add(r, "%3a", NEEDLE_URL, 0);
	redact_needle_add(r, "---", NEEDLE_PEM, 0);
	redact_needle_add(r, "<re", NEEDLE_MARKER, 0);
}
