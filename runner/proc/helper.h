/* SPDX-License-Identifier: Apache-2.0 */
/* helper.h - our other programs (libexec), run beside the supervisor with a deadline:
 * whatever may hang, crash or take long. */
#ifndef RUNNER_PROC_HELPER_H
#define RUNNER_PROC_HELPER_H

#include "base/err.h"
#include "runner/config/options.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Full path of spec-runner-NAME, or NULL where it is not installed. Caller frees. */
char *helper_path(const char *name);

/* The environment of a helper, with every name and pattern that the user gave: a helper hides the same. Not in
 * its arguments, which every user of the machine can read. */
void helper_environment(struct strv *out, char *const envp[], const struct options *o);

/* Where a helper finds the descriptor that it was handed. */
#define HELPER_FD 3

/* Starts it with stdin /dev/null. out_fd: its stdout, -1 /dev/null; pass_fd: its HELPER_FD, -1 none; stderr is
 * ours, or /dev/null where silent. Default signals, own process group, ordinary priority. argv[0] is replaced by the
 * path. Returns its pid or -1. */
pid_t helper_start(const char *name, char *const argv[], char *const envp[], int out_fd, int pass_fd, bool silent,
		   struct err *e);

/* Waits until the absolute time; KILLs and reaps it then. Returns its exit code, or -1 (killed, signal). */
int helper_wait(pid_t pid, int64_t until_ns);

/* The same, but sooner where the front hands a cancel over meanwhile (contract 3: all is over within
 * 7 s): its signal goes to *cancel, and the helper has half a second more. link: -1 none. */
int helper_wait_cancel(pid_t pid, int64_t until_ns, int link, int *cancel);

#endif
