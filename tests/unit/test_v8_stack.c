/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled code keeps slots that it has not written yet: an old call's saved frame pointer and return address in them must
 * not name the frame. */
#include "profile/lang/v8.h"

#include "base/mem.h"
#include "tests/tap.h"

#include <string.h>

enum { BASE = 0x10000, WORDS = 64, NOW = 0x5000, BEFORE = 0x5100 };

static uint64_t at(size_t word)
{
	return BASE + 8 * word;
}

static struct v8_frame frame(size_t fp, size_t caller, const char *function, uint64_t pc)
{
	return (struct v8_frame){ .fp = at(fp), .caller = at(caller), .function = xstrdup(function), .pc = pc };
}

static void release(struct v8_frame *frames, size_t n)
{
	for (size_t i = 0; i < n; i++)
		v8_frame_release(&frames[i]);
}

int main(void)
{
	uint64_t words[WORDS] = { [10] = 0, [20] = 0, [30] = 0 };
	struct v8_stack s = { BASE, (const unsigned char *)words, sizeof(words) };
	struct snap_frame native[2] = { { .sp = at(4) }, { .sp = at(12) } };
	struct v8_frame v[5];
	size_t n;

	/* 10, the innermost, was called by 20, which returns to NOW; in a slot of 20 lies what an earlier call has left */
	words[10] = at(20);
	words[11] = NOW;
	words[20] = at(40);
	words[16] = at(20);
	words[17] = BEFORE;
	v[0] = frame(10, 20, "leaf", 0);
	v[1] = frame(20, 40, "old inlined", BEFORE);
	v[2] = frame(20, 40, "old", BEFORE);
	v[3] = frame(20, 40, "inlined", NOW);
	v[4] = frame(20, 40, "caller", NOW);
	n = v8_frames_live(v, 5, &s, native, 2, 0, true);
	is_int(n, 3, "one frame of two names, and the one that it has called");
	ok(n == 3 && !strcmp(v[1].function, "inlined") && !strcmp(v[2].function, "caller"), "are those to which the live call returns");
	ok(n == 3 && !v[1].unsure && !v[2].unsure, "for sure");
	release(v, n);

	/* code of V8's own stands between */
	words[10] = at(14);
	words[14] = at(20);
	words[15] = NOW;
	v[0] = frame(10, 14, "leaf", 0);
	v[1] = frame(20, 40, "old", BEFORE);
	v[2] = frame(20, 40, "caller", NOW);
	native[0].sp = at(22);
	n = v8_frames_live(v, 3, &s, native, 2, at(20), true);
	ok(n == 2 && !strcmp(v[1].function, "caller") && !v[1].unsure, "also through a frame that is none of JavaScript's");
	release(v, n);

	/* nothing below it is known */
	words[10] = 0;
	v[0] = frame(20, 40, "old", BEFORE);
	v[1] = frame(20, 40, "caller", NOW);
	native[0].sp = native[1].sp = 0;
	n = v8_frames_live(v, 2, &s, native, 2, at(20), true);
	ok(n == 1 && v[0].unsure, "what cannot be told is marked");
	release(v, n);
	v[0] = frame(20, 40, "caller", NOW);
	n = v8_frames_live(v, 1, &s, native, 2, at(20), true);
	ok(n == 1 && !v[0].unsure, "but not where there is one address alone");
	release(v, n);
	return tap_done();
}
