/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/sampled/molt.h"

#include "base/clock.h"
#include "base/fd.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "base/path.h"
#include "trace/redact.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define HOOK_BYTES_MAX ((size_t)256 << 20)
enum { HASH_SIZE = sizeof("sha256:") + 2 * crypto_hash_sha256_BYTES };

static void hash_text(const char *s, size_t n, char out[HASH_SIZE])
{
	unsigned char h[crypto_hash_sha256_BYTES];

	crypto_hash_sha256(h, (const unsigned char *)s, n);
	memcpy(out, "sha256:", 7);
	sodium_bin2hex(out + 7, HASH_SIZE - 7, h, sizeof(h));
}

/* ---- who ran ---- */

/* Where the program's own arguments begin: behind the script, `-m module` or `-c code`. */
static size_t own_arguments(const struct strv *argv)
{
	for (size_t i = 1; i < argv->n; i++) {
		const char *a = argv->v[i];

		if (a[0] != '-' || !a[1])
			return i + 1;
		if (strncmp(a, "--", 2) == 0) {
			i += strcmp(a, "--check-hash-based-pycs") == 0;
			continue;
		}
		for (const char *c = a + 1; *c; c++) {
			if (*c == 'm' || *c == 'c')
				return c[1] ? i + 1 : i + 2;
			if (*c == 'W' || *c == 'X') {
				i += !c[1];
				break;
			}
		}
	}
	return argv->n;
}

static const struct prof_thread *thread_of(const struct profile *p, int32_t pid)
{
	for (size_t i = 0; i < p->thread_count; i++)
		if (p->threads[i].pid == pid && p->threads[i].tid == pid)
			return &p->threads[i];
	return NULL;
}

/* The entrypoint in clear, every further argument as a hash; one that is hidden everywhere else is hidden here. */
static void write_argv(struct json *j, const char *entry, size_t entry_n, const struct prof_thread *t)
{
	char hash[HASH_SIZE];

	json_array(j, "argv");
	json_raw(j, NULL, entry, entry_n);
	for (size_t i = t ? own_arguments(&t->argv) : 0; t && i < t->argv.n; i++) {
		const char *hidden = strstr(t->argv.v[i], "<redacted:");

		if (hidden) {
			auto_free char *label = xstrndup(hidden, strcspn(hidden, ">") + 1);

			json_str(j, NULL, label);
			continue;
		}
		hash_text(t->argv.v[i], strlen(t->argv.v[i]), hash);
		json_str(j, NULL, hash);
	}
	json_array_end(j);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_left_out(const char *name, size_t n)
{
	static const char *const names[] = { "PWD", "OLDPWD", "SHLVL", "_" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == n && strncmp(names[i], name, n) == 0)
			return true;
	return n >= 12 && strncmp(name, "SPEC_RUNNER_", 12) == 0;
}

static void fingerprint_env(struct redactor *redactor, char *const envp[], char out[HASH_SIZE])
{
	struct strv lines = STRV_INIT;
	auto_str all = STR_INIT;

	for (size_t i = 0; envp && envp[i]; i++) {
		size_t n = strcspn(envp[i], "=");
		const char *value = envp[i] + n + (envp[i][n] == '=');

		if (is_left_out(envp[i], n))
			continue;
		if (redact_is_secret_name(redactor, envp[i], n) || redact_finds(redactor, NULL, value, strlen(value)))
			strv_take(&lines, xstrndup(envp[i], n));
		else
			strv_add(&lines, envp[i]);
	}
	if (lines.n)
		qsort(lines.v, lines.n, sizeof(*lines.v), by_text);
	for (size_t i = 0; i < lines.n; i++)
		str_addn(&all, lines.v[i], strlen(lines.v[i]) + 1);
	hash_text(str_cstr(&all), all.len, out);
	strv_release(&lines);
}

/* ---- the document ---- */

static void write_created(struct json *j, const struct sample_session *x)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	char when[CLOCK_RFC3339_SIZE], *end = NULL;
	int64_t real = x->start_real_ns, given = epoch ? strtoll(epoch, &end, 10) : -1;

	if (epoch && end != epoch && !*end && given >= 0 && given < INT64_C(253402300800))
		real = given * NS_PER_S;
	clock_rfc3339(when, real);
	memcpy(when + 19, "Z", 2); /* to the second */
	json_str(j, "created_at_utc", when);
}

static void write_member(struct json *j, const char *text, size_t n, const char *key)
{
	struct json_member m;

	if (json_find_member(text, n, key, &m))
		json_raw(j, key, m.value, m.value_n);
	else
		json_null(j, key);
}

static void write_run(struct json *j, const char *text, size_t n, const struct prof_thread *t, const char *env)
{
	struct json_member entry = { 0 };

	json_object(j, "run_metadata");
	write_member(j, text, n, "entrypoint");
	if (!json_find_member(text, n, "entrypoint", &entry))
		entry = (struct json_member){ .value = "\"?\"", .value_n = 3 };
	write_argv(j, entry.value, entry.value_n, t);
	json_str(j, "env_fingerprint", env);
	write_member(j, text, n, "inputs_fingerprint");
	write_member(j, text, n, "duration_ms");
	json_object_end(j);
}

static void write_document(const struct sample_session *x, const char *text, size_t n, const struct prof_thread *t,
			   const char *env, struct str *out)
{
	static const char *const sections[] = { "modules", "symbols", "call_sites", "types", "containers", "hotspots",
						"events" };
	struct utsname u;
	struct json j;

	uname(&u);
	json_init(&j, out);
	json_object(&j, NULL);
	json_str(&j, "molt_profile_version", "0.1");
	write_created(&j, x);
	write_member(&j, text, n, "python_implementation");
	write_member(&j, text, n, "python_version");
	json_object(&j, "platform");
	json_str(&j, "os", "linux");
	json_str(&j, "arch", strcmp(u.machine, "aarch64") == 0 ? "arm64" : u.machine);
	json_object_end(&j);
	write_run(&j, text, n, t, env);
	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
		write_member(&j, text, n, sections[i]);
	json_object(&j, "redactions");
	json_str(&j, "mode", "hash");
	json_int(&j, "strings_hashed", json_member_int(text, n, "strings_hashed", 0));
	json_str(&j, "plain", "identifiers");
	json_object_end(&j);
	json_object_end(&j);
	json_finish(&j);
	str_addc(out, '\n');
}

static int64_t rows_in(const char *text, size_t n, const char *key)
{
	struct json_member m;
	int64_t rows = 0, depth = 0;
	bool quoted = false;

	if (!json_find_member(text, n, key, &m) || m.value_n < 3)
		return 0;
	for (size_t i = 0; i < m.value_n; i++) { /* commas between the members of the outermost */
		char c = m.value[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '[' || c == '{'))
			depth++;
		else if (!quoted && (c == ']' || c == '}'))
			depth--;
		else if (!quoted && c == ',' && depth == 1)
			rows++;
	}
	return rows + 1;
}

static void count(struct molt *m, const char *text, size_t n)
{
	m->symbols = rows_in(text, n, "symbols");
	m->call_sites = rows_in(text, n, "call_sites");
	m->hotspots = rows_in(text, n, "hotspots");
	m->types = rows_in(text, n, "types");
	m->containers = rows_in(text, n, "containers");
	m->strings_hashed = json_member_int(text, n, "strings_hashed", 0);
	m->details_left = json_member_int(text, n, "details_left_count", 0);
}

static int write_one(struct molt *m, const struct sample_session *x, const struct sample_result *r, const char *env,
		     int32_t pid, bool first, struct err *e)
{
	auto_free char *name = xasprintf("mpa-%d.json", (int)pid), *from = path_join(x->raw, name);
	auto_free char *shown = first ? xstrdup("molt_profile.json") : xasprintf("molt_profile-%d.json", (int)pid);
	auto_free char *to = path_join(x->raw, shown), *bytes = NULL;
	auto_str out = STR_INIT;
	size_t n = 0;

	if (file_read(from, HOOK_BYTES_MAX, &bytes, &n, e) < 0)
		return -1;
	unlink(from);
	if (n < 2 || !json_scan_members(bytes + 1, n - 2)) {
		snprintf(m->failed, sizeof(m->failed), "what process %d left is no JSON", (int)pid);
		return 0;
	}
	write_document(x, bytes + 1, n - 2, thread_of(r->p, pid), env, &out);
	if (file_write(to, str_cstr(&out), out.len, e) < 0)
		return -1;
	if (first) {
		m->pid = pid;
		count(m, bytes + 1, n - 2);
	}
	m->processes++;
	strv_add(&m->files, shown);
	return 0;
}

struct left {
	int32_t pid;
	int64_t start_ns;
};

static int first_started(const void *a, const void *b)
{
	const struct left *x = a, *y = b;

	return x->start_ns != y->start_ns ? (x->start_ns < y->start_ns ? -1 : 1) : x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void failed_take(struct molt *m, const char *raw, const char *name)
{
	auto_free char *path = path_join(raw, name);
	char text[120];

	if (fd_read_file(AT_FDCWD, path, text, sizeof(text)) > 0)
		snprintf(m->failed, sizeof(m->failed), "the hook failed (%.100s)", text);
	unlink(path);
}

/* Processes that left something, by their start. Caller frees. */
static struct left *left_behind(struct molt *m, const char *raw, const struct profile *p, size_t *n)
{
	struct left *v = NULL;
	struct dirent *d;
	DIR *dir = opendir(raw);

	*n = 0;
	while (dir && (d = readdir(dir))) {
		char end[16] = "";
		int pid;

		if (sscanf(d->d_name, "mpa-%d.%15s", &pid, end) != 2)
			continue;
		if (strcmp(end, "failed") == 0)
			failed_take(m, raw, d->d_name);
		if (strcmp(end, "json") != 0)
			continue;
		v = xreallocarray(v, *n + 1, sizeof(*v));
		v[(*n)++] = (struct left){ pid, thread_of(p, pid) ? thread_of(p, pid)->start_ns : INT64_MAX };
	}
	if (dir)
		closedir(dir);
	if (*n)
		qsort(v, *n, sizeof(*v), first_started);
	return v;
}

int molt_write(struct molt *m, const struct sample_session *x, const struct sample_result *r, struct redactor *redactor,
	       char *const envp[], struct err *e)
{
	char env[HASH_SIZE];
	struct left *v;
	size_t n;
	int rc = 0;

	*m = (struct molt){ .files = STRV_INIT };
	if (sodium_init() < 0)
		return err_set(e, ERR_FAILURE, "the library for hashes does not start");
	fingerprint_env(redactor, envp, env);
	v = left_behind(m, x->raw, r->p, &n);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = write_one(m, x, r, env, v[i].pid, i == 0, e);
	free(v);
	return rc;
}

void molt_release(struct molt *m)
{
	strv_release(&m->files);
}

void molt_metrics(const struct molt *m, struct json *j)
{
	json_uint(j, "processes_count", m->processes);
	json_int(j, "profiled_pid", m->pid);
	json_int(j, "symbols_count", m->symbols);
	json_int(j, "call_sites_count", m->call_sites);
	json_int(j, "types_count", m->types);
	json_int(j, "containers_count", m->containers);
	json_int(j, "hotspots_count", m->hotspots);
	json_int(j, "strings_hashed_count", m->strings_hashed);
	json_int(j, "details_left_count", m->details_left);
}
