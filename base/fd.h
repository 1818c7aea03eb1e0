/* SPDX-License-Identifier: Apache-2.0 */
/* fd.h - file descriptors: ownership by declaration, whole reads and writes.
 * Every descriptor of ours is close-on-exec. */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <stddef.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* The same number on every processor; the headers of glibc before 2.34 may not have it. */
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static inline void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}
#define auto_close __attribute__((cleanup(fd_close)))

/* Hands a descriptor over: returns *fd and sets it to -1. */
static inline int fd_steal(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

/* Closes first and every higher descriptor; without close_range() (Linux before 5.9) those below 1024. Safe after fork. */
void fd_close_from(int first);

/* Writes all of buf in spite of EINTR. Returns 0, or -1 with errno. */
int fd_write_all(int fd, const void *buf, size_t n);

/* Reads at most n bytes until the end of file. Returns the count, or -1 with errno. */
ssize_t fd_read_full(int fd, void *buf, size_t n);

/* Reads a small file (a /proc file) relative to dirfd into buf and terminates
 * it. Returns the bytes read (< size), or -1 with errno. */
ssize_t fd_read_file(int dirfd, const char *path, char *buf, size_t size);

#endif
