/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/tree.h"

#include "audit/tree_memory.h"
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
#define SYMBOLS_MAX 1024

/* The grammars' numbers of kinds and fields as ours. */
struct names {
	uint16_t kind[SYMBOLS_MAX];
	uint8_t field[256];
};
static struct names names_of[GRAMMARS];
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

static void names_read(struct names *names, const TSLanguage *l)
{
	uint32_t symbols = ts_language_symbol_count(l), fields = ts_language_field_count(l);

	for (uint32_t i = 0; i < symbols && i < SYMBOLS_MAX; i++)
		names->kind[i] = ts_language_symbol_type(l, (TSSymbol)i) == TSSymbolTypeRegular ?
					kind_of_name(ts_language_symbol_name(l, (TSSymbol)i)) : K_TOKEN;
	for (uint32_t i = 1; i <= fields && i < 256; i++)
		for (size_t k = 0; k < sizeof(field_names) / sizeof(*field_names); k++)
			if (strcmp(field_names[k], ts_language_field_name_for_id(l, (TSFieldId)i)) == 0)
				names->field[i] = (uint8_t)(F_NONE + 1 + k);
}

static void names_init(void)
{
	ts_set_allocator(tree_memory_malloc, tree_memory_calloc, tree_memory_realloc, tree_memory_free);
	for (size_t i = 0; i < GRAMMARS; i++)
		names_read(&names_of[i], grammars[i].language());
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

static uint32_t node_add(struct tree *t)
{
	if (t->count == t->cap) {
		t->cap = t->cap ? t->cap * 2 : 256;
		t->nodes = xreallocarray(t->nodes, t->cap, sizeof(*t->nodes));
	}
	memset(&t->nodes[t->count], 0, sizeof(*t->nodes));
	return t->count++;
}

/* Tokens that carry a meaning beside the kind of their parent. */
static bool token_is_kept(TSNode n, uint8_t field)
{
	const char *type = ts_node_type(n);

	return field || strcmp(type, "async") == 0 || strcmp(type, "from") == 0;
}

/* The index of the node that the cursor is on, or 0 where it is left out. */
static uint32_t node_take(struct tree *t, TSTreeCursor *c, const struct names *names)
{
	TSNode n = ts_tree_cursor_current_node(c);
	uint8_t field = names->field[ts_tree_cursor_current_field_id(c) & 0xff];
	TSSymbol symbol = ts_node_symbol(n);
	uint16_t kind = symbol < SYMBOLS_MAX ? names->kind[symbol] : ts_node_is_error(n) ? K_ERROR : K_OTHER;
	uint32_t i;

	if (ts_node_is_extra(n) && kind == K_OTHER)
		return 0; /* comments, continuations */
	if (kind == K_TOKEN && !token_is_kept(n, field))
		return 0;
	i = node_add(t);
	t->nodes[i] = (struct tree_node){ .kind = kind, .field = field, .missing = ts_node_is_missing(n),
		.start = ts_node_start_byte(n), .end = ts_node_end_byte(n), .line = ts_node_start_point(n).row + 1,
		.end_line = ts_node_end_point(n).row + 1 };
	return i;
}

static void link_child(struct tree *t, uint32_t parent, uint32_t *last, uint32_t child)
{
	if (*last)
		t->nodes[*last].next = child;
	else
		t->nodes[parent].first = child;
	*last = child;
}

static void convert(struct tree *t, TSTree *ts, const struct names *names)
{
	TSTreeCursor c = ts_tree_cursor_new(ts_tree_root_node(ts));
	uint32_t parent[TREE_DEPTH_MAX + 1], last[TREE_DEPTH_MAX + 1];
	int depth = 0;

	node_add(t);
	parent[0] = node_take(t, &c, names);
	last[0] = 0;
	for (bool down = true;;) {
		if (down && depth < TREE_DEPTH_MAX && ts_tree_cursor_goto_first_child(&c)) {
			depth++;
		} else {
			if (down && depth == TREE_DEPTH_MAX)
				t->has_errors = true;
			if (depth == 0 || !ts_tree_cursor_goto_next_sibling(&c)) {
				if (depth == 0 || !ts_tree_cursor_goto_parent(&c) || --depth == 0)
					break;
				down = false;
				continue;
			}
		}
		uint32_t i = node_take(t, &c, names);

		if (i)
			link_child(t, parent[depth - 1], &last[depth - 1], i);
		down = i != 0;
		parent[depth] = i;
		last[depth] = 0;
	}
	ts_tree_cursor_delete(&c);
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
		node_add(t);
		t->nodes[node_add(t)] = (struct tree_node){ .kind = K_ERROR, .line = 1, .end_line = 1 };
		t->has_errors = true;
	} else {
		t->has_errors = dear || bounded || ts_node_has_error(ts_tree_root_node(ts));
		convert(t, ts, &names_of[grammar]);
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
