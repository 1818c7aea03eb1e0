/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/cases/case_file.h"

#include "base/mem.h"
#include "runner/config/libexec.h"

#include <string.h>

const char *const harness_type_text[] = { "", "cli.run", "file.scan", "data.validate", "trace.verify", "audit.threshold",
					  NULL };

#define ID_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
#define TIMEOUT_MAX_MS (INT64_C(1000) * 3600 * 24 * 365)

/* One of our names: letters, digits, `_`, `.` and `-`. */
static int name_read(const struct yaml_node *map, const char *key, char **out, struct err *e)
{
	const char *text;

	if (yaml_need_string(map, key, &text, e) < 0)
		return -1;
	if (strlen(text) > CASE_ID_MAX_BYTES || text[strspn(text, ID_BYTES)])
		return yaml_error(yaml_get(map, key), e, "'%s' is made of letters, digits, '_', '.' and '-', at most %d",
				  key, CASE_ID_MAX_BYTES);
	*out = xstrdup(text);
	return 0;
}

static int string_take(const struct yaml_node *map, const char *key, char **out, struct err *e)
{
	const char *text;
	int rc = yaml_get_string(map, key, &text, e);

	if (rc > 0)
		*out = xstrdup(text);
	return rc < 0 ? -1 : 0;
}

static int timeout_read(const struct yaml_node *map, int64_t *out, struct err *e)
{
	return yaml_get_timeout(map, TIMEOUT_MAX_MS, out, e) < 0 ? -1 : 0;
}

/* ---- harness ---- */

static int env_read(struct harness *h, const struct yaml_node *n, struct err *e)
{
	if (!n || yaml_is_null(n))
		return 0;
	if (yaml_want_map(n, e) < 0)
		return -1;
	yaml_each (item, n) {
		const char *value;

		if (!item->key->len || strchr(item->key->text, '=') || strlen(item->key->text) != item->key->len)
			return yaml_error(item->key, e, "the name of a variable must not be empty nor hold '='");
		if (yaml_as_string(item, &value, e) < 0)
			return -1;
		strv_take(&h->env, xasprintf("%s=%s", item->key->text, value));
	}
	return 0;
}

static int cli_run_read(struct harness *h, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "type", "argv", "env", "cwd", "stdin", "timeout_ms", "timeout", NULL };
	const struct yaml_node *argv = yaml_get(n, "argv"), *in = yaml_get(n, "stdin");

	if (yaml_check_keys(n, known, e) < 0)
		return -1;
	if (!argv)
		return yaml_error(n, e, "a cli.run needs 'argv'");
	if (yaml_as_strings(argv, &h->argv, e) < 0)
		return -1;
	if (!h->argv.n || !h->argv.v[0][0])
		return yaml_error(argv, e, "'argv' needs at least the name of a program");
	if (env_read(h, yaml_get(n, "env"), e) < 0 || string_take(n, "cwd", &h->cwd, e) < 0)
		return -1;
	if (!in)
		return 0;
	if (in->kind != YAML_SCALAR)
		return yaml_error(in, e, "'stdin' needs a text");
	h->stdin_text = xmalloc(in->len + 1);
	memcpy(h->stdin_text, in->text, in->len + 1);
	h->stdin_bytes = in->len;
	return 0;
}

/* A token: a fixed string, or {regex: …}. */
static int token_read(struct scan_spec *s, enum scan_role role, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "regex", NULL };
	const struct yaml_node *text = n;
	struct err inner = { 0 };
	const char *pattern;

	if (n->kind == YAML_MAP) {
		if (yaml_check_keys(n, known, e) < 0 || yaml_need_string(n, "regex", &pattern, e) < 0)
			return -1;
		text = yaml_get(n, "regex");
	} else if (n->kind != YAML_SCALAR) {
		return yaml_error(n, e, "a token is a text or {regex: …}");
	}
	if (scan_spec_add(s, role, text->text, text->len, n->kind == YAML_MAP, &inner) < 0)
		return yaml_error(text, e, "%s", inner.msg);
	return 0;
}

static int tokens_read(struct scan_spec *s, enum scan_role role, const struct yaml_node *n, struct err *e)
{
	if (!n)
		return 0;
	if (n->kind != YAML_SEQ)
		return token_read(s, role, n, e);
	yaml_each (item, n)
		if (token_read(s, role, item, e) < 0)
			return -1;
	return 0;
}

static int count_set(struct scan_spec *s, const struct yaml_node *n, struct err *e)
{
	struct scan_item *item = &s->items[s->item_count - 1];
	struct err inner = { 0 };
	const char *text;

	if (yaml_as_string(n, &text, e) < 0)
		return -1;
	if (scan_parse_count(text, &item->op, &item->n, &inner) < 0)
		return yaml_error(n, e, "%s", inner.msg);
	return 0;
}

/* count: {TOKEN: "== 2"}, or a list of {token: T, is: "== 2"} and {regex: R, is: …}. */
static int counts_read(struct scan_spec *s, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "token", "regex", "is", NULL };
	struct err inner = { 0 };

	if (!n)
		return 0;
	if (n->kind == YAML_SCALAR)
		return yaml_error(n, e, "'count' needs {TOKEN: \"== 2\"}");
	yaml_each (item, n) {
		const struct yaml_node *token = item->key, *is = item;

		if (n->kind == YAML_SEQ) {
			if (yaml_want_map(item, e) < 0 || yaml_check_keys(item, known, e) < 0)
				return -1;
			token = yaml_get(item, yaml_get(item, "regex") ? "regex" : "token");
			is = yaml_get(item, "is");
			if (!token || !is || token->kind != YAML_SCALAR || item->count != 2)
				return yaml_error(item, e,
						  "a count is {token: TEXT, is: \"== 2\"} or {regex: …, is: …}");
		}
		if (scan_spec_add(s, SCAN_COUNT, token->text, token->len,
				  n->kind == YAML_SEQ && strcmp(token->key->text, "regex") == 0, &inner) < 0)
			return yaml_error(token, e, "%s", inner.msg);
		if (count_set(s, is, e) < 0)
			return -1;
	}
	return 0;
}

static int paths_read(struct strv *paths, const struct yaml_node *n, const char *type, struct err *e)
{
	const struct yaml_node *list = yaml_get(n, "paths");

	if (!list)
		return yaml_error(n, e, "a %s needs 'paths'", type);
	if (yaml_as_string_or_list(list, paths, e) < 0)
		return -1;
	if (!paths->n)
		return yaml_error(list, e, "'paths' is empty");
	return 0;
}

static int file_scan_read(struct harness *h, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "type", "paths", "present", "absent", "ordered", "count", "each",
					     "timeout_ms", "timeout", NULL };
	struct scan *probe;
	struct err inner = { 0 };
	int rc;

	h->scan = xcalloc(1, sizeof(*h->scan));
	if (yaml_check_keys(n, known, e) < 0 || paths_read(&h->scan->paths, n, "file.scan", e) < 0 ||
	    tokens_read(h->scan, SCAN_PRESENT, yaml_get(n, "present"), e) < 0 ||
	    tokens_read(h->scan, SCAN_ABSENT, yaml_get(n, "absent"), e) < 0 ||
	    tokens_read(h->scan, SCAN_ORDERED, yaml_get(n, "ordered"), e) < 0 ||
	    counts_read(h->scan, yaml_get(n, "count"), e) < 0 || yaml_get_bool(n, "each", &h->scan->each, e) < 0)
		return -1;
	if (!h->scan->item_count)
		return yaml_error(n, e, "a file.scan needs one of 'present', 'absent', 'ordered', 'count'");
	probe = scan_new(); /* its globs are looked at now, not when it runs */
	rc = scan_add(probe, h->scan, &inner);
	scan_free(probe);
	return rc < 0 ? yaml_error(yaml_get(n, "paths"), e, "%s", inner.msg) : 0;
}

static int data_validate_read(struct harness *h, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "type", "paths", "schema", "keys", "timeout_ms", "timeout", NULL };

	if (yaml_check_keys(n, known, e) < 0 || paths_read(&h->paths, n, "data.validate", e) < 0 ||
	    string_take(n, "schema", &h->schema, e) < 0 || yaml_get_strings(n, "keys", &h->keys, e) < 0)
		return -1;
	if (!h->schema == !h->keys.n)
		return yaml_error(n, e, "a data.validate needs one of 'schema' and 'keys'");
	return 0;
}

static int trace_verify_read(struct harness *h, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "type", "paths", "timeout_ms", "timeout", NULL };

	if (yaml_check_keys(n, known, e) < 0 || paths_read(&h->paths, n, "trace.verify", e) < 0)
		return -1;
	return 0;
}

/* The command that holds an action against its limits: `spec-runner audit --format limits`. */
static int audit_threshold_read(struct harness *h, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "type", "action", "entry_points", "paths", "depth", "max_load",
		"max_expensive",
					     "max_unresolved", "against", "max_increase_pct", "timeout_ms", "timeout",
						NULL };
	static const struct { const char *key, *flag; bool limit; } flags[] = {
		{ "action", "action", false }, { "depth", "depth", false }, { "against", "against", false },
		{ "max_load", "fail-load", true }, { "max_expensive", "fail-expensive", true },
		{ "max_unresolved", "fail-unresolved", true }, { "max_increase_pct", "fail-increase", true },
	};
	struct strv list = STRV_INIT;
	int64_t ignored;
	bool limit = false;

	if (yaml_check_keys(n, known, e) < 0 || yaml_get_int(n, "max_load", 0, INT64_MAX, &ignored, e) < 0 ||
	    yaml_get_int(n, "max_expensive", 0, INT64_MAX, &ignored, e) < 0 ||
	    yaml_get_int(n, "max_unresolved", 0, INT64_MAX, &ignored, e) < 0 || yaml_get_int(n, "depth", 0, 1000,
		&ignored, e) < 0)
		return -1;
	if (!yaml_get(n, "action") == !yaml_get(n, "entry_points"))
		return yaml_error(n, e, "an audit.threshold needs one of 'action' and 'entry_points'");
	if (!yaml_get(n, "max_increase_pct") != !yaml_get(n, "against"))
		return yaml_error(n, e, "'max_increase_pct' and 'against' belong together");
	strv_take(&h->argv, libexec_find("audit"));
	if (!h->argv.v[0])
		h->argv.v[0] = xstrdup("spec-runner-audit");
	strv_add(&h->argv, "--format=limits");
	for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		const struct yaml_node *v = yaml_get(n, flags[i].key);
		const char *text;

		if (!v)
			continue;
		if (yaml_as_string(v, &text, e) < 0)
			return -1;
		limit |= flags[i].limit;
		strv_take(&h->argv, xasprintf("--%s=%s", flags[i].flag, text));
	}
	if (!limit)
		return yaml_error(n, e,
			"an audit.threshold needs one of max_load, max_expensive, max_unresolved, max_increase_pct");
	for (int paths = 0; paths < 2; paths++) {
		strv_release(&list);
		if (yaml_get_string_or_list(n, paths ? "paths" : "entry_points", &list, e) < 0)
			return strv_release(&list), -1;
		for (size_t i = 0; i < list.n; i++)
			strv_take(&h->argv, paths ? xstrdup(list.v[i]) : xasprintf("--entry=%s", list.v[i]));
	}
	strv_release(&list);
	return 0;
}

static int harness_read(struct harness *h, const struct yaml_node *n, struct err *e)
{
	const char *type;
	int index = 0;

	if (yaml_want_map(n, e) < 0 || yaml_need_string(n, "type", &type, e) < 0 ||
	    yaml_get_word(n, "type", harness_type_text + 1, &index, e) < 0)
		return -1;
	h->type = (enum harness_type)(index + 1);
	if (timeout_read(n, &h->timeout_ms, e) < 0)
		return -1;
	switch (h->type) {
	case HARNESS_CLI_RUN:
		return cli_run_read(h, n, e);
	case HARNESS_FILE_SCAN:
		return file_scan_read(h, n, e);
	case HARNESS_DATA_VALIDATE:
		return data_validate_read(h, n, e);
	case HARNESS_TRACE_VERIFY:
		return trace_verify_read(h, n, e);
	case HARNESS_AUDIT_THRESHOLD:
		return audit_threshold_read(h, n, e);
	case HARNESS_NONE:
		break;
	}
	return 0;
}

/* ---- chain, expect, export ---- */

static int step_read(struct chain *c, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "id", "ref", "allow_continue", NULL };
	struct chain_step *s;
	const char *ref;

	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, known, e) < 0)
		return -1;
	c->steps = xreallocarray(c->steps, c->step_count + 1, sizeof(*c->steps));
	s = &c->steps[c->step_count++];
	*s = (struct chain_step){ .target = CASE_NONE, .line = n->line, .column = n->column };
	if (name_read(n, "id", &s->id, e) < 0 || yaml_need_string(n, "ref", &ref, e) < 0)
		return -1;
	s->ref = xstrdup(ref);
	s->line = yaml_get(n, "ref")->line;
	s->column = yaml_get(n, "ref")->column;
	if (!strchr(ref, '#') || !strchr(ref, '#')[1])
		return yaml_error(yaml_get(n, "ref"), e, "a ref is FILE#CASE-ID, or #CASE-ID in the same file");
	if (strchr(s->id, '.'))
		return yaml_error(yaml_get(n, "id"), e, "a step's id must not hold '.': '${id.name}' would be unclear");
	for (uint32_t i = 0; i + 1 < c->step_count; i++)
		if (strcmp(c->steps[i].id, s->id) == 0)
			return yaml_error(yaml_get(n, "id"), e, "step '%s' is there twice", s->id);
	return yaml_get_bool(n, "allow_continue", &s->allow_continue, e) < 0 ? -1 : 0;
}

static int chain_read(struct chain *c, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "fail_fast", "timeout_ms", "timeout", "steps", NULL };
	const struct yaml_node *steps;

	if (!n)
		return 0;
	c->present = true;
	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, known, e) < 0 ||
	    yaml_get_bool(n, "fail_fast", &c->fail_fast, e) < 0 || timeout_read(n, &c->timeout_ms, e) < 0)
		return -1;
	steps = yaml_get(n, "steps");
	if (!steps)
		return yaml_error(n, e, "a chain needs 'steps'");
	if (yaml_want_seq(steps, e) < 0)
		return -1;
	if (!steps->count)
		return yaml_error(steps, e, "a chain needs at least one step");
	yaml_each (item, steps)
		if (step_read(c, item, e) < 0)
			return -1;
	return 0;
}

static int expectations_read(struct expectations *l, const struct yaml_node *n, struct err *e)
{
	if (!n)
		return 0;
	if (yaml_want_seq(n, e) < 0)
		return -1;
	l->v = xcalloc(n->count + 1, sizeof(*l->v));
	yaml_each (item, n)
		if (expectation_read(&l->v[l->n++], item, false, e) < 0)
			return -1;
	return 0;
}

static int expect_read(struct spec_case *c, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "must", "must_not", "may", NULL };

	if (!n)
		return 0;
	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, known, e) < 0 ||
	    expectations_read(&c->must, yaml_get(n, "must"), e) < 0 ||
	    expectations_read(&c->must_not, yaml_get(n, "must_not"), e) < 0 ||
	    expectations_read(&c->may, yaml_get(n, "may"), e) < 0)
		return -1;
	return 0;
}

static int exports_read(struct spec_case *c, const struct yaml_node *n, struct err *e)
{
	if (!n)
		return 0;
	if (yaml_want_map(n, e) < 0)
		return -1;
	c->exports = xcalloc(n->count + 1, sizeof(*c->exports));
	yaml_each (item, n) {
		struct export *x = &c->exports[c->export_count++];

		if (!item->key->len || strlen(item->key->text) != item->key->len ||
		    item->key->text[strspn(item->key->text, ID_BYTES)] || strchr(item->key->text, '.'))
			return yaml_error(item->key, e, "an export's name is made of letters, digits, '_' and '-'");
		x->name = xstrdup(item->key->text);
		if (expectation_read(&x->from, item, true, e) < 0)
			return -1;
		if (x->from.text && !x->from.regex)
			return yaml_error(item, e, "the pattern of an export must not hold ${…}");
	}
	return 0;
}

static char no_title[] = ""; /* shared by all that have none */

int spec_case_read(struct spec_case *c, const struct yaml_node *n, struct err *e)
{
	static const char *const known[] = { "id", "title", "check", "chain", "harness", "expect", "export", NULL };
	const struct yaml_node *harness;
	char *title = NULL;

	memset(c, 0, sizeof(*c));
	c->chain.fail_fast = true;
	c->line = n->line;
	c->column = n->column;
	if (yaml_want_map(n, e) < 0 || yaml_check_keys(n, known, e) < 0 || name_read(n, "id", &c->id, e) < 0 ||
	    string_take(n, "title", &title, e) < 0)
		return -1;
	c->line = yaml_get(n, "id")->line;
	c->column = yaml_get(n, "id")->column;
	c->title = title ? title : no_title;
	for (char *p = c->title; *p; p++)
		if ((unsigned char)*p < 0x20)
			*p = ' '; /* a title is one line wherever it is shown */
	if (yaml_get(n, "check") && name_read(n, "check", &c->check, e) < 0)
		return -1;
	if (chain_read(&c->chain, yaml_get(n, "chain"), e) < 0)
		return -1;
	harness = yaml_get(n, "harness");
	if (!harness && !c->chain.present)
		return yaml_error(n, e, "a case needs a 'harness' or a 'chain'");
	if (harness && harness_read(&c->harness, harness, e) < 0)
		return -1;
	if (!harness && (yaml_get(n, "expect") || yaml_get(n, "export")))
		return yaml_error(n, e, "'expect' and 'export' want a 'harness' to look at");
	if (expect_read(c, yaml_get(n, "expect"), e) < 0)
		return -1;
	return exports_read(c, yaml_get(n, "export"), e);
}

static void harness_release(struct harness *h)
{
	switch (h->type) {
	case HARNESS_CLI_RUN: case HARNESS_AUDIT_THRESHOLD:
		strv_release(&h->argv);
		strv_release(&h->env);
		mem_free_ptr(&h->cwd);
		mem_free_ptr(&h->stdin_text);
		break;
	case HARNESS_FILE_SCAN:
		if (h->scan)
			scan_spec_release(h->scan);
		mem_free_ptr(&h->scan);
		break;
	case HARNESS_DATA_VALIDATE: case HARNESS_TRACE_VERIFY:
		strv_release(&h->paths);
		mem_free_ptr(&h->schema);
		strv_release(&h->keys);
		break;
	case HARNESS_NONE:
		break;
	}
	h->type = HARNESS_NONE;
}

void spec_case_release(struct spec_case *c)
{
	struct harness *h = &c->harness;

	mem_free_ptr(&c->id);
	if (c->title != no_title)
		mem_free_ptr(&c->title);
	mem_free_ptr(&c->check);
	harness_release(h);
	for (uint32_t i = 0; i < c->chain.step_count; i++) {
		mem_free_ptr(&c->chain.steps[i].id);
		mem_free_ptr(&c->chain.steps[i].ref);
	}
	mem_free_ptr(&c->chain.steps);
	expectations_release(&c->must);
	expectations_release(&c->must_not);
	expectations_release(&c->may);
	for (uint32_t i = 0; i < c->export_count; i++)
		export_release(&c->exports[i]);
	mem_free_ptr(&c->exports);
	for (uint32_t i = 0; i < c->use_count; i++)
		mem_free_ptr(&c->uses[i].name);
	mem_free_ptr(&c->uses);
	c->export_count = c->use_count = c->chain.step_count = 0;
}
