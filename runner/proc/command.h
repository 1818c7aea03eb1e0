/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - one supervised command, from its start to its end.
 *
 * Nothing here signals, ends or frees it: every event goes through its watchdog, and what that wants done is kept as
 * pending until supervisor_settle() (act.h). So a handler may go on using a command whatever it has just told it.
 * Internal to runner/proc; the fields are in command_state.h. */
#ifndef RUNNER_PROC_COMMAND_H
#define RUNNER_PROC_COMMAND_H

#include "liveness/watchdog.h"
#include "runner/proc/shared.h"
#include "runner/proc/work.h"

struct supervisor;
struct command;
struct use;

/* Starts it in a free slot. Where that fails the end is pending, and is reported as every other end. spec is copied;
 * what it points to lives until the work's done(). */
void command_start(struct supervisor *s, int slot, const struct command_spec *spec, int64_t now_ns);
/* In the front, after the supervisor died: the command that was running, to be ended. Takes the streams over. */
void command_adopt(struct supervisor *s, int stream_fd[STREAM_COUNT], int64_t now_ns);
/* Frees it and its slot. Only from supervisor_settle. */
void command_free(struct supervisor *s, struct command *c);

/* Feeds the watchdog; what it wants done becomes pending. arg: of the event (watchdog.h). */
void command_event(struct supervisor *s, struct command *c, enum wd_event ev, int arg, int64_t now_ns);

/* Its stream `which` (STREAM_OUT, STREAM_ERR) can be read; our outlet for it can be written. */
void command_read(struct supervisor *s, struct command *c, int which, int64_t now_ns);
void command_flush(struct supervisor *s, struct command *c, int which, int64_t now_ns);
void command_notified(struct supervisor *s, struct command *c, int64_t now_ns);
/* The init of its PID namespace says that the command has exited. */
void command_namespace(struct supervisor *s, struct command *c, int64_t now_ns);
void command_reaped(struct supervisor *s, struct command *c, int wait_status, int64_t now_ns);
/* Job control stopped it (sig), or it runs again (0). */
void command_stopped(struct supervisor *s, struct command *c, int sig, int64_t now_ns);
void command_continued(struct supervisor *s, struct command *c, int64_t now_ns);
/* The user's shell has brought us back to the front. */
void command_resume(struct supervisor *s, struct command *c, int64_t now_ns);
/* The look `id` is over. */
void command_looked(struct supervisor *s, struct command *c, int id, int64_t now_ns);
/* Reads its output for tests where that is due; a test that outlived its limit ends it. over: all output is there. */
void command_tests(struct supervisor *s, struct command *c, bool over, int64_t now_ns);
/* Is the tree empty, are the streams at their end? Then the watchdog hears of it, once each. */
void command_check(struct supervisor *s, struct command *c, int64_t now_ns);
/* Whatever of it is due by the clock. */
void command_time(struct supervisor *s, struct command *c, int64_t now_ns);
/* When command_time wants to be called at the latest (absolute). */
int64_t command_due(const struct command *c);

/* When command_time must be called, so that a limit is kept (absolute, TIME_NEVER). */
int64_t command_must(const struct command *c);
/* What the front needs in order to go on with it. */
void command_pulse(const struct command *c, struct shared_pulse *p);

/* A process of its tree runs a command line not seen before: progress at the next tick. */
void command_line_seen(struct command *c, const char *cmdline, size_t n, bool is_own_start);
/* True once after command_line_seen found a new one. */
bool command_has_new_process(struct command *c);
/* What its tree has used, and samples of it. */
struct use *command_use(struct command *c);
/* Does it compute? Tells its watchdog, at level strict. By the use as of the last walk. */
void command_busy(struct supervisor *s, struct command *c, int64_t now_ns);
/* Bytes since the last call, as io.read and io.write events (level detailed). */
void command_io_totals(struct supervisor *s, struct command *c, int64_t now_ns);

int command_slot(const struct command *c);
uint32_t command_serial(const struct command *c);   /* its owner number in the tree */
pid_t command_pid(const struct command *c);         /* -1: it could not be started */
bool command_is_running(const struct command *c);   /* started and not yet reaped */
bool command_is_user(const struct command *c, const void *user); /* whose work it is */
void *command_user(const struct command *c);
bool command_passes_through(const struct command *c); /* its output is ours; else it is kept for the caller */
bool command_is_being_ended(const struct command *c); /* by us, for whatever reason */
bool command_is_healthy(const struct command *c);   /* nothing has begun to end it, nor has it exited */
span_id command_span(const struct command *c);      /* subprocess.wait, 0 none */
/* Is this its TRACEPARENT (without a NUL)? */
bool command_has_traceparent(const struct supervisor *s, const struct command *c, const char *env, size_t n);

#endif
