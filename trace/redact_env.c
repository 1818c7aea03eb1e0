/* SPDX-License-Identifier: Apache-2.0 */
/* env_profile of contract 7: what the environment was, without saying it. */
#include "trace/redact_internal.h"

#include "base/fd.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

static const char *length_bucket(size_t n)
{
	static const char *const names[] = {
		"0", "1-7", "8-15", "16-31", "32-63", "64-127", "128-255", "256-511", "512-1023", "1024+",
	};
	size_t i = 0;

	if (n == 0)
		return names[0];
	for (i = 1; i < sizeof(names) / sizeof(names[0]) - 1 && n >= (size_t)4 << i;)
		i++;
	return names[i];
}

#define KEY_ENV "SPEC_RUNNER_REDACTION_KEY"

/* Random bytes: from the kernel, or, where a sandbox refuses the call, from its file. */
static bool key_random(unsigned char *key, size_t n)
{
	auto_close int fd = -1;
	size_t done = 0;

	while (done < n) {
		ssize_t got = fd < 0 ? getrandom(key + done, n - done, 0) : read(fd, key + done, n - done);

		if (got > 0)
			done += (size_t)got;
		else if (got < 0 && errno == EINTR)
			continue;
		else if (fd >= 0 || (fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC)) < 0)
			return false;
	}
	return true;
}

static void profile_key_make(struct redactor *r, char *const envp[])
{
	const char *given = NULL;

	for (size_t i = 0; envp && envp[i]; i++)
		if (strncmp(envp[i], KEY_ENV "=", sizeof(KEY_ENV)) == 0 && envp[i][sizeof(KEY_ENV)])
			given = envp[i] + sizeof(KEY_ENV);
	if (given) /* any text serves as a key */
		(void)crypto_generichash(r->key, sizeof(r->key), (const unsigned char *)given, strlen(given),
					 NULL, 0);
	else
		r->key_refused = !key_random(r->key, sizeof(r->key));
	r->key_made = true;
}

static void json_name(struct str *out, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			str_addf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			str_addf(out, "\\u%04x", c); /* latin-1 reading of a byte: valid and unambiguous */
		else
			str_addc(out, (char)c);
	}
}

struct env_name {
	const char *text;
	size_t n, at; /* place in envp */
};

static int env_name_compare(const void *a, const void *b)
{
	const struct env_name *x = a, *y = b;
	int c = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);

	if (c)
		return c;
	if (x->n != y->n)
		return x->n < y->n ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

/* Of variables of one name the first counts: again[i] tells the others. */
static void names_seen(char *const envp[], size_t count, bool *again)
{
	auto_free struct env_name *names = xcalloc(count + 1, sizeof(*names));

	for (size_t i = 0; i < count; i++)
		names[i] = (struct env_name){ envp[i], strcspn(envp[i], "="), i };
	qsort(names, count, sizeof(*names), env_name_compare);
	for (size_t i = 1; i < count; i++)
		again[names[i].at] = names[i].n == names[i - 1].n &&
				     memcmp(names[i].text, names[i - 1].text, names[i].n) == 0;
}

void redact_env_profile(struct redactor *r, char *const envp[], struct str *out)
{
	auto_free bool *again = NULL;
	bool first = true;
	size_t count = 0;

	while (envp && envp[count])
		count++;
	again = xcalloc(count + 1, sizeof(*again));
	names_seen(envp, count, again);
	if (!r->key_made)
		profile_key_make(r, envp);
	str_addc(out, '{');
	for (size_t i = 0; envp && envp[i]; i++) {
		const char *eq = strchr(envp[i], '=');
		size_t n = eq ? (size_t)(eq - envp[i]) : 0;
		unsigned char hash[16];
		char hex[33];

		if (!n || again[i])
			continue;
		str_add(out, first ? "\"" : ",\"");
		first = false;
		json_name(out, envp[i], n);
		str_addf(out, "\":{\"set\":true,\"length_bucket\":\"%s\"", length_bucket(strlen(eq + 1)));
		/* the key's own row says nothing about it that could be tried out */
		if (!r->key_refused && !(n == strlen(KEY_ENV) && memcmp(envp[i], KEY_ENV, n) == 0)) {
			crypto_generichash(hash, sizeof(hash), (const unsigned char *)eq + 1, strlen(eq + 1),
					   r->key, sizeof(r->key));
			sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
			str_addf(out, ",\"hash\":\"%s\"", hex);
		}
		str_addc(out, '}');
	}
	str_addc(out, '}');
}
