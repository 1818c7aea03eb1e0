/* SPDX-License-Identifier: Apache-2.0 */
/* request.c - the bodies that are sent. Each text goes through redaction here, when the body is made, whatever was done to
 * it before: nothing else makes a body. The texts are redacted, not the JSON around them, whose own keys hold such words. */
#include "base/json_write.h"
#include "base/mem.h"
#include "optimize/agents.h"
#include "trace/redact.h"

#include <ctype.h>
#include <string.h>

static bool is_host_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* A host's name wherever it stands as a whole. */
static void hide_host(struct str *text, const char *host)
{
	size_t n = strlen(host);
	auto_str out = STR_INIT;
	const char *p = str_cstr(text), *end = p + text->len, *at;

	if (n < 3)
		return;
	while ((at = memmem(p, (size_t)(end - p), host, n)) != NULL) {
		bool whole = (at == text->data || !is_host_char(at[-1])) && (at + n == end || !is_host_char(at[n]));

		str_addn(&out, p, (size_t)(at - p));
		if (whole)
			str_add(&out, "<redacted:host>");
		else
			str_addn(&out, at, n);
		p = at + n;
	}
	str_addn(&out, p, (size_t)(end - p));
	str_reset(text);
	str_addn(text, str_cstr(&out), out.len);
}

void request_clean(struct redactor *r, const struct strv *hosts, const char *text, size_t n, struct str *out)
{
	auto_str clean = STR_INIT;

	redact_text(r, text, n, &clean);
	for (size_t i = 0; hosts && i < hosts->n; i++)
		hide_host(&clean, hosts->v[i]);
	str_addn(out, str_cstr(&clean), clean.len);
}

static void put_clean(struct json *j, const char *key, struct redactor *r, const struct strv *hosts, const char *text,
		      size_t n)
{
	auto_str clean = STR_INIT;

	request_clean(r, hosts, text, n, &clean);
	json_strn(j, key, str_cstr(&clean), clean.len);
}

void request_body(struct redactor *r, const struct strv *hosts, const struct agent *a, const char *model, const char *user,
		  size_t user_len, int64_t max_tokens, struct str *out)
{
	auto_free char *system = xasprintf("spec-runner agent: %s\n%s", a->name, a->system);
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "model", model);
	json_array(&j, "messages");
	json_object(&j, NULL);
	json_str(&j, "role", "system");
	json_str(&j, "content", system);
	json_object_end(&j);
	json_object(&j, NULL);
	json_str(&j, "role", "user");
	put_clean(&j, "content", r, hosts, user, user_len);
	json_object_end(&j);
	json_array_end(&j);
	json_int(&j, "temperature", 0);
	if (max_tokens) {
		json_int(&j, "seed", 1);
		json_int(&j, "max_tokens", max_tokens);
	}
	json_bool(&j, "stream", false);
	json_object_end(&j);
	json_finish(&j);
}

void request_embedding(struct redactor *r, const struct strv *hosts, const char *model, const char *text, size_t n,
		       struct str *out)
{
	struct json j;

	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "model", model);
	put_clean(&j, "input", r, hosts, text, n);
	json_object_end(&j);
	json_finish(&j);
}
