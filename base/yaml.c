/* SPDX-License-Identifier: Apache-2.0 */
#include "base/yaml.h"

#include "base/fd.h"
#include "base/mem.h"
#include "base/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#define DEFAULT_MAX_BYTES (8 * 1024 * 1024)
#define DEFAULT_MAX_DEPTH 64
#define DEFAULT_MAX_NODES 200000
#define CHUNK_BYTES 16384

/* Nodes and texts live in chunks that are freed together. */
struct chunk {
	struct chunk *next;
	size_t used, size;
	char data[] __attribute__((aligned(16)));
};

struct yaml_doc {
	struct chunk *chunks;
	struct chunk *item; /* of the item at hand, where items are handed out one by one */
	const char *name;
	const struct yaml_node *root;
};

/* A map or seq that is still being read. */
struct frame {
	struct yaml_node *node, *last;
	const struct yaml_node *key; /* read, its value is not */
};

struct reader {
	yaml_parser_t parser;
	struct yaml_doc *doc;
	struct yaml_limits limits;
	uint32_t first_line, nodes, depth;
	struct frame *stack; /* limits.max_depth of them */
	const struct yaml_items *items;
	struct yaml_node *list; /* whose items they are, once it was met */
	struct err *e;
};

static void *chunk_alloc(struct chunk **list, size_t n)
{
	struct chunk *c = *list;

	n = (n + 15) & ~(size_t)15;
	if (!c || c->size - c->used < n) {
		size_t size = n > CHUNK_BYTES / 4 ? n : CHUNK_BYTES;

		c = xmalloc(sizeof(*c) + size);
		c->used = 0;
		c->size = size;
		/* A chunk made for one big text does not end the one in use. */
		if (*list && size == n) {
			c->next = (*list)->next;
			(*list)->next = c;
		} else {
			c->next = *list;
			*list = c;
		}
	}
	c->used += n;
	return c->data + c->used - n;
}

static const char *chunk_text(struct chunk **list, const void *p, size_t n)
{
	char *copy = chunk_alloc(list, n + 1);

	memcpy(copy, p, n);
	copy[n] = '\0';
	return copy;
}

static void chunks_free(struct chunk *c)
{
	for (struct chunk *next; c; c = next) {
		next = c->next;
		free(c);
	}
}

void yaml_doc_free(struct yaml_doc *doc)
{
	if (!doc)
		return;
	chunks_free(doc->chunks);
	chunks_free(doc->item);
	free(doc);
}

void yaml_doc_free_ptr(struct yaml_doc **doc)
{
	yaml_doc_free(*doc);
	*doc = NULL;
}

const struct yaml_node *yaml_root(const struct yaml_doc *doc)
{
	return doc->root;
}

static int reader_error(struct reader *r, const yaml_mark_t *mark, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int reader_error(struct reader *r, const yaml_mark_t *mark, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(r->e, ERR_USAGE, "%s:%zu:%zu: %s", r->doc->name, mark->line + r->first_line,
		       mark->column + 1, what);
}

/* What libyaml found, at the place where it found it. */
static int parser_error(struct reader *r)
{
	yaml_parser_t *p = &r->parser;
	const char *problem = p->problem ? p->problem : "not valid YAML";

	if (strcmp(problem, "did not find expected <document start>") == 0)
		problem = "this does not fit what comes before it";
	if (p->error == YAML_MEMORY_ERROR)
		return err_set(r->e, ERR_FAILURE, "reading '%s': out of memory", r->doc->name);
	if (p->error == YAML_READER_ERROR) /* the bytes were checked before: a character YAML forbids */
		return reader_error(r, &p->mark, "%s", problem);
	if (p->error == YAML_SCANNER_ERROR && p->buffer.pointer && p->buffer.pointer < p->buffer.last &&
	    *p->buffer.pointer == '\t')
		return reader_error(r, &p->problem_mark, "a tab cannot indent; use spaces");
	if (p->context && p->context_mark.line != p->problem_mark.line)
		return reader_error(r, &p->problem_mark, "%s, %s that begins on line %zu", problem,
				    p->context, p->context_mark.line + r->first_line);
	if (p->context)
		return reader_error(r, &p->problem_mark, "%s, %s", problem, p->context);
	return reader_error(r, &p->problem_mark, "%s", problem);
}

/* Where what is read now lives: as long as the document, or as its item. */
static struct chunk **chunks_now(struct reader *r)
{
	return r->list && r->depth >= 2 && r->stack[1].node == r->list ? &r->doc->item : &r->doc->chunks;
}

/* An item of the list has been read: it is handed out and forgotten. */
static int item_done(struct reader *r)
{
	struct frame *f = &r->stack[1];

	if (!r->list || r->depth != 2 || f->node != r->list)
		return 0;
	if (r->items->item(r->items->ctx, f->last, r->e) < 0)
		return -1;
	f->last = NULL;
	f->node->first = NULL;
	chunks_free(r->doc->item->next); /* one is kept for the next item */
	r->doc->item->next = NULL;
	r->doc->item->used = 0;
	return 0;
}

static int node_new(struct reader *r, struct yaml_node **out, enum yaml_kind kind, const yaml_mark_t *mark)
{
	struct yaml_node *n;

	if (r->nodes++ >= r->limits.max_nodes)
		return reader_error(r, mark, "more than %u values", r->limits.max_nodes);
	n = chunk_alloc(chunks_now(r), sizeof(*n));
	memset(n, 0, sizeof(*n));
	n->kind = kind;
	n->line = (uint32_t)mark->line + r->first_line;
	n->column = (uint32_t)mark->column + 1;
	n->text = "";
	n->file = r->doc->name;
	*out = n;
	return 0;
}

/* Puts a finished scalar or a beginning collection where it belongs. */
static int node_place(struct reader *r, struct yaml_node *n, const yaml_mark_t *mark)
{
	struct frame *f = r->depth ? &r->stack[r->depth - 1] : NULL;

	if (!f) {
		r->doc->root = n;
		return 0;
	}
	if (f->node->kind == YAML_MAP && !f->key) {
		if (n->kind != YAML_SCALAR)
			return reader_error(r, mark, "a key must be a word, not a %s",
					    n->kind == YAML_MAP ? "map" : "list");
		n->parent = f->node;
		f->key = n;
		return 0;
	}
	n->parent = f->node;
	n->key = f->key;
	f->key = NULL;
	n->index = f->node->count++;
	if (f->last)
		f->last->next = n;
	else
		f->node->first = n;
	f->last = n;
	return 0;
}

static int collection_begin(struct reader *r, enum yaml_kind kind, const yaml_mark_t *mark)
{
	struct yaml_node *n;

	if (r->depth >= r->limits.max_depth)
		return reader_error(r, mark, "nested more than %u deep", r->limits.max_depth);
	if (node_new(r, &n, kind, mark) < 0 || node_place(r, n, mark) < 0)
		return -1;
	if (r->items && r->depth == 1 && kind == YAML_SEQ && n->key && strcmp(n->key->text, r->items->key) == 0)
		r->list = n;
	r->stack[r->depth++] = (struct frame){ .node = n };
	return 0;
}

static int key_compare(const void *a, const void *b)
{
	const struct yaml_node *x = *(const struct yaml_node *const *)a, *y = *(const struct yaml_node *const *)b;
	size_t n = x->len < y->len ? x->len : y->len;
	int c = memcmp(x->text, y->text, n);

	if (c)
		return c;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return x->line != y->line ? (x->line < y->line ? -1 : 1) : x->column < y->column ? -1 : 1;
}

/* A map's keys differ. Sorted, so that a map of 100,000 keys costs no square of it. */
static int collection_end(struct reader *r)
{
	const struct yaml_node *map = r->stack[--r->depth].node, *bad = NULL, *other = NULL;
	auto_free const struct yaml_node **keys = NULL;
	char quoted[VALUE_QUOTE_SIZE];
	size_t n = 0;

	if (map->kind != YAML_MAP || map->count < 2)
		return 0;
	keys = xreallocarray(NULL, map->count, sizeof(*keys));
	yaml_each(item, map)
		keys[n++] = item->key;
	qsort(keys, n, sizeof(*keys), key_compare);
	for (size_t i = 1; i < n; i++) {
		if (keys[i - 1]->len != keys[i]->len || memcmp(keys[i - 1]->text, keys[i]->text, keys[i]->len) != 0)
			continue;
		if (bad && (bad->line < keys[i]->line ||
			    (bad->line == keys[i]->line && bad->column <= keys[i]->column)))
			continue;
		bad = keys[i];
		other = keys[i - 1];
	}
	if (!bad)
		return 0;
	return yaml_error(bad, r->e, "the key %s is repeated; first on line %u",
			  value_quoten(bad->text, bad->len, quoted), other->line);
}

static int scalar_add(struct reader *r, const yaml_event_t *ev)
{
	struct yaml_node *n;

	if (node_new(r, &n, YAML_SCALAR, &ev->start_mark) < 0)
		return -1;
	n->text = chunk_text(chunks_now(r), ev->data.scalar.value, ev->data.scalar.length);
	n->len = ev->data.scalar.length;
	n->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	return node_place(r, n, &ev->start_mark) < 0 ? -1 : item_done(r);
}

static bool event_has_tag(const yaml_event_t *ev)
{
	return (ev->type == YAML_SCALAR_EVENT && ev->data.scalar.tag) ||
	       (ev->type == YAML_SEQUENCE_START_EVENT && ev->data.sequence_start.tag) ||
	       (ev->type == YAML_MAPPING_START_EVENT && ev->data.mapping_start.tag);
}

/* 1: go on, 0: the stream is at its end, -1. */
static int event_take(struct reader *r, const yaml_event_t *ev)
{
	if (event_has_tag(ev))
		return reader_error(r, &ev->start_mark, "tags (!…) are not accepted");
	switch (ev->type) {
	case YAML_STREAM_END_EVENT:
		if (!r->doc->root)
			return reader_error(r, &ev->start_mark, "there is nothing here");
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		if (r->doc->root)
			return reader_error(r, &ev->start_mark, "a second document begins; one is accepted");
		return 1;
	case YAML_ALIAS_EVENT:
		return reader_error(r, &ev->start_mark, "aliases (*%.40s) are not accepted",
				    (const char *)ev->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		return scalar_add(r, ev) < 0 ? -1 : 1;
	case YAML_SEQUENCE_START_EVENT:
		return collection_begin(r, YAML_SEQ, &ev->start_mark) < 0 ? -1 : 1;
	case YAML_MAPPING_START_EVENT:
		return collection_begin(r, YAML_MAP, &ev->start_mark) < 0 ? -1 : 1;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return collection_end(r) < 0 || item_done(r) < 0 ? -1 : 1;
	default:
		return 1;
	}
}

static int reader_run(struct reader *r)
{
	for (;;) {
		yaml_event_t ev;
		int rc;

		if (!yaml_parser_parse(&r->parser, &ev))
			return parser_error(r);
		rc = event_take(r, &ev);
		yaml_event_delete(&ev);
		if (rc <= 0)
			return rc;
	}
}

/* Length of the UTF-8 character at p, 0 if there is none. */
static size_t utf8_len(const unsigned char *p, size_t n)
{
	size_t want = *p < 0x80	? 1
		      : (*p & 0xe0) == 0xc0 ? 2
		      : (*p & 0xf0) == 0xe0 ? 3
		      : (*p & 0xf8) == 0xf0 ? 4
					    : 0;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t c;

	if (!want || want > n)
		return 0;
	c = want == 1 ? *p : *p & (0xffu >> (want + 1));
	for (size_t i = 1; i < want; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	return c < least[want] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : want;
}

/* libyaml tells only the offset of a wrong byte, and takes UTF-16 as well: look first. */
static int text_check(struct reader *r, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;
	yaml_mark_t mark = { 0, 0, 0 };

	while (p < end) {
		size_t n = utf8_len(p, (size_t)(end - p));

		if (!n)
			return reader_error(r, &mark, "the byte 0x%02x is not UTF-8 text", *p);
		if ((*p < 0x20 && *p != '\n' && *p != '\r' && *p != '\t') || *p == 0x7f)
			return reader_error(r, &mark, "the control character 0x%02x is not accepted", *p);
		mark.column++;
		if (*p == '\n') {
			mark.line++;
			mark.column = 0;
		}
		p += n;
	}
	return 0;
}

static void limits_fill(struct yaml_limits *to, const struct yaml_limits *from)
{
	if (from)
		*to = *from;
	if (!to->max_bytes)
		to->max_bytes = DEFAULT_MAX_BYTES;
	if (!to->max_depth)
		to->max_depth = DEFAULT_MAX_DEPTH;
	if (!to->max_nodes)
		to->max_nodes = DEFAULT_MAX_NODES;
}

int yaml_parse_items(struct yaml_doc **doc, const char *name, const char *text, size_t len, uint32_t first_line,
		     const struct yaml_limits *limits, const struct yaml_items *items, struct err *e)
{
	struct reader r = { .first_line = first_line, .items = items, .e = e };
	int rc;

	limits_fill(&r.limits, limits);
	if (len > r.limits.max_bytes)
		return err_set(e, ERR_USAGE, "%s: larger than %zu bytes", name, r.limits.max_bytes);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* libyaml counts a byte order mark as a column */
		text += 3;
		len -= 3;
	}
	r.doc = xcalloc(1, sizeof(*r.doc));
	r.doc->name = chunk_text(&r.doc->chunks, name, strlen(name));
	r.stack = xreallocarray(NULL, r.limits.max_depth, sizeof(*r.stack));
	rc = text_check(&r, text, len);
	if (rc == 0 && !yaml_parser_initialize(&r.parser)) {
		rc = err_set(e, ERR_FAILURE, "reading '%s': out of memory", name);
	} else if (rc == 0) {
		yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(&r.parser, (const unsigned char *)text, len);
		rc = reader_run(&r);
		yaml_parser_delete(&r.parser);
	}
	free(r.stack);
	if (rc < 0)
		yaml_doc_free(r.doc);
	else
		*doc = r.doc;
	return rc;
}

int yaml_parse(struct yaml_doc **doc, const char *name, const char *text, size_t len, uint32_t first_line,
	       const struct yaml_limits *limits, struct err *e)
{
	return yaml_parse_items(doc, name, text, len, first_line, limits, NULL, e);
}

/* At most max bytes of a file; the size is asked first, so that 100 MB cost nothing. A FIFO or
 * device is read up to the limit. */
static int text_read(const char *path, size_t max, struct str *out, struct err *e)
{
	/* O_NONBLOCK: a FIFO without a writer is an empty file, not a wait for ever. */
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		goto failed;
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		goto failed;
	}
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max)
		return err_set(e, ERR_USAGE, "%s: larger than %zu bytes", path, max);
	for (;;) {
		ssize_t n;

		str_reserve(out, 65536);
		n = read(fd, out->data + out->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto failed;
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len > max)
			return err_set(e, ERR_USAGE, "%s: larger than %zu bytes", path, max);
	}
	out->data[out->len] = '\0';
	return 0;
failed:
	err_sys(e, "reading '%s'", path);
	e->kind = ERR_USAGE;
	return -1;
}

int yaml_read(struct yaml_doc **doc, const char *path, const struct yaml_limits *limits, struct err *e)
{
	struct yaml_limits full = { 0 };
	auto_str text = STR_INIT;

	limits_fill(&full, limits);
	if (text_read(path, full.max_bytes, &text, e) < 0)
		return -1;
	return yaml_parse(doc, path, text.data, text.len, 1, &full, e);
}
