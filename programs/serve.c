/* SPDX-License-Identifier: Apache-2.0 */
/* spec-runner serve: the history over HTTP, until SIGTERM or SIGINT. Exit 0; 2 usage; 125 the store or the socket failed. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "runner/cli/cli.h"
#include "runner/cli/program.h"
#include "runner/config/history_place.h"
#include "runner/config/libexec.h"
#include "serve/http.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_NS (250 * NS_PER_MS)
#define TOKEN_ENV "SPEC_RUNNER_API_TOKEN"

/* ---- the token ---- */

static int check_token(const char *where, const char *token, struct err *e)
{
	size_t n = strlen(token);

	if (n < SERVE_TOKEN_LEAST || n > SERVE_TOKEN_MOST)
		return err_set(e, ERR_USAGE, "%s: the token has %zu bytes; accepted: %d to %d", where, n, SERVE_TOKEN_LEAST,
			       SERVE_TOKEN_MOST);
	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p >= 127)
			return err_set(e, ERR_USAGE, "%s: the token holds bytes that no header can: accepted are letters,"
				       " digits and marks", where);
	return 0;
}

/* A new one where nobody else can read it. */
static int make_token(const char *path, char **token, struct err *e)
{
	auto_free char *tmp = xasprintf("%s.tmp-%d", path, (int)getpid());
	unsigned char bytes[32];
	char hex[65];

	randombytes_buf(bytes, sizeof(bytes));
	sodium_bin2hex(hex, sizeof(hex), bytes, sizeof(bytes));
	umask(077); /* the library's files of the store, too */
	unlink(tmp);
	if (path_mkdirs_for(path, e) < 0 || file_write(tmp, hex, 64, e) < 0)
		return -1;
	if (chmod(tmp, 0600) < 0 || rename(tmp, path) < 0) {
		err_sys(e, "writing '%s'", path);
		unlink(tmp);
		return -1;
	}
	*token = xstrdup(hex);
	sodium_memzero(hex, sizeof(hex));
	return 0;
}

static int read_token(const char *path, char **token, struct err *e)
{
	struct stat st;
	size_t n;

	if (stat(path, &st) == 0 && (st.st_mode & 077))
		cli_note("'%s' can be read by others: chmod 600", path);
	if (file_read(path, SERVE_TOKEN_MOST + 2, token, &n, e) < 0) {
		e->kind = ERR_USAGE;
		return err_add(e, "--token-file");
	}
	while (n && ((*token)[n - 1] == '\n' || (*token)[n - 1] == '\r'))
		(*token)[--n] = '\0';
	return check_token("--token-file", *token, e);
}

static int find_token(const struct cli *cli, char **token, struct err *e)
{
	const char *given = getenv(TOKEN_ENV);
	auto_free char *artifacts = path_resolve(cli->root, cli->o.artifacts_dir);
	auto_free char *path = *artifacts == '/' ? path_join(artifacts, "serve-token") :
			       xasprintf("%s/%s/serve-token", cli->root, artifacts);

	if (given) {
		*token = xstrdup(given);
		return check_token(TOKEN_ENV, given, e);
	}
	if (cli->o.serve.token_file)
		return read_token(cli->o.serve.token_file, token, e);
	if (make_token(path, token, e) < 0)
		return -1;
	cli_note("the token is in %s", path);
	return 0;
}

/* ---- words of the command line ---- */

static int check_prefix(char *prefix, struct err *e)
{
	static const char accepted[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/_.~-";
	size_t n = strlen(prefix);

	while (n && prefix[n - 1] == '/')
		prefix[--n] = '\0';
	if (n && (*prefix != '/' || prefix[1] == '/' || strspn(prefix, accepted) != n || strstr(prefix, "..")))
		return err_set(e, ERR_USAGE, "--prefix: '%s' is not a path such as /history", prefix);
	return 0;
}

static int check_words(struct cli *cli, struct http_address *a, struct err *e)
{
	if (cli->operand_count)
		return err_set(e, ERR_USAGE, "serve takes no arguments");
	if (http_address_parse(a, cli->o.serve.listen, e) < 0)
		return -1;
	if (!a->loopback && !cli->o.serve.allow_remote)
		return err_set(e, ERR_USAGE,
			       "--listen: '%s' is not loopback: others could reach it; --allow-remote allows that,"
			       " with a token in " TOKEN_ENV,
			       cli->o.serve.listen);
	if (!a->loopback && !getenv(TOKEN_ENV))
		return err_set(e, ERR_USAGE, "--allow-remote needs the token in the environment: " TOKEN_ENV);
	return cli->o.serve.prefix ? check_prefix(cli->o.serve.prefix, e) : 0;
}

/* ---- the life of the server ---- */

static void give_up(int sig)
{
	(void)sig;
	_exit(0); /* a query that takes long: it only reads, and a transaction that was not committed never was */
}

static void serve_until_signal(struct serve *sv, struct http *h, const sigset_t *wanted)
{
	static const struct timespec tick = { .tv_nsec = TICK_NS };

	for (;;) {
		int sig = sigtimedwait(wanted, NULL, &tick);

		if (sig == SIGTERM || sig == SIGINT || sig == SIGHUP)
			return;
		http_tick(h, clock_mono_ns());
		jobs_reap(sv, clock_real_ns());
	}
}

static void stop(struct serve *sv, struct http *h)
{
	struct sigaction sa = { .sa_handler = give_up };
	sigset_t alarm_alone;

	jobs_end(sv);
	sigaction(SIGALRM, &sa, NULL);
	sigemptyset(&alarm_alone);
	sigaddset(&alarm_alone, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm_alone, NULL);
	alarm(1);
	http_stop(h);
	jobs_reap(sv, clock_real_ns());
}

static int run(struct serve *sv, const struct http_address *a, struct err *e)
{
	struct http *h;
	sigset_t wanted, blocked;
	char name[80];
	int code;

	sigemptyset(&wanted);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGCHLD);
	blocked = wanted;
	sigaddset(&blocked, SIGPIPE);
	sigaddset(&blocked, SIGALRM);
	sigprocmask(SIG_BLOCK, &blocked, NULL); /* threads have the mask of who made them */
	if (!serve_store(sv, e)) /* a store that cannot be read is said at once */
		return -1;
	serve_store_drop();
	if (http_start(&h, sv, a, e) < 0)
		return -1;
	http_name(h, name, sizeof(name));
	printf("listening on http://%s\n", name);
	code = cli_flush();
	if (!code)
		serve_until_signal(sv, h, &wanted);
	stop(sv, h);
	return code;
}

static int serve_all(struct cli *cli, const struct http_address *a, char *token, struct redactor *r, struct err *e)
{
	auto_free char *dir = history_dir(&cli->o, cli->root), *program = libexec_find("optimize");
	auto_free char *main_program = program ? libexec_main_program() : NULL;
	auto_free char *artifacts = path_resolve(cli->root, cli->o.artifacts_dir);
	auto_free char *folder = *artifacts == '/' ? xstrdup(artifacts) : path_join(cli->root, artifacts);
	struct serve sv = {
		.read = { .dir = dir, .dsn = history_dsn(cli->envp, true), .network_ok = cli->o.history.network_ok },
		.write = { .dir = dir, .dsn = history_dsn(cli->envp, false), .network_ok = cli->o.history.network_ok },
		.settings = &cli->o.history, .redactor = r, .host_names = &cli->o.serve.host_names,
		.prefix = cli->o.serve.prefix ? cli->o.serve.prefix : "", .version = SPEC_RUNNER_VERSION,
		.main_program = main_program, .root = cli->root, .artifacts = folder, .envp = cli->envp,
		.allow_optimize = cli->o.serve.allow_optimize,
	};
	int code;

	serve_init(&sv, token, strlen(token));
	sodium_memzero(token, strlen(token));
	code = run(&sv, a, e);
	serve_release(&sv);
	return code;
}

static int serve_body(struct cli *cli)
{
	auto_free char *token = NULL;
	struct redactor *r = NULL;
	struct http_address a;
	struct err e = { 0 };
	int code = -1;

	if (sodium_init() < 0)
		err_set(&e, ERR_FAILURE, "libsodium cannot be initialised");
	else if (check_words(cli, &a, &e) == 0 && find_token(cli, &token, &e) == 0 &&
		 redactor_new(&r, cli->envp, &cli->o.redact_env, &cli->o.redact_patterns, &e) == 0)
		code = serve_all(cli, &a, token, r, &e);
	redactor_free(r);
	return code < 0 ? cli_fail(&e) : code;
}

int main(int argc, char **argv)
{
	return program_main("serve", argc, argv, serve_body);
}
