/* SPDX-License-Identifier: Apache-2.0 */
/* print.c - see print.h. What a slow reader has not taken waits in a queue, in order; the supervisor's loop writes on as
 * it takes it, and watches meanwhile. */
#include "runner/proc/print.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "runner/proc/context.h"
#include "runner/proc/stream.h"
#include "runner/ui/ci_groups.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FINISH_NS NS_PER_S
#define STUCK_NS (5 * NS_PER_S)
#define HELD_PART_BYTES ((size_t)65536)
/* Of a large file written in one turn of the loop. */
#define HELD_PARTS_A_TURN 64
#define TAIL_BYTES ((size_t)8192)

enum print_kind { PRINT_TEXT, PRINT_SAY, PRINT_FILE, PRINT_STOP_BEGIN, PRINT_STOP_END };

struct print_item {
	struct print_item *next;
	enum print_kind kind;
	char *text;     /* lines, a message, or the name of whose output the file holds */
	size_t at, len; /* written of it */
	bool begun;
	int fd, which;
};

static struct context *printer;
static uint64_t mark[STREAM_COUNT];
static struct print_item *queue, **queue_end = &queue;
static int64_t taken_ns; /* when the reader took something last, or the queue began */

void print_attach(struct context *c)
{
	printer = c;
}

/* --- writing --- */

/* What goes now. True: all. A reader that is gone has taken it. */
static bool print_some(struct outlet *o, struct print_item *it, const char *p, size_t n)
{
	while (n) {
		ssize_t w = outlet_write(o, p, n);

		if (w == 0)
			return false;
		w = w < 0 ? (ssize_t)n : w;
		p += w;
		n -= (size_t)w;
		it->at += (size_t)w;
		taken_ns = clock_mono_ns();
	}
	return true;
}

/* Both streams go to one log in CI: a mark counts only at the beginning of its line. */
static bool print_text(struct print_item *it)
{
	struct outlet *out = &printer->outlet[STREAM_OUT], *err = &printer->outlet[STREAM_ERR];

	if (!it->begun && (out->mid_line || err->mid_line) && outlet_write(out, "\n", 1) == 0)
		return false;
	if (!it->begun)
		err->mid_line = false;
	it->begun = true;
	return print_some(out, it, it->text + it->at, it->len - it->at);
}

static bool print_file(struct print_item *it)
{
	static char part[HELD_PART_BYTES];
	struct outlet *o = &printer->outlet[it->which];
	bool waits = o->mode != OUTLET_DIRECT && o->mode != OUTLET_GONE;
	ssize_t n;

	/* one whose reader is quick wakes us at once for more */
	for (int i = 0; !waits || i < HELD_PARTS_A_TURN; i++) {
		n = pread(it->fd, part, sizeof(part), (off_t)it->at);
		if (n <= 0)
			return true;
		if (!print_some(o, it, part, (size_t)n))
			return false;
	}
	return false;
}

static bool print_one(struct print_item *it)
{
	struct stop_commands *stop = &printer->shared->stop;
	bool mid_line = context_mid_line(printer);

	if (!stop_commands_flush(stop, &printer->outlet[STREAM_OUT]))
		return false;
	switch (it->kind) {
	case PRINT_TEXT: return print_text(it);
	case PRINT_FILE: return print_file(it);
	case PRINT_SAY: say(printer, "%s", it->text); return true;
	case PRINT_STOP_BEGIN: stop_commands_begin(stop, mid_line); break;
	case PRINT_STOP_END: stop_commands_end(stop, mid_line); break;
	}
	stop_commands_flush(stop, &printer->outlet[STREAM_OUT]); /* else with the next */
	return true;
}

static void item_free(struct print_item *it)
{
	fd_close(&it->fd);
	free(it->text);
	free(it);
}

static void queue_shift(void)
{
	struct print_item *it = queue;

	queue = it->next;
	if (!queue)
		queue_end = &queue;
	item_free(it);
}

bool print_pump(void)
{
	while (queue && print_one(queue))
		queue_shift();
	return !queue;
}

int print_blocked_on(void)
{
	if (!queue)
		return -1;
	if (queue->kind == PRINT_FILE && printer->shared->stop.at == printer->shared->stop.len)
		return queue->which;
	return STREAM_OUT;
}

int64_t print_stuck_ns(void)
{
	return queue ? taken_ns + STUCK_NS : TIME_NEVER;
}

void print_drop(void)
{
	bool told = false; /* of the two files of one step the word stands once */

	for (; queue; queue_shift()) {
		if (queue->kind == PRINT_FILE && !(told && queue->which == STREAM_ERR))
			say(printer, "the output of '%s' was not read in time; what is left of it is dropped", queue->text);
		else if (queue->kind == PRINT_SAY)
			say(printer, "%s", queue->text);
		else if (queue->kind == PRINT_STOP_END)
			stop_commands_end(&printer->shared->stop, context_mid_line(printer));
		told |= queue->kind == PRINT_FILE;
	}
}

void print_finish(void)
{
	int64_t until = clock_mono_ns() + FINISH_NS;

	while (!print_pump()) {
		struct pollfd f = { .fd = printer->outlet[print_blocked_on()].fd, .events = POLLOUT };
		int64_t left = until - clock_mono_ns();

		if (left <= 0)
			break;
		poll(&f, 1, (int)(left / NS_PER_MS) + 1);
	}
	print_drop();
}

/* --- what is to be written --- */

static void enqueue(enum print_kind kind, const char *text, int fd, int which)
{
	struct print_item *it = xcalloc(1, sizeof(*it));

	*it = (struct print_item){ .kind = kind, .text = xstrdup(text), .len = strlen(text), .fd = fd, .which = which };
	if (!queue)
		taken_ns = clock_mono_ns();
	*queue_end = it;
	queue_end = &it->next;
}

void print_lines(const char *text)
{
	if (!printer || !*text)
		return;
	enqueue(PRINT_TEXT, text, -1, STREAM_OUT);
	print_pump();
}

void print_say(const char *text)
{
	if (!printer)
		return;
	enqueue(PRINT_SAY, text, -1, STREAM_ERR);
	print_pump();
}

/* It stands in the ring as what a command that passes through has printed: the tail of the report. */
static void ring_add(struct shared *sh, int which, const char *p, size_t n)
{
	struct shared_ring *r = &sh->ring[which];

	while (n) {
		uint64_t at = atomic_load(&r->read_total);
		size_t pos = (size_t)(at % sh->ring_bytes), part = sh->ring_bytes - pos < n ? sh->ring_bytes - pos : n;

		memcpy(sh->ring_data[which] + pos, p, part);
		atomic_store(&r->read_total, at + part);
		atomic_store(&r->written_total, at + part);
		p += part;
		n -= part;
	}
}

/* The ring keeps the end of it: of what lies before only the count matters. */
static void ring_add_file(struct shared *sh, int which, int fd)
{
	static char part[HELD_PART_BYTES];
	off_t size = lseek(fd, 0, SEEK_END), at = 0;
	uint64_t skipped;
	ssize_t n;

	if (size > (off_t)sh->ring_bytes) {
		at = size - (off_t)sh->ring_bytes;
		skipped = atomic_load(&sh->ring[which].read_total) + (uint64_t)at;
		atomic_store(&sh->ring[which].read_total, skipped);
		atomic_store(&sh->ring[which].written_total, skipped);
	}
	for (; (n = pread(fd, part, sizeof(part), at)) > 0; at += n)
		ring_add(sh, which, part, (size_t)n);
}

void print_held(int fd[2], const char *name)
{
	bool wanted;

	if (!printer)
		return;
	wanted = stop_commands_wanted(printer->o, printer->setup->envp);
	if (wanted)
		enqueue(PRINT_STOP_BEGIN, "", -1, STREAM_OUT);
	for (int i = 0; i < STREAM_COUNT; i++) {
		ring_add_file(printer->shared, i, fd[i]);
		enqueue(PRINT_FILE, name, fd_steal(&fd[i]), i);
	}
	if (wanted)
		enqueue(PRINT_STOP_END, "", -1, STREAM_OUT);
	print_pump();
}

void print_mark(void)
{
	for (int i = 0; printer && i < STREAM_COUNT; i++)
		mark[i] = atomic_load(&printer->shared->ring[i].read_total);
}

void print_tail(struct str *out, unsigned lines)
{
	for (int i = 0; printer && i < STREAM_COUNT; i++) {
		struct shared *sh = printer->shared;
		uint64_t since = atomic_load(&sh->ring[i].read_total) - mark[i];
		size_t keep = since < TAIL_BYTES ? (size_t)since : TAIL_BYTES;
		auto_str window = STR_INIT, tail = STR_INIT;

		if (!keep)
			continue;
		stream_tail(&sh->ring[i], sh->ring_data[i], sh->ring_bytes, keep + SHARED_CONTEXT_BYTES, &window);
		redact_tail(printer->redactor, str_cstr(&window), window.len, keep, &tail);
		ci_tail_lines(out, str_cstr(&tail), tail.len, lines);
	}
}
