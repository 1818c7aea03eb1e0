/* SPDX-License-Identifier: Apache-2.0 */
/* v8_stack.c - which frames of JavaScript lie in a copied stack, and which of them are live.
 *
 * A frame of compiled code is named by the address to which its last call returns. That call has saved the frame's fp, with
 * the address right above it; but a slot that the frame has not written yet may hold the same of an earlier call. Where
 * there are several, each is named, and the chain of frames tells which one is meant. */
#include "profile/lang/v8.h"

#include <stdlib.h>

enum { JIT_FRAME_MAX = 4096, RETURN_REACH = 4096, RETURNS_MAX = 4 };

static uint64_t word_at(const struct v8_stack *s, uint64_t addr)
{
	return addr < s->base ? 0 : bytes_u64(s->bytes, s->n, addr - s->base);
}

/* The different addresses to which calls of a frame may return, the nearest first. At least one, 0: unknown. */
static size_t returns_into(const struct v8_stack *s, uint64_t fp, uint64_t out[RETURNS_MAX])
{
	size_t count = 0;

	out[0] = 0;
	for (uint64_t i = (fp - s->base) & ~UINT64_C(7), steps = 0; i >= 8 && steps < RETURN_REACH; i -= 8, steps++) {
		uint64_t pc = bytes_u64(s->bytes, s->n, i);
		size_t k = 0;

		if (bytes_u64(s->bytes, s->n, i - 8) != fp)
			continue;
		while (k < count && out[k] != pc)
			k++;
		if (k == count && count < RETURNS_MAX)
			out[count++] = pc;
	}
	return count ? count : 1;
}

/* The frames whose fp is `at`: none, one, or one for each function that was inlined there as well; all of that for each
 * address to which it may be returned. [fp] the caller's, [fp - 8] its context (a frame of V8's machinery has a small
 * number there), [fp - 16] the function. */
static size_t frames_at(struct v8 *v, const struct v8_stack *s, uint64_t at, struct v8_frame *out, size_t room)
{
	struct v8_function of = { .function = word_at(s, at + (uint64_t)(int64_t)v->l.fp_function),
				  .bytecode = word_at(s, at + (uint64_t)(int64_t)v->l.fp_bytecode_array) };
	uint64_t offset = word_at(s, at + (uint64_t)(int64_t)v->l.fp_bytecode_offset), pcs[RETURNS_MAX] = { 0 };
	struct v8_frame frame = { .fp = at, .caller = word_at(s, at) };
	size_t ways = 1, count = 0;

	of.shared = v8_is_object(of.function) ? v8_pointer(v, of.function, v->l.function_shared) : 0;
	if (!of.shared || !v8_is_object(word_at(s, at - 8)) || v8_type(v, of.shared) != v->l.type_shared)
		return 0;
	if (!v8_is_object(of.bytecode) || v8_type(v, of.bytecode) != v->l.type_bytecode || !v8_small(offset, &of.raw))
		of.bytecode = 0;
	if (!of.bytecode && at == v->fp)
		pcs[0] = v->pc;
	else if (!of.bytecode)
		ways = returns_into(s, at, pcs);
	for (size_t i = 0; i < ways && count < room; i++) {
		frame.pc = pcs[i];
		count += v8_frame_name(v, &frame, &of, at != v->fp, out + count, room - count);
	}
	return count;
}

size_t v8_frames(struct v8 *v, const struct v8_stack *s, struct v8_frame out[V8_FRAMES_MAX])
{
	uint64_t end = s->base + s->n;
	size_t count = 0;

	for (size_t i = 40; i + 16 <= s->n && count < V8_FRAMES_MAX; i += 8) {
		uint64_t at = s->base + i, saved = bytes_u64(s->bytes, s->n, i);

		if (saved <= at || saved > end + (1 << 20) || saved & 7 || !v8_is_object(bytes_u64(s->bytes, s->n, i - 16)))
			continue;
		count += frames_at(v, s, at, &out[count], V8_FRAMES_MAX - count);
	}
	return count;
}

static bool is_named(const struct v8_frame *frames, size_t at, const struct snap_frame *native, size_t count, uint64_t fp,
		     bool whole)
{
	uint64_t mine = frames[at].fp;

	if (mine == fp)
		return true;
	/* the next frame's stack pointer stands above the saved fp and the return address */
	for (size_t i = 1; i < count; i++)
		if (native[i].sp == mine + 16)
			return true;
	/* code that was made while it ran ends native unwinding: its own frame is the next one, and a small one */
	return !whole && count && native[count - 1].sp && mine >= native[count - 1].sp &&
	       mine - native[count - 1].sp < JIT_FRAME_MAX && (at == 0 || frames[at - 1].fp < native[count - 1].sp);
}

/* To where the call returns that the frame at fp has made: by the frame below it, which is reached from the live one at
 * `from` (0: none) or at which a native frame ends. 0: unknown. */
static uint64_t return_of(const struct v8_stack *s, uint64_t from, uint64_t fp, const struct snap_frame *native,
			  size_t count)
{
	for (uint64_t up = word_at(s, from); from && from < fp; from = up, up = word_at(s, from)) {
		if (up == fp)
			return word_at(s, from + 8);
		if (up <= from)
			break;
	}
	for (size_t i = 0; i < count; i++)
		if (native[i].sp >= 16 && word_at(s, native[i].sp - 16) == fp)
			return word_at(s, native[i].sp - 8);
	return 0;
}

/* Of the frames from `first` to `end`, which have one fp: those of the one address that it is. The count, moved to `to`. */
static size_t frames_choose(struct v8_frame *frames, size_t first, size_t end, uint64_t pc, struct v8_frame *to)
{
	uint64_t chosen = frames[first].pc;
	bool several = frames[end - 1].pc != chosen, known = false;
	size_t kept = 0;

	for (size_t i = first; several && i < end; i++)
		known |= frames[i].pc == pc;
	if (known)
		chosen = pc;
	for (size_t i = first; i < end; i++) {
		if (frames[i].pc != chosen) {
			v8_frame_release(&frames[i]);
			continue;
		}
		to[kept] = frames[i];
		to[kept++].unsure = several && !known;
	}
	return kept;
}

size_t v8_frames_live(struct v8_frame *frames, size_t n, const struct v8_stack *s, const struct snap_frame *native,
		      size_t native_count, uint64_t fp, bool whole)
{
	uint64_t next = 0, last = 0; /* the frame to which the last kept one returns; itself */
	size_t kept = 0;

	for (size_t i = 0, end; i < n; i = end) {
		uint64_t at = frames[i].fp, caller = frames[i].caller;
		bool live = at == next || is_named(frames, i, native, native_count, fp, whole);

		for (end = i + 1; end < n && frames[end].fp == at; end++)
			;
		if (!live) {
			for (size_t k = i; k < end; k++)
				v8_frame_release(&frames[k]);
			continue;
		}
		kept += frames_choose(frames, i, end, return_of(s, last, at, native, native_count), &frames[kept]);
		next = caller;
		last = at;
	}
	return kept;
}
