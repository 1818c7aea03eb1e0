/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/ui/silence.h"

#include "base/clock.h"

void silence_init(struct silence *s, bool on, int64_t now_ns)
{
	s->last_ns = now_ns;
	s->told = false;
	s->due_ns = on ? now_ns + SILENCE_FIRST_NS : TIME_NEVER;
}

void silence_output(struct silence *s, int64_t now_ns)
{
	s->last_ns = now_ns;
	if (s->told) /* the next line lay further ahead */
		s->due_ns = now_ns + SILENCE_FIRST_NS;
	s->told = false;
}

bool silence_step(struct silence *s, int64_t now_ns)
{
	int64_t silent = now_ns - s->last_ns;

	if (now_ns < s->due_ns)
		return false;
	if (silent < SILENCE_FIRST_NS) {
		s->due_ns = s->last_ns + SILENCE_FIRST_NS;
		return false;
	}
	if (!s->told) /* output had come since it was last set */
		s->due_ns = s->last_ns + SILENCE_FIRST_NS;
	s->told = true;
	/* a line that comes late (a stopped machine) does not make the next one late */
	while (s->due_ns <= now_ns) {
		silent = s->due_ns - s->last_ns;
		s->due_ns += silent < SILENCE_MOST_NS ? silent : SILENCE_MOST_NS;
	}
	return true;
}
