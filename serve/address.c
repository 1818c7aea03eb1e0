/* SPDX-License-Identifier: Apache-2.0 */
#include "base/value.h"
#include "serve/http.h"

#include <arpa/inet.h>
#include <string.h>

static int refuse(const char *text, struct err *e)
{
	char quoted[VALUE_QUOTE_SIZE];

	return err_set(e, ERR_USAGE, "--listen: %s is not ADDRESS:PORT; accepted: 127.0.0.1:8000, [::1]:8000, localhost:8000"
		       " (port 0: a free one)", value_quote(text, quoted));
}

int http_address_parse(struct http_address *a, const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	int64_t port;
	size_t n;

	memset(a, 0, sizeof(*a));
	if (!colon || strspn(colon + 1, "0123456789") != strlen(colon + 1) || !value_int(colon + 1, &port) || port > 65535)
		return refuse(text, e);
	n = (size_t)(colon - text);
	if (*text == '[') {
		if (n < 3 || text[n - 1] != ']' || n - 2 >= sizeof(host))
			return refuse(text, e);
		memcpy(host, text + 1, n - 2);
		host[n - 2] = '\0';
		a->six = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
		a->len = sizeof(a->six);
		if (inet_pton(AF_INET6, host, &a->six.sin6_addr) != 1)
			return refuse(text, e);
		a->loopback = IN6_IS_ADDR_LOOPBACK(&a->six.sin6_addr);
		return 0;
	}
	if (!n || n >= sizeof(host))
		return refuse(text, e);
	memcpy(host, text, n);
	host[n] = '\0';
	a->four = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	a->len = sizeof(a->four);
	if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &a->four.sin_addr) != 1)
		return refuse(text, e);
	a->loopback = ntohl(a->four.sin_addr.s_addr) >> 24 == 127;
	return 0;
}
