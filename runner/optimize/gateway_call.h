/* SPDX-License-Identifier: Apache-2.0 */
/* gateway_call.h - one request through the gateway's process. */
#ifndef RUNNER_OPTIMIZE_GATEWAY_CALL_H
#define RUNNER_OPTIMIZE_GATEWAY_CALL_H

#include "optimize/call.h"

/* program: spec-runner-gateway; envp: what it may see (no key). Starts it, gives it the call and takes its reply; a process
 * that was killed is a reset connection. -1: it cannot be started. */
int gateway_call(const char *program, char *const envp[], const struct call *c, struct call_reply *r, struct err *e);
/* Waits before the next attempt; false: interrupted. */
bool gateway_wait(int64_t ms);

#endif
