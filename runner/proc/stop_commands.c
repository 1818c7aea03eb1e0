/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/proc/stop_commands.h"

#include "base/clock.h"
#include "runner/proc/outlet.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

bool stop_commands_wanted(const struct options *o, char *const envp[])
{
	if (!o->stop_commands)
		return false;
	for (; envp && *envp; envp++)
		if (strcmp(*envp, "GITHUB_ACTIONS=true") == 0)
			return true;
	return false;
}

static void token_make(char token[STOP_TOKEN_SIZE])
{
	unsigned char bytes[(STOP_TOKEN_SIZE - 1) / 2];

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(token, STOP_TOKEN_SIZE, bytes, sizeof(bytes));
}

void stop_commands_wrap(struct str *out, const char *text, size_t n)
{
	char token[STOP_TOKEN_SIZE];

	token_make(token);
	str_addf(out, "::stop-commands::%s\n", token);
	str_addn(out, text, n);
	str_addf(out, "%s::%s::\n", n && text[n - 1] != '\n' ? "\n" : "", token);
}

/* A line of its own, whatever stands before it. The queue holds two lines at most: nothing of a command is
 * written before the line that opens its pair, which is taken back where the command ends before that. */
static void queue_line(struct stop_commands *s, bool mid_line, const char *before, const char *after)
{
	bool fresh = s->at == s->len && mid_line;

	memmove(s->lines, s->lines + s->at, s->len - s->at);
	s->len -= s->at;
	s->at = 0;
	s->len += (unsigned)snprintf(s->lines + s->len, sizeof(s->lines) - s->len, "%s%s%s%s\n", fresh ? "\n" : "",
				     before, s->token, after);
	BUG_ON(s->len >= sizeof(s->lines));
}

void stop_commands_begin(struct stop_commands *s, bool mid_line)
{
	token_make(s->token);
	s->opens_at = s->len - s->at;
	queue_line(s, mid_line, "::stop-commands::", "");
}

void stop_commands_end(struct stop_commands *s, bool mid_line)
{
	if (!s->token[0])
		return;
	if (s->at <= s->opens_at && s->opens_at < s->len)
		s->len = s->opens_at; /* not a byte of the pair was written */
	else
		queue_line(s, mid_line, "::", "::");
	s->token[0] = '\0';
}

bool stop_commands_flush(struct stop_commands *s, struct outlet *out)
{
	while (s->at < s->len) {
		ssize_t n = outlet_write(out, s->lines + s->at, s->len - s->at);

		if (n == 0)
			return false;
		s->at = n < 0 ? s->len : s->at + (unsigned)n; /* where nobody reads, nobody obeys */
	}
	return true;
}

void stop_commands_finish(struct stop_commands *s, struct outlet *out, int64_t until_ns)
{
	while (!stop_commands_flush(s, out)) {
		struct pollfd p = { .fd = out->fd, .events = POLLOUT };
		int64_t left = until_ns - clock_mono_ns();

		if (left <= 0)
			return;
		poll(&p, 1, (int)(left / NS_PER_MS) + 1);
	}
}
