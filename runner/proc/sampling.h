/* SPDX-License-Identifier: Apache-2.0 */
/* sampling.h - the sampler of a run: a program beside it, started by the front, told of each command's start, ended before
 * the trace is sealed. Internal to runner/proc. */
#ifndef RUNNER_PROC_SAMPLING_H
#define RUNNER_PROC_SAMPLING_H

#include "base/err.h"
#include "trace/emit.h"

#include <stdint.h>
#include <sys/types.h>

struct context;
struct strv;

/* --collect as a list of the table's names; a bad one is ERR_USAGE. Also whether --sample-with can be had. */
int sampling_check(struct context *c, struct err *e);
/* Before the fork: both ends. 0 or -1. */
int sampling_prepare(struct context *c, struct err *e);
/* The words that the sampler is started with; finish: to make the profile out of a log alone. */
void sampling_words(struct context *c, pid_t root, bool finish, struct strv *argv);
/* In the front. */
void sampling_start(struct context *c, pid_t supervisor);
/* In the supervisor, before its first command: waits until all that begins is seen, for a bounded time. */
void sampling_ready(struct context *c);
void sampling_command(struct context *c, pid_t pid, span_id wait_span);
/* Before a command that has ended is reaped: how much CPU time it and its children used. */
void sampling_ended(struct context *c, pid_t pid);
/* What it says meanwhile. */
void sampling_readable(struct context *c, int64_t now_ns);
/* Collectors of Python programs that are arranged at their start (sampling_hooks.c). */
int sampling_hooks_write(struct context *c, struct err *e);
void sampling_hooks_environment(struct context *c, struct strv *envp);
void sampling_hooks_remove(struct context *c);
/* No command runs any more: the profile is written, for a bounded time; out of the log where the sampler is gone. */
void sampling_finish(struct context *c);

#endif
