/* SPDX-License-Identifier: Apache-2.0 */
/* patch_rules.c - what a candidate's diff may be. The rules are asked in the order of the table, each over all files. */
#include "base/json_write.h"
#include "base/mem.h"
#include "base/value.h"
#include "optimize/patch.h"
#include "optimize/path_rule.h"

#include <stdlib.h>
#include <string.h>

typedef bool patch_rule(const struct patch *p, const struct patch_rules *r, struct str *detail);

/* Calls test for every name that the patch has; true and a detail at the first that offends. */
static bool any_path(const struct patch *p, const struct patch_rules *r, struct str *detail,
		     bool (*test)(const struct patch_rules *r, const char *path))
{
	char quoted[VALUE_QUOTE_SIZE];

	for (size_t i = 0; i < p->n_files; i++) {
		const char *const names[] = { p->files[i].old_path, p->files[i].new_path };

		for (int k = 0; k < 2; k++)
			if (names[k] && test(r, names[k])) {
				str_add(detail, value_quote(names[k], quoted));
				return true;
			}
	}
	return false;
}

static bool is_binary(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	(void)r;
	if (p->binary)
		str_add(detail, "a patch is text");
	return p->binary;
}

static bool is_no_diff(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	(void)r;
	str_add(detail, p->error);
	return p->error[0] != '\0';
}

static bool escapes(const struct patch_rules *r, const char *path)
{
	(void)r;
	return !path_is_plain(path, strlen(path));
}

static bool rule_escape(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	return any_path(p, r, detail, escapes);
}

/* A link at the path itself or at any folder on the way. */
static bool through_link(const struct patch_rules *r, const char *path)
{
	auto_free char *part = xstrdup(path);

	if (!r->is_link)
		return false;
	for (char *slash = part; (slash = strchr(slash, '/')) != NULL; slash++) {
		*slash = '\0';
		if (r->is_link(r->ctx, part))
			return true;
		*slash = '/';
	}
	return r->is_link(r->ctx, part);
}

/* Also below a link that the same diff makes. */
static bool rule_symlink(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	for (size_t i = 0; i < p->n_files; i++) {
		const char *link = p->files[i].new_path, *mode = p->files[i].new_mode;
		size_t n = link ? strlen(link) : 0;

		for (size_t k = 0; mode && link && strcmp(mode, "120000") == 0 && k < p->n_files; k++) {
			const char *below = p->files[k].new_path;

			if (below && strncmp(below, link, n) == 0 && below[n] == '/') {
				str_addf(detail, "'%.60s' is a link that the patch makes itself", link);
				return true;
			}
		}
	}
	return any_path(p, r, detail, through_link);
}

static bool not_allowed(const struct patch_rules *r, const char *path)
{
	return !path_glob_any(r->paths, path);
}

/* Renames and copies are judged by their own rule. */
static bool rule_allowed(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	char quoted[VALUE_QUOTE_SIZE];

	for (size_t i = 0; i < p->n_files; i++) {
		const struct patch_file *f = &p->files[i];
		const char *name = f->new_path && not_allowed(r, f->new_path) ? f->new_path :
				   f->old_path && not_allowed(r, f->old_path) ? f->old_path : NULL;

		if (name && !f->renamed && !f->copied) {
			str_add(detail, value_quote(name, quoted));
			return true;
		}
	}
	return false;
}

/* A test that `paths` names outright: without a star. */
static bool named_outright(const struct patch_rules *r, const char *path)
{
	for (size_t i = 0; r->tests_by_name && i < r->paths->n; i++)
		if ((strcmp(r->paths->v[i], path) == 0 || path_is_test(r->paths->v[i])) && path_glob(r->paths->v[i], path))
			return true;
	return false;
}

static bool is_denied(const struct patch_rules *r, const char *path)
{
	if (path_glob_any(r->deny, path) || (r->adapters && strv_has(r->adapters, path)))
		return true;
	return path_denied_always(path) && !(path_is_test(path) && named_outright(r, path));
}

static bool rule_denied(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	return any_path(p, r, detail, is_denied);
}

static bool mode_is(const char *mode, const char *plain)
{
	return !mode || strcmp(mode, plain) == 0;
}

static bool rule_mode(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	for (size_t i = 0; i < p->n_files; i++) {
		const struct patch_file *f = &p->files[i];
		bool moved = f->renamed || f->copied;

		if (f->old_path && f->new_path && f->old_mode && f->new_mode && strcmp(f->old_mode, f->new_mode) != 0)
			str_addf(detail, "'%.60s' changes its mode from %.6s to %.6s", f->new_path, f->old_mode,
				f->new_mode);
		else if (!f->old_path && !mode_is(f->new_mode, "100644"))
			str_addf(detail, "'%.60s' is new with mode %.6s", f->new_path, f->new_mode);
		else if ((f->new_mode && !mode_is(f->new_mode, "100644") && !f->old_mode) ||
			 (f->old_mode && (mode_is(f->old_mode, "120000") || mode_is(f->old_mode, "160000"))))
			str_addf(detail, "'%.60s' is of mode %.6s", f->new_path ? f->new_path : f->old_path,
				 f->new_mode ? f->new_mode : f->old_mode);
		else if (moved && (!f->old_path || !f->new_path || not_allowed(r, f->old_path) || not_allowed(r,
			f->new_path)))
			str_addf(detail, "'%.60s' is %s out of 'paths'", f->old_path ? f->old_path : "",
				 f->renamed ? "renamed" : "copied");
		if (detail->len)
			return true;
	}
	return false;
}

static bool rule_size(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	if ((int64_t)p->n_files > r->max_files)
		str_addf(detail, "%zu files, and max_files is %lld", p->n_files, (long long)r->max_files);
	else if (p->added + p->removed > r->max_lines)
		str_addf(detail, "%lld lines, and max_lines is %lld", (long long)(p->added + p->removed),
			 (long long)r->max_lines);
	else if ((int64_t)p->bytes > r->max_bytes)
		str_addf(detail, "%zu bytes, and max_bytes is %lld", p->bytes, (long long)r->max_bytes);
	return detail->len > 0;
}

static bool rule_redacted(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	(void)r;
	if (p->redacted)
		str_add(detail, "it would overwrite a secret with the text that hides it");
	return p->redacted;
}

static bool rule_empty(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	(void)r;
	for (size_t i = 0; i < p->n_files; i++)
		if (p->files[i].added || p->files[i].removed || p->files[i].renamed || p->files[i].copied ||
		    !p->files[i].old_path || !p->files[i].new_path)
			return false;
	str_add(detail, "nothing is changed");
	return true;
}

static const struct { const char *reason; patch_rule *offends; } rules[] = {
	{ "patch.binary", is_binary }, { "patch.format", is_no_diff }, { "path.escape", rule_escape },
	{ "path.symlink", rule_symlink }, { "path.not_allowed", rule_allowed }, { "path.denied", rule_denied },
	{ "patch.mode", rule_mode }, { "patch.size", rule_size }, { "patch.place" "holder", rule_redacted },
	{ "patch.empty", rule_empty },
};

const char *patch_judge(const struct patch *p, const struct patch_rules *r, struct str *detail)
{
	if (!p->bytes) {
		str_add(detail, "nothing is changed");
		return "patch.empty";
	}
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		str_reset(detail);
		if (rules[i].offends(p, r, detail))
			return rules[i].reason;
	}
	return NULL;
}

const char *patch_judge_path(const struct patch_rules *r, const char *path)
{
	return escapes(r, path) ? "path.escape" : not_allowed(r, path) ? "path.not_allowed" :
	       is_denied(r, path) ? "path.denied" : NULL;
}

void patch_paths_json(const struct patch *p, struct str *out)
{
	struct strv seen = STRV_INIT;
	struct json j;

	json_init(&j, out);
	json_array(&j, NULL);
	for (size_t i = 0; i < p->n_files; i++) {
		const char *const names[] = { p->files[i].old_path, p->files[i].new_path };

		for (int k = 0; k < 2; k++)
			if (names[k] && !strv_has(&seen, names[k])) {
				strv_add(&seen, names[k]);
				json_str(&j, NULL, names[k]);
			}
	}
	json_array_end(&j);
	json_finish(&j);
	strv_release(&seen);
}
