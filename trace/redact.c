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
#define BITMAP_BITS 65536
#define BUCKETS 1024

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

static bool is_extra(const struct redactor *r, const char *name, size_t n)
{
	for (size_t i = 0; i < r->name_count; i++)
		if (r->names[i].len == n && strncasecmp(r->names[i].name, name, n) == 0)
			return true;
	return false;
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
	for (size_t i = 0; envp && envp[i]; i++) {
		const char *eq = strchr(envp[i], '=');
		size_t n = eq ? (size_t)(eq - envp[i]) : 0;
		auto_free char *name = NULL;

		if (!n || !redact_is_secret_name(r, envp[i], n))
			continue;
		name = xstrndup(envp[i], n);
		redact_values_add(r, name, eq + 1, is_extra(r, name, n) ? VALUE_MIN_NAMED : VALUE_MIN);
	}
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

static inline uint32_t needle_hash(uint32_t key)
{
	return key * UINT32_C(0x9E3779B1) >> 16;
}

void redact_needle_add(struct redactor *r, const char bytes[3], enum needle_kind kind, uint32_t index)
{
	uint32_t key = (uint32_t)fold(bytes[0]) << 16 | (uint32_t)fold(bytes[1]) << 8 | fold(bytes[2]);
	uint32_t hash = needle_hash(key), *head = &r->heads[hash % BUCKETS];

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
	r->bitmap = xcalloc(BITMAP_BITS / 64, sizeof(*r->bitmap));
	r->heads = xcalloc(BUCKETS, sizeof(*r->heads));
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

/* Returns where to go on: behind a marker, else the next byte. */
static size_t needle_found(struct scan *sc, size_t at, uint32_t key, uint32_t hash)
{
	const struct redactor *r = sc->r;
	size_t marker, len;

	for (uint32_t i = r->heads[hash % BUCKETS]; i; i = r->needles[i - 1].next) {
		const struct needle *nd = &r->needles[i - 1];

		if (nd->key != key)
			continue;
		switch (nd->kind) {
		case NEEDLE_WORD:
			len = strlen(redact_secret_words[nd->index]);
			if (len <= sc->n - at && strncasecmp(sc->s + at, redact_secret_words[nd->index], len) == 0)
				redact_form_found(sc, at, len);
			break;
		case NEEDLE_NAME:
			len = r->names[nd->index].len;
			if (len <= sc->n - at && strncasecmp(sc->s + at, r->names[nd->index].name, len) == 0)
				redact_form_found(sc, at, len);
			break;
		case NEEDLE_VALUE: redact_value_found(sc, at, nd->index); break;
		case NEEDLE_HEX: redact_value_found_hex(sc, at, nd->index); break;
		case NEEDLE_BASE64: redact_value_found_base64(sc, at, nd->index); break;
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

static void scan_needles(struct scan *sc)
{
	const uint64_t *bitmap = sc->r->bitmap;
	const char *s = sc->s;
	size_t at = 0;

	while (sc->n >= 3 && at <= sc->n - 3) {
		uint32_t key = (uint32_t)fold(s[at]) << 8 | fold(s[at + 1]);
		size_t p = at + 2, n = sc->n;

		for (; p < n; p++) {
			uint32_t hash;

			key = (key << 8 | fold(s[p])) & 0xffffff;
			hash = needle_hash(key);
			if (__builtin_expect(bitmap[hash / 64] >> (hash % 64) & 1, 0)) {
				size_t next = needle_found(sc, p - 2, key, hash);

				if (next > p - 1) {
					p = n;
					at = next;
					goto restart;
				}
			}
		}
		return;
restart:;
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
	scan_needles(sc);
	if (sc->r->pattern_count)
		scan_patterns(sc);
}

static void scan_release(struct scan *sc)
{
	free(sc->spans);
	free(sc->markers);
}

/* Spans of one text; merged. */
static void scan_text(struct scan *sc, struct redactor *r, const char *s, size_t n, bool cut_at_start)
{
	*sc = (struct scan){ .r = r, .s = s, .n = n };
	scan_run(sc, cut_at_start);
	spans_merge(sc);
}

/* cut: only text[cut..n) is wanted; the rest is context. */
static void redact_from(struct redactor *r, const char *s, size_t n, size_t cut, bool cut_at_start,
			struct str *out)
{
	auto_str a = STR_INIT;
	size_t start = out->len;
	struct scan sc;

	for (int pass = 0; pass < PASS_MAX; pass++) {
		scan_text(&sc, r, s, n, cut_at_start && pass == 0);
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
static const struct secret_value *cut_value(const struct redactor *r, const char *s, size_t n)
{
	for (size_t i = 0; n == COMM_BYTES && i < r->value_count; i++)
		if (r->values[i].len > n && memcmp(r->values[i].bytes, s, n) == 0)
			return &r->values[i];
	return NULL;
}

void redact_text(struct redactor *r, const char *s, size_t n, struct str *out)
{
	const struct secret_value *cut = cut_value(r, s, n);

	if (cut) {
		str_addf(out, "<redacted:%s>", cut->label);
		return;
	}
	redact_from(r, s, n, 0, false, out);
}

const char *redact_finds(struct redactor *r, const char *s, size_t n)
{
	struct scan sc;
	const char *label = NULL;

	scan_text(&sc, r, s, n, false);
	for (size_t i = 0; i < sc.count && !label; i++)
		if (redact_marker_length(r, s + sc.spans[i].from, sc.spans[i].to - sc.spans[i].from) !=
		    sc.spans[i].to - sc.spans[i].from)
			label = sc.spans[i].label;
	scan_release(&sc);
	return label;
}

static void redact_whole(const struct redactor *r, const char *label, const char *v, size_t n, struct str *out)
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
	char label[LABEL_SIZE];

	if (!redact_names_label(r, key, strlen(key))) {
		redact_text(r, value, n, out);
		return;
	}
	redact_label_make(label, key, strlen(key));
	redact_whole(r, redact_values_in(r, label, strlen(label)) ? "secret" : label, value, n, out);
}

/* The name at the start of an argument ("--token", "TOKEN", "Authorization"): its length, and
 * what stands behind it. */
static size_t argument_name(const char *arg)
{
	size_t n = 0;

	while ((arg[n] >= 'a' && arg[n] <= 'z') || (arg[n] >= 'A' && arg[n] <= 'Z') ||
	       (arg[n] >= '0' && arg[n] <= '9') || arg[n] == '_' || arg[n] == '-' || arg[n] == '.')
		n++;
	return n;
}

/* One argument. *label: the name whose value the argument before has announced, and after: the
 * one that this argument announces. code: it is a program text, not one name and its value. */
static void redact_argument(struct redactor *r, const char *arg, const char **label, bool code, struct str *out)
{
	const char *own, *before = *label;
	size_t name = argument_name(arg), len = strlen(arg), at;

	*label = NULL;
	if (before && !(arg[0] == '-' && arg[1] == '-' && arg[2])) {
		redact_whole(r, before, arg, len, out);
		return;
	}
	own = name ? redact_names_label(r, arg, name) : NULL;
	if (!own || code || !(arg[name] == '=' || arg[name] == ':' || arg[name] == '\0')) {
		redact_text(r, arg, len, out);
		return;
	}
	if (arg[name] == '\0') {
		redact_text(r, arg, len, out);
		if (arg[0] == '-')
			*label = own;
		return;
	}
	if (arg[name] == ':' && (arg[name + 1] == ':' || (arg[name + 1] && arg[name + 1] != ' '))) {
		redact_text(r, arg, len, out);
		return;
	}
	for (at = name + 1; arg[at] == ' ';)
		at++;
	redact_text(r, arg, at, out);
	if (arg[at] == '\0' && arg[name] == ':')
		*label = own;
	redact_whole(r, own, arg + at, len - at, out);
}

void redact_argv(struct redactor *r, char *const argv[], struct strv *out)
{
	const char *label = NULL;

	for (size_t i = 0; argv && argv[i]; i++) {
		auto_str one = STR_INIT;
		bool code = i > 0 && (strcmp(argv[i - 1], "-c") == 0 || strcmp(argv[i - 1], "-lc") == 0 ||
				      strcmp(argv[i - 1], "-ec") == 0 || strcmp(argv[i - 1], "-e") == 0);

		redact_argument(r, argv[i], &label, code, &one);
		strv_take(out, str_steal(&one));
	}
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
	redact_from(r, buf, n, cut, true, out);
}

static const char *length_bucket(size_t n)
{
	static const char *const names[] = {
		"0", "1-7", "8-15", "16-31", "32-63", "64-127", "128-255", "256-511", "512-1023", "1024+",
	};
	size_t i = 0;

	if (n == 0)
		return names[0];
	for (i = 1; i < sizeof(names) / sizeof(names[0]) - 1 && n >= (size_t)4 << i;)
		i++;
	return names[i];
}

#define KEY_ENV "SPEC_RUNNER_REDACTION_KEY"

static void profile_key_make(struct redactor *r, char *const envp[])
{
	const char *given = NULL;
	size_t done = 0;

	for (size_t i = 0; envp && envp[i]; i++)
		if (strncmp(envp[i], KEY_ENV "=", sizeof(KEY_ENV)) == 0 && envp[i][sizeof(KEY_ENV)])
			given = envp[i] + sizeof(KEY_ENV);
	if (given) { /* any text serves as a key */
		(void)crypto_generichash(r->key, sizeof(r->key), (const unsigned char *)given, strlen(given),
					 NULL, 0);
	} else {
		while (done < sizeof(r->key)) {
			ssize_t got = getrandom(r->key + done, sizeof(r->key) - done, 0);

			if (got > 0)
				done += (size_t)got;
		}
	}
	r->key_made = true;
}

static void json_name(struct str *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			str_addf(out, "\\u%04x", c); /* latin-1 reading of a byte: valid and unambiguous */
		else
			str_addc(out, (char)c);
	}
}

static bool name_seen(char *const envp[], size_t i, size_t n)
{
	for (size_t j = 0; j < i; j++)
		if (strncmp(envp[j], envp[i], n + 1) == 0)
			return true;
	return false;
}

void redact_env_profile(struct redactor *r, char *const envp[], struct str *out)
{
	bool first = true;

	if (!r->key_made)
		profile_key_make(r, envp);
	str_addc(out, '{');
	for (size_t i = 0; envp && envp[i]; i++) {
		const char *eq = strchr(envp[i], '=');
		size_t n = eq ? (size_t)(eq - envp[i]) : 0;
		unsigned char hash[16];
		char hex[33];

		if (!n || name_seen(envp, i, n))
			continue;
		str_add(out, first ? "\"" : ",\"");
		first = false;
		json_name(out, envp[i], n);
		str_addf(out, "\":{\"set\":true,\"length_bucket\":\"%s\"", length_bucket(strlen(eq + 1)));
		/* the key's own row says nothing about it that could be tried out */
		if (!(n == strlen(KEY_ENV) && memcmp(envp[i], KEY_ENV, n) == 0)) {
			crypto_generichash(hash, sizeof(hash), (const unsigned char *)eq + 1, strlen(eq + 1),
					   r->key, sizeof(r->key));
			sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
			str_addf(out, ",\"hash\":\"%s\"", hex);
		}
		str_addc(out, '}');
	}
	str_addc(out, '}');
}
