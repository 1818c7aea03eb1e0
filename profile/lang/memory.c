/* SPDX-License-Identifier: Apache-2.0 */
#include "profile/lang/memory.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

void lang_mem_init(struct lang_mem *m, struct peek *peek)
{
	*m = (struct lang_mem){ .peek = peek, .pages = xcalloc(LANG_PAGES, sizeof(*m->pages)) };
}

void lang_mem_release(struct lang_mem *m)
{
	mem_free_ptr(&m->pages);
}

void lang_forget(struct lang_mem *m)
{
	for (size_t i = 0; i < LANG_PAGES; i++)
		m->pages[i].address = 0;
}

static const unsigned char *page_of(struct lang_mem *m, uint64_t address)
{
	/* Neighbours must not push each other out, and arenas lie at round addresses. */
	struct lang_page *page = &m->pages[(address / LANG_PAGE ^ address >> 20) % LANG_PAGES];

	if (page->address == address)
		return page->bytes;
	page->address = 0;
	if (!peek_full(m->peek, address, page->bytes, LANG_PAGE))
		return NULL;
	page->address = address;
	return page->bytes;
}

bool lang_read(struct lang_mem *m, uint64_t addr, void *buf, size_t n)
{
	unsigned char *to = buf;

	if (addr < LANG_PAGE || addr + n < addr)
		return false;
	while (n) {
		size_t off = addr % LANG_PAGE, part = LANG_PAGE - off < n ? LANG_PAGE - off : n;
		const unsigned char *bytes = page_of(m, addr - off);

		if (!bytes)
			return false;
		memcpy(to, bytes + off, part);
		to += part;
		addr += part;
		n -= part;
	}
	return true;
}

uint64_t lang_u64(struct lang_mem *m, uint64_t addr)
{
	uint64_t v;

	return lang_read(m, addr, &v, sizeof(v)) ? v : 0;
}

uint32_t lang_u32(struct lang_mem *m, uint64_t addr)
{
	uint32_t v;

	return lang_read(m, addr, &v, sizeof(v)) ? v : 0;
}

uint8_t lang_u8(struct lang_mem *m, uint64_t addr)
{
	uint8_t v;

	return lang_read(m, addr, &v, sizeof(v)) ? v : 0;
}

static void text_clean(char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n;) {
		size_t len = utf8_sequence(s + i, n - i);

		if (!len || (unsigned char)s[i] < 0x20 || s[i] == 0x7f) {
			s[i++] = '?';
			continue;
		}
		i += len;
	}
}

char *lang_text(struct lang_mem *m, uint64_t addr, uint64_t n, size_t max)
{
	size_t have = n < max ? (size_t)n : max;
	char *s = xmalloc(have + 1);

	if (have && !lang_read(m, addr, s, have)) {
		free(s);
		return NULL;
	}
	s[have] = '\0';
	text_clean(s);
	return s;
}

char *lang_string(struct lang_mem *m, uint64_t addr, size_t max)
{
	size_t n = 0;
	char *s;

	for (uint64_t at = addr; n < max; at++, n++) {
		uint8_t c;

		if (!lang_read(m, at, &c, 1))
			return NULL;
		if (!c)
			break;
	}
	if (n == max)
		return NULL;
	s = lang_text(m, addr, n, max);
	return s;
}

uint64_t bytes_u64(const unsigned char *b, size_t n, uint64_t at)
{
	uint64_t v;

	if (n < sizeof(v) || at > n - sizeof(v))
		return 0;
	memcpy(&v, b + at, sizeof(v));
	return v;
}

uint32_t bytes_u32(const unsigned char *b, size_t n, uint64_t at)
{
	uint32_t v;

	if (n < sizeof(v) || at > n - sizeof(v))
		return 0;
	memcpy(&v, b + at, sizeof(v));
	return v;
}
