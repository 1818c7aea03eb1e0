/* SPDX-License-Identifier: Apache-2.0 */
#include "optimize/explain.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SENTENCES_MAX 200
#define CITED_MAX 50

/* Words that promise what no evidence holds. In lower case. */
static const char *const promises[] = {
	"guarantee", "will ", "'ll ", "\342\200\231ll ", "won't ", "going to ", "would make it", "would be faster",
	"x faster", "\303\227 faster", "times faster", "as fast", "-fold", "tenfold", "twofold", "certainly", "definitely",
	"ensures", "is sure to", "bound to", "without doubt", "undoubtedly", "always fix", "never again", "can be sure",
	"promise", NULL,
};

bool explain_promises(const char *text)
{
	auto_free char *lower = xstrdup(text);

	for (char *c = lower; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	for (size_t i = 0; promises[i]; i++)
		if (strstr(lower, promises[i]))
			return true;
	return false;
}

static const struct json_value *finding_of(const struct json_value *findings, const char *id)
{
	const struct json_value *list = json_get(findings, "findings");

	if (list && list->kind == JSON_ARRAY)
		json_each(f, list) {
			const char *has = json_get_text(f, "finding_id");

			if (has && strcmp(has, id) == 0)
				return f;
		}
	return NULL;
}

static const char *judge(const struct explained *s, const struct json_value *findings)
{
	const struct json_value *cited[CITED_MAX];
	size_t n = 0;

	if (!s->text || !*s->text)
		return "format";
	for (size_t i = 0; i < s->evidence.n && n < CITED_MAX; i++) {
		cited[n] = finding_of(findings, s->evidence.v[i]);
		if (!cited[n++])
			return "citation";
	}
	if (!n)
		return "citation";
	if (explain_promises(s->text))
		return "promise";
	return explain_numbers_ok(s->text, cited, n) ? NULL : "number";
}

static void take(struct explanation *x, const struct json_value *v, const struct json_value *findings)
{
	const struct json_value *list = json_get(v, "evidence");
	const char *text = json_get_text(v, "text");
	struct explained *s;
	bool strings = list && list->kind == JSON_ARRAY;

	x->v = xreallocarray(x->v, x->n + 1, sizeof(*x->v));
	s = &x->v[x->n++];
	*s = (struct explained){ .text = xstrdup(text ? text : "") };
	for (const struct json_value *id = strings ? list->first : NULL; id; id = id->next) {
		strings &= id->kind == JSON_STRING;
		if (id->kind == JSON_STRING)
			strv_add(&s->evidence, id->text);
	}
	s->reason = strings || !list ? judge(s, findings) : "format";
	x->kept += !s->reason;
}

bool explain_judge(struct explanation *x, const char *answer, size_t n, const struct json_value *findings)
{
	struct json_reader *in = json_reader_text(answer, n, "answer");
	const struct json_value *v, *list = NULL;
	struct err ignored = { 0 };

	memset(x, 0, sizeof(*x));
	if (json_take(in, &v, &ignored) == 0 && json_end(in, &ignored) == 0)
		list = json_get(v, "sentences");
	if (list && list->kind == JSON_ARRAY)
		json_each(s, list)
			if (x->n < SENTENCES_MAX)
				take(x, s, findings);
	json_reader_free(in);
	return x->n > 0;
}

void explain_release(struct explanation *x)
{
	for (size_t i = 0; i < x->n; i++) {
		free(x->v[i].text);
		strv_release(&x->v[i].evidence);
	}
	free(x->v);
	memset(x, 0, sizeof(*x));
}
