/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - whom the gateway may talk to. Pure: decided from the words of the configuration alone, before a name is
 * resolved or a connection made. */
#ifndef OPTIMIZE_POLICY_H
#define OPTIMIZE_POLICY_H

#include "optimize/setup.h"

#include <netinet/in.h>

struct gateway_url {
	bool https;
	char host[256];       /* lower case, without the brackets of IPv6 */
	int port;
	char path[1024];      /* "/v1"; "" none; no '/' at its end */
	bool is_address;
	struct in6_addr address; /* IPv4 as ::ffff:a.b.c.d */
};
/* http://HOST[:PORT][/PATH]; no userinfo, query or fragment. ERR_USAGE. */
int gateway_url_parse(const char *text, struct gateway_url *u, struct err *e);

struct policy {
	bool allowed;
	bool resolve;         /* the host is a name, which may be looked up once */
	bool loopback_only;   /* whatever a name resolves to, nothing else is connected to */
	const char *rule;     /* what decided: "internal_hosts", "loopback address" … */
	const char *key;      /* of the configuration, to change where it is blocked */
};
/* May this host be asked for this model? model NULL: the host alone. */
struct policy policy_judge(const struct gateway_setup *g, const struct gateway_url *u, const char *model);

/* Does the configuration name this model anywhere? */
bool policy_knows_model(const struct gateway_setup *g, const char *model);
bool address_is_loopback(const struct in6_addr *a);
/* An address as getaddrinfo would read it: 127.1, 0x7f.1, 2130706433, 017700000001, ::ffff:10.0.0.1. */
bool address_parse(const char *text, struct in6_addr *a);

#endif
