/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/python/solved.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define NAME "python.solved"
#define DEAD UINT32_C(0x80000000) /* of a definition, beside the number of its name */

struct head {
	char magic[8];
	unsigned char key[SOLVED_KEY];
	uint32_t def_count, site_count, word_count, text_count, text_bytes, unused;
	uint64_t hash; /* of what follows: definitions, words of sites, texts */
};
static const char magic[8] = "srsolv2";

#define SITE_WORDS 5 /* caller, source, node, reason, targets; then the targets */

/* The sources' meanings, in order. Another build may find more. */
void solved_key(const struct machine *m, unsigned char out[SOLVED_KEY])
{
	crypto_generichash_state s;
	auto_str text = STR_INIT;
	struct stat st = { 0 };

	(void)stat("/proc/self/exe", &st);
	tree_identity("python", &text);
	str_addf(&text, " %lld %lld.%09ld %llu", (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
		 (unsigned long long)m->options->max_steps);
	for (size_t i = 0; i < m->options->root_count; i++)
		str_addf(&text, "\n%s", m->options->roots[i]);
	for (size_t i = 0; i < m->source_count; i++)
		str_addf(&text, "\n%s %016llx", m->sources[i].path, (unsigned long long)m->sources[i].meaning);
	crypto_generichash_init(&s, NULL, 0, SOLVED_KEY);
	crypto_generichash_update(&s, (const unsigned char *)str_cstr(&text), text.len);
	crypto_generichash_final(&s, out, SOLVED_KEY);
}

/* A number for each text that is written, in the order in which they come. */
struct texts {
	uint32_t *number, n; /* heap text -> number + 1 */
	struct str bytes;    /* NUL-terminated each */
};

static uint32_t number_of(struct texts *t, const struct machine *m, uint32_t text)
{
	if (!t->number[text]) {
		t->number[text] = ++t->n;
		str_addn(&t->bytes, m->h.texts[text], strlen(m->h.texts[text]) + 1);
	}
	return t->number[text] - 1;
}

static void word_add(struct str *out, uint32_t word)
{
	str_addn(out, &word, sizeof(word));
}

const char *solved_target(const struct machine *m, uint32_t text)
{
	uint32_t def = m->is_settled ? UINT32_MAX : machine_def_named(m, text);

	return def == UINT32_MAX || !m->defs[def].is_renamed ? m->h.texts[text] : m->defs[def].name;
}

/* From now on targets are the names that the graph has. */
static void targets_settle(struct machine *m)
{
	for (uint32_t i = 0; i < m->site_count && !m->is_settled; i++)
		for (uint32_t k = 0; k < m->sites[i].target_count; k++) {
			uint32_t *target = &m->sites[i].targets[k];
			const char *name = solved_target(m, *target);

			if (name != m->h.texts[*target])
				*target = heap_textz(&m->h, name);
		}
	m->is_settled = true;
}

static void sites_print(const struct machine *m, struct texts *t, struct str *out)
{
	for (uint32_t i = 0; i < m->site_count; i++) {
		const struct call_site *s = &m->sites[i];

		word_add(out, s->caller);
		word_add(out, s->source);
		word_add(out, s->node);
		word_add(out, s->reason ? (uint32_t)graph_reason_of(s->reason) : 0);
		word_add(out, s->target_count);
		for (uint32_t k = 0; k < s->target_count; k++)
			word_add(out, number_of(t, m, s->targets[k]));
	}
}

void solved_save(struct machine *m)
{
	const struct tree_cache *c = m->options->cache;
	struct texts t = { .bytes = STR_INIT };
	auto_str defs = STR_INIT, words = STR_INIT;
	struct head h = { .def_count = m->def_count, .site_count = m->site_count };
	auto_free char *path = NULL;
	struct err ignored = { 0 };
	struct file_out f;

	if (!c || !c->dir || !c->write)
		return;
	path = path_join(c->dir, NAME);
	targets_settle(m);
	for (uint32_t i = 0; i < m->def_count; i++) /* all texts are known before they are numbered */
		if (m->defs[i].is_renamed)
			heap_textz(&m->h, m->defs[i].name);
	t.number = xcalloc((size_t)m->h.text_count + 1, sizeof(*t.number));
	for (uint32_t i = 0; i < m->def_count; i++)
		word_add(&defs, (m->defs[i].is_renamed ? number_of(&t, m, heap_textz(&m->h, m->defs[i].name)) + 1 : 0) |
				(m->defs[i].is_dead ? DEAD : 0));
	sites_print(m, &t, &words);
	memcpy(h.magic, magic, sizeof(magic));
	solved_key(m, h.key);
	h.word_count = (uint32_t)(words.len / sizeof(uint32_t));
	h.text_count = t.n;
	h.text_bytes = (uint32_t)t.bytes.len;
	h.hash = hash_bytes(hash_bytes(hash_bytes(h.site_count, defs.data, defs.len), words.data, words.len), t.bytes.data,
			    t.bytes.len);
	if (file_out_open(&f, path, &ignored) == 0) {
		file_out_write(&f, &h, sizeof(h));
		file_out_write(&f, defs.data, defs.len);
		file_out_write(&f, words.data, words.len);
		file_out_write(&f, t.bytes.data, t.bytes.len);
		(void)file_out_commit(&f, &ignored);
	}
	free(t.number);
	str_release(&t.bytes);
}

/* A file in memory: the parts of it. */
struct solved {
	struct head head;
	const char *defs, *words, *texts;
	uint32_t *text_of; /* number -> heap text */
};

static uint32_t word_at(const char *words, size_t i)
{
	uint32_t word;

	memcpy(&word, words + i * sizeof(word), sizeof(word));
	return word;
}

static bool is_whole(struct solved *s, const struct machine *m, uint32_t definitions, const char *bytes, size_t n)
{
	const struct head *h = &s->head;
	unsigned char key[SOLVED_KEY];
	size_t defs, words;

	if (n < sizeof(*h))
		return false;
	memcpy(&s->head, bytes, sizeof(*h));
	defs = (size_t)h->def_count * sizeof(uint32_t);
	words = (size_t)h->word_count * sizeof(uint32_t);
	if (memcmp(h->magic, magic, sizeof(magic)) != 0 || n != sizeof(*h) + defs + words + h->text_bytes ||
	    h->def_count != definitions || (h->text_bytes && bytes[n - 1]))
		return false;
	solved_key(m, key);
	s->defs = bytes + sizeof(*h);
	s->words = s->defs + defs;
	s->texts = s->words + words;
	return memcmp(key, h->key, sizeof(key)) == 0 &&
	       hash_bytes(hash_bytes(hash_bytes(h->site_count, s->defs, defs), s->words, words), s->texts, h->text_bytes) ==
	       h->hash;
}

/* False: there are not as many texts as the file says. */
static bool texts_take(struct solved *s, struct machine *m)
{
	const char *at = s->texts, *end = at + s->head.text_bytes;

	s->text_of = xcalloc((size_t)s->head.text_count + 1, sizeof(*s->text_of));
	for (uint32_t i = 0; i < s->head.text_count; i++) {
		if (at >= end)
			return false;
		s->text_of[i] = heap_textz(&m->h, at);
		at += strlen(at) + 1;
	}
	return true;
}

static bool site_take(const struct solved *s, const struct machine *m, size_t *at, struct call_site *out)
{
	const struct head *h = &s->head;
	uint32_t reason;

	if (h->word_count - *at < SITE_WORDS)
		return false;
	*out = (struct call_site){ .caller = word_at(s->words, *at), .source = word_at(s->words, *at + 1),
		.node = word_at(s->words, *at + 2), .target_count = word_at(s->words, *at + 4) };
	reason = word_at(s->words, *at + 3);
	*at += SITE_WORDS;
	if (out->caller >= m->def_count || out->source >= m->source_count || reason > REASON_COUNT ||
	    out->target_count > 2 * VALUE_TARGETS_MAX || h->word_count - *at < out->target_count)
		return false;
	if (reason)
		out->reason = reason == REASON_COUNT ? "" : graph_reason_text((enum graph_reason)reason);
	for (uint32_t k = 0; k < out->target_count; k++) {
		uint32_t text = word_at(s->words, (*at)++);

		if (text >= h->text_count)
			return false;
		out->targets[k] = s->text_of[text];
	}
	return true;
}

/* The sites of the sources that are wanted. */
static bool sites_take(struct solved *s, struct machine *m, const bool *wanted)
{
	struct call_site *sites = xcalloc((size_t)s->head.site_count + 1, sizeof(*sites)), one;
	uint32_t kept = 0;
	size_t at = 0;
	bool good = true;

	for (uint32_t i = 0; i < s->head.site_count && good; i++) {
		good = site_take(s, m, &at, &one);
		if (good && (!wanted || wanted[one.source])) {
			good = one.node < m->sources[one.source].tree.count;
			sites[kept++] = one;
		}
	}
	if (!good) {
		free(sites);
		return false;
	}
	m->sites = sites;
	m->site_count = kept;
	m->site_cap = s->head.site_count + 1;
	m->is_settled = true;
	return true;
}

static void definition_take(const struct solved *s, struct machine *m, uint32_t i)
{
	uint32_t word = word_at(s->defs, i), name = word & ~DEAD;

	m->defs[i].is_dead = (word & DEAD) != 0;
	if (!name)
		return;
	m->defs[i].is_renamed = true;
	free(m->defs[i].name);
	m->defs[i].name = xstrdup(m->h.texts[s->text_of[name - 1]]);
}

static bool all_take(struct solved *s, struct machine *m, const bool *wanted)
{
	bool good = texts_take(s, m);

	for (uint32_t i = 0; i < m->def_count && good; i++)
		good = (word_at(s->defs, i) & ~DEAD) <= s->head.text_count;
	if (!good || !sites_take(s, m, wanted))
		return false;
	for (uint32_t i = 0; i < m->source_count; i++)
		for (uint32_t d = 0; d < m->sources[i].def_count && (!wanted || wanted[i]); d++)
			definition_take(s, m, m->sources[i].body + d);
	return true;
}

bool solved_load(struct machine *m, const bool *wanted)
{
	const struct tree_cache *c = m->options->cache;
	auto_free char *path = c && c->dir ? path_join(c->dir, NAME) : NULL, *bytes = NULL;
	struct solved s = { .text_of = NULL };
	size_t n = 0;
	bool good = path && tree_cache_read(path, &bytes, &n) && is_whole(&s, m, m->def_count, bytes, n) &&
		    all_take(&s, m, wanted);

	free(s.text_of);
	return good;
}

bool solved_is_there(const struct machine *m, uint32_t definitions)
{
	const struct tree_cache *c = m->options->cache;
	auto_free char *path = path_join(c->dir, NAME);
	struct solved s = { .text_of = NULL };
	void *bytes;
	size_t n;
	bool good;

	if (!tree_cache_map(path, &bytes, &n))
		return false;
	good = is_whole(&s, m, definitions, bytes, n);
	munmap(bytes, n);
	return good;
}
