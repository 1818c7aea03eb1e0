/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - from a message to a reply: who may ask, what for, and whether the words are right. */
#include "base/mem.h"
#include "base/utf8.h"
#include "base/value.h"
#include "serve/ui.h"
#include "serve/route.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

void serve_init(struct serve *sv, const char *token, size_t n)
{
	static const char session_of[] = "spec-runner session";
	unsigned char h[32];

	crypto_generichash(sv->token_hash, sizeof(sv->token_hash), (const unsigned char *)token, n, NULL, 0);
	crypto_generichash(h, sizeof(h), (const unsigned char *)session_of, sizeof(session_of), sv->token_hash,
			   sizeof(sv->token_hash));
	sodium_bin2hex(sv->session, sizeof(sv->session), h, sizeof(h));
	pthread_mutex_init(&sv->lock, NULL);
}

void serve_release(struct serve *sv)
{
	sodium_memzero(sv->token_hash, sizeof(sv->token_hash));
	sodium_memzero(sv->session, sizeof(sv->session));
	pthread_mutex_destroy(&sv->lock);
}

/* ---- replies ---- */

void reply_init(struct reply *a)
{
	*a = (struct reply){ .status = 200, .type = "application/json", .fd = -1 };
}

void reply_release(struct reply *a)
{
	str_release(&a->body);
	if (a->fd >= 0)
		close(a->fd);
	free(a->allow);
	free(a->location);
	free(a->cookie);
	free(a->disposition);
	reply_init(a);
}

void reply_error(struct reply *a, int status, const char *fmt, ...)
{
	auto_str text = STR_INIT;
	char buf[700];
	struct json j;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	utf8_add_plain(&text, buf, strlen(buf));
	str_reset(&a->body);
	a->status = status;
	a->type = "application/json";
	json_init(&j, &a->body);
	json_object(&j, NULL);
	json_str(&j, "error", str_cstr(&text));
	json_object_end(&j);
	json_finish(&j);
	str_addc(&a->body, '\n');
}

/* ---- who asks ---- */

bool serve_token_is_right(struct serve *sv, const char *token, size_t n)
{
	unsigned char h[32];

	if (n > SERVE_TOKEN_MOST)
		return false;
	crypto_generichash(h, sizeof(h), (const unsigned char *)token, n, NULL, 0);
	return sodium_memcmp(h, sv->token_hash, sizeof(h)) == 0; /* hashes: in constant time whatever the length */
}

static bool is_known(struct serve *sv, const struct message *m)
{
	char cookie[SERVE_SESSION_SIZE];
	const char *t = m->authorization;

	if (t) {
		if (strncasecmp(t, "Bearer ", 7) != 0)
			return false;
		t += 7 + strspn(t + 7, " ");
		return serve_token_is_right(sv, t, strlen(t));
	}
	return cookie_get(m->cookie, SERVE_COOKIE, cookie, sizeof(cookie)) &&
	       strlen(cookie) == sizeof(sv->session) - 1 && sodium_memcmp(cookie, sv->session, sizeof(sv->session) - 1) == 0;
}

/* ---- what for ---- */

bool route_matches(const struct route *r, const struct url *t, const char *arg[2], struct str *joined)
{
	const char *p = r->path;
	size_t at = 0, n_args = 0;

	arg[0] = arg[1] = NULL;
	for (;;) {
		size_t len;

		if (!*p)
			return at == t->n;
		p++; /* the slash */
		len = strcspn(p, "/");
		if (at == t->n)
			return false;
		if (*p == '{' && p[len - 2] == '+') {
			str_reset(joined);
			for (size_t i = at; i < t->n; i++)
				str_addf(joined, "%s%s", i > at ? "/" : "", t->segment[i]);
			arg[n_args] = str_cstr(joined);
			return joined->len > 0;
		}
		if (*p == '{' && !*t->segment[at] && !strchr(p, '+')) /* only a suite may have no name */
			return false;
		if (*p == '{')
			arg[n_args++] = t->segment[at];
		else if (strlen(t->segment[at]) != len || strncmp(t->segment[at], p, len) != 0)
			return false;
		at++;
		p += len;
	}
}

static bool method_fits(const struct route *r, const char *method)
{
	return strcmp(r->method, method) == 0 || (strcmp(r->method, "GET") == 0 && strcmp(method, "HEAD") == 0);
}

struct found {
	const struct route *route; /* NULL: none of that method */
	bool known;                /* there is such a path */
	bool get, post;
	const char *arg[2];
	struct str joined;
};

static void find_route(const struct url *t, const char *method, struct found *f)
{
	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < route_count && !f->route; i++) {
		if (!route_matches(&routes[i], t, f->arg, &f->joined))
			continue;
		f->known = true;
		f->get = f->get || strcmp(routes[i].method, "GET") == 0;
		f->post = f->post || strcmp(routes[i].method, "POST") == 0;
		if (method_fits(&routes[i], method))
			f->route = &routes[i];
	}
}

static bool wants_html(const struct message *m)
{
	return m->accept && strstr(m->accept, "text/html");
}

/* A person with a browser gets a page that says the same. */
static void refuse(struct serve *sv, const struct message *m, struct reply *a, int status, const char *text)
{
	if (wants_html(m))
		ui_error(sv, a, status, text);
	else
		reply_error(a, status, "%s", text);
}

static bool type_is(const char *content_type, const char *type)
{
	size_t n = strlen(type);

	return content_type && strncasecmp(content_type, type, n) == 0 &&
	       (!content_type[n] || strchr("; \t", content_type[n]));
}

/* 0, or the status that the request earns before its body is read. */
static int check_body(const struct route *r, const struct message *m)
{
	if (!r->form)
		return 0;
	if (m->body_too_large)
		return 413;
	if (strcmp(r->form, "json") == 0)
		return type_is(m->content_type, "application/json") ? 0 : 415;
	return type_is(m->content_type, "application/x-www-form-urlencoded") ? 0 : 415;
}

static bool is_word_of(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = list; *p; p += strspn(p, " ")) {
		size_t len = strcspn(p, " ");

		if (len == n && strncmp(p, word, n) == 0)
			return true;
		p += len;
	}
	return false;
}

/* Parameters that the route does not know. NULL: none. */
static const char *unknown_query(const struct route *r, const struct url *t)
{
	for (size_t i = 0; i < t->query.n; i++)
		if (!is_word_of(r->query, t->query.v[i].name))
			return t->query.v[i].name;
	return NULL;
}

static void answer_failure(struct serve *sv, const struct message *m, struct reply *a, int rc, const struct err *e)
{
	int status = rc == 1 ? 404 : e->kind == ERR_USAGE ? 400 : 503;

	if (status == 503)
		serve_store_drop();
	reply_release(a);
	refuse(sv, m, a, status, e->msg[0] ? e->msg : "failed");
}

static void answer_route(struct serve *sv, const struct message *m, const struct url *t, struct found *f,
			 int64_t now_real_ns, struct reply *a)
{
	struct history_settings settings = { .max_prompt_tokens = sv->settings->max_prompt_tokens,
					     .window = 50,
					     .last = 30 };
	struct call c = { .sv = sv, .m = m, .url = t, .arg = { f->arg[0], f->arg[1] }, .now_real_ns = now_real_ns, .a = a };
	struct err e = { 0 };
	int rc;

	a->status = f->route->status;
	a->is_page = f->route->kind == ROUTE_PAGE;
	if (a->is_page)
		a->type = "text/html; charset=utf-8";
	if (!f->route->no_store) {
		c.s = serve_store(sv, &e);
		if (!c.s) {
			answer_failure(sv, m, a, -1, &e);
			return;
		}
	}
	c.view = (struct view){ .s = c.s, .settings = &settings, .json = true, .now_real_ns = now_real_ns };
	rc = f->route->handle(&c, &e);
	if (rc != 0)
		answer_failure(sv, m, a, rc, &e);
}

/* Everything that can be said before the body is read; 0: nothing. Fills the reply. */
static int check(struct serve *sv, const struct message *m, const struct url *t, bool good, struct found *f,
		 struct reply *a)
{
	char quoted[VALUE_QUOTE_SIZE];
	int status;

	if (!host_is_ours(m->host, sv->host_names))
		return refuse(sv, m, a, 421, "this server has another name (--host-name)"), 421;
	if (!(f->route && f->route->open) && !is_known(sv, m)) {
		refuse(sv, m, a, 401, "a token is needed: Authorization: Bearer TOKEN, or /login");
		a->challenge = true;
		return 401;
	}
	if (!good || !f->known)
		return refuse(sv, m, a, 404, "there is nothing of this name"), 404;
	if (!f->route) {
		refuse(sv, m, a, 405, "not with this method");
		a->allow = xasprintf("%s%s%s", f->get ? "GET, HEAD" : "", f->get && f->post ? ", " : "",
				     f->post ? "POST" : "");
		return 405;
	}
	status = check_body(f->route, m);
	if (status == 413)
		refuse(sv, m, a, 413, "the body is larger than 1 MiB");
	else if (status)
		reply_error(a, 415, "the body must be %s", strcmp(f->route->form, "json") == 0 ? "application/json" :
			    "application/x-www-form-urlencoded");
	if (status)
		return status;
	if (t->bad_query)
		return refuse(sv, m, a, 400, "the parameters cannot be read, or one is given twice"), 400;
	if (unknown_query(f->route, t)) {
		reply_error(a, 400, "unknown parameter %s; accepted: %s", value_quote(unknown_query(f->route, t), quoted),
			    *f->route->query ? f->route->query : "none");
		return 400;
	}
	return 0;
}

bool serve_wants_body(struct serve *sv, const struct message *m)
{
	struct url t;
	struct found f;
	struct reply a;
	bool good = url_parse(&t, m->target, sv->prefix), wanted;

	reply_init(&a);
	find_route(&t, m->method, &f);
	wanted = check(sv, m, &t, good, &f, &a) == 0;
	str_release(&f.joined);
	url_release(&t);
	reply_release(&a);
	return wanted;
}

void serve_answer(struct serve *sv, const struct message *m, int64_t now_real_ns, struct reply *a)
{
	struct url t;
	struct found f = { 0 };
	bool good = url_parse(&t, m->target, sv->prefix);

	reply_init(a);
	if (good)
		find_route(&t, m->method, &f);
	if (check(sv, m, &t, good, &f, a) == 0)
		answer_route(sv, m, &t, &f, now_real_ns, a);
	str_release(&f.joined);
	url_release(&t);
}
