/* SPDX-License-Identifier: Apache-2.0 */
#include "optimize/patch.h"

#include "base/mem.h"
#include "base/value.h"
#include "optimize/path_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((size_t)16 << 20)
#define FILES_MAX 10000

/* ---- lines ---- */

struct lines {
	const char *p, *end;
	size_t number;
	bool strip_cr;          /* the whole diff came with CRLF */
};
struct line { const char *p; size_t n; };

static bool next_line(struct lines *in, struct line *l)
{
	const char *nl;

	if (in->p >= in->end)
		return false;
	nl = memchr(in->p, '\n', (size_t)(in->end - in->p));
	l->p = in->p;
	l->n = (size_t)((nl ? nl : in->end) - in->p);
	in->p = nl ? nl + 1 : in->end;
	in->number++;
	if (in->strip_cr && l->n && l->p[l->n - 1] == '\r')
		l->n--;
	return true;
}

static bool line_starts(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	return l->n >= n && memcmp(l->p, word, n) == 0;
}

static void fail(struct patch *p, const struct lines *in, const char *why)
{
	if (!p->error[0])
		snprintf(p->error, sizeof(p->error), "line %zu: %s", in->number, why);
}

/* ---- paths ---- */

/* "a\303\244b" as git quotes it. NULL: not a quoted text. */
static char *unquote(const char *s, size_t n)
{
	static const char from[] = "abtnvfr\"\\", to[] = "\a\b\t\n\v\f\r\"\\";
	auto_str out = STR_INIT;
	const char *at;

	for (size_t i = 1; i + 1 < n; i++) {
		if (s[i] != '\\') {
			str_addc(&out, s[i]);
			continue;
		}
		if (++i + 1 >= n)
			return NULL;
		if (s[i] >= '0' && s[i] <= '3' && i + 3 < n) {
			str_addc(&out, (char)((s[i] - '0') << 6 | (s[i + 1] & 7) << 3 | (s[i + 2] & 7)));
			i += 2;
		} else if ((at = strchr(from, s[i])) && *at) {
			str_addc(&out, to[at - from]);
		} else {
			return NULL;
		}
	}
	return memchr(str_cstr(&out), '\0', out.len) ? NULL : str_steal(&out);
}

/* Behind "--- ", "+++ ", "rename from ": one path, perhaps quoted, perhaps with a time behind a tab. */
static char *take_path(const char *s, size_t n)
{
	const char *tab;

	if (n >= 2 && s[0] == '"' && s[n - 1] == '"')
		return unquote(s, n);
	tab = memchr(s, '\t', n);
	if (tab)
		n = (size_t)(tab - s);
	if (memchr(s, '\0', n))
		return NULL;
	return xstrndup(s, n);
}

/* "a/x" and "b/x" are x; a diff without these prefixes is taken as it stands. */
static char *strip_side(char *path, char side)
{
	if (path && path[0] == side && path[1] == '/')
		memmove(path, path + 2, strlen(path + 2) + 1);
	return path;
}

static bool is_null(const char *path)
{
	return path && strcmp(path, "/dev/null") == 0;
}

/* ---- reading ---- */

static struct patch_file *add_file(struct patch *p)
{
	if (p->n_files == FILES_MAX)
		return NULL;
	p->files = xreallocarray(p->files, p->n_files + 1, sizeof(*p->files));
	p->files[p->n_files] = (struct patch_file){ 0 };
	return &p->files[p->n_files++];
}

static bool number(const char **s, const char *end, int64_t *v)
{
	const char *from = *s;

	for (*v = 0; *s < end && **s >= '0' && **s <= '9' && *v < INT64_C(1000000000); (*s)++)
		*v = *v * 10 + (**s - '0');
	return *s > from;
}

/* "@@ -1,2 +3,4 @@": how many lines of each side follow. */
static bool hunk_head(const struct line *l, int64_t *old_n, int64_t *new_n)
{
	const char *s = l->p + 4, *end = l->p + l->n;
	int64_t at;

	*old_n = *new_n = 1;
	if (!line_starts(l, "@@ -") || !number(&s, end, &at) || (s < end && *s == ',' && (s++, !number(&s, end, old_n))))
		return false;
	if (end - s < 2 || s[0] != ' ' || s[1] != '+')
		return false;
	s += 2;
	if (!number(&s, end, &at) || (s < end && *s == ',' && (s++, !number(&s, end, new_n))))
		return false;
	return end - s >= 3 && memcmp(s, " @@", 3) == 0;
}

static void keep_line(struct patch_file *f, const struct line *l)
{
	str_addn(&f->hunks, l->p, l->n);
	str_addc(&f->hunks, '\n');
}

/* The body of a hunk, counted: what follows its last line is no part of it. */
static bool read_hunk(struct patch *p, struct patch_file *f, struct lines *in, const struct line *head)
{
	int64_t old_n, new_n;
	struct lines ahead;
	struct line l;

	if (!hunk_head(head, &old_n, &new_n)) {
		fail(p, in, "not the head of a hunk");
		return false;
	}
	keep_line(f, head);
	while (old_n > 0 || new_n > 0) {
		char c;

		if (!next_line(in, &l)) {
			fail(p, in, "the diff ends within a hunk");
			return false;
		}
		c = l.n ? l.p[0] : ' '; /* mail and editors strip the blank of an empty context line */
		if (c != ' ' && c != '+' && c != '-' && c != '\\') {
			fail(p, in, "a line of a hunk begins with ' ', '+', '-' or '\\'");
			return false;
		}
		old_n -= c == ' ' || c == '-';
		new_n -= c == ' ' || c == '+';
		f->added += c == '+';
		f->removed += c == '-';
		if (old_n < 0 || new_n < 0) {
			fail(p, in, "a hunk has other lines than its head says");
			return false;
		}
		if (l.n)
			keep_line(f, &l);
		else
			str_add(&f->hunks, " \n");
	}
	ahead = *in;
	if (next_line(&ahead, &l) && line_starts(&l, "\\ ")) {
		keep_line(f, &l);
		*in = ahead;
	}
	return true;
}

static void set(char **to, char *path)
{
	free(*to);
	*to = path;
}

/* Lines between "diff --git" and "---". True: it was one. */
static bool read_extended(struct patch *p, struct patch_file *f, const struct line *l)
{
	static const struct { const char *word; size_t field; bool path; } rows[] = {
		{ "old mode ", offsetof(struct patch_file, old_mode), false },
		{ "new mode ", offsetof(struct patch_file, new_mode), false },
		{ "deleted file mode ", offsetof(struct patch_file, old_mode), false },
		{ "new file mode ", offsetof(struct patch_file, new_mode), false },
		{ "rename from ", offsetof(struct patch_file, old_path), true },
		{ "rename to ", offsetof(struct patch_file, new_path), true },
		{ "copy from ", offsetof(struct patch_file, old_path), true },
		{ "copy to ", offsetof(struct patch_file, new_path), true },
	};

	if (line_starts(l, "index ") || line_starts(l, "similarity index ") || line_starts(l, "dissimilarity index "))
		return true;
	if (line_starts(l, "GIT binary patch") || line_starts(l, "Binary files ")) {
		p->binary = true;
		return true;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].word);

		if (!line_starts(l, rows[i].word))
			continue;
		set((char **)((char *)f + rows[i].field), rows[i].path ? take_path(l->p + n, l->n - n) :
			xstrndup(l->p + n, l->n - n));
		if (str_starts(rows[i].word, "new file"))
			set(&f->old_path, NULL);
		if (str_starts(rows[i].word, "deleted"))
			set(&f->new_path, NULL);
		f->renamed |= str_starts(rows[i].word, "rename");
		f->copied |= str_starts(rows[i].word, "copy");
		return true;
	}
	return false;
}

/* "diff --git a/x b/x", "diff --git "a/x" "b/x"": only the names of a file of which nothing but its mode changes, or that is
 * empty, stand nowhere else. */
static void names_of_git_line(struct patch_file *f, const struct line *l)
{
	const char *s = l->p + 11;
	size_t n = l->n - 11, half = n / 2, side = n && s[0] == '"';

	if (n >= 5 + 4 * side && n % 2 == 1 && s[half] == ' ' && s[side] == 'a' && s[half + 1 + side] == 'b' &&
	    s[half + 1] == (side ? '"' : 'b') && memcmp(s + side + 1, s + half + side + 2, half - side - 1) == 0) {
		set(&f->old_path, strip_side(take_path(s, half), 'a'));
		set(&f->new_path, xstrdup(f->old_path ? f->old_path : ""));
	}
}

/* "--- a/x", and the "+++ b/x" that must follow. */
static bool read_names(struct patch *p, struct patch_file *f, struct lines *in, const struct line *first)
{
	char *old_path = strip_side(take_path(first->p + 4, first->n - 4), 'a'), *new_path;
	struct line l;

	if (!old_path || !next_line(in, &l) || !line_starts(&l, "+++ ")) {
		free(old_path);
		fail(p, in, "'--- ' is not followed by '+++ '");
		return false;
	}
	new_path = strip_side(take_path(l.p + 4, l.n - 4), 'b');
	if (!new_path || (is_null(old_path) && is_null(new_path))) {
		free(old_path);
		free(new_path);
		fail(p, in, "a file without a name");
		return false;
	}
	set(&f->old_path, is_null(old_path) ? NULL : xstrdup(old_path));
	set(&f->new_path, is_null(new_path) ? NULL : xstrdup(new_path));
	free(old_path);
	free(new_path);
	return true;
}

/* State of the reader: which file is open, and whether its names were seen. */
struct reading {
	struct patch_file *f;
	bool named, extended;
};

static bool read_line(struct patch *p, struct reading *r, struct lines *in, const struct line *l)
{
	if (line_starts(l, "diff --git ")) {
		r->f = add_file(p);
		r->named = false;
		r->extended = true;
		if (!r->f)
			return false;
		names_of_git_line(r->f, l);
	} else if (line_starts(l, "--- ") && l->n > 4) {
		if (!r->f || r->named)
			r->f = add_file(p);
		r->extended = false;
		r->named = true;
		return r->f ? read_names(p, r->f, in, l) : false;
	} else if (line_starts(l, "@@ ")) {
		if (!r->f || !r->named) {
			fail(p, in, "a hunk before '--- ' and '+++ '");
			return false;
		}
		return read_hunk(p, r->f, in, l);
	} else if (line_starts(l, "+++ ")) {
		fail(p, in, "'+++ ' without '--- '");
		return false;
	} else if (r->f && r->extended) {
		if (!read_extended(p, r->f, l) && l->n && !p->binary) {
			fail(p, in, "not a line of a diff's head");
			return false;
		}
	} else if (line_starts(l, "GIT binary patch") || line_starts(l, "Binary files ")) {
		p->binary = true;
	} /* else: words before, between and after files, as mails have them; they are left out */
	return true;
}

static bool came_with_crlf(const char *text, size_t n)
{
	struct lines in = { text, text + n, 0, false };
	struct line l;

	while (next_line(&in, &l))
		if (line_starts(&l, "@@ -") || line_starts(&l, "+++ "))
			return l.n && l.p[l.n - 1] == '\r';
	return false;
}

void patch_read(struct patch *p, const char *text, size_t n)
{
	struct lines in = { text, text + n, 0, came_with_crlf(text, n) };
	struct reading r = { 0 };
	struct line l;

	memset(p, 0, sizeof(*p));
	p->bytes = n;
	p->redacted = memmem(text, n, "<redacted:", 10) != NULL;
	if (memchr(text, '\0', n)) {
		p->binary = true;
		return;
	}
	if (n > BYTES_MAX) {
		fail(p, &in, "the diff is larger than 16 MiB");
		return;
	}
	while (!p->error[0] && next_line(&in, &l) && read_line(p, &r, &in, &l))
		;
	if (!p->error[0] && in.p < in.end)
		fail(p, &in, "too many files");
	for (size_t i = 0; i < p->n_files; i++) {
		const struct patch_file *f = &p->files[i];

		p->added += f->added;
		p->removed += f->removed;
		if (!p->error[0] && !f->old_path && !f->new_path)
			fail(p, &in, "a file without a name");
	}
	if (!p->error[0] && !p->n_files && !p->binary && n)
		fail(p, &in, "no file is named");
}

void patch_release(struct patch *p)
{
	for (size_t i = 0; i < p->n_files; i++) {
		free(p->files[i].old_path);
		free(p->files[i].new_path);
		free(p->files[i].old_mode);
		free(p->files[i].new_mode);
		str_release(&p->files[i].hunks);
	}
	free(p->files);
	memset(p, 0, sizeof(*p));
}

/* ---- writing ---- */

static void write_path(struct str *out, const char *side, const char *path)
{
	bool plain = true;

	for (const char *s = path; *s; s++)
		plain &= *s > 0x20 && *s != '"' && *s != '\\' && *s != 0x7f;
	if (plain) {
		str_addf(out, "%s%s", side, path);
		return;
	}
	str_addf(out, "\"%s", side);
	for (const char *s = path; *s; s++) {
		if ((unsigned char)*s <= 0x1f || (unsigned char)*s >= 0x7f || *s == '"' || *s == '\\')
			str_addf(out, "\\%03o", (unsigned char)*s);
		else
			str_addc(out, *s);
	}
	str_addc(out, '"');
}

static void write_file(const struct patch_file *f, struct str *out)
{
	const char *a = f->old_path ? f->old_path : f->new_path, *b = f->new_path ? f->new_path : f->old_path;

	str_add(out, "diff --git ");
	write_path(out, "a/", a);
	str_addc(out, ' ');
	write_path(out, "b/", b);
	str_addc(out, '\n');
	if (!f->old_path)
		str_addf(out, "new file mode %s\n", f->new_mode ? f->new_mode : "100644");
	else if (!f->new_path)
		str_addf(out, "deleted file mode %s\n", f->old_mode ? f->old_mode : "100644");
	else if (f->old_mode && f->new_mode)
		str_addf(out, "old mode %s\nnew mode %s\n", f->old_mode, f->new_mode);
	if ((f->renamed || f->copied) && f->old_path && f->new_path) {
		str_add(out, f->renamed ? "rename from " : "copy from ");
		write_path(out, "", f->old_path);
		str_add(out, f->renamed ? "\nrename to " : "\ncopy to ");
		write_path(out, "", f->new_path);
		str_addc(out, '\n');
	}
	/* nothing else tells two names apart */
	if (!f->hunks.len && (f->renamed || f->copied || strcmp(a, b) == 0))
		return;
	str_add(out, "--- ");
	write_path(out, f->old_path ? "a/" : "/dev/", f->old_path ? f->old_path : "null");
	str_add(out, "\n+++ ");
	write_path(out, f->new_path ? "b/" : "/dev/", f->new_path ? f->new_path : "null");
	str_addc(out, '\n');
	str_addn(out, str_cstr(&f->hunks), f->hunks.len);
}

void patch_write(const struct patch *p, struct str *out)
{
	for (size_t i = 0; i < p->n_files; i++)
		if (p->files[i].old_path || p->files[i].new_path)
			write_file(&p->files[i], out);
}
