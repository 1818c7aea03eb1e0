/* attrs.c - attributes, rendered as JSON while they are gathered: the journal copies them. */
#include "base/json_write.h"
#include "base/utf8.h"
#include "trace/record.h"

#include <string.h>

#define ATTR_MAX_BYTES 16384

void attrs_init(struct attrs *a, struct trace *t)
{
	str_reset(&a->json);
	a->redactor = t->redactor;
}

void attrs_release(struct attrs *a)
{
	str_release(&a->json);
	str_release(&a->scratch);
}

/* "key": with the comma before it. Keys are our own literals and need no escaping. */
static void attrs_key(struct attrs *a, const char *key)
{
	size_t n = strlen(key);
	char *p;

	str_reserve(&a->json, n + 4 + 24);
	p = a->json.data + a->json.len;
	if (a->json.len)
		*p++ = ',';
	*p++ = '"';
	memcpy(p, key, n);
	p += n;
	*p++ = '"';
	*p++ = ':';
	*p = '\0';
	a->json.len = (size_t)(p - a->json.data);
}

void attrs_int(struct attrs *a, const char *key, int64_t v)
{
	attrs_key(a, key);
	str_add_i64(&a->json, v);
}

void attrs_ms(struct attrs *a, const char *key, int64_t ns)
{
	attrs_key(a, key);
	json_add_ms(&a->json, ns);
}

void attrs_bool(struct attrs *a, const char *key, bool v)
{
	attrs_key(a, key);
	str_add(&a->json, v ? "true" : "false");
}

static void attrs_text(struct attrs *a, const char *s, size_t n)
{
	size_t keep = utf8_cut(s, n, ATTR_MAX_BYTES);

	json_add_string(&a->json, s, keep);
	if (keep < n) {
		a->json.len--; /* reopen the string */
		str_add(&a->json, "\xe2\x80\xa6\"");
	}
}

void attrs_str(struct attrs *a, const char *key, const char *v)
{
	attrs_key(a, key);
	if (!v) {
		str_add(&a->json, "null");
		return;
	}
	str_reset(&a->scratch);
	redact_value(a->redactor, key, v, strlen(v), &a->scratch);
	attrs_text(a, str_cstr(&a->scratch), a->scratch.len);
}

void attrs_word(struct attrs *a, const char *key, const char *v)
{
	attrs_key(a, key);
	if (v)
		attrs_text(a, v, strlen(v));
	else
		str_add(&a->json, "null");
}

void attrs_strv(struct attrs *a, const char *key, char *const v[])
{
	struct strv clean = STRV_INIT;

	redact_argv(a->redactor, v, &clean);
	attrs_key(a, key);
	str_addc(&a->json, '[');
	for (size_t i = 0; i < clean.n; i++) {
		if (i)
			str_addc(&a->json, ',');
		attrs_text(a, clean.v[i], strlen(clean.v[i]));
	}
	str_addc(&a->json, ']');
	strv_release(&clean);
}

void attrs_raw(struct attrs *a, const char *key, const char *json)
{
	attrs_key(a, key);
	str_add(&a->json, json);
}
