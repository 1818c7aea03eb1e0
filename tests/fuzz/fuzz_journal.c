/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_journal.c - a journal of any bytes: reading, sealing and going on with it neither crash nor
 * hang, and what is sealed is valid JSON. The first 512 bytes of the input are the header (its magic
 * and the records' checksums are mended, so that the fuzzer gets past them), the rest are the records. */
#include "base/fd.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/cursor.h"
#include "trace/emit.h"
#include "trace/seal.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HEAD_BYTES 512
#define FILE_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The fuzzer knows no checksums: they are made for it. */
static void mend_sums(uint8_t *at, size_t n)
{
	struct journal_rec head;

	while (n >= sizeof(head.word)) {
		uint64_t bytes;
		size_t head_n;

		memset(&head, 0, sizeof(head));
		memcpy(&head.word, at, sizeof(head.word));
		bytes = journal_rec_bytes(head.word);
		head_n = journal_head_bytes(journal_rec_type(head.word));
		if (bytes < head_n || bytes > n)
			return;
		memcpy(&head, at, head_n);
		if ((uint64_t)head.attrs_bytes + head.text_bytes > bytes - head_n)
			return;
		head.sum = journal_rec_sum(&head, journal_rec_type(head.word), head.word, (const char *)at + head_n);
		memcpy(at + offsetof(struct journal_rec, sum), &head.sum, sizeof(head.sum));
		at += bytes;
		n -= bytes;
	}
}

static char dir[64];
static struct redactor *redactor;

static void tidy(void)
{
	struct err e = { .kind = ERR_NONE };

	path_remove_tree(dir, &e);
	redactor_free(redactor);
}

static void setup(void)
{
	static char *env[] = { "PATH=/bin", NULL };
	struct strv none = STRV_INIT;
	struct err e = { .kind = ERR_NONE };

	if (redactor)
		return;
	snprintf(dir, sizeof(dir), "/dev/shm/fuzz-journal-XXXXXX");
	if (!mkdtemp(dir) || redactor_new(&redactor, env, &none, &none, &e) < 0)
		abort();
	atexit(tidy);
}

static void seal_once(int fd)
{
	auto_free char *out = path_join(dir, "trace.json"), *md = path_join(dir, "trace.md"), *text = NULL;
	struct seal_request q = { .journal_fd = fd, .trace_out = out, .summary_out = md, .lost = true };
	struct err e = { .kind = ERR_NONE };
	struct seal_result r;
	size_t n;

	if (seal_run(&q, &r, &e) < 0)
		return;
	if (file_read(out, 64 << 20, &text, &n, &e) < 0 || !json_scan_value(text, n))
		abort();
}

/* The same journal, gone on with and finished. */
static void go_on(int fd)
{
	struct err e = { .kind = ERR_NONE };
	struct trace *t;

	if (trace_attach(&t, fd, redactor, &e) < 0)
		return;
	trace_checkpoint_named(t, 1, "gone.on", 0, NULL);
	trace_finish(t, false, 125, STATUS_ERROR, 0);
	trace_close(t, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t head = size < HEAD_BYTES ? size : HEAD_BYTES, records = size - head;
	uint64_t magic = JOURNAL_MAGIC;
	auto_free uint8_t *body = NULL;
	auto_close int fd = -1;

	if (records > FILE_BYTES - JOURNAL_HEADER_BYTES)
		return 0;
	setup();
	body = xmalloc(records + 1);
	memcpy(body, data + head, records);
	mend_sums(body, records);
	fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, FILE_BYTES) < 0 || pwrite(fd, data, head, 0) < 0 ||
	    pwrite(fd, &magic, sizeof(magic), 0) < 0 || pwrite(fd, body, records, JOURNAL_HEADER_BYTES) < 0)
		return 0;
	seal_once(fd);
	go_on(fd);
	seal_once(fd);
	return 0;
}
