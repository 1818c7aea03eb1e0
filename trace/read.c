/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/read.h"

#include "base/fd.h"
#include "base/hex.h"
#include "base/mem.h"

#include <fcntl.h>
#include <string.h>

/* ---- members ---- */

int64_t attr_ms(const struct json_value *attrs, const char *key, int64_t otherwise)
{
	double ms = json_get_number(attrs, key, -1);

	return ms >= 0 && ms < 1e12 ? (int64_t)(ms * 1e6 + 0.5) : otherwise;
}

const char *attr_text(const struct json_value *attrs, const char *key)
{
	const char *s = json_get_text(attrs, key);

	return s ? s : "";
}

bool attr_true(const struct json_value *attrs, const char *key)
{
	const struct json_value *m = json_get(attrs, key);

	return m && m->kind == JSON_TRUE;
}

bool trace_id_parse(const char *text, uint64_t *id)
{
	uint64_t v = 0;

	for (int i = 0; i < 16; i++) {
		int h = text ? hex_digit_lower(text[i]) : -1;

		if (h < 0)
			return false;
		v = v << 4 | (uint64_t)h;
	}
	if (text[16] != '\0')
		return false;
	*id = v;
	return true;
}

static const struct json_value *object_of(const struct json_value *v, const char *key)
{
	const struct json_value *m = json_get(v, key);

	return m && m->kind == JSON_OBJECT ? m : NULL;
}

/* Words of `error`: no word is 0 (NONE), an unknown one -1. */
static int word_or_none(const char *text, const char *const *table, int count)
{
	return text ? contract_find(text, table, count) : 0;
}

/* ---- elements ---- */

void trace_read_span_of(const struct json_value *value, uint64_t index, struct trace_read_span *out)
{
	const struct json_value *error = object_of(value, "error");

	*out = (struct trace_read_span){
		.index = index, .whole = value, .attrs = object_of(value, "attrs"),
		.name = contract_find(json_get_text(value, "name"), span_name_text, SPAN_COUNT),
		.status = contract_find(json_get_text(value, "status"), status_text, STATUS_COUNT),
		.start_ns = json_get_int(value, "start_ns", -1), .end_ns = json_get_int(value, "end_ns", -1),
		.phase = json_get_text(value, "phase"), .message = json_get_text(error, "message"),
		.category = word_or_none(json_get_text(error, "category"), category_text, CATEGORY_COUNT),
		.token = word_or_none(json_get_text(error, "reason_token"), token_text, TOKEN_COUNT),
	};
	trace_id_parse(json_get_text(value, "span_id"), &out->id);
	trace_id_parse(json_get_text(value, "parent_span_id"), &out->parent);
}

void trace_read_event_of(const struct json_value *value, uint64_t index, struct trace_read_event *out)
{
	const struct json_value *attrs = object_of(value, "attrs");

	*out = (struct trace_read_event){
		.index = index, .whole = value, .attrs = attrs, .checkpoint = -1, .state = -1,
		.ts_ns = json_get_int(value, "ts_ns", -1),
		.kind = contract_find(json_get_text(value, "kind"), event_kind_text, EVENT_COUNT),
	};
	trace_id_parse(json_get_text(value, "span_id"), &out->span);
	if (out->kind == EVENT_CHECKPOINT) {
		out->checkpoint_name = json_get_text(attrs, "event");
		out->checkpoint = contract_find(out->checkpoint_name, checkpoint_text, CP_COUNT);
	} else if (out->kind == EVENT_WATCHDOG) {
		out->token = word_or_none(json_get_text(attrs, "reason_token"), token_text, TOKEN_COUNT);
	} else if (out->kind == EVENT_SUBPROCESS_STATE) {
		out->state = contract_find(json_get_text(attrs, "state"), proc_state_text, PROC_COUNT);
	}
}

/* ---- the file ---- */

struct reading {
	struct json_reader *json;
	const struct trace_read_ops *ops;
	void *arg;
};

static int pass_span(const struct reading *r, const struct json_value *v, uint64_t i, struct err *e)
{
	struct trace_read_span s;

	if (!r->ops->span)
		return 0;
	trace_read_span_of(v, i, &s);
	return r->ops->span(r->arg, &s, e);
}

static int pass_event(const struct reading *r, const struct json_value *v, uint64_t i, struct err *e)
{
	struct trace_read_event ev;

	if (!r->ops->event)
		return 0;
	trace_read_event_of(v, i, &ev);
	return r->ops->event(r->arg, &ev, e);
}

static int read_elements(const struct reading *r,
			 int pass(const struct reading *r, const struct json_value *v, uint64_t i, struct err *e),
			 struct err *e)
{
	const struct json_value *v;
	uint64_t i = 0;
	int rc;

	if (json_enter(r->json, JSON_ARRAY, e) < 0)
		return -1;
	while ((rc = json_next_item(r->json, e)) > 0) {
		if (json_take(r->json, &v, e) < 0)
			return -1;
		if (v->kind == JSON_OBJECT && pass(r, v, i, e) < 0)
			return -1;
		i++;
	}
	return rc;
}

static int read_head(const struct reading *r, const char *key, struct err *e)
{
	const struct json_value *v;

	if (json_take(r->json, &v, e) < 0)
		return -1;
	return r->ops->head ? r->ops->head(r->arg, key, v, e) : 0;
}

static int read_all(const struct reading *r, struct err *e)
{
	const char *name;
	size_t len;
	int rc;

	if (json_enter(r->json, JSON_OBJECT, e) < 0)
		return -1;
	while ((rc = json_next_key(r->json, &name, &len, e)) > 0) {
		auto_free char *key = xstrndup(name, len); /* the name lives until the next call */

		if (strcmp(key, "spans") == 0)
			rc = read_elements(r, pass_span, e);
		else if (strcmp(key, "events") == 0)
			rc = read_elements(r, pass_event, e);
		else
			rc = read_head(r, key, e);
		if (rc < 0)
			return -1;
	}
	return rc < 0 ? rc : json_end(r->json, e);
}

int trace_read_fd(int fd, const char *name, const struct trace_read_ops *ops, void *arg, struct err *e)
{
	struct reading r = { json_reader_new(fd, name), ops, arg };
	int rc = read_all(&r, e);

	json_reader_free(r.json);
	return rc;
}

int trace_read(const char *path, const struct trace_read_ops *ops, void *arg, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_sys(e, "opening '%s'", path);
	return trace_read_fd(fd, path, ops, arg, e);
}
