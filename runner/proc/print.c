/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/print.h"

#include "base/clock.h"
#include "runner/proc/context.h"
#include "runner/proc/stream.h"
#include "runner/ui/ci_groups.h"

#include <poll.h>
#include <string.h>

#define WAIT_NS NS_PER_S
#define TAIL_BYTES ((size_t)8192)

static struct context *printer;
static uint64_t mark[STREAM_COUNT];

void print_attach(struct context *c)
{
	printer = c;
}

static void print_all(struct outlet *o, const char *p, size_t n, int64_t until_ns)
{
	while (n) {
		ssize_t w = outlet_write(o, p, n);
		int64_t left = until_ns - clock_mono_ns();
		struct pollfd f = { .fd = o->fd, .events = POLLOUT };

		if (w < 0 || (w == 0 && left <= 0))
			return;
		p += w;
		n -= (size_t)w;
		if (w == 0)
			poll(&f, 1, (int)(left / NS_PER_MS) + 1);
	}
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
