/* SPDX-License-Identifier: Apache-2.0 */
/* err.h - the one error idiom: functions return 0 or a negative number and
 * describe the failure in a `struct err` that is always the last argument and
 * stays untouched on success. Every layer may add one phrase in front; only
 * runner/cli prints. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err_kind {
	ERR_NONE = 0,
	ERR_USAGE,   /* the user's input is wrong: exit code 2 (contract 2) */
	ERR_FAILURE, /* we or the machine failed: exit code 125 (contract 3) */
};

struct err {
	enum err_kind kind;
	int sys; /* errno of the failing call, 0 where there was none */
	char msg[600];
};

/* Describe a failure. Returns -1, so that callers can `return err_set(...)`. */
int err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ERR_FAILURE with errno's text appended (": No space left on device"). Returns -1. */
int err_sys(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Put "phrase: " in front of what is there. Returns -1. */
int err_add(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A bug in this program, never a failure of its surroundings: say where and abort. */
#define BUG_ON(cond) ((cond) ? bug_at(__FILE__, __LINE__, #cond) : (void)0)
void bug_at(const char *file, int line, const char *cond) __attribute__((noreturn));

#endif
