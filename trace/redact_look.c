/* SPDX-License-Identifier: Apache-2.0 */
/* Is what stands under a name a secret? Some values plainly are none, whatever the name: words, prose, paths,
 * counts, placeholders, expressions of a program. And under a weak name ("key: …") only what looks like a
 * secret is one. Nothing here asks the file system: what is judged may name a dead server. */
#include "trace/redact_internal.h"

#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

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

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f' || c == '\0';
}

static bool one_of(char c, const char *set)
{
	return c && strchr(set, c) != NULL;
}

/* ---- plain words --------------------------------------------------------------------------- */

static const char *const words[] = {
#define WORD(text) text,
#include "trace/redact_words.def"
#undef WORD
};

/* They have digits or points, and are values of their own. */
static const char *const common_values[] = {
	"127.0.0.1", "0.0.0.0", "changeme", "/dev/null", "/usr/bin", "/bin/sh", "/bin/bash", "/usr/local",
	"<eof>", "n/a", "todo", NULL,
};

/* word against v[0..n), whose case does not matter: neither has a NUL, and words are of small letters. */
static int word_compare(const char *word, const char *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int c = (unsigned char)word[i] - (is_upper(v[i]) ? v[i] | 0x20 : (unsigned char)v[i]);

		if (c)
			return c;
	}
	return word[n] != '\0';
}

static bool in_words(const char *v, size_t n)
{
	size_t lo = 0, hi = sizeof(words) / sizeof(words[0]);

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		int c = word_compare(words[mid], v, n);

		if (c == 0)
			return true;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

bool redact_is_plain_word(const char *v, size_t n)
{
	for (size_t i = 0; n && common_values[i]; i++)
		if (strlen(common_values[i]) == n && strncasecmp(common_values[i], v, n) == 0)
			return true;
	return n && n <= 20 && !memchr(v, '\0', n) && in_words(v, n);
}

/* What a sentence is made of: also "isn't", "re-used", "refreshed", "expiring". */
static bool is_prose_word(const char *v, size_t n)
{
	size_t letters = 0;

	if (redact_is_plain_word(v, n))
		return true;
	for (size_t i = 0; i < n; i++) {
		if (is_upper(v[i]) && i)
			return false;
		if (!is_letter(v[i]) && !(i && i + 1 < n && (v[i] == '\'' || v[i] == '-')))
			return false;
		letters++;
	}
	if (n >= 3 && memcmp(v + n - 2, "'t", 2) == 0)
		return true;
	return letters >= 5 && letters <= 14 &&
	       (memcmp(v + n - 2, "ed", 2) == 0 || memcmp(v + n - 3, "ing", 3) == 0 || memcmp(v + n - 2, "ly", 2) == 0 ||
		memcmp(v + n - 3, "ble", 3) == 0);
}

/* ---- what a secret looks like -------------------------------------------------------------- */

/* A part of an identifier that somebody has thought up: "node", "Linux", "utf8", "v2", "2024", "10ms", "userName". */
static bool is_plain_part(const char *v, size_t n, bool *is_word)
{
	size_t letters = 0, humps = 0, digits = 0, changes = 0;

	for (size_t i = 0; i < n; i++) {
		if (is_digit(v[i]))
			digits++;
		else if (is_letter(v[i]))
			letters++;
		else
			return false;
		if (is_upper(v[i]) && (i == 0 || !is_upper(v[i - 1])))
			humps++;
		if (i && is_digit(v[i]) != is_digit(v[i - 1]))
			changes++;
	}
	*is_word = letters >= 3 && digits == 0;
	if (!letters)
		return n <= 8;
	if (digits)
		return changes <= 1 && letters <= 10 && digits <= 4 && humps <= 1 && (letters >= 3 || n <= 6);
	if (humps <= 1)
		return n <= 24;
	return letters / humps >= 4; /* words in camel case, no alphabet soup */
}

/* Words, numbers and at most one hash, put together by punctuation: a name of something. */
static bool is_identifier(const char *v, size_t n)
{
	size_t parts = 0, word_count = 0, hashes = 0;

	for (size_t i = 0; i < n;) {
		size_t from = i;
		bool is_word = false, hex = true;

		while (i < n && !one_of(v[i], "-_./:@,=+#()[]"))
			hex &= is_hex(v[i++]);
		if (i > from) {
			parts++;
			if (is_plain_part(v + from, i - from, &is_word))
				word_count += is_word;
			else if (hex && word_count >= (i - from > 12 && i - from != 40 && i - from != 64 ? 2u : 1u))
				hashes++;
			else
				return false;
		}
		i++;
	}
	return parts > 0 && hashes <= 1;
}

bool redact_looks_secret(const char *v, size_t n)
{
	size_t digits = 0, letters = 0, upper = 0, lower = 0, other = 0;

	while (n && one_of(v[n - 1], ".,;:)]}!?"))
		n--;
	while (n && one_of(*v, "([{")) {
		v++;
		n--;
	}
	if (n < 6)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (is_space(v[i]))
			return false;
		digits += is_digit(v[i]);
		letters += is_letter(v[i]);
		upper += is_upper(v[i]);
		lower += is_lower(v[i]);
		other += !is_digit(v[i]) && !is_letter(v[i]) && !one_of(v[i], "-_./:@,=+()[]{}<>'\"");
	}
	if (redact_is_path(v, n) || is_identifier(v, n) || memmem(v, n, "://", 3))
		return false;
	return (digits && letters) || (upper && lower && n >= 8) || (other && letters && n >= 6) || digits >= 12;
}

/* ---- what is none -------------------------------------------------------------------------- */

static bool starts(const char *v, size_t n, const char *with)
{
	size_t m = strlen(with);

	return m <= n && memcmp(v, with, m) == 0;
}

/* A path: of a well-known top folder, relative, or of names that people give to files. */
bool redact_is_path(const char *v, size_t n)
{
	static const char *const tops[] = {
		"/tmp/", "/home/", "/usr/", "/etc/", "/var/", "/opt/", "/root/", "/run/", "/work/", "/builds/", "/github/",
		"/workspace/", "/mnt/", "/srv/", "/dev/", "/proc/", "/sys/", "/nix/", "/Users/", "/private/", "/lib/",
		"/bin/", "/sbin/", "/media/", "/data/", "/app/", "/src/", "/code/", "/project/", "/repo/", "/runner/", "./",
		"../", "~/", "/workspaces/", "/actions-runner/", "/__w/", NULL,
	};
	size_t parts = 0;

	for (size_t i = 0; i < n; i++)
		if (is_space(v[i]) || one_of(v[i], "'\"`|<>&;?*%"))
			return false;
	for (size_t i = 0; tops[i]; i++)
		if (starts(v, n, tops[i]))
			return true;
	if (n >= 3 && is_letter(v[0]) && v[1] == ':' && v[2] == '\\')
		return true;
	if (n < 2 || v[0] != '/')
		return false;
	for (size_t i = 1; i < n;) {
		size_t from = i;

		while (i < n && v[i] != '/')
			i++;
		if (i > from && !is_identifier(v + from, i - from))
			return false;
		parts += i > from;
		i++;
	}
	return parts > 0;
}

/* "$TOKEN", "${{ secrets.X }}", "***", "xxxx", "<token>", "%s", "...", "{}": what stands for a secret. */
static bool is_placeholder(const char *v, size_t n)
{
	size_t i = 0;

	if (n >= 2 && v[0] == '$' && (v[1] == '{' || v[1] == '('))
		return v[n - 1] == '}' || v[n - 1] == ')';
	if (n >= 2 && v[0] == '$') {
		for (i = 1; i < n && (is_upper(v[i]) || is_digit(v[i]) || v[i] == '_');)
			i++;
		return i == n;
	}
	if (n >= 2 && v[0] == '{' && v[n - 1] == '}')
		return memchr(v, ':', n) == NULL && memchr(v, '=', n) == NULL;
	if (n >= 3 && v[0] == '<' && v[n - 1] == '>')
		return memchr(v, ':', n) == NULL && !redact_looks_secret(v + 1, n - 2);
	if (n == 2 && v[0] == '%' && is_letter(v[1]))
		return true;
	for (i = 1; i < n && v[i] == v[0];)
		i++;
	return i == n && (one_of(v[0], "*.?#-_") || (n >= 3 && one_of(v[0], "xX")));
}

/* self.token, os.environ["X"], request.cookies.get(…), new Token(…): a program's text, not its data. */
static bool is_expression(const char *v, size_t n)
{
	size_t i = 0, dots = 0;

	while (i < n && (is_letter(v[i]) || v[i] == '_' || (i && v[i] == '.'))) {
		dots += v[i] == '.';
		i++;
	}
	if (i < 2 || v[i - 1] == '.')
		return false;
	if (i < n && (v[i] == '(' || v[i] == '['))
		return true;
	return dots && (i == n || one_of(v[i], ",;):")) && (starts(v, n, "self.") || starts(v, n, "this.") ||
		starts(v, n, "process.env") || starts(v, n, "config.") || starts(v, n, "settings.") || starts(v, n, "os."));
}

static bool is_number(const char *v, size_t n, size_t max)
{
	size_t digits = 0;

	for (size_t i = 0; i < n; i++) {
		if (is_digit(v[i]))
			digits++;
		else if (!one_of(v[i], ",.-_ []:/") && !(digits && one_of(v[i], "smkKMGhB%")))
			return false;
	}
	return digits > 0 && digits <= max;
}

static bool is_punctuation(const char *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (is_letter(v[i]) || is_digit(v[i]) || (unsigned char)v[i] >= 0x80)
			return false;
	return n <= 3;
}

/* A sentence: at least two words of one, and as many as there are others. */
static bool is_prose(const struct redactor *r, const char *v, size_t n)
{
	size_t plain = 0, others = 0;

	for (size_t i = 0; i < n;) {
		size_t from, to;

		while (i < n && (is_space(v[i]) || one_of(v[i], "([{'\"`<")))
			if (v[i] == '<' && redact_marker_length(r, v + i, n - i))
				i += redact_marker_length(r, v + i, n - i);
			else
				i++;
		for (from = i; i < n && !is_space(v[i]);)
			i++;
		for (to = i; to > from && one_of(v[to - 1], ".,;:!?)]}'\"`>");)
			to--;
		if (to == from)
			continue;
		if (is_prose_word(v + from, to - from))
			plain++;
		else if (!is_number(v + from, to - from, 6))
			others++;
	}
	return (plain >= 2 && plain > others) || (plain && !others);
}

/* A word in the brackets or before the punctuation of what it stands in: "NULL)", "[PAD]", "null;". */
static bool is_plain_in_context(const char *v, size_t n)
{
	while (n && one_of(v[n - 1], ")];,}.:"))
		n--;
	while (n && one_of(*v, "([{")) {
		v++;
		n--;
	}
	return n && is_prose_word(v, n);
}

enum verdict_of_value redact_judge(const struct redactor *r, const struct secret_kind *kind, const char *v, size_t n,
				   bool quoted)
{
	if (kind->strength == NAME_GIVEN)
		return VALUE_SECRET;
	if (kind->strength == NAME_PLAIN || !n)
		return VALUE_PLAIN;
	if (kind->strength == NAME_WEAK)
		return VALUE_WORDS;
	if (is_plain_in_context(v, n) || is_placeholder(v, n) || is_punctuation(v, n) || redact_is_path(v, n))
		return VALUE_PLAIN;
	if (!quoted && is_expression(v, n))
		return VALUE_PLAIN;
	if (!kind->password && is_number(v, n, kind->plural ? 12 : 4))
		return VALUE_PLAIN;
	return is_prose(r, v, n) ? VALUE_WORDS : VALUE_SECRET;
}
