/* SPDX-License-Identifier: Apache-2.0 */
/* shared.h - the page that our two processes share, and the words they exchange.
 *
 * Everything that the survivor needs in order to go on lies here: which stream bytes were
 * read and written, where the cgroup is, whether the trace is sealed. One process
 * writes a field, the other reads it after the writer's death or after a message. */
#ifndef RUNNER_PROC_SHARED_H
#define RUNNER_PROC_SHARED_H

#include "base/err.h"
#include "runner/proc/stop_commands.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { STREAM_OUT, STREAM_ERR, STREAM_COUNT };

/* A ring holds what was read and not yet written, and behind it the tail. */
struct shared_ring {
	_Atomic uint64_t read_total;    /* bytes read from the command */
	_Atomic uint64_t written_total; /* bytes handed on; the rest of read_total is still owed */
};

/* By this the front sees whether the supervisor still does what is due, and with this it goes on where it does not.
 * Times are absolute and monotonic. Of several commands at once only the times are told. */
struct shared_pulse {
	_Atomic int64_t turn_ns;        /* when the supervisor's last turn began */
	_Atomic int64_t must_ns;        /* at this time it must take a turn, to keep a limit; TIME_NEVER: whenever */
	_Atomic int finishing;          /* the loop is over: it seals and explains */
	_Atomic int64_t start_ns;       /* of the command that runs */
	_Atomic int64_t limit_ns;       /* its own limit, 0 none … */
	_Atomic int limit_token;        /* … and the token of that */
	_Atomic int cause, token;       /* enum wd_cause: why it is being ended, 0: it is not */
};

struct shared {
	_Atomic int sealed;             /* the supervisor has sealed: the result is final */
	_Atomic int exit_code;          /* of the run, when sealed */
	_Atomic int exec_errno[64];     /* by slot: why exec failed, 0 while it did not */
	_Atomic int ns_status[64];      /* by slot: wait status + 1 that a namespace's init saw */
	_Atomic pid_t command_pid;      /* of the pass-through command, 0 none */
	_Atomic int64_t command_boot_ns; /* CLOCK_BOOTTIME when it had just been started */
	_Atomic int guard_pid;          /* 0: not yet, a futex; -1: there is none */
	_Atomic int guard_dismissed;    /* nothing of the tree is left */
	_Atomic int any_spawned;
	struct shared_pulse pulse;
	_Atomic int status_shown;       /* our status lines are below the cursor */
	char cgroup_dir[PATH_MAX];      /* "" none; ours to remove */
	struct shared_ring ring[STREAM_COUNT];
	struct stop_commands stop;
	size_t ring_bytes;              /* of each ring */
	unsigned char *ring_data[STREAM_COUNT];
};

/* The pass-through command is about to be started; it runs now. */
void shared_command_starting(struct shared *s);
void shared_command_started(struct shared *s, pid_t pid);

/* Maps it, shared and zeroed; rings sized for tails of tail_bytes. Lives as long as we do. */
struct shared *shared_new(size_t tail_bytes, struct err *e);

#define SHARED_READ_BYTES ((size_t)256 * 1024)  /* most that one read takes */
#define SHARED_CONTEXT_BYTES ((size_t)64 * 1024) /* kept before a tail: see redact_tail */

/* --- messages over the SEQPACKET pair --- */
enum msg_kind {
	/* front -> supervisor */
	MSG_CANCEL = 1, /* value: signal */
	MSG_INTERRUPTED, /* Ctrl-C was typed again, soon: the command has got it both times */
	MSG_PARENT,     /* the process that started us has died; text: its name */
	MSG_RESUME,     /* the front runs again after a stop */
	MSG_ASK,        /* say what runs now; value 1: look into the tree, too (SIGUSR1) */
	MSG_WINDOW,     /* the terminal has another size, or another one is in front; value: is it us? */
	MSG_DIAGNOSED,  /* value: id of the request */
	MSG_EMIT,       /* a checkpoint for the trace: msg_send_emit, msg_emit_of */
	/* supervisor -> front */
	MSG_STREAM,     /* value: stream; fd: duplicate of the read end (or pty master) */
	MSG_STREAM_CLOSE, /* value: stream: nobody reads our output any more, or it has ended */
	MSG_JOURNAL,    /* fd: the journal's new descriptor */
	MSG_SUSPEND,    /* value: signal that stopped the command; stop with it */
	MSG_DIAGNOSE,   /* struct msg_look: look, then MSG_DIAGNOSED */
};

#define MSG_TEXT_MAX 4000
struct msg {
	int32_t kind;
	int32_t value;
	uint32_t len; /* of text */
	char text[MSG_TEXT_MAX]; /* msg_recv puts a NUL after it */
};

/* What to look at: the trees of one command. */
enum { MSG_LOOK_ROOTS = 200 };
struct msg_look {
	int32_t id;             /* comes back with MSG_DIAGNOSED */
	int32_t budget_ms;      /* for all of it */
	int32_t again_ms;       /* how much later to look again, where one look does not tell */
	int32_t intrusion;      /* the most that the look may do: enum intrusion */
	uint32_t n;
	int32_t root[MSG_LOOK_ROOTS]; /* pids: the command first, then orphans of it */
};

/* fd: passed along, -1 none. 0, or -1 (the other side is gone, or its queue is full). Never blocks: safety does not
 * rest on messages. */
int msg_send(int sock, enum msg_kind kind, int value, const void *text, size_t len, int fd);
int msg_send_look(int sock, const struct msg_look *look);
/* Of a MSG_DIAGNOSE. False where it is damaged. */
bool msg_look_of(const struct msg *m, struct msg_look *look);
/* A checkpoint by its dotted name, with its attributes as the members of a JSON object. */
int msg_send_emit(int sock, const char *name, const char *json, size_t json_len);
/* Of a MSG_EMIT: both point into *m, and are terminated. False where it is damaged. */
bool msg_emit_of(const struct msg *m, const char **name, const char **json);
/* 1: got one (*fd owned by the caller or -1); 0: nothing now; -1: the other side is gone. */
int msg_recv(int sock, struct msg *m, int *fd);

#endif
