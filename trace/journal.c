/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/journal.h"

#include "base/fd.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/journal_fault.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define WINDOW_BYTES (256u << 10)  /* what is mapped at once: bounds our resident set */
#define FIRST_ALLOC_BYTES (64u << 10)
#define FIRST_MEMORY_BYTES (32u << 10) /* each page of it is cleared for a run at level off, however short */
#define MAX_GROWTH_BYTES (1u << 20)
#define RESERVE_BYTES 8192u        /* for ENDs when nothing more can be allocated */
#define RETRY_EVERY 1024u          /* dropped records until space is asked for again */

_Static_assert(sizeof(struct journal_header) <= JOURNAL_PUBLISHED_OFF, "header fits its page");
_Static_assert(sizeof(struct journal_rec) == 48, "records keep their layout");
_Static_assert(offsetof(struct journal_rec, parent) == JOURNAL_EVENT_HEAD_BYTES, "an event's head");

static uint64_t round_up(uint64_t v, uint64_t to) { return (v + to - 1) / to * to; }

/* Zeros written by hand: for file systems without fallocate. */
static int alloc_by_writing(int fd, uint64_t from, uint64_t to)
{
	static const char zeros[16384];

	while (from < to) {
		size_t n = to - from < sizeof(zeros) ? (size_t)(to - from) : sizeof(zeros);
		ssize_t w = pwrite(fd, zeros, n, (off_t)from);

		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return -1;
		from += (uint64_t)w;
	}
	return 0;
}

static int alloc_range(int fd, uint64_t from, uint64_t to)
{
	int rc;

	do
		rc = fallocate(fd, 0, (off_t)from, (off_t)(to - from));
	while (rc < 0 && errno == EINTR);
	/* unknown, or refused by a sandbox: a full disk refuses the zeros as well */
	if (rc < 0 && errno != ENOSPC && errno != EDQUOT && errno != EFBIG && errno != EIO)
		rc = alloc_by_writing(fd, from, to);
	return rc;
}

/* Grows so that `want` bytes and the reserve fit; when a whole step does not fit, the least. */
static int journal_grow(struct journal *j, uint64_t want)
{
	uint64_t step = j->allocated < MAX_GROWTH_BYTES ? j->allocated : MAX_GROWTH_BYTES;
	uint64_t least = round_up(want + RESERVE_BYTES, j->page);
	uint64_t to = round_up(j->allocated + step, j->page);

	if (to < least)
		to = least;
	if (j->path && least > JOURNAL_FILE_MAX_BYTES)
		return -1; /* whatever the child does: a disk is not ours to fill */
	if (!j->path) {
		if (least > JOURNAL_MEMORY_MAX_BYTES)
			return -1; /* a rule of ours, no error of the machine */
		if (to > JOURNAL_MEMORY_MAX_BYTES)
			to = JOURNAL_MEMORY_MAX_BYTES;
	}
	if (alloc_range(j->fd, j->allocated, to) < 0) {
		to = least;
		if (alloc_range(j->fd, j->allocated, to) < 0) {
			j->hdr->error = errno;
			return -1;
		}
	}
	j->allocated = to;
	return 0;
}

static int journal_map_window(struct journal *j, uint64_t need)
{
	uint64_t off = j->pos / j->page * j->page;
	uint64_t bytes = round_up(j->pos - off + need, j->page);
	void *p;

	if (bytes < WINDOW_BYTES)
		bytes = WINDOW_BYTES;
	/* Beyond the end of the file a mapping is legal; it is touched only below `allocated`. A
	 * run that has filled a window will fill the next: its pages come in one go. */
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | (j->win ? MAP_POPULATE : 0), j->fd,
		 (off_t)off);
	if (p == MAP_FAILED)
		return -1;
	if (j->win)
		munmap(j->win, j->win_bytes);
	j->win = p;
	j->win_off = off;
	j->win_bytes = bytes;
	journal_fault_watch(FAULT_WINDOW, p, bytes);
	return 0;
}

static int journal_map_header(struct journal *j, void *at)
{
	void *p = mmap(at, JOURNAL_HEADER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | (at ? MAP_FIXED : 0),
		       j->fd, 0);

	if (p == MAP_FAILED)
		return -1;
	j->hdr = p;
	journal_fault_watch(FAULT_HEADER, p, JOURNAL_HEADER_BYTES);
	return 0;
}

int journal_lock(int fd)
{
	int rc;

	do
		rc = flock(fd, LOCK_EX | LOCK_NB);
	while (rc < 0 && errno == EINTR);
	return rc;
}

static void journal_init(struct journal *j)
{
	memset(j, 0, sizeof(*j));
	j->fd = -1;
	j->page = (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The file under its temporary name, locked. */
static int journal_open_file(struct journal *j, const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	int dir = slash ? (int)(slash - path + 1) : 0;
	int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;

	j->path = xstrdup(path);
	j->tmp = xasprintf("%.*s.%s.tmp-%d", dir, path, path + dir, (int)getpid());
	j->fd = guard_open(j->tmp, flags, 0600);
	if (j->fd < 0 && errno == ENOENT) {
		if (path_mkdirs_for(path, e) < 0)
			return -1;
		j->fd = guard_open(j->tmp, flags, 0600);
	}
	if (j->fd < 0) {
		err_sys(e, "making journal '%s'", path);
		mem_free_ptr(&j->tmp); /* nothing of ours to unlink */
		mem_free_ptr(&j->path);
		return -1;
	}
	if (journal_lock(j->fd) < 0)
		return err_sys(e, "locking journal '%s'", path);
	return 0;
}

static int journal_prepare(struct journal *j, const char *path, uint64_t bytes, struct err *e)
{
	if (path) {
		if (journal_open_file(j, path, e) < 0)
			return -1;
	} else {
		j->fd = memfd_create(JOURNAL_MEMFD_NAME, MFD_CLOEXEC);
		if (j->fd < 0)
			return err_sys(e, "making a journal in memory");
	}
	if (alloc_range(j->fd, 0, bytes) < 0)
		return err_sys(e, "allocating journal '%s'", path ? path : "in memory");
	j->allocated = bytes;
	return 0;
}

int journal_create(struct journal *j, const char *path, struct err *e)
{
	journal_init(j);
	j->pos = JOURNAL_HEADER_BYTES;
	if (journal_prepare(j, path, path ? FIRST_ALLOC_BYTES : FIRST_MEMORY_BYTES, e) == 0) {
		if (journal_map_header(j, NULL) == 0 && journal_map_window(j, 0) == 0)
			return 0;
		err_sys(e, "mapping journal '%s'", path ? path : "in memory");
	}
	journal_close(j, true);
	return -1;
}

int journal_expose(struct journal *j, struct err *e)
{
	j->hdr->version = JOURNAL_VERSION;
	__atomic_store_n(&j->hdr->magic, JOURNAL_MAGIC, __ATOMIC_RELEASE);
	if (!j->tmp)
		return 0;
	if (guard_rename(j->tmp, j->path) < 0)
		return err_sys(e, "making journal '%s'", j->path);
	mem_free_ptr(&j->tmp);
	return 0;
}

int journal_attach(struct journal *j, int fd, uint64_t pos, struct err *e)
{
	char link[64], path[PATH_MAX];
	struct stat st;
	ssize_t n;

	journal_init(j);
	j->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (j->fd < 0 || fstat(j->fd, &st) < 0) {
		err_sys(e, "going on with a journal");
		goto fail;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", j->fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n > 0) {
		path[n] = '\0';
		if (path[0] == '/' && strncmp(path, "/memfd:", 7) != 0)
			j->path = xstrdup(path);
	}
	j->pos = pos;
	j->allocated = (uint64_t)st.st_size;
	if (pos < JOURNAL_HEADER_BYTES || pos > j->allocated) {
		err_set(e, ERR_FAILURE, "going on with a journal: it is cut off");
		goto fail;
	}
	if (journal_map_header(j, NULL) == 0 && journal_map_window(j, 0) == 0) {
		j->hdr->owner_pid = getpid();
		return 0;
	}
	err_sys(e, "mapping a journal");
fail:
	journal_close(j, false);
	return -1;
}

/* Slow path of journal_reserve: allocates and maps. */
static bool journal_make_room(struct journal *j, uint64_t need, bool urgent)
{
	uint64_t want = j->pos + need;

	if (want + RESERVE_BYTES > j->allocated) {
		bool ask = !(j->hdr->dropped % RETRY_EVERY);

		if ((!ask || journal_grow(j, want) < 0) && (!urgent || want > j->allocated))
			return false;
	}
	if (want <= j->win_off + j->win_bytes)
		return true;
	if (journal_map_window(j, need) == 0)
		return true;
	j->hdr->error = errno;
	return false;
}

static uint64_t record_bytes(enum rec_type type, size_t attrs_bytes, size_t text_bytes)
{
	return (journal_head_bytes(type) + attrs_bytes + text_bytes + 7) & ~UINT64_C(7);
}

struct journal_rec *journal_reserve(struct journal *j, enum rec_type type, size_t attrs_bytes,
				    size_t text_bytes, bool urgent)
{
	uint64_t bytes = record_bytes(type, attrs_bytes, text_bytes);
	uint64_t want = j->pos + bytes + 8; /* and the word behind it */
	struct journal_rec *r;
	uint32_t next = 0;

	if (bytes / 8 >= UINT64_C(1) << 24 || attrs_bytes > UINT32_MAX || text_bytes > UINT32_MAX ||
	    ((want + RESERVE_BYTES > j->allocated || want > j->win_off + j->win_bytes) &&
	     !journal_make_room(j, bytes + 8, urgent))) {
		j->hdr->dropped++;
		return NULL;
	}
	r = (struct journal_rec *)(j->win + (j->pos - j->win_off));
	/* What a writer before us left half written must not be taken for a record. */
	memcpy((char *)r + bytes, &next, sizeof(next));
	if (type == REC_EVENT) {
		memset(r, 0, JOURNAL_EVENT_HEAD_BYTES);
	} else {
		memset(r, 0, sizeof(*r));
		r->text_bytes = (uint32_t)text_bytes;
	}
	r->attrs_bytes = (uint32_t)attrs_bytes;
	return r;
}

uint32_t journal_rec_sum(const struct journal_rec *head, enum rec_type type, uint32_t word, const char *body)
{
	bool event = type == REC_EVENT;
	uint32_t parent = event ? 0 : head->parent, text_bytes = event ? 0 : head->text_bytes, marks;
	uint64_t sum;

	memcpy(&marks, &head->kind, sizeof(marks));
	sum = hash_step((uint64_t)head->span << 32 | word, (uint64_t)head->ts_ns);
	sum = hash_step(sum, (uint64_t)head->attrs_bytes << 32 | marks);
	sum = hash_step(sum, (uint64_t)text_bytes << 32 | parent);
	sum = hash_bytes(sum, body, (size_t)head->attrs_bytes + text_bytes);
	return (uint32_t)(sum ^ sum >> 32);
}

void journal_commit(struct journal *j, struct journal_rec *r, enum rec_type type)
{
	uint64_t bytes = record_bytes(type, r->attrs_bytes, type == REC_EVENT ? 0 : r->text_bytes);
	uint32_t word = (uint32_t)(bytes / 8) << 8 | (uint32_t)type;

	r->sum = journal_rec_sum(r, type, word, journal_rec_body(r, type));
	__atomic_store_n(&r->word, word, __ATOMIC_RELEASE);
	j->pos += bytes;
}

void journal_link(struct journal *j, uint64_t begin_off, uint64_t end_off)
{
	uint64_t at = begin_off + offsetof(struct journal_rec, end_off);

	if (at >= j->win_off && at + sizeof(end_off) <= j->win_off + j->win_bytes)
		memcpy(j->win + (at - j->win_off), &end_off, sizeof(end_off));
	else if (pwrite(j->fd, &end_off, sizeof(end_off), (off_t)at) != (ssize_t)sizeof(end_off))
		j->hdr->error = errno ? errno : EIO;
}

static int copy_bytes(int from, int to, uint64_t n)
{
	auto_free char *buf = xmalloc(65536);

	for (uint64_t at = 0; at < n;) {
		size_t part = n - at < 65536 ? (size_t)(n - at) : 65536;
		ssize_t got = pread(from, buf, part, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0 || pwrite(to, buf, (size_t)got, (off_t)at) != got)
			return -1;
		at += (uint64_t)got;
	}
	return 0;
}

static char *absolute_path(const char *path)
{
	auto_free char *cwd = path[0] == '/' ? NULL : getcwd(NULL, 0);

	return cwd ? path_join(cwd, path) : xstrdup(path);
}

int journal_publish(struct journal *j, const char *path, struct err *e)
{
	auto_free char *full = absolute_path(path);
	struct journal old = *j, to;
	char *note = (char *)old.hdr + JOURNAL_PUBLISHED_OFF;

	BUG_ON(old.path != NULL);
	if (strlen(full) >= JOURNAL_HEADER_BYTES - JOURNAL_PUBLISHED_OFF)
		return err_set(e, ERR_FAILURE, "making journal '%s': the path is too long", path);
	journal_init(&to);
	if (journal_prepare(&to, full, round_up(old.pos + FIRST_ALLOC_BYTES, j->page), e) < 0)
		goto fail;
	to.pos = old.pos;
	if (copy_bytes(old.fd, to.fd, old.pos) < 0 || journal_map_window(&to, 0) < 0) {
		err_sys(e, "writing journal '%s'", path);
		goto fail;
	}
	/* Who holds the old descriptor looks for the file; until the rename it is not there. */
	memcpy(note, full, strlen(full) + 1);
	if (guard_rename(to.tmp, to.path) < 0) {
		memset(note, 0, strlen(full));
		err_sys(e, "making journal '%s'", path);
		goto fail;
	}
	mem_free_ptr(&to.tmp);
	/* The header stays where it is mapped: trace_totals() hands its address out. */
	if (journal_map_header(&to, old.hdr) < 0)
		bug_at(__FILE__, __LINE__, "a mapping cannot be replaced");
	munmap(old.win, old.win_bytes);
	close(old.fd);
	*j = to;
	return 0;
fail:
	to.hdr = NULL;
	journal_close(&to, true);
	return -1;
}

/* Does the file behind fd begin with the header of this run? */
static bool same_run(int fd, const char *run_id)
{
	struct journal_header h;

	return pread(fd, &h, sizeof(h), 0) == (ssize_t)sizeof(h) && h.magic == JOURNAL_MAGIC &&
	       strncmp(h.run_id, run_id, sizeof(h.run_id)) == 0;
}

int journal_follow(int fd, int open_flags)
{
	char path[JOURNAL_HEADER_BYTES - JOURNAL_PUBLISHED_OFF];
	struct journal_header h;
	auto_close int to = -1;

	if (pread(fd, &h, sizeof(h), 0) != (ssize_t)sizeof(h) ||
	    pread(fd, path, sizeof(path), JOURNAL_PUBLISHED_OFF) != (ssize_t)sizeof(path) ||
	    path[0] != '/' || !memchr(path, 0, sizeof(path)))
		return -1;
	/* whoever made the journal chose the path: opening a device may be enough to do harm */
	to = guard_open_regular(path, open_flags);
	return to >= 0 && same_run(to, h.run_id) ? fd_steal(&to) : -1;
}

void journal_close(struct journal *j, bool unlink_file)
{
	journal_fault_forget(j->hdr);
	journal_fault_forget(j->win);
	if (unlink_file && (j->tmp || j->path))
		guard_unlink(j->tmp ? j->tmp : j->path);
	if (j->win)
		munmap(j->win, j->win_bytes);
	if (j->hdr)
		munmap(j->hdr, JOURNAL_HEADER_BYTES);
	if (j->fd >= 0)
		close(j->fd);
	free(j->path);
	free(j->tmp);
	journal_init(j);
}

bool run_id_valid(const char *s)
{
	static const char shape[] = "run-########T######Z-xxxxxxxx";
	size_t i;

	for (i = 0; shape[i]; i++) {
		unsigned char c = (unsigned char)s[i];

		if (shape[i] == '#' ? !isdigit(c) : shape[i] == 'x' ? !isxdigit(c) : c != shape[i])
			return false;
	}
	return s[i] == '\0';
}
