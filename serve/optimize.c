/* SPDX-License-Identifier: Apache-2.0 */
/* optimize.c - an optimisation as a child process. What it runs stands in spec-runner.yaml: a request chooses among names
 * and numbers, and never names a command, a path or a host. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "serve/route.h"
#include "trace/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOBS_MOST 4

struct job {
	struct job *next;
	pid_t pid;
	char run_id[RUN_ID_SIZE];
	int64_t begun_mono_ns;
};

/* Letters, digits and a few marks; not the beginning of an option. */
static int check_name(const char *what, const char *text, struct err *e)
{
	static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _.:@+-";
	char quoted[VALUE_QUOTE_SIZE];
	size_t n = text ? strlen(text) : 0;

	if (!text || (n && n <= 200 && strspn(text, accepted) == n && *text != '-' && !strstr(text, "..")))
		return 0;
	return err_set(e, ERR_USAGE, "%s: %s is not a name of letters, digits, blanks and _.:@+-", what,
		       value_quote(text, quoted));
}

static int check_words(const struct json_value *body, struct err *e)
{
	const char *adapters = json_get_text(body, "adapters"), *goal = json_get_text(body, "goal");
	const struct json_value *n = json_get(body, "iterations");

	if (adapters && strcmp(adapters, "spec-runner.yaml") != 0)
		return err_set(e, ERR_USAGE, "adapters: they are those of spec-runner.yaml; a request names no file");
	if (goal && strcmp(goal, "speed") != 0 && strcmp(goal, "hang") != 0)
		return err_set(e, ERR_USAGE, "goal: speed or hang");
	if (n && n->kind == JSON_NUMBER && (n->integer < 1 || n->integer > 1000))
		return err_set(e, ERR_USAGE, "iterations: 1 to 1000");
	if (json_get_text(body, "finding") && json_get_text(body, "symbol"))
		return err_set(e, ERR_USAGE, "finding or symbol, not both");
	if (check_name("workload", json_get_text(body, "workload"), e) < 0)
		return -1;
	return check_name("finding", json_get_text(body, "finding"), e) < 0 ? -1 :
	       check_name("symbol", json_get_text(body, "symbol"), e);
}

static void add_option(struct strv *argv, const char *flag, const char *value)
{
	if (value && *value)
		strv_take(argv, xasprintf("--%s=%s", flag, value));
}

static void make_argv(struct serve *sv, const char *baseline, const struct json_value *body, struct strv *argv)
{
	static const char *const texts[] = { "workload", "goal", "finding", "symbol" };
	const struct json_value *n = json_get(body, "iterations");

	strv_add(argv, sv->main_program);
	strv_add(argv, "optimize");
	add_option(argv, "baseline-run-id", baseline);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		add_option(argv, texts[i], json_get_text(body, texts[i]));
	if (n && n->kind == JSON_NUMBER)
		strv_take(argv, xasprintf("--iterations=%" PRId64, n->integer));
	add_option(argv, "history", sv->read.dir);
}

/* The row that the reply names; the loop's own run is its child. */
static int begin_run(struct call *c, struct job *job, const struct strv *argv, const char *workload, struct err *e)
{
	auto_store *s = NULL;
	auto_str command = STR_INIT;
	char now[STORE_TIME_SIZE];

	for (size_t i = 1; i < argv->n; i++)
		str_addf(&command, "%s%s", i > 1 ? " " : "spec-runner ", argv->v[i]);
	run_id_make(job->run_id, c->now_real_ns);
	store_time(now, c->now_real_ns);
	if (store_open(&s, &c->sv->write, STORE_WRITE, e) < 0 || store_begin(s, e) < 0 ||
	    store_run(s, e, "INSERT INTO runs (run_id, parent_run_id, workload_id, status, created_at, kind, command)"
		      " VALUES (?, ?, ?, 'running', ?, 'optimize', ?)", "ttttt", job->run_id, c->arg[0], workload, now,
		      str_cstr(&command)) < 0)
		return -1;
	return store_commit(s, e);
}

static int end_run(struct serve *sv, const struct job *job, int status, int64_t now_real_ns, struct err *e)
{
	const char *text = WIFSIGNALED(status) ? "stopped" : WEXITSTATUS(status) == 0 ||
			WEXITSTATUS(status) == 1 ? "succeeded" :
			   WEXITSTATUS(status) > 128 ? "stopped" : "failed";
	auto_store *s = NULL;
	char now[STORE_TIME_SIZE];

	store_time(now, now_real_ns);
	if (store_open(&s, &sv->write, STORE_WRITE, e) < 0 || store_begin(s, e) < 0 ||
	    store_run(s, e,
		      "UPDATE runs SET status = ?, finished_at = ?, exit_code = ?, duration_ms = ? WHERE run_id = ?",
		      "ttirt", text, now, (int64_t)(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)),
		      (double)(clock_mono_ns() - job->begun_mono_ns) / 1e6, job->run_id) < 0)
		return -1;
	return store_commit(s, e);
}

static int spawn(struct serve *sv, struct job *job, const struct strv *argv, struct err *e)
{
	auto_free char *log = xasprintf("%s/serve/%s.log", sv->artifacts, job->run_id);
	auto_free char *id = xasprintf("SPEC_RUNNER_RUN_ID=%s", job->run_id);
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	struct strv env = STRV_INIT;
	sigset_t none, usual;
	int sys;

	if (path_mkdirs_for(log, e) < 0)
		return -1;
	for (size_t i = 0; sv->envp[i]; i++)
		if (!str_starts(sv->envp[i], "SPEC_RUNNER_API_TOKEN=") && !str_starts(sv->envp[i], "SPEC_RUNNER_RUN_ID="))
			strv_add(&env, sv->envp[i]);
	strv_add(&env, id);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
	posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
	sigemptyset(&none);
	sigfillset(&usual);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &usual);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	sys = posix_spawn(&job->pid, argv->v[0], &files, &attr, argv->v, env.v);
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	strv_release(&env);
	errno = sys;
	return sys ? err_sys(e, "starting '%s'", argv->v[0]) : 0;
}

static size_t count_jobs(const struct serve *sv)
{
	size_t n = 0;

	for (const struct job *j = sv->jobs; j; j = j->next)
		n++;
	return n;
}

/* run_id: a copy, for the job may be gone before the reply is written. */
static int start(struct call *c, const struct json_value *body, struct job *job, char run_id[RUN_ID_SIZE], struct err *e)
{
	struct serve *sv = c->sv;
	struct strv argv = STRV_INIT;
	struct err why = { 0 };
	int rc;

	make_argv(sv, c->arg[0], body, &argv);
	job->begun_mono_ns = clock_mono_ns();
	rc = begin_run(c, job, &argv, json_get_text(body, "workload"), e);
	memcpy(run_id, job->run_id, RUN_ID_SIZE);
	pthread_mutex_lock(&sv->lock);
	if (rc == 0 && !sv->ending)
		rc = spawn(sv, job, &argv, e);
	else if (rc == 0)
		rc = err_set(e, ERR_FAILURE, "the server is shutting down");
	if (rc == 0) {
		job->next = sv->jobs;
		sv->jobs = job;
	}
	pthread_mutex_unlock(&sv->lock);
	strv_release(&argv);
	if (rc < 0 && *job->run_id) /* nobody else has it then */
		end_run(sv, job, 125 << 8, c->now_real_ns, &why);
	return rc;
}

int api_run_optimize(struct call *c, struct err *e)
{
	static const char *const names[] = { "workload", "adapters", "goal", "finding", "symbol", "iterations", NULL };
	__attribute__((cleanup(json_reader_free_ptr))) struct json_reader *r = NULL;
	struct job *job;
	const struct json_value *body;
	char run_id[RUN_ID_SIZE];
	struct json j;
	size_t running;
	int rc = call_run(c, c->arg[0], e);

	if (!c->sv->allow_optimize) {
		reply_error(c->a, 403, "this server starts no optimisation: serve --allow-optimize does");
		return 0;
	}
	if (rc != 0)
		return rc;
	if (call_body(c, names, "iterations", &r, &body, e) < 0 || check_words(body, e) < 0)
		return -1;
	pthread_mutex_lock(&c->sv->lock);
	running = count_jobs(c->sv);
	pthread_mutex_unlock(&c->sv->lock);
	if (!c->sv->main_program || running >= JOBS_MOST) {
		reply_error(c->a, c->sv->main_program ? 429 : 501, c->sv->main_program ? "%d optimisations are running" :
			    "spec-runner optimize is not installed", JOBS_MOST);
		return 0;
	}
	job = xcalloc(1, sizeof(*job));
	if (start(c, body, job, run_id, e) < 0) {
		free(job);
		return -1;
	}
	json_init(&j, &c->a->body);
	json_object(&j, NULL);
	json_str(&j, "run_id", run_id);
	json_str(&j, "status", "running");
	json_object_end(&j);
	json_finish(&j);
	str_addc(&c->a->body, '\n');
	return 0;
}

void jobs_reap(struct serve *sv, int64_t now_real_ns)
{
	struct job *done = NULL;

	pthread_mutex_lock(&sv->lock);
	for (struct job **at = &sv->jobs; *at;) {
		struct job *job = *at;
		struct err ignored = { 0 };
		int status;

		if (waitpid(job->pid, &status, WNOHANG) != job->pid) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		job->next = done;
		done = job;
		end_run(sv, job, status, now_real_ns, &ignored);
	}
	pthread_mutex_unlock(&sv->lock);
	while (done) {
		struct job *next = done->next;

		free(done);
		done = next;
	}
}

void jobs_end(struct serve *sv)
{
	pthread_mutex_lock(&sv->lock);
	sv->ending = true;
	for (const struct job *j = sv->jobs; j; j = j->next)
		kill(-j->pid, SIGTERM);
	pthread_mutex_unlock(&sv->lock);
}
