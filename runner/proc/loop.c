/* SPDX-License-Identifier: Apache-2.0 */
/* loop.c - epoll, one signalfd and one timerfd. */
#include "runner/proc/loop.h"

#include "base/clock.h"
#include "base/fd.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

int loop_watch(struct loop *l, int fd, uint32_t events, enum source source, int slot, int which)
{
	struct epoll_event ev = { .events = events };

	ev.data.u64 = (uint64_t)source << 32 | (uint64_t)(unsigned)slot << 8 | (unsigned)which;
	return epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

void loop_forget(struct loop *l, int fd)
{
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

int loop_init(struct loop *l, struct err *e)
{
	sigset_t child;

	l->armed_ns = -1;
	l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	l->signal_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	l->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (l->epoll_fd < 0 || l->signal_fd < 0 || l->timer_fd < 0 ||
	    loop_watch(l, l->signal_fd, EPOLLIN, SRC_SIGNAL, 0, 0) < 0 ||
	    loop_watch(l, l->timer_fd, EPOLLIN, SRC_TIMER, 0, 0) < 0)
		return err_sys(e, "preparing the supervisor's loop");
	return 0;
}

void loop_release(struct loop *l)
{
	fd_close(&l->epoll_fd);
	fd_close(&l->signal_fd);
	fd_close(&l->timer_fd);
}

/* Returns the milliseconds that epoll itself must wait: -1, where the timer does it. */
static int loop_arm(struct loop *l, int64_t due_ns)
{
	struct itimerspec it = { 0 };
	int64_t left;

	if (due_ns == l->armed_ns)
		return -1;
	if (due_ns != TIME_NEVER) {
		int64_t at = due_ns < 1 ? 1 : due_ns; /* 0 would disarm it */

		it.it_value.tv_sec = at / NS_PER_S;
		it.it_value.tv_nsec = at % NS_PER_S;
	}
	if (timerfd_settime(l->timer_fd, TFD_TIMER_ABSTIME, &it, NULL) == 0) {
		l->armed_ns = due_ns;
		return -1;
	}
	/* refused by a filter: epoll counts milliseconds well enough */
	l->armed_ns = -1;
	if (due_ns == TIME_NEVER)
		return -1;
	left = (due_ns - clock_mono_ns()) / NS_PER_MS + 1;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int loop_wait(struct loop *l, int64_t due_ns, bool poll, struct loop_event ev[LOOP_EVENTS_MAX])
{
	struct epoll_event got[LOOP_EVENTS_MAX];
	struct signalfd_siginfo si;
	uint64_t count;
	int ms = loop_arm(l, due_ns);
	int n = epoll_wait(l->epoll_fd, got, LOOP_EVENTS_MAX, poll ? 0 : ms);

	for (int i = 0; i < n; i++) {
		ev[i] = (struct loop_event){ .source = (enum source)(got[i].data.u64 >> 32),
					     .slot = (int)(got[i].data.u64 >> 8 & 0xffffff),
					     .which = (int)(got[i].data.u64 & 0xff) };
		if (ev[i].source == SRC_SIGNAL)
			while (read(l->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
				;
		if (ev[i].source == SRC_TIMER && read(l->timer_fd, &count, sizeof(count)) == sizeof(count))
			l->armed_ns = -1;
	}
	if (n < 0 && errno != EINTR) /* front_check has seen it work: whatever this is, it must not spin */
		(void)ppoll(NULL, 0, &(struct timespec){ .tv_nsec = 10 * NS_PER_MS }, NULL);
	return n < 0 ? 0 : n;
}
