/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner gateway check: what the policy says of the configured model server. With --call first (optimize, explain):
 * one request, read from standard input (optimize/call.h).
 *
 * This process reads no repository. The policy decides before a name is looked up; a name is looked up once, and the
 * connection goes to one of these addresses; nothing of the environment (proxies, .netrc) takes part; no redirect is
 * followed.
 *
 * Exit 0: allowed; 2: blocked, or usage; 125 own failure. */
#include "base/fd.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "optimize/call.h"
#include "optimize/policy.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/optimize/files.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define CALL_MAX ((size_t)256 << 20)
#define ADDRESSES_MAX 16

/* Where the connection may go. */
struct target {
	struct gateway_url url;
	struct in6_addr allowed[ADDRESSES_MAX];
	size_t n;
	bool asked; /* for its addresses */
};

/* The server, and the proxy before it, if one is configured. */
struct route {
	struct target to, via;
	struct policy to_policy, via_policy;
	bool has_proxy;
};

struct transfer {
	const struct target *t; /* that is connected to */
	struct call_reply *r;
	size_t max;
	bool too_large;
};

/* ---- addresses ---- */

static void add_address(struct target *t, const struct sockaddr *sa)
{
	struct in6_addr a = { 0 };

	if (t->n == ADDRESSES_MAX)
		return;
	if (sa->sa_family == AF_INET) {
		a.s6_addr[10] = a.s6_addr[11] = 0xff;
		memcpy(&a.s6_addr[12], &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		a = ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
	} else {
		return;
	}
	t->allowed[t->n++] = a;
}

static void text_of(const struct in6_addr *a, char out[INET6_ADDRSTRLEN])
{
	if (IN6_IS_ADDR_V4MAPPED(a))
		inet_ntop(AF_INET, &a->s6_addr[12], out, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, a, out, INET6_ADDRSTRLEN);
}

/* Once, and only for a host that the policy allows. localhost is loopback, whatever a resolver says. */
static int look_up(struct target *t, const struct policy *p, struct err *e)
{
	static const char *const loopback[] = { "127.0.0.1", "::1" };
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	int rc = 0;

	if (t->asked)
		return t->n ? 0 : err_set(e, ERR_FAILURE, "'%s' has no address that may be used", t->url.host);
	t->asked = true;
	if (t->url.is_address) {
		t->allowed[t->n++] = t->url.address;
		return 0;
	}
	for (size_t i = 0; p->loopback_only && i < sizeof(loopback) / sizeof(loopback[0]); i++)
		if (address_parse(loopback[i], &t->allowed[t->n]))
			t->n++;
	if (!p->loopback_only)
		rc = getaddrinfo(t->url.host, NULL, &hints, &list);
	for (struct addrinfo *a = rc == 0 ? list : NULL; a; a = a->ai_next)
		add_address(t, a->ai_addr);
	if (list)
		freeaddrinfo(list);
	return t->n ? 0 : err_set(e, ERR_FAILURE, "'%s' has no address that may be used%s%s", t->url.host, rc ? ": " : "",
				  rc ? gai_strerror(rc) : "");
}

/* What curl is about to connect to must be one of them. */
static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *sa)
{
	struct transfer *x = arg;
	struct target one = { .n = 0 };

	(void)purpose;
	add_address(&one, &sa->addr);
	for (size_t i = 0; one.n && i < x->t->n; i++)
		if (memcmp(&x->t->allowed[i], &one.allowed[0], sizeof(one.allowed[0])) == 0)
			return socket(sa->family, sa->socktype | SOCK_CLOEXEC, sa->protocol);
	return CURL_SOCKET_BAD;
}

/* ---- one request ---- */

static size_t take_body(char *p, size_t size, size_t n, void *arg)
{
	struct transfer *x = arg;

	if (x->r->body.len + size * n > x->max) {
		x->too_large = true;
		return 0;
	}
	str_addn(&x->r->body, p, size * n);
	return size * n;
}

/* "host:port:addr,addr": the name is not looked up again. */
static char *pinned(const struct target *t)
{
	auto_str out = STR_INIT;

	str_addf(&out, "%s:%d:", t->url.host, t->url.port);
	for (size_t i = 0; i < t->n; i++) {
		char text[INET6_ADDRSTRLEN];

		text_of(&t->allowed[i], text);
		str_addf(&out, strchr(text, ':') ? "%s[%s]" : "%s%s", i ? "," : "", text);
	}
	return str_steal(&out);
}

static char *url_text(const struct target *t, const char *endpoint)
{
	char text[INET6_ADDRSTRLEN] = "";
	const char *host = t->url.host;

	if (t->url.is_address) { /* in one spelling, so that nobody reads it otherwise */
		text_of(&t->url.address, text);
		host = text;
	}
	return xasprintf(strchr(host, ':') ? "%s://[%s]:%d%s%s" : "%s://%s:%d%s%s", t->url.https ? "https" : "http", host,
			 t->url.port, t->url.path, endpoint);
}

static void judge(const struct transfer *x, CURL *curl, CURLcode code)
{
	curl_off_t after = 0;
	long http = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &http);
	curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &after);
	x->r->http = http;
	x->r->retry_after_s = after;
	x->r->outcome = x->too_large ? CALL_TOO_LARGE : code == CURLE_OPERATION_TIMEDOUT ? CALL_TIMEOUT :
			code == CURLE_OK ? CALL_HTTP : http ? CALL_CUT : CALL_RESET;
	if (code != CURLE_OK)
		snprintf(x->r->error, sizeof(x->r->error), "%s", curl_easy_strerror(code));
}

static void add_header(struct curl_slist **list, const char *name, const char *value)
{
	auto_free char *line = xasprintf("%s: %s", name, value);

	*list = curl_slist_append(*list, line);
}

static void send_request(const struct call_taken *c, struct target *to, const char *proxy, struct transfer *x)
{
	auto_free char *url = NULL, *pin = pinned(x->t), *bearer = c->key && *c->key ? xasprintf("Bearer %s", c->key) : NULL;
	struct curl_slist *headers = NULL, *resolve = NULL;
	CURL *curl = curl_easy_init();
	CURLcode code;

	url = url_text(to, c->endpoint);
	if (c->has_body)
		add_header(&headers, "Content-Type", "application/json");
	if (bearer)
		add_header(&headers, "Authorization", bearer);
	if (c->request_id)
		add_header(&headers, "X-Request-Id", c->request_id);
	headers = curl_slist_append(headers, "Expect:");
	if (!x->t->url.is_address)
		resolve = curl_slist_append(resolve, pin);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_RESOLVE, resolve);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, x);
	curl_easy_setopt(curl, CURLOPT_PROXY, proxy ? proxy : "");
	curl_easy_setopt(curl, CURLOPT_NOPROXY, proxy ? "" : "*");
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)c->g.timeout_ms);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "spec-runner/" SPEC_RUNNER_VERSION);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	if (c->has_body) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body_len);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, c->body);
	}
	code = curl_easy_perform(curl);
	judge(x, curl, code);
	curl_slist_free_all(headers);
	curl_slist_free_all(resolve);
	curl_easy_cleanup(curl);
}

static void block(struct call_reply *r, const struct gateway_url *u, const struct policy *p)
{
	r->outcome = CALL_BLOCKED;
	snprintf(r->rule, sizeof(r->rule), "%s", p->rule);
	snprintf(r->key, sizeof(r->key), "%s", p->key ? p->key : "");
	snprintf(r->host, sizeof(r->host), "%s", u->host);
}

/* What the policy says, before a name is looked up. model NULL: of the hosts alone. */
static int route_judge(struct route *r, const struct gateway_setup *g, const char *model, struct err *e)
{
	memset(r, 0, sizeof(*r));
	if (gateway_url_parse(g->api_base, &r->to.url, e) < 0)
		return -1;
	r->to_policy = policy_judge(g, &r->to.url, model);
	r->has_proxy = g->proxy != NULL;
	if (r->has_proxy && gateway_url_parse(g->proxy, &r->via.url, e) < 0)
		return -1;
	if (r->has_proxy)
		r->via_policy = policy_judge(g, &r->via.url, NULL);
	return 0;
}

static bool route_allowed(const struct route *r)
{
	return r->to_policy.allowed && (!r->has_proxy || r->via_policy.allowed);
}

/* Of what is connected to: with a proxy, that alone. */
static int route_look_up(struct route *r, struct err *e)
{
	return r->has_proxy ? look_up(&r->via, &r->via_policy, e) : look_up(&r->to, &r->to_policy, e);
}

/* Addresses, unless they are known, then the connection. */
static void call_by(struct route *way, const struct call_taken *c, struct call_reply *r)
{
	struct transfer x = { .t = way->has_proxy ? &way->via : &way->to, .r = r, .max = (size_t)c->g.max_response_bytes };
	auto_free char *proxy = way->has_proxy ? url_text(&way->via, "") : NULL;
	struct err e = { 0 };

	if (route_look_up(way, &e) == 0) {
		send_request(c, &way->to, proxy, &x);
		return;
	}
	r->outcome = CALL_RESET;
	snprintf(r->error, sizeof(r->error), "%.290s", e.msg);
}

static int call(const struct call_taken *c, struct call_reply *r, struct err *e)
{
	struct route way;

	if (route_judge(&way, &c->g, c->model, e) < 0)
		return -1;
	if (!way.to_policy.allowed)
		block(r, &way.to.url, &way.to_policy);
	else if (!route_allowed(&way))
		block(r, &way.via.url, &way.via_policy);
	else
		call_by(&way, c, r);
	return 0;
}

static int read_all(struct str *in)
{
	char buf[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || in->len + (size_t)n > CALL_MAX)
			return -1;
		str_addn(in, buf, (size_t)n);
	}
	return 0;
}

static int serve_call(void)
{
	struct call_reply r = { .outcome = CALL_RESET };
	auto_str in = STR_INIT, out = STR_INIT;
	struct call_taken c;
	struct err e = { 0 };
	int rc = read_all(&in) < 0 ? err_set(&e, ERR_FAILURE, "gateway: the call could not be read") :
		 call_read(&c, str_cstr(&in), in.len, &e);

	if (rc == 0)
		rc = call(&c, &r, &e);
	if (rc < 0)
		return cli_fail(&e);
	call_reply_write(&r, &out);
	return fd_write_all(STDOUT_FILENO, str_cstr(&out), out.len) < 0 ? 125 : 0;
}

/* ---- check ---- */

static void put_addresses(struct json *j, const struct target *t)
{
	json_array(j, "addresses");
	for (size_t i = 0; i < t->n; i++) {
		char text[INET6_ADDRSTRLEN];

		text_of(&t->allowed[i], text);
		json_str(j, NULL, text);
	}
	json_array_end(j);
}

static void put_endpoint(struct json *j, const struct target *t, const struct policy *p)
{
	json_object(j, NULL);
	json_str(j, "host", t->url.host);
	put_addresses(j, t);
	json_str(j, "verdict", p->allowed ? "allowed" : "blocked");
	json_str(j, "rule", p->rule);
	json_object_end(j);
}

static void check_json(const struct route *way, const struct gateway_setup *g)
{
	auto_str out = STR_INIT;
	struct json j;

	json_init(&j, &out);
	json_object(&j, NULL);
	json_int(&j, "version", 1);
	json_array(&j, "endpoints");
	put_endpoint(&j, &way->to, &way->to_policy);
	if (way->has_proxy)
		put_endpoint(&j, &way->via, &way->via_policy);
	json_array_end(&j);
	json_array(&j, "models");
	for (int i = 0; i < ROUTE_COUNT; i++) {
		struct policy p;

		if (!g->models[i])
			continue;
		p = policy_judge(g, &way->to.url, g->models[i]);
		json_object(&j, NULL);
		json_str(&j, "route", gateway_route_text[i]);
		json_str(&j, "model", g->models[i]);
		json_str(&j, "verdict", p.allowed ? "allowed" : "blocked");
		json_str(&j, "rule", p.rule);
		json_object_end(&j);
	}
	json_array_end(&j);
	json_object_end(&j);
	json_finish(&j);
	puts(str_cstr(&out));
}

static void print_endpoint(const struct target *t, const struct policy *p, const char *what)
{
	printf("%s %s: %s%s\n", p->allowed ? "allowed" : "blocked", t->url.host, p->rule, what);
}

static void check_text(const struct route *way, const struct gateway_setup *g)
{
	print_endpoint(&way->to, &way->to_policy, "");
	if (way->has_proxy)
		print_endpoint(&way->via, &way->via_policy, " (proxy)");
	for (int i = 0; i < ROUTE_COUNT; i++) {
		auto_free char *what = g->models[i] ? xasprintf(" (%s: %s)", gateway_route_text[i], g->models[i]) : NULL;
		struct policy p;

		if (!what)
			continue;
		p = policy_judge(g, &way->to.url, g->models[i]);
		print_endpoint(&way->to, &p, what);
	}
}

/* Which of the configured models the server has. */
static void ask_models(struct route *way, const struct gateway_setup *g, const char *key)
{
	struct call_taken c = { .g = *g, .endpoint = (char *)"/models", .key = (char *)key };
	struct call_reply r = { .outcome = CALL_RESET };

	call_by(way, &c, &r);
	if (r.outcome != CALL_HTTP || r.http != 200) {
		cli_note("gateway: GET /models: %s (HTTP %lld)", r.error[0] ? r.error : "not answered", (long long)r.http);
	} else {
		for (int i = 0; i < ROUTE_COUNT; i++)
			if (g->models[i] && !memmem(str_cstr(&r.body), r.body.len, g->models[i], strlen(g->models[i])))
				cli_note("gateway: the server does not list the model '%s'", g->models[i]);
	}
	call_reply_release(&r);
}

/* Is every model that is configured allowed there? */
static bool models_allowed(const struct route *way, const struct gateway_setup *g)
{
	for (int i = 0; i < ROUTE_COUNT; i++)
		if (g->models[i] && !policy_judge(g, &way->to.url, g->models[i]).allowed)
			return false;
	return true;
}

static int check(struct cli *cli, struct setup *s, struct err *e)
{
	const struct gateway_setup *g = &s->gateway;
	struct err looked = { 0 };
	struct loop_env env;
	struct route way;
	const char *key;
	bool allowed;

	if (loop_setup_read(s, &cli->o, cli->root, cli->config.path, cli->envp, e) < 0)
		return -1;
	if (!g->given || !g->api_base)
		return err_set(e, ERR_USAGE, "no gateway is configured: 'gateway: {api_base: URL}' in"
			       " spec-runner.yaml or --config");
	if (route_judge(&way, g, NULL, e) < 0)
		return -1;
	allowed = route_allowed(&way) && models_allowed(&way, g);
	if (allowed)
		route_look_up(&way, &looked); /* without an address the rule is the same */
	if (cli->o.json)
		check_json(&way, g);
	else
		check_text(&way, g);
	if (!allowed)
		return 2;
	if (loop_env_open(&env, &cli->o, cli->root, cli->envp, e) < 0)
		return -1;
	key = g->api_key_env ? loop_env_get(&env, g->api_key_env) : g->api_key;
	ask_models(&way, g, key);
	loop_env_release(&env);
	return 0;
}

static int gateway_body(struct cli *cli)
{
	static struct setup s;
	struct err e = { 0 };
	int rc;

	if (cli->operand_count != 1 || strcmp(cli->operands[0], "check") != 0) {
		err_set(&e, ERR_USAGE, "gateway needs a command: check");
		return cli_fail(&e);
	}
	rc = check(cli, &s, &e);
	setup_release(&s);
	if (rc < 0)
		return cli_fail(&e);
	return cli_flush() ? 125 : rc;
}

int main(int argc, char **argv)
{
	int rc;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	rc = argc == 2 && strcmp(argv[1], "--call") == 0 ? serve_call() : program_main("gateway", argc, argv, gateway_body);
	curl_global_cleanup();
	return rc;
}
