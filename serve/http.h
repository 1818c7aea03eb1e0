/* SPDX-License-Identifier: Apache-2.0 */
/* http.h - sockets and connections: libmicrohttpd below, serve_answer above.
 *
 * Bounds: HTTP_CONNECTIONS at once (more wait in the kernel's queue), 32 KiB of headers each, a body of 1 MiB. Headers that
 * are not complete 10 s after the first byte, and a connection on which nothing moves for 30 s, are closed. Where nearly all
 * are taken, the oldest one whose client has kept us waiting (1 s for headers, 5 s for reading) makes room for the next. */
#ifndef SERVE_HTTP_H
#define SERVE_HTTP_H

#include "serve/serve.h"

#include <netinet/in.h>

#define HTTP_CONNECTIONS 100
#define HTTP_THREADS 4

/* Takes "127.0.0.1:8000", "[::1]:0", "localhost:8000". ERR_USAGE. */
struct http_address {
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	};
	socklen_t len;
	bool loopback;
};
int http_address_parse(struct http_address *a, const char *text, struct err *e);

struct http;
/* Listens and answers, in threads of its own, from the return on. Signals must be blocked. */
int http_start(struct http **h, struct serve *sv, const struct http_address *a, struct err *e);
/* "127.0.0.1:8000" with the port that was taken. */
void http_name(const struct http *h, char *out, size_t size);
/* Closes connections whose time is over. Called a few times a second. */
void http_tick(struct http *h, int64_t now_mono_ns);
void http_stop(struct http *h);

#endif
