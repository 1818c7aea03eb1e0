/* SPDX-License-Identifier: Apache-2.0 */
/* ui_login.c - the token once, by a form, for a cookie that is made of it and does not hold it. */
#include "base/mem.h"
#include "serve/ui_part.h"

#include <sodium.h>
#include <string.h>

static void form(struct call *c, const char *wrong)
{
	struct str *out = &c->a->body;

	ui_begin(c->sv, out, "Sign in", NULL, 0);
	if (wrong) {
		str_add(out, "<p class=\"wrong\" role=\"alert\">");
		html_text(out, wrong);
		str_add(out, "</p>\n");
	}
	str_addf(out,
		 "<form method=\"post\" action=\"%s/login\">\n<p><label for=\"token\">Token</label>\n"
		 "<input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"current-password\" required"
		 " autofocus></p>\n"
		 "<p class=\"hint\">The server printed the path of the file that holds it, or took it from"
		 " SPEC_RUNNER_API_TOKEN.</p>\n<p><button>Sign in</button></p>\n</form>\n",
		 c->sv->prefix);
	ui_end(out);
}

int ui_login(struct call *c, struct err *e)
{
	(void)e;
	form(c, NULL);
	return 0;
}

int ui_login_form(struct call *c, struct err *e)
{
	struct params p = { .n = 0 };
	bool read = params_parse(&p, c->m->body, c->m->body_n);
	const char *token = params_get(&p, "token");

	(void)e;
	if (!read || !token || !*token) {
		c->a->status = 400;
		form(c, "The form needs a token.");
	} else if (!serve_token_is_right(c->sv, token, strlen(token))) {
		c->a->status = 401;
		c->a->challenge = true;
		form(c, "This is not the token.");
	} else {
		c->a->cookie =
			xasprintf(SERVE_COOKIE "=%s; Path=%s/; HttpOnly; SameSite=Strict", c->sv->session, c->sv->prefix);
		c->a->location = xasprintf("%s/", c->sv->prefix);
		str_add(&c->a->body, "<!DOCTYPE html><title>Signed in</title>\n");
	}
	for (size_t i = 0; i < p.n; i++)
		sodium_memzero(p.v[i].value, strlen(p.v[i].value));
	params_release(&p);
	return 0;
}
