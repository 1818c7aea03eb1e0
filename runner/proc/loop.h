/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - where events come from: descriptors, SIGCHLD, one timer. It knows nothing of commands.
 * Internal to runner/proc. */
#ifndef RUNNER_PROC_LOOP_H
#define RUNNER_PROC_LOOP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum source { SRC_SIGNAL = 1, SRC_TIMER, SRC_LINK, SRC_STREAM, SRC_OUTLET, SRC_NOTIFY, SRC_NAMESPACE, SRC_SAMPLER,
	      SRC_PRINT };

struct loop_event {
	enum source source;
	int slot, which; /* as given to loop_watch */
};

struct loop {
	int epoll_fd, signal_fd, timer_fd;
	int64_t armed_ns; /* what the timer is set to; -1: not known */
};

/* Most events of one wait: the others come with the next. */
#define LOOP_EVENTS_MAX 32

/* SIGCHLD must be blocked. 0 or -1; loop_release is due in both cases. */
int loop_init(struct loop *l, struct err *e);
void loop_release(struct loop *l);

/* events: EPOLLIN or EPOLLOUT. 0, or -1 with errno (no memory, a file that cannot be polled). */
int loop_watch(struct loop *l, int fd, uint32_t events, enum source source, int slot, int which);
void loop_forget(struct loop *l, int fd);

/* Waits until something comes or due_ns (absolute, TIME_NEVER) has passed; with poll not at all. Returns the number
 * of events, each source read empty where it is the loop's own (signals, the timer). */
int loop_wait(struct loop *l, int64_t due_ns, bool poll, struct loop_event ev[LOOP_EVENTS_MAX]);

#endif
