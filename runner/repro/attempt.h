/* SPDX-License-Identifier: Apache-2.0 */
/* attempt.h - one run of `repro`: started as `spec-runner run` with a folder, a TMPDIR and a limit of its own,
 * perturbed while it runs, and given an outcome when it has ended. */
#ifndef RUNNER_REPRO_ATTEMPT_H
#define RUNNER_REPRO_ATTEMPT_H

#include "base/err.h"
#include "base/str.h"
#include "runner/repro/coverage.h"
#include "runner/repro/knobs.h"
#include "runner/repro/perturb.h"
#include "runner/repro/setting.h"
#include "runner/repro/target.h"

#include <sched.h>

enum outcome {
	OUTCOME_PASS,
	OUTCOME_FAIL,
	OUTCOME_HANG_SAME,    /* the first hang finding is the recorded one */
	OUTCOME_HANG_SIMILAR, /* the same pattern and function of location */
	OUTCOME_HANG_OTHER,
	OUTCOME_LIMIT,      /* ended by its limit while it still made progress */
	OUTCOME_UNFINISHED, /* ended by us */
	OUTCOME_COUNT
};
extern const char *const outcome_text[]; /* pass fail hang.same … */

/* What all attempts share. */
struct launch {
	const char *program;       /* spec-runner */
	const char *delay_library; /* NULL: not installed */
	const char *folder;        /* of this repro, absolute; run-K lies below */
	const char *cwd;           /* of the command, absolute */
	char *const *envp;
	const struct knobs *knobs;
	int64_t stall_ms, test_timeout_ms; /* 0: default, none */
	const char *dialect;               /* NULL: auto */
	int64_t passing_ns;                /* how long a passing run takes; 0 unknown */
	bool watch_only;                   /* nothing ends it but we: --keep-alive */
	cpu_set_t allowed;                 /* processors of a run that is not bound further */
	uint32_t cpus;                     /* how many these are */
};

struct attempt {
	int64_t n; /* from 1 */
	struct setting setting;
	int64_t limit_ms;
	pid_t pid;
	int pidfd;
	char *dir, *tmp, *command;
	struct delay_state *delay; /* NULL: none */
	struct coverage coverage;  /* with delay alone */
	struct perturber perturber;
	int64_t start_ns, end_ns;
	bool told_to_end;
	/* when it has ended */
	enum outcome outcome;
	int exit_code;
	struct found found;
	struct delayable calls[DELAY_GROUP_COUNT];
	uint32_t threads; /* that made such calls */
	uint32_t made[DELAY_THREADS_MAX];
	int64_t delays, delayed_us;
	uint32_t covered, processes; /* that loaded the library; of so many */
	struct strv missed;          /* the others: "go (static)" */
};

/* The value of PATH that the command gets; NULL: none. */
const char *launch_search(const struct launch *l);

/* Starts it; argv and env ("NAME=value") are the command's. -1: it could not be started. */
int attempt_start(struct attempt *a, const struct launch *l, char *const argv[], const struct strv *env, int64_t now_ns,
		  struct err *e);
/* What is due of its perturbation; returns when to call again. */
int64_t attempt_step(struct attempt *a, int64_t now_ns);
/* Asks its supervisor to end it; the second time for good. */
void attempt_end(struct attempt *a);
/* Has it ended? Then its outcome is filled in (t: what is looked for). Folders of a passing run are removed. */
bool attempt_reap(struct attempt *a, const struct launch *l, const struct target *t, int64_t now_ns);
void attempt_remove(struct attempt *a); /* its files */
void attempt_release(struct attempt *a);

/* The outcome of a finding beside that of the target. Pure. */
enum outcome outcome_of(int exit_code, bool told_to_end, const struct found *f, const struct target *t);

#endif
