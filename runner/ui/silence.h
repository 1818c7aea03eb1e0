/* SPDX-License-Identifier: Apache-2.0 */
/* silence.h - when to break a silence where nobody sees a status line: a log of CI, in which nothing
 * was written for a minute. One line then, after two, four and eight minutes more lines, and from
 * there on one every eight minutes: CI systems end a job that is silent for ten. Pure. */
#ifndef RUNNER_UI_SILENCE_H
#define RUNNER_UI_SILENCE_H

#include <stdbool.h>
#include <stdint.h>

#define SILENCE_FIRST_NS INT64_C(60000000000)
#define SILENCE_MOST_NS (8 * SILENCE_FIRST_NS)

struct silence {
	int64_t last_ns;  /* of the last byte that was written */
	int64_t due_ns;   /* when to look (absolute); TIME_NEVER: off. Output does not move it: that would cost each time */
	bool told;
};

void silence_init(struct silence *s, bool on, int64_t now_ns);
/* Something of the command was written. */
void silence_output(struct silence *s, int64_t now_ns);
/* Is a line due? Then the next one is not before the silence has doubled. */
bool silence_step(struct silence *s, int64_t now_ns);

#endif
