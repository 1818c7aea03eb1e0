/* SPDX-License-Identifier: Apache-2.0 */
/* url.h - what a request asks for, out of bytes of a stranger: the target of its first line, its Host, its cookies,
 * a form. Pure. */
#ifndef SERVE_URL_H
#define SERVE_URL_H

#include "base/str.h"

#include <stdbool.h>

#define URL_SEGMENTS_MAX 64
#define URL_PARAMS_MAX 32

struct param {
	char *name, *value;
};
struct params {
	struct param v[URL_PARAMS_MAX];
	size_t n;
};
/* The value of the first of that name, or NULL. */
const char *params_get(const struct params *p, const char *name);
/* name=value&name=value, as queries and forms write it. Appends. False: not such a text, a name twice, or too many. */
bool params_parse(struct params *p, const char *text, size_t n);
void params_release(struct params *p);

struct url {
	char *segment[URL_SEGMENTS_MAX]; /* decoded parts of the path between slashes */
	size_t n;
	struct params query;
	bool bad_query;
};
/* Takes "/a/b?c=d"; prefix ("" or "/x"): what a proxy may have left in front, dropped. False for what names no resource: not
 * a path, "." or "..", an encoded slash or NUL, broken encodings, bytes that are not UTF-8, too many parts. t may be
 * released
 * in either case. */
bool url_parse(struct url *t, const char *text, const char *prefix);
void url_release(struct url *t);

/* Is it the name or address of this machine's loopback, with or without a port, or one of names? NULL: no. */
bool host_is_ours(const char *host, const struct strv *names);

/* Copies the value of a cookie; false where there is none, or it does not fit. */
bool cookie_get(const char *header, const char *name, char *out, size_t size);

/* Appends s as one part of a path: everything but letters, digits and -._~ encoded. keep: further bytes that stay. */
void url_add(struct str *out, const char *s, const char *keep);

#endif
