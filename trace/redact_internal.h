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
	NEEDLE_NAMELESS, /* "-u ", ":5432:"; index: its row */
	NEEDLE_VALUE,  /* secret values, raw or escaped; index: none, the dictionary knows which */
	NEEDLE_HEX,    /* the same in hexadecimal */
	NEEDLE_BASE64, /* the same in base64, once or twice */
	NEEDLE_BASE32, /* the same in base32 */
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
};

/* Many texts, looked for at once: sorted, so that those that share a beginning stand together and
 * each further character narrows the range (redact_dict.c). */
struct dict_entry {
	unsigned char *bytes; /* of the value itself, or owned by the dictionary */
	uint32_t len;
	uint32_t value;       /* index into r->values */
	uint64_t head;        /* the first eight bytes, the first one highest: most looks end there */
};

enum dict_writing { WRITING_TEXT, WRITING_HEX, WRITING_BASE64, WRITING_BASE32 };

struct dict {
	struct dict_entry *v;
	size_t n, cap;
	size_t longest;
	bool owns;            /* the bytes of its entries */
	uint32_t first[257];  /* where the entries of each first byte begin */
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
	size_t value_cap;
	struct pcre2_real_code_8 **patterns;
	size_t pattern_count;
	void *match_data, *match_context;
	/* made on first use */
	struct dict texts, base64, base32; /* of the values */
	uint64_t *begins;          /* hashes of the first bytes of all entries of the three */
	uint32_t begins_mask;
	size_t begins_len;         /* so many bytes of each */
	uint64_t *bitmap;          /* of hashes of needles */
	unsigned bitmap_shift;
	uint32_t *heads;           /* buckets of needles */
	uint32_t heads_mask;
	struct needle *needles;
	size_t needle_count, needle_cap;
	unsigned char key[32];     /* of env_profile */
	bool key_made, key_refused;
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
	bool values_only;      /* a name of a test, a file or a place: no forms */
	bool cut_at_end;       /* more stood behind: the beginning of a value counts */
};

void redact_scan_add(struct scan *sc, size_t from, size_t to, const char *label);
void redact_scan_add_quoted(struct scan *sc, size_t from, size_t to, const char *label, size_t quote,
		     size_t quote_len);

void redact_needle_add(struct redactor *r, const char bytes[3], enum needle_kind kind, uint32_t index);

enum name_strength {
	NAME_PLAIN,  /* says nothing */
	NAME_WEAK,   /* key, auth, sig …: its value is a secret if it looks like one */
	NAME_STRONG, /* token, password, api_key …: its value is a secret unless it plainly is not */
	NAME_GIVEN,  /* the user said so */
};
struct secret_kind {
	enum name_strength strength;
	bool password;     /* short numbers may be one */
	bool plural;       /* tokens, keys: a number is a count */
	const char *label; /* lives as long as the redactor */
};

/* redact.c */
void redact_learn(struct redactor *r, const char *name, size_t name_n, const char *value, size_t n);
void redact_needles_forget(struct redactor *r); /* new values: they are made again on the next pass */
/* Is what stands under a name nothing to hide as a whole? */
bool redact_is_open(const struct redactor *r, const struct secret_kind *kind, const char *v, size_t n);
void redact_whole(const struct redactor *r, const char *label, const char *v, size_t n, struct str *out);

/* redact_dict.c */
void redact_dict_add(struct dict *d, const unsigned char *bytes, size_t len, uint32_t value);
void redact_dict_sort(struct dict *d);
void redact_dict_release(struct dict *d);
/* The longest entry that stands at s[at..n) in this writing: its end, 0: none. *value: whose it is.
 * cut: an entry that reaches beyond the end counts from REDACT_CUT_MIN bytes (of the value) on. */
#define REDACT_CUT_MIN 6
size_t redact_dict_match(const struct dict *d, enum dict_writing w, const char *s, size_t n, size_t at, bool cut,
			 uint32_t *value);
/* The same for one entry without its first `skip` bytes. */
size_t redact_dict_match_rest(const struct dict *d, size_t entry, size_t skip, enum dict_writing w, const char *s,
			      size_t n, size_t at);

/* redact_values.c */
void redact_values_add(struct redactor *r, const char *name, const char *value, size_t len, size_t min_len);
void redact_values_needles(struct redactor *r);
void redact_values_forget(struct redactor *r);  /* the dictionaries; they are made again when needed */
void redact_values_release(struct redactor *r);
bool redact_values_in(const struct redactor *r, const char *s, size_t n); /* raw, anywhere */
void redact_value_found(struct scan *sc, size_t at, enum needle_kind kind);
/* A secret that begins before the text: the rest of it at the very beginning. */
void redact_values_cut_at_start(struct scan *sc);
/* A secret that goes on beyond the text: its first bytes at the very end. */
void redact_values_cut_at_end(struct scan *sc);

/* redact_names.c */
struct needle_word {
	const char *text;
	unsigned char len;
};
extern const struct needle_word redact_needle_words[];
struct secret_kind redact_name_kind(const struct redactor *r, const char *name, size_t n);
bool redact_names_is_own_key(const char *name, size_t n);
void redact_label_make(char out[LABEL_SIZE], const char *name, size_t n);
/* Does the word before a lone "key" make it one that opens something ("api key: …")? */
bool redact_names_opens(const char *word, size_t n);

/* redact_look.c */
enum verdict_of_value { VALUE_PLAIN, VALUE_SECRET, VALUE_WORDS /* prose: only words that look secret */ };
enum verdict_of_value redact_judge(const struct redactor *r, const struct secret_kind *kind, const char *v, size_t n,
				   bool quoted);
bool redact_looks_secret(const char *v, size_t n);
bool redact_is_plain_word(const char *v, size_t n);
bool redact_is_path(const char *v, size_t n);

/* redact_forms.c */
/* given: the word is a name of --redact-env. */
void redact_form_found(struct scan *sc, size_t at, size_t len, bool given);
/* Hides what is judged a secret of text[from..to). */
void redact_form_hide(struct scan *sc, size_t from, size_t to, const struct secret_kind *kind);
void redact_nameless_needles(struct redactor *r);
void redact_form_nameless(struct scan *sc, size_t at, uint32_t index);
/* Is it <name>value</name>? s[name..end) is the name. True: what it holds was taken care of. */
bool redact_form_element(struct scan *sc, size_t name, size_t end, const struct secret_kind *kind);
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
