/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of strangers: any target, headers and body get an answer, and no answer but a good one says 200. The first line
 * of the input is the method, then target, Host, Authorization, Cookie, Content-Type, a line each, then the body. The store
 * is empty. */
#include "base/mem.h"
#include "serve/route.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char token[] = "a-token-of-some-length-1";
static char dir[] = "/tmp/fuzz-serve-XXXXXX";
static struct history_settings settings = { .max_prompt_tokens = 8000 };
static struct strv names;
static char *no_env[] = { NULL };
static struct serve sv = { .read = { .dir = dir }, .write = { .dir = dir }, .settings = &settings, .host_names = &names, .prefix = "",
			   .version = "0", .root = "/nonexistent", .artifacts = "/nonexistent", .envp = no_env };

static void remove_store(void)
{
	static const char *const files[] = { "history.db", "history.db-wal", "history.db-shm", "lock", "artifacts", "spool" };

	serve_store_drop();
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_free char *path = xasprintf("%s/%s", dir, files[i]);

		remove(path);
	}
	rmdir(dir);
}

static void set_up(void)
{
	static const struct strv none;
	struct err e = { 0 };

	if (sv.redactor)
		return;
	if (!mkdtemp(dir) || redactor_new(&sv.redactor, no_env, &none, &none, &e) < 0)
		abort();
	serve_init(&sv, token, sizeof(token) - 1);
	atexit(remove_store);
}

static char *next_line(char **p)
{
	char *line = strsep(p, "\n");

	return line ? line : (char *)"";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = xstrndup((const char *)data, size);
	char *p = text, *method = next_line(&p), *target = next_line(&p), *host = next_line(&p), *authorization = next_line(&p);
	char *cookie = next_line(&p), *type = next_line(&p);
	auto_free char *bearer = xasprintf("Bearer %s", *authorization == '=' ? token : authorization);
	struct message m = { .method = method, .target = target, .host = *host ? host : "localhost", .authorization = bearer,
			     .cookie = cookie, .content_type = type, .accept = *cookie == 'h' ? "text/html" : NULL,
			     .body = p ? p : "", .body_n = p ? strlen(p) : 0 };
	struct reply a;

	set_up();
	if (strcmp(method, "POST") == 0 && strcmp(target, "/runs") == 0)
		m.body_n = m.body_n > 1 ? m.body_n - 1 : 0; /* never whole: the store stays empty */
	serve_wants_body(&sv, &m);
	serve_answer(&sv, &m, INT64_C(1800000000000000000), &a);
	if (a.status < 200 || a.status > 599 || a.status == 503 || (a.fd < 0 && !a.body.len))
		abort();
	reply_release(&a);
	return 0;
}
