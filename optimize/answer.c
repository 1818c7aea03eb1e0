/* SPDX-License-Identifier: Apache-2.0 */
#include "optimize/answer.h"

#include "base/json_read.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define DIM_MAX 65536

static int64_t count_of(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_NUMBER && m->is_integer && m->integer >= 0 ? m->integer : -1;
}

bool completion_read(struct completion *c, const char *body, size_t n)
{
	struct json_reader *in = json_reader_text(body, n, "answer");
	const struct json_value *v, *choices, *message;
	struct err ignored = { 0 };
	const char *text = NULL;

	*c = (struct completion){ .prompt_tokens = -1, .output_tokens = -1 };
	if (json_take(in, &v, &ignored) == 0 && v->kind == JSON_OBJECT) {
		choices = json_get(v, "choices");
		message = choices && choices->kind == JSON_ARRAY && choices->first ? json_get(choices->first, "message") :
			NULL;
		text = json_get_text(message, "content");
		if (text)
			str_addn(&c->text, text, json_get(message, "content")->len);
		c->prompt_tokens = count_of(json_get(v, "usage"), "prompt_tokens");
		c->output_tokens = count_of(json_get(v, "usage"), "completion_tokens");
	}
	json_reader_free(in);
	return text != NULL;
}

void completion_release(struct completion *c)
{
	str_release(&c->text);
}

/* ---- texts with JSON in them ---- */

/* The text as JSON, perhaps within one ```json fence: models like it. Free the reader. */
static struct json_reader *as_object(const char *text, size_t n, const struct json_value **v)
{
	static const char fence[] = "```json\n";
	const char *from = memmem(text, n, fence, sizeof(fence) - 1), *end;
	struct json_reader *in;
	struct err ignored = { 0 };

	if (from) {
		from += sizeof(fence) - 1;
		end = memmem(from, (size_t)(text + n - from), "\n```", 4);
		if (end) {
			n = (size_t)(end - from);
			text = from;
		}
	}
	in = json_reader_text(text, n, "answer");
	if (json_take(in, v, &ignored) == 0 && (*v)->kind == JSON_OBJECT)
		return in;
	json_reader_free(in);
	return NULL;
}

/* A fence that opens at the beginning of a line; the lines up to one that closes it. */
static bool only_fence(const char *text, size_t n, struct str *diff)
{
	const char *p = text, *end = text + n;
	int blocks = 0;
	bool open = false;

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);
		size_t bare = len && p[len - 1] == '\r' ? len - 1 : len;

		if (open && bare == 3 && memcmp(p, "```", 3) == 0) {
			open = false;
		} else if (open) {
			str_addn(diff, p, len);
			str_addc(diff, '\n');
		} else if (bare == 7 && memcmp(p, "```diff", 7) == 0) {
			open = true;
			blocks++;
		}
		p = nl ? nl + 1 : end;
	}
	return blocks == 1 && !open;
}

bool answer_diff(const char *text, size_t n, struct str *diff)
{
	const struct json_value *v;
	struct json_reader *in = as_object(text, n, &v);
	const char *d = in ? json_get_text(v, "diff") : NULL;

	str_reset(diff);
	if (d)
		str_addn(diff, d, json_get(v, "diff")->len);
	json_reader_free(in);
	if (in)
		return d != NULL;
	if (only_fence(text, n, diff))
		return true;
	str_reset(diff);
	return false;
}

static char *copy(const struct json_value *v, const char *key)
{
	const char *s = json_get_text(v, key);

	return s && *s ? xstrdup(s) : NULL;
}

bool answer_decision(const char *text, size_t n, struct decision *d)
{
	const struct json_value *v;
	struct json_reader *in = as_object(text, n, &v);
	const char *action = in ? json_get_text(v, "action") : NULL;
	bool usable = action && (strcmp(action, "continue") == 0 || strcmp(action, "stop") == 0);

	memset(d, 0, sizeof(*d));
	if (usable) {
		d->stop = strcmp(action, "stop") == 0;
		d->hotspot = copy(v, "hotspot");
		d->strategy = copy(v, "strategy");
		d->justification = copy(v, "justification");
		usable = !d->stop || d->justification; /* an end needs a reason */
	}
	json_reader_free(in);
	if (!usable)
		decision_release(d);
	return usable;
}

void decision_release(struct decision *d)
{
	free(d->hotspot);
	free(d->strategy);
	free(d->justification);
	memset(d, 0, sizeof(*d));
}

bool answer_classes(const char *text, size_t n, const struct strv *taxonomy, struct strv *out)
{
	const struct json_value *v;
	struct json_reader *in = as_object(text, n, &v);
	const struct json_value *list = in ? json_get(v, "classes") : NULL;

	if (list && list->kind == JSON_ARRAY)
		json_each(c, list)
			if (c->kind == JSON_STRING && strv_has(taxonomy, c->text) && !strv_has(out, c->text))
				strv_add(out, c->text);
	json_reader_free(in);
	return out->n > 0;
}

bool answer_embedding(const char *body, size_t n, float **v, size_t *dim)
{
	struct json_reader *in = json_reader_text(body, n, "answer");
	const struct json_value *whole, *data, *list = NULL;
	struct err ignored = { 0 };

	*v = NULL;
	*dim = 0;
	if (json_take(in, &whole, &ignored) == 0) {
		data = json_get(whole, "data");
		list = data && data->kind == JSON_ARRAY && data->first ? json_get(data->first, "embedding") : NULL;
	}
	if (list && list->kind == JSON_ARRAY && list->count && list->count <= DIM_MAX) {
		*v = xreallocarray(NULL, list->count, sizeof(**v));
		json_each(x, list)
			if (x->kind == JSON_NUMBER)
				(*v)[(*dim)++] = (float)x->number;
		if (*dim != list->count)
			mem_free_ptr(v);
	}
	json_reader_free(in);
	return *v != NULL;
}
