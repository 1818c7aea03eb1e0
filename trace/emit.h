/* SPDX-License-Identifier: Apache-2.0 */
/* emit.h - the one door through which facts enter the trace. Every string passes
 * the redactor on its way in, so the journal never holds a raw secret.
 *
 * One writer at a time. All times are absolute CLOCK_MONOTONIC nanoseconds; the
 * trace turns them into nanoseconds since the run began. Spans are numbered from 1
 * (0: none); a span id of the JSON is 16 hex digits made from a random base of the run and
 * the number. An event for a span that has ended lands on its nearest open ancestor;
 * times are clamped so that events lie in their span and children in their parent. */
#ifndef TRACE_EMIT_H
#define TRACE_EMIT_H

#include "base/err.h"
#include "base/str.h"
#include "trace/contract.h"
#include "trace/redact.h"

#include <stdbool.h>
#include <stdint.h>

struct trace;
typedef uint32_t span_id;

/* Attributes of a span or an event: a JSON object under construction (its members, without
 * braces). Keys are literals of ours, each at most once. Reusable: attrs_init empties it and
 * keeps the buffers, so it must be zeroed before the first attrs_init: `struct attrs a = {0};`.
 * Strings longer than 16 KiB are cut and end in an ellipsis. */
struct attrs {
	struct str json;
	struct redactor *redactor;
	struct str scratch;
};
#define auto_attrs __attribute__((cleanup(attrs_release))) struct attrs
void attrs_init(struct attrs *a, struct trace *t);
void attrs_release(struct attrs *a);
void attrs_int_n(struct attrs *a, const char *key, size_t key_n, int64_t v);
static inline void attrs_int(struct attrs *a, const char *key, int64_t v)
{
	attrs_int_n(a, key, __builtin_strlen(key), v); /* a literal's length costs nothing */
}
void attrs_ms(struct attrs *a, const char *key, int64_t ns);   /* ns as ms, three decimals */
void attrs_bool(struct attrs *a, const char *key, bool v);
void attrs_str(struct attrs *a, const char *key, const char *v); /* redacted, made UTF-8; NULL -> null */
/* The same for a text that its reader cuts at about `limit` bytes: one that long may end within a secret. */
void attrs_cut(struct attrs *a, const char *key, const char *v, size_t limit);
void attrs_word(struct attrs *a, const char *key, const char *v); /* a word of ours: not redacted */
void attrs_strv(struct attrs *a, const char *key, char *const v[]); /* an argv: redacted as one */
void attrs_raw(struct attrs *a, const char *key, const char *json); /* JSON we made ourselves */

struct trace_meta {
	const char *run_id;             /* run-YYYYMMDDThhmmssZ-XXXXXXXX */
	const char *command;            /* the verb */
	char *const *args;              /* everything else as given; redacted here */
	char *const *envp;              /* for env_profile */
	const char *environment_json;   /* contract 5 `environment`, made by env_facts() */
	const char *root;               /* where artifacts go (absolute), for recover */
	int64_t start_real_ns, start_mono_ns;
	enum level level;               /* what is kept */
	uint8_t trace_id[16];           /* W3C trace id: inherited through TRACEPARENT or random */
	uint8_t parent_id[8];           /* W3C parent span id, zeros where none */
};

/* Starts recording. An anonymous journal is bounded to 8 MiB; what no longer fits is counted
 * and the sealed trace says so. path: the journal file to create (locked with flock until the
 * last process that holds it ends), or NULL for an anonymous one in memory
 * (memfd "spec-runner-journal"). r may not be freed before the trace. */
int trace_open(struct trace **t, const char *path, const struct trace_meta *m, struct redactor *r,
	       struct err *e);

/* Gives an anonymous journal its file: copies what is there, goes on in the file, which is
 * locked. On failure recording goes on in memory. */
int trace_publish(struct trace *t, const char *path, struct err *e);

/* Goes on with the journal behind fd after its writer died: finds the end (a torn
 * last record is dropped), restores the open spans. fd is dup'ed. Where fd is an anonymous
 * journal that was published meanwhile, goes on in its file. */
int trace_attach(struct trace **t, int fd, struct redactor *r, struct err *e);

int trace_fd(const struct trace *t);            /* the journal's descriptor, CLOEXEC */
const char *trace_path(const struct trace *t);  /* NULL while anonymous */
const char *trace_run_id(const struct trace *t);
/* 0, or the errno with which the journal could last not be extended (disk full):
 * recording has stopped then, and sealing says so. */
int trace_error(const struct trace *t);
/* Bytes of its journal so far. */
uint64_t trace_bytes(const struct trace *t);

enum level trace_level(const struct trace *t);
void trace_set_level(struct trace *t, enum level level);

/* The first span is run.total (parent 0), the only one of its name. A parent that has ended
 * or is 0 means its nearest open ancestor. Returns 0 when the span cannot be recorded (disk full,
 * run finished); 0 is a good argument everywhere: ending it does nothing, events go to the
 * root. phase NULL: the last part of the name. */
span_id trace_span_begin(struct trace *t, span_id parent, enum span_name name, const char *phase,
			 int64_t now_ns, const struct attrs *a);
/* Ends a span; its still open descendants end with it, with the same status.
 * message (redacted here) and category make `error`; category NONE: null. attrs are merged
 * behind those of the begin. */
void trace_span_end(struct trace *t, span_id id, enum span_status status, enum err_category category,
		    const char *message, enum token token, int64_t now_ns, const struct attrs *a);
/* Changes nothing on disk but the number that recovery would report: open? */
bool trace_span_is_open(const struct trace *t, span_id id);

/* Records an event; dropped where the trace's level does not want its kind. */
void trace_event(struct trace *t, span_id span, enum event_kind kind, int64_t now_ns,
		 const struct attrs *a);
/* A `watchdog` event: attrs gain reason_token first. */
void trace_watchdog(struct trace *t, span_id span, enum token token, int64_t now_ns,
		    const struct attrs *a);
/* A `checkpoint` event: attrs gain event first, the dotted name of contract.def. */
void trace_checkpoint(struct trace *t, span_id span, enum checkpoint checkpoint, int64_t now_ns,
		      const struct attrs *a);
/* The same under a name that is not in the table (a collector that is not ours). */
void trace_checkpoint_named(struct trace *t, span_id span, const char *name, int64_t now_ns,
			    const struct attrs *a);

/* Progress and output totals live in the journal's header, updated in place. */
struct trace_totals {
	uint64_t stdout_bytes, stderr_bytes; /* read from the command(s) */
	uint64_t truncated;                  /* 1: a tail does not hold everything */
	int64_t last_progress_ns;            /* since the run began */
	char last_progress[48];              /* what it was: "stdout", "stderr", "notify", "process", "test" */
};
struct trace_totals *trace_totals(struct trace *t);
/* A sign of progress, at_ns since the run began: what the last one was, and the longest time without any. */
void trace_progress(struct trace *t, const char *what, int64_t at_ns);

/* The last record: what the run's result is. After it nothing is recorded. Ends all open
 * spans first (status as given). Never lost, even on a full disk. */
void trace_finish(struct trace *t, bool pass, int exit_code, enum span_status open_status,
		  int64_t now_ns);

/* As the sealed trace tells them: the name of a span; and the time since the run began of what is recorded at
 * now_ns, in nanoseconds. */
#define SPAN_TEXT_SIZE 17
void trace_span_text(const struct trace *t, span_id id, char out[SPAN_TEXT_SIZE]);
int64_t trace_ts_ns(const struct trace *t, int64_t now_ns);

/* W3C traceparent of a span ("00-<32 hex>-<16 hex>-01"), for a child's environment. */
#define TRACEPARENT_SIZE 56
void trace_traceparent(const struct trace *t, span_id id, char out[TRACEPARENT_SIZE]);

/* Closes; an anonymous journal is gone then. unlink_journal: also remove the file. */
void trace_close(struct trace *t, bool unlink_journal);

/* run-YYYYMMDDThhmmssZ-XXXXXXXX (contract 5). */
#define RUN_ID_SIZE 40
void run_id_make(char out[RUN_ID_SIZE], int64_t real_ns);

/* more: members made by the caller ("repo": …), or NULL.
 * contract 5 `environment` as JSON: kernel, arch, cpus, memory_bytes, ci_provider (null or
 * github, gitlab, buildkite, jenkins, circleci, …), version, libraries {name: version}. */
void env_facts(char *const envp[], const char *more, struct str *out);

#endif
