/* SPDX-License-Identifier: Apache-2.0 */
/* journal.h - the append-only file in which a run records itself, so that SIGKILL of any of
 * our processes at any instant loses nothing recorded before it (contract 4).
 *
 * Format (native byte order: a journal is read on the machine that wrote it).
 *   0     struct journal_header; `magic` is stored last
 *   4096  a path: where an anonymous journal went on (published), else zeros
 *   8192  records, each a multiple of 8 bytes: struct journal_rec, attrs, text
 *   then  zeros up to the end of what is allocated
 * Algorithm.
 *   Commit: the word behind the record is cleared, the body is written, then `word` is stored
 *   with release order. A reader stops at a word of 0: a torn last record is not there.
 *   A span's BEGIN holds the offset of its END (stored before the END is committed, so a
 *   link may dangle; a reader checks that a committed END of this span lies there). So one
 *   streaming pass can write spans in order of start in constant memory.
 *   Space is allocated before it is mapped (fallocate, or zeros where a file system cannot), so
 *   that a full disk is an error number and never a SIGBUS. The last RESERVE bytes of what
 *   is allocated are kept for the ends of spans.
 *   The file appears under its name complete with header and META (temporary name, lock, rename).
 *   The lock (flock) lies on the open file description that our processes share through fork: it
 *   is free when the last of them is gone. */
#ifndef TRACE_JOURNAL_H
#define TRACE_JOURNAL_H

#include "base/err.h"
#include "trace/emit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_MAGIC UINT64_C(0x314c4e524a525053) /* "SPRJRNL1" */
#define JOURNAL_VERSION 2
#define JOURNAL_HEADER_BYTES 8192
#define JOURNAL_PUBLISHED_OFF 4096
#define JOURNAL_MEMFD_NAME "spec-runner-journal"
#define JOURNAL_SUFFIX ".journal"
/* An anonymous journal lies in memory, which a long run must not fill (contract 5). */
#define JOURNAL_MEMORY_MAX_BYTES (8 << 20)
/* What comes after it is counted, not kept. */
#define JOURNAL_FILE_MAX_BYTES (UINT64_C(1) << 30)

struct journal_header {
	uint64_t magic;
	uint32_t version;
	uint32_t level;              /* enum level */
	int32_t owner_pid;           /* who writes */
	int32_t error;               /* errno that stopped recording, 0 none */
	uint64_t dropped;            /* records that found no room */
	int64_t start_real_ns, start_mono_ns;
	uint64_t span_base;
	char run_id[48];
	uint8_t trace_id[16], parent_id[8];
	struct trace_totals totals;  /* updated in place */
	/* The run's result. It has a fixed place so that a full disk cannot lose it. */
	uint32_t finished;           /* stored last */
	uint32_t pass;
	int32_t exit_code;
	uint32_t open_status;        /* of spans whose END found no room */
	int64_t end_ns;              /* since the run began */
	int64_t longest_idle_ns;     /* between two signs of progress; 0 in a journal of an older version */
};

enum rec_type { REC_NONE, REC_META, REC_ENVIRONMENT, REC_BEGIN, REC_END, REC_EVENT, REC_TYPE_COUNT };

/* META: attrs `command`, `args`; text the command line for people.
 * ENVIRONMENT: attrs `env_profile`, `environment`; text the root.
 * BEGIN: kind is enum span_name; text the phase. END: text the message of its error.
 * EVENT: kind is enum event_kind; token that of a watchdog event. */
struct journal_rec {
	uint32_t word;               /* bytes / 8 << 8 | enum rec_type; 0: nothing here (yet) */
	uint32_t span;
	int64_t ts_ns;               /* since the run began; never falls */
	uint8_t kind, status, token, category;
	uint32_t attrs_bytes;        /* members of a JSON object, without its braces */
	uint32_t sum;                /* journal_rec_sum */
	/* Up to here in every record; an EVENT, of which there are millions, ends here. */
	uint32_t parent;             /* BEGIN */
	uint64_t end_off;            /* BEGIN: where its END lies, 0 not ended */
	uint32_t text_bytes;         /* UTF-8 */
	uint32_t unused;
};
#define JOURNAL_EVENT_HEAD_BYTES 28

static inline uint64_t journal_rec_bytes(uint32_t word) { return (uint64_t)(word >> 8) * 8; }
static inline enum rec_type journal_rec_type(uint32_t word) { return (enum rec_type)(word & 0xff); }

static inline size_t journal_head_bytes(enum rec_type type)
{
	return type == REC_EVENT ? JOURNAL_EVENT_HEAD_BYTES : sizeof(struct journal_rec);
}

/* Of a record with this head, which has this word in it or is to get it, and body; without end_off, which is written
 * later: that one is compared with where the END lies (spans_replay). So a record that a file system, a child or a disk
 * has changed is not believed. */
uint32_t journal_rec_sum(const struct journal_rec *head, enum rec_type type, uint32_t word, const char *body);

struct journal {
	int fd;
	char *path, *tmp;            /* NULL: anonymous; tmp: not yet under its name */
	struct journal_header *hdr;
	char *win;                   /* mapped window */
	uint64_t win_off, win_bytes;
	uint64_t pos;                /* where the next record goes */
	uint64_t allocated;          /* safe to touch below */
	uint64_t page;
};

/* A new journal, locked; path NULL: anonymous. Not visible and not valid before journal_expose. */
int journal_create(struct journal *j, const char *path, struct err *e);
int journal_expose(struct journal *j, struct err *e);

/* The journal behind fd, to go on writing at `pos` (found by a reader). fd is dup'ed. */
int journal_attach(struct journal *j, int fd, uint64_t pos, struct err *e);

/* Room for a record with attrs_bytes and text_bytes (0 for an EVENT) behind its head, which is
 * zeroed but for the two sizes; NULL when there is none (counted in the header). urgent: may
 * use the reserve. journal_commit makes it count; type is the same in all three. */
struct journal_rec *journal_reserve(struct journal *j, enum rec_type type, size_t attrs_bytes,
				    size_t text_bytes, bool urgent);
static inline char *journal_rec_body(struct journal_rec *r, enum rec_type type)
{
	return (char *)r + journal_head_bytes(type);
}
/* Where the reserved record lies. */
static inline uint64_t journal_offset(const struct journal *j) { return j->pos; }
void journal_commit(struct journal *j, struct journal_rec *r, enum rec_type type);
/* Stores in the BEGIN at begin_off that its END lies at end_off. */
void journal_link(struct journal *j, uint64_t begin_off, uint64_t end_off);

/* An anonymous journal goes on in a file. The header keeps its address. */
int journal_publish(struct journal *j, const char *path, struct err *e);

/* A new descriptor of the file in which the anonymous journal behind fd went on, or -1 when it
 * did not (or that file is gone). */
int journal_follow(int fd, int open_flags);

/* Takes the lock on fd without waiting: 0, or -1 with errno EWOULDBLOCK where it is held. */
int journal_lock(int fd);

void journal_close(struct journal *j, bool unlink_file);

/* Is it run-YYYYMMDDThhmmssZ-XXXXXXXX? (A foreign file's word becomes a folder's name.) */
bool run_id_valid(const char *s);

#endif
