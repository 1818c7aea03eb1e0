/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tree.h"

#include "audit/tree_memory.h"
#include "audit/tree_walk.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <tree_sitter/api.h>

const TSLanguage *tree_sitter_python(void);
const TSLanguage *tree_sitter_c(void);
const TSLanguage *tree_sitter_javascript(void);
const TSLanguage *tree_sitter_typescript(void);
const TSLanguage *tree_sitter_tsx(void);
const TSLanguage *tree_sitter_go(void);

/* A grammar is one row; the Makefile says which ones there are. */
static const struct {
	const char *name;
	const TSLanguage *(*language)(void);
} grammars[] = {
	{ "python", tree_sitter_python },
#ifdef GRAMMAR_c
	{ "c", tree_sitter_c },
#endif
#ifdef GRAMMAR_javascript
	{ "javascript", tree_sitter_javascript },
#endif
#ifdef GRAMMAR_typescript
	{ "typescript", tree_sitter_typescript },
#endif
#ifdef GRAMMAR_tsx
	{ "tsx", tree_sitter_tsx },
#endif
#ifdef GRAMMAR_go
	{ "go", tree_sitter_go },
#endif
};
#define GRAMMARS (sizeof(grammars) / sizeof(*grammars))

#define BRACKETS_MAX 1000
#define ALLOCATED_MIN ((uint64_t)32 << 20)
#define ALLOCATED_PER_BYTE 1024
#define LONG_LINE 4096

static struct tree_symbols symbols_of[GRAMMARS];
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static const char *const kind_names[] = {
#define X(name) #name,
	TREE_KINDS(X)
#undef X
};
static const char *const field_names[] = {
#define X(name) #name,
	TREE_FIELDS(X)
#undef X
};

static uint16_t kind_of_name(const char *name)
{
	for (size_t i = 0; i < sizeof(kind_names) / sizeof(*kind_names); i++)
		if (strcmp(kind_names[i], name) == 0)
			return (uint16_t)(K_OTHER + 1 + i);
	return K_OTHER;
}

static uint8_t field_of_name(const char *name)
{
	for (size_t i = 0; i < sizeof(field_names) / sizeof(*field_names); i++)
		if (strcmp(field_names[i], name) == 0)
			return (uint8_t)(F_NONE + 1 + i);
	return F_NONE;
}

static void names_init(void)
{
	ts_set_allocator(tree_memory_malloc, tree_memory_calloc, tree_memory_realloc, tree_memory_free);
	for (size_t i = 0; i < GRAMMARS; i++)
		tree_symbols_read(&symbols_of[i], grammars[i].language(), kind_of_name, field_of_name);
}

static int grammar_of(const char *language)
{
	for (size_t i = 0; i < GRAMMARS; i++)
		if (strcmp(grammars[i].name, language) == 0)
			return (int)i;
	return -1;
}

bool tree_has_language(const char *language)
{
	return grammar_of(language) >= 0;
}

/* Brackets that are nested deeper than anything we keep cost the parser memory without end: they are blanked. A line that
 * begins in the first column begins anew, for brackets in strings count, too. Returns a copy, or NULL where none is deep. */
static char *brackets_bound(const char *text, size_t n)
{
	char *copy = NULL;
	size_t depth = 0, blanked = 0;

	for (size_t i = 0; i < n; i++) {
		if (i && text[i - 1] == '\n' && ((text[i] | 32) >= 'a' && (text[i] | 32) <= 'z'))
			depth = blanked = 0;
		if (text[i] == '(' || text[i] == '[' || text[i] == '{') {
			if (depth < BRACKETS_MAX) {
				depth++;
				continue;
			}
			copy = copy ? copy : memcpy(xmalloc(n + 1), text, n);
			copy[i] = ' ';
			blanked++;
		} else if (text[i] == ')' || text[i] == ']' || text[i] == '}') {
			if (blanked) {
				blanked--;
				copy[i] = ' ';
			} else if (depth) {
				depth--;
			}
		}
	}
	return copy;
}

static bool is_too_dear(TSParseState *s)
{
	(void)s;
	return tree_memory_is_exceeded();
}

struct input {
	const char *text;
	uint32_t n;
};

static const char *input_read(void *arg, uint32_t at, TSPoint place, uint32_t *n)
{
	const struct input *in = arg;

	(void)place;
	*n = at < in->n ? in->n - at : 0;
	return in->text + (*n ? at : 0);
}

/* NULL: it cost too much. */
static TSTree *parse_bounded(TSParser *p, const char *text, size_t n)
{
	struct input in = { text, (uint32_t)n };
	TSTree *t;

	tree_memory_bound(ALLOCATED_MIN + (uint64_t)n * ALLOCATED_PER_BYTE); /* about 100 bytes a byte are usual */
	t = ts_parser_parse_with_options(p, NULL, (TSInput){ .payload = &in, .read = input_read,
		.encoding = TSInputEncodingUTF8 }, (TSParseOptions){ .progress_callback = is_too_dear });
	if (!t)
		ts_parser_reset(p);
	return t;
}

/* A copy whose long lines are blank. */
static char *without_long_lines(const char *text, size_t n)
{
	char *copy = memcpy(xmalloc(n + 1), text, n);

	for (size_t at = 0; at < n;) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t length = end ? (size_t)(end - text) - at : n - at;

		if (length > LONG_LINE)
			memset(copy + at, ' ', length);
		at += length + 1;
	}
	return copy;
}

/* The parser frees what is not ours: the state of its scanner. */
static void parser_end(TSParser *p, TSTree *ts)
{
	ts_parser_delete(p);
	if (!tree_memory_reset() && ts)
		ts_tree_delete(ts);
}

int tree_parse(const char *language, const char *text, size_t n, struct tree *t)
{
	int grammar = grammar_of(language);
	auto_free char *bounded = NULL, *shorter = NULL;
	bool dear = false;
	TSParser *p;
	TSTree *ts;

	memset(t, 0, sizeof(*t));
	if (grammar < 0)
		return -1;
	pthread_once(&names_once, names_init);
	p = ts_parser_new();
	ts_parser_set_language(p, grammars[grammar].language());
	bounded = brackets_bound(text, n);
	ts = parse_bounded(p, bounded ? bounded : text, n);
	if (!ts) {
		dear = true;
		shorter = without_long_lines(bounded ? bounded : text, n);
		ts = parse_bounded(p, shorter, n);
	}
	if (!ts) { /* not one line of it could be read */
		t->nodes = xcalloc(2, sizeof(*t->nodes));
		t->nodes[1] = (struct tree_node){ .kind = K_ERROR, .line = 1, .end_line = 1 };
		t->count = 2;
		t->has_errors = true;
	} else {
		t->has_errors = dear || bounded || ts_node_has_error(ts_tree_root_node(ts));
		tree_walk(t, ts, &symbols_of[grammar]);
	}
	parser_end(p, ts);
	t->nodes = xreallocarray(t->nodes, t->count + 1, sizeof(*t->nodes));
	t->cap = t->count + 1;
	tree_number_names(t, text);
	t->meaning = tree_meaning(t, text);
	for (size_t i = 0; i < n; i++)
		t->lines += text[i] == '\n';
	t->lines += n && text[n - 1] != '\n';
	return 0;
}

void tree_free_nodes(struct tree *t)
{
	if (t->mapped) {
		munmap(t->mapped, t->mapped_bytes);
	} else {
		free(t->nodes);
		free(t->names);
	}
	memset(t, 0, sizeof(*t));
}

void tree_identity(const char *language, struct str *out)
{
	int grammar = grammar_of(language);

	str_addf(out, "%s %s %d %zu %d %d ", SPEC_RUNNER_VERSION, language, TREE_DEPTH_MAX, sizeof(struct tree_node),
		BRACKETS_MAX, ALLOCATED_PER_BYTE);
	if (grammar >= 0)
		str_addf(out, "%u %u ", ts_language_symbol_count(grammars[grammar].language()),
			 ts_language_field_count(grammars[grammar].language()));
	for (size_t i = 0; i < sizeof(kind_names) / sizeof(*kind_names); i++)
		str_add(out, kind_names[i]);
	for (size_t i = 0; i < sizeof(field_names) / sizeof(*field_names); i++)
		str_add(out, field_names[i]);
}
