/* SPDX-License-Identifier: Apache-2.0 */
#include "optimize/policy.h"

#include "base/mem.h"
#include "base/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- addresses ---- */

static void map4(uint32_t v, struct in6_addr *a)
{
	memset(a, 0, sizeof(*a));
	a->s6_addr[10] = a->s6_addr[11] = 0xff;
	for (int i = 0; i < 4; i++)
		a->s6_addr[12 + i] = (uint8_t)(v >> (24 - 8 * i));
}

bool address_parse(const char *text, struct in6_addr *a)
{
	struct in_addr v4;

	if (strchr(text, ':')) {
		if (inet_pton(AF_INET6, text, a) != 1)
			return false;
		/* ::10.0.0.1, the old form of an IPv4 address within IPv6, is not one of ours: it stays as it is */
		return true;
	}
	if (!isdigit((unsigned char)text[0]) || strlen(text) > 60 || inet_aton(text, &v4) == 0)
		return false;
	map4(ntohl(v4.s_addr), a);
	return true;
}

static bool is_v4(const struct in6_addr *a)
{
	return IN6_IS_ADDR_V4MAPPED(a);
}

static uint32_t v4_of(const struct in6_addr *a)
{
	const uint8_t *b = &a->s6_addr[12];

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

bool address_is_loopback(const struct in6_addr *a)
{
	return is_v4(a) ? v4_of(a) >> 24 == 127 : IN6_IS_ADDR_LOOPBACK(a);
}

/* Loopback, RFC 1918, fc00::/7, link-local. */
static const char *internal_kind(const struct in6_addr *a)
{
	uint32_t v = v4_of(a);

	if (address_is_loopback(a))
		return "loopback address";
	if (is_v4(a))
		return v >> 24 == 10 || v >> 20 == 0xac1 || v >> 16 == 0xc0a8 ? "private address (RFC 1918)" :
		       v >> 16 == 0xa9fe ? "link-local address" : NULL;
	if ((a->s6_addr[0] & 0xfe) == 0xfc)
		return "private address (fc00::/7)";
	return IN6_IS_ADDR_LINKLOCAL(a) ? "link-local address" : NULL;
}

/* "10.0.0.0/8", "fd00::/8", or one address. */
static bool in_network(const char *words, const struct in6_addr *a)
{
	auto_free char *base = xstrdup(words);
	char *slash = strchr(base, '/');
	struct in6_addr net;
	int64_t bits = 128;

	if (slash)
		*slash = '\0';
	if (!address_parse(base, &net))
		return false;
	if (slash && (!value_int(slash + 1, &bits) || bits < 0 || bits > (is_v4(&net) ? 32 : 128)))
		return false;
	if (slash && is_v4(&net))
		bits += 96;
	for (int i = 0; i < 16 && bits > 0; i++, bits -= 8) {
		uint8_t mask = bits >= 8 ? 0xff : (uint8_t)(0xff << (8 - bits));

		if ((net.s6_addr[i] & mask) != (a->s6_addr[i] & mask))
			return false;
	}
	return true;
}

/* ---- URLs ---- */

static int bad_url(const char *text, const char *why, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];
	const char *at = strrchr(text, '@');

	/* what stands before an @ may be a password */
	return err_set(e, ERR_USAGE, "api_base: %s%s: %s", at ? "…" : "", value_quote(at ? at : text, quoted), why);
}

static bool host_ok(const char *s, size_t n, bool v6)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr(v6 ? ":." : "-._", s[i]))
			return false;
	return n > 0 && n < 256;
}

static int take_port(const char *text, const char *s, struct gateway_url *u, struct err *e)
{
	int64_t port;
	size_t n = strcspn(s, "/");
	auto_free char *digits = xstrndup(s, n);

	if (!value_int(digits, &port) || port < 1 || port > 65535)
		return bad_url(text, "its port is not a number from 1 to 65535", e);
	u->port = (int)port;
	return 0;
}

int gateway_url_parse(const char *text, struct gateway_url *u, struct err *e)
{
	const char *s, *host, *end;
	bool v6;

	memset(u, 0, sizeof(*u));
	u->https = strncasecmp(text, "https://", 8) == 0;
	if (!u->https && strncasecmp(text, "http://", 7) != 0)
		return bad_url(text, "it begins with neither http:// nor https://", e);
	s = text + (u->https ? 8 : 7);
	for (const char *c = s; *c; c++)
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f || strchr("@?#\\%", *c))
			return bad_url(text, "userinfo, query, fragment, blanks, '%' and '\\' have no place in it", e);
	v6 = *s == '[';
	host = s + v6;
	end = v6 ? strchr(host, ']') : host + strcspn(host, ":/");
	if (!end || !host_ok(host, (size_t)(end - host), v6))
		return bad_url(text, "its host is not a name or an address", e);
	for (size_t i = 0; i < (size_t)(end - host); i++)
		u->host[i] = (char)tolower((unsigned char)host[i]);
	s = end + v6;
	if (*s && *s != ':' && *s != '/')
		return bad_url(text, "its host is not a name or an address", e);
	u->port = u->https ? 443 : 80;
	if (*s == ':' && take_port(text, s + 1, u, e) < 0)
		return -1;
	s += strcspn(s, "/");
	if (strlen(s) >= sizeof(u->path))
		return bad_url(text, "its path is too long", e);
	snprintf(u->path, sizeof(u->path), "%s", s);
	for (size_t n = strlen(u->path); n && u->path[n - 1] == '/'; n--)
		u->path[n - 1] = '\0';
	u->is_address = address_parse(u->host, &u->address);
	if (v6 && !u->is_address)
		return bad_url(text, "what stands in brackets is not an IPv6 address", e);
	/* "0x7f.1" and other spellings begin with a digit; a name that ends in a number is an address that we cannot read */
	if (!u->is_address && strspn(u->host, "0123456789.") == strlen(u->host))
		return bad_url(text, "its host is not a name or an address", e);
	return 0;
}

/* ---- the rules ---- */

static bool host_listed(const struct strv *list, const struct gateway_url *u, bool with_port)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *w = list->v[i];
		auto_free char *own = xasprintf(strchr(u->host, ':') ? "[%s]:%d" : "%s:%d", u->host, u->port);

		if (with_port ? strcasecmp(w, own) == 0 : strcasecmp(w, u->host) == 0)
			return true;
		if (!with_port && u->is_address && in_network(w, &u->address))
			return true;
		if (!with_port && !u->is_address && w[0] == '*' && w[1] == '.' && strlen(u->host) > strlen(w) - 1 &&
		    strcasecmp(u->host + strlen(u->host) - strlen(w + 1), w + 1) == 0)
			return true;
	}
	return false;
}

static const char *internal_rule(const struct gateway_setup *g, const struct gateway_url *u)
{
	const char *kind = u->is_address ? internal_kind(&u->address) : NULL;

	if (g->strict_hosts) {
		if (strcmp(u->host, "localhost") == 0)
			return "localhost";
		if (u->is_address && address_is_loopback(&u->address))
			return kind;
		return host_listed(&g->allow_hosts, u, true) ? "allow_hosts" : NULL;
	}
	if (g->internal_hosts.n)
		return host_listed(&g->internal_hosts, u, false) ? "internal_hosts" : NULL;
	return strcmp(u->host, "localhost") == 0 ? "localhost" : kind;
}

bool policy_knows_model(const struct gateway_setup *g, const char *model)
{
	for (int i = 0; i < ROUTE_COUNT; i++)
		if (g->models[i] && strcmp(g->models[i], model) == 0)
			return true;
	return strv_has(&g->allow_models, model);
}

static struct policy blocked(const char *rule, const char *key)
{
	return (struct policy){ .rule = rule, .key = key };
}

static struct policy external(const struct gateway_setup *g, const struct gateway_url *u, const char *model)
{
	if (g->strict_hosts)
		return blocked("not loopback, and not in allow_hosts", "explain.allow_hosts");
	if (!g->allow_external)
		return blocked("external host", "gateway.allow_external_proxy_models");
	if (!host_listed(&g->allow_hosts, u, false))
		return blocked("external host not in allow_hosts", "gateway.allow_hosts");
	if (model && !strv_has(&g->allow_models, model))
		return blocked("model not in allow_models", "gateway.allow_models");
	if (!u->https)
		return blocked("plain http to an external host", "gateway.api_base");
	return (struct policy){ .allowed = true, .rule = "allow_hosts", .key = NULL };
}

struct policy policy_judge(const struct gateway_setup *g, const struct gateway_url *u, const char *model)
{
	const char *rule = internal_rule(g, u);
	struct policy p;

	if (model && !g->strict_hosts && !policy_knows_model(g, model))
		return blocked("model is not configured", "gateway.models");
	p = rule ? (struct policy){ .allowed = true, .rule = rule } : external(g, u, model);
	p.resolve = p.allowed && !u->is_address;
	p.loopback_only = strcmp(u->host, "localhost") == 0;
	return p;
}
