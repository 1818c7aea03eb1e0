/* SPDX-License-Identifier: Apache-2.0 */
/* dialect_load.c - a YAML text becomes a dialect; patterns are compiled when a line first needs them,
 * because most commands speak none of the dialects and many print nothing at all. */
#include "liveness/dialect_int.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "base/path.h"
#include "base/yaml.h"

#include <ctype.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define JIT_AFTER 200       /* lines: compiling costs as much as some hundred matches */
#define CUTS_MAX 3
#define DIALECT_FILE_MAX (256 * 1024)

const char *const dialect_result_text[DIALECT_RESULTS] = { "pass", "fail", "error", "skip", "xfail", "unknown" };

static const char *const result_words[] = { "pass", "fail", "error", "skip", "xfail", "unknown", NULL };
static const char *const kind_words[] = { "choose", "start", "end", "suite", "suite_end", "plan", "totals", "pause", "part",
					  "leave", "ignore", "sums", "body", "body_end", "failure", "detail", NULL };
static const char *const unit_words[] = { "s", "ms", "us", "ns", NULL };
static const char *const names_words[] = { "start", "end", NULL };
static const char *const count_words[] = { "top", "leaves", "all", NULL };
static const char *const group_names[GROUPS] = { "test", "suite", "result", "duration", "unit", "file", "line",
	"plan", "indent", "dots", "passed", "failed", "errors", "skipped", "xfailed", "todo", "total", "message" };

/* --- patterns --- */

static void rule_groups(struct rule *r)
{
	for (unsigned g = 0; g < GROUPS; g++) {
		int n = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)group_names[g]);

		r->group[g] = n > 0 && n < 256 ? (uint8_t)n : 0;
	}
}

/* Which bytes can a match begin with? PCRE2 answers only for a pattern that is not anchored. */
static void rule_first(struct rule *r)
{
	const uint8_t *bitmap = NULL;
	uint32_t type = 0, unit = 0;
	pcre2_code *free_code;
	PCRE2_SIZE at;
	int error;

	memset(r->first, 0xff, sizeof(r->first));
	if (r->anywhere)
		return;
	free_code = pcre2_compile((PCRE2_SPTR)r->pattern, PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);
	if (!free_code)
		return;
	pcre2_pattern_info(free_code, PCRE2_INFO_FIRSTCODETYPE, &type);
	pcre2_pattern_info(free_code, PCRE2_INFO_FIRSTBITMAP, &bitmap);
	if (type == 1) {
		pcre2_pattern_info(free_code, PCRE2_INFO_FIRSTCODEUNIT, &unit);
		memset(r->first, 0, sizeof(r->first));
		r->first[(unit & 0xff) / 8] |= (uint8_t)(1u << (unit & 7));
		/* PCRE2 does not say whether this byte is meant in one case only. */
		unit = (uint32_t)(islower((int)(unit & 0xff)) ? toupper((int)(unit & 0xff)) : tolower((int)(unit & 0xff)));
		r->first[(unit & 0xff) / 8] |= (uint8_t)(1u << (unit & 7));
	} else if (bitmap) {
		memcpy(r->first, bitmap, sizeof(r->first));
	}
	pcre2_code_free(free_code);
}

static bool rule_compile(struct rule *r, char *why, size_t why_size, size_t *offset)
{
	uint32_t options = PCRE2_DOLLAR_ENDONLY | PCRE2_DUPNAMES | (r->anywhere ? 0 : PCRE2_ANCHORED);
	PCRE2_SIZE at = 0;
	int error = 0;

	if (r->code || r->broken)
		return r->code != NULL;
	r->code = pcre2_compile((PCRE2_SPTR)r->pattern, PCRE2_ZERO_TERMINATED, options, &error, &at, NULL);
	if (!r->code) {
		r->broken = true;
		pcre2_get_error_message(error, (PCRE2_UCHAR *)why, why_size);
		*offset = at;
		return false;
	}
	rule_groups(r);
	rule_first(r);
	return true;
}

bool rule_ready(struct rule *r)
{
	char why[128];
	size_t at;

	return rule_compile(r, why, sizeof(why), &at);
}

/* Of the three lowest bytes. */
static unsigned three_at(uint64_t w)
{
	return ((uint32_t)w << 8) * UINT32_C(0x9e3779b1) >> (32 - FILTER_BITS);
}

static unsigned three_hash(uint32_t a, uint32_t b, uint32_t c)
{
	return three_at(a | b << 8 | c << 16);
}

/* How often a byte stands in ordinary output, roughly. */
static unsigned byte_common(unsigned char c)
{
	return c == ' ' || (c >= 'a' && c <= 'z') ? 3 : c >= '0' && c <= '9' ? 2 : 1;
}

static unsigned three_common(const unsigned char *p)
{
	return byte_common(p[0]) + byte_common(p[1]) + byte_common(p[2]);
}

uint64_t filter_add(struct filter *f, const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned at = f->texts % 63;
	uint64_t bit;
	size_t best = 0;

	if (n == 1)
		return FILTER_ALWAYS;
	for (unsigned i = 0; i < f->texts && i < 63; i++)
		if (f->known[i].n == n && memcmp(f->known[i].text, text, n) == 0)
			return UINT64_C(1) << i;
	f->texts++;
	f->known[at].text = text;
	f->known[at].n = n;
	bit = UINT64_C(1) << at;
	for (unsigned c = 0; n == 2 && c < 256; c++)
		f->of[three_hash(p[0], p[1], c)] |= bit;
	if (n < 3)
		return bit;
	for (size_t i = 1; i + 2 < n; i++)
		if (three_common(p + i) < three_common(p + best))
			best = i;
	f->of[three_hash(p[best], p[best + 1], p[best + 2])] |= bit;
	return bit;
}

/* Six texts of three bytes lie in one word of eight: one load, and as many chains of look-ups as a processor likes. */
static uint64_t filter_word(const struct filter *f, const unsigned char *p)
{
	uint64_t w, a, b;

	memcpy(&w, p, sizeof(w));
	w = le64toh(w);
	a = f->of[three_at(w)] | f->of[three_at(w >> 8)] | f->of[three_at(w >> 16)];
	b = f->of[three_at(w >> 24)] | f->of[three_at(w >> 32)] | f->of[three_at(w >> 40)];
	return a | b;
}

uint64_t filter_line(const struct filter *f, const char *line, size_t n)
{
	const unsigned char *p = (const unsigned char *)line;
	uint64_t found = FILTER_ALWAYS;
	size_t i = 0;

	for (; i + 8 <= n; i += 6)
		found |= filter_word(f, p + i);
	for (; i + 1 < n; i++)
		found |= f->of[three_hash(p[i], p[i + 1], i + 2 < n ? p[i + 2] : 0)];
	return found;
}

int rule_match(struct rule *r, const char *line, size_t n, pcre2_match_data *md, pcre2_match_context *mc)
{
	bool maybe = r->has_n == 0;
	int rc;

	if (r->ends && !strchr(r->ends, line[n - 1]))
		return 0;
	for (unsigned i = 0; i < r->has_n && !maybe; i++)
		maybe = memmem(line, n, r->has[i], r->has_len[i]) != NULL;
	if (!maybe || r->broken)
		return 0;
	if (r->tried++ == JIT_AFTER && !r->jitted)
		r->jitted = pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE) == 0;
	rc = pcre2_match(r->code, (PCRE2_SPTR)line, n, 0, 0, md, mc);
	if (rc > 0)
		return rc;
	if (rc == PCRE2_ERROR_NOMATCH)
		return 0;
	if (++r->cuts >= CUTS_MAX)
		r->broken = true;
	return -1;
}

/* "grep pytest log" names a test runner and runs none. */
static bool only_names(const char *line, size_t n)
{
	static const char *const tools[] = { "echo", "printf", "cat", "grep", "sed", "awk", "ls", "rm", "cp", "mv",
					     "mkdir", "which", "command", "tail", "head", "less", "vi", "apt-get", "pip" };
	const char *space = memchr(line, ' ', n), *word = line, *slash;
	size_t len = space ? (size_t)(space - line) : n;

	while ((slash = memchr(word, '/', len))) {
		len -= (size_t)(slash + 1 - word);
		word = slash + 1;
	}
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (strlen(tools[i]) == len && memcmp(tools[i], word, len) == 0)
			return true;
	return false;
}

bool dialect_argv_matches(struct dialect *d, const char *line, size_t n, pcre2_match_data *md,
			  pcre2_match_context *mc)
{
	if (only_names(line, n))
		return false;
	for (unsigned i = 0; i < d->argv_n; i++) {
		if (pcre2_match(d->argv_code[i], (PCRE2_SPTR)line, n, 0, 0, md, mc) > 0)
			return true;
	}
	return false;
}

bool dialect_argv_names_at_start(struct dialect *d, const char *line, size_t n, pcre2_match_data *md,
				 pcre2_match_context *mc)
{
	for (unsigned i = 0; i < d->start_if_n; i++)
		if (pcre2_match(d->start_if_code[i], (PCRE2_SPTR)line, n, 0, 0, md, mc) > 0)
			return true;
	return !d->names_at_end;
}

bool dialect_argv_quiet(struct dialect *d, const char *line, size_t n, pcre2_match_data *md, pcre2_match_context *mc)
{
	for (unsigned i = 0; i < d->quiet_if_n; i++)
		if (pcre2_match(d->quiet_if_code[i], (PCRE2_SPTR)line, n, 0, 0, md, mc) > 0)
			return true;
	return false;
}

/* --- YAML --- */

static void argv_free(char **text, pcre2_code **code, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		pcre2_code_free(code[i]);
		free(text[i]);
	}
	free(text);
	free(code);
}

static void dialect_free(struct dialect *d)
{
	for (unsigned i = 0; i < d->rule_n; i++) {
		struct rule *r = &d->rule[i];

		for (unsigned k = 0; k < r->has_n; k++)
			free(r->has[k]);
		pcre2_code_free(r->code);
		free(r->pattern);
		free(r->ends);
		free(r->body);
		free(r->where);
	}
	argv_free(d->argv, d->argv_code, d->argv_n);
	argv_free(d->quiet_if, d->quiet_if_code, d->quiet_if_n);
	argv_free(d->start_if, d->start_if_code, d->start_if_n);
	for (unsigned i = 0; i < d->word_n; i++)
		free(d->word[i].text);
	free(d->rule);
	dialect_way_release(&d->select);
	dialect_way_release(&d->except);
	dialect_way_release(&d->shuffle);
	free(d->name);
	free(d->hint);
	free(d);
}

static int load_words(struct dialect *d, const struct yaml_node *map, struct err *e)
{
	if (yaml_want_map(map, e) < 0 || yaml_check_keys(map, result_words, e) < 0)
		return -1;
	yaml_each(list, map) {
		struct strv words = STRV_INIT;
		int result = 0;

		while (strcmp(result_words[result], list->key->text) != 0)
			result++;
		if (yaml_as_string_or_list(list, &words, e) < 0) {
			strv_release(&words);
			return -1;
		}
		for (size_t i = 0; i < words.n; i++) {
			if (d->word_n == RULE_WORDS_MAX) {
				strv_release(&words);
				return yaml_error(list, e, "more than %d words", RULE_WORDS_MAX);
			}
			d->word[d->word_n++] = (struct word){ xstrdup(words.v[i]), strlen(words.v[i]),
							      (enum dialect_result)result };
		}
		strv_release(&words);
	}
	return 0;
}

static int load_has(struct rule *r, const struct yaml_node *map, struct err *e)
{
	struct strv has = STRV_INIT;
	int rc = yaml_get_string_or_list(map, "has", &has, e);

	if (rc > 0 && has.n > RULE_HAS_MAX)
		rc = yaml_error(yaml_get(map, "has"), e, "more than %d texts", RULE_HAS_MAX);
	for (size_t i = 0; rc > 0 && i < has.n; i++) {
		r->has_len[r->has_n] = strlen(has.v[i]);
		r->has[r->has_n++] = xstrdup(has.v[i]);
	}
	strv_release(&has);
	return rc < 0 ? -1 : 0;
}

static int load_rule(struct rule *r, const struct yaml_node *map, bool compile, struct err *e)
{
	static const char *const keys[] = { "on", "match", "has", "enter", "partial", "anywhere", "leave", "json",
					    "share", "mute", "ends", "result", "unit", "body",
					    "container", "unless_deeper", "fill", "naming", "last", "more", "continues",
					    "next", "closes", NULL };
	static const int64_t unit_ns[] = { NS_PER_S, NS_PER_MS, 1000, 1 };
	const char *match, *ends = NULL, *body = NULL;
	char why[160];
	int kind = 0, unit = 0, result = DIALECT_UNKNOWN, given;
	size_t at;

	if (yaml_want_map(map, e) < 0 || yaml_check_keys(map, keys, e) < 0)
		return -1;
	given = yaml_get_word(map, "on", kind_words, &kind, e);
	if (given == 0)
		return yaml_error(map, e, "a rule needs 'on'");
	if (given < 0 || yaml_need_string(map, "match", &match, e) < 0 || load_has(r, map, e) < 0 ||
	    yaml_get_bool(map, "enter", &r->enter, e) < 0 || yaml_get_bool(map, "partial", &r->partial, e) < 0 ||
	    yaml_get_bool(map, "anywhere", &r->anywhere, e) < 0 || yaml_get_bool(map, "leave", &r->leave, e) < 0 ||
	    yaml_get_bool(map, "json", &r->json, e) < 0 || yaml_get_bool(map, "share", &r->share, e) < 0 ||
	    yaml_get_bool(map, "mute", &r->mute, e) < 0 || yaml_get_string(map, "ends", &ends, e) < 0 ||
	    yaml_get_string(map, "body", &body, e) < 0 || yaml_get_bool(map, "container", &r->container, e) < 0 ||
	    yaml_get_bool(map, "unless_deeper", &r->unless_deeper, e) < 0 || yaml_get_bool(map, "fill", &r->fill, e) < 0 ||
	    yaml_get_bool(map, "naming", &r->naming, e) < 0 || yaml_get_bool(map, "last", &r->last, e) < 0 ||
	    yaml_get_bool(map, "closes", &r->closes, e) < 0 || yaml_get_bool(map, "more", &r->more, e) < 0 ||
	    yaml_get_bool(map, "continues", &r->continues, e) < 0 ||
	    yaml_get_bool(map, "next", &r->next, e) < 0 ||
	    yaml_get_word(map, "unit", unit_words, &unit, e) < 0)
		return -1;
	given = yaml_get_word(map, "result", result_words, &result, e);
	if (given < 0)
		return -1;
	r->kind = (enum rule_kind)kind;
	r->fixed = given > 0;
	r->result = (enum dialect_result)result;
	r->unit_ns = unit_ns[unit];
	r->pattern = xstrdup(match);
	r->ends = ends && *ends ? xstrdup(ends) : NULL;
	r->body = body && *body ? xstrdup(body) : r->kind == RULE_BODY ? xstrdup("*") : NULL;
	r->where = xasprintf("%s:%u", map->file, map->line);
	if (r->kind == RULE_CHOOSE)
		r->enter = r->share = true;
	if (r->kind == RULE_DETAIL)
		r->share = true;
	if (compile && !rule_compile(r, why, sizeof(why), &at))
		return yaml_error(yaml_get(map, "match"), e, "pattern: %s at offset %zu", why, at);
	return 0;
}

static int load_rules(struct dialect *d, const struct yaml_node *seq, bool compile, struct err *e)
{
	if (yaml_want_seq(seq, e) < 0)
		return -1;
	d->rule = xcalloc(seq->count ? seq->count : 1, sizeof(*d->rule));
	yaml_each(item, seq) {
		/* Counted first: dialect_free empties what a failing rule had already. */
		struct rule *r = &d->rule[d->rule_n++];

		if (load_rule(r, item, compile, e) < 0)
			return -1;
	}
	for (unsigned i = 0; i < d->rule_n; i++)
		d->stacked |= d->rule[i].kind == RULE_SUITE_END;
	return 0;
}

/* Patterns that are searched in the command line. */
static int load_argv(const struct yaml_node *root, const char *key, char ***text, pcre2_code ***code, unsigned *count,
		     struct err *e)
{
	const struct yaml_node *node = yaml_get(root, key);
	struct strv list = STRV_INIT;
	int rc = yaml_get_string_or_list(root, key, &list, e);

	*text = xcalloc(list.n + 1, sizeof(**text));
	*code = xcalloc(list.n + 1, sizeof(**code));
	for (size_t i = 0; rc > 0 && i < list.n; i++)
		(*text)[(*count)++] = xstrdup(list.v[i]);
	strv_release(&list);
	for (unsigned i = 0; rc > 0 && i < *count; i++) {
		PCRE2_SIZE at;
		int error;

		(*code)[i] = pcre2_compile((PCRE2_SPTR)(*text)[i], PCRE2_ZERO_TERMINATED, 0, &error, &at, NULL);
		if (!(*code)[i])
			return yaml_error(node, e, "pattern %u is wrong at offset %zu", i + 1, (size_t)at);
	}
	return rc < 0 ? -1 : 0;
}

static int load_dialect(struct dialect *d, const struct yaml_node *root, bool compile, struct err *e)
{
	static const char *const keys[] = { "version", "name", "title", "hint", "names", "names_start_if", "closes",
					    "quiet_if", "one_at_a_time", "silent", "files", "count", "nest", "argv",
					    "sections", "never_silent", "results", "select", "except", "shuffle",
					    "rules", NULL };
	const char *name, *title, *hint = NULL;
	int names = 0, count = 0, silent = DIALECT_UNKNOWN;
	int64_t nest = 0;
	const struct yaml_node *words, *rules;

	if (yaml_want_map(root, e) < 0 || yaml_check_keys(root, keys, e) < 0 || yaml_need_version(root, 1, e) < 0 ||
	    yaml_need_string(root, "name", &name, e) < 0 || yaml_need_string(root, "title", &title, e) < 0 ||
	    yaml_get_string(root, "hint", &hint, e) < 0 || yaml_get_word(root, "names", names_words, &names, e) < 0 ||
	    yaml_get_bool(root, "one_at_a_time", &d->one_at_a_time, e) < 0 ||
	    yaml_get_bool(root, "files", &d->files, e) < 0 ||
	    yaml_get_bool(root, "closes", &d->closes, e) < 0 ||
	    yaml_get_bool(root, "sections", &d->sections, e) < 0 ||
	    yaml_get_bool(root, "never_silent", &d->never_silent, e) < 0 ||
	    yaml_get_word(root, "silent", result_words, &silent, e) < 0 ||
	    yaml_get_word(root, "count", count_words, &count, e) < 0 ||
	    yaml_get_int(root, "nest", 1, 16, &nest, e) < 0)
		return -1;
	d->name = xstrdup(name);
	d->hint = hint ? xstrdup(hint) : NULL;
	d->names_at_end = names == 1;
	d->count = (unsigned)count;
	d->silent = (enum dialect_result)silent;
	d->nest = (unsigned)nest;
	words = yaml_get(root, "results");
	rules = yaml_get(root, "rules");
	if (!rules)
		return yaml_error(root, e, "a dialect needs 'rules'");
	if (load_argv(root, "argv", &d->argv, &d->argv_code, &d->argv_n, e) < 0 ||
	    load_argv(root, "quiet_if", &d->quiet_if, &d->quiet_if_code, &d->quiet_if_n, e) < 0 ||
	    load_argv(root, "names_start_if", &d->start_if, &d->start_if_code, &d->start_if_n, e) < 0 ||
	    (words && load_words(d, words, e) < 0) ||
	    dialect_way_load(&d->select, yaml_get(root, "select"), e) < 0 ||
	    dialect_way_load(&d->except, yaml_get(root, "except"), e) < 0 ||
	    dialect_way_load(&d->shuffle, yaml_get(root, "shuffle"), e) < 0)
		return -1;
	return load_rules(d, rules, compile, e);
}

static int add_text(struct dialect_set *set, const char *file, const char *text, size_t len, bool compile,
		    struct err *e)
{
	auto_yaml *doc = NULL;
	struct dialect *d;

	if (yaml_parse(&doc, file, text, len, 1, NULL, e) < 0)
		return -1;
	d = xcalloc(1, sizeof(*d));
	if (load_dialect(d, yaml_root(doc), compile, e) < 0) {
		dialect_free(d);
		return -1;
	}
	for (unsigned i = 0; i < set->n; i++) {
		if (strcmp(set->dialect[i]->name, d->name) == 0) {
			dialect_free(set->dialect[i]);
			set->dialect[i] = d;
			return 0;
		}
	}
	set->dialect = xreallocarray(set->dialect, set->n + 1, sizeof(struct dialect *));
	set->dialect[set->n++] = d;
	return 0;
}

int dialect_set_add_text(struct dialect_set *set, const char *file, const char *text, size_t len, struct err *e)
{
	return add_text(set, file, text, len, true, e);
}

int dialect_set_add_file(struct dialect_set *set, const char *path, struct err *e)
{
	auto_free char *text = NULL;
	size_t n;

	if (file_read(path, DIALECT_FILE_MAX, &text, &n, e) < 0) {
		e->kind = ERR_USAGE; /* the user named the file */
		return -1;
	}
	return add_text(set, path, text, n, true, e);
}

int dialect_set_new(struct dialect_set **set, struct err *e)
{
	struct dialect_set *s = xcalloc(1, sizeof(*s));

	for (unsigned i = 0; i < dialect_files_n; i++) {
		const struct dialect_file *f = &dialect_files[i];

		if (add_text(s, f->name, f->text, (size_t)(f->end - f->text), false, e) < 0) {
			dialect_set_free(s);
			return -1;
		}
	}
	*set = s;
	return 0;
}

bool dialect_set_has(const struct dialect_set *set, const char *name)
{
	for (unsigned i = 0; i < set->n; i++)
		if (strcmp(set->dialect[i]->name, name) == 0)
			return true;
	return false;
}

void dialect_set_names(const struct dialect_set *set, struct strv *out)
{
	for (unsigned i = 0; i < set->n; i++)
		strv_add(out, set->dialect[i]->name);
}

void dialect_set_free(struct dialect_set *set)
{
	if (!set)
		return;
	for (unsigned i = 0; i < set->n; i++)
		dialect_free(set->dialect[i]);
	free(set->dialect);
	free(set);
}
