/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/cursor.h"

#include "base/json_scan.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CURSOR_WINDOW_BYTES 65536

int journal_read_header(int fd, struct journal_header *h, struct err *e)
{
	ssize_t n = pread(fd, h, sizeof(*h), 0);

	if (n < 0)
		return err_sys(e, "reading a journal");
	if (n < (ssize_t)sizeof(*h) || h->magic != JOURNAL_MAGIC)
		return err_set(e, ERR_FAILURE, "not a journal");
	if (h->version != JOURNAL_VERSION)
		return err_set(e, ERR_FAILURE, "a journal of format %u; this program reads format %d",
			       h->version, JOURNAL_VERSION);
	h->run_id[sizeof(h->run_id) - 1] = '\0';
	h->totals.last_progress[sizeof(h->totals.last_progress) - 1] = '\0';
	if (h->totals.last_progress_ns < 0 || h->totals.last_progress_ns > INT64_MAX / 2 ||
	    !utf8_valid(h->totals.last_progress, strlen(h->totals.last_progress)))
		h->totals.last_progress[0] = '\0';
	if (!run_id_valid(h->run_id) || h->level > LEVEL_DEBUG || h->open_status >= STATUS_COUNT ||
	    h->start_mono_ns < 0 || h->start_mono_ns > INT64_MAX / 2 || h->start_real_ns < 0 ||
	    h->start_real_ns > INT64_MAX / 2 || h->end_ns < 0 || h->end_ns > INT64_MAX / 2 ||
	    h->longest_idle_ns > INT64_MAX / 2)
		return err_set(e, ERR_FAILURE, "the header of the journal is damaged");
	return 0;
}

void cursor_init(struct cursor *c, int fd)
{
	struct stat st;

	memset(c, 0, sizeof(*c));
	c->fd = fd;
	c->pos = JOURNAL_HEADER_BYTES;
	c->end = fstat(fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

void cursor_release(struct cursor *c)
{
	free(c->buf);
	c->buf = NULL;
	c->buf_len = c->buf_cap = 0;
}

/* Makes bytes [off, off + n) readable in the window. NULL beyond the end. */
static const char *cursor_bytes(struct cursor *c, uint64_t off, uint64_t n)
{
	ssize_t got;

	if (n > c->end || off > c->end - n)
		return NULL;
	if (off >= c->buf_off && off + n <= c->buf_off + c->buf_len)
		return c->buf + (off - c->buf_off);
	if (n > c->buf_cap || !c->buf) {
		size_t cap = n > CURSOR_WINDOW_BYTES ? (size_t)n : CURSOR_WINDOW_BYTES;

		free(c->buf);
		c->buf = xmalloc(cap);
		c->buf_cap = cap;
	}
	c->buf_off = off;
	do
		got = pread(c->fd, c->buf, c->buf_cap, (off_t)off);
	while (got < 0 && errno == EINTR);
	c->buf_len = got > 0 ? (size_t)got : 0;
	return n <= c->buf_len ? c->buf : NULL;
}

static bool head_valid(const struct journal_rec *h)
{
	size_t head = journal_head_bytes(journal_rec_type(h->word));
	uint64_t bytes = journal_rec_bytes(h->word);

	if (bytes < head || (uint64_t)h->attrs_bytes + h->text_bytes > bytes - head ||
	    h->ts_ns < 0 || h->ts_ns > INT64_MAX / 2)
		return false;
	switch (journal_rec_type(h->word)) {
	case REC_META:
	case REC_ENVIRONMENT:
		return true;
	case REC_BEGIN:
		return h->kind < SPAN_COUNT && h->span && h->parent < h->span;
	case REC_END:
		return h->status < STATUS_COUNT && h->category < CATEGORY_COUNT &&
		       h->token < TOKEN_COUNT && h->span;
	case REC_EVENT:
		return h->kind < EVENT_COUNT && h->token < TOKEN_COUNT && h->span;
	default:
		return false;
	}
}

/* 1, 0 or -1 as cursor_next, for the record at off. */
static int cursor_record(struct cursor *c, uint64_t off, struct record *r)
{
	const char *p = cursor_bytes(c, off, sizeof(r->head.word));
	size_t head;

	memset(&r->head, 0, sizeof(r->head));
	if (!p)
		return 0;
	memcpy(&r->head.word, p, sizeof(r->head.word));
	if (!r->head.word)
		return 0;
	head = journal_head_bytes(journal_rec_type(r->head.word));
	p = cursor_bytes(c, off, head);
	if (!p)
		return -1;
	memcpy(&r->head, p, head);
	if (!head_valid(&r->head))
		return -1;
	p = cursor_bytes(c, off, journal_rec_bytes(r->head.word));
	if (!p)
		return -1;
	r->off = off;
	r->attrs = p + head;
	r->attrs_n = r->head.attrs_bytes;
	r->text = r->attrs + r->attrs_n;
	r->text_n = r->head.text_bytes;
	if (journal_rec_sum(&r->head, journal_rec_type(r->head.word), r->head.word, r->attrs) != r->head.sum)
		return -1;
	return json_scan_members(r->attrs, r->attrs_n) && utf8_valid(r->text, r->text_n) ? 1 : -1;
}

int cursor_next(struct cursor *c, struct record *r)
{
	int rc = cursor_record(c, c->pos, r);

	if (rc > 0)
		c->pos += journal_rec_bytes(r->head.word);
	return rc;
}

bool cursor_find_end(struct cursor *c, const struct record *begin, struct record *end)
{
	uint64_t off = begin->head.end_off;

	return off > begin->off && off % 8 == 0 && cursor_record(c, off, end) == 1 &&
	       journal_rec_type(end->head.word) == REC_END && end->head.span == begin->head.span &&
	       end->head.ts_ns >= begin->head.ts_ns;
}
