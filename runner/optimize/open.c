/* SPDX-License-Identifier: Apache-2.0 */
/* open.c - everything that can be wrong with what the user said is found here, before a process is started. */
#include "runner/optimize/open.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/json_read.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/value.h"
#include "history/trace_head.h"
#include "history/view.h"
#include "optimize/policy.h"
#include "runner/config/history_place.h"
#include "runner/config/libexec.h"
#include "runner/optimize/adapter.h"
#include "runner/optimize/child.h"
#include "trace/emit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#define LOCK_WAIT_NS (3 * NS_PER_S)
#define LOCK_TURN_MS 20

char *loops_dir(const struct options *o, const char *root)
{
	auto_free char *artifacts = o->artifacts_dir_given ? path_resolve(root, o->artifacts_dir) : path_join(root,
		".artifacts");
	auto_free char *dir = path_join(artifacts, LOOP_FOLDER);
	char *full;
	struct err ignored = { 0 };

	path_mkdirs(dir, &ignored);
	full = realpath(dir, NULL);
	return full ? full : ptr_steal(&dir);
}

/* ---- configuration ---- */

static int again_read(struct loop *l, const struct strv *files, struct err *e)
{
	struct loop_env env;
	int rc = loop_env_open(&env, l->o, l->root, l->envp, e);

	setup_init(&l->setup);
	for (size_t i = 0; rc == 0 && i < files->n; i++)
		rc = setup_read(&l->setup, files->v[i], true, loop_env_get, &env, e);
	loop_env_release(&env);
	return rc;
}

/* What the command line says goes before the files. */
static int overrides(struct loop *l, struct err *e)
{
	const struct optimize_options *o = &l->o->optimize;

	if (o->goal)
		l->setup.loop.goal = strcmp(o->goal, "hang") == 0 ? GOAL_HANG : GOAL_SPEED;
	if (o->iterations)
		l->setup.loop.limits.iterations = o->iterations;
	l->limits = l->setup.loop.limits;
	l->dry_run = o->dry_run;
	return setup_check(&l->setup, l->dry_run, e);
}

/* Whoever writes candidates: a model. A dry run asks one of this machine alone. */
static int gateway(struct loop *l, struct err *e)
{
	const struct gateway_setup *g = &l->setup.gateway;
	struct gateway_url u;
	struct loop_env env;
	const char *key;

	if (!g->given || !g->api_base)
		return err_set(e, ERR_USAGE, "nobody proposes candidates: --candidates DIR, or the section 'gateway'");
	if (!g->models[ROUTE_CODING_FAST])
		return err_set(e, ERR_USAGE, "gateway.models.coding_fast is missing: no model is built in");
	if (gateway_url_parse(g->api_base, &u, e) < 0)
		return -1;
	if (l->dry_run && strcmp(u.host, "localhost") != 0 && !(u.is_address && address_is_loopback(&u.address)))
		return err_set(e, ERR_USAGE, "--dry-run: gateway.api_base '%s' is not this machine", u.host);
	if (loop_env_open(&env, l->o, l->root, l->envp, e) < 0)
		return -1;
	key = g->api_key_env ? loop_env_get(&env, g->api_key_env) : g->api_key;
	l->api_key = key ? xstrdup(key) : NULL;
	loop_env_release(&env);
	return 0;
}

static int candidates(struct loop *l, struct err *e)
{
	const char *dir = l->o->optimize.candidates;

	if (!dir)
		return gateway(l, e);
	l->candidates_dir = realpath(dir, NULL);
	if (!l->candidates_dir)
		return err_sys(e, "--candidates '%s'", dir), e->kind = ERR_USAGE, -1;
	if (loop_list(l->candidates_dir, ".diff", &l->candidates, e) < 0)
		return e->kind = ERR_USAGE, -1;
	if (!l->candidates.n)
		return err_set(e, ERR_USAGE, "--candidates '%s': it holds no file *.diff", dir);
	return 0;
}

/* ---- programs and the environment of adapters ---- */

static void environment(struct loop *l)
{
	static const char *const names[] = { "PATH", "LANG", "TZ", "TERM", NULL };
	const char *key = l->setup.gateway.api_key_env;

	for (char *const *p = l->envp; *p; p++) {
		size_t n = strcspn(*p, "=");
		auto_free char *name = xstrndup(*p, n);

		if (key && strcmp(key, name) == 0)
			continue; /* the gateway's alone, also where `env` names it */
		if (l->api_key && (*p)[n] == '=' && strcmp(*p + n + 1, l->api_key) == 0)
			continue; /* under whatever name */
		if (value_word(name, names) >= 0 || str_starts(name, "LC_") || strv_has(&l->setup.loop.env, name))
			strv_add(&l->env, *p);
	}
}

static int probe(struct loop *l, struct err *e)
{
	char *argv[] = { l->sandbox, "--probe", NULL };
	struct child c = { .argv = argv, .envp = l->env.v ? l->env.v : (char *[]){ NULL }, .out_max = 4096,
			   .until_ns = clock_mono_ns() + 30 * NS_PER_S };
	const struct json_value *v;
	struct json_reader *in;
	struct err ignored = { 0 };
	int rc = child_run(&c, e);

	snprintf(l->st.sandbox_writes, sizeof(l->st.sandbox_writes), "none");
	snprintf(l->st.sandbox_network, sizeof(l->st.sandbox_network), "none");
	in = json_reader_text(str_cstr(&c.out), c.out.len, "sandbox");
	if (rc == 0 && c.code == 0 && json_take(in, &v, &ignored) == 0) {
		const char *writes = json_get_text(v, "writes"), *network = json_get_text(v, "network");

		snprintf(l->st.sandbox_writes, sizeof(l->st.sandbox_writes), "%s", writes ? writes : "none");
		snprintf(l->st.sandbox_network, sizeof(l->st.sandbox_network), "%s", network ? network : "none");
	}
	json_reader_free(in);
	child_release(&c);
	return rc;
}

static int sandbox(struct loop *l, struct err *e)
{
	enum optimize_sandbox want = (enum optimize_sandbox)l->setup.loop.sandbox;
	bool writes, network;

	if (want == SANDBOX_OFF || l->dry_run) {
		snprintf(l->st.sandbox_writes, sizeof(l->st.sandbox_writes), "%s", l->dry_run ? "dry run" : "off");
		snprintf(l->st.sandbox_network, sizeof(l->st.sandbox_network), "%s", l->dry_run ? "dry run" : "off");
		return 0;
	}
	if (!l->sandbox)
		return err_set(e, ERR_USAGE,
			"spec-runner-sandbox is not installed: 'optimize.sandbox: off' runs candidates without");
	if (probe(l, e) < 0)
		return -1;
	writes = strcmp(l->st.sandbox_writes, "none") != 0;
	network = strcmp(l->st.sandbox_network, "none") != 0;
	if (want == SANDBOX_REQUIRE && (!writes || !network))
		return err_set(e, ERR_USAGE, "optimize.sandbox is require, and this kernel offers no %s", !writes ?
			       "Landlock (writes)" : "network namespace");
	if (!writes || !network)
		l->say("optimize: the sandbox lacks something here: writes: %s, network: %s", l->st.sandbox_writes,
		       l->st.sandbox_network);
	return 0;
}

static int programs(struct loop *l, struct err *e)
{
	l->runner = libexec_main_program();
	l->sandbox = libexec_find("sandbox");
	l->gateway = libexec_find("gateway");
	if (!l->candidates_dir && !l->gateway)
		return err_set(e, ERR_USAGE,
			"the gateway (spec-runner-gateway) is not part of this build: --candidates DIR");
	return l->runner ? 0 : err_set(e, ERR_FAILURE, "optimize: spec-runner itself was not found");
}

/* ---- store ---- */

static int open_store(struct loop *l, struct err *e)
{
	auto_free char *dir = history_dir(l->o, l->root);
	struct store_where w = { .dir = dir, .dsn = history_dsn(l->envp, false), .network_ok = l->o->history.network_ok };

	if (l->o->history.where && !history_is_named(l->o, l->envp))
		return err_set(e, ERR_USAGE, "--history: optimize needs a store; 'on' is .artifacts/history");
	return store_open(&l->s, &w, STORE_WRITE, e);
}

static void machine(struct loop *l)
{
	struct utsname u;
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
	const struct history_settings *h = &l->o->history;

	uname(&u);
	l->device = h->device ? xstrdup(h->device) : device_class(u.machine, sysconf(_SC_NPROCESSORS_ONLN), pages * size);
	l->workload = xstrdup(h->workload ? h->workload : "optimize");
}

/* The commit to begin with, of --baseline-run-id or HEAD. */
static int baseline(struct loop *l, struct err *e)
{
	struct optimize_options *o = &l->o->optimize;
	auto_free char *rev = NULL;
	char id[64];
	int rc;

	if (!o->baseline_run_id)
		return repo_commit_of(&l->repo, "HEAD", l->st.baseline_commit, l->st.baseline_tree, e);
	rc = view_find_run(l->s, o->baseline_run_id, id, e);
	if (rc == 1)
		e->kind = ERR_USAGE;
	if (rc != 0)
		return -1;
	free(o->baseline_run_id);
	o->baseline_run_id = xstrdup(id);
	if (store_one_text(l->s, &rev, e, "SELECT repo_rev FROM runs WHERE run_id = ?", "t", id) < 0)
		return -1;
	if (!rev)
		return err_set(e, ERR_USAGE, "--baseline-run-id: run '%s' names no commit", id);
	return repo_commit_of(&l->repo, rev, l->st.baseline_commit, l->st.baseline_tree, e);
}

/* ---- a new one, or one again ---- */

/* The folder of artifacts is nothing for git, as with every run. */
static void ignore_for_git(const struct loop *l)
{
	auto_free char *path = l->o->artifacts_dir_given ? NULL : path_join(l->root, ".artifacts/.gitignore");
	struct err ignored = { 0 };

	if (path && access(path, F_OK) < 0)
		file_write(path, "*\n", 2, &ignored);
}

/* A child that a killed loop had just forked holds the lock until it becomes its program. */
static int lock_soon(int fd)
{
	int64_t until = clock_mono_ns() + LOCK_WAIT_NS;
	int rc;

	while ((rc = flock(fd, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK && !child_interrupted &&
	       clock_mono_ns() < until)
		poll(NULL, 0, LOCK_TURN_MS);
	return rc;
}

static int take_lock(struct loop *l, struct err *e)
{
	auto_free char *path = loop_path(l, "lock");

	l->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (l->lock < 0)
		return err_sys(e, "opening '%s'", path);
	if (lock_soon(l->lock) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(e, ERR_USAGE, "this loop is running already: '%s' is locked", path);
	return err_sys(e, "locking '%s'", path);
}

static int begin(struct loop *l, const char *config_path, struct err *e)
{
	static const char yaml[] = "version: 1\n";
	auto_free char *loops = loops_dir(l->o, l->root), *file = NULL;
	const char *branch = l->o->optimize.branch;
	char id[RUN_ID_SIZE];

	if (loop_setup_read(&l->setup, l->o, l->root, config_path, l->envp, e) < 0 || overrides(l, e) < 0 || candidates(l,
		e) < 0)
		return -1;
	optimize_state_init(&l->st);
	l->st.goal = (enum optimize_goal)l->setup.loop.goal;
	run_id_make(id, clock_real_ns());
	snprintf(l->st.run_id, sizeof(l->st.run_id), "%s", id);
	l->dir = path_join(loops, id);
	environment(l);
	if (repo_open(&l->repo, l->root, l->dir, l->envp, e) < 0 || programs(l, e) < 0 || sandbox(l, e) < 0 ||
	    open_store(l, e) < 0 || baseline(l, e) < 0)
		return -1;
	if (branch && (!repo_branch_ok(&l->repo, branch) || repo_has_branch(&l->repo, branch)))
		return err_set(e, ERR_USAGE, "--branch: '%s' is %s", branch, repo_branch_ok(&l->repo, branch) ?
			       "there already" : "not a name of a branch");
	file = loop_path(l, "spec-runner.yaml");
	if (path_mkdirs(l->dir, e) < 0 || take_lock(l, e) < 0 || file_write(file, yaml, sizeof(yaml) - 1, e) < 0)
		return -1;
	ignore_for_git(l);
	return keep_write(l, e);
}

/* The state that the last node left. */
static int last_state(struct loop *l, const char *run_id, struct err *e)
{
	auto_query *q = query_new(l->s, "SELECT state_json FROM loop_states WHERE run_id = ?", e);
	int64_t seq = -1;
	int rc;

	optimize_state_init(&l->st);
	snprintf(l->st.run_id, sizeof(l->st.run_id), "%s", run_id);
	if (!q)
		return -1;
	query_bind(q, "t", run_id);
	while ((rc = query_step(q, e)) == 1) {
		struct optimize_state one;

		if (optimize_state_read(&one, query_text(q, 0), strlen(query_text(q, 0)), e) < 0)
			return -1;
		if (one.seq > seq) {
			optimize_state_release(&l->st);
			l->st = one;
			seq = one.seq;
		} else {
			optimize_state_release(&one);
		}
	}
	return rc;
}

static int resume(struct loop *l, struct err *e)
{
	auto_free char *loops = loops_dir(l->o, l->root), *run_id = NULL;
	struct strv files = STRV_INIT;
	struct optimize_state probed;
	int rc = loop_find(loops, l->o->optimize.resume, &run_id, e);

	if (rc != 0)
		return rc < 0 ? -1 : (e->kind = ERR_USAGE, -1);
	l->dir = path_join(loops, run_id);
	if (take_lock(l, e) < 0)
		return -1;
	leftovers_end(l->dir);
	rc = keep_read(l, &files, e);
	if (rc == 0)
		rc = again_read(l, &files, e);
	strv_release(&files);
	if (rc < 0 || overrides(l, e) < 0 || candidates(l, e) < 0)
		return -1;
	environment(l);
	optimize_state_init(&l->st);
	if (repo_open(&l->repo, l->root, l->dir, l->envp, e) < 0 || programs(l, e) < 0 || sandbox(l, e) < 0 ||
		open_store(l, e) < 0)
		return -1;
	probed = l->st;
	if (last_state(l, run_id, e) < 0)
		return -1;
	l->st.goal = (enum optimize_goal)l->setup.loop.goal;
	snprintf(l->st.sandbox_writes, sizeof(l->st.sandbox_writes), "%s", probed.sandbox_writes);
	snprintf(l->st.sandbox_network, sizeof(l->st.sandbox_network), "%s", probed.sandbox_network);
	l->used_before_ms = l->st.used.wall_ms;
	l->resumed = true;
	/* work trees of a dead loop: those that are needed are made and built again */
	for (int64_t i = 0; i <= l->st.iteration; i++)
		side_remove(l, i);
	loop_source_remove(l);
	return l->st.baseline_commit[0] ? 0 : baseline(l, e);
}

int loop_open(struct loop *l, const char *config_path, struct err *e)
{
	int rc;

	l->config = config_path ? realpath(config_path, NULL) : NULL;
	l->lock = -1;
	l->since_ns = clock_mono_ns();
	rc = l->o->optimize.resume ? resume(l, e) : begin(l, config_path, e);
	if (rc < 0)
		return -1;
	machine(l);
	l->uri = repo_uri(&l->repo);
	l->dirty = repo_is_dirty(&l->repo);
	for (size_t i = 0; i < l->setup.redact_env.n; i++)
		strv_add(&l->o->redact_env, l->setup.redact_env.v[i]);
	for (size_t i = 0; i < l->setup.redact_patterns.n; i++)
		strv_add(&l->o->redact_patterns, l->setup.redact_patterns.v[i]);
	if (redactor_new(&l->redactor, l->envp, &l->o->redact_env, &l->o->redact_patterns, e) < 0)
		return -1;
	if (l->api_key) {
		auto_free char *secret = xasprintf("GATEWAY_API_KEY=%s", l->api_key);

		redactor_learn_env(l->redactor, (char *[]){ secret, NULL });
	}
	if (l->dirty && !l->resumed)
		l->say("optimize: there are uncommitted changes: the baseline is the commit %.12s without them",
		       l->st.baseline_commit);
	if (repo_make(&l->repo, e) < 0)
		return -1;
	adapter_programs(l, &l->adapter_paths);
	return 0;
}
