/* SPDX-License-Identifier: Apache-2.0 */
/* The passes of the redactor and what the rest of the program asks of it; see
 * redact_internal.h for the algorithm. */
#include "trace/redact_internal.h"

#include "base/mem.h"

#include <pcre2.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#define VALUE_MIN 6          /* contract 7: shorter values are no secrets by value */
#define VALUE_MIN_NAMED 4    /* where the user named the variable */
#define PASS_MAX 6
#define PATTERN_MATCH_LIMIT 200000

/* ---- names, values and patterns ------------------------------------------------------------ */

static int pattern_add(struct redactor *r, const char *text, struct err *e)
{
	PCRE2_SIZE offset;
	PCRE2_UCHAR reason[200];
	int code;
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_UTF, &code, &offset,
				       NULL);

	if (!re) {
		pcre2_get_error_message(code, reason, sizeof(reason));
		return err_set(e, ERR_USAGE, "redaction pattern '%.200s' at offset %zu: %s", text, (size_t)offset,
			       (char *)reason);
	}
	pcre2_jit_compile(re, PCRE2_JIT_COMPLETE); /* where there is no JIT the interpreter does it */
	r->patterns = xreallocarray(r->patterns, r->pattern_count + 1, sizeof(*r->patterns));
	r->patterns[r->pattern_count++] = re;
	if (!r->match_context) {
		r->match_context = pcre2_match_context_create(NULL);
		r->match_data = pcre2_match_data_create(1, NULL);
		if (!r->match_context || !r->match_data)
			return err_set(e, ERR_FAILURE, "out of memory for a redaction pattern");
		pcre2_set_match_limit(r->match_context, PATTERN_MATCH_LIMIT);
		pcre2_set_heap_limit(r->match_context, 16384);
	}
	return 0;
}

static void name_add(struct redactor *r, const char *name)
{
	struct secret_name *nm;

	if (!*name)
		return;
	r->names = xreallocarray(r->names, r->name_count + 1, sizeof(*r->names));
	nm = &r->names[r->name_count++];
	nm->name = xstrdup(name);
	nm->len = strlen(name);
	redact_label_make(nm->label, name, nm->len);
}

/* The value under a name, where it is a secret: wherever else it turns up it is hidden as well. */
void redact_learn(struct redactor *r, const char *name, size_t name_n, const char *value, size_t n)
{
	struct secret_kind kind = redact_name_kind(r, name, name_n);
	auto_free char *text = NULL;
	bool given = kind.strength == NAME_GIVEN;

	if (kind.strength == NAME_PLAIN || (!given && kind.strength == NAME_WEAK && !redact_looks_secret(value, n)))
		return;
	if (!given && kind.strength == NAME_STRONG && redact_judge(r, &kind, value, n, true) == VALUE_PLAIN)
		return;
	text = xstrndup(name, name_n);
	redact_values_add(r, text, value, n, given ? VALUE_MIN_NAMED : VALUE_MIN);
}

void redact_needles_forget(struct redactor *r)
{
	redact_values_forget(r);
	mem_free_ptr(&r->bitmap);
	mem_free_ptr(&r->heads);
	mem_free_ptr(&r->needles);
	r->needle_count = r->needle_cap = 0;
}

void redactor_learn_env(struct redactor *r, char *const envp[])
{
	size_t before = r->value_count;

	for (size_t i = 0; envp && envp[i]; i++) {
		const char *eq = strchr(envp[i], '=');

		if (eq && eq > envp[i])
			redact_learn(r, envp[i], (size_t)(eq - envp[i]), eq + 1, strlen(eq + 1));
	}
	if (r->value_count > before)
		redact_needles_forget(r);
}

int redactor_new(struct redactor **out, char *const envp[], const struct strv *extra_names,
		 const struct strv *patterns, struct err *e)
{
	struct redactor *r = xcalloc(1, sizeof(*r));

	for (size_t i = 0; extra_names && i < extra_names->n; i++)
		name_add(r, extra_names->v[i]);
	for (size_t i = 0; patterns && i < patterns->n; i++)
		if (pattern_add(r, patterns->v[i], e) < 0) {
			redactor_free(r);
			return -1;
		}
	redactor_learn_env(r, envp);
	*out = r;
	return 0;
}

void redactor_free(struct redactor *r)
{
	if (!r)
		return;
	redact_values_release(r);
	for (size_t i = 0; i < r->name_count; i++)
		free(r->names[i].name);
	free(r->names);
	for (size_t i = 0; i < r->pattern_count; i++)
		pcre2_code_free(r->patterns[i]);
	free(r->patterns);
	pcre2_match_data_free(r->match_data);
	pcre2_match_context_free(r->match_context);
	free(r->bitmap);
	free(r->heads);
	free(r->needles);
	explicit_bzero(r->key, sizeof(r->key));
	free(r);
}

/* ---- needles ------------------------------------------------------------------------------- */

/* Three bytes, the first the lowest: what a needle is found by. */
static inline uint32_t needle_key(const char *s)
{
	return fold(s[0]) | (uint32_t)fold(s[1]) << 8 | (uint32_t)fold(s[2]) << 16;
}

static inline uint32_t needle_hash(uint32_t key, unsigned shift)
{
	return key * UINT32_C(0x9E3779B1) >> shift;
}

void redact_needle_add(struct redactor *r, const char bytes[3], enum needle_kind kind, uint32_t index)
{
	uint32_t key = needle_key(bytes);
	uint32_t hash = needle_hash(key, r->bitmap_shift), *head = &r->heads[hash & r->heads_mask];

	for (uint32_t i = *head; i; i = r->needles[i - 1].next) {
		const struct needle *nd = &r->needles[i - 1];

		if (nd->key == key && nd->kind == kind && nd->index == index)
			return;
	}
	if (r->needle_count == r->needle_cap) {
		r->needle_cap = r->needle_cap ? r->needle_cap * 2 : 256;
		r->needles = xreallocarray(r->needles, r->needle_cap, sizeof(*r->needles));
	}
	r->needles[r->needle_count++] = (struct needle){ key, *head, index, kind };
	*head = (uint32_t)r->needle_count;
	r->bitmap[hash / 64] |= UINT64_C(1) << (hash % 64);
}

static void needles_make(struct redactor *r)
{
	unsigned bits = 16; /* 8 KiB for a usual environment, 512 KiB for thousands of values */

	while (bits < 22 && r->value_count >> (bits - 10))
		bits++;
	r->bitmap_shift = 32 - bits;
	r->heads_mask = (UINT32_C(1) << (bits - 6)) - 1;
	r->bitmap = xcalloc(((size_t)1 << bits) / 64, sizeof(*r->bitmap));
	r->heads = xcalloc((size_t)r->heads_mask + 1, sizeof(*r->heads));
	redact_forms_needles(r);
	redact_shapes_needles(r);
	redact_values_needles(r);
}

/* ---- one pass ------------------------------------------------------------------------------ */

static void span_push(struct span **v, size_t *count, size_t *cap, struct span sp)
{
	if (*count == *cap) {
		*cap = *cap ? *cap * 2 : 16;
		*v = xreallocarray(*v, *cap, sizeof(**v));
	}
	(*v)[(*count)++] = sp;
}

void redact_scan_add_quoted(struct scan *sc, size_t from, size_t to, const char *label, size_t quote,
		     size_t quote_len)
{
	if (to > from)
		span_push(&sc->spans, &sc->count, &sc->cap, (struct span){ from, to, label, quote, quote_len });
}

void redact_scan_add(struct scan *sc, size_t from, size_t to, const char *label)
{
	redact_scan_add_quoted(sc, from, to, label, 0, 0);
}

/* The letters from `at` on, up to a change of case: the words of most texts are found to be others by
 * their length alone. */
static size_t word_length(const struct scan *sc, size_t at)
{
	size_t end = at + 3;

	while (end < sc->n && fold(sc->s[end]) >= 'a' && fold(sc->s[end]) <= 'z' &&
	       !(sc->s[end] <= 'Z' && sc->s[end - 1] >= 'a'))
		end++;
	return end - at;
}

static bool is_word_at(const struct scan *sc, size_t at, size_t run, uint32_t index)
{
	const struct needle_word *w = &redact_needle_words[index];

	/* one more: a plural, or the last letter belongs to the next word ("KEYFile") */
	return (run == w->len || run == w->len + 1u) && w->len <= sc->n - at &&
	       strncasecmp(sc->s + at, w->text, w->len) == 0;
}

/* Returns where to go on: behind a marker, else the next byte. */
static size_t needle_found(struct scan *sc, size_t at, uint32_t key, uint32_t hash)
{
	const struct redactor *r = sc->r;
	size_t marker, len, run = 0;

	for (uint32_t i = r->heads[hash & r->heads_mask]; i; i = r->needles[i - 1].next) {
		const struct needle *nd = &r->needles[i - 1];

		if (nd->key != key)
			continue;
		switch (nd->kind) {
		case NEEDLE_WORD:
			run = run ? run : word_length(sc, at);
			if (!sc->values_only && is_word_at(sc, at, run, nd->index))
				redact_form_found(sc, at, redact_needle_words[nd->index].len, false);
			break;
		case NEEDLE_NAME:
			len = r->names[nd->index].len;
			if (!sc->values_only && len <= sc->n - at &&
			    strncasecmp(sc->s + at, r->names[nd->index].name, len) == 0)
				redact_form_found(sc, at, len, true);
			break;
		case NEEDLE_NAMELESS:
			if (!sc->values_only)
				redact_form_nameless(sc, at, nd->index);
			break;
		case NEEDLE_VALUE:
		case NEEDLE_HEX:
		case NEEDLE_BASE64:
		case NEEDLE_BASE32:
			redact_value_found(sc, at, nd->kind);
			break;
		case NEEDLE_SHAPE: redact_shape_found(sc, at, nd->index); break;
		case NEEDLE_URL: redact_url_found(sc, at); break;
		case NEEDLE_PEM: redact_pem_found(sc, at); break;
		case NEEDLE_MARKER:
			marker = redact_marker_length(r, sc->s + at, sc->n - at);
			if (!marker)
				break;
			span_push(&sc->markers, &sc->marker_count, &sc->marker_cap,
				  (struct span){ .from = at, .to = at + marker });
			return at + marker;
		}
	}
	return at + 1;
}

/* Eight bytes, each folded as fold() does: the first is the lowest. */
static inline uint64_t fold8(const char *s)
{
	uint64_t v;

	memcpy(&v, s, sizeof(v));
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		v = __builtin_bswap64(v);
	return v | UINT64_C(0x2020202020202020);
}

/* The first place from `at` on, of those six at a time that eight bytes hold, that may begin a needle; or where fewer
 * than eight bytes are left. The six are independent of each other, so that a processor looks at them at once. */
static inline size_t skip_dull(const struct scan *sc, size_t at)
{
	const uint64_t *bitmap = sc->r->bitmap;
	unsigned shift = sc->r->bitmap_shift;

	for (; at + 8 <= sc->n; at += 6) {
		uint64_t v = fold8(sc->s + at), any = 0;

		for (unsigned i = 0; i < 6; i++) {
			uint32_t hash = needle_hash((uint32_t)(v >> 8 * i) & 0xffffff, shift);

			any |= bitmap[hash / 64] >> (hash % 64);
		}
		if (__builtin_expect(any & 1, 0))
			break;
	}
	return at;
}

static void scan_needles(struct scan *sc)
{
	const uint64_t *bitmap = sc->r->bitmap;
	unsigned shift = sc->r->bitmap_shift;

	for (size_t at = 0, end; at + 3 <= sc->n;) {
		at = skip_dull(sc, at);
		end = at + 8 <= sc->n ? at + 6 : sc->n - 2;
		while (at < end) {
			uint32_t key = needle_key(sc->s + at), hash = needle_hash(key, shift);

			if (bitmap[hash / 64] >> (hash % 64) & 1)
				at = needle_found(sc, at, key, hash);
			else
				at++;
		}
	}
}

/* A match that lies inside a marker is none; one that cuts a marker takes all of it. */
static bool around_markers(const struct scan *sc, size_t *from, size_t *to)
{
	size_t lo = 0, hi = sc->marker_count;

	while (lo < hi) { /* the first marker that ends behind *from */
		size_t mid = (lo + hi) / 2;

		if (sc->markers[mid].to > *from)
			hi = mid;
		else
			lo = mid + 1;
	}
	for (; lo < sc->marker_count && sc->markers[lo].from < *to; lo++) {
		const struct span *m = &sc->markers[lo];

		if (m->from <= *from && m->to >= *to)
			return false;
		if (m->from < *from)
			*from = m->from;
		if (m->to > *to)
			*to = m->to;
	}
	return true;
}

static void scan_patterns(struct scan *sc)
{
	struct redactor *r = sc->r;

	for (size_t i = 0; i < r->pattern_count; i++) {
		size_t at = 0;

		while (at <= sc->n) {
			PCRE2_SIZE *v;
			size_t from, to;
			int rc = pcre2_match(r->patterns[i], (PCRE2_SPTR)(sc->n ? sc->s : ""), sc->n, at,
					     PCRE2_NOTEMPTY, r->match_data, r->match_context);

			if (rc == PCRE2_ERROR_NOMATCH)
				break;
			if (rc < 0) { /* a limit: what it would have found is unknown */
				sc->drowned = true;
				return;
			}
			v = pcre2_get_ovector_pointer(r->match_data);
			from = v[0];
			to = v[1];
			at = to > at ? to : at + 1;
			if (from < to && around_markers(sc, &from, &to))
				redact_scan_add(sc, from, to, "pattern");
		}
	}
}

static int span_compare(const void *a, const void *b)
{
	const struct span *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to > y->to ? -1 : x->to < y->to;
}

/* Overlapping spans become one, with the label of the first. */
static void spans_merge(struct scan *sc)
{
	size_t kept = 0;

	if (sc->count > 1)
		qsort(sc->spans, sc->count, sizeof(*sc->spans), span_compare);
	for (size_t i = 0; i < sc->count; i++) {
		struct span *last = kept ? &sc->spans[kept - 1] : NULL;

		if (last && sc->spans[i].from < last->to) {
			if (sc->spans[i].to > last->to)
				last->to = sc->spans[i].to;
		} else {
			sc->spans[kept++] = sc->spans[i];
		}
	}
	sc->count = kept;
}

static void marker_add(struct str *out, const struct scan *sc, const struct span *sp)
{
	str_addn(out, sc->s + sp->quote, sp->quote_len);
	str_add(out, "<redacted:");
	str_add(out, sp->label);
	str_addc(out, '>');
	str_addn(out, sc->s + sp->quote, sp->quote_len);
}

/* Appends text[cut..n), each span that reaches into it replaced. */
static void spans_write(const struct scan *sc, size_t cut, struct str *out)
{
	size_t at = cut;

	for (size_t i = 0; i < sc->count; i++) {
		const struct span *sp = &sc->spans[i];

		if (sp->to <= cut)
			continue;
		if (sp->from > at)
			str_addn(out, sc->s + at, sp->from - at);
		marker_add(out, sc, sp);
		at = sp->to;
	}
	if (at < sc->n)
		str_addn(out, sc->s + at, sc->n - at);
}

static void scan_run(struct scan *sc, bool cut_at_start)
{
	if (!sc->r->bitmap)
		needles_make(sc->r);
	if (cut_at_start)
		redact_values_cut_at_start(sc);
	if (sc->cut_at_end && sc->r->value_count)
		redact_values_cut_at_end(sc);
	scan_needles(sc);
	if (sc->r->pattern_count)
		scan_patterns(sc);
}

static void scan_release(struct scan *sc)
{
	free(sc->spans);
	free(sc->markers);
}

/* How a text is to be read. */
enum reading_mode {
	MODE_CUT_AT_START = 1, /* it begins somewhere: the rest of a value may stand there */
	MODE_CUT_AT_END = 2,   /* it ends somewhere: the beginning of one may */
	MODE_VALUES_ONLY = 4,  /* a name of a test, a file or a place */
};

/* Spans of one text; merged. */
static void scan_text(struct scan *sc, struct redactor *r, const char *s, size_t n, unsigned mode)
{
	*sc = (struct scan){ .r = r, .s = s, .n = n, .values_only = mode & MODE_VALUES_ONLY,
			     .cut_at_end = mode & MODE_CUT_AT_END };
	scan_run(sc, mode & MODE_CUT_AT_START);
	spans_merge(sc);
}

/* cut: only text[cut..n) is wanted; the rest is context. */
static void redact_from(struct redactor *r, const char *s, size_t n, size_t cut, unsigned mode, struct str *out)
{
	auto_str a = STR_INIT;
	size_t start = out->len;
	struct scan sc;

	for (int pass = 0; pass < PASS_MAX; pass++) {
		scan_text(&sc, r, s, n, pass == 0 ? mode : mode & MODE_VALUES_ONLY);
		if (sc.drowned) {
			str_add(out, "<redacted:pattern-limit>");
			scan_release(&sc);
			return;
		}
		if (!sc.count) {
			str_addn(out, s + cut, n - cut);
			scan_release(&sc);
			return;
		}
		spans_write(&sc, cut, out);
		scan_release(&sc);
		if (out->len - start == n && memcmp(out->data + start, s, n) == 0)
			return;
		if (pass == PASS_MAX - 1)
			return;
		/* what came out is looked at again: a marker may have brought others to light */
		str_reset(&a);
		str_addn(&a, out->data + start, out->len - start);
		out->len = start;
		out->data[start] = '\0';
		s = a.data;
		n = a.len;
		cut = 0;
	}
}

/* ---- what others ask for ------------------------------------------------------------------- */

/* The kernel cuts names of processes and threads to 15 bytes: what is left of a secret is one. */
#define COMM_BYTES 15

void redact_text(struct redactor *r, const char *s, size_t n, struct str *out)
{
	redact_from(r, s, n, 0, n == COMM_BYTES ? MODE_CUT_AT_END : 0, out);
}

void redact_cut(struct redactor *r, const char *s, size_t n, struct str *out)
{
	redact_from(r, s, n, 0, MODE_CUT_AT_END, out);
}

/* A name of a test is cut where the reader of the output holds no more of it. */
#define NAME_MAY_BE_CUT 500

void redact_name(struct redactor *r, const char *s, size_t n, struct str *out)
{
	unsigned cut = n == COMM_BYTES || n >= NAME_MAY_BE_CUT ? MODE_CUT_AT_END : 0;

	redact_from(r, s, n, 0, MODE_VALUES_ONLY | cut, out);
}

bool redact_is_place(const char *key, size_t n)
{
	static const char *const keys[] = { "case_id", "suite", "file", "path", "function", "module", "location",
					    "title", "cwd", "exe", "name", "comm", "test", "tests", "after", NULL };

	for (size_t i = 0; keys[i]; i++)
		if (strlen(keys[i]) == n && memcmp(keys[i], key, n) == 0)
			return true;
	return false;
}

/* Is the value of such a name not to be hidden as a whole? */
bool redact_is_open(const struct redactor *r, const struct secret_kind *kind, const char *v, size_t n)
{
	switch (redact_judge(r, kind, v, n, true)) {
	case VALUE_SECRET: return false;
	case VALUE_WORDS: return kind->strength != NAME_WEAK || !redact_looks_secret(v, n);
	default: return true;
	}
}

static const char *finds(struct redactor *r, const char *s, size_t n, unsigned mode)
{
	struct scan sc;
	const char *label = NULL;

	scan_text(&sc, r, s, n, mode);
	for (size_t i = 0; i < sc.count && !label; i++)
		if (redact_marker_length(r, s + sc.spans[i].from, sc.spans[i].to - sc.spans[i].from) !=
		    sc.spans[i].to - sc.spans[i].from)
			label = sc.spans[i].label;
	scan_release(&sc);
	return label;
}

const char *redact_finds(struct redactor *r, const char *key, const char *s, size_t n)
{
	struct secret_kind kind = redact_name_kind(r, key ? key : "", key ? strlen(key) : 0);

	if (kind.strength == NAME_PLAIN)
		return finds(r, s, n, key && redact_is_place(key, strlen(key)) ? MODE_VALUES_ONLY : 0);
	if (redact_marker_length(r, s, n) == n || redact_is_open(r, &kind, s, n))
		return finds(r, s, n, 0);
	return kind.label;
}

void redact_whole(const struct redactor *r, const char *label, const char *v, size_t n, struct str *out)
{
	if (n == 0)
		return;
	if (redact_marker_length(r, v, n) == n)
		str_addn(out, v, n);
	else
		str_addf(out, "<redacted:%s>", label);
}

void redact_value(struct redactor *r, const char *key, const char *value, size_t n, struct str *out)
{
	struct secret_kind kind = redact_name_kind(r, key, strlen(key));
	char label[LABEL_SIZE];

	if (kind.strength == NAME_PLAIN && redact_is_place(key, strlen(key))) {
		redact_name(r, value, n, out);
		return;
	}
	if (redact_is_open(r, &kind, value, n)) {
		redact_text(r, value, n, out);
		return;
	}
	redact_label_make(label, key, strlen(key));
	redact_whole(r, redact_values_in(r, label, strlen(label)) ? "secret" : label, value, n, out);
}

void redact_tail(struct redactor *r, const char *buf, size_t n, size_t keep, struct str *out)
{
	size_t cut = n > keep ? n - keep : 0;

	/* The first line of the window may have begun before everything we hold: the name that
	 * would tell what it is may be gone. */
	if (cut && !memrchr(buf, '\n', cut)) {
		const char *nl = memchr(buf + cut, '\n', n - cut < 4096 ? n - cut : 4096);

		if (nl) {
			cut = (size_t)(nl + 1 - buf);
			str_add(out, "<redacted:cut>\n");
		}
	}
	redact_from(r, buf, n, cut, MODE_CUT_AT_START | MODE_CUT_AT_END, out);
}
