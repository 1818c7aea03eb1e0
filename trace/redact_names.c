/* SPDX-License-Identifier: Apache-2.0 */
/* Which names open something (contract 7, 12), and which only look so. A name counts by its words:
 * API_KEY, apiKey and api-key are two; keyboard, turkey, tokenizer and cookiecutter are one, and none. */
#include "trace/redact_internal.h"

#include <string.h>
#include <strings.h>

/* First characters by which a pass finds names; the words decide afterwards. */
#define W(text) { text, sizeof(text) - 1 }
const struct needle_word redact_needle_words[] = {
	W("token"), W("secret"), W("password"), W("passwd"), W("passphrase"), W("passcode"), W("authorization"),
	W("cookie"), W("key"), W("credential"), W("creds"), W("private"), W("dsn"), W("pwd"), W("pass"), W("auth"),
	W("sig"), W("signature"), { NULL, 0 },
};
#undef W

/* A value under such a word is a secret unless it plainly is none. */
static const char *const strong_words[] = {
	"token", "secret", "password", "passwd", "passphrase", "passcode", "authorization", "cookie",
	"credential", "creds", "dsn", "pwd", "apikey", "accesskey", "secretkey", "privatekey", "authkey", "sshkey",
	"signingkey", "masterkey", "accountkey", "sharedkey", "encryptionkey", "deploykey", NULL,
};

/* A value under such a word is a secret if it looks like one. */
static const char *const weak_words[] = { "key", "private", "pass", "auth", "sig", "signature", NULL };

/* Endings of words that are written as one: PGPASSWORD, authtoken, clientsecret. */
static const char *const endings[] = { "password", "passwd", "passphrase", "token", "secret", "credential", NULL };

/* A key that has one of these beside it opens something. */
static const char *const opens[] = {
	"api", "access", "private", "secret", "ssh", "signing", "sign", "encryption", "encrypt", "decryption",
	"deploy", "master", "account", "shared", "auth", "authorization", "session", "storage", "app", "application",
	"client", "consumer", "write", "admin", "aes", "rsa", "gpg", "pgp", "hmac", "jwt", "webhook", "aws", "azure",
	"gcp", "github", "gitlab", "npm", "stripe", "openai", "anthropic", "subscription", "ssl", "tls", "datadog",
	"dd", "sentry", "sendgrid", "twilio", "license", "service", "server", "integration", "bot", "vault", NULL,
};

/* What a name says about the secret and not the secret itself: num_tokens, token_type, cookie_domain, key_dir. */
static const char *const about[] = {
	"num", "max", "min", "n", "count", "counts", "total", "used", "usage", "limit", "limits", "length", "len",
	"size", "type", "kind", "budget", "per", "index", "idx", "ttl", "expiry", "expires", "expired", "expiration",
	"in", "rate", "age", "timeout", "status", "state", "policy", "rotation", "name", "names", "id", "ids", "url",
	"uri", "endpoint", "dir", "directory", "path", "paths", "file", "files", "filename", "domain", "jar",
	"algorithm", "alg", "has", "is", "no", "use", "uses", "with", "without", "enable", "enabled", "disable",
	"disabled", "require", "requires", "required", "allow", "skip", "show", "service", "manager", "provider",
	"factory", "store", "parser", "handler", "controller", "test", "tests", "spec", "util", "utils", "helper",
	"builder", "filter", "reader", "writer", "stream", "validator", "generator", "repository", "cache", "class",
	"module", "bucket", "prefix", "suffix", "format", "version", "help", "prompt", "field", "column", "label",
	"ref", "refs", "first", "last", "next", "prev", "missing", "invalid", "input", "output", "prompted",
	"completion", "created", "updated", "strength", "rounds", "list", "map", "lookup", "event", "press", NULL,
};

/* The contract's own keys that contain such a word. Their values are words of the contract,
 * and a redactor that hides them destroys the evidence it is there to keep. */
static const char *const own_keys[] = { "reason_token", "reason_tokens", NULL };

static bool in_list(const char *const *list, const char *s, size_t n)
{
	for (size_t i = 0; list[i]; i++)
		if (list[i][0] == (*s | 0x20) && strncasecmp(list[i], s, n) == 0 && !list[i][n])
			return true;
	return false;
}

bool redact_names_is_own_key(const char *name, size_t n)
{
	while (n && *name == '-') {
		name++;
		n--;
	}
	for (size_t i = 0; own_keys[i]; i++)
		if (strlen(own_keys[i]) == n && memcmp(own_keys[i], name, n) == 0)
			return true;
	return false;
}

bool redact_names_opens(const char *word, size_t n)
{
	return in_list(opens, word, n);
}

/* ---- words --------------------------------------------------------------------------------- */

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_letter(char c)
{
	return is_upper(c) || is_lower(c);
}

/* The next word of a name from *at on: letters, up to a change of case ("apiKey", "APIKey"). */
static bool next_word(const char *name, size_t n, size_t *at, const char **word, size_t *len)
{
	size_t from = *at, end;

	while (from < n && !is_letter(name[from]))
		from++;
	if (from >= n)
		return false;
	end = from + 1;
	while (end < n && is_letter(name[end])) {
		if (is_upper(name[end]) && is_lower(name[end - 1]))
			break;
		if (is_upper(name[end]) && is_upper(name[end - 1]) && end + 1 < n && is_lower(name[end + 1]) &&
		    !(name[end + 1] == 's' && (end + 2 >= n || !is_letter(name[end + 2]))))
			break;
		end++;
	}
	*word = name + from;
	*len = end - from;
	*at = end;
	return true;
}

struct words {
	enum name_strength strength;
	const char *label;
	bool password, plural;
	bool neighbour;   /* that opens something */
	bool key, public; /* a lone key; public, which opens nothing */
	bool about_first, about_last;
	size_t count;
};

static const char *find_word(const char *const *list, const char *word, size_t len, bool *plural)
{
	for (size_t i = 0; list[i]; i++) {
		size_t n;

		if (list[i][0] != (*word | 0x20))
			continue;
		n = strlen(list[i]);
		if (len < n || len > n + 1 || strncasecmp(word, list[i], n) != 0)
			continue;
		if (len == n || (word[n] | 0x20) == 's') {
			*plural = len > n;
			return list[i];
		}
	}
	return NULL;
}

static const char *find_ending(const char *word, size_t len, bool *plural)
{
	size_t n = len && (word[len - 1] | 0x20) == 's' ? len - 1 : len;

	for (size_t i = 0; endings[i]; i++) {
		size_t m = strlen(endings[i]);

		if (len < 8)
			break; /* the shortest of them with two letters before it */
		if (len > m && strncasecmp(word + len - m, endings[i], m) == 0) {
			*plural = false;
			return endings[i];
		}
		if (n > m && n < len && strncasecmp(word + n - m, endings[i], m) == 0) {
			*plural = true;
			return endings[i];
		}
	}
	return NULL;
}

static void word_seen(struct words *w, const char *word, size_t len)
{
	bool plural = false;
	const char *hit = find_word(strong_words, word, len, &plural);

	if (!hit)
		hit = find_ending(word, len, &plural);
	if (hit) {
		w->plural |= plural;
		w->password |= strncmp(hit, "pass", 4) == 0 || strcmp(hit, "pwd") == 0;
		if (!w->label)
			w->label = strstr(hit, "key") ? "key" : hit;
		w->strength = NAME_STRONG;
		return;
	}
	hit = find_word(weak_words, word, len, &plural);
	if (!hit)
		return;
	w->plural |= plural;
	w->key |= strcmp(hit, "key") == 0;
	if (!w->label)
		w->label = hit;
	if (w->strength == NAME_PLAIN)
		w->strength = NAME_WEAK;
}

/* What the other words say about it: few names come as far. */
static void words_around(struct words *w, const char *name, size_t n)
{
	const char *word;
	size_t at = 0, len;

	while (next_word(name, n, &at, &word, &len)) {
		w->about_last = in_list(about, word, len);
		if (!w->count++)
			w->about_first = w->about_last;
		w->neighbour |= in_list(opens, word, len);
		w->public |= len == 6 && strncasecmp(word, "public", len) == 0;
	}
}

struct secret_kind redact_name_kind(const struct redactor *r, const char *name, size_t n)
{
	struct secret_kind kind = { .strength = NAME_PLAIN };
	struct words w = { .strength = NAME_PLAIN };
	const char *word;
	size_t at = 0, len;

	if (redact_names_is_own_key(name, n))
		return kind;
	for (size_t i = 0; i < r->name_count; i++)
		if (r->names[i].len == n && strncasecmp(r->names[i].name, name, n) == 0) {
			kind.strength = NAME_GIVEN;
			kind.label = r->names[i].label;
			return kind;
		}
	if ((n == 3 && memcmp(name, "PWD", 3) == 0) || n > 256)
		return kind; /* the shell's working folder; no name is that long */
	while (next_word(name, n, &at, &word, &len))
		word_seen(&w, word, len);
	if (w.strength == NAME_PLAIN)
		return kind;
	words_around(&w, name, n);
	if (w.strength == NAME_WEAK && w.key && w.neighbour && !w.public)
		w.strength = NAME_STRONG;
	if (w.public && w.key && w.strength == NAME_WEAK)
		w.strength = NAME_PLAIN;
	if (w.strength == NAME_STRONG && w.count > 1 && (w.about_first || w.about_last))
		w.strength = NAME_WEAK;
	kind.strength = w.strength;
	kind.password = w.password;
	kind.plural = w.plural;
	kind.label = w.label;
	return kind;
}

bool redact_is_secret_name(const struct redactor *r, const char *name, size_t n)
{
	return redact_name_kind(r, name, n).strength >= NAME_STRONG;
}

void redact_label_make(char out[LABEL_SIZE], const char *name, size_t n)
{
	size_t i;

	if (n > LABEL_SIZE - 1)
		n = LABEL_SIZE - 1;
	for (i = 0; i < n; i++) {
		char c = name[i];
		bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			     (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';

		out[i] = plain ? c : '_';
	}
	if (i == 0)
		out[i++] = '_';
	out[i] = '\0';
}
