/* SPDX-License-Identifier: Apache-2.0 */
/* signature.c - names without what changes from run to run, and their hash (signature.h). */
#include "evidence/signature.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* A word that is hexadecimal by its look: 0x…, or 8 and more hex digits with a digit in them. */
static bool is_hex_word(const char *s, size_t n)
{
	bool digit = false;
	size_t i = 0;

	if (n > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		i = 2;
	else if (n < 8)
		return false;
	for (; i < n; i++) {
		if (!isxdigit((unsigned char)s[i]))
			return false;
		digit = digit || isdigit((unsigned char)s[i]);
	}
	return digit || s[1] == 'x' || s[1] == 'X';
}

static void add_word(struct str *out, const char *s, size_t n)
{
	if (is_hex_word(s, n)) {
		str_addc(out, '#');
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (!isdigit((unsigned char)s[i]))
			str_addc(out, s[i]);
		else if (!i || !isdigit((unsigned char)s[i - 1]))
			str_addc(out, '#');
	}
}

/* The next component of a path below a folder for temporary files is a name made at random. */
static size_t temporary_prefix(const char *s)
{
	static const char *const folders[] = { "/tmp/", "/var/tmp/", "/dev/shm/" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (str_starts(s, folders[i]))
			return strlen(folders[i]);
	return 0;
}

void signature_add_text(struct str *out, const char *s)
{
	const char *begin = s;

	while (*s) {
		size_t n = temporary_prefix(s);

		if (n && (s == begin || !is_word(s[-1]))) {
			str_addn(out, s, n);
			str_addc(out, '#');
			s += n;
			s += strcspn(s, "/ \t\n'\":,");
			continue;
		}
		if (!is_word(*s)) {
			str_addc(out, *s++);
			continue;
		}
		for (n = 0; is_word(s[n]);)
			n++;
		add_word(out, s, n);
		s += n;
	}
}

/* `::h0123456789abcdef` of Rust's mangling. */
static size_t without_rust_hash(const char *s, size_t n)
{
	if (n < 19 || strncmp(s + n - 19, "::h", 3) != 0)
		return n;
	for (size_t i = n - 16; i < n; i++)
		if (!isxdigit((unsigned char)s[i]))
			return n;
	return n - 19;
}

static size_t without_compiler_suffix(const char *s, size_t n)
{
	static const char *const marks[] = { ".isra", ".part", ".constprop", ".cold", ".lto_priv", ".llvm", "@" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		const char *at = memmem(s, n, marks[i], strlen(marks[i]));

		if (at && at != s)
			n = (size_t)(at - s);
	}
	return n;
}

void signature_add_function(struct str *out, const char *s)
{
	size_t n = without_compiler_suffix(s, without_rust_hash(s, strlen(s)));
	int angle = 0, round = 0;

	/* "operator<", "operator()" and Python's <module>, <lambda> keep their signs. */
	if (*s == '<' || strstr(s, "operator")) {
		str_addn(out, s, n);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '<')
			angle++;
		else if (s[i] == '(')
			round++;
		if (!angle && !round)
			str_addc(out, s[i]);
		if (s[i] == '>' && angle)
			angle--;
		else if (s[i] == ')' && round)
			round--;
	}
}

void signature_add_file(struct str *out, const char *path)
{
	const char *slash = strrchr(path, '/');

	signature_add_text(out, slash ? slash + 1 : path);
}

void signature_make(char out[SIGNATURE_SIZE], const char *prefix, const void *p, size_t n)
{
	unsigned char hash[16];

	crypto_generichash(hash, sizeof(hash), p, n, NULL, 0);
	snprintf(out, SIGNATURE_SIZE, "%.7s%02x%02x%02x%02x%02x%02x%02x%02x", prefix, hash[0], hash[1],
		 hash[2], hash[3], hash[4], hash[5], hash[6], hash[7]);
}
