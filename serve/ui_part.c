/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/ui_part.h"

#include "base/embed.h"

#include <stdio.h>
#include <string.h>

EMBED(serve_style, "serve/style.css");

int ui_style(struct call *c, struct err *e)
{
	(void)e;
	c->a->type = "text/css; charset=utf-8";
	str_addn(&c->a->body, serve_style, EMBED_SIZE(serve_style));
	return 0;
}

static const char *const entries[][2] = {
	{ "/", "Runs" }, { "/ui/tests", "Tests" }, { "/ui/hangs", "Hangs" }, { "/ui/compare", "Compare" },
};

void ui_begin(struct serve *sv, struct str *out, const char *title, const char *current, int refresh_s)
{
	str_add(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=\"color-scheme\" content=\"light dark\">\n");
	if (refresh_s)
		str_addf(out, "<meta http-equiv=\"refresh\" content=\"%d\">\n", refresh_s);
	str_add(out, "<title>");
	html_text(out, title);
	str_addf(out, " · spec-runner</title>\n<link rel=\"stylesheet\" href=\"%s/login/style.css\">\n"
		 "</head>\n<body>\n", sv->prefix);
	if (current) {
		str_add(out, "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header><nav aria-label=\"Pages\">"
			"<span class=\"brand\">spec-runner</span>\n");
		for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
			str_addf(out, "<a href=\"%s%s\"%s>%s</a>\n", sv->prefix, entries[i][0],
				 strcmp(entries[i][0], current) == 0 ? " aria-current=\"page\"" : "", entries[i][1]);
		str_add(out, "</nav></header>\n");
	}
	str_add(out, "<main id=\"main\" tabindex=\"-1\">\n<h1>");
	html_text(out, title);
	str_add(out, "</h1>\n");
}

void ui_end(struct str *out)
{
	str_add(out, "</main>\n</body>\n</html>\n");
}

void ui_link(struct serve *sv, struct str *out, const char *path, const char *part, const char *text)
{
	str_addf(out, "<a href=\"%s%s", sv->prefix, path);
	url_add(out, part, "/:");
	str_add(out, "\">");
	html_text(out, *text ? text : "(no name)");
	str_add(out, "</a>");
}

void ui_test_href(struct serve *sv, struct str *out, const char *suite, const char *case_id)
{
	str_addf(out, "%s/ui/tests/", sv->prefix);
	url_add(out, suite, "/:");
	str_addc(out, '/');
	url_add(out, case_id, "/:");
}

void ui_time(struct str *out, const char *t)
{
	if (t && strlen(t) >= 19 && strspn(t, "0123456789-T:.Z") == strlen(t))
		str_addf(out, "<time datetime=\"%s\">%.10s %.5s</time>", t, t, t + 11);
	else
		html_text(out, t ? t : "–");
}

void ui_badge(struct str *out, const char *word)
{
	static const char *const good[] = { "succeeded", "pass", "stable", "improved", "ok", NULL };
	static const char *const bad[] = { "failed", "fail", "error", "timeout", "stalled", "broken", "regressed", NULL };
	static const char *const odd[] = { "flaky", "suspect", "stopped", "cancelled", "running", "inconclusive", NULL };
	const char *class = "none";

	for (size_t i = 0; good[i]; i++)
		class = strcmp(good[i], word) == 0 ? "good" : class;
	for (size_t i = 0; bad[i]; i++)
		class = strcmp(bad[i], word) == 0 ? "bad" : class;
	for (size_t i = 0; odd[i]; i++)
		class = strcmp(odd[i], word) == 0 ? "odd" : class;
	str_addf(out, "<span class=\"badge %s\">", class);
	html_text(out, word);
	str_add(out, "</span>");
}

void ui_run_badge(struct str *out, const char *status, const char *ended_by)
{
	ui_badge(out, status);
	if (ended_by && strcmp(ended_by, "watchdog") == 0)
		str_add(out, " <span class=\"badge bad\">hung</span>");
}

void ui_rev(struct str *out, const char *rev)
{
	if (!rev) {
		str_add(out, "–");
		return;
	}
	str_add(out, "<code>");
	html_cut(out, rev, 10);
	str_add(out, "</code>");
}

void ui_error(struct serve *sv, struct reply *a, int status, const char *text)
{
	char title[32];

	snprintf(title, sizeof(title), "%d", status);
	str_reset(&a->body);
	a->status = status;
	a->type = "text/html; charset=utf-8";
	a->is_page = true;
	ui_begin(sv, &a->body, title, status == 401 || status == 421 ? NULL : "", 0);
	str_add(&a->body, "<p>");
	html_text(&a->body, text);
	str_add(&a->body, "</p>\n");
	if (status == 401)
		str_addf(&a->body, "<p><a href=\"%s/login\">Sign in with a token</a></p>\n", sv->prefix);
	ui_end(&a->body);
}
