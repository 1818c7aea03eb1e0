/* options.h - the one table of options. Every option of contract 2 and of the seed is one row:
 * flag, environment name, key of spec-runner.yaml, type, default, accepted range or
 * words, verbs it belongs to, help. `--help`, the man page, completions and validation come
 * from the row. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include "base/err.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

enum contain { CONTAIN_AUTO, CONTAIN_GROUP, CONTAIN_SUBREAPER, CONTAIN_CGROUP, CONTAIN_PIDNS };
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
	int64_t liveness_stall_ms, liveness_min_events, liveness_hard_cap_ms, liveness_kill_grace_ms;
	/* run */
	int64_t timeout_ms, test_timeout_ms, drain_ms, diagnose_ms;
	int64_t deadline_real_ns;      /* 0 none; since 1970 */
	int64_t output_tail_bytes;     /* 65536 */
	struct strv leave_running;
	int contain;                   /* enum contain */
	int pty;                       /* enum tri */
	int64_t jobs;                  /* 0: processors */
	char *dialect;                 /* "auto" */
	char *junit;                   /* NULL none */
	/* artifacts */
	char *artifacts_dir;           /* .artifacts */
	bool artifacts_dir_given;
	int64_t keep_runs, keep_bytes; /* 20, 256 MiB */
	/* gate */
	bool fail_fast;
	char *out;                     /* ci-gate-summary --out */
	/* redact */
	struct strv redact_env, redact_patterns;
	/* everything else */
	char *config;                  /* path given, or NULL */
	int color;                     /* enum tri */
	bool quiet;
	bool json;                     /* status, inspect */
	struct strv check_prefix, exclude_check_prefix; /* governance */
	char *from_failures;
	char *filter, *shard, *format; /* test */
	bool list;
	int64_t retries;
	char *patterns_dir;            /* report --patterns */
};

void options_init(struct options *o);    /* the defaults */
void options_release(struct options *o);

#endif
