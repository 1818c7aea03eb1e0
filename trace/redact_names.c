/* SPDX-License-Identifier: Apache-2.0 */
/* Which names are secret (contract 7), and which of ours only look so. */
#include "trace/redact_internal.h"

#include <string.h>
#include <strings.h>

/* A name that contains one of these holds a secret. */
const char *const redact_secret_words[] = {
	"token", "secret", "password", "passwd", "passphrase", "authorization",
	"cookie", "key", "credential", "private", "dsn", NULL,
};

/* The contract's own keys that contain such a word. Their values are words of the contract,
 * and a redactor that hides them destroys the evidence it is there to keep. */
static const char *const own_keys[] = { "reason_token", "reason_tokens", NULL };

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

size_t redact_names_word(const char *name, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		/* the first letters of the words, so that most positions cost one test */
		switch (name[i] | 0x20) {
		case 't': case 's': case 'p': case 'a': case 'c': case 'k': case 'd':
			break;
		default:
			continue;
		}
		for (size_t w = 0; redact_secret_words[w]; w++) {
			size_t len = strlen(redact_secret_words[w]);

			if (len <= n - i && strncasecmp(name + i, redact_secret_words[w], len) == 0)
				return w;
		}
	}
	return SIZE_MAX;
}

const char *redact_names_label(const struct redactor *r, const char *name, size_t n)
{
	size_t w;

	if (redact_names_is_own_key(name, n))
		return NULL;
	for (size_t i = 0; i < r->name_count; i++)
		if (r->names[i].len == n && strncasecmp(r->names[i].name, name, n) == 0)
			return r->names[i].label;
	w = redact_names_word(name, n);
	return w == SIZE_MAX ? NULL : redact_secret_words[w];
}

bool redact_is_secret_name(const struct redactor *r, const char *name, size_t n)
{
	return redact_names_label(r, name, n) != NULL;
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
