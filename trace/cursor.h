/* SPDX-License-Identifier: Apache-2.0 */
/* cursor.h - reads a journal with pread in a bounded window: its writer may be alive, stopped
 * or dead, and the file may be damaged. Nothing that it hands out is trusted further than
 * checked here: sizes, words of the contract, JSON, UTF-8. */
#ifndef TRACE_CURSOR_H
#define TRACE_CURSOR_H

#include "base/err.h"
#include "trace/journal.h"

struct cursor {
	int fd;            /* not owned */
	uint64_t pos;      /* of the next record */
	uint64_t end;      /* do not read beyond */
	uint64_t buf_off;
	char *buf;
	size_t buf_len, buf_cap;
};

struct record {
	struct journal_rec head;
	uint64_t off;
	const char *attrs, *text;  /* valid until the next call; not terminated */
	size_t attrs_n, text_n;
};

/* Reads and checks the header. */
int journal_read_header(int fd, struct journal_header *h, struct err *e);

void cursor_init(struct cursor *c, int fd); /* at the first record, up to the file's end */
void cursor_release(struct cursor *c);
/* 1: a record; 0: the end; -1: what is at c->pos is not a record (damaged). */
int cursor_next(struct cursor *c, struct record *r);
/* The END of the span whose BEGIN is `begin`: true when it is there. */
bool cursor_find_end(struct cursor *c, const struct record *begin, struct record *end);

#endif
