#include "runner/ui/silence.h"

#include "base/clock.h"

void silence_init(struct silence *s, bool on, int64_t now_ns)
{
	s->last_ns = now_ns;
	s->due_ns = on ? now_ns + SILENCE_FIRST_NS : TIME_NEVER;
}

void silence_output(struct silence *s, int64_t now_ns)
{
	s->last_ns = now_ns;
	if (s->due_ns != TIME_NEVER)
		s->due_ns = now_ns + SILENCE_FIRST_NS;
}

bool silence_step(struct silence *s, int64_t now_ns)
{
	int64_t silent = now_ns - s->last_ns;

	if (now_ns < s->due_ns)
		return false;
	/* a line that comes late (a stopped machine) does not make the next one late */
	while (s->due_ns <= now_ns) {
		silent = s->due_ns - s->last_ns;
		s->due_ns += silent < SILENCE_MOST_NS ? silent : SILENCE_MOST_NS;
	}
	return true;
}
