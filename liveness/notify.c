/* SPDX-License-Identifier: Apache-2.0 */
#include "liveness/notify.h"

#include "base/utf8.h"

#include <string.h>

static void status_set(struct notify *n, const char *value, size_t len)
{
	size_t at = 0;

	for (size_t i = 0, step; i < len; i += step) {
		size_t w = utf8_sequence(value + i, len - i);
		unsigned char c = (unsigned char)value[i];
		/* C1 controls (U+0080 to U+009F) move a terminal's cursor as well as C0 ones do. */
		bool control = w == 1 ? c < 0x20 || c == 0x7f :
			w == 2 && c == 0xc2 && (unsigned char)value[i + 1] < 0xa0;
		bool keep = w > 0 && !control;
		size_t out = keep ? w : 1;

		step = w ? w : 1;
		if (at + out >= sizeof(n->status))
			break;
		if (keep)
			memcpy(n->status + at, value + i, w);
		else
			n->status[at] = '?';
		at += out;
	}
	n->status[at] = '\0';
	n->has_status = true;
}

static void mainpid_set(struct notify *n, const char *v, size_t len)
{
	int64_t pid = 0;

	if (len == 0 || len > 10)
		return;
	for (size_t i = 0; i < len; i++) {
		if (v[i] < '0' || v[i] > '9')
			return;
		pid = pid * 10 + (v[i] - '0');
	}
	if (pid <= 0 || pid > INT32_MAX)
		return;
	n->has_mainpid = true;
	n->mainpid = pid;
}

static bool line_is(const char *line, size_t len, const char *text)
{
	return len == strlen(text) && memcmp(line, text, len) == 0;
}

static bool line_starts(const char *line, size_t len, const char *text)
{
	return len >= strlen(text) && memcmp(line, text, strlen(text)) == 0;
}

static void line_parse(struct notify *n, const char *line, size_t len)
{
	if (line_is(line, len, "READY=1"))
		n->ready = true;
	else if (line_is(line, len, "WATCHDOG=1"))
		n->watchdog = true;
	else if (line_is(line, len, "STOPPING=1"))
		n->stopping = true;
	else if (line_is(line, len, "RELOADING=1"))
		n->reloading = true;
	else if (line_starts(line, len, "STATUS="))
		status_set(n, line + 7, len - 7);
	else if (line_starts(line, len, "MAINPID="))
		mainpid_set(n, line + 8, len - 8);
	else if (line_starts(line, len, "EXTEND_TIMEOUT_USEC="))
		n->extend_usec = true;
}

bool notify_parse(struct notify *n, const char *buf, size_t len)
{
	memset(n, 0, sizeof(*n));
	for (size_t at = 0; at < len;) {
		const char *nl = memchr(buf + at, '\n', len - at);
		size_t line = nl ? (size_t)(nl - (buf + at)) : len - at;

		line_parse(n, buf + at, line);
		at += line + 1;
	}
	return n->ready || n->watchdog || n->stopping || n->reloading || n->has_status;
}
