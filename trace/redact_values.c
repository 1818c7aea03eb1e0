/* SPDX-License-Identifier: Apache-2.0 */
/* Secret values wherever they turn up: raw, URL-encoded, escaped for JSON, a shell, C or HTML (also
 * twice over, also only in part), in UTF-16, with colours or line breaks inside, in hexadecimal, in base64
 * (once or twice, at all three alignments) and in base32.
 *
 * What is looked for stands in three sorted dictionaries (redact_dict.c): the values, what of their base64
 * no neighbouring byte can change, and the same of base32. Needles are the first three characters of every
 * entry in every spelling; where all of them are plain, a second test of more characters comes first. */
#include "trace/redact_internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- values -------------------------------------------------------------------------------- */

static void value_add(struct redactor *r, const char *label, const char *v, size_t n)
{
	struct secret_value *sv;

	if (r->value_count == r->value_cap) {
		r->value_cap = r->value_cap ? r->value_cap * 2 : 16;
		r->values = xreallocarray(r->values, r->value_cap, sizeof(*r->values));
	}
	sv = &r->values[r->value_count++];
	sv->bytes = xmalloc(n);
	memcpy(sv->bytes, v, n);
	sv->len = n;
	memcpy(sv->label, label, LABEL_SIZE);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

void redact_values_add(struct redactor *r, const char *name, const char *value, size_t n, size_t min_len)
{
	char label[LABEL_SIZE];

	/* A value with white space around it is as often printed without. */
	while (n && is_space(*value)) {
		value++;
		n--;
	}
	while (n && is_space(value[n - 1]))
		n--;
	if (n < min_len || redact_is_plain_word(value, n) || n > UINT32_MAX / 4)
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
	redact_values_forget(r);
	for (size_t i = 0; i < r->value_count; i++) {
		explicit_bzero(r->values[i].bytes, r->values[i].len);
		free(r->values[i].bytes);
	}
	free(r->values);
}

/* ---- dictionaries -------------------------------------------------------------------------- */

static const char hex_digits[] = "0123456789abcdef";
static const char base64_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base32_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* The characters of base64 (bits 6) or base32 (bits 5) of `shift` unknown bytes and v that no
 * neighbouring byte can change. */
static unsigned char *base_middle(const unsigned char *v, size_t n, size_t shift, size_t bits, size_t *len)
{
	const char *alphabet = bits == 6 ? base64_alphabet : base32_alphabet;
	size_t first = (shift * 8 + bits - 1) / bits, last = (shift + n) * 8 / bits;
	unsigned char *out = xmalloc(last - first + 1);

	for (size_t i = first; i < last; i++) {
		unsigned digit = 0;

		for (size_t bit = 0; bit < bits; bit++) {
			size_t at = i * bits + bit - shift * 8;

			digit = digit << 1 | (v[at / 8] >> (7 - at % 8) & 1);
		}
		out[i - first] = (unsigned char)alphabet[digit];
	}
	*len = last - first;
	return out;
}

#define BASE_MIN_CHARS 6 /* shorter ones turn up by chance */

static void base64_add(struct redactor *r, const unsigned char *v, size_t n, uint32_t value, bool twice)
{
	for (size_t shift = 0; shift < 3; shift++) {
		size_t len;
		unsigned char *mid = base_middle(v, n, shift, 6, &len);

		if (twice && len >= 2 * BASE_MIN_CHARS)
			base64_add(r, mid, len, value, false);
		if (len >= BASE_MIN_CHARS)
			redact_dict_add(&r->base64, mid, len, value);
		else
			free(mid);
	}
}

static void base32_add(struct redactor *r, const unsigned char *v, size_t n, uint32_t value)
{
	for (size_t shift = 0; shift < 5; shift++) {
		size_t len;
		unsigned char *mid = base_middle(v, n, shift, 5, &len);

		if (len >= BASE_MIN_CHARS + 3)
			redact_dict_add(&r->base32, mid, len, value);
		else
			free(mid);
	}
}

static void dictionaries_make(struct redactor *r)
{
	r->base64.owns = r->base32.owns = true;
	for (uint32_t i = 0; i < r->value_count; i++)
		redact_dict_add(&r->texts, r->values[i].bytes, r->values[i].len, i);
	redact_dict_sort(&r->texts);
	for (size_t i = 0; i < r->texts.n; i++) {
		const struct dict_entry *en = &r->texts.v[i];

		base64_add(r, en->bytes, en->len, en->value, true);
		base32_add(r, en->bytes, en->len, en->value);
	}
	redact_dict_sort(&r->base64);
	redact_dict_sort(&r->base32);
}

void redact_values_forget(struct redactor *r)
{
	redact_dict_release(&r->texts);
	redact_dict_release(&r->base64);
	redact_dict_release(&r->base32);
	free(r->begins);
	r->begins = NULL;
}

/* ---- the first bytes of all entries -------------------------------------------------------- */

#define BEGIN_MAX 6

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* What a character can be at the beginning of an entry in a writing. */
enum begin_class { BEGIN_NEVER, BEGIN_PLAIN /* itself alone */, BEGIN_OPEN /* an escape, a filler, a gap */ };

static enum begin_class begin_class(enum needle_kind kind, char c)
{
	switch (kind) {
	case NEEDLE_HEX:
		if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f'))
			return BEGIN_PLAIN;
		return c && strchr(" :,-_\n\r\txX", c) ? BEGIN_OPEN : BEGIN_NEVER;
	case NEEDLE_BASE64:
		if (is_alnum(c))
			return BEGIN_PLAIN;
		if (c && strchr("+/-_", c))
			return BEGIN_PLAIN;
		return c && strchr("%\\\n\r", c) ? BEGIN_OPEN : BEGIN_NEVER;
	case NEEDLE_BASE32:
		if (is_alnum(c))
			return BEGIN_PLAIN;
		return c && strchr("\\\n\r", c) ? BEGIN_OPEN : BEGIN_NEVER;
	default:
		return !c || strchr("%\\&+'\"\n\r\033", c) ? BEGIN_OPEN : BEGIN_PLAIN;
	}
}

/* One table a kind: the pass asks for most bytes of a text when there are thousands of values. */
static unsigned char begin_classes[4][256];

static const unsigned char *classes_of(enum needle_kind kind)
{
	return begin_classes[kind - NEEDLE_VALUE];
}

static void classes_make(void)
{
	for (int k = 0; k < 4; k++)
		for (int c = 0; c < 256; c++)
			begin_classes[k][c] = (unsigned char)begin_class(NEEDLE_VALUE + (enum needle_kind)k, (char)c);
}

static inline uint32_t begin_hash(enum needle_kind kind, const char *s, size_t n)
{
	uint32_t h = 2166136261u + (uint32_t)kind;

	for (size_t i = 0; i < n; i++) {
		char c = kind != NEEDLE_BASE64 ? s[i] : s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i];

		h = (h ^ fold(c)) * 16777619u;
	}
	return h ^ h >> 15;
}

static void begin_add(struct redactor *r, enum needle_kind kind, const unsigned char *bytes)
{
	uint32_t h = begin_hash(kind, (const char *)bytes, r->begins_len) & r->begins_mask;

	r->begins[h / 64] |= UINT64_C(1) << (h % 64);
}

static void begins_make(struct redactor *r)
{
	size_t all = 2 * r->texts.n + r->base64.n + r->base32.n, bits = 1024;

	classes_make();
	while (bits < all * 16 && bits < (size_t)1 << 25)
		bits *= 2;
	r->begins = xcalloc(bits / 64, sizeof(*r->begins));
	r->begins_mask = (uint32_t)bits - 1;
	r->begins_len = BEGIN_MAX;
	for (size_t i = 0; i < r->texts.n; i++)
		if (r->texts.v[i].len < r->begins_len)
			r->begins_len = r->texts.v[i].len;
	if (r->base64.n && r->begins_len > BASE_MIN_CHARS)
		r->begins_len = BASE_MIN_CHARS;
	for (size_t i = 0; i < r->texts.n; i++) {
		unsigned char hex[BEGIN_MAX];

		begin_add(r, NEEDLE_VALUE, r->texts.v[i].bytes);
		for (size_t k = 0; k < r->begins_len; k++)
			hex[k] = (unsigned char)hex_digits[r->texts.v[i].bytes[k / 2] >> (k % 2 ? 0 : 4) & 15];
		begin_add(r, NEEDLE_HEX, hex);
	}
	for (size_t i = 0; i < r->base64.n; i++)
		begin_add(r, NEEDLE_BASE64, r->base64.v[i].bytes);
	for (size_t i = 0; i < r->base32.n; i++)
		begin_add(r, NEEDLE_BASE32, r->base32.v[i].bytes);
}

/* Plain characters can only be an entry's own: does any begin so? */
static bool may_begin(const struct redactor *r, enum needle_kind kind, const char *s, size_t n)
{
	const unsigned char *classes = classes_of(kind);
	uint32_t h;

	if (n < r->begins_len)
		return true;
	for (size_t i = 0; i < r->begins_len; i++)
		if (classes[(unsigned char)s[i]] != BEGIN_PLAIN)
			return classes[(unsigned char)s[i]] == BEGIN_OPEN;
	h = begin_hash(kind, s, r->begins_len) & r->begins_mask;
	return r->begins[h / 64] >> (h % 64) & 1;
}

/* ---- needles ------------------------------------------------------------------------------- */


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

/* The spellings of a character of base64: url-safe, percent-encoded, with JSON's slash. */
static size_t spellings_of_base(unsigned char c, char out[25][4])
{
	out[0][0] = (char)c;
	out[0][1] = '\0';
	if (c == '+') {
		memcpy(out[1], "-", 2);
		memcpy(out[2], "%2b", 4);
		return 3;
	}
	if (c == '/') {
		memcpy(out[1], "_", 2);
		memcpy(out[2], "%2f", 4);
		memcpy(out[3], "\\/", 3);
		return 4;
	}
	return 1;
}

static size_t spellings_of_text(unsigned char c, char out[25][4])
{
	size_t n;

	out[0][0] = (char)c;
	out[0][1] = '\0';
	n = encodings_of(c, out + 1);
	return c ? n + 1 : n;
}

/* What may stand between two characters of an entry. */
static const char *const breaks_of_base[] = { "\n", "\r\n", "\\n", "\\r", NULL };
static const char *const breaks_of_text[] = {
	"\n", "\r\n", "\\\n", "\\n", "\033[", "\\u0", "\\x1", "\\03", "\\e[", "\"", "'", "\" ", "\"+", "\"\"", "\"\n",
	"\".", "\"\\", "\"\r", "\"\t", "' ", "'+", "''", "'\n", "'.", "'\\", "'\r", "'\t", NULL,
};

struct spelling {
	struct redactor *r;
	enum needle_kind kind;
	const unsigned char *bytes;
	size_t len;
	size_t (*spell)(unsigned char c, char out[25][4]);
	const char *const *breaks;
};

/* Adds the first three characters of every way to write the entry. prefix: `n` characters that
 * stand already, for its first `at` bytes. */
static void spell_needles(const struct spelling *sp, char prefix[12], size_t n, size_t at)
{
	char ways[25][4];
	size_t count;

	if (n >= 3) {
		redact_needle_add(sp->r, prefix, sp->kind, 0);
		return;
	}
	if (at >= sp->len)
		return;
	count = sp->spell(sp->bytes[at], ways);
	for (size_t i = 0; i < count; i++) {
		size_t m = strlen(ways[i]);

		memcpy(prefix + n, ways[i], m);
		spell_needles(sp, prefix, n + m, at + 1);
	}
	for (size_t i = 0; at > 0 && n < 3 && sp->breaks[i]; i++) {
		size_t m = strlen(sp->breaks[i]);

		memcpy(prefix + n, sp->breaks[i], m);
		if (n + m >= 3 || i == 0) /* after one character a line break may be all there is room for */
			spell_needles(sp, prefix, n + m, at);
	}
}

/* In either order of bytes the first character of a value has a zero between it and the second. */
static void utf16_needles(struct redactor *r, const unsigned char *v)
{
	const char key[3] = { (char)v[0], '\0', (char)v[1] };

	redact_needle_add(r, key, NEEDLE_VALUE, 0);
}

static void hex_needles(struct redactor *r, const unsigned char *v)
{
	char key[3] = { hex_digits[v[0] >> 4], hex_digits[v[0] & 15], hex_digits[v[1] >> 4] };

	redact_needle_add(r, key, NEEDLE_HEX, 0);
	for (const char *between = " :,-_\n\r\t"; *between; between++) {
		key[2] = *between;
		redact_needle_add(r, key, NEEDLE_HEX, 0);
	}
}

void redact_values_needles(struct redactor *r)
{
	struct spelling sp = { .r = r, .kind = NEEDLE_VALUE, .spell = spellings_of_text, .breaks = breaks_of_text };
	char prefix[12];

	dictionaries_make(r);
	begins_make(r);
	for (size_t i = 0; i < r->texts.n; i++) {
		sp.bytes = r->texts.v[i].bytes;
		sp.len = r->texts.v[i].len;
		spell_needles(&sp, prefix, 0, 0);
		utf16_needles(r, sp.bytes);
		hex_needles(r, sp.bytes);
	}
	sp.spell = spellings_of_base;
	sp.breaks = breaks_of_base;
	for (int k = 0; k < 2; k++) {
		const struct dict *d = k ? &r->base32 : &r->base64;

		sp.kind = k ? NEEDLE_BASE32 : NEEDLE_BASE64;
		for (size_t i = 0; i < d->n; i++) {
			sp.bytes = d->v[i].bytes;
			sp.len = d->v[i].len;
			spell_needles(&sp, prefix, 0, 0);
		}
	}
}

/* ---- what is found ------------------------------------------------------------------------- */

bool redact_values_in(const struct redactor *r, const char *s, size_t n)
{
	uint32_t value;

	for (size_t at = 0; at < n; at++)
		if (may_begin(r, NEEDLE_VALUE, s + at, n - at) &&
		    redact_dict_match(&r->texts, WRITING_TEXT, s, n, at, false, &value))
			return true;
	return false;
}

static bool is_base64(char c)
{
	return is_alnum(c) || c == '+' || c == '/' || c == '-' || c == '_';
}

/* The characters beside those of a value hold its first and last bits. */
static void base_extend(struct scan *sc, size_t from, size_t to, const char *label)
{
	while (from > sc->base64_done && is_base64(sc->s[from - 1]))
		from--;
	while (to < sc->n && is_base64(sc->s[to]))
		to++;
	while (to < sc->n && sc->s[to] == '=')
		to++;
	redact_scan_add(sc, from, to, label);
	sc->base64_done = to;
}

/* The column of text at the end of a dump's line shows the same bytes once more. */
static size_t dump_column_end(const struct scan *sc, size_t from, size_t to)
{
	size_t end = to;

	if (!memchr(sc->s + from, ' ', to - from) && !memchr(sc->s + from, '\n', to - from))
		return to;
	while (end < sc->n && end - to < 90 && sc->s[end] != '\n')
		end++;
	return memmem(sc->s + to, end - to, "  ", 2) || memchr(sc->s + to, '|', end - to) ? end : to;
}

void redact_value_found(struct scan *sc, size_t at, enum needle_kind kind)
{
	const struct redactor *r = sc->r;
	uint32_t value;
	size_t end;

	if (!may_begin(r, kind, sc->s + at, sc->n - at))
		return;
	switch (kind) {
	case NEEDLE_HEX:
		end = redact_dict_match(&r->texts, WRITING_HEX, sc->s, sc->n, at, false, &value);
		if (end)
			redact_scan_add(sc, at, dump_column_end(sc, at, end), r->values[value].label);
		break;
	case NEEDLE_BASE64:
		end = at < sc->base64_done ? 0 :
		      redact_dict_match(&r->base64, WRITING_BASE64, sc->s, sc->n, at, false, &value);
		if (end > sc->base64_done)
			base_extend(sc, at, end, r->values[value].label);
		break;
	case NEEDLE_BASE32:
		end = redact_dict_match(&r->base32, WRITING_BASE32, sc->s, sc->n, at, false, &value);
		if (end > sc->base64_done)
			base_extend(sc, at, end, r->values[value].label);
		break;
	default:
		end = redact_dict_match(&r->texts, WRITING_TEXT, sc->s, sc->n, at, false, &value);
		if (end)
			redact_scan_add(sc, at, end, r->values[value].label);
		break;
	}
}

/* ---- cut texts ----------------------------------------------------------------------------- */

/* Most texts begin with a plain character that is not the value's: nothing more need be tried. */
static bool cannot_begin(const struct scan *sc, enum dict_writing w, unsigned char c)
{
	char two[2] = { hex_digits[c >> 4], hex_digits[c & 15] };

	if (w == WRITING_HEX)
		return sc->n < 2 || fold(sc->s[0]) != fold(two[0]) || fold(sc->s[1]) != fold(two[1]);
	return is_alnum(sc->s[0]) && (unsigned char)sc->s[0] != c;
}

static void rest_at_start(struct scan *sc, const struct dict *d, enum dict_writing w, size_t keep)
{
	for (size_t i = 0; i < d->n; i++)
		for (size_t k = 1; k + keep <= d->v[i].len; k++) {
			const char *label = sc->r->values[d->v[i].value].label;
			size_t end;

			if (cannot_begin(sc, w, d->v[i].bytes[k]))
				continue;
			end = redact_dict_match_rest(d, i, k, w, sc->s, sc->n, 0);
			if (end && w == WRITING_BASE64)
				base_extend(sc, 0, end, label);
			else if (end)
				redact_scan_add(sc, 0, end, label);
		}
}

void redact_values_cut_at_start(struct scan *sc)
{
	if (!sc->n)
		return;
	rest_at_start(sc, &sc->r->texts, WRITING_TEXT, 4);
	rest_at_start(sc, &sc->r->texts, WRITING_HEX, 4);
	rest_at_start(sc, &sc->r->base64, WRITING_BASE64, 5);
}

void redact_values_cut_at_end(struct scan *sc)
{
	const struct redactor *r = sc->r;
	size_t window = 8 * r->texts.longest + 64, at = sc->n > window ? sc->n - window : 0;
	uint32_t value;

	for (; at + REDACT_CUT_MIN <= sc->n; at++) {
		const char *p = sc->s + at;
		size_t n = sc->n - at, end = 0;

		if (may_begin(r, NEEDLE_VALUE, p, n))
			end = redact_dict_match(&r->texts, WRITING_TEXT, sc->s, sc->n, at, true, &value);
		if (!end && may_begin(r, NEEDLE_HEX, p, n))
			end = redact_dict_match(&r->texts, WRITING_HEX, sc->s, sc->n, at, true, &value);
		if (end) {
			redact_scan_add(sc, at, end, r->values[value].label);
			continue;
		}
		if (may_begin(r, NEEDLE_BASE64, p, n))
			end = redact_dict_match(&r->base64, WRITING_BASE64, sc->s, sc->n, at, true, &value);
		if (end)
			base_extend(sc, at, end, r->values[value].label);
	}
}
