/* SPDX-License-Identifier: Apache-2.0 */
/* remember.h - a run that ends goes into the history, where the user named a store: its trace is put into the
 * store's spool, and a program of its own takes it in, with a deadline. Whatever goes wrong there is said in one line
 * and changes nothing: the trace stays in the spool, from where the next writer takes it. */
#ifndef RUNNER_PROC_REMEMBER_H
#define RUNNER_PROC_REMEMBER_H

#include "runner/config/options.h"
#include "trace/redact.h"

#include <stdbool.h>
#include <stdint.h>

struct context;

bool remember_wanted(const struct options *o, char *const envp[]);

/* What a run is of, as members of the trace's environment: repo, and where a store is named or the run is nested,
 * parent_run_id, workload_id, device_id, toolchain_id. Redacted. */
void remember_identity(const struct options *o, const char *root, char *const envp[], struct redactor *r, struct str *out);

/* sealed: the trace is at its usual place. Called in the process that seals. */
void remember_run(struct context *c, bool sealed, bool lost, int64_t now_ns);

#endif
