/* SPDX-License-Identifier: Apache-2.0 */
#include "history/page.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

#define TEXT_MAX 4000 /* of one cell or line */

static const char style[] =
	"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>"
	":root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem "
	"auto;padding:0 1rem}"
	"table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border:1px solid #8886;padding:.2rem .6rem;"
	"text-align:left;vertical-align:top}.n{text-align:right;font-variant-numeric:tabular-nums}"
	"td{overflow-wrap:anywhere}</style>";

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static const char *html_of(char c)
{
	switch (c) {
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '&': return "&amp;";
	case '"': return "&quot;";
	default: return NULL;
	}
}

/* Within a word Markdown takes an underscore for what it is. */
static bool is_markup(const char *text, size_t i)
{
	if (text[i] == '_')
		return !i || !is_word(text[i - 1]) || !is_word(text[i + 1]);
	return strchr("\\`*[]|#~", text[i]) != NULL;
}

static void put(struct page *p, const char *text)
{
	size_t n = strnlen(text, TEXT_MAX);

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text[i];
		const char *as = p->html ? html_of((char)c) : c == '<' ? "&lt;" : NULL;

		if (as)
			str_add(p->out, as);
		else if (c < 0x20 || c == 0x7f)
			str_addc(p->out, ' ');
		else if (!p->html && is_markup(text, i))
			str_addf(p->out, "\\%c", c);
		else
			str_addc(p->out, (char)c);
	}
	if (text[n])
		str_add(p->out, "...");
}

static void end_list(struct page *p)
{
	if (p->list)
		str_add(p->out, p->html ? "</ul>\n" : "\n");
	p->list = false;
}

void page_begin(struct page *p, struct str *out, bool html, const char *title)
{
	*p = (struct page){ .out = out, .html = html };
	if (html) {
		str_add(out, style);
		str_add(out, "<title>");
		put(p, title);
		str_add(out, "</title></head><body>\n<h1>");
	} else {
		str_add(out, "# ");
	}
	put(p, title);
	str_add(out, html ? "</h1>\n" : "\n\n");
}

void page_end(struct page *p)
{
	end_list(p);
	if (p->html)
		str_add(p->out, "</body></html>\n");
}

static void element(struct page *p, const char *before, const char *text, const char *after)
{
	str_add(p->out, before);
	put(p, text);
	str_add(p->out, after);
}

void page_heading(struct page *p, const char *text)
{
	end_list(p);
	element(p, p->html ? "<h2>" : "## ", text, p->html ? "</h2>\n" : "\n\n");
}

void page_text(struct page *p, const char *text)
{
	end_list(p);
	element(p, p->html ? "<p>" : "", text, p->html ? "</p>\n" : "\n\n");
}

void page_item(struct page *p, const char *text)
{
	if (!p->list && p->html)
		str_add(p->out, "<ul>\n");
	p->list = true;
	element(p, p->html ? "<li>" : "- ", text, p->html ? "</li>\n" : "\n");
}

/* ---- tables ---- */

void page_table(struct page *p, const char *heads)
{
	end_list(p);
	p->columns = p->column = 0;
	p->right = 0;
	str_add(p->out, p->html ? "<table><thead><tr>" : "|");
	for (const char *h = heads; *h; p->columns++) {
		size_t n = strcspn(h, "|");
		bool right = *h == '>';
		auto_free char *name = xstrndup(h + right, n - right);

		p->right |= right ? UINT64_C(1) << p->columns : 0;
		element(p, !p->html ? " " : right ? "<th class=\"n\">" : "<th>", name, p->html ? "</th>" : " |");
		h += n + (h[n] == '|');
	}
	str_add(p->out, p->html ? "</tr></thead><tbody>\n" : "\n|");
	for (int i = 0; !p->html && i < p->columns; i++)
		str_add(p->out, p->right >> i & 1 ? "---:|" : "---|");
	str_add(p->out, p->html ? "" : "\n");
}

void page_cell(struct page *p, const char *text)
{
	bool right = p->right >> p->column & 1;

	if (!p->column)
		str_add(p->out, p->html ? "<tr>" : "|");
	element(p,
		!p->html ? " "
		: right  ? "<td class=\"n\">"
			 : "<td>",
		text && *text ? text : "-", p->html ? "</td>" : " |");
	if (++p->column < p->columns)
		return;
	p->column = 0;
	str_add(p->out, p->html ? "</tr>\n" : "\n");
}

void page_cell_int(struct page *p, int64_t v)
{
	auto_free char *text = xasprintf("%lld", (long long)v);

	page_cell(p, text);
}

void page_cell_real(struct page *p, double v, int decimals, const char *unit)
{
	auto_free char *text = isnan(v) ? NULL : xasprintf("%.*f%s%s", decimals, v, *unit ? " " : "", unit);

	page_cell(p, text);
}

void page_table_end(struct page *p)
{
	str_add(p->out, p->html ? "</tbody></table>\n" : "\n");
}
