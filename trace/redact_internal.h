/* SPDX-License-Identifier: Apache-2.0 */
/* redact_internal.h - what the rooms of the redactor share. Algorithm of one pass:
 *
 *   1. A rolling window of three folded bytes is looked up in a bitmap of "needles":
 *      secret words, first bytes of secret values in each encoding, prefixes of known
 *      shapes. Text without secrets costs a few instructions a byte.
 *   2. A needle that is there is verified by its owner (values, forms, shapes), which
 *      adds spans (from, to, label) over the original text.
 *   3. User patterns add their spans; spans that overlap become one; the text is copied
 *      with each span replaced.
 *
 * Passes are repeated until nothing changes, so redacting twice changes nothing. What stands
 * inside a well-formed marker `<redacted:…>` is never looked at again. */
#ifndef TRACE_REDACT_INTERNAL_H
#define TRACE_REDACT_INTERNAL_H

#include "trace/redact.h"

#include <stdint.h>

enum needle_kind {
	NEEDLE_WORD,   /* a word that makes a name secret; index: redact_secret_words */
	NEEDLE_NAME,   /* a name of --redact-env; index: r->names */
	NEEDLE_VALUE,  /* a secret value, raw or escaped; index: r->values */
	NEEDLE_HEX,    /* the same in hexadecimal */
	NEEDLE_BASE64, /* the same in base64; index: value * 3 + alignment */
	NEEDLE_SHAPE,  /* a well-known shape; index: its row */
	NEEDLE_URL,    /* "://" and its encodings */
	NEEDLE_PEM,    /* "-----BEGIN", "-----END" */
	NEEDLE_MARKER, /* "<redacted:" */
};

struct needle {
	uint32_t key;  /* three folded bytes */
	uint32_t next; /* 1 + index of the next of the same bucket, 0: none */
	uint32_t index;
	enum needle_kind kind;
};

#define LABEL_SIZE 65
struct secret_value {
	unsigned char *bytes;
	size_t len;
	char label[LABEL_SIZE];
	char *base64[3]; /* the characters that the value alone decides, by alignment */
	size_t base64_len[3];
};

struct secret_name {
	char *name;
	size_t len;
	char label[LABEL_SIZE];
};

struct pcre2_real_code_8;
struct redactor {
	struct secret_value *values;
	size_t value_count;
	struct secret_name *names; /* --redact-env */
	size_t name_count;
	size_t longest;            /* bytes of the longest secret value */
	struct pcre2_real_code_8 **patterns;
	size_t pattern_count;
	void *match_data, *match_context;
	/* made on first use */
	uint64_t *bitmap;          /* 65536 bits */
	uint32_t *heads;           /* 1024 buckets of needles */
	struct needle *needles;
	size_t needle_count, needle_cap;
	unsigned char key[32];     /* of env_profile */
	bool key_made;
};

struct span {
	size_t from, to;
	const char *label;     /* lives as long as the redactor */
	size_t quote, quote_len; /* text[quote..+len) is put around the marker (JSON stays JSON) */
};

struct scan {
	struct redactor *r;
	const char *s;
	size_t n;
	struct span *spans;
	size_t count, cap;
	struct span *markers;  /* well-formed markers that stand in the text already */
	size_t marker_count, marker_cap;
	size_t name_done;      /* names that begin before it have been looked at */
	size_t form_done;      /* forms that begin before it lie in a value already found */
	size_t url_done, base64_done, pem_done;
	size_t run_from[5], run_to[5]; /* the last run of characters of each set of redact_shapes.c */
	bool drowned;          /* a pattern hit its limit: nothing of the text may be shown */
};

void redact_scan_add(struct scan *sc, size_t from, size_t to, const char *label);
void redact_scan_add_quoted(struct scan *sc, size_t from, size_t to, const char *label, size_t quote,
		     size_t quote_len);

void redact_needle_add(struct redactor *r, const char bytes[3], enum needle_kind kind, uint32_t index);

/* redact_values.c */
void redact_values_add(struct redactor *r, const char *name, const char *value, size_t min_len);
void redact_values_needles(struct redactor *r);
void redact_values_release(struct redactor *r);
bool redact_values_in(const struct redactor *r, const char *s, size_t n); /* raw, anywhere */
void redact_value_found(struct scan *sc, size_t at, uint32_t index);
void redact_value_found_hex(struct scan *sc, size_t at, uint32_t index);
void redact_value_found_base64(struct scan *sc, size_t at, uint32_t index);
/* A secret that begins before the text: the rest of it at the very beginning. */
void redact_values_cut_at_start(struct scan *sc);

/* redact_names.c */
extern const char *const redact_secret_words[];
size_t redact_names_word(const char *name, size_t n); /* index into redact_secret_words, or SIZE_MAX */
const char *redact_names_label(const struct redactor *r, const char *name, size_t n); /* NULL: not secret */
bool redact_names_is_own_key(const char *name, size_t n);
void redact_label_make(char out[LABEL_SIZE], const char *name, size_t n);

/* redact_forms.c */
void redact_form_found(struct scan *sc, size_t at, size_t len);
void redact_forms_needles(struct redactor *r);

/* redact_shapes.c */
void redact_shapes_needles(struct redactor *r);
void redact_shape_found(struct scan *sc, size_t at, uint32_t index);
void redact_url_found(struct scan *sc, size_t at);
void redact_pem_found(struct scan *sc, size_t at);
/* Length of the well-formed marker at s[0..n), or 0. */
size_t redact_marker_length(const struct redactor *r, const char *s, size_t n);

static inline unsigned char fold(char c)
{
	return (unsigned char)c | 0x20;
}

#endif
