/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of text in which a name and its value stand together (contract 7): `--flag value`,
 * `NAME=value`, `NAME: value` (headers, YAML), `"name": "value"` (JSON, also quoted again inside
 * a shell argument or another JSON), URL query, `<name>value</name>`.
 *
 * Where a value ends, in doubt more is hidden, not less: an unquoted one after `=` ends at white space,
 * one after `:` at the end of its line. Whether it is a secret is judged in redact_look.c. */
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

/* The same behind the letters of a bytes or raw string (b"…"). */
static struct quote value_quote(const struct scan *sc, size_t *at)
{
	struct quote q = quote_at(sc, *at);

	for (size_t k = 1; !q.len && k <= 2 && *at + k < sc->n && strchr("bBuUrRfF", sc->s[*at + k - 1]); k++)
		q = quote_at(sc, *at + k);
	if (q.len)
		*at = q.at;
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

/* Of a sentence, or under a weak name: the words that look like a secret. Under a weak name the
 * first one alone is the value. */
static void hide_words(struct scan *sc, size_t from, size_t to, const struct secret_kind *kind)
{
	for (size_t p = from; p < to;) {
		size_t word;

		while (p < to && (is_space(sc->s[p]) || is_quote(sc->s[p]) || sc->s[p] == '('))
			p++;
		for (word = p; p < to && !is_space(sc->s[p]) && !is_quote(sc->s[p]);)
			p++;
		if (p > word && !is_marked(sc, word, p) && redact_looks_secret(sc->s + word, p - word)) {
			redact_scan_add(sc, word, p, kind->label);
			if (p > sc->form_done)
				sc->form_done = p;
		}
		if (kind->strength == NAME_WEAK && p > word)
			return;
	}
}

static void hide_as(struct scan *sc, size_t from, size_t to, const struct secret_kind *kind, bool quoted)
{
	enum verdict_of_value verdict;

	if (to <= from || is_marked(sc, from, to)) {
		if (to > sc->form_done)
			sc->form_done = to;
		return;
	}
	verdict = redact_judge(sc->r, kind, sc->s + from, to - from, quoted);
	if (verdict == VALUE_WORDS)
		hide_words(sc, from, to, kind);
	if (verdict != VALUE_SECRET)
		return; /* another name may stand in it */
	if (to > sc->form_done)
		sc->form_done = to;
	redact_scan_add(sc, from, to, kind->label);
}

void redact_form_hide(struct scan *sc, size_t from, size_t to, const struct secret_kind *kind)
{
	hide_as(sc, from, to, kind, false);
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
static void hide_quoted(struct scan *sc, size_t at, const struct quote *q, const struct secret_kind *kind, bool glue)
{
	size_t from = at + q->len, to = quote_close(sc, from, q), after = to + q->len;

	if (to >= sc->n) {
		hide_as(sc, from, sc->n, kind, true);
		return;
	}
	if (glue && after < sc->n && !is_space(sc->s[after]) && !strchr(",;:)]}&|<>", sc->s[after]) &&
	    !is_quote(sc->s[after]) && sc->s[after] != '\\') {
		redact_form_hide(sc, at, word_end(sc, after, false), kind);
		return;
	}
	hide_as(sc, from, to, kind, true);
}

/* The end of a JSON array or object that begins at `at`: brackets outside quotes count. */
static size_t bracket_end(const struct scan *sc, size_t at)
{
	int depth = 0;

	for (size_t p = at; p < sc->n; p++) {
		char c = sc->s[p];

		if (c == '[' || c == '{' || c == '(') {
			depth++;
		} else if (c == ']' || c == '}' || c == ')') {
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
static void hide_json_bare(struct scan *sc, size_t at, const struct quote *q, const struct secret_kind *kind)
{
	size_t to = at;

	if (sc->s[at] == '[' || sc->s[at] == '{' || sc->s[at] == '(') {
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
	if (redact_judge(sc->r, kind, sc->s + at, to - at, false) != VALUE_SECRET &&
	    !(kind->strength == NAME_WEAK && redact_looks_secret(sc->s + at, to - at)))
		return;
	if (to > sc->form_done)
		sc->form_done = to;
	redact_scan_add_quoted(sc, at, to, kind->label, q->at, q->c == '"' ? q->len : 0);
}

/* YAML: the value is on the following lines, which are indented further. */
static void hide_block(struct scan *sc, size_t name, size_t eol, const struct secret_kind *kind)
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
		if (text >= sc->n || is_break(sc->s[text]))
			break;
		/* items of a list may stand right below the name */
		if (text - p <= indent && !(text - p == indent && sc->n - text > 2 && memcmp(sc->s + text, "- ", 2) == 0))
			break;
		stop = line_end(sc, text);
		if (!first)
			first = text;
		end = stop;
		p = stop;
	}
	if (first)
		redact_form_hide(sc, first, trim_end(sc, first, end), kind);
}

/* What comes after ':' (at: past it). */
static void colon_value(struct scan *sc, size_t name, size_t at, const struct quote *open, const struct secret_kind *kind)
{
	size_t p = at, eol, to, before = open->len ? open->at : name;
	struct quote q;

	while (p < sc->n && is_blank(sc->s[p]))
		p++;
	if (p >= sc->n)
		return;
	eol = line_end(sc, p);
	if (p == eol || ((sc->s[p] == '|' || sc->s[p] == '>') && trim_end(sc, p, eol) - p <= 3)) {
		hide_block(sc, name, eol, kind);
		return;
	}
	q = value_quote(sc, &p);
	if (open->len && q.len == open->len && q.c == open->c && quote_close(sc, p, open) == p) {
		to = p; /* "Authorization: " with nothing in it */
		return;
	}
	if (q.len) {
		hide_quoted(sc, p, &q, kind, false);
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
	redact_form_hide(sc, p, trim_end(sc, p, to), kind);
}

/* What comes after '='. */
static void equals_value(struct scan *sc, size_t name, size_t at, const struct quote *open, const struct secret_kind *kind)
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
	q = value_quote(sc, &p);
	if (open->len && q.len == open->len && q.c == open->c && (q.slashes || quote_closes(sc, p + q.len - 1)))
		return; /* 'TOKEN=' and nothing more */
	if (q.len) {
		hide_quoted(sc, p, &q, kind, true);
		return;
	}
	if (open->len) {
		size_t close = quote_close(sc, p, open);

		if (close < sc->n) {
			redact_form_hide(sc, p, close, kind);
			return;
		}
	}
	redact_form_hide(sc, p, word_end(sc, p, query), kind);
}

static bool starts(const struct scan *sc, size_t at, const char *with)
{
	size_t n = strlen(with);

	return at <= sc->n && n <= sc->n - at && strncasecmp(sc->s + at, with, n) == 0;
}

/* Skips any of these at *at; true where there was one. */
static bool skip_any(const struct scan *sc, size_t *at, const char *const *these)
{
	for (size_t i = 0; these[i]; i++)
		if (starts(sc, *at, these[i])) {
			*at += strlen(these[i]);
			return true;
		}
	return false;
}

/* `token%3Dabc%26`, `token%22%3A%22abc%22`: a query or a document inside a query. */
static bool encoded_value(struct scan *sc, size_t at, const struct secret_kind *kind)
{
	static const char *const around[] = { "%22", "%27", "%20", "%5C", "%09", "+", NULL };
	static const char *const between[] = { "%3D", "%3A", NULL };
	static const char *const ends[] = { "%26", "%22", "%27", "%2C", "%7D", "%20", "%5C", "&", NULL };
	size_t p = at, from, z;

	while (skip_any(sc, &p, around))
		;
	if (!skip_any(sc, &p, between))
		return false;
	while (skip_any(sc, &p, around))
		;
	for (from = p; p < sc->n && !is_space(sc->s[p]) && !is_quote(sc->s[p]);) {
		size_t marker = sc->s[p] == '<' ? redact_marker_length(sc->r, sc->s + p, sc->n - p) : 0;

		z = p;
		if (skip_any(sc, &z, ends))
			break;
		p += marker ? marker : 1;
	}
	redact_form_hide(sc, from, p, kind);
	return true;
}

/* `&quot;token&quot;:&quot;abc&quot;`: JSON within HTML or XML. */
static bool entity_value(struct scan *sc, size_t at, const struct secret_kind *kind)
{
	static const char *const quotes[] = { "&quot;", "&#34;", "&#39;", "&apos;", "&#x27;", "&#x22;", NULL };
	size_t p = at, from, end, entity;
	const char *hit;

	if (!skip_any(sc, &p, quotes))
		return false;
	while (p < sc->n && is_blank(sc->s[p]))
		p++;
	if (p >= sc->n || (sc->s[p] != ':' && sc->s[p] != '='))
		return false;
	for (p++; p < sc->n && is_blank(sc->s[p]);)
		p++;
	entity = p;
	if (!skip_any(sc, &p, quotes))
		return false;
	from = p;
	hit = memmem(sc->s + from, sc->n - from, sc->s + entity, from - entity);
	end = hit ? (size_t)(hit - sc->s) : line_end(sc, from);
	hide_as(sc, from, end, kind, true);
	return true;
}

/* {"name": "DB_PASSWORD", "value": "abc"}, in JSON, YAML or XML: the name is itself a value. p: behind it. */
static bool pair_value(struct scan *sc, const struct quote *open, size_t name, size_t p, const struct secret_kind *kind)
{
	size_t before = open->len ? open->at : name, q = p, end;
	struct quote o, c;

	while (before > 0 && is_blank(sc->s[before - 1]))
		before--;
	if (!before || (sc->s[before - 1] != ':' && sc->s[before - 1] != '='))
		return false;
	while (q < sc->n && q - p < 80 && (is_space(sc->s[q]) || sc->s[q] == ',' || sc->s[q] == ';'))
		q++;
	if (q == p)
		return false;
	o = quote_at(sc, q);
	q += o.len;
	if (!starts(sc, q, "value"))
		return false;
	q += 5;
	c = quote_at(sc, q);
	if (o.len)
		q += c.len;
	while (q < sc->n && is_blank(sc->s[q]))
		q++;
	if (q >= sc->n || (sc->s[q] != ':' && sc->s[q] != '='))
		return false;
	for (q++; q < sc->n && is_blank(sc->s[q]);)
		q++;
	c = value_quote(sc, &q);
	if (c.len) {
		hide_quoted(sc, q, &c, kind, false);
	} else {
		for (end = q; end < sc->n && !is_break(sc->s[end]) && !strchr(",}", sc->s[end]);)
			end++;
		redact_form_hide(sc, q, trim_end(sc, q, end), kind);
	}
	return true;
}

/* "--token", "abc": an argument vector as Python, Go or JSON print it. p: behind the name's quote. */
static bool listed_value(struct scan *sc, size_t name, size_t p, const struct secret_kind *kind)
{
	struct quote q;

	if (sc->s[name] != '-' || p >= sc->n || sc->s[p] != ',')
		return false;
	for (p++; p < sc->n && is_space(sc->s[p]);)
		p++;
	q = value_quote(sc, &p);
	if (!q.len || starts(sc, q.at + q.len, "--"))
		return false;
	hide_quoted(sc, p, &q, kind, false);
	return true;
}

static bool in_netrc(const struct scan *sc, size_t at)
{
	size_t from = at > 256 ? at - 256 : 0;

	return memmem(sc->s + from, at - from, "machine ", 8) && memmem(sc->s + from, at - from, "login ", 6);
}

/* `password abc` of .netrc, and prose: "the password is abc". p: on the blank behind the name. */
static void bare_value(struct scan *sc, size_t p, const struct secret_kind *kind)
{
	static const char *const verbs[] = { "is ", "was ", "are ", "equals ", "is: ", "set to ", NULL };
	size_t end;
	bool said;

	if (kind->strength != NAME_STRONG)
		return;
	while (p < sc->n && is_blank(sc->s[p]))
		p++;
	said = skip_any(sc, &p, verbs);
	while (p < sc->n && (is_blank(sc->s[p]) || is_quote(sc->s[p])))
		p++;
	for (end = p; end < sc->n && !is_space(sc->s[end]) && !is_quote(sc->s[end]);)
		end++;
	while (end > p && strchr(",;:.!?)", sc->s[end - 1]))
		end--;
	if (end <= p || is_marked(sc, p, end))
		return;
	if (!said && in_netrc(sc, p))
		redact_form_hide(sc, p, end, kind);
	else if (redact_looks_secret(sc->s + p, end - p))
		redact_form_hide(sc, p, end, kind);
}

/* `--flag value`. */
static void flag_value(struct scan *sc, size_t at, const struct secret_kind *kind)
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
		hide_quoted(sc, p, &q, kind, true);
	else
		redact_form_hide(sc, p, word_end(sc, p, false), kind);
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

/* What follows a name in plain quotes, or without quotes. p: past it. */
static void named_value(struct scan *sc, size_t name, size_t end, size_t p, const struct quote *open, bool quoted,
			const struct secret_kind *kind)
{
	static const struct quote none;
	struct quote value;

	while (p < sc->n && is_blank(sc->s[p]))
		p++;
	if (p >= sc->n)
		return;
	if (p + 1 < sc->n && ((sc->s[p] == ':' && sc->s[p + 1] == '=') || (sc->s[p] == '-' && sc->s[p + 1] == '>')))
		p++; /* :=, -> */
	if (p > 0 && sc->s[p] == '>' && sc->s[p - 1] == '-') {
		equals_value(sc, name, p + 1, quoted ? &none : open, kind);
		return;
	}
	if (sc->s[p] == '=') {
		if (p + 1 < sc->n && sc->s[p + 1] == '=')
			p++; /* an assertion prints both sides of a comparison */
		equals_value(sc, name, p + 1, quoted ? &none : open, kind);
		return;
	}
	if (sc->s[p] != ':' || (p + 1 < sc->n && sc->s[p + 1] == ':')) {
		if (sc->s[name] != '-' && p > end)
			bare_value(sc, p, kind);
		return;
	}
	if (!quoted) {
		if (!is_no_name(sc, name, end))
			colon_value(sc, name, p + 1, open, kind);
		return;
	}
	p++;
	while (p < sc->n && is_space(sc->s[p]))
		p++;
	if (p >= sc->n)
		return;
	value = value_quote(sc, &p);
	if (value.len)
		hide_quoted(sc, p, &value, kind, false);
	else
		hide_json_bare(sc, p, open, kind);
}

static void name_value(struct scan *sc, size_t name, size_t end, const struct secret_kind *kind)
{
	struct quote open = quote_before(sc, name), close = quote_at(sc, end);
	size_t p = end;
	bool quoted = open.len && close.len == open.len && close.c == open.c;

	if (quoted)
		p += close.len;
	else if (redact_form_element(sc, name, p, kind))
		return;
	if (entity_value(sc, p, kind) || encoded_value(sc, p, kind) || pair_value(sc, &open, name, p, kind) ||
	    (quoted && listed_value(sc, name, p, kind)))
		return;
	if (p < sc->n && sc->s[p] == ']' && quoted) /* PHP: $_ENV['token'] = */
		p++;
	if (!quoted && p < sc->n && is_blank(sc->s[p]) && sc->s[name] == '-') {
		size_t z = p;

		while (z < sc->n && is_blank(sc->s[z]))
			z++;
		if (z < sc->n && sc->s[z] != '=' &&
		    !(sc->s[z] == ':' && z + 1 < sc->n && is_blank(sc->s[z + 1]))) {
			flag_value(sc, p, kind);
			return;
		}
	}
	named_value(sc, name, end, p, &open, quoted, kind);
}

/* "the api key: …", "unexpected token: …": the word before a lone one may settle what it is. */
static void look_before(const struct scan *sc, size_t name, size_t end, struct secret_kind *kind)
{
	static const char *const of_parsers[] = {
		"unexpected", "expected", "invalid", "unknown", "illegal", "next", "bad", "unrecognized", "previous",
		"current", "missing", "last", NULL,
	};
	size_t to = name, from;

	if (end - name > 6 || !to || !is_blank(sc->s[to - 1]))
		return;
	while (to > 0 && is_blank(sc->s[to - 1]))
		to--;
	for (from = to; from > 0 && is_name(sc->s[from - 1]);)
		from--;
	if (kind->strength == NAME_WEAK && strcmp(kind->label, "key") == 0) {
		if (redact_names_opens(sc->s + from, to - from))
			kind->strength = NAME_STRONG;
		return;
	}
	for (size_t i = 0; kind->strength == NAME_STRONG && of_parsers[i]; i++)
		if (strlen(of_parsers[i]) == to - from && strncasecmp(sc->s + from, of_parsers[i], to - from) == 0)
			kind->strength = NAME_WEAK;
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* A word that goes on in the same case is another one: "passed", "keyboard", "TOKENIZER". */
static bool word_ends(const struct scan *sc, size_t at, size_t end)
{
	char c;

	if (end >= sc->n)
		return true;
	c = sc->s[end];
	if ((c | 0x20) == 's' && (end + 1 >= sc->n || !is_lower((char)(sc->s[end + 1] | 0x20))))
		return true;
	if (is_lower(c))
		return false;
	/* an upper case letter goes on with a word of upper case letters only */
	return !(c >= 'A' && c <= 'Z' && !is_lower(sc->s[end - 1]) &&
		 !(end + 1 < sc->n && is_lower(sc->s[end + 1]))) || at == end;
}

/* A secret word or name stands at text[at..at+len): which name is it part of, and which
 * value has it? */
void redact_form_found(struct scan *sc, size_t at, size_t len, bool given)
{
	size_t name = at, end = at + len;
	struct secret_kind kind;

	if (at < sc->name_done || at < sc->form_done || (!given && !word_ends(sc, at, end)))
		return;
	while (name > sc->name_done && is_name(sc->s[name - 1]))
		name--;
	/* "%3Ftoken", "\ntoken": what belongs to an escape is not part of the name */
	if (name > 0 && sc->s[name - 1] == '%' && at - name >= 2)
		name += 2;
	else if (name > 0 && sc->s[name - 1] == '\\' && at > name && strchr("nrt", sc->s[name]))
		name++;
	while (end < sc->n && is_name(sc->s[end]))
		end++;
	sc->name_done = end;
	kind = redact_name_kind(sc->r, sc->s + name, end - name);
	if (kind.strength < NAME_GIVEN && given && end - name > 1) { /* "-D" and such before it */
		struct secret_kind bare = redact_name_kind(sc->r, sc->s + at, end - at);

		if (bare.strength > kind.strength)
			kind = bare;
	}
	if (kind.strength == NAME_PLAIN || redact_names_is_own_key(sc->s + name, end - name))
		return;
	look_before(sc, name, end, &kind);
	name_value(sc, name, end, &kind);
}

void redact_forms_needles(struct redactor *r)
{
	for (uint32_t w = 0; redact_needle_words[w].text; w++)
		redact_needle_add(r, redact_needle_words[w].text, NEEDLE_WORD, w);
	redact_nameless_needles(r);
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
