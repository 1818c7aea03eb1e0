/* SPDX-License-Identifier: Apache-2.0 */
/* template.c - ${step.name} in the texts of a case. Only this dotted form is ours: `${HOME}` stays
 * as it is, for the shell that may be behind it. */
#include "runner/cases/case_file.h"

#include <string.h>

static size_t word_len(const char *p)
{
	return strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
}

bool template_next(const char **at, struct template_ref *r)
{
	for (const char *p = *at; (p = strchr(p, '$')); p++) {
		const char *name, *key;

		if (p[1] == '$' && p[2] == '{') {
			p += 2;
			continue;
		}
		if (p[1] != '{')
			continue;
		name = p + 2;
		r->name_len = word_len(name);
		if (!r->name_len || name[r->name_len] != '.')
			continue;
		key = name + r->name_len + 1;
		r->key_len = word_len(key);
		if (!r->key_len || key[r->key_len] != '}')
			continue;
		r->start = p;
		r->end = *at = key + r->key_len + 1;
		r->name = name;
		r->key = key;
		return true;
	}
	return false;
}

/* Text between references: `$${` becomes `${`. */
static void plain_add(struct str *out, const char *p, const char *end)
{
	while (p < end) {
		if (end - p >= 3 && p[0] == '$' && p[1] == '$' && p[2] == '{')
			p++;
		str_addc(out, *p++);
	}
}

int template_expand(const char *text, const char *(*value)(void *ctx, const struct template_ref *r), void *ctx,
		    struct str *out, struct err *e)
{
	const char *from = text, *at = text;
	struct template_ref r;

	while (template_next(&at, &r)) {
		const char *v = value(ctx, &r);

		if (!v)
			return err_set(e, ERR_USAGE, "'%.*s' has no value", (int)(r.end - r.start), r.start);
		plain_add(out, from, r.start);
		str_add(out, v);
		from = r.end;
	}
	plain_add(out, from, from + strlen(from));
	return 0;
}
