/* stream.c - finds where pieces of JSON begin and end; what stands in a piece is parsed by whoever
 * wants it. Strings and brackets are all that must be understood for that. */
#include "findings/stream.h"

#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUF_BYTES ((size_t)256 * 1024)
#define DEPTH_MAX 256

int json_stream_open(struct json_stream *s, const char *path, struct err *e)
{
	memset(s, 0, sizeof(*s));
	s->name = path;
	s->first = true;
	s->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (s->fd < 0)
		return err_sys(e, "opening '%s'", path);
	s->buf = xmalloc(BUF_BYTES);
	return 0;
}

void json_stream_close(struct json_stream *s)
{
	fd_close(&s->fd);
	free(s->buf);
	str_release(&s->key);
	str_release(&s->piece);
}

/* More bytes behind s->pos; 1, 0 at the end of the file, -1. */
static int fill(struct json_stream *s, struct err *e)
{
	ssize_t n;

	if (s->pos < s->len)
		return 1;
	s->offset += s->len;
	s->pos = s->len = 0;
	do
		n = read(s->fd, s->buf, BUF_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_sys(e, "reading '%s'", s->name);
	s->len = (size_t)n;
	return n > 0;
}

static int damaged(struct json_stream *s, struct err *e, const char *what)
{
	return err_set(e, ERR_FAILURE, "'%s' is no sealed trace: %s at byte %llu", s->name, what,
		       (unsigned long long)(s->offset + s->pos));
}

/* The next byte that is no blank, not taken; 0 at the end of the file, -1. */
static int peek(struct json_stream *s, struct err *e)
{
	int rc;

	while ((rc = fill(s, e)) > 0) {
		char c = s->buf[s->pos];

		if (c != ' ' && c != '\n' && c != '\r' && c != '\t')
			return (unsigned char)c;
		s->pos++;
	}
	return rc;
}

static int keep(struct json_stream *s, const char *from, size_t n, struct err *e)
{
	if (s->piece.len + n > STREAM_PIECE_MAX)
		return err_set(e, ERR_FAILURE, "'%s' holds a value of more than %zu bytes", s->name,
			       STREAM_PIECE_MAX);
	str_addn(&s->piece, from, n);
	return 0;
}

struct scan {
	int depth;
	bool string, escape;
};

/* How far the present value reaches in p[0..n); *done once it ended there. */
static size_t scan_some(struct scan *c, const char *p, size_t n, bool *done)
{
	size_t i = 0;

	for (; i < n; i++) {
		char ch = p[i];

		if (c->string) {
			if (c->escape)
				c->escape = false;
			else if (ch == '\\')
				c->escape = true;
			else if (ch == '"') {
				c->string = false;
				if (!c->depth)
					goto behind;
			}
			continue;
		}
		switch (ch) {
		case '"':
			c->string = true;
			break;
		case '{':
		case '[':
			if (++c->depth > DEPTH_MAX)
				goto here;
			break;
		case '}':
		case ']':
			if (!c->depth)
				goto here; /* closes what is around a scalar */
			if (--c->depth == 0)
				goto behind;
			break;
		case ',':
		case ' ':
		case '\n':
		case '\r':
		case '\t':
			if (!c->depth)
				goto here;
			break;
		default:
			break;
		}
	}
	return i;
behind:
	i++;
here:
	*done = true;
	return i;
}

int json_stream_value(struct json_stream *s, struct err *e)
{
	struct scan c = { 0 };
	bool done = false;
	int rc = peek(s, e);

	str_reset(&s->piece);
	if (rc <= 0)
		return rc < 0 ? rc : damaged(s, e, "a value is missing");
	while (!done && (rc = fill(s, e)) > 0) {
		size_t n = scan_some(&c, s->buf + s->pos, s->len - s->pos, &done);

		if (keep(s, s->buf + s->pos, n, e) < 0)
			return -1;
		s->pos += n;
	}
	if (rc < 0)
		return rc;
	if (!done || c.depth || !s->piece.len)
		return damaged(s, e, "a value ends too early");
	return 0;
}

int json_stream_member(struct json_stream *s, struct err *e)
{
	int c = peek(s, e);

	if (c < 0)
		return c;
	if (s->first) {
		s->empty = c == 0;
		if (c != '{')
			return damaged(s, e, "no object begins");
		s->pos++;
		c = peek(s, e);
	} else if (c == ',') {
		s->pos++;
		c = peek(s, e);
	} else if (c != '}') {
		return c < 0 ? c : damaged(s, e, "',' or '}' is missing");
	}
	if (c == '}') {
		s->pos++;
		return 0;
	}
	s->first = false;
	if (c != '"')
		return c < 0 ? c : damaged(s, e, "a key is missing");
	if (json_stream_value(s, e) < 0)
		return -1;
	str_reset(&s->key);
	str_addn(&s->key, s->piece.data + 1, s->piece.len - 2);
	c = peek(s, e);
	if (c != ':')
		return c < 0 ? c : damaged(s, e, "':' is missing");
	s->pos++;
	return 1;
}

int json_stream_is_array(struct json_stream *s, struct err *e)
{
	int c = peek(s, e);

	return c < 0 ? c : c == '[';
}

int json_stream_element(struct json_stream *s, struct err *e)
{
	int c = peek(s, e);

	if (c < 0)
		return c;
	if (!s->in_array) {
		if (c != '[')
			return damaged(s, e, "no array begins");
		s->pos++;
		s->in_array = true;
		c = peek(s, e);
		if (c == ']')
			goto end;
	} else if (c == ']') {
		goto end;
	} else if (c == ',') {
		s->pos++;
		c = peek(s, e);
	} else {
		return damaged(s, e, "',' or ']' is missing");
	}
	if (c == ',' || c == ']' || c == '}')
		return damaged(s, e, "an element is missing");
	return json_stream_value(s, e) < 0 ? -1 : 1;
end:
	s->pos++;
	s->in_array = false;
	return 0;
}
