/* SPDX-License-Identifier: Apache-2.0 */
/* call.c - a line of JSON, a line end, and the bytes of the body. */
#include "optimize/call.h"

#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_AFTER_MAX_S 60
#define DELAY_MAX_S 4

const char *const call_outcome_text[] = { "http", "blocked", "timeout", "too_large", "cut", "reset", NULL };

static void put_list(struct json *j, const char *key, const struct strv *l)
{
	json_array(j, key);
	for (size_t i = 0; i < l->n; i++)
		json_str(j, NULL, l->v[i]);
	json_array_end(j);
}

void call_write(const struct call *c, struct str *out)
{
	const struct gateway_setup *g = c->g;
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "api_base", g->api_base);
	json_str(&j, "proxy", g->proxy);
	json_array(&j, "models");
	for (int i = 0; i < ROUTE_COUNT; i++)
		if (g->models[i])
			json_str(&j, NULL, g->models[i]);
	json_array_end(&j);
	put_list(&j, "internal_hosts", &g->internal_hosts);
	put_list(&j, "allow_hosts", &g->allow_hosts);
	put_list(&j, "allow_models", &g->allow_models);
	json_bool(&j, "allow_external", g->allow_external);
	json_bool(&j, "strict_hosts", g->strict_hosts);
	json_int(&j, "timeout_ms", g->timeout_ms);
	json_int(&j, "max_response_bytes", g->max_response_bytes);
	json_str(&j, "endpoint", c->endpoint);
	json_str(&j, "model", c->model);
	json_str(&j, "key", c->key);
	json_str(&j, "request_id", c->request_id);
	json_bool(&j, "has_body", c->body != NULL);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
	if (c->body)
		str_addn(out, c->body, c->body_len);
}

static char *copy(const struct json_value *v, const char *key)
{
	const char *s = json_get_text(v, key);

	return s ? xstrdup(s) : NULL;
}

static void take_list(const struct json_value *v, const char *key, struct strv *to)
{
	const struct json_value *list = json_get(v, key);

	if (list && list->kind == JSON_ARRAY)
		json_each(x, list)
			if (x->kind == JSON_STRING)
				strv_add(to, x->text);
}

static bool is_true(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_TRUE;
}

/* The first line's object. Free the reader. */
static struct json_reader *head(const char *text, size_t n, size_t *used, const struct json_value **v, struct err *e)
{
	const char *nl = memchr(text, '\n', n);
	struct json_reader *in;

	*used = nl ? (size_t)(nl - text) + 1 : n;
	in = json_reader_text(text, nl ? (size_t)(nl - text) : n, "call");
	if (json_take(in, v, e) == 0 && (*v)->kind == JSON_OBJECT)
		return in;
	json_reader_free(in);
	if (!e->kind)
		err_set(e, ERR_FAILURE, "call: not an object");
	return NULL;
}

int call_read(struct call_taken *c, const char *text, size_t n, struct err *e)
{
	const struct json_value *v, *models;
	struct json_reader *in;
	size_t used;

	memset(c, 0, sizeof(*c));
	gateway_setup_init(&c->g);
	in = head(text, n, &used, &v, e);
	if (!in)
		return -1;
	c->g.api_base = copy(v, "api_base");
	c->g.proxy = copy(v, "proxy");
	models = json_get(v, "models");
	take_list(v, "internal_hosts", &c->g.internal_hosts);
	take_list(v, "allow_hosts", &c->g.allow_hosts);
	take_list(v, "allow_models", &c->g.allow_models);
	if (models && models->kind == JSON_ARRAY) {
		int i = 0;

		for (const struct json_value *m = models->first; m && i < ROUTE_COUNT; m = m->next)
			if (m->kind == JSON_STRING)
				c->g.models[i++] = xstrdup(m->text);
	}
	c->g.allow_external = is_true(v, "allow_external");
	c->g.strict_hosts = is_true(v, "strict_hosts");
	c->g.timeout_ms = json_get_int(v, "timeout_ms", 0);
	c->g.max_response_bytes = json_get_int(v, "max_response_bytes", 0);
	c->endpoint = copy(v, "endpoint");
	c->model = copy(v, "model");
	c->key = copy(v, "key");
	c->request_id = copy(v, "request_id");
	c->has_body = is_true(v, "has_body");
	c->body = text + used;
	c->body_len = n - used;
	json_reader_free(in);
	return c->g.api_base && c->endpoint ? 0 : err_set(e, ERR_FAILURE, "call: no api_base or endpoint");
}

void call_release(struct call_taken *c)
{
	gateway_setup_release(&c->g);
	free(c->endpoint);
	free(c->model);
	free(c->key);
	free(c->request_id);
	memset(c, 0, sizeof(*c));
}

void call_reply_write(const struct call_reply *r, struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "outcome", call_outcome_text[r->outcome]);
	json_int(&j, "http", r->http);
	json_int(&j, "retry_after_s", r->retry_after_s);
	json_str(&j, "rule", r->rule);
	json_str(&j, "key", r->key);
	json_str(&j, "host", r->host);
	json_str(&j, "error", r->error);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
	str_addn(out, str_cstr(&r->body), r->body.len);
}

static void take(const struct json_value *v, const char *key, char *out, size_t size)
{
	const char *s = json_get_text(v, key);

	snprintf(out, size, "%s", s ? s : "");
}

int call_reply_read(struct call_reply *r, const char *text, size_t n, struct err *e)
{
	const struct json_value *v;
	struct json_reader *in;
	const char *word;
	size_t used;
	int at;

	memset(r, 0, sizeof(*r));
	in = head(text, n, &used, &v, e);
	if (!in)
		return -1;
	word = json_get_text(v, "outcome");
	at = value_word(word ? word : "", call_outcome_text);
	r->outcome = at < 0 ? CALL_RESET : (enum call_outcome)at;
	r->http = json_get_int(v, "http", 0);
	r->retry_after_s = json_get_int(v, "retry_after_s", 0);
	take(v, "rule", r->rule, sizeof(r->rule));
	take(v, "key", r->key, sizeof(r->key));
	take(v, "host", r->host, sizeof(r->host));
	take(v, "error", r->error, sizeof(r->error));
	str_addn(&r->body, text + used, n - used);
	json_reader_free(in);
	return 0;
}

void call_reply_release(struct call_reply *r)
{
	str_release(&r->body);
}

void call_reply_status(const struct call_reply *r, bool malformed, char out[16])
{
	switch (r->outcome) {
	case CALL_BLOCKED:
		snprintf(out, 16, "blocked");
		break;
	case CALL_TIMEOUT:
		snprintf(out, 16, "timeout");
		break;
	case CALL_TOO_LARGE:
		snprintf(out, 16, "too_large");
		break;
	case CALL_CUT:
		snprintf(out, 16, "malformed");
		break;
	case CALL_RESET:
		snprintf(out, 16, "http_000"); /* as curl says it: no answer at all */
		break;
	default:
		if (r->http == 200)
			snprintf(out, 16, "%s", malformed ? "malformed" : "ok");
		else
			snprintf(out, 16, "http_%03d", (int)(r->http % 1000));
	}
}

bool call_reply_may_retry(const struct call_reply *r, bool malformed)
{
	static const int again[] = { 429, 500, 502, 503, 504 };

	if (r->outcome == CALL_CUT || r->outcome == CALL_RESET)
		return true;
	if (r->outcome != CALL_HTTP)
		return false;
	for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++)
		if (r->http == again[i])
			return true;
	return r->http == 200 && malformed;
}

int64_t call_reply_delay_ms(const struct call_reply *r, int64_t attempt)
{
	int64_t s = 1;

	if (r->retry_after_s > 0)
		return (r->retry_after_s < RETRY_AFTER_MAX_S ? r->retry_after_s : RETRY_AFTER_MAX_S) * 1000;
	while (attempt-- > 1 && s < DELAY_MAX_S)
		s *= 2;
	return s * 1000;
}
