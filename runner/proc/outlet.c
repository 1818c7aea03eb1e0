/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/outlet.h"

#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>

void outlet_init(struct outlet *o, int std_fd, bool closed)
{
	char path[32];
	struct stat st;
	int flags;

	*o = (struct outlet){ .fd = std_fd, .std_fd = std_fd, .mode = OUTLET_DIRECT };
	flags = fcntl(std_fd, F_GETFL);
	if (closed || (flags < 0 && errno == EBADF) || fstat(std_fd, &st) < 0) {
		o->mode = OUTLET_GONE;
		return;
	}
	if (S_ISSOCK(st.st_mode)) {
		o->mode = OUTLET_SOCKET;
		return;
	}
	o->is_tty = isatty(std_fd);
	if (!S_ISFIFO(st.st_mode) && !o->is_tty)
		return;
	if (flags >= 0 && flags & O_NONBLOCK) {
		/* somebody made it so before us: no second description is needed */
		o->mode = OUTLET_REOPENED;
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", std_fd);
	o->fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	o->mode = OUTLET_REOPENED;
	if (o->fd < 0) {
		o->fd = std_fd;
		o->mode = OUTLET_CAREFUL;
	}
}

void outlet_release(struct outlet *o)
{
	if (o->fd >= 0 && o->fd != o->std_fd)
		close(o->fd);
	o->fd = -1;
	o->mode = OUTLET_GONE;
}

static ssize_t outlet_try(struct outlet *o, const void *p, size_t n)
{
	struct pollfd pf = { .fd = o->fd, .events = POLLOUT };

	switch (o->mode) {
	case OUTLET_SOCKET:
		return send(o->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
	case OUTLET_CAREFUL:
		/* POLLOUT promises room for PIPE_BUF bytes, no more */
		if (poll(&pf, 1, 0) <= 0) {
			errno = EAGAIN;
			return -1;
		}
		return write(o->fd, p, n < PIPE_BUF ? n : PIPE_BUF);
	default:
		return write(o->fd, p, n);
	}
}

static const struct outlet_watcher *watcher;

void outlet_watch(const struct outlet_watcher *w)
{
	watcher = w;
}

ssize_t outlet_write(struct outlet *o, const void *p, size_t n)
{
	ssize_t w;

	if (!o->is_tty || !watcher || o->mode == OUTLET_GONE)
		return outlet_write_past(o, p, n);
	if (!watcher->before(watcher->ctx, o->std_fd))
		return 0;
	w = outlet_write_past(o, p, n);
	if (w > 0)
		watcher->after(watcher->ctx, o->std_fd, p, (size_t)w);
	return w;
}

ssize_t outlet_write_past(struct outlet *o, const void *p, size_t n)
{
	ssize_t w;

	if (o->mode == OUTLET_GONE || n == 0)
		return (ssize_t)n;
	do
		w = outlet_try(o, p, n);
	while (w < 0 && errno == EINTR);
	if (w > 0) {
		o->mid_line = ((const char *)p)[w - 1] != '\n';
		return w;
	}
	if (w == 0 || errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	if (errno != EPIPE)
		o->error = errno;
	outlet_release(o);
	return -1;
}
