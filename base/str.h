/* SPDX-License-Identifier: Apache-2.0 */
/* str.h - a growing byte string, always NUL-terminated, that may hold NULs. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct str {
	char *data; /* never NULL after the first add; "" is read through str_cstr */
	size_t len, cap;
};
#define STR_INIT { NULL, 0, 0 }

void str_release(struct str *s);
static inline void str_reset(struct str *s)
{
	s->len = 0;
	if (s->data)
		s->data[0] = '\0';
}
void str_reserve(struct str *s, size_t extra);
void str_addn(struct str *s, const void *p, size_t n);
void str_add(struct str *s, const char *z);
static inline void str_addc(struct str *s, char c)
{
	if (s->len + 2 > s->cap)
		str_reserve(s, 1);
	s->data[s->len++] = c;
	s->data[s->len] = '\0';
}
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_add_i64(struct str *s, int64_t v);
/* The text so far; "" when nothing was added. Valid until the next change. */
static inline const char *str_cstr(const struct str *s)
{
	return s->data ? s->data : "";
}
/* Transfers the buffer to the caller, which frees it. Never NULL. */
char *str_steal(struct str *s);
#define auto_str __attribute__((cleanup(str_release))) struct str

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* A list of owned strings, NULL-terminated in `v` once it holds something. */
struct strv {
	char **v;
	size_t n;
};
#define STRV_INIT { NULL, 0 }
void strv_add(struct strv *l, const char *s);       /* copies */
void strv_take(struct strv *l, char *s);            /* owns */
void strv_release(struct strv *l);
void strv_copy(struct strv *to, const struct strv *from);
bool strv_has(const struct strv *l, const char *s);

#endif
