/* stream.h - a large JSON object read piece by piece: its members one after another, and the
 * elements of a member's array one after another. Memory is that of the largest piece. */
#ifndef FINDINGS_STREAM_H
#define FINDINGS_STREAM_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

#define STREAM_PIECE_MAX ((size_t)64 << 20)

struct json_stream {
	int fd;
	char *buf;
	size_t pos, len;
	const char *name;    /* for messages */
	uint64_t offset;     /* of buf[0] in the file */
	struct str key;      /* of the present member, still escaped */
	struct str piece;    /* the present value or element, as JSON text */
	bool in_array, first;
	bool empty;          /* the file held nothing but blanks */
};

int json_stream_open(struct json_stream *s, const char *path, struct err *e);
void json_stream_close(struct json_stream *s);

/* The next member: 1 with s->key, 0 at the end of the object, -1. Its value must then be taken
 * by json_stream_value or json_stream_elements. */
int json_stream_member(struct json_stream *s, struct err *e);
/* Takes the whole value into s->piece. */
int json_stream_value(struct json_stream *s, struct err *e);
/* Is the value that comes next an array? */
int json_stream_is_array(struct json_stream *s, struct err *e);
/* The next element of the array into s->piece: 1, 0 behind the last, -1. */
int json_stream_element(struct json_stream *s, struct err *e);

#endif
