/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/stream.h"
#include "runner/proc/kernel.h"

#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#define CAPTURE_READ_BYTES 65536

static void stream_init(struct stream *s, int which, int fd)
{
	memset(s, 0, sizeof(*s));
	s->fd = fd;
	s->which = which;
	progress_filter_init(&s->filter, 0);
}

/* Of a pseudo-terminal: tools that repaint count the lines into which theirs wrap. */
static void stream_take_width(struct stream *s)
{
	struct winsize ws;

	if (ioctl(s->fd, TIOCGWINSZ, &ws) == 0)
		s->filter.cols = ws.ws_col;
}

void stream_init_pass(struct stream *s, int which, int fd, bool borrowed, struct shared *sh,
		      struct outlet *outlet)
{
	stream_init_ring(s, which, fd, &sh->ring[which], sh->ring_data[which], sh->ring_bytes, outlet);
	s->borrowed = borrowed;
	if (borrowed && fd >= 0)
		stream_take_width(s);
}

void stream_init_ring(struct stream *s, int which, int fd, struct shared_ring *ring, unsigned char *data, size_t ring_bytes,
		      struct outlet *outlet)
{
	stream_init(s, which, fd);
	s->ring = ring;
	s->data = data;
	s->ring_bytes = ring_bytes;
	s->outlet = outlet;
}

void stream_init_capture(struct stream *s, int which, int fd, size_t keep_max)
{
	stream_init(s, which, fd);
	s->keep_max = keep_max;
}

void stream_close(struct stream *s)
{
	if (!s->borrowed)
		fd_close(&s->fd);
	s->fd = -1;
}

void stream_release(struct stream *s)
{
	stream_close(s);
	str_release(&s->kept);
}

uint64_t stream_owed(const struct stream *s)
{
	return s->ring ? atomic_load(&s->ring->read_total) - atomic_load(&s->ring->written_total) : 0;
}

uint64_t stream_total(const struct stream *s)
{
	return s->total;
}

static enum stream_state stream_got(struct stream *s, ssize_t n)
{
	if (n > 0)
		return STREAM_MORE;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return STREAM_EMPTY;
	/* end of file; EIO from a pseudo-terminal whose last slave is closed means the same */
	s->ended = true;
	return STREAM_END;
}

static enum stream_state stream_read_pass(struct stream *s, size_t *bytes, bool *progress)
{
	uint64_t at = atomic_load_explicit(&s->ring->read_total, memory_order_relaxed);
	size_t pos = (size_t)(at % s->ring_bytes);
	size_t room = s->ring_bytes - pos;
	ssize_t n;

	if (stream_owed(s) >= SHARED_READ_BYTES)
		return STREAM_FULL;
	if (room > SHARED_READ_BYTES)
		room = SHARED_READ_BYTES;
	n = kernel_read(s->fd, s->data + pos, room);
	if (n > 0) {
		*bytes = (size_t)n;
		*progress = progress_filter_bytes(&s->filter, (const char *)s->data + pos, (size_t)n);
		s->total += (uint64_t)n;
		s->reads++;
		atomic_store_explicit(&s->ring->read_total, at + (uint64_t)n, memory_order_release);
	}
	return stream_got(s, n);
}

static enum stream_state stream_read_capture(struct stream *s, size_t *bytes, bool *progress)
{
	static char scratch[CAPTURE_READ_BYTES];
	ssize_t n = kernel_read(s->fd, scratch, sizeof(scratch));

	if (n > 0) {
		size_t room = s->keep_max > s->kept.len ? s->keep_max - s->kept.len : 0;

		*bytes = (size_t)n;
		*progress = progress_filter_bytes(&s->filter, scratch, (size_t)n);
		s->total += (uint64_t)n;
		s->reads++;
		str_addn(&s->kept, scratch, (size_t)n < room ? (size_t)n : room);
	}
	return stream_got(s, n);
}

enum stream_state stream_read(struct stream *s, size_t *bytes, bool *progress)
{
	*bytes = 0;
	*progress = false;
	if (s->fd < 0 || s->ended)
		return STREAM_END;
	return s->ring ? stream_read_pass(s, bytes, progress) : stream_read_capture(s, bytes, progress);
}

ssize_t stream_flush(struct stream *s, bool *owed)
{
	ssize_t done = 0;

	*owed = false;
	if (!s->ring)
		return 0;
	for (;;) {
		uint64_t at = atomic_load_explicit(&s->ring->written_total, memory_order_relaxed);
		uint64_t left = stream_owed(s);
		size_t pos = (size_t)(at % s->ring_bytes);
		size_t part = s->ring_bytes - pos;
		ssize_t w;

		if (left == 0)
			return done;
		if (part > left)
			part = (size_t)left;
		w = outlet_write(s->outlet, s->data + pos, part);
		if (w < 0 && s->outlet->error)
			continue; /* no space or the like: the command goes on, its bytes are dropped */
		if (w < 0) {
			atomic_store(&s->ring->written_total, at + left);
			s->ended = true;
			return -1;
		}
		if (w == 0) {
			*owed = true;
			return done;
		}
		done += w;
		atomic_store_explicit(&s->ring->written_total, at + (uint64_t)w, memory_order_release);
	}
}

void stream_tail(const struct shared_ring *ring, const unsigned char *data, size_t ring_bytes, size_t n,
		 struct str *out)
{
	uint64_t end = atomic_load(&ring->read_total);
	/* what is owed and the space of the next read are never part of a tail */
	size_t most = ring_bytes - SHARED_READ_BYTES;
	size_t pos, first;

	if (n > most)
		n = most;
	if (n > end)
		n = (size_t)end;
	pos = (size_t)((end - n) % ring_bytes);
	first = ring_bytes - pos < n ? ring_bytes - pos : n;
	str_addn(out, data + pos, first);
	str_addn(out, data, n - first);
}
