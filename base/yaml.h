/* SPDX-License-Identifier: Apache-2.0 */
/* yaml.h - a YAML document as a small read-only tree, for configuration, cases and
 * patterns. Over libyaml; every error is ERR_USAGE and reads `file:line:column: what is wrong`.
 *
 * What is refused, so that no file can cost more than its size: aliases (and with them every
 * "bomb"), tags, a second document, keys that are no scalars, the same key twice in a
 * map, nesting beyond a depth, more nodes than a limit, bytes that are not UTF-8.
 * A plain scalar has no type of its own: it is read as what its key wants, so that
 * `argv: [true, 1]` are two strings. Quoted ones are strings and nothing else. */
#ifndef BASE_YAML_H
#define BASE_YAML_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum yaml_kind { YAML_MAP, YAML_SEQ, YAML_SCALAR };

struct yaml_node {
	enum yaml_kind kind;
	bool quoted;                      /* scalar in quotes or a block (| >): a string for certain */
	uint32_t line, column;            /* 1-based; of a map's entry: those of its value */
	uint32_t count;                   /* children: entries of a map, items of a seq */
	uint32_t index;                   /* in its seq or map */
	const char *text;                 /* scalar: NUL-terminated, never NULL; else "" */
	size_t len;                       /* bytes of text: a quoted "\0" is inside */
	const struct yaml_node *parent;   /* NULL for the root */
	const struct yaml_node *key;      /* of a map's entry, else NULL */
	const struct yaml_node *first, *next;
	const char *file;                 /* name for messages */
};

/* Zero stands for the default. */
struct yaml_limits {
	size_t max_bytes;   /* of the text: 8 MiB */
	uint32_t max_depth; /* 64 */
	uint32_t max_nodes; /* keys count: 200,000 (about 24 MiB) */
};

struct yaml_doc; /* owns its nodes */

/* Reads a file. A missing or unreadable one is ERR_USAGE too: the user named it. */
int yaml_read(struct yaml_doc **doc, const char *path, const struct yaml_limits *limits, struct err *e);

/* Reads a text. name: for messages. first_line: the line of `name` on which the text begins
 * (1 for a whole file; a fence of a Markdown file begins after its opening line). */
int yaml_parse(struct yaml_doc **doc, const char *name, const char *text, size_t len,
	       uint32_t first_line, const struct yaml_limits *limits, struct err *e);

/* The items of one list of the root, one by one: a list of any length costs no more than its longest item. */
struct yaml_items {
	const char *key;
	/* Called as soon as an item is read; its node is gone afterwards. -1 (e is set) ends the reading. */
	int (*item)(void *ctx, const struct yaml_node *n, struct err *e);
	void *ctx;
};
/* As yaml_parse; the list stands in the document without its items, but counts them. What a later part of
 * the text has wrong is found after the items before it were handed out. */
int yaml_parse_items(struct yaml_doc **doc, const char *name, const char *text, size_t len, uint32_t first_line,
		     const struct yaml_limits *limits, const struct yaml_items *items, struct err *e);

/* (The plain name yaml_free belongs to libyaml, which calls it across the program.) */
void yaml_doc_free(struct yaml_doc *doc);
void yaml_doc_free_ptr(struct yaml_doc **doc);
#define auto_yaml __attribute__((cleanup(yaml_doc_free_ptr))) struct yaml_doc

/* Never NULL: an empty document is an error of reading. */
const struct yaml_node *yaml_root(const struct yaml_doc *doc);

#define yaml_each(item, parent_) \
	for (const struct yaml_node *item = (parent_)->first; item; item = item->next)

/* "file:line:column: …" of a node. Returns -1. */
int yaml_error(const struct yaml_node *n, struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The entry under key, or NULL. n must be a map. */
const struct yaml_node *yaml_get(const struct yaml_node *n, const char *key);

/* A plain scalar that is empty, `~` or `null`. */
bool yaml_is_null(const struct yaml_node *n);

/* n is a map (a seq) or an error. */
int yaml_want_map(const struct yaml_node *n, struct err *e);
int yaml_want_seq(const struct yaml_node *n, struct err *e);

/* n is a map all of whose keys are in the NULL-terminated list, or an error that names the
 * first other one and the nearest known. */
int yaml_check_keys(const struct yaml_node *n, const char *const known[], struct err *e);

/* A node as a type: 0, or -1 with an error that says what is accepted. Strings are
 * borrowed from the document. */
int yaml_as_int(const struct yaml_node *n, int64_t min, int64_t max, int64_t *out, struct err *e);
int yaml_as_bool(const struct yaml_node *n, bool *out, struct err *e);
int yaml_as_word(const struct yaml_node *n, const char *const words[], int *index, struct err *e);
int yaml_as_string(const struct yaml_node *n, const char **out, struct err *e); /* no NUL inside */
int yaml_as_strings(const struct yaml_node *n, struct strv *out, struct err *e); /* a seq of scalars */
int yaml_as_string_or_list(const struct yaml_node *n, struct strv *out, struct err *e);

/* The entry of a map as a type: 1; 0 if there is none (*out untouched); -1. */
/* A limit: `timeout_ms` in milliseconds, or `timeout` in seconds; either also as 90s, 10m, 1h30m. 1 where one is there. */
int yaml_get_timeout(const struct yaml_node *map, int64_t max_ms, int64_t *out_ms, struct err *e);
int yaml_get_int(const struct yaml_node *map, const char *key, int64_t min, int64_t max, int64_t *out,
		 struct err *e);
int yaml_get_bool(const struct yaml_node *map, const char *key, bool *out, struct err *e);
int yaml_get_word(const struct yaml_node *map, const char *key, const char *const words[], int *index,
		  struct err *e);
int yaml_get_string(const struct yaml_node *map, const char *key, const char **out, struct err *e);
int yaml_get_strings(const struct yaml_node *map, const char *key, struct strv *out, struct err *e);
int yaml_get_string_or_list(const struct yaml_node *map, const char *key, struct strv *out, struct err *e);

/* The entry that must be there: a string that is not empty. */
int yaml_need_string(const struct yaml_node *map, const char *key, const char **out, struct err *e);

/* `version: N` of the format: must be there and be that number. */
int yaml_need_version(const struct yaml_node *map, int64_t version, struct err *e);

/* What a node is called in a message: 'timeout_ms', or "item 3 of 'argv'". Returns out. */
#define YAML_LABEL_SIZE 200
const char *yaml_label(const struct yaml_node *n, char out[YAML_LABEL_SIZE]);

#endif
