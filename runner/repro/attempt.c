/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/repro/attempt.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/repro/delay_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_WATCHDOG 124
#define HARD_CAP_FACTOR 2

const char *const outcome_text[] = { "pass", "fail", "hang.same", "hang.similar", "hang.other", "limit", "unfinished" };

/* ---- outcome ---- */

static bool same_function(const char *a, const char *b)
{
	auto_str x = STR_INIT, y = STR_INIT;

	if (!location_function(a, &x) || !location_function(b, &y))
		return (a == NULL) == (b == NULL) && (!a || strcmp(a, b) == 0);
	return strcmp(str_cstr(&x), str_cstr(&y)) == 0;
}

enum outcome outcome_of(int exit_code, bool told_to_end, const struct found *f, const struct target *t)
{
	bool hang = f->pattern_id && str_starts(f->pattern_id, "hang.");

	if (told_to_end)
		return OUTCOME_UNFINISHED;
	if (exit_code == 0)
		return OUTCOME_PASS;
	if (hang && t->finding_id && strcmp(f->finding_id, t->finding_id) == 0)
		return OUTCOME_HANG_SAME;
	if (hang && t->pattern_id && strcmp(f->pattern_id, t->pattern_id) == 0 &&
	    same_function(f->location, t->location))
		return OUTCOME_HANG_SIMILAR;
	if (hang)
		return OUTCOME_HANG_OTHER;
	return exit_code == EXIT_WATCHDOG ? OUTCOME_LIMIT : OUTCOME_FAIL;
}

/* ---- the environment of a run ---- */

static void env_set(struct strv *env, const char *var)
{
	const char *eq = strchr(var, '=');
	size_t n = (size_t)(eq - var) + 1;

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], var, n) == 0) {
			free(env->v[i]);
			env->v[i] = xstrdup(var);
			return;
		}
	strv_add(env, var);
}

static const char *env_value(const struct strv *env, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < env->n; i++)
		if (strncmp(env->v[i], name, n) == 0 && env->v[i][n] == '=')
			return env->v[i] + n + 1;
	return NULL;
}

/* Ours is not the child's: it would take our options and our run for its own. What is to be redacted stays so. */
static void env_inherit(struct strv *env, char *const envp[])
{
	for (; *envp; envp++)
		if (!str_starts(*envp, "SPEC_RUNNER_") || str_starts(*envp, "SPEC_RUNNER_REDACT"))
			strv_add(env, *envp);
}

/* A sitecustomize.py in front of PYTHONPATH: Python takes its switch interval from nowhere else. */
static int python_interval(struct attempt *a, const char *seconds, struct strv *env, struct err *e)
{
	auto_free char *dir = path_join(a->tmp, "python");
	auto_free char *file = path_join(dir, "sitecustomize.py");
	auto_free char *text = xasprintf("import sys\n"
					 "sys.setswitchinterval(%s)\n"
					 "# the one that ours hides\n"
					 "sys.path[:] = [p for p in sys.path if p != %s]\n"
					 "sys.modules.pop('sitecustomize', None)\n"
					 "try:\n    import sitecustomize\nexcept ImportError:\n    pass\n",
					 seconds, "__file__.rsplit('/', 1)[0]");
	const char *before = env_value(env, "PYTHONPATH");
	auto_free char *path = xasprintf("PYTHONPATH=%s%s%s", dir, before && *before ? ":" : "", before ? before : "");

	if (file_write(file, text, strlen(text), e) < 0)
		return -1;
	env_set(env, path);
	return 0;
}

static int env_knobs(struct attempt *a, const struct launch *l, struct strv *env, struct err *e)
{
	struct strv knobs = STRV_INIT;
	int rc = 0;

	knobs_draw(l->knobs, a->setting.knobs_seed, l->envp, &knobs);
	for (size_t i = 0; rc == 0 && i < knobs.n; i++) {
		if (str_starts(knobs.v[i], "python.switch_interval="))
			rc = python_interval(a, strchr(knobs.v[i], '=') + 1, env, e);
		else
			env_set(env, knobs.v[i]);
	}
	strv_release(&knobs);
	return rc;
}

static int64_t quiet_from(const struct attempt *a, const struct launch *l)
{
	return perturber_quiet_ns(a->start_ns, a->limit_ms * NS_PER_MS, l->passing_ns);
}

static int env_delay(struct attempt *a, const struct launch *l, struct strv *env, struct err *e)
{
	auto_free char *path = path_join(a->dir, "delay.state");
	auto_free char *settings = NULL, *preload = NULL;
	const char *before = env_value(env, "LD_PRELOAD");
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*a->delay)) < 0)
		return err_sys(e, "making '%s'", path);
	a->delay = mmap(NULL, sizeof(*a->delay), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (a->delay == MAP_FAILED) {
		a->delay = NULL;
		return err_sys(e, "mapping '%s'", path);
	}
	a->delay->magic = DELAY_MAGIC;
	a->delay->budget_us = a->setting.budget_ms * 1000;
	a->delay->quiet_from_ns = quiet_from(a, l);
	settings = xasprintf("SR_DELAY=seed=%016" PRIx64 ",us=%" PRId64
			     ",ppm=%u,victims=%u,thread=%u,from=%u,early=%u,groups=%x,state=%s",
			     a->setting.seed, a->setting.delay_us, a->setting.delay_ppm, a->setting.victims_percent,
			     a->setting.delay_thread, a->setting.delay_from, a->setting.delay_early,
			     a->setting.delay_groups, path);
	preload = xasprintf("LD_PRELOAD=%s%s%s", l->delay_library, before && *before ? ":" : "", before ? before : "");
	env_set(env, settings);
	env_set(env, preload);
	return 0;
}

/* `go test` answers a repeated run that passed from its cache, without running anything. */
static void go_uncached(struct strv *env)
{
	const char *before = env_value(env, "GOFLAGS");
	auto_free char *flags = xasprintf("GOFLAGS=%s%s-count=1", before ? before : "", before && *before ? " " : "");

	if (!before || !strstr(before, "-count"))
		env_set(env, flags);
}

static int environment(struct attempt *a, const struct launch *l, const struct strv *add, struct strv *env,
		       struct err *e)
{
	auto_free char *tmp = xasprintf("TMPDIR=%s", a->tmp);

	env_inherit(env, l->envp);
	env_set(env, tmp);
	for (size_t i = 0; i < add->n; i++)
		env_set(env, add->v[i]);
	go_uncached(env);
	if ((a->setting.kinds & 1u << PERTURB_KNOBS) && env_knobs(a, l, env, e) < 0)
		return -1;
	if ((a->setting.kinds & 1u << PERTURB_DELAY) && env_delay(a, l, env, e) < 0)
		return -1;
	return 0;
}

/* ---- the command line of a run ---- */

static void add_number(struct strv *to, const char *flag, int64_t v)
{
	strv_add(to, flag);
	strv_take(to, xasprintf("%" PRId64, v));
}

static void command_line(const struct attempt *a, const struct launch *l, char *const argv[], struct strv *out)
{
	static const char *const fixed[] = {
		"run",
		"--profile-level",
		"off",
		"--profile-on-fail",
		"basic",
		"--liveness-kill-grace-ms",
		"1000",
		"--drain-ms",
		"500",
		"--quiet",
		"--color",
		"never",
		"--status",
		"never",
		"--pty",
		"never",
		"--history", /* one that spec-runner.yaml names: perturbed runs are no runs of the suite */
		"off",
		"--artifacts-dir",
	};

	strv_add(out, l->program);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		strv_add(out, fixed[i]);
	strv_add(out, a->dir);
	strv_add(out, "--liveness-level");
	strv_add(out, l->watch_only ? "off" : "strict");
	if (a->limit_ms > 0 && !l->watch_only) {
		add_number(out, "--timeout-ms", a->limit_ms);
		add_number(out, "--liveness-hard-cap-ms", a->limit_ms * HARD_CAP_FACTOR);
	}
	if (l->stall_ms > 0)
		add_number(out, "--liveness-stall-ms", l->stall_ms);
	if (l->test_timeout_ms > 0)
		add_number(out, "--test-timeout-ms", l->test_timeout_ms);
	if (l->dialect) {
		strv_add(out, "--dialect");
		strv_add(out, l->dialect);
	}
	strv_add(out, "--");
	for (; *argv; argv++)
		strv_add(out, *argv);
}

/* ---- start ---- */

/* Consecutive processors of those allowed, from one that the seed chooses. */
static cpu_set_t cpus_of(const struct attempt *a, const struct launch *l)
{
	uint32_t want = a->setting.kinds & 1u << PERTURB_CPUS ? a->setting.cpus : 0, skip, seen = 0;
	cpu_set_t set = l->allowed;

	if (want && want < l->cpus) {
		skip = (uint32_t)(a->setting.seed % l->cpus);
		CPU_ZERO(&set);
		for (int round = 0, c; round < 2; round++)
			for (c = 0; c < CPU_SETSIZE && CPU_COUNT(&set) < (int)want; c++)
				if (CPU_ISSET((size_t)c, &l->allowed) && seen++ >= skip)
					CPU_SET((size_t)c, &set);
	}
	return set;
}

static void become(const struct attempt *a, const struct launch *l, char *const argv[], char *const envp[], pid_t parent)
{
	cpu_set_t cpus = cpus_of(a, l);
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0); /* a Ctrl-C is ours to hand over */
	/* a SIGKILL of ours is not: the run then ends its tree as after Ctrl-C */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(125);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0 || chdir(l->cwd) < 0)
		_exit(125);
	execve(l->program, argv, envp);
	_exit(125);
}

int attempt_start(struct attempt *a, const struct launch *l, char *const argv[], const struct strv *env, int64_t now_ns,
		  struct err *e)
{
	struct strv words = STRV_INIT, vars = STRV_INIT;
	cpu_set_t cpus = cpus_of(a, l);
	pid_t self = getpid();
	int rc;

	a->pidfd = -1;
	a->start_ns = now_ns;
	a->dir = xasprintf("%s/run-%" PRId64, l->folder, a->n);
	a->tmp = path_join(a->dir, "tmp");
	a->command = xstrdup(argv[0]);
	coverage_init(&a->coverage, now_ns);
	rc = path_mkdirs(a->tmp, e);
	if (rc == 0)
		rc = environment(a, l, env, &vars, e);
	if (rc == 0) {
		command_line(a, l, argv, &words);
		a->pid = fork();
		if (a->pid == 0)
			become(a, l, words.v, vars.v, self);
		rc = a->pid < 0 ? err_sys(e, "starting run %" PRId64, a->n) : 0;
	}
	if (rc == 0) {
		a->pidfd = (int)syscall(SYS_pidfd_open, a->pid, 0);
		perturber_init(&a->perturber, &a->setting, a->pid, &cpus, now_ns, quiet_from(a, l));
	}
	strv_release(&words);
	strv_release(&vars);
	return rc;
}

static int64_t look_at_tree(struct attempt *a, int64_t now_ns)
{
	auto_pid_list members = PID_LIST_INIT;

	if (now_ns >= a->coverage.next_ns)
		perturber_members(&a->perturber, &members);
	return coverage_step(&a->coverage, &members, a->delay, now_ns);
}

int64_t attempt_step(struct attempt *a, int64_t now_ns)
{
	int64_t due, look;

	if (a->told_to_end)
		return TIME_NEVER;
	due = perturber_step(&a->perturber, now_ns);
	if (!a->delay)
		return due;
	look = look_at_tree(a, now_ns);
	return look < due ? look : due;
}

void attempt_end(struct attempt *a)
{
	perturber_end(&a->perturber);
	kill(a->pid, a->told_to_end ? SIGKILL : SIGTERM);
	a->told_to_end = true;
}

/* ---- end ---- */

const char *launch_search(const struct launch *l)
{
	for (char *const *p = l->envp; *p; p++)
		if (str_starts(*p, "PATH="))
			return *p + strlen("PATH=");
	return NULL;
}

static void take_delays(struct attempt *a)
{
	if (!a->delay)
		return;
	for (int g = 0; g < DELAY_GROUP_COUNT; g++) {
		a->calls[g].all = (int64_t)a->delay->calls[g];
		a->calls[g].early = (int64_t)a->delay->early[g] / 1000;
	}
	a->threads = a->delay->threads;
	memcpy(a->made, a->delay->made, sizeof(a->made));
	a->delays = (int64_t)a->delay->delays;
	a->delayed_us = a->delay->added_us;
	munmap(a->delay, sizeof(*a->delay));
	a->delay = NULL;
}

void attempt_remove(struct attempt *a)
{
	struct err ignored = { 0 };

	path_remove_tree(a->dir, &ignored);
}

static void remove_below(struct attempt *a, const char *name)
{
	auto_free char *path = path_join(a->dir, name);
	struct err ignored = { 0 };
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		path_remove_tree(path, &ignored);
	else
		unlink(path);
}

bool attempt_reap(struct attempt *a, const struct launch *l, const struct target *t, int64_t now_ns)
{
	auto_free char *findings = NULL;
	struct err ignored = { 0 };
	int status;

	if (waitpid(a->pid, &status, WNOHANG) != a->pid)
		return false;
	perturber_end(&a->perturber);
	fd_close(&a->pidfd);
	a->end_ns = now_ns;
	a->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	findings = path_join(a->dir, "findings.json");
	if (a->exit_code != 0)
		found_read(&a->found, findings, NULL, &ignored);
	a->outcome = outcome_of(a->exit_code, a->told_to_end, &a->found, t);
	if (a->delay)
		a->covered = coverage_count(&a->coverage, a->delay, a->command, l->cwd, launch_search(l), &a->processes,
					    &a->missed);
	take_delays(a);
	remove_below(a, "tmp");
	remove_below(a, "delay.state");
	if (a->outcome == OUTCOME_PASS)
		attempt_remove(a);
	return true;
}

void attempt_release(struct attempt *a)
{
	take_delays(a);
	coverage_release(&a->coverage);
	strv_release(&a->missed);
	found_release(&a->found);
	free(a->dir);
	free(a->tmp);
	free(a->command);
	memset(a, 0, sizeof(*a));
	a->pidfd = -1;
}
