/* SPDX-License-Identifier: Apache-2.0 */
/* node_loop.c - what keeps Node's event loop alive: the handles of libuv's default loop that are active and referenced,
 * its requests, and when its next timer is due. libuv 1.x keeps its ABI: the offsets are those of every version of Node. */
#include "profile/lang/v8.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOP_QUEUE = 16, LOOP_REQUESTS = 32, HANDLE_LOOP = 8, HANDLE_TYPE = 16, HANDLE_QUEUE = 32, HANDLE_FLAGS = 88,
       STREAM_FD = 184, POLL_FD = 152, TIMER_DUE = 128, TIMER_REPEAT = 136, PROCESS_PID = 104, SIGNAL_NUMBER = 104 };
enum { FLAG_ACTIVE = 4, FLAG_REF = 8, FLAG_INTERNAL = 16, HANDLES_MAX = 4096, HANDLES_NAMED = 6, CODE_BYTES = 64 };
enum type {
	ASYNC = 1,
	FS_EVENT = 3,
	FS_POLL = 4,
	PIPE = 7,
	POLLER = 8,
	PROCESS = 10,
	TCP = 12,
	TIMER = 13,
	TTY = 14,
	UDP = 15,
	SIGNAL = 16,
	TYPES = 17
};

static const char *const type_words[TYPES] = {
	[ASYNC] = "a wake-up handle (a worker, a BroadcastChannel, or native code)",
	[FS_EVENT] = "a watched file", [FS_POLL] = "a polled file",
	[PIPE] = "a pipe", [POLLER] = "a polled descriptor", [PROCESS] = "a child process", [TCP] = "a TCP socket",
	[TIMER] = "a timer", [TTY] = "a terminal", [UDP] = "a UDP socket", [SIGNAL] = "a signal handler",
};

static bool is_loop(struct lang_mem *m, uint64_t loop)
{
	uint64_t first = loop ? lang_u64(m, loop + LOOP_QUEUE) : 0;

	return first && (first == loop + LOOP_QUEUE || lang_u64(m, first - HANDLE_QUEUE + HANDLE_LOOP) == loop);
}

/* By name where the build has its symbols; else uv_default_loop() begins with a look at the pointer to it. */
static uint64_t loop_find(struct native *n, struct module *mod, struct lang_mem *m)
{
	uint64_t code = native_symbol(n, mod, "uv_default_loop");
	unsigned char b[CODE_BYTES];

	if (!code || !lang_read(m, code, b, sizeof(b)))
		return 0;
#if defined(__x86_64__)
	for (size_t i = 0; i + 8 <= sizeof(b); i++) {
		uint64_t at = 0, loop;

		/* mov rax, [rip + d]; cmp qword [rip + d], 0 */
		if ((b[i] == 0x48 || b[i] == 0x4c) && b[i + 1] == 0x8b && (b[i + 2] & 0xc7) == 5)
			at = code + i + 7 + (uint64_t)(int64_t)(int32_t)bytes_u32(b, sizeof(b), i + 3);
		else if (b[i] == 0x48 && b[i + 1] == 0x83 && b[i + 2] == 0x3d)
			at = code + i + 8 + (uint64_t)(int64_t)(int32_t)bytes_u32(b, sizeof(b), i + 3);
		loop = at ? lang_u64(m, at) : 0;
		if (is_loop(m, loop))
			return loop;
	}
#else
	for (size_t i = 0; i + 8 <= sizeof(b); i += 4) {
		uint32_t page = bytes_u32(b, sizeof(b), i);
		uint64_t pages = (uint64_t)(page >> 5 & 0x7ffff) << 2 | (page >> 29 & 3), base;

		if ((page & 0x9f000000) != 0x90000000)
			continue;
		base = ((code + i) & ~UINT64_C(0xfff)) + ((pages ^ 0x100000) - 0x100000) * 4096;
		for (size_t k = i + 4; k + 4 <= sizeof(b); k += 4) {
			uint32_t load = bytes_u32(b, sizeof(b), k);
			uint64_t loop;

			if ((load & 0xffc00000) != 0xf9400000 || (load >> 5 & 31) != (page & 31))
				continue;
			loop = lang_u64(m, base + (load >> 10 & 0xfff) * 8);
			if (is_loop(m, loop))
				return loop;
		}
	}
#endif
	return 0;
}

static void timer_words(struct lang_mem *m, uint64_t h, struct str *out)
{
	int64_t left = (int64_t)lang_u64(m, h + TIMER_DUE) - clock_mono_ns() / NS_PER_MS;
	uint64_t repeat = lang_u64(m, h + TIMER_REPEAT);

	str_addf(out, "a timer due in %.1f s", left > 0 ? (double)left / 1000 : 0.0);
	if (repeat && repeat < 1000000000)
		str_addf(out, ", every %.1f s", (double)repeat / 1000);
}

static void handle_words(struct native *n, struct lang_mem *m, uint64_t h, uint32_t type, struct str *out)
{
	char target[200], name[32];
	int fd = -1;

	if (type == TIMER) {
		timer_words(m, h, out);
		return;
	}
	str_add(out, type_words[type]);
	if (type == PROCESS)
		str_addf(out, " (pid %d)", (int)lang_u32(m, h + PROCESS_PID));
	else if (type == TCP || type == PIPE || type == TTY)
		fd = (int)lang_u32(m, h + STREAM_FD);
	else if (type == SIGNAL)
		str_addf(out, " (signal %d)", (int)lang_u32(m, h + SIGNAL_NUMBER));
	if (fd < 0 || fd > 1 << 20)
		return;
	snprintf(name, sizeof(name), "fd/%d", fd);
	if (proc_link_read(n->p->pid, name, target, sizeof(target)) > 0)
		str_addf(out, " (fd %d)", fd);
}

char *node_loop_words(struct native *n, struct module *mod, struct lang_mem *m, bool *due, bool *alone)
{
	uint64_t loop = loop_find(n, mod, m), head = loop + LOOP_QUEUE, at;
	uint32_t requests = loop ? lang_u32(m, loop + LOOP_REQUESTS) : 0;
	struct str out = STR_INIT;
	unsigned named = 0, more = 0;

	*due = false;
	*alone = true;
	if (!loop)
		return NULL;
	at = lang_u64(m, head);
	for (unsigned i = 0; at && at != head && i < HANDLES_MAX; i++, at = lang_u64(m, at)) {
		uint64_t h = at - HANDLE_QUEUE;
		uint32_t type = lang_u32(m, h + HANDLE_TYPE), flags = lang_u32(m, h + HANDLE_FLAGS);

		if (lang_u64(m, h + HANDLE_LOOP) != loop || type >= TYPES || !type_words[type] ||
		    (flags & (FLAG_ACTIVE | FLAG_REF | FLAG_INTERNAL)) != (FLAG_ACTIVE | FLAG_REF))
			continue;
		*due |= type == TIMER;
		*alone &= type == TIMER;
		if (named == HANDLES_NAMED) {
			more++;
			continue;
		}
		str_add(&out, named++ ? ", " : "");
		handle_words(n, m, h, type, &out);
	}
	if (more)
		str_addf(&out, " and %u more", more);
	if (requests && requests < 1 << 20)
		str_addf(&out, "%s%u request%s under way", named ? ", " : "", requests, requests > 1 ? "s" : "");
	if (!named && !requests)
		str_add(&out, "nothing");
	if (!*due)
		str_add(&out, "; no timer is due");
	return str_steal(&out);
}
