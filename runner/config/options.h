/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - the one table of options. Every option of contract 2 and of the seed is one row:
 * flag, environment name, key of spec-runner.yaml, type, default, accepted range or
 * words, verbs it belongs to, help. `--help`, the man page, completions and validation come
 * from the row. */
#ifndef RUNNER_CONFIG_OPTIONS_H
#define RUNNER_CONFIG_OPTIONS_H

#include "base/err.h"
#include "base/str.h"
#include "history/settings.h"
#include "runner/config/options_audit.h"
#include "runner/config/options_repro.h"
#include "runner/config/options_profile.h"
#include "runner/config/options_serve.h"
#include "runner/config/options_optimize.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum contain { CONTAIN_AUTO, CONTAIN_GROUP, CONTAIN_SUBREAPER, CONTAIN_CGROUP, CONTAIN_PIDNS };
#define OPTION_ROWS_MAX 256

enum test_timeout_action { TEST_TIMEOUT_RUN, TEST_TIMEOUT_TEST };

enum tri { TRI_AUTO, TRI_ALWAYS, TRI_NEVER };

/* Plain values, after flag > environment > file > default. Enumerations hold the index
 * of the word in the row's list, in the order named here. */
struct options {
	/* profile */
	int profile_level;             /* off basic detailed debug */
	char *profile_out;             /* default /.artifacts/run-trace.json */
	char *profile_summary_out;     /* default /.artifacts/run-trace-summary.md */
	int64_t profile_heartbeat_ms;  /* 1000 */
	int64_t profile_stall_threshold_ms; /* 10000 */
	int profile_on_fail;           /* off basic detailed; default basic */
	bool profile_out_given, profile_summary_out_given; /* not the default */
	/* liveness */
	int liveness_level;            /* off basic strict; default basic */
	int64_t liveness_stall_ms, liveness_busy_ms, liveness_min_events, liveness_hard_cap_ms, liveness_kill_grace_ms;
	/* run */
	int64_t timeout_ms, test_timeout_ms, drain_ms, diagnose_ms;
	int64_t deadline_real_ns;      /* 0 none; since 1970 */
	int64_t output_tail_bytes;     /* 65536 */
	struct strv leave_running;
	int contain;                   /* enum contain */
	int pty;                       /* enum tri */
	int first_signal;              /* of an ending: SIGTERM */
	int follow_parent;             /* enum tri */
	int test_timeout_action;       /* enum test_timeout_action */
	bool require_complete;         /* exit 0 before the test runner's end is 1 */
	int64_t jobs;                  /* 0: processors */
	bool allow_outside_root;       /* paths of files that may be a stranger's */
	bool stop_commands;            /* on GitHub: see runner/proc/stop_commands.h */
	char *dialect;                 /* "auto" */
	char *junit;                   /* NULL none */
	/* artifacts */
	char *artifacts_dir;           /* .artifacts */
	bool artifacts_dir_given;
	int64_t keep_runs, keep_bytes; /* 20, 256 MiB */
	/* gate */
	bool fail_fast;
	int64_t gate_jobs;
	char *out;                     /* ci-gate-summary --out */
	/* redact */
	struct strv redact_env, redact_patterns;
	/* everything else */
	char *config;                  /* path given, or NULL */
	int color;                     /* enum tri */
	int status;                    /* enum tri */
	bool quiet;
	bool json;                     /* status, inspect */
	int64_t interval_ms;           /* inspect: between two looks; 100, 0 one look */
	struct strv check_prefix, exclude_check_prefix; /* governance */
	char *from_failures;
	char *filter, *shard, *format; /* test */
	bool list, stop_at_failure;
	int64_t retries;
	char *patterns_dir;            /* report --patterns */
	bool init_stdout, init_force;  /* init */
	char *report_out;              /* report --output, -o */
	bool man;                      /* help --man */
	struct history_settings history;
	struct audit_options audit;
	struct repro_options repro;
	struct profile_options profiling;
	struct serve_options serve;
	struct optimize_options optimize;
	uint8_t source[OPTION_ROWS_MAX]; /* enum option_source, by the field's first row */
};

/* Where a value comes from; the higher one wins (contract 2). */
enum option_source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_ENV, SOURCE_FLAG };

/* Verbs as bits: which options belong to which. Their names are in runner/cli/verbs.c. */
enum option_verbs {
	VERB_RUN = 1 << 0,
	VERB_TEST = 1 << 1,
	VERB_GOVERNANCE = 1 << 2,
	VERB_GATE = 1 << 3,
	VERB_INSPECT = 1 << 4,
	VERB_STATUS = 1 << 5,
	VERB_REPORT = 1 << 6,
	VERB_VERIFY = 1 << 7,
	VERB_RECOVER = 1 << 8,
	VERB_INIT = 1 << 9,
	VERB_HELP = 1 << 10,
	VERB_VERSION = 1 << 11,
	VERB_COMPLETION = 1 << 12,
	/* Verbs that are programs of their own (programs/NAME.c). */
	VERB_SYMBOLIZE = 1 << 13,
	VERB_REPRO = 1 << 14,
	VERB_RECORD = 1 << 15,
	VERB_HISTORY = 1 << 16,
	VERB_INGEST = 1 << 17,
	VERB_COMPARE = 1 << 18,
	VERB_ANALYZE = 1 << 19,
	VERB_SHARD = 1 << 20,
	VERB_BISECT = 1 << 21,
	VERB_AUDIT = 1 << 22,
	VERB_OPTIMIZE = 1 << 23,
	VERB_GATEWAY = 1 << 24,
	VERB_EXPLAIN = 1 << 25,
	VERB_SERVE = 1 << 26,
	VERB_MCP = 1 << 27,
	VERB_DOCTOR = 1 << 28,
	VERB_EVIDENCE = 1 << 29,
	SUPERVISE = VERB_RUN | VERB_TEST | VERB_GOVERNANCE | VERB_GATE,
	/* Those that read the environment and spec-runner.yaml; the others need no values. */
	VALUES = SUPERVISE | VERB_REPRO | VERB_INSPECT | VERB_STATUS | VERB_DOCTOR | VERB_REPORT | VERB_VERIFY |
		 VERB_RECOVER | VERB_INIT |
		 VERB_HISTORY | VERB_INGEST | VERB_COMPARE | VERB_ANALYZE | VERB_SHARD | VERB_BISECT | VERB_EVIDENCE |
		 VERB_AUDIT | VERB_SERVE | VERB_MCP |
		 VERB_OPTIMIZE | VERB_GATEWAY | VERB_EXPLAIN,
};

enum option_type {
	OPTION_BOOL,   /* bool; a flag without a value sets it */
	OPTION_NOT,    /* bool; a flag without a value clears it */
	OPTION_INT,    /* int64_t, least to most */
	OPTION_MS,     /* int64_t: milliseconds, least to most; as a number or as 90s, 10m, 1h30m; OPTION_AUTO_MS for the
	                * first of words, if there are any */
	OPTION_SECONDS, /* the same, but a bare number counts seconds */
	OPTION_WORD,   /* int: index in words */
	OPTION_STRING, /* char *: one of words where there are any */
	OPTION_PATH,   /* char * */
	OPTION_LIST,   /* struct strv: the flag is repeated; the environment gives one a line, or
	                * separated by commas where the whole value is one line (patterns: lines alone) */
	OPTION_TIME,   /* int64_t: nanoseconds since 1970; "auto": of the environment (deadline_auto.h), 0: it says none */
	OPTION_SIGNAL, /* int: INT, SIGINT or 2; none that stops or continues */
};

#define OPTION_AUTO_MS INT64_C(-1)

enum option_group {
	GROUP_RUN, GROUP_LIVENESS, GROUP_RECORD, GROUP_TESTS, GROUP_GATE, GROUP_REPRO, GROUP_FILES, GROUP_HISTORY,
	GROUP_OPTIMIZE, GROUP_GENERAL, GROUP_COUNT
};
extern const char *const option_group_text[];

struct option_row {
	size_t offset;              /* of the field in struct options */
	enum option_type type;
	enum option_group group;
	const char *flag;           /* without the dashes */
	const char *env, *key;      /* NULL: none */
	const char *metavar;        /* NULL: the flag takes no value */
	const char *fallback;       /* the default as text, NULL: none */
	int64_t min, max;
	const char *const *words;   /* NULL: any */
	uint32_t verbs;
	const char *help;
};
extern const struct option_row option_rows[];
extern const size_t option_row_count;

void options_init(struct options *o);    /* the defaults */
void options_release(struct options *o);

/* The row of a flag, preferably one that belongs to the verb (0: any); NULL if there is none. */
const struct option_row *option_by_flag(const char *flag, size_t len, uint32_t verb);
const struct option_row *option_by_env(const char *name, size_t len);
const struct option_row *option_by_key(const char *key); /* "liveness.stall_ms" */

/* Takes a value as text. name: what it is called in a message ("--jobs", "SPEC_RUNNER_JOBS").
 * ERR_USAGE with name, value and what is accepted. Lists: the first value of a source
 * replaces those of a lower one; only what is to be redacted adds up over all sources,
 * for a secret that one of them names is a secret. */
int option_set(struct options *o, const struct option_row *row, const char *name, const char *text,
	       enum option_source source, struct err *e);

enum option_source option_source(const struct options *o, const struct option_row *row);

/* Fields whose meaning lies in their source (…_given). Call when all sources are read. */
void options_finish(struct options *o);

#endif
