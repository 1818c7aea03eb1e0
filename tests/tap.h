/* SPDX-License-Identifier: Apache-2.0 */
/* tap.h - the smallest TAP 13 producer a C test needs. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_count, tap_failed;

__attribute__((format(printf, 4, 5), unused)) static bool tap_ok(bool pass, const char *file, int line,
								  const char *fmt, ...)
{
	va_list ap;

	printf("%sok %d - ", pass ? "" : "not ", ++tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	if (!pass) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return pass;
}

#define ok(cond, ...) tap_ok((cond), __FILE__, __LINE__, __VA_ARGS__)
#define is_int(got, want, ...)                                                                  \
	do {                                                                                    \
		long long got_ = (long long)(got), want_ = (long long)(want);                   \
		if (!tap_ok(got_ == want_, __FILE__, __LINE__, __VA_ARGS__))                    \
			printf("#   got %lld\n#  want %lld\n", got_, want_);                    \
	} while (0)
#define is_str(got, want, ...)                                                                  \
	do {                                                                                    \
		const char *got_ = (got), *want_ = (want);                                      \
		if (!tap_ok(got_ && want_ && strcmp(got_, want_) == 0, __FILE__, __LINE__,      \
			    __VA_ARGS__))                                                       \
			printf("#   got '%s'\n#  want '%s'\n", got_ ? got_ : "(null)",          \
			       want_ ? want_ : "(null)");                                       \
	} while (0)

/* Ends the test program: prints the plan, returns the exit code. */
__attribute__((unused)) static int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed ? 1 : 0;
}

#endif
