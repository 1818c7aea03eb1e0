/* SPDX-License-Identifier: Apache-2.0 */
/* plugins.h - collectors of others: any executable spec-runner-collector-NAME, started beside the command with
 * `--pid PID --out DIR --until-eof`. Its standard input ends when the command does; then it has five seconds to leave
 * DIR/artifact.json (the five members of a ProfileArtifact are enough) and raw files, which move to raw/RUN_ID/. */
#ifndef RUNNER_SAMPLED_PLUGINS_H
#define RUNNER_SAMPLED_PLUGINS_H

#include "profile/sample/output.h"

enum { PLUGINS_MAX = 8 };
struct plugin {
	char *name, *program, *dir;
	pid_t pid;        /* 0: not started, or ended */
	int input;        /* the end that it reads from; -1 */
	int status;       /* of its end */
	bool started, ended, timed_out;
	char failed[200]; /* it could not be started, and why; "" */
};
struct plugins {
	struct plugin v[PLUGINS_MAX];
	size_t n;
};

/* The program of a collector of that name; NULL if there is none. Caller frees. */
char *collector_program(const char *name);
/* Those of the session's list that are not in the table. */
void plugins_find(struct plugins *p, const struct sample_session *x);
/* pid: of the command. Once. */
void plugins_start(struct plugins *p, const struct sample_session *x, pid_t pid);
/* A child that is not ours otherwise has ended. */
void plugins_child(struct plugins *p, pid_t pid, int status);
/* The command has ended: waits for all of them, at most five seconds. */
void plugins_end(struct plugins *p);
/* Takes what they left over, redacted: each has its artifact then. 0 or -1. */
int plugins_take(struct plugins *p, const struct sample_session *x, struct redactor *r, struct err *e);
void plugins_release(struct plugins *p);

#endif
