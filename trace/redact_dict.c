/* SPDX-License-Identifier: Apache-2.0 */
/* Many texts looked for at once, in any writing: a dictionary is sorted, and each character that is read
 * narrows the range of entries that are still possible. One look at a place of the text costs the same for
 * one value as for twenty thousand.
 *
 * Encoders are ambiguous ("%25" is "%25" raw, or "%"), so a writing gives every reading of what stands at a
 * place, and several states are followed at once. */
#include "trace/redact_internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- the dictionary ------------------------------------------------------------------------ */

void redact_dict_add(struct dict *d, const unsigned char *bytes, size_t len, uint32_t value)
{
	if (d->n == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 16;
		d->v = xreallocarray(d->v, d->cap, sizeof(*d->v));
	}
	if (len > d->longest)
		d->longest = len;
	d->v[d->n] = (struct dict_entry){ (unsigned char *)bytes, (uint32_t)len, value, 0 };
	for (size_t i = 0; i < 8; i++)
		d->v[d->n].head = d->v[d->n].head << 8 | (i < len ? bytes[i] : 0);
	d->n++;
}

static int entry_compare(const void *a, const void *b)
{
	const struct dict_entry *x = a, *y = b;
	int c;

	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	c = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);
	if (c)
		return c;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->value < y->value ? -1 : x->value > y->value;
}

static void entry_release(const struct dict *d, struct dict_entry *en)
{
	if (!d->owns)
		return;
	explicit_bzero(en->bytes, en->len);
	free(en->bytes);
}

void redact_dict_sort(struct dict *d)
{
	size_t kept = 0;

	if (d->n > 1)
		qsort(d->v, d->n, sizeof(*d->v), entry_compare);
	for (size_t i = 0; i < d->n; i++)
		if (kept && d->v[kept - 1].len == d->v[i].len &&
		    memcmp(d->v[kept - 1].bytes, d->v[i].bytes, d->v[i].len) == 0)
			entry_release(d, &d->v[i]);
		else
			d->v[kept++] = d->v[i];
	d->n = kept;
	for (unsigned c = 0, i = 0; c < 257; c++) {
		while (i < kept && d->v[i].bytes[0] < c)
			i++;
		d->first[c] = i;
	}
}

void redact_dict_release(struct dict *d)
{
	for (size_t i = 0; i < d->n; i++)
		entry_release(d, &d->v[i]);
	free(d->v);
	*d = (struct dict){ .owns = d->owns };
}

/* ---- writings ------------------------------------------------------------------------------ */

/* One reading: bytes[0..n) stand for text[p..next). n 0: filler that may stand within a value. */
struct reading {
	size_t next;
	unsigned n;
	unsigned char bytes[4];
};
#define READINGS_MAX 16
struct readings {
	size_t n;
	struct reading v[READINGS_MAX];
};

static void add_bytes(struct readings *o, size_t next, const unsigned char *bytes, unsigned n)
{
	struct reading *r = &o->v[o->n];

	if (o->n == READINGS_MAX)
		return;
	r->next = next;
	r->n = n;
	if (n)
		memcpy(r->bytes, bytes, n);
	o->n++;
}

static void add_byte(struct readings *o, size_t next, unsigned char c)
{
	add_bytes(o, next, &c, 1);
}

static void add_filler(struct readings *o, size_t next)
{
	add_bytes(o, next, NULL, 0);
}

static void add_code_point(struct readings *o, size_t next, unsigned cp)
{
	unsigned char b[4];
	unsigned n;

	if (cp < 0x80) {
		b[0] = (unsigned char)cp;
		n = 1;
	} else if (cp < 0x800) {
		b[0] = (unsigned char)(0xc0 | cp >> 6);
		n = 2;
	} else if (cp < 0x10000) {
		b[0] = (unsigned char)(0xe0 | cp >> 12);
		n = 3;
	} else if (cp < 0x110000) {
		b[0] = (unsigned char)(0xf0 | cp >> 18);
		n = 4;
	} else {
		return;
	}
	for (unsigned i = 1; i < n; i++)
		b[i] = (unsigned char)(0x80 | (cp >> 6 * (n - 1 - i) & 0x3f));
	add_bytes(o, next, b, n);
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

static void read_percent(const char *s, size_t n, size_t p, struct readings *o)
{
	size_t q = p + 1;

	for (int depth = 0; depth < 4; depth++) {
		int v = hex_number(s, n, q, 2);

		if (v >= 0)
			add_byte(o, q + 2, (unsigned char)v);
		if (n - q < 2 || s[q] != '2' || s[q + 1] != '5')
			return;
		q += 2;
	}
}

/* "[1;31m" of a colour, after its escape: its end; 0 if it is not one. */
static size_t csi_end(const char *s, size_t n, size_t p)
{
	size_t q = p + 1;

	if (p >= n || s[p] != '[')
		return 0;
	while (q < n && q - p < 24 && s[q] >= 0x20 && s[q] <= 0x3f)
		q++;
	return q < n && s[q] >= 0x40 && s[q] <= 0x7e ? q + 1 : 0;
}

/* q is after the backslashes, on 'u'. */
static void read_unicode(const char *s, size_t n, size_t q, struct readings *o)
{
	int v = hex_number(s, n, q + 1, 4), low;
	size_t z = q + 5;

	if (v < 0)
		return;
	if (v == 0x1b && csi_end(s, n, z))
		add_filler(o, csi_end(s, n, z));
	if (v < 0xd800 || v > 0xdfff) {
		add_code_point(o, z, (unsigned)v);
		return;
	}
	while (z < n && s[z] == '\\')
		z++;
	low = z < n && s[z] == 'u' ? hex_number(s, n, z + 1, 4) : -1;
	if (v < 0xdc00 && low >= 0xdc00 && low <= 0xdfff)
		add_code_point(o, z + 5, 0x10000 + ((unsigned)(v - 0xd800) << 10) + (unsigned)(low - 0xdc00));
}

/* The letter or number of an escape: q is after the backslashes. */
static void read_escape(const char *s, size_t n, size_t q, struct readings *o)
{
	static const char shorts[] = "n\nr\rt\tb\bf\fv\va\ae\033";
	int v;

	for (size_t i = 0; i < sizeof(shorts) - 1; i += 2)
		if (s[q] == shorts[i])
			add_byte(o, q + 1, (unsigned char)shorts[i + 1]);
	if (s[q] == 'r') { /* \r\n is one line break */
		size_t z = q + 1;

		while (z < n && s[z] == '\\')
			z++;
		if (z > q + 1 && z < n && s[z] == 'n') {
			add_byte(o, z + 1, '\n');
			add_filler(o, z + 1);
		}
	}
	if (s[q] == 'n' || s[q] == '\n')
		add_filler(o, q + 1);
	if (s[q] == 'e' && csi_end(s, n, q + 1))
		add_filler(o, csi_end(s, n, q + 1));
	v = s[q] == 'x' ? hex_number(s, n, q + 1, 2) : -1;
	if (v >= 0) {
		add_byte(o, q + 3, (unsigned char)v);
		if (v == 0x1b && csi_end(s, n, q + 3))
			add_filler(o, csi_end(s, n, q + 3));
	}
	if (n - q >= 3 && s[q] >= '0' && s[q] <= '3' && s[q + 1] >= '0' && s[q + 1] <= '7' && s[q + 2] >= '0' &&
	    s[q + 2] <= '7') {
		v = (s[q] - '0') << 6 | (s[q + 1] - '0') << 3 | (s[q + 2] - '0');
		add_byte(o, q + 3, (unsigned char)v);
		if (v == 033 && csi_end(s, n, q + 3))
			add_filler(o, csi_end(s, n, q + 3));
	}
	if (s[q] == 'u')
		read_unicode(s, n, q, o);
}

static void read_backslash(const char *s, size_t n, size_t p, struct readings *o)
{
	size_t q = p;

	while (q < n && s[q] == '\\' && q - p < 16)
		q++;
	/* n backslashes may stand for one */
	if (p + 2 < q)
		add_byte(o, p + 2, '\\');
	if (p + 4 < q)
		add_byte(o, p + 4, '\\');
	if (q > p + 1)
		add_byte(o, q, '\\');
	if (q >= n)
		return;
	add_byte(o, q + 1, (unsigned char)s[q]);
	read_escape(s, n, q, o);
}

static void read_entity(const char *s, size_t n, size_t p, struct readings *o)
{
	static const struct { const char *text; char c; } names[] = {
		{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&apos;", '\'' },
	};
	unsigned v = 0;
	size_t q = p + 2;
	bool hex = false;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t m = strlen(names[i].text);

		if (m <= n - p && memcmp(s + p, names[i].text, m) == 0)
			add_byte(o, p + m, (unsigned char)names[i].c);
	}
	if (n - p < 4 || s[p + 1] != '#')
		return;
	if (s[q] == 'x' || s[q] == 'X') {
		hex = true;
		q++;
	}
	for (; q < n && s[q] != ';' && v < 0x110000; q++) {
		int h = hex_value(s[q]);

		if (h < 0 || (!hex && h > 9))
			return;
		v = v * (hex ? 16 : 10) + (unsigned)h;
	}
	if (q >= n || s[q] != ';')
		return;
	add_code_point(o, q + 1, v);
	if (v >= 0x80 && v < 0x100)
		add_byte(o, q + 1, (unsigned char)v); /* an encoder that writes bytes */
}

/* A value that a program has put together of two pieces: "abc" "def", 'abc' + 'def'. */
static void read_joint(const char *s, size_t n, size_t p, struct readings *o)
{
	size_t q = p + 1;

	while (q < n && q - p < 16 && s[q] && strchr(" \t\r\n+.\\", s[q]))
		q++;
	if (q < n && s[q] == s[p])
		add_filler(o, q + 1);
}

static void read_quote(const char *s, size_t n, size_t p, struct readings *o)
{
	if (s[p] == '\'' && n - p >= 4 && memcmp(s + p, "'\\''", 4) == 0)
		add_byte(o, p + 4, '\'');
	if (s[p] == '\'' && n - p >= 5 && memcmp(s + p, "'\"'\"'", 5) == 0)
		add_byte(o, p + 5, '\'');
	read_joint(s, n, p, o);
}

static void read_text(const char *s, size_t n, size_t p, struct readings *o)
{
	size_t end;

	add_byte(o, p + 1, (unsigned char)s[p]);
	switch (s[p]) {
	case '%': read_percent(s, n, p, o); break;
	case '\\': read_backslash(s, n, p, o); break;
	case '&': read_entity(s, n, p, o); break;
	case '+': add_byte(o, p + 1, ' '); break;
	case '\'': case '"': read_quote(s, n, p, o); break;
	case '\r':
		if (p + 1 < n && s[p + 1] == '\n') {
			add_byte(o, p + 2, '\n');
			add_filler(o, p + 2);
		}
		break;
	case '\n':
		for (end = p + 1; end < n && end - p < 32 && (s[end] == ' ' || s[end] == '\t');)
			end++;
		add_filler(o, p + 1);
		if (end > p + 1)
			add_filler(o, end);
		break;
	case '\0': add_filler(o, p + 1); break; /* UTF-16 */
	case '\033':
		end = csi_end(s, n, p + 1);
		if (end)
			add_filler(o, end);
		break;
	default: break;
	}
}

/* From a dump's line to its next: its column of text, the break, the offset. 0: it is no dump. */
static size_t dump_line_end(const char *s, size_t n, size_t p)
{
	const char *nl = memchr(s + p, '\n', n - p < 80 ? n - p : 80);
	size_t q, digits = 0;

	if (!nl)
		return 0;
	for (q = (size_t)(nl + 1 - s); q < n && digits < 16 && hex_value(s[q]) >= 0; q++)
		digits++;
	if (digits < 4)
		return 0;
	if (q < n && s[q] == ':')
		q++;
	while (q < n && s[q] == ' ')
		q++;
	return q;
}

/* Two digits, and what may stand between them and the two before: blanks, colons, "0x", a new line. */
static void read_hex(const char *s, size_t n, size_t p, bool first, struct readings *o)
{
	size_t q = p, line;
	int v;

	if (!first) {
		while (q < n && q - p < 4 && s[q] && strchr(" :,-_\n\r\t", s[q]))
			q++;
		if (n - q >= 2 && s[q] == '0' && (s[q + 1] | 0x20) == 'x')
			q += 2;
	}
	v = hex_number(s, n, q, 2);
	if (v >= 0)
		add_byte(o, q + 2, (unsigned char)v);
	line = first ? 0 : dump_line_end(s, n, p);
	v = line ? hex_number(s, n, line, 2) : -1;
	if (v >= 0)
		add_byte(o, line + 2, (unsigned char)v);
}

/* Line breaks, raw or escaped, that a wrapping encoder puts between characters. */
static size_t break_end(const char *s, size_t n, size_t p)
{
	size_t q = p;

	while (q < n) {
		if (s[q] == '\r' || s[q] == '\n')
			q++;
		else if (n - q >= 2 && s[q] == '\\' && (s[q + 1] == 'n' || s[q + 1] == 'r'))
			q += 2;
		else
			break;
	}
	while (q > p && q < n && q - p < 32 && (s[q] == ' ' || s[q] == '\t'))
		q++;
	return q;
}

static void read_base(const char *s, size_t n, size_t p, bool first, bool base32, struct readings *o)
{
	size_t q = first ? p : break_end(s, n, p);
	char c;
	int v;

	if (q >= n)
		return;
	c = s[q];
	if (base32) {
		add_byte(o, q + 1, (unsigned char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c));
		return;
	}
	add_byte(o, q + 1, (unsigned char)(c == '-' ? '+' : c == '_' ? '/' : c));
	v = c == '%' ? hex_number(s, n, q + 1, 2) : -1;
	if (v == '+' || v == '/')
		add_byte(o, q + 3, (unsigned char)v);
	if (c == '\\' && q + 1 < n && s[q + 1] == '/')
		add_byte(o, q + 2, '/');
}

static void read_at(enum dict_writing w, const char *s, size_t n, size_t p, bool first, struct readings *o)
{
	o->n = 0;
	switch (w) {
	case WRITING_TEXT: read_text(s, n, p, o); break;
	case WRITING_HEX: read_hex(s, n, p, first, o); break;
	case WRITING_BASE64: read_base(s, n, p, first, false, o); break;
	case WRITING_BASE32: read_base(s, n, p, first, true, o); break;
	}
}

/* ---- matching ------------------------------------------------------------------------------ */

struct state {
	size_t at;
	uint32_t lo, hi; /* the entries that are still possible */
};
#define STATES_MAX 12
struct states {
	size_t n;
	struct state v[STATES_MAX];
};

static void state_add(struct states *to, size_t at, uint32_t lo, uint32_t hi)
{
	for (size_t i = 0; i < to->n; i++)
		if (to->v[i].at == at && to->v[i].lo == lo)
			return;
	if (to->n < STATES_MAX)
		to->v[to->n++] = (struct state){ at, lo, hi };
}

static inline unsigned byte_at(const struct dict_entry *en, size_t depth)
{
	return depth < 8 ? en->head >> (56 - 8 * depth) & 255 : en->bytes[depth];
}

/* The first entry of [lo, hi) whose byte at `depth` is at least c; all are longer than depth. */
static uint32_t lower_bound(const struct dict *d, uint32_t lo, uint32_t hi, size_t depth, unsigned c)
{
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (byte_at(&d->v[mid], depth) < c)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Narrows to the entries that go on with c. */
static bool narrow(const struct dict *d, uint32_t *lo, uint32_t *hi, size_t depth, unsigned char c)
{
	if (!depth) {
		*lo = *lo > d->first[c] ? *lo : d->first[c];
		*hi = *hi < d->first[c + 1] ? *hi : d->first[c + 1];
		return *lo < *hi;
	}
	while (*lo < *hi && d->v[*lo].len <= depth)
		(*lo)++; /* at most one: entries are unique */
	if (*hi - *lo == 1)
		return byte_at(&d->v[*lo], depth) == c;
	*lo = lower_bound(d, *lo, *hi, depth, c);
	*hi = lower_bound(d, *lo, *hi, depth, c + 1u);
	return *lo < *hi;
}

struct matching {
	const struct dict *d;
	enum dict_writing w;
	const char *s;
	size_t n;
	size_t cut_min;           /* characters from which a cut entry counts, SIZE_MAX: never */
	size_t best;
	uint32_t value;
	struct states ring[5];    /* ring[k]: k bytes further */
};

static void matched(struct matching *m, size_t end, uint32_t entry)
{
	if (end < m->best || !end)
		return;
	m->best = end;
	m->value = m->d->v[entry].value;
}

/* Every reading of what stands at a state leads to further ones. */
static void state_step(struct matching *m, const struct state *st, size_t depth, bool first)
{
	struct readings o;

	if (st->at >= m->n) {
		if (depth >= m->cut_min)
			matched(m, m->n, st->lo);
		return;
	}
	read_at(m->w, m->s, m->n, st->at, first, &o);
	for (size_t i = 0; i < o.n; i++) {
		uint32_t lo = st->lo, hi = st->hi;
		unsigned k = 0;

		if (!o.v[i].n) {
			if (!first)
				state_add(&m->ring[0], o.v[i].next, lo, hi);
			continue;
		}
		while (k < o.v[i].n && narrow(m->d, &lo, &hi, depth + k, o.v[i].bytes[k]))
			k++;
		if (k < o.v[i].n)
			continue;
		if (m->d->v[lo].len == depth + k)
			matched(m, o.v[i].next, lo);
		state_add(&m->ring[k], o.v[i].next, lo, hi);
	}
	/* an escape, or the digits of a byte, that the end has cut in two */
	if (depth >= m->cut_min && ((m->n - st->at < 6 && m->s[st->at] && strchr("%\\&", m->s[st->at])) ||
				    (m->w == WRITING_HEX && m->n - st->at < 3)))
		matched(m, m->n, st->lo);
}

static size_t match_run(struct matching *m, struct state from, size_t depth)
{
	bool first = true;

	m->ring[0].n = 0;
	for (int k = 1; k < 5; k++)
		m->ring[k].n = 0;
	state_add(&m->ring[0], from.at, from.lo, from.hi);
	for (;; depth++) {
		bool alive = false;

		/* fillers add to the list while it is walked */
		for (size_t i = 0; i < m->ring[0].n; i++) {
			struct state st = m->ring[0].v[i];

			state_step(m, &st, depth, first);
		}
		first = false;
		for (int k = 1; k < 5; k++) {
			alive |= m->ring[k].n != 0;
			m->ring[k - 1].n = m->ring[k].n;
			memcpy(m->ring[k - 1].v, m->ring[k].v, m->ring[k].n * sizeof(m->ring[k].v[0]));
		}
		m->ring[4].n = 0;
		if (!alive)
			return m->best;
	}
}

/* Not cleared as a whole: its lists are long, and begin empty. */
static void matching_init(struct matching *m, const struct dict *d, enum dict_writing w, const char *s, size_t n)
{
	m->d = d;
	m->w = w;
	m->s = s;
	m->n = n;
	m->cut_min = SIZE_MAX;
	m->best = 0;
	m->value = 0;
}

static size_t cut_min(enum dict_writing w, bool cut)
{
	if (!cut)
		return SIZE_MAX;
	return w == WRITING_BASE64 ? 9 : w == WRITING_BASE32 ? 11 : REDACT_CUT_MIN;
}

size_t redact_dict_match(const struct dict *d, enum dict_writing w, const char *s, size_t n, size_t at, bool cut,
			 uint32_t *value)
{
	struct matching m;
	size_t end;

	if (!d->n)
		return 0;
	matching_init(&m, d, w, s, n);
	m.cut_min = cut_min(w, cut);
	end = match_run(&m, (struct state){ at, 0, (uint32_t)d->n }, 0);
	*value = m.value;
	return end;
}

size_t redact_dict_match_rest(const struct dict *d, size_t entry, size_t skip, enum dict_writing w, const char *s,
			      size_t n, size_t at)
{
	struct matching m;

	matching_init(&m, d, w, s, n);
	return match_run(&m, (struct state){ at, (uint32_t)entry, (uint32_t)entry + 1 }, skip);
}
