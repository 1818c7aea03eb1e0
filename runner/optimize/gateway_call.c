/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/optimize/gateway_call.h"

#include "base/clock.h"
#include "base/mem.h"
#include "runner/optimize/child.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define SLACK_NS (10 * NS_PER_S)
#define TURN_MS 100

int gateway_call(const char *program, char *const envp[], const struct call *c, struct call_reply *r, struct err *e)
{
	char *argv[] = { (char *)program, "--call", NULL };
	auto_str in = STR_INIT;
	struct child child = { .argv = argv, .envp = envp, .out_max = (size_t)c->g->max_response_bytes + 65536,
			       .until_ns = clock_mono_ns() + clock_ms_to_ns(c->g->timeout_ms) + SLACK_NS };
	struct err why = { 0 };
	int rc;

	call_write(c, &in);
	child.in = str_cstr(&in);
	child.in_len = in.len;
	rc = child_run(&child, e);
	if (rc == 0 && (child.code != 0 || call_reply_read(r, str_cstr(&child.out), child.out.len, &why) < 0)) {
		*r = (struct call_reply){ .outcome = child.late ? CALL_TIMEOUT : CALL_RESET };
		snprintf(r->error, sizeof(r->error), "the gateway ended with %d", child.code);
	}
	memset(in.data, 0, in.len); /* the key was in it */
	child_release(&child);
	return rc;
}

bool gateway_wait(int64_t ms)
{
	int64_t until = clock_mono_ns() + ms * NS_PER_MS;

	while (!child_interrupted && clock_mono_ns() < until)
		poll(NULL, 0, TURN_MS);
	return !child_interrupted;
}
