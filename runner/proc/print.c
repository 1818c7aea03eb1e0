/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/print.h"

#include "base/clock.h"
#include "runner/proc/context.h"
#include "runner/proc/stream.h"
#include "runner/ui/ci_groups.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#define WAIT_NS NS_PER_S
#define HELD_WAIT_NS (5 * NS_PER_S)
#define HELD_PART_BYTES ((size_t)65536)
#define TAIL_BYTES ((size_t)8192)

static struct context *printer;
static uint64_t mark[STREAM_COUNT];

void print_attach(struct context *c)
{
	printer = c;
}

static bool print_all(struct outlet *o, const char *p, size_t n, int64_t until_ns)
{
	while (n) {
		ssize_t w = outlet_write(o, p, n);
		int64_t left = until_ns - clock_mono_ns();
		struct pollfd f = { .fd = o->fd, .events = POLLOUT };

		if (w < 0 || (w == 0 && left <= 0))
			return w < 0; /* where nobody reads there is nobody to wait for */
		p += w;
		n -= (size_t)w;
		if (w == 0)
			poll(&f, 1, (int)(left / NS_PER_MS) + 1);
	}
	return true;
}

void print_lines(const char *text)
{
	int64_t until = clock_mono_ns() + WAIT_NS;

	if (!printer || !*text)
		return;
	stop_commands_finish(&printer->shared->stop, &printer->outlet[STREAM_OUT], until);
	/* both go to one log there: a mark counts only at the beginning of its line */
	if (printer->outlet[STREAM_OUT].mid_line || printer->outlet[STREAM_ERR].mid_line)
		print_all(&printer->outlet[STREAM_OUT], "\n", 1, until);
	printer->outlet[STREAM_ERR].mid_line = false;
	print_all(&printer->outlet[STREAM_OUT], text, strlen(text), until);
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

void print_held(const int fd[2], const char *name)
{
	static char part[HELD_PART_BYTES];
	struct stop_commands *stop;
	bool taken = true, wanted;

	if (!printer)
		return;
	stop = &printer->shared->stop;
	wanted = stop_commands_wanted(printer->o, printer->setup->envp);
	if (wanted)
		stop_commands_begin(stop, context_mid_line(printer));
	stop_commands_finish(stop, &printer->outlet[STREAM_OUT], clock_mono_ns() + WAIT_NS);
	for (int i = 0; i < STREAM_COUNT; i++) {
		int64_t until = clock_mono_ns() + HELD_WAIT_NS;
		off_t at = 0;
		ssize_t n;

		for (; (n = pread(fd[i], part, sizeof(part), at)) > 0; at += n) {
			ring_add(printer->shared, i, part, (size_t)n);
			taken = taken && print_all(&printer->outlet[i], part, (size_t)n, until);
		}
	}
	if (wanted)
		stop_commands_end(stop, context_mid_line(printer));
	stop_commands_finish(stop, &printer->outlet[STREAM_OUT], clock_mono_ns() + WAIT_NS);
	if (!taken)
		say(printer, "the output of '%s' was not read in time; what is left of it is dropped", name);
}

void print_say(const char *text)
{
	if (printer)
		say(printer, "%s", text);
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
