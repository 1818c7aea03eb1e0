/* SPDX-License-Identifier: Apache-2.0 */
/* libexec.h - finds verbs that are programs of their own, as git's are (the supervisor stays
 * dull). Looked for beside our own program (../libexec/spec-runner, then .artifacts/libexec of a
 * development tree), in SPEC_RUNNER_LIBEXECDIR if a distribution compiled one in, and on PATH. */
#ifndef RUNNER_CONFIG_LIBEXEC_H
#define RUNNER_CONFIG_LIBEXEC_H

/* Path of "spec-runner-NAME", NULL if it is not installed. Caller frees. */
char *libexec_find(const char *name);

/* For a program of libexec: the main program that belongs to it, NULL if there is none. Caller frees. */
char *libexec_main_program(void);

/* A file beside the running program, NULL if it cannot be read. Caller frees. */
char *libexec_beside(const char *name);

#endif
