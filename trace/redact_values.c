/* SPDX-License-Identifier: Apache-2.0 */
/* Secret values wherever they turn up: raw, URL-encoded, escaped for JSON, a shell, C or HTML (also
 * twice over, also only in part), in hexadecimal, and in base64 at all three alignments. */
#include "trace/redact_internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Values that are no secrets though they stand under a secret name: to hide such a word
 * everywhere would hide the text. */
static const char *const common_words[] = {
	"true", "false", "none", "null", "nil", "undefined", "unset", "default", "enabled", "disabled",
	"enable", "disable", "localhost", "127.0.0.1", "0.0.0.0", "required", "optional", "always",
	"never", "unknown", "public", "private", "secret", "password", "passwd", "token", "cookie",
	"credential", "credentials", "authorization", "basic", "bearer", "redacted", "changeme",
	"production", "development", "staging", "testing", "master", "prompt", "inherit", "system",
	"/dev/null", "/usr/bin", "/bin/sh", "/bin/bash", "/usr/local", NULL,
};

static bool is_common(const char *v, size_t n)
{
	for (size_t i = 0; common_words[i]; i++)
		if (strlen(common_words[i]) == n && strncasecmp(common_words[i], v, n) == 0)
			return true;
	return false;
}

static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The characters of base64(shift zero bytes + value) that no neighbouring byte can change. */
static char *base64_middle(const unsigned char *v, size_t n, unsigned shift, size_t *len)
{
	size_t first = (shift * 8 + 5) / 6, last = (shift + n) * 8 / 6;
	char *out = xmalloc(last - first + 1);

	for (size_t i = first; i < last; i++) {
		unsigned sextet = 0;

		for (unsigned bit = 0; bit < 6; bit++) {
			size_t at = i * 6 + bit - shift * 8;

			sextet = sextet << 1 | (v[at / 8] >> (7 - at % 8) & 1);
		}
		out[i - first] = base64_alphabet[sextet];
	}
	*len = last - first;
	out[*len] = '\0';
	return out;
}

static void value_add(struct redactor *r, const char *label, const char *v, size_t n)
{
	struct secret_value *sv;

	for (size_t i = 0; i < r->value_count; i++)
		if (r->values[i].len == n && memcmp(r->values[i].bytes, v, n) == 0)
			return;
	if ((r->value_count & (r->value_count - 1)) == 0)
		r->values = xreallocarray(r->values, r->value_count ? r->value_count * 2 : 1,
					  sizeof(*r->values));
	sv = &r->values[r->value_count++];
	memset(sv, 0, sizeof(*sv));
	sv->bytes = xmalloc(n);
	memcpy(sv->bytes, v, n);
	sv->len = n;
	memcpy(sv->label, label, LABEL_SIZE);
	if (n > r->longest)
		r->longest = n;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void redact_values_add(struct redactor *r, const char *name, const char *value, size_t min_len)
{
	char label[LABEL_SIZE];
	size_t n = strlen(value);

	/* A value with white space around it is as often printed without. */
	while (n && is_space(*value)) {
		value++;
		n--;
	}
	while (n && is_space(value[n - 1]))
		n--;
	if (n < min_len || is_common(value, n))
		return;
	redact_label_make(label, name, strlen(name));
	value_add(r, label, value, n);
	if (!memchr(value, '\n', n))
		return;
	/* A key in several lines may be printed line by line, indented or prefixed. */
	for (const char *p = value, *end = value + n; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *stop = nl ? nl : end;
		const char *next = nl ? nl + 1 : end;

		while (p < stop && is_space(*p))
			p++;
		while (stop > p && is_space(stop[-1]))
			stop--;
		if (stop - p >= 16 && memcmp(p, "-----", 5) != 0)
			value_add(r, label, p, (size_t)(stop - p));
		p = next;
	}
}

void redact_values_release(struct redactor *r)
{
	for (size_t i = 0; i < r->value_count; i++) {
		struct secret_value *v = &r->values[i];

		explicit_bzero(v->bytes, v->len);
		free(v->bytes);
		for (int a = 0; a < 3; a++) {
			if (v->base64[a])
				explicit_bzero(v->base64[a], v->base64_len[a]);
			free(v->base64[a]);
		}
	}
	free(r->values);
}

bool redact_values_in(const struct redactor *r, const char *s, size_t n)
{
	for (size_t i = 0; i < r->value_count; i++)
		if (memmem(s, n, r->values[i].bytes, r->values[i].len))
			return true;
	return false;
}

static const char hex_digits[] = "0123456789abcdef";

/* First bytes (at most three) of each way to write byte c, after the raw one. */
static size_t encodings_of(unsigned char c, char out[24][4])
{
	size_t n = 0;
	char h = hex_digits[c >> 4], l = hex_digits[c & 15];
	char u = '0'; /* first hex digit of \uXXXX */

	if (c >= 0xf0)
		u = 'd';
	else if (c >= 0xe0)
		u = hex_digits[c & 15];
#define ENC(a, b, d) do { out[n][0] = (a); out[n][1] = (b); out[n][2] = (d); out[n++][3] = '\0'; } while (0)
	ENC('%', h, l);
	ENC('%', '2', '5');
	ENC('\\', 'u', u);
	ENC('\\', 'x', h);
	ENC('\\', '\\', 'u');
	ENC('\\', '\\', 'x');
	ENC('\\', (char)('0' + (c >> 6)), (char)('0' + (c >> 3 & 7)));
	ENC('&', '#', 'x');
	ENC('&', '#', (char)(c >= 100 ? '0' + c / 100 : c >= 10 ? '0' + c / 10 : '0' + c));
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
		return n;
	ENC('\\', (char)c, '\0');
	ENC('\\', '\\', (char)c);
	ENC('\\', '\\', '\\');
	switch (c) {
	case ' ': ENC('+', '\0', '\0'); break;
	case '\n':
		ENC('\r', '\n', '\0'); ENC('\\', 'n', '\0'); ENC('\\', '\\', 'n'); ENC('\\', 'r', '\\');
		break;
	case '\r': ENC('\\', 'r', '\0'); ENC('\\', '\\', 'r'); break;
	case '\t': ENC('\\', 't', '\0'); ENC('\\', '\\', 't'); break;
	case '&': ENC('&', 'a', 'm'); break;
	case '<': ENC('&', 'l', 't'); break;
	case '>': ENC('&', 'g', 't'); break;
	case '"': ENC('&', 'q', 'u'); break;
	case '\'': ENC('&', 'a', 'p'); ENC('\'', '\\', '\''); ENC('\'', '"', '\''); break;
	default: break;
	}
#undef ENC
	return n;
}

static void value_needles(struct redactor *r, uint32_t index, char prefix[8], size_t len, size_t at)
{
	const struct secret_value *v = &r->values[index];
	char enc[24][4];
	size_t n;

	if (len >= 3) {
		redact_needle_add(r, prefix, NEEDLE_VALUE, index);
		return;
	}
	if (at >= v->len)
		return;
	prefix[len] = (char)v->bytes[at];
	value_needles(r, index, prefix, len + 1, at + 1);
	n = encodings_of(v->bytes[at], enc);
	for (size_t i = 0; i < n; i++) {
		size_t m = strlen(enc[i]);

		memcpy(prefix + len, enc[i], m);
		value_needles(r, index, prefix, len + m, at + 1);
	}
}

static void base64_needles(struct redactor *r, uint32_t index, unsigned alignment)
{
	struct secret_value *v = &r->values[index];
	char alt[3][4] = { { 0 } }, key[3];
	size_t counts[3];

	v->base64[alignment] = base64_middle(v->bytes, v->len, alignment, &v->base64_len[alignment]);
	for (int i = 0; i < 3; i++) {
		char c = v->base64[alignment][i];

		counts[i] = 0;
		alt[i][counts[i]++] = c;
		if (c == '+' || c == '/') {
			alt[i][counts[i]++] = c == '+' ? '-' : '_';
			alt[i][counts[i]++] = c == '+' ? '%' : '\\';
			if (c == '/')
				alt[i][counts[i]++] = '%';
		}
	}
	for (size_t a = 0; a < counts[0]; a++)
		for (size_t b = 0; b < counts[1]; b++)
			for (size_t c = 0; c < counts[2]; c++) {
				key[0] = alt[0][a];
				key[1] = alt[1][b];
				key[2] = alt[2][c];
				/* "%2B": its own next bytes are in the key, not the following character */
				if (key[0] == '%') {
					key[1] = '2';
					key[2] = v->base64[alignment][0] == '+' ? 'b' : 'f';
				} else if (key[0] == '\\') {
					key[1] = '/';
				}
				if (key[0] != '%' && key[1] == '%')
					key[2] = '2';
				else if (key[0] != '%' && key[0] != '\\' && key[1] == '\\')
					key[2] = '/';
				redact_needle_add(r, key, NEEDLE_BASE64, index * 3 + alignment);
				if (key[0] == '\\') { /* then the second character is the third byte */
					for (size_t d = 0; d < counts[1]; d++) {
						key[2] = alt[1][d];
						redact_needle_add(r, key, NEEDLE_BASE64, index * 3 + alignment);
					}
				}
			}
	/* broken into lines after the first or the second character */
	for (size_t a = 0; a < counts[0]; a++)
		for (const char *brk = "\r\n\\"; *brk; brk++)
			for (size_t b = 0; b < 4; b++) {
				static const char after[] = { '\n', 'n', 'r', '\0' };

				key[0] = alt[0][a];
				key[1] = *brk;
				key[2] = after[b] ? after[b] : v->base64[alignment][1];
				redact_needle_add(r, key, NEEDLE_BASE64, index * 3 + alignment);
				key[1] = v->base64[alignment][1];
				key[2] = *brk;
				if (b == 0)
					redact_needle_add(r, key, NEEDLE_BASE64, index * 3 + alignment);
			}
}

void redact_values_needles(struct redactor *r)
{
	for (size_t i = 0; i < r->value_count; i++) {
		const unsigned char *v = r->values[i].bytes;
		char prefix[8], hex[4];

		value_needles(r, (uint32_t)i, prefix, 0, 0);
		hex[0] = hex_digits[v[0] >> 4];
		hex[1] = hex_digits[v[0] & 15];
		hex[2] = hex_digits[v[1] >> 4];
		redact_needle_add(r, hex, NEEDLE_HEX, (uint32_t)i);
		for (unsigned a = 0; a < 3; a++)
			base64_needles(r, (uint32_t)i, a);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number written by `digits` hexadecimal digits, or -1. */
static int hex_number(const char *s, size_t n, size_t at, size_t digits)
{
	int v = 0;

	if (digits > n || at > n - digits)
		return -1;
	for (size_t i = 0; i < digits; i++) {
		int h = hex_value(s[at + i]);

		if (h < 0)
			return -1;
		v = v << 4 | h;
	}
	return v;
}

/* Positions that the text can have reached after some bytes of the value: encoders are
 * ambiguous ("%25" is "%25" raw or "%"), so several are followed at once. */
#define FRONT_MAX 8
struct front {
	size_t at[FRONT_MAX], n;
};

static void front_add(struct front *f, size_t at)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->at[i] == at)
			return;
	if (f->n < FRONT_MAX)
		f->at[f->n++] = at;
}

static void step_percent(const char *s, size_t n, size_t p, unsigned char c, struct front *to)
{
	size_t q = p + 1;

	for (int depth = 0; depth < 4; depth++) {
		if (hex_number(s, n, q, 2) == c)
			front_add(to, q + 2);
		if (n - q < 2 || s[q] != '2' || s[q + 1] != '5')
			return;
		q += 2;
	}
}

/* p stands on a backslash. lead: the code point of which c is the first byte, with its length. */
static void step_backslash(const char *s, size_t n, size_t p, unsigned char c, unsigned lead,
			   size_t lead_len, struct front to[4])
{
	static const char shorts[] = "n\nr\rt\tb\bf\fv\va\ae\033";
	size_t q = p;

	while (q < n && s[q] == '\\' && q - p < 16)
		q++;
	if (c == '\\') { /* n backslashes may stand for one */
		front_add(&to[0], p + 2 <= q ? p + 2 : q);
		front_add(&to[0], p + 4 <= q ? p + 4 : q);
		front_add(&to[0], q);
	}
	if (q >= n)
		return;
	if ((unsigned char)s[q] == c)
		front_add(&to[0], q + 1);
	for (size_t i = 0; i < sizeof(shorts) - 1; i += 2)
		if (s[q] == shorts[i] && (unsigned char)shorts[i + 1] == c)
			front_add(&to[0], q + 1);
	if (c == '\n' && s[q] == 'r') { /* \r\n */
		size_t z = q + 1;

		while (z < n && s[z] == '\\')
			z++;
		if (z > q + 1 && z < n && s[z] == 'n')
			front_add(&to[0], z + 1);
	}
	if (s[q] == 'x' && hex_number(s, n, q + 1, 2) == c)
		front_add(&to[0], q + 3);
	if (n - q >= 3 && s[q] == '0' + (c >> 6) && s[q + 1] == '0' + (c >> 3 & 7) && s[q + 2] == '0' + (c & 7))
		front_add(&to[0], q + 3);
	if (s[q] != 'u' || !lead_len)
		return;
	if (lead < 0x10000 && hex_number(s, n, q + 1, 4) == (int)lead) {
		front_add(&to[lead_len - 1], q + 5);
	} else if (lead >= 0x10000 && hex_number(s, n, q + 1, 4) == (int)(0xd7c0 + (lead >> 10))) {
		size_t z = q + 5;

		while (z < n && s[z] == '\\')
			z++;
		if (z < n && s[z] == 'u' && hex_number(s, n, z + 1, 4) == (int)(0xdc00 | (lead & 0x3ff)))
			front_add(&to[lead_len - 1], z + 5);
	}
}

static void step_entity(const char *s, size_t n, size_t p, unsigned char c, struct front *to)
{
	static const struct { const char *text; char c; } names[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' },
	};
	unsigned v = 0;
	size_t q = p + 2;
	bool hex = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t m = strlen(names[i].text);

		if (names[i].c == (char)c && m <= n - p && memcmp(s + p, names[i].text, m) == 0)
			front_add(to, p + m);
	}
	if (n - p < 4 || s[p + 1] != '#')
		return;
	if (s[q] == 'x' || s[q] == 'X') {
		hex = true;
		q++;
	}
	for (; q < n && s[q] != ';' && v < 0x10000; q++) {
		int h = hex_value(s[q]);

		if (h < 0 || (!hex && h > 9))
			return;
		v = v * (hex ? 16 : 10) + (unsigned)h;
	}
	if (q < n && s[q] == ';' && v == c)
		front_add(to, q + 1);
}

/* The code point that begins at v[0..n), 0 length if it is none. */
static size_t utf8_lead(const unsigned char *v, size_t n, unsigned *cp)
{
	size_t len = v[0] < 0x80 ? 1 : v[0] >= 0xf0 ? 4 : v[0] >= 0xe0 ? 3 : v[0] >= 0xc0 ? 2 : 0;

	if (!len || len > n)
		return 0;
	*cp = len == 1 ? v[0] : v[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((v[i] & 0xc0) != 0x80)
			return 0;
		*cp = *cp << 6 | (v[i] & 0x3f);
	}
	return len;
}

/* Length of v[0..len), written in any way, at s[at..n); 0: it is not there. */
static size_t value_match(const char *s, size_t n, size_t at, const unsigned char *v, size_t len)
{
	struct front ring[5]; /* ring[0]: before v[i]; ring[k]: reached for v[i + k] */
	size_t best = 0;

	memset(ring, 0, sizeof(ring));
	front_add(&ring[0], at);
	for (size_t i = 0; i < len; i++) {
		unsigned cp = 0;
		size_t cp_len = utf8_lead(v + i, len - i, &cp);
		bool alive = false;

		for (size_t k = 0; k < ring[0].n; k++) {
			size_t p = ring[0].at[k];

			if (p >= n)
				continue;
			if ((unsigned char)s[p] == v[i])
				front_add(&ring[1], p + 1);
			if (s[p] == '%')
				step_percent(s, n, p, v[i], &ring[1]);
			else if (s[p] == '\\')
				step_backslash(s, n, p, v[i], cp, cp_len, &ring[1]);
			else if (s[p] == '&')
				step_entity(s, n, p, v[i], &ring[1]);
			else if (s[p] == '+' && v[i] == ' ')
				front_add(&ring[1], p + 1);
			else if (s[p] == '\r' && v[i] == '\n' && p + 1 < n && s[p + 1] == '\n')
				front_add(&ring[1], p + 2);
			if (v[i] == '\'' && s[p] == '\'' && n - p >= 4 && memcmp(s + p, "'\\''", 4) == 0)
				front_add(&ring[1], p + 4);
			if (v[i] == '\'' && s[p] == '\'' && n - p >= 5 && memcmp(s + p, "'\"'\"'", 5) == 0)
				front_add(&ring[1], p + 5);
		}
		memmove(&ring[0], &ring[1], 4 * sizeof(ring[0]));
		ring[4].n = 0;
		for (int k = 0; k < 5; k++)
			alive |= ring[k].n != 0;
		if (!alive)
			return 0;
	}
	for (size_t k = 0; k < ring[0].n; k++)
		if (ring[0].at[k] - at > best)
			best = ring[0].at[k] - at;
	return best;
}

void redact_value_found(struct scan *sc, size_t at, uint32_t index)
{
	const struct secret_value *v = &sc->r->values[index];
	size_t len = value_match(sc->s, sc->n, at, v->bytes, v->len);

	if (len)
		redact_scan_add(sc, at, at + len, v->label);
}

void redact_value_found_hex(struct scan *sc, size_t at, uint32_t index)
{
	const struct secret_value *v = &sc->r->values[index];

	if (v->len > (sc->n - at) / 2)
		return;
	for (size_t i = 0; i < v->len; i++)
		if (hex_number(sc->s, sc->n, at + 2 * i, 2) != v->bytes[i])
			return;
	redact_scan_add(sc, at, at + 2 * v->len, v->label);
}

/* Bytes that the base64 character c takes at s[at..n), 0: it is not there. */
static size_t base64_step(const char *s, size_t n, size_t at, char c)
{
	if (at >= n)
		return 0;
	if (s[at] == c)
		return 1;
	if (c == '+')
		return s[at] == '-'							   ? 1
		       : n - at >= 3 && s[at] == '%' && hex_number(s, n, at + 1, 2) == '+' ? 3
											   : 0;
	if (c != '/')
		return 0;
	if (s[at] == '_')
		return 1;
	if (n - at >= 3 && s[at] == '%' && hex_number(s, n, at + 1, 2) == '/')
		return 3;
	return n - at >= 2 && s[at] == '\\' && s[at + 1] == '/' ? 2 : 0;
}

/* Line breaks, raw or escaped, that a wrapping encoder puts between characters. */
static size_t base64_break(const char *s, size_t n, size_t at)
{
	size_t p = at;

	while (p < n) {
		if (s[p] == '\r' || s[p] == '\n')
			p++;
		else if (n - p >= 2 && s[p] == '\\' && (s[p + 1] == 'n' || s[p + 1] == 'r'))
			p += 2;
		else
			break;
	}
	return p > at ? p - at : 0;
}

static size_t base64_match(const char *s, size_t n, size_t at, const char *mid, size_t len)
{
	size_t p = at;

	for (size_t i = 0; i < len; i++) {
		size_t took = base64_step(s, n, p, mid[i]);

		if (!took && i > 0) {
			p += base64_break(s, n, p);
			took = base64_step(s, n, p, mid[i]);
		}
		if (!took)
			return 0;
		p += took;
	}
	return p - at;
}

static bool is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
	       c == '/' || c == '-' || c == '_';
}

static void base64_extend(struct scan *sc, size_t at, size_t len, const char *label)
{
	size_t from = at, to = at + len;

	while (from > sc->base64_done && is_base64(sc->s[from - 1]))
		from--;
	while (to < sc->n && is_base64(sc->s[to]))
		to++;
	while (to < sc->n && sc->s[to] == '=')
		to++;
	redact_scan_add(sc, from, to, label);
	sc->base64_done = to;
}

void redact_value_found_base64(struct scan *sc, size_t at, uint32_t index)
{
	const struct secret_value *v = &sc->r->values[index / 3];
	size_t len;

	if (at < sc->base64_done && sc->base64_done - at > v->base64_len[index % 3] * 3 + 64)
		return; /* deep inside a run that is hidden already */
	len = base64_match(sc->s, sc->n, at, v->base64[index % 3], v->base64_len[index % 3]);
	if (len && at + len > sc->base64_done)
		base64_extend(sc, at, len, v->label);
}

void redact_values_cut_at_start(struct scan *sc)
{
	for (size_t i = 0; i < sc->r->value_count; i++) {
		const struct secret_value *v = &sc->r->values[i];

		for (size_t k = 1; k + 4 <= v->len; k++) {
			size_t len = value_match(sc->s, sc->n, 0, v->bytes + k, v->len - k);

			if (len)
				redact_scan_add(sc, 0, len, v->label);
		}
		for (int a = 0; a < 3; a++)
			for (size_t k = 1; v->base64[a] && k + 5 <= v->base64_len[a]; k++) {
				size_t len = base64_match(sc->s, sc->n, 0, v->base64[a] + k,
							  v->base64_len[a] - k);

				if (len)
					base64_extend(sc, 0, len, v->label);
			}
		for (size_t k = 1; 2 * k + 8 <= 2 * v->len; k++) {
			size_t m = v->len - k, j = 0;

			while (j < m && hex_number(sc->s, sc->n, 2 * j, 2) == v->bytes[k + j])
				j++;
			if (j == m)
				redact_scan_add(sc, 0, 2 * m, v->label);
		}
	}
}
