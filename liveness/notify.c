#include "liveness/notify.h"

#include <string.h>

/* Bytes of the well-formed UTF-8 character (RFC 3629) at s, 0 where there is none. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
	size_t want = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;

	if (want == 0 || want > n)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
	    (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return want;
}

static void status_set(struct notify *n, const char *value, size_t len)
{
	const unsigned char *s = (const unsigned char *)value;
	size_t at = 0;

	for (size_t i = 0, step; i < len; i += step) {
		size_t w = utf8_len(s + i, len - i);
		/* C1 controls (U+0080 to U+009F) move a terminal's cursor as well as C0 ones do. */
		bool plain = w > 0 && !(w == 1 && (s[i] < 0x20 || s[i] == 0x7f)) &&
			!(w == 2 && s[i] == 0xc2 && s[i + 1] < 0xa0);
		size_t out = plain ? w : 1;

		step = w ? w : 1;
		if (at + out >= sizeof(n->status))
			break;
		if (plain)
			memcpy(n->status + at, s + i, w);
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
