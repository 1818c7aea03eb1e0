/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of text in which a name and its value stand together (contract 7): `--flag value`,
 * `NAME=value`, `NAME: value` (headers, YAML), `"name": "value"` (JSON, also quoted again inside
 * a shell argument or another JSON), URL query, `<name>value</name>`.
 *
 * In doubt more is hidden, not less: an unquoted value after `=` ends at white space, one after
 * `:` at the end of its line. */
#include "trace/redact_internal.h"

#include <string.h>
#include <strings.h>

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_break(char c)
{
	return c == '\n' || c == '\r' || c == '\0';
}

static bool is_space(char c)
{
	return is_blank(c) || is_break(c) || c == '\v' || c == '\f';
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

/* A quote with the backslashes before it: \" is how a quote inside a quoted text looks. */
struct quote {
	size_t at, len; /* text[at..len) is the whole of it; len 0: none */
	size_t slashes;
	char c;
};

static struct quote quote_at(const struct scan *sc, size_t at)
{
	struct quote q = { .at = at };

	while (at < sc->n && sc->s[at] == '\\' && q.slashes < 64) {
		at++;
		q.slashes++;
	}
	if (at < sc->n && is_quote(sc->s[at])) {
		q.c = sc->s[at];
		q.len = q.slashes + 1;
	}
	return q;
}

/* The quote that ends right before `at`. */
static struct quote quote_before(const struct scan *sc, size_t at)
{
	struct quote q = { .at = at };

	if (!at || !is_quote(sc->s[at - 1]))
		return q;
	q.c = sc->s[at - 1];
	while (q.slashes + 1 < at && q.slashes < 64 && sc->s[at - 2 - q.slashes] == '\\')
		q.slashes++;
	q.len = q.slashes + 1;
	q.at = at - q.len;
	return q;
}

/* Where the text that q opened is closed: an inner quote at this depth of quoting has
 * slashes + k * 2 * (slashes + 1) backslashes before it only when they belong to the value. Returns
 * the position of the closing sequence, n when there is none. */
static size_t quote_close(const struct scan *sc, size_t at, const struct quote *q)
{
	while (at < sc->n) {
		const char *hit = memchr(sc->s + at, q->c, sc->n - at);
		size_t p, b = 0;

		if (!hit)
			return sc->n;
		p = (size_t)(hit - sc->s);
		while (p - b > at && sc->s[p - b - 1] == '\\')
			b++;
		if (q->c == '\'' && q->slashes == 0)
			return p; /* a shell knows no escape within single quotes; JSON has none such */
		if (b % (2 * (q->slashes + 1)) == q->slashes)
			return p - q->slashes;
		at = p + 1;
	}
	return sc->n;
}

/* Does a quote at p look like the end of a quoted text that began before the name? */
static bool quote_closes(const struct scan *sc, size_t p)
{
	size_t after = p + 1;

	return is_quote(sc->s[p]) && (after >= sc->n || is_space(sc->s[after]) ||
				      strchr(",;:)]}>\\|&", sc->s[after]) != NULL || is_quote(sc->s[after]));
}

/* True when text[from..to) is nothing but one marker: it was redacted before. */
static bool is_marked(const struct scan *sc, size_t from, size_t to)
{
	return redact_marker_length(sc->r, sc->s + from, to - from) == to - from;
}

static void hide(struct scan *sc, size_t from, size_t to, const char *label)
{
	if (to <= from)
		return;
	if (to > sc->form_done)
		sc->form_done = to;
	if (!is_marked(sc, from, to))
		redact_scan_add(sc, from, to, label);
}

static size_t line_end(const struct scan *sc, size_t at)
{
	while (at < sc->n && !is_break(sc->s[at]))
		at++;
	return at;
}

static size_t trim_end(const struct scan *sc, size_t from, size_t to)
{
	while (to > from && is_space(sc->s[to - 1]))
		to--;
	return to;
}

/* The end of an unquoted value that runs to white space. query: it also ends at '&' and '#'. */
static size_t word_end(const struct scan *sc, size_t at, bool query)
{
	size_t p = at;

	while (p < sc->n && !is_space(sc->s[p])) {
		size_t marker = sc->s[p] == '<' ? redact_marker_length(sc->r, sc->s + p, sc->n - p) : 0;

		if (marker) {
			p += marker;
			continue;
		}
		if (query && (sc->s[p] == '&' || sc->s[p] == '#'))
			break;
		if (p > at && is_quote(sc->s[p]) && quote_closes(sc, p)) {
			while (p > at && sc->s[p - 1] == '\\')
				p--;
			break;
		}
		if (p == at && is_quote(sc->s[p]) && quote_closes(sc, p) && query)
			break;
		p++;
	}
	return p;
}

/* A quoted value, and what a shell would glue to it. glue: `"a b"c` is one word. */
static void hide_quoted(struct scan *sc, size_t at, const struct quote *q, const char *label, bool glue)
{
	size_t from = at + q->len, to = quote_close(sc, from, q), after = to + q->len;

	if (to >= sc->n) {
		hide(sc, from, sc->n, label);
		return;
	}
	if (glue && after < sc->n && !is_space(sc->s[after]) && !strchr(",;:)]}&|<>", sc->s[after]) &&
	    !is_quote(sc->s[after]) && sc->s[after] != '\\') {
		hide(sc, at, word_end(sc, after, false), label);
		return;
	}
	if (after > sc->form_done)
		sc->form_done = after;
	hide(sc, from, to, label);
}

/* The end of a JSON array or object that begins at `at`: brackets outside quotes count. */
static size_t bracket_end(const struct scan *sc, size_t at)
{
	int depth = 0;

	for (size_t p = at; p < sc->n; p++) {
		char c = sc->s[p];

		if (c == '[' || c == '{') {
			depth++;
		} else if (c == ']' || c == '}') {
			if (--depth == 0)
				return p + 1;
		} else if (c == '"' || c == '\\') {
			struct quote q = quote_at(sc, p);

			if (q.len && q.c == '"')
				p = quote_close(sc, p + q.len, &q) + q.len - 1;
		}
	}
	return sc->n;
}

static bool is_json_word(const char *s, size_t n)
{
	return (n == 4 && memcmp(s, "null", 4) == 0) || (n == 4 && memcmp(s, "true", 4) == 0) ||
	       (n == 5 && memcmp(s, "false", 5) == 0);
}

/* "name": 12, [..], {..}: the marker gets the name's quotes, so that JSON stays JSON. */
static void hide_json_bare(struct scan *sc, size_t at, const struct quote *q, const char *label)
{
	size_t to = at;

	if (sc->s[at] == '[' || sc->s[at] == '{') {
		to = bracket_end(sc, at);
		if (trim_end(sc, at, to) <= at + 2)
			return; /* [] and {} */
	} else {
		while (to < sc->n && !is_space(sc->s[to]) && !strchr(",]}", sc->s[to]) && sc->s[to] != '\\' &&
		       !is_quote(sc->s[to])) {
			size_t marker = sc->s[to] == '<' ? redact_marker_length(sc->r, sc->s + to, sc->n - to) : 0;

			to += marker ? marker : 1;
		}
	}
	if (to <= at || is_json_word(sc->s + at, to - at) || is_marked(sc, at, to))
		return;
	if (to > sc->form_done)
		sc->form_done = to;
	redact_scan_add_quoted(sc, at, to, label, q->at, q->c == '"' ? q->len : 0);
}

/* YAML: the value stands in the following, deeper lines. */
static void hide_block(struct scan *sc, size_t name, size_t eol, const char *label)
{
	size_t start = name, indent, p = eol, end, first = 0;

	while (start > 0 && !is_break(sc->s[start - 1]))
		start--;
	for (size_t i = start; i < name; i++)
		if (!is_blank(sc->s[i]) && sc->s[i] != '-' && sc->s[i] != '"' && sc->s[i] != '\'')
			return; /* the name does not begin its line */
	indent = name - start;
	for (end = eol; p < sc->n;) {
		size_t text, stop;

		while (p < sc->n && (sc->s[p] == '\n' || sc->s[p] == '\r'))
			p++;
		for (text = p; text < sc->n && is_blank(sc->s[text]);)
			text++;
		if (text >= sc->n || is_break(sc->s[text]) || text - p <= indent)
			break;
		stop = line_end(sc, text);
		if (!first)
			first = text;
		end = stop;
		p = stop;
	}
	if (first)
		hide(sc, first, trim_end(sc, first, end), label);
}

/* What stands after ':' (at: behind it). */
static void colon_value(struct scan *sc, size_t name, size_t at, const struct quote *open, const char *label)
{
	size_t p = at, eol, to, before = open->len ? open->at : name;
	struct quote q;

	while (p < sc->n && is_blank(sc->s[p]))
		p++;
	if (p >= sc->n)
		return;
	eol = line_end(sc, p);
	if (p == eol || ((sc->s[p] == '|' || sc->s[p] == '>') && trim_end(sc, p, eol) - p <= 3)) {
		hide_block(sc, name, eol, label);
		return;
	}
	q = quote_at(sc, p);
	if (open->len && q.len == open->len && q.c == open->c && quote_close(sc, p, open) == p) {
		to = p; /* "Authorization: " with nothing in it */
		return;
	}
	if (q.len) {
		hide_quoted(sc, p, &q, label, false);
		return;
	}
	to = open->len ? quote_close(sc, p, open) : sc->n;
	if (to == sc->n)
		to = eol;
	while (before > 0 && is_blank(sc->s[before - 1]))
		before--;
	if (!open->len && before > 0 && strchr("{,[(", sc->s[before - 1]))
		for (to = p; to < eol && !strchr(",}])", sc->s[to]);)
			to++;
	hide(sc, p, trim_end(sc, p, to), label);
}

/* What stands after '='. */
static void equals_value(struct scan *sc, size_t name, size_t at, const struct quote *open, const char *label)
{
	char before = name ? sc->s[name - 1] : '\0';
	bool query = before == '?' || before == '&' || before == ';' || before == '#';
	size_t p = at;
	struct quote q;

	if (p < sc->n && sc->s[p] == '>')
		p++; /* Ruby's and Perl's => */
	if (p < sc->n && is_blank(sc->s[p])) {
		size_t z = p;

		while (z < sc->n && is_blank(sc->s[z]))
			z++;
		/* `NAME= cmd` is an empty value for a shell, `name = value` one of a file */
		p = z;
	}
	if (p >= sc->n || is_break(sc->s[p]))
		return;
	q = quote_at(sc, p);
	if (open->len && q.len == open->len && q.c == open->c && (q.slashes || quote_closes(sc, p + q.len - 1)))
		return; /* 'TOKEN=' and nothing more */
	if (q.len) {
		hide_quoted(sc, p, &q, label, true);
		return;
	}
	if (open->len) {
		size_t close = quote_close(sc, p, open);

		if (close < sc->n) {
			hide(sc, p, close, label);
			return;
		}
	}
	hide(sc, p, word_end(sc, p, query), label);
}

/* `token%3Dabc%26`: a query inside a query. */
static void encoded_value(struct scan *sc, size_t at, const char *label)
{
	size_t p = at;

	while (p < sc->n && !is_space(sc->s[p]) && !is_quote(sc->s[p]) && sc->s[p] != '&') {
		size_t marker = sc->s[p] == '<' ? redact_marker_length(sc->r, sc->s + p, sc->n - p) : 0;

		if (sc->s[p] == '%' && sc->n - p >= 3 && sc->s[p + 1] == '2' && sc->s[p + 2] == '6')
			break;
		p += marker ? marker : 1;
	}
	hide(sc, at, p, label);
}

/* `--flag value`. */
static void flag_value(struct scan *sc, size_t at, const char *label)
{
	size_t p = at;
	struct quote q;

	while (p < sc->n && is_blank(sc->s[p]))
		p++;
	if (p >= sc->n || is_break(sc->s[p]))
		return;
	if (sc->n - p >= 3 && sc->s[p] == '-' && sc->s[p + 1] == '-' && is_name(sc->s[p + 2]))
		return; /* the next flag: this one has no value */
	q = quote_at(sc, p);
	if (q.len)
		hide_quoted(sc, p, &q, label, true);
	else
		hide(sc, p, word_end(sc, p, false), label);
}

/* "token.c:12:", "TokenError: …", "a.c:load_key:12" name places and kinds of errors. They are
 * what a report is made of, and what follows them stands under no name. */
static bool is_place(const struct scan *sc, size_t name, size_t end)
{
	static const char *const suffixes[] = {
		"c",   "h",   "cc",   "cpp",   "cxx",  "hpp",  "hh",	  "py",	  "pyx", "js",
		"mjs", "cjs", "ts",   "jsx",   "tsx",  "go",   "rs",	  "java", "kt",	 "scala",
		"rb",  "php", "cs",   "swift", "sh",   "bash", "bats",	  "pl",	  "pm",	 "t",
		"lua", "ex",  "exs",  "erl",   "hs",   "ml",   "s",	  "S",	  "m",	 "mm",
		"zig", "nim", "d",    "f90",   "yaml", "yml",  "json",	  "toml", "txt", "md",
		"log", "xml", "html", "css",   "so",   "def",  "feature", NULL,
	};
	size_t dot = end;

	while (dot > name && sc->s[dot - 1] != '.')
		dot--;
	if (dot <= name + 1)
		return false;
	for (size_t i = 0; suffixes[i]; i++)
		if (strlen(suffixes[i]) == end - dot && memcmp(sc->s + dot, suffixes[i], end - dot) == 0)
			return true;
	return false;
}

static bool is_no_name(const struct scan *sc, size_t name, size_t end)
{
	static const char *const endings[] = { "Error", "Exception", "Interrupt", "Warning", "Failure", NULL };
	size_t n = end - name, p;

	if (is_place(sc, name, end))
		return true;
	for (size_t i = 0; endings[i]; i++) {
		size_t m = strlen(endings[i]);

		if (n > m && memcmp(sc->s + end - m, endings[i], m) == 0)
			return true;
	}
	/* file:function:line */
	if (name < 2 || sc->s[name - 1] != ':')
		return false;
	for (p = name - 1; p > 0 && is_name(sc->s[p - 1]);)
		p--;
	return is_place(sc, p, name - 1);
}

static void name_value(struct scan *sc, size_t name, size_t end, const char *label)
{
	static const struct quote none;
	struct quote open = quote_before(sc, name), close = quote_at(sc, end);
	size_t p = end;
	bool quoted = open.len && close.len == open.len && close.c == open.c;

	if (quoted)
		p += close.len;
	if (!quoted && p < sc->n && sc->s[p] == '>' && name > 0 && sc->s[name - 1] == '<') {
		const char *lt;

		for (lt = memchr(sc->s + p, '<', sc->n - p);
		     lt && redact_marker_length(sc->r, lt, sc->n - (size_t)(lt - sc->s));)
			lt = memchr(lt + 1, '<', sc->n - (size_t)(lt + 1 - sc->s));
		hide(sc, p + 1, lt ? (size_t)(lt - sc->s) : sc->n, label);
		return;
	}
	if (p < sc->n && sc->s[p] == ']' && quoted) /* PHP: $_ENV['token'] = */
		p++;
	if (!quoted && p < sc->n && is_blank(sc->s[p]) && sc->s[name] == '-') {
		size_t z = p;

		while (z < sc->n && is_blank(sc->s[z]))
			z++;
		if (z < sc->n && sc->s[z] != '=' &&
		    !(sc->s[z] == ':' && z + 1 < sc->n && is_blank(sc->s[z + 1]))) {
			flag_value(sc, p, label);
			return;
		}
	}
	while (p < sc->n && is_blank(sc->s[p]))
		p++;
	if (p >= sc->n)
		return;
	if (sc->s[p] == '%' && sc->n - p >= 3 && sc->s[p + 1] == '3' && (sc->s[p + 2] | 0x20) == 'd') {
		encoded_value(sc, p + 3, label);
		return;
	}
	if (sc->s[p] == ':' && p + 1 < sc->n && sc->s[p + 1] == '=')
		p++; /* := */
	if (sc->s[p] == '=') {
		if (p + 1 < sc->n && sc->s[p + 1] == '=')
			p++; /* an assertion prints both sides of a comparison */
		equals_value(sc, name, p + 1, quoted ? &none : &open, label);
		return;
	}
	if (sc->s[p] != ':' || (p + 1 < sc->n && sc->s[p + 1] == ':'))
		return;
	if (!quoted) {
		if (!is_no_name(sc, name, end))
			colon_value(sc, name, p + 1, &open, label);
		return;
	}
	p++;
	while (p < sc->n && is_space(sc->s[p]))
		p++;
	if (p >= sc->n)
		return;
	close = quote_at(sc, p);
	if (close.len)
		hide_quoted(sc, p, &close, label, false);
	else
		hide_json_bare(sc, p, &open, label);
}

/* A secret word or name stands at text[at..at+len): which name is it part of, and which
 * value has it? */
void redact_form_found(struct scan *sc, size_t at, size_t len)
{
	size_t name = at, end = at + len;
	const char *label;

	if (at < sc->name_done || at < sc->form_done)
		return;
	while (name > sc->name_done && is_name(sc->s[name - 1]))
		name--;
	while (end < sc->n && is_name(sc->s[end]))
		end++;
	sc->name_done = end;
	label = redact_names_label(sc->r, sc->s + name, end - name);
	if (!label && end - name > 1) /* "-e" style prefixes of a name of --redact-env */
		label = redact_names_label(sc->r, sc->s + at, end - at);
	if (label && !redact_names_is_own_key(sc->s + name, end - name))
		name_value(sc, name, end, label);
}

void redact_forms_needles(struct redactor *r)
{
	for (uint32_t w = 0; redact_secret_words[w]; w++)
		redact_needle_add(r, redact_secret_words[w], NEEDLE_WORD, w);
	for (size_t i = 0; i < r->name_count; i++) {
		static const char after[] = "=: \t\"'`\\%>]";
		const struct secret_name *nm = &r->names[i];
		char key[8] = { 0 };

		if (nm->len >= 3) {
			redact_needle_add(r, nm->name, NEEDLE_NAME, (uint32_t)i);
			continue;
		}
		memcpy(key, nm->name, nm->len);
		for (size_t a = 0; after[a]; a++)
			for (size_t b = 0; b < (nm->len == 1 ? 256u : 1u); b++) {
				key[nm->len] = after[a];
				if (nm->len == 1)
					key[2] = (char)b;
				redact_needle_add(r, key, NEEDLE_NAME, (uint32_t)i);
			}
	}
}
