/* SPDX-License-Identifier: Apache-2.0 */
/* outlet.h - our own stdout and stderr: written without ever blocking the supervisor and
 * without touching the O_NONBLOCK flag of a description that others share. */
#ifndef RUNNER_PROC_OUTLET_H
#define RUNNER_PROC_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum outlet_mode {
	OUTLET_GONE,      /* closed at start, or its reader went away: bytes are dropped */
	OUTLET_DIRECT,    /* a file or the like: write(2) does not wait for a reader */
	OUTLET_REOPENED,  /* pipe or terminal, opened again through /proc with O_NONBLOCK */
	OUTLET_SOCKET,    /* send(2) with MSG_DONTWAIT */
	OUTLET_CAREFUL,   /* could not be opened again: poll, then at most PIPE_BUF bytes */
};

struct outlet {
	int fd;           /* what is written to and polled; may equal std_fd */
	int std_fd;       /* 1 or 2 */
	enum outlet_mode mode;
	bool mid_line;    /* the last byte written was not a newline */
	bool is_tty;
	int error;        /* errno of the write that failed for good (not EPIPE), 0 none */
};

/* Who shows something on the terminal that others write on: asked before each write to a terminal of this
 * process, told afterwards. One a process; NULL: nobody. */
struct outlet_watcher {
	bool (*before)(void *ctx, int std_fd); /* false: the terminal takes nothing now, the bytes have to wait */
	void (*after)(void *ctx, int std_fd, const char *p, size_t n);
	void *ctx;
};
void outlet_watch(const struct outlet_watcher *w);
/* For the watcher itself: writes past it, as outlet_write does otherwise. */
ssize_t outlet_write_past(struct outlet *o, const void *p, size_t n);

/* std_fd: 1 or 2; closed: it was closed when we were started. */
void outlet_init(struct outlet *o, int std_fd, bool closed);
void outlet_release(struct outlet *o);

/* Writes what goes now. Returns bytes taken (0: would block), or -1: nobody reads any more
 * (EPIPE) or the write failed for good (o->error): mode is OUTLET_GONE then. With mode GONE all
 * bytes are taken and dropped. */
ssize_t outlet_write(struct outlet *o, const void *p, size_t n);

#endif
